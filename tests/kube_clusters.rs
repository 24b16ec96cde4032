//! Many clusters behind one gate: one login, one certificate, both kubectls, every kind of stream.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jumpgate::demo::{browser::Consent, github::Account, kube::KubeDemo};

use crate::{
    key_stores::Bus,
    support::world::{Kubectl, Run, Shown, World, runtime},
};

const STAGING: &str = "teleport.example.com-staging";

/// A gate with `staging` beside the default cluster, and alice logged in.
fn two_clusters(more: &str) -> (World, KubeDemo) {
    let mut staging = None;
    let world = World::start_with(|folder| {
        let kube = runtime()
            .block_on(KubeDemo::start_as("staging", &folder.join("staging")))
            .expect("the second cluster starts");
        let file = folder.join("staging-kubeconfig");
        kube.write_gate_kubeconfig(&file).expect("its kubeconfig is written");
        staging = Some(kube);
        format!(
            "    labels: {{env: prod}}\n    clusters:\n    - name: staging\n      labels: {{env: staging, tier: '2'}}\n      \
             kubeconfig_file: {}\n{more}",
            file.display()
        )
    });
    world.connector("admins", "system:masters");
    world.tctl(&["create", "github.yaml"]).succeeds();
    world.login();
    (world, staging.expect("the second cluster"))
}

fn current(world: &World) -> String {
    world.kubectl(Kubectl::WebSocket, &["config", "current-context"]).succeeds().stdout.trim().to_owned()
}

#[test]
fn the_clusters_are_listed_and_one_is_chosen() {
    let (world, _staging) = two_clusters("");
    let listed = world.tsh(&["kube", "ls"]).succeeds().stdout;
    insta::assert_snapshot!(listed);
    assert_eq!(world.tsh(&["kube", "ls", "-q", "--labels", "env=staging"]).succeeds().stdout, "staging\n");
    let json = world.tsh(&["kube", "ls", "--format=json", "--labels=tier=2"]).succeeds().stdout;
    let rows: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        rows,
        serde_json::json!([{"kube_cluster_name": "staging", "labels": {"env": "staging", "tier": "2"}, "selected": false}])
    );
    world.tsh(&["kube", "login", "nowhere"]).fails_with(1).says("guards no Kubernetes cluster \"nowhere\"");
    world.tsh(&["kube", "login", "--labels", "env=test"]).fails_with(1).says("with the labels env=test");
    world.tsh(&["kube", "login", "--all", "--set-context-name", "x"]).fails_with(2).says("the same name");
    world
        .tsh(&["kube", "login", "--set-context-name", "{{.X}}"])
        .fails_with(2)
        .says("{{.KubeName}}, {{.ClusterName}} and {{.User}}");
    let before = fs::read(world.kubeconfig()).expect("a kubeconfig");
    let diff = world.tsh(&["kube", "login", "staging", "--diff"]).succeeds().stdout;
    assert!(diff.lines().any(|l| l.starts_with('+') && l.contains("--kube-cluster=staging")), "{diff}");
    assert_eq!(fs::read(world.kubeconfig()).expect("a kubeconfig"), before);
    world
        .tsh(&["kube", "login", "staging", "--namespace=demo"])
        .succeeds()
        .says("reaches the Kubernetes cluster \"staging\"");
    assert_eq!(current(&world), STAGING);
    let namespaces =
        world.kubectl(Kubectl::WebSocket, &["get", "namespaces", "-o", "name"]).succeeds().stdout;
    assert!(namespaces.contains("namespace/staging"), "{namespaces}");
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("quiet");
    assert!(
        world
            .tsh(&["kube", "ls"])
            .succeeds()
            .stdout
            .lines()
            .any(|l| l.starts_with("staging") && l.ends_with('*'))
    );
    let namespaces = world
        .kubectl(Kubectl::WebSocket, &["--context=teleport.example.com", "get", "namespaces", "-o", "name"]);
    assert!(!namespaces.succeeds().stdout.contains("namespace/staging"));
    world.tsh(&["logout"]).succeeds();
    assert!(!fs::read_to_string(world.kubeconfig()).expect("a kubeconfig").contains("staging"));
}

