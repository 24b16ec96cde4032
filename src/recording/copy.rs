//! The commands that `kubectl cp` runs in a container.

use super::{
    event::Direction,
    header::{Kind, Session},
};

/// Which way a session copies, and what: the path that is packed, or the folder in which it is unpacked. None if it is no copy.
pub fn of(session: &Session) -> Option<(Direction, &str)> {
    if session.terminal || session.kind != Kind::Exec { None } else { words(&session.command) }
}

/// The same by the command alone, word by word as kubectl 1.20 and later ones write it.
pub fn words(command: &[String]) -> Option<(Direction, &str)> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    match words[..] {
        ["tar", "cf", "-", path] => Some((Direction::Down, path)),
        ["tar", "--no-same-permissions", "--no-same-owner", "-xmf", "-"] | ["tar", "-xmf", "-"] => {
            Some((Direction::Up, "."))
        }
        ["tar", "--no-same-permissions", "--no-same-owner", "-xmf", "-", "-C", folder]
        | ["tar", "-xmf", "-", "-C", folder] => Some((Direction::Up, folder)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(text: &str) -> Option<(Direction, String)> {
        let command: Vec<String> = text.split(' ').map(str::to_owned).collect();
        words(&command).map(|(way, path)| (way, path.to_owned()))
    }

    #[test]
    fn e2_31_only_the_exact_words_of_kubectl_cp_are_a_copy() {
        for (command, expected) in [
            ("tar cf - /etc/hosts", Some((Direction::Down, "/etc/hosts"))),
            ("tar -xmf -", Some((Direction::Up, "."))),
            ("tar -xmf - -C /tmp", Some((Direction::Up, "/tmp"))),
            ("tar --no-same-permissions --no-same-owner -xmf - -C /tmp", Some((Direction::Up, "/tmp"))),
            ("tar cf - /etc /root", None),
            ("tar xf - -C /tmp", None),
            ("tar cf -", None),
            ("sh -c tar", None),
            ("/tmp/tar cf - /etc", None),
        ] {
            assert_eq!(way(command), expected.map(|(way, path)| (way, path.to_owned())), "{command}");
        }
    }
}
