use jiff::{SignedDuration, Timestamp};
use rustls::{ClientConnection, ServerConfig, ServerConnection, pki_types::PrivateKeyDer};

use super::*;
use crate::pki::{Authority, AuthorityKind, KeyPair, Validity};

/// A server's configuration, and the pins of its own key and of its CA.
struct Server {
    config: Arc<ServerConfig>,
    ca: Authority,
    leaf: Certificate,
}

fn server(names: &[&str], ttl: SignedDuration) -> Server {
    let now = Timestamp::now();
    let ca = Authority::generate(AuthorityKind::Host, "example.com", now).unwrap();
    let key = KeyPair::generate();
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let begin = if ttl.is_negative() { now + ttl * 2 } else { now };
    let leaf = ca.sign_host(&names, &key.public(), Validity::starting(begin, ttl.abs())).unwrap();
    let chain = vec![leaf.der().to_vec().into(), ca.certificate().der().to_vec().into()];
    let key = PrivateKeyDer::from_pem_slice(key.to_pem().unwrap().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Server { config: Arc::new(config), ca, leaf }
}

/// A handshake in memory; what the gatekeeper saw.
fn handshake(server: &Server, trust: Trust) -> Seen {
    let gatekeeper = Gatekeeper::new(trust).unwrap();
    let config = Arc::new(gatekeeper.client_config().unwrap());
    let mut client = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    let mut server = ServerConnection::new(server.config.clone()).unwrap();
    for _ in 0..8 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut input = bytes.as_slice();
        while !input.is_empty() {
            server.read_tls(&mut input).unwrap();
        }
        let _ = server.process_new_packets();
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut input = bytes.as_slice();
        while !input.is_empty() {
            client.read_tls(&mut input).unwrap();
        }
        if client.process_new_packets().is_err() || !client.is_handshaking() {
            break;
        }
    }
    let seen = gatekeeper.seen();
    assert_eq!(seen.ground.is_some(), !client.is_handshaking(), "{seen:?}");
    seen
}

fn pin(certificate: &Certificate) -> Pin {
    certificate.pin().parse().unwrap()
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[test]
fn nobody_is_believed_without_a_reason() {
    let server = server(&["localhost"], HOUR);
    let seen = handshake(&server, Trust::default());
    assert_eq!(seen.key, Some(pin(&server.leaf)));
    let refused = seen.refusal.unwrap();
    assert!(matches!(refused, Refusal::UnknownIssuer { .. }), "{refused:?}");
}

#[test]
fn a_learnt_ca_is_believed_for_its_names_and_its_time() {
    let trusting = |server: &Server| Trust { ca_pem: server.ca.certificate().to_pem(), ..Trust::default() };
    let good = server(&["localhost"], HOUR);
    assert_eq!(handshake(&good, trusting(&good)).ground, Some(Ground::Roots));
    let other = server(&["other.example.com"], HOUR);
    assert!(matches!(handshake(&other, trusting(&other)).refusal, Some(Refusal::WrongName { .. })));
    let old = server(&["localhost"], -HOUR);
    assert!(matches!(handshake(&old, trusting(&old)).refusal, Some(Refusal::Time { .. })));
}

#[test]
fn insecure_shows_the_key_and_a_pin_of_it_then_suffices() {
    let first = server(&["localhost"], HOUR);
    let seen = handshake(&first, Trust { insecure: true, ..Trust::default() });
    assert_eq!(seen.ground, Some(Ground::Insecure));
    let pinned = Trust { web_pin: seen.key.clone(), ..Trust::default() };
    assert_eq!(handshake(&first, pinned.clone()).ground, Some(Ground::WebPin));
    let second = server(&["localhost"], HOUR);
    let Some(Refusal::ChangedKey { expected, seen, .. }) = handshake(&second, pinned).refusal else {
        panic!("a changed key was not noticed")
    };
    assert_eq!((expected, seen), (pin(&first.leaf), pin(&second.leaf)));
}

#[test]
fn a_ca_pin_needs_the_chain_that_leads_to_it() {
    let good = server(&["localhost"], HOUR);
    for key in [pin(good.ca.certificate()), pin(&good.leaf)] {
        let trust = Trust { ca_pin: Some(key), ..Trust::default() };
        assert_eq!(handshake(&good, trust).ground, Some(Ground::CaPin));
    }
    let pinned = Trust { ca_pin: Some(pin(good.ca.certificate())), ..Trust::default() };
    let other = server(&["localhost"], HOUR);
    assert!(matches!(handshake(&other, pinned.clone()).refusal, Some(Refusal::NotThePin { .. })));
    // Not even with --insecure.
    let both = Trust { insecure: true, ..pinned.clone() };
    assert!(matches!(handshake(&other, both).refusal, Some(Refusal::NotThePin { .. })));
    // The right CA's certificate put below a leaf that it did not sign.
    let mut forged = server(&["localhost"], HOUR);
    let key = KeyPair::generate();
    let leaf =
        forged.ca.sign_host(&["localhost".into()], &key.public(), Validity::starting(Timestamp::now(), HOUR));
    let chain = vec![leaf.unwrap().der().to_vec().into(), good.ca.certificate().der().to_vec().into()];
    let key = PrivateKeyDer::from_pem_slice(key.to_pem().unwrap().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    forged.config = Arc::new(config);
    let refused = handshake(&forged, pinned).refusal;
    assert!(matches!(refused, Some(Refusal::UnknownIssuer { .. })), "{refused:?}");
}

#[test]
fn pins_are_read_strictly() {
    let hex = "ab".repeat(32);
    assert!(format!("sha256:{hex}").parse::<Pin>().is_ok());
    assert!(format!("SHA256:{}", hex.to_uppercase()).parse::<Pin>().is_ok());
    for bad in ["", "sha256:", "sha256:abcd", &hex, &format!("sha1:{hex}")] {
        assert!(bad.parse::<Pin>().is_err(), "{bad}");
    }
}
