//! What happens to a request: who, what, may they, then forward or tunnel.

use std::{sync::Arc, time::Instant};

use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    answer::{as_text, failure, wants_text},
    audit::{self, Record, Recorder},
    clusters::Clusters,
    forward,
    impersonate::{HeaderError, clean, impersonate},
    lifetime::Lifetime,
    limits::{Full, Limits, Permit},
    path::PathError,
    target::{Target, TargetError},
    upgrade::Upgrade,
    upstream::{RequestError, Upstream},
};
use crate::{
    model::text::clean_line,
    pki::{Identity, IdentityError},
    recording::id,
    server::{
        Gate,
        audit::{Event, Outcome, Stream},
        auth::access::AccessError,
        listener::{Body, Handler, Peer},
    },
};

/// Stands in the figures for a request that was refused before its verb was known.
const UNKNOWN_VERB: &str = "unknown";
/// What a person reads who would open a stream of which nothing would be written down.
const UNAUDITED: &str = "the gate cannot write its audit log now, and until it can it opens no exec, attach or port-forward; \
                         tell an administrator";

/// The handler of the Kubernetes listener. It expects client certificates to be asked for in the handshake, but not checked.
pub fn handler(gate: Arc<Gate>, clusters: Arc<Clusters>) -> Handler {
    handler_within(gate, clusters, forward::Timeouts::default())
}

/// The same with other times for the API server's answers.
pub(super) fn handler_within(
    gate: Arc<Gate>,
    clusters: Arc<Clusters>,
    timeouts: forward::Timeouts,
) -> Handler {
    Arc::new(Server::new(gate, clusters, timeouts)).into_handler()
}

/// The listener's parts.
pub(super) struct Server {
    pub(super) gate: Arc<Gate>,
    clusters: Arc<Clusters>,
    limits: Arc<Limits>,
    pub(super) recorder: Recorder,
    pub(super) timeouts: forward::Timeouts,
}

/// A request whose person, target and rights are known.
pub(super) struct Call {
    pub(super) asked: Asked,
    pub(super) upstream: Arc<Upstream>,
    pub(super) lifetime: Lifetime,
    pub(super) permit: Permit,
    pub(super) record: Record,
}

/// Who asks for what, and of which cluster.
pub(super) struct Asked {
    /// Names the stream that it opens; begins with the time.
    pub(super) id: Uuid,
    pub(super) identity: Arc<Identity>,
    pub(super) peer: Arc<Peer>,
    pub(super) target: Target,
    pub(super) cluster: String,
}

impl Asked {
    /// The stream that it opens.
    pub(super) fn stream(&self, outcome: Outcome) -> Stream {
        Stream {
            id: self.id,
            ..audit::stream(&self.identity, &self.peer, &self.target, &self.cluster, outcome)
        }
    }
}

/// What the figures tell of a request.
struct Figures {
    verb: &'static str,
    /// A cluster behind the gate; empty until it is known.
    cluster: String,
}

/// An answer of the gate itself.
pub(super) struct Refusal {
    code: StatusCode,
    why: String,
}

impl Refusal {
    pub(super) fn new(code: StatusCode, why: impl ToString) -> Self {
        Self { code, why: why.to_string() }
    }
}

impl Server {
    fn new(gate: Arc<Gate>, clusters: Arc<Clusters>, timeouts: forward::Timeouts) -> Self {
        let recorder = Recorder::new(gate.audit.clone());
        Self { gate, clusters, limits: Arc::default(), recorder, timeouts }
    }

    fn into_handler(self: Arc<Self>) -> Handler {
        Arc::new(move |request, peer| {
            let server = self.clone();
            Box::pin(async move { server.serve(request, peer).await })
        })
    }

    async fn serve(&self, request: Request<Incoming>, peer: Arc<Peer>) -> Response<Body> {
        let mut figures = Figures { verb: UNKNOWN_VERB, cluster: String::new() };
        let text = wants_text(request.headers());
        let response = self.handle(request, peer, &mut figures).await;
        let code = response.status().as_u16();
        self.gate.metrics.kube_request(figures.verb, code, &figures.cluster);
        if text { as_text(response) } else { response }
    }

