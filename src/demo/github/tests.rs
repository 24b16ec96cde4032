//! Each check, broken.

use std::time::Duration;

use super::checks::*;

fn parameters(pairs: &[(&str, &str)]) -> Parameters {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn each_check_refuses_what_is_wrong() {
    let p = parameters;
    assert!(
        client(&p(&[("client_id", "a")]), "a").is_ok() && client(&p(&[("client_id", "b")]), "a").is_err()
    );
    let uri = p(&[("redirect_uri", "https://a/cb")]);
    assert!(redirect(&uri, "https://a/cb").is_ok());
    assert!(redirect(&uri, "https://a/cb/").is_err() && redirect(&p(&[]), "").is_err());
    assert!(response_type(&p(&[("response_type", "code")])).is_ok());
    assert!(response_type(&p(&[("response_type", "token")])).is_err());
    assert!(state(&p(&[("state", "0123456789abcdef")])).is_ok() && state(&p(&[("state", "1")])).is_err());
    assert!(state(&p(&[])).is_err());
    // The pair of RFC 7636, appendix B.
    let (given, wanted) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    assert!(challenge(&p(&[("code_challenge", wanted), ("code_challenge_method", "S256")])).is_ok());
    assert!(challenge(&p(&[("code_challenge", wanted), ("code_challenge_method", "plain")])).is_err());
    assert!(challenge(&p(&[])).is_err());
    assert!(verifier(&p(&[("code_verifier", given)]), wanted).is_ok());
    assert!(
        verifier(&p(&[("code_verifier", wanted)]), wanted).is_err() && verifier(&p(&[]), wanted).is_err()
    );
    assert!(password(&p(&[("demo_password", "x")]), "x").is_ok());
    assert!(password(&p(&[("demo_password", "y")]), "x").is_err() && password(&p(&[]), "x").is_err());
    assert!(scope("repo read:org").is_ok() && scope("repo").is_err() && scope("").is_err());
    assert!(grant_type(&p(&[])).is_ok() && grant_type(&p(&[("grant_type", "password")])).is_err());
    assert!(age(Duration::from_secs(599)).is_ok() && age(Duration::from_secs(600)).is_err());
    assert_eq!(token(Some("token x")), Ok("x"));
    assert_eq!(token(Some("Bearer x")), Ok("x"));
    assert!(token(None).is_err() && token(Some("x")).is_err() && token(Some("Basic x")).is_err());
}

#[test]
fn the_secret_counts_in_either_place() {
    let body = parameters(&[("client_id", "id"), ("client_secret", "s")]);
    let basic = |text: &str| {
        use base64::{Engine, engine::general_purpose::STANDARD};
        format!("Basic {}", STANDARD.encode(text))
    };
    assert!(secret(&body, None, "id", "s").is_ok());
    assert!(secret(&body, Some(&basic("id:s")), "id", "s").is_ok());
    assert!(secret(&body, Some(&basic("id:wrong")), "id", "s").is_err());
    assert!(secret(&parameters(&[]), Some(&basic("id:s")), "id", "s").is_ok());
    assert!(secret(&parameters(&[("client_id", "id"), ("client_secret", "x")]), None, "id", "s").is_err());
    assert!(secret(&parameters(&[]), None, "id", "s").is_err());
}
