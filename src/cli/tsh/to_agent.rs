//! The person's running SSH agent. It is never a reason for a login or a logout to fail: what did not work is told.

use std::path::PathBuf;

use jiff::Timestamp;

use super::settings::Settings;
use crate::{
    cli::Ctx,
    client::{
        agent,
        profile::{Certificates, Credentials},
    },
};

/// Gives the agent the key of a login with its SSH certificate, for as long as that lives.
pub(crate) fn add(settings: &Settings<'_>, user: &str, credentials: &Credentials) {
    let console = settings.ctx.console;
    let Some(socket) = socket(settings.ctx) else {
        console.warn(
            "the key was given to no SSH agent: none is running (SSH_AUTH_SOCK is not set); start one with: eval \"$(ssh-agent)\"",
        );
        return;
    };
    let left = Timestamp::now().duration_until(credentials.valid_until()).as_secs();
    let seconds = u32::try_from(left.max(1)).unwrap_or(u32::MAX);
    match agent::add(&socket, credentials, &format!("tsh:{user}"), seconds) {
        Ok(()) => console.status(&format!("The SSH agent holds the certificate of {user} until it ends.")),
        Err(reason) => console.warn(&format!("the key was given to no SSH agent: {reason}")),
    }
}

/// Takes what [`add`] gave out of the agent again. Where there is no agent, or it never had the key, nothing is said.
pub(crate) fn remove(ctx: &Ctx, certificates: &Certificates) {
    let Some(socket) = socket(ctx).filter(|_| !certificates.ssh_cert.is_empty()) else { return };
    if let Err(reason) = agent::remove(&socket, certificates) {
        tracing::debug!(%reason, "the SSH agent was not asked");
    }
}

fn socket(ctx: &Ctx) -> Option<PathBuf> {
    ctx.env.path("SSH_AUTH_SOCK")
}
