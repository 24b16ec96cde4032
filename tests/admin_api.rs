//! The admin API: who may do what, and what is refused. The client in it is the one of `tctl`.

use jumpgate::{
    client::admin::{AdminClient, AdminError},
    demo::browser::Consent,
    model::{Kind, Resource},
};
use serde_json::{Value, json};

use crate::support::in_process::InProcess;

const STOCK_CAS: &str = include_str!("data/teleport-4.0.2/admin/get-authorities-user.json");

fn guest() -> Value {
    json!({ "teams_to_logins": [{
        "organization": "octocats", "team": "devs", "logins": ["root"], "kubernetes_groups": ["guest"],
    }] })
}

fn with_editors() -> Value {
    let mut mappings = guest();
    mappings["teams_to_roles"] =
        json!([{ "organization": "octocats", "team": "admins", "roles": ["editor"] }]);
    mappings
}

fn resource(value: Value) -> Resource {
    let kind = value["kind"].as_str().unwrap().to_owned();
    match kind.as_str() {
        "github" => Resource::Github(serde_json::from_value(value).unwrap()),
        _ => Resource::Role(serde_json::from_value(value).unwrap()),
    }
}

fn role(name: &str) -> Value {
    json!({ "kind": "role", "version": "v3", "metadata": { "name": name }, "spec": {
        "allow": { "kubernetes_groups": ["viewers"] } } })
}

