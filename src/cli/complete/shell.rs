//! How each shell says what is typed, and how it wants the answer.
//!
//! bash hands over its line and what it takes for ends of words: it parts `--proxy=HOST:PORT` into five words and puts an
//! answer in the place of the last of these. zsh and fish hand over the words themselves, the last cut off at the cursor.

use super::Candidate;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// What is typed, up to the cursor.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// The words, unquoted, from the program's name to the word at the cursor.
    pub(super) words: Vec<String>,
    /// For bash: how much of the last word stays as it is.
    kept: usize,
    /// For bash: the cursor is inside quotes.
    quoted: bool,
}

impl Shell {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "fish" => Some(Self::Fish),
            _ => None,
        }
    }

    /// bash: the ends of words (`COMP_WORDBREAKS`), the program as it is typed, the line up to the cursor. Others: the words.
    pub(super) fn read(self, args: &[String]) -> Option<Line> {
        match (self, args) {
            (Self::Bash, [breaks, program, line]) => {
                let mut line = parse(line, breaks);
                // What stands before the program (`A=b tsh …`) is no part of its words.
                let start = line.words.iter().position(|word| word == program)?;
                line.words.drain(..start);
                Some(line)
            }
            (Self::Bash, _) => None,
            // The word at the cursor is as it is typed, the others are not.
            (Self::Fish, [before @ .., cursor]) => {
                let cursor = parse(cursor, "").words.concat();
                Some(Line { words: [before, &[cursor]].concat(), ..Line::default() })
            }
            (_, words) => Some(Line { words: words.to_vec(), ..Line::default() }),
        }
    }

    /// One candidate a line. `option` is `--name=` where it is part of the word.
    pub(super) fn write(self, line: &Line, option: &str, found: &[Candidate]) -> String {
        let one = |candidate: &Candidate| {
            let Candidate { value, about } = candidate;
            let about = crate::model::text::clean_line(about);
            match self {
                Self::Bash => line.rest(&format!("{option}{value}")),
                Self::Zsh if about.is_empty() => escaped(&format!("{option}{value}"), &[':', '\\']),
                Self::Zsh => format!("{}:{about}", escaped(&format!("{option}{value}"), &[':', '\\'])),
                // fish parts option and value by itself.
                Self::Fish if about.is_empty() => value.clone(),
                Self::Fish => format!("{value}\t{about}"),
            }
        };
        found.iter().map(|candidate| one(candidate) + "\n").collect()
    }
}

impl Line {
    /// What bash is to put in the place of the part that it takes for the word.
    fn rest(&self, word: &str) -> String {
        let rest = word.get(self.kept..).unwrap_or_default();
        if self.quoted {
            return rest.to_owned();
        }
        let harmless = |c: char| c.is_alphanumeric() || !c.is_ascii() || "_@%+=:,./-".contains(c);
        let special: Vec<char> = rest.chars().filter(|c| !harmless(*c)).collect();
        escaped(rest, &special)
    }
}

fn escaped(text: &str, special: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Parts a line as a shell does, without expanding anything.
fn parse(line: &str, breaks: &str) -> Line {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let (mut quote, mut kept) = (None, 0);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"') | None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, '\'' | '"') => {
                quote = Some(c);
                kept = word.get_or_insert_default().len();
            }
            (None, c) if c.is_whitespace() => {
                words.extend(word.take());
                kept = 0;
            }
            (None, c) => {
                let word = word.get_or_insert_default();
                word.push(c);
                if breaks.contains(c) {
                    kept = word.len();
                }
            }
            (Some(_), c) => word.get_or_insert_default().push(c),
        }
    }
    words.push(word.unwrap_or_default());
    Line { words, kept, quoted: quote.is_some() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKS: &str = " \t\n\"'><=;|&(:";

    /// The words that bash's line holds, and what it gets for a value.
    fn bash(line: &str, option: &str, value: &str) -> (Vec<String>, String) {
        let line = Shell::Bash.read(&[BREAKS, "tsh", line].map(str::to_owned)).unwrap();
        let text = Shell::Bash.write(&line, option, &Candidate::plain([value]));
        (line.words, text.trim_end_matches('\n').to_owned())
    }

    #[test]
    fn bash_gets_what_it_takes_for_the_word() {
        let check = |line: &str, option: &str, value: &str, words: &[&str], want: &str| {
            let (found, text) = bash(line, option, value);
            assert_eq!(
                (found, text.as_str()),
                (words.iter().map(ToString::to_string).collect(), want),
                "{line}"
            );
        };
        check("tsh kube use ", "", "a b", &["tsh", "kube", "use", ""], r"a\ b");
        check(r"tsh kube use a\ ", "", "a b", &["tsh", "kube", "use", "a "], r"a\ b");
        check("tsh kube use 'a ", "", "a b", &["tsh", "kube", "use", "a "], "a b");
        check("tsh login --proxy=", "--proxy=", "gate:1", &["tsh", "login", "--proxy="], "gate:1");
        check("tsh login --proxy=gate:", "--proxy=", "gate:1", &["tsh", "login", "--proxy=gate:"], "1");
        check("A=b tsh kube use arn:a", "", "arn:aws:x", &["tsh", "kube", "use", "arn:a"], "aws:x");
        check(
            "tsh kube use $",
            "",
            "$(touch x)`y`;z",
            &["tsh", "kube", "use", "$"],
            r"\$\(touch\ x\)\`y\`\;z",
        );
        check("tsh kube use é", "", "éa", &["tsh", "kube", "use", "é"], "éa");
    }

    #[test]
    fn zsh_and_fish_get_words() {
        let line = |shell: Shell| shell.read(&["tsh".to_owned(), "--proxy=g".to_owned()]).unwrap();
        let found = [Candidate::new("gate:1", "alice"), Candidate::new(r"a\b", "")];
        let zsh = Shell::Zsh.write(&line(Shell::Zsh), "--proxy=", &found);
        assert_eq!(zsh, "--proxy=gate\\:1:alice\n--proxy=a\\\\b\n");
        let typed = ["tsh", "a b", r"'a\b c"].map(str::to_owned);
        assert_eq!(Shell::Fish.read(&typed).unwrap().words, ["tsh", "a b", r"a\b c"]);
        assert_eq!(Shell::Fish.write(&line(Shell::Fish), "--proxy=", &found), "gate:1\talice\na\\b\n");
    }
}
