//! The events. An event without a code cannot be written down here, so none is emitted.

use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::RecordingEvent;
use crate::model::text::{clean_line, truncate};

/// The longest text inside an event, in bytes; more is cut with a visible mark.
const MAX_TEXT: usize = 4096;

/// Whether it worked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It did.
    Success,
    /// It did not, and why.
    Failure(String),
}

/// A login through an identity provider.
#[derive(Debug, Clone)]
pub struct Login {
    /// The person, if known.
    pub user: String,
    /// `github`, …
    pub method: &'static str,
    /// The connector.
    pub connector: String,
    /// What the provider said: organisation to teams.
    pub attributes: Value,
    /// The browser's or client's address.
    pub remote: Option<SocketAddr>,
    /// Whether it worked.
    pub outcome: Outcome,
}

/// The terminal that a login by code is for.
#[derive(Debug, Clone)]
pub struct Requester {
    /// What it calls itself.
    pub host: String,
    /// From where it asked.
    pub remote: IpAddr,
}

/// A request to Kubernetes that is not discovery.
#[derive(Debug, Clone)]
pub struct KubeRequest {
    /// Who asked.
    pub user: String,
    /// From where.
    pub remote: SocketAddr,
    /// Where it arrived.
    pub local: SocketAddr,
    /// The cluster; empty if the request was refused before that was known.
    pub cluster: String,
    /// The parsed path, below the cluster.
    pub path: String,
    /// The HTTP method, as Teleport writes it.
    pub method: String,
    /// What it means: `get`, `list`, `exec`, `proxy`, …
    pub verb: String,
    /// `core/v1`, `apps/v1`, …
    pub api_group: String,
    /// The namespace.
    pub namespace: String,
    /// `pods`, `pods/log`, …
    pub kind: String,
    /// The object.
    pub name: String,
    /// The status code of the answer.
    pub response_code: u16,
    /// The groups that were impersonated.
    pub groups: Vec<String>,
    /// The user that was impersonated.
    pub kube_user: String,
    /// Why the gate itself refused, if it did.
    pub denied: Option<String>,
}

/// What kind of stream was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamKind {
    /// exec or attach with a terminal.
    Interactive,
    /// exec or attach without one.
    Command,
    /// port-forward.
    PortForward,
}

/// A stream to a pod.
#[derive(Debug, Clone)]
pub struct Stream {
    /// What kind.
    pub kind: StreamKind,
    /// Names the stream in its start and end.
    pub id: uuid::Uuid,
    /// Who.
    pub user: String,
    /// From where.
    pub remote: SocketAddr,
    /// Where it arrived.
    pub local: SocketAddr,
    /// The cluster.
    pub cluster: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container, if named.
    pub container: String,
    /// The command, empty for attach and port-forward.
    pub command: Vec<String>,
    /// The stream protocol with its subprotocol, once it is known.
    pub protocol: Option<String>,
    /// Whether it was let through, or failed and why.
    pub outcome: Outcome,
}

/// Everything that is written to the audit log.
#[derive(Debug, Clone)]
pub enum Event {
    /// Somebody signed in, or tried.
    Login(Login),
    /// The same by a code, for a terminal elsewhere.
    CodeLogin(Login, Requester),
    /// A connector was written.
    GithubCreated {
        /// Its name.
        name: String,
        /// Who wrote it.
        user: String,
    },
    /// A connector was removed.
    GithubDeleted {
        /// Its name.
        name: String,
        /// Who removed it.
        user: String,
    },
    /// A role was written.
    RoleCreated {
        /// Its name.
        name: String,
        /// Who wrote it.
        user: String,
    },
    /// A role was removed.
    RoleDeleted {
        /// Its name.
        name: String,
        /// Who removed it.
        user: String,
    },
    /// A user record was removed.
    UserDeleted {
        /// Its name.
        name: String,
        /// Who removed it.
        user: String,
    },
    /// A login's certificate was renewed.
    CertRenewed {
        /// Whose.
        user: String,
        /// From where.
        remote: SocketAddr,
        /// When the person signed in.
        since: Timestamp,
        /// When the new certificate ends.
        until: Timestamp,
    },
    /// The admin API refused somebody.
    AdminDenied {
        /// Who.
        user: String,
        /// What was refused.
        action: String,
        /// From where.
        remote: SocketAddr,
    },
    /// A client's certificate made no identity.
    AuthFailed {
        /// From where.
        remote: SocketAddr,
        /// The listener.
        listener: &'static str,
        /// Why.
        error: String,
    },
    /// Refusals of strangers that were not written down one by one.
    LeftOut {
        /// How many.
        count: u64,
    },
    /// A request to Kubernetes.
    KubeRequest(KubeRequest),
    /// A stream was opened, or refused.
    StreamStart(Stream),
    /// Something happened to a recording.
    Recording(RecordingEvent),
    /// A stream ended.
    StreamEnd {
        /// The stream.
        stream: Stream,
        /// Bytes towards the pod.
        tx: u64,
        /// Bytes from the pod.
        rx: u64,
        /// The ports of a port-forward.
        ports: Vec<u16>,
        /// The command's exit code, if it was told.
        exit: Option<i32>,
        /// Why the gate ended it, if it did.
        reason: Option<String>,
    },
}

