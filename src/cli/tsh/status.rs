//! `tsh status`.

use std::fmt::Write;

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{
    Globals,
    settings::{Settings, cluster_of},
    zone,
};
use crate::{
    cli::{
        Ctx,
        output::{Format, Output},
    },
    client::profile::{Certificates, Profile},
    model::{GoDuration, text},
};

/// A role that stock Teleport adds to everybody and shows to nobody.
const IMPLICIT_ROLE: &str = "default-implicit-role";

/// Arguments of `tsh status`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code: 0 while the active certificate is valid, else 1.\n\nExamples:\n  tsh status\n  tsh status --format=json"
)]
pub(crate) struct StatusArgs {
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

/// One login, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Login {
    profile_url: String,
    username: String,
    cluster: String,
    roles: Vec<String>,
    traits: serde_json::Value,
    logins: Vec<String>,
    kubernetes_enabled: bool,
    kubernetes_users: Vec<String>,
    kubernetes_groups: Vec<String>,
    valid_until: Timestamp,
    extensions: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Listed {
    active: Option<Login>,
    profiles: Vec<Login>,
}

impl StatusArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let settings = Settings::new(globals, ctx)?;
        let now = Timestamp::now();
        let listed = collect(&settings)?;
        let code = u8::from(listed.active.as_ref().is_none_or(|login| login.valid_until <= now));
        let output = Output::listed(self.format, &listed, || {
            if listed.active.is_none() && listed.profiles.is_empty() {
                return "Not logged in.".to_owned();
            }
            let zone = zone::zone(&ctx.env);
            let mut out = String::new();
            for (login, active) in
                listed.active.iter().map(|l| (l, true)).chain(listed.profiles.iter().map(|l| (l, false)))
            {
                out.push_str(&login.block(active, ctx.debug, now, &zone));
                out.push('\n');
            }
            out
        })?;
        if self.format == Format::Text && code != 0 {
            tell(&settings, &listed)?;
        }
        Ok(output.with_code(code))
    }
}

/// Says on standard error how to get a login; standard output is as stock tsh has it.
fn tell(settings: &Settings<'_>, listed: &Listed) -> anyhow::Result<()> {
    // That of a file is not got by a login alone.
    if settings.identity.is_some() {
        return Ok(());
    }
    let login = settings.how_to_log_in()?;
    let current = settings.named_or_current()?;
    let line = match (&listed.active, current, listed.profiles.is_empty()) {
        (Some(_), ..) => format!("The certificate has expired. To log in again: {login}"),
        (None, Some(target), false) => {
            format!("Nobody is logged in at {}. To log in: {login}", target.address)
        }
        _ => format!("To log in: {login}"),
    };
    settings.ctx.console.status(&line);
    Ok(())
}

fn collect(settings: &Settings<'_>) -> anyhow::Result<Listed> {
    if let Some(identity) = &settings.identity {
        let target = settings.target()?;
        let login = Login::of(&target.name, &target.profile, &identity.user, &identity.credentials);
        return Ok(Listed { active: Some(login), profiles: vec![] });
    }
    let home = &settings.home;
    let current = settings.named_or_current()?;
    let mut listed = Listed { active: None, profiles: vec![] };
    let mut names = home.names()?;
    if let Some(current) = &current {
        names.retain(|name| *name != current.name);
        let active_user = settings.user(current)?;
        for user in home.users(&current.name)? {
            let is_active = active_user.as_ref() == Some(&user);
            if let Some(credentials) = settings.usable_certificates(&current.name, &user)? {
                let login = Login::of(&current.name, &current.profile, &user, &credentials);
                if is_active { listed.active = Some(login) } else { listed.profiles.push(login) }
            }
        }
    }
    for name in names {
        let profile = home.profile(&name)?.unwrap_or_default();
        for user in home.users(&name)? {
            if let Some(credentials) = settings.usable_certificates(&name, &user)? {
                listed.profiles.push(Login::of(&name, &profile, &user, &credentials));
            }
        }
    }
    Ok(listed)
}

