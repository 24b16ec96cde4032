//! Several entries at once, contexts with names of their own, what goes alone, what is only looked at, and who wrote it.

use std::collections::BTreeMap;
use std::fs;

use jumpgate::client::kubeconfig::{
    self, Entry, Error, UserAuth, contexts, login, logout, logout_contexts, needs_migration, private, select,
};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::kubeconfig::{Home, NAME, sample, sign_in};
use crate::kubeconfig_property::entry;
use crate::support::world::World;

/// A cluster behind the gate, as `tsh kube login` writes it.
fn behind(name: &str) -> Entry {
    Entry {
        server: format!("https://{NAME}:3026/clusters/{name}"),
        context_name: Some(format!("{name}@gate")),
        labels: Some(BTreeMap::from([("env".into(), name.into())])),
        owner: entry(NAME).owner,
        ..entry(&format!("{NAME}-{name}"))
    }
}

#[test]
fn many_clusters_of_one_gate_come_and_go() {
    let home = Home::new();
    let path = home.write("config", &sample("eks.yaml"));
    let files = home.list(&["config"]);
    let many: Vec<Entry> = (0..500).map(|i| behind(&format!("c{i}"))).collect();
    let change = login(&files, &many, None).unwrap();
    assert_eq!((change.files.len(), change.old_context), (1, change.new_context));
    let list = contexts(&files).unwrap();
    let one = list.iter().find(|c| c.name == "c7@gate").unwrap();
    assert_eq!(one.cluster.as_deref(), Some("gate.example-c7"));
    assert_eq!(one.server.as_deref(), Some("https://gate.example:3026/clusters/c7"));
    assert_eq!(one.labels["env"], "c7");
    assert_eq!(one.exec.as_ref().unwrap().args[..2], ["kube", "credentials"]);
    assert!(!one.holds_secret && one.version == Some(kubeconfig::VERSION));
    // A login that knows no labels leaves them.
    let plain = Entry { labels: None, namespace: Some("web".into()), ..behind("c7") };
    login(&files, &[plain], None).unwrap();
    let list = contexts(&files).unwrap();
    let one = list.iter().find(|c| c.name == "c7@gate").unwrap();
    assert_eq!((one.labels["env"].as_str(), one.namespace.as_deref()), ("c7", Some("web")));
    // One that is asked for replaces a namespace; none leaves it.
    login(&files, &[Entry { namespace: Some("db".into()), ..behind("c7") }], None).unwrap();
    login(&files, &[behind("c7")], None).unwrap();
    let list = contexts(&files).unwrap();
    assert_eq!(list.iter().find(|c| c.name == "c7@gate").unwrap().namespace.as_deref(), Some("db"));

    let gone = logout_contexts(&files, Some(NAME), &["c1@gate", "c2@gate", "nobody"]).unwrap();
    assert_eq!(gone.removed, ["c1@gate", "c2@gate"]);
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("clusters/c1\n") && text.contains("clusters/c3\n"), "{text}");
    assert!(logout_contexts(&files, Some("other.example"), &["c3@gate"]).unwrap().removed.is_empty());
    let gone = logout(&files, Some(NAME)).unwrap();
    assert_eq!(gone.removed.len(), 498, "each context is named once, its cluster and user not at all");
    assert_eq!(fs::read_to_string(&path).unwrap(), sample("eks.yaml"));
}

#[test]
fn what_another_context_needs_stays() {
    let home = Home::new();
    home.write("config", &sample("kubectl.yaml"));
    let files = home.list(&["config"]);
    let second = Entry { context_name: Some("second".into()), ..behind("a") };
    login(&files, &[behind("a"), second], Some("a@gate")).unwrap();
    let change = logout_contexts(&files, None, &["a@gate"]).unwrap();
    assert_eq!(change.new_context.as_deref(), Some("production"), "what was current before comes back");
    let list = contexts(&files).unwrap();
    let second = list.iter().find(|c| c.name == "second").unwrap();
    assert!(second.server.is_some() && second.exec.is_some(), "{second:?}");
    logout_contexts(&files, None, &["second"]).unwrap();
    assert_eq!(fs::read_to_string(home.path("config")).unwrap(), sample("kubectl.yaml"));
}

