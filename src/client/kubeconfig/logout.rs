//! Logout: our entries go, and the context that was current before ours comes back.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::Value;

use super::Change;
use super::document::{CURRENT, Document, Kind};
use super::entry::{self, Mark, Previous};
use super::error::Error;
use super::files::{Files, Snapshot};
use super::plan::{Before, CurrentPlan, Plan};
use super::session::{Order, Session, attempt};

/// Takes our entries for a profile (with none, all of ours) out of every file. If the current context is among them,
/// the one that was current before comes back, if it is still there; else none is selected.
///
/// A file that can't be changed doesn't keep the others from it: see [`Change::failed`]. Entries that a later version
/// of this program wrote stay, and are named there.
///
/// # Errors
/// Only when another program keeps changing a file; all else is in [`Change::failed`].
pub fn logout(files: &Files, profile: Option<&str>) -> Result<Change, Error> {
    logout_here(files, profile, &|_| true)
}

/// As [`logout`], but entries whose command works with another folder of profiles stay: they are somebody else's login. `here`
/// is asked with the `TELEPORT_HOME` that the entry's command gets. Entries without a command name no folder and go.
///
/// # Errors
/// Those of [`logout`].
pub fn logout_here(
    files: &Files,
    profile: Option<&str>,
    here: &dyn Fn(Option<&str>) -> bool,
) -> Result<Change, Error> {
    attempt(|| once(files, profile, None, here))
}

/// Takes only these contexts of ours out of every file, and of their clusters and users those that no other context
/// points to. Names that are no contexts of ours (or not of the profile, if one is given) are passed over: the
/// answer's `removed` says which went.
///
/// # Errors
/// Those of [`logout`].
pub fn logout_contexts(files: &Files, profile: Option<&str>, names: &[&str]) -> Result<Change, Error> {
    let contexts: HashSet<&str> = names.iter().copied().collect();
    attempt(|| once(files, profile, Some(&contexts), &|_| true))
}

/// Which of our entries are meant.
#[derive(Debug, Clone, Copy)]
struct Which<'a> {
    /// Those of this profile only.
    profile: Option<&'a str>,
    /// These contexts only, with what only they point to.
    contexts: Option<&'a HashSet<&'a str>>,
    /// Not those of these users, with what is called as they are.
    elsewhere: &'a HashSet<String>,
}

impl Which<'_> {
    fn is_of(self, profile: &str, (kind, name): (Kind, &str), body: &Value) -> bool {
        let user = if kind == Kind::Context { body["user"].as_str().unwrap_or_default() } else { name };
        self.profile.is_none_or(|wanted| wanted == profile) && !self.elsewhere.contains(user)
    }

    fn has(self, context: &str) -> bool {
        self.contexts.is_none_or(|names| names.contains(context))
    }
}

fn once(
    files: &Files,
    profile: Option<&str>,
    contexts: Option<&HashSet<&str>>,
    here: &dyn Fn(Option<&str>) -> bool,
) -> Result<Change, Error> {
    let mut session = Session::open(files, false)?;
    let unread = std::mem::take(&mut session.snapshot.failed);
    let elsewhere = users_elsewhere(&session.snapshot, here);
    let which = Which { profile, contexts, elsewhere: &elsewhere };
    let going = Going::find(&session.snapshot, which);
    let kept = newer(&session.snapshot, which);
    let plans = going.plans(&session.snapshot, session.snapshot.current().as_deref());
    let mut change = session.commit(&plans, Order::CurrentFirst);
    if let Some(i) = change.failed.iter().position(|e| matches!(e, Error::Changed { .. })) {
        return Err(change.failed.swap_remove(i));
    }
    change.failed.extend(kept);
    change.failed.extend(unread);
    change.removed = going.names;
    Ok(change)
}

/// The users whose command works with another folder of profiles.
fn users_elsewhere(snapshot: &Snapshot, here: &dyn Fn(Option<&str>) -> bool) -> HashSet<String> {
    let users = snapshot.documents().flat_map(|(_, document)| document.entries(Kind::User));
    let elsewhere = users.filter(|(_, body)| body.get("exec").is_some_and(|exec| !here(home_of(exec))));
    elsewhere.map(|(name, _)| name.to_owned()).collect()
}

