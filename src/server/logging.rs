//! The gate's own logs, as text or JSON lines.

use std::{
    fs::OpenOptions,
    io::{self, IsTerminal},
    os::unix::fs::OpenOptionsExt,
    sync::Mutex,
};

use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, registry::Registry};

use super::config::{LogConfig, LogOutput};

type AnyLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Sends the logs of this process where the configuration says. A second call changes nothing.
pub fn start(config: &LogConfig) -> io::Result<()> {
    let layer = match &config.output {
        LogOutput::Stderr => layer(config.json, colours(io::stderr().is_terminal()), io::stderr),
        LogOutput::Stdout => layer(config.json, colours(io::stdout().is_terminal()), io::stdout),
        LogOutput::File(path) => {
            let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
            layer(config.json, false, Mutex::new(file))
        }
    };
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter(config.level)));
    // Tests start several gates in one process; the first one's logs are then everybody's.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

/// Libraries stay at warnings whatever the level is: some of them would write headers, and so secrets, at DEBUG.
fn filter(level: Level) -> Targets {
    let others = level.min(Level::WARN);
    Targets::new().with_default(others).with_target("jumpgate", LevelFilter::from_level(level))
}

fn colours(terminal: bool) -> bool {
    terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

fn layer<W>(json: bool, ansi: bool, writer: W) -> AnyLayer
where
    W: for<'w> fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(writer).with_ansi(ansi).with_target(false);
    if json { layer.json().flatten_event(true).boxed() } else { layer.boxed() }
}
