//! Recordings of exec and attach: the matrix of {terminal, none} × {standard input, none} × {SPDY, WebSocket} × {exec, attach}, each
//! on record with its words, its output and its exit code, sealed and verifiable; the gate's death in the middle of a session.

use jumpgate::recording::{header::Kind, verify::State};

use crate::support::{
    recorded::{Recorded, input, kept, last, recordings, spooled, stderr, stdout},
    world::{Kubectl, World, wait_for},
};

const SCRIPT: &str = "if [ -t 1 ]; then echo terminal; else echo pipe; fi; if [ -t 0 ]; then :; else cat; fi; echo err >&2; exit 3";

#[test]
fn exec_is_on_record_with_kubectl_that_speaks_spdy() {
    matrix(Kubectl::Spdy, "SPDY/3.1");
}

#[test]
fn exec_is_on_record_with_kubectl_that_speaks_websocket() {
    matrix(Kubectl::WebSocket, "WebSocket");
}

fn matrix(version: Kubectl, protocol: &str) {
    let world = World::with_connector();
    world.login();
    let script = |flags: &[&'static str]| {
        let words = ["shell", "--", "sh", "-c", SCRIPT];
        [&["exec"], flags, &words].concat()
    };

    world.kubectl(version, &script(&[])).fails_with(3);
    let one = last(&world, 1);
    let session = one.session();
    assert_eq!(
        (session.kind, session.user.as_str(), session.protocol.as_str()),
        (Kind::Exec, "alice", protocol)
    );
    assert_eq!((session.namespace.as_str(), session.pod.as_str()), ("default", "shell"));
    assert_eq!(session.command, ["sh", "-c", SCRIPT]);
    assert_eq!((session.terminal, session.stdin), (false, false));
    assert_eq!(session.kube_groups, ["system:masters"]);
    assert_eq!((stdout(&one), stderr(&one), one.exit()), ("pipe\n".into(), "err\n".into(), Some(3)));

    let mut live = world.kubectl_live(version, &script(&["-i"]));
    live.send("one\n");
    live.says("one");
    live.send("two, without an end of line");
    live.close_stdin();
    live.end().fails_with(3);
    let two = last(&world, 2);
    assert!(two.session().stdin);
    assert_eq!(input(&two), "one\ntwo, without an end of line", "field note 51: standard input is on record");
    assert_eq!(stdout(&two), "pipe\none\ntwo, without an end of line");
    assert_eq!((stderr(&two), two.exit()), ("err\n".into(), Some(3)));

    let shown = world.kubectl_on_terminal(version, &script(&["-it"])).end().fails_with(3);
    let three = last(&world, 3);
    assert!(three.session().terminal);
    assert_eq!(three.sizes().first(), Some(&(80, 24)));
    assert_eq!(stdout(&three), "terminal\r\nerr\r\n");
    assert!(shown.stdout.starts_with("terminal\r\nerr\r\n"), "{shown:?}");
    assert_eq!((stderr(&three), three.exit()), (String::new(), Some(3)));

    a_shell(&world, version);
    attach(&world, version);
    for recorded in recordings(&world) {
        let report = recorded.verify(&world);
        assert_eq!((report.state, report.uncovered), (State::Complete, 0));
    }
    wait_for("an empty spool", || spooled(&world).is_empty().then_some(()));
    assert_eq!(kept(&world).len(), 5);
}

/// What is typed is not kept, what is shown is, and the sizes are.
fn a_shell(world: &World, version: Kubectl) {
    let mut live = world
        .kubectl_on_terminal(version, &["exec", "-it", "shell", "--", "sh", "-c", "PS1='> ' exec sh -i"]);
    live.says("> ");
    live.send("stty -echo; echo re''ady; read secret; stty echo; echo re''ad\n");
    live.says("ready\r\n");
    live.resize(41, 132);
    live.send("hunter2\n");
    live.says("read\r\n");
    live.send("while [ \"$(stty size)\" != '41 132' ]; do sleep 0.05; done; exit 7\n");
    let shown = live.end().fails_with(7);
    let four = last(world, 4);
    assert_eq!(four.exit(), Some(7));
    assert!(four.sizes().contains(&(132, 41)), "{:?}", four.sizes());
    assert!(input(&four).is_empty());
    let on_record = stdout(&four);
    assert!(on_record.contains("read\r\n") && !on_record.contains("hunter2"), "{on_record}");
    assert!(shown.stdout.starts_with(&on_record), "{:?}\n{on_record:?}", shown.stdout);
}

