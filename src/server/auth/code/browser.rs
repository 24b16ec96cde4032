//! The browser in which a person approves: a random key in a cookie that no page reads and no other site sends.

use ring::{
    digest, hmac,
    rand::{SecureRandom, SystemRandom},
};
use zeroize::Zeroizing;

use crate::server::store::StoreError;

/// The cookie's name. Browsers take one that begins so only over HTTPS, from this very host, for every path.
pub const COOKIE: &str = "__Host-jumpgate-code";
/// How long the cookie lives, in seconds: as long as a code and a little more.
const COOKIE_LIFE: u32 = 900;

/// The secret of one browser. It prints as nothing.
#[derive(Clone)]
pub struct BrowserKey(Zeroizing<[u8; 32]>);

impl BrowserKey {
    /// A key for a browser that has none.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, StoreError> {
        let mut key = Zeroizing::new([0; 32]);
        let failed = |_| StoreError::Backend("the system gives no random numbers".into());
        SystemRandom::new().fill(key.as_mut()).map_err(failed)?;
        Ok(Self(key))
    }

    /// Reads the key from a request's `Cookie` header; none if it is not there exactly once in the right form.
    pub fn from_cookies(header: &str) -> Option<Self> {
        Self::from_cookie(header, COOKIE)
    }

    /// The same from a cookie of another name.
    pub(in crate::server::auth) fn from_cookie(header: &str, cookie: &str) -> Option<Self> {
        let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
        let mut ours = pairs.filter(|(name, _)| *name == cookie).map(|(_, value)| value);
        let value = ours.next()?;
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(value, key.as_mut()).ok()?;
        ours.next().is_none().then_some(Self(key))
    }

    /// The `Set-Cookie` header that gives the key to the browser. `Lax`, since the way back from GitHub is a link from
    /// another site.
    pub fn set_cookie(&self) -> Zeroizing<String> {
        self.set_cookie_as(COOKIE, u64::from(COOKIE_LIFE))
    }

    /// The same in a cookie of another name, for so many seconds.
    pub(in crate::server::auth) fn set_cookie_as(&self, cookie: &str, seconds: u64) -> Zeroizing<String> {
        let value = Zeroizing::new(hex::encode(*self.0));
        Zeroizing::new(format!(
            "{cookie}={}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax",
            *value
        ))
    }

    /// What the store keeps of the key.
    pub(in crate::server::auth) fn hash(&self) -> String {
        hex::encode(digest::digest(&digest::SHA256, self.0.as_ref()))
    }

    /// What a form for one purpose carries, to show that this gate made it for this browser.
    pub fn token(&self, purpose: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_ref());
        hex::encode(hmac::sign(&key, purpose.as_bytes()))
    }

    /// Whether a form's token is this browser's for the purpose.
    pub fn made(&self, purpose: &str, token: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_ref());
        hex::decode(token).is_ok_and(|token| hmac::verify(&key, purpose.as_bytes(), &token).is_ok())
    }
}

impl std::fmt::Debug for BrowserKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BrowserKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_one_browser_and_one_purpose() {
        let key = BrowserKey::generate().unwrap();
        let token = key.token("a");
        assert!(key.made("a", &token));
        assert!(!key.made("b", &token) && !key.made("a", "") && !key.made("a", "zz"));
        assert!(!BrowserKey::generate().unwrap().made("a", &token));
    }

    #[test]
    fn the_cookie_is_read_once_and_whole() {
        let key = BrowserKey::generate().unwrap();
        let set = key.set_cookie();
        let pair = set.split(';').next().unwrap();
        let read = |text: &str| BrowserKey::from_cookies(text).map(|k| k.hash());
        assert_eq!(read(&format!("a=b; {pair}")), Some(key.hash()));
        assert_eq!(read(&format!("{pair}; {pair}")), None);
        assert_eq!(read(&pair[..pair.len() - 1]), None);
        assert_eq!(read(""), None);
    }
}
