//! What GitHub checks of the requests that it gets, a function each. A test breaks each one and sees the login fail.
//!
//! Facts: GitHub's documentation of the web application flow for OAuth apps; PKCE is RFC 7636, S256 only.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose};
use ring::digest;

/// How long a code may be used.
pub(super) const CODE_LIFE: Duration = Duration::from_secs(600);

/// Parameters of a query or a form.
pub type Parameters = BTreeMap<String, String>;

fn get<'a>(parameters: &'a Parameters, name: &str) -> &'a str {
    parameters.get(name).map(String::as_str).unwrap_or_default()
}

/// `client_id` is the application's.
pub fn client(parameters: &Parameters, client_id: &str) -> Result<(), &'static str> {
    if get(parameters, "client_id") == client_id { Ok(()) } else { Err("there is no such application") }
}

/// `redirect_uri` is the one that was registered.
pub fn redirect(parameters: &Parameters, registered: &str) -> Result<(), &'static str> {
    let given = get(parameters, "redirect_uri");
    if !registered.is_empty() && given == registered { Ok(()) } else { Err("redirect_uri_mismatch") }
}

/// `response_type`, where given, is `code`.
pub fn response_type(parameters: &Parameters) -> Result<(), &'static str> {
    match get(parameters, "response_type") {
        "" | "code" => Ok(()),
        _ => Err("unsupported_response_type"),
    }
}

/// `state` is there: without it a login could be forced on somebody (GitHub recommends it, the demo insists).
pub fn state(parameters: &Parameters) -> Result<(), &'static str> {
    if get(parameters, "state").len() >= 16 { Ok(()) } else { Err("the state is missing or guessable") }
}

/// `code_challenge` is 43 characters of base64url and its method S256.
pub fn challenge(parameters: &Parameters) -> Result<(), &'static str> {
    let decoded = general_purpose::URL_SAFE_NO_PAD.decode(get(parameters, "code_challenge"));
    let good =
        decoded.is_ok_and(|bytes| bytes.len() == 32) && get(parameters, "code_challenge_method") == "S256";
    if good { Ok(()) } else { Err("the PKCE challenge is missing or not S256") }
}

/// The scope lets teams be read.
pub fn scope(scope: &str) -> Result<(), &'static str> {
    let enough = scope.split([' ', ',']).any(|s| matches!(s, "read:org" | "write:org" | "admin:org"));
    if enough { Ok(()) } else { Err("the token's scope does not let teams be read") }
}

/// The password of this run.
pub fn password(parameters: &Parameters, wanted: &str) -> Result<(), &'static str> {
    use subtle::ConstantTimeEq;
    let same = get(parameters, "demo_password").as_bytes().ct_eq(wanted.as_bytes());
    if bool::from(same) {
        Ok(())
    } else {
        Err(
            "That is not the password of this run. The demo printed it in its terminal, in the line \"in the browser\".",
        )
    }
}

/// The application's secret, in the body or by HTTP Basic; where both are given both count.
pub fn secret(
    parameters: &Parameters,
    basic: Option<&str>,
    id: &str,
    secret: &str,
) -> Result<(), &'static str> {
    let body =
        parameters.get("client_secret").map(|given| given == secret && get(parameters, "client_id") == id);
    let header = basic.map(|value| {
        let decoded = value.strip_prefix("Basic ").and_then(|v| general_purpose::STANDARD.decode(v).ok());
        decoded.is_some_and(|bytes| bytes == format!("{id}:{secret}").into_bytes())
    });
    match (body, header) {
        (None, None) => Err("incorrect_client_credentials"),
        (body, header) if body.unwrap_or(true) && header.unwrap_or(true) => Ok(()),
        _ => Err("incorrect_client_credentials"),
    }
}

/// `grant_type`, where given, is `authorization_code`.
pub fn grant_type(parameters: &Parameters) -> Result<(), &'static str> {
    match get(parameters, "grant_type") {
        "" | "authorization_code" => Ok(()),
        _ => Err("unsupported_grant_type"),
    }
}

/// `code_verifier` hashes to the challenge (RFC 7636, 4.6).
pub fn verifier(parameters: &Parameters, challenge: &str) -> Result<(), &'static str> {
    let hash = digest::digest(&digest::SHA256, get(parameters, "code_verifier").as_bytes());
    let good = general_purpose::URL_SAFE_NO_PAD.encode(hash) == challenge;
    if good { Ok(()) } else { Err("bad_verification_code") }
}

/// A code's age.
pub fn age(age: Duration) -> Result<(), &'static str> {
    if age < CODE_LIFE { Ok(()) } else { Err("bad_verification_code") }
}

/// The token of an `Authorization` header: `token …` or `Bearer …`.
pub fn token(header: Option<&str>) -> Result<&str, &'static str> {
    let header = header.ok_or("Requires authentication")?;
    let (scheme, token) = header.split_once(' ').ok_or("Bad credentials")?;
    let known = ["token", "bearer"].contains(&scheme.to_ascii_lowercase().as_str());
    if known { Ok(token) } else { Err("Bad credentials") }
}
