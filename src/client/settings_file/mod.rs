//! A person's settings: `config/config.yaml` in the folder of profiles. Read strictly; changed without losing a comment.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

mod edit;

use super::{
    keystore::Kind,
    profile::{Home, Lock, ProfileError, files},
};
use crate::model::yaml::{self, YamlError};

/// The longest life of a certificate that can be asked for, in minutes: a year.
pub const MAX_MINUTES: u32 = 525_600;

/// All settings. A key that is not there says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsFile {
    /// Commands of one's own: the name, and the words that it stands for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub aliases: BTreeMap<String, String>,
    /// What holds for every proxy.
    #[serde(skip_serializing_if = "is_default")]
    pub defaults: Choices,
    /// What holds for one proxy, by `HOST` or `HOST:PORT`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub proxies: BTreeMap<String, Choices>,
    /// Kubernetes.
    #[serde(skip_serializing_if = "is_default")]
    pub kube: KubeSettings,
    /// Where keys are kept, unless `proxies` or `defaults` say otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_store: Option<Kind>,
}

/// Settings that a proxy can have of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Choices {
    /// As `--user`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// As `--auth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    /// As `--ttl`: minutes.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "minutes")]
    pub ttl: Option<u32>,
    /// As `--browser`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// As `--way`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
    /// As `--key-store`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_store: Option<Kind>,
}

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// A browser on this machine.
    Browser,
    /// The address on which a browser elsewhere ends is pasted.
    Paste,
    /// A code is typed on the gate's page.
    Code,
}

/// Settings for Kubernetes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KubeSettings {
    /// Whether a login leaves the current context alone.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "yes_or_no")]
    pub keep_context: Option<bool>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn minutes<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let minutes = u32::deserialize(from).ok().filter(|minutes| (1..=MAX_MINUTES).contains(minutes));
    let wrong = || serde::de::Error::custom(format!("ttl is a number of minutes from 1 to {MAX_MINUTES}"));
    minutes.map(Some).ok_or_else(wrong)
}

fn yes_or_no<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    let wrong = |_| serde::de::Error::custom("keep_context is true or false");
    bool::deserialize(from).map(Some).map_err(wrong)
}

/// Why the settings cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The disk says no.
    #[error(transparent)]
    Disk(#[from] ProfileError),
    /// The file says something that is no setting.
    #[error("{}, {error}", .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Where and what.
        error: YamlError,
    },
    /// No setting has this name.
    #[error("there is no setting {0:?}; there are {KEYS}")]
    UnknownKey(String),
    /// A value that the setting cannot have.
    #[error("{key} cannot be {value:?}: {reason}")]
    BadValue {
        /// The setting.
        key: String,
        /// The value.
        value: String,
        /// Why.
        reason: String,
    },
    /// The text cannot be changed without touching other parts of it.
    #[error("{} is written in a way that this command cannot change without losing something ({reason}); edit it by hand", .path.display())]
    ByHand {
        /// The file.
        path: PathBuf,
        /// What is in the way.
        reason: String,
    },
}

/// The names of all settings, for people.
const KEYS: &str = "key_store, kube.keep_context, aliases.NAME, defaults.KEY and proxies.HOST.KEY with KEY one of user, auth, ttl, \
                    browser, way, key_store";

impl SettingsFile {
    /// Where the settings are.
    pub fn path(home: &Home) -> PathBuf {
        home.folder().join("config").join("config.yaml")
    }

    /// Reads the settings; without a file there are none.
    pub fn load(home: &Home) -> Result<Self, SettingsError> {
        let path = Self::path(home);
        Self::parse(&files::read(&path)?.unwrap_or_default())
            .map_err(|error| SettingsError::Wrong { path, error })
    }

    fn parse(text: &str) -> Result<Self, YamlError> {
        if edit::says_nothing(text) { Ok(Self::default()) } else { yaml::read(text) }
    }

    /// Sets one setting; the rest of the file stays as it is, comments too. What the settings are then.
    pub fn set(
        home: &Home,
        key: &str,
        value: &str,
        check: impl Fn(&Self) -> Result<(), String>,
    ) -> Result<Self, SettingsError> {
        let path = key_path(key)?;
        let typed = typed(&path, value);
        change(home, |text| edit::set(text, &path, &typed), |settings| check(settings))
            .map_err(|error| told(error, key, value))
    }

