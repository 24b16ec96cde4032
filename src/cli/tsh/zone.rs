//! The time zone of this machine, for times that people read.
//!
//! The library's own way lists the whole of `/usr/share/zoneinfo` first, some forty folders; one file is enough.

use std::{
    fs,
    path::{Component, Path},
};

use jiff::tz::TimeZone;

use crate::cli::Env;

/// Where the zones' files are.
const ZONES: &str = "/usr/share/zoneinfo";
/// The machine's own zone.
const LOCAL: &str = "/etc/localtime";

/// The zone that `TZ` names, else the machine's.
pub(in crate::cli) fn zone(env: &Env) -> TimeZone {
    let named = env.text("TZ");
    let file = match named.as_deref() {
        Some("" | "UTC" | "UTC0" | "Etc/UTC") => return TimeZone::UTC,
        Some(name) => zone_file(name),
        None => Some(Path::new(LOCAL).to_owned()),
    };
    let read = file.and_then(|file| {
        let bytes = fs::read(&file).ok()?;
        TimeZone::tzif(&file.to_string_lossy(), &bytes).ok()
    });
    // A rule in POSIX form, or a system that keeps its zones elsewhere.
    let rule = || named.and_then(|name| TimeZone::posix(&name).ok());
    read.or_else(rule).unwrap_or_else(TimeZone::system)
}

/// The file of a name such as `Europe/Berlin`; none for anything that is no such name.
fn zone_file(name: &str) -> Option<std::path::PathBuf> {
    let name = Path::new(name.strip_prefix(':').unwrap_or(name));
    let plain = name.components().all(|part| matches!(part, Component::Normal(_)));
    plain.then(|| Path::new(ZONES).join(name))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn zones_are_found_by_name_and_by_rule() {
        let shown = |tz: &str| {
            let zone = zone(&Env::of(&[("TZ", tz)]));
            Timestamp::from_second(1_795_524_147).unwrap().to_zoned(zone).strftime("%z %Z").to_string()
        };
        assert_eq!(shown("UTC"), "+0000 UTC");
        assert_eq!(shown("Asia/Tokyo"), "+0900 JST");
        assert_eq!(shown(":Europe/Berlin"), "+0100 CET");
        assert_eq!(shown("XYZ-3"), "+0300 XYZ");
        assert_eq!(zone_file("../../etc/passwd"), None);
        assert_eq!(zone_file("/etc/passwd"), None);
    }
}
