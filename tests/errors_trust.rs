//! What `tsh` says when the other end is not there, is no gate, or is not the gate that it was.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    path::Path,
};

use jiff::{SignedDuration, Timestamp};
use jumpgate::pki::{Authority, AuthorityKind};

use crate::support::{
    fake_gate::{self, FakeGate},
    world::{CLUSTER, Kubectl, Run, Shown, World},
};

/// A login that ends before the browser comes in.
fn refused(world: &World, proxy: &str, more: &[&str]) -> Run {
    let proxy = format!("--proxy={proxy}");
    let before = world.home_files();
    let run = world.tsh(&[&["login", "--browser=none", &proxy][..], more].concat()).fails_with(6);
    assert_eq!(world.home_files(), before, "a login that fails has changed something");
    run
}

#[test]
fn a_wrong_address() {
    let world = World::start();
    let mut said = world.transcript();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    said.run(refused(&world, &free.to_string(), &[]));
    // What the resolver says depends on the machine.
    for words in [
        "there is no host of the name \"gate.invalid\"",
        "the name \"gate.invalid\" could not be looked up (Temporary failure in name resolution); does this machine's DNS work?",
    ] {
        said.hide(words, "RESOLVER'S WORDS");
    }
    said.run(refused(&world, "gate.invalid:3080", &[]));
    said.run(world.tsh(&["login", "--proxy=https://gate.example.com:99999"]).fails_with(2));
    said.run(world.tsh(&["login"]).fails_with(1));
    insta::assert_snapshot!("wrong_address", said.end());
}

/// A server that answers each connection with a text, or never.
fn server(answer: Option<&'static str>) -> SocketAddr {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in tcp.incoming().filter_map(Result::ok) {
            if let Some(text) = answer {
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(text.as_bytes());
            } else {
                open.push(stream);
            }
        }
    });
    address
}

/// A web server with TLS that knows nothing of gates.
fn https_server() -> SocketAddr {
    let ca = Authority::generate(AuthorityKind::Host, "web.example.com", Timestamp::now()).unwrap();
    let config = fake_gate::tls(&ca);
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in tcp.incoming().filter_map(Result::ok) {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let _ = stream.read(&mut [0; 4096]);
            let page = "<html>It works!</html>";
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                page.len()
            );
            let _ = stream.flush();
        }
    });
    address
}

#[test]
fn something_that_is_no_gate() {
    let world = World::start();
    let mut said = world.transcript();
    let page = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nIt works!";
    for (what, address) in [
        ("a web server", https_server()),
        ("a web server without TLS", server(Some(page))),
        ("a mail server", server(Some("220 mail.example.com ESMTP\r\n"))),
        ("a server that says nothing", server(None)),
        ("a Kubernetes API", world.kube.addr),
        ("the gate's Kubernetes port", world.gate.kube),
        ("the gate's admin port", world.gate.admin),
    ] {
        said.line(&format!("# {what}"));
        said.run(refused(&world, &address.to_string(), &["--insecure"]));
    }
    insta::assert_snapshot!("no_gate", said.end());
}

#[test]
fn a_certificate_that_nobody_vouches_for() {
    let world = World::with_connector();
    let mut said = world.transcript();
    let proxy = world.gate.web.to_string();
    said.run(refused(&world, &proxy, &[]));
    let wrong = format!("--ca-pin=sha256:{}", "0".repeat(64));
    said.run(refused(&world, &proxy, &[&wrong]));
    said.run(refused(&world, &proxy, &[&wrong, "--insecure"]));
    said.run(world.tsh(&["login", &world.proxy(), "--ca-pin=abc"]).fails_with(2));
    let pin = world.tctl(&["status"]).succeeds().stdout;
    let pin = pin.lines().find_map(|line| line.strip_prefix("CA pin")).unwrap().trim();
    let args = ["login", &world.proxy(), "--browser=none", &format!("--ca-pin={pin}")];
    let command = world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &args);
    let browser = world.browser();
    let (run, _) = Run::with_browser(command, |address| {
        let consent = jumpgate::demo::browser::Consent::Approve;
        crate::support::world::runtime().block_on(browser.sign_in(address, "alice", consent)).unwrap()
    });
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    said.run(run.succeeds());
    insta::assert_snapshot!("untrusted", said.end());
}

#[test]
fn a_key_that_changed_is_refused_with_both() {
    let mut world = World::with_connector();
    let mut said = world.transcript();
    said.run(world.login());
    world.gate.stop();
    let _other = FakeGate::start_on(world.gate.web.port());
    let proxy = world.gate.web.to_string();
    said.run(refused(&world, &proxy, &["--force"]));
    insta::assert_snapshot!("changed_key", said.end());
}

#[test]
fn a_certificate_that_has_expired() {
    let world = World::with_connector();
    world.login();
    let ca = world.gate.authority(AuthorityKind::User);
    let hours = |h: i64| Timestamp::now() - SignedDuration::from_hours(h) - SignedDuration::from_mins(5);
    Shown::of_profile(&world, "alice").valid(ca.key(), hours(15), hours(3)).write_to_profile(&world, "alice");
    let before = world.home_files();
    let mut said = world.transcript();
    said.hide(env!("CARGO_BIN_EXE_tsh"), "tsh");
    said.run(world.tsh(&["status"]).fails_with(1));
    let cluster = format!("--teleport-cluster={CLUSTER}");
    said.run(world.tsh(&["kube", "credentials", &world.proxy(), &cluster]).fails_with(3));
    said.run(world.tctl_as_person(&["get", "roles"]).fails_with(1));
    assert_eq!(world.home_files(), before);
    for version in Kubectl::ALL {
        said.run(world.kubectl(version, &["get", "pods"]).fails_with(1));
    }
    insta::assert_snapshot!("expired", said.end());
}
