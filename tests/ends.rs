//! What ends an open exec, port-forward and watch: the end of the certificate, an administrator, the end of the gate.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use rustix::process::Signal;

use crate::{
    port_forward::{echo, local_address},
    support::world::{Kubectl, Live, World, wait_for},
};
use jumpgate::demo::browser::Consent;

/// An exec, a port-forward with a connection, and a watch.
struct Open {
    exec: Live,
    forward: Live,
    connection: TcpStream,
    watch: Live,
}

impl Open {
    fn new(world: &World, version: Kubectl) -> Self {
        let mut exec = world.kubectl_live(version, &["exec", "-i", "shell", "--", "cat"]);
        exec.send("through exec\n");
        exec.says("through exec\n");
        let forward = world.kubectl_live(version, &["port-forward", "pod/shell", ":9000"]);
        let mut connection = TcpStream::connect(local_address(&forward)).expect("kubectl listens");
        connection.set_read_timeout(Some(Duration::from_secs(90))).expect("a time-out");
        connection.write_all(b"through the port").expect("it is taken");
        let mut back = [0; 16];
        connection.read_exact(&mut back).expect("it comes back");
        assert_eq!(&back, b"through the port");
        let watch = world.kubectl_live(version, &["get", "pods", "-w"]);
        watch.says("shell");
        Self { exec, forward, connection, watch }
    }

    /// All of it ends by itself; the person who ran the exec reads why.
    fn ends(mut self, reason: &str) {
        let time = Duration::from_secs(90);
        let exec = self.exec.end_within(time);
        assert_ne!(exec.code, 0, "{exec:?}");
        assert!(exec.stderr.contains(reason), "{exec:?}");
        let mut rest = Vec::new();
        // A reset is an end too.
        let _ = self.connection.read_to_end(&mut rest);
        assert!(rest.is_empty(), "{rest:?}");
        let forward = self.forward.end_within(time);
        assert!(forward.stderr.contains("lost connection"), "{forward:?}");
        self.watch.end_within(time);
    }
}

fn world() -> World {
    let world = World::with_connector();
    let annotation = format!("demo.jumpgate.dev/port-forward=9000={}", echo());
    world.login();
    world.kubectl(Kubectl::Spdy, &["annotate", "pod", "shell", &annotation]).succeeds();
    world
}

/// The audit log tells the end of each stream, with its bytes.
fn written_down(world: &World, streams: usize) {
    let data = world.events("session.data", streams);
    let starts = [world.events("exec", streams / 2), world.events("port", streams / 2)].concat();
    assert_eq!((starts.len(), data.len()), (streams, streams));
    for start in starts {
        let end = data
            .iter()
            .find(|end| end["sid"] == start["sid"])
            .unwrap_or_else(|| panic!("{start} has no end"));
        for direction in ["tx", "rx"] {
            assert!(end[direction].as_u64().is_some_and(|bytes| bytes >= 13), "{end}");
        }
    }
}

#[test]
fn the_end_of_the_certificate_ends_what_is_open() {
    let world = world();
    world.tsh(&["logout"]).succeeds();
    let (run, _) = world.login_as("alice", Consent::Approve, &["--ttl=1"]);
    run.succeeds();
    let open = Kubectl::ALL.map(|version| Open::new(&world, version));
    open.into_iter().for_each(|open| open.ends("expired"));
    written_down(&world, 4);
}

#[test]
fn an_administrator_who_removes_a_user_ends_what_is_open() {
    let world = world();
    let open = Kubectl::ALL.map(|version| Open::new(&world, version));
    world.tctl(&["rm", "user/alice"]).succeeds();
    open.into_iter().for_each(|open| open.ends("alice"));
    written_down(&world, 4);
    for version in Kubectl::ALL {
        world.kubectl(version, &["get", "pods"]).fails_with(1);
    }
}

#[test]
fn the_end_of_the_gate_ends_what_is_open_and_says_so() {
    let mut world = world();
    let open = Kubectl::ALL.map(|version| Open::new(&world, version));
    world.gate.signal(Signal::TERM);
    open.into_iter().for_each(|open| open.ends("the gate is being shut down"));
    assert_eq!(world.gate.end(), Some(0), "{}", world.gate.log());
    written_down(&world, 4);
    wait_for("the gate's last words", || world.gate.log().contains("the gate ended").then_some(()));
}
