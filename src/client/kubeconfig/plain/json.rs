//! The part of the plain reader that reads JSON, as a whole file or as a value in a block mapping.

use serde_json::{Map, Value};

use super::super::tree::{Node, Shape};
use super::{Read, Reader};

impl Reader<'_> {
    /// JSON: braces and brackets, keys in quotes, scalars in quotes or of JSON.
    pub(super) fn flow(&mut self) -> Read {
        self.deeper()?;
        let start = self.at;
        let is_map = self.peek() == Some(b'{');
        let close = if is_map { b'}' } else { b']' };
        self.at += 1;
        let (mut map, mut pairs, mut values, mut items) = (Map::new(), Vec::new(), Vec::new(), Vec::new());
        self.flow_gap()?;
        while self.peek()? != close {
            if is_map {
                if self.peek() != Some(b'"') {
                    return None;
                }
                let (Value::String(key), key_node) = self.quoted()? else { return None };
                if self.peek() != Some(b':') || self.bytes.get(self.at + 1) != Some(&b' ') {
                    return None;
                }
                self.at += 1;
                self.blanks();
                let (value, node) = self.flow_value()?;
                if map.insert(key, value).is_some() {
                    return None;
                }
                pairs.push((key_node, node));
            } else {
                let (value, node) = self.flow_value()?;
                values.push(value);
                items.push(node);
            }
            self.flow_gap()?;
            match self.peek()? {
                b',' => {
                    self.at += 1;
                    self.flow_gap()?;
                    if self.peek() == Some(close) {
                        return None;
                    }
                }
                b if b == close => {}
                _ => return None,
            }
        }
        self.at += 1;
        self.depth -= 1;
        let (value, shape) = match is_map {
            true => (Value::Object(map), Shape::Map { flow: true, pairs }),
            false => (Value::Array(values), Shape::List { flow: true, items }),
        };
        Some((value, Node { start, end: self.at, shape }))
    }

    /// Blanks and line breaks between parts of JSON. Lines must be indented (below block mappings YAML wants that).
    fn flow_gap(&mut self) -> Option<()> {
        while matches!(self.peek(), Some(b' ' | b'\n')) {
            self.at += 1;
        }
        let starts_line = self.bytes[self.at - 1] == b'\n';
        (!starts_line || self.depth == 1 && matches!(self.peek(), Some(b'}'))).then_some(())
    }

    fn flow_value(&mut self) -> Read {
        match self.peek()? {
            b'"' => self.quoted(),
            b'{' | b'[' => self.flow(),
            b if b.is_ascii_alphanumeric() || b == b'-' => {
                let start = self.at;
                while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
                    self.at += 1;
                }
                matches!(self.peek(), Some(b',' | b' ' | b'\n' | b'}' | b']')).then_some(())?;
                let text = &self.text[start..self.at];
                // Anything but JSON's own words and numbers may go on after a blank.
                serde_json::from_str::<Value>(text).ok()?;
                self.scalar(start, text)
            }
            _ => None,
        }
    }
}
