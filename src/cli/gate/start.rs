//! `jumpgate start`.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;

use crate::{
    cli::{
        Ctx,
        error::Failure,
        output::{self, Output},
    },
    server::{
        config::{Config, ConfigError},
        logging,
        start::{self, Bound, Signals},
    },
};

/// Start the gate
///
/// Serves until SIGTERM or Ctrl-C, then lets open streams finish (teleport.shutdown_timeout); a second signal ends at once.
/// SIGHUP reads the https files again. The addresses that are served go to standard output, one a line.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  jumpgate start --config jumpgate.yaml\n  \
    jumpgate configure > jumpgate.yaml   # a file to begin with")]
pub(in crate::cli) struct StartArgs {
    /// The configuration; see: jumpgate configure
    #[arg(short, long, value_name = "FILE", default_value = "/etc/jumpgate.yaml")]
    config: PathBuf,
}

impl StartArgs {
    pub(in crate::cli) fn run(self, ctx: &Ctx) -> anyhow::Result<Output> {
        let config = Config::load(&self.config).map_err(|error| match error {
            ConfigError::Read { .. } => anyhow::Error::from(
                Failure::new(error.to_string())
                    .hint("a file to begin with: jumpgate configure > jumpgate.yaml"),
            ),
            error => error.into(),
        })?;
        logging::start(&config.log).context("key teleport.log.output")?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let signals = Signals::new()?;
            let mut running = start::start(config).await?;
            for notice in &running.notices {
                ctx.console.status(&format!("note: {notice}"));
            }
            output::write_stdout(&addresses(&running.bound)).context("standard output")?;
            running.until_signal(signals).await;
            Ok(Output::nothing())
        })
    }
}

/// One line for each port.
fn addresses(bound: &Bound) -> String {
    let line = |name: &str, scheme: &str, addr: SocketAddr| format!("{name:<12} {scheme}://{addr}\n");
    let mut text = line("web", "https", bound.web) + &line("admin", "https", bound.admin);
    if let Some(kube) = bound.kube {
        text += &line("kube", "https", kube);
    }
    if let Some(diagnostics) = bound.diagnostics {
        text += &line("diagnostics", "http", diagnostics);
    }
    text
}
