//! What a request is about: the path parsed once into a resource and a verb, as Kubernetes' own RequestInfo does it
//! (k8s.io/apiserver/pkg/endpoints/request/requestinfo.go), with verbs of their own for what opens a way into a pod or a node.

use http::{Method, Uri};

use super::path::{Path, PathError, check_query};

/// What a request does. Never the HTTP method alone: an exec over WebSocket is a GET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
    Exec,
    Attach,
    PortForward,
    Proxy,
    EphemeralContainers,
    /// OPTIONS and HEAD outside of resources.
    Other,
}

impl Verb {
    /// The word for the audit log.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
            Self::Exec => "exec",
            Self::Attach => "attach",
            Self::PortForward => "portforward",
            Self::Proxy => "proxy",
            Self::EphemeralContainers => "ephemeralcontainers",
            Self::Other => "other",
        }
    }

    /// Whether it opens a stream to a pod that is audited from its start to its end.
    pub(crate) const fn is_stream(self) -> bool {
        matches!(self, Self::Exec | Self::Attach | Self::PortForward)
    }

    /// Whether the connection may turn into a tunnel.
    pub(crate) const fn may_upgrade(self) -> bool {
        self.is_stream() || matches!(self, Self::Proxy)
    }
}

/// A Kubernetes resource in a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Empty for the core group.
    pub(crate) group: String,
    pub(crate) version: String,
    /// Empty for what has none.
    pub(crate) namespace: String,
    pub(crate) resource: String,
    /// Empty for a collection.
    pub(crate) name: String,
    /// Empty for the object itself.
    pub(crate) subresource: String,
}

/// A request's target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The cluster that the path names; none: the default one.
    pub(crate) cluster: Option<String>,
    /// What it does.
    pub(crate) verb: Verb,
    /// The resource, unless the path is of another kind (`/version`, `/apis`, `/openapi/v2`).
    pub(crate) resource: Option<Resource>,
    /// The path in its one spelling, below the cluster.
    path: String,
    /// The query as it came.
    query: Option<String>,
}

/// Why a request is not forwarded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    /// Not canonical.
    #[error("the gate does not forward this request: {0}")]
    Path(#[from] PathError),
    /// A method that Kubernetes does not know.
    #[error("the gate does not forward the HTTP method {0}")]
    Method(String),
    /// A semicolon separates parameters for some servers and not for others.
    #[error("the gate does not forward this request: a semicolon in the query must be percent-encoded")]
    Semicolon,
    /// The kubelet's own exec, run, attach, portForward, cri: a shell that nobody records.
    #[error(
        "the gate does not forward nodes/proxy to the kubelet's {0:?}: it would be a way into pods past the audit log; use kubectl exec, attach or port-forward"
    )]
    Kubelet(String),
}

/// First segments of the kubelet's paths that open a way into containers.
const KUBELET_STREAMS: [&str; 6] = ["exec", "run", "attach", "portforward", "cri", "debug"];

impl Target {
    /// Parses a request's method and URI.
    pub(crate) fn parse(method: &Method, uri: &Uri) -> Result<Self, TargetError> {
        let mut path = Path::parse(uri.path())?;
        let cluster = path.take_cluster()?;
        if let Some(query) = uri.query() {
            check_query(query)?;
        }
        let parsed = Parsed::from_segments(&path.segments);
        let verb = match &parsed {
            Some(parsed) => parsed.verb(method, uri.query())?,
            None => plain_verb(method)?,
        };
        if verb != Verb::Proxy {
            if parsed.is_some() && path.trailing_slash {
                return Err(PathError::TrailingSlash.into());
            }
            if uri.query().is_some_and(|query| query.contains(';')) {
                return Err(TargetError::Semicolon);
            }
        }
        let resource = parsed.map(|parsed| parsed.resource(verb, uri.query())).transpose()?;
        let query = uri.query().map(str::to_owned);
        Ok(Self { cluster, verb, resource, path: path.to_canonical(), query })
    }

    /// The path in its one spelling, as it is forwarded and audited.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// What stands in the request line towards the API server, below `base` (a path without a slash at its end).
    pub(crate) fn path_and_query(&self, base: &str) -> String {
        match &self.query {
            Some(query) => format!("{base}{}?{query}", self.path),
            None => format!("{base}{}", self.path),
        }
    }

    /// `core/v1`, `apps/v1`; empty for what is no resource.
    pub(crate) fn api_group(&self) -> String {
        match &self.resource {
            Some(r) if r.group.is_empty() => format!("core/{}", r.version),
            Some(r) => format!("{}/{}", r.group, r.version),
            None => String::new(),
        }
    }

    /// `pods`, `pods/log`; empty for what is no resource.
    pub(crate) fn kind(&self) -> String {
        match &self.resource {
            Some(r) if r.subresource.is_empty() => r.resource.clone(),
            Some(r) => format!("{}/{}", r.resource, r.subresource),
            None => String::new(),
        }
    }

    /// Whether it only asks what the API server is and can, or how it fares; such requests are not audited.
    pub(crate) fn is_discovery(&self) -> bool {
        let first = self.path.split('/').nth(1).unwrap_or_default();
        self.resource.is_none()
            && self.verb == Verb::Get
            && matches!(
                first,
                "" | "api" | "apis" | "openapi" | "version" | "healthz" | "livez" | "readyz" | "swagger.json"
            )
    }

