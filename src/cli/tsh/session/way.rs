//! Which way to sign in: what the person says, else what this machine can.

use std::path::Path;

use clap::ValueEnum;

use super::Begun;
use crate::{
    cli::{
        Ctx, Env,
        error::{Failure, LOGIN_NEEDED},
        terminal::Input,
        tsh::Globals,
    },
    client::browser::{self, Browser, Found, Platform, Why},
};

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Way {
    /// A browser on this machine.
    Browser,
    /// A browser elsewhere; the address on which it ends is pasted here.
    Paste,
    /// A code that is typed on the gate's page in any browser.
    Code,
}

/// The way, and the line that says why if nobody asked for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) way: Way,
    pub(super) why: Option<String>,
}

/// What counts for the choice.
struct Facts<'a> {
    env: &'a Env,
    platform: Platform,
    container: bool,
    wsl: bool,
    /// The gate signs in by code.
    code: bool,
    /// There is somewhere to paste into.
    terminal: bool,
}

/// The way that somebody asked for, by the flag or in the environment.
pub(crate) fn asked(globals: &Globals, ctx: &Ctx) -> anyhow::Result<Option<Way>> {
    match (globals.way, ctx.env.text("JUMPGATE_LOGIN_WAY")) {
        (Some(way), _) => Ok(Some(way)),
        (None, Some(text)) => Way::from_str(&text, true).map(Some).map_err(|_| {
            Failure::usage(format!("JUMPGATE_LOGIN_WAY is {text:?}; it must be browser, paste or code"))
                .into()
        }),
        (None, None) => Ok(None),
    }
}

/// Chooses.
///
/// # Errors
/// A way that the gate or this machine does not have.
pub(super) fn choose(begun: &Begun<'_>) -> anyhow::Result<Choice> {
    let (env, address) = (&begun.settings.ctx.env, &begun.target.address);
    let asked = asked(begun.settings.globals, begun.settings.ctx)?;
    match asked {
        Some(Way::Code) if !begun.ping.code_login => {
            let text = format!("{address} does not sign people in by code");
            Err(Failure::new(text).hint("where no browser is at hand, try --way=paste").into())
        }
        Some(way) => Ok(Choice { way, why: None }),
        // Who names a browser, or where to listen for it, wants it here.
        None if begun.wish.browser.is_some()
            || begun.wish.bind_addr.is_some()
            || env.text("TELEPORT_LOGIN_BROWSER").is_some() =>
        {
            Ok(Choice { way: Way::Browser, why: None })
        }
        None => {
            let facts = Facts {
                env,
                platform: Platform::OWN,
                container: is_container(env),
                wsl: is_wsl(env),
                code: begun.ping.code_login,
                terminal: Input::has_terminal(),
            };
            pick(&facts).ok_or_else(|| {
                let why = no_browser(&facts).unwrap_or("no browser");
                Failure::new(format!(
                    "nobody can sign in here: {why}, {address} does not sign people in by code, and there is no terminal to paste into"
                ))
                .hint("--way=browser waits for a browser on this machine all the same")
                .code(LOGIN_NEEDED)
                .into()
            })
        }
    }
}

/// The way for a machine; none if there is none.
fn pick(facts: &Facts<'_>) -> Option<Choice> {
    let Some(why) = no_browser(facts) else { return Some(Choice { way: Way::Browser, why: None }) };
    let (way, how) = match (facts.code, facts.terminal) {
        (true, _) => (Way::Code, "by a code"),
        (false, true) => (Way::Paste, "by pasting"),
        (false, false) => return None,
    };
    let why = format!("Signing in {how}, since {why} (--way=browser, paste or code chooses another way)");
    Some(Choice { way, why: Some(why) })
}

/// Why no browser of this machine can be used. The one of Windows can be started from WSL, but need not reach a listener
/// there.
fn no_browser(facts: &Facts<'_>) -> Option<&'static str> {
    match browser::find(None, &|name| facts.env.text(name), facts.platform) {
        Browser::Program(_) => None,
        Browser::System(Found::Wsl) => Some(WSL),
        Browser::System(_) if facts.wsl => Some(WSL),
        Browser::System(_) => None,
        Browser::None(Why::Ci) => Some("this is a CI job (CI is set)"),
        Browser::None(Why::Ssh) => Some("this is an SSH session without a display"),
        Browser::None(_) if facts.container => Some("this is a container without a display"),
        Browser::None(_) => Some("there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"),
    }
}

const WSL: &str = "this is WSL, where the browser of Windows may not reach this side";

fn is_wsl(env: &Env) -> bool {
    let named = || {
        let text = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        text.to_ascii_lowercase().contains("microsoft")
    };
    // The variable alone is what a session that sudo or SSH has cleared lacks.
    cfg!(target_os = "linux") && (env.os("WSL_DISTRO_NAME").is_some() || named())
}

fn is_container(env: &Env) -> bool {
    let marked = ["/.dockerenv", "/run/.containerenv"].iter().any(|file| Path::new(file).exists());
    marked || ["container", "KUBERNETES_SERVICE_HOST"].iter().any(|name| env.os(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_machine_gets_its_way() {
        let linux = |env: &[(&str, &str)], container, wsl, code, terminal| {
            let env = Env::of(env);
            pick(&Facts { env: &env, platform: Platform::Display, container, wsl, code, terminal })
                .map(|c| c.way)
        };
        let ssh = ("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
        let display = ("DISPLAY", ":0");
        assert_eq!(linux(&[display], false, false, true, true), Some(Way::Browser));
        assert_eq!(linux(&[("WAYLAND_DISPLAY", "wayland-0")], false, false, true, true), Some(Way::Browser));
        assert_eq!(linux(&[ssh, display], false, false, true, true), Some(Way::Browser));
        assert_eq!(linux(&[ssh], false, false, true, false), Some(Way::Code));
        assert_eq!(linux(&[ssh], false, false, false, true), Some(Way::Paste));
        assert_eq!(linux(&[ssh], false, false, false, false), None);
        assert_eq!(linux(&[], true, false, true, true), Some(Way::Code));
        assert_eq!(linux(&[display], false, true, true, true), Some(Way::Code));
        assert_eq!(linux(&[display], false, true, false, true), Some(Way::Paste));
        assert_eq!(linux(&[display, ("CI", "true")], false, false, true, true), Some(Way::Code));
        let mac = |env: &[(&str, &str)]| {
            let env = Env::of(env);
            let facts = Facts {
                env: &env,
                platform: Platform::Desktop,
                container: false,
                wsl: false,
                code: true,
                terminal: true,
            };
            pick(&facts).map(|c| c.way)
        };
        assert_eq!(mac(&[]), Some(Way::Browser));
        assert_eq!(mac(&[ssh]), Some(Way::Code));
    }

    #[test]
    fn it_says_what_it_picked() {
        let env = Env::of(&[("SSH_TTY", "/dev/pts/0")]);
        let facts = Facts {
            env: &env,
            platform: Platform::Display,
            container: false,
            wsl: false,
            code: true,
            terminal: false,
        };
        let why = pick(&facts).unwrap().why.unwrap();
        insta::assert_snapshot!(why, @"Signing in by a code, since this is an SSH session without a display (--way=browser, paste or code chooses another way)");
    }
}
