//! A list of recordings that is written as its pages come.

use jiff::tz::TimeZone;

use super::ls;
use crate::{
    cli::output::{Format, Layout, json, terminal_width, write_more},
    wire::recordings::Recording,
};

/// Writes a list.
pub(super) struct Pages {
    format: Format,
    zone: TimeZone,
    /// How the first rows of a table stand.
    layout: Option<Layout>,
    /// How many recordings were written.
    pub(super) count: usize,
}

impl Pages {
    pub(super) fn new(format: Format, zone: TimeZone) -> Self {
        Self { format, zone, layout: None, count: 0 }
    }

    /// Writes the next ones. False: the reader went away.
    pub(super) fn write(&mut self, page: &[Recording]) -> anyhow::Result<bool> {
        let text = self.text(page)?;
        Ok(write_more(&text)?)
    }

    /// The end of the list.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        write_more(self.end())?;
        Ok(())
    }

    fn text(&mut self, page: &[Recording]) -> anyhow::Result<String> {
        if page.is_empty() {
            return Ok(String::new());
        }
        let begins = self.count == 0;
        self.count += page.len();
        if self.format == Format::Text {
            let table = ls::table(page, &self.zone);
            return Ok(match &self.layout {
                Some(layout) => table.body(layout),
                None => {
                    self.layout = Some(table.layout(terminal_width()));
                    table.render()
                }
            });
        }
        let values = page.iter().map(ls::value).collect::<Result<Vec<_>, _>>()?;
        if self.format == Format::Yaml {
            return Ok(serde_yaml::to_string(&values)?);
        }
        let all = json(&values)?;
        let inner = all.strip_prefix("[\n").and_then(|all| all.strip_suffix("\n]")).unwrap_or_default();
        Ok(format!("{}{inner}", if begins { "[\n" } else { ",\n" }))
    }

    fn end(&self) -> &'static str {
        match (self.format, self.count) {
            (Format::Text, _) => "",
            (Format::Json, 0) => "[]\n",
            (Format::Json, _) => "\n]\n",
            (Format::Yaml, 0) => "[]\n",
            (Format::Yaml, _) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recordings(from: u64, count: u64) -> Vec<Recording> {
        let one = |n: u64| {
            let value = serde_json::json!({
                "id": format!("{n:08x}-7425-80de-944b-e07fc1f90ae7"), "kind": "exec", "user": "alice", "cluster": "prod",
                "namespace": "default", "pod": format!("web-{n}"), "command": ["sh"], "terminal": true, "stdin": false,
                "started": "2026-11-24T19:00:00Z", "state": "complete",
            });
            serde_json::from_value(value).unwrap()
        };
        (from..from + count).map(one).collect()
    }

    fn written(format: Format, pages: &[&[Recording]]) -> String {
        let mut list = Pages::new(format, TimeZone::UTC);
        let texts: String = pages.iter().map(|page| list.text(page).unwrap()).collect();
        texts + list.end()
    }

    #[test]
    fn pages_read_as_one_list() {
        let all = recordings(8, 5);
        for format in [Format::Json, Format::Yaml] {
            let whole = written(format, &[&all]);
            assert_eq!(written(format, &[&all[..2], &[], &all[2..]]), whole);
            let values: Vec<_> = all.iter().map(|one| ls::value(one).unwrap()).collect();
            let listed = crate::cli::output::Output::listed(format, &values, String::new).unwrap();
            assert_eq!(whole, listed.stdout);
            assert_eq!(written(format, &[&[]]), "[]\n");
        }
        let whole = written(Format::Text, &[&all]);
        assert_eq!(whole.lines().count(), 7);
        let parts = written(Format::Text, &[&all[..2], &all[2..]]);
        // The first page is narrower by a digit of a pod's name.
        let cells = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let without_dashes =
            |text: &str| cells(text).into_iter().filter(|cell| !cell.starts_with("--")).collect::<Vec<_>>();
        assert_eq!(without_dashes(&parts), without_dashes(&whole));
    }
}
