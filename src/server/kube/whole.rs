//! Where the frames of a server end. A recorded session is passed on in whole frames, so that the gate can say its last word after
//! any of them; a client does nothing with a part of a frame anyway.

use super::farewell::Boundary;

/// Follows the frames of one direction.
pub(super) enum Whole {
    /// SPDY/3.1.
    Spdy(Frames),
    /// WebSocket, unmasked.
    WebSocket(Boundary),
    /// Nobody knows: all goes on as it comes.
    Unknown,
}

impl Whole {
    /// Takes the next bytes; the answer is how many of them end with the last whole frame in them.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> usize {
        match self {
            Self::Spdy(frames) => frames.feed(bytes),
            Self::WebSocket(boundary) => boundary.feed(bytes),
            Self::Unknown => bytes.len(),
        }
    }
}

/// SPDY frames: eight bytes, the last three of them the length of what follows.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; 8],
    filled: usize,
    payload: usize,
}

impl Frames {
    /// Whether the bytes so far end at the end of a frame.
    pub(super) fn is_between_frames(&self) -> bool {
        self.payload == 0 && self.filled == 0
    }

    /// Takes the next bytes; the answer is how many of them end with the last whole frame in them.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> usize {
        let (mut rest, mut whole) = (bytes, 0);
        while !rest.is_empty() {
            if self.payload > 0 {
                let skipped = self.payload.min(rest.len());
                self.payload -= skipped;
                rest = &rest[skipped..];
            } else {
                let taken = (self.head.len() - self.filled).min(rest.len());
                self.head[self.filled..self.filled + taken].copy_from_slice(&rest[..taken]);
                self.filled += taken;
                rest = &rest[taken..];
                if self.filled == self.head.len() {
                    let [.., a, b, c] = self.head;
                    self.payload = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                    self.filled = 0;
                }
            }
            if self.is_between_frames() {
                whole = bytes.len() - rest.len();
            }
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_frame_is_found_however_the_bytes_are_cut() {
        let frame = |length: usize| {
            let mut frame = vec![0, 0, 0, 1, 0, 0, (length >> 8) as u8, length as u8];
            frame.extend(vec![7; length]);
            frame
        };
        let all = [frame(0), frame(3), frame(300), frame(0)].concat();
        let ends = [8, 19, 327, 335];
        for step in 1..all.len() {
            let (mut frames, mut passed, mut seen) = (Frames::default(), 0, 0);
            for chunk in all.chunks(step) {
                let whole = frames.feed(chunk);
                if whole > 0 {
                    passed = seen + whole;
                }
                seen += chunk.len();
                let last = ends.iter().copied().filter(|end| *end <= seen).max().unwrap_or(0);
                assert_eq!(passed, last, "step {step}, {seen} bytes");
            }
        }
    }
}
