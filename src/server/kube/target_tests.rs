//! Tests of `target.rs`.

use http::{Method, Uri};
use proptest::prelude::*;

use super::{path::PathError, target::*};

fn parse(method: &str, uri: &str) -> Result<Target, TargetError> {
    Target::parse(&method.parse::<Method>().unwrap(), &uri.parse::<Uri>().unwrap())
}

/// Verb, group, namespace, kind, name.
fn summary(method: &str, uri: &str) -> (&'static str, String, String, String, String) {
    let target = parse(method, uri).unwrap();
    let resource = target.resource.clone().unwrap_or_default();
    (target.verb.name(), target.api_group(), resource.namespace, target.kind(), resource.name)
}

fn is(method: &str, uri: &str, expected: (&str, &str, &str, &str, &str)) {
    let got = summary(method, uri);
    let got = (got.0, &*got.1, &*got.2, &*got.3, &*got.4);
    assert_eq!(got, expected, "{method} {uri}");
}

#[test]
fn resources_and_verbs_are_told_as_kubernetes_tells_them() {
    let pods = "/api/v1/namespaces/dev/pods";
    is("GET", "/api/v1/pods", ("list", "core/v1", "", "pods", ""));
    is("GET", "/api/v1/pods?watch=true", ("watch", "core/v1", "", "pods", ""));
    is("GET", "/api/v1/pods?watch=1", ("watch", "core/v1", "", "pods", ""));
    is("GET", "/api/v1/pods?watch", ("watch", "core/v1", "", "pods", ""));
    is("GET", "/api/v1/pods?watch=false", ("list", "core/v1", "", "pods", ""));
    is("GET", "/api/v1/pods?watch=0&watch=1", ("list", "core/v1", "", "pods", ""));
    is("HEAD", "/api/v1/pods", ("list", "core/v1", "", "pods", ""));
    is("GET", pods, ("list", "core/v1", "dev", "pods", ""));
    is("GET", &format!("{pods}/a"), ("get", "core/v1", "dev", "pods", "a"));
    is("HEAD", &format!("{pods}/a"), ("get", "core/v1", "dev", "pods", "a"));
    is("GET", &format!("{pods}/a/log?follow=true"), ("get", "core/v1", "dev", "pods/log", "a"));
    is("POST", pods, ("create", "core/v1", "dev", "pods", ""));
    is("PUT", &format!("{pods}/a"), ("update", "core/v1", "dev", "pods", "a"));
    is("PATCH", &format!("{pods}/a/status"), ("patch", "core/v1", "dev", "pods/status", "a"));
    is("DELETE", &format!("{pods}/a"), ("delete", "core/v1", "dev", "pods", "a"));
    is("DELETE", pods, ("deletecollection", "core/v1", "dev", "pods", ""));
    is("GET", "/api/v1/namespaces", ("list", "core/v1", "", "namespaces", ""));
    is("GET", "/api/v1/namespaces/dev", ("get", "core/v1", "dev", "namespaces", "dev"));
    is("PUT", "/api/v1/namespaces/dev/finalize", ("update", "core/v1", "dev", "namespaces/finalize", "dev"));
    is("GET", "/apis/apps/v1/deployments", ("list", "apps/v1", "", "deployments", ""));
    is(
        "GET",
        "/apis/apps/v1/namespaces/dev/deployments/web/scale",
        ("get", "apps/v1", "dev", "deployments/scale", "web"),
    );
    is("GET", "/api/v1/watch/pods", ("watch", "core/v1", "", "pods", ""));
    is("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dx", ("list", "core/v1", "", "pods", "x"));
}

#[test]
fn paths_that_are_no_resource_pass_as_they_are() {
    for uri in [
        "/",
        "/api",
        "/api/",
        "/apis/",
        "/api/v1",
        "/apis/apps/v1",
        "/openapi/v2?timeout=32s",
        "/version",
        "/livez",
    ] {
        let target = parse("GET", uri).unwrap();
        assert!(target.resource.is_none() && target.is_discovery(), "{uri}");
        assert_eq!(target.path_and_query(""), uri);
        assert_eq!(target.path_and_query("/k8s/clusters/c-1"), format!("/k8s/clusters/c-1{uri}"));
    }
    assert!(!parse("GET", "/metrics").unwrap().is_discovery());
    assert!(!parse("POST", "/apis").unwrap().is_discovery());
    assert!(!parse("GET", "/api/v1/pods").unwrap().is_discovery());
}

