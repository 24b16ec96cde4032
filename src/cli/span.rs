//! Times and spans of time that people type: an instant (`2026-01-02T15:04:05Z`, `2026-01-02`), how long ago (`2h`, `7d`), a place in a recording
//! (`1:23`).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::cli::error::Failure;

/// An instant, or one so long before now.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    if let Ok(date) = text.parse::<Date>()
        && let Ok(midnight) = date.to_zoned(TimeZone::system())
    {
        return Ok(midnight.timestamp());
    }
    let ago = text.split_at_checked(text.len().saturating_sub(1)).and_then(|(number, unit)| {
        let unit: i64 = match unit {
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return None,
        };
        number.parse::<u32>().ok().and_then(|number| unit.checked_mul(number.into()))
    });
    let before = |seconds| Timestamp::now().checked_sub(SignedDuration::from_secs(seconds)).ok();
    ago.and_then(before).ok_or_else(|| {
        "write how long ago (30m, 2h, 7d), a day (2026-01-02) or an instant (2026-01-02T15:04:05Z)".to_owned()
    })
}

/// A span of time in which something can have begun.
///
/// # Errors
/// It ends before it begins, or where it begins.
pub(crate) fn check(
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    zone: &TimeZone,
) -> Result<(), Failure> {
    let (Some(since), Some(until)) = (since, until) else { return Ok(()) };
    if since < until {
        return Ok(());
    }
    let [since, until] =
        [since, until].map(|at| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string());
    Err(Failure::usage(format!("nothing can be found: --since ({since}) is not before --until ({until})"))
        .hint("--until leaves its own time out; of a day that is its midnight"))
}

/// How many at most.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "it is a number, 1 or more".to_owned())
}

/// A place in a recording: `SECONDS`, `MINUTES:SECONDS` or `HOURS:MINUTES:SECONDS`.
pub(crate) fn place(text: &str) -> Result<Duration, String> {
    let wrong = || "write it as 83, 1:23 or 1:02:03".to_owned();
    let mut parts = text.rsplit(':');
    let seconds: f64 = parts.next().and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
    let mut total = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
    let mut below = seconds;
    for unit in [60, 3600] {
        if let Some(part) = parts.next() {
            // 9:99 is more likely a slip than 10:39.
            let number: u32 = part.parse().ok().filter(|_| below < 60.0).ok_or_else(wrong)?;
            below = number.into();
            total = total.checked_add(Duration::from_secs(unit) * number).ok_or_else(wrong)?;
        }
    }
    if parts.next().is_some() { Err(wrong()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_that_ends_before_it_begins_is_no_span() {
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        for (since, until) in [(None, None), (at(1), None), (None, at(1)), (at(1), at(2))] {
            assert!(check(since, until, &TimeZone::UTC).is_ok());
        }
        let wrong = check(at(60), at(0), &TimeZone::UTC).unwrap_err().to_string();
        assert!(wrong.contains("--since (1970-01-01 00:01:00 UTC)"), "{wrong}");
        assert!(wrong.contains("--until (1970-01-01 00:00:00 UTC)"), "{wrong}");
        assert!(check(at(1), at(1), &TimeZone::UTC).is_err());
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(place("83"), Ok(Duration::from_secs(83)));
        assert_eq!(place("1:23.5"), Ok(Duration::from_millis(83_500)));
        assert_eq!(place("1:02:03"), Ok(Duration::from_secs(3723)));
        for wrong in ["", "x", "1:x", "-1", "1:2:3:4", "nan", "9:99", "1:60:00", "999:18446744073709550000"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
        let day = instant("1d").unwrap();
        assert_eq!(Timestamp::now().duration_since(day).as_hours(), 24);
        assert_eq!(instant("2026-01-02T15:04:05Z"), Ok("2026-01-02T15:04:05Z".parse().unwrap()));
        for wrong in ["", "d", "yesterday", "-1d", "1y", "é"] {
            assert!(instant(wrong).is_err(), "{wrong}");
        }
    }
}
