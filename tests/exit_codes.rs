//! The table of exit codes: real processes for each row, and the sentence that each of them says.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use jumpgate::{demo::browser::Consent, pki::AuthorityKind};
use rustix::process::Signal;

use crate::support::world::{Live, Run, Shown, Transcript, World, runtime, wait_for};

/// kubectl's plugin, in an environment with these variables.
fn plugin(world: &World, more: &[&str], variables: &[(&str, &str)]) -> Command {
    let proxy = world.proxy();
    let args = [&["kube", "credentials", &proxy, "--user=alice"][..], more].concat();
    let mut command = world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &args);
    command.envs(variables.iter().copied());
    command.env(
        "KUBERNETES_EXEC_INFO",
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false}}"#,
    );
    command
}

/// Lets alice's certificate be one that ended three hours ago.
pub(crate) fn expire(world: &World) {
    let ca = world.gate.authority(AuthorityKind::User);
    let hours = |h: i64| Timestamp::now() - SignedDuration::from_hours(h) - SignedDuration::from_mins(5);
    Shown::of_profile(world, "alice").valid(ca.key(), hours(15), hours(3)).write_to_profile(world, "alice");
}

/// Must end with 3, and in no more than a second.
fn at_once(said: &mut Transcript, command: Command) {
    let begin = Instant::now();
    let run = Run::of(command).fails_with(3);
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(1), "{} took {took:?}", run.command);
    said.run(run);
}

/// The login that the plugin starts by itself, with a person at its browser.
fn with_person(world: &World, user: &str, consent: Consent) -> Run {
    let browser = world.browser();
    let command = plugin(world, &[], &[("TELEPORT_LOGIN_BROWSER", "true")]);
    Run::with_browser(command, |address| {
        runtime().block_on(browser.sign_in(address, user, consent)).expect("the browser comes to a page")
    })
    .0
}

#[test]
fn done_failed_and_wrong_usage() {
    let world = World::with_connector();
    world.login();
    Run::of(plugin(&world, &[], &[])).fails_with(0);
    world.tsh(&["kube", "login", "other"]).fails_with(1);
    world.tsh(&["login", "--ttl=0"]).fails_with(2);
    world.tsh(&["login", "--proxy=a b"]).fails_with(2);
}

#[test]
fn a_login_that_is_needed_where_none_can_be_tried_is_said_at_once() {
    let world = World::with_connector();
    let mut said = world.transcript();
    said.line("# nobody is logged in");
    at_once(&mut said, plugin(&world, &[], &[]));
    for args in [&["env"][..], &["clusters"], &["kube", "ls"], &["kube", "login"], &["login", "--renew"]] {
        let proxy = world.proxy();
        world.tsh(&[args, &[&proxy]].concat()).fails_with(3).says("nobody is logged in at");
        let run = world.tsh(args).fails_with(3).says("nobody has logged in here yet, so no gate is known");
        assert!(run.stderr.contains("tsh login --proxy=gate.example.com:3080"), "{}", run.stderr);
    }
    world.tsh(&["login", "--diff"]).fails_with(3);
    world.tsh(&["login", "--diff", &world.proxy()]).fails_with(3).says("nobody is logged in at");
    world.login();
    expire(&world);
    for args in [&["kube", "ls"][..], &["kube", "login", "staging"], &["kube", "login", "--all"]] {
        world.tsh(args).fails_with(3).says("the certificate for").says(" has expired");
    }
    world.tsh(&["login", "--diff"]).fails_with(3).says("has expired, so --diff has no entry to show");
    let display = ("DISPLAY", ":0");
    for (what, more, variables) in [
        ("expired; no display", &[][..], &[][..]),
        ("expired; a build machine", &[], &[display, ("CI", "true")]),
        ("expired; over SSH", &[], &[("SSH_CONNECTION", "192.0.2.1 5 192.0.2.2 22")]),
        (
            "expired; no browser is wanted, and nobody sees the address",
            &[],
            &[("TELEPORT_LOGIN_BROWSER", "none")],
        ),
        ("expired; --no-login", &["--no-login"], &[display]),
        ("expired; JUMPGATE_NO_LOGIN", &[], &[display, ("JUMPGATE_NO_LOGIN", "1")]),
    ] {
        said.line(&format!("# {what}"));
        at_once(&mut said, plugin(&world, more, variables));
    }
    said.line("# expired, and a renewal is asked for");
    said.run(world.tsh(&["login", "--renew"]).fails_with(3));
    insta::assert_snapshot!("login_needed", said.end());
}

