//! What a command works with: a flag, else the environment, else the settings file, else the profile (wire facts 10.2).

use std::{
    cell::OnceCell,
    path::{Path, PathBuf},
};

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};

use super::{Globals, identity::Identity, repeat};
use crate::{
    cli::{
        Ctx,
        error::{Failure, LOGIN_NEEDED},
    },
    client::{
        address::{Address, WEB_PORT},
        keystore::{KeyStoreError, Kind},
        kubeconfig,
        profile::{Certificates, Credentials, Home, Profile, ProfileError},
        settings_file::{Choices, SettingsFile},
        trust::{Pin, Seen, Trust},
    },
};

/// A certificate that ends within this time counts as expired, so that no request goes out with a dying one.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// A command's flags and surroundings, and the profiles.
pub(crate) struct Settings<'a> {
    pub(crate) globals: &'a Globals,
    pub(crate) ctx: &'a Ctx,
    pub(crate) home: Home,
    /// The login of `--identity`, instead of a profile's.
    pub(crate) identity: Option<Identity>,
    /// What was given to this login alone, to say it again.
    pub(super) own: Vec<String>,
    /// The settings file, once something has asked for it.
    file: OnceCell<SettingsFile>,
    /// The key store of a login, once it is known to work.
    pub(super) ready: OnceCell<Kind>,
}

/// One proxy: its address, its profile's name, and the profile if there is one.
pub(crate) struct Target {
    pub(crate) address: Address,
    pub(crate) name: String,
    pub(crate) profile: Profile,
}

impl<'a> Settings<'a> {
    pub(crate) fn new(globals: &'a Globals, ctx: &'a Ctx) -> anyhow::Result<Self> {
        let teleport_home = ctx.env.path("TELEPORT_HOME");
        // With TELEPORT_HOME no home directory is needed.
        let home = if teleport_home.is_some() { Default::default() } else { ctx.home()? };
        let identity = globals.identity.as_deref().map(Identity::read).transpose()?;
        let (file, ready) = (OnceCell::new(), OnceCell::new());
        let home = Home::new(teleport_home, &home);
        Ok(Self { globals, ctx, home, identity, own: Vec::new(), file, ready })
    }

