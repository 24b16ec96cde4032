//! Renewal: the next certificate of a login, without a browser, within the limits of that login.

use std::{fs, path::Path, process::Stdio};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use jumpgate::pki::{AuthorityKind, Certificate};
use rustix::process::Signal;

use crate::support::world::{Kubectl, Live, Run, Shown, World, runtime, wait_for};
use jumpgate::demo::browser::Consent;

fn certificate(world: &World) -> Certificate {
    Certificate::from_pem(&Shown::of_profile(world, "alice").cert).expect("a certificate")
}

/// A gate that renews logins by itself for that long.
fn renewing_world(renewal: &str) -> World {
    let mut world = World::with_connector();
    let file = world.dir().join("jumpgate.yaml");
    let text = fs::read_to_string(&file).expect("jumpgate.yaml");
    let with = text.replacen("auth_service:\n", &format!("auth_service:\n  login_renewal: {renewal}\n"), 1);
    assert_ne!(text, with, "the setting has a place");
    fs::write(&file, with).expect("jumpgate.yaml");
    world.gate.crash_and_restart();
    world
}

fn life(certificate: &Certificate) -> SignedDuration {
    let validity = certificate.validity();
    validity.not_before.duration_until(validity.not_after) - SignedDuration::from_mins(1)
}

/// Puts a certificate that ends in `left` into the profile; it began eleven hours ago, and alice is known for a day.
fn age(world: &World, left: SignedDuration) {
    let store = rusqlite::Connection::open(world.gate.data().join("gate.sqlite")).expect("the store");
    let day_ago = (Timestamp::now() - SignedDuration::from_hours(24)).to_string();
    let sql =
        "UPDATE item SET value = CAST(json_set(value, '$.spec.created', ?1) AS BLOB) WHERE key LIKE '%alice'";
    assert_eq!(store.execute(sql, [day_ago]).expect("alice's record"), 1);
    let ca = world.gate.authority(AuthorityKind::User);
    let now = Timestamp::now();
    let old =
        Shown::of_profile(world, "alice").valid(ca.key(), now - SignedDuration::from_hours(11), now + left);
    old.write_to_profile(world, "alice");
}

/// Puts an earlier certificate of alice and its key into the profile.
fn put_back(world: &World, shown: &Shown) {
    fs::write(world.home().join(".tsh/keys/127.0.0.1/alice"), &shown.key).expect("alice's key");
    shown.write_to_profile(world, "alice");
}

#[test]
fn a_valid_login_is_renewed_without_a_browser_within_its_limits() {
    let world = World::with_connector();
    world.login_as("alice", Consent::Approve, &["--ttl=60"]).0.succeeds();
    let (old, old_key) = (certificate(&world), Shown::of_profile(&world, "alice").key);
    let since = old.login_time().expect("the certificate knows when alice signed in");

    let run = world.tsh(&["login", "--renew", "--ttl=120"]).succeeds();
    assert!(run.stdout.contains("Logged in as: alice"), "{}", run.stdout);
    assert!(!run.stderr.contains("browser"), "{}", run.stderr);
    let new = certificate(&world);
    assert_ne!(new.serial(), old.serial());
    assert_ne!(Shown::of_profile(&world, "alice").key, old_key, "the key is a new one");
    assert_eq!(life(&new), SignedDuration::from_hours(2));
    assert_eq!(new.login_time(), Some(since), "the next one remembers the sign-in");
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds();

    // Whatever is wished, the login ends twelve hours after the sign-in.
    world.tsh(&["login", "--renew", "--ttl=100000"]).succeeds();
    let end = since + SignedDuration::from_hours(12);
    let early = certificate(&world).validity().not_after.duration_until(end);
    assert!((0..=1).contains(&early.as_secs()), "it ends {early} before {end}");
    let event = world.events("cert.create", 2).remove(0);
    assert_eq!((&event["code"], &event["user"]), (&"TC000I".into(), &"alice".into()));
}

#[test]
fn a_login_that_reached_its_end_is_not_renewed() {
    let world = World::with_connector();
    world.login();
    let ca = world.gate.authority(AuthorityKind::User);
    let since = certificate(&world).login_time().expect("a login's time");
    let text = |at: Timestamp| at.strftime("%Y%m%d%H%M%SZ").to_string().into_bytes();
    let long_ago = since - SignedDuration::from_hours(12);
    let old = Shown::of_profile(&world, "alice").forged(ca.key(), &[(&text(since), &text(long_ago))]);
    old.write_to_profile(&world, "alice");
    world
        .tsh(&["login", "--renew"])
        .fails_with(3)
        .says("has reached the end that the roles and the gate allow it");
    assert_eq!(certificate(&world).to_pem(), old.cert, "nothing was changed");
}