#[test]
fn two_clusters_do_not_share_a_context() {
    let home = Home::new();
    let same = |name: &str| Entry { context_name: Some("same".into()), ..behind(name) };
    let error = login(&home.list(&["config"]), &[same("a"), same("b")], None).unwrap_err();
    assert!(matches!(&error, Error::SameContext { name, .. } if name == "same"), "{error}");
    assert!(!home.path("config").exists());
}

#[test]
fn any_context_can_be_selected() {
    let home = Home::new();
    home.write("config", &sample("kubectl.yaml"));
    let files = home.list(&["none", "config"]);
    let change = select(&files, "staging").unwrap();
    assert_eq!(
        (change.old_context.as_deref(), change.new_context.as_deref()),
        (Some("production"), Some("staging"))
    );
    let want = sample("kubectl.yaml").replace("current-context: production", "current-context: staging");
    assert_eq!(fs::read_to_string(home.path("config")).unwrap(), want);
    let error = select(&files, "nowhere").unwrap_err();
    assert!(error.to_string().contains("no context is named \"nowhere\""), "{error}");
    // One of ours remembers what was current before it.
    login(&files, &[entry(NAME)], None).unwrap();
    select(&files, NAME).unwrap();
    assert_eq!(logout(&files, None).unwrap().new_context.as_deref(), Some("staging"));
    assert_eq!(fs::read_to_string(home.path("config")).unwrap(), want);
    let error = select(&home.list(&["nothing/here"]), "x").unwrap_err();
    assert!(matches!(error, Error::NoContext { .. }) && !home.path("nothing").exists());
}

#[test]
fn a_preview_changes_nothing_and_shows_no_secret() {
    let home = Home::new();
    home.write("config", &sample("kubectl.yaml"));
    let files = home.list(&["config"]);
    let embedded = |key: &str| Entry {
        auth: UserAuth::Embedded { cert_pem: "cert".into(), key_pem: Zeroizing::new(key.into()) },
        ..entry(NAME)
    };
    let change = login(&files.clone().preview(), &[embedded("hunter2-hunter2")], Some(NAME)).unwrap();
    assert_eq!(change.new_context.as_deref(), Some(NAME));
    let diff = change.diff().replace(home.folder.path().to_str().unwrap(), "~");
    insta::assert_snapshot!("kubeconfig_diff_login", diff);
    assert_eq!(fs::read_to_string(home.path("config")).unwrap(), sample("kubectl.yaml"));
    assert_eq!(home.names(), ["config"], "no lock, no backup");

    login(&files, &[embedded("hunter2-hunter2")], Some(NAME)).unwrap();
    assert!(
        login(&files.clone().preview(), &[embedded("hunter2-hunter2")], Some(NAME))
            .unwrap()
            .diff()
            .is_empty()
    );
    let diff = login(&files.clone().preview(), &[embedded("hunter3-hunter3")], Some(NAME)).unwrap().diff();
    assert!(
        diff.contains("-    client-key-data: (private key)\n+    client-key-data: (another private key)"),
        "{diff}"
    );
    let change = logout(&files.clone().preview(), None).unwrap();
    assert_eq!(
        (change.removed.as_slice(), change.new_context.as_deref()),
        (&[NAME.to_owned()][..], Some("production"))
    );
    let diff = change.diff();
    assert!(diff.contains("-    client-key-data: (private key)"), "{diff}");
    let text = format!("{diff}{change:?}");
    for secret in ["aHVudGVyMi1odW50ZXIy", "hunter2"] {
        assert!(!text.contains(secret), "{text}");
    }

    // A file that isn't there yet, in a folder that isn't.
    let change = sign_in(&home.list(&["deeper/config"]).preview()).unwrap();
    assert!(change.diff().starts_with("--- /dev/null\n+++ "), "{}", change.diff());
    assert!(!home.path("deeper").exists());
}

