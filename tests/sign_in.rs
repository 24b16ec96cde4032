//! Sign-in where the browser is elsewhere and its last address is pasted, and sign-in with a password at a stock Teleport.

use std::path::Path;

use jiff::SignedDuration;
use serde_json::json;

use crate::support::{
    fake_gate::FakeGate,
    replay::Replay,
    run::{Ended, Person},
    world::{Live, Run},
};

/// A `tsh login` that waits for a line.
fn begin(person: &Person, gate: &FakeGate, way: &[&str]) -> std::process::Command {
    let proxy = gate.proxy();
    person.command(&[&["login", "--insecure", &proxy][..], way].concat())
}

/// The address on which the browser ends, once the login has begun.
fn last_address(live: &Live, gate: &FakeGate) -> String {
    live.says("https://github.example.com/login/oauth/authorize?state=s");
    gate.callback(&gate.answer("alice", SignedDuration::from_hours(1)))
}

#[test]
fn a_pasted_address_ends_the_login_over_a_pipe() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let mut live = Live::piped(begin(&person, &gate, &["--way=paste"]));
    let address = last_address(&live, &gate);
    // What is no answer, and what is another login's, is told, and the wait goes on.
    live.send("https://github.example.com/\n");
    live.says("that is not the address on which the browser ended");
    live.send("http://127.0.0.1:1/callback?response=%7B%22ciphertext%22%3A%22AAAA%22%2C%22nonce%22%3A%22AAAA%22%7D\n");
    live.says("that answer belongs to another login");
    live.send(format!("{address}\n"));
    let run = live.end().succeeds().says("Logged in as: alice");
    let sealed = address.split("response=").nth(1).unwrap();
    assert!(!run.stderr.contains(&sealed[..40]), "the answer is in no log");
}

#[test]
fn only_the_answer_itself_is_enough() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let mut live = Live::piped(begin(&person, &gate, &["--way=paste", "-d"]));
    let address = last_address(&live, &gate);
    let value = address.split("response=").nth(1).unwrap().split('&').next().unwrap();
    live.send(format!("{value}\n"));
    let run = live.end().succeeds();
    assert!(!run.stderr.contains(&value[..60]), "{}", run.stderr);
}

#[test]
fn on_a_terminal_a_long_address_is_taken_whole_and_not_shown() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let mut live = Live::on_terminal(begin(&person, &gate, &["--way=paste"]), 24, 80);
    live.says("paste it here");
    let mut login = gate.answer("alice", SignedDuration::from_hours(1));
    // Longer than the terminal's own line editing would take.
    login.host_signers[0].checking_keys = vec![format!("ssh-rsa {}", "A".repeat(6000)).into()];
    let address = gate.callback(&login);
    assert!(address.len() > 8000, "{}", address.len());
    // As a terminal pastes: in pieces.
    for piece in address.as_bytes().chunks(1000) {
        live.send(piece);
    }
    live.send("\r");
    let run = live.end().succeeds().says("Logged in as: alice");
    assert!(!run.stdout.contains("response="), "{}", run.stdout);
}

#[test]
fn a_callback_on_this_machine_ends_the_wait_for_a_paste_too() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let live = Live::piped(begin(&person, &gate, &["--way=paste"]));
    let address = last_address(&live, &gate);
    let answer = crate::support::run::browse(&address);
    assert!(answer.starts_with("HTTP/1.1 302"), "{answer}");
    live.end().succeeds().says("Logged in as: alice");
}

#[test]
fn the_ends_of_pasting() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let mut live = Live::piped(begin(&person, &gate, &["--way=paste"]));
    last_address(&live, &gate);
    live.close_stdin();
    let run = live.end();
    assert_ne!(run.code, 0);
    run.says("the input ended before the address of a finished sign-in was pasted");

    let mut live = Live::piped(begin(&person, &gate, &["--way=paste"]));
    last_address(&live, &gate);
    live.send("http://127.0.0.1:1/callback?err=you+are+in+no+team&secret_key=\n");
    let run = live.end();
    assert_ne!(run.code, 0);
    run.says("the gate refused the login: you are in no team");

    let mut live = Live::on_terminal(begin(&person, &gate, &["--way=paste"]), 24, 80);
    live.says("paste it here");
    live.send("\u{3}");
    let run = live.end();
    assert_ne!(run.code, 0);
    run.says("login cancelled; nothing was changed");
    assert!(!person.path(".tsh/keys/localhost/alice").exists(), "nothing was kept");
}

#[test]
fn a_stock_gate_has_no_code_and_no_terminal_no_paste() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let said = |args: &[&str], env: &[(&str, &str)]| -> Ended {
        let mut command = begin(&person, &gate, args);
        command.envs(env.iter().copied());
        let ended: Ended = command.output().unwrap().into();
        assert_ne!(ended.code, 0, "{}", ended.stderr);
        ended
    };
    let ended = said(&["--way=code"], &[]);
    assert!(ended.stderr.contains("does not sign people in by code"), "{}", ended.stderr);
    let ended = said(&[], &[("JUMPGATE_LOGIN_WAY", "smoke")]);
    assert!(ended.code == 2 && ended.stderr.contains("must be browser, paste or code"), "{}", ended.stderr);
}