#[test]
fn e2_23_a_removed_user_or_role_ends_the_renewals() {
    let world = World::with_connector();
    fs::write(
        world.dir().join("dev.yaml"),
        "kind: role\nversion: v3\nmetadata: {name: dev}\nspec: {allow: {kubernetes_groups: [dev]}}\n",
    )
    .expect("dev.yaml");
    world.tctl(&["create", "dev.yaml"]).succeeds();
    world.connector_with("  teams_to_roles:\n  - {organization: octocats, team: admins, roles: [dev]}\n");
    world.tctl(&["create", "-f", "github.yaml"]).succeeds();
    world.login();
    world.tctl(&["rm", "role/dev"]).succeeds();
    world.tsh(&["login", "--renew"]).fails_with(4).says("role \"dev\" no longer exists");
    world.tctl(&["create", "dev.yaml"]).succeeds();
    world.tsh(&["login", "--renew"]).succeeds();

    // Another login, with the teams of another day, on another machine.
    let earlier = Shown::of_profile(&world, "alice");
    world.connector("admins", "system:masters");
    world.tctl(&["create", "-f", "github.yaml"]).succeeds();
    world.login_as("alice", Consent::Approve, &["--force"]).0.succeeds();
    world.tsh(&["login", "--renew"]).succeeds();
    let later = Shown::of_profile(&world, "alice");
    put_back(&world, &earlier);
    world.tsh(&["login", "--renew"]).fails_with(4).says("no longer those of this certificate");
    put_back(&world, &later);
    world.tsh(&["login", "--renew"]).succeeds();
    let file = fs::read_to_string(world.dir().join("github.yaml")).expect("github.yaml");
    world.tctl(&["rm", "github/github"]).succeeds();
    world.tsh(&["login", "--renew"]).fails_with(4).says("was removed by an administrator, so the login");
    fs::write(world.dir().join("github.yaml"), file).expect("github.yaml");
    world.tctl(&["create", "-f", "github.yaml"]).succeeds();
    world.tsh(&["login", "--renew"]).succeeds();

    world.tctl(&["rm", "user/alice"]).succeeds();
    world.tsh(&["login", "--renew"]).fails_with(4).says("was removed by an administrator");
}

#[test]
fn e2_29_only_the_certificate_of_a_login_is_renewed() {
    let world = World::with_connector();
    let administrator = Shown::of_administrator(&world);
    let body = "{\"public_key\":\"\",\"cert_ttl\":0}";
    let (status, text) =
        world.gate.raw_admin(world.gate.admin, Some(&administrator), "POST /v2/renewal", body);
    assert_eq!(status, 403, "{text}");
    assert!(text.contains("only the certificate of a login can be renewed"), "{text}");
    let (status, text) = world.gate.raw_admin(world.gate.admin, None, "POST /v2/renewal", body);
    assert_eq!(status, 401, "{text}");
}

#[test]
fn a_renewal_keeps_the_cluster_of_the_login() {
    let world = World::start();
    let args = ["login", "--renew", "other.example.com", &world.proxy()];
    world.tsh(&args).fails_with(2).says("the argument '--renew' cannot be used with");
}

#[test]
fn an_expired_certificate_is_not_renewed() {
    let world = World::with_connector();
    world.login();
    age(&world, -SignedDuration::from_mins(1));
    world.tsh(&["login", "--renew"]).fails_with(3).says("only a valid one can be renewed");
}

#[test]
fn the_plugin_renews_by_itself_where_the_gate_allows_it_and_fifty_do_it_once() {
    let world = renewing_world("24h");
    world.login();
    age(&world, SignedDuration::from_mins(5));
    let old = certificate(&world);
    let args = ["kube", "credentials", &world.proxy(), "--user=alice"];
    let all: Vec<_> = (0..50)
        .map(|_| {
            let mut command = world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &args);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
            command.spawn().expect("tsh starts")
        })
        .collect();
    for child in all {
        let ended = child.wait_with_output().expect("tsh ends");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let renewed = wait_for("the next certificate", || {
        let now = certificate(&world);
        (now.serial() != old.serial()).then_some(now)
    });
    assert_eq!(
        life(&renewed).round(jiff::Unit::Hour).expect("hours").as_hours(),
        11,
        "as long as the one before"
    );
    assert_eq!(world.events("cert.create", 1).len(), 1, "one renewal for all");
    world.kubectl(Kubectl::Spdy, &["get", "pods"]).succeeds();
}

