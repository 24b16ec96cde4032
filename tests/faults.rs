//! Each write of `~/.tsh` and of the kubeconfig fails once, at each of its system calls, and is killed there once: what is
//! there afterwards is the old or the new, never half of it, never a key without its certificate.
//!
//! The real `tsh` runs under strace, which first tells which calls touch the home, then fails each of them in turn.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::support::world::{CLUSTER, Run, World};

/// The calls that change something, or make it last.
pub(crate) const CALLS: &str =
    "openat,write,fsync,rename,renameat,renameat2,unlink,unlinkat,symlink,symlinkat,mkdir,fchmod,ftruncate";
pub(crate) const FAULTS: [&str; 4] = ["error=ENOSPC", "error=EIO", "error=EACCES", "signal=KILL"];
pub(crate) const KUBECONFIG: &str =
    "apiVersion: v1\nkind: Config\n# mine\nclusters: []\ncontexts: []\nusers: []\n";

/// One call of a command: its name, and the how manieth of that name it is.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) call: String,
    pub(crate) number: usize,
    pub(crate) line: String,
}

/// A copy of the person's home, to be spoilt.
struct Copy(PathBuf);

impl Copy {
    fn of(home: &Path, name: &str) -> Self {
        let to = home.with_file_name(name);
        let copied = Command::new("cp").arg("-a").arg(home).arg(&to).status().expect("cp");
        assert!(copied.success());
        Self(to)
    }

    fn tsh(&self, world: &World, args: &[&str]) -> Run {
        Run::of(self.command(world, Path::new(env!("CARGO_BIN_EXE_tsh")), args))
    }

    fn strace(&self, world: &World, options: &[&str], args: &[&str]) -> Run {
        let all = [options, &["--", env!("CARGO_BIN_EXE_tsh")], args].concat();
        Run::of(self.command(world, Path::new("strace"), &all))
    }

    fn command(&self, world: &World, program: &Path, args: &[&str]) -> Command {
        let mut command = world.command(program, args);
        command.env("HOME", &self.0);
        command
    }

    fn kubeconfig(&self) -> String {
        fs::read_to_string(self.0.join(".kube/config")).expect("the kubeconfig is there")
    }

    fn files(&self) -> Vec<(PathBuf, String)> {
        files_below(&self.0)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // The story's folder goes as a whole anyway.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Every file below a folder, with what is in it.
pub(crate) fn files_below(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match fs::symlink_metadata(&path).expect("it is there").file_type() {
                kind if kind.is_dir() => folders.push(path),
                kind if kind.is_file() => {
                    found.push((path.clone(), fs::read_to_string(&path).unwrap_or_default()));
                }
                _ => {}
            }
        }
    }
    found
}

/// The calls of a command that touch the home.
fn steps(world: &World, args: &[&str]) -> Vec<Step> {
    let copy = Copy::of(&world.home(), &format!("trace-{}", args.join("-")));
    let log = copy.0.with_extension("log");
    let filter = format!("trace={CALLS}");
    copy.strace(world, &["-f", "-y", "-o", log.to_str().expect("a path"), "-e", &filter], args).succeeds();
    steps_in(&log, &copy.0)
}

/// The calls in strace's log that touch this home.
pub(crate) fn steps_in(log: &Path, home: &Path) -> Vec<Step> {
    let home = home.to_str().expect("a path").to_owned();
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut found = Vec::new();
    for line in fs::read_to_string(log).expect("strace's log").lines() {
        let Some((before, _)) = line.split_once('(') else { continue };
        let call = before.split_whitespace().last().unwrap_or_default().to_owned();
        let number = counts.entry(call.clone()).or_default();
        *number += 1;
        let changes = call != "openat" || line.contains("O_CREAT");
        if line.contains(&home) && changes {
            found.push(Step { call, number: *number, line: line.to_owned() });
        }
    }
    assert!(found.len() > 5, "strace sees what is written: {found:?}");
    found
}

