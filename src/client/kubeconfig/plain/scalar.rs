//! Scalars of the plain reader: without quotes, perhaps over several lines, and in quotes on one line.

use serde_json::Value;

use super::{Read, Reader};
use crate::client::kubeconfig::tree::{Node, Quote, Shape, name_of};

impl<'t> Reader<'t> {
    /// A scalar without quotes, up to a comment or to the end of the last line that is indented below this column.
    pub(super) fn plain(&mut self, column: usize) -> Read {
        let start = self.at;
        let line = self.plain_line()?;
        let first = *line.as_bytes().first()?;
        let simple = first.is_ascii_alphanumeric()
            || b"/.~_$+".contains(&first)
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
        (line.is_ascii() && !line.contains('\t') && !line.contains(": ") && !line.ends_with(':'))
            .then_some(line)
    }

    /// A scalar as YAML takes it.
    pub(super) fn scalar(&self, start: usize, text: &str) -> Read {
        let shape = Shape::Scalar { text: name_of(text), quote: Quote::Plain };
        Some((resolve(text)?, Node { start, end: start + text.len(), shape }))
    }

    /// A scalar in quotes, on one line, with the escapes of JSON.
    pub(super) fn quoted(&mut self) -> Read {
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
        if text.chars().any(is_odd) {
            return None;
        }
        self.at = start + len + 2;
        let shape = Shape::Scalar { text: name_of(&text), quote };
        Some((Value::String(text), Node { start, end: self.at, shape }))
    }
}

/// Characters that YAML treats in a way of its own, or that no tool writes.
pub(super) fn is_odd(c: char) -> bool {
    c.is_control() || ('\u{2028}'..='\u{2029}').contains(&c) || c >= '\u{fe00}'
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
