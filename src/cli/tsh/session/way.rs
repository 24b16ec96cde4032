//! Which way to sign in: what the person says, else what this machine can.

use clap::ValueEnum;

use super::Begun;
use crate::{
    cli::{
        Ctx,
        error::{Failure, LOGIN_NEEDED},
        terminal::Input,
        tsh::Globals,
    },
    client::browser::{Browser, Why},
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
    let address = &begun.target.address;
    let asked = begun.settings.way(begun.target)?;
    match asked {
        Some(Way::Code) if !begun.ping.code_login => {
            let text = format!("{address} does not sign people in by code");
            Err(Failure::new(text).hint("where no browser is at hand, try --way=paste").into())
        }
        Some(way) => Ok(Choice { way, why: None }),
        // Who says where to listen for a browser wants it here.
        None if begun.wish.bind_addr.is_some() => Ok(Choice { way: Way::Browser, why: None }),
        None => {
            let found = begun.settings.ctx.browser(begun.wish.browser.as_deref());
            pick(&found, begun.ping.code_login, Input::has_terminal()).map_err(|why| {
                let why = why.at_length();
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

/// The way for what was found of a browser, at a gate that signs in by `code` or does not, with a `terminal` to paste into or
/// without. The error is why there is no browser, where there is no other way either.
fn pick(found: &Browser, code: bool, terminal: bool) -> Result<Choice, Why> {
    let why = match found {
        // Who wants none to be opened opens the address by hand.
        Browser::Program(_) | Browser::System | Browser::None(Why::Unwanted) => {
            return Ok(Choice { way: Way::Browser, why: None });
        }
        Browser::None(why) => *why,
    };
    let (way, how) = match (code, terminal) {
        (true, _) => (Way::Code, "by a code"),
        (false, true) => (Way::Paste, "by pasting"),
        (false, false) => return Err(why),
    };
    let why = why.at_length();
    let why = format!("Signing in {how}, since {why} (--way=browser, paste or code chooses another way)");
    Ok(Choice { way, why: Some(why) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_of_a_browser_says_the_way() {
        let way = |found: Browser, code, terminal| pick(&found, code, terminal).map(|choice| choice.way);
        let program = Browser::Program("firefox".into());
        for found in [Browser::System, program, Browser::None(Why::Unwanted)] {
            assert_eq!(way(found, false, false), Ok(Way::Browser));
        }
        for why in [Why::Ci, Why::Ssh, Why::Wsl, Why::Container, Why::NoDisplay] {
            assert_eq!(way(Browser::None(why), true, true), Ok(Way::Code));
            assert_eq!(way(Browser::None(why), true, false), Ok(Way::Code));
            assert_eq!(way(Browser::None(why), false, true), Ok(Way::Paste));
            assert_eq!(way(Browser::None(why), false, false), Err(why));
        }
    }

    #[test]
    fn it_says_what_it_picked() {
        let why = pick(&Browser::None(Why::Ssh), true, false).unwrap().why.unwrap();
        insta::assert_snapshot!(why, @"Signing in by a code, since this is an SSH session without a display (--way=browser, paste or code chooses another way)");
    }
}
