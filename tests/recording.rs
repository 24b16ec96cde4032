//! Recordings of long sessions, of copies and of many at once; the gate's death in the middle of a session. The matrix of all ways to
//! open a session is in `recording_matrix.rs`.

use jumpgate::recording::{What, header::Kind, timeline::Timeline, verify::State};

use crate::support::{
    recorded::{Recorded, input, last, recordings, spooled, stdout},
    world::{Kubectl, World, wait_for},
};

#[test]
fn a_shell_is_on_record_as_it_was_shown() {
    for version in Kubectl::ALL {
        let world = World::with_connector();
        world.login();
        a_shell(&world, version);
        attach(&world, version);
        for recorded in recordings(&world) {
            let report = recorded.verify(&world);
            assert_eq!((report.state, report.uncovered), (State::Complete, 0));
        }
    }
}

/// What is typed is not kept, what is shown is, and the sizes are.
fn a_shell(world: &World, version: Kubectl) {
    let mut live = world
        .kubectl_on_terminal(version, &["exec", "-it", "shell", "--", "sh", "-c", "PS1='> ' exec sh -i"]);
    live.says("> ");
    live.send("stty -echo; echo re''ady; read secret; stty echo; echo re''ad\n");
    live.says("ready\r\n");
    live.resize(41, 132);
    live.send("hunter2\n");
    live.says("read\r\n");
    live.send("while [ \"$(stty size)\" != '41 132' ]; do sleep 0.05; done; exit 7\n");
    let shown = live.end().fails_with(7);
    let shell = last(world, 1);
    assert_eq!(shell.exit(), Some(7));
    assert!(shell.sizes().contains(&(132, 41)), "{:?}", shell.sizes());
    assert!(input(&shell).is_empty());
    let on_record = stdout(&shell);
    assert!(on_record.contains("read\r\n") && !on_record.contains("hunter2"), "{on_record}");
    assert!(shown.stdout.starts_with(&on_record), "{:?}\n{on_record:?}", shown.stdout);
}

fn attach(world: &World, version: Kubectl) {
    let live = world.kubectl_live(version, &["-n", "demo", "attach", "pair", "-c", "sidecar"]);
    live.says("sidecar: GET /healthz");
    live.signal(rustix::process::Signal::INT);
    live.end();
    let attached = last(world, 2);
    let session = attached.session();
    assert_eq!(
        (session.kind, session.pod.as_str(), session.container.as_str()),
        (Kind::Attach, "pair", "sidecar")
    );
    assert!(session.command.is_empty());
    assert!(stdout(&attached).contains("sidecar: GET /healthz"));
}

/// Field note 52: what anybody saw is in the recording, whatever happens to the gate.
#[test]
fn b6_52_a_gate_that_is_killed_loses_nothing_that_anybody_saw() {
    for version in Kubectl::ALL {
        let mut world = World::with_connector();
        world.login();
        let live = world.kubectl_live(
            version,
            &["exec", "shell", "--", "sh", "-c", "n=0; while :; do echo line $n; n=$((n+1)); done"],
        );
        live.says("line 20000\n");
        world.gate.crash_and_restart();
        let shown = live.end();
        let recorded = last(&world, 1);
        let on_record = stdout(&recorded);
        assert!(on_record.starts_with(&shown.stdout), "{} of {} bytes", on_record.len(), shown.stdout.len());
        assert_eq!(recorded.verify(&world).state, State::Cut);
        assert_eq!(recorded.exit(), None);
    }
}

/// Of bytes that are not kept it stands on record how many they were and their hash, also if the gate dies before they are all.
#[test]
fn b6_52_a_gate_that_is_killed_in_the_middle_of_much_input_has_its_size_and_hash_on_record() {
    for version in Kubectl::ALL {
        let mut world = World::with_connector();
        world.login();
        let script = "head -c 12000000 >/dev/null; echo half; cat >/dev/null";
        let mut live = world.kubectl_live(version, &["exec", "-i", "shell", "--", "sh", "-c", script]);
        let text = "0123456789abcdef".repeat(750_001);
        live.send(&text[..12_000_001]);
        live.says("half\n");
        world.gate.crash_and_restart();
        live.end();
        let recorded = last(&world, 1);
        assert_eq!(recorded.verify(&world).state, State::Cut);
        let kept = input(&recorded);
        let mut notes = recorded.events.iter().filter_map(|event| match event.what {
            What::InputRest { so_far: true, bytes, sha256 } => Some((bytes as usize, sha256)),
            _ => None,
        });
        let (bytes, sha256) = notes.next_back().expect("a note of how far it was");
        assert!(text.starts_with(&kept) && kept.len() + bytes >= 6_000_000, "{bytes}");
        let rest = &text.as_bytes()[kept.len()..kept.len() + bytes];
        assert_eq!(ring::digest::digest(&ring::digest::SHA256, rest).as_ref(), sha256);
        // Whoever reads it is told of the last note alone.
        let timeline = Timeline::read(recorded.sealed.clone()).expect("a film");
        let told = |event: &jumpgate::recording::Event| matches!(event.what, What::InputRest { .. });
        assert_eq!(timeline.events().filter(told).count(), 1);
    }
}

#[test]
fn e2_31_a_copy_is_on_record_by_its_size_and_hash() {
    let world = World::with_connector();
    world.login();
    let much = "0123456789abcdef".repeat(20_000);
    std::fs::write(world.dir().join("much.txt"), &much).expect("a file");
    for version in Kubectl::ALL {
        world.kubectl(version, &["cp", "much.txt", "shell:/tmp/much.txt"]).succeeds();
        let copies = wait_for("a copy on record", || {
            let all = recordings(&world);
            let copies: Vec<Recorded> = all.into_iter().filter(|one| !one.files().is_empty()).collect();
            (spooled(&world).is_empty() && !copies.is_empty()).then_some(copies)
        });
        let (_, bytes) = copies[copies.len() - 1].files()[0];
        assert!(bytes > much.len() as u64, "{bytes}");
        let plain: usize = copies.iter().map(|copy| stdout(copy).len() + input(copy).len()).sum();
        assert!(plain < 1000, "{plain} bytes of it are kept");
    }
}

#[test]
fn two_hundred_at_once_are_all_on_record() {
    let world = World::with_connector();
    world.login();
    let count = 200;
    let running: Vec<_> = (0..count)
        .map(|n| {
            let version = Kubectl::ALL[n % 2];
            let word = format!("number-{n}");
            (world.kubectl_live(version, &["exec", "shell", "--", "echo", &word]), word)
        })
        .collect();
    for (live, word) in running {
        assert_eq!(live.end().succeeds().stdout, format!("{word}\n"));
    }
    let recorded = wait_for("all recordings", || {
        let all = recordings(&world);
        (all.len() == count && spooled(&world).is_empty()).then_some(all)
    });
    let mut words: Vec<String> = recorded.iter().map(stdout).collect();
    let mut wanted: Vec<String> = (0..count).map(|n| format!("number-{n}\n")).collect();
    words.sort();
    wanted.sort();
    assert_eq!(words, wanted);
    for one in recorded {
        assert_eq!(one.session().command[1], stdout(&one).trim());
        assert_eq!(one.verify(&world).state, State::Complete);
    }
}
