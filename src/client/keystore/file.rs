//! Keys as files of the profile: `keys/<profile>/<user>`, mode 0600 (wire facts 6.2). There is one for each person, so a new
//! key takes the old one's place; how it stays a pair with its certificate is told in [`crate::client::profile::credentials`].

use zeroize::Zeroizing;

use super::{KeyName, KeyStore, KeyStoreError};
use crate::client::profile::{Home, ProfileError, credentials::public_of};

/// The keys in a folder of profiles.
#[derive(Debug, Clone)]
pub struct FileStore {
    home: Home,
}

impl FileStore {
    /// The keys of these profiles.
    pub fn new(home: Home) -> Self {
        Self { home }
    }

    /// The key in a person's file, with its name.
    fn found(
        &self,
        profile: &str,
        user: &str,
    ) -> Result<Option<(KeyName, Zeroizing<String>)>, KeyStoreError> {
        let text = self.home.key_file(profile, user).map_err(disk)?;
        Ok(text.and_then(|text| {
            let spki = public_of(&text)?;
            Some((KeyName::of_spki(profile, user, &spki), text))
        }))
    }
}

impl KeyStore for FileStore {
    fn read(&self, name: &KeyName) -> Result<Option<Zeroizing<String>>, KeyStoreError> {
        let found = self.found(&name.profile, &name.user)?;
        Ok(found.filter(|(there, _)| there == name).map(|(_, key)| key))
    }

    fn write(&self, name: &KeyName, key_pem: &str) -> Result<(), KeyStoreError> {
        self.home.replace_key_file(&name.profile, &name.user, key_pem).map_err(disk)
    }

    fn delete(&self, name: &KeyName) -> Result<bool, KeyStoreError> {
        let found = self.found(&name.profile, &name.user)?;
        if found.is_none_or(|(there, _)| there != *name) {
            return Ok(false);
        }
        self.home.remove_key_file(&name.profile, &name.user).map_err(disk)
    }

    fn list(&self) -> Result<Vec<KeyName>, KeyStoreError> {
        let mut names = Vec::new();
        for profile in self.home.key_folders() {
            for user in self.home.key_files(&profile).map_err(disk)? {
                names.extend(self.found(&profile, &user)?.map(|(name, _)| name));
            }
        }
        names.sort();
        Ok(names)
    }
}

fn disk(error: ProfileError) -> KeyStoreError {
    KeyStoreError::Disk(Box::new(error))
}
