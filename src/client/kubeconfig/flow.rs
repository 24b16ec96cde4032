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
    child: &Node,
) -> Option<(&'t str, &'t str)> {
    let open = parent?.start;
    let own = patch::line_start(text, child.start) > open && patch::starts_line(text, child.start);
    own.then(|| {
        let indent = patch::leading(text, child.start);
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
    let last = children.last().map(|r| Node { start: r.start, end: r.end, shape: super::tree::Shape::Alias });
    let lines = last.as_ref().and_then(|child| indentation(text, Some(parent), child));
    let at = last.as_ref().map_or(parent.start + 1, |child| child.end);
    let mut out = String::new();
    for (i, (key, value)) in new.enumerate() {
        if i > 0 || last.is_some() {
            out.push(',');
            match lines {
                Some((indent, _)) => out.push_str(&format!("{eol}{indent}")),
                None => out.push(' '),
            }
        }
        if let Some(key) = key {
            out.push_str(&format!("\"{key}\": "));
        }
        match lines {
            Some((indent, unit)) => out.push_str(&render::pretty(value, indent, unit, eol)),
            None => out.push_str(&render::json(value)),
        }
    }
    if !out.is_empty() {
        patch.replace(at..at, out);
    }
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
            // With the comma before it, so that one which ends the list stays, or stays away.
            if text[before.end..start].trim() == "," {
                patch.replace(before.end..end, "");
            } else {
                let comma = patch::skip_blank(text, before.end);
                patch.replace(comma..comma + 1, "");
                patch.replace(start..end, "");
            }
        } else {
            patch.replace(start..after_comma, "");
        }
    }
}
