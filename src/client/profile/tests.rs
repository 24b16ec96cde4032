use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::pki::{Authority, AuthorityKind, KeyPair};

const STOCK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/teleport-4.0.2/home/dot-tsh");

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(None, folder.path());
    (folder, home)
}

fn credentials() -> Credentials {
    let key = KeyPair::generate();
    let ca = Authority::generate(AuthorityKind::Host, "c", jiff::Timestamp::now()).unwrap();
    let validity =
        crate::pki::Validity::starting(jiff::Timestamp::now(), jiff::SignedDuration::from_hours(1));
    let cert = ca.sign_host(&["x".into()], &key.public(), validity);
    let line = key.public().to_authorized_key().unwrap();
    Credentials::new(key.to_pem().unwrap(), cert.unwrap().to_pem(), line, String::new()).unwrap()
}

#[test]
fn reads_the_profile_of_a_stock_tsh() {
    let home = Home::new(Some(STOCK.into()), Path::new("/nowhere"));
    assert_eq!(home.names().unwrap(), ["localhost"]);
    let profile = home.profile("localhost").unwrap().unwrap();
    assert_eq!(profile.web_proxy_addr, "localhost:3080");
    assert_eq!(profile.kube_proxy_addr, "localhost:3026");
    assert_eq!(profile.user, "alice");
    assert_eq!(home.users("localhost").unwrap(), ["alice"]);
    let alice = home.credentials("localhost", "alice").unwrap().unwrap();
    assert_eq!(alice.certificate().subject().unwrap().username, "alice");
    assert_eq!(alice.ssh().unwrap().logins(), ["root", "alice"]);
    assert!(home.host_cas("localhost").unwrap().unwrap().contains("CERTIFICATE"));
    assert!(home.credentials("localhost", "bob").unwrap().is_none());
}

#[test]
fn both_marks_of_the_current_profile_are_read_and_written() {
    let (_folder, home) = home();
    assert_eq!(home.current().unwrap(), None);
    home.select("gate.example.com").unwrap();
    home.select("localhost").unwrap();
    assert_eq!(fs::read_to_string(home.folder().join("current-profile")).unwrap(), "localhost\n");
    assert_eq!(fs::read_link(home.folder().join("profile")).unwrap(), Path::new("localhost.yaml"));
    fs::remove_file(home.folder().join("current-profile")).unwrap();
    assert_eq!(home.current().unwrap().as_deref(), Some("localhost"));
    home.unselect().unwrap();
    assert_eq!(home.current().unwrap(), None);
}

#[test]
fn keys_of_others_stay_and_modes_are_narrow() {
    let (_folder, home) = home();
    let text = "web_proxy_addr: a:1\ndynamic_forward_ports: [8080]\nload_all_cas: true\n";
    files::create_folder(home.folder()).unwrap();
    fs::write(home.folder().join("a.yaml"), text).unwrap();
    let mut profile = home.profile("a").unwrap().unwrap();
    profile.user = "alice".into();
    home.save("a", &profile).unwrap();
    let again = home.profile("a").unwrap().unwrap();
    assert_eq!(again, profile);
    assert_eq!(again.other["dynamic_forward_ports"], serde_json::json!([8080]));
    home.save_credentials("a", "alice", &credentials()).unwrap();
    home.save_host_cas("a", "x").unwrap();
    assert_eq!(mode(home.folder()), 0o700);
    for file in ["a.yaml", "keys/a/alice", "keys/a/alice-x509.pem", "keys/a/certs.pem", "keys/a/.write.lock"]
    {
        assert_eq!(mode(&home.folder().join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&home.folder().join("keys/a")), 0o700);
}

#[test]
fn a_broken_profile_is_named() {
    let (_folder, home) = home();
    files::create_folder(home.folder()).unwrap();
    fs::write(home.folder().join("a.yaml"), "user: [").unwrap();
    let error = home.profile("a").unwrap_err();
    assert!(matches!(error, ProfileError::Broken { .. }), "{error}");
}

#[test]
fn a_crash_between_two_files_leaves_a_pair() {
    let (_folder, home) = home();
    let (old, new) = (credentials(), credentials());
    home.save_credentials("a", "alice", &old).unwrap();
    let keys = home.keys("a").unwrap();
    let key_of = || home.credentials("a", "alice").unwrap().unwrap().key_pem;
    // Killed after the one file was in place, before any of the four was.
    files::replace(&keys.join(".alice.login"), new.to_text(Kind::File).as_bytes()).unwrap();
    assert_eq!(key_of(), new.key_pem);
    // Killed after the key was replaced.
    files::replace(&keys.join("alice"), new.key_pem.as_bytes()).unwrap();
    assert_eq!(key_of(), new.key_pem);
    // Without the one file, half a login is noticed.
    fs::remove_file(keys.join(".alice.login")).unwrap();
    assert!(matches!(home.credentials("a", "alice"), Err(ProfileError::NoPair(_))));
    home.save_credentials("a", "alice", &new).unwrap();
    assert_eq!(key_of(), new.key_pem);
    assert!(home.remove_credentials("a", "alice").unwrap());
    assert!(!home.remove_credentials("a", "alice").unwrap());
    assert!(home.credentials("a", "alice").unwrap().is_none());
}

#[test]
fn readers_beside_a_writer_always_see_a_pair() {
    let (_folder, home) = home();
    let pairs = [credentials(), credentials()];
    home.save_credentials("a", "alice", &pairs[0]).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for i in 0..60 {
                home.save_credentials("a", "alice", &pairs[i % 2]).unwrap();
            }
        });
        let mut reads = 0;
        while !writer.is_finished() || reads == 0 {
            assert!(home.credentials("a", "alice").unwrap().is_some());
            reads += 1;
        }
    });
}

