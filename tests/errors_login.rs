//! Logins that come to nothing, in the terminal and in the browser.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
};

use jumpgate::{
    demo::{
        browser::{Consent, Page},
        github::{Account, Fault},
    },
    pki::KeyPair,
};

use crate::support::world::{Run, Transcript, World, runtime};

/// A login that must fail and change nothing; what the terminal and the browser say goes into the transcript.
fn fails(world: &World, said: &mut Transcript, user: &str, consent: Consent, more: &[&str]) -> Page {
    let before = world.home_files();
    let (run, page) = world.login_as(user, consent, more);
    said.run(run.fails_with(5));
    said.line(&format!("browser: {} {}\n", page.status, page.text));
    assert_eq!(world.home_files(), before, "a login that fails has changed something");
    page
}

#[test]
fn a_connector_that_is_not_there() {
    let world = World::start();
    let proxy = world.proxy();
    let login = |more: &[&str]| {
        world.tsh(&[&["login", "--insecure", "--browser=none", &proxy][..], more].concat()).fails_with(1)
    };
    let mut said = world.transcript();
    said.line("# no connector at all");
    said.run(login(&[]));
    world.connector("admins", "guest");
    world.tctl(&["create", "github.yaml"]).succeeds();
    said.line("# another connector");
    said.run(login(&["--auth=gitlab"]));
    assert!(world.home_files().is_empty(), "{:?}", world.home_files());
    insta::assert_snapshot!("no_connector", said.end());
}

#[test]
fn somebody_who_is_in_no_team_or_refuses() {
    let world = World::with_connector();
    let mut said = world.transcript();
    said.line("# in another team");
    fails(&world, &mut said, "bob", Consent::Approve, &[]);
    said.line("# in no team at all");
    fails(&world, &mut said, "mallory", Consent::Approve, &[]);
    said.line("# consent refused");
    fails(&world, &mut said, "alice", Consent::Deny, &[]);
    insta::assert_snapshot!("no_team", said.end());
    let users = world.tctl(&["get", "users"]).succeeds().stdout;
    assert!(!users.contains("bob") && !users.contains("mallory"), "{users}");
    let audit = world.gate.audit();
    assert_eq!(audit.matches("\"T1001W\"").count(), 3, "{audit}");
}

#[test]
fn a_connector_that_names_a_role_which_is_not_there() {
    let world = World::start();
    world.connector_with(
        "  teams_to_roles:\n  - organization: octocats\n    team: admins\n    roles: [captain]\n",
    );
    world.tctl(&["create", "github.yaml"]).succeeds();
    let mut said = world.transcript();
    fails(&world, &mut said, "alice", Consent::Approve, &[]);
    insta::assert_snapshot!("no_role", said.end());
}

#[test]
fn github_down_slow_and_answering_nonsense() {
    let world = World::with_connector();
    let mut said = world.transcript();
    for fault in [Fault::Down, Fault::Nonsense, Fault::Slow] {
        said.line(&format!("# {fault:?}"));
        world.github.set_fault(fault);
        fails(&world, &mut said, "alice", Consent::Approve, &[]);
    }
    world.github.set_fault(Fault::None);
    said.line("# nothing listens at the API's address");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let file = world.dir().join("github.yaml");
    let yaml = std::fs::read_to_string(&file).unwrap();
    let api = format!("http://{closed}/api/v3");
    std::fs::write(&file, yaml.replace(&world.github.api_endpoint_url(), &api)).unwrap();
    world.tctl(&["create", "-f", "github.yaml"]).succeeds();
    fails(&world, &mut said, "alice", Consent::Approve, &[]);
    std::fs::write(&file, yaml).unwrap();
    world.tctl(&["create", "-f", "github.yaml"]).succeeds();
    world.login();
    insta::assert_snapshot!("github_faults", said.end());
}

