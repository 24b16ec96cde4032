//! What a person can do about a login that came to nothing.

use crate::{
    cli::{
        error::{self, Failure},
        tsh::settings::{Settings, Target},
    },
    client::{proxy::ProxyError, sso::SsoError, trust::Refusal},
};

/// What the gate refuses when a login begins, before any browser, is a refused login as well.
pub(super) fn refused(error: ProxyError, settings: &Settings<'_>, target: &Target) -> anyhow::Error {
    match error {
        ProxyError::Refused { .. } => {
            let text = runnable(&error.to_string(), settings, target);
            Failure::new(text).code(error::REFUSED).into()
        }
        other => mend(other, settings, target),
    }
}

/// Adds what mends it.
pub(crate) fn mend(error: ProxyError, settings: &Settings<'_>, target: &Target) -> anyhow::Error {
    let login = settings.login_command(target);
    let with = |option: &str| settings.login_command_with(target, &[option]);
    let hint = match &error {
        ProxyError::Away { .. } => format!("try again in a while: {login}"),
        ProxyError::Unreachable { .. } | ProxyError::Timeout { .. } | ProxyError::NotAGate { .. }
            if settings.identity.is_some() && settings.named_proxy().is_none() =>
        {
            "an identity file does not say where its gate is, only what the cluster is called; name the gate with \
             --proxy=HOST:PORT"
                .to_owned()
        }
        ProxyError::Unreachable { .. } | ProxyError::Timeout { .. } => error::REACHABLE.to_owned(),
        ProxyError::NotAGate { .. } => {
            "name the gate's web port (usually 3080) with --proxy=HOST:PORT".to_owned()
        }
        ProxyError::NoConnector { .. } => {
            "leave --auth out to sign in with the gate's own connector".to_owned()
        }
        ProxyError::Untrusted(Refusal::ChangedKey { .. }) => {
            format!("ask the gate's administrator for the new key; if it is right: {}", with("--insecure"))
        }
        ProxyError::Untrusted(Refusal::NotThePin { .. }) => {
            "compare it with the line `CA pin` that `tctl status` prints on the gate".to_owned()
        }
        ProxyError::Untrusted(Refusal::UnknownIssuer { .. }) => format!(
            "name its CA with --ca-file, or the pin that `tctl status` prints on the gate: {}",
            with("--ca-pin=sha256:HEX")
        ),
        ProxyError::Untrusted(Refusal::WrongName { .. }) => {
            "name the host that the certificate is for with --proxy".to_owned()
        }
        ProxyError::TooOld { .. } => "install a newer version, or try --skip-version-check".to_owned(),
        _ => return error.into(),
    };
    Failure::new(error.to_string()).hint(hint).code(error::of_proxy(&error)).into()
}

/// Says how to try again.
pub(super) fn again(error: SsoError, settings: &Settings<'_>, target: &Target) -> anyhow::Error {
    let code = error::of_login(&error);
    match error {
        SsoError::Timeout => Failure::new(error.to_string())
            .hint(format!("try again: {}", settings.login_command(target)))
            .code(code)
            .into(),
        SsoError::Cancelled => {
            let text = format!("{error}. To begin again run: {}", settings.login_command(target));
            Failure::new(text).code(code).into()
        }
        SsoError::Refused(text) => SsoError::Refused(runnable(&text, settings, target)).into(),
        other => other.into(),
    }
}

/// The gate ends its refusals with a plain `tsh login`, since it does not know how this one was called.
fn runnable(refusal: &str, settings: &Settings<'_>, target: &Target) -> String {
    match refusal.strip_suffix("run: tsh login") {
        Some(reason) => format!("{reason}run: {}", settings.login_command(target)),
        None => refusal.to_owned(),
    }
}