/// Who kubectl is by the kubeconfig alone.
fn embedded(world: &World) -> Shown {
    let file: serde_json::Value = serde_yaml::from_str(&kubeconfig(world)).expect("YAML");
    let read = |key: &str| {
        let text = file["users"][0]["user"][key].as_str().unwrap_or_else(|| panic!("{key} in {file}"));
        String::from_utf8(STANDARD.decode(text).expect("base64")).expect("PEM")
    };
    Shown { cert: read("client-certificate-data"), key: read("client-key-data") }
}

fn kubeconfig(world: &World) -> String {
    fs::read_to_string(world.kubeconfig()).expect("a kubeconfig")
}

#[test]
fn the_plugins_renewal_brings_the_copy_in_the_kubeconfig_up_to_date() {
    let world = renewing_world("24h");
    world.login();
    age(&world, SignedDuration::from_mins(5));
    world.tsh(&["login", "--embed-certs"]).succeeds();
    let commented = format!("# mine\n{}", kubeconfig(&world));
    fs::write(world.kubeconfig(), &commented).expect("a kubeconfig");
    let before = embedded(&world);
    assert_eq!(before.cert, Shown::of_profile(&world, "alice").cert);
    world.tsh(&["kube", "credentials", &world.proxy(), "--user=alice"]).succeeds();
    let (copy, kept) = (embedded(&world), Shown::of_profile(&world, "alice"));
    assert_ne!(kept.cert, before.cert, "it was renewed");
    assert_eq!((copy.cert, copy.key), (kept.cert, kept.key));
    let others = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.trim_start().starts_with("client-")).map(str::to_owned).collect()
    };
    assert_eq!(others(&kubeconfig(&world)), others(&commented), "nothing else changes");
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds();

    // A file that cannot be changed now is told, and kubectl gets its certificate all the same.
    age(&world, SignedDuration::from_mins(5));
    world.tsh(&["login", "--embed-certs"]).succeeds();
    fs::remove_file(world.home().join(".tsh/keys/127.0.0.1/.renewal.tried"))
        .expect("the mark of the last one");
    let lock = world.kubeconfig().with_extension("lock");
    fs::write(&lock, "").expect("a lock");
    let run = world.tsh(&["kube", "credentials", &world.proxy(), "--user=alice"]).succeeds();
    assert!(run.stdout.contains("clientCertificateData"), "{}", run.stdout);
    run.says("the certificate was renewed, but not its copy in the kubeconfig: ");
}

#[test]
fn the_plugins_sign_in_brings_the_copy_in_the_kubeconfig_up_to_date() {
    let world = World::with_connector();
    world.login();
    age(&world, SignedDuration::from_mins(5));
    world.tsh(&["login", "--embed-certs"]).succeeds();
    let before = embedded(&world);
    age(&world, -SignedDuration::from_mins(1));
    let args = ["kube", "credentials", &world.proxy(), "--user=alice"];
    let mut plugin = world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &args);
    plugin.env("TELEPORT_LOGIN_BROWSER", "/bin/true");
    let browser = world.browser();
    let (run, _) = Run::with_browser(plugin, |address| {
        runtime().block_on(browser.sign_in(address, "alice", Consent::Approve)).expect("a page")
    });
    run.succeeds();
    let (copy, kept) = (embedded(&world), Shown::of_profile(&world, "alice"));
    assert_ne!(kept.cert, before.cert);
    assert_eq!((copy.cert, copy.key), (kept.cert, kept.key));
}

#[test]
fn a_gate_that_cannot_renew_now_costs_kubectl_nothing_but_a_moment() {
    let mut world = renewing_world("24h");
    world.login();
    age(&world, SignedDuration::from_mins(5));
    world.gate.stop();
    let args = ["kube", "credentials", &world.proxy(), "--user=alice"];
    let run = world.tsh(&args).succeeds();
    assert!(run.stdout.contains("clientCertificateData"), "the certificate that is there is still good");
    // And it is not tried again at once: nothing is asked of the network.
    let run: Run = world.tsh(&args).succeeds();
    assert_eq!(run.stderr, "");
    assert_eq!(
        fs::read_dir(world.home().join(".tsh/keys/127.0.0.1"))
            .expect("keys")
            .filter(|entry| { entry.as_ref().is_ok_and(|entry| entry.file_name() == ".renewal.tried") })
            .count(),
        1
    );
}

