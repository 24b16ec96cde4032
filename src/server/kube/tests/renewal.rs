//! Credentials that run out or are refused while the gate serves: exec plugins, client certificates, token files.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use http::Request;
use jiff::{SignedDuration, Timestamp};

use super::{
    super::{Upstream, forward::Timeouts},
    api::Api,
    credentials::{config, kubeconfig},
    rig::{Rig, json, next_piece},
};
use crate::pki::{Authority, Certificate, KeyPair, Subject, Validity};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A gate that signs in as this user of a kubeconfig.
async fn rig(api: Api, folder: &Path, user: &str) -> Rig {
    let file = kubeconfig(&api, folder, user);
    let upstream = Upstream::new(&config(&file, Some("right"))).await.unwrap();
    Rig::with(api, upstream, Timeouts::default()).await
}

/// A program that counts its runs in `runs` and prints what is in `answer`, with RUN replaced by the number of the run.
fn plugin(folder: &Path) -> String {
    let script = "#!/bin/sh\ncd \"$(dirname \"$0\")\"\necho run >>runs\nprintf %s \"$KUBERNETES_EXEC_INFO\" >info\n\
                  echo \"asked with $1 $WORD\" >args\nsed \"s/RUN/$(wc -l <runs)/\" answer\ntest ! -e code || { cat code >&2; exit 3; }\n";
    fs::write(folder.join("plugin"), script).unwrap();
    fs::set_permissions(folder.join("plugin"), fs::Permissions::from_mode(0o700)).unwrap();
    "{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: IfAvailable, command: ./plugin, args: [one], \
     env: [{name: WORD, value: two}]}}"
        .into()
}

fn runs(folder: &Path) -> usize {
    fs::read_to_string(folder.join("runs")).unwrap_or_default().lines().count()
}

fn gives(folder: &Path, status: &serde_json::Value) {
    let version = "client.authentication.k8s.io/v1";
    let answer = serde_json::json!({"kind": "ExecCredential", "apiVersion": version, "status": status});
    fs::write(folder.join("answer"), answer.to_string()).unwrap();
}

/// A client certificate of the API server's with its key, both PEM.
fn client(ca: &Authority, name: &str, ttl: SignedDuration) -> (Certificate, String, String) {
    let key = KeyPair::generate();
    let subject = Subject { username: name.into(), roles: vec!["gate".into()], ..Subject::default() };
    let certificate =
        ca.sign_user(&subject, &key.public(), Validity::starting(Timestamp::now(), ttl)).unwrap();
    let (cert, key) = (certificate.to_pem(), key.to_pem().unwrap().to_string());
    (certificate, cert, key)
}

#[tokio::test]
async fn an_exec_plugin_runs_once_and_again_when_its_token_ends() {
    let folder = tempfile::tempdir().unwrap();
    let ends = Timestamp::now() + SignedDuration::from_secs(2);
    gives(folder.path(), &serde_json::json!({"token": "token-RUN", "expirationTimestamp": ends.to_string()}));
    let rig = rig(Api::start().await, folder.path(), &plugin(folder.path())).await;
    for _ in 0..5 {
        assert_eq!(rig.get("/api/v1/pods").await.0, 200);
    }
    assert_eq!(runs(folder.path()), 1);
    let info: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("info")).unwrap()).unwrap();
    assert_eq!((&info["kind"], &info["spec"]["interactive"]), (&"ExecCredential".into(), &false.into()));
    assert_eq!(fs::read_to_string(folder.path().join("args")).unwrap(), "asked with one two\n");
    gives(folder.path(), &serde_json::json!({"token": "token-RUN"}));
    while Timestamp::now() < ends {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // Of many at once one runs it.
    let all = (0..20).map(|_| rig.get("/api/v1/pods"));
    assert!(futures_util::future::join_all(all).await.iter().all(|(code, _)| *code == 200));
    assert_eq!(runs(folder.path()), 2);
    let seen = rig.api.seen();
    assert_eq!(seen[0].all("authorization"), ["Bearer token-1"]);
    assert!(seen[5..].iter().all(|seen| seen.all("authorization") == ["Bearer token-2"]));
}

#[tokio::test]
async fn a_refused_token_makes_the_plugin_run_and_people_notice_nothing() {
    let folder = tempfile::tempdir().unwrap();
    gives(folder.path(), &serde_json::json!({"token": "token-RUN"}));
    let rig = rig(Api::start().await, folder.path(), &plugin(folder.path())).await;
    rig.api.accept_only(|seen| seen.all("authorization") == ["Bearer token-2"]);
    assert_eq!(rig.get("/api/v1/pods").await.0, 200);
    assert_eq!(runs(folder.path()), 2);
    // Refused again: not at each request, or who is refused could keep the gate busy.
    rig.api.accept_only(|_| false);
    let body = http_body_util::Full::new(bytes::Bytes::from_static(b"{}"));
    for _ in 0..3 {
        assert_eq!(rig.get("/api/v1/pods").await.0, 502);
        let request =
            Request::post("/api/v1/namespaces/a/pods").header("host", "gate").body(body.clone()).unwrap();
        assert_eq!(json(rig.ask(request).await).await.0, 502);
    }
    assert_eq!(runs(folder.path()), 2);
}

