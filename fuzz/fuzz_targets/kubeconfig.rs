//! The kubeconfig editor, over one file or two: login keeps all that is not ours, logout gives each byte back.

#![no_main]

use std::{ffi::OsString, fs, path::PathBuf};

use jumpgate::client::kubeconfig::{Entry, Files, Owner, UserAuth, contexts, login, logout};
use libfuzzer_sys::fuzz_target;

fn entry() -> Entry {
    let auth = UserAuth::Exec { command: PathBuf::from("/bin/tsh"), args: vec!["kube".into()], env: vec![] };
    Entry::new("gate.example", "https://gate.example:3026", auth, Owner { profile: "gate.example".into() })
}

// A byte 0, which no YAML has, parts two files.
fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |b| *b == 0);
    let (first, second) = (parts.next().unwrap_or_default(), parts.next());
    let folder = tempfile::tempdir().expect("a folder");
    let paths = [folder.path().join("a"), folder.path().join("b")];
    fs::write(&paths[0], first).expect("written");
    let mut list = OsString::from(&paths[0]);
    if let Some(second) = second {
        fs::write(&paths[1], second).expect("written");
        list.push(":");
        list.push(&paths[1]);
    }
    let files = Files::new(Some(&list), folder.path());
    let read = || -> Vec<Vec<u8>> { paths.iter().map(|path| fs::read(path).unwrap_or_default()).collect() };
    let before = read();
    let Ok(old) = contexts(&files) else {
        assert!(login(&files, &[entry()], Some("gate.example")).is_err(), "what cannot be read is refused");
        assert_eq!(read(), before, "and left alone");
        return;
    };
    // A file may hold entries of ours, or what looks like them: then there is nothing to give back.
    let is_ours = old.iter().any(|context| context.owner.is_some() || context.version.is_some());
    let text = String::from_utf8_lossy(&before.concat()).into_owned();
    if is_ours || text.contains("jumpgate") || text.contains("gate.example") {
        let _ = login(&files, &[entry()], Some("gate.example"));
        let _ = logout(&files, None);
        return;
    }
    if login(&files, &[entry()], Some("gate.example")).is_err() {
        assert_eq!(read(), before, "a refusal leaves all bytes");
        return;
    }
    let mut new = contexts(&files).expect("the result parses");
    assert!(new.iter().any(|context| context.name == "gate.example" && context.current));
    new.retain(|context| context.name != "gate.example");
    let names = |all: &[jumpgate::client::kubeconfig::ContextInfo]| -> Vec<String> {
        all.iter().map(|context| format!("{:?}", (&context.name, &context.cluster, &context.user))).collect()
    };
    assert_eq!(names(&new), names(&old), "others stay");
    let change = logout(&files, None).expect("logout");
    assert!(change.failed.is_empty(), "{:?}", change.failed);
    assert_eq!(read(), before, "each byte is back");
});
