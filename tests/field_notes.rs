//! The table of the field notes is whole, and what it names exists; and the one of its items that no other story shows.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The names of all tests of the package.
fn tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = vec![root.join("src"), root.join("tests")];
    let mut found = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                names(&fs::read_to_string(&path).expect("a source"), &mut found);
            }
        }
    }
    found
}

/// The functions that stand below `#[test]`, also inside `proptest!`.
fn names(source: &str, found: &mut BTreeSet<String>) {
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
            found.insert(rest.split('(').next().unwrap_or_default().to_owned());
            is_test = false;
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            is_test = false;
        }
    }
}

#[test]
fn the_table_of_field_notes_is_whole_and_true() {
    let tests = tests();
    assert!(tests.len() > 400, "{}", tests.len());
    let table = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field-notes.md"));
    let table = table.expect("the table");
    let mut items = Vec::new();
    for line in table.lines() {
        let cells: Vec<&str> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
        let [item, what, shown] = cells[..] else { continue };
        let Ok(item) = item.parse::<u32>() else { continue };
        items.push(item);
        let named: Vec<&str> = shown.split('`').skip(1).step_by(2).filter(|name| is_name(name)).collect();
        assert!(!what.is_empty() && !named.is_empty() || shown.starts_with("not ours, because "), "{line}");
        for name in named {
            assert!(tests.contains(name), "item {item} names {name:?}, and there is no such test");
        }
    }
    assert_eq!(items, (1..=41).collect::<Vec<_>>(), "one row an item, in their order");
}

/// Whether this is a test's name, and not a command or a file.
fn is_name(text: &str) -> bool {
    text.contains('_') && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Budgets of the stripped release binaries, in MB: what they have today and a little.
const SIZES: [(&str, u64); 3] = [("tsh", 15), ("tctl", 12), ("jumpgate", 40)];

#[test]
fn a_release_keeps_to_its_size() {
    let target = Path::new(env!("CARGO_BIN_EXE_tsh")).ancestors().nth(2).expect("target");
    for (name, limit) in SIZES {
        // Built by whoever measures or packs; the tests themselves need no release.
        let Ok(found) = fs::metadata(target.join("release").join(name)) else { continue };
        assert!(found.len() <= limit * 1_000_000, "{name} has {} bytes, more than {limit} MB", found.len());
    }
    // What makes the difference stands in the manifest, and is checked without a build.
    let manifest = include_str!("../Cargo.toml");
    let release = manifest.split("[profile.release]").nth(1).expect("a release profile");
    for line in ["strip = true", "opt-level = 3", "[profile.release.package.\"*\"]\nopt-level = \"s\""] {
        assert!(release.contains(line), "{line}");
    }
    // Cargo leaves the symbols in a program whose own package has settings of its own: a third of its size.
    assert!(!release.contains("[profile.release.package.jumpgate]"));
}
