//! Names behind the TAB key: clusters, contexts, profiles. The generated scripts know commands and options by themselves
//! and ask the program only for values: `tsh __complete SHELL …`.
//!
//! Such a call never prints an error and never asks a person anything. Exit code 0: the lines of standard output are all there is. Exit
//! code 1: nothing is known of this place, and the script does what it can on its own.

use std::ffi::OsString;

use super::{Ctx, Program, output::Output};

mod place;
mod shell;

pub use place::Place;
use shell::Shell;

/// The first word of such a call.
const WORD: &str = "__complete";

/// A word that can stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The whole value.
    pub value: String,
    /// What zsh and fish show beside it; may be empty.
    pub about: String,
}

impl Candidate {
    /// A value and what is said of it.
    pub fn new(value: impl Into<String>, about: impl Into<String>) -> Self {
        Self { value: value.into(), about: about.into() }
    }

    /// Values about which nothing is to be said.
    pub fn plain<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Vec<Self> {
        values.into_iter().map(|value| Self::new(value, "")).collect()
    }
}

/// What goes to standard output, with the exit code, if this command line is such a call.
pub(super) fn answer<P: Program>(args: &[OsString]) -> Option<Output> {
    if args.get(1).is_none_or(|word| word != WORD) {
        return None;
    }
    let ctx = Ctx::of_process(P::BINARY, false);
    Some(found::<P>(&args[2..], &ctx).unwrap_or_else(|| Output::nothing().with_code(1)))
}

fn found<P: Program>(args: &[OsString], ctx: &Ctx) -> Option<Output> {
    let args: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let (name, rest) = args.split_first()?;
    let shell = Shell::named(name)?;
    let line = shell.read(rest)?;
    let (cursor, before) = line.words.split_last()?;
    // An alias stands for words; what is typed just now may become anything.
    let before: Vec<OsString> = before.iter().map(OsString::from).collect();
    let before = P::expand(before.clone()).unwrap_or(before);
    let mut words: Vec<String> = before.into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
    words.push(cursor.clone());
    let mut command = P::command();
    command.build();
    let place = Place::find(&command, &words)?;
    let mut found = P::names(&place, ctx).or_else(|| place.possible_values())?;
    found.retain(|one| {
        one.value.starts_with(&place.value) && !one.value.is_empty() && !one.value.contains(char::is_control)
    });
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|one| seen.insert(one.value.clone()));
    Some(Output::text(shell.write(&line, &place.option, &found)))
}
