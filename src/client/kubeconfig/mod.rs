//! Kubeconfig files: read, edit without touching what is not ours, lock, save atomically.
//!
//! Other people's kubeconfig is sacred. [`login`] and [`logout`] find the bytes of our own entries and change only
//! these; comments, order, anchors, quotes, line breaks and unknown fields stay as they are. The result is read
//! again and compared with what was intended before anything is written. Under kubectl's own lock it then goes to a
//! temporary file in the same folder, which replaces the old one.
//!
//! An entry of ours carries the extension `jumpgate.dev/owner`. It and `jumpgate.dev/previous-context` also
//! remember what stood in the file before, so that login followed by logout leaves every byte as it was. A file
//! that login had to make stays, as an empty kubeconfig.

mod contexts;
mod copies;
mod diff;
mod document;
mod edit;
mod entry;
mod error;
mod files;
mod flow;
mod lock;
mod login;
mod logout;
pub(in crate::client) mod patch;
mod plain;
mod plan;
mod private;
mod render;
mod save;
mod session;
pub(in crate::client) mod tree;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

pub use contexts::{ContextInfo, Exec, contexts, needs_migration};
pub use copies::{Embedded, replace_copies};
pub use diff::Preview;
pub use entry::VERSION;
pub use error::Error;
pub use files::Files;
pub use login::{login, login_over, select};
pub use logout::{logout, logout_contexts, logout_here};
pub use private::private;

/// Whose entries they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The profile's name: the host of the proxy.
    pub profile: String,
}

/// How kubectl proves who it is.
#[derive(Clone, PartialEq, Eq)]
pub enum UserAuth {
    /// It asks a program (`client.authentication.k8s.io/v1beta1`).
    Exec {
        /// The program, as an absolute path.
        command: PathBuf,
        /// Its arguments.
        args: Vec<String>,
        /// Variables added to its environment.
        env: Vec<(String, String)>,
    },
    /// It has the certificate and the key in the file.
    Embedded {
        /// The certificate, PEM.
        cert_pem: String,
        /// The private key, PEM.
        key_pem: Zeroizing<String>,
    },
}

impl fmt::Debug for UserAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UserAuth::Exec { command, args, env } => f
                .debug_struct("Exec")
                .field("command", command)
                .field("args", args)
                .field("env", env)
                .finish(),
            UserAuth::Embedded { .. } => f.write_str("Embedded(..)"),
        }
    }
}

/// A cluster, a user and a context that joins them.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name of the cluster and the user, and of the context unless it has one of its own.
    pub name: String,
    /// The name of the context, where it is not `name`.
    pub context_name: Option<String>,
    /// The gate's Kubernetes address, `https://host:port`, perhaps with a path.
    pub server: String,
    /// The CA that the gate's certificate is checked against, PEM; left out when it isn't checked.
    pub ca_pem: String,
    /// kubectl does not check the gate's certificate.
    pub insecure_skip_tls_verify: bool,
    /// The name that the gate's certificate must carry, if it is not the server's.
    pub tls_server_name: Option<String>,
    /// How kubectl proves who it is.
    pub auth: UserAuth,
    /// The namespace of the context. With none, one that someone has set on it stays.
    pub namespace: Option<String>,
    /// The labels of the cluster, kept with our context. With none, what the context has stays.
    pub labels: Option<BTreeMap<String, String>>,
    /// Whose entries they are.
    pub owner: Owner,
}

impl Entry {
    /// An entry that has no more than it needs.
    pub fn new(name: &str, server: &str, auth: UserAuth, owner: Owner) -> Entry {
        Entry {
            name: name.to_owned(),
            context_name: None,
            server: server.to_owned(),
            ca_pem: String::new(),
            insecure_skip_tls_verify: false,
            tls_server_name: None,
            auth,
            namespace: None,
            labels: None,
            owner,
        }
    }

    /// The name of the context.
    pub fn context(&self) -> &str {
        self.context_name.as_deref().unwrap_or(&self.name)
    }

    /// The name of one of the three.
    fn name_of(&self, kind: document::Kind) -> &str {
        if kind == document::Kind::Context { self.context() } else { &self.name }
    }
}

/// What was done, or with [`Files::preview`] what would be.
#[derive(Debug, Default)]
pub struct Change {
    /// The files that were written.
    pub files: Vec<PathBuf>,
    /// Files that hold a private key now and that others could read before; they no longer can.
    pub closed: Vec<PathBuf>,
    /// The context that was current before.
    pub old_context: Option<String>,
    /// The context that is current now.
    pub new_context: Option<String>,
    /// Names of the contexts (or, without one, clusters and users) that were taken away.
    pub removed: Vec<String>,
    /// Files in which logout could not do its part; the others are done. Always empty after a login.
    pub failed: Vec<Error>,
    /// With [`Files::preview`]: what each file would hold. Empty otherwise.
    pub previews: Vec<Preview>,
}
