//! Writes and removes logins, wherever their keys are kept.
//!
//! A key outside the profile is written first, then the certificates (see [`super::credentials`]), then the key of the old login is
//! deleted. A note, `.<user>.keys`, says meanwhile which keys may be in a store, so that what a kill leaves there is found
//! and deleted by the next login or logout.

use std::{collections::BTreeSet, path::Path};

use zeroize::Zeroizing;

use super::{
    Certificates, Credentials, Home, Lock, ProfileError,
    credentials::{Pending, check_user, one_file},
    files,
};
use crate::client::keystore::{self, KeyName, KeyStoreError, Kind};

/// Keys outside the profile.
type Keys = BTreeSet<(Kind, KeyName)>;

impl Home {
    /// Replaces a person's credentials on a proxy, with the key in the profile's own files.
    #[cfg(test)]
    pub(super) fn save_credentials(
        &self,
        proxy: &str,
        user: &str,
        new: &Credentials,
    ) -> Result<(), ProfileError> {
        let lock = self.lock(proxy, "write")?;
        self.save_credentials_in(&lock, proxy, user, new, Kind::File).map(drop)
    }

    /// Replaces a person's credentials and keeps the key in this store. The old key is deleted, wherever it is; the reason if
    /// it could not be. It is tried again at the next login or logout.
    pub fn save_credentials_in(
        &self,
        _lock: &Lock,
        proxy: &str,
        user: &str,
        new: &Credentials,
        kind: Kind,
    ) -> Result<Option<KeyStoreError>, ProfileError> {
        if kind == Kind::None {
            return Err(KeyStoreError::NotKept.into());
        }
        let folder = self.keys(proxy)?;
        let user = check_user(user)?;
        let name = KeyName::of(proxy, user, new.certificate());
        let mut old = self.keys_outside(proxy, user)?;
        let own = (kind, name.clone());
        if kind.is_outside() {
            old.insert(own.clone());
        }
        if !old.is_empty() {
            write_note(&folder, user, &old)?;
        }
        if kind.is_outside() {
            keystore::write_verified(kind, self, &name, &new.key_pem)?;
        }
        files::sweep(&folder)?;
        files::replace_key(&folder.join(one_file(user)), new.to_text(kind).as_bytes())?;
        write_four_files(&folder, user, &new.key_text(kind), new)?;
        old.remove(&own);
        self.forget(&folder, user, old)
    }

    /// Removes a person's credentials; says whether there were any. The host CAs stay.
    pub fn remove_credentials(&self, proxy: &str, user: &str) -> Result<bool, ProfileError> {
        let folder = self.keys(proxy)?;
        let user = check_user(user)?;
        if !folder.is_dir() {
            return Ok(false);
        }
        let _lock = self.lock(proxy, "write")?;
        files::sweep(&folder)?;
        let keys = self.keys_outside(proxy, user)?;
        if !keys.is_empty() {
            write_note(&folder, user, &keys)?;
        }
        let mut any = !keys.is_empty();
        // The four files first: while they go, the one file (if a crash left it) still makes a pair.
        for name in
            [user.to_owned(), format!("{user}-x509.pem"), format!("{user}-cert.pub"), format!("{user}.pub")]
        {
            any |= files::remove(&folder.join(name))?;
        }
        any |= files::remove(&folder.join(one_file(user)))?;
        // What the gate guards is for those who are logged in.
        files::remove(&folder.join(super::clusters::FILE))?;
        match self.forget(&folder, user, keys)? {
            Some(reason) => Err(ProfileError::KeyLeft { user: user.to_owned(), reason }),
            None => Ok(any),
        }
    }

    /// Ends what a killed writer began: with the one file in place the new login counts, so the four files are written from it. If
    /// its key is in no store any more, the four files that are a pair count instead.
    pub fn settle(&self, _lock: &Lock, proxy: &str, user: &str) -> Result<(), ProfileError> {
        let folder = self.keys(proxy)?;
        let user = check_user(user)?;
        match self.pending(proxy, user)? {
            Pending::None => Ok(()),
            Pending::Whole(kind, new) => write_four_files(&folder, user, &new.key_text(kind), &new),
            Pending::Void => files::remove(&folder.join(one_file(user))).map(drop),
        }
    }

    /// Deletes the keys that a kill or an unreachable store left behind; the reason if one stays.
    pub fn sweep_keys(
        &self,
        lock: &Lock,
        proxy: &str,
        user: &str,
    ) -> Result<Option<KeyStoreError>, ProfileError> {
        let folder = self.keys(proxy)?;
        let user = check_user(user)?;
        files::sweep(&folder)?;
        self.settle(lock, proxy, user)?;
        if files::read(&note(&folder, user))?.is_none() {
            return Ok(None);
        }
        let mut keys = self.keys_outside(proxy, user)?;
        // The key of the login stays. One that cannot be read may be any of them.
        let Some(own) = self.key_place(proxy, user)? else { return Ok(None) };
        keys.remove(&own);
        self.forget(&folder, user, keys)
    }

