//! Where the cursor stands: in the value of an option or argument, or where a command is expected.

use std::collections::BTreeMap;

use clap::{Arg, Command};

use super::Candidate;

/// The place of the cursor on a command line.
#[derive(Debug, Clone)]
pub struct Place<'c> {
    /// The commands that were chosen, without the program's name.
    pub path: Vec<&'c str>,
    /// The innermost of them.
    pub command: &'c Command,
    /// The option or argument whose value is typed; none where a command or an option is.
    pub arg: Option<&'c Arg>,
    /// `--name=` where the option and its value are one word, else empty.
    pub option: String,
    /// What is typed of the value.
    pub value: String,
    /// The values given before, by the argument's id.
    pub given: BTreeMap<&'c str, Vec<String>>,
}

impl<'c> Place<'c> {
    /// Finds it. The words begin with the program's and end with the one at the cursor, which may be empty.
    pub fn find(program: &'c Command, words: &[String]) -> Option<Self> {
        let (cursor, before) = words.get(1..)?.split_last()?;
        let mut reader = Reader::new(program);
        before.iter().for_each(|word| reader.read(word));
        Some(reader.end(cursor))
    }

    /// The id of the argument, and empty where there is none.
    pub fn id(&self) -> &str {
        self.arg.map_or("", |arg| arg.get_id().as_str())
    }

    /// The last value that was given to an option.
    pub fn last(&self, id: &str) -> Option<String> {
        self.given.get(id)?.last().cloned()
    }

    /// The values that the definition of the argument names.
    pub(super) fn possible_values(&self) -> Option<Vec<Candidate>> {
        let values = self.arg?.get_possible_values();
        let shown = values.iter().filter(|value| !value.is_hide_set());
        let about = |value: &clap::builder::PossibleValue| {
            value.get_help().map(|help| help.to_string()).unwrap_or_default()
        };
        let found: Vec<_> = shown.map(|value| Candidate::new(value.get_name(), about(value))).collect();
        if found.is_empty() { None } else { Some(found) }
    }
}

/// What the words so far have said.
struct Reader<'c> {
    command: &'c Command,
    path: Vec<&'c str>,
    given: BTreeMap<&'c str, Vec<String>>,
    /// The option whose value is the next word.
    pending: Option<&'c Arg>,
    /// The index of the next positional argument.
    index: usize,
    /// `--` was read.
    escaped: bool,
}

impl<'c> Reader<'c> {
    fn new(command: &'c Command) -> Self {
        Self { command, path: vec![], given: BTreeMap::new(), pending: None, index: 1, escaped: false }
    }

    fn read(&mut self, word: &str) {
        if let Some(option) = self.pending.take() {
            self.give(option, word);
        } else if self.escaped {
            self.positional(word);
        } else if word == "--" {
            self.escaped = true;
        } else if let Some(long) = word.strip_prefix("--") {
            self.long(long);
        } else if let Some(short) = word.strip_prefix('-').filter(|short| !short.is_empty()) {
            self.short(short);
        } else if let Some(next) = self.command.find_subcommand(word) {
            (self.command, self.index) = (next, 1);
            self.path.push(next.get_name());
        } else {
            self.positional(word);
        }
    }

