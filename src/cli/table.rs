//! Tables for people: as wide as their cells, and on a terminal no wider than it.

use std::io::{self, IsTerminal};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::text;

/// Columns are not cut below this width.
const NARROWEST: usize = 8;

/// A table in Teleport's form: headers, a line of dashes, rows. Cells are cleaned of control characters.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headers.
    pub fn new<const N: usize>(headers: [&str; N]) -> Self {
        Self { rows: vec![headers.map(str::to_owned).to_vec()] }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.rows.push(cells.map(|cell| text::clean_line(cell).into_owned()).to_vec());
    }

    /// The text of the table. On a terminal the widest cells are cut with `…` until it fits; elsewhere nothing is cut.
    pub fn render(&self) -> String {
        self.render_within(terminal_width())
    }

    fn render_within(&self, width: Option<usize>) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows.iter().filter_map(|r| r.get(column)).map(|c| c.width()).max().unwrap_or(0)
            })
            .collect();
        if let Some(width) = width {
            fit(&mut widths, width);
        }
        let dashes: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
        let (head, body) = self.rows.split_at(1);
        let mut out = String::new();
        for row in head.iter().chain([&dashes]).chain(body) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let cell = cut(cell, *width);
                line.push_str(&cell);
                line.extend(std::iter::repeat_n(' ', (width + 1).saturating_sub(cell.width())));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// Makes the widest columns narrower until all of them and the spaces between them fit, as far as that goes.
fn fit(widths: &mut [usize], width: usize) {
    while widths.iter().sum::<usize>() + widths.len().saturating_sub(1) > width {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => return,
        }
    }
}

/// A cell of at most this width.
fn cut(cell: &str, width: usize) -> String {
    if cell.width() <= width {
        return cell.to_owned();
    }
    let (mut out, mut used) = (String::new(), 0);
    for c in cell.chars() {
        used += c.width().unwrap_or(0);
        if used + 1 > width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// The columns of the terminal that standard output is.
fn terminal_width() -> Option<usize> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    #[cfg(unix)]
    let columns = rustix::termios::tcgetwinsize(&stdout).ok().map(|size| usize::from(size.ws_col));
    #[cfg(not(unix))]
    let columns = None;
    columns.filter(|columns| *columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up_and_are_cleaned() {
        let mut table = Table::new(["Cluster Name", "Status"]);
        table.row(["teleport.example.com", "online"]);
        table.row(["日本\u{1b}[31m", "x"]);
        insta::assert_snapshot!(table.render_within(None), @r"
        Cluster Name         Status
        -------------------- ------
        teleport.example.com online
        日本\u{1b}[31m       x
        ");
    }

    #[test]
    fn tables_fit_a_terminal() {
        let mut table = Table::new(["Name", "Labels", "S"]);
        table.row(["short", "env=production,region=eu-central-1,team=payments", "*"]);
        table.row(["日本語日本語日本語日本語", "a=b", ""]);
        insta::assert_snapshot!(table.render_within(Some(30)), @"");
        for width in 1..80 {
            let text = table.render_within(Some(width));
            let widest = text.lines().map(UnicodeWidthStr::width).max().unwrap();
            assert!(widest <= width.max(8 + 1 + 8 + 1 + 1), "{width}: {text}");
        }
    }
}
