//! A modern Teleport proxy (v15 to v18) as far as HTTP goes: login, status, kubectl through its TLS-routed port; and what needs gRPC
//! says so. The stand-in checks every request.

use std::path::Path;

use crate::support::{
    modern::{CLUSTER, IDP, Modern},
    run::{Ended, Person},
    world::Kubectl,
};

fn log_in(person: &Person, gate: &Modern, more: &[&str]) -> Ended {
    person.write("ca.pem", &gate.host_ca());
    let (proxy, ca) = (gate.proxy(), format!("--ca-file={}", person.path("ca.pem").display()));
    let args = [&["login", "--browser=none", &proxy, &ca][..], more].concat();
    let login = person.begin(&args);
    let answer = login.browse(&login.link);
    assert!(answer.contains(&format!("Location: {IDP}\r\n")), "{answer}");
    let answer = login.browse(&gate.callback());
    assert!(answer.contains("/web/msg/info/login_success"), "{answer}");
    let ended = login.end();
    assert_eq!(ended.code, 0, "{ended:?}");
    ended
}

#[test]
fn both_connectors_of_every_version() {
    for (major, kind) in
        [(15, "github"), (16, "oidc"), (17, "github"), (17, "oidc"), (18, "github"), (18, "oidc")]
    {
        let (person, gate) = (Person::new(), Modern::start(major, kind));
        let ended = log_in(&person, &gate, &["--auth=sso"]);
        assert!(!ended.stderr.contains("warning"), "{major} {kind}: {ended:?}");
        let asked = gate.asked();
        let both = asked.get("ssh_pub_key").is_some() && asked.get("tls_pub_key").is_some();
        assert_eq!(both, major >= 17, "{asked}");
        assert_eq!(asked.get("public_key").is_some(), major < 17, "{asked}");
        let status = person.tsh(&["status"]);
        assert_eq!(status.code, 0, "{status:?}");
        assert!(status.stdout.contains(CLUSTER) && status.stdout.contains("alice"), "{status:?}");
        assert_eq!(person.tsh(&["clusters"]).code, 0);
        assert_eq!(person.tsh(&["logout"]).code, 0);
    }
}

#[test]
fn kubectl_goes_through_the_tls_routed_port() {
    let (person, gate) = (Person::new(), Modern::start(18, "github"));
    log_in(&person, &gate, &[]);
    let config = person.read(".kube/config");
    assert!(config.contains(&format!("server: https://localhost:{}\n", gate.port)), "{config}");
    assert!(
        config.contains("tls-server-name: kube-teleport-proxy-alpn.teleport.cluster.local\n"),
        "{config}"
    );
    assert!(person.read(".tsh/localhost.yaml").contains("tls_routing_enabled: true"));
    for kubectl in Kubectl::ALL {
        let ended: Ended = person
            .program(&kubectl.path(), &["get", "--raw", "/version"])
            .output()
            .expect("kubectl starts")
            .into();
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.stdout.contains("v1.34.0-modern"), "{ended:?}");
    }
    // The certificate of the login, by its key: kubectl came as alice.
    let certificate = pem::parse(person.read(".tsh/keys/localhost/alice-x509.pem")).expect("PEM");
    let shown = gate.shown();
    assert_eq!(shown.len(), 2);
    assert!(shown.iter().all(|der| der == certificate.contents()));
}

#[test]
fn what_needs_grpc_says_so() {
    let (person, gate) = (Person::new(), Modern::start(18, "github"));
    log_in(&person, &gate, &[]);
    log_in(&person, &gate, &[&format!("--out={}", person.path("alice.pem").display())]);
    let tctl = |args: &[&str]| -> Ended {
        let mut command = person.program(Path::new(env!("CARGO_BIN_EXE_tctl")), args);
        let ended: Ended = command.output().expect("tctl starts").into();
        assert_eq!(ended.code, 1, "{ended:?}");
        ended
    };
    let server = format!("--auth-server=localhost:{}", gate.port);
    let identity = person.path("alice.pem").display().to_string();
    let by_address = ["--identity", &identity, &server];
    let mut lines = vec![tctl(&["get", "roles"]).stderr];
    // By address: such a server answers that it has no such path any more.
    for args in [&["get", "github/sso"][..], &["rm", "github/sso"]] {
        lines.push(tctl(&[&by_address[..], args].concat()).stderr);
    }
    let (first, port) = (&lines[0], gate.port.to_string());
    assert!(lines.iter().all(|line| line == first), "{lines:?}");
    insta::assert_snapshot!(first.replace(&port, "PORT"), @"error: the admin API at localhost:PORT speaks gRPC alone, as clusters of Teleport 15 and later do; this tctl speaks the HTTP API of Jumpgate and Teleport 4. Use the tctl that came with that cluster");
}
