//! Listens to an exec or attach on a copy of its bytes, and has what it hears written down before the bytes go on.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use super::{
    attached::Attached,
    counted::{Counted, NOTE_BYTES, NOTE_EVERY},
    farewell::Boundary,
    policy::Policy,
    whole::{Frames, Whole},
};
use crate::{
    model::text::{clean_line, truncate},
    recording::{
        What,
        event::{Direction, Stream},
    },
    server::recordings::{Ordered, Recorder},
    streams::{
        channels::{ExecProtocol, Role, status::Outcome, websocket::ChannelProtocol},
        exec::{Heard, Listener},
    },
};

/// How much of the input of a session without a terminal is kept, in bytes; of the rest the hash.
const MAX_INPUT: u64 = 1024 * 1024;
/// Why nothing is recorded of a stream whose protocol is new to the gate.
const UNKNOWN: &str = "the API server chose a stream protocol that the gate cannot follow";
/// The longest reason of a failure that is kept, in bytes.
const MAX_REASON: usize = 4096;
/// What a person reads whose stream is none that the gate can follow.
const UNHEARD: &str = "this session is recorded, and the gate cannot follow its stream: it was ended, so that nothing of it goes unrecorded";

/// The stream protocol of a session, as its 101 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Spdy(ExecProtocol),
    WebSocket(ChannelProtocol),
}

/// What listens.
struct Ear {
    /// Gone after bytes that are none of the protocol.
    listener: Option<Listener>,
    policy: Policy,
    /// How much input is kept so far.
    input: u64,
    rest: Counted,
    file: Counted,
    /// Bytes that nobody could listen to and that were not told of.
    unheard: u64,
    told_unheard: Option<Instant>,
    /// Why nobody listens.
    deaf: String,
    exit: Option<i32>,
    /// The stream of an attach has ended well.
    ended_well: bool,
}

impl Ear {
    fn new(listener: Option<Listener>, policy: Policy) -> Self {
        Self {
            listener,
            policy,
            input: 0,
            rest: Counted::default(),
            file: Counted::default(),
            unheard: 0,
            told_unheard: None,
            deaf: UNKNOWN.to_owned(),
            exit: None,
            ended_well: false,
        }
    }

    fn note(&mut self, heard: Vec<Heard>) -> Vec<What> {
        let mut events: Vec<What> = heard.into_iter().filter_map(|heard| self.note_one(heard)).collect();
        self.note_how_far(&mut events);
        events
    }

    /// Adds how far a copy or the rest of an input is, if that should be told now.
    fn note_how_far(&mut self, events: &mut Vec<What>) {
        let rest = self.rest.due().map(|(bytes, sha256)| What::InputRest { so_far: true, bytes, sha256 });
        let file = self.policy.copy.and_then(|direction| {
            let (bytes, sha256) = self.file.due()?;
            Some(What::File { so_far: true, direction, bytes, sha256 })
        });
        events.extend(rest.into_iter().chain(file));
    }

    /// Bytes came that nobody can listen to.
    fn miss(&mut self, bytes: usize) -> Vec<What> {
        self.unheard += bytes as u64;
        let recently = self.told_unheard.is_some_and(|told| told.elapsed() < NOTE_EVERY);
        if recently && self.unheard < NOTE_BYTES { vec![] } else { self.missed() }
    }

    fn missed(&mut self) -> Vec<What> {
        let bytes = std::mem::take(&mut self.unheard);
        if bytes == 0 {
            return vec![];
        }
        self.told_unheard = Some(Instant::now());
        vec![What::Lost { bytes, why: self.deaf.clone() }]
    }

    fn note_one(&mut self, heard: Heard) -> Option<What> {
        match heard {
            Heard::Bytes(Role::Stdin, bytes) => self.input(&bytes),
            Heard::Bytes(Role::Stderr, bytes) => Some(What::Bytes(Stream::Stderr, bytes.to_vec())),
            Heard::Bytes(_, bytes) if self.policy.copy == Some(Direction::Down) => {
                self.file.add(&bytes);
                None
            }
            Heard::Bytes(_, bytes) => Some(What::Bytes(Stream::Stdout, bytes.to_vec())),
            Heard::Resize(size) => Some(What::Resize { width: size.width, height: size.height }),
            Heard::Outcome(Outcome::Success) if self.policy.attach => {
                self.ended_well = true;
                None
            }
            Heard::Outcome(Outcome::Success) => Some(self.exit(0)),
            Heard::Outcome(Outcome::Exit { code, .. }) => Some(self.exit(code)),
            Heard::Outcome(Outcome::Failure { message }) => {
                Some(What::Failed(truncate(&clean_line(&message), MAX_REASON).into_owned()))
            }
        }
    }