async fn admin(world: &InProcess, user: &str) -> AdminClient {
    let end = world.login(user, Consent::Approve, 0).await;
    world.admin(&end).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_cannot_rewrite_the_connector_and_become_master() {
    let world = InProcess::start(guest()).await;
    let bob = admin(&world, "bob").await;
    let mut mine = guest();
    mine["teams_to_logins"][0]["kubernetes_groups"] = json!(["system:masters"]);
    let mine = resource(world.connector_json(mine));
    let denied = |result: Result<(), AdminError>| match result {
        Err(AdminError::Denied(text)) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(denied(bob.upsert(&mine).await), "access denied to perform action \"create\" on \"github\"");
    denied(bob.create(&mine).await);
    denied(bob.delete(Kind::Github, "github").await);
    denied(bob.create(&resource(role("mine"))).await);
    denied(bob.upsert(&resource(role("access"))).await);
    denied(bob.delete(Kind::User, "alice").await);
    denied(bob.list(Kind::Github, false).await.map(drop));
    denied(bob.get(Kind::Github, "github", true).await.map(drop));
    denied(bob.list(Kind::Role, false).await.map(drop));
    assert_eq!(
        denied(bob.list(Kind::User, false).await.map(drop)),
        "access denied to perform action \"list\" on \"user\""
    );
    bob.get(Kind::User, "bob", false).await.unwrap();
    assert_eq!(world.events("auth").await.len(), 10);
    let end = world.login("bob", Consent::Approve, 0).await;
    assert_eq!(end.certificate().subject().unwrap().kubernetes_groups, ["guest"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editor_writes_connectors_and_roles_strictly() {
    let world = InProcess::start(with_editors()).await;
    let alice = admin(&world, "alice").await;

    let shown = alice.get(Kind::Github, "github", false).await.unwrap();
    assert_eq!(shown["spec"]["client_secret"], "");
    let full = alice.get(Kind::Github, "github", true).await.unwrap();
    assert_eq!(full["spec"]["client_secret"], world.github.client_secret());
    match alice.create(&resource(full.clone())).await {
        Err(AdminError::Exists(text)) => {
            assert_eq!(text, "authentication connector \"github\" already exists");
        }
        other => panic!("{other:?}"),
    }
    // A write with a revision counts once.
    alice.upsert(&resource(full.clone())).await.unwrap();
    assert!(matches!(alice.upsert(&resource(full)).await, Err(AdminError::Conflict(_))));
    assert_eq!(world.events("github.created").await.len(), 1);

    alice.create(&resource(role("viewer"))).await.unwrap();
    assert!(matches!(alice.create(&resource(role("viewer"))).await, Err(AdminError::Exists(_))));
    alice.upsert(&resource(role("viewer"))).await.unwrap();
    let names: Vec<Value> =
        alice.list(Kind::Role, false).await.unwrap().iter().map(|r| r["metadata"]["name"].clone()).collect();
    assert_eq!(names, ["access", "admin", "auditor", "editor", "viewer"]);
    for result in [alice.upsert(&resource(role("admin"))).await, alice.delete(Kind::Role, "editor").await] {
        match result {
            Err(AdminError::Refused(text)) => assert!(text.contains("is built in"), "{text}"),
            other => panic!("{other:?}"),
        }
    }
    let mut wrong = role("wrong");
    wrong["spec"]["allow"]["rules"] = json!([{ "resources": ["sessionn"], "verbs": ["list"] }]);
    match alice.create(&resource(wrong)).await {
        Err(AdminError::Refused(text)) => assert!(text.contains("`sessionn` is unknown"), "{text}"),
        other => panic!("{other:?}"),
    }
    alice.delete(Kind::Role, "viewer").await.unwrap();
    assert!(matches!(alice.delete(Kind::Role, "viewer").await, Err(AdminError::NotFound(_))));
    alice.delete(Kind::Github, "github").await.unwrap();
    match alice.delete(Kind::Github, "github").await {
        Err(AdminError::NotFound(text)) => assert_eq!(text, "github connector \"github\" is not found"),
        other => panic!("{other:?}"),
    }
    let status = alice.status().await.unwrap();
    assert_eq!(status.ca_pin, world.gate().authorities.host.certificate().pin());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_certificate_there_is_nothing() {
    let world = InProcess::start(guest()).await;
    for path in ["/v2/domain", "/v2/github/connectors", "/v2/status", "/v2/users"] {
        let url = format!("https://{}{path}", world.running.bound.admin);
        let answer = world.http.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{path}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["message"], "no client certificate was shown; run: tsh login");
    }
}

#[test]
fn the_stock_form_of_a_ca_is_ours() {
    let stock: Value = serde_json::from_str(STOCK_CAS).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let world = InProcess::start(guest()).await;
        let end = world.login("bob", Consent::Approve, 0).await;
        let (status, ours) = world.raw_admin(&end, "GET", "/v2/authorities/user", None).await;
        assert_eq!(status, 200);
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&ours[0]), keys(&stock[0]));
        assert_eq!(keys(&ours[0]["spec"]), keys(&stock[0]["spec"]));
        assert_eq!(keys(&ours[0]["spec"]["tls_key_pairs"][0]), keys(&stock[0]["spec"]["tls_key_pairs"][0]));
        assert_eq!(world.raw_admin(&end, "GET", "/v2/domain", None).await.1, "teleport.example.com");
        assert_eq!(world.raw_admin(&end, "GET", "/v2/nothing", None).await.0, 404);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelt_key_in_a_resource_is_named_and_one_in_the_envelope_is_not() {
    let world = InProcess::start(with_editors()).await;
    let end = world.login("alice", Consent::Approve, 0).await;
    let mut connector = world.connector_json(guest());
    connector["metadata"]["name"] = json!("other");
    let body = json!({ "connector": connector, "ttl": 0 });
    assert_eq!(
        world.raw_admin(&end, "POST", "/v2/github/connectors", Some(&body)).await,
        (200, json!({ "message": "ok" }))
    );
    let mut body = body;
    body["connector"]["spec"]["clientid"] = json!("x");
    let (status, answer) = world.raw_admin(&end, "PUT", "/v2/github/connectors", Some(&body)).await;
    assert!(
        status == 400 && answer["message"].as_str().unwrap().contains("unknown field `clientid`"),
        "{answer}"
    );
    let mut body = json!({ "role": role("r") });
    body["role"]["kind"] = json!("user");
    assert_eq!(world.raw_admin(&end, "POST", "/v2/roles", Some(&body)).await.0, 400);
}
