//! Kubeconfig files on a real disk: the list of files, what comes and goes, locks, links and modes.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jumpgate::client::kubeconfig::{Change, Entry, Error, Files, Owner, UserAuth, contexts, login, logout};
use zeroize::Zeroizing;

use crate::kubeconfig_property::entry;

pub(crate) const NAME: &str = "gate.example";

pub(crate) struct Home {
    pub(crate) folder: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Home {
        Home { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn list(&self, names: &[&str]) -> Files {
        let joined = std::env::join_paths(names.iter().map(|name| self.path(name))).unwrap();
        Files::new(Some(&joined), self.folder.path()).lock_wait(Duration::from_millis(200))
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

pub(crate) fn sample(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kubeconfig").join(name))
        .unwrap()
}

pub(crate) fn sign_in(files: &Files) -> Result<Change, Error> {
    login(files, &[entry(NAME)], Some(NAME))
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_kubeconfig_list_is_read_as_kubectl_reads_it() {
    let home = Path::new("/home/a");
    let list = |text: &str| Files::new(Some(OsStr::new(text)), home).paths().to_vec();
    let default = [home.join(".kube/config")];
    assert_eq!(Files::new(None, home).paths(), default);
    assert_eq!(list(""), default);
    #[cfg(unix)]
    assert_eq!(list(":/x::/y:/x:"), [PathBuf::from("/x"), PathBuf::from("/y")]);
}

#[cfg(unix)]
#[test]
fn a_first_login_makes_folder_and_file_for_this_user_alone() {
    let home = Home::new();
    let files = Files::new(None, home.folder.path());
    let change = sign_in(&files).unwrap();
    assert_eq!((change.old_context, change.new_context.as_deref()), (None, Some(NAME)));
    let file = home.path(".kube/config");
    assert_eq!(change.files, std::slice::from_ref(&file));
    assert_eq!((mode(file.parent().unwrap()), mode(&file)), (0o700, 0o600));
    insta::assert_snapshot!("kubeconfig_new", fs::read_to_string(&file).unwrap());
    let change = logout(&files, None).unwrap();
    assert_eq!((change.old_context.as_deref(), change.new_context), (Some(NAME), None));
    let rest = fs::read_to_string(&file).unwrap();
    assert_eq!(
        rest,
        "apiVersion: v1\nclusters: []\ncontexts: []\ncurrent-context: \"\"\nkind: Config\npreferences: {}\nusers: []\n"
    );
    let names: Vec<_> =
        fs::read_dir(file.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["config"], "no lock, no temporary file, no backup of nothing");
}

#[test]
fn entries_are_changed_where_they_are_and_new_ones_go_to_the_first_file() {
    let home = Home::new();
    // The first doesn't exist, so the second is kubectl's default.
    home.write("b", "apiVersion: v1\n");
    home.write("c", &sample("kubectl.yaml"));
    let files = home.list(&["a", "b", "c"]);
    let change = sign_in(&files).unwrap();
    assert_eq!(change.files, [home.path("b")]);
    assert_eq!(
        (change.old_context.as_deref(), change.new_context.as_deref()),
        (Some("production"), Some(NAME))
    );
    assert_eq!(fs::read_to_string(home.path("c")).unwrap(), sample("kubectl.yaml"));
    assert_eq!(files.current_context().unwrap().as_deref(), Some(NAME));
    let list = contexts(&files).unwrap();
    let names: Vec<&str> = list.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, [NAME, "production", "staging"]);
    assert_eq!(list[0].owner, Some(Owner { profile: NAME.into() }));
    assert_eq!(list[0].server.as_deref(), Some("https://gate.example:3026"));
    assert!(list[0].current && list[1].namespace.as_deref() == Some("shop"));

    // Entries that are elsewhere are changed there.
    let elsewhere = home.list(&["b", "c"]);
    let mut changed = entry(NAME);
    changed.server = "https://gate.example:443".into();
    let other = home.list(&["c", "b"]);
    let change = login(&other, &[changed], None).unwrap();
    assert_eq!(change.files, [home.path("b")]);

    let change = logout(&elsewhere, Some(NAME)).unwrap();
    assert_eq!(
        change.new_context.as_deref(),
        Some("production"),
        "the key goes, and the other file's counts again"
    );
    assert_eq!(fs::read_to_string(home.path("b")).unwrap(), "apiVersion: v1\n");
    assert!(!home.path("a").exists());
}

#[test]
fn with_no_file_the_last_of_the_list_is_made() {
    let home = Home::new();
    let change = sign_in(&home.list(&["a", "b"])).unwrap();
    assert_eq!(change.files, [home.path("b")]);
}

#[test]
fn nothing_is_written_when_nothing_changes() {
    let home = Home::new();
    let path = home.write("config", &sample("kind.yaml"));
    let files = home.list(&["config"]);
    sign_in(&files).unwrap();
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    assert!(sign_in(&files).unwrap().files.is_empty());
    assert!(logout(&files, Some("someone.else")).unwrap().files.is_empty());
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
}

#[test]
fn what_others_put_on_our_entries_stays() {
    let home = Home::new();
    let path = home.write("config", &sample("kubectl.yaml"));
    let files = home.list(&["config"]);
    sign_in(&files).unwrap();
    let theirs = "  context:\n    cluster: gate.example\n    namespace: mine\n";
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("- context:\n    cluster: gate.example\n", &format!("-{}", &theirs[1..]));
    let text = text.replace(
        "    server: https://gate.example:3026\n",
        "    proxy-url: socks5://x\n    server: https://old\n",
    );
    let text = text.replace(
        "      name: jumpgate.dev/previous-context\n",
        "      name: jumpgate.dev/previous-context\n    - extension: {a: 1}\n      name: other.example/x\n",
    );
    assert!(text.contains("namespace: mine") && text.contains("other.example/x") && text.contains("socks5"));
    fs::write(&path, text).unwrap();
    sign_in(&files).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    for kept in
        ["namespace: mine", "other.example/x", "proxy-url: socks5://x", "server: https://gate.example:3026"]
    {
        assert!(text.contains(kept), "{kept} in\n{text}");
    }
    let change = logout(&files, None).unwrap();
    assert_eq!(change.new_context.as_deref(), Some("production"), "the earlier context is still remembered");
    assert_eq!(fs::read_to_string(&path).unwrap(), sample("kubectl.yaml"));
}

#[test]
fn the_earlier_context_comes_back_only_where_it_should() {
    let home = Home::new();
    let path = home.write("config", &sample("kubectl.yaml"));
    let files = home.list(&["config"]);
    let edit = |from: &str, to: &str| {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replace(from, to)).unwrap();
    };
    // Someone has gone on to another context: that one stays.
    sign_in(&files).unwrap();
    edit("current-context: gate.example", "current-context: staging");
    let change = logout(&files, None).unwrap();
    assert_eq!(
        (change.old_context.as_deref(), change.new_context.as_deref()),
        (Some("staging"), Some("staging"))
    );

    // The earlier one is gone: none.
    sign_in(&files).unwrap();
    edit("  name: staging\n- context:\n    cluster: gate", "  name: renamed\n- context:\n    cluster: gate");
    let change = logout(&files, None).unwrap();
    assert_eq!(change.new_context, None);
    assert!(fs::read_to_string(&path).unwrap().contains("\ncurrent-context: \"\"\n"));

    // Kept, not selected.
    edit("current-context: \"\"", "current-context: production");
    let change = login(&files, &[entry(NAME)], None).unwrap();
    assert_eq!(change.new_context.as_deref(), Some("production"));

    // One profile's logout from under another's context.
    sign_in(&files).unwrap();
    login(&files, &[entry("other.example")], Some("other.example")).unwrap();
    let change = logout(&files, Some(NAME)).unwrap();
    assert_eq!(change.new_context.as_deref(), Some("other.example"));
    let change = logout(&files, None).unwrap();
    assert_eq!(change.new_context.as_deref(), Some("production"));
}

#[test]
fn entries_of_stock_tsh_are_taken_over() {
    let home = Home::new();
    let path = home.write("config", &sample("stock-tsh.yaml"));
    let files = home.list(&["config"]);
    let mut ours = entry("localhost");
    ours.server = "https://localhost:13026".into();
    let change = login(&files, &[ours], Some("localhost")).unwrap();
    assert_eq!(change.files.len(), 1);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("exec:") && !text.contains("client-key-data"), "{text}");
    assert_eq!(logout(&files, None).unwrap().removed, ["localhost"]);
}

#[test]
fn entries_of_stock_tsh_are_known_by_their_certificate() {
    use base64::Engine as _;
    let pem = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/teleport-4.0.2/web/x509-rsa.pem");
    let data = base64::engine::general_purpose::STANDARD.encode(fs::read(pem).unwrap());
    let text = |name: &str| {
        let body =
            sample("stock-tsh.yaml").replace("localhost", name).replace("https://teleport", "https://moved");
        let (head, user) = body.split_once("client-certificate-data: ").unwrap();
        format!("{head}client-certificate-data: {data}\n{}", user.split_once('\n').unwrap().1)
    };
    let home = Home::new();
    home.write("config", &text("teleport.example.com"));
    login(&home.list(&["config"]), &[entry("teleport.example.com")], None).unwrap();
    // The same certificate under a name that its issuer doesn't have proves nothing.
    home.write("other", &text("gate.example").replace("https://gate.example", "https://moved.example"));
    assert!(matches!(sign_in(&home.list(&["other"])).unwrap_err(), Error::Taken { .. }));
}

#[test]
fn a_backup_holds_the_last_state_without_us() {
    let home = Home::new();
    home.write("config", &sample("kind.yaml"));
    let files = home.list(&["config"]);
    let mut embedded = entry(NAME);
    embedded.auth = UserAuth::Embedded { cert_pem: "cert".into(), key_pem: Zeroizing::new("key".into()) };
    login(&files, &[embedded], Some(NAME)).unwrap();
    assert!(fs::read_to_string(home.path("config")).unwrap().contains("client-key-data: a2V5\n"));
    sign_in(&files).unwrap();
    logout(&files, None).unwrap();
    let backup = home.path("config.jumpgate.bak");
    assert_eq!(fs::read_to_string(&backup).unwrap(), sample("kind.yaml"));
    #[cfg(unix)]
    assert_eq!(mode(&backup), 0o600);
    assert_eq!(home.names(), ["config", "config.jumpgate.bak"]);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_a_mode_a_mode() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let home = Home::new();
    fs::create_dir(home.path("dotfiles")).unwrap();
    let real = home.write("dotfiles/kubeconfig", &sample("kind.yaml"));
    symlink("dotfiles/kubeconfig", home.path("hop")).unwrap();
    symlink(home.path("hop"), home.path("config")).unwrap();
    for bits in [0o640, 0o600, 0o664] {
        fs::set_permissions(&real, fs::Permissions::from_mode(bits)).unwrap();
        sign_in(&home.list(&["config"])).unwrap();
        assert_eq!(mode(&real), bits);
        logout(&home.list(&["config"]), None).unwrap();
        assert_eq!(mode(&real), bits);
        assert_eq!(fs::read_to_string(&real).unwrap(), sample("kind.yaml"));
    }
    for link in ["config", "hop"] {
        assert!(fs::symlink_metadata(home.path(link)).unwrap().is_symlink());
    }
    // A link to nothing gets its target.
    symlink("dotfiles/later", home.path("new")).unwrap();
    sign_in(&home.list(&["new"])).unwrap();
    assert_eq!(mode(&home.path("dotfiles/later")), 0o600);
    assert!(fs::symlink_metadata(home.path("new")).unwrap().is_symlink());
    symlink("circle", home.path("circle")).unwrap();
    assert!(sign_in(&home.list(&["circle"])).is_err());
}

/// One file under two names is one file.
#[cfg(unix)]
#[test]
fn a_file_that_is_listed_twice_is_changed_once() {
    let home = Home::new();
    home.write("config", &sample("kind.yaml"));
    std::os::unix::fs::symlink("config", home.path("link")).unwrap();
    let files = home.list(&["link", "config"]);
    sign_in(&files).unwrap();
    let change = logout(&files, None).unwrap();
    assert_eq!((change.removed.len(), change.files.len(), change.failed.len()), (1, 1, 0));
    assert_eq!(fs::read_to_string(home.path("config")).unwrap(), sample("kind.yaml"));
}

#[test]
fn many_logins_at_once_lose_nothing() {
    let home = Home::new();
    home.write("config", &sample("by-hand.yaml"));
    let files = home.list(&["config"]).lock_wait(Duration::from_secs(60));
    std::thread::scope(|scope| {
        for i in 0..12 {
            let files = &files;
            scope.spawn(move || login(files, &[entry(&format!("gate{i}.example"))], None).unwrap());
        }
    });
    let names: Vec<String> = contexts(&files).unwrap().into_iter().map(|c| c.name).collect();
    for i in 0..12 {
        assert!(names.contains(&format!("gate{i}.example")), "{names:?}");
    }
    std::thread::scope(|scope| {
        for i in 0..12 {
            let files = &files;
            scope.spawn(move || logout(files, Some(&format!("gate{i}.example"))).unwrap());
        }
    });
    assert_eq!(fs::read_to_string(home.path("config")).unwrap(), sample("by-hand.yaml"));
    assert_eq!(home.names(), ["config", "config.jumpgate.bak"]);
}

#[test]
fn thousands_of_contexts_are_no_matter() {
    let mut text = String::from("apiVersion: v1\nkind: Config\n");
    for (list, noun) in [("clusters", "cluster"), ("contexts", "context"), ("users", "user")] {
        text += &format!("{list}:\n");
        for i in 0..10_000 {
            text += &format!(
                "- {noun}:\n    cluster: c{i}\n    server: https://c{i}.example\n    user: c{i}\n  name: c{i}\n"
            );
        }
    }
    let home = Home::new();
    let path = home.write("config", &text);
    let files = home.list(&["config"]);
    let start = Instant::now();
    sign_in(&files).unwrap();
    assert_eq!(contexts(&files).unwrap().len(), 10_001);
    logout(&files, None).unwrap();
    // Generous, for a debug build on a busy machine; it is there to catch a quadratic step.
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    assert!(fs::read_to_string(path).unwrap() == text);
}

#[test]
fn a_thousand_contexts_of_ours_are_one_change() {
    let home = Home::new();
    let path = home.write("config", &sample("aks.yaml"));
    let files = home.list(&["config"]);
    let start = Instant::now();
    let many: Vec<Entry> = (0..1000).map(|i| entry(&format!("gate{i}.example"))).collect();
    login(&files, &many, None).unwrap();
    assert_eq!(logout(&files, None).unwrap().removed.len(), 1000);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    assert_eq!(fs::read_to_string(path).unwrap(), sample("aks.yaml"));
}