fn attach(world: &World, version: Kubectl) {
    let live = world.kubectl_live(version, &["-n", "demo", "attach", "pair", "-c", "sidecar"]);
    live.says("sidecar: GET /healthz");
    live.signal(rustix::process::Signal::INT);
    live.end();
    let five = last(world, 5);
    let session = five.session();
    assert_eq!(
        (session.kind, session.pod.as_str(), session.container.as_str()),
        (Kind::Attach, "pair", "sidecar")
    );
    assert!(session.command.is_empty());
    assert!(stdout(&five).contains("sidecar: GET /healthz"));
}

/// Field note 52: what anybody saw is in the recording, whatever happens to the gate.
#[test]
fn b6_52_a_gate_that_is_killed_loses_nothing_that_anybody_saw() {
    for version in Kubectl::ALL {
        let mut world = World::with_connector();
        world.login();
        let live = world.kubectl_live(
            version,
            &["exec", "shell", "--", "sh", "-c", "n=0; while :; do echo line $n; n=$((n+1)); done"],
        );
        live.says("line 20000\n");
        world.gate.crash_and_restart();
        let shown = live.end();
        let recorded = last(&world, 1);
        let on_record = stdout(&recorded);
        assert!(on_record.starts_with(&shown.stdout), "{} of {} bytes", on_record.len(), shown.stdout.len());
        assert_eq!(recorded.verify(&world).state, State::Cut);
        assert_eq!(recorded.exit(), None);
    }
}

#[test]
fn e2_31_a_copy_is_on_record_by_its_size_and_hash() {
    let world = World::with_connector();
    world.login();
    let much = "0123456789abcdef".repeat(20_000);
    std::fs::write(world.dir().join("much.txt"), &much).expect("a file");
    for version in Kubectl::ALL {
        world.kubectl(version, &["cp", "much.txt", "shell:/tmp/much.txt"]).succeeds();
        let copies = wait_for("a copy on record", || {
            let all = recordings(&world);
            let copies: Vec<Recorded> = all.into_iter().filter(|one| !one.files().is_empty()).collect();
            (spooled(&world).is_empty() && !copies.is_empty()).then_some(copies)
        });
        let (_, bytes) = copies[copies.len() - 1].files()[0];
        assert!(bytes > much.len() as u64, "{bytes}");
        let plain: usize = copies.iter().map(|copy| stdout(copy).len() + input(copy).len()).sum();
        assert!(plain < 1000, "{plain} bytes of it are kept");
    }
}

#[test]
fn two_hundred_at_once_are_all_on_record() {
    let world = World::with_connector();
    world.login();
    let count = 200;
    let running: Vec<_> = (0..count)
        .map(|n| {
            let version = Kubectl::ALL[n % 2];
            let word = format!("number-{n}");
            (world.kubectl_live(version, &["exec", "shell", "--", "echo", &word]), word)
        })
        .collect();
    for (live, word) in running {
        assert_eq!(live.end().succeeds().stdout, format!("{word}\n"));
    }
    let recorded = wait_for("all recordings", || {
        let all = recordings(&world);
        (all.len() == count && spooled(&world).is_empty()).then_some(all)
    });
    let mut words: Vec<String> = recorded.iter().map(stdout).collect();
    let mut wanted: Vec<String> = (0..count).map(|n| format!("number-{n}\n")).collect();
    words.sort();
    wanted.sort();
    assert_eq!(words, wanted);
    for one in recorded {
        assert_eq!(one.session().command[1], stdout(&one).trim());
        assert_eq!(one.verify(&world).state, State::Complete);
    }
}
