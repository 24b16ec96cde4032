//! `tsh kube credentials`: what kubectl runs before each of its own commands.
//!
//! While the certificate is valid this reads three small files and prints: no socket, no runtime, no kubeconfig.

use jiff::Timestamp;

use super::{
    Globals, relogin, renew,
    session::{Way, Wish},
    settings::{Settings, Target, is_valid, usable_until},
};
use crate::{
    cli::{
        Ctx,
        error::{Failure, LOGIN_NEEDED},
        output::Output,
    },
    client::{
        browser::{Browser, Why},
        profile::Credentials,
    },
    wire::kube::{ExecCredential, ExecSpec, ExecStatus},
};

const GROUP: &str = "client.authentication.k8s.io";

/// Arguments of `tsh kube credentials`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "While the certificate is valid this opens no connection. Expired, it starts a login where a\nbrowser can be opened, one for all that ask; else it says which command to run (exit code 3).\n\nExamples:\n  tsh kube credentials --proxy=gate.example.com:3080 --user=alice\n  tsh kube credentials --teleport-cluster=gate.example.com"
)]
pub(crate) struct CredentialsArgs {
    /// Cluster of the gate
    #[arg(long, value_name = "CLUSTER")]
    teleport_cluster: Option<String>,
    /// Start no login; say which command does (also: JUMPGATE_NO_LOGIN=1)
    #[arg(long)]
    no_login: bool,
    /// Kubernetes cluster that the entry is for, so that entries can be told apart; one certificate opens all of them
    #[arg(long, value_name = "NAME")]
    kube_cluster: Option<String>,
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
            let renewed = renew::if_due(&settings, &target, user, credentials)?;
            return answer(&asked, renewed.as_ref().unwrap_or(credentials));
        }
        if let Some(identity) = &settings.identity {
            return Err(identity.expired(&ctx.tool("tsh"), &target.address.to_string()).into());
        }
        let (way, browser) = (settings.way(&target)?, settings.browser(None, &target)?);
        if let Some(reason) = self.no_login_here(&asked, way, ctx, browser.as_deref()) {
            return Err(why(&settings, &target, found.as_ref().map(|(_, c)| c), &reason).into());
        }
        let wish = Wish {
            cluster: self.teleport_cluster.clone(),
            only: settings.user(&target)?,
            browser,
            keep: true,
            leave_stdin: true,
            ..Wish::default()
        };
        answer(&asked, &relogin::log_in(&settings, &target, &wish)?)
    }

    /// Why no login can be tried here, as a part of a sentence; nothing where one can. Standard input does not matter:
    /// kubectl says `interactive: false` for every redirect, and a browser needs none.
    fn no_login_here(
        &self,
        asked: &Asked,
        way: Option<Way>,
        ctx: &Ctx,
        wanted: Option<&str>,
    ) -> Option<String> {
        if self.no_login {
            return Some(", and no login is started (--no-login)".into());
        }
        if ctx.env.text("JUMPGATE_NO_LOGIN").is_some_and(|v| v != "0") {
            return Some(", and no login is started (JUMPGATE_NO_LOGIN is set)".into());
        }
        let watched = asked.interactive == Some(true) || ctx.console.is_terminal();
        // A way that somebody named needs no browser here, but a person who reads what to do.
        if way.is_some() && watched {
            return None;
        }
        // A code or an address to paste is of no use where nobody reads it.
        if matches!(way, Some(Way::Code | Way::Paste)) {
            return Some(", and nobody is there to read a code or an address".into());
        }
        match ctx.browser(wanted) {
            Browser::Program(_) | Browser::System => None,
            // Who wants none opens the address by hand, and in WSL a login goes by code, if somebody is there to read it.
            Browser::None(Why::Unwanted | Why::Wsl) if watched => None,
            Browser::None(why) => Some(format!(", and no browser can be opened here ({why})")),
        }
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
            .hint(format!("log in anew: {}", settings.login_command_with(target, &["--force"])))
            .code(LOGIN_NEEDED)
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
            .hint("log in again, which writes the entry anew; kubectl has to be 1.11 or later")
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
fn why(settings: &Settings<'_>, target: &Target, expired: Option<&Credentials>, no_login: &str) -> Failure {
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
    Failure::new(format!("{text}{no_login}; run: {}", settings.login_command(target))).code(LOGIN_NEEDED)
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
