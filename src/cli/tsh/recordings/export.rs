//! `tsh recordings export`.

use std::{
    fs::OpenOptions,
    io::{self, BufWriter, ErrorKind, IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use jiff::Timestamp;

use super::{
    forms,
    gate::{self, Loaded},
    head,
};
use crate::{
    cli::{
        Ctx, block_on,
        error::Failure,
        output::{Output, stream},
        tsh::{Globals, zone::zone},
    },
    recording::timeline::Timeline,
};

/// Arguments of `tsh recordings export`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tsh recordings export 7c9e6679 -o session.cast && asciinema play session.cast\n  tsh recordings export 7c9e6679 -o session.txt\n  tsh recordings export 7c9e6679 --format sealed -o session.jgr\n\nOther players show a cast as it was printed, control sequences and all; tsh play shows only its screen. Of a session that goes on there is what there was so far."
)]
pub(crate) struct ExportArgs {
    /// ID of a session (or how it begins), or a file
    #[arg(value_name = "ID|FILE")]
    what: String,
    /// How to write it [default: as the end of FILE says (.cast, .txt, .json, .jgr), else cast]
    #[arg(short, long, value_enum)]
    format: Option<Form>,
    /// File to write; - is standard output [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

/// The form of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// asciicast v2, which asciinema plays
    Cast,
    /// Who, what, where and when, then what was on the screen, line by line
    Text,
    /// One JSON object an event
    Json,
    /// As the gate keeps it, to verify later; needs --output
    Sealed,
}

impl Form {
    /// What the end of a file's name says.
    fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "cast" => Some(Self::Cast),
            "txt" | "text" => Some(Self::Text),
            "json" | "jsonl" | "ndjson" => Some(Self::Json),
            "jgr" | "sealed" => Some(Self::Sealed),
            _ => None,
        }
    }
}

impl ExportArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let file = self.output.as_deref().filter(|file| *file != Path::new("-"));
        let form = self.format.or_else(|| file.and_then(Form::of)).unwrap_or(Form::Cast);
        if form == Form::Sealed && file.is_none() && (self.output.is_none() || io::stdout().is_terminal()) {
            return Err(Failure::usage("--format sealed needs a file: --output FILE").into());
        }
        let loaded = block_on(gate::load(&self.what, globals, ctx))?;
        let asked = Timestamp::now();
        let timeline = match form {
            Form::Sealed => None,
            _ => Some(gate::timeline(&loaded, false, ctx)?),
        };
        if loaded.goes_on() {
            ctx.console
                .status(&format!("The session {} goes on: this is what there is so far.", loaded.name));
        }
        let write = |out: &mut dyn Write| match (&timeline, form) {
            (None, _) => out.write_all(&loaded.bytes),
            (Some(timeline), Form::Text) => text(&loaded, timeline, asked, ctx, out),
            (Some(timeline), Form::Json) => {
                forms::json_lines(timeline, Duration::ZERO, loaded.goes_on(), out)
            }
            (Some(timeline), _) => forms::cast(timeline, loaded.goes_on(), out),
        };
        let Some(file) = file else {
            stream(write)?;
            return Ok(Output::nothing());
        };
        self.write(file, write)?;
        ctx.console.status(&format!("The recording {} has been written to {}.", loaded.name, file.display()));
        Ok(Output::nothing())
    }

    fn write(&self, file: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
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
        Ok(())
    }
}

fn text(
    loaded: &Loaded,
    timeline: &Timeline,
    asked: Timestamp,
    ctx: &Ctx,
    out: &mut dyn Write,
) -> io::Result<()> {
    let goes_on = loaded.goes_on().then_some(asked);
    head::write(timeline, loaded.known.as_ref(), goes_on, &zone(&ctx.env), out)?;
    forms::text(timeline, Duration::ZERO, out)
}