    /// Who has credentials on a proxy, or only a key that a logout could not delete; sorted.
    pub fn people(&self, proxy: &str) -> Result<Vec<String>, ProfileError> {
        let mut people = self.users(proxy)?;
        let noted = |name: &String| Some(name.strip_prefix('.')?.strip_suffix(".keys")?.to_owned());
        people.extend(names_in(&self.keys(proxy)?).iter().filter_map(noted));
        people.sort();
        people.dedup();
        Ok(people)
    }

    /// The keys of a person that are outside the profile: that of the login, and those of which a note was left.
    fn keys_outside(&self, proxy: &str, user: &str) -> Result<Keys, ProfileError> {
        let text = files::read(&note(&self.keys(proxy)?, user))?.unwrap_or_default();
        let mut keys: Keys = text.lines().filter_map(from_line).collect();
        // Half a login has no key that could be found.
        keys.extend(self.key_place(proxy, user).ok().flatten().filter(|(kind, _)| kind.is_outside()));
        Ok(keys)
    }

    /// Deletes keys from their stores. What cannot be deleted stays in the note, and the reason is told.
    fn forget(
        &self,
        folder: &Path,
        user: &str,
        mut keys: Keys,
    ) -> Result<Option<KeyStoreError>, ProfileError> {
        let mut failed: Option<(Kind, KeyStoreError)> = None;
        keys.retain(|(kind, name)| {
            // One wait for a store that does not answer is enough.
            if failed.as_ref().is_some_and(|(same, _)| same == kind) {
                return true;
            }
            match keystore::open(*kind, self).and_then(|store| store.delete(name)) {
                Ok(_) => false,
                Err(reason) => {
                    failed = Some((*kind, reason));
                    true
                }
            }
        });
        if keys.is_empty() {
            files::remove(&note(folder, user))?;
        } else {
            write_note(folder, user, &keys)?;
        }
        Ok(failed.map(|(_, reason)| reason))
    }

    /// The text of a person's key file: the key, or where it is.
    pub(in crate::client) fn key_file(
        &self,
        proxy: &str,
        user: &str,
    ) -> Result<Option<Zeroizing<String>>, ProfileError> {
        Ok(files::read(&self.keys(proxy)?.join(check_user(user)?))?.map(Zeroizing::new))
    }

    /// Replaces a person's key file, under the proxy's `write` lock.
    pub(in crate::client) fn replace_key_file(
        &self,
        proxy: &str,
        user: &str,
        key_pem: &str,
    ) -> Result<(), ProfileError> {
        let folder = self.keys(proxy)?;
        let _lock = self.lock(proxy, "write")?;
        files::replace_key(&folder.join(check_user(user)?), key_pem.as_bytes())
    }

    /// Removes a person's key file; says whether it was there.
    pub(in crate::client) fn remove_key_file(&self, proxy: &str, user: &str) -> Result<bool, ProfileError> {
        files::remove(&self.keys(proxy)?.join(check_user(user)?))
    }

    /// The profiles that have a folder for keys, sorted; also those of which nothing else is left.
    pub fn key_folders(&self) -> Vec<String> {
        let mut names = names_in(&self.folder.join("keys"));
        names.sort();
        names
    }

    /// The people who have a key file on a proxy.
    pub(in crate::client) fn key_files(&self, proxy: &str) -> Result<Vec<String>, ProfileError> {
        let mut names = names_in(&self.keys(proxy)?);
        names.retain(|name| check_user(name).is_ok());
        Ok(names)
    }
}

/// The second half of a login's way to the disk: Teleport's four files, then the one file goes.
fn write_four_files(
    folder: &Path,
    user: &str,
    key_text: &str,
    new: &Certificates,
) -> Result<(), ProfileError> {
    files::replace_key(&folder.join(user), key_text.as_bytes())?;
    let line = |text: &str| format!("{}\n", text.trim_end());
    files::replace(&folder.join(format!("{user}.pub")), line(&new.public_key).as_bytes())?;
    files::replace(&folder.join(format!("{user}-cert.pub")), line(&new.ssh_cert).as_bytes())?;
    files::replace(&folder.join(format!("{user}-x509.pem")), line(&new.cert_pem).as_bytes())?;
    files::remove(&folder.join(one_file(user))).map(drop)
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn note(folder: &Path, user: &str) -> std::path::PathBuf {
    folder.join(format!(".{user}.keys"))
}

/// The note's lines: store, a space, account. No secrets.
fn write_note(folder: &Path, user: &str, keys: &Keys) -> Result<(), ProfileError> {
    let lines = keys.iter().map(|(kind, name)| format!("{kind} {}\n", name.account()));
    files::replace(&note(folder, user), lines.collect::<String>().as_bytes())
}

fn from_line(line: &str) -> Option<(Kind, KeyName)> {
    let (kind, account) = line.split_once(' ')?;
    let kind: Kind = kind.parse().ok()?;
    kind.is_outside().then_some((kind, KeyName::from_account(account)?))
}
