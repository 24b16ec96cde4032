//! Whether a login can open a browser here, and why (not). Pure: what is known comes from the environment variables.

use std::fmt;

/// What the program runs on, as far as browsers differ there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Windows or macOS: whoever sits at it has a desktop.
    Desktop,
    /// Linux and its like, where a desktop is a display that the environment names.
    Display,
}

impl Platform {
    /// That of this build.
    pub const OWN: Self = if cfg!(any(windows, target_os = "macos")) { Self::Desktop } else { Self::Display };
}

/// What a login can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Browser {
    /// This program, which a person named.
    Program(String),
    /// The system's own browser.
    System(Found),
    /// None.
    None(Why),
}

/// By what the system's browser was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Windows or macOS.
    Desktop,
    /// `DISPLAY` or `WAYLAND_DISPLAY`, which SSH may have forwarded.
    Display,
    /// Linux inside Windows, whose browser it can start.
    Wsl,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A person said `none`.
    Unwanted,
    /// A build machine.
    Ci,
    /// The person sits at another machine.
    Ssh,
    /// No display.
    NoDisplay,
}

impl fmt::Display for Why {
    /// A part of a sentence that goes on: `no browser can be opened here (…)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unwanted => "TELEPORT_LOGIN_BROWSER=none",
            Self::Ci => "CI is set",
            Self::Ssh => "over SSH, without a display",
            Self::NoDisplay => "there is no display",
        })
    }
}

/// Looks for a browser. `named` is what a flag or a setting says: a program, or `none`; without it counts
/// `TELEPORT_LOGIN_BROWSER`. `env` gives a variable, where an empty one counts as not set.
pub fn find(named: Option<&str>, env: &dyn Fn(&str) -> Option<String>, platform: Platform) -> Browser {
    let is_set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    match named.map(str::to_owned).or_else(|| env("TELEPORT_LOGIN_BROWSER")).filter(|name| !name.is_empty()) {
        Some(name) if name == "none" => return Browser::None(Why::Unwanted),
        Some(program) => return Browser::Program(program),
        None => {}
    }
    if env("CI").is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false")) {
        return Browser::None(Why::Ci);
    }
    let over_ssh = ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"].into_iter().any(is_set);
    match platform {
        // A desktop seen from afar would open its window where nobody looks.
        Platform::Desktop if over_ssh => Browser::None(Why::Ssh),
        Platform::Desktop => Browser::System(Found::Desktop),
        Platform::Display if !over_ssh && (is_set("WSL_DISTRO_NAME") || is_set("WSL_INTEROP")) => {
            Browser::System(Found::Wsl)
        }
        Platform::Display if is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") => {
            Browser::System(Found::Display)
        }
        Platform::Display if over_ssh => Browser::None(Why::Ssh),
        Platform::Display => Browser::None(Why::NoDisplay),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_a_browser() {
        use Platform::{Desktop, Display};
        let program = |name: &str| Browser::Program(name.to_owned());
        let ssh = ("SSH_CONNECTION", "192.0.2.1 5 192.0.2.2 22");
        type Row<'a> = (Platform, Option<&'a str>, &'a [(&'a str, &'a str)], Browser);
        let table: &[Row<'_>] = &[
            (Desktop, None, &[], Browser::System(Found::Desktop)),
            (Desktop, None, &[ssh], Browser::None(Why::Ssh)),
            (Desktop, None, &[ssh, ("DISPLAY", ":10")], Browser::None(Why::Ssh)),
            (Desktop, None, &[("CI", "true")], Browser::None(Why::Ci)),
            (Display, None, &[], Browser::None(Why::NoDisplay)),
            (Display, None, &[("DISPLAY", "")], Browser::None(Why::NoDisplay)),
            (Display, None, &[("DISPLAY", ":0")], Browser::System(Found::Display)),
            (Display, None, &[("WAYLAND_DISPLAY", "wayland-0")], Browser::System(Found::Display)),
            (Display, None, &[("DISPLAY", ":0"), ("CI", "1")], Browser::None(Why::Ci)),
            (Display, None, &[("DISPLAY", ":0"), ("CI", "false")], Browser::System(Found::Display)),
            (Display, None, &[ssh], Browser::None(Why::Ssh)),
            (Display, None, &[("SSH_TTY", "/dev/pts/1")], Browser::None(Why::Ssh)),
            (Display, None, &[ssh, ("DISPLAY", "localhost:10.0")], Browser::System(Found::Display)),
            (Display, None, &[("WSL_DISTRO_NAME", "Debian")], Browser::System(Found::Wsl)),
            (Display, None, &[("WSL_INTEROP", "/run/WSL/8_interop")], Browser::System(Found::Wsl)),
            (Display, None, &[("WSL_DISTRO_NAME", "Debian"), ssh], Browser::None(Why::Ssh)),
            (Display, None, &[("TELEPORT_LOGIN_BROWSER", "firefox"), ("CI", "1")], program("firefox")),
            (Display, None, &[("TELEPORT_LOGIN_BROWSER", "none"), ("DISPLAY", ":0")], {
                Browser::None(Why::Unwanted)
            }),
            (Display, Some("firefox"), &[("TELEPORT_LOGIN_BROWSER", "none")], program("firefox")),
            (Desktop, Some("none"), &[], Browser::None(Why::Unwanted)),
        ];
        for (platform, named, variables, expected) in table {
            let env =
                |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(&find(*named, &env, *platform), expected, "{platform:?} {named:?} {variables:?}");
        }
    }
}
