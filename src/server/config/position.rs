//! Which key a place in a YAML text belongs to, by the text alone, since a parser's error has only line and column.

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
    use super::key_at;

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
}
