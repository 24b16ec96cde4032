//! The commands as people read them: the whole reference is a snapshot, and what is generated from the same
//! definitions (`completions/`, `man/`) is not stale.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use clap::CommandFactory;

#[test]
fn the_whole_reference() {
    let mut text = String::new();
    for command in [
        jumpgate::cli::tsh::Cli::command(),
        jumpgate::cli::tctl::Cli::command(),
        jumpgate::cli::jumpgate::Cli::command(),
    ] {
        let name = command.get_name().to_owned();
        describe(&name, command, &mut text);
    }
    insta::assert_snapshot!("reference", text);
}

fn describe(name: &str, mut command: clap::Command, text: &mut String) {
    command = command.bin_name(name).term_width(100);
    text.push_str(&format!("== {name}\n{}\n", command.render_long_help()));
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        if name == "jumpgate" && ["tsh", "tctl"].contains(&sub.get_name()) {
            continue;
        }
        describe(&format!("{name} {}", sub.get_name()), sub.clone(), text);
    }
}

#[test]
fn completions_and_pages_are_not_stale() {
    let fresh = tempfile::tempdir().expect("a folder");
    let status = Command::new(env!("CARGO_BIN_EXE_jumpgate"))
        .args(["generate", "--to"])
        .arg(fresh.path())
        .status()
        .expect("jumpgate starts");
    assert!(status.success());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["completions", "man"] {
        let (fresh, kept) = (files(&fresh.path().join(folder)), files(&root.join(folder)));
        let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&fresh), names(&kept), "stale; run: cargo run -- generate");
        for (name, text) in &fresh {
            assert!(kept.get(name) == Some(text), "{folder}/{name} is stale; run: cargo run -- generate");
        }
    }
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).expect("generated files are text");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect()
}
