//! Keys in a keyring of the system: the Secret Service, the Keychain, the Credential Manager, or the Linux kernel's.
//!
//! These calls block for as long as the service likes: a locked one opens a window and waits for its password, on a machine
//! where nobody sees windows as well. So each runs on a thread of its own and is given up after [`LIMIT`]. The thread ends with the
//! process.

use std::{
    path::Path,
    sync::mpsc::{self, RecvTimeoutError},
    time::{Duration, Instant},
};

use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

use super::{KeyName, KeyStore, KeyStoreError, Kind};

/// How long one call may take.
pub(super) const LIMIT: Duration = Duration::from_secs(3);
/// Under which service our items are, in each keyring.
const SERVICE: &str = "jumpgate";

/// A keyring of the system.
#[derive(Debug, Clone, Copy)]
pub struct SystemStore {
    kind: Kind,
}

impl SystemStore {
    /// The keyring of this kind, which is one outside the profile.
    pub fn new(kind: Kind) -> Self {
        Self { kind }
    }
}

impl KeyStore for SystemStore {
    fn read(&self, name: &KeyName) -> Result<Option<Zeroizing<String>>, KeyStoreError> {
        let Some(bytes) = with_entry(self.kind, name, |entry| entry.get_secret().map(Zeroizing::new))? else {
            return Ok(None);
        };
        // What is no text is no key.
        Ok(std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned())))
    }

    fn write(&self, name: &KeyName, key_pem: &str) -> Result<(), KeyStoreError> {
        let key = Zeroizing::new(key_pem.as_bytes().to_vec());
        with_entry(self.kind, name, move |entry| entry.set_secret(&key)).map(drop)
    }

    fn delete(&self, name: &KeyName) -> Result<bool, KeyStoreError> {
        with_entry(self.kind, name, |entry| entry.delete_credential()).map(|done| done.is_some())
    }

    fn list(&self) -> Result<Vec<KeyName>, KeyStoreError> {
        let kind = self.kind;
        let accounts = limited(kind, move || accounts(kind))?;
        let mut names: Vec<KeyName> =
            accounts.iter().filter_map(|account| KeyName::from_account(account)).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// How sentences name a store.
pub(crate) fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::File | Kind::None => "the profile's folder",
        Kind::Keyutils => "the Linux kernel's keyring",
        Kind::Keyring if cfg!(target_os = "macos") => "the Keychain",
        Kind::Keyring if cfg!(windows) => "the Windows Credential Manager",
        Kind::Keyring => "the keyring of the desktop (Secret Service)",
    }
}

/// Whether there is a place to look for a Secret Service (D-Bus specification, "Well-known Message Bus Instances"; systemd
/// puts the bus of a session there). Elsewhere than on Unix desktops the keyring needs no bus.
pub(super) fn has_session_bus() -> bool {
    if !cfg!(target_os = "linux")
        || std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|a| !a.is_empty())
    {
        return true;
    }
    std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|folder| Path::new(&folder).join("bus").exists())
}

/// Does something with the item of a name; none when there is no such item.
fn with_entry<T: Send + 'static>(
    kind: Kind,
    name: &KeyName,
    call: impl FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static,
) -> Result<Option<T>, KeyStoreError> {
    let account = name.account();
    limited(kind, move || match entry(kind, &account).and_then(|entry| call(&entry)) {
        Err(Error::NoEntry) => Ok(None),
        other => other.map(Some),
    })
}

/// Opens the keyring and runs a call, both on a thread, for [`LIMIT`] at most.
fn limited<T: Send + 'static>(
    kind: Kind,
    call: impl FnOnce() -> keyring_core::Result<T> + Send + 'static,
) -> Result<T, KeyStoreError> {
    let store = label(kind);
    let end = Instant::now() + LIMIT;
    let (opened, is_open) = mpsc::channel();
    let (done, result) = mpsc::channel();
    let worker = move || {
        let open = connect(kind);
        let go_on = open.is_ok();
        // Who waits may have given up.
        let _ = opened.send(open);
        if go_on {
            let _ = done.send(call());
        }
    };
    std::thread::Builder::new()
        .name("keyring".into())
        .spawn(worker)
        .map_err(|e| KeyStoreError::Failed { store, reason: e.to_string() })?;
    let left = || end.saturating_duration_since(Instant::now());
    match is_open.recv_timeout(left()) {
        Ok(Ok(())) => {}
        Ok(Err(reason)) => return Err(KeyStoreError::Missing { store, reason }),
        Err(_) => return Err(KeyStoreError::Slow { store }),
    }
    match result.recv_timeout(left()) {
        Ok(done) => done.map_err(|error| told(kind, &error)),
        // It answered when it was opened, and now waits: for the password, in a window.
        Err(RecvTimeoutError::Timeout) if kind == Kind::Keyring => Err(KeyStoreError::Locked { store }),
        Err(_) => Err(KeyStoreError::Slow { store }),
    }
}

