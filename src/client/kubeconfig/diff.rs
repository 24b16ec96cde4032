//! What a change would do to the files, as a unified diff that shows no secret.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::Change;
use super::document::{Document, Kind};
use super::error::show;
use super::tree::{Node, Shape};

/// After this long the rest of a difference is only told, not looked for in its shortest form.
const PATIENCE: Duration = Duration::from_millis(500);

/// A file before a change and after it.
#[derive(Clone, PartialEq, Eq)]
pub struct Preview {
    /// The file.
    pub path: PathBuf,
    /// What it holds; nothing if it isn't there.
    pub old: Option<Vec<u8>>,
    /// What it would hold.
    pub new: Vec<u8>,
}

impl fmt::Debug for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Preview").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Change {
    /// The difference that the previews make, as a unified diff a file. Empty if nothing would change. In place of
    /// private keys, tokens and passwords it says that they are there.
    pub fn diff(&self) -> String {
        self.previews.iter().map(Preview::diff).collect()
    }
}

impl Preview {
    /// The difference as a unified diff, with secrets left out.
    pub fn diff(&self) -> String {
        let path = show(&self.path);
        let old = self.old.as_deref().map(|bytes| Shown::of(&self.path, bytes, &HashMap::new()));
        let new = Shown::of(&self.path, &self.new, old.as_ref().map_or(&HashMap::new(), |old| &old.secrets));
        let from = if old.is_some() { path.as_str() } else { "/dev/null" };
        let old = old.map(|old| old.text).unwrap_or_default();
        let diff = similar::TextDiff::configure().timeout(PATIENCE).diff_lines(&old, &new.text);
        diff.unified_diff().context_radius(3).header(from, &path).to_string()
    }
}

/// A text as it may be shown.
struct Shown {
    text: String,
    /// What was left out, by its place.
    secrets: HashMap<String, Value>,
}

impl Shown {
    /// A text without its secrets; one that differs from `before` says that it is another.
    fn of(path: &Path, bytes: &[u8], before: &HashMap<String, Value>) -> Shown {
        let mut secrets = HashMap::new();
        let Ok(document) = Document::parse(path, bytes) else {
            return Shown { text: "(this does not parse)\n".into(), secrets };
        };
        let mut text = String::with_capacity(document.text.len());
        let mut done = 0;
        let list = document.pair(Kind::User.key()).map(|(_, (_, list))| &list.shape);
        let nodes: &[Node] = if let Some(Shape::List { items, .. }) = list { items } else { &[] };
        for ((name, body), node) in document.entries(Kind::User).zip(nodes) {
            let Some((_, (_, user))) = node.pair("user") else { continue };
            for (what, key, node, value) in found(user, body) {
                let place = format!("{name}\n{key}");
                let changed = before.get(&place).is_some_and(|old| old != value);
                let range = super::patch::without_breaks(&document.text, node.start..node.end);
                if value.is_null() || range.is_empty() || range.start < done {
                    continue;
                }
                text.push_str(&document.text[done..range.start]);
                text.push_str(&format!("({}{what})", if changed { "another " } else { "" }));
                done = range.end;
                secrets.insert(place, value.clone());
            }
        }
        text.push_str(&document.text[done..]);
        Shown { text: without_copies(text, secrets.values()), secrets }
    }
}

/// The secrets of a user: what each is, its key, where it stands, and its value; in the order in which they stand.
fn found<'d>(user: &'d Node, body: &'d Value) -> Vec<(&'static str, String, &'d Node, &'d Value)> {
    let child = |node: &'d Node, key: &str| node.pair(key).map(|(_, (_, value))| value);
    let mut found = Vec::new();
    for (key, what) in [
        ("client-key-data", "private key"),
        ("token", "token"),
        ("password", "password"),
        ("auth-provider", "auth-provider"),
    ] {
        if let Some(node) = child(user, key) {
            found.push((what, key.to_owned(), node, &body[key]));
        }
    }
    // A program is told its secrets in its environment.
    let list = child(user, "exec").and_then(|exec| child(exec, "env")).map(|env| &env.shape);
    let nodes: &[Node] = if let Some(Shape::List { items, .. }) = list { items } else { &[] };
    for (node, item) in nodes.iter().zip(body["exec"]["env"].as_array().into_iter().flatten()) {
        let name = item["name"].as_str().unwrap_or_default();
        let telling = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL"];
        if telling.iter().any(|word| name.to_ascii_uppercase().contains(word))
            && let Some(node) = child(node, "value")
        {
            found.push(("secret", format!("env {name}"), node, &item["value"]));
        }
    }
    found.sort_by_key(|(_, _, node, _)| node.start);
    found
}

/// A secret may stand elsewhere too, where an anchor has it.
fn without_copies<'v>(mut text: String, secrets: impl Iterator<Item = &'v Value>) -> String {
    if text.contains('&') {
        for secret in secrets.filter_map(Value::as_str).filter(|secret| secret.len() >= 8) {
            if text.contains(secret) {
                text = text.replace(secret, "(secret)");
            }
        }
    }
    text
}
