//! Several people, several processes, kills: the profile and the kubeconfig stay whole.

use std::io::{BufRead, BufReader, Read};

use jiff::SignedDuration;

use crate::support::{
    fake_gate::{CLUSTER, FakeGate},
    run::{Ended, Login, Person},
};

use crate::tsh_login::{HALF_DAY, log_in, log_in_for, plugin};

#[test]
fn several_people_on_one_proxy() {
    let (person, gate) = (Person::new(), FakeGate::start());
    assert_eq!(log_in(&person, &gate, &["--insecure"]).code, 0);
    let login = person.begin(&["login", "--force", "--browser=none", &gate.proxy()]);
    login.browse(&login.link);
    login.browse(&gate.callback(&gate.answer("bob", HALF_DAY)));
    assert_eq!(login.end().code, 0);
    let ended = person.tsh(&["status"]);
    assert!(
        ended.stdout.contains("\n  Logged in as: bob\n") && ended.stdout.contains("Logged in as: alice\n"),
        "{ended:?}"
    );
    // A login for bob that alice answers is not taken.
    let login = person.begin(&["login", "--force", "--browser=none", &gate.proxy(), "--user=bob"]);
    login.browse(&gate.callback(&gate.answer("alice", HALF_DAY)));
    let ended = login.end();
    assert!(ended.stderr.ends_with("alice signed in, but the login was for bob\n"), "{ended:?}");
    let ended = person.tsh(&["logout", &gate.proxy(), "--user=bob"]);
    assert_eq!(ended.stdout, format!("Logged out bob from localhost:{}.\n", gate.port), "{ended:?}");
    let ended = person.tsh(&["logout", &gate.proxy(), "--user=bob"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended
            .stderr
            .ends_with(&format!("error: User bob already logged out from localhost:{}.\n", gate.port)),
        "{ended:?}"
    );
    assert_eq!(person.tsh(&["status"]).code, 1);
    assert_eq!(person.tsh(&["status", "--user=alice"]).code, 0);
}

#[test]
fn many_kubectls_with_an_expired_certificate_make_one_login() {
    let (person, gate) = (Person::new(), FakeGate::start());
    assert_eq!(log_in_for(&person, &gate, &["--insecure"], SignedDuration::from_secs(2)).code, 0);
    let (proxy, cluster) = (gate.proxy(), format!("--teleport-cluster={CLUSTER}"));
    let args = ["kube", "credentials", &proxy, &cluster, "--user=alice"];
    let asked = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":true}}"#;
    let env = [("KUBERNETES_EXEC_INFO", asked), ("TELEPORT_LOGIN_BROWSER", "none")];
    let first = person.begin_with(&args, &env);
    let others: Vec<_> =
        (0..4).map(|_| person.command(&args).envs(env).spawn().expect("tsh starts")).collect();
    first.browse(&first.link);
    first.browse(&gate.callback(&gate.answer("alice", HALF_DAY)));
    let first = first.end();
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.stdout.contains("client.authentication.k8s.io/v1\""), "{first:?}");
    for other in others {
        let other: Ended = other.wait_with_output().expect("an end").into();
        assert_eq!((other.code, &other.stdout), (0, &first.stdout), "{other:?}");
        assert!(!other.stderr.contains("http://"), "{other:?}");
    }
}

#[test]
fn a_login_that_somebody_cancels_ends_all_that_wait_for_it() {
    let (person, gate) = (Person::new(), FakeGate::start());
    assert_eq!(log_in_for(&person, &gate, &["--insecure"], SignedDuration::from_secs(2)).code, 0);
    let (proxy, cluster) = (gate.proxy(), format!("--teleport-cluster={CLUSTER}"));
    let args = ["kube", "credentials", &proxy, &cluster, "--user=alice"];
    let asked = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":true}}"#;
    let env = [("KUBERNETES_EXEC_INFO", asked), ("TELEPORT_LOGIN_BROWSER", "none")];
    let first = person.begin_with(&args, &env);
    let others: Vec<_> = (0..3)
        .map(|_| {
            let mut child = person.command(&args).envs(env).spawn().expect("tsh starts");
            let mut stderr = BufReader::new(child.stderr.take().expect("standard error"));
            let mut said = String::new();
            while !said.contains("Waiting for the login at") {
                assert_ne!(stderr.read_line(&mut said).expect("standard error"), 0, "{said}");
            }
            (child, stderr, said)
        })
        .collect();
    first.interrupt();
    assert_eq!(first.end().code, 7);
    for (mut child, mut stderr, mut said) in others {
        stderr.read_to_string(&mut said).expect("standard error");
        assert_eq!(child.wait().expect("an end").code(), Some(7), "{said}");
        assert!(said.contains("error: login cancelled;") && !said.contains("http://"), "{said}");
    }
}

