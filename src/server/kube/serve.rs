//! What happens to a request: who, what, may they, then forward or tunnel.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use http::{HeaderMap, Request, Response, StatusCode};
use hyper::{
    body::{Body as _, Incoming},
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::io::AsyncWriteExt;

use super::{
    answer::{as_text, failure, full, wants_text},
    audit::{self, Record, Recorder},
    clusters::Clusters,
    farewell::Farewell,
    forward,
    impersonate::{HeaderError, clean, clean_answer, impersonate},
    lifetime::Lifetime,
    limits::{Full, Limits, Permit},
    path::PathError,
    target::{Target, TargetError, Verb},
    tunnel::{Counters, tunnel},
    upgrade::Upgrade,
    upstream::{Refused, RequestError, Upstream},
};
use crate::{
    model::text::clean_line,
    pki::{Identity, IdentityError},
    server::{
        Gate,
        audit::{Event, Outcome, Stream},
        auth::access::AccessError,
        listener::{Body, Handler, Peer},
    },
};

/// How long both ends may take to begin after an upgrade was agreed upon.
const BEGIN_WITHIN: Duration = Duration::from_secs(60);
/// Stands in the figures for a request that was refused before its verb was known.
const UNKNOWN_VERB: &str = "unknown";
/// What a person reads who would open a stream of which nothing would be written down.
const UNAUDITED: &str = "the gate cannot write its audit log now, and until it can it opens no exec, attach or port-forward; \
                         tell an administrator";
/// How long a tunnel's ends may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

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
struct Server {
    gate: Arc<Gate>,
    clusters: Arc<Clusters>,
    limits: Arc<Limits>,
    recorder: Recorder,
    timeouts: forward::Timeouts,
}

/// A request whose person, target and rights are known.
struct Call {
    asked: Asked,
    upstream: Arc<Upstream>,
    lifetime: Lifetime,
    permit: Permit,
    record: Record,
}

/// Who asks for what, and of which cluster.
struct Asked {
    identity: Arc<Identity>,
    peer: Arc<Peer>,
    target: Target,
    cluster: String,
}

impl Asked {
    /// The stream that it opens.
    fn stream(&self, outcome: Outcome) -> Stream {
        audit::stream(&self.identity, &self.peer, &self.target, &self.cluster, outcome)
    }
}

/// What the figures tell of a request.
struct Figures {
    verb: &'static str,
    /// A cluster behind the gate; empty until it is known.
    cluster: String,
}

/// An answer of the gate itself.
struct Refusal {
    code: StatusCode,
    why: String,
}

impl Refusal {
    fn new(code: StatusCode, why: impl ToString) -> Self {
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
        let asked = Asked { identity, peer, target, cluster: name };
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

    async fn refuse(&self, record: Record, refusal: Refusal) -> Response<Body> {
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

    fn unanswered(&self, error: &RequestError) -> Response<Body> {
        tracing::warn!(%error, "no answer from the API server");
        let code = match error {
            RequestError::Unreachable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            RequestError::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            RequestError::Credentials { .. } => StatusCode::BAD_GATEWAY,
        };
        failure(code, error.to_string())
    }

    async fn upgrade(&self, call: Call, upgrade: Upgrade, mut request: Request<Incoming>) -> Response<Body> {
        let client = hyper::upgrade::on(&mut request);
        let mut outgoing = Request::new(forward::empty());
        *outgoing.method_mut() = request.method().clone();
        *outgoing.uri_mut() = request.uri().clone();
        *outgoing.headers_mut() = std::mem::take(request.headers_mut());
        upgrade.ask(outgoing.headers_mut());
        let refused = if call.asked.target.verb == Verb::Proxy { Refused::Keep } else { Refused::Renew };
        let begun = Instant::now();
        let upstream = call.upstream.clone();
        let sent = upstream.send_upgrade(outgoing, self.timeouts.upgrade, refused).await;
        self.gate.metrics.upstream(&call.asked.cluster, begun.elapsed());
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => {
                let answer = self.unanswered(&error);
                return self.no_tunnel(&call.asked, call.record, answer).await;
            }
        };
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let Call { asked, lifetime, permit, record, .. } = call;
            let answer = forward::answer(&upstream, &asked.target, response, None, lifetime, permit).await;
            return self.no_tunnel(&asked, record, answer).await;
        }
        if let Err(why) = upgrade.verify(response.headers()) {
            let server = upstream.server();
            tracing::warn!(%server, why, "the API server's 101 is not the one asked for");
            let why = format!("the Kubernetes API server {server} answered an upgrade wrongly: {why}");
            let answer = failure(StatusCode::BAD_GATEWAY, why);
            return self.no_tunnel(&call.asked, call.record, answer).await;
        }
        let server = hyper::upgrade::on(&mut response);
        let mut headers = std::mem::take(response.headers_mut());
        clean_answer(&mut headers);
        let farewell = match call.asked.target.verb {
            Verb::Exec | Verb::Attach => upgrade.farewell(&headers),
            _ => Farewell::None,
        };
        self.open(call, client, server, farewell).await;
        upgrade.accept(headers, full(bytes::Bytes::new()))
    }

    /// Writes down that no tunnel was opened.
    async fn no_tunnel(&self, asked: &Asked, record: Record, answer: Response<Body>) -> Response<Body> {
        if asked.target.verb.is_stream() {
            record.forget();
            let why = format!("answered {}", answer.status());
            self.recorder.emit(Event::StreamStart(asked.stream(Outcome::Failure(why)))).await;
        } else {
            record.answered(answer.status()).await;
        }
        answer
    }

    /// Writes the start down, then carries the bytes in a task of its own until one of the ends, or the person's time, is over.
    async fn open(&self, call: Call, client: OnUpgrade, server: OnUpgrade, farewell: Farewell) {
        let Call { asked, lifetime, permit, record, .. } = call;
        let verb = asked.target.verb;
        let stream = verb.is_stream().then(|| asked.stream(Outcome::Success));
        match &stream {
            Some(stream) => {
                record.forget();
                self.recorder.emit(Event::StreamStart(stream.clone())).await;
            }
            None => record.answered(StatusCode::SWITCHING_PROTOCOLS).await,
        }
        let open = lifetime.counted(verb.name());
        let recorder = self.recorder.clone();
        tokio::spawn(async move {
            let _held = (permit, open);
            let counters = Counters::default();
            // The client's end is held until the event is written: the listener waits for it before the gate ends.
            let (reason, _client) = carry(client, server, lifetime, &counters, farewell).await;
            let (tx, rx) = (counters.tx.load(Ordering::Relaxed), counters.rx.load(Ordering::Relaxed));
            if let Some(stream) = stream {
                recorder.emit(Event::StreamEnd { stream, tx, rx, reason }).await;
            }
        });
    }
}

/// Carries a tunnel; returns why the gate ended it, if it did, and the client's end.
async fn carry(
    client: OnUpgrade,
    server: OnUpgrade,
    lifetime: Lifetime,
    counters: &Counters,
    farewell: Farewell,
) -> (Option<String>, Option<TokioIo<Upgraded>>) {
    let both = async { tokio::try_join!(client, server) };
    let (client, server) = match tokio::time::timeout(BEGIN_WITHIN, both).await {
        Ok(Ok(ends)) => ends,
        Ok(Err(error)) => {
            tracing::debug!(%error, "an upgrade was not taken up");
            return (None, None);
        }
        Err(_) => return (None, None),
    };
    let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
    let (done, ended) = tunnel(&mut client, &mut server, counters, farewell, lifetime.ended()).await;
    if let Err(error) = done {
        tracing::debug!(%error, "a tunnel broke");
    }
    if let Some(ended) = &ended {
        tracing::info!(reason = %ended.reason, "a tunnel was ended");
    }
    let goodbye = async { tokio::join!(client.shutdown(), server.shutdown()) };
    // Whoever does not read any more is left.
    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    (ended.map(|ended| ended.reason), Some(client))
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
