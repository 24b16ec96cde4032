//! What is there to ask for: `/api`, `/apis`, resource lists, and the aggregated form that newer clients prefer.

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::resources::{self, ALL, Resource, group_version};
use super::respond::{self, Body};
use super::status::ApiError;

/// What `/version` says.
const VERSION: &str = "v1.31.0-demo";

/// Answers a path that names no resource, as far as discovery goes.
pub(crate) fn answer(path: &str, headers: &HeaderMap) -> Option<Result<Response<Body>, ApiError>> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let found = match parts.as_slice() {
        [""] => Some(json!({"paths": paths()})),
        ["version"] => Some(version()),
        ["api" | "apis"] if let Some(version) = aggregated(headers) => {
            return Some(Ok(aggregate(version, parts[0] == "api")));
        }
        ["api"] => Some(json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})),
        ["apis"] => Some(json!({"kind": "APIGroupList", "apiVersion": "v1",
            "groups": named_groups().map(|(g, v)| group(g, v, false)).collect::<Vec<_>>()})),
        ["apis", name] => named_groups().find(|(g, _)| g == name).map(|(g, v)| group(g, v, true)),
        ["api", "v1"] => Some(resource_list("", "v1")),
        ["apis", g, v] => named_groups().find(|known| known == &(*g, *v)).map(|(g, v)| resource_list(g, v)),
        ["healthz" | "livez" | "readyz", ..] => return Some(Ok(respond::text(StatusCode::OK, "ok"))),
        _ => return None,
    };
    let found = found.ok_or_else(ApiError::no_such_resource);
    Some(found.map(|value| respond::json(StatusCode::OK, &value)))
}

fn named_groups() -> impl Iterator<Item = (&'static str, &'static str)> {
    resources::groups().into_iter().filter(|(group, _)| !group.is_empty())
}

fn paths() -> Vec<String> {
    let mut paths: Vec<String> = [
        "/api",
        "/api/v1",
        "/apis",
        "/healthz",
        "/livez",
        "/openapi/v2",
        "/openapi/v3",
        "/readyz",
        "/version",
    ]
    .map(str::to_owned)
    .to_vec();
    for (group, version) in named_groups() {
        paths.extend([format!("/apis/{group}"), format!("/apis/{group}/{version}")]);
    }
    paths.sort();
    paths
}

fn version() -> Value {
    json!({"major": "1", "minor": "31", "gitVersion": VERSION, "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z", "goVersion": "none, this is Rust",
        "compiler": "rustc", "platform": "linux/amd64"})
}

fn group(name: &str, version: &str, alone: bool) -> Value {
    let version = json!({"groupVersion": group_version(name, version), "version": version});
    let mut group = json!({"name": name, "versions": [version], "preferredVersion": version});
    if alone {
        group["kind"] = "APIGroup".into();
        group["apiVersion"] = "v1".into();
    }
    group
}

fn resource_list(group: &str, version: &str) -> Value {
    let mut list = Vec::new();
    for resource in ALL.iter().filter(|r| r.group == group && r.version == version) {
        let mut entry = json!({"name": resource.plural, "singularName": resource.singular,
            "namespaced": resource.namespaced, "kind": resource.kind, "verbs": resource.verbs});
        if !resource.short.is_empty() {
            entry["shortNames"] = json!(resource.short);
        }
        if resource.in_all {
            entry["categories"] = json!(["all"]);
        }
        list.push(entry);
        for sub in resource.subresources {
            let mut entry = json!({"name": format!("{}/{}", resource.plural, sub.name), "singularName": "",
                "namespaced": resource.namespaced, "kind": sub_kind(resource, sub.kind), "verbs": sub.verbs});
            if let Some((group, version)) = sub.gv {
                entry["group"] = group.into();
                entry["version"] = version.into();
            }
            list.push(entry);
        }
    }
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version(group, version),
        "resources": list})
}

fn sub_kind<'a>(resource: &'a Resource, kind: &'a str) -> &'a str {
    if kind.is_empty() { resource.kind } else { kind }
}

/// The version of the aggregated form that the client asks for.
fn aggregated(headers: &HeaderMap) -> Option<&'static str> {
    let accept = headers.get(header::ACCEPT)?.to_str().ok()?;
    let entries = accept.split(',').map(|entry| entry.trim().to_ascii_lowercase());
    entries.filter(|e| e.starts_with("application/json") && e.contains("as=apigroupdiscoverylist")).find_map(
        |entry| {
            let has = |parameter: &str| entry.split(';').any(|p| p.trim() == parameter);
            match (has("v=v2"), has("v=v2beta1")) {
                (true, _) => Some("v2"),
                (_, true) => Some("v2beta1"),
                _ => None,
            }
        },
    )
}

fn aggregate(form: &'static str, core: bool) -> Response<Body> {
    let groups: Vec<_> = resources::groups()
        .into_iter()
        .filter(|(group, _)| group.is_empty() == core)
        .map(|(group, version)| {
            let resources: Vec<_> =
                ALL.iter().filter(|r| r.group == group && r.version == version).map(discovered).collect();
            let mut entry = json!({"metadata": {"creationTimestamp": null},
                "versions": [{"version": version, "freshness": "Current", "resources": resources}]});
            if !core {
                entry["metadata"]["name"] = group.into();
            }
            entry
        })
        .collect();
    let list = json!({"kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{form}"),
        "metadata": {}, "items": groups});
    let mut response = respond::json(StatusCode::OK, &list);
    let kind = format!("application/json;g=apidiscovery.k8s.io;v={form};as=APIGroupDiscoveryList");
    if let Ok(kind) = HeaderValue::from_str(&kind) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

fn discovered(resource: &Resource) -> Value {
    let kind =
        |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
    let subresources: Vec<_> = resource
        .subresources
        .iter()
        .map(|sub| {
            let (group, version) = sub.gv.unwrap_or((resource.group, resource.version));
            json!({"subresource": sub.name, "responseKind": kind(group, version, sub_kind(resource, sub.kind)),
                "verbs": sub.verbs})
        })
        .collect();
    let mut entry = json!({"resource": resource.plural,
        "responseKind": kind(resource.group, resource.version, resource.kind),
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular, "verbs": resource.verbs});
    if !resource.short.is_empty() {
        entry["shortNames"] = json!(resource.short);
    }
    if resource.in_all {
        entry["categories"] = json!(["all"]);
    }
    if !subresources.is_empty() {
        entry["subresources"] = subresources.into();
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_discovery_are_answered_and_others_are_not() {
        let code = |path: &str| {
            answer(path, &HeaderMap::new()).map(|a| a.map_or_else(|e| e.code, |r| r.status().as_u16()))
        };
        for path in [
            "/",
            "/api",
            "/apis",
            "/api/v1",
            "/apis/apps",
            "/apis/apps/v1",
            "/version",
            "/version/",
            "/livez",
            "/readyz/ping",
        ] {
            assert_eq!(code(path), Some(200), "{path}");
        }
        assert_eq!((code("/apis/nope"), code("/apis/apps/v9")), (Some(404), Some(404)));
        assert_eq!((code("/metrics"), code("/openapi/v2"), code("/api/v2")), (None, None, None));
    }

    #[test]
    fn the_aggregated_form_is_chosen_by_accept() {
        let mut headers = HeaderMap::new();
        let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        assert_eq!(aggregated(&headers), Some("v2"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        assert_eq!(aggregated(&headers), None);
    }
}
