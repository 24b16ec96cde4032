//! Cleaning of texts that strangers send, before they reach a terminal, a log or a page.

use std::borrow::Cow;

/// Replaces control characters (but not `\n` and `\t`) and the invisible characters that turn text around by a visible `\u{..}`
/// form, so that a server's text can neither drive a terminal nor forge a line.
pub fn clean(text: &str) -> Cow<'_, str> {
    replace(text, |c| c == '\n' || c == '\t')
}

/// As [`clean`], for texts that must stay on one line.
pub fn clean_line(text: &str) -> Cow<'_, str> {
    replace(text, |_| false)
}

/// Cuts a text to at most `max` bytes at a character's border, with a visible mark of how much is missing.
pub fn truncate(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    let end = (0..=max).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    Cow::Owned(format!("{}… ({} bytes left out)", &text[..end], text.len() - end))
}

fn replace(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let unsafe_char = |c: char| !keep(c) && (c.is_control() || is_direction(c));
    if !text.contains(unsafe_char) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if unsafe_char(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Bidirectional overrides and isolates: they let a text show as something else than it is.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_do_not_reach_a_terminal() {
        assert_eq!(clean("a\u{1b}]52;c;x\u{7}b"), "a\\u{1b}]52;c;x\\u{7}b");
        assert_eq!(clean("two\nlines\tand a tab"), "two\nlines\tand a tab");
        assert_eq!(clean_line("two\nlines"), "two\\u{a}lines");
        assert_eq!(clean("c1 \u{9b}31m"), "c1 \\u{9b}31m");
    }

    #[test]
    fn cutting_never_splits_a_character() {
        assert_eq!(truncate("日本語", 4), "日… (6 bytes left out)");
        assert_eq!(truncate("abc", 3), "abc");
    }
}