fn home_of(exec: &Value) -> Option<&str> {
    let mut env = exec["env"].as_array()?.iter();
    env.find(|variable| variable["name"] == "TELEPORT_HOME")?["value"].as_str()
}

/// What is said of the entries that a later version of this program wrote: the first of each name and file.
fn newer(snapshot: &Snapshot, which: Which<'_>) -> Vec<Error> {
    let mut said = HashSet::new();
    let mut errors = Vec::new();
    for (index, document) in snapshot.documents() {
        for kind in [Kind::Context, Kind::Cluster, Kind::User] {
            for (name, body) in document.entries(kind) {
                let Some(profile) = entry::newer(body) else { continue };
                let meant =
                    (profile.is_empty() || which.is_of(profile, (kind, name), body)) && which.has(name);
                if meant && said.insert((index, name)) {
                    errors.push(document.newer(kind, name));
                }
            }
        }
    }
    errors
}

/// The entries that go.
struct Going {
    /// Marks by list and name, one map a file.
    marks: Vec<[HashMap<String, Mark>; 3]>,
    /// What the contexts among them remember.
    previous: HashMap<String, Previous>,
    /// Contexts of that name stay in some file.
    staying: HashSet<String>,
    /// Names, in the files' order, for the report.
    names: Vec<String>,
}

/// What contexts point to, as list and name.
type Targets<'s> = HashSet<(Kind, &'s str)>;

impl Going {
    fn find(snapshot: &Snapshot, which: Which<'_>) -> Going {
        let mut going = Going {
            marks: snapshot.files.iter().map(|_| Default::default()).collect(),
            previous: HashMap::new(),
            staying: HashSet::new(),
            names: Vec::new(),
        };
        let (used, free) = going.contexts(snapshot, which);
        let mut reported: HashSet<String> = going.names.iter().cloned().collect();
        for kind in [Kind::Cluster, Kind::User] {
            for (index, document) in snapshot.documents() {
                for (name, body) in document.entries(kind) {
                    let target = (kind, name);
                    if which.contexts.is_some() && (used.contains(&target) || !free.contains(&target)) {
                        continue;
                    }
                    let mark =
                        entry::mark(body).filter(|mark| which.is_of(&mark.owner.profile, target, body));
                    if let Some(mark) = mark {
                        going.marks[index][kind as usize].insert(name.to_owned(), mark);
                        if !free.contains(&target) && reported.insert(name.to_owned()) {
                            going.names.push(name.to_owned());
                        }
                    }
                }
            }
        }
        going
    }

