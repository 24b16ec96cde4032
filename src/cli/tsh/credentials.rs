//! `tsh kube credentials`: what kubectl runs before each of its own commands.
//!
//! While the certificate is valid this reads three small files and prints: no socket, no runtime, no kubeconfig.

use std::{io::IsTerminal, time::SystemTime};

use jiff::Timestamp;

use super::{
    Globals, login, renew,
    session::{self, Wish},
    settings::{Settings, Target, is_valid, usable_until},
};
use crate::{
    cli::{
        Ctx, block_on,
        error::{Failure, sentence},
        output::Output,
    },
    client::profile::Credentials,
    wire::kube::{ExecCredential, ExecSpec, ExecStatus},
};

const GROUP: &str = "client.authentication.k8s.io";

/// Arguments of `tsh kube credentials`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "While the certificate is valid this opens no connection. Expired, it starts a login if a\nperson is there, else it says which command to run.\n\nExamples:\n  tsh kube credentials --proxy=gate.example.com:3080 --user=alice\n  tsh kube credentials --teleport-cluster=gate.example.com"
)]
pub(crate) struct CredentialsArgs {
    /// Cluster of the gate
    #[arg(long, value_name = "CLUSTER")]
    teleport_cluster: Option<String>,
}

/// What kubectl says of itself in `KUBERNETES_EXEC_INFO`.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    version: String,
    /// Whether a person is at its standard input; kubectl before 1.22 does not say.
    interactive: Option<bool>,
}

impl CredentialsArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let asked = Asked::read(ctx.env.text("KUBERNETES_EXEC_INFO").as_deref())?;
        let settings = Settings::new(globals, ctx)?;
        let target = settings.target()?;
        let found = settings.credentials(&target)?;
        if let Some((user, credentials)) = &found
            && is_valid(credentials, Timestamp::now())
        {
            self.check_cluster(credentials, &settings, &target)?;
            let renewed = renew::if_due(&settings, &target, user, credentials);
            return answer(&asked, renewed.as_ref().unwrap_or(credentials));
        }
        if let Some(identity) = &settings.identity {
            return Err(identity.expired(&ctx.tool("tsh"), &target.address.to_string()).into());
        }
        let seen_by_a_person = asked.interactive == Some(true) || std::io::stderr().is_terminal();
        if !seen_by_a_person {
            return Err(why(&settings, &target, found.as_ref().map(|(_, c)| c)).into());
        }
        answer(&asked, &self.log_in(&settings, &target)?)
    }

    /// Logs in through the browser. One process at a time does; the others find its result, also that it failed: a
    /// person who said no once is not asked again by each of them.
    fn log_in(&self, settings: &Settings<'_>, target: &Target) -> anyhow::Result<Credentials> {
        let (since, mut waited) = (SystemTime::now(), false);
        let _alone = settings.home.lock_after(&target.name, "login", || {
            waited = true;
            settings
                .ctx
                .console
                .status(&format!("Waiting for a login at {} that is under way", target.address));
        })?;
        if let Some((_, credentials)) = settings.credentials(target)?
            && is_valid(&credentials, Timestamp::now())
        {
            return Ok(credentials);
        }
        if waited && let Some(reason) = settings.home.failed_login(&target.name, since)? {
            return Err(Failure::new(reason).into());
        }
        let wish = Wish {
            cluster: self.teleport_cluster.clone(),
            only: settings.user(target)?,
            browser: settings.browser(None, target)?,
            keep: true,
            ..Wish::default()
        };
        let session = block_on(session::log_in(settings, target, &wish)).inspect_err(|reason| {
            if let Err(reason) = settings.home.note_failed_login(&target.name, &sentence(reason)) {
                tracing::debug!(%reason, "the outcome of a login was not noted");
            }
        })?;
        login::store(settings, target, &session)?;
        Ok(session.credentials)
    }

    fn check_cluster(
        &self,
        credentials: &Credentials,
        settings: &Settings<'_>,
        target: &Target,
    ) -> anyhow::Result<()> {
        let Some(wanted) = &self.teleport_cluster else { return Ok(()) };
        match credentials.certificate().issuer_cluster() {
            Some(issuer) if issuer != *wanted => Err(Failure::new(format!(
                "the certificate for {} is of the cluster {issuer}, and kubectl asks for {wanted}",
                target.address
            ))
            .hint(format!("log in anew: {} --force", settings.login_command(target)))
            .into()),
            _ => Ok(()),
        }
    }
}

