//! What is to change in one file, as data: which entries are set, which go, which context is selected.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::document::{CURRENT, Document, Kind};
use super::render;
use super::tree::Quote;

/// What stood somewhere before we wrote there, kept with our entries so that logout can put it back byte for byte.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing that needs remembering.
    #[default]
    Usual,
    /// The key was not there.
    Absent,
    /// This text stood after the key's colon.
    Text(String),
}

impl Before {
    /// The remembered text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Before::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What stands in a file at one of its lists, should a first entry come into it.
    pub(super) fn of_list(document: &Document, kind: Kind) -> Before {
        if document.items(kind).is_empty() { Before::of(document, kind.key()) } else { Before::Usual }
    }

    /// What stands in a file after `current-context:`, should `name` be written there.
    pub(super) fn of_current(document: &Document, name: &str) -> Before {
        let before = Before::of(document, CURRENT);
        let (Some(text), Some(old)) = (before.text(), document.current()) else { return before };
        let quoted = |text: &str| match text.as_bytes().first() {
            Some(b'"') => Quote::Double,
            Some(b'\'') => Quote::Single,
            _ => Quote::Plain,
        };
        let Some(old_text) = text.strip_prefix(' ') else { return before };
        let quote = quoted(old_text);
        // Written over and back again it would be the same bytes.
        let same = render::scalar(&old, quote) == old_text && quoted(&render::scalar(name, quote)) == quote;
        if same { Before::Usual } else { before }
    }

    fn of(document: &Document, key: &str) -> Before {
        let Some((_, (key, value))) = document.pair(key) else { return Before::Absent };
        let Some(colon) = document.text[key.end..].find(':').map(|i| key.end + i + 1) else {
            return Before::Usual;
        };
        let end = if value.is_nothing() { colon } else { value.end.max(colon) };
        Before::Text(document.text[colon..end].trim_end_matches(['\n', '\r']).to_owned())
    }
}

/// Changes to one list.
#[derive(Debug, Clone, Default)]
pub(super) struct ListPlan {
    /// Entries to write, by name; each is the whole list item.
    pub(super) set: Vec<(String, Value)>,
    /// Names of entries to take away.
    pub(super) remove: Vec<String>,
    /// What to leave when nothing is left.
    pub(super) emptied: Before,
}

impl ListPlan {
    /// The list as it is when there was none.
    pub(super) fn fresh(&self) -> Option<Value> {
        let items: Vec<Value> = self.set.iter().map(|(_, item)| item.clone()).collect();
        (!items.is_empty()).then_some(Value::Array(items))
    }

    /// Every name that is touched.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.set.iter().map(|(name, _)| name.as_str()).chain(self.remove.iter().map(String::as_str))
    }
}

/// The context to select, or to put back.
#[derive(Debug, Clone)]
pub(super) struct CurrentPlan {
    /// What the file selects afterwards; empty: nothing.
    pub(super) name: String,
    /// The bytes to put back, where they are known.
    pub(super) before: Before,
}

/// Changes to one file.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    lists: [ListPlan; 3],
    /// A change of the selected context.
    pub(super) current: Option<CurrentPlan>,
}

impl Plan {
    /// The plan of a list.
    pub(super) fn list(&self, kind: Kind) -> &ListPlan {
        &self.lists[kind as usize]
    }

    /// The plan of a list, to add to.
    pub(super) fn list_mut(&mut self, kind: Kind) -> &mut ListPlan {
        &mut self.lists[kind as usize]
    }

    /// Whether nothing is asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.current.is_none() && self.lists.iter().all(|l| l.set.is_empty() && l.remove.is_empty())
    }

    /// Whether remembered bytes are put back.
    pub(super) fn restores(&self) -> bool {
        let current = self.current.as_ref().map(|c| &c.before);
        self.lists.iter().map(|l| &l.emptied).chain(current).any(|before| *before != Before::Usual)
    }

    /// The same plan without the remembered bytes.
    pub(super) fn without_restoring(&self) -> Plan {
        let mut plan = self.clone();
        plan.lists.iter_mut().for_each(|list| list.emptied = Before::Usual);
        if let Some(current) = &mut plan.current {
            current.before = Before::Usual;
        }
        plan
    }

    /// Whether `after` is `before` with exactly this plan carried out. An empty list, `null` and no list are the
    /// same, as they are for kubectl.
    pub(super) fn fulfilled(&self, before: &Document, after: &Document) -> bool {
        let (none, key) = (Map::new(), |key: &String| !PARTS.contains(&key.as_str()));
        let (old, new) =
            (before.value.as_object().unwrap_or(&none), after.value.as_object().unwrap_or(&none));
        let rest = |map: &'_ Map<String, Value>| map.keys().filter(|k| key(k)).count();
        if rest(old) != rest(new) || old.iter().any(|(k, value)| key(k) && new.get(k) != Some(value)) {
            return false;
        }
        let current = match &self.current {
            Some(current) => after.current().unwrap_or_default() == current.name,
            None => said(&before.value[CURRENT]) == said(&after.value[CURRENT]),
        };
        current && Kind::ALL.into_iter().all(|kind| self.is_carried_out(kind, before, after))
    }

    fn is_carried_out(&self, kind: Kind, before: &Document, after: &Document) -> bool {
        let plan = self.list(kind);
        let gone: HashSet<&str> = plan.remove.iter().map(String::as_str).collect();
        let set: HashMap<&str, &Value> = plan.set.iter().map(|(name, item)| (name.as_str(), item)).collect();
        let mut written = HashSet::new();
        let mut want: Vec<&Value> = Vec::with_capacity(before.items(kind).len() + set.len());
        for item in before.items(kind) {
            let name = item["name"].as_str();
            if name.is_some_and(|name| gone.contains(name)) {
                continue;
            }
            match name.and_then(|name| Some((name, *set.get(name)?))) {
                Some((name, new)) if written.insert(name) => want.push(new),
                _ => want.push(item),
            }
        }
        want.extend(
            plan.set.iter().filter(|(name, _)| !written.contains(name.as_str())).map(|(_, item)| item),
        );
        want.len() == after.items(kind).len() && want.into_iter().eq(after.items(kind))
    }
}

/// The keys of a kubeconfig that a plan can change.
const PARTS: [&str; 4] = ["clusters", "contexts", "users", CURRENT];

/// A value, where an empty text is none.
fn said(value: &Value) -> Option<&Value> {
    Some(value).filter(|value| !value.is_null() && *value != "")
}
