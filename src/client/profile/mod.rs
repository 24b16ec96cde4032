//! `~/.tsh`: one profile for each proxy, the current one, and what logins left (wire facts 6).
//!
//! Folders are 0700 and files 0600 from their first byte; each file is replaced as a whole (temporary file in the same
//! folder, sync, rename). How a key and its certificate stay a pair is told in [`credentials`].

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

mod attempt;
use super::{
    address::{Address, KUBE_PORT},
    keystore::{KeyStoreError, Kind},
};

mod clusters;
pub mod credentials;
pub(in crate::client) mod files;
mod keep;
pub mod shells;

pub use attempt::{FailedLogin, Place, Turn, UnderWay};
pub use clusters::KnownClusters;
pub use credentials::{Certificates, Credentials};
pub use files::Lock;

/// Why a profile cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The disk says no.
    #[error("{}", on_disk(path, error))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file of the profile does not parse.
    #[error("{} does not parse ({reason}); move it away and log in again", .path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that cannot be one of a file.
    #[error("{0:?} cannot be the name of a file in the profile")]
    BadName(String),
    /// Key and certificate do not belong together.
    #[error("the key and the certificate in {} do not belong together; log in again", .0.display())]
    NoPair(PathBuf),
    /// The key's store no longer has it.
    #[error("the key of {user} is no longer in {}; run: tsh login", crate::client::keystore::label(*.kind))]
    KeyGone {
        /// Whose key.
        user: String,
        /// Where it was.
        kind: Kind,
    },
    /// The key's store does not do what is asked.
    #[error(transparent)]
    KeyStore(#[from] KeyStoreError),
    /// The certificates are gone, the key is not.
    #[error(
        "the certificates of {user} are removed, but the key is not: {reason}; run this again when that is mended"
    )]
    KeyLeft {
        /// Whose key.
        user: String,
        /// Why it is still there.
        reason: KeyStoreError,
    },
}

impl ProfileError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| Self::Io { path: path.to_owned(), error }
    }
}

/// What the disk says, with what mends it.
fn on_disk(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!(
            "no permission for {path}; make it readable and writable for you, or point TELEPORT_HOME at another folder"
        ),
        io::ErrorKind::ReadOnlyFilesystem => {
            format!("{path} is on a disk that cannot be written; point TELEPORT_HOME at another folder")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            format!("cannot write {path}: no space left on its disk; free some, then run this again")
        }
        _ => format!("{path}: {error}"),
    }
}

/// One proxy's profile: `~/.tsh/<proxy>.yaml`. Keys that we do not know are kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// `host:port` of the web port.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub web_proxy_addr: String,
    /// `host:port` of the SSH proxy.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ssh_proxy_addr: String,
    /// `host:port` of the Kubernetes port; empty when the gate guards none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kube_proxy_addr: String,
    /// Whether the Kubernetes port is the web port, told apart by SNI (modern Teleport). The key is that of its `tsh`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tls_routing_enabled: bool,
    /// Who logged in last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The cluster that was chosen.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// The connector that was named at login.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub auth_type: String,
    /// `sha256:HEX` of the web port's key, accepted with `--insecure`: unverified. Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jumpgate_web_pin: Option<String>,
    /// The absolute path that `--ca-file` named at login. Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jumpgate_ca_file: Option<String>,
    /// The key store that the last login chose, unless it is `file`. Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jumpgate_key_store: Option<String>,
    /// Until when the gate renews the login of `user` without another sign-in. Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jumpgate_renewable_until: Option<Timestamp>,
    /// Keys of others.
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
}

impl Profile {
    /// The name that a TLS handshake with the Kubernetes port asks for, where it is not that of the address: with TLS routing the
    /// web port tells its parts apart by it (wire facts 5.5).
    pub fn kube_server_name(&self) -> Option<String> {
        if !self.tls_routing_enabled {
            return None;
        }
        Some(Address::parse(&self.kube_proxy_addr, KUBE_PORT).ok()?.kube_server_name())
    }
}

/// The folder of profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    folder: PathBuf,
}

/// The regular file that names the current profile, since Teleport 4.4.
const CURRENT: &str = "current-profile";
/// For `tsh kube use -`: the context that was current before, by list of kubeconfig files.
const CONTEXTS_BEFORE: &str = "contexts-before.json";
/// Its date says when the kubectl plugin last tried to renew a certificate.
const TRIED_RENEWAL: &str = ".renewal.tried";
/// The symbolic link to it, before.
const CURRENT_LINK: &str = "profile";

