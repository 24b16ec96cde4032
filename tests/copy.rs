//! `kubectl cp` through the gate, both ways: a file of many bytes, and a folder.

use std::fs;

use crate::support::world::{Kubectl, World};

#[test]
fn files_and_folders_travel_both_ways() {
    let world = World::with_connector();
    world.login();
    let path = |name: &str| world.dir().join(name);
    let bytes: Vec<u8> =
        (0..2_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    fs::write(path("big"), &bytes).expect("a file");
    fs::create_dir_all(path("folder/inner")).expect("a folder");
    fs::write(path("folder/one"), "1\n").expect("a file");
    fs::write(path("folder/inner/empty"), "").expect("a file");

    for (n, version) in Kubectl::ALL.into_iter().enumerate() {
        let cp = |from: &str, to: &str| world.kubectl(version, &["cp", from, to]).succeeds();
        cp("big", &format!("shell:tmp/big{n}"));
        cp(&format!("default/shell:tmp/big{n}"), &format!("back{n}"));
        assert!(fs::read(path(&format!("back{n}"))).expect("a file") == bytes, "{version:?}");
        cp("folder", &format!("shell:tmp/folder{n}"));
        cp(&format!("shell:tmp/folder{n}"), &format!("folder-back{n}"));
        let read = |name: &str| fs::read_to_string(path(&format!("folder-back{n}/{name}"))).expect("a file");
        assert_eq!((read("one").as_str(), read("inner/empty").as_str()), ("1\n", ""));
    }
}
