//! Reads the YAML that tools write, in one pass: block lists and mappings, scalars of the usual kinds, JSON. It answers what
//! `serde_yaml` and [`super::tree::locate`] answer, several times faster, or nothing: whatever it does not know for
//! certain is theirs. Tests hold the two against each other.
//!
//! This way go the files of kubectl, kind, k3s, gcloud, az, aws and Rancher (plain block style, JSON, Windows line breaks,
//! plain texts over several lines), and those of tools on js-yaml, which write long values behind `>-`. The other way go
//! anchors, aliases and merges, tags, several documents, quoted texts over several lines, JSON over several lines below a
//! key, blank or deeper lines behind `>`, tabs outside comments and JSON, and errors: written by hand, or small.

mod json;
mod literal;
mod scalar;
mod windows;

use serde_json::{Map, Value};

use super::tree::{Node, Quote, Shape, Tree};

/// Nesting beyond this is the other reader's.
const DEEPEST: usize = 32;

/// What a text says and where; nothing if it is not of the plain kind.
pub(super) fn read(text: &str) -> Option<(Value, Tree)> {
    if !is_usual(text) {
        return None;
    }
    if text.contains('\r') { windows::read(text) } else { lines(text) }
}

/// Whether a text has none of the characters that YAML refuses or breaks lines at. A tab is taken in comments alone, later.
fn is_usual(text: &str) -> bool {
    let odd =
        |c| matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    let usual = |b: u8| (b >= b' ' && b != 0x7f) || matches!(b, b'\n' | b'\r' | b'\t');
    text.bytes().all(usual) && (text.is_ascii() || !text.contains(odd))
}

/// The same for a text whose lines end as on Unix.
fn lines(text: &str) -> Option<(Value, Tree)> {
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, depth: 0 };
    reader.skip()?;
    if reader.bytes.get(reader.at).is_none() {
        return Some((Value::Null, Tree::default()));
    }
    let column = reader.column();
    let (value, node) = match reader.bytes[reader.at] {
        // A list is no kubeconfig, and what starts otherwise is an error or rare.
        b'{' => reader.flow()?,
        b if column == 0 && (b.is_ascii_alphabetic() || b == b'"' || b == b'\'') => reader.mapping(0)?,
        _ => return None,
    };
    reader.skip()?;
    (reader.at == text.len()).then_some((value, Tree { root: Some(node), closed: false }))
}

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    depth: usize,
}

