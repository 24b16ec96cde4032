//! Keys and certificates that `--embed-certs` wrote into the kubeconfig, when their login changes outside `tsh login`: they follow
//! when kubectl's plugin renews or signs in, and leave when the key goes to a keyring.

use std::time::Duration;

use super::{
    entry,
    entry_others::KUBE_CLUSTER,
    kube_shell,
    settings::{Settings, cluster_of},
};
use crate::{
    cli::error::sentence,
    client::{
        kubeconfig::{self, Change, Embedded, Files, UserAuth},
        profile::{Credentials, Profile},
    },
    pki::Certificate,
};

/// How long kubectl's plugin waits for another program that holds the kubeconfig's lock.
const PATIENCE: Duration = Duration::from_secs(1);

/// A login whose copies are looked for, and what kubectl runs in their stead.
pub(super) struct Owner {
    profile: String,
    user: String,
    cluster: String,
    plugin: UserAuth,
}

impl Owner {
    pub(super) fn of(
        settings: &Settings<'_>,
        name: &str,
        profile: &Profile,
        user: &str,
        cluster: String,
    ) -> anyhow::Result<Self> {
        let plugin = entry::plugin(settings, profile, user, &cluster)?;
        Ok(Self { profile: name.to_owned(), user: user.to_owned(), cluster, plugin })
    }

    /// Whether a copy is of this login; of another person at the same gate it is not.
    fn has(&self, copy: &Embedded<'_>) -> Option<Certificate> {
        let certificate = Certificate::from_pem(copy.certificate).ok()?;
        let is_theirs = certificate.subject().is_ok_and(|subject| subject.username == self.user);
        (copy.profile == self.profile && is_theirs).then_some(certificate)
    }

    /// The command that fetches the certificate for the entry of that name.
    fn asks(&self, entry: &str) -> UserAuth {
        let mut auth = self.plugin.clone();
        let kube = entry.strip_prefix(&self.cluster).and_then(|rest| rest.strip_prefix('-'));
        if let (UserAuth::Exec { args, .. }, Some(kube)) = (&mut auth, kube) {
            args.push(format!("{KUBE_CLUSTER}{kube}"));
        }
        auth
    }
}

/// The kubeconfig of the person, also where this runs below `tsh kube shell`, whose own holds no copy.
pub(super) fn files(settings: &Settings<'_>) -> anyhow::Result<Files> {
    Ok(kube_shell::outside(settings)?.0)
}

/// Lets kubectl ask `tsh` wherever the kubeconfig holds a copy of one of these logins.
pub(super) fn leave(files: &Files, owners: &[Owner]) -> Result<Change, kubeconfig::Error> {
    kubeconfig::replace_copies(files, &|copy| {
        owners.iter().find(|owner| owner.has(&copy).is_some()).map(|owner| owner.asks(copy.name))
    })
}

/// Writes a login that kubectl's plugin renewed, or made, over the copies of the one before. That it cannot be done is said,
/// and is no reason to keep kubectl from its certificate.
pub(super) fn follow(
    settings: &Settings<'_>,
    name: &str,
    profile: &Profile,
    user: &str,
    credentials: &Credentials,
) {
    match written(settings, name, profile, user, credentials) {
        Ok(change) => drop(entry::DiffArgs::default().tell(settings.ctx.console, &change)),
        Err(reason) => settings.ctx.console.warn(&format!(
            "the certificate was renewed, but not its copy in the kubeconfig: {}",
            sentence(&reason)
        )),
    }
}

fn written(
    settings: &Settings<'_>,
    name: &str,
    profile: &Profile,
    user: &str,
    new: &Credentials,
) -> anyhow::Result<Change> {
    let owner = Owner::of(settings, name, profile, user, cluster_of(profile, new, name))?;
    let is_outside = entry::key_outside(settings, name, user)?.is_some();
    let change = kubeconfig::replace_copies(&files(settings)?.lock_wait(PATIENCE), &|copy| {
        let old = owner.has(&copy)?;
        if is_outside {
            return Some(owner.asks(copy.name));
        }
        // A later login may have been here first.
        (old.validity().not_after < new.valid_until())
            .then(|| UserAuth::Embedded { cert_pem: new.cert_pem.clone(), key_pem: new.key_pem.clone() })
    })?;
    Ok(change)
}
