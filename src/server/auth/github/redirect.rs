//! Where the browser goes at the end of a login: `tsh`, waiting on loopback (wire facts 2.3, 2.8).
//!
//! Whoever gets that redirect gets the login, so only a loopback literal with our path counts, and the answer is sealed with the
//! key that only the waiting `tsh` has.

use url::{Host, Url};

use crate::wire::seal::SealKey;

const PATH: &str = "/callback";
const SECRET_KEY: &str = "secret_key";
/// What stock clients of 4.0 send beside it for older servers.
const OLD_SECRET: &str = "secret";

/// A checked client redirect.
#[derive(Debug, Clone)]
pub(super) struct ClientRedirect {
    url: Url,
    key: SealKey,
}

/// A redirect that no login may end at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// No URL.
    #[error("the redirect_url is no URL; it must be http://127.0.0.1:PORT/callback?secret_key=KEY")]
    NotAUrl,
    /// Not on this machine.
    #[error(
        "the redirect_url must be http://127.0.0.1:PORT/callback, on [::1] or on localhost: a login may only end on the machine \
         on which it began"
    )]
    NotLoopback,
    /// Another path, or more than a path and a query.
    #[error("the path of redirect_url must be /callback, without a user, a password or a fragment")]
    Path,
    /// `secret` without `secret_key`.
    #[error(
        "the redirect_url carries `secret` but no `secret_key`: this client is too old to seal a login; update tsh"
    )]
    OldSecret,
    /// Neither.
    #[error("missing secret: the redirect_url must carry one `secret_key` of 64 hex digits")]
    NoSecret,
}

impl ClientRedirect {
    /// Checks a client's redirect URL.
    pub(super) fn parse(text: &str) -> Result<Self, RedirectError> {
        let url = Url::parse(text).map_err(|_| RedirectError::NotAUrl)?;
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip == std::net::Ipv4Addr::LOCALHOST,
            Some(Host::Ipv6(ip)) => ip == std::net::Ipv6Addr::LOCALHOST,
            None => false,
        };
        if url.scheme() != "http" || !loopback {
            return Err(RedirectError::NotLoopback);
        }
        let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if url.path() != PATH || !bare {
            return Err(RedirectError::Path);
        }
        let key = secret_key(&url)?;
        Ok(Self { url, key })
    }

    /// The key that seals the answer.
    pub(super) fn key(&self) -> &SealKey {
        &self.key
    }

    /// The URL with an answer in it: other parameters stay, the secrets are blanked as Teleport 4 does, keys are sorted as Go does.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let ours = ["response", "err", SECRET_KEY, OLD_SECRET];
        let kept = self.url.query_pairs().filter(|(key, _)| !ours.contains(&key.as_ref()));
        let mut pairs: Vec<(String, String)> = kept.map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
        pairs.extend([OLD_SECRET, SECRET_KEY].map(|key| (key.to_owned(), String::new())));
        pairs.push((name.to_owned(), value.to_owned()));
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        let mut url = self.url.clone();
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        url.set_query(Some(&query));
        url.into()
    }
}

fn secret_key(url: &Url) -> Result<SealKey, RedirectError> {
    let keys: Vec<_> = url.query_pairs().filter(|(name, _)| name == SECRET_KEY).collect();
    match keys.as_slice() {
        [(_, value)] => SealKey::from_hex(value).map_err(|_| RedirectError::NoSecret),
        [] if url.query_pairs().any(|(name, _)| name == OLD_SECRET) => Err(RedirectError::OldSecret),
        _ => Err(RedirectError::NoSecret),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn parse(text: &str) -> Result<ClientRedirect, RedirectError> {
        ClientRedirect::parse(&text.replace("KEY", KEY))
    }

    #[test]
    fn e2_18_only_loopback_with_our_path_and_a_key() {
        for good in [
            "http://127.0.0.1:1234/callback?secret_key=KEY",
            "http://[::1]:1/callback?secret_key=KEY",
            "http://localhost:1/callback?secret=AAAA%3D&secret_key=KEY",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", RedirectError::NotAUrl),
            ("https://127.0.0.1:1/callback?secret_key=KEY", RedirectError::NotLoopback),
            ("http://evil.example/callback?secret_key=KEY", RedirectError::NotLoopback),
            ("http://127.0.0.1.evil.example/callback?secret_key=KEY", RedirectError::NotLoopback),
            ("http://127.0.0.1@evil.example/callback?secret_key=KEY", RedirectError::NotLoopback),
            ("http://localhost.:1/callback?secret_key=KEY", RedirectError::NotLoopback),
            ("http://127.0.0.2:1/callback?secret_key=KEY", RedirectError::NotLoopback),
            ("http://[::ffff:127.0.0.1]:1/callback?secret_key=KEY", RedirectError::NotLoopback),
            ("javascript:alert(1)", RedirectError::NotLoopback),
            ("http://127.0.0.1:1/callback/?secret_key=KEY", RedirectError::Path),
            ("http://127.0.0.1:1/?secret_key=KEY", RedirectError::Path),
            ("http://u:p@127.0.0.1:1/callback?secret_key=KEY", RedirectError::Path),
            ("http://127.0.0.1:1/callback?secret_key=KEY#x", RedirectError::Path),
            ("http://127.0.0.1:1/callback?secret=AAAA", RedirectError::OldSecret),
            ("http://127.0.0.1:1/callback", RedirectError::NoSecret),
            ("http://127.0.0.1:1/callback?secret_key=abcd", RedirectError::NoSecret),
            ("http://127.0.0.1:1/callback?secret_key=KEY&secret_key=KEY", RedirectError::NoSecret),
        ] {
            assert_eq!(parse(bad).unwrap_err(), why, "{bad}");
        }
    }

    #[test]
    fn the_answer_goes_in_as_go_would_write_it() {
        let redirect = parse("http://127.0.0.1:1/callback?z=a+b&secret_key=KEY&response=forged").unwrap();
        assert_eq!(
            redirect.with("response", "{\"a\":\"+/=\"}"),
            "http://127.0.0.1:1/callback?response=%7B%22a%22%3A%22%2B%2F%3D%22%7D&secret=&secret_key=&z=a+b"
        );
    }
}
