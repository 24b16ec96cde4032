//! The matrix of recordings: {terminal, none} × {standard input, none} × {kubectl 1.20 over SPDY, a current one over WebSocket, the
//! same over SPDY} × {exec, attach, debug}: each on record with its words, its output and its exit code, sealed and verifiable.

use jumpgate::recording::{What, header::Kind, verify::State};

use crate::support::{
    recorded::{Recorded, input, kept, last, recordings, spooled, stderr, stdout},
    world::{Kubectl, Live, Shown, World, wait_for},
};

const SCRIPT: &str = "if [ -t 1 ]; then echo terminal; else echo pipe; fi; if [ -t 0 ]; then :; else cat; fi; echo err >&2; exit 3";
const SENT: &str = "one\ntwo, without an end of line";

/// A kubectl and the stream protocol that it speaks.
#[derive(Debug, Clone, Copy)]
struct Client {
    kubectl: Kubectl,
    env: Option<(&'static str, &'static str)>,
    protocol: &'static str,
    /// The subprotocol that it and the API server agree on.
    subprotocol: &'static str,
    /// kubectl 1.20 has `debug`, with another API.
    debugs: bool,
}

const CLIENTS: [Client; 3] = [
    Client {
        kubectl: Kubectl::Spdy,
        env: None,
        protocol: "SPDY/3.1",
        subprotocol: "v4.channel.k8s.io",
        debugs: false,
    },
    Client {
        kubectl: Kubectl::WebSocket,
        env: None,
        protocol: "WebSocket",
        subprotocol: "v5.channel.k8s.io",
        debugs: true,
    },
    Client {
        kubectl: Kubectl::WebSocket,
        env: Some(("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "false")),
        protocol: "SPDY/3.1",
        subprotocol: "v4.channel.k8s.io",
        debugs: true,
    },
];

/// What a person asks kubectl for, and what comes of it: kubectl asks for no terminal where there is no standard input.
#[derive(Debug, Clone, Copy)]
struct Way {
    flags: &'static [&'static str],
    terminal: bool,
    stdin: bool,
}

const WAYS: [Way; 4] = [
    Way { flags: &[], terminal: false, stdin: false },
    Way { flags: &["-i"], terminal: false, stdin: true },
    Way { flags: &["-t"], terminal: false, stdin: false },
    Way { flags: &["-i", "-t"], terminal: true, stdin: true },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Exec,
    Attach,
    Debug,
}

#[test]
fn each_exec_is_on_record() {
    walk(Command::Exec);
}

#[test]
fn each_attach_is_on_record() {
    walk(Command::Attach);
}

#[test]
fn each_debug_is_on_record() {
    walk(Command::Debug);
}

fn walk(command: Command) {
    let world = World::with_connector();
    world.login();
    let mut rows = 0;
    for client in CLIENTS.into_iter().filter(|client| command != Command::Debug || client.debugs) {
        for way in WAYS {
            rows += 1;
            let row = format!("{command:?}, {client:?}, {way:?}");
            if command == Command::Debug && way.flags == ["-t"] {
                refused(&world, client);
                rows -= 1;
                continue;
            }
            let shown = go(&world, client, command, way, rows);
            check(&last(&world, rows), &shown, client, command, way, &row);
        }
    }
    wait_for("an empty spool", || spooled(&world).is_empty().then_some(()));
    assert_eq!(kept(&world).len(), rows);
    for recorded in recordings(&world) {
        let report = recorded.verify(&world);
        assert_eq!((report.state, report.uncovered), (State::Complete, 0));
    }
    every_one_is_in_the_audit_log(&world, rows);
}

/// Runs a row to its end; what kubectl printed on standard output.
fn go(world: &World, client: Client, command: Command, way: Way, row: usize) -> String {
    let container = format!("row-{row}");
    let script = ["--", "sh", "-c", SCRIPT];
    // It waits for somebody to attach.
    let debugger = ["debug", "shell", "--image=demo/tools", "--target=shell", "-c", &container];
    let args = match command {
        Command::Exec => [&["exec"], way.flags, &["shell"], &script[..]].concat(),
        Command::Attach => {
            // No container has a terminal without standard input.
            let flags = if way.flags == ["-t"] { &["-i", "-t"] } else { way.flags };
            let alone = [&debugger[..], &["--attach=false"], flags, &script].concat();
            world.kubectl(Kubectl::WebSocket, &alone).succeeds();
            [&["attach"], way.flags, &["shell", "-c", &container]].concat()
        }
        Command::Debug => [&debugger[..], &["--attach"], way.flags, &script].concat(),
    };
    let mut words = world.command(&client.kubectl.path(), &args);
    words.envs(client.env);
    let mut live = if way.terminal { Live::on_terminal(words, 24, 80) } else { Live::piped(words) };
    if way.stdin && !way.terminal {
        live.send(SENT);
        live.close_stdin();
    }
    // The stream of an attach tells no exit code, so kubectl has none.
    let code = if command == Command::Exec { 3 } else { 0 };
    live.end().fails_with(code).stdout
}

/// kubectl itself debugs on no terminal without standard input.
fn refused(world: &World, client: Client) {
    let args = ["debug", "shell", "--image=demo/tools", "--attach", "-t", "--", "true"];
    world.kubectl(client.kubectl, &args).fails_with(1).says("-i/--stdin is required");
}

fn check(recorded: &Recorded, shown: &str, client: Client, command: Command, way: Way, row: &str) {
    let session = recorded.session();
    let kind = if command == Command::Exec { Kind::Exec } else { Kind::Attach };
    assert_eq!((session.kind, session.user.as_str()), (kind, "alice"), "{row}");
    assert_eq!((session.namespace.as_str(), session.pod.as_str()), ("default", "shell"), "{row}");
    assert_eq!(
        (session.protocol.as_str(), &session.kube_groups[..]),
        (client.protocol, &["system:masters".to_owned()][..]),
        "{row}"
    );
    let chosen = What::Protocol(client.subprotocol.to_owned());
    assert!(recorded.events.iter().any(|event| event.what == chosen), "{row}: {:?}", recorded.events);
    assert_eq!(session.command, ["sh", "-c", SCRIPT], "{row}");
    assert_eq!((session.terminal, session.stdin), (way.terminal, way.stdin), "{row}");
    let (output, errors) = match way {
        Way { terminal: true, .. } => ("terminal\r\nerr\r\n".to_owned(), ""),
        Way { stdin: true, .. } => (format!("pipe\n{SENT}"), "err\n"),
        _ => ("pipe\n".to_owned(), "err\n"),
    };
    assert_eq!((stdout(recorded), stderr(recorded)), (output.clone(), errors.to_owned()), "{row}");
    assert!(shown.contains(&output), "{row}: {shown:?}");
    assert_eq!(recorded.exit(), Some(3), "{row}");
    // Standard input without a terminal is kept (field note 51); what is typed at one is not.
    assert_eq!(input(recorded), if way.stdin && !way.terminal { SENT } else { "" }, "{row}");
    if way.terminal {
        // To have the screen drawn anew, kubectl attach first sends a size that is one larger.
        let first = if command == Command::Exec { (80, 24) } else { (81, 25) };
        assert_eq!(recorded.sizes().first(), Some(&first), "{row}");
    }
}

/// Opens a stream as kubectl never does and listens until the other end closes it.
fn by_hand(world: &World, what: &str) -> String {
    let shown = Shown::of_profile(world, "alice");
    let head = format!(
        "GET /api/v1/namespaces/default/pods/shell/{what} HTTP/1.1\nUpgrade: websocket\nConnection: Upgrade\n\
         Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Protocol: v5.channel.k8s.io"
    );
    let (code, stream) = world.gate.raw_kube(&shown, &head);
    assert_eq!(code, 101, "{stream}");
    stream
}

#[test]
fn a_terminal_without_standard_input_is_on_record() {
    let world = World::with_connector();
    world.login();
    let stream =
        by_hand(&world, "exec?tty=true&stdout=true&command=sh&command=-c&command=test+-t+1+%26%26+exit+5");
    let recorded = last(&world, 1);
    let session = recorded.session();
    assert_eq!((session.terminal, session.stdin, recorded.exit()), (true, false, Some(5)), "{stream}");
    assert_eq!(session.command, ["sh", "-c", "test -t 1 && exit 5"]);
}

/// An attach runs no command: words in its query are no reason to take what it shows for a copy's bytes.
#[test]
fn e2_31_a_query_does_not_hide_what_is_shown() {
    let world = World::with_connector();
    world.login();
    let debugger = [
        "debug",
        "shell",
        "--image=demo/tools",
        "--attach=false",
        "-c",
        "row",
        "--",
        "echo",
        "not to be hidden",
    ];
    world.kubectl(Kubectl::WebSocket, &debugger).succeeds();
    let copy = "attach?container=row&stdout=true&command=tar&command=cf&command=-&command=x";
    let stream = by_hand(&world, copy);
    assert!(stream.contains("not to be hidden"), "{stream:?}");
    let recorded = last(&world, 1);
    assert_eq!(stdout(&recorded), "not to be hidden\n");
    assert_eq!(recorded.session().command, ["echo", "not to be hidden"]);
    assert!(recorded.files().is_empty());
}

fn every_one_is_in_the_audit_log(world: &World, rows: usize) {
    let ids = |name: &str| -> Vec<String> {
        let all = world.events(name, 0);
        let mut ids: Vec<String> =
            all.iter().map(|event| event["sid"].as_str().expect("a session").to_owned()).collect();
        ids.sort();
        ids
    };
    let begun = wait_for("all starts", || {
        let mut begun = [ids("exec"), ids("session.start")].concat();
        begun.sort();
        (begun.len() == rows).then_some(begun)
    });
    let uploads = wait_for("all uploads", || {
        let uploads = ids("session.upload");
        (uploads.len() >= rows).then_some(uploads)
    });
    assert_eq!(uploads, begun, "each session once");
    let ends = [world.events("session.end", 0), world.events("session.data", 0)].concat();
    assert!(ends.iter().all(|end| end["exitCode"] == "3"), "{ends:?}");
}