const PING: &str = r#"{"auth":{"type":"local","second_factor":"otp"},"proxy":{"kube":{"enabled":true,"public_addr":"localhost:3026"},"ssh":{}},"server_version":"4.0.2","min_client_version":""}"#;
const PING_OFF: &str = r#"{"auth":{"type":"local","second_factor":"off"},"proxy":{"kube":{},"ssh":{}},"server_version":"4.0.2","min_client_version":""}"#;
const PING_U2F: &str = r#"{"auth":{"type":"local","second_factor":"u2f"},"proxy":{"kube":{},"ssh":{}},"server_version":"4.0.2","min_client_version":""}"#;
const DENIED: &str = include_str!("data/teleport-4.0.2/web/ssh-certs-bad-password.txt");
const CERTS: &str = include_str!("data/teleport-4.0.2/web/ssh-certs-ecdsa.json");

fn local(person: &Person, port: u16, more: &[&str]) -> std::process::Command {
    let proxy = format!("--proxy=localhost:{port}");
    person.command(&[&["login", "--insecure", &proxy, "--auth=local"][..], more].concat())
}

/// What a stock server refused is said in better words; the password goes to it and nowhere else.
#[test]
fn a_wrong_password_at_a_stock_server() {
    let person = Person::new();
    let server = Replay::start(&[
        ("GET /v1/webapi/ping/local", 200, PING),
        ("POST /v1/webapi/ssh/certs", 403, "{\"message\":\"invalid username or password\"}"),
    ]);
    assert_eq!(DENIED.lines().next(), Some("{\"message\":\"invalid username or password\"}"));
    let mut live = Live::piped(local(&person, server.port, &["--user=alice", "-d"]));
    live.send("hunter2\n123456\n");
    let run = live.end();
    assert_ne!(run.code, 0);
    let run = run.says("does not take this password or this one-time code of alice");
    assert!(!run.stderr.contains("hunter2") && !run.stderr.contains("123456"), "{}", run.stderr);
    let asked = server.asked();
    let body = &asked.iter().find(|a| a.what == "POST /v1/webapi/ssh/certs").unwrap().body;
    assert_eq!(
        (&body["user"], &body["password"], &body["otp_token"]),
        (&json!("alice"), &json!("hunter2"), &json!("123456"))
    );
    assert!(body["pub_key"].is_string() && body["ttl"] == 0, "{body}");
    assert!(body.get("RouteToCluster").is_none(), "4.0 does not know it: {body}");
}

#[test]
fn a_stock_answer_for_another_key_is_refused() {
    let person = Person::new();
    let server = Replay::start(&[
        ("GET /v1/webapi/ping/local", 200, PING_OFF),
        ("POST /v1/webapi/ssh/certs", 200, CERTS),
    ]);
    let mut live = Live::piped(local(&person, server.port, &["--user=alice"]));
    live.send("hunter2\n");
    let run = live.end();
    assert_ne!(run.code, 0);
    run.says("its certificate is not for the key of this login");
}

#[test]
fn a_password_signs_in_and_is_not_shown() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let proxy = gate.proxy();
    let args = ["login", "--insecure", &proxy, "--auth=local", "--user=alice"];
    let mut live = Live::on_terminal(person.command(&args), 24, 80);
    live.says("Password of alice at localhost");
    live.send("hunter2\r");
    live.says("One-time code");
    live.send("123456\r");
    let run: Run = live.end().succeeds().says("Logged in as: alice");
    assert!(!run.stdout.contains("hunter2") && !run.stdout.contains("123456"), "{}", run.stdout);

    // Ctrl-C at the question: nothing happens.
    let mut live = Live::on_terminal(person.command(&[&args[..], &["--force"]].concat()), 24, 80);
    live.says("Password of alice at localhost");
    live.send("hunt\u{3}");
    let run = live.end();
    assert_ne!(run.code, 0);
    run.says("login cancelled; nothing was changed");
}

#[test]
fn what_a_password_login_needs() {
    let person = Person::new();
    let server = Replay::start(&[("GET /v1/webapi/ping/local", 200, PING_U2F)]);
    let said = |more: &[&str]| Ended::from(local(&person, server.port, more).output().unwrap());
    let ended = said(&[]);
    assert!(ended.code == 2 && ended.stderr.contains("say who you are"), "{}", ended.stderr);
    let ended = said(&["--user=alice"]);
    assert!(ended.code != 0 && ended.stderr.contains("\"u2f\""), "{}", ended.stderr);

    // Our own gate has no passwords, and says so.
    let world = crate::support::world::World::with_connector();
    let args = ["login", "--insecure", &world.proxy(), "--auth=local", "--user=alice"];
    let run = Run::of(world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &args));
    assert_ne!(run.code, 0);
    run.says("this gate signs nobody in with a password");
    let answer = world.gate.raw_web("POST /v1/webapi/ssh/certs", r#"{"user":"alice","password":"x"}"#);
    assert_eq!(answer.0, 403, "{answer:?}");
}
