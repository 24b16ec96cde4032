//! The sizes of a person's terminal, as they come over the resize stream: one JSON object after another.

use serde::{Deserialize, Serialize};

/// The most bytes of an unfinished object that are kept; a whole one has about 30.
const MAX_OBJECT: usize = 1024;

/// A terminal's size in characters. Whatever a client claims is passed on, zero as well as 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TerminalSize {
    /// Columns.
    #[serde(default)]
    pub width: u16,
    /// Rows.
    #[serde(default)]
    pub height: u16,
}

/// Why the resize stream can't be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It holds something else than objects with `Width` and `Height`.
    #[error("the resize stream holds something that is no terminal size")]
    Malformed,
    /// An object doesn't end.
    #[error("the resize stream holds an object longer than {MAX_OBJECT} bytes")]
    TooLong,
}

/// Reads a resize stream, however its bytes are cut.
#[derive(Debug, Default)]
pub struct Decoder {
    pending: Vec<u8>,
}

impl Decoder {
    /// A decoder for a stream of which nothing has been read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and gives back the sizes that they complete.
    ///
    /// # Errors
    /// The bytes are no terminal sizes. What comes later can't be trusted.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<TerminalSize>, Error> {
        self.pending.extend_from_slice(bytes);
        let mut sizes = Vec::new();
        let mut objects = serde_json::Deserializer::from_slice(&self.pending).into_iter::<TerminalSize>();
        let mut done = 0;
        loop {
            match objects.next() {
                Some(Ok(size)) => {
                    sizes.push(size);
                    done = objects.byte_offset();
                }
                Some(Err(error)) if error.is_eof() => break,
                Some(Err(_)) => return Err(Error::Malformed),
                None => {
                    done = self.pending.len();
                    break;
                }
            }
        }
        self.pending.drain(..done);
        if self.pending.len() > MAX_OBJECT { Err(Error::TooLong) } else { Ok(sizes) }
    }
}

/// One size as a client writes it.
pub fn encode(size: TerminalSize) -> Vec<u8> {
    format!("{{\"Width\":{},\"Height\":{}}}\n", size.width, size.height).into_bytes()
}