    async fn handle(
        &self,
        mut request: Request<Incoming>,
        peer: Arc<Peer>,
        figures: &mut Figures,
    ) -> Response<Body> {
        let identity = match self.identify(&peer) {
            Ok(identity) => Arc::new(identity),
            Err(error) => return self.unknown(&peer, &error).await,
        };
        let permit = match self.limits.acquire(identity.username(), &peer) {
            Ok(permit) => permit,
            Err(full) => return self.too_many(full, &identity, &peer, &request).await,
        };
        let target = match Target::parse(request.method(), request.uri()) {
            Ok(target) => target,
            Err(error) => {
                let event = audit::unparsed(&identity, &peer, request.method(), request.uri().path());
                return self.refuse(self.recorder.request(event), unparsable(&error)).await;
            }
        };
        figures.verb = target.verb.name();
        let cluster = self.clusters.find(target.cluster.as_deref());
        let name = cluster.map(|cluster| cluster.name().to_owned());
        figures.cluster = name.clone().unwrap_or_default();
        let name = name.or_else(|| target.cluster.clone()).unwrap_or_default();
        let event = audit::parsed(&identity, &peer, request.method(), &target, &name);
        let mut record = self.recorder.request(event);
        let upgrade = target.verb.may_upgrade().then(|| Upgrade::asked(request.headers())).flatten();
        let lifetime = match self.admit(&identity, &peer, request.headers_mut()).await {
            Ok(lifetime) => lifetime,
            Err(refusal) => return self.refuse(record, refusal).await,
        };
        record.set_access(lifetime.access());
        if target.verb.is_stream() && !self.gate.audit.is_healthy() {
            return self.refuse(record, Refusal::new(StatusCode::SERVICE_UNAVAILABLE, UNAUDITED)).await;
        }
        let Some(found) = cluster else { return self.refuse(record, no_cluster(&name)).await };
        let upstream = match found.upstream().await {
            Ok(upstream) => upstream,
            Err(why) => {
                return self.refuse(record, Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)).await;
            }
        };
        match upstream.uri(&target.path_and_query(upstream.base())) {
            Ok(uri) => *request.uri_mut() = uri,
            Err(error) => return self.refuse(record, Refusal::new(StatusCode::BAD_REQUEST, error)).await,
        }
        if upgrade.is_some() && !request.body().is_end_stream() {
            let why = "a request for an upgrade carries no body; the gate does not forward one that does";
            return self.refuse(record, Refusal::new(StatusCode::BAD_REQUEST, why)).await;
        }
        let asked = Asked { id: id::new(Timestamp::now()), identity, peer, target, cluster: name };
        let call = Call { asked, upstream, lifetime, permit, record };
        match upgrade {
            Some(upgrade) => self.upgrade(call, upgrade, request).await,
            None => self.forward(call, request).await,
        }
    }

    fn identify(&self, peer: &Peer) -> Result<Identity, IdentityError> {
        let trusted = self.gate.authorities.trusted_users();
        let identity = Identity::verify(&peer.chain(), &trusted, Timestamp::now())?;
        if identity.usage().opens_kube() { Ok(identity) } else { Err(IdentityError::WrongUse) }
    }

    async fn unknown(&self, peer: &Peer, error: &IdentityError) -> Response<Body> {
        let event = Event::AuthFailed { remote: peer.addr, listener: "kube", error: error.to_string() };
        self.recorder.emit_of_stranger(event, peer.addr.ip()).await;
        failure(StatusCode::UNAUTHORIZED, error.to_string())
    }

    async fn too_many(
        &self,
        full: Full,
        identity: &Identity,
        peer: &Peer,
        request: &Request<Incoming>,
    ) -> Response<Body> {
        let event = audit::unparsed(identity, peer, request.method(), request.uri().path());
        let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, full.to_string());
        self.refuse(self.recorder.request(event), refusal).await
    }

    pub(super) async fn refuse(&self, record: Record, refusal: Refusal) -> Response<Body> {
        record.refused(refusal.code, refusal.why.clone()).await;
        failure(refusal.code, refusal.why)
    }

    /// Cleans the headers, looks the rights up and sets as whom the request acts.
    async fn admit(
        &self,
        identity: &Arc<Identity>,
        peer: &Peer,
        headers: &mut HeaderMap,
    ) -> Result<Lifetime, Refusal> {
        clean(headers).map_err(forbidden)?;
        let lifetime = Lifetime::begin(&self.gate, identity).await.map_err(|error| match error {
            AccessError::Store(error) => {
                tracing::error!(%error, "rights could not be looked up");
                let why = "the gate cannot look up your rights now; try again, and tell an administrator if it lasts";
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)
            }
            error => Refusal::new(StatusCode::FORBIDDEN, error),
        })?;
        impersonate(headers, lifetime.access(), peer.addr.ip()).map_err(forbidden)?;
        Ok(lifetime)
    }

    async fn forward(&self, call: Call, request: Request<Incoming>) -> Response<Body> {
        let Call { asked, upstream, lifetime, permit, record } = call;
        let (begun, target) = (Instant::now(), &asked.target);
        let sent = forward::forward(&upstream, self.timeouts, target, request, lifetime, permit).await;
        self.gate.metrics.upstream(&asked.cluster, begun.elapsed());
        let response = sent.unwrap_or_else(|error| self.unanswered(&error));
        if target.verb.is_stream() {
            record.forget();
            let why = format!("answered {} without an upgrade", response.status());
            self.recorder.emit(Event::StreamStart(asked.stream(Outcome::Failure(why)))).await;
        } else if target.is_discovery() {
            record.forget();
        } else {
            record.answered(response.status()).await;
        }
        response
    }

    pub(super) fn unanswered(&self, error: &RequestError) -> Response<Body> {
        tracing::warn!(%error, "no answer from the API server");
        let code = match error {
            RequestError::Unreachable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            RequestError::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            RequestError::Credentials { .. } => StatusCode::BAD_GATEWAY,
        };
        failure(code, error.to_string())
    }
}

fn forbidden(error: HeaderError) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, error)
}

fn no_cluster(name: &str) -> Refusal {
    let name = clean_line(name);
    let why = format!(
        "no Kubernetes cluster behind this gate is named {name:?}; to see which there are: tsh kube ls"
    );
    Refusal::new(StatusCode::NOT_FOUND, why)
}

fn unparsable(error: &TargetError) -> Refusal {
    let code = match error {
        TargetError::Path(PathError::TooLong | PathError::LongQuery) => StatusCode::URI_TOO_LONG,
        TargetError::Path(PathError::NoCluster) => StatusCode::NOT_FOUND,
        TargetError::Path(_) | TargetError::Semicolon => StatusCode::BAD_REQUEST,
        TargetError::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
        TargetError::Kubelet(_) => StatusCode::FORBIDDEN,
    };
    Refusal::new(code, error)
}
