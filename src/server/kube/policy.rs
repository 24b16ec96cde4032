//! What of a session is kept, by what was asked for: what is typed at a terminal may be a password, and a copy is kept as its hash.

use crate::recording::{copy, event::Direction};

/// What of a session's input is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    /// There is a terminal, and nobody asked for what is typed.
    pub(super) input: bool,
    /// It is the stream of a `kubectl cp`.
    pub(super) copy: Option<Direction>,
    /// The stream's good end does not tell the exit code.
    pub(super) attach: bool,
}

impl Policy {
    /// By what was asked for. With a terminal, what is typed may be a password: it is kept only if a role says so.
    pub(super) fn new(terminal: bool, keep_typed: bool, command: &[String]) -> Self {
        let copy = if terminal { None } else { copy::words(command).map(|(direction, _)| direction) };
        Self { input: !terminal || keep_typed, copy, attach: false }
    }

    /// Of an attach. Whatever a query says of a command, none is run by it.
    pub(super) fn of_attach(terminal: bool, keep_typed: bool) -> Self {
        Self { attach: true, ..Self::new(terminal, keep_typed, &[]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn e2_31_nothing_on_a_terminal_is_a_copy() {
        let command = words("tar cf - /etc/hosts");
        assert_eq!(Policy::new(false, false, &command).copy, Some(Direction::Down));
        assert_eq!(Policy::new(true, false, &command).copy, None);
        assert_eq!(Policy::new(false, false, &words("tar cf - /etc /root")).copy, None);
    }
}