impl Asked {
    fn read(info: Option<&str>) -> anyhow::Result<Self> {
        let Some(info) = info else {
            return Ok(Self { version: format!("{GROUP}/v1beta1"), interactive: None });
        };
        let asked: ExecCredential = serde_json::from_str(info)
            .map_err(|e| Failure::new(format!("KUBERNETES_EXEC_INFO does not parse: {e}")))?;
        match asked.api_version.strip_prefix(GROUP) {
            Some("/v1" | "/v1beta1") => {
                Ok(Self { version: asked.api_version, interactive: asked.spec.interactive })
            }
            _ => Err(Failure::new(format!(
                "kubectl asks for credentials as {:?}; this answers as {GROUP}/v1 and {GROUP}/v1beta1",
                asked.api_version
            ))
            .hint("run tsh login again, it writes the entry anew; kubectl has to be 1.11 or later")
            .into()),
        }
    }
}

fn answer(asked: &Asked, credentials: &Credentials) -> anyhow::Result<Output> {
    let body = ExecCredential {
        kind: "ExecCredential".into(),
        api_version: asked.version.clone(),
        spec: ExecSpec::default(),
        status: Some(ExecStatus {
            // From then on kubectl asks again.
            expiration_timestamp: usable_until(credentials).to_string(),
            client_certificate_data: credentials.cert_pem.clone(),
            client_key_data: credentials.key_pem.to_string(),
        }),
    };
    Ok(Output::text(serde_json::to_string(&body)?))
}

/// Why there are no credentials, with the exact command that mends it.
fn why(settings: &Settings<'_>, target: &Target, expired: Option<&Credentials>) -> Failure {
    let text = match expired {
        Some(credentials) => {
            let ago = Timestamp::now().as_second() - credentials.valid_until().as_second();
            let address = &target.address;
            match ago {
                ..=0 => format!("the certificate for {address} is about to expire"),
                ago => format!("the certificate for {address} expired {} ago", rough(ago)),
            }
        }
        None => format!("nobody is logged in at {}", target.address),
    };
    Failure::new(format!("{text}; run: {}", settings.login_command(target)))
}

/// A time in its largest unit.
fn rough(seconds: i64) -> String {
    match seconds {
        ..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_in_the_version_that_is_asked_for() {
        let info = |version: &str, spec: &str| {
            format!(r#"{{"apiVersion":"{GROUP}/{version}","kind":"ExecCredential","spec":{spec}}}"#)
        };
        let read = |text: &str| Asked::read(Some(text));
        let asked = read(&info("v1", r#"{"interactive":true,"cluster":{"server":"x"}}"#)).unwrap();
        assert_eq!(asked, Asked { version: format!("{GROUP}/v1"), interactive: Some(true) });
        let asked = read(&info("v1beta1", "{}")).unwrap();
        assert_eq!(asked, Asked { version: format!("{GROUP}/v1beta1"), interactive: None });
        assert_eq!(Asked::read(None).unwrap().version, format!("{GROUP}/v1beta1"));
        let refused = read(&info("v1alpha1", "{}")).unwrap_err().to_string();
        insta::assert_snapshot!(refused, @r#"kubectl asks for credentials as "client.authentication.k8s.io/v1alpha1"; this answers as client.authentication.k8s.io/v1 and client.authentication.k8s.io/v1beta1"#);
        assert!(read("{").is_err());
    }

    #[test]
    fn times_are_told_roughly() {
        assert_eq!([rough(5), rough(600), rough(11_000), rough(400_000)], ["5 s", "10 min", "3 h", "4 days"]);
    }
}
