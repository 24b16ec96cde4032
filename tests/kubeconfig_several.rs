//! Lists of several files, and writers that wait for nobody: the laws of one file hold for each of them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

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

/// kubectl does not wait for a lock and truncates the file in place. Whatever it does, no write of ours is lost to
/// another of ours, and what it leaves can be read.
#[test]
fn kubectl_writes_between_ours() {
    const OURS: usize = 50;
    let home = Home::new();
    let path = home.write("config", &sample("kubectl.yaml"));
    let ended = AtomicBool::new(false);
    let written = AtomicUsize::new(0);
    let kubectl = |kubectl: Kubectl, i: usize| {
        let output = Command::new(kubectl.path())
            .args(["config", "set", &format!("clusters.theirs{i}.server"), "https://theirs.example"])
            .env("KUBECONFIG", &path)
            .env("HOME", home.folder.path())
            .output()
            .unwrap();
        // It gives up when it meets a lock: ours or its own.
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() || said.contains("lock"), "{said}");
        written.fetch_add(usize::from(output.status.success()), Ordering::Relaxed);
    };
    std::thread::scope(|scope| {
        for which in Kubectl::ALL {
            let (kubectl, ended, written) = (&kubectl, &ended, &written);
            scope.spawn(move || {
                for i in (which as usize..).step_by(2) {
                    if ended.load(Ordering::Relaxed) && written.load(Ordering::Relaxed) > 0 {
                        break;
                    }
                    kubectl(which, i);
                }
            });
        }
        let ours: Vec<_> = (0..OURS)
            .map(|i| {
                let files = Files::single(path.clone()).lock_wait(Duration::from_secs(60));
                scope.spawn(move || sign_in_until_done(&files, &format!("gate{i}.example")))
            })
            .collect();
        ours.into_iter().for_each(|thread| thread.join().unwrap());
        ended.store(true, Ordering::Relaxed);
    });
    let files = Files::single(path.clone());
    let names: Vec<String> = contexts(&files).unwrap().into_iter().map(|c| c.name).collect();
    for name in (0..OURS).map(|i| format!("gate{i}.example")).chain(["production".into(), "staging".into()]) {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    assert!(!Path::new(&format!("{}.lock", path.display())).exists());
}

/// The only answers that are not "done" are sentences that say to run it again.
fn sign_in_until_done(files: &Files, name: &str) {
    for _ in 0..50 {
        match login(files, &[entry(name)], None) {
            Ok(_) => return,
            Err(Error::Changed { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("{name} never came to write");
}
