//! Tables for people: as wide as their cells, and on a terminal no wider than it.

use std::{
    borrow::Cow,
    io::{self, IsTerminal},
};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::text;

/// A table in Teleport's form: headers, a line of dashes, rows. Cells are cleaned of control characters.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Vec<String>>,
    /// Columns that are never cut.
    whole: Vec<usize>,
    /// Columns that are left out where there is no room for all, the first of them first.
    dispensable: Vec<usize>,
}

/// What a column needs at least to say something, where others can be left out for it.
const USEFUL: usize = 10;

impl Table {
    /// A table with these headers.
    pub fn new<const N: usize>(headers: [&str; N]) -> Self {
        let rows = vec![headers.map(str::to_owned).to_vec()];
        Self { rows, whole: vec![], dispensable: vec![] }
    }

    /// Names columns that are never cut, such as that of IDs.
    pub fn whole<const N: usize>(mut self, columns: [usize; N]) -> Self {
        self.whole = columns.to_vec();
        self
    }

    /// Names columns that a narrow terminal does without, the least important first.
    pub fn dispensable<const N: usize>(mut self, columns: [usize; N]) -> Self {
        self.dispensable = columns.to_vec();
        self
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.rows.push(cells.map(|cell| text::clean_line(cell).into_owned()).to_vec());
    }

    /// The text of the table: on a terminal as wide as that, elsewhere whole.
    pub fn render(&self) -> String {
        self.fitted(terminal_width())
    }

    /// The text of the table for a terminal with so many columns: what is too wide ends in `…`. The first column names
    /// things, so it is cut last; headers stay whole.
    pub fn fitted(&self, terminal: Option<usize>) -> String {
        let layout = self.layout(terminal);
        let dashes: Vec<String> = layout.columns.iter().map(|column| "-".repeat(column.width)).collect();
        layout.text([&self.rows[0], &dashes]) + &self.body(&layout)
    }

    /// The rows without their headers, as another table's are laid out.
    pub(crate) fn body(&self, layout: &Layout) -> String {
        layout.text(&self.rows[1..])
    }

    /// How the columns stand, for rows that come later too.
    pub(crate) fn layout(&self, terminal: Option<usize>) -> Layout {
        let natural = self.widths();
        let mut shown = vec![true; natural.len()];
        let widths = match terminal {
            Some(room) => {
                self.leave_out(&natural, room, &mut shown);
                self.narrowed(natural, room, &shown)
            }
            None => natural,
        };
        let cuts = |n| terminal.is_some() && !self.whole.contains(&n);
        let columns = widths.into_iter().zip(shown).enumerate();
        Layout {
            columns: columns.map(|(n, (width, shown))| Column { width, shown, cuts: cuts(n) }).collect(),
        }
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let of = |column| {
            self.rows.iter().filter_map(move |row| row.get(column)).map(|cell: &String| cell.width())
        };
        (0..columns).map(|column| of(column).max().unwrap_or(0)).collect()
    }

    /// Leaves out columns until the others have room enough to say something.
    fn leave_out(&self, natural: &[usize], room: usize, shown: &mut [bool]) {
        let needs = |n: usize| {
            let useful =
                if self.whole.contains(&n) { natural[n] } else { USEFUL.max(self.rows[0][n].width()) };
            natural[n].min(useful)
        };
        for column in &self.dispensable {
            let needed: usize = (0..natural.len()).filter(|n| shown[*n]).map(|n| needs(n) + 1).sum();
            if needed <= room + 1 {
                return;
            }
            shown[*column] = false;
        }
    }

    /// Widths that fit into `room`: the widest column gives first.
    fn narrowed(&self, mut widths: Vec<usize>, room: usize, shown: &[bool]) -> Vec<usize> {
        let least: Vec<usize> = self.rows[0].iter().map(|header| header.width()).collect();
        let used = |widths: &[usize]| {
            let shown = widths.iter().zip(shown).filter(|(_, shown)| **shown);
            shown.map(|(width, _)| width + 1).sum::<usize>().saturating_sub(1)
        };
        for first in [1, 0] {
            while used(&widths) > room {
                let gives = |i: &usize| shown[*i] && !self.whole.contains(i) && widths[*i] > least[*i];
                let can_give = (first..widths.len()).filter(gives);
                let Some(widest) = can_give.max_by_key(|i| widths[*i]) else { break };
                widths[widest] -= 1;
            }
        }
        widths
    }
}