#[test]
fn a_refused_login_and_those_who_come_right_after_it() {
    let world = World::with_connector();
    world.login();
    expire(&world);
    let mut said = world.transcript();
    said.line("# consent refused");
    said.run(with_person(&world, "alice", Consent::Deny).fails_with(5));
    let run = Run::of(plugin(&world, &[], &[("TELEPORT_LOGIN_BROWSER", "true")])).fails_with(5);
    assert!(!run.stderr.contains("http://"), "nobody is asked again: {}", run.stderr);
    assert!(run.stderr.contains(" s ago: the gate refused the login: "), "{}", run.stderr);
    assert!(run.stderr.contains("\nhint: to try again at once: tsh login --proxy="), "{}", run.stderr);
    forget_failures(&world);
    said.line("# somebody else signed in");
    world.github.set_account("bob", jumpgate::demo::github::Account::new(1002, &["octocats/admins"]));
    said.run(with_person(&world, "bob", Consent::Approve).fails_with(5));
    said.line("# in no team");
    said.run(world.login_as("mallory", Consent::Approve, &["--force"]).0.fails_with(5));
    insta::assert_snapshot!("login_refused", said.end());
    forget_failures(&world);
    with_person(&world, "alice", Consent::Approve).succeeds();
}

/// As if some time had passed since the last login that failed.
fn forget_failures(world: &World) {
    fs::remove_file(world.home().join(".tsh/keys/127.0.0.1/.login.state")).expect("the state of logins");
}

#[test]
fn a_user_who_is_gone() {
    let world = World::with_connector();
    world.login();
    world.tctl(&["rm", "user/alice"]).succeeds();
    for args in [&["kube", "ls"][..], &["kube", "login", "staging"], &["login", "--renew"]] {
        world.tsh(args).fails_with(4).says("was removed by an administrator");
    }
}

#[test]
fn a_gate_that_cannot_be_reached() {
    let mut world = World::with_connector();
    world.login();
    expire(&world);
    world.gate.stop();
    let mut said = world.transcript();
    said.run(Run::of(plugin(&world, &[], &[("TELEPORT_LOGIN_BROWSER", "true")])).fails_with(6));
    said.run(world.tsh(&["login"]).fails_with(6));
    insta::assert_snapshot!("unreachable", said.end());
    world.gate.crash_and_restart();
    world.login_as("alice", Consent::Approve, &["--ttl=60"]).0.succeeds();
    world.gate.stop();
    for args in [&["login", "--renew"][..], &["kube", "ls"], &["kube", "login", "staging"]] {
        world.tsh(args).fails_with(6).says("cannot reach ");
    }
}

#[test]
fn a_login_that_nobody_completes() {
    let world = World::with_connector();
    world.login();
    expire(&world);
    for args in [vec!["login", "--browser=none"], vec!["kube", "credentials"]] {
        let proxy = world.proxy();
        let args = [&args[..], &[&proxy]].concat();
        let mut command = world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &args);
        command.env("TELEPORT_LOGIN_BROWSER", "true");
        let live = Live::piped(command);
        live.says("http://127.0.0.1:");
        live.signal(Signal::INT);
        live.end()
            .fails_with(7)
            .says("error: login cancelled; nothing was changed. To begin again run: tsh login");
    }
}

/// What a person reads at once is not read before Ctrl-C is heard: strace sees the order.
#[test]
fn a_login_can_be_cancelled_from_its_first_line_on() {
    let world = World::with_connector();
    let proxy = world.proxy();
    for way in ["browser", "code", "paste"] {
        let log = world.dir().join(way);
        let (log_text, way) = (log.to_str().expect("text"), format!("--way={way}"));
        let strace = ["-D", "-f", "-q", "-s", "4096", "-e", "trace=write,rt_sigaction", "-o", log_text];
        let login = [
            env!("CARGO_BIN_EXE_tsh"),
            "login",
            "--insecure",
            "--browser=none",
            "--auth=github",
            &way,
            &proxy,
        ];
        let live = Live::piped(world.command(Path::new("strace"), &[&strace[..], &login].concat()));
        live.says("  http");
        live.signal(Signal::INT);
        live.end().fails_with(7).says("login cancelled; nothing was changed");
        let calls = wait_for("the end of what strace wrote", || {
            let text = fs::read_to_string(&log).expect("strace writes");
            text.contains("+++ exited with 7 +++").then_some(text)
        });
        let first = |what: &str, is: &dyn Fn(&str) -> bool| {
            calls.lines().position(is).unwrap_or_else(|| panic!("{way}: no {what} in {calls}"))
        };
        let heard = first("handler", &|line| line.contains("rt_sigaction(SIGINT, {sa_handler=0x"));
        let told = first("address", &|line| line.contains("write(2") && line.contains("  http"));
        assert!(heard < told, "{way}: {calls}");
    }
}
