//! By a plain client: who is let in, what goes wrong on demand, and how objects behave.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::World;
use crate::demo::kube::{Fault, UpgradeFault};

const PODS: &str = "/api/v1/namespaces/default/pods";
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

async fn status(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let code = response.status().as_u16();
    (code, response.json().await.unwrap_or_default())
}

#[tokio::test]
async fn only_the_token_opens_and_alone_it_opens_nothing() {
    let world = World::start().await;
    let url = format!("{}{PODS}", world.demo.url());
    let client = world.client(false);
    for token in [None, Some("wrong"), Some("")] {
        let mut request =
            client.get(&url).header("Impersonate-User", "root").header("Impersonate-Group", "system:masters");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let (code, answer) = status(request).await;
        assert_eq!((code, answer["reason"].as_str()), (401, Some("Unauthorized")), "{token:?}");
    }
    let (code, answer) = status(world.request(Method::GET, PODS, "", &[])).await;
    assert_eq!(code, 403);
    assert_eq!(
        answer["message"],
        "pods is forbidden: User \"system:serviceaccount:jumpgate:gate\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\""
    );
    let (code, _) = status(world.request(Method::GET, PODS, "", &["system:masters"])).await;
    assert_eq!(code, 500, "a group without a user");
    assert_eq!(status(world.as_master(Method::GET, PODS)).await.0, 200);
    assert_eq!(status(world.request(Method::GET, "/version", "alice", &[])).await.0, 200);
    let (code, answer) = status(world.request(Method::GET, "/metrics", "alice", &[])).await;
    assert_eq!(
        (code, answer["message"].as_str()),
        (403, Some("forbidden: User \"alice\" cannot get path \"/metrics\""))
    );
    let plain = reqwest::Client::builder().no_proxy().tls_backend_preconfigured({
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
    });
    assert!(plain.build().unwrap().get(&url).send().await.is_err(), "its CA is its own");
}

#[tokio::test]
async fn a_binding_changes_the_very_next_answer() {
    let world = World::start().await;
    let ask = || status(world.request(Method::GET, PODS, "bob", &["guest"]));
    assert_eq!(ask().await.0, 403);
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "g"},
        "roleRef": {"kind": "ClusterRole", "name": "view"}, "subjects": [{"kind": "Group", "name": "guest"}]});
    let bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";
    let (code, answer) =
        status(world.request(Method::POST, bindings, "bob", &["guest"]).json(&binding)).await;
    assert_eq!(code, 403, "{answer}");
    assert_eq!(status(world.as_master(Method::POST, bindings).json(&binding)).await.0, 201);
    assert_eq!(ask().await.0, 200);
    assert_eq!(status(world.as_master(Method::DELETE, &format!("{bindings}/g"))).await.0, 200);
    assert_eq!(ask().await.0, 403);
}

#[tokio::test]
async fn objects_conflict_as_they_should() {
    let world = World::start().await;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"a": "1"}});
    let (code, first) = status(world.as_master(Method::POST, CONFIG_MAPS).json(&map)).await;
    assert_eq!(code, 201);
    let (code, answer) = status(world.as_master(Method::POST, CONFIG_MAPS).json(&map)).await;
    assert_eq!((code, answer["message"].as_str()), (409, Some("configmaps \"m\" already exists")));
    let one = format!("{CONFIG_MAPS}/m");
    let mut changed = first.clone();
    changed["data"]["a"] = "2".into();
    let (code, second) = status(world.as_master(Method::PUT, &one).json(&changed)).await;
    assert_eq!((code, &second["metadata"]["uid"]), (200, &first["metadata"]["uid"]));
    let (code, answer) = status(world.as_master(Method::PUT, &one).json(&changed)).await;
    assert_eq!((code, answer["reason"].as_str()), (409, Some("Conflict")));
    let (code, answer) = status(world.as_master(Method::GET, &format!("{CONFIG_MAPS}/none"))).await;
    assert_eq!((code, answer["message"].as_str()), (404, Some("configmaps \"none\" not found")));
    let bad = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "Bad_Name"}});
    let (code, answer) = status(world.as_master(Method::POST, CONFIG_MAPS).json(&bad)).await;
    assert_eq!((code, answer["reason"].as_str()), (422, Some("Invalid")), "{answer}");
    let elsewhere = "/api/v1/namespaces/nowhere/configmaps";
    let (code, answer) = status(world.as_master(Method::POST, elsewhere).json(&map)).await;
    assert_eq!((code, answer["message"].as_str()), (404, Some("namespaces \"nowhere\" not found")));
    let dry = format!("{one}?dryRun=All");
    assert_eq!(status(world.as_master(Method::DELETE, &dry)).await.0, 200);
    assert_eq!(status(world.as_master(Method::DELETE, &one)).await.0, 200, "the dry run deleted nothing");
}

