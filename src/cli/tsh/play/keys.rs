//! The keys of the player, from the bytes that a terminal sends.

/// What a person wants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Key {
    /// Pause, or go on.
    Pause,
    /// So many seconds forward; backward if negative.
    Seek(f64),
    /// An event forward or backward.
    Step(bool),
    /// Faster or slower.
    Speed(bool),
    /// To so many tenths.
    Tenth(u8),
    /// To the end.
    End,
    /// Quit.
    Quit,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-Z.
    Suspend,
}

/// Takes the keys out of bytes; what may become one with more bytes stays.
pub(super) fn take(bytes: &mut Vec<u8>) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = &bytes[..];
    while let Some((first, tail)) = rest.split_first() {
        if *first == 0x1b {
            let Some(length) = sequence(rest) else { break };
            keys.extend(meaning(&rest[..length]));
            rest = &rest[length..];
            continue;
        }
        keys.extend(plain(*first));
        rest = tail;
    }
    let left = rest.to_vec();
    *bytes = left;
    keys
}

/// The length of an escape sequence; none if it is not whole.
fn sequence(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1)? {
        b'[' => bytes[2..].iter().position(|byte| (0x40..=0x7e).contains(byte)).map(|at| at + 3),
        b'O' => (bytes.len() >= 3).then_some(3),
        _ => Some(1),
    }
}

fn meaning(sequence: &[u8]) -> Option<Key> {
    Some(match sequence {
        b"\x1b[D" | b"\x1bOD" => Key::Seek(-5.0),
        b"\x1b[C" | b"\x1bOC" => Key::Seek(5.0),
        b"\x1b[1;2D" | b"\x1b[d" => Key::Seek(-1.0),
        b"\x1b[1;2C" | b"\x1b[c" => Key::Seek(1.0),
        b"\x1b[H" | b"\x1bOH" | b"\x1b[1~" | b"\x1b[7~" => Key::Tenth(0),
        b"\x1b[F" | b"\x1bOF" | b"\x1b[4~" | b"\x1b[8~" => Key::End,
        _ => return None,
    })
}

fn plain(byte: u8) -> Option<Key> {
    Some(match byte {
        b' ' => Key::Pause,
        b',' | b'<' => Key::Step(false),
        b'.' | b'>' => Key::Step(true),
        b'+' | b'=' => Key::Speed(true),
        b'-' | b'_' => Key::Speed(false),
        b'0'..=b'9' => Key::Tenth(byte - b'0'),
        b'q' | b'Q' => Key::Quit,
        3 => Key::Interrupt,
        26 => Key::Suspend,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_however_their_bytes_are_cut() {
        let bytes = b" \x1b[D\x1b[1;2Cx\x1bOC7q\x1b[200~";
        let whole = take(&mut bytes.to_vec());
        let wanted = [Key::Pause, Key::Seek(-5.0), Key::Seek(1.0), Key::Seek(5.0), Key::Tenth(7), Key::Quit];
        assert_eq!(whole, wanted);
        for cut in 0..=bytes.len() {
            let mut pending = bytes[..cut].to_vec();
            let mut keys = take(&mut pending);
            pending.extend(&bytes[cut..]);
            keys.extend(take(&mut pending));
            assert_eq!(keys, whole, "{cut}");
            assert!(pending.is_empty());
        }
    }
}
