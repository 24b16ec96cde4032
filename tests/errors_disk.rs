//! A home that cannot be written, a disk that is full, a kubeconfig that is not one: nothing is lost, and a sentence says it.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

use jumpgate::demo::browser::Consent;

use crate::support::world::{Run, World, runtime};

/// Somebody without rights, as far as this machine lets us be one.
struct Unprivileged {
    tsh: PathBuf,
    root: bool,
}

const NOBODY: u32 = 65534;

impl Unprivileged {
    /// The binary goes into the story's folder, which a user without rights can reach wherever the build is.
    fn new(world: &World) -> Self {
        let tsh = world.dir().join("tsh");
        fs::copy(env!("CARGO_BIN_EXE_tsh"), &tsh).unwrap();
        mode(world.dir(), 0o755);
        let root = rustix::process::geteuid().is_root();
        Self { tsh, root }
    }

    /// Makes everything below a folder theirs.
    fn give(&self, path: &Path) {
        if self.root {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| self.give(&entry.unwrap().path()));
        }
    }

    fn tsh(&self, world: &World, args: &[&str]) -> Command {
        if !self.root {
            return world.command(&self.tsh, args);
        }
        // Root may write everywhere, so the command runs as somebody else.
        let tsh = self.tsh.to_str().unwrap();
        let other = ["--reuid=65534", "--regid=65534", "--clear-groups", "--", tsh];
        world.command(Path::new("setpriv"), &[&other[..], args].concat())
    }
}

fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
}

fn sign_in(world: &World, command: Command) -> Run {
    let browser = world.browser();
    Run::with_browser(command, |address| {
        runtime().block_on(browser.sign_in(address, "alice", Consent::Approve)).unwrap()
    })
    .0
}

/// The command as a person types it.
fn shown(mut run: Run) -> Run {
    run.command = format!("tsh {}", run.command.split("/tsh ").last().unwrap_or_default());
    run
}

#[test]
fn a_read_only_home() {
    let world = World::with_connector();
    let somebody = Unprivileged::new(&world);
    let args = ["login", "--insecure", &world.proxy(), "--browser=none"];
    let mut said = world.transcript();
    somebody.give(&world.home());
    mode(&world.home(), 0o500);
    said.line("# the whole home: told before anybody signs in");
    said.run(shown(Run::of(somebody.tsh(&world, &args)).fails_with(1)));
    mode(&world.home(), 0o700);
    assert!(world.home_files().is_empty(), "{:?}", world.home_files());

    said.line("# the folder of the kubeconfig");
    let kube = world.home().join(".kube");
    fs::create_dir(&kube).unwrap();
    fs::write(kube.join("config"), "apiVersion: v1\nkind: Config\n").unwrap();
    somebody.give(&world.home());
    mode(&kube, 0o500);
    said.run(shown(sign_in(&world, somebody.tsh(&world, &args)).fails_with(1)));
    assert_eq!(fs::read(kube.join("config")).unwrap(), b"apiVersion: v1\nkind: Config\n");
    mode(&kube, 0o700);
    said.run(shown(Run::of(somebody.tsh(&world, &["kube", "login"])).succeeds()));

    said.line("# a profile that may not be read");
    mode(&world.home().join(".tsh"), 0o000);
    said.run(shown(Run::of(somebody.tsh(&world, &["status"])).fails_with(1)));
    said.run(shown(Run::of(somebody.tsh(&world, &["logout"])).fails_with(1)));
    mode(&world.home().join(".tsh"), 0o700);
    assert!(world.home().join(".tsh/keys/127.0.0.1/alice").exists());
    insta::assert_snapshot!("read_only_home", said.end());
}

/// `tsh` where no file may grow: on a full tmpfs if one can be mounted, else under a limit on the size of files.
fn on_a_full_disk(world: &World, args: &[&str]) -> Command {
    let tsh = env!("CARGO_BIN_EXE_tsh");
    let home = world.home().display().to_string();
    let can_mount = Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|s| s.success());
    if can_mount {
        let script = "home=$1; shift; cp -a \"$home\" \"$home.copy\" && mount -t tmpfs -o size=64k tmpfs \"$home\" || exit 99
            cp -a \"$home.copy/.\" \"$home\"; cat /dev/zero >\"$home/filling\" 2>/dev/null
            \"$@\"; code=$?; rm \"$home/filling\"; rm -r \"$home.copy\"; cp -a \"$home\" \"$home.after\"; exit $code";
        let before = ["-m", "sh", "-c", script, "sh", &home, tsh];
        return world.command(Path::new("unshare"), &[&before[..], args].concat());
    }
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    world.command(Path::new("sh"), &[&["-c", script, "sh", tsh][..], args].concat())
}

/// What the home looked like at the end.
fn files_after(world: &World) -> Vec<String> {
    let after = world.dir().join("home.after");
    let folder = if after.exists() { after } else { world.home() };
    let mut found = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path.display().to_string()) }
        }
    }
    found.sort();
    found
}

#[test]
fn a_full_disk() {
    let world = World::with_connector();
    let mut said = world.transcript();
    let proxy = world.proxy();
    let args = ["login", "--insecure", &proxy, "--browser=none"];
    let run = sign_in(&world, on_a_full_disk(&world, &args));
    said.run(shown(run.fails_with(1)));
    let left = files_after(&world);
    assert!(!left.iter().any(|f| f.contains("/keys/") && !f.ends_with(".lock")), "{left:?}");
    insta::assert_snapshot!("full_disk", said.end());
}

#[test]
fn a_kubeconfig_that_is_none_stays_as_it_is() {
    let world = World::with_connector();
    let mut said = world.transcript();
    let broken = "apiVersion: v1\nclusters: [\nnot: {closed\n";
    fs::create_dir_all(world.kubeconfig().parent().unwrap()).unwrap();
    fs::write(world.kubeconfig(), broken).unwrap();
    let (run, page) = world.login_as("alice", Consent::Approve, &[]);
    assert_eq!(page.status, 200);
    said.run(run.fails_with(1));
    for args in [&["kube", "login"][..], &["logout"]] {
        said.run(world.tsh(args));
        assert_eq!(fs::read_to_string(world.kubeconfig()).unwrap(), broken);
    }
    let folder = world.kubeconfig().parent().unwrap().to_owned();
    let names: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["config"], "no backup and no temporary file is left");
    insta::assert_snapshot!("unparsable_kubeconfig", said.end());
}
