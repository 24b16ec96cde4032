//! What a request asks for, read from method, path and query as the API server reads them (`request.RequestInfo`).

use http::Method;
use percent_encoding::percent_decode_str;

use super::status::ApiError;

/// The parsed request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequestInfo {
    /// Kubernetes' verb, or the lower-case method where the path names no resource.
    pub(crate) verb: String,
    /// Whether the path names a resource.
    pub(crate) is_resource: bool,
    /// API group, empty for core.
    pub(crate) group: String,
    /// API version.
    pub(crate) version: String,
    /// Namespace, empty for all or none.
    pub(crate) namespace: String,
    /// Plural name of the resource.
    pub(crate) resource: String,
    /// Subresource, such as `log`.
    pub(crate) subresource: String,
    /// Name of one object.
    pub(crate) name: String,
    /// What follows a `proxy` subresource, with its leading slash.
    pub(crate) tail: String,
    /// The path as it came, without the query.
    pub(crate) path: String,
}

/// Query parameters in order, decoded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string.
    pub(crate) fn parse(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or("").as_bytes()).into_owned().collect())
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// A switch: there, and neither `false` nor `0` (apimachinery's conversion of query booleans).
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.get(name) {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| {
                ApiError::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax"))
            }),
        }
    }
}

impl RequestInfo {
    /// Reads method, path and query.
    pub(crate) fn parse(method: &Method, path: &str, query: &Query) -> Result<Self, ApiError> {
        let mut info = Self { path: path.into(), verb: method.as_str().to_lowercase(), ..Self::default() };
        let mut parts = Vec::new();
        for part in path.trim_matches('/').split('/') {
            let decoded = percent_decode_str(part).decode_utf8();
            parts.push(decoded.map_err(|_| ApiError::bad_request("the path is not UTF-8"))?.into_owned());
        }
        let rest = match parts.first().map(String::as_str) {
            Some("api") if parts.len() >= 3 => {
                info.version = parts[1].clone();
                &parts[2..]
            }
            Some("apis") if parts.len() >= 4 => {
                info.group = parts[1].clone();
                info.version = parts[2].clone();
                &parts[3..]
            }
            _ => return Ok(info),
        };
        info.is_resource = true;
        info.read_resource(rest);
        info.read_verb(method, query);
        Ok(info)
    }

    /// `namespaces/{ns}/{resource}/{name}/{subresource}`, with or without its first two parts.
    fn read_resource(&mut self, mut parts: &[String]) {
        if let [first, namespace, more @ ..] = parts
            && first == "namespaces"
        {
            self.namespace = namespace.clone();
            // A namespace and its own subresources are resources of this name too.
            let own = more.is_empty() || (more.len() == 1 && (more[0] == "status" || more[0] == "finalize"));
            if !own {
                parts = more;
            }
        }
        let part = |i: usize| parts.get(i).cloned().unwrap_or_default();
        (self.resource, self.name, self.subresource) = (part(0), part(1), part(2));
        if parts.len() > 3 {
            self.tail = format!("/{}", parts[3..].join("/"));
        }
    }

    fn read_verb(&mut self, method: &Method, query: &Query) {
        let named = !self.name.is_empty();
        self.verb = match *method {
            Method::POST => "create",
            Method::GET | Method::HEAD if named => "get",
            Method::GET | Method::HEAD if query.flag("watch") => "watch",
            Method::GET | Method::HEAD => "list",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if named => "delete",
            Method::DELETE => "deletecollection",
            _ => "",
        }
        .into();
        // A list of one by name is judged like that one (resourceNames).
        if !named && matches!(self.verb.as_str(), "list" | "watch" | "deletecollection") {
            let selector = query.get("fieldSelector").unwrap_or("");
            let name = selector.split(',').find_map(|term| term.strip_prefix("metadata.name="));
            self.name = name.map(|n| n.trim_start_matches('=').to_owned()).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(method: &Method, uri: &str) -> RequestInfo {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        RequestInfo::parse(method, path, &Query::parse(Some(query))).unwrap()
    }

    #[test]
    fn reads_paths_as_the_api_server_does() {
        let info = parse(&Method::GET, "/api/v1/namespaces/default/pods");
        assert_eq!(
            (info.verb.as_str(), info.namespace.as_str(), info.resource.as_str()),
            ("list", "default", "pods")
        );
        let info = parse(&Method::GET, "/api/v1/pods?watch=1");
        assert_eq!((info.verb.as_str(), info.namespace.as_str()), ("watch", ""));
        let info = parse(&Method::GET, "/api/v1/pods?watch=false");
        assert_eq!(info.verb, "list");
        let info = parse(&Method::POST, "/api/v1/namespaces/default/pods/a/exec?command=sh");
        assert_eq!(
            (info.verb.as_str(), info.subresource.as_str(), info.name.as_str()),
            ("create", "exec", "a")
        );
        let info = parse(&Method::GET, "/api/v1/namespaces/demo");
        assert_eq!(
            (info.verb.as_str(), info.resource.as_str(), info.name.as_str(), info.namespace.as_str()),
            ("get", "namespaces", "demo", "demo")
        );
        let info = parse(&Method::PUT, "/api/v1/namespaces/demo/status");
        assert_eq!((info.resource.as_str(), info.subresource.as_str()), ("namespaces", "status"));
        let info = parse(&Method::DELETE, "/apis/apps/v1/namespaces/demo/deployments");
        assert_eq!((info.group.as_str(), info.verb.as_str()), ("apps", "deletecollection"));
        let info = parse(&Method::GET, "/api/v1/namespaces/d/pods/p:80/proxy/a/b");
        assert_eq!(
            (info.subresource.as_str(), info.tail.as_str(), info.name.as_str()),
            ("proxy", "/a/b", "p:80")
        );
        let info = parse(&Method::GET, "/api/v1/namespaces/d/pods?fieldSelector=metadata.name%3Da");
        assert_eq!((info.verb.as_str(), info.name.as_str()), ("list", "a"));
    }

    #[test]
    fn other_paths_are_no_resources() {
        for path in ["/", "/api", "/apis", "/apis/apps", "/apis/apps/v1", "/version", "/healthz/x", "/api/v1"]
        {
            let info = parse(&Method::GET, path);
            assert!(!info.is_resource, "{path}");
            assert_eq!(info.verb, "get");
        }
    }
}