#[test]
fn names_stay_inside_the_folder() {
    let (_folder, home) = home();
    for name in ["", ".", "..", "a/b", "../x", "a\\b", "a\nb", "-x"] {
        assert!(matches!(home.profile(name), Err(ProfileError::BadName(_))), "{name:?}");
        assert!(matches!(home.credentials("a", name), Err(ProfileError::BadName(_))), "{name:?}");
    }
    for user in ["certs.pem", "alice.pub", "alice-x509.pem", "alice-cert"] {
        assert!(matches!(home.credentials("a", user), Err(ProfileError::BadName(_))), "{user:?}");
    }
}

#[test]
fn known_hosts_of_other_clusters_stay() {
    let (_folder, home) = home();
    home.save_known_hosts("a", &["ssh-rsa AAAA".into()]).unwrap();
    home.save_known_hosts("b", &["ssh-rsa BBBB".into()]).unwrap();
    home.save_known_hosts("a", &["ecdsa CCCC\n".into()]).unwrap();
    let text = fs::read_to_string(home.folder().join("known_hosts")).unwrap();
    assert_eq!(text, "b ssh-rsa BBBB\na ecdsa CCCC\n");
}

#[test]
fn the_old_link_may_be_a_file() {
    let (_folder, home) = home();
    home.save("gate.example.com", &Profile::default()).unwrap();
    fs::write(home.folder().join("profile"), "gate.example.com.yaml\n").unwrap();
    assert_eq!(home.current().unwrap().as_deref(), Some("gate.example.com"));
}

#[test]
fn a_second_name_leads_to_the_profile() {
    let (_folder, home) = home();
    home.save("gate.example.com", &Profile::default()).unwrap();
    home.alias("gate", "gate.example.com").unwrap();
    assert_eq!(home.resolve("gate"), "gate.example.com");
    assert_eq!(home.resolve("other"), "other");
    assert_eq!(home.names().unwrap(), ["gate.example.com"]);
}

#[test]
fn a_login_that_was_killed_half_way_is_ended() {
    let (_folder, home) = home();
    let (old, new) = (credentials(), credentials());
    home.save_credentials("a", "alice", &old).unwrap();
    let keys = home.folder().join("keys/a");
    let lock = home.lock("a", "write").unwrap();
    files::replace(&keys.join(".alice.login"), new.to_text(Kind::File).as_bytes()).unwrap();
    assert!(home.sweep_keys(&lock, "a", "alice").unwrap().is_none());
    assert!(!keys.join(".alice.login").exists());
    assert_eq!(fs::read_to_string(keys.join("alice")).unwrap(), *new.key_pem);
    assert_eq!(home.credentials("a", "alice").unwrap().unwrap().cert_pem.trim(), new.cert_pem.trim());

    // A login without its key, over one that is whole: that one stays.
    let gone = credentials().to_text(Kind::Keyutils);
    files::replace(&keys.join(".alice.login"), gone.as_bytes()).unwrap();
    home.settle(&lock, "a", "alice").unwrap();
    assert!(!keys.join(".alice.login").exists());
    assert_eq!(fs::read_to_string(keys.join("alice")).unwrap(), *new.key_pem);
}

#[test]
fn what_a_killed_writer_of_a_key_left_is_removed() {
    let (_folder, home) = home();
    let new = credentials();
    home.save_credentials("a", "alice", &new).unwrap();
    home.save_credentials("a", "key-ann", &new).unwrap();
    let keys = home.folder().join("keys/a");
    files::replace(&keys.join(".key-ann.login"), new.to_text(Kind::File).as_bytes()).unwrap();
    let left = keys.join(".key-x1Y2z3");
    let sweepers: [&dyn Fn(); 3] = [
        &|| home.save_credentials("a", "alice", &new).unwrap(),
        &|| drop(home.sweep_keys(&home.lock("a", "write").unwrap(), "a", "alice").unwrap()),
        &|| assert!(home.remove_credentials("a", "alice").unwrap()),
    ];
    for sweeper in sweepers {
        fs::write(&left, new.key_pem.as_bytes()).unwrap();
        sweeper();
        assert!(!left.exists());
        assert!(keys.join(".key-ann.login").exists(), "the login of a person with such a name");
    }
}
