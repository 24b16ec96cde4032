//! The sizes of a person's terminal, as they come over the resize stream: one JSON object after another.
//!
//! Kubelets read them with Go's encoding/json, and so does this: members' names in any letters, other members ignored. A member
//! that stands twice, which another server could read otherwise, is refused.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};

/// The longest object, in bytes; one that kubectl sends has about 30.
const MAX_OBJECT: usize = 1024;

/// A terminal's size in characters. Whatever a client claims is passed on, zero as well as 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TerminalSize {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl<'de> Deserialize<'de> for TerminalSize {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = TerminalSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with Width and Height")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<TerminalSize, A::Error> {
        let (mut width, mut height) = (None, None);
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            let side = match &*name {
                name if name.eq_ignore_ascii_case("width") => &mut width,
                name if name.eq_ignore_ascii_case("height") => &mut height,
                _ => {
                    members.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if side.replace(members.next_value::<u16>()?).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(TerminalSize { width: width.unwrap_or(0), height: height.unwrap_or(0) })
    }
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

    /// Takes the next bytes and adds the sizes that they complete to `sizes`.
    ///
    /// # Errors
    /// The bytes are no terminal sizes. Those before the fault are in `sizes`; what comes later can't be trusted.
    pub fn feed(&mut self, bytes: &[u8], sizes: &mut Vec<TerminalSize>) -> Result<(), Error> {
        self.pending.extend_from_slice(bytes);
        let mut from = 0;
        let done = loop {
            let rest = &self.pending[from..];
            let blank = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
            from += blank;
            let rest = &rest[blank..];
            let Some(first) = rest.first() else { break Ok(()) };
            if *first != b'{' {
                break Err(Error::Malformed);
            }
            // Only of a whole object the parser's word does not depend on where its bytes are cut.
            let Some(length) = whole(&rest[..rest.len().min(MAX_OBJECT)]) else {
                break if rest.len() > MAX_OBJECT { Err(Error::TooLong) } else { Ok(()) };
            };
            let Ok(size) = serde_json::from_slice(&rest[..length]) else { break Err(Error::Malformed) };
            sizes.push(size);
            from += length;
        };
        self.pending.drain(..from);
        done
    }
}

/// The length of the object that begins here, once its closing brace is there.
fn whole(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut text, mut escaped) = (0_usize, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if text => escaped = true,
            b'"' => text = !text,
            b'{' if !text => depth += 1,
            b'}' if !text && depth <= 1 => return Some(at + 1),
            b'}' if !text => depth -= 1,
            _ => {}
        }
    }
    None
}

/// One size as a client writes it.
pub fn encode(size: TerminalSize) -> Vec<u8> {
    format!("{{\"Width\":{},\"Height\":{}}}\n", size.width, size.height).into_bytes()
}
