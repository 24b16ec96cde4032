//! The list of kubeconfig files, by kubectl's own rule, and what they say together.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::document::{Document, Kind};
use super::error::Error;
use super::save;

/// What stands between the files in `KUBECONFIG`.
const SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };

/// How long we wait for another program's lock unless told otherwise.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The kubeconfig files of a person, in kubectl's order.
#[derive(Debug, Clone)]
pub struct Files {
    paths: Vec<PathBuf>,
    lock_wait: Duration,
    preview: bool,
}

impl Files {
    /// The files that `KUBECONFIG` lists (separated by `:`, on Windows by `;`; empty parts and repetitions don't
    /// count), else `~/.kube/config`.
    pub fn new(kubeconfig_env: Option<&OsStr>, home: &Path) -> Files {
        let mut paths: Vec<PathBuf> = Vec::new();
        for path in kubeconfig_env.map(|list| split(list, SEPARATOR)).into_iter().flatten() {
            if !path.as_os_str().is_empty() && !paths.contains(&path) {
                paths.push(path);
            }
        }
        if paths.is_empty() {
            paths.push(home.join(".kube").join("config"));
        }
        Files { paths, lock_wait: LOCK_WAIT, preview: false }
    }

    /// One file, whatever the environment says.
    pub fn single(path: PathBuf) -> Files {
        Files { paths: vec![path], lock_wait: LOCK_WAIT, preview: false }
    }

    /// Changes of these files are only planned: nothing is written, made or locked, and [`super::Change::previews`]
    /// says what each file would hold.
    #[must_use]
    pub fn preview(mut self) -> Files {
        self.preview = true;
        self
    }

    /// Waits this long for another program that holds a file's lock (5 s by default).
    #[must_use]
    pub fn lock_wait(mut self, wait: Duration) -> Files {
        self.lock_wait = wait;
        self
    }

    /// The files, in order.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// The context that kubectl uses: the first file that selects one counts.
    ///
    /// # Errors
    /// A file can't be read or is no kubeconfig.
    pub fn current_context(&self) -> Result<Option<String>, Error> {
        Ok(Snapshot::whole(self)?.current())
    }

    /// Whether changes are only planned.
    pub(super) fn is_preview(&self) -> bool {
        self.preview
    }

    /// How long to wait for a lock.
    pub(super) fn wait(&self) -> Duration {
        self.lock_wait
    }

    /// Where kubectl writes what is in no file yet, and `current-context`: the first file that exists, else the
    /// last of the list.
    pub(super) fn default_index(&self) -> usize {
        self.paths.iter().position(|path| path.exists()).unwrap_or(self.paths.len().saturating_sub(1))
    }
}

/// The parts of a list of paths. Where `;` separates them, double quotes around a part keep one inside it.
fn split(list: &OsStr, separator: char) -> Vec<PathBuf> {
    let Some(text) = list.to_str() else { return std::env::split_paths(list).collect() };
    let (mut parts, mut part, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' if separator == ';' => quoted = !quoted,
            c if c == separator && !quoted => parts.push(PathBuf::from(std::mem::take(&mut part))),
            c => part.push(c),
        }
    }
    parts.push(PathBuf::from(part));
    parts
}

/// One file as it was read.
#[derive(Debug)]
pub(super) struct Held {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its bytes; none if there is no such file.
    pub(super) bytes: Option<Vec<u8>>,
    /// What it says; none if there is no such file or it can't be read.
    pub(super) document: Option<Document>,
}

/// All files as they were read at one time.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// In kubectl's order.
    pub(super) files: Vec<Held>,
    /// Files that can't be read, or are no kubeconfig.
    pub(super) failed: Vec<Error>,
}

impl Snapshot {
    /// Reads all files.
    pub(super) fn take(files: &Files) -> Snapshot {
        let mut snapshot = Snapshot { files: Vec::new(), failed: Vec::new() };
        let mut seen = Vec::new();
        for path in &files.paths {
            let mut held = Held { path: path.clone(), bytes: None, document: None };
            // One file under two names says everything twice, and would be written twice.
            let real = path.canonicalize().ok();
            if real.is_some() && seen.contains(&real) {
                snapshot.files.push(held);
                continue;
            }
            seen.push(real);
            let read = save::read(path).and_then(|bytes| match &bytes {
                None => Ok((None, None)),
                Some(text) => Document::parse(path, text).map(|document| (bytes, Some(document))),
            });
            match read {
                Ok((bytes, document)) => (held.bytes, held.document) = (bytes, document),
                Err(error) => snapshot.failed.push(error),
            }
            snapshot.files.push(held);
        }
        snapshot
    }

    /// Reads all files; one that kubectl would stumble over is an error.
    pub(super) fn whole(files: &Files) -> Result<Snapshot, Error> {
        let mut snapshot = Snapshot::take(files);
        if snapshot.failed.is_empty() { Ok(snapshot) } else { Err(snapshot.failed.remove(0)) }
    }

    /// The files that there are, with their place in the list.
    pub(super) fn documents(&self) -> impl Iterator<Item = (usize, &Document)> {
        self.files.iter().enumerate().filter_map(|(i, held)| Some((i, held.document.as_ref()?)))
    }

    /// The current context.
    pub(super) fn current(&self) -> Option<String> {
        self.documents().find_map(|(_, document)| document.current())
    }

    /// The file that holds an entry, if one does.
    pub(super) fn holder(&self, kind: Kind, name: &str) -> Option<(usize, &Document)> {
        self.documents().find(|(_, document)| document.position(kind, name).is_some())
    }

    /// The body of an entry.
    pub(super) fn body(&self, kind: Kind, name: &str) -> Option<&Value> {
        self.holder(kind, name).and_then(|(_, document)| document.body(kind, name))
    }

    /// The bodies that count, by name: of several with one name the first.
    pub(super) fn bodies(&self, kind: Kind) -> HashMap<&str, &Value> {
        let mut bodies = HashMap::new();
        for (_, document) in self.documents() {
            for (name, body) in document.entries(kind) {
                bodies.entry(name).or_insert(body);
            }
        }
        bodies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_split_as_on_its_system() {
        let parts = |list: &str, separator| split(OsStr::new(list), separator);
        assert_eq!(parts("/a:/b\"c:", ':'), ["/a", "/b\"c", ""].map(PathBuf::from));
        let windows = r#"C:\Users\a\.kube\config;"D:\odd;name\config";E:\c"#;
        let want = [r"C:\Users\a\.kube\config", r"D:\odd;name\config", r"E:\c"];
        assert_eq!(parts(windows, ';'), want.map(PathBuf::from));
    }
}
