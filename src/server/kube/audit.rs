//! Audit events of the Kubernetes listener. An event is written even when the client is gone before its answer.

use std::net::IpAddr;

use http::{Method, StatusCode};
use uuid::Uuid;

use super::target::{Target, Verb};
use crate::{
    pki::Identity,
    server::{
        audit::{AuditLog, Event, KubeRequest, Outcome, Stream, StreamKind},
        auth::access::KubeAccess,
        listener::Peer,
    },
};

/// Stands in an event for the answer to a client that did not wait for it (as nginx writes it).
const CLIENT_GONE: u16 = 499;

/// Writes events; a thin layer over the log.
#[derive(Clone)]
pub(super) struct Recorder {
    log: AuditLog,
}

impl Recorder {
    pub(super) fn new(log: AuditLog) -> Self {
        Self { log }
    }

    /// Writes an event; it is written also when the caller is dropped meanwhile.
    pub(super) async fn emit(&self, event: Event) {
        // It fails only when the runtime ends.
        let _ = self.start(event).await;
    }

    /// The same for an event that somebody without an identity caused.
    pub(super) async fn emit_of_stranger(&self, event: Event, address: IpAddr) {
        let log = self.log.clone();
        // It fails only when the runtime ends.
        let _ = tokio::spawn(async move { log.emit_of_stranger(event, address).await }).await;
    }

    fn start(&self, event: Event) -> tokio::task::JoinHandle<()> {
        let log = self.log.clone();
        tokio::spawn(async move { log.emit(event).await })
    }

    /// Begins the record of a request; whoever drops it unfinished leaves an event that says so.
    pub(super) fn request(&self, request: KubeRequest) -> Record {
        Record { recorder: self.clone(), request: Some(request) }
    }
}

/// A request on its way.
pub(super) struct Record {
    recorder: Recorder,
    request: Option<KubeRequest>,
}

impl Record {
    /// Writes the request down with its answer.
    pub(super) async fn answered(mut self, code: StatusCode) {
        if let Some(mut request) = self.request.take() {
            request.response_code = code.as_u16();
            self.recorder.emit(Event::KubeRequest(request)).await;
        }
    }

    /// As whom it acts.
    pub(super) fn set_access(&mut self, access: &KubeAccess) {
        if let Some(request) = &mut self.request {
            request.groups.clone_from(&access.groups);
            request.kube_user.clone_from(&access.user);
        }
    }

    /// Writes down that the gate refused it.
    pub(super) async fn refused(mut self, code: StatusCode, why: String) {
        if let Some(mut request) = self.request.take() {
            request.response_code = code.as_u16();
            request.denied = Some(why);
            self.recorder.emit(Event::KubeRequest(request)).await;
        }
    }

    /// Nothing is to be written: another event tells of it, or it is discovery.
    pub(super) fn forget(mut self) {
        self.request = None;
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if let (Some(mut request), Ok(_)) = (self.request.take(), tokio::runtime::Handle::try_current()) {
            request.response_code = CLIENT_GONE;
            drop(self.recorder.start(Event::KubeRequest(request)));
        }
    }
}

/// What is known of a request before its target is parsed: the path as it came.
pub(super) fn unparsed(identity: &Identity, peer: &Peer, method: &Method, path: &str) -> KubeRequest {
    KubeRequest {
        user: identity.username().to_owned(),
        remote: peer.addr,
        local: peer.local,
        cluster: String::new(),
        path: path.to_owned(),
        method: method.as_str().to_owned(),
        verb: String::new(),
        api_group: String::new(),
        namespace: String::new(),
        kind: String::new(),
        name: String::new(),
        response_code: 0,
        groups: vec![],
        kube_user: String::new(),
        denied: None,
    }
}

/// What is known of a request.
pub(super) fn parsed(
    identity: &Identity,
    peer: &Peer,
    method: &Method,
    target: &Target,
    cluster: &str,
) -> KubeRequest {
    let resource = target.resource.as_ref();
    KubeRequest {
        cluster: cluster.to_owned(),
        verb: target.verb.name().to_owned(),
        api_group: target.api_group(),
        namespace: resource.map(|r| r.namespace.clone()).unwrap_or_default(),
        kind: target.kind(),
        name: resource.map(|r| r.name.clone()).unwrap_or_default(),
        ..unparsed(identity, peer, method, target.path())
    }
}

/// The stream that a request opens.
pub(super) fn stream(
    identity: &Identity,
    peer: &Peer,
    target: &Target,
    cluster: &str,
    outcome: Outcome,
) -> Stream {
    let resource = target.resource.as_ref();
    let kind = match target.verb {
        Verb::PortForward => StreamKind::PortForward,
        _ if target.flag("tty") => StreamKind::Interactive,
        _ => StreamKind::Command,
    };
    Stream {
        kind,
        id: Uuid::new_v4(),
        user: identity.username().to_owned(),
        remote: peer.addr,
        local: peer.local,
        cluster: cluster.to_owned(),
        namespace: resource.map(|r| r.namespace.clone()).unwrap_or_default(),
        pod: resource.map(|r| r.name.clone()).unwrap_or_default(),
        container: target.parameter("container").unwrap_or_default(),
        command: if target.verb == Verb::Exec { target.parameters("command") } else { vec![] },
        protocol: None,
        outcome,
    }
}
