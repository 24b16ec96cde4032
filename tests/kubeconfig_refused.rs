//! Kubeconfig files that can't be changed: each case leaves the file as it was and says what is in the way.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use jumpgate::client::kubeconfig::{Entry, Error, Files, UserAuth, contexts, logout};
use zeroize::Zeroizing;

use crate::kubeconfig::{Home, NAME, sample, sign_in};
use crate::kubeconfig_property::entry;
use crate::support::script;

#[test]
fn entries_of_others_are_not_taken() {
    for (kind, line) in [("cluster", 7), ("context", 17), ("user", 29)] {
        let text = match kind {
            "cluster" => {
                sample("kubectl.yaml").replace("name: staging\ncontexts", "name: gate.example\ncontexts")
            }
            "context" => {
                sample("kubectl.yaml").replace("name: staging\ncurrent", "name: gate.example\ncurrent")
            }
            _ => sample("kubectl.yaml").replace("- name: staging-admin", "- name: gate.example"),
        };
        let home = Home::new();
        let path = home.write("config", &text);
        let error = sign_in(&home.list(&["config"])).unwrap_err();
        let shown = error.to_string();
        assert!(matches!(&error, Error::Taken { kind: k, .. } if *k == kind), "{shown}");
        assert!(
            shown.contains(&format!("config, line {line}: there is already a {kind} named \"gate.example\"")),
            "{shown}"
        );
        assert_eq!(fs::read_to_string(path).unwrap(), text);
    }
}

/// Files that nobody can read as a kubeconfig, and what is said about them.
#[test]
fn a_file_that_does_not_parse_is_left_alone() {
    let cases: [(&[u8], &str); 8] = [
        (b"kind: Config\nclusters: [ }\n", "line 2, column 11: "),
        (b"a: 1\nkind: Config\na: 2\n", "line 3, column 1: "),
        (b"a: 1\nb: \xff\n", "line 2, column 4: a byte that is not UTF-8"),
        (b"kind: Config\ncontexts: 5\n", "line 2: \"contexts\" is not a list"),
        (b"contexts:\n- just text\n", "line 1: \"contexts\" has an item that is not a mapping"),
        (b"- a\n", "line 1: the document is not a mapping"),
        (b"a: 1\n---\nb: 2\n", "line 3, column 1: "),
        (b"current-context: [a]\n", "line 1: \"current-context\" is not a name"),
    ];
    for (bytes, want) in cases {
        let home = Home::new();
        let path = home.path("config");
        fs::write(&path, bytes).unwrap();
        let files = home.list(&["config"]);
        let shown = sign_in(&files).unwrap_err().to_string();
        assert!(shown.contains("config, ") && shown.contains(want), "{shown}");
        assert!(shown.contains("left alone"), "{shown}");
        let change = logout(&files, None).unwrap();
        assert_eq!(change.failed.len(), 1);
        assert!(contexts(&files).is_err());
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(home.names(), ["config"]);
    }
}