    /// The first value of a parameter in the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        parameter(self.query.as_deref(), name)
    }

    /// All values of a parameter in the query, in their order.
    pub(crate) fn parameters(&self, name: &str) -> Vec<String> {
        let pairs = form_urlencoded::parse(self.query.as_deref().unwrap_or_default().as_bytes());
        pairs.filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
    }

    /// Whether a parameter says yes, by Kubernetes' rule.
    pub(crate) fn flag(&self, name: &str) -> bool {
        is_true(self.parameter(name))
    }
}

fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Kubernetes' conversion of a parameter to a truth value: only absence, `false` in any letters and `0` are no.
fn is_true(value: Option<String>) -> bool {
    value.is_some_and(|value| !value.eq_ignore_ascii_case("false") && value != "0")
}

fn plain_verb(method: &Method) -> Result<Verb, TargetError> {
    Ok(match *method {
        Method::GET => Verb::Get,
        Method::POST => Verb::Create,
        Method::PUT => Verb::Update,
        Method::PATCH => Verb::Patch,
        Method::DELETE => Verb::Delete,
        Method::HEAD | Method::OPTIONS => Verb::Other,
        _ => return Err(TargetError::Method(method.as_str().chars().take(32).collect())),
    })
}

/// A resource's path, taken apart.
struct Parsed<'a> {
    group: &'a str,
    version: &'a str,
    /// `/api/v1/watch/…` and `/api/v1/proxy/…`, the old forms.
    prefix: Option<Verb>,
    namespace: &'a str,
    /// Resource, name, subresource and what follows.
    parts: &'a [String],
}

impl<'a> Parsed<'a> {
    /// None when the path is not one of a resource.
    fn from_segments(segments: &'a [String]) -> Option<Self> {
        let (group, rest) = match segments {
            [api, rest @ ..] if api == "api" => ("", rest),
            [apis, group, rest @ ..] if apis == "apis" => (group.as_str(), rest),
            _ => return None,
        };
        let (version, rest) = rest.split_first()?;
        let (prefix, rest) = match rest {
            [] => return None,
            [word, rest @ ..] if word == "watch" && !rest.is_empty() => (Some(Verb::Watch), rest),
            [word, rest @ ..] if word == "proxy" && !rest.is_empty() => (Some(Verb::Proxy), rest),
            rest => (None, rest),
        };
        let (namespace, parts) = match rest {
            [word, namespace, rest @ ..] if word == "namespaces" => match rest {
                [] => (namespace.as_str(), &segments[segments.len() - 2..]),
                [sub, ..] if sub == "status" || sub == "finalize" => {
                    (namespace.as_str(), &segments[segments.len() - rest.len() - 2..])
                }
                rest => (namespace.as_str(), rest),
            },
            rest => ("", rest),
        };
        Some(Self { group, version, prefix, namespace, parts })
    }

    fn part(&self, at: usize) -> &'a str {
        self.parts.get(at).map_or("", String::as_str)
    }

    fn verb(&self, method: &Method, query: Option<&str>) -> Result<Verb, TargetError> {
        if let Some(verb) = self.prefix {
            return Ok(verb);
        }
        let by_method = plain_verb(method)?;
        Ok(match (self.part(0), self.part(2)) {
            (_, "proxy") => Verb::Proxy,
            ("pods", "exec") => Verb::Exec,
            ("pods", "attach") => Verb::Attach,
            ("pods", "portforward") => Verb::PortForward,
            ("pods", "ephemeralcontainers") if by_method != Verb::Get => Verb::EphemeralContainers,
            _ => {
                let collection = self.part(1).is_empty();
                match by_method {
                    Verb::Get | Verb::Other if method != Method::OPTIONS && collection => {
                        if is_true(parameter(query, "watch")) { Verb::Watch } else { Verb::List }
                    }
                    Verb::Other if method == Method::HEAD => Verb::Get,
                    Verb::Delete if collection => Verb::DeleteCollection,
                    verb => verb,
                }
            }
        })
    }

    fn resource(&self, verb: Verb, query: Option<&str>) -> Result<Resource, TargetError> {
        let old_proxy = self.prefix == Some(Verb::Proxy);
        if verb == Verb::Proxy && self.part(0) == "nodes" {
            let first = self.part(if old_proxy { 2 } else { 3 });
            if KUBELET_STREAMS.iter().any(|stream| first.eq_ignore_ascii_case(stream)) {
                return Err(TargetError::Kubelet(first.chars().take(32).collect()));
            }
        }
        let mut name = self.part(1).to_owned();
        if name.is_empty() && matches!(verb, Verb::List | Verb::Watch | Verb::DeleteCollection) {
            name = selected_name(query).unwrap_or_default();
        }
        Ok(Resource {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            namespace: self.namespace.to_owned(),
            resource: self.part(0).to_owned(),
            name,
            subresource: if old_proxy { "proxy" } else { self.part(2) }.to_owned(),
        })
    }
}

/// The one name that a field selector asks for.
fn selected_name(query: Option<&str>) -> Option<String> {
    let selector = parameter(query, "fieldSelector")?;
    let mut names = selector.split(',').filter_map(|term| {
        let (field, value) = term.split_once('=')?;
        (field == "metadata.name").then(|| value.strip_prefix('=').unwrap_or(value).to_owned())
    });
    names.next().filter(|name| !name.is_empty() && !name.contains(['/', '%']))
}