impl Event {
    /// Event name, code and its own keys.
    pub(super) fn fields(&self) -> Map<String, Value> {
        match self {
            Self::Login(login) => login_fields(login),
            Self::CodeLogin(login, requester) => code_login_fields(login, requester),
            Self::GithubCreated { name, user } => admin("github.created", "T8000I", name, user),
            Self::GithubDeleted { name, user } => admin("github.deleted", "T8001I", name, user),
            Self::RoleCreated { name, user } => admin("role.created", "T9000I", name, user),
            Self::RoleDeleted { name, user } => admin("role.deleted", "T9001I", name, user),
            Self::UserDeleted { name, user } => admin("user.delete", "T1004I", name, user),
            Self::CertRenewed { user, remote, since, until } => object(json!({
                "event": "cert.create", "code": "TC000I", "cert_type": "user", "user": text(user), "success": true,
                "login_time": since.to_string(), "expires": until.to_string(), "addr.remote": remote.to_string(),
            })),
            Self::AdminDenied { user, action, remote } => object(json!({
                "event": "auth", "code": "T3007W", "user": text(user), "error": text(action), "success": false,
                "addr.remote": remote.to_string(),
            })),
            Self::AuthFailed { remote, listener, error } => object(json!({
                "event": "auth", "code": "T3007W", "error": text(error), "success": false, "proto": listener,
                "addr.remote": remote.to_string(),
            })),
            Self::LeftOut { count } => object(json!({
                "event": "auth", "code": "T3007W", "success": false, "count": count,
                "error": format!("{count} more refusals of clients that nobody knows were left out: too many came from one address"),
            })),
            Self::KubeRequest(request) => kube_fields(request),
            Self::StreamStart(stream) => stream_fields(stream),
            Self::Recording(event) => event.fields(),
            Self::StreamEnd { stream, tx, rx, ports, exit, reason } => {
                let mut fields = stream_end_fields(stream, *tx, *rx, reason.as_deref());
                if !ports.is_empty() {
                    fields.insert("ports".into(), ports.clone().into());
                }
                if let Some(code) = exit {
                    fields.insert("exitCode".into(), code.to_string().into());
                }
                fields
            }
        }
    }
}

fn login_fields(login: &Login) -> Map<String, Value> {
    let (code, success) = match &login.outcome {
        Outcome::Success => ("T1001I", true),
        Outcome::Failure(_) => ("T1001W", false),
    };
    let mut fields = object(json!({
        "event": "user.login", "code": code, "method": login.method, "success": success, "connector": text(&login.connector),
        "attributes": login.attributes,
    }));
    if !login.user.is_empty() {
        fields.insert("user".into(), text(&login.user));
    }
    if let Outcome::Failure(error) = &login.outcome {
        fields.insert("error".into(), text(error));
    }
    if let Some(remote) = login.remote {
        fields.insert("addr.remote".into(), remote.to_string().into());
    }
    fields
}

fn code_login_fields(login: &Login, requester: &Requester) -> Map<String, Value> {
    let mut fields = login_fields(login);
    fields.insert("flow".into(), "code".into());
    fields.insert("requester_host".into(), text(&requester.host));
    fields.insert("requester_addr".into(), requester.remote.to_string().into());
    fields
}

