//! Strict YAML: an unknown or repeated key, a wrong type or an alias bomb is an error with line and column.
//!
//! Errors never quote the file, since the lines around a mistake may hold a secret.

use serde::de::DeserializeOwned;

/// Where a document breaks and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct YamlError {
    /// Line in the whole text, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
    /// What is wrong, in one line.
    pub reason: String,
}

/// The most nodes a document from a person or the network may have; far above any real one, far below a bomb.
const MAX_NODES: usize = 50_000;

/// Reads one document.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    let options = serde_yaml::options! { budget: serde_yaml::budget! { max_nodes: MAX_NODES } };
    serde_yaml::from_str_with_options(text, options).map_err(|e| describe(&e))
}

/// Writes a value as Teleport's tools do: keys in alphabetical order, lists not indented. Every string that YAML 1.1
/// could read as something else is quoted.
pub fn write(value: &serde_json::Value) -> Result<String, YamlError> {
    let options = serde_yaml::ser_options! {
        compact_list_indent: true, prefer_block_scalars: false, folded_wrap_chars: usize::MAX, min_fold_chars: usize::MAX,
        no_lang_directive: true
    };
    let failed = |e: serde_yaml::SerializeError| YamlError { line: 0, column: 0, reason: e.to_string() };
    serde_yaml::to_string_with_options(&sorted(value), options).map_err(failed)
}

fn sorted(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// A document's text in its place: earlier lines are empty, so that positions in errors are those of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The text, padded at the top.
    pub text: String,
    /// Its first line in the file, from 1.
    pub first_line: usize,
}

/// Splits a text into its documents. `---` and `...` at the start of a line end a document wherever they stand
/// (YAML 1.2, c-forbidden), so this needs no parser. Documents with nothing but comments are left out.
pub fn documents(text: &str) -> Vec<Document> {
    let mut found = Vec::new();
    let mut start = 0;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut take = |from: usize, to: usize| {
        let body = &lines[from..to];
        let empty = body.iter().map(|l| l.trim()).all(|l| l.is_empty() || l.starts_with('#'));
        if !empty {
            let text = "\n".repeat(from) + &body.concat();
            found.push(Document { text, first_line: from + 1 });
        }
    };
    for (i, line) in lines.iter().enumerate() {
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        let marker = ["---", "..."].iter().find_map(|m| line.strip_prefix(m));
        if marker.is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with([' ', '\t'])) {
            take(start, i);
            start = i + 1;
        }
    }
    take(start, lines.len());
    found
}

/// What the library says in words of its own, in words of YAML.
fn plain(reason: &str) -> &str {
    match reason {
        "expected sequence start" => "a list belongs here, for example [a, b]",
        "expected string scalar" => "a text belongs here",
        "expected mapping start" => "keys with values belong here, for example {key: value}",
        // Its advice is for programmers.
        other => other.split(", set DuplicateKeyPolicy").next().unwrap_or(other),
    }
}

fn describe(error: &serde_yaml::Error) -> YamlError {
    let (line, column) = error.location().map_or((0, 0), |l| (l.line(), l.column()));
    let text = error.without_snippet().to_string();
    let first = text.lines().next().unwrap_or("not YAML").trim();
    // The library repeats the position in its own text.
    let reason = match first.find(" at line ").filter(|_| line > 0) {
        Some(end) => &first[..end],
        None => first,
    };
    let reason = match reason.split_once(": ") {
        Some((position, rest)) if position.starts_with("line ") => rest,
        _ => reason,
    };
    YamlError { line, column, reason: super::text::clean_line(plain(reason)).into_owned() }
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
