//! A login on its way through the browser: kept in the store under its state, for ten minutes, taken once.

use std::net::SocketAddr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use ring::{
    digest,
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::endpoint;
use crate::{
    model::{GithubConnector, Secret},
    server::store::{Store, StoreError},
};

const PREFIX: &str = "/logins/github/";
const LIFE: SignedDuration = SignedDuration::from_mins(10);
const SCOPE: &str = "read:org";

/// What a state stands for. It holds the client's key for the seal, so it has no `Debug`.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    /// The connector, in the revision with which the login began.
    pub(super) connector: String,
    pub(super) revision: Option<i64>,
    /// Where the login ends: at the client that waits on loopback, …
    pub(super) redirect: Secret,
    /// … or at the request of a terminal elsewhere, of this name.
    #[serde(default)]
    pub(super) code: Option<String>,
    /// … or in the browser itself.
    #[serde(default)]
    pub(super) web: Option<WebLogin>,
    /// The key to certify.
    pub(super) public_key: String,
    /// The wished life in nanoseconds.
    pub(super) ttl: i64,
    pub(super) route_to_cluster: String,
    pub(super) kubernetes_cluster: String,
    /// RFC 7636: whoever redeems the code must be who asked for it.
    pub(super) verifier: Secret,
    /// Where the request came from.
    pub(super) remote: SocketAddr,
}

/// A sign-in that ends in the browser in which it began.
#[derive(Serialize, Deserialize)]
pub(super) struct WebLogin {
    /// Hash of that browser's key.
    pub(super) browser: String,
    /// The page to go on with.
    pub(super) next: String,
}

/// A text of so many random bytes in hex.
pub(super) fn random_hex(bytes: usize) -> Result<String, StoreError> {
    let mut random = vec![0; bytes];
    let failed = |_| StoreError::Backend("the system gives no random numbers".into());
    SystemRandom::new().fill(&mut random).map_err(failed)?;
    Ok(hex::encode(random))
}

/// Keeps a login and returns its state.
pub(super) async fn keep(store: &dyn Store, pending: &Pending) -> Result<String, StoreError> {
    let state = random_hex(16)?;
    let value = serde_json::to_vec(pending).map_err(|e| StoreError::Backend(e.to_string()))?;
    let expires = Timestamp::now() + LIFE;
    store.create(&format!("{PREFIX}{state}"), Bytes::from(value), Some(expires)).await?;
    Ok(state)
}

/// The login behind a state, for the first who asks.
pub(super) async fn take(store: &dyn Store, state: &str) -> Result<Option<Pending>, StoreError> {
    if state.len() != 32 || !state.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let Some(item) = store.take(&format!("{PREFIX}{state}")).await? else { return Ok(None) };
    serde_json::from_slice(&item.value)
        .map(Some)
        .map_err(|_| StoreError::Backend("a login in progress does not parse".into()))
}

/// GitHub's page for a login (RFC 6749, 4.1.1; RFC 7636).
pub(super) fn authorize_url(
    connector: &GithubConnector,
    state: &str,
    verifier: &Secret,
) -> Result<String, url::ParseError> {
    let mut url = Url::parse(&format!("{}/login/oauth/authorize", endpoint(connector)))?;
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.expose().as_bytes()));
    url.query_pairs_mut()
        .append_pair("client_id", &connector.spec.client_id)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .append_pair("redirect_uri", &connector.spec.redirect_url)
        .append_pair("response_type", "code")
        .append_pair("scope", SCOPE)
        .append_pair("state", state);
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::SqliteStore;

    fn login() -> Pending {
        Pending {
            connector: "github".into(),
            revision: Some(1),
            redirect: Secret::new("http://127.0.0.1:1/callback"),
            code: None,
            web: None,
            public_key: String::new(),
            ttl: 0,
            route_to_cluster: String::new(),
            kubernetes_cluster: String::new(),
            verifier: Secret::new("verifier"),
            remote: ([127, 0, 0, 1], 1).into(),
        }
    }

    #[tokio::test]
    async fn e2_18_a_state_lives_ten_minutes_and_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).unwrap();
        let before = Timestamp::now() + SignedDuration::from_mins(10);
        let state = keep(&store, &login()).await.unwrap();
        let key = format!("{PREFIX}{state}");
        let item = store.get(&key).await.unwrap().unwrap();
        let expires = item.expires.unwrap();
        assert!(expires.as_second() >= before.as_second(), "{expires}");
        assert!(expires <= Timestamp::now() + SignedDuration::from_mins(10), "{expires}");
        // Somebody comes back a moment too late.
        let late = Timestamp::now() - SignedDuration::from_secs(1);
        store.put(&key, item.value.clone(), Some(late)).await.unwrap();
        assert!(take(&store, &state).await.unwrap().is_none());
        store.put(&key, item.value, Some(expires)).await.unwrap();
        assert!(take(&store, &state).await.unwrap().is_some());
        assert!(take(&store, &state).await.unwrap().is_none());
        for wrong in ["", "..", &state[..31], &format!("{state}0"), &"z".repeat(32)] {
            assert!(take(&store, wrong).await.unwrap().is_none(), "{wrong}");
        }
    }
}
