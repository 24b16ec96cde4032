//! The settings file: what goes before what, aliases, and that the plugin does not read it for nothing.

use crate::support::{fake_gate::FakeGate, run::Person};
use crate::tsh_login::{current_context, log_in};

const FILE: &str = ".tsh/config/config.yaml";

#[test]
fn a_flag_goes_before_the_environment_a_proxy_and_the_defaults() {
    let (person, gate) = (Person::new(), FakeGate::start());
    person.write(
        FILE,
        &format!(
            "defaults: {{ttl: 10, auth: nobody}}\nproxies:\n  localhost: {{ttl: 20, auth: nobody}}\n  localhost:{}: {{auth: github}}\n",
            gate.port
        ),
    );
    let proxy = gate.proxy();
    let minutes = |env: &[(&str, &str)], more: &[&str]| {
        let args = [&["login", "--browser=none", "--insecure", "--force", &proxy], more].concat();
        let login = person.begin_with(&args, env);
        drop(login);
        // The gate knows no connector but this one: what asks for another never gets so far.
        let asked = gate.asked();
        assert_eq!(asked.connector_id, "github");
        asked.cert_ttl / 60_000_000_000
    };
    assert_eq!(minutes(&[], &[]), 20);
    person.write(FILE, "defaults: {ttl: 10, auth: nobody}\n");
    assert_eq!(minutes(&[("TELEPORT_AUTH", "github")], &[]), 10);
    assert_eq!(minutes(&[("TELEPORT_AUTH", "nobody")], &["--auth=github", "--ttl=5"]), 5);
    person.write(FILE, "defaults: {auth: github}\n");
    assert_eq!(minutes(&[], &[]), 0);
}

#[test]
fn the_context_stays_where_the_settings_say_so() {
    let (person, gate) = (Person::new(), FakeGate::start());
    person.write(
        ".kube/config",
        "apiVersion: v1\nkind: Config\ncontexts: [{name: other, context: {cluster: o, user: o}}]\ncurrent-context: other\n",
    );
    let ended = person.tsh(&["config", "set", "kube.keep_context", "true"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(log_in(&person, &gate, &["--insecure"]).code, 0);
    assert_eq!(current_context(&person), "other");
    let ended = person.command(&["kube", "login"]).env("JUMPGATE_KEEP_CONTEXT", "0").output().expect("tsh");
    assert!(ended.status.success(), "{ended:?}");
    assert_ne!(current_context(&person), "other", "the environment goes before the settings");
}

#[test]
fn an_alias_stands_for_a_command() {
    let person = Person::new();
    for (name, meaning) in [("v", "version"), ("vj", "version --format 'json'")] {
        let ended = person.tsh(&["config", "set", &format!("aliases.{name}"), meaning]);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    assert_eq!(person.tsh(&["v"]).stdout, person.tsh(&["version"]).stdout);
    assert_eq!(person.tsh(&["--user", "x", "v"]).code, 0);
    assert!(person.tsh(&["vj"]).stdout.starts_with('{'));
    for (name, meaning, reason) in [
        ("login", "status", "has the name of a command of tsh"),
        ("w", "v", "is no command of tsh"),
        ("w", "status 'x", "left open"),
    ] {
        let ended = person.tsh(&["config", "set", &format!("aliases.{name}"), meaning]);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(reason), "{ended:?}");
    }
    let ended = person.tsh(&["nonsense"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    // Also in the one binary.
    let jumpgate = std::path::Path::new(env!("CARGO_BIN_EXE_jumpgate"));
    let output = person.program(jumpgate, &["tsh", "v"]).output().expect("jumpgate starts");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_wrong_file_is_told_where_it_matters_and_nowhere_else() {
    let (person, gate) = (Person::new(), FakeGate::start());
    assert_eq!(log_in(&person, &gate, &["--insecure"]).code, 0);
    person.write(FILE, "key_store: file\ndefaults:\n  bowser: none\n");
    let ended = person.tsh(&["config", "view"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.stderr.contains("config.yaml, line 3, column 3: ") && ended.stderr.contains("bowser"),
        "{ended:?}"
    );
    let proxy = gate.proxy();
    // kubectl goes on: its plugin has all it needs in its arguments.
    assert_eq!(person.tsh(&["kube", "credentials", &proxy, "--user=alice"]).code, 0);
    let ended = person.tsh(&["login", "--force", "--browser=none", "--insecure", &proxy]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.contains("line 3, column 3"), "{ended:?}");
}

#[test]
fn the_settings_are_shown_as_they_are_read() {
    let person = Person::new();
    assert!(person.tsh(&["config", "view"]).stdout.ends_with("config.yaml: nothing is set\n"));
    for (key, value) in [("key_store", "keyring"), ("proxies.gate.example.com.user", "alice")] {
        assert_eq!(person.tsh(&["config", "set", key, value]).code, 0);
    }
    let text = person.tsh(&["config", "view"]).stdout;
    assert!(text.ends_with("proxies:\n  gate.example.com:\n    user: alice\nkey_store: keyring\n"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&person.tsh(&["config", "view", "--format=json"]).stdout).expect("JSON");
    assert_eq!(json["proxies"]["gate.example.com"]["user"], "alice");
    let ended = person.tsh(&["config", "unset", "key_store"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "key_store is not set any more.\n"));
    assert_eq!(person.tsh(&["config", "unset", "key_store"]).code, 1);
    let ended = person.tsh(&["config", "set", "key_store", "vault"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("key_store cannot be \"vault\""), "{ended:?}");
}
