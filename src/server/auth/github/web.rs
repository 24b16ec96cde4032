//! A sign-in that ends in the browser in which it began: with a session (see [`crate::server::auth::session`]), not a certificate.

use std::{net::SocketAddr, time::Duration};

use jiff::Timestamp;

use super::{
    CallbackEnd, CallbackQuery, Github, Goes, LoginError, Trail, Wished,
    pending::{Pending, WebLogin},
    person,
};
use crate::{
    server::{
        Gate,
        audit::{Event, Outcome},
        auth::{
            code::BrowserKey,
            issue,
            session::{self, SessionKey},
        },
        store::resources,
    },
    wire::login::ConsoleRequest,
};

/// A browser that is signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Its session.
    pub key: SessionKey,
    /// How long that lives.
    pub life: Duration,
    /// The page to go on with.
    pub next: String,
}

impl Github {
    /// Begins a sign-in of this browser: where it has to go. `next` is a checked page of this gate.
    ///
    /// # Errors
    /// There is no such connector, or the store failed.
    pub async fn begin_in_browser(
        &self,
        gate: &Gate,
        connector: &str,
        next: String,
        browser: &BrowserKey,
        remote: SocketAddr,
    ) -> Result<String, LoginError> {
        let found = resources::get(&*gate.store, connector).await?;
        let found = found.ok_or_else(|| LoginError::NoConnector(connector.to_owned()))?;
        let request = ConsoleRequest { connector_id: connector.to_owned(), ..ConsoleRequest::default() };
        let wished = Wished { request: &request, public_key: String::new() };
        let goes = Goes { web: Some(WebLogin { browser: browser.hash(), next }), ..Goes::default() };
        Ok(self.send_to_github(gate, &found, wished, goes, remote).await?.redirect_url)
    }

    /// Ends it. It is audited however it ends, and the browser's session until now ends with it.
    pub(super) async fn end_in_browser(
        &self,
        gate: &Gate,
        query: &CallbackQuery,
        pending: &Pending,
        next: String,
        mut trail: Trail,
        remote: SocketAddr,
    ) -> CallbackEnd {
        let signed_in = async {
            let person = self.identify(gate, query, pending, &mut trail).await?;
            let now = Timestamp::now();
            let (key, expires) = person::open_session(gate, &person, now).await?;
            if let Some(old) = &query.session {
                session::end(&*gate.store, old).await?;
            }
            Ok(SignedIn { key, life: issue::until(now, expires), next })
        };
        let (end, outcome) = match signed_in.await {
            Ok(signed_in) => (CallbackEnd::SignedIn(signed_in), Outcome::Success),
            Err(error) => {
                let why = LoginError::to_string(&error);
                (CallbackEnd::NotSignedIn(error), Outcome::Failure(why))
            }
        };
        gate.audit.emit(Event::Login(trail.event(remote, outcome))).await;
        end
    }
}

/// The page to go on with, if the browser that comes back is the one that began.
pub(super) fn claimed(web: &WebLogin, browser: Option<&BrowserKey>) -> Result<String, LoginError> {
    match browser.map(BrowserKey::hash) {
        Some(hash) if hash == web.browser => Ok(web.next.clone()),
        _ => Err(LoginError::StrangeBrowser),
    }
}