impl Home {
    /// `TELEPORT_HOME` if it is set, else `.tsh` in the home directory.
    pub fn new(teleport_home: Option<PathBuf>, home: &Path) -> Self {
        Self { folder: teleport_home.unwrap_or_else(|| home.join(".tsh")) }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name of the current profile, if one is chosen and there.
    pub fn current(&self) -> Result<Option<String>, ProfileError> {
        let file = self.folder.join(CURRENT);
        if let Some(text) = files::read(&file)? {
            let name = text.trim().trim_end_matches(".yaml").to_owned();
            return Ok(check_name(&name).is_ok().then_some(name));
        }
        let link = self.folder.join(CURRENT_LINK);
        let target = match fs::read_link(&link) {
            Ok(target) => target,
            // Copies of a home (archives, disks without links) hold the link's text in a file.
            Err(_) if link.is_file() => files::read(&link)?.unwrap_or_default().trim().into(),
            Err(_) => return Ok(None),
        };
        let name = target.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let name = name.strip_suffix(".yaml").unwrap_or(name);
        Ok(check_name(name).is_ok().then(|| name.to_owned()))
    }

    /// The names of all profiles, sorted. Links (other names of one profile) are not among them.
    pub fn names(&self) -> Result<Vec<String>, ProfileError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            other => other.map_err(ProfileError::io(&self.folder))?,
        };
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".yaml").map(str::to_owned))
            .collect();
        names.sort();
        Ok(names)
    }

    /// One profile.
    pub fn profile(&self, name: &str) -> Result<Option<Profile>, ProfileError> {
        let path = self.yaml(name)?;
        let Some(text) = files::read(&path)? else { return Ok(None) };
        if text.trim().is_empty() {
            return Ok(Some(Profile::default()));
        }
        let parsed = serde_yaml::from_str(&text);
        parsed.map(Some).map_err(|e| ProfileError::Broken {
            path,
            reason: e.to_string().lines().next().unwrap_or_default().into(),
        })
    }

    /// Writes a profile.
    pub fn save(&self, name: &str, profile: &Profile) -> Result<(), ProfileError> {
        let path = self.yaml(name)?;
        let text = serde_yaml::to_string(profile)
            .map_err(|e| ProfileError::Broken { path: path.clone(), reason: e.to_string() })?;
        files::create_folder(&self.folder)?;
        files::replace(&path, text.as_bytes())
    }

    /// Makes a profile the current one, in the old and in the new way.
    pub fn select(&self, name: &str) -> Result<(), ProfileError> {
        check_name(name)?;
        files::create_folder(&self.folder)?;
        files::replace(&self.folder.join(CURRENT), format!("{name}\n").as_bytes())?;
        files::link(&self.folder.join(CURRENT_LINK), Path::new(&format!("{name}.yaml")))
    }

    /// Gives a profile a second name: the host that the person typed, where the gate calls itself otherwise.
    pub fn alias(&self, typed: &str, name: &str) -> Result<(), ProfileError> {
        let path = self.yaml(typed)?;
        let is_file = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file());
        if typed == name || is_file {
            return Ok(());
        }
        files::link(&path, Path::new(&format!("{name}.yaml")))
    }

    /// The name that a typed host stands for: a link's target, else itself.
    pub fn resolve(&self, typed: &str) -> String {
        let target = self.yaml(typed).ok().and_then(|path| fs::read_link(path).ok());
        let name =
            target.as_deref().and_then(Path::file_name).and_then(|n| n.to_str()?.strip_suffix(".yaml"));
        name.filter(|name| check_name(name).is_ok()).unwrap_or(typed).to_owned()
    }

    /// Forgets which profile is the current one.
    pub fn unselect(&self) -> Result<(), ProfileError> {
        files::remove(&self.folder.join(CURRENT))?;
        files::remove(&self.folder.join(CURRENT_LINK)).map(drop)
    }

    /// The host CAs that the last login on this proxy learnt, PEM.
    pub fn host_cas(&self, name: &str) -> Result<Option<String>, ProfileError> {
        files::read(&self.keys(name)?.join("certs.pem"))
    }

    /// Replaces the host CAs.
    pub fn save_host_cas(&self, name: &str, pem: &str) -> Result<(), ProfileError> {
        let folder = self.keys(name)?;
        files::create_folder(&folder)?;
        files::replace(&folder.join("certs.pem"), pem.as_bytes())
    }

    /// Replaces a cluster's SSH host keys in `known_hosts`; lines of other clusters stay.
    pub fn save_known_hosts(&self, cluster: &str, keys: &[String]) -> Result<(), ProfileError> {
        files::create_folder(&self.folder)?;
        // The file is that of all proxies, so their own locks do not guard it.
        let _lock = Lock::take(&self.folder.join(".known_hosts.lock"), || {})?;
        let path = self.folder.join("known_hosts");
        let old = files::read(&path)?.unwrap_or_default();
        let others = old.lines().filter(|line| line.split_whitespace().next() != Some(cluster));
        let mut text: String = others.map(|line| format!("{line}\n")).collect();
        text.extend(keys.iter().map(|key| format!("{cluster} {}\n", key.trim())));
        if text == old { Ok(()) } else { files::replace(&path, text.as_bytes()) }
    }

    /// Waits until this process alone writes to a proxy's profile (`purpose` `write`) or logs in there (`login`).
    pub fn lock(&self, name: &str, purpose: &str) -> Result<Lock, ProfileError> {
        self.lock_after(name, purpose, || {})
    }

    /// As [`Home::lock`], and calls `waiting` first when another process has it.
    pub fn lock_after(
        &self,
        name: &str,
        purpose: &str,
        waiting: impl FnOnce(),
    ) -> Result<Lock, ProfileError> {
        let folder = self.keys(name)?;
        files::create_folder(&folder)?;
        Lock::take(&folder.join(format!(".{purpose}.lock")), waiting)
    }

    /// The context that was current before, for one list of kubeconfig files (the text of `KUBECONFIG`).
    pub fn context_before(&self, list: &str) -> Result<Option<String>, ProfileError> {
        Ok(self.contexts_before()?.remove(list))
    }

    /// Remembers it.
    pub fn keep_context_before(&self, list: &str, context: Option<&str>) -> Result<(), ProfileError> {
        files::create_folder(&self.folder)?;
        let _lock = Lock::take(&self.folder.join(".contexts.lock"), || {})?;
        let mut all = self.contexts_before()?;
        match context.filter(|context| !context.is_empty()) {
            Some(context) => all.insert(list.to_owned(), context.to_owned()),
            None => all.remove(list),
        };
        let path = self.folder.join(CONTEXTS_BEFORE);
        let text = serde_json::to_string(&all)
            .map_err(|e| ProfileError::Broken { path: path.clone(), reason: e.to_string() })?;
        files::replace(&path, text.as_bytes())
    }

    fn contexts_before(&self) -> Result<BTreeMap<String, String>, ProfileError> {
        let text = files::read(&self.folder.join(CONTEXTS_BEFORE))?.unwrap_or_default();
        // It holds nothing that would be missed: what does not parse counts as empty.
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// As [`Home::lock`], or nothing while another process has it.
    pub fn try_lock(&self, name: &str, purpose: &str) -> Result<Option<Lock>, ProfileError> {
        let folder = self.keys(name)?;
        files::create_folder(&folder)?;
        Lock::try_take(&folder.join(format!(".{purpose}.lock")))
    }

    /// Notes that a renewal is tried now. Says whether the last try is longer ago than `pause`; else none is due.
    pub fn renewal_due(&self, name: &str, pause: Duration) -> Result<bool, ProfileError> {
        let path = self.keys(name)?.join(TRIED_RENEWAL);
        let last = fs::metadata(&path).and_then(|meta| meta.modified());
        // A clock that was set back makes a date in the future, which must not keep renewals away.
        if last.is_ok_and(|last| last.elapsed().is_ok_and(|ago| ago < pause)) {
            return Ok(false);
        }
        files::replace(&path, b"").map(|()| true)
    }

    pub(super) fn keys(&self, name: &str) -> Result<PathBuf, ProfileError> {
        Ok(self.folder.join("keys").join(check_name(name)?))
    }

    fn yaml(&self, name: &str) -> Result<PathBuf, ProfileError> {
        Ok(self.folder.join(format!("{}.yaml", check_name(name)?)))
    }
}

/// Names come from addresses that people type and from servers: they must stay inside the folder.
fn check_name(name: &str) -> Result<&str, ProfileError> {
    let bad = name.is_empty()
        || name.len() > 200
        || name.starts_with(['.', '-'])
        || name.contains(|c: char| c == '/' || c == '\\' || c.is_control());
    if bad { Err(ProfileError::BadName(name.to_owned())) } else { Ok(name) }
}

#[cfg(test)]
mod tests;
