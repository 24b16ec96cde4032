//! The forms of a recording outside of the gate: plain asciicast, text, JSON lines.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

use crate::recording::{
    Event, Header, What, encode,
    event::{Direction, Stream},
    telling::{self, STDERR},
    timeline::Timeline,
    transcript,
};

/// asciicast v2 as any player plays it: no notes, the size at the start in the header, and of a session without a terminal
/// standard error in red and line feeds as a terminal wants them.
pub(crate) fn cast(timeline: &Timeline) -> String {
    let terminal = timeline.header().session.as_ref().is_none_or(|session| session.terminal);
    let (mut header, first) = (timeline.header().clone(), first_size(timeline.events()));
    if let Some((_, (width, height))) = first {
        (header.width, header.height) = (width, height);
    }
    let mut out = String::from_utf8_lossy(&encode::header(&header)).into_owned();
    for (n, event) in timeline.events().iter().enumerate() {
        let at = json!(seconds(event.at));
        let (code, text) = match &event.what {
            What::Bytes(Stream::Stdin, bytes) => ("i", String::from_utf8_lossy(bytes).into_owned()),
            What::Bytes(stream, bytes) => {
                let text = String::from_utf8_lossy(bytes);
                ("o", if terminal { text.into_owned() } else { for_terminal(&text, *stream) })
            }
            What::Resize { .. } if first.is_some_and(|(first, _)| first == n) => continue,
            What::Resize { width, height } => ("r", format!("{width}x{height}")),
            _ => continue,
        };
        out.push_str(&format!("{}\n", json!([at, code, text])));
    }
    out
}

/// The resize before any output, and its place.
fn first_size(events: &[Event]) -> Option<(usize, (u16, u16))> {
    let before =
        events.iter().position(|event| matches!(event.what, What::Bytes(Stream::Stdout | Stream::Stderr, _)));
    let sizes = events[..before.unwrap_or(events.len())].iter().enumerate().rev();
    sizes.into_iter().find_map(|(n, event)| match event.what {
        What::Resize { width, height } => Some((n, (width, height))),
        _ => None,
    })
}

fn for_terminal(text: &str, stream: Stream) -> String {
    let text = text.replace('\n', "\r\n");
    if stream == Stream::Stderr { format!("\u{1b}[31m{text}\u{1b}[39m") } else { text }
}

/// What was on the screen, line by line, those of standard error marked; then how it ended.
pub(crate) fn text(timeline: &Timeline) -> String {
    let is_err = |event: &&Event| matches!(event.what, What::Bytes(Stream::Stderr, _));
    let header = timeline.header();
    let mut lines = transcript::lines(header, timeline.events().iter().filter(|event| !is_err(event)));
    while lines.last().is_some_and(|line| line.text.is_empty()) {
        lines.pop();
    }
    // Apart from each other, so that no line is of both.
    let mut marked = transcript::lines(header, timeline.events().iter().filter(is_err));
    marked.iter_mut().for_each(|line| line.text.insert_str(0, STDERR));
    lines.extend(marked);
    lines.sort_by_key(|line| line.at);
    let mut out: String = lines.into_iter().map(|line| line.text + "\n").collect();
    let ends = timeline.events().iter().filter_map(|event| telling::end(&event.what));
    ends.for_each(|end| out.push_str(&(end + "\n")));
    out
}

/// A time in seconds, as short as it can be written.
pub(crate) fn seconds(at: Duration) -> f64 {
    let exact = format!("{}.{:06}", at.as_secs(), at.subsec_micros());
    exact.parse().unwrap_or(at.as_secs_f64())
}

/// One JSON object a line: the session, then each event.
pub(crate) fn json_lines(timeline: &Timeline) -> String {
    let mut out = format!("{}\n", session(timeline.header()));
    timeline.events().iter().for_each(|one| out.push_str(&format!("{}\n", event(one))));
    out
}

fn session(header: &Header) -> Value {
    json!({ "time": 0.0, "event": "start", "width": header.width, "height": header.height, "session": header.session })
}

/// An event as a JSON object.
pub(crate) fn event(event: &Event) -> Value {
    let time = seconds(event.at);
    match &event.what {
        What::Bytes(stream, bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => json!({ "time": time, "event": "data", "stream": stream.name(), "data": text }),
            Err(_) => {
                json!({ "time": time, "event": "data", "stream": stream.name(), "base64": BASE64.encode(bytes) })
            }
        },
        What::Resize { width, height } => {
            json!({ "time": time, "event": "resize", "width": width, "height": height })
        }
        What::InputRest { so_far, bytes, sha256 } => {
            let name = if *so_far { "input-so-far" } else { "input-rest" };
            json!({ "time": time, "event": name, "bytes": bytes, "sha256": hex::encode(sha256) })
        }
        What::File { so_far, direction, bytes, sha256 } => {
            let name = if *so_far { "file-so-far" } else { "file" };
            let way = if *direction == Direction::Up { "up" } else { "down" };
            json!({ "time": time, "event": name, "direction": way, "bytes": bytes, "sha256": hex::encode(sha256) })
        }
        What::Lost { bytes, why } => json!({ "time": time, "event": "lost", "bytes": bytes, "reason": why }),
        What::Exit(code) => json!({ "time": time, "event": "exit", "exit": code }),
        What::Failed(why) => json!({ "time": time, "event": "failed", "reason": why }),
        What::Ended(why) => json!({ "time": time, "event": "ended", "reason": why }),
    }
}

/// How it ended, in words; none if it is not known.
pub(crate) fn ending(what: &What) -> Option<String> {
    match what {
        What::Exit(code) => Some(format!("exit code {code}")),
        What::Failed(why) => Some(format!("could not run: {why}")),
        What::Ended(why) => Some(format!("ended by the gate: {why}")),
        _ => None,
    }
}
