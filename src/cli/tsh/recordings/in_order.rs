//! The lines of standard input, of standard output and of standard error by their times, written as soon as no earlier one can come.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::Duration,
};

use crate::recording::{
    Event, Header, What,
    event::Stream,
    input::Input,
    telling::marked,
    transcript::{Line, Transcript},
};

/// After so many events it is looked what can be written.
const EVERY: usize = 64;
/// For the end of a line of input so many other lines wait at most.
const MAX_WAITING: usize = 10_000;

/// Puts lines in order.
pub(super) struct InOrder {
    input: Input,
    /// Standard output and standard error, apart from each other, so that no line is of both.
    transcripts: [(Stream, Transcript); 2],
    /// Whether anything came of each.
    came: [bool; 2],
    events: usize,
    waiting: Waiting,
}

impl InOrder {
    /// Of lines that appeared earlier than `from` nothing is written.
    pub(super) fn new(header: &Header, from: Duration) -> Self {
        let transcripts = [Stream::Stdout, Stream::Stderr].map(|stream| (stream, Transcript::new(header)));
        let waiting = Waiting { from, ..Waiting::default() };
        Self { input: Input::new(header), transcripts, came: [false; 2], events: 0, waiting }
    }

    /// Shows the next event.
    pub(super) fn push(&mut self, event: &Event, out: &mut dyn Write) -> io::Result<()> {
        self.input.push(event);
        let n = usize::from(matches!(event.what, What::Bytes(Stream::Stderr, _)));
        self.transcripts[n].1.push(event);
        self.came[n] = true;
        self.events += 1;
        if !self.events.is_multiple_of(EVERY) {
            return Ok(());
        }
        let mut settled = event.at;
        let came = self.transcripts.iter_mut().zip(self.came).filter(|(_, came)| *came);
        for ((stream, transcript), _) in came {
            self.waiting.add(*stream, transcript.take());
            settled = settled.min(transcript.settled());
        }
        self.waiting.add(Stream::Stdin, self.input.take());
        if let Some(input) = self.input.settled()
            && self.waiting.lines.len() <= MAX_WAITING
        {
            settled = settled.min(input);
        }
        self.waiting.write_before(settled, out)
    }

    /// The end.
    pub(super) fn finish(self, out: &mut dyn Write) -> io::Result<()> {
        let Self { mut input, transcripts, mut waiting, .. } = self;
        waiting.add(Stream::Stdin, input.finish());
        for (stream, transcript) in transcripts {
            waiting.add(stream, transcript.finish());
        }
        waiting.write_before(Duration::MAX, out)?;
        let rest = waiting.held.iter().filter(|(stream, _)| *stream != Stream::Stdout);
        rest.into_iter().try_for_each(|(stream, text)| line(*stream, text, out))
    }
}

/// Lines that cannot be written yet.
#[derive(Default)]
struct Waiting {
    /// By time; of one time, what was sent first, then standard output, and each in the order in which it came.
    lines: BTreeMap<(Duration, Stream, u64), String>,
    count: u64,
    /// Lines that appeared earlier are left out.
    from: Duration,
    /// From a blank line of standard output on, which may be the last of it.
    held: Vec<(Stream, String)>,
}

impl Waiting {
    fn add(&mut self, stream: Stream, lines: Vec<Line>) {
        for line in lines.into_iter().filter(|line| line.at >= self.from) {
            self.count += 1;
            self.lines.insert((line.at, stream, self.count), line.text);
        }
    }

    fn write_before(&mut self, settled: Duration, out: &mut dyn Write) -> io::Result<()> {
        let later = self.lines.split_off(&(settled, Stream::Stdin, 0));
        for ((_, stream, _), text) in std::mem::replace(&mut self.lines, later) {
            let is_output = stream == Stream::Stdout;
            if is_output && !text.is_empty() {
                self.held.drain(..).try_for_each(|(stream, text)| line(stream, &text, out))?;
                line(stream, &text, out)?;
            } else if is_output || !self.held.is_empty() {
                self.held.push((stream, text));
            } else {
                line(stream, &text, out)?;
            }
        }
        Ok(())
    }
}