    fn input(&mut self, bytes: &[u8]) -> Option<What> {
        if self.policy.copy == Some(Direction::Up) {
            self.file.add(bytes);
            return None;
        }
        if !self.policy.input {
            return None;
        }
        let left = usize::try_from(MAX_INPUT - self.input).unwrap_or(usize::MAX);
        let (kept, rest) = bytes.split_at(left.min(bytes.len()));
        self.input += kept.len() as u64;
        if !rest.is_empty() {
            self.rest.add(rest);
        }
        (!kept.is_empty()).then(|| What::Bytes(Stream::Stdin, kept.to_vec()))
    }

    fn exit(&mut self, code: i32) -> What {
        self.exit = Some(code);
        What::Exit(code)
    }

    fn finish(&mut self) -> Vec<What> {
        let mut heard = Vec::new();
        if let Some(listener) = &mut self.listener {
            listener.finish(&mut heard);
        }
        let mut events = self.note(heard);
        events.extend(self.missed());
        let rest = std::mem::take(&mut self.rest);
        if rest.bytes > 0 {
            let (bytes, sha256) = rest.finish();
            events.push(What::InputRest { so_far: false, bytes, sha256 });
        }
        if let Some(direction) = self.policy.copy {
            let (bytes, sha256) = std::mem::take(&mut self.file).finish();
            events.push(What::File { so_far: false, direction, bytes, sha256 });
        }
        events
    }
}

/// Listens and records.
pub(super) struct Tap {
    ear: Mutex<Ear>,
    recorder: Recorder,
    protocol: Option<Protocol>,
}

impl Tap {
    /// Without a protocol nobody can listen: what passes is counted as lost.
    pub(super) fn new(protocol: Option<Protocol>, policy: Policy, recorder: Recorder) -> Self {
        let listener = protocol.map(|protocol| match protocol {
            Protocol::Spdy(protocol) => Listener::spdy(protocol),
            Protocol::WebSocket(protocol) => Listener::websocket(protocol),
        });
        Self { ear: Mutex::new(Ear::new(listener, policy)), recorder, protocol }
    }

    /// Has it written down each minute how far a copy or the rest of an input is, also while nothing comes.
    pub(super) async fn keep_noting(&self) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(NOTE_EVERY).await;
            let mut events = Vec::new();
            lock(&self.ear).note_how_far(&mut events);
            // Whoever must know that it cannot be written is told by the recorder.
            let _ = self.recorder.record(events).await;
        }
    }

    /// Where the server's frames end.
    pub(super) fn whole(&self) -> Whole {
        match self.protocol {
            Some(Protocol::Spdy(_)) => Whole::Spdy(Frames::default()),
            Some(Protocol::WebSocket(_)) => Whole::WebSocket(Boundary::default()),
            None => Whole::Unknown,
        }
    }

    /// Has what a client sent written down.
    ///
    /// # Errors
    /// The bytes must not go on: the session is being ended.
    pub(super) async fn client(&self, bytes: &[u8]) -> Result<(), Stopped> {
        let events = self.hear(bytes, Listener::client)?;
        self.recorder.record(events).await.map_err(|_| Stopped)
    }

    /// Has what the server sent on its way to the spool; it may go on once it is [`written`](Ordered::written).
    ///
    /// # Errors
    /// The bytes must not go on: the session is being ended.
    pub(super) async fn server(&self, bytes: &[u8]) -> Result<Ordered<'_>, Stopped> {
        let events = self.hear(bytes, Listener::server)?;
        Ok(self.recorder.order(events).await)
    }

    /// Waits until the session must end for its recording's sake; the sentence for the person.
    pub(super) fn killed(&self) -> impl Future<Output = String> + use<> {
        self.recorder.killed()
    }

    /// The session is over; why, if the gate ended it. The answer is the command's exit code, if it was told, by the stream or by
    /// the pod that was attached to.
    pub(super) async fn finish(self, reason: Option<String>, attached: Option<&Attached>) -> Option<i32> {
        let (mut events, mut exit, ended_well) = {
            let mut ear = lock(&self.ear);
            let events = ear.finish();
            (events, ear.exit, ear.ended_well)
        };
        if let (None, None, Some(attached), true) = (&reason, exit, attached, ended_well) {
            exit = attached.exit().await;
            events.extend(exit.map(What::Exit));
        }
        self.recorder.finish(reason, events).await;
        exit
    }

    fn hear<E: std::fmt::Display>(
        &self,
        bytes: &[u8],
        listen: impl FnOnce(&mut Listener, &[u8], &mut Vec<Heard>) -> Result<(), E>,
    ) -> Result<Vec<What>, Stopped> {
        let mut ear = lock(&self.ear);
        let Some(listener) = &mut ear.listener else {
            return Ok(ear.miss(bytes.len()));
        };
        let mut heard = Vec::new();
        let listened = listen(listener, bytes, &mut heard);
        let mut events = ear.note(heard);
        if let Err(error) = listened {
            tracing::warn!(%error, "a stream cannot be followed");
            ear.listener = None;
            if self.recorder.is_strict() {
                self.recorder.stop(UNHEARD.to_owned());
                return Err(Stopped);
            }
            ear.deaf = error.to_string();
            events.extend(ear.miss(bytes.len()));
        }
        Ok(events)
    }
}

