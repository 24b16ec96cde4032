//! Changes to a text as spans: replaced bytes, added lines and dropped lines, applied in one go.

use std::ops::Range;

/// Changes to one text. Positions are those of the text before any change.
#[derive(Debug)]
pub(in crate::client) struct Patch<'t> {
    text: &'t str,
    eol: &'static str,
    edits: Vec<(Range<usize>, String)>,
    drops: Vec<Range<usize>>,
}

impl<'t> Patch<'t> {
    /// No change yet.
    pub(in crate::client) fn new(text: &'t str) -> Patch<'t> {
        let crlf = text.find('\n').is_some_and(|i| text.as_bytes().get(i.wrapping_sub(1)) == Some(&b'\r'));
        Patch { text, eol: if crlf { "\r\n" } else { "\n" }, edits: Vec::new(), drops: Vec::new() }
    }

    /// The file's line break.
    pub(in crate::client) fn eol(&self) -> &'static str {
        self.eol
    }

    /// Puts other text in place of some bytes.
    pub(in crate::client) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.edits.push((range, text.into()));
    }

    /// Adds lines before the line that starts at `at`, or at the end of the text. A text whose last line has no
    /// line break still has none afterwards.
    pub(in crate::client) fn add_lines(&mut self, at: usize, lines: &[String]) {
        let body = lines.join(self.eol);
        let open_end = at == self.text.len() && !self.text.is_empty() && !self.text.ends_with('\n');
        let text = if open_end { format!("{}{body}", self.eol) } else { format!("{body}{}", self.eol) };
        self.replace(at..at, text);
    }

    /// Takes away the lines in which these bytes stand.
    pub(in crate::client) fn drop_lines(&mut self, range: Range<usize>) {
        let start = line_start(self.text, range.start);
        self.drops.push(start..next_line(self.text, range.end));
    }

    /// Whether nothing changes.
    pub(in crate::client) fn is_empty(&self) -> bool {
        self.edits.is_empty() && self.drops.is_empty()
    }

    /// The text with all changes; none if two of them touch the same bytes.
    pub(in crate::client) fn apply(mut self) -> Option<String> {
        self.drops.sort_by_key(|r| r.start);
        let mut merged: Vec<Range<usize>> = Vec::new();
        for drop in self.drops {
            match merged.last_mut() {
                Some(last) if drop.start <= last.end => last.end = last.end.max(drop.end),
                _ => merged.push(drop),
            }
        }
        // The last line had no line break, so the line before it ends the text now, and ends it as openly.
        if let Some(last) =
            merged.last_mut().filter(|r| r.end == self.text.len() && !self.text.ends_with('\n'))
        {
            let before = &self.text[..last.start];
            let kept = before.strip_suffix("\r\n").or_else(|| before.strip_suffix('\n')).unwrap_or(before);
            last.start = kept.len();
        }
        let mut edits = self.edits;
        edits.extend(merged.into_iter().map(|range| (range, String::new())));
        edits.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = String::with_capacity(self.text.len() + 4096);
        let mut done = 0;
        for (range, text) in edits {
            out.push_str(self.text.get(done..range.start)?);
            out.push_str(&text);
            done = range.end;
        }
        out.push_str(self.text.get(done..)?);
        Some(out)
    }
}

/// The start of the line in which a byte stands.
pub(in crate::client) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |i| i + 1)
}

/// The start of the line after the one in which a node ends, or the end of the text. A node that holds its own
/// line break (a block scalar) ends where the next line starts.
pub(in crate::client) fn next_line(text: &str, end: usize) -> usize {
    if end > 0 && text.as_bytes().get(end - 1) == Some(&b'\n') {
        return end;
    }
    text[end..].find('\n').map_or(text.len(), |i| end + i + 1)
}

/// A carriage return that ends a line on its own, as only YAML still reads it.
pub(in crate::client) fn lone_return(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    text.match_indices('\r').map(|(i, _)| i).find(|i| bytes.get(i + 1) != Some(&b'\n'))
}

/// A range without the line breaks at its end.
pub(in crate::client) fn without_breaks(text: &str, range: Range<usize>) -> Range<usize> {
    let kept = text[range.clone()].trim_end_matches(['\n', '\r']).len();
    range.start..range.start + kept
}

/// The whitespace that a line starts with.
pub(in crate::client) fn leading(text: &str, at: usize) -> &str {
    let line = &text[line_start(text, at)..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Whether nothing but whitespace stands before a byte in its line.
pub(in crate::client) fn starts_line(text: &str, at: usize) -> bool {
    text[line_start(text, at)..at].trim_matches([' ', '\t']).is_empty()
}

/// The next byte from `at` that is neither whitespace nor part of a comment.
pub(in crate::client) fn skip_blank(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let mut i = at;
    while let Some(byte) = bytes.get(i) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => i += 1,
            b'#' => i = text[i..].find('\n').map_or(bytes.len(), |n| i + n),
            _ => break,
        }
    }
    i
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_end_stays_open() {
        let mut patch = Patch::new("a\r\nb");
        patch.add_lines(4, &["c".into(), "d".into()]);
        patch.add_lines(4, &["e".into()]);
        let text = patch.apply().unwrap();
        assert_eq!(text, "a\r\nb\r\nc\r\nd\r\ne");
        let mut patch = Patch::new(&text);
        patch.drop_lines(6..10);
        patch.drop_lines(12..13);
        assert_eq!(patch.apply().unwrap(), "a\r\nb");
    }

    #[test]
    fn overlapping_changes_are_refused() {
        let mut patch = Patch::new("abcdef");
        patch.replace(1..4, "x");
        patch.replace(3..5, "y");
        assert_eq!(patch.apply(), None);
    }
}