    /// Takes one setting away; says whether it was there.
    pub fn unset(home: &Home, key: &str) -> Result<bool, SettingsError> {
        let path = key_path(key)?;
        let mut was_there = false;
        change(
            home,
            |text| {
                let (text, found) = edit::unset(text, &path)?;
                was_there = found;
                Ok(text)
            },
            |_| Ok(()),
        )
        .map_err(|error| told(error, key, ""))?;
        Ok(was_there)
    }
}

/// What kept a change from being made.
enum Refused {
    Settings(SettingsError),
    Layout(PathBuf, String),
    Value(String),
}

fn told(refused: Refused, key: &str, value: &str) -> SettingsError {
    match refused {
        Refused::Settings(error) => error,
        Refused::Layout(path, reason) => SettingsError::ByHand { path, reason },
        Refused::Value(reason) => {
            SettingsError::BadValue { key: key.to_owned(), value: value.to_owned(), reason }
        }
    }
}

/// Changes the file under a lock. A symbolic link (people keep such files elsewhere) stays one.
fn change(
    home: &Home,
    new: impl FnOnce(&str) -> Result<String, String>,
    check: impl Fn(&SettingsFile) -> Result<(), String>,
) -> Result<SettingsFile, Refused> {
    let disk = |error: ProfileError| Refused::Settings(error.into());
    let named = SettingsFile::path(home);
    let folder = home.folder().join("config");
    files::create_folder(&folder).map_err(disk)?;
    let _lock = Lock::take(&folder.join(".lock"), || {}).map_err(disk)?;
    let path = std::fs::canonicalize(&named).unwrap_or_else(|_| named.clone());
    let old = files::read(&path).map_err(disk)?.unwrap_or_default();
    SettingsFile::parse(&old)
        .map_err(|error| Refused::Settings(SettingsError::Wrong { path: named.clone(), error }))?;
    let text = new(&old).map_err(|reason| Refused::Layout(named.clone(), reason))?;
    let settings = SettingsFile::parse(&text).map_err(|error| Refused::Value(error.reason))?;
    check(&settings).map_err(Refused::Value)?;
    if text != old {
        files::replace(&path, text.as_bytes()).map_err(disk)?;
    }
    Ok(settings)
}

/// The parts of a setting's name. A host has dots of its own: it is what stands between the first one and the last.
fn key_path(key: &str) -> Result<Vec<String>, SettingsError> {
    let unknown = || SettingsError::UnknownKey(key.to_owned());
    let is_choice = |name: &str| matches!(name, "user" | "auth" | "ttl" | "browser" | "way" | "key_store");
    let owned = |parts: &[&str]| Ok(parts.iter().map(|part| (*part).to_owned()).collect());
    match key.split_once('.') {
        None if key == "key_store" => owned(&[key]),
        Some(("kube", "keep_context")) => owned(&["kube", "keep_context"]),
        Some(("aliases", name)) if !name.is_empty() => owned(&["aliases", name]),
        Some(("defaults", name)) if is_choice(name) => owned(&["defaults", name]),
        Some(("proxies", rest)) => match rest.rsplit_once('.') {
            Some((host, name)) if is_choice(name) && !host.is_empty() => owned(&["proxies", host, name]),
            _ => Err(unknown()),
        },
        _ => Err(unknown()),
    }
}

