//! What a recording costs: much output as fast as it goes, output at the pace of a network, and many small commands, through a gate
//! that records and through one that does not, in turns. The one should take no more than 1.08 times as long as the other; as fast
//! as it goes that is out of reach while the gate, kubectl and the pod share the same cores, each of them busy.
//!
//! `cargo bench --bench recording [-- MEBIBYTES COMMANDS TURNS]`.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a measurement that fails is none")]
#![allow(clippy::print_stdout, reason = "its result is what it prints")]
#![allow(unreachable_pub, unused_imports, dead_code, reason = "the world of the tests is shared")]

#[path = "../tests/support/world/mod.rs"]
mod world;

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use world::{Kubectl, Launch, World};

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let number = |at: usize, otherwise: usize| numbers.get(at).copied().unwrap_or(otherwise);
    let (mebibytes, commands, turns) = (number(0, 200), number(1, 20), number(2, 7));
    let worlds = ["{mode: off}", "{mode: strict}"].map(gate);
    for version in Kubectl::ALL {
        let script =
            format!("yes 'one line of much output, forty-eight bytes long' | head -c {}", mebibytes << 20);
        let much = |world: &World| vec![command(world, version, &["sh", "-c", &script])];
        compare(&format!("{mebibytes} MiB of output, {version:?}"), &worlds, turns, much);
        // As a network brings it, so that there is something to wait for: the machine alone does not say how long it takes.
        let script = "for _ in $(seq 100); do yes 'one line of output' | head -c 524288; sleep 0.02; done";
        let paced = |world: &World| vec![command(world, version, &["sh", "-c", script])];
        compare(&format!("50 MiB of output, paced, {version:?}"), &worlds, turns, paced);
        let small = |world: &World| (0..commands).map(|_| command(world, version, &["true"])).collect();
        compare(&format!("{commands} small commands, {version:?}"), &worlds, turns, small);
    }
}

fn gate(recording: &str) -> World {
    let launch = Launch { recording: Some(recording.to_owned()), ..Launch::default() };
    let world = World::launch(|_, _| (String::new(), launch)).and_connector();
    world.login();
    world
}

fn command(world: &World, version: Kubectl, words: &[&str]) -> Duration {
    let args = [&["exec", "shell", "--"], words].concat();
    let begin = Instant::now();
    let mut command = world.command(&version.path(), &args);
    let status = command.stdout(Stdio::null()).status().expect("kubectl starts");
    assert!(status.success(), "{status}");
    begin.elapsed()
}

/// Times in turns, the sum of each turn; medians and their ratio.
fn compare(what: &str, worlds: &[World; 2], turns: usize, work: impl Fn(&World) -> Vec<Duration>) {
    let mut times: [Vec<Duration>; 2] = [vec![], vec![]];
    for _ in 0..turns {
        for (world, times) in worlds.iter().zip(&mut times) {
            times.push(work(world).into_iter().sum());
        }
    }
    let [off, on] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1000.0
    });
    println!("{what:<40} off {off:>9.1} ms   on {on:>9.1} ms   on / off {:.3}", on / off);
}
