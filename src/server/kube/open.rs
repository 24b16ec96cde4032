//! Opens tunnels: asks the API server for the upgrade, begins the recording of an exec or attach, carries the bytes, and writes down
//! how it ended.

use std::{
    sync::{Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use http::{Request, Response, StatusCode};
use hyper::{
    body::Incoming,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::io::AsyncWriteExt;

use super::{
    answer::{failure, full},
    attached::Attached,
    audit::Record,
    farewell::Farewell,
    forward,
    impersonate::clean_answer,
    lifetime::{Ended, Lifetime},
    policy::Policy,
    serve::{Asked, Call, Refusal, Server},
    tap::Tap,
    target::{Target, Verb},
    tunnel::{Counters, tunnel},
    upgrade::Upgrade,
    upstream::Refused,
};
use crate::{
    model::text::truncate,
    recording::{Session, What, header::Kind},
    server::{
        audit::{Event, Outcome, Stream},
        listener::Body,
        recordings::Recorder,
    },
};

/// How long both ends may take to begin after an upgrade was agreed upon.
const BEGIN_WITHIN: Duration = Duration::from_secs(60);
/// How long a tunnel's ends may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);
/// The longest name or word of a command that stands in a recording, in bytes; more is cut with a visible mark.
const MAX_WORD: usize = 4096;
/// The longest command that stands in a recording, in words.
const MAX_WORDS: usize = 256;

impl Server {
    pub(super) async fn upgrade(
        &self,
        call: Call,
        upgrade: Upgrade,
        mut request: Request<Incoming>,
    ) -> Response<Body> {
        let client = hyper::upgrade::on(&mut request);
        let mut outgoing = Request::new(forward::empty());
        *outgoing.method_mut() = request.method().clone();
        *outgoing.uri_mut() = request.uri().clone();
        let headers = std::mem::take(request.headers_mut());
        outgoing.headers_mut().clone_from(&headers);
        upgrade.ask(outgoing.headers_mut());
        // Before the command can begin.
        let attached = match call.asked.target.verb {
            Verb::Attach if self.gate.recordings.is_on() => {
                Attached::ask(&call.upstream, &call.asked, &headers).await
            }
            _ => None,
        };
        let recorder = match self.begin_recording(&call, &upgrade, attached.as_ref()).await {
            Ok(recorder) => recorder,
            Err(refusal) => return self.refuse(call.record, refusal).await,
        };
        let refused = if call.asked.target.verb == Verb::Proxy { Refused::Keep } else { Refused::Renew };
        let begun = Instant::now();
        let upstream = call.upstream.clone();
        let sent = upstream.send_upgrade(outgoing, self.timeouts.upgrade, refused).await;
        self.gate.metrics.upstream(&call.asked.cluster, begun.elapsed());
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => {
                let answer = self.unanswered(&error);
                return self.no_tunnel(&call.asked, call.record, recorder, answer).await;
            }
        };
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let Call { asked, lifetime, permit, record, .. } = call;
            let answer = forward::answer(&upstream, &asked.target, response, None, lifetime, permit).await;
            return self.no_tunnel(&asked, record, recorder, answer).await;
        }
        if let Err(why) = upgrade.verify(response.headers()) {
            let server = upstream.server();
            tracing::warn!(%server, why, "the API server's 101 is not the one asked for");
            let why = format!("the Kubernetes API server {server} answered an upgrade wrongly: {why}");
            let answer = failure(StatusCode::BAD_GATEWAY, why);
            return self.no_tunnel(&call.asked, call.record, recorder, answer).await;
        }
        let server = hyper::upgrade::on(&mut response);
        let mut headers = std::mem::take(response.headers_mut());
        clean_answer(&mut headers);
        let farewell = match call.asked.target.verb {
            Verb::Exec | Verb::Attach => upgrade.farewell(&headers),
            Verb::PortForward => upgrade.forward(&headers),
            _ => Farewell::None,
        };
        let subprotocol = upgrade.subprotocol(&headers);
        let tap = match (recorder, upgrade.protocol(&headers)) {
            (Some(recorder), protocol) if protocol.is_some() || !recorder.is_strict() => {
                let target = &call.asked.target;
                let (terminal, keeps_typed) = (target.flag("tty"), call.lifetime.keeps_typed());
                let policy = match target.verb {
                    Verb::Exec => Policy::new(terminal, keeps_typed, &target.parameters("command")),
                    _ => Policy::of_attach(terminal, keeps_typed),
                };
                if let Some(name) = subprotocol.clone() {
                    // Where it cannot be written, the recorder ends the session.
                    let _ = recorder.record(vec![What::Protocol(name)]).await;
                }
                Some(Tap::new(protocol, policy, recorder))
            }
            (Some(recorder), _) => {
                let why = "sessions are recorded here, and the API server chose a stream protocol that the gate cannot follow";
                let answer = failure(StatusCode::BAD_GATEWAY, why.to_owned());
                return self.no_tunnel(&call.asked, call.record, Some(recorder), answer).await;
            }
            (None, _) => None,
        };
        let spoken = [Some(upgrade.name().to_owned()), subprotocol].into_iter().flatten().collect::<Vec<_>>();
        self.open(call, (client, server), farewell, tap, attached, spoken.join(" ")).await;
        upgrade.accept(headers, full(bytes::Bytes::new()))
    }

    /// Begins the recording of an exec or attach; other streams have none.
    async fn begin_recording(
        &self,
        call: &Call,
        upgrade: &Upgrade,
        attached: Option<&Attached>,
    ) -> Result<Option<Recorder>, Refusal> {
        let kind = match call.asked.target.verb {
            Verb::Exec => Kind::Exec,
            Verb::Attach => Kind::Attach,
            _ => return Ok(None),
        };
        plain_switches(&call.asked.target)?;
        let begun = self.gate.recordings.begin(session(call, kind, upgrade.name(), attached)).await;
        begun.map_err(|refused| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, refused))
    }

    /// Writes down that no tunnel was opened.
    async fn no_tunnel(
        &self,
        asked: &Asked,
        record: Record,
        recorder: Option<Recorder>,
        answer: Response<Body>,
    ) -> Response<Body> {
        if let Some(recorder) = recorder {
            recorder.discard().await;
        }
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
    async fn open(
        &self,
        call: Call,
        (client, server): (OnUpgrade, OnUpgrade),
        farewell: Farewell,
        tap: Option<Tap>,
        attached: Option<Attached>,
        spoken: String,
    ) {
        let Call { asked, lifetime, permit, record, .. } = call;
        let verb = asked.target.verb;
        let is_stream = verb.is_stream();
        let stream = is_stream.then(|| Stream { protocol: Some(spoken), ..asked.stream(Outcome::Success) });
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
            let farewell = Mutex::new(farewell);
            let noting = async {
                match &tap {
                    Some(tap) => tap.keep_noting().await,
                    None => std::future::pending().await,
                }
            };
            let (reason, _client) = tokio::select! {
                carried = carry(client, server, lifetime, &counters, &farewell, tap.as_ref()) => carried,
                never = noting => match never {},
            };
            let ports = farewell.into_inner().unwrap_or_else(PoisonError::into_inner).ports();
            let exit = match tap {
                Some(tap) => tap.finish(reason.clone(), attached.as_ref()).await,
                None => None,
            };
            let (tx, rx) = (counters.tx.load(Ordering::Relaxed), counters.rx.load(Ordering::Relaxed));
            if let Some(stream) = stream {
                recorder.emit(Event::StreamEnd { stream, tx, rx, ports, exit, reason }).await;
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
    farewell: &Mutex<Farewell>,
    tap: Option<&Tap>,
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
    let (done, ended) =
        tunnel(&mut client, &mut server, counters, farewell, tap, until_end(lifetime, tap)).await;
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

/// What is recorded depends on two switches of the query: each stands there once at most, in a spelling that everybody reads alike.
fn plain_switches(target: &Target) -> Result<(), Refusal> {
    for name in ["tty", "stdin"] {
        let values = target.parameters(name);
        let plain = values.iter().all(|value| matches!(&**value, "true" | "false" | "1" | "0"));
        if values.len() > 1 || !plain {
            let why = format!(
                "the gate does not forward this request: write the parameter {name} once, as true or false"
            );
            return Err(Refusal::new(StatusCode::BAD_REQUEST, why));
        }
    }
    Ok(())
}

/// Waits until a stream must end: for the person's time or rights, or for the recording's sake.
async fn until_end(lifetime: Lifetime, tap: Option<&Tap>) -> Ended {
    let killed = tap.map(Tap::killed);
    let killed = async {
        match killed {
            Some(killed) => killed.await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = lifetime.ended() => ended,
        reason = killed => Ended { code: StatusCode::SERVICE_UNAVAILABLE, reason },
    }
}

/// What the recording says of a call.
fn session(call: &Call, kind: Kind, protocol: &str, attached: Option<&Attached>) -> Session {
    let asked = &call.asked;
    let access = call.lifetime.access();
    let resource = asked.target.resource.clone().unwrap_or_default();
    let word = |word: &str| truncate(word, MAX_WORD).into_owned();
    let mut command: Vec<String> = match kind {
        Kind::Exec => asked.target.parameters("command"),
        Kind::Attach => attached.map(|attached| attached.command.clone()).unwrap_or_default(),
    };
    if command.len() > MAX_WORDS {
        let more = command.len() - MAX_WORDS;
        command.truncate(MAX_WORDS);
        command.push(format!("… ({more} more words)"));
    }
    Session {
        id: asked.id,
        kind,
        user: asked.identity.username().to_owned(),
        roles: asked.identity.roles().to_vec(),
        kube_user: access.user.clone(),
        kube_groups: access.groups.clone(),
        cluster: asked.cluster.clone(),
        namespace: resource.namespace,
        pod: resource.name,
        container: word(&asked.target.parameter("container").unwrap_or_default()),
        command: command.iter().map(|text| word(text)).collect(),
        terminal: asked.target.flag("tty"),
        stdin: asked.target.flag("stdin"),
        protocol: protocol.to_owned(),
        remote: asked.peer.addr.to_string(),
        started: Timestamp::now(),
    }
}