fn line(stream: Stream, text: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", marked(stream, text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::recording::transcript;

    /// The same, of all lines at once.
    fn at_once(header: &Header, events: &[Event]) -> String {
        let is_err = |event: &&Event| matches!(event.what, What::Bytes(Stream::Stderr, _));
        let mut lines = transcript::lines(header, events.iter().filter(|event| !is_err(event)));
        while lines.last().is_some_and(|line| line.text.is_empty()) {
            lines.pop();
        }
        let mut marked = transcript::lines(header, events.iter().filter(is_err));
        marked.iter_mut().for_each(|line| line.text.insert_str(0, "[stderr] "));
        lines.extend(marked);
        lines.sort_by_key(|line| line.at);
        lines.into_iter().map(|line| line.text + "\n").collect()
    }

    fn in_order(header: &Header, events: &[Event]) -> (String, usize) {
        let (mut lines, mut out, mut most) = (InOrder::new(header, Duration::ZERO), Vec::new(), 0);
        for event in events {
            lines.push(event, &mut out).unwrap();
            most = most.max(lines.waiting.lines.len());
        }
        lines.finish(&mut out).unwrap();
        (String::from_utf8(out).unwrap(), most)
    }

    fn header() -> Header {
        serde_json::from_str(r#"{"version":2,"width":12,"height":4}"#).unwrap()
    }

    proptest! {
        #[test]
        fn lines_that_are_written_early_are_in_the_same_order(
            pieces in proptest::collection::vec(
                ("([a-c]{0,3}(\r\n){0,3}|\u{1b}\\[[0-9;]{0,2}[ABHJKLMP]|\u{1b}\\[\\?1049[hl]){0,6}", any::<bool>(), 0_u64..700),
                EVERY..EVERY * 6,
            ),
        ) {
            let mut at = Duration::ZERO;
            let events: Vec<Event> = pieces
                .into_iter()
                .map(|(text, err, later)| {
                    at += Duration::from_millis(later);
                    let stream = if err { Stream::Stderr } else { Stream::Stdout };
                    Event { at, what: What::Bytes(stream, text.into()) }
                })
                .collect();
            for some in [&events[..], &events[..events.len() / 2]] {
                prop_assert_eq!(in_order(&header(), some).0, at_once(&header(), some));
            }
        }
    }

    fn without_terminal() -> Header {
        let session = serde_json::json!({
            "id": "7c9e6679-7425-80de-944b-e07fc1f90ae7", "kind": "exec", "user": "alice", "cluster": "prod", "namespace": "default",
            "pod": "web", "terminal": false, "stdin": true, "started": "2026-11-24T19:00:00Z",
        });
        let header = serde_json::json!({ "version": 2, "width": 80, "height": 24, "jumpgate": session });
        serde_json::from_value(header).unwrap()
    }

    fn came(at: u64, stream: Stream, text: &str) -> Event {
        Event { at: Duration::from_millis(at), what: What::Bytes(stream, text.into()) }
    }

    #[test]
    fn what_was_sent_stands_marked_before_what_it_made() {
        let events = [
            came(5, Stream::Stdin, "echo one\necho t"),
            came(5, Stream::Stdout, "one\n"),
            came(400, Stream::Stdin, "wo >&2\nexit"),
            came(400, Stream::Stderr, "two\n"),
        ];
        let told = "[stdin] echo one\none\n[stdin] echo two >&2\n[stdin] exit\n[stderr] two\n";
        assert_eq!(in_order(&without_terminal(), &events).0, told);
    }

    #[test]
    fn for_the_end_of_a_line_of_input_not_all_else_waits() {
        let mut events = vec![came(0, Stream::Stdin, "an open end")];
        events.extend((1..30_000).map(|n| came(n * 10, Stream::Stdout, &format!("line {n}\n"))));
        let (text, most) = in_order(&without_terminal(), &events);
        assert_eq!(text.lines().filter(|line| line.starts_with("line ")).count(), 29_999);
        assert_eq!(text.matches("[stdin] an open end\n").count(), 1);
        assert!(most < MAX_WAITING + 500, "{most}");
    }

    #[test]
    fn few_lines_wait() {
        let event = |n: u64| Event {
            at: Duration::from_millis(n * 10),
            what: What::Bytes(Stream::Stdout, format!("line {n}\r\n").into_bytes()),
        };
        let events: Vec<Event> = (0..5000).map(event).collect();
        let (text, most) = in_order(&header(), &events);
        assert_eq!(text.lines().count(), 5000);
        assert!(most < 500, "{most}");
    }
}