/// A typed value: numbers and truth where the setting is one, else a text.
fn typed(path: &[String], value: &str) -> Value {
    match path.last().map(String::as_str) {
        Some("ttl") if path.len() > 1 && path[0] != "aliases" => {
            value.parse::<u32>().map_or_else(|_| value.into(), Value::from)
        }
        Some("keep_context") if path[0] == "kube" => {
            value.parse::<bool>().map_or_else(|_| value.into(), Value::from)
        }
        _ => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(None, folder.path());
        (folder, home)
    }

    fn set(home: &Home, key: &str, value: &str) -> Result<SettingsFile, SettingsError> {
        SettingsFile::set(home, key, value, |_| Ok(()))
    }

    fn text(home: &Home) -> String {
        std::fs::read_to_string(SettingsFile::path(home)).unwrap()
    }

    #[test]
    fn what_is_set_is_read_and_unset() {
        let (_folder, home) = home();
        assert_eq!(SettingsFile::load(&home).unwrap(), SettingsFile::default());
        set(&home, "key_store", "keyring").unwrap();
        set(&home, "proxies.gate.example.com.user", "alice").unwrap();
        set(&home, "proxies.gate.example.com:3080.ttl", "60").unwrap();
        set(&home, "defaults.browser", "none").unwrap();
        set(&home, "kube.keep_context", "true").unwrap();
        set(&home, "aliases.k", "kube login --namespace 'a b'").unwrap();
        insta::assert_snapshot!(text(&home), @r#"
        key_store: keyring
        proxies:
          gate.example.com:
            user: alice
          gate.example.com:3080:
            ttl: 60
        defaults:
          browser: none
        kube:
          keep_context: true
        aliases:
          k: kube login --namespace 'a b'
        "#);
        let all = SettingsFile::load(&home).unwrap();
        assert_eq!(all.key_store, Some(Kind::Keyring));
        assert_eq!(all.proxies["gate.example.com:3080"].ttl, Some(60));
        assert_eq!(all.kube.keep_context, Some(true));
        let mode = std::fs::metadata(SettingsFile::path(&home)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        assert!(SettingsFile::unset(&home, "proxies.gate.example.com.user").unwrap());
        assert!(!SettingsFile::unset(&home, "proxies.gate.example.com.user").unwrap());
        assert!(!text(&home).contains("gate.example.com:\n"), "{}", text(&home));
        for key in ["proxies.gate.example.com:3080.ttl", "defaults.browser", "kube.keep_context", "aliases.k"]
        {
            assert!(SettingsFile::unset(&home, key).unwrap(), "{key}");
        }
        assert_eq!(text(&home), "key_store: keyring\n");
        assert!(SettingsFile::unset(&home, "key_store").unwrap());
        assert_eq!(SettingsFile::load(&home).unwrap(), SettingsFile::default());
    }

    #[test]
    fn comments_and_a_link_stay() {
        let (folder, home) = home();
        let elsewhere = folder.path().join("dotfiles.yaml");
        let before =
            "# mine\nkube: {keep_context: false} # why\n\n# the store\nkey_store: file # for now\n# end\n";
        std::fs::write(&elsewhere, before).unwrap();
        let path = SettingsFile::path(&home);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        set(&home, "key_store", "keyutils").unwrap();
        set(&home, "kube.keep_context", "true").unwrap();
        set(&home, "defaults.auth", "github").unwrap();
        assert!(path.is_symlink());
        insta::assert_snapshot!(text(&home), @r#"
        # mine
        kube: {"keep_context":true} # why

        # the store
        key_store: keyutils # for now
        defaults:
          auth: github
        # end
        "#);
        assert!(SettingsFile::unset(&home, "defaults.auth").unwrap());
        assert!(!text(&home).contains("defaults"));
        assert!(text(&home).ends_with("# end\n"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let (_folder, home) = home();
        let path = SettingsFile::path(&home);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        for (text, place) in [
            ("key_stoer: file\n", "line 1, column 1"),
            ("proxies:\n  a:\n    usr: x\n", "line 3, column 5"),
            ("key_store: safe\n", "line 1, column"),
            ("defaults:\n  ttl: 0\n", "line 2, column"),
            ("kube:\n  keep_context: maybe\n", "line 2, column"),
            ("key_store: file\nkey_store: none\n", "line 2, column 1"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = SettingsFile::load(&home).unwrap_err().to_string();
            assert!(error.contains(&format!("config.yaml, {place}")), "{text:?}: {error}");
            let error = set(&home, "defaults.user", "x").unwrap_err().to_string();
            assert!(error.contains(place), "a file that is wrong is not changed: {error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        std::fs::remove_file(&path).unwrap();
        for (key, value) in [("key_store", "safe"), ("defaults.ttl", "soon"), ("kube.keep_context", "maybe")]
        {
            let error = set(&home, key, value).unwrap_err();
            assert!(matches!(error, SettingsError::BadValue { .. }), "{error}");
            assert!(!path.exists(), "{key}");
        }
        for key in
            ["", "keystore", "kube", "kube.x", "proxies.a", "proxies..user", "aliases.", "defaults.proxy"]
        {
            assert!(matches!(set(&home, key, "x"), Err(SettingsError::UnknownKey(_))), "{key}");
        }
    }
}