#[test]
fn a_context_is_found_by_its_clusters_name() {
    let (world, _staging) = two_clusters("");
    world.tsh(&["kube", "login", "staging"]).succeeds();
    world.tsh(&["kube", "use", "teleport.example.com"]).succeeds();
    world.tsh(&["kube", "use", "staging"]).succeeds().says(&format!("→ {STAGING}"));
    assert_eq!(current(&world), STAGING);
    let inside = ["kube", "shell", "staging", "--", "sh", "-c", "echo $TSH_KUBE_CONTEXT"];
    assert_eq!(world.tsh(&inside).succeeds().stdout, format!("{STAGING}\n"));
    // A second context that leads there: then the name says too little, and who is asked says which there are.
    world.tsh(&["kube", "login", "staging", "--set-context-name=also"]).succeeds();
    for command in
        [&["kube", "use", "staging"][..], &["kube", "shell", "staging"], &["kube", "logout", "staging"]]
    {
        let run = world.tsh(command).fails_with(2).says("several contexts lead to the cluster \"staging\": ");
        assert!(run.stderr.contains(STAGING) && run.stderr.contains("also"), "{}", run.stderr);
    }
    world.tsh(&["kube", "logout", "also"]).succeeds().says("context also removed");
    world.tsh(&["kube", "logout", "staging"]).succeeds().says(&format!("context {STAGING} removed"));
    world.tsh(&["kube", "use", "staging"]).fails_with(1).says("there is no context or cluster \"staging\"");
}

#[test]
fn a_login_brings_the_entries_of_the_other_clusters_up_to_date() {
    let (world, _staging) = two_clusters("");
    world.tsh(&["kube", "login", "staging", "--namespace=demo", "--set-context-name=mine"]).succeeds();
    let good = fs::read_to_string(world.kubeconfig()).expect("a kubeconfig");
    // As they were when the gate was elsewhere.
    let moved = good
        .replace("/clusters/staging", ":1/clusters/staging")
        .replace(&format!("--proxy={}", world.gate.web), "--proxy=127.0.0.1:1");
    fs::write(world.kubeconfig(), &moved).expect("a kubeconfig");
    world.tsh(&["login", "--keep-context", "--diff"]).succeeds().says("--kube-cluster=staging");
    world.tsh(&["login", "--keep-context"]).succeeds();
    assert_eq!(fs::read_to_string(world.kubeconfig()).expect("a kubeconfig"), good);
    assert_eq!(current(&world), "mine");
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("quiet");
    // Those of somebody else at the same gate stay as they are.
    let other = moved.replace("--user=alice", "--user=carol");
    fs::write(world.kubeconfig(), &other).expect("a kubeconfig");
    world.tsh(&["login", "--keep-context"]).succeeds();
    let after = fs::read_to_string(world.kubeconfig()).expect("a kubeconfig");
    assert!(after.contains(":1/clusters/staging") && after.contains("--user=carol"), "{after}");
}

/// Who kubectl is by the kubeconfig's user of staging, if that holds a certificate.
fn embedded(world: &World) -> Option<Shown> {
    let text = fs::read_to_string(world.kubeconfig()).expect("a kubeconfig");
    let file: serde_json::Value = serde_yaml::from_str(&text).expect("YAML");
    let users = file["users"].as_array().expect("users");
    let user = &users.iter().find(|user| user["name"] == STAGING).expect("the user of staging")["user"];
    let read = |key: &str| {
        let bytes = STANDARD.decode(user[key].as_str()?).expect("base64");
        Some(String::from_utf8(bytes).expect("PEM"))
    };
    Some(Shown { cert: read("client-certificate-data")?, key: read("client-key-data")? })
}

