//! The names of sessions: UUIDs of version 8 (RFC 9562, section 5.8) with 74 random bits, then 48 bits of Unix time in milliseconds.
//!
//! The random bits stand first, so that the beginning of a name tells sessions apart; the time is there, so that a name says when its
//! session began. Names of version 7, whose time stands first, are read as well.

use jiff::Timestamp;
use uuid::{Builder, Uuid};

/// The fewest characters that may stand for a whole ID.
pub const SHORTEST: usize = 4;
/// How many characters of an ID are shown where there is no place for all.
pub const SHORT: usize = 8;
/// How many digits an ID has.
const DIGITS: usize = 32;
/// The longest text that an error repeats, in characters.
const REPEATED: usize = 48;

/// A new name for a session that begins at a time.
pub fn new(at: Timestamp) -> Uuid {
    // The bits that say version and variant are the same ones in all versions.
    let mut bytes = Uuid::new_v4().into_bytes();
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    bytes[10..].copy_from_slice(&millis.to_be_bytes()[2..]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// The time in a session's name, in milliseconds since 1970; None if it is no name of a session.
pub fn millis(id: Uuid) -> Option<u64> {
    let bytes = id.as_bytes();
    let time = match id.get_version_num() {
        7 => &bytes[..6],
        8 => &bytes[10..],
        _ => return None,
    };
    Some(time.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)))
}

/// What is shown of an ID where there is no place for all of it: enough for every command.
pub fn short(id: Uuid) -> String {
    let mut text = id.to_string();
    text.truncate(SHORT);
    text
}

/// Why a text is not the beginning of an ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadBeginning {
    /// Fewer than [`SHORTEST`] digits.
    #[error("`{0}` is too short for the beginning of an ID; type at least 4 characters of it")]
    Short(String),
    /// Something else than digits and dashes, or more digits than an ID has.
    #[error(
        "`{0}` is not the beginning of an ID; an ID has digits, the letters a to f, and dashes, for example 3f9a12c4"
    )]
    Other(String),
}

/// The beginning of an ID as a person types it, as digits in small letters, without dashes.
///
/// # Errors
/// It is too short, or not of an ID.
pub fn beginning(text: &str) -> Result<String, BadBeginning> {
    let repeated = || text.chars().take(REPEATED).collect::<String>();
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if !digits.chars().all(|c| c.is_ascii_hexdigit()) || digits.len() > DIGITS {
        return Err(BadBeginning::Other(repeated()));
    }
    if digits.len() < SHORTEST {
        return Err(BadBeginning::Short(repeated()));
    }
    Ok(digits.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_name_is_a_uuid_of_version_8_that_says_when_and_begins_at_random() {
        let at = Timestamp::from_millisecond(1_780_000_000_123).unwrap();
        let all: Vec<Uuid> = (0..1000).map(|_| new(at)).collect();
        for id in &all {
            assert_eq!((id.get_version_num(), id.get_variant()), (8, uuid::Variant::RFC4122));
            assert_eq!(millis(*id), Some(1_780_000_000_123));
            assert!(id.to_string().ends_with(&format!("-{:012x}", 1_780_000_000_123_u64)), "{id}");
        }
        let short: HashSet<String> = all.iter().map(|id| short(*id)).collect();
        assert!(short.len() >= 999, "{}", short.len());
        // Each bit that may differ does.
        let (ones, zeros) =
            all.iter().fold((0, 0), |(ones, zeros), id| (ones | id.as_u128(), zeros | !id.as_u128()));
        assert_eq!((ones & zeros).count_ones(), 74);
    }

    #[test]
    fn the_time_of_version_7_is_read_and_of_others_none() {
        let old = Builder::from_unix_timestamp_millis(1_780_000_000_123, &[7; 10]).into_uuid();
        assert_eq!(millis(old), Some(1_780_000_000_123));
        assert_eq!((millis(Uuid::new_v4()), millis(Uuid::nil())), (None, None));
    }

    #[test]
    fn a_beginning_is_hexadecimal_and_long_enough() {
        assert_eq!(beginning("3F9a").unwrap(), "3f9a");
        assert_eq!(beginning("3f9a12c4-1B").unwrap(), "3f9a12c41b");
        let whole = new(Timestamp::UNIX_EPOCH);
        assert_eq!(beginning(&whole.to_string()).unwrap(), whole.simple().to_string());
        for short in ["", "3f9", "3-f-9", "----"] {
            assert!(matches!(beginning(short), Err(BadBeginning::Short(_))), "{short}");
        }
        for other in ["3f9g", "3f9a ", "3f9a%", "../..", "ü123", &"a".repeat(33), &"x".repeat(1000)] {
            let error = beginning(other).unwrap_err();
            assert!(matches!(error, BadBeginning::Other(_)) && error.to_string().len() < 200, "{error}");
        }
    }
}