    /// The settings file. It is read when something is neither in a flag nor in the environment, and once.
    pub(crate) fn file(&self) -> anyhow::Result<&SettingsFile> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = SettingsFile::load(&self.home)?;
        Ok(self.file.get_or_init(|| file))
    }

    /// What the settings file says for a proxy: below its `HOST:PORT`, its `HOST`, or `defaults`.
    pub(super) fn chosen<T>(
        &self,
        target: &Target,
        choice: impl Fn(&Choices) -> Option<T>,
    ) -> anyhow::Result<Option<T>> {
        if self.identity.is_some() {
            return Ok(None);
        }
        let file = self.file()?;
        let address = target.address.to_string();
        let own = [&address, &target.address.host].into_iter().filter_map(|name| file.proxies.get(name));
        Ok(own.chain([&file.defaults]).find_map(choice))
    }

    /// For a command that makes or ends logins in the profile, which `--identity` has nothing to do with.
    pub(crate) fn refuse_identity(&self) -> anyhow::Result<()> {
        match &self.identity {
            Some(_) => {
                Err(Failure::usage("--identity is for commands that use a login; leave it out here").into())
            }
            None => Ok(()),
        }
    }

    /// The proxy that was named, else the current profile's.
    pub(crate) fn target(&self) -> anyhow::Result<Target> {
        self.named_or_current()?.ok_or_else(|| {
            let text = "nobody has logged in here yet, so no gate is known";
            Failure::new(text).hint(first_login(self.ctx)).code(LOGIN_NEEDED).into()
        })
    }

    /// As [`Settings::target`], for a login: it is what is needed already.
    pub(crate) fn target_of_login(&self) -> anyhow::Result<Target> {
        self.named_or_current()?.ok_or_else(|| {
            Failure::new("no gate is known yet; name yours with --proxy").hint(first_login(self.ctx)).into()
        })
    }

    /// As [`Settings::target`], or nothing when there is neither.
    pub(crate) fn named_or_current(&self) -> anyhow::Result<Option<Target>> {
        if let Some(identity) = &self.identity {
            return self.target_of(identity).map(Some);
        }
        if let Some(text) = self.named_proxy() {
            let address =
                Address::parse(&text, WEB_PORT).map_err(|e| Failure::usage(format!("--proxy: {e}")))?;
            let name = self.profile_name(&address)?;
            let profile = self.home.profile(&name)?.unwrap_or_default();
            return Ok(Some(Target { address, name, profile }));
        }
        let Some(name) = self.home.current()? else { return Ok(None) };
        let profile = self.home.profile(&name)?.unwrap_or_default();
        let text = if profile.web_proxy_addr.is_empty() { &name } else { &profile.web_proxy_addr };
        let address = Address::parse(text, WEB_PORT)
            .with_context(|| format!("web_proxy_addr in {}/{name}.yaml", self.home.folder().display()))?;
        Ok(Some(Target { address, name, profile }))
    }

    /// The gate of an identity file: the named one, else the one that the cluster is called after.
    fn target_of(&self, identity: &Identity) -> anyhow::Result<Target> {
        let cluster = identity.cluster();
        let named = self.named_proxy();
        let address = Address::parse(named.as_ref().unwrap_or(&cluster), WEB_PORT)
            .map_err(|e| Failure::usage(format!("name the gate with --proxy: {e}")))?;
        let profile = Profile {
            web_proxy_addr: address.to_string(),
            user: identity.user.clone(),
            cluster,
            ..Profile::default()
        };
        Ok(Target { name: address.host.clone(), address, profile })
    }

    /// The host CAs of a gate, PEM.
    pub(crate) fn host_cas(&self, name: &str) -> Result<Option<String>, ProfileError> {
        match &self.identity {
            Some(identity) => Ok(Some(identity.ca_pem.clone())),
            None => self.home.host_cas(name),
        }
    }

    /// The name of a gate's profile. It is the host, as stock tsh has it. A second gate on the same host, at another
    /// port, is another gate: its profile is `HOST_PORT`.
    pub(crate) fn profile_name(&self, address: &Address) -> anyhow::Result<String> {
        let long = format!("{}_{}", address.host, address.port);
        let resolved = self.home.resolve(&long);
        if resolved != long || self.home.profile(&long)?.is_some() {
            return Ok(resolved);
        }
        let short = self.home.resolve(&address.host);
        let port = match self.home.profile(&short)? {
            Some(there) if !there.web_proxy_addr.is_empty() => {
                Address::parse(&there.web_proxy_addr, WEB_PORT).ok().map(|there| there.port)
            }
            _ => None,
        };
        Ok(if port.is_none_or(|port| port == address.port) { short } else { long })
    }

    /// The name of the profile for a gate that calls itself `web`. A name that has a profile already is taken only
    /// from a server that the profile's own CAs or pin speak for: anybody can call themselves anything.
    pub(crate) fn own_name(&self, target: &Target, web: &Address, seen: &Seen) -> anyhow::Result<String> {
        if web.host == target.address.host {
            return Ok(target.name.clone());
        }
        let name = self.profile_name(web)?;
        if name == target.name {
            return Ok(name);
        }
        let profile = self.home.profile(&name)?;
        if profile.is_none() && self.home.host_cas(&name)?.is_none() {
            return Ok(name);
        }
        let theirs =
            Target { address: web.clone(), name: name.clone(), profile: profile.unwrap_or_default() };
        if seen.speaks_for(&web.host, self.known(&theirs)?)? {
            return Ok(name);
        }
        let (typed, folder) = (&target.address, self.home.folder().display());
        Err(Failure::new(format!(
            "the gate at {typed} calls itself {web}, and the profile of {web} knows another gate; nothing was changed"
        ))
        .hint(format!(
            "if it is the same gate, log in by its own name: {} login --proxy={web}; if {web} was set up anew, remove {folder}/{name}.yaml and {folder}/keys/{name}",
            self.ctx.tool("tsh")
        ))
        .into())
    }

    /// `--proxy`, else `TELEPORT_PROXY`.
    pub(crate) fn named_proxy(&self) -> Option<String> {
        self.globals.proxy.clone().or_else(|| self.ctx.env.text("TELEPORT_PROXY"))
    }

    /// `--user`, else `TELEPORT_USER`.
    pub(crate) fn named_user(&self) -> Option<String> {
        self.globals.user.clone().or_else(|| self.ctx.env.text("TELEPORT_USER"))
    }

    /// As [`Settings::named_user`], else the one that the settings file has for this proxy.
    pub(crate) fn wanted_user(&self, target: &Target) -> anyhow::Result<Option<String>> {
        match self.named_user() {
            None => self.chosen(target, |choices| choices.user.clone()),
            named => Ok(named),
        }
    }

    /// The cluster that the environment names.
    pub(crate) fn env_cluster(&self) -> Option<String> {
        self.ctx.env.text("TELEPORT_CLUSTER").or_else(|| self.ctx.env.text("TELEPORT_SITE"))
    }

    /// The person on a proxy: named, else the last one there, else the only one there.
    pub(crate) fn user(&self, target: &Target) -> anyhow::Result<Option<String>> {
        if let Some(identity) = &self.identity {
            return Ok(Some(identity.user.clone()));
        }
        if let Some(user) = self.wanted_user(target)? {
            return Ok(Some(user));
        }
        if !target.profile.user.is_empty() {
            return Ok(Some(target.profile.user.clone()));
        }
        let mut users = self.home.users(&target.name)?;
        Ok(if users.len() == 1 { users.pop() } else { None })
    }

    /// The credentials for a proxy, if there are any.
    pub(crate) fn credentials(&self, target: &Target) -> anyhow::Result<Option<(String, Credentials)>> {
        if let Some(identity) = &self.identity {
            return Ok(Some((identity.user.clone(), identity.credentials.clone())));
        }
        let Some(user) = self.user(target)? else { return Ok(None) };
        Ok(self.usable(&target.name, &user)?.map(|found| (user, found)))
    }

    /// A person's credentials. Half a login (a key without its certificate, a certificate whose key is gone) is told and
    /// counts as none, so that a new login mends it.
    pub(crate) fn usable(&self, name: &str, user: &str) -> anyhow::Result<Option<Credentials>> {
        self.whole(self.home.credentials(name, user))
    }

    /// As [`Settings::usable`], without the key: no keyring is asked.
    pub(crate) fn usable_certificates(&self, name: &str, user: &str) -> anyhow::Result<Option<Certificates>> {
        self.whole(self.home.certificates(name, user))
    }

    fn whole<T>(&self, found: Result<Option<T>, ProfileError>) -> anyhow::Result<Option<T>> {
        match found {
            Err(half @ (ProfileError::NoPair(_) | ProfileError::KeyGone { .. })) => {
                self.ctx.console.warn(&half.to_string());
                Ok(None)
            }
            Err(ProfileError::KeyStore(error)) => Err(closed(&error, self.ctx).into()),
            other => Ok(other?),
        }
    }

    /// The credentials, or the sentence that says what to run.
    pub(crate) fn logged_in(&self, target: &Target) -> anyhow::Result<(String, Credentials)> {
        self.credentials(target)?.ok_or_else(|| {
            let text = format!("nobody is logged in at {}", target.address);
            Failure::new(text).hint(self.login_command(target)).code(LOGIN_NEEDED).into()
        })
    }

    /// How to log in: at the gate that is named or was last used, if there is one.
    pub(crate) fn how_to_log_in(&self) -> anyhow::Result<String> {
        let known = self.named_or_current()?;
        Ok(known.map_or_else(|| first_login(self.ctx), |target| self.login_command(&target)))
    }

    /// How to log in at a proxy: with all that was given to this command and that a login takes, so that it can be pasted.
    pub(crate) fn login_command(&self, target: &Target) -> String {
        self.login_command_with(target, &[])
    }

    /// As [`Settings::login_command`], with these options in place of those that were given.
    pub(crate) fn login_command_with(&self, target: &Target, more: &[&str]) -> String {
        let begin = format!("{} login --proxy={}", self.ctx.tool("tsh"), target.address);
        let given = self.globals.given().into_iter().chain(self.own.iter().cloned());
        repeat::command(begin, given, more)
    }

    /// What to believe of the proxy's certificate.
    pub(crate) fn trust(&self, target: &Target) -> anyhow::Result<Trust> {
        let stored = target.profile.jumpgate_ca_file.as_deref().map(Path::new);
        self.trust_with(target, self.globals.ca_file.as_deref().or(stored), self.globals.ca_pin.as_deref())
    }

    /// What a profile alone says of its gate, whatever this command's flags say of another.
    fn known(&self, target: &Target) -> anyhow::Result<Trust> {
        self.trust_with(target, target.profile.jumpgate_ca_file.as_deref().map(Path::new), None)
    }

    fn trust_with(
        &self,
        target: &Target,
        ca_file: Option<&Path>,
        ca_pin: Option<&str>,
    ) -> anyhow::Result<Trust> {
        let mut ca_pem = self.host_cas(&target.name)?.unwrap_or_default();
        if let Some(file) = ca_file {
            let text =
                std::fs::read_to_string(file).with_context(|| format!("--ca-file {}", file.display()))?;
            if !text.contains("-----BEGIN CERTIFICATE-----") {
                let text = format!("--ca-file {} holds no certificate in PEM form", file.display());
                return Err(Failure::new(text).into());
            }
            ca_pem.push('\n');
            ca_pem.push_str(&text);
        }
        let pin = |text: &str| text.parse::<Pin>().map_err(|e| Failure::usage(e.to_string()));
        Ok(Trust {
            ca_pem,
            web_pin: target.profile.jumpgate_web_pin.as_deref().map(pin).transpose()?,
            ca_pin: ca_pin.map(pin).transpose()?,
            insecure: self.globals.insecure,
        })
    }

    /// The kubeconfig files.
    pub(crate) fn kubeconfig(&self) -> anyhow::Result<kubeconfig::Files> {
        let list = self.ctx.env.os("KUBECONFIG");
        let home = if list.is_some() { Default::default() } else { self.ctx.home()? };
        Ok(kubeconfig::Files::new(list.as_deref(), &home))
    }

    /// Whether an entry's command, which gets this `TELEPORT_HOME`, works with the profiles of this home. In a folder that is gone
    /// nobody is logged in, and its entries are anybody's.
    pub(crate) fn is_here(&self, teleport_home: Option<&str>) -> bool {
        let default = || self.ctx.home().ok().map(|home| home.join(".tsh"));
        let theirs = teleport_home.map(PathBuf::from).or_else(default);
        match theirs.and_then(|folder| folder.canonicalize().ok()) {
            Some(theirs) => self.home.folder().canonicalize().is_ok_and(|ours| ours == theirs),
            None => true,
        }
    }
}

