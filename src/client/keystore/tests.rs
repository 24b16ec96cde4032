//! One suite for every store.

use std::process::Command;

use super::*;
use crate::pki::KeyPair;

fn key() -> (Vec<u8>, Zeroizing<String>) {
    let key = KeyPair::generate();
    (key.public().spki_der().unwrap(), key.to_pem().unwrap())
}

/// The contract, with names that no other test and no person uses.
fn keeps_the_contract(store: &dyn KeyStore) {
    let profile = format!("contract-{}", uuid::Uuid::new_v4());
    let (spki, pem) = key();
    let name = KeyName::of_spki(&profile, "alice", &spki);
    assert!(store.read(&name).unwrap().is_none());
    assert!(!store.delete(&name).unwrap());

    store.write(&name, &pem).unwrap();
    assert_eq!(store.read(&name).unwrap(), Some(pem.clone()));
    store.write(&name, &pem).unwrap();
    assert_eq!(store.read(&name).unwrap(), Some(pem.clone()), "twice is once");

    let (spki, other_pem) = key();
    let bob = KeyName::of_spki(&profile, "bob@example.com", &spki);
    store.write(&bob, &other_pem).unwrap();
    assert_eq!(store.read(&name).unwrap(), Some(pem), "people do not share");
    let strange = KeyName { public: name.public.clone(), ..bob.clone() };
    assert!(store.read(&strange).unwrap().is_none(), "a key has one name");
    assert!(!store.delete(&strange).unwrap());
    let ours = |names: Vec<KeyName>| names.into_iter().filter(|n| n.profile == profile).collect::<Vec<_>>();
    assert_eq!(ours(store.list().unwrap()), [name.clone(), bob.clone()]);

    assert!(store.delete(&name).unwrap());
    assert!(store.read(&name).unwrap().is_none());
    assert_eq!(ours(store.list().unwrap()), std::slice::from_ref(&bob));
    assert!(store.delete(&bob).unwrap());
    assert!(!store.delete(&bob).unwrap());
    assert_eq!(ours(store.list().unwrap()), []);
}

#[test]
fn files_keep_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(None, folder.path());
    keeps_the_contract(&FileStore::new(home.clone()));
    let (spki, pem) = key();
    let name = KeyName::of_spki("a", "alice", &spki);
    FileStore::new(home.clone()).write(&name, &pem).unwrap();
    let mode = std::fs::metadata(home.folder().join("keys/a/alice")).unwrap().permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
}

#[test]
fn the_kernel_keeps_the_contract() {
    if let Err(reason) = probe(Kind::Keyutils, &Home::new(None, "/nowhere".as_ref())) {
        panic!(
            "this machine does not let tests use the kernel's keyring, so nothing is known of it: {reason}"
        );
    }
    keeps_the_contract(&SystemStore::new(Kind::Keyutils));
}

/// Runs below [`a_secret_service_keeps_the_contract`], on its bus.
#[test]
#[ignore = "needs a Secret Service; the test below brings one"]
fn contract_on_this_bus() {
    keeps_the_contract(&SystemStore::new(Kind::Keyring));
}

#[test]
fn a_secret_service_keeps_the_contract() {
    let home = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    let script = "printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1 && \
                  exec \"$0\" --exact client::keystore::tests::contract_on_this_bus --ignored --nocapture";
    let output = Command::new("dbus-run-session")
        .args(["--", "sh", "-c", script])
        .arg(&this)
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .output()
        .expect("dbus-run-session starts; tests/install-tools brings it");
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{error}");
}

#[test]
fn accounts_are_read_back() {
    let name = KeyName::of_spki("gate.example.com_3080", "alice@example.com", b"x");
    assert_eq!(KeyName::from_account(&name.account()), Some(name));
    for account in ["", "a/b", "a/b/c", "a/b/c/d"] {
        assert_eq!(KeyName::from_account(account), None, "{account}");
    }
    for kind in Kind::NAMES {
        assert_eq!(kind.parse::<Kind>().unwrap().name(), kind);
    }
    assert_eq!(
        "Keyring".parse::<Kind>().unwrap_err().to_string(),
        "\"Keyring\" is no key store; there are file, keyring, keyutils and none"
    );
}
