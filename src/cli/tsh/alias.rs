//! Commands of a person's own, from `aliases` in the settings file: the first word of the command line is replaced by the words
//! that it stands for. The name of a command that exists is never one, and an alias stands for such a command, so one look
//! is enough.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::{Command, Globals};
use crate::{
    cli::{Ctx, error::Failure},
    client::{profile::Home, settings_file::SettingsFile},
};

/// Replaces an alias. `first` is where the words begin, behind the program's name. Where a command stands that exists,
/// nothing is read.
pub(crate) fn expand(args: Vec<OsString>, first: usize) -> anyhow::Result<Vec<OsString>> {
    let Some(at) = command_at(&args, first) else { return Ok(args) };
    let Some(name) = args[at].to_str().filter(|name| !is_command(name)) else { return Ok(args) };
    let ctx = Ctx::of_process("tsh", false);
    let teleport_home = ctx.env.path("TELEPORT_HOME");
    // Without a home there are no settings, and clap says what is wrong with the word.
    let Ok(home) = (if teleport_home.is_some() { Ok(Default::default()) } else { ctx.home() }) else {
        return Ok(args);
    };
    let settings = SettingsFile::load(&Home::new(teleport_home, &home))?;
    let Some(meaning) = settings.aliases.get(name) else { return Ok(args) };
    let words = words(name, meaning).map_err(Failure::new)?;
    let mut expanded = args;
    expanded.splice(at..=at, words.into_iter().map(OsString::from));
    Ok(expanded)
}

/// Whether all aliases are such; the reason if one is not.
pub(crate) fn check(settings: &SettingsFile) -> Result<(), String> {
    settings.aliases.iter().try_for_each(|(name, meaning)| words(name, meaning).map(drop))
}

/// The words that an alias stands for.
fn words(name: &str, meaning: &str) -> Result<Vec<String>, String> {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        return Err(format!("an alias is called by letters, digits, `-` and `_`, unlike {name:?}"));
    }
    if is_command(name) {
        return Err(format!("the alias {name:?} has the name of a command of tsh"));
    }
    let words = split(meaning).ok_or_else(|| format!("a quote is left open in the alias {name:?}"))?;
    let all: Vec<OsString> = words.iter().map(OsString::from).collect();
    let command = command_at(&all, 0).and_then(|at| words.get(at));
    match command {
        Some(command) if is_command(command) => Ok(words),
        Some(command) => {
            Err(format!("the alias {name:?} stands for {command:?}, which is no command of tsh"))
        }
        None => Err(format!("the alias {name:?} stands for no command")),
    }
}

fn is_command(word: &str) -> bool {
    word == "help" || Command::has_subcommand(word)
}

/// Where the command stands: behind the options that may come before it.
fn command_at(args: &[OsString], first: usize) -> Option<usize> {
    let mut at = first;
    loop {
        let word = args.get(at)?.to_str()?;
        if !word.starts_with('-') {
            return Some(at);
        }
        at += if takes_next(word) { 2 } else { 1 };
    }
}

/// Whether the value of an option is the next word.
fn takes_next(option: &str) -> bool {
    let globals = Globals::augment_args(clap::Command::new("tsh"));
    globals.get_arguments().filter(|arg| arg.get_action().takes_values()).any(|arg| {
        let long = arg.get_long().is_some_and(|long| option.strip_prefix("--") == Some(long));
        let short = arg.get_short().is_some_and(|short| {
            option.strip_prefix('-').is_some_and(|rest| rest.len() == 1 && rest.starts_with(short))
        });
        long || short
    })
}

/// Splits a text into words as a shell does: spaces part them, quotes keep them together. None if a quote is left open.
fn split(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(chars.next()?),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_does() {
        let of = |text: &str| split(text).unwrap_or_else(|| vec!["?".into()]);
        assert_eq!(of("kube login  -n 'a b'"), ["kube", "login", "-n", "a b"]);
        assert_eq!(of(r#"a "b \" c" d\ e ''"#), ["a", "b \" c", "d e", ""]);
        assert_eq!(of(" "), Vec::<String>::new());
        assert_eq!((of("'a"), of("a\\")), (vec!["?".to_owned()], vec!["?".to_owned()]));
    }

    #[test]
    fn the_command_is_found_behind_options() {
        let at = |line: &str| command_at(&line.split(' ').map(OsString::from).collect::<Vec<_>>(), 1);
        assert_eq!(at("tsh k"), Some(1));
        assert_eq!(at("tsh --proxy gate:3080 -d --user=a -i file k x"), Some(7));
        assert_eq!(at("tsh --insecure"), None);
    }

    #[test]
    fn an_alias_stands_for_a_command_and_hides_none() {
        let check = |name: &str, meaning: &str| words(name, meaning).err().unwrap_or_default();
        assert_eq!(check("k", "--user=a kube login"), "");
        assert!(check("login", "status").contains("has the name of a command"));
        assert!(check("help", "status").contains("has the name of a command"));
        assert!(check("a", "b").contains("is no command of tsh"));
        assert!(check("a", "--debug").contains("stands for no command"));
        assert!(check("-a", "status").contains("is called by letters"));
        assert!(check("a", "status '").contains("left open"));
    }
}
