//! Breaks each check of RBAC on its own.

use serde_json::json;

use super::*;
use crate::demo::kube::seed;
use crate::demo::kube::store::Store;

fn user(name: &str, groups: &[&str]) -> User {
    User { name: name.into(), groups: groups.iter().map(|g| (*g).into()).collect(), ..User::default() }
}

fn want(verb: &str, resource: &str, namespace: &str, name: &str) -> Attributes {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    Attributes {
        verb: verb.into(),
        is_resource: true,
        resource: resource.into(),
        subresource: subresource.into(),
        namespace: namespace.into(),
        name: name.into(),
        ..Attributes::default()
    }
}

fn rule(value: Value) -> Rule {
    Rule::read(&value)
}

#[test]
fn a_rule_allows_what_it_says_and_no_more() {
    let pods = rule(json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}));
    assert!(pods.allows(&want("get", "pods", "d", "a")));
    for (verb, resource) in [("list", "pods"), ("get", "pods/log"), ("get", "secrets"), ("", "pods")] {
        assert!(!pods.allows(&want(verb, resource, "d", "a")), "{verb} {resource}");
    }
    let mut apps = want("get", "pods", "d", "a");
    apps.group = "apps".into();
    assert!(!pods.allows(&apps), "another group");
    let sub = rule(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*/log"]}));
    assert!(sub.allows(&want("get", "pods/log", "d", "a")) && !sub.allows(&want("get", "pods", "d", "a")));
    let all = rule(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
    assert!(all.allows(&want("get", "pods/log", "d", "a")));
    let named =
        rule(json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]}));
    assert!(named.allows(&want("get", "pods", "d", "a")));
    assert!(!named.allows(&want("get", "pods", "d", "b")) && !named.allows(&want("get", "pods", "d", "")));
}

#[test]
fn paths_match_whole_or_by_prefix() {
    let paths = rule(json!({"verbs": ["get"], "nonResourceURLs": ["/version", "/api/*"]}));
    let ask = |path: &str| {
        let want = Attributes { verb: "get".into(), path: path.into(), ..Attributes::default() };
        paths.allows(&want)
    };
    assert!(ask("/version") && ask("/api/v1"));
    assert!(!ask("/version/x") && !ask("/api") && !ask("/apis"));
    assert!(!paths.allows(&want("get", "pods", "d", "a")));
}

fn seeded() -> Store {
    let store = Store::new();
    seed::plant(&store).unwrap();
    store
}

fn bind(store: &Store, key: Key, role: &str, subject: Value) {
    let object = json!({"metadata": {"name": key.name, "namespace": key.namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [subject]});
    store.write(false, |all| all.create(key, object).map(drop)).unwrap();
}

#[test]
fn bindings_give_to_those_they_name_where_they_stand() {
    let store = seeded();
    bind(&store, Key::new("rolebindings", "demo", "g"), "view", json!({"kind": "Group", "name": "guest"}));
    bind(&store, Key::new("rolebindings", "demo", "u"), "view", json!({"kind": "User", "name": "bob"}));
    bind(
        &store,
        Key::new("rolebindings", "demo", "s"),
        "view",
        json!({"kind": "ServiceAccount", "name": "bot"}),
    );
    let may = |user: &User, namespace: &str| {
        store.read(|all| allowed(all, user, &want("list", "pods", namespace, "")))
    };
    assert!(may(&user("alice", &["guest"]), "demo") && may(&user("bob", &[]), "demo"));
    assert!(!may(&user("alice", &["guest"]), "default"), "another namespace");
    assert!(!may(&user("alice", &["guest"]), ""), "the cluster");
    assert!(!may(&user("guest", &["bob"]), "demo"), "a user is no group and a group no user");
    assert!(may(&user("system:serviceaccount:demo:bot", &[]), "demo") && !may(&user("bot", &[]), "demo"));
    assert!(may(&user("root", &[MASTERS]), "default") && !may(&user(MASTERS, &[]), "default"));
}

#[test]
fn the_gate_may_nothing_but_impersonate() {
    let store = seeded();
    let gate = User::service_account("jumpgate", "gate");
    store.read(|all| {
        for verb in ["get", "list", "create", "delete"] {
            assert!(!allowed(all, &gate, &want(verb, "pods", "default", "")));
            assert!(!allowed(all, &gate, &want(verb, "users", "", "alice")));
        }
        assert!(allowed(all, &gate, &want("impersonate", "users", "", "alice")));
        assert!(allowed(all, &gate, &want("impersonate", "groups", "", MASTERS)));
        assert!(!allowed(all, &gate, &want("impersonate", "serviceaccounts", "demo", "default")));
    });
}

#[test]
fn the_forbidden_say_so_in_the_words_of_kubernetes() {
    let store = seeded();
    let alice = user("alice", &["guest", "system:authenticated"]);
    let error = |want: &Attributes| store.read(|all| require(all, &alice, want)).unwrap_err().message;
    assert_eq!(
        error(&want("list", "configmaps", "default", "")),
        "configmaps is forbidden: User \"alice\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\""
    );
    assert_eq!(
        error(&want("create", "pods/exec", "default", "web")),
        "pods \"web\" is forbidden: User \"alice\" cannot create resource \"pods/exec\" in API group \"\" in the namespace \"default\""
    );
    let path = Attributes { verb: "get".into(), path: "/metrics".into(), ..Attributes::default() };
    assert_eq!(error(&path), "forbidden: User \"alice\" cannot get path \"/metrics\"");
    let version = Attributes { verb: "get".into(), path: "/version".into(), ..Attributes::default() };
    store.read(|all| require(all, &alice, &version)).unwrap();
    store.read(|all| require(all, &user("x", &[]), &version)).unwrap_err();
}

#[test]
fn nobody_grants_what_they_do_not_hold() {
    let store = seeded();
    bind(&store, Key::new("rolebindings", "demo", "g"), "view", json!({"kind": "User", "name": "bob"}));
    let bob = user("bob", &[]);
    let roles = resources::find("rbac.authorization.k8s.io", "v1", "roles").unwrap();
    let bindings = resources::find("rbac.authorization.k8s.io", "v1", "rolebindings").unwrap();
    let role = |verbs: Value| json!({"metadata": {"name": "r"}, "rules": [{"verbs": verbs, "apiGroups": [""], "resources": ["pods"]}]});
    let check = |user: &User, resource, object: Value| {
        store.read(|all| check_grant(all, user, resource, "demo", &object))
    };
    check(&bob, roles, role(json!(["get", "list"]))).unwrap();
    let error = check(&bob, roles, role(json!(["delete"]))).unwrap_err();
    assert!(
        error.message.contains("{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"delete\"]}"),
        "{error}"
    );
    let refer =
        |name: &str| json!({"metadata": {"name": "b"}, "roleRef": {"kind": "ClusterRole", "name": name}});
    check(&bob, bindings, refer("view")).unwrap();
    check(&bob, bindings, refer("cluster-admin")).unwrap_err();
    check(&user("root", &[MASTERS]), bindings, refer("cluster-admin")).unwrap();
}