#[tokio::test]
async fn a_refused_upgrade_is_asked_for_again_and_an_application_s_own_401_is_nobody_s_business() {
    let folder = tempfile::tempdir().unwrap();
    gives(folder.path(), &serde_json::json!({"token": "token-RUN"}));
    let rig = rig(Api::start().await, folder.path(), &plugin(folder.path())).await;
    rig.api
        .accept_only(|seen| seen.uri.contains("/proxy/") || seen.all("authorization") == ["Bearer token-2"]);
    assert_eq!(rig.get("/api/v1/namespaces/a/pods/b/proxy/login").await.0, 401);
    assert_eq!(runs(folder.path()), 1);
    let request = Request::post("/api/v1/namespaces/a/pods/echo/exec?command=sh&stdout=true")
        .header("host", "gate")
        .header("connection", "Upgrade")
        .header("upgrade", "SPDY/3.1")
        .header("x-stream-protocol-version", "v4.channel.k8s.io")
        .body(http_body_util::Full::default())
        .unwrap();
    assert_eq!(rig.ask(request).await.status(), 101);
    assert_eq!(runs(folder.path()), 2);
}

#[tokio::test]
async fn a_plugin_that_gives_certificates_gives_a_new_one_when_that_is_refused() {
    let (folder, api) = (tempfile::tempdir().unwrap(), Api::start().await);
    let (first, cert, key) = client(&api.clients, "one", HOUR);
    gives(folder.path(), &serde_json::json!({"clientCertificateData": cert, "clientKeyData": key}));
    let rig = rig(api, folder.path(), &plugin(folder.path())).await;
    assert_eq!(rig.get("/api/v1/pods").await.0, 200);
    assert_eq!(rig.api.seen()[0].client.as_deref(), Some(first.der()));
    let alice = rig.alice();
    let mut watcher = rig.client(Some(&alice)).await;
    let mut watch = watcher.send_request(super::rig::get("/api/v1/pods?late=1&watch=true")).await.unwrap();
    assert!(next_piece(&mut watch).await.unwrap().contains("ADDED"));
    let (second, cert, key) = client(&rig.api.clients, "two", HOUR);
    gives(folder.path(), &serde_json::json!({"clientCertificateData": cert, "clientKeyData": key}));
    let accepted = second.der().to_vec();
    rig.api.accept_only(move |seen| seen.client.as_deref() == Some(&accepted));
    assert_eq!(
        rig.get("/api/v1/pods").await.0,
        200,
        "it is asked again, on a connection with the new certificate"
    );
    let last = rig.api.seen().pop().unwrap();
    assert_eq!((last.client.as_deref(), last.all("authorization").len()), (Some(second.der()), 0));
    assert_eq!(runs(folder.path()), 2);
    assert!(next_piece(&mut watch).await.unwrap().contains("DELETED"), "what was open goes on");
}

