//! The TAB key in a real bash, zsh and fish with the real scripts: names of clusters, contexts and profiles.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use crate::support::{
    run::Person,
    world::{CLUSTER, Live, Run, World},
};

const CONTEXTS: &str = "apiVersion: v1\nkind: Config\nclusters: [{name: o, cluster: {server: 'https://o.example.com'}}]\nusers: []\n\
contexts:\n- {name: eu-prod, context: {cluster: o, user: u, namespace: web}}\n- {name: 'arn:aws:eks/x', context: {cluster: o, user: u}}\n\
- {name: 'my own', context: {cluster: o, user: u}}\n- {name: 'bad$(touch hit)`touch hit`;\"', context: {cluster: o, user: u}}\n\
- {name: \"line\\nbreak\", context: {cluster: o, user: u}}\n";

/// A person with a login, contexts and a gate whose clusters are known.
fn person() -> Person {
    let person = Person::with_stock_profile();
    person.write(".kube/config", CONTEXTS);
    let told = jiff::Timestamp::now();
    let known = format!(
        r#"{{"told":"{told}","clusters":[{{"name":"staging","labels":{{"env":"stage","tier":"2"}}}},{{"name":"sandbox"}}]}}"#
    );
    person.write(".tsh/keys/localhost/.kube-clusters.json", &known);
    person
}

/// A shell with the completion script, in which `tsh` shows its arguments. `__complete` still reaches the program.
fn shell(person: &Person, name: &str) -> Live {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    let show = "printf '<%s>'";
    let (args, setup) = match name {
        "bash" => (
            vec!["--norc", "--noprofile", "-i"],
            format!(
                "source {0}/tsh.bash; source {0}/tctl.bash; source {0}/jumpgate.bash; for t in tsh tctl jumpgate; do \
                 eval \"$t() {{ {show} \\\"\\$@\\\"; echo '[done]'; }}\"; done\n",
                scripts.display()
            ),
        ),
        "zsh" => (
            vec!["-f", "-i"],
            format!(
                "fpath=({} $fpath); autoload -Uz compinit; compinit -u -D; for t in tsh tctl jumpgate; do \
                 eval \"$t() {{ {show} \\\"\\$@\\\"; echo '[done]'; }}\"; done\n",
                scripts.display()
            ),
        ),
        _ => (
            vec!["--no-config", "-i"],
            format!(
                "for t in tsh tctl jumpgate; source {}/$t.fish; eval \"function $t; {show} \\$argv; echo '[done]'; end\"; end\n",
                scripts.display()
            ),
        ),
    };
    let mut command = Command::new(name);
    let bin = Path::new(env!("CARGO_BIN_EXE_tsh")).parent().expect("a folder");
    command
        .args(args)
        .env_clear()
        .env("HOME", person.path(""))
        .env("LANG", "C.UTF-8")
        .env("PS1", "$ ")
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .current_dir(person.path(""));
    let mut shell = Live::on_terminal(command, 50, 200);
    shell.send(setup + "echo rea''dy\n");
    shell.says("ready\r\n");
    shell
}

/// Types a line with TAB at its end, then Enter: what the program would have got. The number tells this answer from others.
#[track_caller]
fn press(shell: &mut Live, number: usize, typed: &str, want: &[&str]) {
    shell.send(format!("{typed}\t;echo a''nswer {number}\n"));
    let args: String = want.iter().map(|arg| format!("<{arg}>")).collect();
    shell.says(&format!("{args}[done]\r\nanswer {number}\r\n"));
}

fn names(name: &str) {
    let person = person();
    let mut shell = shell(&person, name);
    let mut number = 0;
    let mut press = |typed: &str, want: &[&str]| {
        number += 1;
        press(&mut shell, number, typed, want);
    };
    press("tsh kube use eu", &["kube", "use", "eu-prod"]);
    press("tsh kube shell arn:aw", &["kube", "shell", "arn:aws:eks/x"]);
    press("tsh kube use my", &["kube", "use", "my own"]);
    press("tsh kube use 'my", &["kube", "use", "my own"]);
    press("tsh kube use bad", &["kube", "use", "bad$(touch hit)`touch hit`;\""]);
    press("tsh kube login st", &["kube", "login", "staging"]);
    press("tsh kube login --all --set-current=sa", &["kube", "login", "--all", "--set-current=sandbox"]);
    press("tsh kube login -n w", &["kube", "login", "-n", "web"]);
    press("tsh kube ls --labels e", &["kube", "ls", "--labels", "env=stage"]);
    press("tsh login --proxy=lo", &["login", "--proxy=localhost:3080"]);
    press("tsh --proxy=localhost:30", &["--proxy=localhost:3080"]);
    press("tsh --proxy lo", &["--proxy", "localhost:3080"]);
    press("tsh logout --user=al", &["logout", "--user=alice"]);
    press("tsh keys move --to=keyr", &["keys", "move", "--to=keyring"]);
    press("tsh config set kube.", &["config", "set", "kube.keep_context"]);
    press("jumpgate tsh kube use eu", &["tsh", "kube", "use", "eu-prod"]);
    press("tctl get us", &["get", "user"]);
    press("tctl get user,ro", &["get", "user,role"]);
    press("tctl rm gith", &["rm", "github/"]);
    // What the script knows by itself.
    press("tsh kube logo", &["kube", "logout"]);
    press("tsh kube use --dif", &["kube", "use", "--diff"]);
    assert!(!person.path("hit").exists(), "a name is never run");
}

