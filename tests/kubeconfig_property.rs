//! Any kubeconfig: login changes what it should and no other byte, and logout takes it all back.

pub(crate) mod shapes;

use std::path::{Path, PathBuf};

use jumpgate::client::kubeconfig::{Entry, Error, Files, Owner, UserAuth, login, logout};
use proptest::prelude::*;
use serde_json::{Value, json};

const LISTS: [&str; 3] = ["clusters", "contexts", "users"];

/// An entry as `tsh login` makes it.
pub(crate) fn entry(name: &str) -> Entry {
    let auth = UserAuth::Exec {
        command: PathBuf::from("/usr/local/bin/tsh"),
        args: vec!["kube".into(), "credentials".into(), format!("--proxy={name}:3080")],
        env: vec![("TELEPORT_HOME".into(), "/home/a/.tsh".into())],
    };
    let ca_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into();
    Entry {
        ca_pem,
        ..Entry::new(name, &format!("https://{name}:3026"), auth, Owner { profile: name.into() })
    }
}

fn read(bytes: &[u8]) -> Value {
    let text = std::str::from_utf8(bytes).unwrap();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match serde_yaml::from_str(text).unwrap() {
        Value::Null => json!({}),
        value => value,
    }
}

/// Without the marks: what the entries say to kubectl.
fn plain(mut body: Value) -> Value {
    if let Some(map) = body.as_object_mut() {
        map.shift_remove("extensions");
    }
    body
}

fn items(value: &Value, list: &str) -> Vec<Value> {
    value[list].as_array().cloned().unwrap_or_default()
}

/// What a YAML parser must find after a login with `entry("gate.example")` that selects it.
fn check_login(before: &Value, after: &Value, name: &str) {
    for list in LISTS {
        let mut rest = items(after, list);
        let at = rest.iter().position(|item| item["name"] == name).expect(list);
        let ours = rest.remove(at);
        assert_eq!(rest, items(before, list), "{list}");
        assert!(ours[&list[..list.len() - 1]]["extensions"][0]["name"] == "jumpgate.dev/owner", "{ours}");
        match list {
            "clusters" => assert_eq!(ours["cluster"]["server"], format!("https://{name}:3026")),
            "contexts" => assert_eq!(plain(ours["context"].clone()), json!({"cluster": name, "user": name})),
            _ => {
                let exec = &ours["user"]["exec"];
                assert_eq!(exec["args"][2], format!("--proxy={name}:3080"));
                assert_eq!(exec["apiVersion"], "client.authentication.k8s.io/v1beta1");
                assert_eq!(exec["env"], json!([{"name": "TELEPORT_HOME", "value": "/home/a/.tsh"}]));
            }
        }
    }
    assert_eq!(after["current-context"], name);
    let rest = |value: &Value| {
        let mut map = value.as_object().unwrap().clone();
        map.retain(|key, _| key != "current-context" && !LISTS.contains(&key.as_str()));
        map
    };
    assert_eq!(rest(before), rest(after));
}

