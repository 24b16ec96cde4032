//! The user record: where a GitHub name is bound to the account's number, so that somebody who registers a freed name is not taken
//! for the person who had it.

use jiff::Timestamp;

use super::{api::Account, mapping::Granted};
use crate::{
    model::{GithubIdentity, User, metadata::check_name},
    server::store::{Store, StoreError, resources},
};

/// How often a write is repeated that somebody else's write crossed.
const ATTEMPTS: usize = 5;
/// The longest name of a person, in bytes.
const MAX_NAME: usize = 100;

/// Why an account may not sign in under its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A name that something behind the gate would read as something else.
    #[error(
        "the GitHub name {} cannot be used as a user name here: only letters, digits, and - _ . @ are allowed",
        .0.escape_debug()
    )]
    Name(String),
    /// Another account has the name now.
    #[error(
        "the GitHub account {0:?} is not the one that signed in here earlier under this name (its number differs). If that is right, \
         an administrator removes the old record with: tctl rm user/{0}"
    )]
    OtherAccount(String),
    /// The name belongs to somebody who came another way.
    #[error(
        "user {0:?} already exists and did not come through this connector; an administrator may remove the record with: tctl rm user/{0}"
    )]
    OtherOrigin(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Names end in certificates, headers, paths and logs.
pub(super) fn check_login(login: &str) -> Result<(), RecordError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.@".contains(&b);
    let sound = login.len() <= MAX_NAME && !login.starts_with('-') && login.bytes().all(allowed);
    match check_name("login", login) {
        Ok(()) if sound => Ok(()),
        _ => Err(RecordError::Name(login.to_owned())),
    }
}

/// A login that is about to be written down.
pub(super) struct Entry<'a> {
    pub(super) connector: &'a str,
    pub(super) account: &'a Account,
    pub(super) granted: &'a Granted,
    pub(super) now: Timestamp,
    pub(super) expires: Timestamp,
}

/// Refuses an account whose name belongs to another one.
pub(super) async fn check(store: &dyn Store, connector: &str, account: &Account) -> Result<(), RecordError> {
    match resources::get::<User>(store, &account.login).await? {
        Some(user) => same_person(&user, connector, account),
        None => Ok(()),
    }
}

/// Writes the login into the person's record.
pub(super) async fn write(store: &dyn Store, entry: &Entry<'_>) -> Result<(), RecordError> {
    let mut last = StoreError::Conflict(entry.account.login.clone());
    for _ in 0..ATTEMPTS {
        let known: Option<User> = resources::get(store, &entry.account.login).await?;
        let written = match known {
            None => resources::create(store, &fill(fresh(entry), entry)).await,
            Some(user) => {
                same_person(&user, entry.connector, entry.account)?;
                resources::replace(store, &fill(user, entry)).await
            }
        };
        match written {
            Ok(_) => return Ok(()),
            // Two logins of one person at the same time, or an administrator who removed the record just now.
            Err(e @ (StoreError::Exists(_) | StoreError::NotFound(_) | StoreError::Conflict(_))) => last = e,
            Err(e) => return Err(e.into()),
        }
    }
    Err(last.into())
}

fn same_person(user: &User, connector: &str, account: &Account) -> Result<(), RecordError> {
    let identity = user.spec.github_identities.iter().find(|i| i.connector_id == connector);
    match identity {
        Some(identity) if identity.user_id == Some(account.id) => Ok(()),
        Some(_) => Err(RecordError::OtherAccount(account.login.clone())),
        None => Err(RecordError::OtherOrigin(account.login.clone())),
    }
}

fn fresh(entry: &Entry<'_>) -> User {
    let mut user = User::new(&entry.account.login);
    user.spec.created = Some(entry.now);
    user.spec.github_identities = vec![GithubIdentity {
        connector_id: entry.connector.to_owned(),
        username: entry.account.login.clone(),
        user_id: Some(entry.account.id),
    }];
    user
}

fn fill(mut user: User, entry: &Entry<'_>) -> User {
    user.spec.roles.clone_from(&entry.granted.roles);
    user.spec.traits = entry.granted.traits.clone();
    user.spec.last_login = Some(entry.now);
    user.spec.expires = Some(entry.expires);
    user
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_something_elsewhere_are_refused() {
        for bad in ["", "system:admin", "a b", "a/b", "..", "a\nb", "-x", "é", "a:b", &"x".repeat(101)] {
            assert!(check_login(bad).is_err(), "{bad:?}");
        }
        for good in ["alice", "octo-cat", "emu_acme", "a.b@c"] {
            assert!(check_login(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn e2_23_the_same_name_with_another_number_is_refused() {
        let account = |id| Account { login: "alice".into(), id };
        let granted = Granted { roles: vec![], traits: crate::model::Traits::new() };
        let first = account(1);
        let now = Timestamp::now();
        let entry = Entry { connector: "github", account: &first, granted: &granted, now, expires: now };
        let user = fill(fresh(&entry), &entry);
        assert_eq!(same_person(&user, "github", &account(1)), Ok(()));
        assert_eq!(same_person(&user, "github", &account(2)), Err(RecordError::OtherAccount("alice".into())));
        assert_eq!(same_person(&user, "other", &account(1)), Err(RecordError::OtherOrigin("alice".into())));
    }
}
