//! Whether a login can open a browser here, and why not: the one decision of all who ask. What is known comes from the
//! environment variables and from [`Machine`].

use std::{fmt, path::Path};

/// What a login can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Browser {
    /// This program, which a person named.
    Program(String),
    /// The system's own browser.
    System,
    /// None.
    None(Why),
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
    /// Linux inside Windows: the browser of Windows can be started, but need not reach a listener on this side.
    Wsl,
    /// A container, which has no display.
    Container,
    /// No display.
    NoDisplay,
}

impl Why {
    /// The second half of a sentence that says what is done instead: `Signing in by a code, since …`.
    pub fn at_length(self) -> &'static str {
        match self {
            Self::Unwanted => "no browser is wanted",
            Self::Ci => "this is a CI job (CI is set)",
            Self::Ssh => "this is an SSH session without a display",
            Self::Wsl => "this is WSL, where the browser of Windows may not reach this side",
            Self::Container => "this is a container without a display",
            Self::NoDisplay => "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)",
        }
    }
}

impl fmt::Display for Why {
    /// A part of a sentence that goes on: `no browser can be opened here (…)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unwanted => "TELEPORT_LOGIN_BROWSER=none",
            Self::Ci => "CI is set",
            Self::Ssh => "over SSH, without a display",
            Self::Wsl => "in WSL, the one of Windows may not reach this side",
            Self::Container | Self::NoDisplay => "there is no display",
        })
    }
}

/// What counts of the machine itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Machine {
    /// Windows or macOS: whoever sits at it has a desktop. Elsewhere a desktop is a display that the environment names.
    pub desktop: bool,
    /// Linux inside Windows.
    pub wsl: bool,
    /// A container.
    pub container: bool,
}

impl Machine {
    /// This one. `env` gives a variable.
    pub fn own(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let is_set = |name: &&str| env(name).is_some();
        let kernel = || {
            let text = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
            text.to_ascii_lowercase().contains("microsoft")
        };
        let marked = || ["/.dockerenv", "/run/.containerenv"].iter().any(|file| Path::new(file).exists());
        Self {
            desktop: cfg!(any(windows, target_os = "macos")),
            // The variables alone are what a session that sudo or SSH has cleared lacks.
            wsl: cfg!(target_os = "linux")
                && (["WSL_DISTRO_NAME", "WSL_INTEROP"].iter().any(is_set) || kernel()),
            container: ["container", "KUBERNETES_SERVICE_HOST"].iter().any(is_set) || marked(),
        }
    }
}

/// Looks for a browser. `named` is what a flag or a setting says: a program, or `none`; without it counts
/// `TELEPORT_LOGIN_BROWSER`. `env` gives a variable, where an empty one counts as not set.
pub fn find(named: Option<&str>, env: &dyn Fn(&str) -> Option<String>, machine: Machine) -> Browser {
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
    let display = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    match machine {
        // A desktop seen from afar would open its window where nobody looks.
        Machine { desktop: true, .. } if over_ssh => Browser::None(Why::Ssh),
        Machine { desktop: true, .. } => Browser::System,
        // Its display, if it has one, leads to the same browser.
        Machine { wsl: true, .. } => Browser::None(Why::Wsl),
        _ if display => Browser::System,
        _ if over_ssh => Browser::None(Why::Ssh),
        Machine { container: true, .. } => Browser::None(Why::Container),
        _ => Browser::None(Why::NoDisplay),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_a_browser() {
        const DISPLAY: Machine = Machine { desktop: false, wsl: false, container: false };
        const DESKTOP: Machine = Machine { desktop: true, ..DISPLAY };
        const WSL: Machine = Machine { wsl: true, ..DISPLAY };
        const BOX: Machine = Machine { container: true, ..DISPLAY };
        let program = |name: &str| Browser::Program(name.to_owned());
        let ssh = ("SSH_CONNECTION", "192.0.2.1 5 192.0.2.2 22");
        type Row<'a> = (Machine, Option<&'a str>, &'a [(&'a str, &'a str)], Browser);
        let table: &[Row<'_>] = &[
            (DESKTOP, None, &[], Browser::System),
            (DESKTOP, None, &[ssh], Browser::None(Why::Ssh)),
            (DESKTOP, None, &[ssh, ("DISPLAY", ":10")], Browser::None(Why::Ssh)),
            (DESKTOP, None, &[("CI", "true")], Browser::None(Why::Ci)),
            (DISPLAY, None, &[], Browser::None(Why::NoDisplay)),
            (DISPLAY, None, &[("DISPLAY", "")], Browser::None(Why::NoDisplay)),
            (DISPLAY, None, &[("DISPLAY", ":0")], Browser::System),
            (DISPLAY, None, &[("WAYLAND_DISPLAY", "wayland-0")], Browser::System),
            (DISPLAY, None, &[("DISPLAY", ":0"), ("CI", "1")], Browser::None(Why::Ci)),
            (DISPLAY, None, &[("DISPLAY", ":0"), ("CI", "false")], Browser::System),
            (DISPLAY, None, &[ssh], Browser::None(Why::Ssh)),
            (DISPLAY, None, &[("SSH_TTY", "/dev/pts/1")], Browser::None(Why::Ssh)),
            (DISPLAY, None, &[ssh, ("DISPLAY", "localhost:10.0")], Browser::System),
            (BOX, None, &[], Browser::None(Why::Container)),
            (BOX, None, &[ssh], Browser::None(Why::Ssh)),
            (BOX, None, &[("DISPLAY", ":0")], Browser::System),
            (WSL, None, &[], Browser::None(Why::Wsl)),
            (WSL, None, &[("DISPLAY", ":0")], Browser::None(Why::Wsl)),
            (WSL, None, &[("TELEPORT_LOGIN_BROWSER", "wslview")], program("wslview")),
            (DISPLAY, None, &[("TELEPORT_LOGIN_BROWSER", "firefox"), ("CI", "1")], program("firefox")),
            (DISPLAY, None, &[("TELEPORT_LOGIN_BROWSER", "none"), ("DISPLAY", ":0")], {
                Browser::None(Why::Unwanted)
            }),
            (DISPLAY, Some("firefox"), &[("TELEPORT_LOGIN_BROWSER", "none")], program("firefox")),
            (DESKTOP, Some("none"), &[], Browser::None(Why::Unwanted)),
        ];
        for (machine, named, variables, expected) in table {
            let env =
                |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(&find(*named, &env, *machine), expected, "{machine:?} {named:?} {variables:?}");
        }
    }
}
