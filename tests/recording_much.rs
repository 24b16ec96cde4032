//! Much through one session, and many sessions over time: nothing is lost, and the gate's memory stays flat.
//! `tests/soak-recording` lets the second of these run for an hour.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use jumpgate::{
    pki::PublicKey,
    recording::{
        What, blocks,
        decode::Decoder,
        event::Stream,
        verify::{Expected, State, verify},
    },
};
use ring::digest::{Context, SHA256};

use crate::support::{
    recorded::{Recorded, kept, keys, sealed, spooled, stdout},
    world::{Kubectl, Live, World, wait_for_within},
};

const MIB: u64 = 1024 * 1024;
const SIZE: u64 = 200 * MIB;
/// By how much the gate may grow.
const GROWTH: u64 = 64 * MIB;

/// A line of the gate's `/proc/PID/status`, in bytes.
fn memory(world: &World, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", world.gate.pid())).expect("the gate's status");
    let value = status.lines().find_map(|text| text.strip_prefix(line)).expect("a line of the status");
    let number = value.trim_start_matches(':').trim().split(' ').next().expect("a number");
    number.parse::<u64>().expect("a number") * 1024
}

/// Text that packs badly, a line of 64 characters at a time.
struct Noise(u64);

impl Noise {
    fn fill(&mut self, line: &mut [u8; 65]) {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for letter in &mut line[..64] {
            // Knuth's MMIX generator; the upper bits are the good ones.
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *letter = LETTERS[usize::try_from(self.0 >> 58).expect("six bits")];
        }
        line[64] = b'\n';
    }
}

fn hash(mut from: impl Read) -> (u64, String) {
    let (mut context, mut size, mut chunk) = (Context::new(&SHA256), 0, vec![0; 1 << 20]);
    loop {
        match from.read(&mut chunk).expect("bytes") {
            0 => return (size, hex::encode(context.finish())),
            read => {
                size += read as u64;
                context.update(&chunk[..read]);
            }
        }
    }
}

#[test]
fn two_hundred_megabytes_are_on_record_and_the_gate_does_not_grow() {
    let world = World::with_connector();
    world.login();
    world.kubectl(Kubectl::WebSocket, &["exec", "shell", "--", "true"]).succeeds();
    let file = world.dir().join("cluster/pods/default/shell/much");
    let mut written = std::io::BufWriter::new(File::create(&file).expect("the pod's folder"));
    let (mut noise, mut line) = (Noise(1), [0; 65]);
    for _ in 0..SIZE.div_ceil(65) {
        noise.fill(&mut line);
        written.write_all(&line).expect("room");
    }
    drop(written);
    let sent = hash(File::open(&file).expect("a file"));
    assert!(sent.0 >= SIZE);

    let before = memory(&world, "VmHWM");
    let mut kubectl = world.command(&Kubectl::WebSocket.path(), &["exec", "shell", "--", "cat", "much"]);
    let mut child = kubectl.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("kubectl starts");
    let shown = hash(child.stdout.take().expect("standard output"));
    assert!(child.wait().expect("it ends").success());
    assert_eq!(shown, sent);

    wait_for_within("the recording to be kept", Duration::from_secs(120), || {
        (spooled(&world).is_empty() && kept(&world).len() == 2).then_some(())
    });
    let grown = memory(&world, "VmHWM") - before;
    let folder = kept(&world).pop().expect("a recording");
    let keys = keys(&world);
    assert_eq!(on_record(&folder, keys), sent, "what is on record is what was shown");
    eprintln!("the gate grew by {} MiB", grown / MIB);
    assert!(grown < GROWTH, "the gate grew by {} MiB", grown / MIB);
}

/// Somebody joins and stands still while a hundred megabytes go by; then they go on and see the end.
#[test]
fn a_follower_who_stands_still_costs_nothing_and_misses_nothing() {
    const PIECES: u64 = 100;
    let world = World::with_connector();
    world.login();
    let file = world.dir().join("cluster/pods/default/shell/piece");
    let mut written = std::io::BufWriter::new(File::create(&file).expect("the pod's folder"));
    let (mut noise, mut line) = (Noise(1), [0; 65]);
    for _ in 0..MIB.div_ceil(65) {
        noise.fill(&mut line);
        written.write_all(&line).expect("room");
    }
    drop(written);
    // What the gate takes for as much without a follower it has by then.
    let alone = format!("for n in $(seq {PIECES}); do cat piece; done");
    let mut alone = world.command(&Kubectl::WebSocket.path(), &["exec", "shell", "--", "bash", "-c", &alone]);
    assert!(alone.stdin(Stdio::null()).stdout(Stdio::null()).status().expect("kubectl starts").success());
    let script = format!(
        "echo begin; read go; for n in $(seq {PIECES}); do cat piece; echo piece $n; done; touch done; read go; echo that is all"
    );
    let words = ["exec", "-i", "shell", "--", "bash", "-c", &script];
    let mut session = world.command(&Kubectl::WebSocket.path(), &words);
    let mut session = session.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("kubectl starts");
    let mut input = session.stdin.take().expect("standard input");
    let id = wait_for_within("a live session", Duration::from_secs(30), || {
        let listed = world.tsh(&["recordings", "ls", "--state=live", "--format=json"]).stdout;
        let all: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
        // The one before may not be sealed yet.
        let ours = all.as_array()?.iter().find(|one| one["command"].to_string().contains("read go"))?;
        ours["id"].as_str().map(str::to_owned)
    });
    let follower = Live::piped(world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &["join", &id]));
    follower.says("begin\n");
    follower.signal(rustix::process::Signal::STOP);
    let before = memory(&world, "VmRSS");
    input.write_all(b"\n").expect("it reads");
    let done = file.with_file_name("done");
    wait_for_within("all of it", Duration::from_secs(120), || done.exists().then_some(()));
    let grown = memory(&world, "VmRSS").saturating_sub(before);
    eprintln!("the gate grew by {} MiB", grown / MIB);
    assert!(grown < 16 * MIB, "the gate grew by {} MiB", grown / MIB);
    follower.signal(rustix::process::Signal::CONT);
    input.write_all(b"\n").expect("it reads");
    drop(input);
    let said = follower.end_within(Duration::from_secs(120));
    assert!(session.wait().expect("it ends").success());
    assert_eq!(said.code, 0, "{}", said.stderr);
    let found: Vec<&str> = said.stdout.lines().filter(|line| line.starts_with("piece ")).collect();
    let wanted: Vec<String> = (1..=PIECES).map(|n| format!("piece {n}")).collect();
    assert_eq!(found, wanted);
    assert!(said.stdout.contains("that is all"));
}