/// How to log in where no gate is known yet.
pub(super) fn first_login(ctx: &Ctx) -> String {
    format!(
        "{} login --proxy=gate.example.com:3080, with the address of your gate's web port",
        ctx.tool("tsh")
    )
}

/// When a certificate counts as expired: the margin before its end, less for one that lives only minutes, which would
/// be of no use at all else.
pub(crate) fn usable_until(credentials: &Certificates) -> Timestamp {
    let validity = credentials.certificate().validity();
    let life = validity.not_before.duration_until(validity.not_after);
    validity.not_after - MARGIN.min(life / 4)
}

/// Whether a certificate still helps.
pub(crate) fn is_valid(credentials: &Certificates, now: Timestamp) -> bool {
    usable_until(credentials) > now
}

/// The cluster of a login: the chosen one, else the one that issued the certificate, else the proxy's name.
pub(crate) fn cluster_of(profile: &Profile, credentials: &Certificates, name: &str) -> String {
    if !profile.cluster.is_empty() {
        return profile.cluster.clone();
    }
    credentials.certificate().issuer_cluster().unwrap_or_else(|| name.to_owned())
}

/// A store that does not give the key of a login.
fn closed(error: &KeyStoreError, ctx: &Ctx) -> Failure {
    let tsh = ctx.tool("tsh");
    let hint = format!(
        "if it stays like this, log in anew with the key elsewhere: {tsh} login --force --key-store=file"
    );
    Failure::new(error.to_string()).hint(hint)
}