#[test]
fn e2_5_exec_over_websocket_is_exec_though_it_is_a_get() {
    for method in ["GET", "POST"] {
        let uri = "/api/v1/namespaces/dev/pods/a/exec?command=sh&command=-c&stdin=true&tty=true";
        is(method, uri, ("exec", "core/v1", "dev", "pods/exec", "a"));
        is(method, "/api/v1/namespaces/dev/pods/a/attach", ("attach", "core/v1", "dev", "pods/attach", "a"));
        let uri = "/api/v1/namespaces/dev/pods/a/portforward?ports=80";
        is(method, uri, ("portforward", "core/v1", "dev", "pods/portforward", "a"));
    }
    let target =
        parse("GET", "/api/v1/namespaces/d/pods/a/exec?command=sh&command=-c&tty=1&stdin=0").unwrap();
    assert_eq!(target.parameters("command"), ["sh", "-c"]);
    assert!(target.flag("tty") && !target.flag("stdin") && !target.flag("stdout"));
}

#[test]
fn e2_6_proxy_is_a_verb_of_its_own() {
    let uri = "/api/v1/namespaces/dev/services/http:web:80/proxy/deep/path/?q=a;b";
    is("GET", uri, ("proxy", "core/v1", "dev", "services/proxy", "http:web:80"));
    is("DELETE", "/api/v1/namespaces/dev/pods/a/proxy", ("proxy", "core/v1", "dev", "pods/proxy", "a"));
    is("GET", "/api/v1/nodes/n1/proxy/metrics", ("proxy", "core/v1", "", "nodes/proxy", "n1"));
    is("GET", "/api/v1/nodes/n1/proxy/containerLogs/a/b/c", ("proxy", "core/v1", "", "nodes/proxy", "n1"));
    is("GET", "/api/v1/proxy/namespaces/dev/pods/a/x", ("proxy", "core/v1", "dev", "pods/proxy", "a"));
    is(
        "POST",
        "/apis/x.example.com/v1/widgets/w/proxy",
        ("proxy", "x.example.com/v1", "", "widgets/proxy", "w"),
    );
}

#[test]
fn e2_6_the_kubelets_own_shells_are_refused() {
    for rest in [
        "exec/ns/pod/c",
        "run/ns/pod/c",
        "attach/ns/p/c",
        "portForward/ns/p",
        "PORTFORWARD/x",
        "cri/exec/t",
        "debug/pprof",
    ] {
        for uri in [
            format!("/api/v1/nodes/n1/proxy/{rest}"),
            format!("/api/v1/nodes/https:n1:10250/proxy/{rest}"),
            format!("/api/v1/proxy/nodes/n1/{rest}"),
        ] {
            for method in ["GET", "POST", "PUT", "DELETE"] {
                assert!(matches!(parse(method, &uri), Err(TargetError::Kubelet(_))), "{method} {uri}");
            }
        }
    }
    // What is named like it elsewhere is free.
    assert!(parse("GET", "/api/v1/namespaces/a/services/s/proxy/exec").is_ok());
}

#[test]
fn e2_7_ephemeral_containers_are_a_verb_of_their_own() {
    let uri = "/api/v1/namespaces/dev/pods/a/ephemeralcontainers";
    for method in ["PATCH", "PUT", "POST"] {
        is(method, uri, ("ephemeralcontainers", "core/v1", "dev", "pods/ephemeralcontainers", "a"));
    }
    is("GET", uri, ("get", "core/v1", "dev", "pods/ephemeralcontainers", "a"));
}

