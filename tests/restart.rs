//! A crash of the gate loses nothing that was acknowledged: connectors, CAs and logins stay valid. SIGHUP brings new certificates.

use std::{
    fs, io,
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use jumpgate::{
    demo::browser::Consent,
    pki::{Authority, AuthorityKind, KeyPair, Validity},
};
use rustix::process::Signal;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::support::world::{Kubectl, World, wait_for};

#[test]
fn a_crash_keeps_connectors_cas_and_logins() {
    let mut world = World::with_connector();
    world.login();
    let ca = world.gate.host_ca();
    let status = world.tctl_as_person(&["status"]).succeeds().stdout;
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("shell");

    world.gate.crash_and_restart();

    assert_eq!(world.gate.host_ca(), ca);
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("shell");
    world.tctl(&["get", "github/github"]).succeeds().says("octocats");
    assert_eq!(world.tctl_as_person(&["status"]).succeeds().stdout, status);
    let (run, _) = world.login_as("alice", Consent::Approve, &["--force"]);
    run.succeeds();
    assert_eq!(world.github.authorizations(), 2);
    wait_for("both logins in the audit log", || {
        (world.gate.audit().matches("\"T1001I\"").count() == 2).then_some(())
    });
}

#[test]
fn new_certificate_files_are_shown_after_sighup_and_broken_ones_are_not() {
    let authority =
        || Authority::generate(AuthorityKind::Host, "certificates", Timestamp::now()).expect("a CA");
    let [first, second] = [authority(), authority()];
    let mut world = World::start_with(|folder| {
        write_certificate(folder, &first);
        format!("  https_key_file: {0}/tls.key\n  https_cert_file: {0}/tls.crt\n", folder.display())
    });
    let web = world.gate.web;
    let shown = |ca: &Authority| handshake(web, ca).is_ok();
    assert!(shown(&first) && !shown(&second));

    write_certificate(world.dir(), &second);
    assert!(shown(&first), "nobody has asked the gate to read them");
    world.gate.signal(Signal::HUP);
    wait_for("the new certificate", || shown(&second).then_some(()));

    fs::write(world.dir().join("tls.crt"), "-----BEGIN CERTIFICATE-----\nbroken\n").expect("a file");
    let before = world.gate.log().len();
    world.gate.signal(Signal::HUP);
    wait_for("a line of the log", || world.gate.log()[before..].contains("tls.crt").then_some(()));
    assert!(shown(&second), "the old one stays");

    write_certificate(world.dir(), &first);
    world.gate.signal(Signal::HUP);
    wait_for("the mended certificate", || shown(&first).then_some(()));
    world.gate.signal(Signal::TERM);
    assert_eq!(world.gate.end(), Some(0), "{}", world.gate.log());
}

/// `tls.crt` and `tls.key` for 127.0.0.1.
fn write_certificate(folder: &Path, ca: &Authority) {
    let key = KeyPair::generate();
    let validity = Validity::starting(Timestamp::now(), SignedDuration::from_hours(1));
    let certificate = ca.sign_host(&["127.0.0.1".into()], &key.public(), validity).expect("a certificate");
    fs::write(folder.join("tls.key"), key.to_pem().expect("PEM").as_bytes()).expect("a file");
    fs::write(folder.join("tls.crt"), certificate.to_pem()).expect("a file");
}

/// A TLS handshake of a client that trusts this CA alone.
fn handshake(to: SocketAddr, ca: &Authority) -> io::Result<()> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.certificate().der().to_vec().into()).expect("a root");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tls = ClientConnection::new(Arc::new(config), to.ip().into()).map_err(io::Error::other)?;
    let mut tcp = TcpStream::connect(to)?;
    tcp.set_read_timeout(Some(Duration::from_secs(10)))?;
    while tls.is_handshaking() {
        tls.complete_io(&mut tcp)?;
    }
    Ok(())
}
