//! The oldest events first, as the files of the days have them.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use jiff::Timestamp;
use serde_json::Value;

use super::{day_of, file_name};

/// The events of a span of time in the files of a folder, the oldest first, at most `limit`.
pub(super) fn read_folder(
    folder: &Path,
    from: Timestamp,
    to: Timestamp,
    limit: usize,
) -> io::Result<Vec<Value>> {
    let (first, last) = (file_name(day_of(from)), file_name(day_of(to)));
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // The names sort as their days do.
        if name.ends_with(".log") && name >= first && name <= last {
            names.push(name);
        }
    }
    names.sort();
    let mut found = Vec::new();
    for name in names {
        let reader = io::BufReader::new(File::open(folder.join(name))?);
        for line in io::BufRead::split(reader, b'\n') {
            if found.len() >= limit {
                return Ok(found);
            }
            // A torn line is one that a killed gate never finished.
            match serde_json::from_slice::<Value>(&line?) {
                Ok(event) if within(&event, from, to) => found.push(event),
                _ => {}
            }
        }
    }
    Ok(found)
}

/// Whether an event is of a span of time.
pub(super) fn within(event: &Value, from: Timestamp, to: Timestamp) -> bool {
    let time = event.get("time").and_then(Value::as_str).and_then(|t| t.parse::<Timestamp>().ok());
    time.is_some_and(|t| t.as_second() >= from.as_second() && t <= to)
}
