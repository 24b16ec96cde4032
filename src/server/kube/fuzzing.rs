//! Ways in for `fuzz/`, which sees only what is public. Built with `--cfg fuzzing` alone.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use super::{
    impersonate::{clean, clean_answer, impersonate},
    path::Path,
    target::Target,
};
use crate::{server::auth::access::KubeAccess, wire::kube_clusters::PREFIX};

/// Parses a request's target. What is forwarded must be read in the same way again, and be the same text then.
pub fn target(method: &str, uri: &str) {
    let (Ok(method), Ok(uri)) = (method.parse::<Method>(), uri.parse::<Uri>()) else { return };
    let Ok(found) = Target::parse(&method, &uri) else { return };
    let forwarded = found.path_and_query("");
    // Below a cluster's path it is read as it was, whatever it begins with.
    let cluster = found.cluster.iter().flat_map(|name| [PREFIX, name.as_str()]).map(str::to_owned).collect();
    let above = Path { segments: cluster, trailing_slash: false }.to_canonical();
    let again: Uri =
        format!("{above}{forwarded}").parse().unwrap_or_else(|e| panic!("{above}{forwarded} is no URI: {e}"));
    assert_eq!(Target::parse(&method, &again).as_ref(), Ok(&found), "{again} is read in another way");
    let segments = found.path().split('/');
    assert!(segments.clone().all(|segment| segment != "." && segment != ".."), "{forwarded:?}");
    let _ = (
        found.kind(),
        found.api_group(),
        found.is_discovery(),
        found.parameters("command"),
        found.flag("tty"),
    );
}

/// Cleans headers of a client (`name: value` lines) and sets our own: the API server may see no other impersonation.
pub fn headers(user: &str, groups: &[&str], lines: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in lines.split(|b| *b == b'\n') {
        let mut parts = line.splitn(2, |b| *b == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    clean_answer(&mut headers.clone());
    if clean(&mut headers).is_err() {
        return;
    }
    let own = |name: &HeaderName| name.as_str().replace('_', "-").starts_with("impersonate");
    assert!(!headers.keys().any(own), "{headers:?}");
    let access =
        KubeAccess { user: user.to_owned(), groups: groups.iter().map(ToString::to_string).collect() };
    if impersonate(&mut headers, &access, std::net::Ipv4Addr::LOCALHOST.into()).is_err() {
        return;
    }
    let values = |name: &str| headers.get_all(name).iter().map(|v| v.as_bytes().to_vec()).collect::<Vec<_>>();
    assert_eq!(values("impersonate-user"), [user.as_bytes()]);
    assert_eq!(values("impersonate-group").len(), groups.len());
    assert!(
        ["authorization", "connection", "cookie", "x-remote-user"]
            .iter()
            .all(|name| !headers.contains_key(*name))
    );
}
