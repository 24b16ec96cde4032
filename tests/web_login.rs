//! A login at the web port, from the console's request to the sealed answer, and everything that must not become one.

use jumpgate::{
    demo::{
        browser::Consent,
        github::{Account, Fault},
    },
    model::{User, traits::GITHUB_TEAMS},
    pki::{KeyPair, SshCertificate},
    server::store::resources,
    wire::b64::Bytes,
};
use serde_json::{Value, json};

use crate::support::in_process::{CLUSTER, InProcess};

const FIND: &str = include_str!("data/teleport-4.0.2/web/find.json");
const HOUR: i64 = 3_600_000_000_000;
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn admins() -> Value {
    json!({ "teams_to_logins": [{
        "organization": "OctoCats", "team": "Admins", "logins": ["root"], "kubernetes_groups": ["system:masters"],
    }] })
}

fn hours_left(end: &crate::support::in_process::End) -> f64 {
    let left = end.certificate().validity().not_after.duration_since(jiff::Timestamp::now());
    left.as_secs_f64() / 3600.0
}

#[tokio::test(flavor = "multi_thread")]
async fn alice_signs_in() {
    let world = InProcess::start(admins()).await;
    let end = world.login("alice", Consent::Approve, 0).await;
    assert_eq!(
        (end.get("secret"), end.get("secret_key"), end.get("keep")),
        (Some(""), Some(""), Some("a b"))
    );
    let keys: Vec<&str> = end.query.iter().map(|(key, _)| key.as_str()).collect();
    assert!(keys.is_sorted(), "{keys:?}");

    let answer = end.answer();
    assert_eq!(answer.username, "alice");
    let certificate = end.certificate();
    assert_eq!(certificate.spki_der(), end.key.public().spki_der().unwrap());
    let subject = certificate.subject().unwrap();
    assert_eq!((subject.username.as_str(), subject.roles.as_slice()), ("alice", &["access".to_owned()][..]));
    assert_eq!(subject.kubernetes_groups, ["system:masters"]);
    assert_eq!((subject.principals.as_slice(), subject.usage.len()), (&["root".to_owned()][..], 0));
    assert!(subject.traits.get(GITHUB_TEAMS).contains(&"octocats/admins".to_owned()));
    let ssh = SshCertificate::from_line(answer.cert.as_text().unwrap()).unwrap();
    assert_eq!((ssh.username(), ssh.logins()), ("alice", &["root".to_owned()][..]));
    assert_eq!(ssh.extensions(), ["permit-agent-forwarding", "permit-port-forwarding", "permit-pty"]);
    assert!((11.9..=12.0).contains(&hours_left(&end)));
    assert_eq!(answer.host_signers[0].domain_name, CLUSTER);
    assert_eq!(
        answer.host_signers[0].tls_certs[0].as_text().unwrap(),
        world.gate().authorities.host.certificate().to_pem()
    );

    let user: User = resources::get(&*world.gate().store, "alice").await.unwrap().unwrap();
    assert_eq!(user.spec.roles, ["access"]);
    assert!(user.spec.github_identities[0].user_id.is_some() && user.spec.created.is_some());
    let events = world.events("user.login").await;
    assert_eq!(events.len(), 1);
    assert_eq!((&events[0]["code"], &events[0]["user"]), (&json!("T1001I"), &json!("alice")));
    assert!(!events[0].to_string().contains("secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wish_for_a_life_counts_up_to_the_roles_limit() {
    let world = InProcess::start(admins()).await;
    for (wish, low, high) in [(HOUR, 0.9, 1.0), (11 * HOUR, 10.9, 11.0), (100 * HOUR, 11.9, 12.0)] {
        let end = world.login("alice", Consent::Approve, wish).await;
        assert!((low..=high).contains(&hours_left(&end)), "{wish}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_is_told_why() {
    let world = InProcess::start(admins()).await;
    let end = world.login("mallory", Consent::Approve, 0).await;
    assert!(end.answer.is_none());
    let text = end.error();
    for part in ["mallory", "OctoCats/Admins", "no team at all", "/settings/connections/applications/"] {
        assert!(text.contains(part), "{text}");
    }
    let text = world.login("bob", Consent::Approve, 0).await.error().to_owned();
    assert!(text.contains("GitHub returned octocats/devs"), "{text}");
    let text = world.login("alice", Consent::Deny, 0).await.error().to_owned();
    assert!(text.starts_with("GitHub refused the login:") && text.contains("tsh login"), "{text}");
    let events = world.events("user.login").await;
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event["code"] == "T1001W" && event["success"] == false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_github_is_a_sentence() {
    let world = InProcess::start(admins()).await;
    world.github.set_fault(Fault::Down);
    let text = world.login("alice", Consent::Approve, 0).await.error().to_owned();
    assert!(text.contains("status 503"), "{text}");
    world.github.set_fault(Fault::Nonsense);
    let text = world.login("alice", Consent::Approve, 0).await.error().to_owned();
    assert!(text.contains("not GitHub's"), "{text}");
    world.github.set_fault(Fault::Slow);
    let begun = std::time::Instant::now();
    let text = world.login("alice", Consent::Approve, 0).await.error().to_owned();
    assert!(text.contains("cannot be reached") && begun.elapsed().as_secs() < 30, "{text}");
    world.github.set_fault(Fault::None);
    assert!(world.login("alice", Consent::Approve, 0).await.answer.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_19_a_state_counts_once_and_only_ours() {
    let world = InProcess::start(admins()).await;
    let request = request(&format!("http://127.0.0.1:1/callback?secret_key={KEY}"), "github");
    let (status, body) = world.console(&request).await;
    assert_eq!(status, 200);
    let url = url::Url::parse(body["redirect_url"].as_str().unwrap()).unwrap();
    let parameter = |name: &str| url.query_pairs().find(|(k, _)| k == name).unwrap().1.into_owned();
    assert_eq!((parameter("scope"), parameter("response_type")), ("read:org".into(), "code".into()));
    assert_eq!(parameter("code_challenge_method"), "S256");
    let state = parameter("state");
    assert!(state.len() == 32 && state.bytes().all(|b| b.is_ascii_hexdigit()));
    let callback =
        |query: String| world.http.get(world.web(&format!("/v1/webapi/github/callback?{query}"))).send();
    let first = callback(format!("state={state}&code=stolen")).await.unwrap();
    assert_eq!(first.status(), 302);
    let location = first.headers()["location"].to_str().unwrap();
    assert!(location.starts_with("http://127.0.0.1:1/callback?err=GitHub+refused"), "{location}");
    assert!(!location.contains(KEY));
    for query in [
        format!("state={state}&code=x"),
        format!("state={}&code=x", "0".repeat(32)),
        "state=../../roles/admin&code=x".into(),
        "code=x".into(),
    ] {
        let answer = callback(query).await.unwrap();
        assert!(answer.status().is_client_error());
        assert!(answer.headers().get("location").is_none());
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    }
}

fn request(redirect: &str, connector: &str) -> Value {
    let line = KeyPair::generate().public().to_authorized_key().unwrap();
    json!({ "redirect_url": redirect, "public_key": Bytes::from(line), "cert_ttl": 0, "connector_id": connector })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_could_steal_a_login_is_refused() {
    let world = InProcess::start(admins()).await;
    let good = format!("http://127.0.0.1:1/callback?secret_key={KEY}");
    let mut ed25519 = request(&good, "github");
    ed25519["public_key"] = json!(Bytes::from(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS x"
    ));
    let mut elsewhere = request(&good, "github");
    elsewhere["RouteToCluster"] = json!("other");
    for (body, status, words) in [
        (request(&format!("http://evil.example/callback?secret_key={KEY}"), "github"), 400, "on the machine"),
        (request("http://127.0.0.1:1/callback?secret=AAAA", "github"), 400, "update tsh"),
        (request("", "github"), 400, "missing RedirectURL"),
        (json!({ "redirect_url": good, "connector_id": "github" }), 400, "missing PublicKey"),
        (request(&good, ""), 400, "missing ConnectorID"),
        (request(&good, "nope"), 404, "\"nope\" is not found"),
        (ed25519, 400, "x509: only RSA and ECDSA public keys supported"),
        (elsewhere, 400, "cluster \"other\""),
    ] {
        let (got, answer) = world.console(&body).await;
        let message = answer["message"].as_str().unwrap();
        assert!(got == status && message.contains(words), "{got} {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_23_a_name_with_another_number_waits_for_an_administrator() {
    let world = InProcess::start(admins()).await;
    let first = world.login("alice", Consent::Approve, 0).await;
    world.github.set_account("alice", Account::new(999_999, &["octocats/admins"]));
    let text = world.login("alice", Consent::Approve, 0).await.error().to_owned();
    assert!(text.contains("tctl rm user/alice"), "{text}");
    resources::delete::<User>(&*world.gate().store, "alice").await.unwrap();
    // The old certificate is no good without its record; the new record begins in a later second.
    assert!(world.admin(&first).await.status().await.is_err());
    let second = world.login("alice", Consent::Approve, 0).await;
    world.admin(&second).await.status().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_has_the_keys_of_a_stock_server() {
    let world = InProcess::start(admins()).await;
    let get = async |path: &str| {
        let answer = world.http.get(world.web(path)).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, find) = get("/v1/webapi/find").await;
    assert_eq!(status, 200);
    let stock: Value = serde_json::from_str(FIND).unwrap();
    same_types(&find, &stock, "");
    assert_eq!(get("/webapi/find").await.1, find);
    let (_, ping) = get("/webapi/ping/github").await;
    assert_eq!(
        ping["auth"],
        json!({ "type": "github", "github": { "name": "github", "display": "GitHub" } })
    );
    assert_eq!(get("/v1/webapi/ping").await.1, ping);
    assert_eq!(get("/webapi/ping/nope").await, (400, json!({ "message": "invalid connector name nope" })));
    assert_eq!(get("/v1/v1/webapi/ping").await.0, 404);
    assert_eq!(get("/nothing").await.0, 404);
}

/// Each key of ours that a stock server has too is of the same type there; only the cluster's name and the login by code are our own.
fn same_types(ours: &Value, stock: &Value, at: &str) {
    match (ours, stock) {
        (Value::Object(ours), Value::Object(stock)) => {
            for (key, value) in ours {
                match stock.get(key) {
                    Some(theirs) => same_types(value, theirs, &format!("{at}.{key}")),
                    None => assert!(matches!(key.as_str(), "cluster_name" | "code_login"), "{at}.{key}"),
                }
            }
        }
        _ => assert_eq!(std::mem::discriminant(ours), std::mem::discriminant(stock), "{at}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_carry_no_script_and_no_strangers_words() {
    let world = InProcess::start(admins()).await;
    for path in [
        "/",
        "/web",
        "/web/msg/info/login_success",
        "/web/msg/error/login_failed?details=%3Cscript%3Ealert(1)%3C/script%3E-words",
        "/v1/webapi/github/callback?state=%3Cscript%3E&code=x",
    ] {
        let answer = world.http.get(world.web(path)).send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}");
        let html = answer.text().await.unwrap();
        assert!(html.starts_with("<!doctype html>") && html.contains("color-scheme"), "{path}");
        assert!(!html.contains("<script") && !html.contains("-words"), "{path}: {html}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_16_logins_begin_only_so_often_and_bodies_end() {
    let world = InProcess::start(admins()).await;
    let mut last = 0;
    for _ in 0..60 {
        last = world.console(&json!({})).await.0;
        if last == 429 {
            break;
        }
    }
    assert_eq!(last, 429);
    let big = "x".repeat(1024 * 1024 + 1);
    let answer = world.http.post(world.web("/webapi/github/login/console")).body(big).send().await.unwrap();
    assert_eq!(answer.status(), 413);
}
