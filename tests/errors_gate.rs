//! What the gate refuses on its Kubernetes port and at its admin API, and with which sentence.

use jiff::{SignedDuration, Timestamp};
use jumpgate::{
    demo::browser::Consent,
    pki::{Authority, AuthorityKind, KeyPair, Validity},
};

use crate::support::world::{Kubectl, Shown, World};

/// What reached the cluster since the last look.
fn arrived(world: &World) -> usize {
    let seen = world.kube.requests().len();
    world.kube.clear_requests();
    seen
}

#[test]
fn nobody_says_who_they_are() {
    let world = World::with_connector();
    world.login();
    let alice = Shown::of_profile(&world, "alice");
    let good = world.gate.raw_kube(&alice, "GET /api/v1/namespaces/default/pods HTTP/1.1");
    assert_eq!(good.0, 200, "{good:?}");
    let mut said = world.transcript();
    arrived(&world);
    for header in [
        "Impersonate-User: root",
        "impersonate-group: system:masters",
        "IMPERSONATE-UID: 1",
        "Impersonate-Extra-Scopes: all",
        "iMpErSoNaTe-anything: x",
        "Impersonate_User: root",
        "Connection: Impersonate-User",
        "Connection: keep-alive, impersonate-group",
    ] {
        let head = format!("GET /api/v1/namespaces/default/pods HTTP/1.1\n{header}");
        let answer = world.gate.raw_kube(&alice, &head);
        assert_eq!(answer.0, 403, "{header}: {answer:?}");
        said.answer(&format!("> {header}"), &answer);
    }
    assert_eq!(arrived(&world), 0, "a forged header has reached the cluster");
    for version in Kubectl::ALL {
        said.run(world.kubectl(version, &["get", "pods", "--as=root"]).fails_with(1));
    }
    // Later, when it knows the cluster's resources.
    for version in Kubectl::ALL {
        world.kubectl(version, &["get", "pods"]).succeeds();
        said.run(world.kubectl(version, &["get", "pods", "--as=root"]).fails_with(1));
    }
    insta::assert_snapshot!("impersonation", said.end());
    let audit = world.gate.audit();
    let denied = audit.lines().filter(|l| l.contains("\"kube.request\"") && l.contains("403"));
    assert!(denied.count() >= 10, "{audit}");
}

#[test]
fn a_path_has_one_spelling() {
    let world = World::with_connector();
    world.login();
    let alice = Shown::of_profile(&world, "alice");
    let mut said = world.transcript();
    arrived(&world);
    for line in [
        "GET //api/v1/pods",
        "GET /api//v1/pods",
        "GET /api/v1/namespaces/default%2Fpods",
        "GET /api/v1/namespaces/default%2fpods",
        "GET /api/v1/namespaces/default/../kube-system/secrets",
        "GET /api/v1/namespaces/default/%2E%2E/kube-system/secrets",
        "GET /api/v1/./pods",
        "GET /api/v1/p%6Fds",
        "GET /api/v1/pods%00",
        "GET /api/v1/pods;x=1",
        "GET /api/v1/pods/",
        "GET /api/v1/pods?a=1;b=2",
        "TRACE /api/v1/pods",
        "POST /api/v1/nodes/demo/proxy/exec/default/shell/main?command=id",
        "POST /api/v1/nodes/demo/proxy/run/default/shell/main?cmd=id",
        "GET /api/v1/nodes/demo/proxy/attach/default/shell/main",
        "GET /api/v1/nodes/demo/proxy/portForward/default/shell",
        "GET /api/v1/nodes/demo/proxy/cri/exec/token",
        "GET /api/v1/nodes/demo:10250/proxy/exec/default/shell/main",
        "GET /api/v1/proxy/nodes/demo/exec/default/shell/main",
    ] {
        let answer = world.gate.raw_kube(&alice, &format!("{line} HTTP/1.1"));
        assert!((400..500).contains(&answer.0), "{line}: {answer:?}");
        said.answer(&format!("> {line}"), &answer);
    }
    assert_eq!(arrived(&world), 0, "{:?}", world.kube.requests());
    insta::assert_snapshot!("paths", said.end());
}

