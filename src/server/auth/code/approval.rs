//! What follows in the browser after a code was typed: its person signs in, sees what would be issued, and decides.

use std::net::SocketAddr;

use jiff::Timestamp;

use super::{
    BrowserKey, CodeError, Offer, asked, lost,
    record::{self, Found, Stage},
    wished_life,
};
use crate::{
    pki::PublicKey,
    server::{
        Gate,
        audit::{Event, Login, Outcome, Requester},
        auth::{
            github::{self, LoginError, Person},
            issue::{self, Wish},
        },
        store::StoreError,
    },
    wire::login::LoginResponse,
};

/// The path of the page where the person approves.
const CONFIRM: &str = "/web/code/confirm";

/// A request that the browser which came back from the identity provider may sign in for.
pub(in crate::server::auth) struct Claimed(Found);

/// The request that a browser has signed in for, and what it would bring.
///
/// # Errors
/// [`CodeError::Over`] when there is no such request of this browser.
pub async fn offer(gate: &Gate, id: &str, browser: &BrowserKey) -> Result<Offer, CodeError> {
    let found = of_browser(gate, id, Some(browser)).await?.ok_or(CodeError::Over)?;
    let Stage::SignedIn(person) = &found.record.stage else { return Err(CodeError::Over) };
    let asked = asked(&found);
    let (life, whole) = issue::offered(gate, person, asked.ttl).await.map_err(LoginError::from)?;
    Ok(Offer { asked, user: person.name().to_owned(), roles: person.roles().to_vec(), life, whole })
}

/// The person has decided. Only an approval issues a certificate; it waits for the terminal then.
///
/// # Errors
/// [`CodeError::Over`] when there is nothing (any more) for this browser to decide.
pub async fn decide(
    gate: &Gate,
    id: &str,
    browser: &BrowserKey,
    approve: bool,
    remote: SocketAddr,
) -> Result<(), CodeError> {
    let mut found = of_browser(gate, id, Some(browser)).await?.ok_or(CodeError::Over)?;
    let person = match (&found.record.stage, approve) {
        (Stage::SignedIn(person), _) => Some(person.clone()),
        (Stage::Waiting, false) => None,
        _ => return Err(CodeError::Over),
    };
    found.record.stage = if approve { Stage::Issuing } else { Stage::Denied };
    // Of two decisions at the same moment one counts.
    found.save(&*gate.store).await.map_err(|e| lost(e, CodeError::Over))?;
    let Some(person) = person else {
        let nobody = Login {
            user: String::new(),
            method: "github",
            connector: found.record.login.connector_id.clone(),
            attributes: serde_json::Value::Null,
            remote: Some(remote),
            outcome: denied(),
        };
        gate.audit.emit_of_stranger(Event::CodeLogin(nobody, requester(&found)), remote.ip()).await;
        return Ok(());
    };
    if !approve {
        let event = Event::CodeLogin(person.event(remote, denied()), requester(&found));
        gate.audit.emit(event).await;
        return Ok(());
    }
    let made = make(gate, &found, &person).await;
    let (stage, outcome, result) = match made {
        Ok(answer) => (Stage::Approved(Box::new(answer)), Outcome::Success, Ok(())),
        Err(error) => (Stage::Failed, Outcome::Failure(error.to_string()), Err(error.into())),
    };
    found.record.stage = stage;
    gate.audit.emit(Event::CodeLogin(person.event(remote, outcome), requester(&found))).await;
    found.save(&*gate.store).await.map_err(|e| lost(e, CodeError::Over))?;
    result
}

async fn make(gate: &Gate, found: &Found, person: &Person) -> Result<LoginResponse, LoginError> {
    let login = &found.record.login;
    let wish = Wish {
        key: PublicKey::from_authorized_key(login.public_key.as_text().unwrap_or_default())?,
        ttl: wished_life(login.cert_ttl),
        route_to_cluster: login.route_to_cluster.clone(),
        kubernetes_cluster: login.kubernetes_cluster.clone(),
    };
    let now = Timestamp::now();
    let agreed = issue::agreed_end(now, wish.ttl);
    github::complete(gate, person, wish, agreed, now).await
}

/// The request that a login was begun for, if the browser that comes back is the one in which its code was typed.
pub(in crate::server::auth) async fn claimed(
    gate: &Gate,
    id: &str,
    browser: Option<&BrowserKey>,
) -> Result<Claimed, LoginError> {
    match of_browser(gate, id, browser).await? {
        Some(found) if matches!(found.record.stage, Stage::Waiting) => Ok(Claimed(found)),
        _ => Err(LoginError::OtherBrowser),
    }
}

/// Notes who signed in, and gives the page where they approve; or that it did not work, which is audited and ends the
/// request.
pub(in crate::server::auth) async fn signed_in(
    gate: &Gate,
    Claimed(mut found): Claimed,
    result: Result<Person, LoginError>,
    event: Login,
) -> Result<String, LoginError> {
    let (stage, end) = match result {
        Ok(person) => (Stage::SignedIn(Box::new(person)), Ok(format!("{CONFIRM}?request={}", found.id))),
        Err(error) => (Stage::Failed, Err(error)),
    };
    found.record.stage = stage;
    if let Err(error) = &end {
        let login = Login { outcome: Outcome::Failure(error.to_string()), ..event };
        gate.audit.emit(Event::CodeLogin(login, requester(&found))).await;
    }
    match found.save(&*gate.store).await {
        Err(StoreError::Conflict(_) | StoreError::NotFound(_)) if end.is_ok() => {
            Err(LoginError::OtherBrowser)
        }
        Err(StoreError::Conflict(_) | StoreError::NotFound(_)) | Ok(()) => end,
        Err(error) => Err(error.into()),
    }
}

async fn of_browser(
    gate: &Gate,
    id: &str,
    browser: Option<&BrowserKey>,
) -> Result<Option<Found>, StoreError> {
    let Some(hash) = browser.map(BrowserKey::hash) else { return Ok(None) };
    let found = record::find(&*gate.store, id).await?;
    Ok(found.filter(|found| found.record.browser.as_deref() == Some(hash.as_str())))
}

fn requester(found: &Found) -> Requester {
    Requester { host: found.record.host.clone(), remote: found.record.remote }
}

fn denied() -> Outcome {
    Outcome::Failure("the person denied the request of the terminal".into())
}
