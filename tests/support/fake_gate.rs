//! The little of a gate that a client sees: discovery, the start of a login, and sealed answers. For what a real gate
//! never does: wrong seals, other people's keys, CAs that are none.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use jumpgate::{
    pki::{Authority, AuthorityKind, KeyPair, PublicKey, Validity},
    wire::{
        login::{ConsoleRequest, HostSigner, LoginResponse, PasswordRequest},
        seal::SealKey,
    },
};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, pem::PemObject},
};

pub(crate) const CLUSTER: &str = "gate.example.com";
/// Where the fake sends the browser.
pub(crate) const IDP: &str = "https://github.example.com/login/oauth/authorize?state=s";

pub(crate) struct FakeGate {
    pub(crate) port: u16,
    pub(crate) host_ca: Arc<Authority>,
    user_ca: Arc<Authority>,
    asked: Arc<Mutex<Option<ConsoleRequest>>>,
}

impl FakeGate {
    /// Starts on a free port, with a certificate of its own host CA.
    pub(crate) fn start() -> Self {
        Self::start_on(0)
    }

    /// The line of its SSH host CA.
    pub(crate) fn ssh_host_key(&self) -> String {
        self.host_ca.key().public().to_authorized_key().expect("a key")
    }

    /// One that guards no Kubernetes cluster.
    pub(crate) fn without_kubernetes() -> Self {
        Self::start_with(0, None, false)
    }

    pub(crate) fn start_on(port: u16) -> Self {
        Self::start_as(port, None)
    }

    /// One that says its public address is this.
    pub(crate) fn start_as(port: u16, public: Option<&'static str>) -> Self {
        Self::start_with(port, public, true)
    }

    fn start_with(port: u16, public: Option<&'static str>, kube: bool) -> Self {
        let ca = |kind| Arc::new(Authority::generate(kind, CLUSTER, Timestamp::now()).expect("a CA"));
        let (host_ca, user_ca) = (ca(AuthorityKind::Host), ca(AuthorityKind::User));
        let tcp = TcpListener::bind(("127.0.0.1", port)).expect("a port");
        let port = tcp.local_addr().expect("an address").port();
        let asked = Arc::new(Mutex::new(None));
        let (config, asked_there) = (tls(&host_ca), asked.clone());
        let cas = (user_ca.clone(), host_ca.clone());
        std::thread::spawn(move || {
            for stream in tcp.incoming().filter_map(Result::ok) {
                let (config, asked, cas) = (config.clone(), asked_there.clone(), cas.clone());
                let public = public.map_or(format!("localhost:{port}"), str::to_owned);
                std::thread::spawn(move || serve(stream, config, (&public, kube), &asked, &cas));
            }
        });
        Self { port, host_ca, user_ca, asked }
    }

    pub(crate) fn proxy(&self) -> String {
        format!("--proxy=localhost:{}", self.port)
    }

    /// What the client asked for when it began its login.
    pub(crate) fn asked(&self) -> ConsoleRequest {
        self.asked.lock().expect("no panic").clone().expect("a login was begun")
    }

    /// The answer to the login that was begun: a certificate for `user` that lives `ttl`.
    pub(crate) fn answer(&self, user: &str, ttl: SignedDuration) -> LoginResponse {
        let line = self.asked().public_key.as_text().expect("text").to_owned();
        answer_for(&line, user, ttl, (&self.user_ca, &self.host_ca))
    }

    /// The address that brings the answer back to the client.
    pub(crate) fn callback(&self, answer: &LoginResponse) -> String {
        let redirect = self.asked().redirect_url;
        let (base, key) = redirect.split_once("?secret_key=").expect("a key");
        let plain = serde_json::to_vec(answer).expect("JSON");
        let sealed = SealKey::from_hex(key).expect("hex").seal(&plain).expect("a seal");
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response", &serde_json::to_string(&sealed).expect("JSON"))
            .finish();
        format!("{base}?{query}")
    }
}

