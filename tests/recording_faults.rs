//! What a recording does when its disk is full, slow or too small: in strict mode nothing is shown that is not on record, in
//! best_effort the session goes on and what is missing is counted.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use jumpgate::recording::blocks;

use crate::support::{
    recorded::{Recorded, recordings, sealed, spooled, stdout},
    world::{Kubectl, Launch, World, wait_for},
};

const STRICT: &str = "{free_space: 0}";
const BEST_EFFORT: &str = "{mode: best_effort, free_space: 0}";
const FULL: &str = "this session is recorded, and the gate cannot write its recording now";

/// A small disk for recordings alone, which goes away with the story.
struct Disk(PathBuf);

impl Disk {
    /// Nothing can be mounted everywhere; where it can't, the story says so and ends.
    fn mount(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs"]).arg(folder).stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        assert!(
            mounted || !rustix::process::geteuid().is_root() || std::env::var_os("CI").is_none(),
            "a tmpfs can be mounted in CI"
        );
        mounted.then(|| Self(folder.to_owned()))
    }

    fn fill(&self) {
        let mut file = File::create(self.0.join("filling")).unwrap();
        for size in [64 * 1024, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filling")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn world(recording: &str) -> Option<(World, Disk)> {
    let mut disk = None;
    let world = World::launch(|folder, _| {
        disk = Disk::mount(&folder.join("data/recordings"));
        (String::new(), Launch { recording: Some(recording.to_owned()), ..Launch::default() })
    });
    let disk = disk?;
    let world = world.and_connector();
    world.login();
    Some((world, disk))
}

/// What the spool has of the only session, sealed or not.
fn on_record(world: &World) -> Option<String> {
    let folder = spooled(world).pop()?;
    let mut lines = blocks::lines(&sealed(&folder));
    let mut open: Vec<(u64, PathBuf)> = fs::read_dir(&folder)
        .ok()?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?.to_owned();
            let begin = name.strip_prefix("open.")?.strip_suffix(".cast")?.parse().ok()?;
            Some((begin, path))
        })
        .collect();
    open.sort();
    for (begin, path) in open {
        let skipped = usize::try_from((lines.len() as u64).checked_sub(begin)?).ok()?;
        lines.extend(fs::read(path).ok()?.get(skipped..).unwrap_or_default());
    }
    Some(stdout(&Recorded::of_lines(lines, vec![])))
}

#[test]
fn e2_32_strict_shows_nothing_that_a_full_disk_does_not_hold() {
    for version in Kubectl::ALL {
        let Some((world, disk)) = world(STRICT) else { return };
        let mut live = world.kubectl_live(version, &["exec", "-i", "shell", "--", "sh", "-c", "cat"]);
        live.send("before\n");
        live.says("before\n");
        disk.fill();
        let line = "a line that goes on until the disk is full\n".repeat(100);
        for _ in 0..100 {
            // It breaks off when the session ends.
            if !live.try_send(&line) {
                break;
            }
        }
        let shown = live.end();
        assert_ne!(shown.code, 0, "{shown:?}");
        assert!(shown.stderr.contains(FULL), "{shown:?}");
        let recorded = on_record(&world).expect("a spool");
        assert!(recorded.starts_with(&shown.stdout), "{} of {} bytes", recorded.len(), shown.stdout.len());
        let refused = world.kubectl(version, &["exec", "shell", "--", "true"]);
        assert!(refused.stderr.contains("this one cannot be"), "{refused:?}");
        assert_ne!(refused.code, 0);
        assert!(world.events("session.recording.failed", 2).len() >= 2);
        disk.free();
        wait_for("the recording to be kept", || spooled(&world).is_empty().then_some(()));
        let kept = recordings(&world).pop().expect("a recording");
        assert!(stdout(&kept).starts_with(&shown.stdout));
        kept.verify(&world);
        world.kubectl(version, &["exec", "shell", "--", "true"]).succeeds();
    }
}

#[test]
fn b6_53_best_effort_goes_on_and_says_what_is_missing() {
    for version in Kubectl::ALL {
        let Some((world, disk)) = world(BEST_EFFORT) else { return };
        let mut live = world.kubectl_live(version, &["exec", "-i", "shell", "--", "sh", "-c", "cat; exit 4"]);
        live.send("before\n");
        live.says("before\n");
        let line = "a line that goes on though the disk is full\n".repeat(200);
        // A disk that is full now and then is told of once, not each time.
        for round in 0..3 {
            disk.fill();
            for _ in 0..20 {
                live.send(&line);
            }
            let full = format!("full {round}\n");
            live.send(&full);
            live.says(&full);
            disk.free();
            let after = format!("after {round}\n");
            live.send(&after);
            live.says(&after);
        }
        assert_eq!(world.events("session.recording.failed", 1).len(), 1);
        live.close_stdin();
        let shown = live.end().fails_with(4);
        let rounds: String =
            (0..3).map(|round| format!("{}full {round}\nafter {round}\n", line.repeat(20))).collect();
        assert_eq!(shown.stdout, format!("before\n{rounds}"));
        wait_for("the recording to be kept", || spooled(&world).is_empty().then_some(()));
        let kept = recordings(&world).pop().expect("a recording");
        let lost: u64 = kept.lost().iter().sum();
        assert!(lost > 0, "{:?}", kept.events);
        assert!(stdout(&kept).starts_with("before\n") && stdout(&kept).ends_with("after 2\n"));
        kept.verify(&world);
    }
}

#[test]
fn e2_32_no_session_begins_below_the_floor_of_free_space() {
    let Some((world, _disk)) = world("{free_space: 64MiB}") else { return };
    for version in Kubectl::ALL {
        let refused = world.kubectl(version, &["exec", "shell", "--", "true"]);
        assert!(refused.stderr.contains("auth_service.recording.free_space wants 64"), "{refused:?}");
        assert_ne!(refused.code, 0);
    }
    assert!(spooled(&world).is_empty());
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds();
}

/// The file of the first frames is one at which a writer waits for ever.
fn block(world: &World) {
    let folder = spooled(world).pop().expect("a spool");
    let fifo = folder.join("000001.part");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a fifo");
}

#[test]
fn a_disk_that_is_too_slow_ends_a_strict_session() {
    let world = World::launch(|_, _| {
        (String::new(), Launch { recording: Some(STRICT.to_owned()), ..Launch::default() })
    });
    let world = world.and_connector();
    world.login();
    let mut live = world.kubectl_live(Kubectl::WebSocket, &["exec", "-i", "shell", "--", "cat"]);
    live.send("before\n");
    live.says("before\n");
    block(&world);
    let line = "a line that is part of much\n".repeat(10_000);
    for _ in 0..10 {
        if !live.try_send(&line) {
            break;
        }
    }
    let shown = live.end_within(Duration::from_secs(30));
    assert_ne!(shown.code, 0);
    assert!(shown.stderr.contains("too slow to keep up"), "{}", shown.stderr);
    let recorded = on_record_while_blocked(&world);
    assert!(recorded.starts_with(&shown.stdout), "{} of {} bytes", recorded.len(), shown.stdout.len());
}

/// The first lines alone: the pipe that blocks can't be read.
fn on_record_while_blocked(world: &World) -> String {
    let folder = spooled(world).pop().expect("a spool");
    let lines = fs::read(folder.join("open.0.cast")).expect("lines");
    stdout(&Recorded::of_lines(lines, vec![]))
}
