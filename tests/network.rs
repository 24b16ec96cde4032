//! The ways from `tsh` and `tctl` to the gate: proxies that are the only way, what `NO_PROXY` lists, IPv6, slow networks.
//! Field notes B.1, 48: one connector opens every connection.

use std::{net::TcpListener, path::Path, process::Command};

use jumpgate::demo::browser::Consent;

use crate::support::{
    fake_gate::FakeGate,
    proxies::{Proxy, relay},
    world::{Kubectl, Run, World, runtime},
};

/// A name that no DNS knows (RFC 6761).
const GATE: &str = "gate.corp.test";
const PASSWORD: &str = "s3cret-of-the-proxy";
/// Base64 of `alice:s3cret-of-the-proxy`.
const AUTHORIZATION: &str = "Basic YWxpY2U6czNjcmV0LW9mLXRoZS1wcm94eQ==";

/// A world whose gate calls itself by a name that only a proxy knows.
fn world() -> World {
    let world = World::start_at(GATE);
    world.connector("admins", "system:masters");
    world.tctl(&["create", "github.yaml"]).succeeds();
    world
}

fn tool(world: &World, program: &str, variables: &[(&str, &str)], args: &[&str]) -> Command {
    let mut command = world.command(Path::new(program), args);
    command.envs(variables.iter().copied());
    command
}

fn tsh(world: &World, variables: &[(&str, &str)], args: &[&str]) -> Run {
    Run::of(tool(world, env!("CARGO_BIN_EXE_tsh"), variables, args))
}

fn tctl(world: &World, variables: &[(&str, &str)], args: &[&str]) -> Run {
    Run::of(tool(world, env!("CARGO_BIN_EXE_tctl"), variables, args))
}

/// A whole login with these variables.
fn log_in(world: &World, variables: &[(&str, &str)], more: &[&str]) -> Run {
    let proxy = format!("--proxy={GATE}:{}", world.gate.web.port());
    let args = [&["login", "-d", "--insecure", &proxy, "--browser=none"][..], more].concat();
    let command = tool(world, env!("CARGO_BIN_EXE_tsh"), variables, &args);
    let browser = world.browser();
    let (run, _) = Run::with_browser(command, |address| {
        // The last page is the gate's own, by the name that this browser does not know.
        let _ = runtime().block_on(browser.sign_in(address, "alice", Consent::Approve));
    });
    run.succeeds()
}

fn silent(run: &Run) {
    assert!(!run.stderr.contains(PASSWORD) && !run.stdout.contains(PASSWORD), "{}", run.stderr);
}

/// All that a person does, with a proxy as the only way to the gate.
fn everything(world: &World, proxy: &Proxy, variables: &[(&str, &str)]) {
    let (web, admin) = (world.gate.web.port(), world.gate.admin.port());
    silent(&log_in(world, variables, &["--force"]));
    assert_eq!(proxy.asked(), [format!("{GATE}:{web}")], "login");
    tsh(world, variables, &["clusters"]).succeeds().says("online");
    assert_eq!(proxy.asked(), [format!("{GATE}:{web}")], "clusters");
    // The admin API, on the web port.
    let run = tctl(world, variables, &["-d", "status"]).succeeds().says("Cluster");
    silent(&run);
    assert_eq!(proxy.asked(), [format!("{GATE}:{web}")], "tctl with the profile");
    // And on its own.
    log_in(world, variables, &["--out=alice.pem"]);
    proxy.asked();
    let server = format!("--auth-server={GATE}:{admin}");
    tctl(world, variables, &["--identity=alice.pem", &server, "status"]).succeeds().says("Cluster");
    assert_eq!(proxy.asked(), [format!("{GATE}:{admin}")], "tctl with --auth-server");
}

