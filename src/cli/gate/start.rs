//! `jumpgate start`.

use std::path::PathBuf;

use anyhow::Context;

use crate::{
    cli::{
        Ctx,
        error::Failure,
        output::{self, Output},
    },
    server::{
        config::{Config, ConfigError, LogConfig, LogOutput},
        logging,
        start::{self, Bound, Signals},
    },
};

/// Start the gate
///
/// Serves until SIGTERM or Ctrl-C, then lets open streams finish (teleport.shutdown_timeout); a second signal ends at once.
/// SIGHUP reads the https files again. The addresses that are served go to standard output, one a line. With -v the log has
/// severity DEBUG, whatever the configuration says, and goes where the configuration says.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  jumpgate start --config jumpgate.yaml\n  jumpgate start   # with /etc/jumpgate.yaml\n  \
    jumpgate configure > jumpgate.yaml   # a file to begin with"
)]
pub(in crate::cli) struct StartArgs {
    /// The configuration; see: jumpgate configure
    #[arg(short, long, value_name = "FILE", default_value = "/etc/jumpgate.yaml")]
    config: PathBuf,
}

impl StartArgs {
    pub(in crate::cli) fn run(self, ctx: &Ctx, verbose: bool) -> anyhow::Result<Output> {
        let config = Config::load(&self.config).map_err(|error| match error {
            ConfigError::Read { .. } => anyhow::Error::from(
                Failure::new(error.to_string())
                    .hint("a file to begin with: jumpgate configure > jumpgate.yaml"),
            ),
            error => error.into(),
        })?;
        let mut log = config.log.clone();
        if verbose {
            log.level = log.level.max(tracing::Level::DEBUG);
        }
        logging::start(&log).context("key teleport.log.output")?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let signals = Signals::new()?;
            let mut running = start::start(config).await?;
            for notice in &running.notices {
                tell(ctx, &log, notice);
            }
            let lines = if log.json && log.output == LogOutput::Stdout { log_lines } else { addresses };
            output::write_stdout(&lines(&running.bound)).context("standard output")?;
            running.until_signal(signals).await;
            Ok(Output::nothing())
        })
    }
}

/// A notice goes to a person, or to whoever collects the lines of a log in JSON and has no use for one that is none.
fn tell(ctx: &Ctx, log: &LogConfig, notice: &str) {
    if log.json {
        tracing::warn!("{notice}");
    }
    if !log.json || matches!(log.output, LogOutput::File(_)) {
        ctx.console.status(&format!("note: {notice}"));
    }
}

/// The ports' names and addresses.
fn ports(bound: &Bound) -> Vec<(&'static str, String)> {
    let all = [
        ("web", "https", Some(bound.web)),
        ("admin", "https", Some(bound.admin)),
        ("kube", "https", bound.kube),
        ("diagnostics", "http", bound.diagnostics),
    ];
    let served =
        all.into_iter().filter_map(|(name, scheme, addr)| Some((name, format!("{scheme}://{}", addr?))));
    served.collect()
}

/// One line for each port.
fn addresses(bound: &Bound) -> String {
    ports(bound).into_iter().map(|(name, address)| format!("{name:<12} {address}\n")).collect()
}

/// The same as lines of a log in JSON, when that goes to standard output too. They are printed whatever `severity` is.
fn log_lines(bound: &Bound) -> String {
    let line = |(name, address)| {
        let now = jiff::Timestamp::now().to_string();
        let line = serde_json::json!({
            "timestamp": now, "level": "INFO", "message": "listening", "listener": name, "address": address,
        });
        format!("{line}\n")
    };
    ports(bound).into_iter().map(line).collect()
}