/// A certificate with the form of a user's, for a key of its own.
fn host_style(ca: &Authority, name: &str) -> Shown {
    let key = KeyPair::generate();
    let validity = Validity::starting(Timestamp::now(), SignedDuration::from_hours(1));
    let cert = ca.sign_host(&[name.to_owned()], &key.public(), validity).unwrap();
    Shown { cert: cert.to_pem(), key: key.to_pem().unwrap().to_string() }
}

#[test]
fn certificates_that_open_nothing() {
    let world = World::start();
    // The name of the login has as many letters as the mark that is put in its place further down.
    world.connector_with(
        "  teams_to_logins:\n  - organization: octocats\n    team: admins\n    logins: [tencharact]\n    kubernetes_groups: [\"system:masters\"]\n",
    );
    world.tctl(&["create", "github.yaml"]).succeeds();
    world.login();
    let alice = Shown::of_profile(&world, "alice");
    let user_ca = world.gate.authority(AuthorityKind::User);
    let host_ca = world.gate.authority(AuthorityKind::Host);
    let marked = |mark: &[u8; 10]| {
        // L (2.5.4.7) becomes OU (2.5.4.11); the string's type and length stay.
        let old = [&[0x55, 4, 7, 0x13, 10], &b"tencharact"[..]].concat();
        let new = [&[0x55, 4, 11, 0x13, 10], &mark[..]].concat();
        alice.forged(user_ca.key(), &[(&old, &new)])
    };
    let user_name_ca = Authority::from_pem(
        AuthorityKind::User,
        "access",
        &user_ca.key().to_pem().unwrap(),
        &user_ca.certificate().to_pem(),
    )
    .unwrap();
    let now = Timestamp::now();
    let in_hours = |h: i64| now + SignedDuration::from_hours(h);
    let with_ca =
        Shown { cert: format!("{}{}", alice.cert, user_ca.certificate().to_pem()), key: alice.key.clone() };
    let other_ca = KeyPair::generate();
    let mut said = world.transcript();
    arrived(&world);
    let path = "GET /api/v1/namespaces/default/pods HTTP/1.1";
    for (what, shown) in [
        ("of another CA that says it is ours", alice.forged(&other_ca, &[])),
        ("of the host CA", alice.forged(host_ca.key(), &[])),
        ("valid from tomorrow", alice.valid(user_ca.key(), in_hours(24), in_hours(36))),
        ("expired", alice.valid(user_ca.key(), in_hours(-13), in_hours(-1))),
        ("a host's", host_style(&host_ca, "alice")),
        ("a host's, signed by the user CA", host_style(&user_name_ca, "alice")),
        ("for another use", marked(b"usage:nope")),
        ("with an intermediate", with_ca),
        ("the gate's administrator", Shown::of_administrator(&world)),
    ] {
        let kube = world.gate.raw_kube(&shown, path);
        assert!(matches!(kube.0, 401 | 403), "{what}: {kube:?}");
        said.answer(&format!("> kube: {what}"), &kube);
        if what != "the gate's administrator" {
            let admin = world.gate.raw_admin(world.gate.admin, Some(&shown), "GET /v2/roles", "");
            assert!(matches!(admin.0, 401 | 403), "{what}: {admin:?}");
            said.answer(&format!("> admin: {what}"), &admin);
        }
    }
    let nobody = world.gate.raw(
        world.gate.kube,
        "127.0.0.1",
        None,
        "GET /api HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    said.answer("> kube: none", &nobody);
    said.answer("> admin: none", &world.gate.raw_admin(world.gate.admin, None, "GET /v2/roles", ""));
    assert_eq!(arrived(&world), 0);

    let kube_only = marked(b"usage:kube");
    assert_eq!(world.gate.raw_kube(&kube_only, path).0, 200);
    for port in [world.gate.admin, world.gate.web] {
        let refused = world.gate.raw_admin(port, Some(&kube_only), "GET /v2/roles", "");
        assert_eq!(refused.0, 403, "{refused:?}");
        said.answer("> admin: for Kubernetes alone", &refused);
    }
    assert_eq!(world.gate.raw_kube(&alice, path).0, 200, "the certificate itself is good");
    insta::assert_snapshot!("certificates", said.end());
}

#[test]
fn kubectl_shows_why_a_certificate_is_not_taken() {
    let world = World::with_connector();
    world.login();
    let user_ca = world.gate.authority(AuthorityKind::User);
    let now = Timestamp::now();
    let in_hours = |h: i64| now + SignedDuration::from_hours(h);
    let alice = Shown::of_profile(&world, "alice");
    let mut said = world.transcript();
    for version in Kubectl::ALL {
        // To newer ones an answer 401 to their discovery says nothing; now they know the cluster's resources.
        world.kubectl(version, &["get", "pods"]).succeeds();
    }
    for (what, shown) in [
        ("valid from tomorrow", alice.valid(user_ca.key(), in_hours(24), in_hours(36))),
        ("of another CA", alice.forged(&KeyPair::generate(), &[])),
    ] {
        shown.write_to_profile(&world, "alice");
        said.line(&format!("# {what}"));
        for version in Kubectl::ALL {
            let run = world.kubectl(version, &["get", "pods"]).fails_with(1);
            // Newer ones log each attempt at discovery before they say it.
            let last = run.stderr.lines().last().unwrap_or_default().to_owned();
            said.line(&format!("{version:?}: {last}"));
        }
    }
    insta::assert_snapshot!("kubectl_unauthorized", said.end());
}

#[test]
fn somebody_whom_no_role_lets_into_kubernetes() {
    let world = World::start();
    world.connector_with(
        "  teams_to_logins:\n  - organization: octocats\n    team: admins\n    logins: [root]\n",
    );
    world.tctl(&["create", "github.yaml"]).succeeds();
    world.login();
    let alice = Shown::of_profile(&world, "alice");
    let mut said = world.transcript();
    said.answer("> get pods", &world.gate.raw_kube(&alice, "GET /api/v1/namespaces/default/pods HTTP/1.1"));
    for version in Kubectl::ALL {
        said.run(world.kubectl(version, &["get", "pods"]).fails_with(1));
    }
    insta::assert_snapshot!("no_kubernetes", said.end());
}

#[test]
fn a_guest_cannot_become_more() {
    let world = World::start();
    world.connector("devs", "guest");
    world.tctl(&["create", "github.yaml"]).succeeds();
    let (run, _) = world.login_as("bob", Consent::Approve, &[]);
    run.succeeds();
    let before = world.tctl(&["get", "github,role,user", "--with-secrets"]).succeeds().stdout;
    let bob = Shown::of_profile(&world, "bob");
    world.connector("devs", "system:masters");
    let mut said = world.transcript();
    said.run(world.tctl_as_person(&["create", "-f", "github.yaml"]).fails_with(1));
    said.run(world.tctl_as_person(&["create", "github.yaml"]).fails_with(1));
    said.run(world.tctl_as_person(&["rm", "github/github"]).fails_with(1));
    said.run(world.tctl_as_person(&["get", "github", "--with-secrets"]).fails_with(1));
    let yaml = std::fs::read_to_string(world.dir().join("github.yaml")).unwrap();
    let connector: serde_json::Value = serde_yaml::from_str(&yaml).unwrap();
    let body = serde_json::json!({ "connector": connector }).to_string();
    let role = serde_json::json!({"role": {"kind": "role", "version": "v3", "metadata": {"name": "access"},
        "spec": {"allow": {"kubernetes_groups": ["system:masters"], "rules": [{"resources": ["*"], "verbs": ["*"]}]}}}})
    .to_string();
    for (name, port) in [("3025", world.gate.admin), ("3080", world.gate.web)] {
        for (first, body) in [
            ("PUT /v2/github/connectors", &*body),
            ("POST /v2/github/connectors", &body),
            ("DELETE /v2/github/connectors/github", ""),
            ("GET /v2/github/connectors?with_secrets=true", ""),
            ("POST /v2/roles", &role),
            ("DELETE /v2/roles/access", ""),
            ("DELETE /v2/users/bob", ""),
        ] {
            let answer = world.gate.raw_admin(port, Some(&bob), first, body);
            assert_eq!(answer.0, 403, "{name} {first}: {answer:?}");
            said.answer(&format!("> {name}: {first}"), &answer);
        }
    }
    let after = world.tctl(&["get", "github,role,user", "--with-secrets"]).succeeds().stdout;
    assert_eq!(after, before);
    insta::assert_snapshot!("guest", said.end());
    let audit = world.gate.audit();
    let denied: Vec<&str> =
        audit.lines().filter(|l| l.contains("\"bob\"") && l.contains("access denied")).collect();
    assert!(denied.len() >= 18, "{audit}");
}
