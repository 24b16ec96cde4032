//! Durations as Go writes them (`30h0m0s`, `1.5h`), which is how Teleport's resources hold them.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration that reads and writes Go's form. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct GoDuration(pub Duration);

/// A text that is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration; write for example 30m, 12h or 1h30m")]
pub struct NotADuration(String);

const UNITS: [(&str, f64); 6] =
    [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0)];
const HOUR: f64 = 3600.0;
/// A hundred years: beyond it a duration is a typing mistake.
const LONGEST: f64 = 100.0 * 365.0 * 24.0 * HOUR;

impl FromStr for GoDuration {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, NotADuration> {
        let wrong = || NotADuration(text.to_owned());
        if text == "0" {
            return Ok(Self(Duration::ZERO));
        }
        let mut rest = text;
        let mut seconds = 0.0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
            let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = &rest[digits..];
            let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
            let unit = &rest[..end];
            let factor = match unit {
                "h" => HOUR,
                _ => UNITS.iter().find(|(name, _)| *name == unit).map(|(_, f)| *f).ok_or_else(wrong)?,
            };
            seconds += number * factor;
            rest = &rest[end..];
        }
        if text.is_empty() || seconds > LONGEST {
            return Err(wrong());
        }
        Duration::try_from_secs_f64(seconds).map(Self).map_err(|_| wrong())
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.0.as_secs();
        let (h, m, s) = (total / 3600, total / 60 % 60, total % 60);
        let nanos = self.0.subsec_nanos();
        let fraction =
            if nanos == 0 { String::new() } else { format!(".{nanos:09}").trim_end_matches('0').to_owned() };
        if h > 0 {
            write!(f, "{h}h{m}m{s}{fraction}s")
        } else if m > 0 {
            write!(f, "{m}m{s}{fraction}s")
        } else {
            write!(f, "{s}{fraction}s")
        }
    }
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_writes_and_writes_it_again() {
        for (text, seconds, out) in [
            ("30h0m0s", 108_000, "30h0m0s"),
            ("12h", 43_200, "12h0m0s"),
            ("1h30m", 5_400, "1h30m0s"),
            ("1.5h", 5_400, "1h30m0s"),
            ("90s", 90, "1m30s"),
            ("0s", 0, "0s"),
            ("0", 0, "0s"),
        ] {
            let read: GoDuration = text.parse().unwrap();
            assert_eq!(read.0, Duration::from_secs(seconds), "{text}");
            assert_eq!(read.to_string(), out);
        }
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in ["", "12", "h", "-1h", "1d", "1h 30m", "1e9h", "99999999999h", "."] {
            assert!(text.parse::<GoDuration>().is_err(), "{text:?}");
        }
    }
}