#[test]
fn a_login_brings_embedded_certificates_of_the_other_clusters_up_to_date() {
    let (world, _staging) = two_clusters("");
    let as_in_profile = |what: &str| {
        let (written, kept) = (embedded(&world).expect(what), Shown::of_profile(&world, "alice"));
        assert_eq!((written.cert, written.key), (kept.cert, kept.key), "{what}");
    };
    world.tsh(&["kube", "login", "staging", "--embed-certs", "--namespace=demo"]).succeeds();
    as_in_profile("kube login");
    let first = embedded(&world).expect("a certificate").cert;
    let text = || fs::read_to_string(world.kubeconfig()).expect("a kubeconfig");
    // Nothing is new: nothing is written.
    world.tsh(&["login", "--keep-context"]).succeeds();
    let before = text();
    world.tsh(&["login", "--keep-context"]).succeeds();
    assert_eq!(text(), before);

    world.tsh(&["login", "--renew", "--keep-context"]).succeeds();
    as_in_profile("login --renew");
    assert_ne!(embedded(&world).expect("a certificate").cert, first);
    // The namespace stays, and the default cluster's entry is what this login asked for.
    assert_eq!(text().matches("namespace: demo").count(), 1, "{}", text());
    assert_eq!(text().matches("client-key-data").count(), 1, "{}", text());
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("quiet");
    world.login_as("alice", Consent::Approve, &["--force", "--keep-context"]).0.succeeds();
    as_in_profile("login --force");
    let moved = text().replace("/clusters/staging", ":1/clusters/staging");
    fs::write(world.kubeconfig(), moved).expect("a kubeconfig");
    let diff = world.tsh(&["login", "--keep-context", "--diff"]).succeeds().stdout;
    assert!(diff.lines().any(|l| l.starts_with('+') && l.contains("/clusters/staging")), "{diff}");
    assert!(text().contains(":1/clusters"), "--diff changes nothing");
    world.tsh(&["login", "--keep-context"]).succeeds();
    assert!(!text().contains(":1/clusters"), "{}", text());

    // Somebody else who signs in at the same gate gets a login, and alice's entry is not theirs.
    world.github.set_account("bob", Account::new(1002, &["octocats/admins"]));
    world.login_as("bob", Consent::Approve, &["--force", "--keep-context"]).0.succeeds();
    as_in_profile("the login of bob");
    let bobs = Shown::of_profile(&world, "bob").cert;
    assert_ne!(embedded(&world).expect("a certificate").cert, bobs);
}

#[test]
fn an_embedded_key_that_went_to_a_keyring_leaves_the_kubeconfig() {
    let (bus, (world, _staging)) = (Bus::with_keyring(true), two_clusters(""));
    world.tsh(&["kube", "login", "staging", "--embed-certs", "--namespace=demo"]).succeeds();
    let with_bus = |program: &Path, args: &[&str]| {
        let mut command = world.command(program, args);
        command.env("DBUS_SESSION_BUS_ADDRESS", bus.address());
        Run::of(command)
    };
    let tsh = |args: &[&str]| with_bus(Path::new(env!("CARGO_BIN_EXE_tsh")), args);
    world.tsh(&["login", "--embed-certs", "--keep-context"]).succeeds();
    let text = || fs::read_to_string(world.kubeconfig()).expect("a kubeconfig");
    let with_copies = text();
    assert_eq!(with_copies.matches("client-key-data").count(), 2, "{with_copies}");
    let diff = tsh(&["keys", "move", "--to=keyring", "--diff"]).succeeds().stdout;
    assert!(diff.lines().any(|l| l.starts_with('+') && l.contains("--kube-cluster=staging")), "{diff}");
    assert_eq!(text(), with_copies, "--diff changes nothing");
    tsh(&["keys", "ls"]).succeeds().says("file");

    tsh(&["keys", "move", "--to=keyring"]).succeeds().says("kubectl gets it from tsh now");
    let moved = text();
    assert!(!moved.contains("client-key-data") && moved.contains("--kube-cluster=staging"), "{moved}");
    assert_eq!(current(&world), STAGING);
    assert!(moved.contains("namespace: demo"), "{moved}");
    with_bus(&Kubectl::WebSocket.path(), &["get", "pods"]).succeeds().says("quiet");

    // A copy that a move did not see leaves at the next one, or at the next login.
    fs::write(world.kubeconfig(), &with_copies).expect("a kubeconfig");
    tsh(&["keys", "move", "--to=keyring"]).succeeds().says("kubectl gets it from tsh now");
    assert_eq!(text(), moved);
    fs::write(world.kubeconfig(), &with_copies).expect("a kubeconfig");
    tsh(&["login", "--renew", "--keep-context"])
        .succeeds()
        .says(&format!("so its copy leaves the kubeconfig: the context {STAGING} gets it from tsh now"));
    assert_eq!(text(), moved);
}