#[test]
fn the_same_name_of_another_account() {
    let world = World::with_connector();
    world.login();
    world.github.set_account("alice", Account::new(4711, &["octocats/admins"]));
    let mut said = world.transcript();
    fails(&world, &mut said, "alice", Consent::Approve, &["--force"]);
    said.run(world.tctl(&["rm", "user/alice"]).succeeds());
    let (run, page) = world.login_as("alice", Consent::Approve, &["--force"]);
    said.run(run.succeeds());
    said.line(&format!("browser: {} {}", page.status, page.text));
    insta::assert_snapshot!("another_account", said.end());
}

/// Begins a login as a client would, with a redirect of one's own.
fn begin(world: &World, redirect: &str) -> (u16, String) {
    let key = KeyPair::generate().public().to_authorized_key().unwrap();
    let body = serde_json::json!({
        "redirect_url": redirect, "public_key": base64(&key), "cert_ttl": 0, "connector_id": "github",
    });
    world.gate.raw_web("POST /v1/webapi/github/login/console", &body.to_string())
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn a_redirect_that_no_login_may_end_at() {
    let world = World::with_connector();
    let key = "ab".repeat(32);
    let mut said = world.transcript();
    said.hide(&key, "KEY");
    for redirect in [
        "http://evil.example.com/callback?secret_key=KEY",
        "https://127.0.0.1:1234/callback?secret_key=KEY",
        "http://127.0.0.1.evil.example.com/callback?secret_key=KEY",
        "http://127.0.0.1:1234/elsewhere?secret_key=KEY",
        "http://alice@127.0.0.1:1234/callback?secret_key=KEY",
        "http://127.0.0.1:1234/callback?secret=c2VjcmV0",
        "http://127.0.0.1:1234/callback?secret_key=short",
        "http://127.0.0.1:1234/callback",
        "callback",
        "",
    ] {
        let answer = begin(&world, &redirect.replace("KEY", &key));
        assert_eq!(answer.0, 400, "{answer:?}");
        said.answer(&format!("> {redirect}"), &answer);
    }
    insta::assert_snapshot!("redirects", said.end());
    let good = begin(&world, &format!("http://127.0.0.1:1234/callback?secret=c2VjcmV0&secret_key={key}"));
    assert_eq!(good.0, 200, "{good:?}");
}

#[test]
fn a_state_that_is_used_or_unknown() {
    let world = World::with_connector();
    let answer = begin(&world, &format!("http://127.0.0.1:1234/callback?secret_key={}", "ab".repeat(32)));
    let answer: serde_json::Value = serde_json::from_str(&answer.1).unwrap();
    let url: url::Url = answer["redirect_url"].as_str().unwrap().parse().unwrap();
    let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let mut said = world.transcript();
    said.hide(&state, "STATE");
    let back = |query: &str| format!("https://{}/v1/webapi/github/callback{query}", world.gate.web);
    let first = world.gate.raw_web(&format!("GET /v1/webapi/github/callback?error=x&state={state}"), "");
    assert_eq!(first.0, 302, "{first:?}");
    let unknown = "0".repeat(32);
    for query in [
        format!("?code=c&state={state}"),
        format!("?code=c&state={unknown}"),
        "?code=c&state=%3Cscript%3E".to_owned(),
        "?code=c".to_owned(),
        format!(
            "?error=redirect_uri_mismatch&error_description=Call+me&error_uri=https://a.example&state={unknown}"
        ),
        format!("?error=redirect_uri_mismatch&state={state}"),
        "?error=redirect_uri_mismatch&error_description=Call+me".to_owned(),
        "?error=application_suspended".to_owned(),
        "?error=access_denied&error_description=Call+me".to_owned(),
        "?error=%3Cb%3Ecall-me&error_description=Call+me".to_owned(),
    ] {
        let page = runtime().block_on(world.browser().open(&back(&query))).unwrap();
        said.line(&format!("> {query}\n{} {}", page.status, page.text));
    }
    insta::assert_snapshot!("states", said.end());
}

/// One request to the listener of a waiting `tsh`: the first line and the body of the answer.
fn stranger(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("tsh listens");
    stream.write_all(request.as_bytes()).expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    format!("{} {body}", head.lines().next().unwrap_or_default())
}

#[test]
fn strangers_at_the_callback_do_not_end_the_login() {
    let world = World::with_connector();
    let mut said = world.transcript();
    let args = ["login", "--insecure", &world.proxy(), "--browser=none"];
    let command = world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &args);
    let browser = world.browser();
    let (run, answers) = Run::with_browser(command, |address| {
        let port = url::Url::parse(address).unwrap().port().unwrap();
        let sealed = "%7B%22ciphertext%22%3A%22AAAA%22%2C%22nonce%22%3A%22AAAAAAAAAAAAAAAA%22%7D";
        let host = format!("127.0.0.1:{port}");
        let answers = [
            ("wrong key", format!("GET /callback?response={sealed} HTTP/1.1\r\nHost: {host}\r\n\r\n")),
            ("no JSON", format!("GET /callback?response=x HTTP/1.1\r\nHost: {host}\r\n\r\n")),
            (
                "a refusal before anybody opened the link",
                format!("GET /callback?err=no HTTP/1.1\r\nHost: {host}\r\n\r\n"),
            ),
            (
                "wrong Host",
                format!("GET /callback?response={sealed} HTTP/1.1\r\nHost: evil.example.com:{port}\r\n\r\n"),
            ),
            (
                "two Hosts",
                format!("GET /callback HTTP/1.1\r\nHost: {host}\r\nHost: evil.example.com\r\n\r\n"),
            ),
            ("no Host", "GET /callback HTTP/1.1\r\n\r\n".to_owned()),
            ("POST", format!("POST /callback HTTP/1.1\r\nHost: {host}\r\n\r\n")),
            ("another path", format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")),
            ("no HTTP", "hello\r\n\r\n".to_owned()),
        ]
        .map(|(what, request)| format!("> {what}\n{}", stranger(port, &request)));
        let page = runtime().block_on(browser.sign_in(address, "alice", Consent::Approve)).unwrap();
        assert_eq!(page.status, 200, "{}", page.text);
        answers
    });
    answers.iter().for_each(|line| said.line(line));
    said.run(run.succeeds());
    insta::assert_snapshot!("strangers", said.end());
}

/// Whoever said no, or had something wrong, pastes the line that is printed and is asked again.
#[test]
fn the_command_of_a_hint_can_be_pasted() {
    let world = World::with_connector();
    let again = format!(
        "tsh login --proxy={} --auth=github --insecure --browser=none --keep-context",
        world.gate.web
    );
    let (run, _) = world.login_as("alice", Consent::Deny, &["--keep-context"]);
    let run = run.fails_with(5);
    assert!(run.stderr.ends_with(&format!("run: {again}\n")), "{}", run.stderr);
    // A first login that names the gate where a cluster belongs.
    let named = ["login", "--insecure", "gate.example.com:3080", "--auth=git hub"];
    world
        .tsh(&named)
        .fails_with(1)
        .says("hint: if gate.example.com is the gate: tsh login --proxy=gate.example.com:3080 '--auth=git hub' --insecure");
    // Commands that need a login pass on what they were given.
    let asked = ["kube", "ls", "--insecure", &world.proxy()];
    world.tsh(&asked).fails_with(3).says(&format!("hint: tsh login --proxy={} --insecure\n", world.gate.web));
    world
        .tsh(&["login", "--ca-file=/nowhere", &world.proxy()])
        .fails_with(1)
        .says("--ca-file /nowhere: No such file");
    let untrusted = world.tsh(&["login", "--user=alice", &world.proxy()]).fails_with(6);
    untrusted.says(&format!("tsh login --proxy={} --user=alice --ca-pin=sha256:HEX", world.gate.web));
}
