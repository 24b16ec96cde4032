//! Any kubeconfig: login changes what it should and no other byte, and logout takes it all back.

use std::path::{Path, PathBuf};

use jumpgate::client::kubeconfig::{Entry, Error, Files, Owner, UserAuth, login, logout};
use proptest::prelude::*;
use serde_json::{Value, json};

const LISTS: [&str; 3] = ["clusters", "contexts", "users"];

/// An entry as `tsh login` makes it.
pub(crate) fn entry(name: &str) -> Entry {
    Entry {
        name: name.into(),
        server: format!("https://{name}:3026"),
        ca_pem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into(),
        insecure_skip_tls_verify: false,
        tls_server_name: None,
        auth: UserAuth::Exec {
            command: PathBuf::from("/usr/local/bin/tsh"),
            args: vec!["kube".into(), "credentials".into(), format!("--proxy={name}:3080")],
            env: vec![("TELEPORT_HOME".into(), "/home/a/.tsh".into())],
        },
        namespace: None,
        owner: Owner { profile: name.into() },
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
        for line in old.split('\n').filter(|line| !changed(line)) {
            let line = line.trim_end_matches('\r');
            // An item added to a flow list comes before the end of some line.
            let same = |other: &str| {
                let other = other.trim_end_matches('\r');
                let kept = line.trim_end_matches([']', '}', ',', ' ']);
                other == line || kept != line && (subsequence(line, other) || other.starts_with(kept))
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
pub(crate) fn live(folder: &Path, bytes: &[u8], may_refuse: bool) {
    let path = folder.join("config");
    std::fs::write(&path, bytes).unwrap();
    let files = Files::single(path.clone());
    let now = || std::fs::read(&path).unwrap();
    let (a, b) = (entry("gate.example"), entry("other.example"));
    let before = read(bytes);
    match login(&files, std::slice::from_ref(&a), Some("gate.example")) {
        Err(Error::Layout { .. }) if may_refuse => {
            assert_eq!(now(), bytes, "a refused file is left alone");
            return;
        }
        done => done.map(drop).unwrap(),
    }
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
            live(folder.path(), variant.as_bytes(), false);
            seen += 1;
        }
    }
    assert!(seen >= 50, "{seen}");
}

/// How a generated document is written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Block,
    /// JSON over several lines, with this indentation.
    Pretty(&'static str),
    /// JSON on one line.
    Compact,
}

/// One list of a generated document.
#[derive(Debug, Clone)]
enum List {
    Missing,
    /// Text after the colon that means "nothing here".
    Empty(&'static str),
    Block {
        indented: bool,
        items: Vec<String>,
    },
    /// Items, the blanks after the opening bracket, a comma at the end, one line each.
    Flow {
        items: Vec<String>,
        blank: bool,
        comma: bool,
        lines: bool,
    },
}

fn block_item(key: &'static str) -> impl Strategy<Value = String> {
    let noun = &key[..key.len() - 1];
    prop_oneof![
        Just(format!("- {noun}:\n    a: NAME # why\n    b: 'it''s'\n  name: NAME")),
        Just(format!(
            "- name: NAME\n  {noun}:\n    extensions:\n    - extension: {{v: [1, 2]}}\n      name: x"
        )),
        Just(format!("-\n  # about NAME\n  name: \"NAME\"\n  {noun}: {{a: 'b', c: [d, ]}}")),
        Just(format!("- # first\n  {noun}: null\n  name: NAME")),
        Just(format!("- {{name: NAME, {noun}: {{server: 'https://NAME:1'}}}} # end")),
        Just(format!("- name: NAME\n  unknown: |+\n    text\n\n    # no comment\n  {noun}:\n    empty:")),
        Just(format!("- name: NAME\n  {noun}:\n    folded: >-\n      a\n      b")),
        Just(format!("- name: NAME\n  {noun}: {{}}\n  # commented: out\n   # and: deeper")),
        Just(format!("- name: NAME\n  unknown: yes\n\n  {noun}:\n    text: over two\n      lines\n")),
        Just("- name: NAME\n  é: \"\\u00e9 — ü\"".to_owned()),
    ]
}

fn flow_item(key: &'static str) -> impl Strategy<Value = String> {
    let noun = &key[..key.len() - 1];
    prop_oneof![
        Just(format!("{{\"name\": \"NAME\", \"{noun}\": {{\"a\": [1, 2.5, null, true]}}}}")),
        Just(format!("{{ \"{noun}\" : {{ }},\"name\":\"NAME\" }}")),
        Just(format!("{{\"{noun}\": null, \"name\": \"NAME\", \"é\": \"a, b] }} #\"}}")),
    ]
}

fn named(items: Vec<String>) -> Vec<String> {
    items.into_iter().enumerate().map(|(i, text)| text.replace("NAME", &format!("n{i}.x"))).collect()
}

fn list(key: &'static str, json: bool) -> BoxedStrategy<List> {
    let empty = if json {
        prop_oneof![Just(" null"), Just(" []"), Just("[ ]"), Just(":")].boxed()
    } else {
        prop_oneof![
            Just(""),
            Just(" null"),
            Just(" ~"),
            Just(" []"),
            Just("   [ ]"),
            Just(" # none"),
            Just(" [] # none yet"),
            Just(" null   "),
        ]
        .boxed()
    };
    let flow = (prop::collection::vec(flow_item(key), 1..4), any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(move |(items, blank, comma, lines)| List::Flow {
            items: named(items),
            blank,
            comma: comma && !json,
            lines,
        });
    let fill = if json {
        flow.boxed()
    } else {
        let block = (any::<bool>(), prop::collection::vec(block_item(key), 1..4))
            .prop_map(|(indented, items)| List::Block { indented, items: named(items) });
        prop_oneof![3 => block, 1 => flow].boxed()
    };
    prop_oneof![1 => Just(List::Missing), 2 => empty.prop_map(List::Empty), 4 => fill].boxed()
}

fn shift(text: &str, by: &str) -> String {
    text.split('\n')
        .map(|l| if l.is_empty() { String::new() } else { format!("{by}{l}") })
        .collect::<Vec<_>>()
        .join("\n")
}

fn flow_text(items: &[String], blank: bool, comma: bool, indent: Option<(&str, &str)>) -> String {
    let end = if comma { "," } else { "" };
    match indent {
        Some((own, inner)) => {
            let lines: Vec<String> = items.iter().map(|item| format!("\n{inner}{item}")).collect();
            format!("[{}{end}\n{own}]", lines.join(","))
        }
        None if blank => format!("[ {}{end} ]", items.join(" , ")),
        None => format!("[{}{end}]", items.join(",")),
    }
}

/// The parts of a document in some order, as text.
fn document() -> impl Strategy<Value = (String, bool)> {
    let shape = prop_oneof![
        4 => Just(Shape::Block),
        1 => prop_oneof![Just("  "), Just("    "), Just("\t")].prop_map(Shape::Pretty),
        1 => Just(Shape::Compact),
    ];
    shape.prop_flat_map(|shape| {
        let json = shape != Shape::Block;
        let lists = (list("clusters", json), list("contexts", json), list("users", json));
        let current = if json {
            prop_oneof![
                Just(None),
                Just(Some(" \"\"")),
                Just(Some("\"n0.x\"")),
                Just(Some(" null")),
                Just(Some(" \"é\""))
            ]
        } else {
            prop_oneof![
                Just(None),
                Just(Some("")),
                Just(Some(" n0.x")),
                Just(Some("  'n0.x' # mine")),
                Just(Some(" \"\""))
            ]
        };
        let extras = if json {
            vec!["\"kind\": \"Config\"", "\"x\": {\"a\": [ ]}", "\"preferences\":{}"]
        } else {
            vec![
                "kind: Config",
                "# a comment",
                "",
                "    # deep comment",
                "x-data: &anchor {a: 'b'}\nx-copy: *anchor",
                "preferences:\n  colors: true",
                "x-text: |\n  clusters:\n  - no cluster",
                "'quoted key': \"# no comment\"",
                "x-list:\n- 1\n-\n- - 2",
            ]
        };
        let extras = prop::sample::subsequence(extras.clone(), 0..=extras.len());
        (Just(shape), lists, current, extras, any::<u64>(), any::<[bool; 4]>()).prop_map(
            |(shape, (clusters, contexts, users), current, extras, seed, flags)| {
                write(shape, [clusters, contexts, users], current, extras, seed, flags)
            },
        )
    })
}

/// Puts keys in an order that the seed decides, and dresses the text.
fn write(
    shape: Shape,
    lists: [List; 3],
    current: Option<&str>,
    extras: Vec<&str>,
    seed: u64,
    [crlf, bom, end, head]: [bool; 4],
) -> (String, bool) {
    let mut parts: Vec<String> = extras.into_iter().map(str::to_owned).collect();
    let json = shape != Shape::Block;
    let unit = if let Shape::Pretty(unit) = shape { unit } else { "  " };
    for (key, list) in LISTS.into_iter().zip(lists) {
        let name = if json { format!("\"{key}\"") } else { key.to_owned() };
        let flow_indent = match shape {
            Shape::Block => Some(("  ", "    ")),
            Shape::Pretty(unit) => Some((unit, if unit == "\t" { "\t\t" } else { "        " })),
            Shape::Compact => None,
        };
        match list {
            List::Missing => {}
            List::Empty(text) => parts.push(format!("{name}:{}", if text == ":" { "[]" } else { text })),
            List::Block { indented, items } => {
                let by = if indented { "    " } else { "" };
                let items: Vec<String> = items.iter().map(|item| shift(item, by)).collect();
                parts.push(format!("{name}:\n{}", items.join("\n")));
            }
            List::Flow { items, blank, comma, lines } => {
                let text = flow_text(&items, blank, comma, flow_indent.filter(|_| lines));
                parts.push(format!("{name}: {text}"));
            }
        }
    }
    if let Some(current) = current {
        parts.push(if json {
            format!("\"current-context\":{current}")
        } else {
            format!("current-context:{current}")
        });
    }
    let mut seed = seed;
    for i in (1..parts.len()).rev() {
        parts.swap(i, (seed % (i as u64 + 1)) as usize);
        seed = seed.rotate_right(7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    let mut text = match shape {
        Shape::Block => {
            let head = if head { "# head\n---\n" } else { "" };
            format!("{head}{}", parts.join("\n"))
        }
        Shape::Pretty(_) => {
            let lines: Vec<String> = parts.iter().map(|part| format!("\n{unit}{part}")).collect();
            format!("{{{}\n}}", lines.join(","))
        }
        Shape::Compact => format!("{{{}}}", parts.join(",")),
    };
    if end {
        text.push('\n');
    }
    if crlf {
        text = text.replace('\n', "\r\n");
    }
    if bom {
        text.insert(0, '\u{feff}');
    }
    (text, json)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(100),
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn generated_files((text, _) in document()) {
        let folder = tempfile::tempdir().unwrap();
        live(folder.path(), text.as_bytes(), false);
    }
}
