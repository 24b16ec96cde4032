//! Sign-in with a password and a one-time code, at a stock Teleport with local users (wire facts 3.1).

use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{Begun, Expected, Verified, mend::refused, verify};
use crate::{
    cli::{
        error::{Failure, REFUSED},
        terminal::{Input, Typed},
    },
    client::{proxy::ProxyError, sso::SsoError},
    model::Secret,
    wire::login::PasswordRequest,
};

/// Signs in with a password.
pub(super) async fn sign_in(begun: &Begun<'_>, expected: Expected) -> anyhow::Result<Verified> {
    let Begun { settings, target, wish, .. } = *begun;
    let address = &target.address;
    let known = Some(target.profile.user.clone()).filter(|user| !user.is_empty());
    let Some(user) = expected.only.clone().or(known) else {
        let hint = settings.login_command_with(target, &["--auth=local", "--user=NAME"]);
        return Err(Failure::usage(format!("{address} signs in by password: say who you are"))
            .hint(hint)
            .into());
    };
    let wants_code = wants_code(begun.ping.auth.second_factor.as_deref()).map_err(|kind| {
        Failure::new(format!(
            "{address} wants a second factor of the kind {kind:?}, which this version does not have"
        ))
        .hint("ask its administrator for one-time codes (second_factor: otp)")
    })?;
    let mut input = Input::open(wish.leave_stdin).ok_or_else(|| {
        Failure::new("there is no terminal on which to ask for the password").hint("run it in a terminal")
    })?;
    let mut ask = |label: &str| ask(begun, &mut input, label);
    let password = ask(&format!("Password of {user} at {address}"))?;
    let mut request = PasswordRequest {
        user: user.clone(),
        password,
        pub_key: begun.public_key.clone().into(),
        ttl: begun.ttl,
        route_to_cluster: wish.cluster.clone().unwrap_or_default(),
        ..PasswordRequest::default()
    };
    if wants_code {
        request.otp_token = ask("One-time code")?;
    }
    let mut answer = begun.client.password_login(&request).await;
    if !wants_code
        && matches!(&answer, Err(ProxyError::Refused { text, .. }) if text.contains("missing second factor"))
    {
        request.otp_token = ask("One-time code")?;
        answer = begun.client.password_login(&request).await;
    }
    let answer = answer.map_err(|error| explain(error, begun, &request))?;
    let expected = Expected { only: Some(user), ..expected };
    verify(answer, &expected, Timestamp::now()).map_err(|reason| SsoError::BadAnswer(reason).into())
}

/// Whether a cluster's second factor is a one-time code; the error is one that is another thing.
fn wants_code(kind: Option<&str>) -> Result<bool, &str> {
    match kind {
        None | Some("" | "off") => Ok(false),
        Some("otp" | "hotp" | "totp" | "optional" | "on") => Ok(true),
        Some(other) => Err(other),
    }
}

/// Asks for one secret. It is not shown.
fn ask(begun: &Begun<'_>, input: &mut Input, label: &str) -> anyhow::Result<Secret> {
    let console = begun.settings.ctx.console;
    console.prompt(&format!("{label}: "));
    let typed = input.line(&AtomicBool::new(false));
    if input.is_terminal() {
        console.status("");
    }
    let line: Zeroizing<String> = match typed? {
        Typed::Line(line) => line,
        Typed::Cancelled => {
            return Err(super::mend::again(SsoError::Cancelled, begun.settings, begun.target));
        }
        Typed::Ended | Typed::Stopped => {
            return Err(Failure::new(format!("the input ended before an answer to: {label}")).into());
        }
    };
    Ok(Secret::new(line.as_str()))
}

/// What a stock server's refusal means.
fn explain(error: ProxyError, begun: &Begun<'_>, request: &PasswordRequest) -> anyhow::Error {
    let (user, address) = (&request.user, &begun.target.address);
    match &error {
        ProxyError::Refused { text, .. } if text.contains("invalid username") => {
            let what =
                if request.otp_token.is_empty() { "password" } else { "password or this one-time code" };
            Failure::new(format!("{address} does not take this {what} of {user}"))
                .hint("Teleport locks an account for 20 minutes after 5 wrong tries")
                .code(REFUSED)
                .into()
        }
        ProxyError::Refused { text, .. } if text.contains("locked") => {
            Failure::new(format!("the account {user} is locked at {address}: {text}"))
                .hint("wait 20 minutes, or ask the administrator")
                .code(REFUSED)
                .into()
        }
        _ => refused(error, begun.settings, begun.target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_factors_are_told_apart() {
        assert_eq!(
            [None, Some("off"), Some("otp"), Some("totp")].map(wants_code),
            [Ok(false), Ok(false), Ok(true), Ok(true)]
        );
        assert_eq!(wants_code(Some("u2f")), Err("u2f"));
    }
}