#[tokio::test]
async fn lists_come_in_pages_and_watches_go_on_from_them() {
    let world = World::start().await;
    let first = world.get("/api/v1/pods?limit=2").await;
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let token = first["metadata"]["continue"].as_str().unwrap();
    let rest = world.get(&format!("/api/v1/pods?limit=500&continue={token}")).await;
    let all = world.get("/api/v1/pods").await;
    let count = |list: &Value| list["items"].as_array().unwrap().len();
    assert_eq!(count(&first) + count(&rest), count(&all));
    let version = all["metadata"]["resourceVersion"].as_str().unwrap();
    let watch = format!("{CONFIG_MAPS}?watch=true&resourceVersion={version}");
    let mut stream = world.as_master(Method::GET, &watch).send().await.unwrap();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}});
    world.as_master(Method::POST, CONFIG_MAPS).json(&map).send().await.unwrap();
    let line = tokio::time::timeout(Duration::from_secs(10), stream.chunk()).await.unwrap().unwrap().unwrap();
    let event: Value = serde_json::from_slice(&line).unwrap();
    assert_eq!((&event["type"], &event["object"]["metadata"]["name"]), (&json!("ADDED"), &json!("m")));
}

#[tokio::test]
async fn a_websocket_shell_needs_create_although_it_is_a_get() {
    let world = World::start().await;
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"},
        "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods", "pods/exec"]}]});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "r"},
        "roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "bob"}]});
    let base = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
    world.as_master(Method::POST, &format!("{base}/roles")).json(&role).send().await.unwrap();
    world.as_master(Method::POST, &format!("{base}/rolebindings")).json(&binding).send().await.unwrap();
    let exec = format!("{PODS}/shell/exec?command=true&stdout=true");
    let (code, answer) = status(world.request(Method::GET, &exec, "bob", &[])).await;
    assert_eq!(code, 403);
    assert!(answer["message"].as_str().unwrap().contains("cannot create resource \"pods/exec\""), "{answer}");
    assert_eq!(status(world.as_master(Method::GET, &exec)).await.0, 400, "allowed, but no upgrade");
}

#[tokio::test]
async fn both_protocols_are_spoken_and_arrivals_are_noted() {
    let world = World::start().await;
    world.demo.clear_requests();
    for http1 in [true, false] {
        let client = world.client(http1);
        for _ in 0..2 {
            let request =
                client.get(format!("{}/version?x=1", world.demo.url())).bearer_auth(world.demo.gate_token());
            request
                .header("Impersonate-User", "alice")
                .header("Impersonate-Group", "a,b")
                .send()
                .await
                .unwrap();
        }
    }
    let seen = world.demo.requests();
    let protocols: Vec<_> = seen.iter().map(|arrival| arrival.protocol.as_str()).collect();
    assert_eq!(protocols, ["HTTP/1.1", "HTTP/1.1", "HTTP/2.0", "HTTP/2.0"]);
    assert_eq!(seen[2].connection, seen[3].connection, "one HTTP/2 connection");
    assert_eq!(
        (seen[0].user.as_deref(), seen[0].status, seen[0].target.as_str()),
        (Some("alice"), 200, "/version?x=1")
    );
    assert_eq!(seen[0].groups, ["a,b"]);
    assert!(seen.iter().all(|arrival| arrival.authenticated));
}