/// How the columns of a table stand.
pub(crate) struct Layout {
    columns: Vec<Column>,
}

struct Column {
    width: usize,
    /// Whether there is room for it.
    shown: bool,
    /// Whether a cell that is too wide is cut; else it pushes the others.
    cuts: bool,
}

impl Layout {
    fn text<'a>(&self, rows: impl IntoIterator<Item = &'a Vec<String>>) -> String {
        let mut out = String::new();
        for row in rows {
            let mut line = String::new();
            for (cell, column) in row.iter().zip(&self.columns).filter(|(_, column)| column.shown) {
                let cell = if column.cuts { cut(cell, column.width) } else { cell.into() };
                line.push_str(&cell);
                line.extend(std::iter::repeat_n(' ', column.width.saturating_sub(cell.width()) + 1));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// A cell in so many columns.
fn cut(cell: &str, width: usize) -> Cow<'_, str> {
    if cell.width() <= width {
        return cell.into();
    }
    let mut out = String::new();
    for c in cell.chars() {
        if out.width() + c.width().unwrap_or(0) >= width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out.into()
}

/// The columns of the terminal that standard output goes to; none if it goes elsewhere.
pub(crate) fn terminal_width() -> Option<usize> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&out).ok()?;
    // A terminal that does not know its size says 0.
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up_and_are_cleaned() {
        let mut table = Table::new(["Cluster Name", "Status"]);
        table.row(["teleport.example.com", "online"]);
        table.row(["日本\u{1b}[31m", "x"]);
        insta::assert_snapshot!(table.fitted(None), @r"
        Cluster Name         Status
        -------------------- ------
        teleport.example.com online
        日本\u{1b}[31m       x
        ");
    }

    #[test]
    fn rows_that_come_later_are_laid_out_as_the_first_ones() {
        let mut first = Table::new(["Name", "State"]);
        first.row(["one", "up"]);
        let mut more = Table::new(["Name", "State"]);
        more.row(["a-longer-name", "down"]);
        more.row(["x", "up"]);
        let shown = |room| more.body(&first.layout(room));
        assert_eq!(shown(Some(40)), "a-l… down\nx    up\n");
        assert_eq!(shown(None), "a-longer-name down\nx    up\n");
    }

    #[test]
    fn a_narrow_terminal_has_fewer_columns_and_whole_ids() {
        let mut table =
            Table::new(["ID", "Started", "User", "Command", "State"]).whole([0, 1]).dispensable([4, 3, 2, 1]);
        table.row([
            "7d23f968",
            "2026-12-01 02:31:34",
            "alice",
            "sh -c 'echo hi; sleep 3; exit 3'",
            "complete, exit 3",
        ]);
        insta::assert_snapshot!(table.fitted(Some(60)), @r"
        ID       Started             User  Command      State
        -------- ------------------- ----- ------------ ------------
        7d23f968 2026-12-01 02:31:34 alice sh -c 'echo… complete, e…
        ");
        insta::assert_snapshot!(table.fitted(Some(40)), @r"
        ID       Started             User
        -------- ------------------- -----
        7d23f968 2026-12-01 02:31:34 alice
        ");
        for room in 1..120 {
            let shown = table.fitted(Some(room));
            assert!(shown.lines().last().unwrap().starts_with("7d23f968"), "{room}: {shown}");
            assert!(shown.lines().all(|line| line.width() <= room.max(8)), "{room}: {shown}");
        }
        assert_eq!(table.fitted(None).lines().next().unwrap().split_whitespace().count(), 5);
    }

    #[test]
    fn a_table_fits_its_terminal() {
        let mut table = Table::new(["Role", "Groups", "Rules"]);
        table.row(["administrators", "a-group, another-group, 日本語の長い名前", "role, user:list, create"]);
        table.row(["x", "y", "z"]);
        insta::assert_snapshot!(table.fitted(Some(40)), @r"
        Role           Groups       Rules
        -------------- ------------ ------------
        administrators a-group, an… role, user:…
        x              y            z
        ");
        let wide = |room| table.fitted(Some(room)).lines().map(|l| l.width()).max().unwrap();
        for room in 24..100 {
            assert!(wide(room) <= room, "{room}: {}", table.fitted(Some(room)));
        }
        assert_eq!(table.fitted(Some(200)), table.fitted(None));
        // Too narrow for the headers: they stay, and nothing breaks.
        assert!(table.fitted(Some(3)).starts_with("Role Groups Rules\n"));
    }
}
