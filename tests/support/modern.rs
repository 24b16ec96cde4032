//! A stand-in for a modern Teleport proxy (v15 to v18), as far as HTTP goes: discovery, console login, and a Kubernetes API behind
//! the web port, told apart by SNI. It checks what it receives. Built from the wire facts 1.4, 2.2, 5.5, 7.4 and 8.5.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use jumpgate::{
    pki::{Authority, AuthorityKind, KeyPair, PublicKey, Validity},
    wire::{
        login::{HostSigner, LoginResponse},
        seal::SealKey,
    },
};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error as TlsError, ServerConfig, ServerConnection,
    SignatureScheme, StreamOwned,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use serde_json::{Value, json};

use super::fake_gate::request;

pub(crate) const CLUSTER: &str = "modern.example.com";
/// Where it sends the browser.
pub(crate) const IDP: &str = "https://id.example.com/authorize?state=s";
/// The name by which a client on `localhost` asks for Kubernetes.
const KUBE_NAME: &str = "kube-teleport-proxy-alpn.teleport.cluster.local";

/// A running stand-in.
pub(crate) struct Modern {
    pub(crate) port: u16,
    state: Arc<State>,
}

struct State {
    major: u64,
    kind: &'static str,
    port: u16,
    host_ca: Authority,
    user_ca: Authority,
    /// The body of the last console login that passed the checks.
    asked: Mutex<Option<Value>>,
    /// The client certificates that came to Kubernetes.
    shown: Mutex<Vec<Vec<u8>>>,
}

impl Modern {
    /// A proxy of this major version, where people sign in through this kind of connector: `github`, `oidc`.
    pub(crate) fn start(major: u64, kind: &'static str) -> Self {
        let ca = |kind| Authority::generate(kind, CLUSTER, Timestamp::now()).expect("a CA");
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = tcp.local_addr().expect("an address").port();
        let (host_ca, user_ca) = (ca(AuthorityKind::Host), ca(AuthorityKind::User));
        let config = tls(&host_ca);
        let state = Arc::new(State {
            major,
            kind,
            port,
            host_ca,
            user_ca,
            asked: Mutex::default(),
            shown: Mutex::default(),
        });
        let there = state.clone();
        std::thread::spawn(move || {
            for stream in tcp.incoming().filter_map(Result::ok) {
                let (config, state) = (config.clone(), there.clone());
                std::thread::spawn(move || state.serve(stream, config));
            }
        });
        Self { port, state }
    }

    pub(crate) fn proxy(&self) -> String {
        format!("--proxy=localhost:{}", self.port)
    }

    /// The host CA, PEM.
    pub(crate) fn host_ca(&self) -> String {
        self.state.host_ca.certificate().to_pem()
    }

    /// What the last login brought.
    pub(crate) fn asked(&self) -> Value {
        self.state.asked.lock().expect("no panic").clone().expect("a login was begun")
    }

    /// The client certificates that came to Kubernetes, in DER.
    pub(crate) fn shown(&self) -> Vec<Vec<u8>> {
        self.state.shown.lock().expect("no panic").clone()
    }

    /// Where the browser ends: alice's certificates for the key of the login, sealed.
    pub(crate) fn callback(&self) -> String {
        let asked = self.asked();
        let line = asked.get("public_key").or(asked.get("ssh_pub_key")).expect("a key");
        let key = PublicKey::from_authorized_key(&text(line)).expect("a key");
        let validity = Validity::starting(Timestamp::now(), SignedDuration::from_hours(1));
        let cert = self.state.user_ca.sign_host(&["alice".to_owned()], &key, validity);
        let answer = LoginResponse {
            username: "alice".into(),
            tls_cert: cert.expect("a certificate").to_pem().into(),
            host_signers: vec![HostSigner {
                domain_name: CLUSTER.into(),
                checking_keys: vec![],
                tls_certs: vec![self.host_ca().into()],
            }],
            ..LoginResponse::default()
        };
        // Fields that later versions add.
        let mut answer = serde_json::to_value(answer).expect("JSON");
        answer["client_options"] = json!({"default_relay_addr": ""});
        let redirect = asked["redirect_url"].as_str().expect("a text").to_owned();
        let (base, secret) = redirect.split_once("?secret_key=").expect("a key");
        let sealed =
            SealKey::from_hex(secret).expect("hex").seal(answer.to_string().as_bytes()).expect("a seal");
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response", &serde_json::to_string(&sealed).expect("JSON"))
            .finish();
        format!("{base}?{query}")
    }
}

