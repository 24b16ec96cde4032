//! A list of recordings that is written as its pages come.

use jiff::tz::TimeZone;

use super::ls;
use crate::{
    cli::output::{Format, Layout, json, terminal_width, write_more},
    wire::recordings::Recording,
};

/// How many rows say how wide the columns of a table are. Live sessions come first, and are few.
const SAMPLE: usize = 50;

/// Writes a list.
pub(super) struct Pages {
    format: Format,
    zone: TimeZone,
    /// How the first rows of a table stand.
    layout: Option<Layout>,
    /// Rows of a table until there are enough of them to say how they stand.
    held: Vec<Recording>,
    /// How many recordings were written.
    pub(super) count: usize,
}

impl Pages {
    pub(super) fn new(format: Format, zone: TimeZone) -> Self {
        Self { format, zone, layout: None, held: vec![], count: 0 }
    }

    /// Writes the next ones. False: the reader went away.
    pub(super) fn write(&mut self, page: &[Recording]) -> anyhow::Result<bool> {
        let text = self.text(page)?;
        Ok(write_more(&text)?)
    }

    /// The end of the list.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        write_more(&self.end())?;
        Ok(())
    }

    fn text(&mut self, page: &[Recording]) -> anyhow::Result<String> {
        if page.is_empty() {
            return Ok(String::new());
        }
        let begins = self.count == 0;
        self.count += page.len();
        if self.format == Format::Text {
            return Ok(self.rows(page));
        }
        let values = page.iter().map(ls::value).collect::<Result<Vec<_>, _>>()?;
        if self.format == Format::Yaml {
            return Ok(serde_yaml::to_string(&values)?);
        }
        let all = json(&values)?;
        let inner = all.strip_prefix("[\n").and_then(|all| all.strip_suffix("\n]")).unwrap_or_default();
        Ok(format!("{}{inner}", if begins { "[\n" } else { ",\n" }))
    }

    fn rows(&mut self, page: &[Recording]) -> String {
        if let Some(layout) = &self.layout {
            return ls::table(page, &self.zone).body(layout);
        }
        self.held.extend_from_slice(page);
        if self.held.len() < SAMPLE { String::new() } else { self.first_rows() }
    }

    /// The beginning of a table, which says how all of it stands.
    fn first_rows(&mut self) -> String {
        let table = ls::table(&std::mem::take(&mut self.held), &self.zone);
        self.layout = Some(table.layout(terminal_width()));
        table.render()
    }

    fn end(&mut self) -> String {
        match (self.format, self.count) {
            (Format::Text, _) if self.held.is_empty() => "",
            (Format::Text, _) => return self.first_rows(),
            (Format::Json, 0) => "[]\n",
            (Format::Json, _) => "\n]\n",
            (Format::Yaml, 0) => "[]\n",
            (Format::Yaml, _) => "",
        }
        .to_owned()
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
        texts + &list.end()
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
        // Of a few live sessions nobody learns how wide the others are.
        let whole = written(Format::Text, &[&all]);
        assert_eq!(whole.lines().count(), 7);
        assert_eq!(written(Format::Text, &[&all[..2], &[], &all[2..]]), whole);
        assert_eq!(written(Format::Text, &[&[]]), "");
    }

    #[test]
    fn a_long_table_does_not_wait_for_its_end() {
        let all = recordings(0, SAMPLE as u64 + 3);
        let mut list = Pages::new(Format::Text, TimeZone::UTC);
        assert_eq!(list.text(&all[..2]).unwrap(), "");
        assert_eq!(list.text(&all[2..SAMPLE]).unwrap().lines().count(), SAMPLE + 2);
        assert_eq!(list.text(&all[SAMPLE..]).unwrap().lines().count(), 3);
        assert_eq!(list.end(), "");
    }
}
