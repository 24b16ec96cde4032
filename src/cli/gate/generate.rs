//! `jumpgate generate`: writes `completions/` and `man/` from the definitions of the commands. For the project's developers.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::{Generator, Shell};

use super::completions::with_names;
use crate::cli::{exit_codes, jumpgate, output::Output, tctl, tsh};

/// Write completions/ and man/ anew
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct GenerateArgs {
    /// The folder that holds both
    #[arg(long, value_name = "DIR", default_value = ".")]
    to: PathBuf,
}

impl GenerateArgs {
    pub(in crate::cli) fn run(self) -> anyhow::Result<Output> {
        for command in [tsh::Cli::command(), tctl::Cli::command(), jumpgate::Cli::command()] {
            completions(&self.to.join("completions"), &command)?;
            pages(&self.to.join("man"), command)?;
        }
        Ok(Output::nothing())
    }
}

fn completions(folder: &Path, command: &clap::Command) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let mut command = without_hidden(command);
        let name = command.get_name().to_owned();
        let path = folder.join(shell.file_name(&name));
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, name.clone(), &mut script);
        fs::write(path, with_names(shell, &name, &String::from_utf8(script)?))?;
    }
    Ok(())
}

/// The command as people see it: the scripts would offer hidden commands, too.
fn without_hidden(command: &clap::Command) -> clap::Command {
    let (hidden, shown): (Vec<_>, Vec<_>) =
        command.get_subcommands().cloned().partition(clap::Command::is_hide_set);
    if hidden.is_empty() {
        return command.clone();
    }
    // The only one that has any.
    let mut visible =
        clap::Command::new("jumpgate").version(env!("CARGO_PKG_VERSION")).args(command.get_arguments());
    if let Some(about) = command.get_about() {
        visible = visible.about(about.clone());
    }
    visible.subcommands(shown)
}

/// One page a command; those of `jumpgate tsh …` are the pages of `tsh …`.
fn pages(folder: &Path, command: clap::Command) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let name = command.get_name().to_owned();
    page(folder, &name, command)
}

fn page(folder: &Path, name: &str, mut command: clap::Command) -> anyhow::Result<()> {
    command =
        command.display_name(name.to_owned()).bin_name(name.replace("-", " ")).disable_help_subcommand(true);
    let path = name.replace('-', " ");
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (own_codes, help) = exit_codes::part(&path, &help);
    command = command.after_help(help);
    command.build();
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        if name == "jumpgate" && ["tsh", "tctl"].contains(&sub.get_name()) {
            let same = format!(".so man1/{}.1\n", sub.get_name());
            fs::write(folder.join(format!("{name}-{}.1", sub.get_name())), same)?;
            continue;
        }
        page(folder, &format!("{name}-{}", sub.get_name()), sub.clone())?;
    }
    let mut text = Vec::new();
    // The date of a build would make each one different.
    clap_mangen::Man::new(command.clone()).date("").render(&mut text)?;
    let text = with_synopsis(&String::from_utf8(text)?, &synopsis(&command));
    let text = examples_as_they_are(&text, &exit_status(&path, &own_codes)) + &environment(&command);
    fs::write(folder.join(format!("{name}.1")), text)?;
    Ok(())
}

/// How the command is written: its own options, those of every command, then what has no dash (man-pages(7)).
fn synopsis(command: &clap::Command) -> String {
    let mut own = vec![format!("\\fB{}\\fR", command.get_bin_name().unwrap_or(command.get_name()))];
    let (mut everywhere, mut behind) = (Vec::new(), Vec::new());
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let part = bracketed(arg);
        match (arg.is_positional(), arg.is_global_set()) {
            (true, _) => behind.push(part),
            (false, true) => everywhere.push(part),
            (false, false) => own.push(part),
        }
    }
    if command.has_subcommands() {
        behind.push("\\fICOMMAND\\fR".to_owned());
    }
    [own, everywhere, behind].concat().join(" ").replace('-', "\\-")
}

