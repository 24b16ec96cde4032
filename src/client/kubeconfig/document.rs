//! One kubeconfig file in memory: its text, what a YAML parser reads in it, and where that stands.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::error::{Error, Place, show};
use super::plain;
use super::tree::{self, Node, Shape, Tree};

/// The three lists of a kubeconfig.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// `clusters`
    Cluster,
    /// `contexts`
    Context,
    /// `users`
    User,
}

impl Kind {
    /// All three, in the order in which they are written into a file that has none of them.
    pub(super) const ALL: [Kind; 3] = [Kind::Cluster, Kind::Context, Kind::User];

    /// The list's key in the file.
    pub(super) fn key(self) -> &'static str {
        match self {
            Kind::Cluster => "clusters",
            Kind::Context => "contexts",
            Kind::User => "users",
        }
    }

    /// What one entry is called, which is also the key of its body.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Kind::Cluster => "cluster",
            Kind::Context => "context",
            Kind::User => "user",
        }
    }
}

/// The key that names the selected context.
pub(super) const CURRENT: &str = "current-context";

/// A text too large for a debug build to read twice.
const LARGE: usize = 300_000;

/// The byte-order mark that some editors put before a text.
const BOM: char = '\u{feff}';

/// A kubeconfig file as read.
#[derive(Debug)]
pub(super) struct Document {
    /// Which file, for errors.
    pub(super) place: Place,
    /// Its text, without a byte-order mark.
    pub(super) text: String,
    /// What a YAML parser reads in it.
    pub(super) value: Value,
    /// Where that stands.
    pub(super) tree: Tree,
    bom: bool,
    names: [Vec<String>; 3],
    /// Where each name stands first, and whether it stands again.
    places: [HashMap<String, (usize, bool)>; 3],
}

impl Document {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// [`Error::Unparsable`], [`Error::NotKubeconfig`].
    pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Document, Error> {
        let place = Place(path.to_owned());
        let text = std::str::from_utf8(bytes).map_err(|e| not_utf8(path, bytes, e.valid_up_to()))?;
        let (bom, text) = match text.strip_prefix(BOM) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let general = || {
            let value = read(text).map_err(|e| unparsable(path, &e))?;
            let tree = tree::locate(text).map_err(|(at, reason)| place.shape(text, at, reason))?;
            Ok((value, tree))
        };
        let (value, tree) = match plain::read(text) {
            Some(plain) => {
                // Every test of a debug build holds the two readers against each other.
                debug_assert!(
                    text.len() > LARGE || general().is_ok_and(|general| general == plain),
                    "{text}"
                );
                plain
            }
            None => general()?,
        };
        let text = text.to_owned();
        let (names, places) = Default::default();
        let mut document = Document { place, text, value, tree, bom, names, places };
        document.check()?;
        document.names = Kind::ALL.map(|kind| document.read_names(kind));
        for (names, places) in document.names.iter().zip(&mut document.places) {
            for (i, name) in names.iter().enumerate() {
                places.entry(name.clone()).and_modify(|(_, again)| *again = true).or_insert((i, false));
            }
        }
        Ok(document)
    }

    /// The bytes of a text that is to stand in this file's place.
    pub(super) fn bytes(&self, text: &str) -> Vec<u8> {
        if self.bom { format!("{BOM}{text}").into_bytes() } else { text.as_bytes().to_vec() }
    }

    /// Where a key of the document and its value stand.
    pub(super) fn pair(&self, key: &str) -> Option<(usize, &(Node, Node))> {
        self.tree.root.as_ref()?.pair(key)
    }

