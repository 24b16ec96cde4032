//! Writes our own entries as YAML (as kubectl would) or JSON, and scalars so that every YAML reader agrees on them.

use serde_json::Value;

use super::tree::Quote;

/// How new text is laid out in a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style<'a> {
    /// The file's line break.
    pub(super) eol: &'a str,
    /// Lists stand two columns right of their key, not below it.
    pub(super) indented_lists: bool,
}

/// A value as lines of block YAML, without indentation and line breaks.
pub(super) fn block(value: &Value, style: Style<'_>) -> Vec<String> {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().flat_map(|(key, value)| pair(key, value, style)).collect()
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().flat_map(|item| prefixed("- ", "  ", block(item, style))).collect()
        }
        scalar => vec![inline(scalar)],
    }
}

/// A key and its value as lines of block YAML.
pub(super) fn pair(key: &str, value: &Value, style: Style<'_>) -> Vec<String> {
    let key = scalar(key, Quote::Plain);
    let indent = match value {
        Value::Object(map) if !map.is_empty() => "  ",
        Value::Array(items) if !items.is_empty() && style.indented_lists => "  ",
        Value::Array(items) if !items.is_empty() => "",
        _ => return vec![format!("{key}: {}", inline(value))],
    };
    let mut lines = vec![format!("{key}:")];
    lines.extend(prefixed(indent, indent, block(value, style)));
    lines
}

/// Puts `first` before the first line and `rest` before the others.
pub(super) fn prefixed(first: &str, rest: &str, lines: Vec<String>) -> Vec<String> {
    let put = |(i, line): (usize, String)| format!("{}{line}", if i == 0 { first } else { rest });
    lines.into_iter().enumerate().map(put).collect()
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text, Quote::Plain),
        other => json(other),
    }
}

/// A value as JSON on one line, spaced as people write it.
pub(super) fn json(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let pairs: Vec<String> =
                map.iter().map(|(k, v)| format!("{}: {}", scalar(k, Quote::Double), json(v))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(", ")),
        Value::String(text) => scalar(text, Quote::Double),
        other => other.to_string(),
    }
}

/// A value as JSON over several lines. The first line has no indentation; the others start with `indent`, and
/// each level adds `unit`.
pub(super) fn pretty(value: &Value, indent: &str, unit: &str, eol: &str) -> String {
    let inner = format!("{indent}{unit}");
    let lines = |children: Vec<String>, open: char, close: char| {
        let body = children.join(&format!(",{eol}{inner}"));
        format!("{open}{eol}{inner}{body}{eol}{indent}{close}")
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            let child = |(k, v): (&String, &Value)| {
                format!("{}: {}", scalar(k, Quote::Double), pretty(v, &inner, unit, eol))
            };
            lines(map.iter().map(child).collect(), '{', '}')
        }
        Value::Array(items) if !items.is_empty() => {
            lines(items.iter().map(|item| pretty(item, &inner, unit, eol)).collect(), '[', ']')
        }
        other => json(other),
    }
}

/// A string as a scalar, quoted as asked or as it must be.
pub(super) fn scalar(text: &str, quote: Quote) -> String {
    match quote {
        Quote::Plain if is_plain(text) => text.to_owned(),
        Quote::Single if !text.chars().any(needs_escape) => format!("'{}'", text.replace('\'', "''")),
        _ => double_quoted(text),
    }
}

/// Whether every YAML reader takes this for a string without quotes. Narrower than YAML: only shapes that our own
/// entries have.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"];
    let bytes = text.as_bytes();
    let Some(first) = bytes.first() else { return false };
    let starts = first.is_ascii_alphabetic() || *first == b'/';
    let inner = |(i, b): (usize, &u8)| match b {
        b':' => bytes.get(i + 1).is_some_and(|next| *next != b' '),
        b => b.is_ascii_alphanumeric() || b"._-/+=@".contains(b),
    };
    starts && bytes.iter().enumerate().all(inner) && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// Characters that a quoted scalar can't hold as themselves: controls, and what YAML 1.1 takes for a line break.
fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Double quotes with the escapes that YAML and JSON share.
fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if needs_escape(c) => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scalars_are_read_back_as_the_same_string() {
        let hard =
            ["", "yes", "No", "null", "~", "1", "1e3", "0x1f", "12:30:45", "a b", "a: b", "a #b", "- a", "é"];
        let more = [
            "\u{85}x",
            "a\nb",
            "'",
            "\"\\",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "a:",
            "2001-01-01",
            ".inf",
            "\u{7f}",
        ];
        for text in hard.into_iter().chain(more) {
            for quote in [Quote::Plain, Quote::Single, Quote::Double] {
                let yaml = format!("x: {}\n", scalar(text, quote));
                let read: Value = serde_yaml::from_str(&yaml).unwrap();
                assert_eq!(read["x"], json!(text), "{yaml}");
            }
            let quoted = scalar(text, Quote::Double);
            assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text, "{quoted}");
        }
        assert_eq!(scalar("https://a.example:3026", Quote::Plain), "https://a.example:3026");
        assert_eq!(scalar("--proxy=a", Quote::Plain), "\"--proxy=a\"");
    }

    #[test]
    fn blocks_look_as_kubectl_writes_them() {
        let value = json!([{"name": "a", "user": {"exec": {"args": ["kube", "x y"], "env": null, "e": {}}}}]);
        let style = Style { eol: "\n", indented_lists: false };
        let text = block(&value, style).join("\n");
        let want = "- name: a\n  user:\n    exec:\n      args:\n      - kube\n      - \"x y\"\n      env: null\n      e: {}";
        assert_eq!(text, want);
        let indented = block(&value, Style { indented_lists: true, ..style }).join("\n");
        assert!(indented.contains("args:\n        - kube"), "{indented}");
        for text in [text, indented, pretty(&value, "", "\t", "\r\n"), json(&value)] {
            assert_eq!(serde_yaml::from_str::<Value>(&text).unwrap(), value, "{text}");
        }
    }
}
