//! The session of a browser that a person signed in with: a random key in a cookie, and under its hash in the store who it is.
//!
//! Rights are not in it. They are looked up at each request; a session ends with its time, its person's record or their roles.

use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    access::{AccessError, DEFAULT_TTL, Rights},
    code::BrowserKey,
};
use crate::{
    model::Traits,
    server::{
        Gate,
        store::{Store, StoreError},
    },
};

/// The cookie's name. Browsers take one that begins so only over HTTPS, from this very host, for every path.
pub const COOKIE: &str = "__Host-session";
const PREFIX: &str = "/web/sessions/";
/// What the token against forged requests is for.
const CSRF: &str = "csrf";

/// The secret of a session. It prints as nothing.
#[derive(Debug, Clone)]
pub struct SessionKey(BrowserKey);

impl SessionKey {
    /// Reads the key from a request's `Cookie` header; none if it is not there exactly once in the right form.
    pub fn from_cookies(header: &str) -> Option<Self> {
        BrowserKey::from_cookie(header, COOKIE).map(Self)
    }

    /// The `Set-Cookie` header that gives the key to the browser until the session ends. `Lax`, since the way back from GitHub
    /// is a link from another site.
    pub fn set_cookie(&self, life: Duration) -> Zeroizing<String> {
        self.0.set_cookie_as(COOKIE, life.as_secs())
    }

    /// The `Set-Cookie` header that takes the key away.
    pub fn clear_cookie() -> String {
        format!("{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
    }

    /// What a page's own requests carry, to show that this gate made the page for this session.
    pub fn csrf_token(&self) -> String {
        self.0.token(CSRF)
    }

    /// Whether a token is this session's.
    pub fn is_csrf_token(&self, token: &str) -> bool {
        self.0.made(CSRF, token)
    }

    /// Names the session, and is no secret.
    pub fn id(&self) -> String {
        self.0.hash()
    }

    fn place(&self) -> String {
        format!("{PREFIX}{}", self.id())
    }
}

#[derive(Serialize, Deserialize)]
struct Record {
    user: String,
    roles: Vec<String>,
    traits: Traits,
    since: Timestamp,
    expires: Timestamp,
}

/// A session that goes on, with the rights of now.
#[derive(Debug, Clone)]
pub struct Session {
    /// What the person may.
    pub rights: Rights,
    /// The names of their roles.
    pub roles: Vec<String>,
    /// When they signed in.
    pub since: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

/// When a session that begins now would end: after twelve hours, or what the roles allow if that is less.
pub(super) async fn end_of(
    gate: &Gate,
    (user, roles, traits): (&str, &[String], &Traits),
    now: Timestamp,
) -> Result<Timestamp, AccessError> {
    let rights = gate.access.rights_of(user, roles, traits.clone()).await?;
    let life = SignedDuration::try_from(rights.max_ttl().min(DEFAULT_TTL)).unwrap_or(SignedDuration::ZERO);
    Ok(now.checked_add(life).unwrap_or(now))
}

/// Begins a session, always under a new key.
pub(super) async fn begin(
    store: &dyn Store,
    (user, roles, traits): (&str, &[String], &Traits),
    now: Timestamp,
    expires: Timestamp,
) -> Result<SessionKey, StoreError> {
    let key = SessionKey(BrowserKey::generate()?);
    let record =
        Record { user: user.to_owned(), roles: roles.to_vec(), traits: traits.clone(), since: now, expires };
    let value = serde_json::to_vec(&record).map_err(|e| StoreError::Backend(e.to_string()))?;
    store.create(&key.place(), Bytes::from(value), Some(expires)).await?;
    Ok(key)
}

/// The session of a key, if it goes on. One that has lost its person or their roles is ended.
///
/// # Errors
/// The store failed.
pub async fn resume(gate: &Gate, key: &SessionKey) -> Result<Option<Session>, StoreError> {
    let Some(item) = gate.store.get(&key.place()).await? else { return Ok(None) };
    let Ok(record) = serde_json::from_slice::<Record>(&item.value) else { return Ok(None) };
    if record.expires <= Timestamp::now() {
        return Ok(None);
    }
    match rights(gate, &record).await {
        Ok(Some(rights)) => {
            let Record { roles, since, expires, .. } = record;
            Ok(Some(Session { rights, roles, since, expires }))
        }
        Err(AccessError::Store(error)) => Err(error),
        Ok(None) | Err(_) => {
            end(&*gate.store, key).await?;
            Ok(None)
        }
    }
}

/// None when a later login has given the person other roles.
async fn rights(gate: &Gate, record: &Record) -> Result<Option<Rights>, AccessError> {
    let user = gate.access.check_user(&record.user, record.since).await?;
    if user.spec.roles != record.roles {
        return Ok(None);
    }
    gate.access.rights_of(&record.user, &record.roles, record.traits.clone()).await.map(Some)
}

/// Ends a session; one that has ended already is no error.
///
/// # Errors
/// The store failed.
pub async fn end(store: &dyn Store, key: &SessionKey) -> Result<(), StoreError> {
    match store.delete(&key.place(), None).await {
        Err(StoreError::NotFound(_)) => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::SqliteStore;

    #[tokio::test]
    async fn the_store_knows_no_key_and_forgets_a_session_at_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).unwrap();
        // The store counts microseconds.
        let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
        let roles = ["access".to_owned()];
        let expires = now + SignedDuration::from_hours(1);
        let traits = Traits::new();
        let key = begin(&store, ("alice", &roles, &traits), now, expires).await.unwrap();
        let cookie = key.set_cookie(Duration::from_secs(60));
        let secret = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
        let items = store.range(PREFIX, None, 10).await.unwrap();
        assert_eq!((items.len(), items[0].expires), (1, Some(expires)));
        let kept = format!("{} {}", items[0].key, String::from_utf8_lossy(&items[0].value));
        assert!(!kept.contains(&secret) && !kept.contains(&key.csrf_token()), "{kept}");
        assert!(key.is_csrf_token(&key.csrf_token()) && !key.is_csrf_token(&secret));
        end(&store, &key).await.unwrap();
        end(&store, &key).await.unwrap();
        assert!(store.range(PREFIX, None, 10).await.unwrap().is_empty());
    }
}
