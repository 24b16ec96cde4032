//! Why a login through GitHub came to nothing.

use super::{
    api::{GithubError, explain_stranger},
    mapping::NoTeam,
    record::RecordError,
    redirect::RedirectError,
};
use crate::{
    pki::KeyError,
    server::{auth::issue::IssueError, store::StoreError},
    wire::seal::SealError,
};

/// Why there is no login. The texts are for the person, in the terminal and in the browser.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Something is missing or not possible in the client's request.
    #[error("{0}")]
    Request(String),
    /// The client's redirect is not one of `tsh`.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// The client's key cannot be certified.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No such connector.
    #[error(
        "GitHub connector {0:?} is not found; an administrator registers one with: tctl create github.yaml"
    )]
    NoConnector(String),
    /// The connector was written while the login was on its way.
    #[error("connector {0:?} was changed during this login; to begin again run: tsh login")]
    ConnectorChanged(String),
    /// A state that is unknown, used or too old.
    #[error(
        "this login is not known: it was used already or began more than 10 minutes ago; to begin again run: tsh login"
    )]
    UnknownState,
    /// A login by code that comes back in another browser than the one in which the code was typed.
    #[error(
        "this login was not begun in this browser, or its code has run out; type the code that your terminal shows on this gate's page /web/code"
    )]
    OtherBrowser,
    /// A sign-in of a browser that comes back in another one.
    #[error("this sign-in was not begun in this browser, or this browser keeps no cookies of this gate")]
    StrangeBrowser,
    /// GitHub ended a login that is not known here. What GitHub said is left out: anybody can make such an address.
    #[error("{}", explain_stranger(.error, .callback))]
    Stranger {
        /// GitHub's code for it, as it came.
        error: String,
        /// The callback of this gate.
        callback: String,
    },
    /// GitHub brought no login.
    #[error(transparent)]
    Github(#[from] GithubError),
    /// No team of the person's is mapped.
    #[error(transparent)]
    NoTeam(#[from] NoTeam),
    /// The name is not the account's.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A mapped role is not there.
    #[error(
        "the connector {connector:?} names the role {role:?}, which does not exist; an administrator must create it or correct the connector"
    )]
    NoRole {
        /// The connector.
        connector: String,
        /// The role.
        role: String,
    },
    /// The certificates could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The answer could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
