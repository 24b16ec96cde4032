//! What contexts there are: whose, where they lead, and what kubectl runs for them.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use serde_json::Value;

use super::copies::certificate;
use super::document::Kind;
use super::error::Error;
use super::files::{Files, Snapshot};
use super::{Owner, entry, private};

/// A context, as all files together define it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextInfo {
    /// Its name.
    pub name: String,
    /// The cluster it points to.
    pub cluster: Option<String>,
    /// The user it points to.
    pub user: Option<String>,
    /// Its namespace.
    pub namespace: Option<String>,
    /// The address of its cluster.
    pub server: Option<String>,
    /// Whose it is, if it is one of ours.
    pub owner: Option<Owner>,
    /// Who wrote it: 0 a stock tsh, [`super::VERSION`] or less this program, more a later one; nothing: someone else.
    pub version: Option<u64>,
    /// The labels of its cluster, if it is one of ours.
    pub labels: BTreeMap<String, String>,
    /// What kubectl runs to learn who it is.
    pub exec: Option<Exec>,
    /// The certificate that the user holds in the file itself, PEM, if the context is one of ours.
    pub certificate: Option<String>,
    /// The user holds a private key, a token or a password in the file itself.
    pub holds_secret: bool,
    /// It is the current one.
    pub current: bool,
    /// The file that defines it.
    pub file: PathBuf,
}

/// The command of a user entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// The program.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
}

/// The contexts that kubectl sees: of several with one name the first counts.
///
/// # Errors
/// A file can't be read or is no kubeconfig.
pub fn contexts(files: &Files) -> Result<Vec<ContextInfo>, Error> {
    let snapshot = Snapshot::whole(files)?;
    let current = snapshot.current();
    let (clusters, users) = (snapshot.bodies(Kind::Cluster), snapshot.bodies(Kind::User));
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for held in &snapshot.files {
        let Some(document) = &held.document else { continue };
        for (name, body) in document.entries(Kind::Context) {
            if !seen.insert(name) {
                continue;
            }
            let text = |key: &str| body[key].as_str().filter(|t| !t.is_empty()).map(str::to_owned);
            let (cluster, user) = (text("cluster"), text("user"));
            let cluster_body = cluster.as_deref().and_then(|name| clusters.get(name));
            let user_body = user.as_deref().and_then(|name| users.get(name));
            let stock =
                || user.as_deref().zip(user_body).filter(|(name, body)| is_stock(body, name)).map(|_| 0);
            let mark = entry::mark(body);
            found.push(ContextInfo {
                name: name.to_owned(),
                namespace: text("namespace"),
                server: cluster_body.and_then(|c| c["server"].as_str()).map(str::to_owned),
                version: entry::version(body).or_else(stock),
                exec: user_body.and_then(|body| exec(body)),
                certificate: user_body.filter(|_| mark.is_some()).and_then(|body| certificate(body)),
                holds_secret: user_body.is_some_and(|body| private::inline_secret(body).is_some()),
                current: current.as_deref() == Some(name),
                file: held.path.clone(),
                cluster,
                user,
                owner: mark.as_ref().map(|mark| mark.owner.clone()),
                labels: mark.map(|mark| mark.labels).unwrap_or_default(),
            });
        }
    }
    Ok(found)
}

/// The contexts that a stock tsh or an earlier version of this program wrote; a login at their proxy writes them anew.
///
/// # Errors
/// Those of [`contexts`].
pub fn needs_migration(files: &Files) -> Result<Vec<ContextInfo>, Error> {
    let mut contexts = contexts(files)?;
    contexts.retain(|context| context.version.is_some_and(|version| version < entry::VERSION));
    Ok(contexts)
}

fn is_stock(user: &Value, name: &str) -> bool {
    entry::version(user).is_none() && entry::from_tsh(user, name)
}

fn exec(user: &Value) -> Option<Exec> {
    let exec = user.get("exec")?;
    let args = exec["args"].as_array().into_iter().flatten();
    Some(Exec {
        command: exec["command"].as_str()?.to_owned(),
        args: args.filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}