/// Secrets of others stand in the lines around a change, in every layout.
#[test]
fn a_diff_hides_the_secrets_of_others() {
    for text in [
        "users:\n- name: a\n  user:\n    token: s3cret-s3cret\n    client-key-data: s3cret-s3cret\n",
        "users:\n- name: a\n  user:\n    token: |\n      s3cret-s3cret\n      s3cret\n    password: 's3cret-s3cret'\n",
        "{\"users\": [{\"name\": \"a\", \"user\": {\"password\": \"s3cret-s3cret\"}}]}",
        "x: &k s3cret-s3cret\nusers:\n- name: a\n  user:\n    token: *k\n",
        "users:\n- name: a\n  user:\n    exec:\n      command: x\n      env:\n      - name: AWS_SECRET_ACCESS_KEY\n        value: s3cret-s3cret\n",
        "users:\n- name: a\n  user:\n    auth-provider:\n      config:\n        id-token: s3cret-s3cret\n      name: oidc\n",
    ] {
        let home = Home::new();
        home.write("config", text);
        let diff = sign_in(&home.list(&["config"]).preview()).unwrap().diff();
        assert!(diff.contains("+") && !diff.contains("s3cret"), "{diff}");
    }
}

#[test]
fn a_private_kubeconfig_holds_one_context_and_no_secret() {
    let home = Home::new();
    home.write("config", &sample("eks.yaml"));
    let files = home.list(&["config"]);
    login(&files, &[behind("a"), behind("b")], None).unwrap();
    let text = private(&files, "a@gate", None, Some("shop")).unwrap();
    let value: Value = serde_yaml::from_str(&text).unwrap();
    assert_eq!(value["current-context"], "a@gate");
    for list in ["clusters", "contexts", "users"] {
        assert_eq!(value[list].as_array().unwrap().len(), 1, "{text}");
    }
    assert_eq!(value["contexts"][0]["context"]["namespace"], "shop");
    assert!(!text.contains("jumpgate.dev/") && text.contains("/clusters/a\n"), "{text}");

    // Paths keep their meaning, and somebody's secret stays where it is.
    let theirs = "clusters:\n- name: c\n  cluster: {server: 'https://c', certificate-authority: ca.pem}\ncontexts:\n- name: x\n  context: {cluster: c, user: \
                  u}\n- name: y\n  context: {cluster: c, user: v}\n- name: z\n  context: {cluster: gone, user: v}\nusers:\n- name: u\n  user: {exec: {command: ./bin/get, apiVersion: v1}}\n- name: v\n  user: {token: hunter2}\n";
    home.write("theirs", theirs);
    let files = home.list(&["theirs"]);
    let value: Value = serde_yaml::from_str(&private(&files, "x", None, None).unwrap()).unwrap();
    let at = |name: &str| home.path(name).to_string_lossy().into_owned();
    assert_eq!(value["clusters"][0]["cluster"]["certificate-authority"], at("ca.pem"));
    assert_eq!(
        value["users"][0]["user"]["exec"]["command"].as_str().unwrap().replace("/./", "/"),
        at("bin/get")
    );
    let error = private(&files, "y", Some(&entry(NAME).auth), None).unwrap_err().to_string();
    assert!(
        error.contains("user \"v\" of the context \"y\" holds a token in") && !error.contains("hunter2"),
        "{error}"
    );
    let error = private(&files, "z", None, None).unwrap_err().to_string();
    assert!(error.contains("points to the cluster \"gone\""), "{error}");

    // One of ours that was written with its key gets the command instead.
    let embedded = UserAuth::Embedded { cert_pem: "c".into(), key_pem: Zeroizing::new("hunter2".into()) };
    login(&files, &[Entry { auth: embedded, ..entry(NAME) }], None).unwrap();
    assert!(matches!(private(&files, NAME, None, None), Err(Error::HoldsSecret { .. })));
    let text = private(&files, NAME, Some(&entry(NAME).auth), None).unwrap();
    assert!(text.contains("command: /usr/local/bin/tsh") && !text.contains("client-key-data"), "{text}");
}

