//! `tsh doctor`: looks at all that a login and kubectl need, and says what mends it. The checks run side by side; what does
//! not answer is given up in time.

use std::{ffi::OsString, time::Duration};

use jiff::Timestamp;

use self::{
    finding::{Finding, Status},
    pending::Pending,
};
use super::{
    Globals, session,
    settings::{Settings, Target, cluster_of, first_login},
};
use crate::{
    cli::{
        Ctx,
        colour::Paint,
        error::{failure, sentence},
        output::{Format, Output},
        shell,
    },
    client::{
        address::Address,
        profile::{Certificates, Profile, ProfileError},
        proxy::ProxyError,
    },
};

mod finding;
mod kubeconfig;
mod kubectl;
mod kuberc;
mod machine;
mod network;
mod pending;

/// How long the checks of this machine may take.
const LIMIT: Duration = Duration::from_millis(4500);

/// Arguments of `tsh doctor`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It changes nothing, and takes five seconds at most. A warning (!) is no failure.\n\nExit code: 0 when no check failed, else 1.\n\nExamples:\n  tsh doctor\n  tsh doctor --proxy=gate.example.com:3080\n  tsh doctor --format=json"
)]
pub(crate) struct DoctorArgs {
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

#[derive(serde::Serialize)]
struct Report<'a> {
    ok: bool,
    checks: &'a [Finding],
}

impl DoctorArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let settings = Settings::new(globals, ctx)?;
        let findings = examine(&settings)?;
        let ok = findings.iter().all(|finding| finding.status != Status::Failed);
        let report = Report { ok, checks: &findings };
        let output = Output::listed(self.format, &report, || {
            let lines = finding::render(&findings, Paint::of_stdout(&ctx.env));
            format!("{lines}\n{}", finding::summary(&findings))
        })?;
        Ok(output.with_code(u8::from(!ok)))
    }
}

fn examine(settings: &Settings<'_>) -> anyhow::Result<Vec<Finding>> {
    let (ctx, home) = (settings.ctx, settings.home.clone());
    let path = ctx.env.os("PATH");
    let wanted = kubeconfig::Wanted {
        files: settings.kubeconfig()?,
        home: home.clone(),
        path: path.clone(),
        tsh: ctx.tool("tsh"),
    };
    let kubeconfig = Pending::start(LIMIT, move || kubeconfig::check(&wanted));
    let searched = path.clone();
    let kubectl = Pending::start(LIMIT, move || kubectl::check(searched.as_deref()));
    let store = {
        let nowhere = || Target {
            address: Address { host: String::new(), port: 0 },
            name: String::new(),
            profile: Profile::default(),
        };
        let target = settings.named_or_current().ok().flatten().unwrap_or_else(nowhere);
        let (home, kind) = (home.clone(), settings.key_store(&target)?);
        Pending::start(LIMIT, move || machine::key_store(kind, &home))
    };
    let folder = Pending::start(LIMIT, move || machine::home(&home));
    // A profile that does not parse is the check `home`'s to tell; the others go on.
    let target = settings.named_or_current();
    let mut findings = match &target {
        Ok(Some(target)) => {
            let mut found = way(settings, target)?;
            found.push(certificate(settings, target));
            found
        }
        Ok(None) => {
            let mut found = unknown("not looked at, since no gate is known yet");
            let gate = Finding::skipped("proxy", "no gate is known yet, since nobody has logged in here");
            let mend = format!(
                "to look at yours: {} doctor --proxy=HOST:PORT; to log in: {}",
                ctx.tool("tsh"),
                first_login(ctx)
            );
            found
                .iter_mut()
                .filter(|one| one.check == gate.check)
                .for_each(|one| *one = gate.clone().mend(&mend));
            found
        }
        Err(error) if error.chain().any(|cause| cause.is::<ProfileError>()) => {
            unknown("the current profile cannot be read")
        }
        Err(_) => return target.map(|_| Vec::new()),
    };
    let named = match &target {
        Ok(Some(target)) => settings.browser(None, target)?,
        _ => None,
    };
    let late = |check| Finding::failed(check, "no answer in time; is a network disk or a service hanging?");
    findings.extend(kubeconfig.get().unwrap_or_else(|| vec![late("kubeconfig")]));
    let (kubectl, version) = kubectl.get().unwrap_or_else(|| (late("kubectl"), None));
    findings.push(kubectl);
    findings.extend(kuberc(settings, path, version)?);
    findings.push(store.get().unwrap_or_else(|| late("key store")));
    findings.push(machine::browser(ctx, named.as_deref()));
    findings.extend(folder.get().unwrap_or_else(|| vec![late("home")]));
    Ok(findings)
}