impl Login {
    pub(crate) fn of(name: &str, profile: &Profile, user: &str, credentials: &Certificates) -> Self {
        let subject = credentials.certificate().subject().unwrap_or_default();
        let ssh = credentials.ssh();
        let mut roles: Vec<String> = subject.roles.into_iter().filter(|role| role != IMPLICIT_ROLE).collect();
        roles.sort();
        roles.dedup();
        let logins = ssh.as_ref().map_or(subject.principals, |ssh| ssh.logins().to_vec());
        let address = if profile.web_proxy_addr.is_empty() { name } else { &profile.web_proxy_addr };
        Self {
            profile_url: format!("https://{address}"),
            username: if subject.username.is_empty() { user.to_owned() } else { subject.username },
            cluster: cluster_of(profile, credentials, name),
            roles,
            traits: serde_json::to_value(&subject.traits).unwrap_or_default(),
            // Names that no login can have stand for "none".
            logins: logins.into_iter().filter(|login| !login.starts_with('-')).collect(),
            kubernetes_enabled: !profile.kube_proxy_addr.is_empty(),
            kubernetes_users: subject.kubernetes_users,
            kubernetes_groups: subject.kubernetes_groups,
            valid_until: credentials.valid_until(),
            extensions: ssh.map(|ssh| ssh.extensions()).unwrap_or_default(),
        }
    }

    /// The block of lines that Teleport 4 shows. `> ` marks the active login.
    pub(crate) fn block(&self, active: bool, debug: bool, now: Timestamp, zone: &TimeZone) -> String {
        let mut out = String::new();
        let mut mark = if active { "> " } else { "  " };
        let mut line = |label: &str, value: &str| {
            let _ = writeln!(out, "{mark}{label:<14}{}", text::clean_line(value));
            mark = "  ";
        };
        line("Profile URL:", &self.profile_url);
        line("Logged in as:", &self.username);
        if !self.cluster.is_empty() {
            line("Cluster:", &self.cluster);
        }
        line("Roles:", &self.roles.join(", "));
        if debug && let Some(traits) = self.traits.as_object() {
            let mut label = "Traits:";
            for (name, values) in traits {
                let values = values.as_array().map(Vec::as_slice).unwrap_or_default();
                let values: Vec<&str> = values.iter().filter_map(|v| v.as_str()).collect();
                line(label, &format!("{name}: [{}]", values.join(" ")));
                label = "";
            }
        }
        line("Logins:", &self.logins.join(", "));
        line("Valid until:", &valid_until(self.valid_until, now, zone));
        line("Extensions:", &self.extensions.join(", "));
        out.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

/// An instant as Go prints it in the local zone, and how long it is until then, rounded to minutes.
fn valid_until(end: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let at = end.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %z %Z").to_string();
    let left = end.as_second() - now.as_second();
    let minutes = u64::try_from((left + 30) / 60).unwrap_or(0);
    let left = match (left, minutes) {
        (..=0, _) => "EXPIRED".to_owned(),
        (_, 0) => "valid for <1m".to_owned(),
        (_, minutes) => format!("valid for {}", GoDuration(std::time::Duration::from_secs(minutes * 60))),
    };
    format!("{at} [{left}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stock() -> Login {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/teleport-4.0.2/home/dot-tsh");
        let home = crate::client::profile::Home::new(Some(folder.into()), "/".as_ref());
        let profile = home.profile("localhost").unwrap().unwrap();
        let credentials = home.credentials("localhost", "alice").unwrap().unwrap();
        Login::of("localhost", &profile, "alice", &credentials)
    }

    #[test]
    fn a_stock_profile_is_shown_as_stock_tsh_shows_it() {
        let zone = TimeZone::get("Asia/Tokyo").unwrap();
        let now: Timestamp = "2026-11-24T10:54:00Z".parse().unwrap();
        insta::assert_snapshot!(stock().block(true, false, now, &zone), @r"
        > Profile URL:  https://localhost:3080
          Logged in as: alice
          Cluster:      teleport.example.com
          Roles:        admin
          Logins:       root, alice
          Valid until:  2026-11-25 07:42:27 +0900 JST [valid for 11h48m0s]
          Extensions:   permit-agent-forwarding, permit-port-forwarding, permit-pty
        ");
        let later: Timestamp = "2026-11-24T22:42:28Z".parse().unwrap();
        let block = stock().block(false, false, later, &TimeZone::UTC);
        assert!(block.starts_with("  Profile URL:  https"), "{block}");
        assert!(block.contains("Valid until:  2026-11-24 22:42:27 +0000 UTC [EXPIRED]\n"), "{block}");
    }

    #[test]
    fn time_left_is_rounded_as_go_rounds() {
        let at = |left: i64| {
            let now = Timestamp::from_second(1_000_000).unwrap();
            valid_until(Timestamp::from_second(1_000_000 + left).unwrap(), now, &TimeZone::UTC)
        };
        assert!(at(42_599).ends_with("[valid for 11h50m0s]"), "{}", at(42_599));
        assert!(at(90).ends_with("[valid for 2m0s]"));
        assert!(at(29).ends_with("[valid for <1m]"));
        assert!(at(0).ends_with("[EXPIRED]"));
    }
}