type Read = Option<(Value, Node)>;

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The column of the position, for a position that only blanks stand before in its line.
    fn column(&self) -> usize {
        self.bytes[..self.at].iter().rev().take_while(|b| **b != b'\n').count()
    }

    fn blanks(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    /// Goes to the next byte that is neither blank nor comment. Document marks are the other reader's.
    fn skip(&mut self) -> Option<()> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n') => self.at += 1,
                Some(b'#') if self.at == 0 || matches!(self.bytes[self.at - 1], b' ' | b'\n') => {
                    self.end_line()
                }
                _ => break,
            }
        }
        let starts_line = self.at == 0 || self.bytes[self.at - 1] == b'\n';
        let marks = ["---", "...", "%"];
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if starts_line && marks.iter().any(|mark| rest.starts_with(mark.as_bytes())) {
            return None;
        }
        Some(())
    }

    fn end_line(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.find('\n').unwrap_or(rest.len());
    }

    /// Past blanks and a comment, to the end of the line; false if something else stands there.
    fn line_ends(&mut self) -> bool {
        let from = self.at;
        self.blanks();
        match self.peek() {
            None | Some(b'\n') => true,
            Some(b'#') if self.at > from => {
                self.end_line();
                true
            }
            _ => false,
        }
    }

    fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= DEEPEST).then_some(())
    }

    /// A block mapping whose first key stands here, at this column.
    fn mapping(&mut self, column: usize) -> Read {
        self.deeper()?;
        let (start, mut end) = (self.at, self.at);
        let (mut map, mut pairs) = (Map::new(), Vec::new());
        loop {
            let (key, key_node) = self.key()?;
            let (value, node) = self.block_value(column, true)?;
            end = if node.is_nothing() { key_node.end + 1 } else { node.end.max(end) };
            if map.insert(key, value).is_some() {
                return None;
            }
            pairs.push((key_node, node));
            if !self.next_at(column)? || self.bytes[self.at] == b'-' && self.is_dash() {
                break;
            }
        }
        self.depth -= 1;
        Some((Value::Object(map), Node { start, end, shape: Shape::Map { flow: false, pairs } }))
    }

    /// Goes to the next content and says whether it stands at this column; further right it would be an error.
    fn next_at(&mut self, column: usize) -> Option<bool> {
        self.skip()?;
        if self.peek().is_none() {
            return Some(false);
        }
        let found = self.column();
        (found <= column).then_some(found == column)
    }

    fn is_dash(&self) -> bool {
        self.peek() == Some(b'-') && matches!(self.bytes.get(self.at + 1), None | Some(b' ' | b'\n'))
    }

    /// A key of a block mapping, and its colon.
    fn key(&mut self) -> Option<(String, Node)> {
        let (key, node) = match self.peek()? {
            b'"' | b'\'' => self.quoted()?,
            b if b.is_ascii_alphabetic() || b == b'_' => {
                let start = self.at;
                let name = |b: &u8| b.is_ascii_alphanumeric() || b"-_./".contains(b);
                while self.bytes.get(self.at).is_some_and(name) {
                    self.at += 1;
                }
                self.scalar(start, &self.text[start..self.at])?
            }
            _ => return None,
        };
        let Value::String(key) = key else { return None };
        if self.peek() != Some(b':') || !matches!(self.bytes.get(self.at + 1), None | Some(b' ' | b'\n')) {
            return None;
        }
        self.at += 1;
        Some((key, node))
    }

    /// What follows a key's colon (`keyed`) or a dash, in a collection at this column.
    fn block_value(&mut self, column: usize, keyed: bool) -> Read {
        let before = self.at;
        self.blanks();
        match self.peek() {
            None | Some(b'\n') => {}
            Some(b'#') if self.at > before => {}
            Some(_) => return self.inline(column, keyed),
        }
        self.at = before;
        self.skip()?;
        let found = self.column();
        let below = self.peek().is_some() && (found > column || keyed && found == column && self.is_dash());
        if !below {
            let shape = Shape::Scalar { text: String::new(), quote: Quote::Plain };
            return Some((Value::Null, Node { start: before, end: before, shape }));
        }
        match self.bytes[self.at] {
            b'-' if self.is_dash() => self.list(found, found > column),
            b if keyed && (b.is_ascii_alphabetic() || b == b'_' || b == b'"' || b == b'\'') => {
                self.mapping(found)
            }
            _ => None,
        }
    }

    /// A value on the line of its key or dash.
    fn inline(&mut self, column: usize, keyed: bool) -> Read {
        let read = match self.peek()? {
            b'"' | b'\'' => {
                let start = self.at;
                let read = self.quoted()?;
                if !keyed && self.peek() == Some(b':') {
                    self.at = start;
                    let column = self.column();
                    return self.mapping(column);
                }
                read
            }
            b'{' | b'[' => {
                let start = self.at;
                let read = self.flow()?;
                (!self.text[start..self.at].contains('\n')).then_some(read)?
            }
            b'|' | b'>' => return self.literal(column),
            _ if !keyed && self.starts_pair() => {
                let column = self.column();
                return self.mapping(column);
            }
            _ => self.plain(column)?,
        };
        self.line_ends().then_some(())?;
        Some(read)
    }

    /// Whether a key and its colon stand here.
    fn starts_pair(&self) -> bool {
        let line = self.text[self.at..].split('\n').next().unwrap_or_default();
        line.ends_with(':') || line.contains(": ")
    }

    /// A block list whose first dash stands here, at this column; `indented` right of its key.
    fn list(&mut self, column: usize, indented: bool) -> Read {
        self.deeper()?;
        let first = self.at;
        let mut end = self.at;
        let (mut values, mut items) = (Vec::new(), Vec::new());
        loop {
            self.at += 1;
            let line = &self.text[self.at..];
            // An item on lines of its own, or of no bytes, is rare.
            if line.trim_start_matches(' ').starts_with(['\n', '#']) {
                return None;
            }
            let (value, node) = self.block_value(column, false)?;
            if node.is_nothing() {
                return None;
            }
            end = node.end.max(end);
            values.push(value);
            items.push(node);
            if !self.next_at(column)? || !self.is_dash() {
                break;
            }
        }
        self.depth -= 1;
        // As the other reader has it, a list that is not indented starts behind its first dash.
        let behind = &self.text[first + 1..];
        let blanks = behind.len() - behind.trim_start_matches(' ').len();
        let start = if indented { first } else { first + 1 + blanks };
        Some((Value::Array(values), Node { start, end, shape: Shape::List { flow: false, items } }))
    }
}

#[cfg(test)]
mod tests;
