//! Copies of certificates and keys that stand in a kubeconfig itself: they are written anew, or make room for the command.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::document::Kind;
use super::error::Error;
use super::files::{Files, Snapshot};
use super::plan::Plan;
use super::session::{Order, Session, attempt};
use super::{Change, UserAuth, entry};

/// A user entry of ours that holds a certificate in the file itself.
#[derive(Debug, Clone, Copy)]
pub struct Embedded<'a> {
    /// The profile that it belongs to.
    pub profile: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The certificate, PEM.
    pub certificate: &'a str,
}

/// Gives copies what `instead` has for them; those for which it has nothing stay. Only user entries change, and only those
/// that are there at this moment: whoever logged out meanwhile gets no entry back. All files are looked through, also for
/// entries that kubectl does not see behind others of their name.
///
/// # Errors
/// Those of [`super::login`], but a file that cannot be read is passed over: kubectl complains of it anyway.
pub fn replace_copies(
    files: &Files,
    instead: &dyn Fn(Embedded<'_>) -> Option<UserAuth>,
) -> Result<Change, Error> {
    // Most people have none, and then no file is locked for this.
    if !files.paths().iter().any(|path| may_hold_one(path)) {
        return Ok(Change::default());
    }
    attempt(|| {
        let session = Session::open(files, false)?;
        let plans = plans(&session.snapshot, instead);
        let mut change = session.commit(&plans, Order::EntriesFirst);
        if change.failed.is_empty() { Ok(change) } else { Err(change.failed.remove(0)) }
    })
}

fn plans(snapshot: &Snapshot, instead: &dyn Fn(Embedded<'_>) -> Option<UserAuth>) -> Vec<Plan> {
    let mut plans = vec![Plan::default(); snapshot.files.len()];
    for (i, document) in snapshot.documents() {
        for (name, body) in document.entries(Kind::User) {
            let (Some(mark), Some(certificate)) = (entry::mark(body), certificate(body)) else { continue };
            let copy = Embedded { profile: &mark.owner.profile, name, certificate: &certificate };
            let Some(auth) = instead(copy) else { continue };
            let old = document.item(Kind::User, name);
            let item = entry::item(Kind::User, name, entry::with_auth(body, &auth), old);
            plans[i].list_mut(Kind::User).set.push((name.to_owned(), item));
        }
    }
    plans
}

/// The certificate that a user holds in the file.
pub(super) fn certificate(user: &Value) -> Option<String> {
    let bytes = STANDARD.decode(user["client-certificate-data"].as_str()?.trim()).ok()?;
    String::from_utf8(bytes).ok()
}

fn may_hold_one(path: &Path) -> bool {
    let holds = |text: &[u8], mark: &str| text.windows(mark.len()).any(|part| part == mark.as_bytes());
    std::fs::read(path)
        .is_ok_and(|text| holds(&text, "client-certificate-data") && holds(&text, entry::OWNER))
}