#[test]
fn a_role_that_is_gone_is_what_the_plugin_says() {
    let world = renewing_world("24h");
    fs::write(
        world.dir().join("dev.yaml"),
        "kind: role\nversion: v3\nmetadata: {name: dev}\nspec: {allow: {kubernetes_groups: [dev]}}\n",
    )
    .expect("dev.yaml");
    world.tctl(&["create", "dev.yaml"]).succeeds();
    world.connector_with("  teams_to_roles:\n  - {organization: octocats, team: admins, roles: [dev]}\n");
    world.tctl(&["create", "-f", "github.yaml"]).succeeds();
    world.login();
    age(&world, SignedDuration::from_mins(5));
    world.tctl(&["rm", "role/dev"]).succeeds();
    let run = world.tsh(&["kube", "credentials", &world.proxy(), "--user=alice"]).fails_with(4);
    assert_eq!(run.stdout, "");
    assert_eq!(run.stderr, "error: role \"dev\" no longer exists; sign in again with: tsh login --force\n");
}

#[test]
fn without_the_setting_the_plugin_renews_nothing() {
    let world = World::with_connector();
    world.login();
    age(&world, SignedDuration::from_mins(5));
    let old = certificate(&world);
    world.tsh(&["kube", "credentials", &world.proxy(), "--user=alice"]).succeeds();
    assert_eq!(certificate(&world).serial(), old.serial());
}

/// A command that renews, and what happens between its question and the gate's answer.
fn crossed(world: &World, args: &[&str], meanwhile: impl FnOnce()) -> Run {
    world.gate.signal(Signal::STOP);
    let live = Live::piped(world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), args));
    live.says(&format!(" {} …", world.gate.web));
    meanwhile();
    world.gate.signal(Signal::CONT);
    live.end()
}

fn nobody_is_logged_in(world: &World) {
    world.tsh(&["status"]).fails_with(1).says("Not logged in");
    let keys = world.home().join(".tsh/keys/127.0.0.1");
    for name in ["alice", "alice-x509.pem", "alice-cert.pub", "alice.pub", ".alice.login"] {
        assert!(!keys.join(name).exists(), "{name} is back");
    }
}

#[test]
fn a_logout_that_crosses_a_renewal_counts() {
    let world = World::with_connector();
    world.login();
    let log_out = || drop(world.tsh(&["logout"]).succeeds());
    crossed(&world, &["login", "--renew"], log_out)
        .fails_with(3)
        .says("a logout or another login came in between, so the new certificate is not kept");
    world.events("cert.create", 1);
    nobody_is_logged_in(&world);
    let kubeconfig = fs::read_to_string(world.kubeconfig()).expect("a kubeconfig");
    assert!(!kubeconfig.contains("127.0.0.1"), "the entry is back: {kubeconfig}");
}

#[test]
fn a_logout_that_crosses_the_plugins_renewal_counts() {
    let world = renewing_world("24h");
    world.login();
    age(&world, SignedDuration::from_mins(5));
    world.tsh(&["login", "--embed-certs"]).succeeds();
    let args = ["kube", "credentials", &world.proxy(), "--user=alice"];
    let run = crossed(&world, &args, || drop(world.tsh(&["logout"]).succeeds())).succeeds();
    let answer: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let pem = answer["status"]["clientCertificateData"].as_str().expect("a certificate");
    let left = Timestamp::now().duration_until(Certificate::from_pem(pem).expect("it").validity().not_after);
    assert!(left > SignedDuration::from_hours(1), "kubectl gets the new one all the same");
    nobody_is_logged_in(&world);
    assert!(!kubeconfig(&world).contains("client-key-data"), "no copy of the key is back");
}

#[test]
fn another_login_that_crosses_a_renewal_stays() {
    let world = World::with_connector();
    world.login();
    let other = Shown::of_profile(&world, "alice");
    world.login_as("alice", Consent::Approve, &["--force"]).0.succeeds();
    crossed(&world, &["login", "--renew"], || put_back(&world, &other))
        .fails_with(3)
        .says("a logout or another login came in between");
    assert_eq!(certificate(&world).to_pem(), other.cert);
}
