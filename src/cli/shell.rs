//! Text as a POSIX shell reads it: what a person copies from our lines into a terminal.

/// A text as one word of a shell; quoted only where it has to be.
pub(crate) fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:@,%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn a_shell_reads_it_back() {
        for plain in ["gate.example.com:3080", "--auth=github", "/home/a/.tsh", "--labels=a=b,c=d"] {
            assert_eq!(word(plain), plain);
        }
        assert_eq!(word("--proxy=[::1]:3080"), "'--proxy=[::1]:3080'");
        assert_eq!(word("a'$(id)"), r"'a'\''$(id)'");
        assert_eq!(word(""), "''");
    }
}
