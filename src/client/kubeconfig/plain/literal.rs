//! Texts over several lines that keep them, `|`, or join them, `>`: some tools write scripts and hints in the one way, and
//! those that stand on js-yaml every certificate in the other.

use serde_json::Value;

use super::{Read, Reader, scalar::is_odd};
use crate::client::kubeconfig::tree::{Node, Quote, Shape, name_of};

impl Reader<'_> {
    /// Such a text, whose `|` or `>` stands here, in a collection at this column. Blank lines at its beginning and its end, an
    /// indentation that is told, and a last line without its end are the other reader's. So are, in one that joins lines,
    /// those that it would not join: blank and deeper ones.
    pub(super) fn literal(&mut self, column: usize) -> Read {
        let rest = &self.text[self.at..];
        let joins = rest.starts_with('>');
        let header = ["\n", "-\n", "+\n"].into_iter().find(|header| rest[1..].starts_with(header))?;
        self.at += 1 + header.len();
        let indent = self.indentation();
        // As the other reader has it, the node starts with its first character.
        let start = self.at + indent;
        if indent <= column {
            return None;
        }
        let (mut text, mut ends_blank) = (String::new(), false);
        while self.at < self.text.len() {
            let own = self.indentation();
            let line = &self.text[self.at + own..];
            let line = &line[..line.find('\n').unwrap_or(line.len())];
            let is_blank = line.is_empty();
            if own < indent && !is_blank {
                break;
            }
            // Blanks alone on a line, fewer or more than the others have.
            if is_blank && own > 0 {
                return None;
            }
            if joins && (is_blank || own > indent || line.ends_with(' ')) {
                return None;
            }
            let end = self.at + own + line.len();
            if self.text.as_bytes().get(end) != Some(&b'\n') {
                return None;
            }
            text.push_str(self.text.get(self.at + indent.min(own)..=end)?);
            ends_blank = is_blank;
            self.at = end + 1;
        }
        // What is indented less and still more than the collection is an error.
        if ends_blank || text.is_empty() || self.at < self.text.len() && self.indentation() > column {
            return None;
        }
        if text.chars().any(|c| c != '\n' && is_odd(c)) {
            return None;
        }
        if joins {
            text = text.trim_end_matches('\n').replace('\n', " ") + "\n";
        }
        if header == "-\n" {
            text.pop();
        }
        let shape = Shape::Scalar { text: name_of(&text), quote: Quote::Plain };
        // And it ends with the blanks of the line behind it.
        let end = self.at + self.indentation();
        Some((Value::String(text), Node { start, end, shape }))
    }

    /// How many blanks stand here.
    fn indentation(&self) -> usize {
        self.bytes[self.at..].iter().take_while(|b| **b == b' ').count()
    }
}
