//! The newest events first: the days of the log from the last to the first, of each the end.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, BufRead},
    path::Path,
};

use jiff::Timestamp;
use serde_json::Value;

use super::{AuditLog, PoisonError, Target, day_of, file_name, read::within};

impl AuditLog {
    /// Reads the events of a span of time that fit, the newest first, at most `limit`.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn latest(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
        fits: impl Fn(&Value) -> bool + Send + 'static,
    ) -> io::Result<Vec<Value>> {
        match &self.target {
            Target::Memory(events) => {
                let events = events.lock().unwrap_or_else(PoisonError::into_inner);
                let found = events.iter().rev().filter(|e| within(e, from, to) && fits(e));
                Ok(found.take(limit).cloned().collect())
            }
            Target::Disk(disk) => {
                let folder = disk.folder.clone();
                let read = tokio::task::spawn_blocking(move || read_back(&folder, from, to, limit, &fits));
                read.await.map_err(io::Error::other)?
            }
        }
    }
}

fn read_back(
    folder: &Path,
    from: Timestamp,
    to: Timestamp,
    limit: usize,
    fits: &impl Fn(&Value) -> bool,
) -> io::Result<Vec<Value>> {
    let (first, last) = (file_name(day_of(from)), file_name(day_of(to)));
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".log") && name >= first && name <= last {
            names.push(name);
        }
    }
    // The names sort as their days do.
    names.sort();
    let mut found = Vec::new();
    for name in names.iter().rev().take_while(|_| limit > 0) {
        let wanted = limit - found.len();
        let mut newest: VecDeque<Value> = VecDeque::new();
        for line in io::BufReader::new(File::open(folder.join(name))?).split(b'\n') {
            // A torn line is one that a killed gate never finished.
            let Ok(event) = serde_json::from_slice::<Value>(&line?) else { continue };
            if !within(&event, from, to) || !fits(&event) {
                continue;
            }
            if newest.len() == wanted {
                newest.pop_front();
            }
            newest.push_back(event);
        }
        found.extend(newest.into_iter().rev());
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_come_first_over_days_and_no_more_than_wished() {
        let folder = tempfile::tempdir().unwrap();
        for (day, hours) in [("2026-01-01", 0..5), ("2026-01-02", 0..3)] {
            let lines: String =
                hours.map(|h| format!("{{\"time\":\"{day}T0{h}:00:00Z\",\"n\":{h}}}\n")).collect();
            fs::write(folder.path().join(format!("{day}.00:00:00.log")), lines + "{\"torn").unwrap();
        }
        let read = |from: &str, to: &str, limit| {
            let found =
                read_back(folder.path(), from.parse().unwrap(), to.parse().unwrap(), limit, &|e| e["n"] != 1);
            found.unwrap().iter().map(|e| e["time"].as_str().unwrap()[8..13].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            read("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z", 4),
            ["02T02", "02T00", "01T04", "01T03"]
        );
        assert_eq!(read("2026-01-01T02:00:00Z", "2026-01-01T03:30:00Z", 9), ["01T03", "01T02"]);
        assert!(read("2026-01-01T02:00:00Z", "2026-01-03T00:00:00Z", 0).is_empty());
    }
}
