//! What GitHub checks, one plain function each, so that a test can break it and see the login fail.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::digest;

/// Parameters of a query or a form.
pub(super) type Parameters = HashMap<String, String>;

/// How long a code may be redeemed.
const CODE_LIFE: Duration = Duration::from_secs(600);

/// Reads a query or a form; a parameter that stands twice is refused (RFC 6749, 3.1).
pub(super) fn parameters(text: &str) -> Result<Parameters, String> {
    let mut found = Parameters::new();
    for (key, value) in form_urlencoded::parse(text.as_bytes()) {
        if found.insert(key.clone().into_owned(), value.into_owned()).is_some() {
            return Err(format!("the parameter {key} stands twice"));
        }
    }
    Ok(found)
}

fn value<'a>(parameters: &'a Parameters, name: &str) -> &'a str {
    parameters.get(name).map_or("", String::as_str)
}

/// The application is the registered one.
pub(super) fn client_id(parameters: &Parameters, registered: &str) -> Result<(), String> {
    if value(parameters, "client_id") == registered {
        Ok(())
    } else {
        Err("the client_id is not known".into())
    }
}

/// The browser goes back to the registered address and nowhere else.
pub(super) fn redirect_uri(parameters: &Parameters, registered: &str) -> Result<(), String> {
    let given = value(parameters, "redirect_uri");
    if !registered.is_empty() && given == registered {
        return Ok(());
    }
    Err("The redirect_uri MUST match the registered callback URL for this application.".into())
}

/// Only the code flow.
pub(super) fn response_type(parameters: &Parameters) -> Result<(), String> {
    match value(parameters, "response_type") {
        "code" => Ok(()),
        other => Err(format!("the response_type {other:?} is not code")),
    }
}

/// Teams need `read:org`.
pub(super) fn scope(parameters: &Parameters) -> Result<(), String> {
    let scope = value(parameters, "scope");
    if scope.split([' ', ',']).any(|s| s == "read:org") {
        return Ok(());
    }
    Err(format!("the scope {scope:?} does not contain read:org"))
}

/// There is a state, and it cannot be guessed.
pub(super) fn state(parameters: &Parameters) -> Result<(), String> {
    if value(parameters, "state").len() >= 32 { Ok(()) } else { Err("the state is missing or short".into()) }
}

/// A PKCE challenge is S256 and has its length (RFC 7636, 4.2).
pub(super) fn challenge(parameters: &Parameters) -> Result<(), String> {
    if value(parameters, "code_challenge").len() != 43 {
        return Err("the code_challenge is missing or not 43 characters long".into());
    }
    match value(parameters, "code_challenge_method") {
        "S256" => Ok(()),
        other => Err(format!("the code_challenge_method {other:?} is not S256")),
    }
}

/// Only codes are exchanged.
pub(super) fn grant_type(parameters: &Parameters) -> Result<(), String> {
    match value(parameters, "grant_type") {
        "" | "authorization_code" => Ok(()),
        other => Err(format!("the grant_type {other:?} is not authorization_code")),
    }
}

/// The application proves itself in the body or by HTTP Basic.
pub(super) fn client_secret(
    parameters: &Parameters,
    basic: Option<&str>,
    id: &str,
    secret: &str,
) -> Result<(), String> {
    let in_body = value(parameters, "client_id") == id && value(parameters, "client_secret") == secret;
    let in_header = basic.and_then(|b| b.strip_prefix("Basic ")).is_some_and(|encoded| {
        let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        decoded.as_deref() == Some(&format!("{id}:{secret}"))
    });
    if in_body || in_header {
        return Ok(());
    }
    Err("The client_id and/or client_secret passed are incorrect.".into())
}

/// A code is fresh.
pub(super) fn code_age(made: Instant, now: Instant) -> Result<(), String> {
    if now.saturating_duration_since(made) <= CODE_LIFE {
        return Ok(());
    }
    Err("The code passed is incorrect or expired.".into())
}

/// Whoever redeems the code is who asked for it (RFC 7636, 4.6).
pub(super) fn verifier(parameters: &Parameters, challenge: Option<&str>) -> Result<(), String> {
    let Some(challenge) = challenge else { return Ok(()) };
    let hash = digest::digest(&digest::SHA256, value(parameters, "code_verifier").as_bytes());
    if URL_SAFE_NO_PAD.encode(hash) == challenge {
        return Ok(());
    }
    Err("The code_verifier does not belong to the code_challenge.".into())
}

/// The token of an `Authorization` header.
pub(super) fn bearer(header: Option<&str>) -> Option<&str> {
    let header = header?;
    header.strip_prefix("token ").or_else(|| header.strip_prefix("Bearer "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Parameters {
        parameters(text).unwrap()
    }

    #[test]
    fn each_check_fails_when_its_parameter_is_wrong() {
        let challenge_of = |v: &str| URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, v.as_bytes()));
        assert!(parameters("a=1&a=2").is_err());
        assert!(
            client_id(&read("client_id=a"), "a").is_ok() && client_id(&read("client_id=b"), "a").is_err()
        );
        assert!(redirect_uri(&read("redirect_uri=https://g/cb"), "https://g/cb").is_ok());
        assert!(redirect_uri(&read("redirect_uri=https://g/cb/x"), "https://g/cb").is_err());
        assert!(redirect_uri(&read(""), "").is_err());
        assert!(response_type(&read("response_type=token")).is_err() && response_type(&read("")).is_err());
        assert!(scope(&read("scope=user+read:org")).is_ok() && scope(&read("scope=user")).is_err());
        assert!(state(&read("state=short")).is_err());
        assert!(challenge(&read("code_challenge=x&code_challenge_method=S256")).is_err());
        let good = challenge_of("v");
        assert!(challenge(&read(&format!("code_challenge={good}&code_challenge_method=S256"))).is_ok());
        assert!(challenge(&read(&format!("code_challenge={good}&code_challenge_method=plain"))).is_err());
        assert!(grant_type(&read("grant_type=refresh_token")).is_err());
        assert!(verifier(&read("code_verifier=v"), Some(&good)).is_ok());
        assert!(verifier(&read("code_verifier=w"), Some(&good)).is_err());
        assert!(verifier(&read(""), Some(&good)).is_err());
    }

    #[test]
    fn the_secret_is_taken_in_both_places_and_must_be_right() {
        let none = read("");
        assert!(client_secret(&read("client_id=i&client_secret=s"), None, "i", "s").is_ok());
        assert!(client_secret(&read("client_id=i&client_secret=t"), None, "i", "s").is_err());
        let basic = format!("Basic {}", STANDARD.encode("i:s"));
        assert!(client_secret(&none, Some(&basic), "i", "s").is_ok());
        assert!(client_secret(&none, Some(&basic), "i", "t").is_err());
        assert!(client_secret(&none, None, "i", "s").is_err());
    }

    #[test]
    fn a_code_ends_after_ten_minutes() {
        let made = Instant::now();
        assert!(code_age(made, made + Duration::from_secs(600)).is_ok());
        assert!(code_age(made, made + Duration::from_secs(601)).is_err());
    }
}
