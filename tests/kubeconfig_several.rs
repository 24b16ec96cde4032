//! Lists of several files, and writers that wait for nobody: the laws of one file hold for each of them.

use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jumpgate::client::kubeconfig::{Error, Files, contexts, login, logout};
use proptest::prelude::*;
use serde_json::Value;

use crate::kubeconfig::{Home, NAME, sample};
use crate::kubeconfig_property::{entry, shapes};
use crate::support::world::Kubectl;

/// A file of a list.
#[derive(Debug, Clone)]
enum Given {
    Missing,
    Text(String),
}

fn given() -> impl Strategy<Value = Given> {
    prop_oneof![
        1 => Just(Given::Missing),
        1 => Just(Given::Text(String::new())),
        1 => Just(Given::Text("contexts: [ }\n".into())),
        6 => shapes::document().prop_map(Given::Text),
    ]
}

/// What stands in each file now; nothing where there is none.
fn now(home: &Home, count: usize) -> Vec<Option<String>> {
    (0..count).map(|i| fs::read_to_string(home.path(&i.to_string())).ok()).collect()
}

fn parses(text: &str) -> bool {
    serde_yaml::from_str::<Value>(text.trim_start_matches('\u{feff}')).is_ok()
}

fn several(list: &[Given]) {
    let home = Home::new();
    for (i, given) in list.iter().enumerate() {
        if let Given::Text(text) = given {
            home.write(&i.to_string(), text);
        }
    }
    let names: Vec<String> = (0..list.len()).map(|i| i.to_string()).collect();
    let files = home.list(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let before = now(&home, list.len());
    let broken = before.iter().flatten().any(|text| !parses(text));
    let old = files.current_context();
    match login(&files, &[entry(NAME), entry("other.example")], Some(NAME)) {
        Err(Error::Unparsable { .. }) => {
            assert!(broken);
            assert_eq!(now(&home, list.len()), before, "with one broken file, none changes");
            return;
        }
        Err(error) => panic!("{error}"),
        Ok(change) => {
            assert!(!broken);
            assert_eq!(change.old_context, old.unwrap());
            assert_eq!(files.current_context().unwrap().as_deref(), Some(NAME));
            // By kubectl's rule, new entries go to one file: the first that is there, else the last.
            let first = before.iter().position(Option::is_some).unwrap_or(list.len() - 1);
            assert_eq!(change.files, [home.path(&first.to_string())]);
            for (i, (old, new)) in before.iter().zip(now(&home, list.len())).enumerate() {
                assert!(i == first || *old == new, "file {i}");
            }
        }
    }
    let first = now(&home, list.len());
    // Whichever file they stand in, they are changed there.
    let turned: Vec<&str> = names.iter().rev().map(String::as_str).collect();
    let change = login(&home.list(&turned), &[entry(NAME), entry("other.example")], None).unwrap();
    assert!(change.files.is_empty(), "{:?}", change.files);
    assert_eq!(contexts(&files).unwrap().iter().filter(|c| c.owner.is_some()).count(), 2);
    for order in [[NAME, "other.example"], ["other.example", NAME]] {
        for profile in order {
            assert!(logout(&files, Some(profile)).unwrap().failed.is_empty());
        }
        let after = now(&home, list.len());
        for (i, (old, new)) in before.iter().zip(&after).enumerate() {
            // A file that login had to make stays, as an empty kubeconfig.
            assert!(
                old == new || old.is_none() && new.as_ref().is_some_and(|text| text.contains("contexts: []")),
                "file {i}: {new:?}"
            );
        }
        login(&files, &[entry(NAME), entry("other.example")], Some(NAME)).unwrap();
        if before.iter().any(Option::is_some) {
            assert_eq!(now(&home, list.len()), first, "a login is the same each time");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(100),
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn lists_of_files(list in prop::collection::vec(given(), 2..5)) {
        several(&list);
    }
}

/// An entry that was spread over files by hand is changed where each part is, and comes out of each.
#[test]
fn entries_in_several_files_stay_there() {
    let home = Home::new();
    let files = home.list(&["a", "b", "c"]);
    home.write("a", &sample("kind.yaml"));
    login(&files, &[entry(NAME)], Some(NAME)).unwrap();
    let text = fs::read_to_string(home.path("a")).unwrap();
    // The user moves to another file.
    let at = text.rfind("- name: gate.example\n").unwrap();
    home.write("a", &text[..at]);
    home.write("b", &sample("kubectl.yaml"));
    home.write("c", &format!("apiVersion: v1\nkind: Config\nusers:\n{}", &text[at..]));
    let mut moved = entry(NAME);
    moved.auth = entry("elsewhere").auth;
    let change = login(&files, &[moved], None).unwrap();
    assert_eq!(change.files, [home.path("c")]);
    let change = logout(&files, None).unwrap();
    assert_eq!(change.files.len(), 2);
    assert_eq!(fs::read_to_string(home.path("a")).unwrap(), sample("kind.yaml"));
    assert_eq!(fs::read_to_string(home.path("b")).unwrap(), sample("kubectl.yaml"));
    assert!(!fs::read_to_string(home.path("c")).unwrap().contains("gate.example"));
}

/// Writers of ours and kubectls at once. A kubectl takes the lock too, but reads before that, truncates in place, and takes
/// out whatever came into the file after it had read: so of ours only a write that fell into a kubectl's run may be
/// missing, none is lost to another of ours, what is there is whole, and none of kubectl's is lost to ours.
#[test]
fn kubectl_writes_between_ours() {
    const OURS: usize = 50;
    let home = Home::new();
    let path = home.write("config", &sample("kubectl.yaml"));
    let ended = AtomicBool::new(false);
    let runs: Mutex<Vec<(String, Instant, Instant)>> = Mutex::default();
    let kubectl = |kubectl: Kubectl, name: &str| {
        let begin = Instant::now();
        let output = Command::new(kubectl.path())
            .args(["config", "set", &format!("clusters.{name}.server"), "https://theirs.example:6443"])
            .env("KUBECONFIG", &path)
            .env("HOME", home.folder.path())
            .output()
            .unwrap();
        // It gives up when it meets a lock, and when it reads what the other kubectl has written half of.
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let known = ["lock", "error loading config file"].iter().any(|text| said.contains(text));
        assert!(output.status.success() || known, "{said}");
        if output.status.success() {
            runs.lock().unwrap().push((name.to_owned(), begin, Instant::now()));
        }
    };
    let ours: Vec<(String, Instant)> = std::thread::scope(|scope| {
        for which in Kubectl::ALL {
            let (kubectl, ended, runs) = (&kubectl, &ended, &runs);
            scope.spawn(move || {
                for i in 0.. {
                    if ended.load(Ordering::Relaxed) && !runs.lock().unwrap().is_empty() {
                        break;
                    }
                    kubectl(which, &format!("theirs-{which:?}-{i}"));
                }
            });
        }
        let ours: Vec<_> = (0..OURS)
            .map(|i| {
                let files = Files::single(path.clone()).lock_wait(Duration::from_secs(60));
                let name = format!("gate{i}.example");
                scope.spawn(move || {
                    login(&files, &[entry(&name)], None).unwrap();
                    (name, Instant::now())
                })
            })
            .collect();
        let ours = ours.into_iter().map(|thread| thread.join().unwrap()).collect();
        ended.store(true, Ordering::Relaxed);
        ours
    });
    let runs = runs.into_inner().unwrap();
    // Between the write and the note of it a busy machine may do other things for a while.
    let slack = Duration::from_secs(1);
    let in_a_run = |name: &str, at: Instant| {
        runs.iter().any(|(other, begin, end)| other != name && *begin < at && *end + slack > at)
    };
    let files = Files::single(path.clone());
    let value: Value = serde_yaml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let has =
        |list: &str, name: &str| value[list].as_array().unwrap().iter().any(|item| item["name"] == name);
    for (name, at) in &ours {
        let there = ["clusters", "contexts", "users"].map(|list| has(list, name));
        assert!(there == [true; 3] || there == [false; 3] && in_a_run(name, *at), "{name}: {there:?}");
    }
    for (name, _, end) in &runs {
        assert!(has("clusters", name) || in_a_run(name, *end), "{name} was lost");
    }
    assert!(has("contexts", "production") && has("users", "staging-admin"));
    assert_eq!(home.names(), ["config", "config.jumpgate.bak"], "no lock and no temporary file is left");
    // Once kubectl is quiet, all of ours come and stay.
    for (name, _) in &ours {
        login(&files, &[entry(name)], None).unwrap();
    }
    let count = contexts(&files).unwrap().into_iter().filter(|c| c.owner.is_some()).count();
    assert_eq!(count, OURS);
}