    fn end(self, cursor: &str) -> Place<'c> {
        let (mut arg, mut option, mut value) = (None, String::new(), cursor);
        if self.pending.is_some() {
            arg = self.pending;
        } else if let Some((name, rest)) = cursor.split_once('=')
            && let Some(long) = name.strip_prefix("--").filter(|_| !self.escaped)
        {
            arg = self.option(long).filter(|found| takes_value(found));
            (option, value) = (format!("{name}="), rest);
        } else if self.escaped || (!cursor.starts_with('-') && !self.command.has_subcommands()) {
            arg = self.next_positional();
        }
        Place {
            path: self.path,
            command: self.command,
            arg,
            option,
            value: value.to_owned(),
            given: self.given,
        }
    }

    fn long(&mut self, word: &str) {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let Some(option) = self.option(name) else { return };
        match value {
            Some(value) => self.give(option, value),
            None if takes_value(option) && !option.is_require_equals_set() => self.pending = Some(option),
            None => self.give(option, ""),
        }
    }

    /// `-n`, `-nVALUE`, or several flags in one word.
    fn short(&mut self, word: &str) {
        for (at, flag) in word.char_indices() {
            let known =
                |arg: &&Arg| arg.get_short_and_visible_aliases().is_some_and(|all| all.contains(&flag));
            let Some(option) = self.command.get_arguments().find(known) else { return };
            if !takes_value(option) {
                self.give(option, "");
                continue;
            }
            match &word[at + flag.len_utf8()..] {
                "" => self.pending = Some(option),
                value => self.give(option, value.strip_prefix('=').unwrap_or(value)),
            }
            return;
        }
    }

    fn positional(&mut self, word: &str) {
        let Some(arg) = self.next_positional() else { return };
        self.give(arg, word);
        if arg.get_num_args().is_none_or(|range| range.max_values() <= 1) {
            self.index += 1;
        }
    }

    fn next_positional(&self) -> Option<&'c Arg> {
        let mut all = self.command.get_positionals();
        if self.escaped
            && let Some(last) = self.command.get_positionals().find(|arg| arg.is_last_set())
        {
            return Some(last);
        }
        all.find(|arg| arg.get_index() == Some(self.index) && !arg.is_last_set())
    }

    fn option(&self, name: &str) -> Option<&'c Arg> {
        let known = |arg: &&Arg| arg.get_long_and_visible_aliases().is_some_and(|all| all.contains(&name));
        self.command.get_arguments().find(known)
    }

    fn give(&mut self, arg: &'c Arg, value: &str) {
        self.given.entry(arg.get_id().as_str()).or_default().push(value.to_owned());
    }
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// The path, the argument, what is typed of it.
    fn at(line: &str) -> (String, String, String) {
        let mut program = crate::cli::tsh::Cli::command();
        program.build();
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let place = Place::find(&program, &words).unwrap();
        (place.path.join(" "), place.id().to_owned(), place.value)
    }

    #[test]
    fn the_cursor_is_found() {
        let is = |line: &str, path: &str, id: &str, value: &str| {
            assert_eq!(at(line), (path.into(), id.into(), value.into()), "{line}");
        };
        is("tsh ", "", "", "");
        is("tsh kube lo", "kube", "", "lo");
        is("tsh kube login ", "kube login", "cluster", "");
        is("tsh kube login a ", "kube login", "", "");
        is("tsh kube login -n web st", "kube login", "cluster", "st");
        is("tsh kube login -nweb --keep-context st", "kube login", "cluster", "st");
        is("tsh kube login --namespace=web st", "kube login", "cluster", "st");
        is("tsh kube login -n ", "kube login", "namespace", "");
        is("tsh kube logout a b c", "kube logout", "names", "c");
        is("tsh --proxy ga", "", "proxy", "ga");
        is("tsh --proxy=ga", "", "proxy", "ga");
        is("tsh kube use --proxy gate:3080 x", "kube use", "name", "x");
        is("tsh -di file kube use x", "kube use", "name", "x");
        is("tsh kube use --pro", "kube use", "", "--pro");
        is("tsh kube use -- -x", "kube use", "name", "-x");
        is("tsh kube shell a -- ls", "kube shell", "command", "ls");
        is("tsh login --add-keys-to-agent te", "login", "cluster", "te");
        is("tsh keys move --to=", "keys move", "to", "");
        is("tsh no such --thing=x", "", "", "x");
    }

    #[test]
    fn what_was_given_before_is_known() {
        let mut program = crate::cli::tsh::Cli::command();
        program.build();
        let words = ["tsh", "--proxy=a:1", "kube", "logout", "x", "-d", "--proxy", "b:2", "y", ""];
        let place = Place::find(&program, &words.map(str::to_owned)).unwrap();
        assert_eq!(place.last("proxy").as_deref(), Some("b:2"));
        assert_eq!(place.given.get("names"), Some(&vec!["x".to_owned(), "y".to_owned()]));
    }
}