#[test]
fn e2_8_what_is_not_canonical_is_refused() {
    let path = |error| Err(TargetError::Path(error));
    assert_eq!(parse("GET", "/api/v1/pods/"), path(PathError::TrailingSlash));
    assert_eq!(parse("GET", "/api/v1//pods"), path(PathError::Empty));
    assert_eq!(parse("GET", "/api/v1/namespaces/a/pods/x/../y/exec"), path(PathError::Dots));
    assert_eq!(parse("GET", "/api/v1/namespaces/a/pods/x%2Fexec"), path(PathError::Character('/')));
    assert_eq!(parse("GET", "/api/v1/pods?watch=1;x=2"), Err(TargetError::Semicolon));
    for method in ["CONNECT", "TRACE", "BREW"] {
        let parsed = Target::parse(&method.parse().unwrap(), &"/api/v1/pods".parse().unwrap());
        assert!(matches!(parsed, Err(TargetError::Method(_))), "{method}");
    }
    // Case matters: another resource, and none of ours.
    is("GET", "/api/v1/namespaces/a/pods/x/EXEC", ("get", "core/v1", "a", "pods/EXEC", "x"));
    assert!(parse("GET", "/API/v1/pods").unwrap().resource.is_none());
}

proptest! {
    #[test]
    fn e2_8_what_is_forwarded_means_what_was_parsed(
        method in prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
        path in "(/(api|apis|v1|apps|namespaces|pods|nodes|proxy|watch|exec|a%20b|x:1|%3A|log)){0,9}/?",
        query in prop::option::of("(watch=(1|true|false)|command=sh)(&tty=1)?"),
    ) {
        let path = if path.is_empty() { "/".to_owned() } else { path };
        let uri = query.map_or(path.clone(), |query| format!("{path}?{query}"));
        if let Ok(target) = parse(method, &uri) {
            let again = parse(method, &target.path_and_query("")).unwrap();
            prop_assert_eq!(again, target);
        }
    }

    #[test]
    fn e2_5_no_spelling_of_an_exec_is_a_mere_get(extra in "[a-z0-9-]{1,8}", method in prop::sample::select(vec!["GET", "POST", "PUT"])) {
        let target = parse(method, &format!("/api/v1/namespaces/{extra}/pods/{extra}/exec")).unwrap();
        prop_assert_eq!(target.verb, Verb::Exec);
        let target = parse(method, &format!("/api/v1/namespaces/{extra}/pods/{extra}/exec/{extra}")).unwrap();
        prop_assert_eq!(target.verb, Verb::Exec);
    }
}

#[test]
fn a_cluster_is_taken_off_the_path_once_and_what_is_left_is_the_target() {
    let target = parse("GET", "/clusters/staging/api/v1/namespaces/dev/pods/a/log?follow=true").unwrap();
    assert_eq!(target.cluster.as_deref(), Some("staging"));
    assert_eq!((target.path(), target.kind().as_str()), ("/api/v1/namespaces/dev/pods/a/log", "pods/log"));
    assert_eq!(target.path_and_query("/base"), "/base/api/v1/namespaces/dev/pods/a/log?follow=true");
    let exec = parse("GET", "/clusters/eu-1.prod/api/v1/namespaces/a/pods/b/exec?command=sh").unwrap();
    assert_eq!((exec.verb, exec.cluster.as_deref()), (Verb::Exec, Some("eu-1.prod")));
    for (uri, left) in [
        ("/clusters/a", "/"),
        ("/clusters/a/", "/"),
        ("/clusters/a/api", "/api"),
        ("/clusters/a/apis/", "/apis/"),
    ] {
        let target = parse("GET", uri).unwrap();
        assert_eq!((target.cluster.as_deref(), target.path()), (Some("a"), left), "{uri}");
        assert!(target.is_discovery(), "{uri}");
    }
    // Only at the front, and only once.
    let twice = parse("GET", "/clusters/a/clusters/b/api").unwrap();
    assert_eq!((twice.cluster.as_deref(), twice.path()), (Some("a"), "/clusters/b/api"));
    assert_eq!(parse("GET", "/api/clusters/a").unwrap().cluster, None);
    for uri in ["/clusters", "/clusters/"] {
        assert_eq!(parse("GET", uri).unwrap_err(), PathError::NoCluster.into(), "{uri}");
    }
}

#[test]
fn e2_8_a_cluster_has_one_spelling_too() {
    for uri in [
        "/%63lusters/a/api",
        "/clusters/%61/api",
        "/clusters//api",
        "/clusters/../api",
        "/clusters/a%2Fb/api",
        "/clusters/a/../b/api",
        "/clusters/a;b/api",
        "//clusters/a/api",
        "/clusters/a//api",
        "/clusters/a/api/v1/pods/",
    ] {
        assert!(matches!(parse("GET", uri), Err(TargetError::Path(_))), "{uri}");
    }
}