    /// The contexts that go; what those that stay point to, and what these do.
    fn contexts<'s>(&mut self, snapshot: &'s Snapshot, which: Which<'_>) -> (Targets<'s>, Targets<'s>) {
        let (mut used, mut free) = (HashSet::new(), HashSet::new());
        let mut reported = HashSet::new();
        for (index, document) in snapshot.documents() {
            for (name, body) in document.entries(Kind::Context) {
                let mark = entry::mark(body).filter(|m| {
                    which.is_of(&m.owner.profile, (Kind::Context, name), body) && which.has(name)
                });
                let targets = if mark.is_some() { &mut free } else { &mut used };
                let joined =
                    [Kind::Cluster, Kind::User].map(|kind| Some((kind, body[kind.noun()].as_str()?)));
                targets.extend(joined.into_iter().flatten());
                let Some(mark) = mark else {
                    self.staying.insert(name.to_owned());
                    continue;
                };
                self.marks[index][Kind::Context as usize].insert(name.to_owned(), mark);
                if reported.insert(name) {
                    self.names.push(name.to_owned());
                }
                if let Some(previous) = entry::previous(body) {
                    self.previous.entry(name.to_owned()).or_insert(previous);
                }
            }
        }
        (used, free)
    }

    /// Whether a context is gone afterwards.
    fn goes(&self, name: &str) -> bool {
        let ours = self.marks.iter().any(|lists| lists[Kind::Context as usize].contains_key(name));
        ours && !self.staying.contains(name)
    }

    /// What was current before a context and isn't itself among those that go.
    fn before(&self, name: &str) -> Option<&Previous> {
        let mut found = self.previous.get(name)?;
        for _ in 0..self.previous.len() {
            match self.previous.get(&found.context) {
                Some(earlier) if self.goes(&found.context) => found = earlier,
                _ => break,
            }
        }
        Some(found)
    }

    fn plans(&self, snapshot: &Snapshot, old: Option<&str>) -> Vec<Plan> {
        let mut plans = vec![Plan::default(); snapshot.files.len()];
        for (index, document) in snapshot.documents() {
            for kind in Kind::ALL {
                self.list(&mut plans[index], document, &self.marks[index][kind as usize], kind);
            }
        }
        let mut selecting = snapshot.documents().filter(|(_, document)| document.current().is_some());
        if let Some((index, _)) = selecting.next().filter(|_| old.is_some_and(|name| self.goes(name))) {
            plans[index].current = Some(self.put_back(snapshot, index, old.unwrap_or_default()));
        }
        // Files that are out-voted may point to what goes, too.
        for (index, document) in selecting {
            if document.current().is_some_and(|name| self.goes(&name)) {
                plans[index].current = Some(CurrentPlan { name: String::new(), before: Before::Usual });
            }
        }
        plans
    }

    fn list(&self, plan: &mut Plan, document: &Document, marks: &HashMap<String, Mark>, kind: Kind) {
        let plan = plan.list_mut(kind);
        let gone = document.entries(kind).map(|(name, _)| name).filter(|name| marks.contains_key(*name));
        plan.remove = gone.map(str::to_owned).collect();
        let memory = plan.remove.iter().map(|name| &marks[name].before).find(|b| **b != Before::Usual);
        plan.emptied = memory.cloned().unwrap_or_default();
        // Entries of ours that stay inherit what those that go remember.
        let mut heir = plan.emptied != Before::Usual;
        for (index, (name, body)) in document.entries(kind).enumerate() {
            let Some(mark) = entry::mark(body).filter(|_| !marks.contains_key(name)) else { continue };
            let mut body = body.clone();
            if heir && mark.before == Before::Usual {
                entry::set_mark(&mut body, &Mark { before: plan.emptied.clone(), ..mark });
            }
            heir = false;
            if let Some(previous) =
                entry::previous(&body).filter(|p| kind == Kind::Context && self.goes(&p.context))
            {
                entry::set_previous(&mut body, self.before(&previous.context));
            }
            let old = document.items(kind).get(index);
            let item = entry::item(kind, name, body, old);
            if old != Some(&item) {
                plan.set.push((name.to_owned(), item));
            }
        }
    }

    /// What the file that selected our context selects afterwards.
    fn put_back(&self, snapshot: &Snapshot, index: usize, old: &str) -> CurrentPlan {
        let exists = |name: &str| snapshot.body(Kind::Context, name).is_some() && !self.goes(name);
        let usable = |p: &&Previous| p.context.is_empty() || p.missing || exists(&p.context);
        // The user may have gone from one context of ours to another by kubectl, which remembers nothing.
        let others = || self.names.iter().filter_map(|name| self.before(name)).find(usable);
        let Some(previous) = self.before(old).filter(usable).or_else(others) else {
            return CurrentPlan { name: String::new(), before: Before::Usual };
        };
        let name = match &previous.before {
            Before::Usual => previous.context.clone(),
            Before::Absent => String::new(),
            Before::Text(text) => said(text).unwrap_or(previous.context.clone()),
        };
        // The bytes of then may say nothing because another file did, or does so no more.
        let later = || snapshot.documents().filter(|(i, _)| *i > index).find_map(|(_, d)| d.current());
        let result = if name.is_empty() { later().unwrap_or_default() } else { name.clone() };
        if result == previous.context {
            CurrentPlan { name, before: previous.before.clone() }
        } else {
            CurrentPlan { name: previous.context.clone(), before: Before::Usual }
        }
    }
}

/// The context that a remembered text selects; none if it makes no sense by itself (an alias).
fn said(text: &str) -> Option<String> {
    let document = Document::parse(Path::new(""), format!("{CURRENT}:{text}\n").as_bytes()).ok()?;
    Some(document.current().unwrap_or_default())
}
