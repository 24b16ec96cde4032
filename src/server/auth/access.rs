//! What a person may: the roles named in the certificate, looked up at each request. What they come to is told by
//! [`Rights`].

mod rights;

use std::sync::Arc;

use jiff::Timestamp;

pub use self::rights::{DEFAULT_TTL, KubeAccess, MAX_TTL, Rights};
use super::super::store::{Store, StoreError, resources};
use crate::{
    model::{Role, Traits, User, role::built_in},
    pki::{Identity, Usage},
};

/// Why rights could not be told, or are missing. The texts are for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// A role in the certificate is gone.
    #[error("role {0:?} no longer exists; sign in again with: tsh login --force")]
    NoRole(String),
    /// The user record is gone, or belongs to somebody else by now.
    #[error(
        "user {0:?} was removed by an administrator after this certificate was issued; sign in again with: tsh login --force"
    )]
    NoUser(String),
    /// The roles do not allow it.
    #[error("access denied to perform action {action:?} on {kind:?}")]
    Denied {
        /// The verb.
        action: &'static str,
        /// The kind.
        kind: String,
    },
    /// No way to Kubernetes.
    #[error(
        "user {0:?} has no Kubernetes groups or users: none of their roles gives any; \
         an administrator adds kubernetes_groups to the connector's teams_to_logins or to a role"
    )]
    NoKubernetes(String),
    /// A role denies the name that stands in for a Kubernetes user.
    #[error(
        "a role of user {0:?} denies acting as the Kubernetes user {0:?}, and none of their roles gives another; \
         an administrator adds kubernetes_users to a role, or takes the name out of deny"
    )]
    DeniedUser(String),
    /// Several Kubernetes users, and no way to choose.
    #[error(
        "the roles of user {user:?} give several kubernetes_users ({users}); an administrator must leave one"
    )]
    SeveralUsers {
        /// The person.
        user: String,
        /// The candidates.
        users: String,
    },
    /// A value that must not become a header.
    #[error("the Kubernetes name {} contains a character that no header may carry", .0.escape_debug())]
    BadName(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Looks rights up.
#[derive(Clone)]
pub struct Access {
    store: Arc<dyn Store>,
}

impl Access {
    /// Over a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// A role by name: a built-in one, else a stored one.
    pub async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        match built_in().into_iter().find(|role| role.metadata.name == name) {
            Some(role) => Ok(Some(role)),
            None => resources::get(&*self.store, name).await,
        }
    }

    /// The rights behind a verified certificate.
    pub async fn rights(&self, identity: &Identity) -> Result<Rights, AccessError> {
        if identity.usage() != Usage::Admin {
            self.check_user(identity.username(), identity.issued_at()).await?;
        }
        self.rights_of(identity.username(), identity.roles(), identity.subject().traits.clone()).await
    }

    /// The rights that a login with these roles and traits would have.
    pub async fn rights_of(
        &self,
        user: &str,
        roles: &[String],
        traits: Traits,
    ) -> Result<Rights, AccessError> {
        let mut found = Vec::with_capacity(roles.len());
        for name in roles {
            let role = self.role(name).await?.ok_or_else(|| AccessError::NoRole(name.clone()))?;
            found.push(role);
        }
        Ok(Rights { user: user.to_owned(), roles: found, traits })
    }

    /// The record of somebody who was let in at this time, if it is still theirs.
    pub(super) async fn check_user(&self, name: &str, issued: Timestamp) -> Result<User, AccessError> {
        let gone = || AccessError::NoUser(name.to_owned());
        let user: User = resources::get(&*self.store, name).await?.ok_or_else(gone)?;
        // The certificate begins a minute before it was issued, and in whole seconds.
        match user.spec.created {
            Some(created) if issued.as_second() < created.as_second() => Err(gone()),
            _ => Ok(user),
        }
    }
}