#[test]
fn an_error_never_quotes_the_file() {
    let home = Home::new();
    for text in [
        "token: hunter2: x\n",
        "users:\n- hunter2: {\n",
        "x: 'hunter2\n",
        "hunter2: &a *b\n",
        "a: !hunter2 b\n",
    ] {
        home.write("config", text);
        if let Err(error) = sign_in(&home.list(&["config"])) {
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
        fs::remove_file(home.path("config")).unwrap();
    }
    let embedded = UserAuth::Embedded { cert_pem: "c".into(), key_pem: Zeroizing::new("hunter2".into()) };
    assert!(!format!("{:?}", Entry { auth: embedded, ..entry(NAME) }).contains("hunter2"));
}

/// Layouts in which our entries can't be told from others': refused by name and line, never guessed at.
#[test]
fn a_layout_that_spans_cannot_edit_is_refused() {
    let cases = [
        ("x: &c\n- name: a\ncontexts: *c\n", "line 3: contexts is an alias"),
        ("base: &b\n  contexts:\n  - name: a\n<<: *b\n", "contexts comes from a merge key"),
        (
            "contexts: &c\n- name: a\ncopy: *c\n",
            "line 1: changing our entries here would change other entries too",
        ),
        ("current-context: &x a\nname: *x\n", "line 1: changing our entries here would break the file"),
        ("? contexts\n: - name: a\n", "line 1: a key is not followed by its colon"),
    ];
    for (text, want) in cases {
        let home = Home::new();
        let path = home.write("config", text);
        let error = sign_in(&home.list(&["config"])).unwrap_err();
        assert!(matches!(error, Error::Layout { .. }) && error.to_string().contains(want), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(home.names(), ["config"]);
    }
}

#[test]
fn a_lock_of_another_program_is_named() {
    let home = Home::new();
    home.write("config", &sample("kind.yaml"));
    home.write("config.lock", "");
    let files = home.list(&["config"]);
    let shown = sign_in(&files).unwrap_err().to_string();
    assert!(shown.contains("config.lock is held by another program") && shown.contains("rm '"), "{shown}");
    assert_eq!(fs::read_to_string(home.path("config")).unwrap(), sample("kind.yaml"));
    assert_eq!(home.names(), ["config", "config.lock"]);
    // It only matters where something is to be written.
    assert!(logout(&files, None).unwrap().failed.is_empty());
}

/// Runs [`child`] in another process, through a shell that sets the scene.
#[cfg(unix)]
fn run_child(home: &Home, scene: &str, file: &Path) -> String {
    // A user without rights must be able to run it, wherever the build is.
    let program = home.path("stories");
    script::copy(&std::env::current_exe().unwrap(), &program);
    let output: Output = Command::new("sh")
        .args(["-c", &format!("{scene} exec $RUN \"$0\" \"$@\"")])
        .arg(&program)
        .args(["kubeconfig_refused::child", "--exact", "--nocapture"])
        .env("JUMPGATE_TEST_FILE", file)
        .output()
        .unwrap();
    fs::remove_file(program).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let result = text.lines().find_map(|line| line.split_once("RESULT: "));
    let seen = || panic!("{output:?}");
    result.map_or_else(seen, |(_, rest)| rest.replace(home.folder.path().to_str().unwrap(), "~"))
}

/// The other process of [`run_child`]; in the first one there is nothing to do.
#[test]
fn child() {
    let Some(file) = std::env::var_os("JUMPGATE_TEST_FILE") else { return };
    let files = Files::single(file.into());
    let files = files.lock_wait(Duration::from_millis(100));
    match sign_in(&files) {
        Ok(change) => println!("\nRESULT: {:?} -> {:?}", change.old_context, change.new_context),
        Err(error) => println!("\nRESULT: {error}"),
    }
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_file_as_it_was() {
    let home = Home::new();
    let text = format!("{}# {}\n", sample("kind.yaml"), "x".repeat(40_000));
    let path = home.write("config", &text);
    let shown = run_child(&home, "trap '' XFSZ; ulimit -f 16; RUN=;", &path);
    insta::assert_snapshot!("kubeconfig_disk_full", shown);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    assert_eq!(home.names(), ["config"]);
}

/// What a user without rights meets. Root ignores modes, so as root the other process is somebody else.
#[cfg(unix)]
#[test]
fn without_permission_nothing_happens() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let chmod = |path: &Path, bits: u32| fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
    chmod(home.folder.path(), 0o755);
    let id = |arg: &str| String::from_utf8(Command::new("id").arg(arg).output().unwrap().stdout).unwrap();
    let root = id("-u").trim() == "0";
    let scene = if root { "RUN='setpriv --reuid=65534 --regid=65534 --clear-groups --';" } else { "RUN=;" };
    let give = |path: &Path| {
        if root {
            std::os::unix::fs::chown(path, Some(65534), Some(65534)).unwrap();
        }
    };
    let folder = home.path("kube");
    let config = folder.join("config");
    fs::create_dir(&folder).unwrap();
    fs::write(&config, sample("kind.yaml")).unwrap();
    give(&folder);
    give(&config);

    chmod(&config, 0o000);
    insta::assert_snapshot!("kubeconfig_unreadable", run_child(&home, scene, &config));
    chmod(&config, 0o444);
    insta::assert_snapshot!("kubeconfig_read_only_file", run_child(&home, scene, &config));
    chmod(&config, 0o600);
    chmod(&folder, 0o500);
    insta::assert_snapshot!("kubeconfig_read_only_folder", run_child(&home, scene, &config));
    assert_eq!(fs::read_to_string(&config).unwrap(), sample("kind.yaml"));
    insta::assert_snapshot!("kubeconfig_no_folder", run_child(&home, scene, &folder.join("deeper/config")));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    chmod(&folder, 0o700);
    assert_eq!(run_child(&home, scene, &config), "Some(\"kind-kind\") -> Some(\"gate.example\")");
}

#[test]
fn a_thing_that_is_no_file_is_refused() {
    let home = Home::new();
    fs::create_dir(home.path("config")).unwrap();
    let shown = sign_in(&home.list(&["config"])).unwrap_err().to_string();
    assert!(shown.starts_with("cannot read ") && shown.contains("directory"), "{shown}");
    if cfg!(unix) {
        let error = sign_in(&Files::single("/dev/null".into())).unwrap_err().to_string();
        assert!(error.contains("/dev/null"), "{error}");
    }
}
