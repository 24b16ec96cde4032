//! Traits: what a login learnt about a person, by name; role templates draw on them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Trait of Unix logins, filled from `teams_to_logins`.
pub const LOGINS: &str = "logins";
/// Trait of Kubernetes groups, filled from `teams_to_logins`.
pub const KUBERNETES_GROUPS: &str = "kubernetes_groups";
/// Trait of Kubernetes users, filled from `teams_to_logins`.
pub const KUBERNETES_USERS: &str = "kubernetes_users";
/// Trait of all GitHub teams as `organization/team`.
pub const GITHUB_TEAMS: &str = "github_teams";

/// Named lists of values. Values keep their order and stand once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Traits(BTreeMap<String, Vec<String>>);

impl Traits {
    /// No traits.
    pub fn new() -> Self {
        Self::default()
    }

    /// The values of a trait; empty if there are none.
    pub fn get(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Adds values that are not there yet.
    pub fn add<I, S>(&mut self, name: &str, values: I)
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let list = self.0.entry(name.to_owned()).or_default();
        for value in values {
            let value = value.into();
            if !list.contains(&value) {
                list.push(value);
            }
        }
    }

    /// All traits in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_slice()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(Vec::is_empty)
    }
}
