//! Reads the YAML that tools write, in one pass: block lists and mappings, scalars on one line, JSON. It answers what
//! `serde_yaml` and [`super::tree::locate`] answer, several times faster, or nothing: whatever it does not know for
//! certain (anchors, tags, texts over several lines, errors) is theirs. Tests hold the two against each other.

mod json;
mod windows;

use serde_json::{Map, Value};

use super::tree::{Node, Quote, Shape, Tree, name_of};

/// Nesting beyond this is the other reader's.
const DEEPEST: usize = 32;

/// What a text says and where; nothing if it is not of the plain kind.
pub(super) fn read(text: &str) -> Option<(Value, Tree)> {
    if !is_usual(text) {
        return None;
    }
    if text.contains('\r') { windows::read(text) } else { lines(text) }
}

/// Whether a text has none of the characters that YAML refuses or breaks lines at, and no tab.
fn is_usual(text: &str) -> bool {
    let odd =
        |c| matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    let usual = |b: u8| (b >= b' ' && b != 0x7f) || b == b'\n' || b == b'\r';
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
            let dash = self.at;
            let (value, node) = self.block_value(column, false)?;
            // An item on lines of its own, or of no bytes, is rare.
            if node.is_nothing() || self.text[dash..node.start].contains('\n') {
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
        let start = if indented { first } else { items.first().map_or(end, |item: &Node| item.start) };
        Some((Value::Array(values), Node { start, end, shape: Shape::List { flow: false, items } }))
    }

    /// A scalar without quotes, up to a comment or to the end of the last line that is indented below this column.
    fn plain(&mut self, column: usize) -> Read {
        let start = self.at;
        let line = self.plain_line()?;
        let first = *line.as_bytes().first()?;
        let simple = first.is_ascii_alphanumeric()
            || b"/.~_$".contains(&first)
            || first == b'-' && line.len() > 1 && !line.starts_with("- ") && !line.starts_with("---");
        simple.then_some(())?;
        self.at += line.len();
        let end = self.at;
        let mut folded: Option<String> = None;
        while self.peek() == Some(b'\n') {
            let below = &self.text[self.at + 1..];
            let indent = below.len() - below.trim_start_matches(' ').len();
            if indent <= column || matches!(below.as_bytes().get(indent), None | Some(b'\n' | b'#')) {
                break;
            }
            self.at += 1 + indent;
            let more = self.plain_line()?;
            self.at += more.len();
            let text = folded.get_or_insert_with(|| line.to_owned());
            text.push(' ');
            text.push_str(more);
        }
        match folded {
            None => self.scalar(start, &self.text[start..end]),
            // Several words are no number, no date and nothing but text.
            Some(text) if first.is_ascii_alphabetic() => {
                let shape = Shape::Scalar { text: name_of(&text), quote: Quote::Plain };
                Some((Value::String(text), Node { start, end: self.at, shape }))
            }
            Some(_) => None,
        }
    }

    /// The rest of a line that belongs to a plain scalar; nothing if there is something of a mapping in it.
    fn plain_line(&self) -> Option<&'t str> {
        let rest = &self.text[self.at..];
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let line = line.split(" #").next().unwrap_or(line).trim_end_matches(' ');
        (line.is_ascii() && !line.contains(": ") && !line.ends_with(':')).then_some(line)
    }

    /// A scalar as YAML takes it.
    fn scalar(&self, start: usize, text: &str) -> Read {
        let shape = Shape::Scalar { text: name_of(text), quote: Quote::Plain };
        Some((resolve(text)?, Node { start, end: start + text.len(), shape }))
    }

    /// A scalar in quotes, on one line, with the escapes of JSON.
    fn quoted(&mut self) -> Read {
        let start = self.at;
        let rest = &self.text[start + 1..];
        let (text, len, quote) = if self.peek() == Some(b'\'') {
            let len = rest.find(['\'', '\n'])?;
            // A doubled quote stands for one.
            if rest.as_bytes().get(len + 1) == Some(&b'\'') || rest.as_bytes()[len] == b'\n' {
                return None;
            }
            (rest[..len].to_owned(), len, Quote::Single)
        } else {
            let mut len = rest.find(['"', '\\', '\n'])?;
            let mut escaped = false;
            while rest.as_bytes().get(len) == Some(&b'\\') {
                escaped = true;
                len += 2;
                len += rest.get(len..)?.find(['"', '\\', '\n'])?;
            }
            if rest.as_bytes().get(len) != Some(&b'"') {
                return None;
            }
            let text = match escaped {
                false => rest[..len].to_owned(),
                true => serde_json::from_str(&self.text[start..start + len + 2]).ok()?,
            };
            (text, len, Quote::Double)
        };
        if text.chars().any(|c| c.is_control() || ('\u{2028}'..='\u{2029}').contains(&c) || c >= '\u{fe00}') {
            return None;
        }
        self.at = start + len + 2;
        let shape = Shape::Scalar { text: name_of(&text), quote };
        Some((Value::String(text), Node { start, end: self.at, shape }))
    }
}

/// A plain scalar's value. What starts as a name and is no word of YAML's is text; of the rest `serde_yaml` decides.
fn resolve(text: &str) -> Option<Value> {
    const WORDS: [&str; 13] =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf", "infinity"];
    let first = *text.as_bytes().first()?;
    let word = || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    match text {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "null" => Some(Value::Null),
        _ if (first.is_ascii_alphabetic() || first == b'/') && (text.len() > 8 || !word()) => {
            Some(Value::String(text.to_owned()))
        }
        _ => serde_yaml::from_str(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_write_is_read() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kubeconfig");
        let read = |name: &str, line_end: &str| {
            let text = std::fs::read_to_string(folder.join(name)).unwrap().replace('\n', line_end);
            let (value, tree) =
                super::read(&text).unwrap_or_else(|| panic!("{name} is left to the other reader"));
            let want: Value = serde_yaml::from_str(&text).unwrap();
            assert_eq!(value, want, "{name}");
            assert_eq!(tree, crate::client::kubeconfig::tree::locate(&text).unwrap(), "{name}");
        };
        ["aks.yaml", "eks.yaml", "gke.yaml", "kind.yaml", "kubectl.yaml", "stock-tsh.yaml", "pretty.json"]
            .iter()
            .for_each(|name| ["\n", "\r\n"].iter().for_each(|line_end| read(name, line_end)));
    }

    #[test]
    fn what_is_not_plain_is_left_alone() {
        for text in [
            "a: b\u{0}c\n",
            "a: \u{7f}\n",
            "a: b\u{85}c\n",
            "# \u{2028}\na: b\n",
            "a: &x b",
            "a: *x",
            "a: !t b",
            "a: |\n  b\n",
            "a: b\n\n  c\n",
            "a: 'b\n  c'\n",
            "a: b\na: c\n",
            "<<: b\n",
            "---\na: b\n",
            "a: b\n...\n",
            "a: b: c\n",
            "a: b\n c: d\n",
            "a:\n   b: c\n  d: e\n",
            "? a\n: b\n",
            "a: \"\\x41\"\n",
            "a: 'it''s'\n",
            "{\"a\": 1, \"a\": 2}",
            "{\"a\": [1,]}",
            "{a: b}",
            "a:\tb",
            "a: b\r",
            "a: b\r\nc: d\n",
            "a: b\rc: d\r\n",
            "- a\n",
            "a: [b]\n",
            "a:\n- b\n c: d\n",
        ] {
            assert!(super::read(text).is_none(), "{text:?}");
        }
    }
}
