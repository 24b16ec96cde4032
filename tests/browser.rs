//! The walk-through's login with a real Chromium as the browser, and how the pages look in it.

use std::{
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::STANDARD};
use jumpgate::pki::Certificate;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, SignatureScheme, StreamOwned,
    client::ResolvesClientCert,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
    sign::CertifiedKey,
};
use serde_json::{Value, json};

use crate::support::{
    chromium::{Chromium, Scheme},
    world::{Live, Run, World, wait_for},
};

/// TLS message numbers (RFC 8446, 4).
const CERTIFICATE: u64 = 11;
const CERTIFICATE_REQUEST: u64 = 13;

#[test]
fn a_login_in_chromium() {
    let world = World::with_connector();
    let leaf = leaf_of_web_port(&world);
    let mut chromium = Chromium::start(&spki(&leaf));
    let web = format!("https://{}", world.gate.web);

    let proxy = world.proxy();
    let args = ["login", "--insecure", &proxy, "--auth=github", "--browser=none"];
    let command = world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &args);
    let (run, ()) = Run::with_browser(command, |address| {
        chromium.open(address);
        chromium.wait_until("document.title.startsWith('Authorize')");
        let consent = world.github.endpoint_url();
        look(&mut chromium, "consent", &consent);
        assert!(chromium.text().contains("alice"), "{}", chromium.text());
        chromium.click("input[value=alice]");
        assert_eq!(
            chromium.evaluate("document.querySelector('input[value=alice]').checked"),
            Some(json!(true))
        );
        chromium.type_into("input[type=password]", world.github.password());
        chromium.click("button[value=approve]");
        chromium.wait_until(
            "location.pathname === '/web/msg/info/login_success' && document.readyState === 'complete'",
        );
        let text = chromium.text();
        assert!(text.contains("Login succeeded") && text.contains("can be closed"), "{text}");
        let place = chromium.evaluate("location.href").expect("a page");
        assert_eq!(
            place,
            json!(format!("{web}/web/msg/info/login_success")),
            "no secret stands in the address"
        );
    });
    run.succeeds().says("Logged in as: alice");
    assert_eq!(world.github.authorizations(), 1);
    look(&mut chromium, "success", &web);

    // A login that the person refuses, and the other pages.
    let command = world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &[&args[..], &["--force"]].concat());
    let (run, ()) = Run::with_browser(command, |address| {
        chromium.open(address);
        chromium.wait_until("document.title.startsWith('Authorize')");
        chromium.click("button[value=deny]");
        chromium
            .wait_until("document.readyState === 'complete' && document.body.innerText.includes('terminal')");
        look(&mut chromium, "refused", "http://127.0.0.1");
    });
    run.fails_with(5);
    for (name, path, words) in [
        ("failure", "/web/msg/error/login_failed", "Login failed"),
        ("stranger", "/v1/webapi/github/callback?code=x&state=0123456789abcdef", "Login failed"),
        ("web", "/web", "tsh login --proxy="),
    ] {
        chromium.show(Scheme::Light, 1280, 800);
        chromium.open(&format!("{web}{path}"));
        assert!(chromium.text().contains(words), "{path}: {}", chromium.text());
        look(&mut chromium, name, &web);
    }
    no_complaints(&chromium.events);

    let log = chromium.close();
    let received = handshake_messages(&log);
    assert!(received.contains(&CERTIFICATE), "the log shows handshakes: {received:?}");
    assert!(!received.contains(&CERTIFICATE_REQUEST), "Chromium was asked for a client certificate");
}

#[test]
fn a_login_by_code_in_chromium() {
    let world = World::with_connector();
    let mut chromium = Chromium::start(&spki(&leaf_of_web_port(&world)));
    let web = format!("https://{}", world.gate.web);
    let args = ["login", "--insecure", &world.proxy(), "--way=code"];
    let live = Live::piped(world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &args));
    let code = wait_for("a code", || {
        let said = live.said();
        said.split_whitespace().find(|w| w.len() == 9 && w.as_bytes()[4] == b'-').map(str::to_owned)
    });

    chromium.open(&format!("{web}/web/code"));
    look(&mut chromium, "code", &web);
    chromium.type_into("input.code", "BCDF-GHJK");
    chromium.click("button[type=submit]");
    chromium.wait_until("document.body.innerText.includes('not known here')");
    look(&mut chromium, "code-wrong", &web);
    chromium.type_into("input.code", &code);
    chromium.click("button[type=submit]");
    chromium.wait_until("document.body.innerText.includes('Is this your terminal')");
    look(&mut chromium, "code-asked", &web);
    chromium.click("a.button");
    chromium.wait_until("document.title.startsWith('Authorize')");
    chromium.click("input[value=alice]");
    chromium.type_into("input[type=password]", world.github.password());
    chromium.click("button[value=approve]");
    chromium.wait_until(
        "location.pathname === '/web/code/confirm' && document.body.innerText.includes('Approve this terminal')",
    );
    assert!(chromium.text().contains("You are alice"), "{}", chromium.text());
    look(&mut chromium, "code-confirm", &web);
    chromium.click("button[value=approve]");
    chromium.wait_until("document.body.innerText.includes('Approved')");
    look(&mut chromium, "code-approved", &web);
    live.end().succeeds().says("Logged in as: alice");
    chromium.close();
}

