//! A gate in the test's own process, with its real listeners and TLS, a demo GitHub, and a client that speaks raw HTTP to both.

use std::{path::Path, sync::Arc};

use jumpgate::{
    client::{admin::AdminClient, identity_file::IdentityFile},
    demo::{
        browser::{Browser, Consent},
        github::GithubDemo,
    },
    model::GithubConnector,
    pki::{Certificate, KeyPair},
    server::{
        Gate,
        config::Config,
        start::{self, Running},
        store::resources,
    },
    wire::{login::LoginResponse, seal::SealKey},
};
use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

pub const CLUSTER: &str = "teleport.example.com";

/// The gate and its GitHub.
pub struct InProcess {
    _folder: tempfile::TempDir,
    pub running: Running,
    pub github: GithubDemo,
    pub http: reqwest::Client,
}

/// Where a login ended.
pub struct End {
    /// The callback's parameters.
    pub query: Vec<(String, String)>,
    /// What the seal held, if there was an answer.
    pub answer: Option<LoginResponse>,
    /// The key pair that was certified.
    pub key: KeyPair,
}

impl End {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn error(&self) -> &str {
        self.get("err").expect("the login failed with a sentence")
    }

    pub fn answer(&self) -> &LoginResponse {
        self.answer.as_ref().unwrap_or_else(|| panic!("no answer but {:?}", self.get("err")))
    }

    pub fn certificate(&self) -> Certificate {
        Certificate::from_pem(self.answer().tls_cert.as_text().expect("text")).expect("a certificate")
    }
}

impl InProcess {
    /// A gate whose connector `github` has these mappings (JSON, beside the other keys of `spec`).
    pub async fn start(mappings: Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let text = format!(
            "teleport:\n  data_dir: {}\n  shutdown_timeout: 1s\n\
             auth_service: {{listen_addr: '127.0.0.1:0', cluster_name: {CLUSTER}, public_addr: 127.0.0.1}}\n\
             proxy_service:\n  web_listen_addr: 127.0.0.1:0\n  public_addr: 127.0.0.1\n",
            folder.path().join("data").display()
        );
        let config = Config::parse(&text, Path::new("test.yaml")).expect("the configuration is right");
        let running = start::start(config).await.expect("the gate starts");
        let github = GithubDemo::start().await.expect("the demo GitHub starts");
        let http = client(&host_ca(&running));
        let this = Self { _folder: folder, running, github, http };
        this.github.set_redirect_uri(&this.redirect_url());
        this.connector(mappings).await;
        this
    }

    pub fn gate(&self) -> &Arc<Gate> {
        self.running.gate()
    }

    fn redirect_url(&self) -> String {
        format!("https://{}/v1/webapi/github/callback", self.running.bound.web)
    }

    pub fn web(&self, path: &str) -> String {
        format!("https://{}{path}", self.running.bound.web)
    }

    /// The connector as JSON.
    pub fn connector_json(&self, mappings: Value) -> Value {
        let mut spec = json!({
            "client_id": self.github.client_id(), "client_secret": self.github.client_secret(), "display": "GitHub",
            "redirect_url": self.redirect_url(), "endpoint_url": self.github.endpoint_url(),
            "api_endpoint_url": self.github.api_endpoint_url(),
        });
        for (key, value) in mappings.as_object().expect("an object") {
            spec[key] = value.clone();
        }
        json!({ "kind": "github", "version": "v3", "metadata": { "name": "github" }, "spec": spec })
    }

    /// Writes the connector into the store.
    pub async fn connector(&self, mappings: Value) {
        let connector: GithubConnector =
            serde_json::from_value(self.connector_json(mappings)).expect("a connector");
        assert_eq!(connector.check(), vec![]);
        resources::upsert(&*self.gate().store, &connector).await.expect("written");
    }

