//! `jumpgate generate`: writes `completions/` and `man/` from the definitions of the commands. For the project's developers.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::{jumpgate, output::Output, tctl, tsh};

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
        let mut command = command.clone();
        let name = command.get_name().to_owned();
        clap_complete::generate_to(shell, &mut command, name, folder)?;
    }
    Ok(())
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
    clap_mangen::Man::new(command).date("").render(&mut text)?;
    fs::write(folder.join(format!("{name}.1")), examples_as_they_are(&String::from_utf8(text)?))?;
    Ok(())
}

/// The part behind a command's options holds examples: it gets that name, and its lines stay lines.
fn examples_as_they_are(page: &str) -> String {
    let Some((before, after)) = page.split_once(".SH EXTRA\n") else { return page.to_owned() };
    let (examples, rest) =
        after.split_once(".SH ").map_or((after, String::new()), |(e, r)| (e, format!(".SH {r}")));
    format!("{before}.SH EXAMPLES\n.nf\n{}\n.fi\n{rest}", examples.trim_end())
}
