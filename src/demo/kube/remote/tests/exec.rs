//! exec, cp and attach with real kubectls.

use std::process::Stdio;

use bytes::Bytes;
use rustix::process::{Pid, test_kill_process_group};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::sync::mpsc;

use super::{Kubectl, Pod, pattern, soon, until};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kubectl_speaks_what_it_is_there_for() {
    let pod = Pod::start().await;
    for kubectl in Kubectl::BOTH {
        let output = pod.run(kubectl, &["exec", "web", "--", "true"], None).await;
        assert!(output.status.success(), "{kubectl:?}: {output:?}");
    }
    let expected = [("SPDY/3.1", "v4.channel.k8s.io"), ("websocket", "v5.channel.k8s.io")];
    assert_eq!(pod.seen(), expected.map(|(upgrade, protocol)| (upgrade.to_owned(), protocol.to_owned())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_terminal() {
    let pod = Pod::start().await;
    for kubectl in Kubectl::BOTH {
        for stdin in [None, Some(&b"to the pod\n"[..])] {
            for code in [0, 3] {
                let script = format!("cat; echo out; echo err >&2; test -t 1 && echo terminal; exit {code}");
                let mut arguments = vec!["exec", "web"];
                arguments.extend(stdin.map(|_| "-i"));
                arguments.extend(["--", "sh", "-c", &script]);
                let output = pod.run(kubectl, &arguments, stdin).await;
                let case = format!("{kubectl:?}, stdin {}, code {code}: {output:?}", stdin.is_some());
                assert_eq!(output.status.code(), Some(code), "{case}");
                assert_eq!(
                    text(&output.stdout),
                    format!("{}out\n", text(stdin.unwrap_or_default())),
                    "{case}"
                );
                let errors = text(&output.stderr);
                let errors = errors.strip_prefix("err\n").expect(&case);
                assert_eq!(errors.contains("command terminated with exit code 3"), code == 3, "{case}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_cannot_be_run_says_why() {
    let pod = Pod::start().await;
    std::fs::write(pod.folder.path().join("data"), "no program").unwrap();
    for kubectl in Kubectl::BOTH {
        for (program, code, words) in [
            ("no-such-program", 127, "executable file not found in $PATH"),
            ("./data", 126, "permission denied"),
        ] {
            let output = pod.run(kubectl, &["exec", "web", "--", program], None).await;
            assert_eq!(output.status.code(), Some(code), "{kubectl:?}: {output:?}");
            assert!(text(&output.stderr).contains(words), "{kubectl:?}: {output:?}");
        }
        let output = pod.run(kubectl, &["exec", "web", "--", "sh", "-c", "kill -TERM $$"], None).await;
        assert_eq!(output.status.code(), Some(128 + 15), "{kubectl:?}: {output:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_sees_the_pods_environment_and_folder() {
    let pod = Pod::start().await;
    let script = "echo $HOSTNAME $(pwd -P) ${USER-none} $TERM";
    for kubectl in Kubectl::BOTH {
        let output = pod.run(kubectl, &["exec", "web", "--", "sh", "-c", script], None).await;
        let folder = pod.folder.path().canonicalize().unwrap();
        assert_eq!(
            text(&output.stdout),
            format!("web {} none\n", folder.display()),
            "{kubectl:?}: {output:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_output_and_input_come_whole() {
    let pod = Pod::start().await;
    let bytes = pattern(8 << 20);
    for kubectl in Kubectl::BOTH {
        let output = pod.run(kubectl, &["exec", "-i", "web", "--", "cat"], Some(&bytes)).await;
        assert!(output.status.success(), "{kubectl:?}: {}", text(&output.stderr));
        assert_eq!(output.stdout.len(), bytes.len(), "{kubectl:?}");
        assert!(output.stdout == bytes, "{kubectl:?}: the bytes differ");
        let output = pod.run(kubectl, &["exec", "-i", "web", "--", "head", "-c", "5"], Some(&bytes)).await;
        assert_eq!(output.stdout, bytes[..5], "{kubectl:?}: {output:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_left_behind_does_not_hold_the_client() {
    let pod = Pod::start().await;
    for kubectl in Kubectl::BOTH {
        let script = "sleep 77 & echo $!; exit 6";
        let output = pod.run(kubectl, &["exec", "web", "--", "sh", "-c", script], None).await;
        assert_eq!(output.status.code(), Some(6), "{kubectl:?}: {output:?}");
        let left: i32 = text(&output.stdout).trim().parse().unwrap();
        rustix::process::kill_process(Pid::from_raw(left).unwrap(), rustix::process::Signal::KILL).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_end_with_their_client() {
    let pod = Pod::start().await;
    for kubectl in Kubectl::BOTH {
        let arguments = ["exec", "web", "--", "sh", "-c", "trap '' HUP TERM; echo $$; sleep 77"];
        let mut command = Command::from(pod.command(kubectl, &arguments));
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut line = Vec::new();
        let stdout = child.stdout.as_mut().unwrap();
        while line.last() != Some(&b'\n') {
            line.push(soon("the process id", stdout.read_u8()).await.unwrap());
        }
        let group = Pid::from_raw(text(&line).trim().parse().unwrap()).unwrap();
        assert!(test_kill_process_group(group).is_ok(), "{kubectl:?}");
        child.start_kill().unwrap();
        until("the end of the process group", || test_kill_process_group(group).is_err()).await;
    }
}

/// A kubectl on a terminal of its own.
struct OnTerminal {
    pty: pty_process::Pty,
    child: tokio::process::Child,
    shown: String,
}

impl OnTerminal {
    fn start(pod: &Pod, kubectl: Kubectl, arguments: &[&str]) -> Self {
        let (pty, pts) = pty_process::open().unwrap();
        pty.resize(pty_process::Size::new(40, 100)).unwrap();
        let command = Command::from(pod.command(kubectl, arguments));
        let child = pty_process::Command::from(command).kill_on_drop(true).spawn(pts).unwrap();
        Self { pty, child, shown: String::new() }
    }

    /// Reads until `words` were shown, or with `None` to the end.
    async fn read(&mut self, words: Option<&str>) {
        let mut chunk = [0; 4096];
        while !words.is_some_and(|words| self.shown.contains(words)) {
            let read = tokio::time::timeout(super::PATIENCE, self.pty.read(&mut chunk)).await;
            match read.unwrap_or_else(|_| panic!("{words:?} was not shown, but {:?}", self.shown)) {
                Ok(length @ 1..) => self.shown.push_str(&text(&chunk[..length])),
                _ if words.is_none() => return,
                _ => panic!("ended before {words:?} was shown: {:?}", self.shown),
            }
        }
    }

    async fn write(&mut self, keys: &[u8]) {
        self.pty.write_all(keys).await.unwrap();
    }

    async fn code(mut self) -> (Option<i32>, String) {
        self.read(None).await;
        let status = soon("the end of kubectl", self.child.wait()).await.unwrap();
        (status.code(), self.shown)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal() {
    let pod = Pod::start().await;
    for kubectl in Kubectl::BOTH {
        for code in [0, 4] {
            let script = format!(
                "test -t 0 && test -t 1 && test -t 2 && echo terminal $TERM; echo err >&2; \
                 read line; echo got $line; exit {code}"
            );
            let mut terminal =
                OnTerminal::start(&pod, kubectl, &["exec", "-it", "web", "--", "sh", "-c", &script]);
            terminal.read(Some("err")).await;
            terminal.write(b"hello\r").await;
            terminal.read(Some("got hello")).await;
            let (exit, shown) = terminal.code().await;
            assert_eq!(exit, Some(code), "{kubectl:?}: {shown:?}");
            assert!(shown.contains("terminal xterm"), "{kubectl:?}: {shown:?}");
        }
        // kubectl gives a process no terminal that it can't type into; the streams then stay apart.
        let arguments = ["exec", "-t", "web", "--", "sh", "-c", "test -t 1 || echo plain; exit 5"];
        let (exit, shown) = OnTerminal::start(&pod, kubectl, &arguments).code().await;
        assert_eq!(exit, Some(5), "{kubectl:?}: {shown:?}");
        assert!(shown.contains("plain"), "{kubectl:?}: {shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_has_the_clients_size_and_keys() {
    let pod = Pod::start().await;
    for kubectl in Kubectl::BOTH {
        let script = "while :; do stty size; sleep 0.1; done";
        let mut terminal =
            OnTerminal::start(&pod, kubectl, &["exec", "-it", "web", "--", "sh", "-c", script]);
        terminal.read(Some("40 100")).await;
        terminal.pty.resize(pty_process::Size::new(55, 123)).unwrap();
        terminal.read(Some("55 123")).await;
        terminal.write(b"\x03").await;
        let (exit, shown) = terminal.code().await;
        assert_eq!(exit, Some(130), "{kubectl:?}: {shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_shell_with_a_prompt() {
    let pod = Pod::start().await;
    for kubectl in Kubectl::BOTH {
        let mut terminal = OnTerminal::start(&pod, kubectl, &["exec", "-it", "web", "--", "sh"]);
        terminal.read(Some("web$ ")).await;
        terminal.write(b"echo $((6*7))\r").await;
        terminal.read(Some("42")).await;
        terminal.write(b"exit 9\r").await;
        let (exit, shown) = terminal.code().await;
        assert_eq!(exit, Some(9), "{kubectl:?}: {shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_copied_both_ways() {
    let pod = Pod::start().await;
    let bytes = pattern(3 << 20);
    for kubectl in Kubectl::BOTH {
        let home = pod.home.path();
        std::fs::create_dir_all(home.join("tree/below")).unwrap();
        std::fs::write(home.join("file"), &bytes).unwrap();
        std::fs::write(home.join("tree/below/leaf"), "leaf").unwrap();
        for (from, to) in [("file", "web:/tmp/file"), ("file", "web:plain"), ("tree", "web:/tmp/tree")] {
            let output = pod.run(kubectl, &["cp", from, to], None).await;
            assert!(output.status.success(), "{kubectl:?} {from} {to}: {output:?}");
        }
        let inside = |path: &str| pod.folder.path().join(path);
        assert!(std::fs::read(inside("tmp/file")).unwrap() == bytes, "{kubectl:?}");
        assert!(std::fs::read(inside("plain")).unwrap() == bytes, "{kubectl:?}");
        assert_eq!(std::fs::read(inside("tmp/tree/below/leaf")).unwrap(), b"leaf", "{kubectl:?}");
        let output = pod.run(kubectl, &["exec", "web", "--", "cat", "/tmp/tree/below/leaf"], None).await;
        assert_eq!(output.stdout, b"leaf", "{kubectl:?}: {output:?}");
        for (from, to) in
            [("web:/tmp/file", "back"), ("web:/tmp/tree", "back-tree"), ("web:plain", "back-plain")]
        {
            let output = pod.run(kubectl, &["cp", from, to], None).await;
            assert!(output.status.success(), "{kubectl:?} {from} {to}: {output:?}");
        }
        assert!(std::fs::read(home.join("back")).unwrap() == bytes, "{kubectl:?}");
        assert!(std::fs::read(home.join("back-plain")).unwrap() == bytes, "{kubectl:?}");
        assert_eq!(std::fs::read(home.join("back-tree/below/leaf")).unwrap(), b"leaf", "{kubectl:?}");
        for path in [home.join("back"), home.join("back-plain"), inside("tmp/file"), inside("plain")] {
            std::fs::remove_file(path).unwrap();
        }
        // A folder that is there already takes the copy in, rather than being it.
        for path in [home.join("back-tree"), inside("tmp/tree")] {
            std::fs::remove_dir_all(path).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attach_joins_the_main_process() {
    let pod = Pod::start().await;
    for kubectl in Kubectl::BOTH {
        let (lines, output) = mpsc::channel(4);
        let (stdin, mut typed) = mpsc::channel(4);
        pod.attach(output, Some(stdin));
        let main = tokio::spawn(async move {
            lines.send(Bytes::from("one\n")).await.unwrap();
            let mut got = Vec::new();
            while !got.ends_with(b"\n") {
                got.extend_from_slice(&soon("input", typed.recv()).await.unwrap());
            }
            lines.send(Bytes::from(got)).await.unwrap();
        });
        let output = pod.run(kubectl, &["attach", "-i", "web"], Some(b"two\n")).await;
        assert!(output.status.success(), "{kubectl:?}: {output:?}");
        assert_eq!(text(&output.stdout), "one\ntwo\n", "{kubectl:?}: {output:?}");
        main.await.unwrap();
    }
}