#[test]
fn a_connect_proxy_is_the_only_way() {
    let world = world();
    let proxy = Proxy::http(GATE, AUTHORIZATION);
    let url = format!("http://alice:{PASSWORD}@{}", proxy.address);
    everything(&world, &proxy, &[("HTTPS_PROXY", &url)]);
    // kubectl goes the same way by itself.
    let mut kubectl = world.command(&Kubectl::WebSocket.path(), &["get", "namespaces"]);
    kubectl.env("HTTPS_PROXY", &url);
    Run::of(kubectl).succeeds().says("default");
    assert_eq!(proxy.asked(), [format!("{GATE}:{}", world.gate.kube.port())], "kubectl");

    // Without it, with a wrong password, with a proxy that is not there, and past it to another name.
    let mut said = world.transcript();
    let address = format!("--proxy={GATE}:{}", world.gate.web.port());
    let login = ["login", "--force", "--browser=none", &address];
    let outcome = tsh(&world, &[], &login).fails_with(6);
    assert!(outcome.stderr.contains(&format!("cannot reach {GATE}")), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("name"), "{}", outcome.stderr);
    said.hide(&proxy.address.to_string(), "PROXY");
    said.hide(&format!("{GATE}:{}", world.gate.web.port()), "GATE:3080");
    let wrong = format!("http://alice:wrong-{PASSWORD}@{}", proxy.address);
    said.run(tsh(&world, &[("HTTPS_PROXY", &wrong)], &login).fails_with(6));
    said.run(tctl(&world, &[("HTTPS_PROXY", &format!("{}", proxy.address))], &["status"]).fails_with(1));
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    said.hide(&dead, "DEAD");
    said.run(tsh(&world, &[("HTTPS_PROXY", &dead)], &login).fails_with(6));
    said.run(tsh(&world, &[("HTTPS_PROXY", "gopher://alice:hunter2@x")], &login).fails_with(6));
    let other = ["login", "--browser=none", "--proxy=other.corp.test:3080"];
    said.run(tsh(&world, &[("HTTPS_PROXY", &url)], &other).fails_with(6));
    insta::assert_snapshot!("proxy_refuses", said.end());
}

#[test]
fn a_socks5_proxy_is_the_only_way() {
    let world = world();
    let proxy = Proxy::socks5(GATE, "alice", PASSWORD);
    let url = format!("socks5h://alice:{PASSWORD}@{}", proxy.address);
    everything(&world, &proxy, &[("all_proxy", &url)]);
    // `socks5` looks names up on this side, where nobody knows this one; the proxy is not asked.
    let url = format!("socks5://alice:{PASSWORD}@{}", proxy.address);
    let address = format!("--proxy={GATE}:{}", world.gate.web.port());
    tsh(&world, &[("ALL_PROXY", &url)], &["login", "--force", &address]).fails_with(6).says("name");
    assert!(proxy.asked().is_empty());
}

#[test]
fn no_proxy_and_loopback_go_straight() {
    let world = World::start();
    let proxy = Proxy::http(GATE, AUTHORIZATION);
    let url = format!("http://alice:{PASSWORD}@{}", proxy.address);
    let login = |address: &str, variables: &[(&str, &str)]| {
        let proxy = format!("--proxy={address}");
        let all = [&[("HTTPS_PROXY", url.as_str())][..], variables].concat();
        tsh(&world, &all, &["login", "--browser=none", &proxy]).fails_with(6)
    };
    // The name is not asked of the proxy, so nobody knows it.
    let outcome = login("gate.corp.test:3080", &[("NO_PROXY", "localhost, .corp.test")]);
    assert!(!outcome.stderr.contains("the proxy"), "{}", outcome.stderr);
    assert!(proxy.asked().is_empty());
    // To Linux this address is the machine itself, to NO_PROXY one like any other.
    let gate = FakeGate::start();
    let address = format!("0.0.0.0:{}", gate.port);
    login(&address, &[]).says("502 Bad Gateway");
    assert_eq!(proxy.asked(), std::slice::from_ref(&address));
    login(&address, &[("no_proxy", "10.0.0.0/8,0.0.0.0/8")])
        .says("signed by nobody that this machine trusts");
    assert!(proxy.asked().is_empty());
    // Loopback needs no NO_PROXY, and tctl on the gate's own machine neither.
    for loopback in ["localhost", "127.0.0.1"] {
        login(&format!("{loopback}:{}", gate.port), &[]).says("signed by nobody");
    }
    tctl(&world, &[("HTTPS_PROXY", &url)], &["--config=jumpgate.yaml", "status"]).succeeds();
    assert!(proxy.asked().is_empty());
}

#[test]
fn a_gate_with_an_ipv6_address() {
    let world = World::with_connector();
    let address = relay("[::1]:0", world.gate.web);
    let args = ["login", "--insecure", "--browser=none", &format!("--proxy={address}")];
    let command = world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &args);
    let browser = world.browser();
    let (run, _) = Run::with_browser(command, |address| {
        runtime().block_on(browser.sign_in(address, "alice", Consent::Approve)).expect("a page")
    });
    run.succeeds();
    let admin = relay("[::1]:0", world.gate.admin);
    let server = format!("--auth-server={admin}");
    tctl(&world, &[], &["--config=jumpgate.yaml", &server, "status"]).succeeds();
}
