//! exec and attach through the gate, with a kubectl that speaks SPDY and one that speaks WebSocket: with and without a
//! terminal, with and without standard input, both outputs, the exit code, the terminal's size, Ctrl-C.

use rustix::process::Signal;

use crate::support::world::{Kubectl, Live, World};

const SCRIPT: &str = "if [ -t 1 ]; then echo terminal; else echo pipe; fi; if [ -t 0 ]; then :; else cat; fi; echo err >&2; exit 3";

#[test]
fn exec_with_kubectl_that_speaks_spdy() {
    story(Kubectl::Spdy);
}

#[test]
fn exec_with_kubectl_that_speaks_websocket() {
    story(Kubectl::WebSocket);
}

fn story(version: Kubectl) {
    let world = World::with_connector();
    world.login();
    let exec = |flags: &[&str], script: &str| {
        let mut args = vec!["exec"];
        args.extend(flags);
        args.extend(["shell", "--", "sh", "-c", script]);
        args.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let piped =
        |args: &[String]| world.kubectl_live(version, &args.iter().map(String::as_str).collect::<Vec<_>>());
    let terminal = |args: &[String]| {
        world.kubectl_on_terminal(version, &args.iter().map(String::as_str).collect::<Vec<_>>())
    };

    without_terminal_and_stdin(piped(&exec(&[], SCRIPT)));
    without_terminal_with_stdin(piped(&exec(&["-i"], SCRIPT)));
    much_through_stdin(piped(&exec(&["-i"], "cat; echo end >&2")));
    with_terminal_without_stdin(terminal(&exec(&["-t"], SCRIPT)));
    with_terminal_and_stdin(terminal(&exec(&["-it"], SCRIPT)));
    a_shell(terminal(&exec(&["-it"], "PS1='> ' exec sh -i")));
    attach(&world, version);

    let starts = world.events("session.start", 2);
    let ends = world.events("session.end", 2);
    assert_eq!((starts.len(), ends.len()), (2, 2), "the two with a terminal");
    for (start, end) in starts.iter().zip(&ends) {
        assert_eq!(start["sid"], end["sid"]);
        assert_eq!((&start["user"], &start["kubernetes_pod_name"]), (&"alice".into(), &"shell".into()));
        assert!(end["rx"].as_u64().is_some_and(|rx| rx > 0), "{end}");
    }
    // Those without a terminal, and the attach.
    let data = world.events("session.data", 5);
    assert!(data.iter().any(|event| event["tx"].as_u64() > Some(1_000_000)), "{data:?}");
}

fn without_terminal_and_stdin(live: Live) {
    let run = live.end().fails_with(3);
    assert_eq!(run.stdout, "pipe\n");
    assert_eq!(run.stderr, "err\ncommand terminated with exit code 3\n");
}

fn without_terminal_with_stdin(mut live: Live) {
    live.send("one\n");
    live.says("one");
    live.send("two, without an end of line");
    live.close_stdin();
    let run = live.end().fails_with(3);
    assert_eq!(run.stdout, "pipe\none\ntwo, without an end of line");
    assert_eq!(run.stderr, "err\ncommand terminated with exit code 3\n");
}

fn much_through_stdin(mut live: Live) {
    let much: String = (0..200_000).map(|n| format!("{n:07}\n")).collect();
    live.send(&much);
    live.close_stdin();
    let run = live.end().succeeds();
    assert!(run.stdout == much, "{} bytes came back", run.stdout.len());
    assert_eq!(run.stderr, "end\n");
}

/// kubectl drops a terminal that has no standard input.
fn with_terminal_without_stdin(live: Live) {
    let run = live.end().fails_with(3);
    assert!(run.stdout.contains("pipe\r\n") && run.stdout.contains("err\r\n"), "{run:?}");
}

fn with_terminal_and_stdin(live: Live) {
    let run = live.end().fails_with(3);
    assert!(run.stdout.contains("terminal\r\n") && run.stdout.contains("err\r\n"), "{run:?}");
    assert!(run.stdout.ends_with("command terminated with exit code 3\r\n"), "{run:?}");
}

fn a_shell(mut live: Live) {
    live.says("> ");
    live.send("stty size; echo first\n");
    live.says("24 80\r\nfirst");
    live.resize(41, 132);
    // The new size travels on a stream of its own: it may come after what is typed.
    live.send("while [ \"$(stty size)\" != '41 132' ]; do sleep 0.05; done; echo re''sized\n");
    live.says("resized\r\n");
    live.send("echo slee''ps; sleep 1000\n");
    live.says("sleeps\r\n");
    live.send(b"\x03");
    live.send("echo in''terrupted $?\n");
    live.says("interrupted 130\r\n");
    live.send("exit 7\n");
    live.end().fails_with(7);
}

fn attach(world: &World, version: Kubectl) {
    let live = world.kubectl_live(version, &["-n", "demo", "attach", "pair", "-c", "sidecar"]);
    live.says("sidecar: GET /healthz");
    live.signal(Signal::INT);
    live.end();
}