/// Size and hash of the standard output on record; it must be whole and signed.
fn on_record(folder: &std::path::Path, keys: Vec<PublicKey>) -> (u64, String) {
    let sealed = sealed(folder);
    let report = verify(&sealed, &Expected { session: None, keys, last: None }).expect("a good recording");
    assert_eq!(report.state, State::Complete);
    let lines = blocks::lines(&sealed);
    let (mut decoder, mut context, mut size) = (Decoder::default(), Context::new(&SHA256), 0);
    for piece in lines.chunks(1 << 20) {
        decoder.feed(piece).expect("lines");
        while let Some(event) = decoder.next_event() {
            if let What::Bytes(Stream::Stdout, bytes) = event.what {
                context.update(&bytes);
                size += bytes.len() as u64;
            }
        }
    }
    (size, hex::encode(context.finish()))
}

fn number(name: &str, otherwise: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// How many small sessions may be under way at a time.
const AT_ONCE: usize = 4;

#[test]
fn long_sessions_and_many_small_ones_lose_nothing() {
    let seconds = number("JUMPGATE_SOAK_MINUTES", 0) * 60;
    let time = Duration::from_secs(if seconds == 0 { 4 } else { seconds });
    let count = number("JUMPGATE_SOAK_EXECS", 40);
    let world = World::with_connector();
    world.login();
    let script = "n=0; while read -t 1 line || [ $? -gt 128 ]; do [ -n \"$line\" ] && break; n=$((n+1)); echo line $n; done; echo end";
    let mut ticking =
        world.kubectl_live(Kubectl::WebSocket, &["exec", "-i", "shell", "--", "bash", "-c", script]);
    let mut idle = world.kubectl_live(Kubectl::Spdy, &["exec", "-i", "shell", "--", "cat"]);
    ticking.says("line 2\n");
    idle.send("before\n");
    idle.says("before\n");

    let begun = Instant::now();
    let mut running: Vec<Child> = Vec::new();
    let mut after_a_tenth = None;
    for n in 0..count {
        while running.len() >= AT_ONCE {
            running.retain_mut(|child| match child.try_wait().expect("a child") {
                Some(status) => {
                    assert!(status.success(), "{status}");
                    false
                }
                None => true,
            });
            thread::sleep(Duration::from_millis(5));
        }
        let version = Kubectl::ALL[usize::try_from(n % 2).expect("0 or 1")];
        let words = ["exec", "shell", "--", "echo", &format!("number-{n}")];
        let mut kubectl = world.command(&version.path(), &words);
        let child = kubectl.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        running.push(child.expect("kubectl starts"));
        if after_a_tenth.is_none() && n >= count / 10 {
            after_a_tenth = Some(memory(&world, "VmRSS"));
        }
    }
    for mut child in running {
        assert!(child.wait().expect("it ends").success());
    }
    thread::sleep(time.saturating_sub(begun.elapsed()));
    let (first, last) = (after_a_tenth.expect("figures"), memory(&world, "VmRSS"));
    eprintln!(
        "{count} sessions in {:?}; the gate's memory: {} MiB, then {} MiB",
        begun.elapsed(),
        first / MIB,
        last / MIB
    );
    assert!(last.saturating_sub(first) < GROWTH, "the gate grew from {} to {} MiB", first / MIB, last / MIB);

    idle.send("after\n");
    idle.says("after\n");
    idle.close_stdin();
    assert_eq!(idle.end().succeeds().stdout, "before\nafter\n");
    ticking.send("stop\n");
    let ticked = ticking.end().succeeds().stdout;
    assert!(ticked.ends_with("end\n"), "{ticked}");
    all_on_record(&world, &ticked, count);
}

fn all_on_record(world: &World, ticked: &str, count: u64) {
    let all = usize::try_from(count).expect("a count") + 2;
    wait_for_within("all recordings", Duration::from_secs(120), || {
        (spooled(world).is_empty() && kept(world).len() == all).then_some(())
    });
    let keys = keys(world);
    let mut missing: std::collections::BTreeSet<String> =
        (0..count).map(|n| format!("number-{n}\n")).collect();
    let (mut long, mut idle) = (0, 0);
    for folder in kept(world) {
        let recorded = Recorded::read(sealed(&folder));
        let expected = Expected { session: Some(recorded.session().id), keys: keys.clone(), last: None };
        let report = verify(&recorded.sealed, &expected).expect("a good recording");
        assert_eq!((report.state, recorded.exit()), (State::Complete, Some(0)));
        match stdout(&recorded).as_str() {
            "before\nafter\n" => idle += 1,
            said if said == ticked => long += 1,
            said => assert!(missing.remove(said), "{said:?}"),
        }
    }
    assert_eq!((long, idle), (1, 1));
    assert!(missing.is_empty(), "{missing:?}");
}
