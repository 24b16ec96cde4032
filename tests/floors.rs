//! The rule of floors: a room knows only the rooms below it. This reads the `crate::` paths of every file.

use std::{collections::BTreeSet, fs, path::Path};

/// Each room and the rooms that it may know.
const FLOORS: [(&str, &[&str]); 9] = [
    ("model", &["model"]),
    ("wire", &["wire", "model", "recording"]),
    ("pki", &["pki", "model"]),
    ("streams", &["streams", "model", "wire"]),
    ("recording", &["recording", "model", "pki"]),
    ("client", &["client", "model", "wire", "pki", "streams", "recording"]),
    ("server", &["server", "model", "wire", "pki", "streams", "recording"]),
    ("demo", &["demo", "model", "pki", "streams", "client"]),
    ("cli", &["cli", "demo", "client", "server", "model", "wire", "pki", "streams", "recording"]),
];

/// Rooms without I/O may not name these.
const PURE: [&str; 5] = ["model", "wire", "pki", "streams", "recording"];
const IO: [&str; 6] = ["std::fs", "std::net::Tcp", "std::net::Udp", "std::process", "tokio::", "reqwest::"];

#[test]
fn every_room_knows_only_the_rooms_below_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeSet::new();
    for (room, may) in FLOORS {
        visit(&source.join(room), &mut |file, text| {
            for known in mentioned(text) {
                if FLOORS.iter().any(|(name, _)| *name == known) && !may.contains(&known.as_str()) {
                    found.insert(format!("{file}: `{room}` uses `{known}`"));
                }
            }
            if PURE.contains(&room) {
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                let io = IO
                    .iter()
                    .filter(|io| code.lines().any(|l| !l.trim_start().starts_with("//") && l.contains(*io)));
                found.extend(io.map(|io| format!("{file}: `{room}` does no I/O but names `{io}`")));
            }
        });
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_room_is_forgotten() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms: BTreeSet<String> = fs::read_dir(source)
        .expect("src is there")
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let known: BTreeSet<String> =
        FLOORS.iter().map(|(room, _)| (*room).to_owned()).chain(["bin".to_owned()]).collect();
    assert_eq!(rooms, known);
}

/// Calls `see` with the name and text of every Rust file below a folder.
fn visit(folder: &Path, see: &mut impl FnMut(&str, &str)) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("a room has a folder").filter_map(Result::ok).collect();
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            visit(&path, see);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).expect("a source file is text");
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            see(&path.strip_prefix(root).unwrap_or(&path).display().to_string(), &text);
        }
    }
}

/// The rooms that a text names behind `crate::`, also inside braces.
fn mentioned(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, marker) in text.match_indices("crate::") {
        let rest = &text[at + marker.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            names.extend(group_heads(group));
        } else {
            names.insert(head(rest));
        }
    }
    names
}

/// The first names inside `{a::b, c::{d, e}}`, up to the brace that closes it.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut fresh) = (0, Vec::new(), true);
    for (i, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if fresh && c.is_alphabetic() => {
                heads.push(head(&group[i..]));
                fresh = false;
            }
            _ => {}
        }
    }
    heads
}

fn head(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}