impl State {
    fn serve(&self, stream: TcpStream, config: Arc<ServerConfig>) {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
        let Ok(connection) = ServerConnection::new(config) else { return };
        let mut stream = StreamOwned::new(connection, stream);
        while let Some((method, path, body)) = request(&mut stream) {
            let (code, answer) = if stream.conn.server_name() == Some(KUBE_NAME) {
                self.kubernetes(stream.conn.peer_certificates(), &path)
            } else {
                self.web(&method, path.strip_prefix("/v1").unwrap_or(&path), &body)
            };
            let answer = answer.to_string();
            let head = format!(
                "HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            );
            let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes()));
            if sent.and_then(|()| stream.flush()).is_err() {
                return;
            }
        }
    }

    fn kubernetes(&self, shown: Option<&[CertificateDer<'_>]>, path: &str) -> (u16, Value) {
        let Some([leaf, ..]) = shown else { return (401, json!({"message": "no certificate"})) };
        self.shown.lock().expect("no panic").push(leaf.to_vec());
        match path.split('?').next() {
            Some("/version") => (200, json!({"major": "1", "minor": "34", "gitVersion": "v1.34.0-modern"})),
            _ => (404, json!({"kind": "Status", "status": "Failure", "code": 404})),
        }
    }

    fn web(&self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let login = format!("/webapi/{}/login/console", self.kind);
        match (method, path) {
            ("GET", "/webapi/ping" | "/webapi/find" | "/webapi/ping/sso") => (200, self.discovery(path)),
            ("POST", path) if path == login => match self.check_login(body) {
                Ok(asked) => {
                    *self.asked.lock().expect("no panic") = Some(asked);
                    (200, json!({"redirect_url": IDP}))
                }
                Err(reason) => refused(400, &reason),
            },
            // Few routes of the old admin API are left.
            (_, path) => refused(404, &format!("path {path} not found")),
        }
    }

    /// Discovery, with the keys of these versions.
    fn discovery(&self, path: &str) -> Value {
        let (major, port) = (self.major, self.port);
        let mut auth = json!({"type": ""});
        if path != "/webapi/find" {
            auth = json!({
                "type": self.kind, "second_factor": "on", "preferred_local_mfa": "webauthn", "allow_passwordless": true,
                "allow_headless": true, "local": {"name": ""}, "webauthn": {"rp_id": CLUSTER},
                "private_key_policy": "none", "piv_slot": "", "piv_pin_cache_duration": 0,
                "device_trust": {"disabled": true}, "has_motd": false, "load_all_cas": false,
                "default_session_ttl": "12h0m0s", "signature_algorithm_suite": 2,
            });
            auth[self.kind] =
                json!({"name": "sso", "display": "Single", "EndpointURL": "", "IssuerURL": "", "SSO": ""});
        }
        json!({
            "auth": auth,
            "proxy": {
                "kube": {"enabled": true, "listen_addr": "0.0.0.0:3080"},
                "ssh": {
                    "listen_addr": "0.0.0.0:3080", "tunnel_listen_addr": "0.0.0.0:3080", "web_listen_addr": "0.0.0.0:3080",
                    "public_addr": format!("localhost:{port}"), "dial_timeout": 30_000_000_000_u64,
                },
                "db": {"postgres_listen_addr": "", "mysql_listen_addr": ""},
                "tls_routing_enabled": true,
            },
            "server_version": format!("{major}.2.1"),
            "min_client_version": format!("{}.0.0-aa", major - 1),
            "cluster_name": CLUSTER,
            "auto_update": {"tools_version": format!("{major}.2.1"), "tools_auto_update": false, "agent_version": ""},
            "automatic_upgrades": false,
            "edition": "community",
            "fips": false,
        })
    }

    /// The checks of such a server on the body of a console login, in its words.
    fn check_login(&self, body: &[u8]) -> Result<Value, String> {
        let asked: Value = serde_json::from_slice(body).map_err(|e| e.to_string())?;
        let has = |key: &str| asked.get(key).is_some_and(|value| value.as_str() != Some(""));
        if !has("redirect_url") {
            return Err("missing RedirectURL".into());
        }
        if asked["connector_id"] != "sso" {
            return Err(format!("connector {} not found", asked["connector_id"]));
        }
        if self.major < 17 {
            return if has("public_key") { Ok(asked) } else { Err("missing PublicKey".into()) };
        }
        match (has("public_key"), has("ssh_pub_key"), has("tls_pub_key")) {
            (true, true, _) => return Err("'pub_key' and 'ssh_pub_key' cannot both be set".into()),
            (true, _, true) => return Err("'pub_key' and 'tls_pub_key' cannot both be set".into()),
            (true, ..) => return Err("'pub_key' is deprecated".into()),
            (_, true, true) => {}
            _ => return Err("'ssh_pub_key' or 'tls_pub_key' must be set".into()),
        }
        // Both are the one key of this login.
        let ssh = PublicKey::from_authorized_key(&text(&asked["ssh_pub_key"])).map_err(|e| e.to_string())?;
        let tls = pem::parse(text(&asked["tls_pub_key"])).map_err(|e| e.to_string())?;
        if tls.tag() != "PUBLIC KEY" || Ok(tls.contents().to_vec()) != ssh.spki_der() {
            return Err("the TLS key is another".into());
        }
        Ok(asked)
    }
}

fn refused(code: u16, text: &str) -> (u16, Value) {
    (code, json!({"error": {"message": text}, "message": text}))
}

/// A text that is base64 in JSON.
fn text(value: &Value) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let bytes = STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// TLS that takes a client's certificate if there is one.
fn tls(ca: &Authority) -> Arc<ServerConfig> {
    let key = KeyPair::generate();
    let validity = Validity::starting(Timestamp::now(), SignedDuration::from_hours(1));
    let names = ["localhost", "127.0.0.1", KUBE_NAME, "teleport.cluster.local"].map(str::to_owned);
    let leaf = ca.sign_host(&names, &key.public(), validity).expect("a leaf");
    let chain = vec![leaf.der().to_vec().into(), ca.certificate().der().to_vec().into()];
    let key = PrivateKeyDer::from_pem_slice(key.to_pem().expect("PEM").as_bytes()).expect("a key");
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(Arc::new(AnyClient(provider)))
        .with_single_cert(chain, key)
        .expect("a certificate");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Takes every certificate whose key the client has; who it is, is looked at later.
#[derive(Debug)]
struct AnyClient(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, TlsError> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
