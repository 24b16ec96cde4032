//! Which key a place in a YAML text belongs to, by the text alone, since a parser's error has only line and column; and the place
//! of a key in a text that parses.

use std::collections::HashMap;

use granit_parser::{Event, Parser};

/// Where the values of a text stand, by their keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(HashMap<String, (u64, u64)>);

/// A collection that is being read.
enum Open {
    Map { path: String, key: Option<String> },
    List { path: String },
}

impl Places {
    /// Of a text that the reader took; of any other, what stands before its mistake.
    pub(super) fn of(text: &str) -> Self {
        let mut places = HashMap::new();
        let mut open: Vec<Open> = Vec::new();
        for next in Parser::new_from_str(text) {
            let Ok((event, span)) = next else { break };
            let is_scalar = match &event {
                Event::Scalar(name, ..) => Some(name.to_string()),
                Event::MappingStart(..) | Event::SequenceStart(..) | Event::Alias(_) => None,
                Event::MappingEnd | Event::SequenceEnd => {
                    open.pop();
                    continue;
                }
                _ => continue,
            };
            // A list's items have the list's path.
            let path = match open.last_mut() {
                None => String::new(),
                Some(Open::List { path }) => path.clone(),
                Some(Open::Map { path, key }) => match (key.take(), is_scalar) {
                    (None, Some(name)) => {
                        let whole = if path.is_empty() { name } else { format!("{path}.{name}") };
                        *key = Some(whole);
                        continue;
                    }
                    (Some(key), _) => key,
                    (None, None) => path.clone(),
                },
            };
            let start = span.start;
            places.entry(path.clone()).or_insert((start.line() as u64, start.col() as u64 + 1));
            match event {
                Event::MappingStart(..) => open.push(Open::Map { path, key: None }),
                Event::SequenceStart(..) => open.push(Open::List { path }),
                _ => {}
            }
        }
        Self(places)
    }

    /// Line and column, from 1, of a key's value; of a key that is not there, of the section around it.
    pub(super) fn of_key(&self, key: &str) -> (u64, u64) {
        let mut path = key;
        loop {
            if let Some(place) = self.0.get(path) {
                return *place;
            }
            match path.rsplit_once('.') {
                Some((around, _)) => path = around,
                None => return (1, 1),
            }
        }
    }
}

/// The path of keys (joined by dots) at a line and column counted from 1; empty if there is none.
pub(super) fn key_at(text: &str, line: u64, column: u64) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let Some(index) = usize::try_from(line).ok().and_then(|l| l.checked_sub(1)).filter(|i| *i < lines.len())
    else {
        return String::new();
    };
    let at = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let mut path = keys_of(lines[index], at);
    let mut indent = indent_of(lines[index]);
    for above in lines[..index].iter().rev() {
        if above.trim().is_empty() || above.trim_start().starts_with('#') {
            continue;
        }
        let here = indent_of(above);
        let list_of_same_indent = here == indent && !above.trim_start().starts_with("- ");
        let in_list = path.is_empty() && list_of_same_indent;
        if (here < indent || in_list) && above.trim_end().ends_with(':') {
            let name = above.trim().trim_start_matches("- ").trim_end_matches(':');
            path.insert(0, name.to_owned());
            indent = here;
        }
        if indent == 0 && !in_list && here == 0 {
            break;
        }
    }
    path.join(".")
}

/// The keys of one line that stand around a column: the line's own, and in flow style those in open braces.
fn keys_of(line: &str, at: usize) -> Vec<String> {
    let mut path: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    let mut word = String::new();
    let mut chars = line.chars().enumerate().peekable();
    while let Some((i, c)) = chars.next() {
        let ends = chars.peek().is_none_or(|(_, next)| next.is_whitespace());
        match c {
            ':' if ends && !word.is_empty() => {
                path.truncate(depth);
                path.push(std::mem::take(&mut word));
            }
            '{' => depth = path.len(),
            '}' => depth = depth.saturating_sub(1),
            _ if c.is_alphanumeric() || c == '_' || c == '-' && !word.is_empty() => word.push(c),
            _ => word.clear(),
        }
        let key_goes_on = chars.peek().is_some_and(|(_, n)| n.is_alphanumeric() || "_:-".contains(*n));
        if i >= at && (!key_goes_on || word.is_empty()) {
            break;
        }
    }
    path
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ']).len()
}

#[cfg(test)]
mod tests {
    use super::{Places, key_at};

    const TEXT: &str = "# top\nteleport:\n  log: {output: stderr, severity: LOUD}\n  data_dir: [1]\n\nproxy_service:\n  # why\n  kubernetes:\n    lissen_addr: 1\n  public_addr:\n  - a b\n";

    #[test]
    fn keys_are_found_in_block_and_flow_style() {
        for (line, column, key) in [
            (3, 35, "teleport.log.severity"),
            (3, 17, "teleport.log.output"),
            (4, 13, "teleport.data_dir"),
            (9, 5, "proxy_service.kubernetes.lissen_addr"),
            (9, 18, "proxy_service.kubernetes.lissen_addr"),
            (11, 5, "proxy_service.public_addr"),
            (2, 1, "teleport"),
            (99, 1, ""),
            (0, 0, ""),
        ] {
            assert_eq!(key_at(TEXT, line, column), key, "{line}:{column}");
        }
    }

    #[test]
    fn values_are_found_by_their_keys() {
        let places = Places::of(TEXT);
        for (key, place) in [
            ("teleport.log.severity", (3, 35)),
            ("teleport.log", (3, 8)),
            ("teleport.data_dir", (4, 13)),
            ("proxy_service.kubernetes.lissen_addr", (9, 18)),
            ("proxy_service.kubernetes.context", (9, 5)),
            ("proxy_service.public_addr", (11, 5)),
            ("auth_service.listen_addr", (1, 1)),
        ] {
            assert_eq!(places.of_key(key), place, "{key}");
        }
        assert_eq!(Places::of("a: [").of_key("a"), (1, 4));
    }
}
