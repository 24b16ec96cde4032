//! What a change of a kubeconfig costs: a login into files of 1,000 and 10,000 contexts as the tools of clouds write
//! them, also with Windows line breaks; and (with the feature `server`) the whole process of `tsh kube login` and `tsh kube
//! use` on the same files, beside `kubectl config set-context` in the same run.
//!
//! `cargo bench --bench kubeconfig [-- TURNS]`. It prints milliseconds at the median and at the worst.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a measurement that fails is none")]
#![allow(clippy::print_stdout, reason = "its result is what it prints")]
#![allow(unreachable_pub, unused_imports, dead_code, reason = "the world of the tests is shared")]

#[cfg(feature = "server")]
#[path = "../tests/support/world/mod.rs"]
mod world;

use std::{fmt::Write as _, path::Path, time::Instant};

use jumpgate::client::kubeconfig::{self, Entry, Files, Owner, UserAuth};

/// Sizes of the files, in contexts.
const SIZES: [usize; 4] = [100, 1_000, 2_000, 10_000];

fn main() {
    let turns = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(11);
    let folder = tempfile::tempdir().expect("a folder");
    println!("{:<44}{:>10}{:>10}", "", "median", "worst");
    for size in SIZES {
        let windows = block(size).replace('\n', "\r\n");
        let hint = block(size).replacen(
            "command: aws\n",
            "command: aws\n      installHint: |\n        Install it.\n        Then try again.\n",
            1,
        );
        for (what, text) in
            [("block", block(size)), ("CRLF", windows), ("one text over lines", hint), ("JSON", json(size))]
        {
            let path = folder.path().join("config");
            let files = Files::single(path.clone());
            let [mut logins, mut logouts, mut lists] = [const { Vec::new() }; 3];
            for _ in 0..turns {
                std::fs::write(&path, &text).expect("a kubeconfig");
                time(&mut logins, || {
                    kubeconfig::login(&files, &[entry()], Some("gate.example")).expect("login")
                });
                time(&mut lists, || kubeconfig::contexts(&files).expect("contexts"));
                time(&mut logouts, || kubeconfig::logout(&files, None).expect("logout"));
                assert!(std::fs::read_to_string(&path).expect("a kubeconfig") == text, "the bytes came back");
            }
            let size = format!("{size} contexts, {what}, {:.1} MB", text.len() as f64 / 1e6);
            print(&format!("{size}: login"), &mut logins);
            print("  list", &mut lists);
            print("  logout", &mut logouts);
        }
    }
    processes(turns);
}

/// Whole processes, with a valid profile: two of ours, and the peer.
#[cfg(feature = "server")]
fn processes(turns: usize) {
    let world = world::World::with_connector();
    world.login();
    let set_context = ["config", "set-context", "bench", "--cluster=c0", "--user=c0"];
    for size in SIZES {
        let [mut login, mut select, mut kubectl] = [const { Vec::new() }; 3];
        let fresh = || std::fs::write(world.kubeconfig(), block(size)).expect("a kubeconfig");
        // In turns, so that what else the machine does strikes all of them alike.
        for _ in 0..turns {
            fresh();
            time(&mut login, || world.tsh(&["kube", "login"]).succeeds());
            fresh();
            time(&mut select, || world.tsh(&["kube", "use", "c1"]).succeeds());
            fresh();
            time(&mut kubectl, || world.kubectl(world::Kubectl::WebSocket, &set_context).succeeds());
        }
        print(&format!("{size} contexts: process of tsh kube login"), &mut login);
        print("  tsh kube use", &mut select);
        print("  kubectl config set-context", &mut kubectl);
        let ratio = kubectl[turns / 2] / login[turns / 2];
        println!("  kubectl takes {ratio:.1} times as long as tsh kube login");
    }
}

#[cfg(not(feature = "server"))]
fn processes(_: usize) {}

fn entry() -> Entry {
    let auth = UserAuth::Exec {
        command: "/usr/local/bin/tsh".into(),
        args: vec!["kube".into(), "credentials".into(), "--proxy=gate.example:3080".into()],
        env: Vec::new(),
    };
    let owner = Owner { profile: "gate.example".into() };
    Entry::new("gate.example", "https://gate.example:3026", auth, owner)
}

/// A file as kubectl and the tools of clouds write it.
fn block(size: usize) -> String {
    let ca = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t".repeat(41);
    let mut text = String::from("apiVersion: v1\nclusters:\n");
    for i in 0..size {
        let _ = write!(
            text,
            "- cluster:\n    certificate-authority-data: {ca}\n    server: https://{i:08X}.gr7.eu-west-1.eks.amazonaws.com\n  name: arn:aws:eks:eu-west-1:123456789012:cluster/c{i}\n"
        );
    }
    text += "contexts:\n";
    for i in 0..size {
        let arn = format!("arn:aws:eks:eu-west-1:123456789012:cluster/c{i}");
        let _ = write!(
            text,
            "- context:\n    cluster: {arn}\n    namespace: shop\n    user: {arn}\n  name: c{i}\n"
        );
    }
    text += "current-context: c0\nkind: Config\npreferences: {}\nusers:\n";
    for i in 0..size {
        let _ = write!(
            text,
            "- name: arn:aws:eks:eu-west-1:123456789012:cluster/c{i}\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      args:\n      - --region\n      - eu-west-1\n      - eks\n      - get-token\n      - --cluster-name\n      - c{i}\n      - --output\n      - json\n      command: aws\n      env:\n      - name: AWS_PROFILE\n        value: shop\n      interactiveMode: IfAvailable\n      provideClusterInfo: false\n"
        );
    }
    text
}

/// The same as JSON over lines.
fn json(size: usize) -> String {
    let value: serde_json::Value = serde_yaml::from_str_with_options(
        &block(size),
        serde_yaml::options! { budget: serde_yaml::budget! { max_nodes: 50_000_000, max_events: 100_000_000, max_total_scalar_bytes: 1 << 30 } },
    )
    .expect("YAML");
    serde_json::to_string_pretty(&value).expect("JSON")
}

fn time<T>(times: &mut Vec<f64>, work: impl FnOnce() -> T) {
    let begin = Instant::now();
    let result = work();
    times.push(begin.elapsed().as_secs_f64() * 1000.0);
    drop(result);
}

fn print(name: &str, times: &mut [f64]) {
    times.sort_by(f64::total_cmp);
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{name:<44}{median:>7.1} ms{worst:>7.1} ms");
}