/// Runs `check` for each fault at each step, on two threads.
fn each_fault(world: &World, args: &[&str], check: impl Fn(&Copy, &Run, &str) + Sync) {
    let steps = steps(world, args);
    let all: Vec<(Step, &str)> =
        steps.iter().flat_map(|step| FAULTS.map(|fault| (step.clone(), fault))).collect();
    let next = AtomicUsize::new(0);
    let failed: Mutex<Vec<String>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((step, fault)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let what = format!("{} at call {} of {}: {}", fault, step.number, step.call, step.line);
                    let name = format!("{}-{}-{}", step.call, step.number, fault.replace('=', "-"));
                    let copy = Copy::of(&world.home(), &name);
                    let inject = format!("inject={}:{fault}:when={}", step.call, step.number);
                    let run = copy.strace(world, &["-f", "-qqq", "-o", "/dev/null", "-e", &inject], args);
                    let tried =
                        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&copy, &run, &what)));
                    if tried.is_err() {
                        failed.lock().expect("no poison").push(what);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no poison");
    assert!(failed.is_empty(), "of {} faults {} did harm: {failed:#?}", all.len(), failed.len());
}

/// What holds after any fault, whatever the command was.
fn laws(world: &World, copy: &Copy, run: &Run, what: &str) {
    let errors = run.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    let said = run.code == 0 || errors == 1 || what.starts_with("signal=KILL");
    assert!(said, "{what}: one sentence, not {:?} (exit code {})", run.stderr, run.code);
    assert!(!run.stderr.contains("panicked"), "{what}: {}", run.stderr);
    keys_are_private(copy.files(), what);
    let status = copy.tsh(world, &["status"]);
    assert!(!status.stderr.contains("do not belong together"), "{what}: {}", status.stderr);
}

/// Nobody else may read a file in which a key stands.
pub(crate) fn keys_are_private(files: Vec<(PathBuf, String)>, what: &str) {
    use std::os::unix::fs::PermissionsExt;
    for (path, _) in files.iter().filter(|(_, text)| text.contains("PRIVATE KEY")) {
        let mode = fs::metadata(path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{what}: {}", path.display());
    }
}

fn world() -> World {
    let world = World::with_connector();
    fs::create_dir_all(world.home().join(".kube")).expect("a folder");
    fs::write(world.home().join(".kube/config"), KUBECONFIG).expect("a kubeconfig");
    world.login();
    world
}

#[test]
fn the_kubeconfig_is_the_old_or_the_new_one() {
    let world = world();
    let new = fs::read_to_string(world.kubeconfig()).expect("a kubeconfig");
    world.tsh(&["kube", "logout"]).succeeds();
    let old = fs::read_to_string(world.kubeconfig()).expect("a kubeconfig");
    assert_eq!(old, KUBECONFIG);
    each_fault(&world, &["kube", "login"], |copy, run, what| {
        laws(&world, copy, run, what);
        let found = copy.kubeconfig();
        assert!(found == old || found == new, "{what}: {found}");
        copy.tsh(&world, &["kube", "login"]).succeeds();
        assert_eq!(copy.kubeconfig(), new, "{what}");
    });
}

#[test]
fn a_logout_is_done_or_can_be_done_again() {
    let world = world();
    let new = fs::read_to_string(world.kubeconfig()).expect("a kubeconfig");
    each_fault(&world, &["logout"], |copy, run, what| {
        laws(&world, copy, run, what);
        let found = copy.kubeconfig();
        assert!(found == KUBECONFIG || found == new, "{what}: {found}");
        copy.tsh(&world, &["logout"]).succeeds();
        assert_eq!(copy.kubeconfig(), KUBECONFIG, "{what}");
        let left = copy.files().into_iter().filter(|(_, text)| text.contains("PRIVATE KEY"));
        assert_eq!(left.count(), 0, "{what}: a key is left after the second logout");
    });
}

#[test]
fn a_key_is_never_without_its_certificate() {
    let world = world();
    each_fault(&world, &["login", "--renew"], |copy, run, what| {
        laws(&world, copy, run, what);
        copy.tsh(&world, &["kube", "credentials"]).succeeds().says("clientCertificateData");
        copy.tsh(&world, &["login", "--renew"]).succeeds().says(CLUSTER);
    });
}