/// The answer to a login with this key.
fn answer_for(
    line: &str,
    user: &str,
    ttl: SignedDuration,
    (user_ca, host_ca): (&Authority, &Authority),
) -> LoginResponse {
    let key = PublicKey::from_authorized_key(line).expect("a key");
    // A host certificate has the form of a user's as far as the client looks: CN is the name, O a role.
    let begin = Timestamp::now() - SignedDuration::from_mins(2);
    let cert = user_ca.sign_host(
        &[user.to_owned()],
        &key,
        Validity::starting(begin, ttl + SignedDuration::from_mins(2)),
    );
    LoginResponse {
        username: user.into(),
        tls_cert: cert.expect("a certificate").to_pem().into(),
        host_signers: vec![HostSigner {
            domain_name: CLUSTER.into(),
            checking_keys: vec![host_ca.key().public().to_authorized_key().expect("a key").into()],
            tls_certs: vec![host_ca.certificate().to_pem().into()],
        }],
        ..LoginResponse::default()
    }
}

/// TLS of a server with a certificate of this CA for loopback.
pub(crate) fn tls(ca: &Authority) -> Arc<ServerConfig> {
    tls_for(ca, &[])
}

/// The same with a certificate that has these names too.
pub(crate) fn tls_for(ca: &Authority, more: &[&str]) -> Arc<ServerConfig> {
    let key = KeyPair::generate();
    let validity = Validity::starting(Timestamp::now(), SignedDuration::from_hours(1));
    let names: Vec<String> = ["localhost", "127.0.0.1"].iter().chain(more).map(ToString::to_string).collect();
    let leaf = ca.sign_host(&names, &key.public(), validity).expect("a leaf");
    let chain = vec![leaf.der().to_vec().into(), ca.certificate().der().to_vec().into()];
    let key = PrivateKeyDer::from_pem_slice(key.to_pem().expect("PEM").as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate");
    Arc::new(config)
}

fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    (public, kube): (&str, bool),
    asked: &Mutex<Option<ConsoleRequest>>,
    (user_ca, host_ca): &(Arc<Authority>, Arc<Authority>),
) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
    let Ok(connection) = ServerConnection::new(config) else { return };
    let mut stream = StreamOwned::new(connection, stream);
    while let Some((_, path, body)) = request(&mut stream) {
        let kube = match kube {
            true => r#"{"enabled":true,"public_addr":"localhost:3026"}"#,
            false => r#"{"enabled":false}"#,
        };
        let ping = |auth: &str| {
            let proxy = format!(r#"{{"kube":{kube},"ssh":{{"public_addr":"{public}"}}}}"#);
            (
                200,
                format!(
                    r#"{{"auth":{auth},"proxy":{proxy},"server_version":"4.3.0","min_client_version":"3.0.0"}}"#
                ),
            )
        };
        let (code, answer) = match path.as_str() {
            "/v1/webapi/ping" | "/v1/webapi/ping/github" | "/v1/webapi/find" => {
                ping(r#"{"type":"github","github":{"name":"github","display":"GitHub"}}"#)
            }
            "/v1/webapi/ping/local" => ping(r#"{"type":"local","second_factor":"otp"}"#),
            "/v1/webapi/ssh/certs" => {
                let request: PasswordRequest = serde_json::from_slice(&body).expect("a request");
                let line = request.pub_key.as_text().expect("text");
                let answer =
                    answer_for(line, &request.user, SignedDuration::from_hours(1), (user_ca, host_ca));
                (200, serde_json::to_string(&answer).expect("JSON"))
            }
            "/v1/webapi/github/login/console" => {
                *asked.lock().expect("no panic") = serde_json::from_slice(&body).ok();
                (200, format!(r#"{{"redirect_url":"{IDP}"}}"#))
            }
            _ => (400, r#"{"message":"invalid connector name nope"}"#.to_owned()),
        };
        let head = format!(
            "HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes())).is_err() {
            return;
        }
        let _ = stream.flush();
    }
}

/// Method, path and body of one request.
pub(crate) fn request(stream: &mut impl Read) -> Option<(String, String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length:").and_then(|n| n.trim().parse().ok())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    let mut first = head.split(' ');
    Some((first.next()?.to_owned(), first.next()?.to_owned(), body))
}
