//! How a command fails: one sentence, perhaps a hint below it, an exit code.
//! The codes are a contract; `exit_codes.rs` has the table that people read.

use std::fmt;

use super::output::Console;
use crate::client::{admin::AdminError, proxy::ProxyError, sso::SsoError};

/// Exit code of a failure.
pub const FAILED: u8 = 1;
/// Exit code of wrong usage.
pub const USAGE: u8 = 2;
/// Exit code: expired or nobody logged in, and no login could be tried here.
pub const LOGIN_NEEDED: u8 = 3;
/// Exit code: a role of the certificate is gone, the user was removed, or a renewal is refused because of the rights.
pub const RIGHTS_CHANGED: u8 = 4;
/// Exit code: the gate or its provider refused the login.
pub const REFUSED: u8 = 5;
/// Exit code: no gate answers at the address.
pub const UNREACHABLE: u8 = 6;
/// Exit code: the time for the login ran out, or a person cancelled it.
pub const NOT_COMPLETED: u8 = 7;
/// Exit code: a recording is neither shown to be what the gate wrote nor shown to be something else.
pub const UNDECIDED: u8 = 8;

/// What to look at when a gate is not reached.
pub const REACHABLE: &str =
    "is the address right, and the gate's web port (usually 3080) reachable from here?";

/// A failure with a hint or an exit code of its own. Put it into an `anyhow::Error` like any other error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    text: String,
    hint: Option<String>,
    code: u8,
}

impl Failure {
    /// Something failed.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), hint: None, code: FAILED }
    }

    /// The command was used wrongly.
    pub fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into(), hint: None, code: USAGE }
    }

    /// Gives it another exit code, one of this file's constants.
    pub fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// The line that says what mends it, if there is one.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Adds a line that says what mends it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

/// What an error says in one line: its causes joined with colons, a cause that only repeats left out.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut out = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if out.is_empty() {
            out = text;
        } else if !out.ends_with(&text) {
            out.push_str(": ");
            out.push_str(&text);
        }
    }
    without_numbers(&out)
}

/// The operating system's numbers, ` (os error 2)`, say nothing that its words before them do not.
fn without_numbers(text: &str) -> String {
    const NUMBER: &str = " (os error ";
    let mut parts = text.split(NUMBER);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(')') {
            Some((number, rest)) if number.bytes().all(|b| b.is_ascii_digit()) => out.push_str(rest),
            _ => out.extend([NUMBER, part]),
        }
    }
    out
}

/// The failure inside an error, if somebody made one.
pub fn failure(error: &anyhow::Error) -> Option<&Failure> {
    error.chain().find_map(|cause| cause.downcast_ref::<Failure>())
}

/// The exit code of an error: the one that its [`Failure`] names, else that of what happened.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(failure) = failure(error) {
        return failure.code;
    }
    let of = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref().map(of_proxy).or_else(|| cause.downcast_ref().map(of_login))
    };
    error.chain().find_map(of).unwrap_or(FAILED)
}

/// The exit code of a failure to talk with the gate's web port.
pub fn of_proxy(error: &ProxyError) -> u8 {
    match error {
        ProxyError::Unreachable { .. }
        | ProxyError::Timeout { .. }
        | ProxyError::Away { .. }
        | ProxyError::Untrusted(_)
        | ProxyError::NotAGate { .. } => UNREACHABLE,
        _ => FAILED,
    }
}

/// The exit code of a login that came to nothing.
pub fn of_login(error: &SsoError) -> u8 {
    match error {
        SsoError::Timeout | SsoError::Cancelled | SsoError::InputEnded => NOT_COMPLETED,
        SsoError::Refused(_) | SsoError::BadAnswer(_) => REFUSED,
        _ => FAILED,
    }
}

/// The exit code of a request that `tsh` makes with the certificate of a login. (`tctl` has no such codes.)
pub fn of_admin(error: &AdminError) -> u8 {
    match error {
        AdminError::Denied(_) => RIGHTS_CHANGED,
        AdminError::Over(_) => LOGIN_NEEDED,
        AdminError::Unreachable { .. } => UNREACHABLE,
        _ => FAILED,
    }
}

/// Gives the failure of such a request its exit code, and of a gate that is not reached the words that a login has for it.
pub fn with_login(error: anyhow::Error) -> anyhow::Error {
    if let Some(AdminError::Unreachable { address, reason }) = error.downcast_ref() {
        let text = format!("cannot reach {address}: {reason}");
        return Failure::new(text).hint(REACHABLE).code(UNREACHABLE).into();
    }
    match error.downcast_ref().map_or(FAILED, of_admin) {
        FAILED => error,
        code => Failure::new(sentence(&error)).code(code).into(),
    }
}

/// Prints an error and returns its exit code.
pub fn report(error: &anyhow::Error, console: Console) -> u8 {
    console.error(&sentence(error), failure(error).and_then(Failure::hint_text));
    exit_code(error)
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn causes_are_joined_once() {
        let inner = Err::<(), _>(Failure::usage("no such thing").hint("look again"));
        let error = inner.context("reading a.yaml").unwrap_err();
        assert_eq!(sentence(&error), "reading a.yaml: no such thing");
        assert_eq!(report(&error, Console::new(&crate::cli::Env::default())), USAGE);
        let missing = anyhow::Error::new(std::io::Error::from_raw_os_error(2)).context("cannot read a.yaml");
        assert_eq!(sentence(&missing), "cannot read a.yaml: No such file or directory");
        assert_eq!(without_numbers("a (os error x) b"), "a (os error x) b");
        let twice = anyhow::Error::new(Failure::new("x")).context("a: x");
        assert_eq!(sentence(&twice), "a: x");
    }

    #[test]
    fn a_gate_that_is_not_reached_is_told_alike_whatever_was_asked() {
        let away = AdminError::Unreachable { address: "gate:3080".into(), reason: "no route".into() };
        let error = with_login(away.into());
        assert_eq!(sentence(&error), "cannot reach gate:3080: no route");
        assert_eq!((failure(&error).unwrap().hint_text(), exit_code(&error)), (Some(REACHABLE), UNREACHABLE));
    }

    #[test]
    fn the_exit_code_says_what_happened() {
        let code = |error: anyhow::Error| exit_code(&error.context("meanwhile"));
        let address = || "gate:3080".to_owned();
        assert_eq!(code(anyhow::anyhow!("x")), FAILED);
        assert_eq!(code(Failure::new("x").code(LOGIN_NEEDED).into()), LOGIN_NEEDED);
        assert_eq!(
            code(ProxyError::Unreachable { address: address(), reason: "x".into() }.into()),
            UNREACHABLE
        );
        assert_eq!(code(ProxyError::NoConnector { address: address(), name: "x".into() }.into()), FAILED);
        assert_eq!(code(SsoError::Refused("no team".into()).into()), REFUSED);
        assert_eq!(code(SsoError::Cancelled.into()), NOT_COMPLETED);
        assert_eq!(code(SsoError::BadTarget.into()), FAILED);
    }
}
