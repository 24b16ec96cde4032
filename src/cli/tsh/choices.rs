//! What a login is to be like, where a person has a choice: connector, life, way, browser, key store. A flag, else the
//! environment, else the settings file, else what an earlier login left in the profile.

use super::{
    session::{self, Way},
    settings::{Settings, Target},
};
use crate::{
    cli::error::Failure,
    client::{
        keystore::{self, KeyStoreError, Kind},
        settings_file,
    },
};

impl Settings<'_> {
    /// The connector that was named, now or at an earlier login.
    pub(crate) fn connector(&self, target: &Target) -> anyhow::Result<Option<String>> {
        let named = self.globals.auth.clone().or_else(|| self.ctx.env.text("TELEPORT_AUTH"));
        if named.is_some() {
            return Ok(named);
        }
        let stored = || Some(target.profile.auth_type.clone()).filter(|name| !name.is_empty());
        Ok(self.chosen(target, |choices| choices.auth.clone())?.or_else(stored))
    }

    /// How long a certificate shall live, in minutes, if that is said anywhere.
    pub(crate) fn ttl(&self, target: &Target) -> anyhow::Result<Option<u32>> {
        match self.globals.ttl {
            None => self.chosen(target, |choices| choices.ttl),
            named => Ok(named),
        }
    }

    /// The way to sign in that somebody asked for.
    pub(crate) fn way(&self, target: &Target) -> anyhow::Result<Option<Way>> {
        let asked = session::asked_way(self.globals, self.ctx)?;
        if asked.is_some() {
            return Ok(asked);
        }
        let chosen = self.chosen(target, |choices| choices.way)?;
        Ok(chosen.map(|way| match way {
            settings_file::Way::Browser => Way::Browser,
            settings_file::Way::Paste => Way::Paste,
            settings_file::Way::Code => Way::Code,
        }))
    }

    /// The browser to open: the flag's, the environment's, the settings file's.
    pub(crate) fn browser(&self, flag: Option<&String>, target: &Target) -> anyhow::Result<Option<String>> {
        let named = flag.cloned().or_else(|| self.ctx.env.text("TELEPORT_LOGIN_BROWSER"));
        match named {
            None => self.chosen(target, |choices| choices.browser.clone()),
            named => Ok(named),
        }
    }

    /// Whether a login leaves the current context alone.
    pub(crate) fn keeps_context(&self, flag: bool) -> anyhow::Result<bool> {
        if flag {
            return Ok(true);
        }
        match self.ctx.env.text("JUMPGATE_KEEP_CONTEXT") {
            Some(value) => Ok(value != "0"),
            None => Ok(self.file()?.kube.keep_context.unwrap_or(false)),
        }
    }

    /// The key store that was chosen, now or at an earlier login.
    pub(crate) fn key_store(&self, target: &Target) -> anyhow::Result<Kind> {
        if let Some(named) = self.globals.key_store {
            return Ok(named);
        }
        if let Some(named) = self.ctx.env.text("JUMPGATE_KEY_STORE") {
            return named.parse().map_err(|e| Failure::usage(format!("JUMPGATE_KEY_STORE: {e}")).into());
        }
        let chosen = self.chosen(target, |choices| choices.key_store)?.or(self.file()?.key_store);
        let stored = || target.profile.jumpgate_key_store.as_deref().and_then(|name| name.parse().ok());
        Ok(chosen.or_else(stored).unwrap_or_default())
    }

    /// The store in which the key of a new login is kept, after it has shown that it works: a person should not sign in
    /// for nothing.
    pub(crate) fn ready_key_store(&self, target: &Target) -> anyhow::Result<Kind> {
        if let Some(kind) = self.ready.get() {
            return Ok(*kind);
        }
        let kind = self.usable_store(self.key_store(target)?)?;
        Ok(*self.ready.get_or_init(|| kind))
    }

    /// For a login that stays, or is renewed: its key stays where it is, so a flag that names another store is refused.
    pub(crate) fn same_key_store(&self, target: &Target) -> anyhow::Result<()> {
        let Some(named) = self.globals.key_store else { return Ok(()) };
        if named == Kind::None {
            return Err(keeps_nothing().into());
        }
        let Some(user) = self.user(target)? else { return Ok(()) };
        let Some((there, _)) = self.home.key_place(&target.name, &user)? else { return Ok(()) };
        if there == named || there == named.here() {
            return Ok(());
        }
        let (tsh, address) = (self.ctx.tool("tsh"), &target.address);
        Err(Failure::usage(format!(
            "{user} is logged in at {address} already, and the key of {user} is in the key store {there}, not in {named}"
        ))
        .hint(format!("to move it: {tsh} keys move --to={named} --proxy={address}"))
        .into())
    }

    /// The store that a choice comes to here, if it works.
    pub(crate) fn usable_store(&self, chosen: Kind) -> anyhow::Result<Kind> {
        if chosen == Kind::None {
            return Err(keeps_nothing().into());
        }
        let kind = chosen.here();
        if kind != chosen {
            self.ctx.console.status(
                "There is no session bus here, so no desktop's keyring: the key is kept in the Linux kernel's, until the machine restarts.",
            );
        }
        keystore::probe(kind, &self.home).map_err(|error| no_store(kind, &error))?;
        Ok(kind)
    }
}

fn keeps_nothing() -> Failure {
    Failure::usage("the key store `none` keeps no key, so nobody would be logged in afterwards")
        .hint("write the login to a file with --out=FILE, or keep its key with --key-store=file")
}

/// A store that does not work for a new login, with the others to choose from.
fn no_store(kind: Kind, error: &KeyStoreError) -> Failure {
    let kernel = if kind == Kind::Keyring && cfg!(target_os = "linux") {
        ", or in the kernel's memory until the machine restarts with --key-store=keyutils"
    } else {
        ""
    };
    Failure::new(error.to_string())
        .hint(format!("to keep the key in a file of yours: --key-store=file{kernel}"))
}
