//! Items of flow collections (`[a, b]`, `{a: b}`, all of JSON): added at the end, taken away with their comma.

use std::ops::Range;

use serde_json::Value;

use super::patch::{self, Patch};
use super::render;
use super::tree::Node;

/// The indentation of a child that stands on a line of its own, and what a level adds; none when the collection is
/// written on one line.
pub(super) fn indentation<'t>(
    text: &'t str,
    parent: Option<&Node>,
    child: usize,
) -> Option<(&'t str, &'t str)> {
    let open = parent?.start;
    let own = patch::line_start(text, child) > open && patch::starts_line(text, child);
    own.then(|| {
        let indent = patch::leading(text, child);
        let unit = indent.strip_prefix(patch::leading(text, open)).filter(|unit| !unit.is_empty());
        (indent, unit.unwrap_or("  "))
    })
}

/// Adds items (or pairs, where there is a key) after the last child.
pub(super) fn append<'v>(
    patch: &mut Patch<'_>,
    text: &str,
    parent: &Node,
    children: &[Range<usize>],
    new: impl Iterator<Item = (Option<&'static str>, &'v Value)>,
) {
    let eol = patch.eol();
    let last = children.last();
    let lines = last.and_then(|child| indentation(text, Some(parent), child.start));
    let at = last.map_or(parent.start + 1, |child| child.end);
    let texts: Vec<String> = new
        .map(|(key, value)| {
            let key = key.map(|key| format!("\"{key}\": ")).unwrap_or_default();
            match lines {
                Some((indent, unit)) => key + &render::pretty(value, indent, unit, eol),
                None => key + &render::json(value),
            }
        })
        .collect();
    if texts.is_empty() {
        return;
    }
    let separator = lines.map_or(" ".to_owned(), |(indent, _)| format!("{eol}{indent}"));
    match lines.and_then(|_| commented(text, at)) {
        // A comment behind the last child stays behind it.
        Some((true, end)) => {
            let items: Vec<String> = texts.iter().map(|item| format!("{separator}{item},")).collect();
            patch.replace(end..end, items.concat());
        }
        Some((false, end)) => {
            patch.replace(at..at, ",");
            patch.replace(end..end, separator.clone() + &texts.join(&format!(",{separator}")));
        }
        None => {
            let first = if last.is_some() { format!(",{separator}") } else { String::new() };
            patch.replace(at..at, first + &texts.join(&format!(",{separator}")));
        }
    }
}

/// Whether the rest of a child's line is a comment, perhaps behind a comma, and where that line ends.
fn commented(text: &str, at: usize) -> Option<(bool, usize)> {
    let rest = text[at..].split('\n').next()?.trim_end_matches('\r');
    let behind = rest.trim_start().strip_prefix(',');
    let comment = behind.unwrap_or(rest).trim_start();
    comment.starts_with('#').then_some((behind.is_some(), at + rest.len()))
}

/// Takes children away, each with one comma, and leaves comments that may be about their neighbours.
pub(super) fn remove(patch: &mut Patch<'_>, text: &str, children: &[Range<usize>], gone: &[usize]) {
    let mut gone = gone.to_vec();
    gone.sort_unstable();
    gone.dedup();
    for run in gone.chunk_by(|a, b| a + 1 == *b) {
        let (Some(first), Some(last)) = (run.first().copied(), run.last().copied()) else { continue };
        let bounds = (children.get(first).map(|r| r.start), children.get(last).map(|r| r.end));
        let (Some(start), Some(end)) = bounds else { continue };
        let comma = patch::skip_blank(text, end);
        let after_comma = if text.as_bytes().get(comma) == Some(&b',') { comma + 1 } else { end };
        if last + 1 < children.len() {
            // With the comma behind it and the blanks up to the next child.
            let rest = &text[after_comma..];
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            patch.replace(start..after_comma + blanks, "");
        } else if let Some(before) = first.checked_sub(1).and_then(|i| children.get(i)) {
            let gap = &text[before.end..start];
            let kept = before.end + gap.trim_end().len();
            if gap.trim() == "," {
                // With the comma before it, so that one which ends the list stays, or stays away.
                patch.replace(before.end..end, "");
            } else if after_comma > end {
                patch.replace(kept..after_comma, "");
            } else {
                let comma = patch::skip_blank(text, before.end);
                patch.replace(comma..comma + 1, "");
                patch.replace(kept..end, "");
            }
        } else {
            patch.replace(start..after_comma, "");
        }
    }
}
