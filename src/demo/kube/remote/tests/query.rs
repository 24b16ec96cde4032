//! The query of exec, attach and port-forward, as an API server reads it.

use super::super::Streams;

/// The query, parsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query {
    /// The container; without one the pod's first is meant.
    pub(super) container: Option<String>,
    /// exec: the program and its arguments.
    pub(super) command: Vec<String>,
    /// exec and attach: the streams.
    pub(super) streams: Streams,
    /// port-forward over WebSocket channels: the pod's ports.
    pub(super) ports: Vec<u16>,
}

impl Query {
    /// Reads a query as an API server does: a flag is true unless it is absent, `false` or `0`.
    ///
    /// # Errors
    /// A sentence that names the port that is none.
    pub(super) fn parse(query: &str) -> Result<Self, String> {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let flag = !(value == "0" || value.eq_ignore_ascii_case("false"));
            match name.as_ref() {
                "container" => parsed.container = Some(value.into_owned()),
                "command" => parsed.command.push(value.into_owned()),
                "stdin" => parsed.streams.stdin = flag,
                "stdout" => parsed.streams.stdout = flag,
                "stderr" => parsed.streams.stderr = flag,
                "tty" => parsed.streams.tty = flag,
                "ports" => {
                    for text in value.split(',') {
                        let port = text.parse().ok().filter(|port| *port != 0);
                        parsed
                            .ports
                            .push(port.ok_or_else(|| format!("port {text:?} is not between 1 and 65535"))?);
                    }
                }
                _ => {}
            }
        }
        if parsed.streams.tty {
            parsed.streams.stderr = false;
        }
        Ok(parsed)
    }
}