#[test]
fn every_stream_reaches_the_named_cluster_with_both_kubectls() {
    let (world, staging) = two_clusters("");
    world.tsh(&["kube", "login", "staging"]).succeeds();
    fs::write(world.dir().join("sent"), "over the prefix").expect("a file");
    for (index, kubectl) in Kubectl::ALL.into_iter().enumerate() {
        staging.clear_requests();
        let run = |args: &[&str]| world.kubectl(kubectl, args).succeeds();
        assert_eq!(run(&["exec", "shell", "--", "echo", "from staging"]).stdout, "from staging\n");
        let to = format!("shell:/tmp/sent-{index}");
        run(&["cp", "sent", &to]);
        let back = format!("back-{index}");
        run(&["cp", &to, &back]);
        assert_eq!(fs::read_to_string(world.dir().join(&back)).expect("a file"), "over the prefix");
        let logs = world.kubectl_live(kubectl, &["logs", "-f", "--tail=1", "-n", "demo", "quiet"]);
        let line = format!("said to {kubectl:?}");
        // Until the follower is there the line may be said before its time; it is in the log then all the same.
        assert!(staging.say("demo", "quiet", "quiet", &line));
        logs.says(&line);
        let forward = world.kubectl_live(kubectl, &["port-forward", "-n", "demo", "pair", ":8080"]);
        let port = forward.finds("its port", |text| {
            text.split_once("127.0.0.1:")
                .and_then(|(_, rest)| rest.split_whitespace().next()?.parse::<u16>().ok())
        });
        assert!(answers(port), "no answer through the port-forward");
        assert!(!staging.requests().is_empty());
    }
    assert!(world.kube.requests().iter().all(|request| !request.target.contains("/exec")));
    let events = world.events("exec", 2);
    assert!(events.iter().all(|event| event["kubernetes_cluster"] == "staging"), "{events:?}");
    assert!(world.events("port", 2).iter().all(|event| event["kubernetes_cluster"] == "staging"));
    for kubectl in Kubectl::ALL {
        let kubeconfig = fs::read_to_string(world.kubeconfig()).expect("a kubeconfig");
        let elsewhere = world.dir().join("elsewhere");
        fs::write(&elsewhere, kubeconfig.replace("/clusters/staging", "/clusters/nowhere")).expect("a file");
        let flag = format!("--kubeconfig={}", elsewhere.display());
        // kubectl has a sentence of its own for a 404 of discovery.
        world.kubectl(kubectl, &[&flag, "get", "pods"]).fails_with(1);
        // kubectl 1.20 leaves the path of the server out of this one.
        if kubectl == Kubectl::WebSocket {
            let refused = world.kubectl(kubectl, &[&flag, "get", "--raw", "/api/v1/pods"]).fails_with(1);
            refused.says(
                "no Kubernetes cluster behind this gate is named \"nowhere\"; to see which there are: tsh kube ls",
            );
        }
    }
}

/// Whether anything answers an HTTP request there.
fn answers(port: u16) -> bool {
    use std::io::{Read, Write};
    let mut tcp = std::net::TcpStream::connect(("127.0.0.1", port)).expect("the forwarded port");
    tcp.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    tcp.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("it takes a request");
    let mut first = [0; 16];
    tcp.read(&mut first).is_ok_and(|read| read > 0)
}

#[test]
fn five_hundred_clusters_are_written_at_once_and_the_context_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let more: String = (0..500)
        .map(|i| {
            format!(
                "    - {{name: c-{i}, labels: {{half: '{}'}}, kubeconfig_file: {}}}\n",
                i % 2,
                many(folder.path())
            )
        })
        .collect();
    let (world, _staging) = two_clusters(&more);
    let started = Instant::now();
    world.tsh(&["kube", "login", "--all"]).succeeds().says("knows 502 of the Kubernetes clusters");
    let took = started.elapsed();
    // An unoptimised build on a busy machine; it is a tenth of that alone.
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(current(&world), "teleport.example.com");
    let contexts =
        world.kubectl(Kubectl::WebSocket, &["config", "get-contexts", "-o", "name"]).succeeds().stdout;
    assert_eq!(contexts.lines().count(), 502);
    let args = [
        "kube",
        "login",
        "--labels=half=1",
        "--set-context-name={{.User}}@{{.KubeName}}",
        "--set-current=c-7",
    ];
    world.tsh(&args).succeeds().says("knows 250 of");
    assert_eq!(current(&world), "alice@c-7");
    world
        .tsh(&["kube", "login", "--all", "--set-current=nowhere"])
        .fails_with(1)
        .says("--set-current: \"nowhere\"");
    assert_eq!(world.events("user.login", 1).len(), 1, "one authentication");
}

/// A kubeconfig of a cluster that nobody reaches.
fn many(folder: &Path) -> String {
    let file = folder.join("kubeconfig");
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}]\n\
                contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {token: t}}]\n";
    fs::write(&file, text).expect("a kubeconfig");
    file.display().to_string()
}
