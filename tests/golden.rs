//! What a stock Teleport 4.0.2 said, against what we read, say and print.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    path::Path,
    sync::Arc,
};

use jumpgate::{
    client::{
        address::Address,
        proxy::{ProxyClient, ProxyError},
        trust::Trust,
    },
    pki::{Certificate, SshCertificate},
    wire::{
        discovery::Ping,
        login::{ConsoleRequest, LoginResponse},
    },
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::{Value, json};

use crate::support::{
    replay::Replay,
    run::Person,
    world::{CLUSTER, Run, World, runtime},
};

macro_rules! stock {
    ($name:literal) => {
        include_str!(concat!("data/teleport-4.0.2/", $name))
    };
}

/// The first line; some captures have the status in the second.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

// What a stock server says, read by our client.

#[test]
fn our_client_reads_a_stock_proxy() {
    let server = Replay::start(&[
        ("GET /v1/webapi/find", 200, stock!("web/find.json")),
        ("GET /v1/webapi/ping/nope", 400, "{\"message\":\"invalid connector name nope\"}"),
        ("POST /v1/webapi/github/login/console", 200, stock!("web/github_login_console.json")),
    ]);
    assert_eq!(
        first_line(stock!("web/ping-unknown-connector.txt")),
        "{\"message\":\"invalid connector name nope\"}"
    );
    let address = Address::parse(&format!("localhost:{}", server.port), 3080).expect("an address");
    let trust = Trust { ca_pem: server.ca_pem.clone(), ..Trust::default() };
    let client = ProxyClient::new(&address, trust).expect("a client");
    runtime().block_on(async {
        let found = client.find().await.expect("find");
        assert_eq!(found.server_version, "4.0.2");
        assert_eq!(found.min_client_version, "3.0.0");
        assert!(found.proxy.kube.enabled);
        assert_eq!(found.proxy.kube.public_addr.as_deref(), Some("localhost:3026"));
        assert_eq!(found.proxy.ssh.listen_addr.as_deref(), Some("127.0.0.1:3023"));
        assert_eq!(found.proxy.ssh.public_addr.as_deref(), Some("localhost:3080"));
        let unknown = client.ping(Some("nope")).await.expect_err("there is no such connector");
        assert!(unknown.to_string().contains("nope"), "{unknown}");
        assert!(!matches!(unknown, ProxyError::NotAGate { .. }), "{unknown}");
        let begun = client.console_login("github", &ConsoleRequest::default()).await.expect("a login begins");
        assert!(
            begun
                .redirect_url
                .starts_with("https://github.com/login/oauth/authorize?client_id=dummy-client-id&")
        );
    });
}

#[test]
fn our_client_reads_certificates_of_a_stock_proxy() {
    for (answer, ssh, x509) in [
        (stock!("web/ssh-certs-ecdsa.json"), stock!("web/ssh-cert-ecdsa.pub"), stock!("web/x509-ecdsa.pem")),
        (stock!("web/ssh-certs-rsa.json"), stock!("web/ssh-cert-rsa.pub"), stock!("web/x509-rsa.pem")),
    ] {
        let answer: LoginResponse = serde_json::from_str(answer).expect("it parses");
        assert_eq!(answer.username, "alice");
        assert_eq!(answer.cert.as_text().expect("text").trim(), ssh.trim());
        assert_eq!(answer.tls_cert.as_text().expect("text").trim(), x509.trim());
        let ssh = SshCertificate::from_line(ssh.trim()).expect("an SSH certificate");
        assert_eq!(ssh.username(), "alice");
        assert_eq!(ssh.logins(), ["root", "alice"]);
        let x509 = Certificate::from_pem(x509).expect("an X.509 certificate");
        assert_eq!(x509.issuer_cluster().as_deref(), Some(CLUSTER));
        assert_eq!(answer.host_signers.len(), 1);
        assert_eq!(answer.host_signers[0].domain_name, CLUSTER);
        let ca = answer.host_signers[0].tls_certs[0].as_text().expect("PEM");
        assert!(Certificate::from_pem(ca).expect("a CA").is_ca());
    }
    let sentence = |body: &str| jumpgate::wire::error::ErrorBody::sentence(body.as_bytes());
    assert_eq!(
        sentence(stock!("web/ssh-certs-ed25519.error.json")).as_deref(),
        Some("x509: only RSA and ECDSA public keys supported")
    );
    let denied = first_line(stock!("web/ssh-certs-bad-password.txt"));
    assert_eq!(sentence(denied).as_deref(), Some("invalid username or password"));
}

/// Our `tctl` at a stock auth server: what it prints is what stock `tctl` printed.
#[test]
fn our_tctl_works_at_a_stock_auth_server() {
    let server = Replay::start(&[
        ("GET /v2/github/connectors", 200, stock!("admin/get-github-connectors.json")),
        ("GET /v2/roles", 200, stock!("admin/get-roles.json")),
        ("GET /v2/users", 403, stock!("admin/get-users.denied.json")),
        ("POST /v2/github/connectors", 200, "{\"message\":\"ok\"}"),
        ("DELETE /v2/github/connectors/ghx", 200, "{\"message\":\"ok\"}"),
        (
            "DELETE /v2/github/connectors/gone",
            404,
            "{\"message\":\"key /web/connectors/github/connectors/gone is not found\"}",
        ),
    ]);
    let person = Person::with_stock_profile();
    let keys = ".tsh/keys/localhost";
    let identity = person.read(&format!("{keys}/alice")) + &person.read(&format!("{keys}/alice-x509.pem"));
    person.write("identity", &(identity + &server.ca_pem));
    let tctl = |args: &[&str]| {
        let mut command = person.program(Path::new(env!("CARGO_BIN_EXE_tctl")), args);
        command.env("TELEPORT_AUTH_SERVER", format!("127.0.0.1:{}", server.port));
        command.env("TELEPORT_IDENTITY_FILE", person.path("identity"));
        Run::of(command)
    };
    assert_eq!(tctl(&["get", "github"]).succeeds().stdout, stock!("tctl/get.stdout"));
    let text = tctl(&["get", "github", "--format=text"]).succeeds().stdout;
    assert_eq!(text, without_trailing_spaces(stock!("tctl/get_text.stdout")));
    tctl(&["get", "roles", "--format=text"]).succeeds().says("{{internal.kubernetes_groups}}");
    tctl(&["get", "users"]).fails_with(1).says("alice may not list users at 127.0.0.1:");

    let request: Value =
        serde_json::from_str(stock!("admin/post-github-connector.request.json")).expect("JSON");
    let file = person.path("ghx.json");
    fs::write(&file, request["connector"].to_string()).expect("a file");
    let file = file.to_str().expect("text");
    assert_eq!(
        tctl(&["create", file]).succeeds().stdout,
        "authentication connector \"ghx\" has been created\n"
    );
    let asked = server.asked();
    let posted = asked.iter().find(|a| a.what == "POST /v2/github/connectors").expect("it was posted");
    assert_eq!(posted.body, request, "the body is the one that a stock server took");
    assert_eq!(tctl(&["rm", "github/ghx"]).succeeds().stdout, "github connector \"ghx\" has been deleted\n");
    tctl(&["rm", "github/gone"]).fails_with(1).says("github connector \"gone\" is not found");
}

// What our gate says, beside what a stock one said.

#[test]
fn our_web_port_answers_in_the_stock_forms() {
    let world = World::with_connector();
    let http = https(&world, None, world.gate.web);
    let web = format!("https://{}", world.gate.web);
    for version in ["", "/v1"] {
        let find = get(&http, &format!("{web}{version}/webapi/find"));
        assert_eq!(find.0, 200);
        // The gate serves no SSH ports yet, so it names none.
        let missing = ["proxy.ssh.listen_addr: string", "proxy.ssh.tunnel_listen_addr: string"];
        compare(&find.1, stock!("web/find.json"), &missing, &["cluster_name: string", "code_login: bool"]);
        let ping = get(&http, &format!("{web}{version}/webapi/ping/github"));
        assert_eq!(
            ping.1["auth"],
            json!({"type": "github", "github": {"name": "github", "display": "Github"}})
        );
        let _: Ping = serde_json::from_value(ping.1).expect("our own client reads it");
        let unknown = get(&http, &format!("{web}{version}/webapi/ping/nope"));
        assert_eq!(unknown.0, 400);
        assert_eq!(unknown.1.to_string(), first_line(stock!("web/ping-unknown-connector.txt")));
    }
    let key = jumpgate::pki::KeyPair::generate().public().to_authorized_key().expect("a key");
    let request = ConsoleRequest {
        redirect_url: format!("http://127.0.0.1:1/callback?secret_key={}", "0".repeat(64)),
        public_key: key.into(),
        connector_id: "github".into(),
        ..ConsoleRequest::default()
    };
    let console = runtime().block_on(async {
        let answer = http.post(format!("{web}/v1/webapi/github/login/console")).json(&request).send().await;
        answer.expect("an answer").json::<Value>().await.expect("JSON")
    });
    compare(&console, stock!("web/github_login_console.json"), &[], &[]);
    let parameters = |answer: &Value| -> BTreeMap<String, String> {
        let url = url::Url::parse(answer["redirect_url"].as_str().expect("text")).expect("an address");
        url.query_pairs().into_owned().collect()
    };
    let (ours, stock) = (
        parameters(&console),
        parameters(&serde_json::from_str(stock!("web/github_login_console.json")).expect("JSON")),
    );
    let more: Vec<&String> = ours.keys().filter(|key| !stock.contains_key(*key)).collect();
    assert_eq!(more, ["code_challenge", "code_challenge_method"], "PKCE is all that we add");
    for key in ["response_type", "scope"] {
        assert_eq!(ours[key], stock[key], "{key}");
    }
    assert!(ours["state"].len() >= 32, "{ours:?}");
}

#[test]
fn our_admin_api_answers_in_the_stock_forms() {
    let world = World::with_connector();
    world.login();
    let admin = fs::read_to_string(world.gate.data().join("admin.pem")).expect("admin.pem");
    let http = https(&world, Some(&admin), world.gate.admin);
    let api = |path: &str| {
        get(&http, &format!("https://teleport.cluster.local:{}/v2/{path}", world.gate.admin.port()))
    };
    assert_eq!(api("domain"), (200, serde_json::from_str(stock!("admin/get-domain.json")).expect("JSON")));
    // Our CAs are made once and never written again, so they have no revision.
    let authorities = api("authorities/user").1;
    compare(&authorities, stock!("admin/get-authorities-user.json"), &["[].metadata.id: number"], &[]);
    compare(
        &api("github/connectors").1,
        stock!("admin/get-github-connectors.json"),
        &[],
        // The demo's GitHub is not github.com, and what is stored has a revision.
        &["[].metadata.id: number", "[].spec.api_endpoint_url: string", "[].spec.endpoint_url: string"],
    );
    // Built-in roles are not stored, so they have no revision; and ours also name Kubernetes users.
    compare(
        &api("roles").1,
        stock!("admin/get-roles.json"),
        &["[].metadata.id: number"],
        &["[].spec.allow.kubernetes_users[]: string"],
    );

    let person = person_identity(&world);
    let http = https(&world, Some(&person), world.gate.web);
    let users = get(&http, &format!("https://teleport.cluster.local:{}/v2/users", world.gate.web.port()));
    assert_eq!(users.0, 403, "{}", users.1);
    assert_eq!(users.1.to_string(), first_line(stock!("admin/get-users.denied.json")));
}

#[test]
fn our_audit_log_writes_a_login_in_the_stock_form() {
    let world = World::with_connector();
    world.login();
    let stock: Vec<Value> = serde_json::from_str(stock!("admin/get-events.json")).expect("JSON");
    let stock = stock.iter().find(|e| e["event"] == "user.login").expect("a login");
    let audit = world.gate.audit();
    let ours: Vec<Value> = audit.lines().map(|l| serde_json::from_str(l).expect("JSON lines")).collect();
    let ours = ours.iter().find(|e| e["event"] == "user.login").expect("a login");
    let missing: Vec<_> = shape(stock).difference(&shape(ours)).cloned().collect();
    assert!(missing.is_empty(), "a stock login event has {missing:?}: {ours}");
    assert_eq!(ours["success"], json!(true));
}

// What our tctl says, beside what stock tctl said.

#[test]
fn our_tctl_says_what_stock_tctl_says() {
    let world = World::start();
    let write = |name: &str, text: &str| fs::write(world.dir().join(name), text).expect("a file");
    write("github.yaml", stock!("tctl/github.yaml"));
    let tctl = |args: &[&str]| world.tctl(args);
    let said = |args: &[&str], code: &str| {
        let run = tctl(args);
        assert_eq!(run.code.to_string(), code.trim(), "{args:?}: {}", run.stderr);
        run.stdout
    };
    assert_eq!(said(&["create", "github.yaml"], stock!("tctl/create.rc")), stock!("tctl/create.stdout"));
    assert_eq!(without_id(&said(&["get", "github"], stock!("tctl/get.rc"))), stock!("tctl/get.stdout"));
    let one = said(&["get", "github/github", "--format=json"], stock!("tctl/get_json.rc"));
    assert_eq!(without_id(&one).trim_end(), stock!("tctl/get_json.stdout").trim_end());
    let text = said(&["get", "github", "--format=text"], stock!("tctl/get_text.rc"));
    assert_eq!(text, without_trailing_spaces(stock!("tctl/get_text.stdout")));
    let secrets = said(&["get", "github", "--with-secrets"], stock!("tctl/get_withsecrets.rc"));
    assert_eq!(without_id(&secrets), stock!("tctl/get_withsecrets.stdout"));
    let again = tctl(&["create", "github.yaml"]);
    let over = said(&["create", "-f", "github.yaml"], stock!("tctl/create_f.rc"));
    assert_eq!(over, stock!("tctl/create_f.stdout"));
    assert_eq!(said(&["rm", "github/github"], stock!("tctl/rm.rc")), stock!("tctl/rm.stdout"));
    // That there are none is no failure.
    said(&["get", "github"], stock!("tctl/get_after.rc"));

    write("bad.yaml", "kind: github\nversion: v3\nmetadata: {name: x}\nspec: {client_id: a}\n");
    write("badkind.yaml", "kind: nope\nversion: v3\nmetadata: {name: x}\nspec: {}\n");
    write("empty.yaml", "");
    let failures = [
        ("create, there already", again, stock!("tctl/create_again.stderr"), stock!("tctl/create_again.rc")),
        (
            "create, no secret",
            tctl(&["create", "bad.yaml"]),
            stock!("tctl/create_bad.stderr"),
            stock!("tctl/create_bad.rc"),
        ),
        (
            "create, unknown kind",
            tctl(&["create", "badkind.yaml"]),
            stock!("tctl/create_badkind.stderr"),
            stock!("tctl/create_badkind.rc"),
        ),
        (
            "create, empty file",
            tctl(&["create", "empty.yaml"]),
            stock!("tctl/create_empty.stderr"),
            stock!("tctl/create_empty.rc"),
        ),
        ("get, unknown kind", tctl(&["get", "bogus"]), stock!("tctl/bad.stderr"), stock!("tctl/bad.rc")),
        (
            "rm, not there",
            tctl(&["rm", "github/github"]),
            stock!("tctl/rm_again.stderr"),
            stock!("tctl/rm_again.rc"),
        ),
    ];
    let mut table = String::new();
    for (what, ours, stderr, code) in failures {
        assert_eq!(ours.code.to_string(), code.trim(), "{what}: {}", ours.stderr);
        assert_eq!(ours.stdout, "", "{what}: standard output belongs to results");
        table.push_str(&format!("{what}\n  stock: {}\n", stderr.trim_end()));
        for line in ours.stderr.lines() {
            table.push_str(&format!("  ours:  {line}\n"));
        }
    }
    insta::assert_snapshot!("golden_tctl_failures", table);
}

// What our tsh says, beside what stock tsh said.

#[test]
fn our_tsh_reads_a_stock_home_and_lists_clusters_alike() {
    let status = Person::with_stock_profile().tsh(&["status"]).stdout;
    let stock: Vec<&str> =
        stock!("tsh/e2e_login.txt").lines().filter(|l| l.starts_with(['>', ' '])).collect();
    let ours: Vec<&str> = status.lines().filter(|line| !line.is_empty()).collect();
    for (ours, stock) in ours.iter().zip(&stock) {
        let label = |line: &str| line.split_inclusive(':').next().expect("a label").to_owned();
        assert_eq!(label(ours), label(stock), "{status}");
    }
    assert_eq!(ours.first(), stock.first());
    assert_eq!(ours.get(1), stock.get(1));
    assert_eq!(ours.last().map(|l| l.trim()), stock.get(6).map(|l| l.trim()), "{status}");

    let world = World::with_connector();
    world.login();
    let clusters = world.tsh(&["clusters"]).succeeds().stdout;
    let stock = without_trailing_spaces(stock!("tsh/e2e_clusters.txt"));
    assert_eq!(clusters.trim_end(), stock.trim_end());
}

// Tools

/// A line for each value of a JSON text: its place, and its type. Lists count as one element; null has no type.
fn shape(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, place: &str, out: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let dot = if place.is_empty() { "" } else { "." };
                    walk(value, &format!("{place}{dot}{key}"), out);
                }
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, &format!("{place}[]"), out)),
            Value::Null => {}
            Value::Bool(_) => drop(out.insert(format!("{place}: bool"))),
            Value::Number(_) => drop(out.insert(format!("{place}: number"))),
            Value::String(_) => drop(out.insert(format!("{place}: string"))),
        }
    }
    let mut out = BTreeSet::new();
    walk(value, "", &mut out);
    out
}