/// A page without script, under a policy, that can be read in every light and at every width.
#[track_caller]
fn look(chromium: &mut Chromium, name: &str, origin: &str) {
    assert_eq!(chromium.evaluate("document.scripts.length"), Some(json!(0)), "{name}: no script");
    let headers = chromium.headers(origin).expect("the page came over the network");
    let policy = headers.get("content-security-policy").and_then(Value::as_str).unwrap_or_default();
    assert!(policy.contains("default-src 'none'"), "{name}: {policy:?}");
    for scheme in [Scheme::Light, Scheme::Dark] {
        for (size, width, height) in [("desktop", 1280, 800), ("phone", 360, 740)] {
            chromium.show(scheme, width, height);
            let seen = chromium.evaluate(COLOURS).expect("a page");
            let [ink, paper] = [&seen[0], &seen[1]].map(|v| v.as_f64().expect("a luminance"));
            match scheme {
                Scheme::Light => assert!(paper > 0.8 && ink < 0.2, "{name} in light: {seen}"),
                Scheme::Dark => assert!(paper < 0.1 && ink > 0.5, "{name} in dark: {seen}"),
            }
            let wide =
                chromium.evaluate("document.scrollingElement.scrollWidth - innerWidth").expect("a page");
            assert!(wide.as_f64().expect("a number") <= 0.0, "{name} at {size} is {wide} px too wide");
            picture(chromium, name, scheme, size);
        }
    }
}

/// Relative luminance (WCAG 2) of the heading's text and of what is behind the page.
const COLOURS: &str = "(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d');
  const luminance = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const part = [...canvas.getImageData(0, 0, 1, 1).data];
    if (part[3] === 0) return null;
    const [r, g, b] = part.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(document.body);
  const dark = matchMedia('(prefers-color-scheme: dark)').matches
    && (getComputedStyle(document.documentElement).colorScheme.includes('dark')
      || document.querySelector('meta[name=color-scheme]')?.content.includes('dark'));
  return [luminance(style.color), luminance(style.backgroundColor) ?? (dark ? 0.006 : 1)];
})()";

/// Pictures are for people: target/pictures/NAME-LIGHT-SIZE.png.
pub fn picture(chromium: &mut Chromium, name: &str, scheme: Scheme, size: &str) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    chromium.picture(&folder.join(format!("{name}-{}-{size}.png", scheme.name())));
}

/// Nothing was blocked or broken on the way.
#[track_caller]
fn no_complaints(events: &[Value]) {
    let entries = events.iter().filter(|e| e["method"] == "Log.entryAdded").map(|e| &e["params"]["entry"]);
    let bad: Vec<&Value> = entries
        .filter(|entry| entry["level"] == "error")
        // A callback of a stranger is answered with an error status, which the log tells; and nobody has an icon.
        .filter(|entry| {
            let url = entry["url"].as_str().unwrap_or_default();
            !url.contains("/webapi/github/callback") && !url.ends_with("/favicon.ico")
        })
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

/// The TLS handshake messages that the browser received.
fn handshake_messages(log: &Value) -> Vec<u64> {
    let kind = &log["constants"]["logEventTypes"]["SSL_HANDSHAKE_MESSAGE_RECEIVED"];
    assert!(kind.is_u64(), "Chromium's log knows handshake messages");
    let events = log["events"].as_array().expect("events");
    events.iter().filter(|e| e["type"] == *kind).filter_map(|e| e["params"]["type"].as_u64()).collect()
}

/// The certificate of the web port; on the way it is seen that the port asks nobody for one, by name or by address.
pub fn leaf_of_web_port(world: &World) -> Certificate {
    leaf_of(&world.gate.host_ca(), world.gate.web)
}

/// The same of the port of any gate with this CA.
pub fn leaf_of(ca: &str, address: SocketAddr) -> Certificate {
    let mut leaf = None;
    for name in ["127.0.0.1", "localhost", "teleport.example.com"] {
        let asked = Arc::new(Asked::default());
        let chain = handshake(ca, address, name, asked.clone());
        assert!(!asked.0.load(Ordering::Relaxed), "{name}: a certificate was asked for");
        leaf = leaf.or(chain.first().cloned());
    }
    Certificate::from_der(&leaf.expect("a certificate")).expect("a certificate")
}

fn handshake(ca: &str, address: SocketAddr, name: &str, asked: Arc<Asked>) -> Vec<CertificateDer<'static>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).expect("a CA")).expect("a root");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_client_cert_resolver(asked);
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address).expect("the gate listens"));
    // A name that the certificate doesn't have ends the handshake, after the port had its chance to ask.
    let _ = stream.conn.complete_io(&mut stream.sock);
    stream.conn.peer_certificates().map(<[_]>::to_vec).unwrap_or_default()
}

#[derive(Debug, Default)]
struct Asked(AtomicBool);

impl ResolvesClientCert for Asked {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// How Chromium names a public key.
pub fn spki(certificate: &Certificate) -> String {
    let pin = certificate.pin();
    STANDARD.encode(hex::decode(pin.trim_start_matches("sha256:")).expect("hex"))
}
