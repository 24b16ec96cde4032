//! What every stored resource carries besides its `spec`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `metadata` of a resource, in Teleport 4's keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The resource's name, unique within its kind.
    pub name: String,
    /// Always `default` where it is given; Teleport's namespaces are not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// A sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When the resource disappears by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Free labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The revision of the stored record (Teleport 4 calls it the record's id). A write that carries one
    /// succeeds only if the record still has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
}

impl Metadata {
    /// Metadata with a name and nothing else.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Checks the name: it becomes part of a storage key, a URL path and of messages.
    pub fn check(&self) -> Result<(), Invalid> {
        check_name("metadata.name", &self.name)
    }
}

/// A value that may not be stored, with the key it stands at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct Invalid {
    /// The key as an administrator writes it, for example `spec.redirect_url`.
    pub key: String,
    /// What is wrong with it and what is right.
    pub reason: String,
}

impl Invalid {
    /// A finding at `key`.
    pub fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { key: key.into(), reason: reason.into() }
    }
}

/// The longest name of a resource, in bytes.
pub const MAX_NAME: usize = 200;

/// Names of resources: no control characters, no slash, no white space at the ends, not `.` or `..`.
pub fn check_name(key: &str, name: &str) -> Result<(), Invalid> {
    let bad = |reason: &str| Err(Invalid::new(key, reason));
    if name.is_empty() {
        return bad("is required");
    }
    if name.len() > MAX_NAME {
        return bad("is longer than 200 bytes");
    }
    if name == "." || name == ".." {
        return bad("may not be `.` or `..`");
    }
    if name.trim() != name {
        return bad("begins or ends with white space");
    }
    match name.chars().find(|c| c.is_control() || matches!(c, '/' | '\\')) {
        Some('/') => bad("contains a slash"),
        Some('\\') => bad("contains a backslash"),
        Some(_) => bad("contains a control character"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_break_a_path_or_a_terminal_are_refused() {
        for bad in ["", ".", "..", "a/b", "a\\b", "a\nb", " a", "a ", "\u{1b}[31m"] {
            assert!(check_name("metadata.name", bad).is_err(), "{bad:?}");
        }
        for good in ["github", "alice@example.com", "Käse", "a b"] {
            assert!(check_name("metadata.name", good).is_ok(), "{good:?}");
        }
    }
}
