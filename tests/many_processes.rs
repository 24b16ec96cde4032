//! 200 processes of mixed commands on one home, while a person signs in again and again: at the end everything is whole.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use jumpgate::demo::browser::Consent;

use crate::support::world::{Kubectl, Run, World};

const PROCESSES: usize = 200;
const BEFORE: &str = "apiVersion: v1\nkind: Config\n# mine\nclusters:\n- {name: o, cluster: {server: 'https://o'}}\ncontexts:\n\
- {name: o, context: {cluster: o, user: o}}\nusers: []\ncurrent-context: o\n";

/// What one of the processes may say: it did its work, there was nothing to do it with, or a login is needed.
fn check(run: &Run, args: &[&str]) {
    assert!([0, 1, 3].contains(&run.code), "{args:?} ended with {}: {}", run.code, run.stderr);
    for never in ["panicked", "does not parse", "do not belong together", "No such file"] {
        assert!(!run.stderr.contains(never), "{args:?}: {}", run.stderr);
    }
    // Nobody being logged in is `status`'s answer, not an error.
    if run.code != 0 && args != ["status"] {
        let known = [
            "obody is logged in",
            "already logged out",
            "no longer",
            "has expired",
            "of which there is no",
            "came in between, so the new certificate is not kept",
        ];
        assert!(known.iter().any(|text| run.stderr.contains(text)), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn two_hundred_processes_on_one_home_leave_it_whole() {
    let world = World::with_connector();
    fs::create_dir_all(world.home().join(".kube")).expect("a folder");
    fs::write(world.kubeconfig(), BEFORE).expect("a kubeconfig");
    world.login();
    let proxy = world.proxy();
    let commands: [&[&str]; 8] = [
        &["kube", "credentials", &proxy, "--user=alice", "--no-login"],
        &["kube", "login", &proxy],
        &["status"],
        &["login", &proxy, "--renew"],
        &["kube", "credentials", &proxy, "--user=alice", "--no-login"],
        &["kube", "logout", &proxy],
        &["kube", "use", "o"],
        &["logout", &proxy, "--user=alice"],
    ];
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= PROCESSES {
                        return;
                    }
                    // A logout is rare, so that the others find something to do.
                    let which = if number % 40 == 39 { 7 } else { number % 7 };
                    let args = commands[which];
                    check(&Run::of(world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), args)), args);
                }
            });
        }
        scope.spawn(|| {
            while next.load(Ordering::Relaxed) < PROCESSES {
                world.login_as("alice", Consent::Approve, &["--force"]).0.succeeds();
            }
        });
    });

    world.login_as("alice", Consent::Approve, &["--force"]).0.succeeds();
    world.tsh(&["status"]).succeeds().says("Logged in as: alice");
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("shell");
    let text = fs::read_to_string(world.kubeconfig()).expect("a kubeconfig");
    assert!(text.contains("# mine\nclusters:\n- {name: o, cluster: {server: 'https://o'}}\n"), "{text}");
    world.tsh(&["kube", "use", "o"]).succeeds();
    world.tsh(&["logout"]).succeeds();
    assert_eq!(fs::read_to_string(world.kubeconfig()).expect("a kubeconfig"), BEFORE);
    for (path, bytes) in world.home_files() {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(!name.starts_with(".new-") && name != "config.lock", "{} is left", path.display());
        assert!(
            !String::from_utf8_lossy(&bytes).contains("PRIVATE KEY"),
            "a key is left in {}",
            path.display()
        );
    }
}

/// kubectl reads before it takes the lock, and truncates in place: what it takes out of the file is not ours to keep. But what is
/// there is whole, and ours come back with the next command and stay.
#[test]
fn kubectls_that_write_between_our_processes_leave_a_file_that_parses() {
    const OURS: usize = 60;
    let world = World::with_connector();
    world.login();
    let proxy = world.proxy();
    let (next, left) = (AtomicUsize::new(0), AtomicUsize::new(4));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= OURS {
                        break;
                    }
                    let args: &[&str] = match number % 3 {
                        0 => &["kube", "login", &proxy],
                        1 => &["kube", "logout", &proxy],
                        _ => &["login", &proxy, "--keep-context"],
                    };
                    let run = Run::of(world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), args));
                    // It may meet the half that a kubectl has written.
                    let known = ["is no kubeconfig", "does not parse", "changed while"];
                    let done = run.code == 0 || known.iter().any(|text| run.stderr.contains(text));
                    assert!(done || run.stderr.contains("of which there is no"), "{args:?}: {}", run.stderr);
                }
                left.fetch_sub(1, Ordering::Relaxed);
            });
        }
        for which in Kubectl::ALL {
            let (world, left) = (&world, &left);
            scope.spawn(move || {
                let mut number = 0;
                while left.load(Ordering::Relaxed) > 0 {
                    number += 1;
                    let key = format!("clusters.theirs-{which:?}-{number}.server");
                    let run = world.kubectl(which, &["config", "set", &key, "https://theirs.example:6443"]);
                    let known =
                        ["lock", "error loading config file"].iter().any(|text| run.stderr.contains(text));
                    assert!(run.code == 0 || known, "{}", run.stderr);
                }
            });
        }
    });
    world.kubectl(Kubectl::WebSocket, &["config", "view"]).succeeds().says("https://theirs.example:6443");
    world.tsh(&["kube", "login"]).succeeds();
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("shell");
    world.tsh(&["logout"]).succeeds();
    let after = world.kubectl(Kubectl::WebSocket, &["config", "view"]).succeeds().stdout;
    assert!(!after.contains("credentials") && after.contains("https://theirs.example:6443"), "{after}");
    for path in world.home_files().into_iter().map(|(path, _)| path) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(!name.starts_with(".new-") && name != "config.lock", "{} is left", path.display());
    }
}