/// The session is being ended for its recording's sake; [`Tap::killed`] says why.
#[derive(Debug)]
pub(super) struct Stopped;

/// The lock is never held across a wait.
fn lock(ear: &Mutex<Ear>) -> std::sync::MutexGuard<'_, Ear> {
    ear.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use ring::digest::{Context, SHA256};

    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn ear(policy: Policy) -> Ear {
        Ear::new(None, policy)
    }

    #[test]
    fn input_without_a_terminal_is_kept_to_a_mebibyte_and_then_hashed() {
        let mut ear = ear(Policy::new(false, false, &words("sh")));
        let stdin = |bytes: &[u8]| Heard::Bytes(Role::Stdin, bytes.to_vec().into());
        let first = ear.note(vec![stdin(&vec![b'a'; 1024 * 1024 - 2]), stdin(b"bcde"), stdin(b"f")]);
        assert_eq!(first[1], What::Bytes(Stream::Stdin, b"bc".to_vec()));
        assert_eq!(first.len(), 2);
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(ring::digest::digest(&SHA256, b"def").as_ref());
        assert_eq!(ear.finish(), [What::InputRest { so_far: false, bytes: 3, sha256 }]);
    }

    #[test]
    fn how_far_a_copy_is_stands_on_record_while_it_goes_on() {
        let mut ear = ear(Policy::new(false, false, &words("tar -xmf - -C /tmp")));
        let chunk = vec![b'x'; 32 * 1024];
        let (mut all, mut notes) = (Context::new(&SHA256), Vec::new());
        for n in 1..=2048_u64 {
            all.update(&chunk);
            for what in ear.note(vec![Heard::Bytes(Role::Stdin, chunk.clone().into())]) {
                let What::File { so_far: true, direction: Direction::Up, bytes, sha256 } = what else {
                    panic!()
                };
                assert_eq!(bytes, n * 32 * 1024);
                assert_eq!(sha256, all.clone().finish().as_ref());
                notes.push(bytes / 1024);
            }
        }
        assert_eq!(notes, [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 49152, 65536]);
        // After a minute, however little came.
        ear.note(vec![Heard::Bytes(Role::Stdin, bytes::Bytes::from_static(b"y"))]);
        ear.file.noted_at -= NOTE_EVERY;
        let mut events = Vec::new();
        ear.note_how_far(&mut events);
        ear.note_how_far(&mut events);
        assert_eq!(events.len(), 1);
        assert!(
            matches!(ear.finish()[..], [What::File { so_far: false, bytes, .. }] if bytes == 65536 * 1024 + 1)
        );
    }

    #[test]
    fn what_nobody_could_listen_to_is_counted_and_told_of_at_once_and_at_the_end() {
        let mut ear = ear(Policy::new(false, false, &words("sh")));
        let lost = |bytes| vec![What::Lost { bytes, why: UNKNOWN.to_owned() }];
        assert_eq!(ear.miss(5), lost(5));
        assert!(ear.miss(6).is_empty() && ear.miss(7).is_empty());
        assert_eq!(ear.finish(), lost(13));
    }

    #[test]
    fn what_is_typed_at_a_terminal_is_kept_only_if_a_role_says_so() {
        let typed = || vec![Heard::Bytes(Role::Stdin, bytes::Bytes::from_static(b"secret\r"))];
        assert!(ear(Policy::new(true, false, &words("sh"))).note(typed()).is_empty());
        assert_eq!(ear(Policy::new(true, true, &words("sh"))).note(typed()).len(), 1);
    }

    #[test]
    fn an_attach_that_ends_well_tells_no_exit_code() {
        let mut ear = ear(Policy::of_attach(false, false));
        assert!(ear.note(vec![Heard::Outcome(Outcome::Success)]).is_empty());
        assert!(ear.ended_well && ear.exit.is_none());
    }

    #[test]
    fn a_copy_keeps_its_errors_and_a_hash_of_its_bytes() {
        let mut ear = ear(Policy::new(false, false, &words("tar cf - /etc/hosts")));
        let events = ear.note(vec![
            Heard::Bytes(Role::Stdout, bytes::Bytes::from_static(b"archive")),
            Heard::Bytes(Role::Stderr, bytes::Bytes::from_static(b"tar: removing leading /")),
            Heard::Outcome(Outcome::Success),
        ]);
        assert_eq!(events, [What::Bytes(Stream::Stderr, b"tar: removing leading /".to_vec()), What::Exit(0)]);
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(ring::digest::digest(&SHA256, b"archive").as_ref());
        assert_eq!(
            ear.finish(),
            [What::File { so_far: false, direction: Direction::Down, bytes: 7, sha256 }]
        );
    }
}
