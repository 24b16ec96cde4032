//! What of a session is kept, by what was asked for: what is typed at a terminal may be a password, and a copy is kept as its hash.

use crate::recording::event::Direction;

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
        let copy = if terminal { None } else { copy(command) };
        Self { input: !terminal || keep_typed, copy, attach: false }
    }

    /// Of an attach. Whatever a query says of a command, none is run by it.
    pub(super) fn of_attach(terminal: bool, keep_typed: bool) -> Self {
        Self { attach: true, ..Self::new(terminal, keep_typed, &[]) }
    }
}

/// The commands of `kubectl cp`, word by word as kubectl 1.20 and later ones write them.
fn copy(command: &[String]) -> Option<Direction> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    match &words[..] {
        ["tar", "cf", "-", _] => Some(Direction::Down),
        ["tar", "--no-same-permissions", "--no-same-owner", "-xmf", "-"] | ["tar", "-xmf", "-"] => {
            Some(Direction::Up)
        }
        ["tar", "--no-same-permissions", "--no-same-owner", "-xmf", "-", "-C", _]
        | ["tar", "-xmf", "-", "-C", _] => Some(Direction::Up),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn e2_31_only_the_exact_words_of_kubectl_cp_are_a_copy() {
        for (command, way) in [
            ("tar cf - /etc/hosts", Some(Direction::Down)),
            ("tar -xmf - -C /tmp", Some(Direction::Up)),
            ("tar --no-same-permissions --no-same-owner -xmf - -C /tmp", Some(Direction::Up)),
            ("tar cf - /etc /root", None),
            ("tar xf - -C /tmp", None),
            ("tar cf -", None),
            ("sh -c tar", None),
            ("/tmp/tar cf - /etc", None),
        ] {
            assert_eq!(copy(&words(command)), way, "{command}");
            assert_eq!(Policy::new(true, false, &words(command)).copy, None);
        }
    }
}
