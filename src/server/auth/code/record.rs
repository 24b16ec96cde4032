//! The request of a terminal, as the store keeps it: under the hash of its poll secret, with its code as a second way in.

use std::net::IpAddr;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use ring::{
    digest,
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{
    model::Secret,
    server::{
        auth::github::Person,
        store::{Revision, Store, StoreError},
    },
    wire::login::{ConsoleRequest, LoginResponse},
};

const REQUESTS: &str = "/logins/code/requests/";
const CODES: &str = "/logins/code/codes/";
/// How long a request lives.
pub(super) const LIFE: SignedDuration = SignedDuration::from_mins(10);
/// Letters of a code: none that spell words, none that look like digits (RFC 8628, 6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// How many letters a code has: more than 34 bits.
const LETTERS: usize = 8;
/// How often a code that is taken is replaced by another.
const ATTEMPTS: usize = 5;

/// A terminal's request.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Record {
    /// What it wishes, the key to certify among it.
    pub(super) login: ConsoleRequest,
    /// What its machine calls itself.
    pub(super) host: String,
    /// From where it asked.
    pub(super) remote: IpAddr,
    pub(super) begun: Timestamp,
    pub(super) expires: Timestamp,
    /// Hash of the key of the browser in which the code was typed.
    pub(super) browser: Option<String>,
    pub(super) stage: Stage,
}

/// How far a request is.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Nobody has signed in for it.
    Waiting,
    /// Somebody has, and has not decided yet.
    SignedIn(Box<Person>),
    /// It was approved, the certificate is being made.
    Issuing,
    /// The answer waits for the terminal.
    Approved(Box<LoginResponse>),
    /// The person said no.
    Denied,
    /// The person could not sign in, or got no certificate.
    Failed,
}

/// A record, its name, and the write that it is of.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) record: Record,
    pub(super) revision: Revision,
}

/// Keeps a new request. Its poll secret and its code.
pub(super) async fn create(store: &dyn Store, record: &Record) -> Result<(Secret, String), StoreError> {
    let mut random = Zeroizing::new([0; 32]);
    fill(random.as_mut())?;
    let secret = Secret::new(hex::encode(*random));
    let id = id_of(&secret);
    let mut taken = StoreError::Backend("no code is free".into());
    for _ in 0..ATTEMPTS {
        let code = new_code()?;
        let written =
            store.create(&format!("{CODES}{code}"), Bytes::from(id.clone()), Some(record.expires)).await;
        match written {
            Ok(_) => {
                store.create(&format!("{REQUESTS}{id}"), to_bytes(record)?, Some(record.expires)).await?;
                return Ok((secret, code));
            }
            Err(e @ StoreError::Exists(_)) => taken = e,
            Err(e) => return Err(e),
        }
    }
    Err(taken)
}

/// The name under which the store has the request of a poll secret.
pub(super) fn id_of(secret: &Secret) -> String {
    hex::encode(digest::digest(&digest::SHA256, secret.expose().as_bytes()))
}

/// Reads a request.
pub(super) async fn find(store: &dyn Store, id: &str) -> Result<Option<Found>, StoreError> {
    if id.len() != 64 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let Some(item) = store.get(&format!("{REQUESTS}{id}")).await? else { return Ok(None) };
    let record = from_bytes(&item.value)?;
    Ok(Some(Found { id: id.to_owned(), record, revision: item.revision }))
}

/// Reads the request of a code.
pub(super) async fn by_code(store: &dyn Store, code: &str) -> Result<Option<Found>, StoreError> {
    let Some(item) = store.get(&format!("{CODES}{code}")).await? else { return Ok(None) };
    match std::str::from_utf8(&item.value) {
        Ok(id) => find(store, id).await,
        Err(_) => Ok(None),
    }
}

impl Found {
    /// Writes the record if nobody else has in the meantime.
    pub(super) async fn save(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let (key, expires) = (format!("{REQUESTS}{}", self.id), Some(self.record.expires));
        let value = to_bytes(&self.record)?;
        self.revision = store.compare_and_swap(&key, self.revision, value, expires).await?;
        Ok(())
    }
}

/// Takes a request away, so that its answer goes to one question only.
pub(super) async fn take(store: &dyn Store, id: &str) -> Result<Option<Record>, StoreError> {
    let item = store.take(&format!("{REQUESTS}{id}")).await?;
    item.map(|item| from_bytes(&item.value)).transpose()
}

/// A typed code in its one form; none if it cannot be one.
pub(super) fn read_code(typed: &str) -> Option<String> {
    let letters = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
    let code: String = letters.map(|c| c.to_ascii_uppercase()).take(LETTERS + 1).collect();
    (code.len() == LETTERS && code.bytes().all(|b| ALPHABET.contains(&b))).then_some(code)
}

/// A code as people read it.
pub(super) fn show_code(code: &str) -> String {
    let (left, right) = code.split_at(LETTERS / 2);
    format!("{left}-{right}")
}

fn new_code() -> Result<String, StoreError> {
    let mut code = String::with_capacity(LETTERS);
    while code.len() < LETTERS {
        let mut byte = [0];
        fill(&mut byte)?;
        // 240 is a multiple of 20: every letter is as likely as any other.
        if byte[0] < 240 {
            code.push(char::from(ALPHABET[usize::from(byte[0]) % ALPHABET.len()]));
        }
    }
    Ok(code)
}

fn fill(bytes: &mut [u8]) -> Result<(), StoreError> {
    let failed = |_| StoreError::Backend("the system gives no random numbers".into());
    SystemRandom::new().fill(bytes).map_err(failed)
}

fn to_bytes(record: &Record) -> Result<Bytes, StoreError> {
    serde_json::to_vec(record).map(Bytes::from).map_err(|e| StoreError::Backend(e.to_string()))
}

fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|_| StoreError::Backend("a login by code does not parse".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = new_code().unwrap();
        let shown = show_code(&code);
        assert_eq!((shown.len(), &shown[4..5]), (9, "-"));
        for typed in [shown.clone(), shown.to_lowercase(), format!(" {} {}", &code[..4], &code[4..])] {
            assert_eq!(read_code(&typed), Some(code.clone()), "{typed}");
        }
        for typed in
            ["", "BCDF-GHJ", "BCDF-GHJKL", "BCDF-GHJA", "BCDF-GHJ1", "../../roles", "BCDFGHJ\u{212a}"]
        {
            assert_eq!(read_code(typed), None, "{typed}");
        }
    }
}
