//! The listener as a whole: real TLS, store and audit log, before an API server that records what reaches it. The names carry the
//! numbers of the abuse cases.

mod abuse;
mod api;
mod clusters;
mod credentials;
mod recorded;
mod renewal;
mod rig;
mod route;
mod streams;
mod timeouts;

use bytes::Bytes;
use http::{Method, Request, Version};
use http_body_util::{BodyExt, Full};
use jiff::{SignedDuration, Timestamp};

use self::{
    api::TOKEN,
    rig::{Rig, get, json, with},
};
use crate::pki::{Authority, AuthorityKind, Usage, Validity};

#[tokio::test]
async fn a_request_reaches_the_api_server_as_its_person_and_is_written_down() {
    let rig = Rig::start().await;
    let path = "/api/v1/namespaces/default/pods?limit=500";
    let headers = [
        ("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"),
        ("user-agent", "kubectl/v1.35"),
        ("authorization", "Bearer of-the-client"),
        ("cookie", "a=b"),
        ("x-remote-user", "root"),
        ("x-forwarded-for", "127.0.0.9"),
    ];
    let response = rig.ask(with(get(path), &headers)).await;
    assert!(response.headers().get("x-hop").is_none());
    assert_eq!(json(response).await.1["kind"], "PodList");
    let seen = &rig.api.seen()[0];
    assert_eq!((seen.method.as_str(), seen.uri.as_str(), seen.version), ("GET", path, Version::HTTP_2));
    assert_eq!(seen.all("impersonate-user"), ["alice"]);
    assert_eq!(seen.all("impersonate-group"), ["dev", "ops"]);
    assert_eq!(seen.all("authorization"), [format!("Bearer {TOKEN}")]);
    assert_eq!(seen.all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(seen.all("user-agent"), ["kubectl/v1.35"]);
    assert!(seen.all("cookie").is_empty() && seen.all("x-remote-user").is_empty());
    let event = rig.event("kube.request").await;
    assert_eq!(event["code"], "T3009I");
    assert_eq!(event["user"], "alice");
    assert_eq!(event["verb"], "GET");
    assert_eq!(event["kubernetes_verb"], "list");
    assert_eq!(event["resource_api_group"], "core/v1");
    assert_eq!(event["resource_namespace"], "default");
    assert_eq!(event["resource_kind"], "pods");
    assert_eq!(event["response_code"], 200);
    assert_eq!(event["kubernetes_groups"], serde_json::json!(["dev", "ops"]));
}

#[tokio::test]
async fn discovery_passes_and_is_not_written_down() {
    let rig = Rig::start().await;
    for path in ["/api?timeout=32s", "/apis/", "/openapi/v2", "/version"] {
        assert_eq!(rig.get(path).await.0, 200, "{path}");
    }
    assert_eq!(rig.api.seen().iter().map(|s| s.uri.clone()).collect::<Vec<_>>().len(), 4);
    assert!(rig.events().await.is_empty());
}

#[tokio::test]
async fn a_body_and_a_method_pass_unchanged() {
    let rig = Rig::start().await;
    let body = "x".repeat(1_000_000);
    let request = Request::patch("/apis/apps/v1/namespaces/d/deployments/web?fieldManager=kubectl")
        .header("content-type", "application/apply-patch+yaml")
        .body(Full::new(Bytes::from(body.clone())))
        .unwrap();
    assert_eq!(rig.ask(request).await.status(), 200);
    let seen = &rig.api.seen()[0];
    assert_eq!((seen.method.as_str(), seen.body.len()), ("PATCH", body.len()));
    assert_eq!(seen.all("content-type"), ["application/apply-patch+yaml"]);
    assert_eq!(rig.event("kube.request").await["kubernetes_verb"], "patch");
}

#[tokio::test]
async fn e2_1_and_2_impersonation_is_refused_with_a_sentence_and_nothing_is_forwarded() {
    let rig = Rig::start().await;
    for header in [
        ("Impersonate-User", "admin"),
        ("IMPERSONATE-GROUP", "system:masters"),
        ("impersonate-extra-a", "x"),
        ("impersonate_user", "x"),
        ("connection", "close, Impersonate-User"),
    ] {
        let response = rig.ask(with(get("/api/v1/pods"), &[header])).await;
        let (code, status) = json(response).await;
        assert_eq!((code, &status["reason"]), (403, &"Forbidden".into()), "{header:?}");
        assert!(status["message"].as_str().unwrap().contains("--as"), "{status}");
    }
    assert!(rig.api.seen().is_empty());
    let events = rig.events().await;
    assert_eq!(events.len(), 5);
    assert!(
        events.iter().all(|e| e["response_code"] == 403 && e["success"] == false && e["user"] == "alice")
    );
}

#[tokio::test]
async fn e2_2_connection_headers_take_nothing_of_ours_away() {
    let rig = Rig::start().await;
    let headers = [("connection", "x-private, authorization, x-forwarded-for"), ("x-private", "1")];
    assert_eq!(rig.ask(with(get("/api/v1/pods"), &headers)).await.status(), 200);
    let seen = &rig.api.seen()[0];
    assert_eq!(seen.all("impersonate-user"), ["alice"]);
    assert_eq!(seen.all("authorization"), [format!("Bearer {TOKEN}")]);
    assert!(seen.all("x-private").is_empty());
}

#[tokio::test]
async fn e2_6_and_8_what_is_not_forwarded_is_answered_and_written_down() {
    let rig = Rig::start().await;
    for (path, code) in [
        ("/api/v1//pods", 400),
        ("/api/v1/namespaces/a/pods/x%2Fexec", 400),
        ("/api/v1/namespaces/a/../b/pods", 400),
        ("/api/v1/pods;x", 400),
        ("/api/v1/pods/", 400),
        ("/api/v1/nodes/n1/proxy/run/a/b/c", 403),
    ] {
        let (got, status) = rig.get(path).await;
        assert_eq!((got, &status["kind"], &status["code"]), (code, &"Status".into(), &code.into()), "{path}");
    }
    let mut request = get("/api/v1/pods");
    *request.method_mut() = Method::TRACE;
    assert_eq!(rig.ask(request).await.status(), 405);
    assert!(rig.api.seen().is_empty());
    assert_eq!(rig.events().await.len(), 7);
}

#[tokio::test]
async fn e2_27_and_29_a_certificate_that_does_not_open_this_port_is_answered_401_with_a_sentence() {
    let rig = Rig::start().await;
    let user_ca = &rig.gate.authorities.user;
    let other = Authority::generate(AuthorityKind::User, "gate.test", Timestamp::now()).unwrap();
    let (now, hour) = (Timestamp::now(), SignedDuration::from_hours(1));
    let past = Validity { not_before: now - hour - hour, not_after: now - hour };
    let future = Validity { not_before: now + hour, not_after: now + hour + hour };
    let cases = [
        (None, "no client certificate was shown"),
        (Some(rig.issue_between(user_ca, "alice", Usage::Login, past)), "expired at"),
        (Some(rig.issue_between(user_ca, "alice", Usage::Login, future)), "clock"),
        (Some(rig.issue(&other, "alice", Usage::Login, hour)), "not issued by this cluster"),
        (
            Some(rig.issue(&rig.gate.authorities.host, "alice", Usage::Login, hour)),
            "not issued by this cluster",
        ),
        (Some(rig.issue(user_ca, "alice", Usage::Admin, hour)), "for another use"),
    ];
    for (shown, sentence) in &cases {
        let answer = rig.client(shown.as_ref()).await.send_request(get("/api")).await.unwrap();
        let (code, status) = json(answer).await;
        assert_eq!((code, &status["reason"]), (401, &"Unauthorized".into()), "{sentence}");
        assert!(status["message"].as_str().unwrap().contains(sentence), "{status}");
    }
    assert!(rig.api.seen().is_empty());
    let events = rig.events().await;
    assert_eq!(events.len(), cases.len());
    assert!(events.iter().all(|e| e["code"] == "T3007W"));
    let kube = rig.issue(user_ca, "alice", Usage::Kube, hour);
    assert_eq!(rig.client(Some(&kube)).await.send_request(get("/api")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn missing_rights_are_named_and_a_changed_role_counts_at_once() {
    let rig = Rig::start().await;
    let alice = rig.alice();
    let mut client = rig.client(Some(&alice)).await;
    assert_eq!(json(client.send_request(get("/api/v1/pods")).await.unwrap()).await.0, 200);
    rig.put_role("dev", &[]).await;
    let (code, status) = json(client.send_request(get("/api/v1/pods")).await.unwrap()).await;
    assert_eq!(code, 403);
    assert!(status["message"].as_str().unwrap().contains("kubernetes_groups"), "{status}");
    rig.put_role("dev", &["viewers"]).await;
    assert_eq!(json(client.send_request(get("/api/v1/pods")).await.unwrap()).await.0, 200);
    assert_eq!(rig.api.seen()[1].all("impersonate-group"), ["viewers"]);
    rig.gate.store.delete("/users/alice", None).await.unwrap();
    let (code, status) = json(client.send_request(get("/api/v1/pods")).await.unwrap()).await;
    assert_eq!(code, 403);
    assert!(status["message"].as_str().unwrap().contains("removed"), "{status}");
    assert_eq!(rig.api.seen().len(), 2);
}

#[tokio::test]
async fn failures_of_the_api_server_become_sentences() {
    let mut rig = Rig::start().await;
    let pod = |name: &str| format!("/api/v1/namespaces/default/pods/{name}");
    let (code, status) = rig.get(&pod("busy")).await;
    assert_eq!((code, &status["reason"]), (429, &"TooManyRequests".into()));
    let (code, status) = rig.get(&pod("html")).await;
    assert_eq!(code, 502);
    let message = status["message"].as_str().unwrap();
    assert!(message.contains("gateway") && !message.contains('\u{1b}'), "{message}");
    // The API server's own words pass.
    let (code, status) = rig.get(&pod("broken")).await;
    assert_eq!((code, &status["message"]), (500, &"etcd is gone".into()));
    // Its 401 is about the gate's account: a person's login cannot mend it.
    let (code, status) = rig.get(&pod("login")).await;
    assert_eq!(code, 502);
    assert!(status["message"].as_str().unwrap().contains("gate's own credentials"), "{status}");
    rig.api.stop().await;
    let (code, status) = rig.get(&pod("a")).await;
    assert_eq!((code, &status["reason"]), (503, &"ServiceUnavailable".into()));
    assert!(status["message"].as_str().unwrap().contains("cannot reach"), "{status}");
    assert_eq!(rig.events().await.last().unwrap()["response_code"], 503);
}

#[tokio::test]
async fn requests_share_a_connection_and_a_broken_one_is_replaced() {
    let rig = Rig::start().await;
    let alice = rig.alice();
    let client = rig.client2(&alice).await;
    let ask = || {
        let mut client = client.clone();
        async move {
            let request = Request::get("https://gate/api/v1/pods").body(Full::default()).unwrap();
            json(client.send_request(request).await.unwrap()).await.0
        }
    };
    let codes = futures_util::future::join_all((0..50).map(|_| ask())).await;
    assert!(codes.iter().all(|code| *code == 200));
    assert_eq!(rig.upstream.connections(), 1);
    assert!(rig.api.seen().iter().all(|seen| seen.connection == 0));
    for round in 1..=5 {
        rig.api.break_connections();
        assert_eq!(ask().await, 200, "round {round}");
    }
    assert!(rig.api.seen().last().unwrap().connection >= 1);
}

#[tokio::test]
async fn watches_of_many_never_wait_for_a_place_on_a_connection() {
    let rig = Rig::start().await;
    let alice = rig.alice();
    let client = rig.client2(&alice).await;
    let mut open = Vec::new();
    for _ in 0..200 {
        let request = Request::get("https://gate/api/v1/pods?watch=true").body(Full::default()).unwrap();
        let mut response = client.clone().send_request(request).await.unwrap();
        let first = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, "{\"type\":\"ADDED\"}\n");
        open.push(response);
    }
    assert_eq!(rig.upstream.connections(), 3);
    assert_eq!(rig.get("/api/v1/pods").await.0, 200);
}

#[tokio::test]
async fn e2_16_one_person_cannot_take_all_places() {
    let rig = Rig::start().await;
    let alice = rig.alice();
    let mut open = Vec::new();
    for _ in 0..3 {
        let client = rig.client2(&alice).await;
        for _ in 0..171 {
            let request = Request::get("https://gate/api/v1/pods?watch=true").body(Full::default()).unwrap();
            open.push(client.clone().send_request(request).await.unwrap());
        }
    }
    assert_eq!(open.iter().filter(|response| response.status() == 200).count(), 512);
    let refused = open.pop().unwrap();
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(json(refused).await.1["reason"], "TooManyRequests");
    rig.put_user("bob").await;
    let bob = rig.issue(&rig.gate.authorities.user, "bob", Usage::Login, SignedDuration::from_hours(1));
    assert_eq!(rig.client(Some(&bob)).await.send_request(get("/api")).await.unwrap().status(), 200);
    // Places come back with the answers that were given up.
    open.clear();
    let free = async {
        while rig.get("/api").await.0 != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), free).await.unwrap();
}