    /// `POST /v1/webapi/github/login/console` with a body.
    pub async fn console(&self, body: &Value) -> (u16, Value) {
        let answer = self
            .http
            .post(self.web("/v1/webapi/github/login/console"))
            .json(body)
            .send()
            .await
            .expect("sent");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("JSON"))
    }

    /// A whole login, as `tsh` and a browser do it.
    pub async fn login(&self, user: &str, consent: Consent, ttl: i64) -> End {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let key = KeyPair::generate();
        let seal = SealKey::generate().expect("random");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let line = format!("{}\n", key.public().to_authorized_key().expect("a line"));
        let redirect =
            format!("http://127.0.0.1:{port}/callback?secret=AAAA&secret_key={}&keep=a+b", &**seal.to_hex());
        let (status, body) = self
            .console(&json!({
                "redirect_url": redirect, "public_key": STANDARD.encode(line), "cert_ttl": ttl, "connector_id": "github",
            }))
            .await;
        assert_eq!(status, 200, "{body}");
        let url = body["redirect_url"].as_str().expect("a URL").to_owned();
        let browser = Browser::new(&host_ca(&self.running)).expect("a browser");
        let (page, target) = tokio::join!(browser.sign_in(&url, user, consent), callback(listener));
        page.expect("the browser comes to a page");
        let query = target.split_once('?').expect("a query").1;
        let query: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let sealed = query.iter().find(|(name, _)| name == "response").map(|(_, value)| value.clone());
        let answer = sealed.map(|text| {
            let sealed = serde_json::from_str(&text).expect("sealed JSON");
            serde_json::from_slice(&seal.open(&sealed).expect("our seal")).expect("an answer")
        });
        End { query, answer, key }
    }

    /// The admin API with what a login brought.
    pub async fn admin(&self, end: &End) -> AdminClient {
        let identity = IdentityFile {
            key_pem: end.key.to_pem().expect("PEM"),
            ssh_cert: None,
            cert_pem: end.answer().tls_cert.as_text().expect("text").to_owned(),
            known_hosts: vec![],
            ca_pem: host_ca(&self.running),
        };
        AdminClient::new(&self.running.bound.admin.to_string(), &identity).await.expect("a client")
    }

    /// The admin API in raw HTTP, with what a login brought.
    pub async fn raw_admin(&self, end: &End, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let pem = |text: &str| CertificateDer::from(Certificate::from_pem(text).expect("PEM").der().to_vec());
        let mut roots = RootCertStore::empty();
        roots.add(pem(&host_ca(&self.running))).expect("a root");
        let key = PrivateKeyDer::from_pem_slice(end.key.to_pem().expect("PEM").as_bytes()).expect("a key");
        let chain = vec![CertificateDer::from(end.certificate().der().to_vec())];
        let tls =
            builder().with_root_certificates(roots).with_client_auth_cert(chain, key).expect("an identity");
        let http =
            reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().expect("a client");
        let url = format!("https://{}{path}", self.running.bound.admin);
        let mut request = http.request(method.parse().expect("a method"), url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.expect("sent");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    /// The events of a kind in the audit log.
    pub async fn events(&self, name: &str) -> Vec<Value> {
        let all =
            self.gate().audit.read(jiff::Timestamp::MIN, jiff::Timestamp::MAX, 1000).await.expect("the log");
        all.into_iter().filter(|event| event["event"] == name).collect()
    }
}

fn host_ca(running: &Running) -> String {
    running.gate().authorities.host.certificate().to_pem()
}

fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
}

/// An HTTP client that trusts the gate and follows nothing.
fn client(ca: &str) -> reqwest::Client {
    let mut roots = RootCertStore::empty();
    let ca = Certificate::from_pem(ca).expect("a certificate");
    roots.add(CertificateDer::from(ca.der().to_vec())).expect("a root");
    let tls = builder().with_root_certificates(roots).with_no_client_auth();
    let builder = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
    builder.redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

/// Answers one request and returns its target.
async fn callback(listener: TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.expect("a browser");
    let mut head = Vec::new();
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        assert!(stream.read_buf(&mut head).await.expect("a request") > 0);
    }
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        .await
        .expect("written");
    let text = String::from_utf8(head).expect("text");
    text.split(' ').nth(1).expect("a target").to_owned()
}