/// Whether kubectl's own settings let it run what our entries name, or would.
fn kuberc(
    settings: &Settings<'_>,
    path: Option<OsString>,
    kubectl: Option<kubectl::Version>,
) -> anyhow::Result<Option<Finding>> {
    let ctx = settings.ctx;
    let mut plugins = kubeconfig::plugins(&settings.kubeconfig()?);
    if plugins.is_empty() {
        plugins.push(ctx.started_as()?.to_string_lossy().into_owned());
    }
    let file = kuberc::file(&ctx.env, ctx.home().ok().as_deref());
    let wanted = kuberc::Wanted { file, path, plugins, kubectl, tsh: ctx.tool("tsh") };
    Ok(Pending::start(LIMIT, move || kuberc::check(&wanted)).get().flatten())
}

/// What cannot be looked at without a gate.
fn unknown(why: &str) -> Vec<Finding> {
    ["clock", "dns", "tls", "proxy", "certificate"].map(|check| Finding::skipped(check, why)).to_vec()
}

/// The way to the gate.
fn way(settings: &Settings<'_>, target: &Target) -> anyhow::Result<Vec<Finding>> {
    let found = network::ask(&target.address, settings.trust(target)?).get();
    let mend = |error: ProxyError| {
        let error = session::mend(error, settings, target);
        (sentence(&error), failure(&error).and_then(|f| f.hint_text()).map(str::to_owned))
    };
    let mut tls = found.tls;
    if let Some(refusal) = found.refused {
        tls.mend = mend(ProxyError::Untrusted(refusal)).1;
    }
    let proxy = match found.proxy {
        Ok(finding) => finding,
        Err(ProxyError::Unreachable { .. }) if found.dns.status == Status::Failed => {
            Finding::skipped("proxy", "not reached, since its name has no address")
        }
        Err(error) => {
            let (said, hint) = mend(error);
            Finding { mend: hint, ..Finding::failed("proxy", said) }
        }
    };
    let mut dns = found.dns;
    if dns.status == Status::Failed && matches!(proxy.status, Status::Ok | Status::Warning) {
        // Behind an HTTPS proxy nobody here has to know the name.
        dns = Finding::warning(
            "dns",
            format!("{}; the gate is reached through a proxy all the same", dns.found),
        );
    }
    Ok(vec![found.clock, dns, tls, proxy])
}

/// The login at the gate.
fn certificate(settings: &Settings<'_>, target: &Target) -> Finding {
    const CHECK: &str = "certificate";
    let login = match &settings.identity {
        None => settings.login_command(target),
        Some(identity) => {
            let out = shell::word(&format!("--out={}", identity.path.display()));
            settings.login_command_with(target, &[&out])
        }
    };
    let mend = format!("run: {login}");
    let found = settings.user(target).and_then(|user| {
        let Some(user) = user else { return Ok(None) };
        if let Some(identity) = &settings.identity {
            return Ok(Some((user, Certificates::clone(&identity.credentials))));
        }
        // The key itself is the key store's matter, which is looked at beside this.
        Ok(settings.home.certificates(&target.name, &user)?.map(|found| (user, found)))
    });
    let (user, credentials) = match found {
        Ok(Some(found)) => found,
        Ok(None) => {
            return Finding::failed(CHECK, format!("nobody is logged in at {}", target.address)).mend(mend);
        }
        Err(error) => return Finding::failed(CHECK, sentence(&error)).mend(mend),
    };
    let (validity, now) = (credentials.certificate().validity(), Timestamp::now());
    let cluster = cluster_of(&target.profile, &credentials, &target.name);
    if validity.not_after <= now {
        let ended = ago(validity.not_after.duration_until(now));
        return Finding::failed(CHECK, format!("the login of {user} at {cluster} ended {ended} ago"))
            .mend(mend);
    }
    if validity.not_before > now {
        let found = format!("the login of {user} at {cluster} is valid only from {} on", validity.not_before);
        return Finding::failed(CHECK, found).mend("is this machine's clock right?");
    }
    let left = ago(now.duration_until(validity.not_after));
    Finding::ok(CHECK, format!("{user} is logged in at {cluster}, for {left} more"))
}

/// A length of time in its largest unit.
fn ago(time: jiff::SignedDuration) -> String {
    match time.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} min", seconds / 60),
        seconds @ ..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