/// `[-f|--force]`, `[--config FILE]`, `FILE...`
fn bracketed(arg: &clap::Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default().iter();
    let mut value = names.map(|name| format!("\\fI{name}\\fR")).collect::<Vec<_>>().join(" ");
    if matches!(arg.get_action(), clap::ArgAction::Append)
        || arg.get_num_args().is_some_and(|n| n.max_values() > 1)
    {
        value.push_str("...");
    }
    let short = arg.get_short().map(|short| format!("\\fB-{short}\\fR"));
    let long = arg.get_long().map(|long| format!("\\fB--{long}\\fR"));
    let flag = short.into_iter().chain(long).collect::<Vec<_>>().join("|");
    let takes_value = arg.is_positional() || arg.get_action().takes_values();
    let text = match (flag.is_empty(), takes_value) {
        (true, _) => value,
        (false, true) => format!("{flag} {value}"),
        (false, false) => flag,
    };
    if arg.is_required_set() { text } else { format!("[{text}]") }
}

fn with_synopsis(page: &str, synopsis: &str) -> String {
    let Some((before, after)) = page.split_once(".SH SYNOPSIS\n") else { return page.to_owned() };
    let rest = after.find(".SH ").map_or("", |end| &after[end..]);
    format!("{before}.SH SYNOPSIS\n{synopsis}\n{rest}")
}

/// The variables that stand in for options. A page that lists them itself needs no second list.
fn environment(command: &clap::Command) -> String {
    let told = command.get_after_help().is_some_and(|help| help.to_string().contains("Environment:"));
    let named: Vec<String> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
        .filter_map(|arg| {
            let variable = arg.get_env()?.to_str()?;
            Some(format!(
                ".TP\n\\fB{variable}\\fR\nAs \\fB\\-\\-{}\\fR.\n",
                arg.get_long()?.replace('-', "\\-")
            ))
        })
        .collect();
    if told || named.is_empty() { String::new() } else { format!(".SH ENVIRONMENT\n{}", named.concat()) }
}

/// The exit codes: what the command says of its own, then those of the table that it says nothing of.
fn exit_status(path: &str, own: &str) -> String {
    let mut text = ".SH EXIT STATUS\n".to_owned();
    if !own.is_empty() {
        text.push_str(&format!(".nf\n{}\n.fi\n", escaped(own)));
    }
    let told: Vec<u8> =
        own.split(|c: char| !c.is_alphanumeric()).filter_map(|word| word.parse().ok()).collect();
    let is_program = !path.contains(' ');
    for code in exit_codes::of(path).filter(|code| !told.contains(&code.code)) {
        let means = if is_program { code.long } else { code.short };
        text.push_str(&format!(".TP\n\\fB{}\\fR\n{}\n", code.code, escaped(means)));
    }
    text
}

/// What roff would take for its own.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace("\n.", "\n\\&.")
}

/// The part behind a command's options holds examples: it gets that name, and its lines stay lines. Before it stand the exit codes.
fn examples_as_they_are(page: &str, exit_status: &str) -> String {
    let Some((before, after)) = page.split_once(".SH EXTRA\n") else { return format!("{page}{exit_status}") };
    let (examples, rest) =
        after.split_once(".SH ").map_or((after, String::new()), |(e, r)| (e, format!(".SH {r}")));
    format!("{before}{exit_status}.SH EXAMPLES\n.nf\n{}\n.fi\n{rest}", examples.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_do_not_see_is_not_offered() {
        let command = jumpgate::Cli::command();
        let names = |command: &clap::Command| -> Vec<String> {
            command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect()
        };
        assert!(names(&command).contains(&"generate".to_owned()));
        assert_eq!(names(&without_hidden(&command)), ["start", "configure", "demo", "tsh", "tctl"]);
        assert!(!command.clone().render_long_help().to_string().contains("generate"));
    }
}
