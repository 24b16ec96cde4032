//! Renewal: a login that is still valid gets its next certificate, without a browser. `tsh login --renew` asks for it; the
//! kubectl plugin does it by itself close to the end, where the gate allows that.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    entry::no_host_ca,
    entry_copies,
    session::{self, Expected, Verified},
    settings::{Settings, Target, is_valid},
};
use crate::{
    cli::{
        block_on,
        error::{self, Failure},
        progress,
    },
    client::{
        admin::{AdminClient, AdminError},
        identity_file::IdentityFile,
        profile::{Certificates, Credentials},
    },
    pki::KeyPair,
    wire::login::RenewalRequest,
};

/// The longest time before the end of a certificate at which the plugin renews it.
const CLOSE: SignedDuration = SignedDuration::from_mins(30);
/// What the plugin gives a renewal: kubectl waits for it.
const LIMIT: Duration = Duration::from_secs(5);
/// After a renewal that did not work, how long the plugin lets the gate be.
const PAUSE: Duration = Duration::from_secs(60);

/// `tsh login --renew`. The person's name and the new credentials, which are kept.
pub(crate) fn now(settings: &Settings<'_>, target: &Target) -> anyhow::Result<(String, Credentials)> {
    let (mut user, mut old) = renewable(settings, target)?;
    let mut waited = false;
    let _alone = settings.home.lock_after(&target.name, "login", || {
        waited = true;
        let text = format!("Waiting for another tsh that logs in or renews at {}", target.address);
        settings.ctx.console.status(&text);
    })?;
    if waited {
        (user, old) = renewable(settings, target)?;
    }
    let minutes = settings.ttl(target)?.map_or(0, i64::from);
    let asked = ask(settings, target, &user, &old, minutes * 60_000_000_000);
    let verified = block_on(asked).map_err(|error| explain(error, settings, target))?;
    if !keep(settings, target, &user, &old, &verified)? {
        let text = format!(
            "while the login of {user} at {} was renewed, a logout or another login came in between, so the new certificate is not kept",
            target.address
        );
        let hint = format!("to see what is there now: {} status", settings.ctx.tool("tsh"));
        return Err(Failure::new(text).hint(hint).code(error::LOGIN_NEEDED).into());
    }
    Ok((user, verified.credentials))
}

/// The login that is there, while its certificate is valid.
fn renewable(settings: &Settings<'_>, target: &Target) -> anyhow::Result<(String, Credentials)> {
    let (user, old) = settings.logged_in(target)?;
    if old.valid_until() <= Timestamp::now() {
        let text = format!(
            "the certificate for {} has expired, and only a valid one can be renewed",
            target.address
        );
        let login = settings.login_command(target);
        return Err(Failure::new(text).hint(login).code(error::LOGIN_NEEDED).into());
    }
    Ok((user, old))
}

/// The plugin's renewal, if one is due: nothing when it is not, when another process is at it, or when the gate does not do
/// it now. The certificate that is there is still good then.
///
/// # Errors
/// When the gate refuses because of the person's rights: it would refuse whatever kubectl asks with the old certificate, too.
pub(crate) fn if_due(
    settings: &Settings<'_>,
    target: &Target,
    user: &str,
    old: &Credentials,
) -> anyhow::Result<Option<Credentials>> {
    let now = Timestamp::now();
    let renewable = target.profile.jumpgate_renewable_until.is_some_and(|until| until > old.valid_until());
    if settings.identity.is_some() || !renewable || target.profile.user != user || !is_close(old, now) {
        return Ok(None);
    }
    let renewed = try_once(settings, target, user, old);
    renewed.or_else(|error| {
        tracing::debug!(reason = %error, "the certificate was not renewed");
        match error.downcast_ref::<AdminError>() {
            Some(AdminError::Denied(_)) => Err(explain(error, settings, target)),
            _ => Ok(None),
        }
    })
}