fn admin(event: &str, code: &str, name: &str, user: &str) -> Map<String, Value> {
    object(json!({"event": event, "code": code, "name": text(name), "user": text(user)}))
}

fn kube_fields(r: &KubeRequest) -> Map<String, Value> {
    let mut fields = object(json!({
        "event": "kube.request", "code": "T3009I", "user": text(&r.user), "login": text(&r.user), "proto": "kube",
        "kubernetes_cluster": text(&r.cluster),
        "addr.remote": r.remote.to_string(), "addr.local": r.local.to_string(), "request_path": text(&r.path),
        "verb": text(&r.method), "kubernetes_verb": text(&r.verb), "resource_api_group": text(&r.api_group),
        "resource_namespace": text(&r.namespace), "resource_kind": text(&r.kind), "resource_name": text(&r.name),
        "response_code": r.response_code, "kubernetes_groups": texts(&r.groups), "kubernetes_users": [text(&r.kube_user)],
    }));
    if let Some(why) = &r.denied {
        fields.insert("error".into(), text(why));
        fields.insert("success".into(), false.into());
    }
    fields
}

fn stream_fields(s: &Stream) -> Map<String, Value> {
    let failed = matches!(s.outcome, Outcome::Failure(_));
    let (event, code) = match (s.kind, failed) {
        (StreamKind::Interactive, false) => ("session.start", "T2000I"),
        (StreamKind::Interactive | StreamKind::Command, true) => ("exec", "T3002E"),
        (StreamKind::Command, false) => ("exec", "T3002I"),
        (StreamKind::PortForward, false) => ("port", "T3003I"),
        (StreamKind::PortForward, true) => ("port", "T3003E"),
    };
    let mut fields = stream_common(event, code, s);
    if s.kind != StreamKind::PortForward {
        fields.insert("command".into(), text(&s.command.join(" ")));
    }
    if s.kind == StreamKind::Interactive && !failed {
        fields.insert("interactive".into(), true.into());
        fields.insert("initial_command".into(), texts(&s.command));
    }
    if s.kind == StreamKind::PortForward {
        fields.insert("success".into(), (!failed).into());
    }
    if let Outcome::Failure(error) = &s.outcome {
        fields.insert("exitError".into(), text(error));
    }
    fields
}

fn stream_end_fields(s: &Stream, tx: u64, rx: u64, reason: Option<&str>) -> Map<String, Value> {
    let (event, code) = match s.kind {
        StreamKind::Interactive => ("session.end", "T2004I"),
        StreamKind::Command | StreamKind::PortForward => ("session.data", "T2006I"),
    };
    let mut fields = stream_common(event, code, s);
    fields.insert("tx".into(), tx.into());
    fields.insert("rx".into(), rx.into());
    if let Some(reason) = reason {
        fields.insert("reason".into(), text(reason));
    }
    fields
}

fn stream_common(event: &str, code: &str, s: &Stream) -> Map<String, Value> {
    let mut fields = object(json!({
        "event": event, "code": code, "sid": s.id.to_string(), "user": text(&s.user), "login": text(&s.user), "proto": "kube",
        "addr.remote": s.remote.to_string(), "addr.local": s.local.to_string(),
        "kubernetes_pod_namespace": text(&s.namespace), "kubernetes_pod_name": text(&s.pod),
        "kubernetes_container_name": text(&s.container), "kubernetes_cluster": text(&s.cluster),
    }));
    if let Some(protocol) = &s.protocol {
        fields.insert("stream_protocol".into(), text(protocol));
    }
    fields
}

/// A text from a stranger: no control characters, a bounded length.
pub(super) fn text(value: &str) -> Value {
    Value::String(truncate(&clean_line(value), MAX_TEXT).into_owned())
}

fn texts(values: &[String]) -> Value {
    let mut rest = MAX_TEXT;
    let mut out = Vec::new();
    for value in values {
        if rest == 0 {
            out.push(Value::String("… (more left out)".into()));
            break;
        }
        let shown = truncate(value, rest);
        rest = rest.saturating_sub(value.len());
        out.push(text(&shown));
    }
    Value::Array(out)
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
