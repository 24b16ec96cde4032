//! Login: our entries are set, and one of them is selected.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::document::{Document, Kind};
use super::entry::{self, Mark, Previous};
use super::error::{Error, show};
use super::files::{Files, Snapshot};
use super::plan::{Before, CurrentPlan, Plan};
use super::session::{Order, Session, attempt};
use super::{Change, Entry};

/// Sets the cluster, user and context of each entry, and selects the context `select` (with none, the current
/// context stays). An entry that is in some file already is changed there; new ones go where kubectl would put them.
/// Nothing is written if nothing would change.
///
/// A namespace on an existing context of ours, extensions that are not ours and unknown fields stay. Entries that
/// stock `tsh` wrote under our names are taken over.
///
/// # Errors
/// [`Error::Taken`] if an entry with our name is someone else's, [`Error::Owned`] if another profile's; [`Error::Unparsable`], [`Error::NotKubeconfig`],
/// [`Error::Layout`] for files that can't be edited; [`Error::Locked`], [`Error::Denied`] and the like. No file is
/// changed then, except that of several files some may be written when the disk fails in between.
pub fn login(files: &Files, entries: &[Entry], select: Option<&str>) -> Result<Change, Error> {
    login_over(files, entries, select, &|_| true)
}

/// As [`login`]; entries of another profile are taken over if that one is not `alive` any more.
///
/// # Errors
/// Those of [`login`].
pub fn login_over(
    files: &Files,
    entries: &[Entry],
    select: Option<&str>,
    alive: &dyn Fn(&str) -> bool,
) -> Result<Change, Error> {
    attempt(|| once(files, entries, select, alive))
}

/// Selects a context, whosever it is, where kubectl would write that. Nothing else changes, but that a context of ours
/// remembers which one was current before it. The answer's `old_context` is the one to go back to.
///
/// # Errors
/// [`Error::NoContext`]; otherwise those of [`login`] for files.
pub fn select(files: &Files, name: &str) -> Result<Change, Error> {
    attempt(|| once(files, &[], Some(name), &|_| true))
}

fn once(
    files: &Files,
    entries: &[Entry],
    select: Option<&str>,
    alive: &dyn Fn(&str) -> bool,
) -> Result<Change, Error> {
    let mut session = Session::open(files, !entries.is_empty())?;
    if !session.snapshot.failed.is_empty() {
        return Err(session.snapshot.failed.remove(0));
    }
    let old = session.snapshot.current();
    let mut planner = Planner {
        snapshot: &session.snapshot,
        default: session.default,
        old: old.as_deref(),
        select,
        plans: vec![Plan::default(); session.snapshot.files.len()],
    };
    check_contexts(entries)?;
    let mut done = HashSet::new();
    for entry in entries {
        check_newer(&session.snapshot, entry)?;
        check_taken(&session.snapshot, entry)?;
        check_owner(&session.snapshot, entry, alive)?;
        // Two contexts may share one cluster and one user.
        for kind in Kind::ALL.into_iter().filter(|kind| done.insert((*kind, entry.name_of(*kind)))) {
            planner.set(entry, kind);
        }
    }
    if let Some(name) = select.filter(|name| old.as_deref() != Some(*name)) {
        if !entries.iter().any(|entry| entry.context() == name) {
            planner.remember(name)?;
        }
        planner.plans[session.default].current =
            Some(CurrentPlan { name: name.to_owned(), before: Before::Usual });
    }
    let plans = planner.plans;
    let mut change = session.commit(&plans, Order::EntriesFirst);
    if !change.failed.is_empty() {
        return Err(change.failed.remove(0));
    }
    Ok(change)
}

struct Planner<'s> {
    snapshot: &'s Snapshot,
    default: usize,
    old: Option<&'s str>,
    select: Option<&'s str>,
    plans: Vec<Plan>,
}

