//! A gate with its real listener, store and audit log before the API server for tests.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    super::{Clusters, Upstream, forward::Timeouts, serve::handler_within},
    api::Api,
};
use crate::{
    model::{Conditions, Metadata, Role, RoleSpec, User, UserSpec},
    pki::{Authority, AuthorityKind, KeyPair, Subject, Usage, Validity},
    server::{
        Addresses, Authorities, Gate,
        audit::AuditLog,
        auth::access::Access,
        certificates::host_certificate,
        config::{Config, HostPort},
        listener::{self, Drain, DrainSwitch, Limits, Port},
        metrics::Metrics,
        recordings::Recordings,
        store::{SqliteStore, Store, resources},
        tls::{ServerCertificate, Tls, provider},
    },
};

const CONFIG: &str = "teleport: {data_dir: /nowhere}
auth_service: {enabled: yes, cluster_name: gate.test, recording: {mode: off}}
proxy_service:
  enabled: yes
  public_addr: gate.test
  kubernetes: {enabled: yes, listen_addr: '127.0.0.1:0'}
";

pub(super) struct Rig {
    pub(super) api: Api,
    pub(super) gate: Arc<Gate>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) switch: DrainSwitch,
    pub(super) addr: SocketAddr,
    pub(super) listeners: JoinSet<()>,
    _folder: tempfile::TempDir,
}

/// What a client shows.
pub(super) struct Shown {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

pub(super) type Client = conn::http1::SendRequest<Full<Bytes>>;

impl Rig {
    pub(super) async fn start() -> Self {
        Self::before(Api::start().await, Timeouts::default()).await
    }

    /// Before this API server, whose answers may take so long.
    pub(super) async fn before(api: Api, timeouts: Timeouts) -> Self {
        let upstream = Upstream::from_kube_config(&api.config()).await.unwrap();
        Self::with(api, upstream, timeouts).await
    }

    /// With this way to the API server.
    pub(super) async fn with(api: Api, upstream: Arc<Upstream>, timeouts: Timeouts) -> Self {
        Self::beside(api, upstream, &[], timeouts).await
    }

    /// The same with more clusters beside the default one.
    pub(super) async fn beside(
        api: Api,
        upstream: Arc<Upstream>,
        others: &[(&str, Arc<Upstream>)],
        timeouts: Timeouts,
    ) -> Self {
        Self::keeping("off", api, upstream, others, timeouts).await
    }

    /// One that records sessions in this mode.
    pub(super) async fn recording(mode: &str) -> Self {
        let api = Api::start().await;
        let upstream = Upstream::from_kube_config(&api.config()).await.unwrap();
        Self::keeping(mode, api, upstream, &[], Timeouts::default()).await
    }

    async fn keeping(
        mode: &str,
        api: Api,
        upstream: Arc<Upstream>,
        others: &[(&str, Arc<Upstream>)],
        timeouts: Timeouts,
    ) -> Self {
        let all = [&[("gate.test", upstream.clone())], others].concat();
        let clusters = Clusters::ready(&all);
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
        let text = CONFIG.replace("mode: off", &format!("mode: {mode}, free_space: 0"));
        let mut config = Config::parse(&text, Path::new("jumpgate.yaml")).unwrap();
        config.drain = Duration::from_secs(2);
        let now = Timestamp::now();
        let ca = |kind| Authority::generate(kind, "gate.test", now).unwrap();
        let authorities = Authorities { user: ca(AuthorityKind::User), host: ca(AuthorityKind::Host) };
        let host =
            host_certificate(&authorities.host, &KeyPair::generate(), &["127.0.0.1".into()], now).unwrap();
        let metrics = Arc::new(Metrics::default());
        let audit = AuditLog::memory();
        let recordings = Recordings::open(&config.recording, folder.path(), store.clone(), audit.clone());
        let recordings = recordings.await.unwrap();
        let (switch, drain) = Drain::new();
        let nowhere = HostPort { host: "127.0.0.1".into(), port: 1 };
        let gate = Arc::new(Gate {
            addresses: Addresses { web: nowhere.clone(), admin: nowhere.clone(), kube: Some(nowhere) },
            access: Access::new(store.clone()),
            config,
            store,
            authorities,
            audit,
            recordings,
            drain: drain.clone(),
            metrics: metrics.clone(),
        });
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        let mut listeners = JoinSet::new();
        listeners.spawn(listener::serve(Port {
            name: "kube",
            socket,
            tls: Tls::mutual(ServerCertificate::new(host)).unwrap(),
            limits: Limits::new(gate.config.drain),
            drain,
            handler: handler_within(gate.clone(), clusters, timeouts),
            metrics,
        }));
        let rig = Self { api, gate, upstream, switch, addr, listeners, _folder: folder };
        rig.put_user("alice").await;
        rig.put_role("dev", &["dev", "ops"]).await;
        rig
    }

