//! Ctrl-C, heard from the moment on that somebody begins to listen. (`tokio::signal::ctrl_c` begins when it is first waited
//! for, and until then the signal ends the process.)

use std::io;

/// Who listens for Ctrl-C. From the first one on the signal does not end this process any more.
pub(crate) struct Interrupt {
    #[cfg(unix)]
    signals: tokio::signal::unix::Signal,
    #[cfg(windows)]
    signals: tokio::signal::windows::CtrlC,
}

impl Interrupt {
    /// Begins to listen; inside a runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        let signals = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
        #[cfg(windows)]
        let signals = tokio::signal::windows::ctrl_c()?;
        Ok(Self { signals })
    }

    /// Waits for it.
    pub(crate) async fn came(&mut self) {
        if self.signals.recv().await.is_none() {
            // Nothing comes any more.
            std::future::pending::<()>().await;
        }
    }
}