#[test]
fn a_login_in_another_terminal_ends_the_wait_of_the_plugin() {
    let (person, gate) = (Person::new(), FakeGate::start());
    assert_eq!(log_in_for(&person, &gate, &["--insecure"], SignedDuration::from_secs(2)).code, 0);
    let (proxy, cluster) = (gate.proxy(), format!("--teleport-cluster={CLUSTER}"));
    let args = ["kube", "credentials", &proxy, &cluster, "--user=alice"];
    // A browser that opens nothing.
    let env = [("TELEPORT_LOGIN_BROWSER", "true")];
    let first = person.begin_with(&args, &env);
    let other = person.command(&args).envs(env).spawn().expect("tsh starts");
    assert_eq!(log_in(&person, &gate, &["--force"]).code, 0);
    let first = first.end();
    assert_eq!(first.code, 0, "{first:?}");
    let other: Ended = other.wait_with_output().expect("an end").into();
    assert_eq!((other.code, other.stdout), (0, first.stdout), "{}", other.stderr);
}

#[test]
fn a_kill_at_any_moment_of_a_login_leaves_one_that_works() {
    let (person, gate) = (Person::new(), FakeGate::start());
    assert_eq!(log_in(&person, &gate, &["--insecure"]).code, 0);
    let mut changed = 0;
    let mut last = plugin(&person, &gate).stdout;
    for round in 0..40_u64 {
        let login = person.begin(&["login", "--force", "--browser=none", &gate.proxy()]);
        login.browse(&gate.callback(&gate.answer("alice", HALF_DAY)));
        // The answer is there; what is written takes some milliseconds from now.
        std::thread::sleep(std::time::Duration::from_micros(round * 400));
        login.kill();
        let ended = plugin(&person, &gate);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "round {round}: {ended:?}");
        assert_eq!(person.tsh(&["status"]).code, 0, "round {round}");
        let config: Result<serde_json::Value, _> = serde_yaml::from_str(&person.read(".kube/config"));
        assert!(config.is_ok(), "round {round}");
        changed += u32::from(ended.stdout != last);
        last = ended.stdout;
    }
    assert!(changed > 0, "every login was killed before it counted");
}

/// The plugin that the kubeconfig names.
fn exec_of(person: &Person) -> serde_json::Value {
    let config: serde_json::Value = serde_yaml::from_str(&person.read(".kube/config")).expect("a kubeconfig");
    config["users"][0]["user"]["exec"].clone()
}

#[test]
fn the_kubeconfig_names_the_path_by_which_tsh_was_started() {
    let gate = FakeGate::start();
    let proxy = gate.proxy();
    let args = ["login", "--insecure", "--browser=none", &proxy];
    // Through a link, which an update will point elsewhere; and with a folder of profiles of its own.
    let person = Person::new();
    let link = person.path("tsh-current");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tsh"), &link).unwrap();
    let home = person.path("profiles");
    let login = Login::of(person.program(&link, &args).env("TELEPORT_HOME", &home).spawn().unwrap());
    login.browse(&gate.callback(&gate.answer("alice", HALF_DAY)));
    assert_eq!(login.end().code, 0);
    let exec = exec_of(&person);
    assert_eq!(exec["command"], link.display().to_string());
    let wanted = ["kube", "credentials", &proxy, &format!("--teleport-cluster={CLUSTER}"), "--user=alice"];
    assert_eq!(exec["args"], serde_json::json!(wanted));
    assert_eq!(
        exec["env"],
        serde_json::json!([{"name": "TELEPORT_HOME", "value": home.display().to_string()}])
    );
    assert_eq!(exec["apiVersion"], "client.authentication.k8s.io/v1beta1");
    assert_eq!(exec["interactiveMode"], "IfAvailable");

    // As a part of `jumpgate`.
    let person = Person::new();
    let jumpgate = env!("CARGO_BIN_EXE_jumpgate");
    let args: Vec<&str> = std::iter::once("tsh").chain(args).collect();
    let login = Login::of(person.program(jumpgate.as_ref(), &args).spawn().unwrap());
    login.browse(&gate.callback(&gate.answer("alice", HALF_DAY)));
    assert_eq!(login.end().code, 0);
    let exec = exec_of(&person);
    assert_eq!((&exec["command"], &exec["args"][0]), (&jumpgate.into(), &"tsh".into()));
    let args: Vec<&str> = exec["args"].as_array().unwrap().iter().filter_map(|a| a.as_str()).collect();
    let ended: Ended = person.program(jumpgate.as_ref(), &args).output().unwrap().into();
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_namespace_that_somebody_set_outlives_a_new_login() {
    let (person, gate) = (Person::new(), FakeGate::start());
    assert_eq!(log_in(&person, &gate, &["--insecure"]).code, 0);
    assert_eq!(person.tsh(&["kube", "login", "--namespace=web"]).code, 0);
    let namespace = || {
        let config: serde_json::Value = serde_yaml::from_str(&person.read(".kube/config")).unwrap();
        config["contexts"][0]["context"]["namespace"].as_str().map(str::to_owned)
    };
    assert_eq!(namespace().as_deref(), Some("web"));
    assert_eq!(log_in(&person, &gate, &["--force"]).code, 0);
    assert_eq!(namespace().as_deref(), Some("web"));
}