#[test]
fn entries_of_a_newer_tsh_are_left_to_it() {
    let home = Home::new();
    home.write("config", &sample("kind.yaml"));
    let files = home.list(&["config"]);
    sign_in(&files).unwrap();
    let text = fs::read_to_string(home.path("config")).unwrap();
    let newer = text.replace("        version: 1\n", "        version: 2\n        more: x\n");
    assert_ne!(newer, text);
    home.write("config", &newer);
    let error = sign_in(&files).unwrap_err();
    assert!(error.to_string().contains("the cluster \"gate.example\" was written by a newer tsh"), "{error}");
    let change = logout(&files, None).unwrap();
    assert_eq!((change.failed.len(), change.removed.len()), (1, 0), "{:?}", change.failed);
    assert!(matches!(change.failed[0], Error::Newer { .. }));
    assert!(logout(&files, Some("other.example")).unwrap().failed.is_empty());
    assert_eq!(logout_contexts(&files, None, &[NAME]).unwrap().failed.len(), 1);
    assert!(logout_contexts(&files, None, &["other"]).unwrap().failed.is_empty());
    // Other entries are not held up by it.
    login(&files, &[entry("other.example")], None).unwrap();
    logout_contexts(&files, None, &["other.example"]).unwrap();
    assert_eq!(fs::read_to_string(home.path("config")).unwrap(), newer);
    let list = contexts(&files).unwrap();
    assert_eq!(list.iter().filter_map(|c| c.version).collect::<Vec<_>>(), [2]);
}

#[test]
fn entries_of_stock_tsh_are_found_for_migration() {
    let home = Home::new();
    home.write("config", &sample("kind.yaml"));
    let stock =
        sample("stock-tsh.yaml").replace("client-certificate-data", "exec: {command: /opt/tsh}\n    x");
    home.write("stock", &stock);
    let files = home.list(&["config", "stock"]);
    sign_in(&files).unwrap();
    let old = needs_migration(&files).unwrap();
    assert_eq!(
        old.iter().map(|c| (c.name.as_str(), c.version)).collect::<Vec<_>>(),
        [("localhost", Some(0))]
    );
    assert_eq!(old[0].file, home.path("stock"));
}

/// `--diff` of each command that writes the kubeconfig: a diff with paths on standard output, and nothing changed.
#[test]
fn commands_show_their_diff_and_change_nothing() {
    let world = World::with_connector();
    let proxy = world.proxy();
    let before = world.home_files();
    world
        .tsh(&["login", &proxy, "--diff"])
        .fails_with(3)
        .says("nobody is logged in at")
        .says("so --diff has no entry to show");
    assert!(world.home_files() == before);
    world.login();
    let before = world.home_files();
    let nothing = world.tsh(&["kube", "login", "--diff"]).succeeds();
    assert!(nothing.stdout.is_empty());
    nothing.says("Nothing would change");
    let diff = world.tsh(&["login", &proxy, "--diff", "--embed-certs"]).succeeds().stdout;
    assert!(diff.contains(&format!("+++ {}\n", world.kubeconfig().display())), "{diff}");
    assert!(
        diff.contains("+    client-key-data: (private key)\n") && diff.contains("-    exec:\n"),
        "{diff}"
    );
    let diff = world.tsh(&["kube", "login", "--namespace=web", "--diff"]).succeeds().stdout;
    assert!(diff.contains("\n+    namespace: web\n"), "{diff}");
    for args in [vec!["logout", "--diff"], vec!["logout", &proxy, "--diff"]] {
        let diff = world.tsh(&args).succeeds().stdout;
        assert!(diff.contains("-current-context: teleport.example.com\n"), "{diff}");
    }
    let other = world.tsh(&["logout", &proxy, "--user=bob", "--diff"]).succeeds();
    assert!(other.stdout.is_empty());
    assert!(world.home_files() == before);
}
