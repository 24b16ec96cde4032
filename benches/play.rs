//! What it costs to look at a long recording: the memory of `tsh` that reads it, and the time of a seek to any place in it.
//!
//! `cargo bench --bench play [-- MEBIBYTES SEEKS]`.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a measurement that fails is none")]
#![allow(clippy::print_stdout, reason = "its result is what it prints")]

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use jumpgate::recording::{
    Event, Header, What,
    encode::{self, Encoder},
    event::Stream,
    pack::Packer,
    timeline::Timeline,
};
use uuid::Uuid;

/// What the gate makes a frame of, in bytes of lines.
const FRAME: usize = 512 * 1024;

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let number = |at: usize, otherwise: usize| numbers.get(at).copied().unwrap_or(otherwise);
    let (mebibytes, seeks) = (number(0, 200), number(1, 300));
    let folder = tempfile::tempdir().unwrap();
    for (what, small) in [("output of a pipe", false), ("a person at a terminal", true)] {
        let file = folder.path().join("session.jgr");
        let events = write(&file, mebibytes << 20, small);
        let length = fs::metadata(&file).unwrap().len();
        println!("{what}: {mebibytes} MiB shown in {events} events, {} KiB sealed", length >> 10);
        sought(&file, seeks);
        for form in ["json", "text"] {
            let (peak, time) = tsh(&file, &["--format", form]);
            println!("  tsh play --format {form}: {} MiB at most, {:.1} s", peak >> 10, time.as_secs_f64());
        }
    }
}

/// A sealed recording of so many bytes of output; how many events it has.
fn write(file: &Path, bytes: usize, small: bool) -> usize {
    let session = r#"{"id":"00000000-0000-0000-0000-000000000000","kind":"exec","user":"a","cluster":"c","namespace":"n","pod":"p",
        "terminal":true,"stdin":true,"started":"2026-11-24T19:00:00Z"}"#;
    let header = format!(r#"{{"version":2,"width":120,"height":40,"jumpgate":{session}}}"#);
    let header: Header = serde_json::from_str(&header).unwrap();
    let (mut encoder, mut packer) = (Encoder::default(), Packer::new(Uuid::nil()));
    let (mut lines, mut sealed) = (encode::header(&header), Vec::new());
    let (mut shown, mut count, mut random) = (0, 0, 1_u64);
    while shown < bytes {
        let mut text = String::new();
        while text.len() < if small { 60 } else { 32 * 1024 } {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let colour = 31 + (random >> 60) % 7;
            text += &format!("\u{1b}[{colour}m{:016x}\u{1b}[0m drwxr-xr-x root root some/file\r\n", random);
        }
        shown += text.len();
        count += 1;
        let at = Duration::from_millis(10 * count as u64);
        encoder.encode(&Event { at, what: What::Bytes(Stream::Stdout, text.into_bytes()) }, &mut lines);
        if lines.len() >= FRAME || shown >= bytes {
            sealed.extend(packer.pack(&lines, at, at).unwrap());
            lines.clear();
        }
    }
    fs::write(file, sealed).unwrap();
    count
}

/// Seeks from anywhere to anywhere.
fn sought(file: &Path, seeks: usize) {
    let bytes = fs::read(file).unwrap();
    let begin = Instant::now();
    let timeline = Timeline::read(bytes).unwrap();
    let (read, total) = (begin.elapsed(), timeline.total());
    let mut times = Vec::new();
    let mut random = 7_u64;
    for _ in 0..seeks {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let to = total.mul_f64((random >> 11) as f64 / (1_u64 << 53) as f64);
        let begin = Instant::now();
        let moment = timeline.at(to);
        times.push(begin.elapsed());
        assert!(!moment.screen.rows().is_empty());
    }
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "  read in {:.1} s; a seek: {:.1} ms in the middle, {:.1} ms at most of {seeks}",
        read.as_secs_f64(),
        ms(times[times.len() / 2]),
        ms(times[times.len() - 1])
    );
}

/// The peak of `tsh play` in KiB, and its time.
fn tsh(file: &Path, args: &[&str]) -> (u64, Duration) {
    let begin = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tsh"))
        .arg("play")
        .arg(file)
        .args(args)
        .stdout(Stdio::null())
        .spawn()
        .expect("tsh starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let code = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(now.unwrap_or(0));
        if let Some(code) = child.try_wait().unwrap() {
            break code;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(code.success(), "{code}");
    (peak, begin.elapsed())
}
