//! The viewer's terminal while a film plays: the alternate screen, keys as they are pressed, and all as before afterwards,
//! however the film ends.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    panic,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use rustix::{
    process::{Signal, getpgrp, getpid, kill_process},
    termios::{OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr},
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The alternate screen, without wrapping at its right edge.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?7l\x1b[2J";
/// The screen as it was.
const LEAVE: &[u8] = b"\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
/// The size of a terminal that does not know it.
const UNKNOWN: (u16, u16) = (80, 24);

/// A terminal in our hands. It is given back when dropped.
pub(super) struct Tty {
    file: File,
    before: Termios,
    keys: UnboundedReceiver<Vec<u8>>,
    stop: Arc<AtomicBool>,
    panicked: Arc<Mutex<Option<String>>>,
}

impl Tty {
    /// Takes the terminal of this process.
    pub(super) fn take() -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        if tcgetpgrp(&file)? != getpgrp() {
            return Err(io::Error::other("this process is in the background"));
        }
        let before = tcgetattr(&file)?;
        let stop = Arc::new(AtomicBool::new(false));
        let keys = read_keys(file.try_clone()?, stop.clone());
        let panicked = Arc::new(Mutex::new(None));
        let mut this = Self { file, before, keys, stop, panicked: panicked.clone() };
        // A message on the alternate screen would be gone with it; the emulator's own failures are caught and no message.
        panic::set_hook(Box::new(move |info| {
            *panicked.lock().unwrap_or_else(PoisonError::into_inner) = Some(info.to_string());
        }));
        this.enter()?;
        Ok(this)
    }

    fn enter(&mut self) -> io::Result<()> {
        let mut ours = self.before.clone();
        ours.make_raw();
        // A read comes back after a tenth of a second, with what there is.
        ours.special_codes[SpecialCodeIndex::VMIN] = 0;
        ours.special_codes[SpecialCodeIndex::VTIME] = 1;
        tcsetattr(&self.file, OptionalActions::Now, &ours)?;
        self.write(ENTER)
    }

    fn leave(&mut self) {
        // Nobody to tell when this fails.
        let _ = self.write(LEAVE);
        let _ = tcsetattr(&self.file, OptionalActions::Now, &self.before);
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> (u16, u16) {
        match tcgetwinsize(&self.file) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
            _ => UNKNOWN,
        }
    }

    /// Writes what a frame is made of.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).and_then(|()| self.file.flush())
    }

    /// The next bytes that were typed; none when the terminal is gone.
    pub(super) async fn typed(&mut self) -> Option<Vec<u8>> {
        self.keys.recv().await
    }

    /// Stops this process, as Ctrl-Z does, until somebody lets it go on.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        self.leave();
        kill_process(getpid(), Signal::STOP)?;
        self.enter()
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.leave();
        if thread::panicking() {
            let message = self.panicked.lock().unwrap_or_else(PoisonError::into_inner).take();
            // Nobody to tell when this fails.
            let _ = self.write(format!("{}\n", message.unwrap_or_default()).as_bytes());
        } else {
            drop(panic::take_hook());
        }
    }
}

/// Reads in a thread of its own until it shall stop.
fn read_keys(mut file: File, stop: Arc<AtomicBool>) -> UnboundedReceiver<Vec<u8>> {
    let (send, keys) = unbounded_channel();
    thread::spawn(move || {
        let mut chunk = [0; 256];
        while !stop.load(Ordering::Relaxed) {
            match file.read(&mut chunk) {
                Ok(0) => {}
                Ok(read) if send.send(chunk[..read].to_vec()).is_err() => return,
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // The terminal is gone.
                Err(_) => return,
            }
        }
    });
    keys
}