/// The old bytes must all be there in their order, but for the values that were replaced: `current-context` and lists
/// that were empty. In block style whole lines must be.
fn check_bytes(before: &[u8], after: &[u8]) {
    let (old, new) = (text(before), text(after));
    assert_eq!(old.starts_with('\u{feff}'), new.starts_with('\u{feff}'));
    let (old, new) = (old.trim_start_matches('\u{feff}'), new.trim_start_matches('\u{feff}'));
    let value = read(before);
    let replaced = |key: &str| key == "current-context" || items(&value, key).is_empty();
    let keys = || LISTS.into_iter().chain(["current-context"]).filter(|key| replaced(key));
    if !old.starts_with('{') {
        let changed = |line: &str| {
            let line = line.trim_start_matches(['"', '\'']);
            keys().any(|key| line.starts_with(key))
        };
        let mut rest = new.split('\n');
        // A value on lines of its own goes with its key's.
        let mut inside = false;
        let mut kept = |line: &&str| {
            inside = changed(line) || inside && line.starts_with(' ') && !line.trim_start().starts_with('#');
            !inside
        };
        for line in old.split('\n').filter(|line| kept(line)) {
            let line = line.trim_end_matches('\r');
            // An item added to a flow list comes before the end of some line.
            let same = |other: &str| {
                let other = other.trim_end_matches('\r');
                let kept = line.trim_end_matches([']', '}', ',', ' ']);
                other == line
                    || line.contains([']', '}']) && (subsequence(line, other) || other.starts_with(kept))
            };
            assert!(rest.any(same), "{line:?} is missing in\n{new}");
        }
        return;
    }
    let mut kept = old.to_owned();
    for key in keys() {
        if let Some(at) = kept.find(&format!("\"{key}\":")) {
            let from = at + key.len() + 3;
            let to = kept[from..].find([',', '}', '\n', '\r']).map_or(kept.len(), |i| from + i);
            kept.replace_range(from..to, "");
        }
    }
    assert!(subsequence(&kept, new), "bytes of {kept:?} are missing in\n{new}");
}

fn subsequence(short: &str, long: &str) -> bool {
    let mut rest = long.chars();
    short.chars().all(|c| rest.any(|other| other == c))
}