#[tokio::test]
async fn what_a_plugin_does_wrong_is_told_without_what_it_printed() {
    let (folder, api) = (tempfile::tempdir().unwrap(), Api::start().await);
    let at = |name: &str| folder.path().join(name);
    let error = async |user: &str| {
        let file = kubeconfig(&api, folder.path(), user);
        Upstream::new(&config(&file, Some("right"))).await.err().map(|e| e.to_string()).unwrap_or_default()
    };
    let user = plugin(folder.path());
    gives(folder.path(), &serde_json::json!({"token": "hunter2"}));
    fs::write(at("code"), "first\nno ticket; run: kinit\n").unwrap();
    let text = error(&user).await;
    assert!(text.contains("plugin: exit status: 3: no ticket; run: kinit"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    fs::remove_file(at("code")).unwrap();
    let v1 = r#"{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1""#;
    for (answer, expected) in [
        ("hunter2".to_owned(), "not an ExecCredential"),
        (r#"{"kind": "Token", "token": "hunter2"}"#.into(), "not an ExecCredential"),
        (format!("{v1}}}"), "its answer has no status"),
        (format!("{v1}, \"status\": {{}}}}"), "neither a token nor a certificate"),
        (format!("{v1}, \"status\": {{\"clientKeyData\": \"hunter2\"}}}}"), "without its key"),
        (
            format!("{v1}, \"status\": {{\"token\": \"hunter2\", \"expirationTimestamp\": \"soon\"}}}}"),
            "expirationTimestamp is not a time",
        ),
        (
            v1.replace("/v1", "/v1beta1") + ", \"status\": {\"token\": \"hunter2\"}}",
            "it answered in apiVersion",
        ),
    ] {
        fs::write(at("answer"), answer).unwrap();
        let text = error(&user).await;
        assert!(text.contains(expected) && !text.contains("hunter2"), "{expected}: {text}");
    }
    let text = error(&user.replace("IfAvailable", "Always")).await;
    assert!(text.contains("wants a terminal"), "{text}");
    let missing =
        user.replace("command: ./plugin", "command: ./nowhere, installHint: get it from example.com");
    let text = error(&missing).await;
    assert!(text.contains("nowhere: No such file") && text.contains("get it from example.com"), "{text}");
}

#[tokio::test]
async fn a_plugin_that_fails_while_the_gate_serves_is_no_failure_of_the_person() {
    let folder = tempfile::tempdir().unwrap();
    let ends = Timestamp::now() + SignedDuration::from_secs(1);
    gives(folder.path(), &serde_json::json!({"token": "token-RUN", "expirationTimestamp": ends.to_string()}));
    let rig = rig(Api::start().await, folder.path(), &plugin(folder.path())).await;
    assert_eq!(rig.get("/api/v1/pods").await.0, 200);
    fs::write(folder.path().join("code"), "the vault is sealed\n").unwrap();
    while Timestamp::now() < ends {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for _ in 0..5 {
        let (code, status) = rig.get("/api/v1/pods").await;
        assert_eq!(code, 502);
        let message = status["message"].as_str().unwrap();
        assert!(message.contains("the gate has no valid credentials"), "{message}");
        assert!(!message.contains("vault"), "that is for the log: {message}");
    }
    assert_eq!(runs(folder.path()), 2, "not run again for each of them");
}

#[tokio::test]
async fn client_certificates_of_files_sign_the_gate_in_and_are_read_again_before_they_end() {
    let (folder, api) = (tempfile::tempdir().unwrap(), Api::start().await);
    let (cert_file, key_file) = (folder.path().join("gate.crt"), folder.path().join("gate.key"));
    let write = |cert: &str, key: &str| {
        fs::write(&cert_file, cert).unwrap();
        fs::write(&key_file, key).unwrap();
    };
    // It ends within the minute in which a new one is looked for.
    let (first, cert, key) = client(&api.clients, "one", SignedDuration::from_secs(50));
    write(&cert, &key);
    let rig = rig(api, folder.path(), "{client-certificate: gate.crt, client-key: gate.key}").await;
    assert_eq!(rig.get("/api/v1/pods").await.0, 200);
    let (second, cert, key) = client(&rig.api.clients, "two", HOUR);
    write(&cert, &key);
    rig.upstream.age().await;
    assert_eq!(rig.get("/api/v1/pods").await.0, 200);
    // One that cannot be used leaves the last one in place.
    write("nothing", "at all");
    rig.upstream.age().await;
    assert_eq!(rig.get("/api/v1/pods").await.0, 200);
    let seen = rig.api.seen();
    let shown: Vec<_> = seen.iter().map(|seen| seen.client.as_deref().unwrap()).collect();
    assert_eq!(shown, [first.der(), second.der(), second.der()]);
    assert_ne!(seen[0].connection, seen[1].connection);
    // One that the API server refuses before its end is read again as well.
    let (third, cert, key) = client(&rig.api.clients, "three", HOUR);
    write(&cert, &key);
    let accepted = third.der().to_vec();
    rig.api.accept_only(move |seen| seen.client.as_deref() == Some(&accepted));
    rig.upstream.age().await;
    assert_eq!(rig.get("/api/v1/pods").await.0, 200);
}

#[tokio::test]
async fn a_client_certificate_within_the_kubeconfig_signs_the_gate_in() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let (folder, api) = (tempfile::tempdir().unwrap(), Api::start().await);
    let (certificate, cert, key) = client(&api.clients, "gate", HOUR);
    let user = format!(
        "{{client-certificate-data: {}, client-key-data: {}}}",
        STANDARD.encode(cert),
        STANDARD.encode(key)
    );
    let rig = rig(api, folder.path(), &user).await;
    assert_eq!(rig.get("/api/v1/pods").await.0, 200);
    let seen = &rig.api.seen()[0];
    assert_eq!(seen.client.as_deref(), Some(certificate.der()));
    assert!(seen.all("authorization").is_empty());
}

#[tokio::test]
async fn a_token_file_is_read_again_when_its_token_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "one").unwrap();
    let rig = rig(Api::start().await, folder.path(), "{tokenFile: token}").await;
    let rig = Arc::new(rig);
    assert_eq!(rig.get("/api/v1/pods").await.0, 200);
    fs::write(&token, "two").unwrap();
    rig.api.accept_only(|seen| seen.all("authorization") == ["Bearer two"]);
    // The file is not read more than once a second.
    let begin = std::time::Instant::now();
    while rig.get("/api/v1/pods").await.0 != 200 {
        assert!(begin.elapsed() < std::time::Duration::from_secs(5));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