/// Whether the shell is installed; bash always is.
fn there_is(name: &str) -> bool {
    let found = Path::new("/usr/bin").join(name).exists();
    assert!(found || std::env::var_os("CI").is_none(), "{name} is missing; run: tests/install-tools");
    found
}

#[test]
fn in_bash() {
    names("bash");
}

#[test]
fn in_zsh() {
    if there_is("zsh") {
        names("zsh");
    }
}

#[test]
fn in_fish() {
    if there_is("fish") {
        names("fish");
    }
}

/// The names that fish would get.
fn asked(person: &Person, words: &[&str]) -> (i32, Vec<String>) {
    let all = [&["__complete", "fish", "tsh"], words].concat();
    let ended = person.command(&all).output().expect("tsh starts");
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "never a word into the person's line");
    let out = String::from_utf8(ended.stdout).expect("text");
    let values = out.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned());
    (ended.status.code().expect("a code"), values.collect())
}

#[test]
fn a_place_without_names_is_the_scripts_and_nothing_is_ever_complained_about() {
    let person = person();
    let (code, found) = asked(&person, &["kube", "use", ""]);
    assert_eq!((code, found.len()), (0, 4), "{found:?}");
    assert_eq!(asked(&person, &["kube", "logout", ""]), (0, vec![]), "none of them is ours");
    assert_eq!(asked(&person, &["kube", ""]), (1, vec![]));
    assert_eq!(asked(&person, &["kube", "shell", "a", "--", ""]), (1, vec![]));
    assert_eq!(asked(&person, &["no", "such", "--thing="]), (1, vec![]));
    // A person's own commands stand among the others, and what they stand for is known.
    person.write(".tsh/config/config.yaml", "aliases:\n  k: kube use\n");
    assert!(asked(&person, &[""]).1.contains(&"k".to_owned()));
    assert_eq!(asked(&person, &["k", "eu"]), (0, vec!["eu-prod".to_owned()]));
    // Files that do not parse.
    person.write(".tsh/config/config.yaml", "aliases: [");
    person.write(".tsh/localhost.yaml", "web_proxy_addr: [");
    person.write(".kube/config", "contexts: [");
    for words in [
        &["kube", "use", ""][..],
        &["kube", "login", ""],
        &["--proxy="],
        &["config", "unset", ""],
        &["-i", "none", "--user="],
    ] {
        asked(&person, words);
    }
    assert_eq!(asked(&Person::new(), &["kube", "login", ""]), (0, vec![]));
}

#[test]
fn the_gate_is_asked_for_a_moment_and_its_answer_kept() {
    let world = World::with_connector();
    world.login();
    let ask = |expect: &[&str]| {
        let started = Instant::now();
        let words = ["__complete", "fish", "tsh", "kube", "login", ""];
        let said = Run::of(world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &words)).succeeds().stdout;
        let found: Vec<&str> = said.lines().map(|line| line.split('\t').next().unwrap_or_default()).collect();
        assert_eq!(found, expect);
        started.elapsed()
    };
    ask(&[CLUSTER]);
    let known = world.home().join(".tsh/keys/127.0.0.1/.kube-clusters.json");
    let text = fs::read_to_string(&known).expect("the answer is kept");
    assert!(text.contains(CLUSTER), "{text}");
    // An old answer, and a gate that takes the connection and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let profile = world.home().join(".tsh/127.0.0.1.yaml");
    let old = fs::read_to_string(&profile).expect("a profile");
    let port = silent.local_addr().expect("an address").port();
    fs::write(&profile, old.replace(&world.gate.web.to_string(), &format!("127.0.0.1:{port}")))
        .expect("written");
    let aged = text.replace("\"told\":\"2", "\"told\":\"1").replace(&format!("{:?}", CLUSTER), "\"before\"");
    fs::write(&known, &aged).expect("written");
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    fs::File::open(&known).and_then(|file| file.set_modified(long_ago)).expect("a date");
    let waited = ask(&["before", CLUSTER]);
    assert!(waited >= Duration::from_millis(200), "the gate was asked: {waited:?}");
    assert!(waited < Duration::from_secs(2), "and not waited for: {waited:?}");
    silent.set_nonblocking(true).expect("set");
    assert!(silent.accept().is_ok());
    ask(&["before", CLUSTER]);
    assert!(silent.accept().is_err(), "it is left alone for a while");
    world.tsh(&["logout"]).succeeds();
    assert!(!known.exists());
}
