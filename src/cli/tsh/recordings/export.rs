//! `tsh recordings export`.

use std::{
    fs::OpenOptions,
    io::{BufWriter, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use anyhow::Context;

use super::{forms, gate};
use crate::cli::{
    Ctx, block_on,
    error::Failure,
    output::{Output, stream},
    tsh::Globals,
};

/// Arguments of `tsh recordings export`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tsh recordings export 7c9e6679 -o session.cast && asciinema play session.cast\n  tsh recordings export 7c9e6679 --format sealed -o session.jgr\n\nOther players show a cast as it was printed, control sequences and all; tsh play shows only its screen."
)]
pub(crate) struct ExportArgs {
    /// ID of a session (or how it begins), or a file
    #[arg(value_name = "ID|FILE")]
    what: String,
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    format: Form,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

/// The form of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Form {
    /// asciicast v2, which asciinema plays
    #[default]
    Cast,
    /// What was on the screen, line by line
    Text,
    /// One JSON object an event
    Json,
    /// As the gate keeps it, to verify later; needs --output
    Sealed,
}

impl ExportArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        if self.format == Form::Sealed && self.output.is_none() {
            return Err(Failure::usage("--format sealed needs a file: --output FILE").into());
        }
        let loaded = block_on(gate::load(&self.what, globals, ctx))?;
        let timeline = match self.format {
            Form::Sealed => None,
            _ => Some(gate::timeline(&loaded, false, ctx)?),
        };
        let write = |out: &mut dyn Write| match (&timeline, self.format) {
            (None, _) => out.write_all(&loaded.bytes),
            (Some(timeline), Form::Text) => forms::text(timeline, out),
            (Some(timeline), Form::Json) => forms::json_lines(timeline, out),
            (Some(timeline), _) => forms::cast(timeline, out),
        };
        let Some(file) = &self.output else {
            stream(write)?;
            return Ok(Output::nothing());
        };
        // What was on a screen may be secret.
        let mut options = OpenOptions::new();
        options.write(true).mode(0o600);
        if self.force {
            options.create(true).truncate(true)
        } else {
            options.create_new(true)
        };
        let opened = options.open(file);
        let shown = file.display();
        if opened.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists) {
            return Err(Failure::new(format!("{shown} is there already"))
                .hint("to write over it: --force")
                .into());
        }
        let mut out = BufWriter::new(opened.with_context(|| format!("cannot write {shown}"))?);
        write(&mut out)
            .and_then(|()| out.flush())
            .and_then(|()| out.get_ref().sync_all())
            .with_context(|| format!("cannot write {shown}"))?;
        ctx.console.status(&format!("The recording {} has been written to {shown}.", loaded.name));
        Ok(Output::nothing())
    }
}