impl Planner<'_> {
    fn document(&self, index: usize) -> Option<&Document> {
        self.snapshot.files.get(index)?.document.as_ref()
    }

    /// The file of an entry and the list item that is there now.
    fn place(&self, kind: Kind, name: &str) -> (usize, Option<&Value>) {
        match self.snapshot.holder(kind, name) {
            Some((index, document)) => (index, document.item(kind, name)),
            None => (self.default, None),
        }
    }

    fn set(&mut self, entry: &Entry, kind: Kind) {
        let name = entry.name_of(kind);
        let (index, old) = self.place(kind, name);
        let old_body = old.and_then(|item| item.get(kind.noun()));
        let mut body = entry::body(entry, kind, old_body);
        let mark = old_body.and_then(entry::mark);
        let known = mark.as_ref().map(|mark| mark.labels.clone());
        let before = match (old, mark) {
            (_, Some(mark)) => mark.before,
            (Some(_), None) => Before::Usual,
            // The first of our entries in a list remembers what the list was.
            (None, None) if self.plans[index].list(kind).set.is_empty() => {
                self.document(index).map_or(Before::Usual, |document| Before::of_list(document, kind))
            }
            (None, None) => Before::Usual,
        };
        let labels = entry.labels.clone().filter(|_| kind == Kind::Context).or(known).unwrap_or_default();
        entry::set_mark(&mut body, &Mark { owner: entry.owner.clone(), before, labels });
        if kind == Kind::Context && self.select == Some(name) && self.old != self.select {
            entry::set_previous(&mut body, Some(&self.previous(name)));
        }
        let item = entry::item(kind, name, body, old);
        if old != Some(&item) {
            self.plans[index].list_mut(kind).set.push((name.to_owned(), item));
        }
    }

    /// Lets a context of ours that is selected, but not otherwise changed, remember the one before it.
    fn remember(&mut self, name: &str) -> Result<(), Error> {
        let (index, old) = self.place(Kind::Context, name);
        if old.is_none() {
            return Err(Error::NoContext { name: name.to_owned() });
        }
        let Some(body) = old.and_then(|item| item.get("context")).filter(|b| entry::mark(b).is_some()) else {
            return Ok(());
        };
        let mut body = body.clone();
        entry::set_previous(&mut body, Some(&self.previous(name)));
        let item = entry::item(Kind::Context, name, body, old);
        self.plans[index].list_mut(Kind::Context).set.push((name.to_owned(), item));
        Ok(())
    }

    fn previous(&self, name: &str) -> Previous {
        let before = self.document(self.default).map_or(Before::Usual, |d| Before::of_current(d, name));
        let context = self.old.unwrap_or_default().to_owned();
        let missing = !context.is_empty() && self.snapshot.body(Kind::Context, &context).is_none();
        Previous { context, missing, before }
    }
}

/// Refuses when two clusters would get one context.
fn check_contexts(entries: &[Entry]) -> Result<(), Error> {
    let mut seen = HashMap::new();
    for entry in entries {
        let (name, second) = (entry.context().to_owned(), entry.name.clone());
        match seen.insert(entry.context(), &entry.name) {
            Some(first) if *first != second => {
                return Err(Error::SameContext { name, first: first.clone(), second });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses when an entry with our name was written by a later version of this program.
fn check_newer(snapshot: &Snapshot, entry: &Entry) -> Result<(), Error> {
    for kind in Kind::ALL {
        let name = entry.name_of(kind);
        let Some((_, document)) = snapshot.holder(kind, name) else { continue };
        if document.body(kind, name).and_then(entry::newer).is_some() {
            return Err(document.newer(kind, name));
        }
    }
    Ok(())
}

/// Refuses when an entry with our name was written for another gate: two clusters of one name are two clusters.
fn check_owner(snapshot: &Snapshot, entry: &Entry, alive: &dyn Fn(&str) -> bool) -> Result<(), Error> {
    for kind in Kind::ALL {
        let name = entry.name_of(kind);
        let Some((index, document)) = snapshot.holder(kind, name) else { continue };
        let mark = document.body(kind, name).and_then(entry::mark);
        let Some(owner) = mark.map(|mark| mark.owner).filter(|owner| *owner != entry.owner) else { continue };
        if alive(&owner.profile) {
            let path = show(&snapshot.files[index].path);
            return Err(Error::Owned { path, name: name.to_owned(), profile: owner.profile });
        }
    }
    Ok(())
}

/// Refuses when an entry with our name is someone else's. Stock tsh's entries carry no mark; they are known by the
/// server they point to, or by a tsh in the user entry.
fn check_taken(snapshot: &Snapshot, entry: &Entry) -> Result<(), Error> {
    let name = entry.name.as_str();
    let unmarked = |kind| snapshot.body(kind, entry.name_of(kind)).filter(|body| entry::mark(body).is_none());
    let cluster = snapshot.body(Kind::Cluster, name);
    let by_server = cluster.is_some_and(|cluster| entry::same_server(cluster, &entry.server));
    let by_user = snapshot.body(Kind::User, name).is_some_and(|user| entry::from_tsh(user, name));
    // A context of this name that joins other entries is no tsh's.
    let joins_others = |context: &Value| context["cluster"] != name || context["user"] != name;
    for kind in Kind::ALL {
        let Some(body) = unmarked(kind) else { continue };
        let theirs = match kind {
            Kind::Context => joins_others(body) || !(by_server || by_user),
            Kind::Cluster | Kind::User => !(by_server || by_user),
        };
        let name = entry.name_of(kind);
        if let (true, Some((_, document))) = (theirs, snapshot.holder(kind, name)) {
            let (path, line) = (show(&document.place.0), document.line(kind, name));
            return Err(Error::Taken { path, line, kind: kind.noun(), name: name.to_owned() });
        }
    }
    Ok(())
}
