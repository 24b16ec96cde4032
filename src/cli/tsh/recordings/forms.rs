//! The forms of a recording outside of the gate: plain asciicast, text, JSON lines.

use std::{
    io::{self, Write},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

use super::in_order::InOrder;
use crate::recording::{
    Event, Header, What, encode,
    event::{Direction, Stream},
    screen::shown_size,
    telling,
    timeline::Timeline,
};

/// asciicast v2 as any player plays it: no notes, the size at the start in the header, and of a session without a terminal
/// standard error in red and line feeds as a terminal wants them. `goes_on`: the title says that this is not all.
pub(crate) fn cast(timeline: &Timeline, goes_on: bool, out: &mut dyn Write) -> io::Result<()> {
    let terminal = timeline.header().session.as_ref().is_none_or(|session| session.terminal);
    let (mut header, first) = (timeline.header().clone(), first_size(timeline));
    if let Some((_, (width, height))) = first {
        (header.width, header.height) = (width, height);
    }
    if goes_on {
        header.title = Some(header.title.unwrap_or_default() + " (goes on; what there was so far)");
    }
    // Other players take every size at its word.
    (header.width, header.height) = shown_size(header.width, header.height);
    out.write_all(&encode::header(&header))?;
    for (n, event) in timeline.events().enumerate() {
        let at = json!(seconds(event.at));
        let (code, text) = match &event.what {
            What::Bytes(Stream::Stdin, bytes) => ("i", String::from_utf8_lossy(bytes).into_owned()),
            What::Bytes(stream, bytes) => {
                let text = String::from_utf8_lossy(bytes);
                ("o", if terminal { text.into_owned() } else { for_terminal(&text, *stream) })
            }
            What::Resize { .. } if first.is_some_and(|(first, _)| first == n) => continue,
            What::Resize { width, height } => {
                let (width, height) = shown_size(*width, *height);
                ("r", format!("{width}x{height}"))
            }
            _ => continue,
        };
        writeln!(out, "{}", json!([at, code, text]))?;
    }
    Ok(())
}

/// The last resize before any output, and its place.
fn first_size(timeline: &Timeline) -> Option<(usize, (u16, u16))> {
    let is_output = |event: &Event| matches!(event.what, What::Bytes(Stream::Stdout | Stream::Stderr, _));
    let before = timeline.events().take_while(|event| !is_output(event)).enumerate();
    let sizes = before.filter_map(|(n, event)| match event.what {
        What::Resize { width, height } => Some((n, (width, height))),
        _ => None,
    });
    sizes.last()
}

fn for_terminal(text: &str, stream: Stream) -> String {
    let text = text.replace('\n', "\r\n");
    if stream == Stream::Stderr { format!("\u{1b}[31m{text}\u{1b}[39m") } else { text }
}

/// What appeared on the screen from a time on, line by line, those of standard error marked; then how it ended.
pub(crate) fn text(timeline: &Timeline, from: Duration, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = InOrder::new(timeline.header(), from);
    let (mut copies, mut ends) = (String::new(), String::new());
    for event in timeline.events() {
        if let Some(copy) = copied(&event.what) {
            copies += &(copy + "\n");
        }
        if let Some(end) = telling::end(&event.what) {
            ends += &(end + "\n");
        }
        lines.push(&event, out)?;
    }
    lines.finish(out)?;
    out.write_all((copies + &ends).as_bytes())
}

/// What is kept of a `kubectl cp`, as a line of the text; none for another event.
fn copied(what: &What) -> Option<String> {
    let What::File { so_far, direction, bytes, sha256 } = what else { return None };
    let way = if *direction == Direction::Up { "into" } else { "out of" };
    let so_far = if *so_far { " so far" } else { "" };
    Some(format!("[{bytes} bytes copied {way} the container{so_far}, SHA-256 {}]", hex::encode(sha256)))
}

/// A time in seconds, as short as it can be written.
pub(crate) fn seconds(at: Duration) -> f64 {
    let exact = format!("{}.{:06}", at.as_secs(), at.subsec_micros());
    exact.parse().unwrap_or(at.as_secs_f64())
}

/// One JSON object a line: the session, then each event from a time on. `goes_on`: the first one says that this is not all.
pub(crate) fn json_lines(
    timeline: &Timeline,
    from: Duration,
    goes_on: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut first = session(timeline.header());
    if goes_on {
        first["live"] = true.into();
    }
    writeln!(out, "{first}")?;
    let mut events = timeline.events().filter(|event| event.at >= from);
    events.try_for_each(|one| writeln!(out, "{}", event(&one)))
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
        What::Protocol(name) => json!({ "time": time, "event": "protocol", "subprotocol": name }),
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
