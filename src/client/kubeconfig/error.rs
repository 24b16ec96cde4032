//! What can go wrong with a kubeconfig file, each with the file's name and what mends it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a kubeconfig file could not be read or changed. Whatever the variant, the file is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is no YAML or JSON. Nothing is written to it.
    #[error(
        "{path}, line {line}, column {column}: {reason}; the file was left alone, mend it or point KUBECONFIG at another"
    )]
    Unparsable {
        /// The file.
        path: String,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What the parser says, without any text of the file.
        reason: String,
    },
    /// It is YAML, but not shaped as a kubeconfig.
    #[error(
        "{path}, line {line}: {reason}, so this is no kubeconfig; it was left alone, mend it or point KUBECONFIG at another"
    )]
    NotKubeconfig {
        /// The file.
        path: String,
        /// Line, from 1.
        line: u64,
        /// What is shaped wrongly.
        reason: String,
    },
    /// A layout in which our entries can't be changed without changing something else.
    #[error(
        "{path}, line {line}: {reason}; this can't be edited safely, so the file was left alone: write that part plainly, or point KUBECONFIG at another file"
    )]
    Layout {
        /// The file.
        path: String,
        /// Line, from 1.
        line: u64,
        /// What stands in the way.
        reason: String,
    },
    /// An entry with the name that we would write belongs to someone else.
    #[error(
        "{path}, line {line}: there is already a {kind} named {name:?} that is not Jumpgate's; rename it in that file (its contexts too), then run this again"
    )]
    Taken {
        /// The file.
        path: String,
        /// Line, from 1.
        line: u64,
        /// `cluster`, `context` or `user`.
        kind: &'static str,
        /// The name both want.
        name: String,
    },
    /// An entry with the name that we would write is Jumpgate's, for another gate.
    #[error(
        "the entry {name:?} in {path} belongs to the gate of the profile {profile}, which has a cluster of the same name"
    )]
    Owned {
        /// The file.
        path: String,
        /// The name both want.
        name: String,
        /// The profile that has it.
        profile: String,
    },
    /// An entry was written by a later version of this program, and is left alone.
    #[error(
        "{path}, line {line}: the {kind} {name:?} was written by a newer tsh; it was left alone: change it with that tsh, or get a newer one here"
    )]
    Newer {
        /// The file.
        path: String,
        /// Line, from 1.
        line: u64,
        /// `cluster`, `context` or `user`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// Two of the entries to write want one context name.
    #[error(
        "the clusters {first:?} and {second:?} would both get the context {name:?}; give each a name of its own"
    )]
    SameContext {
        /// The name both want.
        name: String,
        /// One cluster.
        first: String,
        /// The other.
        second: String,
    },
    /// There is no context of this name.
    #[error(
        "no context is named {name:?} in the kubeconfig; to see which there are: kubectl config get-contexts"
    )]
    NoContext {
        /// The name that was asked for.
        name: String,
    },
    /// A context points to an entry that no file has.
    #[error(
        "the context {context:?} points to the {kind} {name:?}, which no kubeconfig file has; log in again or mend it"
    )]
    Dangling {
        /// The context.
        context: String,
        /// `cluster` or `user`.
        kind: &'static str,
        /// The name that it points to.
        name: String,
    },
    /// A context's user holds a secret in the file, which is not copied.
    #[error(
        "the user {user:?} of the context {context:?} holds {secret} in {path} itself, and secrets are not copied; give it an exec entry or a key file"
    )]
    HoldsSecret {
        /// The file.
        path: String,
        /// The context.
        context: String,
        /// The user.
        user: String,
        /// What it holds.
        secret: &'static str,
    },
    /// Another program holds the lock file and did not let go in time.
    #[error(
        "{lock} is held by {holder} for more than {waited} s; if no other program is changing this kubeconfig, remove it: rm '{lock}'"
    )]
    Locked {
        /// The lock file.
        lock: String,
        /// Who holds it, as far as the lock file says.
        holder: String,
        /// How long we waited, in seconds.
        waited: u64,
    },
    /// Other programs kept changing the file while we were at it.
    #[error("{path} was changed by another program while it was being edited; run this again")]
    Changed {
        /// The file.
        path: String,
    },
    /// The operating system refused.
    #[error("cannot {action} {path}: permission denied; {mend}")]
    Denied {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: String,
        /// What mends it.
        mend: &'static str,
    },
    /// The file system can't be written.
    #[error(
        "cannot {action} {path}: its file system is read-only; put a file that can be written first in KUBECONFIG, or log in with --no-kubeconfig"
    )]
    ReadOnly {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: String,
    },
    /// No room left (disk, quota or size limit).
    #[error("cannot {action} {path}: no space left on its disk; free some, then run this again")]
    DiskFull {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: String,
    },
    /// Anything else the operating system says.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: String,
        /// The operating system's answer.
        source: io::Error,
    },
}

/// What helps against a file that can't be written.
const READ_ONLY: &str =
    "make it writable for you, put another file first in KUBECONFIG, or log in with --no-kubeconfig";

impl Error {
    /// Sorts an answer of the operating system into the variant that says what to do about it.
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Error {
        let path = show(path);
        match source.kind() {
            io::ErrorKind::PermissionDenied => {
                let mend = match action {
                    "read" => "make it readable for you, or take it out of KUBECONFIG",
                    "lock" | "create the folder" | "write in the folder of" => {
                        "make its folder writable for you, or point KUBECONFIG at another file"
                    }
                    "keep the owner of" => "run this as the file's owner",
                    _ => READ_ONLY,
                };
                Error::Denied { action, path, mend }
            }
            io::ErrorKind::ReadOnlyFilesystem => Error::ReadOnly { action, path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Error::DiskFull { action, path }
            }
            _ => Error::Io { action, path, source },
        }
    }
}

/// A path as a person reads it: control characters can't reach the terminal.
pub(super) fn show(path: &Path) -> String {
    path.display().to_string().chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Where a file stands in an error: its path, kept so that it can be shown.
#[derive(Debug, Clone)]
pub(super) struct Place(pub(super) PathBuf);

impl Place {
    /// A layout error at a byte of the text.
    pub(super) fn layout(&self, text: &str, at: usize, reason: impl Into<String>) -> Error {
        Error::Layout { path: show(&self.0), line: line_of(text, at), reason: reason.into() }
    }

    /// A shape error at a byte of the text.
    pub(super) fn shape(&self, text: &str, at: usize, reason: impl Into<String>) -> Error {
        Error::NotKubeconfig { path: show(&self.0), line: line_of(text, at), reason: reason.into() }
    }
}

/// The line, from 1, in which a byte stands.
pub(super) fn line_of(text: &str, at: usize) -> u64 {
    let upto = text.get(..at).unwrap_or(text);
    upto.bytes().filter(|b| *b == b'\n').count() as u64 + 1
}