    pub(super) async fn put_user(&self, name: &str) {
        let user = User {
            kind: "user".into(),
            version: "v2".into(),
            metadata: Metadata::named(name),
            spec: UserSpec::default(),
        };
        resources::upsert(&*self.gate.store, &user).await.unwrap();
    }

    pub(super) async fn put_role(&self, name: &str, groups: &[&str]) {
        let kubernetes_groups = groups.iter().map(|g| (*g).to_owned()).collect();
        let allow = Conditions { kubernetes_groups, ..Conditions::default() };
        let role = Role::new(name, RoleSpec { allow, ..RoleSpec::default() });
        resources::upsert(&*self.gate.store, &role).await.unwrap();
    }

    /// Alice's certificate.
    pub(super) fn alice(&self) -> Shown {
        self.issue(&self.gate.authorities.user, "alice", Usage::Login, SignedDuration::from_hours(1))
    }

    pub(super) fn issue(&self, ca: &Authority, user: &str, usage: Usage, ttl: SignedDuration) -> Shown {
        let validity = Validity::starting(Timestamp::now(), ttl);
        self.issue_between(ca, user, usage, validity)
    }

    pub(super) fn issue_between(
        &self,
        ca: &Authority,
        user: &str,
        usage: Usage,
        validity: Validity,
    ) -> Shown {
        let key = KeyPair::generate();
        let subject = Subject {
            username: user.into(),
            roles: vec!["dev".into()],
            usage: usage.to_units(),
            ..Subject::default()
        };
        let certificate = ca.sign_user(&subject, &key.public(), validity).unwrap();
        Shown {
            chain: vec![CertificateDer::from(certificate.der().to_vec())],
            key: PrivateKeyDer::from_pem_slice(key.to_pem().unwrap().as_bytes()).unwrap(),
        }
    }

    async fn connect(&self, shown: Option<&Shown>, alpn: &[u8]) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        let host_ca = self.gate.authorities.host.certificate().der().to_vec();
        roots.add(CertificateDer::from(host_ca)).unwrap();
        let builder = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut tls = match shown {
            Some(shown) => builder.with_client_auth_cert(shown.chain.clone(), shown.key.clone_key()).unwrap(),
            None => builder.with_no_client_auth(),
        };
        tls.alpn_protocols = vec![alpn.to_vec()];
        let tcp = TcpStream::connect(self.addr).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        TlsConnector::from(Arc::new(tls)).connect(name, tcp).await.unwrap()
    }

    pub(super) async fn client(&self, shown: Option<&Shown>) -> Client {
        let stream = self.connect(shown, b"http/1.1").await;
        let (sender, driver) = conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(driver.with_upgrades());
        sender
    }

    pub(super) async fn client2(&self, shown: &Shown) -> conn::http2::SendRequest<Full<Bytes>> {
        let stream = self.connect(Some(shown), b"h2").await;
        let (sender, driver) =
            conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(driver);
        sender
    }

    /// A connection for frames of HTTP/2 by hand.
    pub(super) async fn raw2(&self, shown: &Shown) -> TlsStream<TcpStream> {
        self.connect(Some(shown), b"h2").await
    }

    /// Alice asks over HTTP/1.1.
    pub(super) async fn ask(&self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        self.client(Some(&self.alice())).await.send_request(request).await.unwrap()
    }

    /// Alice's GET of a path: the code and the answer in JSON.
    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        json(self.ask(get(path)).await).await
    }

    /// The audit events so far.
    pub(super) async fn events(&self) -> Vec<Value> {
        self.gate.audit.read(Timestamp::MIN, Timestamp::MAX, 10_000).await.unwrap()
    }

    /// Waits for an event with this name.
    pub(super) async fn event(&self, name: &str) -> Value {
        let found = async {
            loop {
                if let Some(event) = self.events().await.into_iter().find(|e| e["event"] == name) {
                    return event;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), found)
            .await
            .unwrap_or_else(|_| panic!("no event {name}"))
    }
}

pub(super) fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).version(Version::HTTP_11).header("host", "gate").body(Full::default()).unwrap()
}

pub(super) fn with(mut request: Request<Full<Bytes>>, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    for (name, value) in headers {
        let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    }
    request
}

pub(super) async fn json(response: Response<Incoming>) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&body))))
}

/// The next piece of an answer; None at its end.
pub(super) async fn next_piece(response: &mut Response<Incoming>) -> Option<String> {
    loop {
        let next = tokio::time::timeout(Duration::from_secs(20), response.body_mut().frame()).await;
        if let Ok(data) = next.expect("a piece comes")?.unwrap().into_data() {
            return Some(String::from_utf8(data.to_vec()).unwrap());
        }
    }
}
