//! One change of the kubeconfig files: lock, read, plan, check, write.

use std::path::PathBuf;

use super::document::{Document, Kind};
use super::error::Error;
use super::files::{Files, Snapshot};
use super::lock::{self, Lock};
use super::plan::Plan;
use super::{Change, Preview};
use super::{edit, entry, save};

/// A kubeconfig that says nothing, as kubectl writes it.
const EMPTY: &[u8] = b"apiVersion: v1
clusters: []
contexts: []
current-context: \"\"
kind: Config
preferences: {}
users: []
";

/// How often we begin anew when another program, one that takes no lock, changes a file under our hands.
const ATTEMPTS: usize = 3;

/// The files, read under their locks.
pub(super) struct Session {
    /// What they say.
    pub(super) snapshot: Snapshot,
    /// The file that takes new entries and `current-context`.
    pub(super) default: usize,
    /// Files whose lock can't be had, and why. They may be read; writing them fails with this.
    unlocked: Vec<(PathBuf, Error)>,
    preview: bool,
    _locks: Vec<Lock>,
}

/// Which file is written first when there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Entries before the key that points to them.
    EntriesFirst,
    /// The key before the entries that it no longer points to.
    CurrentFirst,
}

impl Session {
    /// Locks and reads the files. With `make`, the folder of the file that takes new entries is made, and that file
    /// is taken for an empty kubeconfig if it isn't there.
    pub(super) fn open(files: &Files, make: bool) -> Result<Session, Error> {
        let default = files.default_index();
        let preview = files.is_preview();
        let path = files.paths().get(default);
        if let Some(path) = path.filter(|_| make && !preview) {
            save::make_folder(save::folder(path))?;
        }
        // In one order for everybody, so that two programs never wait for each other.
        let mut paths: Vec<&PathBuf> =
            files.paths().iter().filter(|p| !preview && save::folder(p).is_dir()).collect();
        paths.sort();
        let (mut locks, mut unlocked) = (Vec::new(), Vec::new());
        for path in paths {
            match lock::take(path, files.wait()) {
                Ok(lock) => locks.push(lock),
                Err(error) => unlocked.push((path.clone(), error)),
            }
        }
        let mut snapshot = Snapshot::take(files);
        if let Some(held) = snapshot.files.get_mut(default).filter(|_| make && snapshot.failed.is_empty())
            && held.document.is_none()
        {
            held.document = Some(Document::parse(&held.path, EMPTY)?);
        }
        Ok(Session { snapshot, default, unlocked, preview, _locks: locks })
    }

    /// Carries out one plan a file. All new texts are made and checked before the first is written.
    pub(super) fn commit(mut self, plans: &[Plan], order: Order) -> Change {
        let old = self.snapshot.current();
        let mut selected: Vec<Option<String>> =
            self.snapshot.files.iter().map(|held| held.document.as_ref()?.current()).collect();
        let mut change = Change { old_context: old, ..Change::default() };
        let mut texts = Vec::new();
        for (i, document) in self.snapshot.documents() {
            let Some(plan) = plans.get(i).filter(|plan| !plan.is_empty()) else { continue };
            match edit::edit(document, plan) {
                Ok(text) => texts.push((i, plan, document.bytes(&text))),
                Err(error) => change.failed.push(error),
            }
        }
        texts.sort_by_key(|(_, plan, _)| plan.current.is_some() == (order == Order::EntriesFirst));
        if order == Order::EntriesFirst && !change.failed.is_empty() {
            return change;
        }
        for (i, plan, bytes) in texts {
            let written = match self.preview {
                true => Ok(self.show(i, bytes, &mut change)),
                false => self.write(i, &bytes, holds_key(plan)),
            };
            match written {
                Ok(Some((path, closed))) => {
                    if closed {
                        change.closed.push(path.clone());
                    }
                    change.files.push(path);
                }
                Ok(None) => {}
                Err(error) => {
                    change.failed.push(error);
                    if order == Order::EntriesFirst {
                        return change;
                    }
                    continue;
                }
            }
            if let (Some(current), Some(selected)) = (&plan.current, selected.get_mut(i)) {
                *selected = Some(current.name.clone()).filter(|name| !name.is_empty());
            }
        }
        change.new_context = selected.into_iter().flatten().next();
        change
    }

    /// Keeps a file's old and new bytes instead of writing it.
    fn show(&self, index: usize, new: Vec<u8>, change: &mut Change) -> Option<(PathBuf, bool)> {
        let held = self.snapshot.files.get(index).filter(|held| held.bytes.as_ref() != Some(&new))?;
        change.previews.push(Preview { path: held.path.clone(), old: held.bytes.clone(), new });
        Some((held.path.clone(), false))
    }

    /// The file that was written, and whether rights of others to it were taken away.
    fn write(&mut self, index: usize, bytes: &[u8], private: bool) -> Result<Option<(PathBuf, bool)>, Error> {
        let Some(held) = self.snapshot.files.get(index) else { return Ok(None) };
        if held.bytes.as_deref() == Some(bytes) {
            return Ok(None);
        }
        if let Some(i) = self.unlocked.iter().position(|(path, _)| *path == held.path) {
            return Err(self.unlocked.swap_remove(i).1);
        }
        let ours = |document: &Document| {
            Kind::ALL
                .into_iter()
                .any(|kind| document.entries(kind).any(|(_, body)| entry::mark(body).is_some()))
        };
        // The backup is the last state without us, so it never holds a key of ours.
        let backup = !held.document.as_ref().is_some_and(ours);
        let closed = save::replace(&held.path, held.bytes.as_deref(), bytes, backup, private)?;
        Ok(Some((held.path.clone(), closed)))
    }
}

/// Whether a plan writes a private key into the file.
fn holds_key(plan: &Plan) -> bool {
    plan.list(Kind::User).set.iter().any(|(_, item)| item["user"].get("client-key-data").is_some())
}

/// Runs one change, anew if another program got in between.
pub(super) fn attempt<T>(mut once: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 1..ATTEMPTS {
        match once() {
            Err(Error::Changed { .. }) => {}
            done => return done,
        }
    }
    once()
}