fn try_once(
    settings: &Settings<'_>,
    target: &Target,
    user: &str,
    old: &Credentials,
) -> anyhow::Result<Option<Credentials>> {
    let home = &settings.home;
    let Some(_alone) = home.try_lock(&target.name, "login")? else { return Ok(None) };
    // Another process may have been faster between our reading and the lock.
    if let Some(found) = home.credentials(&target.name, user)?
        && found.valid_until() > old.valid_until()
        && is_valid(&found, Timestamp::now())
    {
        return Ok(Some(found));
    }
    if !home.renewal_due(&target.name, PAUSE)? {
        return Ok(None);
    }
    // As long a certificate as the one that ends.
    let validity = old.certificate().validity();
    let life = validity.not_before.duration_until(validity.not_after) - crate::pki::x509::BACKDATING;
    let asked = ask(settings, target, user, old, i64::try_from(life.as_nanos()).unwrap_or(0));
    let verified = block_on(async {
        tokio::time::timeout(LIMIT, asked)
            .await
            .map_err(|_| Failure::new("the gate did not answer in time"))?
    })?;
    // Whoever logged out meanwhile stays logged out. This kubectl was started before that, and goes on.
    if keep(settings, target, user, old, &verified)? {
        entry_copies::follow(settings, &target.name, &target.profile, user, &verified.credentials);
    }
    Ok(Some(verified.credentials))
}

/// Whether a certificate is close to its end: in the last third of its life, and of that at most the last half hour.
fn is_close(credentials: &Credentials, now: Timestamp) -> bool {
    let validity = credentials.certificate().validity();
    let life = validity.not_before.duration_until(validity.not_after);
    now.duration_until(validity.not_after) < (life / 3).min(CLOSE)
}

/// Asks the gate for a certificate of a new key. `ttl` in nanoseconds; 0 leaves it to the gate.
async fn ask(
    settings: &Settings<'_>,
    target: &Target,
    user: &str,
    old: &Credentials,
    ttl: i64,
) -> anyhow::Result<Verified> {
    let ca_pem = settings.home.host_cas(&target.name)?.ok_or_else(|| no_host_ca(settings.ctx))?;
    let identity = IdentityFile {
        key_pem: old.key_pem.clone(),
        ssh_cert: None,
        cert_pem: old.cert_pem.clone(),
        known_hosts: vec![],
        ca_pem,
    };
    let client = AdminClient::new(&target.address.to_string(), &identity)
        .await?
        .on_slow(progress::slow(settings.ctx.console));
    let key = Arc::new(KeyPair::generate());
    let public_key = format!("{}\n", key.public().to_authorized_key()?).into();
    let answer = client.renew(&RenewalRequest { public_key, cert_ttl: ttl }).await?;
    let expected = Expected { key, ca_pin: None, cluster: None, only: Some(user.to_owned()) };
    session::verify(answer, &expected, Timestamp::now()).map_err(|reason| {
        Failure::new(format!("the gate's answer to the renewal is refused: {reason}")).into()
    })
}

/// Keeps the renewed credentials, if the login is still the one that was renewed; says whether it is. Addresses and CAs stay
/// those that the sign-in learnt, and the key stays in the store where it is.
fn keep(
    settings: &Settings<'_>,
    target: &Target,
    user: &str,
    old: &Certificates,
    verified: &Verified,
) -> anyhow::Result<bool> {
    let home = &settings.home;
    // Logins and logouts write under the same lock, so nothing changes between this look and the writing.
    let lock = home.lock(&target.name, "write")?;
    let Some(there) = settings.usable_certificates(&target.name, user)? else { return Ok(false) };
    let Some((kind, _)) = home.key_place(&target.name, user)? else { return Ok(false) };
    if there.certificate().serial() != old.certificate().serial() {
        return Ok(false);
    }
    let left = home.save_credentials_in(&lock, &target.name, user, &verified.credentials, kind)?;
    if let Some(reason) = left {
        tracing::debug!(%reason, "an old key was not deleted");
    }
    // What the profile says of renewals is of the person who logged in last.
    if let Some(mut profile) = home.profile(&target.name)?
        && profile.user == user
        && profile.jumpgate_renewable_until != verified.renewable_until
    {
        profile.jumpgate_renewable_until = verified.renewable_until;
        home.save(&target.name, &profile)?;
    }
    Ok(true)
}

/// Says why the gate did not renew, with the exit code that tells it apart.
fn explain(error: anyhow::Error, settings: &Settings<'_>, target: &Target) -> anyhow::Error {
    if let Some(AdminError::NotFound(_)) = error.downcast_ref() {
        let text = format!("the gate at {} does not renew certificates", target.address);
        let hint = format!("sign in anew: {}", settings.login_command_with(target, &["--force"]));
        return Failure::new(text).hint(hint).into();
    }
    error::with_login(error)
}