    /// A list's items as the parser reads them.
    pub(super) fn items(&self, kind: Kind) -> &[Value] {
        self.value.get(kind.key()).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Names and bodies of a list's entries, in order.
    pub(super) fn entries(&self, kind: Kind) -> impl Iterator<Item = (&str, &Value)> {
        let body = move |item| Value::get(item, kind.noun()).unwrap_or(&Value::Null);
        self.names[kind as usize].iter().map(String::as_str).zip(self.items(kind).iter().map(body))
    }

    /// The place of an entry in its list.
    pub(super) fn position(&self, kind: Kind, name: &str) -> Option<usize> {
        self.places[kind as usize].get(name).map(|(i, _)| *i)
    }

    /// Whether a list has a name more than once.
    pub(super) fn is_twice(&self, kind: Kind, name: &str) -> bool {
        self.places[kind as usize].get(name).is_some_and(|(_, again)| *again)
    }

    /// An entry as a list item.
    pub(super) fn item(&self, kind: Kind, name: &str) -> Option<&Value> {
        self.items(kind).get(self.position(kind, name)?)
    }

    /// The body of an entry.
    pub(super) fn body(&self, kind: Kind, name: &str) -> Option<&Value> {
        self.item(kind, name).map(|item| item.get(kind.noun()).unwrap_or(&Value::Null))
    }

    /// The line of an entry, for errors.
    pub(super) fn line(&self, kind: Kind, name: &str) -> u64 {
        super::error::line_of(&self.text, self.at(kind, self.position(kind, name).unwrap_or(0)))
    }

    /// What is said of an entry that a later version of this program wrote.
    pub(super) fn newer(&self, kind: Kind, name: &str) -> Error {
        let (path, line) = (show(&self.place.0), self.line(kind, name));
        Error::Newer { path, line, kind: kind.noun(), name: name.to_owned() }
    }

    /// Where an entry stands in the text, for errors.
    pub(super) fn at(&self, kind: Kind, index: usize) -> usize {
        let list = self.pair(kind.key()).map(|(_, (_, list))| list);
        match list.map(|list| (&list.shape, list.start)) {
            Some((Shape::List { items, .. }, start)) => items.get(index).map_or(start, |n| n.start),
            Some((_, start)) => start,
            None => 0,
        }
    }

    /// The context that this file selects.
    pub(super) fn current(&self) -> Option<String> {
        let node = self.pair(CURRENT).map(|(_, (_, node))| node);
        as_text(self.value.get(CURRENT)?, node).filter(|name| !name.is_empty())
    }

    fn read_names(&self, kind: Kind) -> Vec<String> {
        let nodes: &[Node] = match self.pair(kind.key()).map(|(_, (_, list))| &list.shape) {
            Some(Shape::List { items, .. }) => items,
            _ => &[],
        };
        let name = |(i, item): (usize, &Value)| {
            let node = nodes.get(i).and_then(|n| n.pair("name")).map(|(_, (_, node))| node);
            item.get("name").and_then(|value| as_text(value, node)).unwrap_or_default()
        };
        self.items(kind).iter().enumerate().map(name).collect()
    }

    /// The shapes that all else relies on.
    fn check(&self) -> Result<(), Error> {
        if !matches!(self.value, Value::Object(_) | Value::Null) {
            return Err(self.place.shape(&self.text, 0, "the document is not a mapping"));
        }
        for kind in Kind::ALL {
            let at = self.pair(kind.key()).map_or(0, |(_, (key, _))| key.start);
            let shape = |what: &str| self.place.shape(&self.text, at, format!("{:?} {what}", kind.key()));
            match self.value.get(kind.key()) {
                None | Some(Value::Null) => {}
                Some(Value::Array(items)) if items.iter().all(|i| i.is_object() || i.is_null()) => {}
                Some(Value::Array(_)) => return Err(shape("has an item that is not a mapping")),
                Some(_) => return Err(shape("is not a list")),
            }
        }
        match self.value.get(CURRENT) {
            Some(Value::Object(_) | Value::Array(_)) => {
                let at = self.pair(CURRENT).map_or(0, |(_, (key, _))| key.start);
                Err(self.place.shape(&self.text, at, "\"current-context\" is not a name"))
            }
            _ => Ok(()),
        }
    }
}

/// A name as kubectl takes it: a plain `123` or `on` is the text that stands there.
fn as_text(value: &Value, node: Option<&Node>) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(node.and_then(Node::text).map_or_else(|| other.to_string(), str::to_owned)),
    }
}

/// Reads a text with limits for a local file: far above any kubeconfig, yet not without end.
fn read(text: &str) -> Result<Value, serde_yaml::Error> {
    let budget = serde_yaml::budget! {
        max_nodes: 50_000_000,
        max_events: 100_000_000,
        max_total_scalar_bytes: 1 << 30,
        max_total_comment_bytes: 1 << 30
    };
    let options = serde_yaml::options! { budget: budget, with_snippet: false };
    serde_yaml::from_str_with_options(text, options)
}

fn not_utf8(path: &Path, bytes: &[u8], at: usize) -> Error {
    let before = bytes.get(..at).unwrap_or_default();
    let line = before.iter().filter(|b| **b == b'\n').count() as u64 + 1;
    let column = before.iter().rev().take_while(|b| **b != b'\n').count() as u64 + 1;
    Error::Unparsable { path: show(path), line, column, reason: "a byte that is not UTF-8".into() }
}

/// The parser's reason in one line. Its text never quotes the file, which may hold keys.
fn unparsable(path: &Path, error: &serde_yaml::Error) -> Error {
    let (line, column) = error.location().map_or((1, 1), |l| (l.line(), l.column()));
    let text = error.without_snippet().to_string();
    let first = text.lines().next().unwrap_or("not YAML").trim();
    let reason = first.split(" at line ").next().unwrap_or(first);
    let reason = match reason.split_once(": ") {
        Some((position, rest)) if position.starts_with("line ") => rest,
        _ => reason,
    };
    let reason = reason.chars().filter(|c| !c.is_control()).collect();
    Error::Unparsable { path: show(path), line, column, reason }
}