/// Our answer has what the stock one has, with the same types, but for these and with these more.
#[track_caller]
fn compare(ours: &Value, stock: &str, missing: &[&str], more: &[&str]) {
    let stock = shape(&serde_json::from_str(stock).expect("JSON"));
    let ours_shape = shape(ours);
    let found: Vec<_> = stock.difference(&ours_shape).collect();
    assert_eq!(found, missing, "what ours lacks: {ours}");
    let found: Vec<_> = ours_shape.difference(&stock).collect();
    assert_eq!(found, more, "what ours has more: {ours}");
}

fn without_trailing_spaces(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Without `metadata.id`, the revision that ours shows and stock 4.0.2 did not.
fn without_id(text: &str) -> String {
    let is_id =
        |line: &str| line.trim_start().starts_with("id: ") || line.trim_start().starts_with("\"id\": ");
    let kept: String = text.lines().filter(|line| !is_id(line)).map(|line| format!("{line}\n")).collect();
    assert_ne!(kept, text, "there is a revision");
    kept.replace("\"github\",\n    },", "\"github\"\n    },")
}

/// Key, certificate and CA of alice, who logged in.
fn person_identity(world: &World) -> String {
    let keys = world.home().join(".tsh/keys/127.0.0.1");
    let read = |name: &str| fs::read_to_string(keys.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    read("alice") + &read("alice-x509.pem") + &world.gate.host_ca()
}

/// HTTPS that trusts the gate's CA and shows a certificate, if there is one.
fn https(world: &World, identity: Option<&str>, admin: SocketAddr) -> reqwest::Client {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(world.gate.host_ca().as_bytes()).expect("a CA"))
        .expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let config = match identity {
        None => config.with_no_client_auth(),
        Some(text) => {
            let first = CertificateDer::pem_slice_iter(text.as_bytes()).next().expect("one").expect("PEM");
            let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).expect("a key");
            config.with_client_auth_cert(vec![first], key).expect("a pair")
        }
    };
    let builder = reqwest::Client::builder().tls_backend_preconfigured(config).no_proxy();
    builder.resolve("teleport.cluster.local", admin).build().expect("a client")
}

fn get(http: &reqwest::Client, url: &str) -> (u16, Value) {
    runtime().block_on(async {
        let answer = http.get(url).send().await.unwrap_or_else(|e| panic!("{url}: {e:?}"));
        (answer.status().as_u16(), answer.json().await.unwrap_or_else(|e| panic!("{url}: {e}")))
    })
}
