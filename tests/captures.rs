//! The captures of a stock Teleport: each is held against ours by some test.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Those that nothing of ours answers to, and why.
const NOT_OURS: [(&str, &str); 4] = [
    ("README.md", "tells of the captures"),
    ("tsh/e2e_ls.txt", "SSH nodes: there is no tsh ls"),
    ("tctl/useradd.stdout", "an invitation of a local user: there is no tctl users add"),
    ("tctl/useradd.rc", "likewise"),
];

/// Taken whole, as the home of somebody who used a stock tsh.
const WHOLE: &str = "home/dot-tsh";

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn every_capture_of_a_stock_teleport_is_replayed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources: Vec<String> = ["tests", "src"]
        .iter()
        .flat_map(|folder| files_below(&root.join(folder)))
        .filter(|path| path.extension().is_some_and(|e| e == "rs") && !path.ends_with(file!()))
        .map(|path| fs::read_to_string(&path).expect("a source"))
        .collect();
    let is_named = |name: &str| sources.iter().any(|text| text.contains(name));
    assert!(is_named(WHOLE), "{WHOLE}");
    let captures = root.join("tests/data/teleport-4.0.2");
    let mut left = Vec::new();
    for path in files_below(&captures) {
        let name = path.strip_prefix(&captures).expect("below").to_str().expect("text").replace('\\', "/");
        let excused = NOT_OURS.iter().any(|(known, _)| *known == name);
        assert!(!(excused && name != "README.md" && is_named(&name)), "{name} is replayed: strike it out");
        if !excused && !name.starts_with(WHOLE) && !is_named(&name) {
            left.push(name);
        }
    }
    assert!(left.is_empty(), "no test replays {left:?}");
}
