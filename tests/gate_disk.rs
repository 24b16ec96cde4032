//! The gate's disk is full: what was acknowledged stays, people read a sentence, and when there is space again it goes on.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::support::world::{Kubectl, Launch, Shown, World, wait_for};

/// How the disk gets full.
enum Disk {
    /// A small tmpfs as the data directory.
    Small(Mount),
    /// A limit on the size of files, where nothing can be mounted.
    Limit,
}

/// A mounted folder, which is let go in the end.
struct Mount(PathBuf);

impl Mount {
    fn new(folder: &Path) -> Option<Self> {
        fs::create_dir(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs"]).arg(folder).stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        mounted.then(|| Self(folder.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

impl Disk {
    fn fill(&self, world: &World) {
        match self {
            Self::Small(mount) => {
                let mut file = File::create(mount.0.join("filling")).unwrap();
                // Large pieces first, then what is left byte by byte.
                for size in [64 * 1024, 1] {
                    while file.write_all(&vec![0; size]).is_ok() {}
                }
            }
            Self::Limit => limit(world, "0:"),
        }
    }

    fn free(&self, world: &World) {
        match self {
            Self::Small(mount) => fs::remove_file(mount.0.join("filling")).unwrap(),
            Self::Limit => limit(world, "unlimited:"),
        }
    }

    /// What starts a gate on the full disk.
    fn before(&self) -> &'static [&'static str] {
        match self {
            Self::Small(_) => &["env"],
            Self::Limit => &["prlimit", "--fsize=0:"],
        }
    }
}

fn limit(world: &World, size: &str) {
    let pid = world.gate.pid().to_string();
    let status = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={size}")]).status();
    assert!(status.unwrap().success());
}

fn role(world: &World, name: &str) -> bool {
    let text =
        format!("kind: role\nversion: v3\nmetadata:\n  name: {name}\nspec:\n  allow:\n    logins: [root]\n");
    fs::write(world.dir().join("role.yaml"), text).unwrap();
    let run = world.tctl(&["create", "role.yaml"]);
    if run.code != 0 {
        run.clone().fails_with(1).says("the gate cannot write ").says("nothing");
    }
    run.code == 0
}

/// Writes until no more can be; the names of what was acknowledged.
fn write_until_full(world: &World, prefix: &str) -> Vec<String> {
    let mut written = Vec::new();
    wait_for("the first write that fails", || {
        let name = format!("{prefix}-{}", written.len());
        let done = role(world, &name);
        if done {
            written.push(name);
        }
        (!done).then_some(())
    });
    written
}

fn there(world: &World, names: &[String]) {
    let all = world.tctl(&["get", "roles", "--format=json"]).succeeds().stdout;
    for name in names {
        assert!(all.contains(&format!("\"{name}\"")), "{name} was acknowledged: {all}");
    }
}

fn story(disk: Disk, mut world: World) {
    world.login();
    let mut written: Vec<String> = (0..3).map(|n| format!("before-{n}")).collect();
    assert!(written.iter().all(|name| role(&world, name)));

    disk.fill(&world);
    written.extend(write_until_full(&world, "full"));
    there(&world, &written);
    let body = r#"{"role": {"kind": "role", "version": "v3", "metadata": {"name": "raw"}, "spec": {}}}"#;
    let admin = Shown::of_administrator(&world);
    let (status, text) = world.gate.raw_admin(world.gate.admin, Some(&admin), "POST /v2/roles", body);
    assert_eq!(status, 503, "{text}");
    // A login is told in the terminal at once, before anybody has signed in.
    let proxy = world.proxy();
    let login = world.tsh(&["login", "--insecure", &proxy, "--browser=none", "--force"]).fails_with(1);
    login.says("the gate cannot write to its disk now").says("tell an administrator");
    // What needs no writing goes on, and what must be written down does not begin.
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("shell");
    let exec = ["exec", "shell", "--", "true"];
    // (A line of the log may still fit behind the last one; then it is written down.)
    let run = world.kubectl(Kubectl::WebSocket, &exec);
    if run.code != 0 || matches!(disk, Disk::Limit) {
        let run = run.fails_with(1);
        let whys = ["cannot write its audit log now", "sessions are recorded here, and this one cannot be"];
        assert!(whys.iter().any(|why| run.stderr.contains(why)), "{run:?}");
    }

    disk.free(&world);
    wait_for("a write that works again", || role(&world, "after").then_some(()));
    written.push("after".into());
    world.kubectl(Kubectl::WebSocket, &exec).succeeds();
    world.login_as("alice", jumpgate::demo::browser::Consent::Approve, &["--force"]).0.succeeds();

    // A crash in the middle of it.
    disk.fill(&world);
    written.extend(write_until_full(&world, "again"));
    world.gate.stop();
    let (program, args) = disk.before().split_first().unwrap();
    let mut start = world.command(Path::new(program), args);
    start.arg(env!("CARGO_BIN_EXE_jumpgate")).args(["start", "--config", "jumpgate.yaml"]);
    let refused = crate::support::world::Run::of(start).fails_with(1);
    let last = refused.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("error: ") && refused.stdout.is_empty(), "{refused:?}");
    if let Disk::Small(_) = disk {
        disk.free(&world);
    }
    world.gate.crash_and_restart();
    there(&world, &written);
    world.kubectl(Kubectl::WebSocket, &exec).succeeds();
}

#[test]
fn a_small_disk_that_is_full() {
    let mut mounted = None;
    let world = World::start_with(|folder| {
        mounted = Mount::new(&folder.join("data"));
        String::new()
    });
    // Where nothing can be mounted, the other story stands for both.
    if let Some(mount) = mounted {
        story(Disk::Small(mount), world.and_connector());
    }
}

#[test]
fn files_that_may_not_grow() {
    story(Disk::Limit, World::launch(|_, _| (String::new(), Launch::default())).and_connector());
}