#[tokio::test]
async fn it_goes_wrong_when_told_to() {
    let world = World::start().await;
    let ask = || world.as_master(Method::GET, PODS).send();
    let fault = |fault: Fault| world.demo.set_faults(vec![Fault { count: 1, ..fault }]);
    fault(Fault { status: Some(429), retry_after: Some(7), ..Fault::default() });
    let answer = ask().await.unwrap();
    assert_eq!(
        (answer.status(), answer.headers()["retry-after"].to_str().unwrap()),
        (StatusCode::TOO_MANY_REQUESTS, "7")
    );
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK, "once");
    fault(Fault { close: true, ..Fault::default() });
    assert!(ask().await.is_err());
    fault(Fault { truncate: Some(5), ..Fault::default() });
    assert!(ask().await.unwrap().bytes().await.is_err());
    fault(Fault { body: Some("nonsense".into()), ..Fault::default() });
    assert_eq!(ask().await.unwrap().text().await.unwrap(), "nonsense");
    fault(Fault { upgrade: Some(UpgradeFault::WrongProtocol), ..Fault::default() });
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK, "no upgrade was asked for");
    let url = format!("{}{PODS}/shell/exec?command=true&stdout=true", world.demo.url());
    let upgrade = world.client(true).post(url).bearer_auth(world.demo.gate_token());
    let upgrade = upgrade.header("Connection", "Upgrade").header("Upgrade", "SPDY/3.1");
    let answer = upgrade.send().await.unwrap();
    assert_eq!(
        (answer.status(), answer.headers()["upgrade"].to_str().unwrap()),
        (StatusCode::SWITCHING_PROTOCOLS, "h2c")
    );
}

#[tokio::test]
async fn the_controls_have_a_token_of_their_own() {
    let world = World::start().await;
    let file = world.folder.path().join("control");
    world.demo.write_control(&file).unwrap();
    let control: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let (code, answer) = status(world.as_master(Method::GET, "/demo/requests")).await;
    assert_eq!(code, 404, "not even for system:masters: {answer}");
    let client = world.client(false);
    let token = control["token"].as_str().unwrap();
    let call =
        |method, path: &str| client.request(method, format!("{}{path}", world.demo.url())).bearer_auth(token);
    let (code, seen) = status(call(Method::GET, "/demo/requests")).await;
    assert_eq!(
        (code, seen[0]["target"].as_str(), seen[0]["status"].as_u64()),
        (200, Some("/demo/requests"), Some(404))
    );
    let line = call(Method::POST, "/demo/logs/demo/quiet/quiet").body("a line of my own\n");
    assert_eq!(status(line).await.0, 200);
    let log = world.as_master(Method::GET, "/api/v1/namespaces/demo/pods/quiet/log").send().await.unwrap();
    assert_eq!(log.text().await.unwrap(), "quiet started\na line of my own\n");
    let (code, answer) =
        status(call(Method::POST, "/demo/faults").json(&json!({"count": 1, "statis": 3}))).await;
    assert_eq!(code, 400, "{answer}");
    assert_eq!(
        status(call(Method::POST, "/demo/faults").json(&json!({"count": 1, "status": 503}))).await.0,
        200
    );
    assert_eq!(status(world.as_master(Method::GET, PODS)).await.0, 503);
}

#[tokio::test]
async fn shutting_down_ends_what_is_open() {
    let world = World::start().await;
    let log = format!("{PODS}/shell/log?follow=true");
    let mut stream = world.as_master(Method::GET, &log).send().await.unwrap();
    stream.chunk().await.unwrap();
    let addr = world.demo.addr;
    world.demo.shutdown().await;
    let end = async { while let Ok(Some(_)) = stream.chunk().await {} };
    tokio::time::timeout(Duration::from_secs(10), end).await.unwrap();
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}