/// Makes sure that the keyring is there; the error is a text.
fn connect(kind: Kind) -> Result<(), String> {
    if kind == Kind::Keyring {
        return keyring::Entry::store_status().as_ref().map_err(reason).copied();
    }
    kernel::connect()
}

fn entry(kind: Kind, account: &str) -> keyring_core::Result<Entry> {
    if kind == Kind::Keyring {
        return keyring::Entry::new(SERVICE, account).map(|entry| entry.inner);
    }
    kernel::entry(account)
}

/// The accounts of all our items.
fn accounts(kind: Kind) -> keyring_core::Result<Vec<String>> {
    if kind == Kind::Keyutils {
        return kernel::accounts();
    }
    let store = keyring_core::get_default_store().ok_or(Error::NoDefaultStore)?;
    // Windows looks for a pattern in the names, the others compare attributes.
    let wanted = if cfg!(windows) { ("pattern", SERVICE) } else { ("service", SERVICE) };
    let found = store.search(&[wanted].into())?;
    let ours = found.iter().filter_map(Entry::get_specifiers).filter(|(service, _)| service == SERVICE);
    Ok(ours.map(|(_, account)| account).collect())
}

/// What a keyring's error means for a person.
fn told(kind: Kind, error: &Error) -> KeyStoreError {
    let store = label(kind);
    match error {
        Error::NoStorageAccess(_) if kind == Kind::Keyring => KeyStoreError::Locked { store },
        Error::NoStorageAccess(_) | Error::NoDefaultStore => {
            KeyStoreError::Missing { store, reason: reason(error) }
        }
        _ => KeyStoreError::Failed { store, reason: reason(error) },
    }
}

/// The innermost reason, without what libraries put before it.
fn reason(error: &Error) -> String {
    match error {
        Error::PlatformFailure(inner) | Error::NoStorageAccess(inner) => inner.to_string(),
        // Its own text would show the items.
        Error::Ambiguous(_) => "it holds this key twice".to_owned(),
        other => other.to_string(),
    }
}

/// The kernel's keyring (keyctl(2)): the persistent one of the user, which outlives sessions, linked into this session's.
#[cfg(target_os = "linux")]
mod kernel {
    use keyring_core::{Entry, Result, api::CredentialStoreApi};
    use linux_keyutils_keyring_store::Store;

    use super::SERVICE;

    /// How the store describes an item: `keyring:ACCOUNT@SERVICE`.
    const BEFORE: &str = "keyring:";

    /// Whether the kernel has keyrings and lets us use them (containers often don't).
    pub(super) fn connect() -> std::result::Result<(), String> {
        entry("probe").map(drop).map_err(|error| super::reason(&error))
    }

    pub(super) fn entry(account: &str) -> Result<Entry> {
        Store::new()?.build(SERVICE, account, None)
    }

    /// All keys that this user may see are in `/proc/keys` (proc(5)); of those, the ones that can be read.
    pub(super) fn accounts() -> Result<Vec<String>> {
        let failed = |e: std::io::Error| keyring_core::Error::PlatformFailure(Box::new(e));
        let text = std::fs::read_to_string("/proc/keys").map_err(failed)?;
        let after = format!("@{SERVICE}: ");
        let account = |line: &str| {
            let start = line.find(BEFORE)? + BEFORE.len();
            let end = start + line[start..].rfind(&after)?;
            Some(line[start..end].to_owned())
        };
        let is_there = |account: &String| entry(account).and_then(|entry| entry.get_credential()).is_ok();
        Ok(text.lines().filter_map(account).filter(is_there).collect())
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use keyring_core::{Entry, Error, Result};

    const ONLY_LINUX: &str = "only Linux has it";

    pub(super) fn connect() -> std::result::Result<(), String> {
        Err(ONLY_LINUX.to_owned())
    }

    pub(super) fn entry(_account: &str) -> Result<Entry> {
        Err(Error::NotSupportedByStore(ONLY_LINUX.to_owned()))
    }

    pub(super) fn accounts() -> Result<Vec<String>> {
        Err(Error::NotSupportedByStore(ONLY_LINUX.to_owned()))
    }
}