/// The whole life of a file: two logins, the same again, logouts in both orders.
fn live(folder: &Path, bytes: &[u8]) {
    let path = folder.join("config");
    std::fs::write(&path, bytes).unwrap();
    let files = Files::single(path.clone());
    let now = || std::fs::read(&path).unwrap();
    let (a, b) = (entry("gate.example"), entry("other.example"));
    let before = read(bytes);
    login(&files, std::slice::from_ref(&a), Some("gate.example")).unwrap();
    let first = now();
    check_login(&before, &read(&first), "gate.example");
    check_bytes(bytes, &first);
    if bytes.windows(2).any(|w| w == b"\r\n") {
        let bare = first.iter().enumerate().filter(|(i, b)| **b == b'\n' && first[i - 1] != b'\r').count();
        assert_eq!(bare, 0, "line breaks are the file's own");
    }
    assert!(login(&files, std::slice::from_ref(&a), Some("gate.example")).unwrap().files.is_empty());
    for order in [["gate.example", "other.example"], ["other.example", "gate.example"]] {
        login(&files, std::slice::from_ref(&b), Some("other.example")).unwrap();
        check_login(&read(&first), &read(&now()), "other.example");
        for profile in order {
            let change = logout(&files, Some(profile)).unwrap();
            assert!(change.failed.is_empty(), "{:?}", change.failed);
            assert_eq!(change.removed, [profile]);
        }
        assert_eq!(text(&now()), text(bytes), "logout in the order {order:?}");
        login(&files, std::slice::from_ref(&a), Some("gate.example")).unwrap();
        assert_eq!(text(&now()), text(&first), "a login is the same each time");
    }
    login(&files, &[a.clone(), b], None).unwrap();
    logout(&files, None).unwrap();
    assert_eq!(text(&now()), text(bytes));
    login(&files, &[a, entry("third.example")], None).unwrap();
    logout(&files, None).unwrap();
    assert_eq!(text(&now()), text(bytes));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Every sample as it is, with Windows line breaks, with a byte-order mark, without its last line break.
#[test]
fn samples_of_other_tools() {
    let folder = tempfile::tempdir().unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kubeconfig");
    let mut seen = 0;
    for sample in std::fs::read_dir(samples).unwrap() {
        let sample = std::fs::read_to_string(sample.unwrap().path()).unwrap();
        for variant in [
            sample.clone(),
            sample.replace('\n', "\r\n"),
            format!("\u{feff}{sample}"),
            sample.trim_end().to_owned(),
            format!("\u{feff}{}", sample.trim_end().replace('\n', "\r\n")),
        ] {
            live(folder.path(), variant.as_bytes());
            seen += 1;
        }
    }
    assert!(seen >= 50, "{seen}");
}

/// Layouts that are rare, and were wrong once or could be.
#[test]
fn odd_layouts() {
    let folder = tempfile::tempdir().unwrap();
    for text in [
        "\u{feff}",
        "\r\n\r\n",
        "# nothing",
        "---",
        "--- # start\n\n",
        "{}",
        "{ }\n# end",
        "kind: Config\n...\n",
        "  kind: Config\n  contexts:\n    - name: a\n",
        "contexts:\n- name: a\n  text: >-\nkind: Config\n",
        "contexts:\n- name: a\n  text: |+\n\n\n# c\nusers:\n-\n  name: a",
        "current-context: |-\n  a\n\ncontexts:\n- name: a\n",
        "current-context:\n  a\ncontexts: # none\n  null\n",
        "current-context:\t\"a\"\t# c\ncontexts:\n-\tname: a\n",
        "contexts: &all\n- name: a\nkind: Config\n",
        "contexts:\n- &a\n  name: a\n- <<: *a\n  name: b\ncurrent-context: &x b\n",
        "contexts: [{name: a}, # first\n {name: b} # second\n]\n",
        "{contexts: [{name: a,},], \"users\": [], # end\n}",
        "users:\n- name: 123\n- name: on\ncurrent-context: 123\n",
        "users:\n  # above\n\n- name: a\n\n  # below, deeper\n# below\n\nkind: Config\n",
        "%YAML 1.2\n---\nkind: Config\n",
    ] {
        live(folder.path(), text.as_bytes());
    }
}

fn samples() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kubeconfig");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// How many characters go, and what comes in their place.
fn damage() -> impl Strategy<Value = (usize, &'static str)> {
    let new = prop::sample::select(vec![
        "",
        "",
        " ",
        "\n",
        "- ",
        "# ",
        ":",
        ": ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "'",
        "\"",
        "&x ",
        "*x",
        "*auth",
        "!t ",
        "|",
        ">-\n",
        "? ",
        "\r",
        "\t",
        "---\n",
        "...\n",
        "é",
        "\u{feff}",
        "~",
        "null",
        "<<: ",
        "contexts:\n",
        "\n\n",
        "a",
        "%",
    ]);
    (prop_oneof![4 => 0usize..4, 1 => 0usize..60], new)
}

fn survive(text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    std::fs::write(&path, text).unwrap();
    let files = Files::single(path.clone());
    let now = || std::fs::read_to_string(&path).unwrap();
    match login(&files, &[entry("gate.example")], Some("gate.example")) {
        Ok(_) => {
            check_login(&read(text.as_bytes()), &read(now().as_bytes()), "gate.example");
            let change = logout(&files, None).unwrap();
            assert!(change.failed.is_empty(), "{:?} for {text}\n{}", change.failed, now());
            assert_eq!(now(), text);
        }
        Err(Error::Unparsable { .. } | Error::NotKubeconfig { .. } | Error::Layout { .. }) => {
            assert_eq!(now(), text);
        }
        Err(other) => panic!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(100),
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..ProptestConfig::default()
    })]

    /// Whatever a file holds: it is edited and comes back byte for byte, or is refused and left alone.
    #[test]
    fn damaged_samples(at in any::<prop::sample::Selector>(), cuts in prop::collection::vec((any::<u16>(), damage()), 1..4)) {
        let mut text = at.select(samples());
        for (at, (len, new)) in cuts {
            let mut from = at as usize % (text.len() + 1);
            while !text.is_char_boundary(from) {
                from -= 1;
            }
            let to = text[from..].char_indices().nth(len).map_or(text.len(), |(i, _)| from + i);
            text.replace_range(from..to, new);
        }
        survive(&text);
    }

    #[test]
    fn generated_files(text in shapes::document()) {
        let folder = tempfile::tempdir().unwrap();
        live(folder.path(), text.as_bytes());
    }
}
