//! As `faults`, for a login through the browser and for a move of keys: each call that writes fails once and is killed there
//! once. What is there afterwards is the old or the new login, and the same command once more ends what was begun.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use jumpgate::client::keystore::{KeyStore, Kind, SystemStore};

use crate::{
    faults::{CALLS, FAULTS, KUBECONFIG, Step, files_below, keys_are_private, steps_in},
    support::{
        fake_gate::FakeGate,
        run::{Ended, Person},
    },
    tsh_login::HALF_DAY,
};

/// A person with homes that may be spoilt, and a gate of their own: what runs beside it is in nobody's way.
struct Lane {
    person: Person,
    gate: FakeGate,
}

impl Lane {
    /// Nobody is logged in, and the kubeconfig holds nothing.
    fn new() -> Self {
        let lane = Self { person: Person::new(), gate: FakeGate::start() };
        fs::create_dir_all(lane.home().join(".kube")).expect("a folder");
        fs::write(lane.home().join(".kube/config"), KUBECONFIG).expect("a kubeconfig");
        lane
    }

    /// The home that stays.
    fn home(&self) -> PathBuf {
        self.person.path("home")
    }

    /// A copy of it.
    fn copy(&self, name: &str) -> PathBuf {
        let to = self.person.path(name);
        let copied = Command::new("cp").arg("-a").arg(self.home()).arg(&to).status().expect("cp");
        assert!(copied.success());
        to
    }

    fn tsh(&self, home: &Path, args: &[&str]) -> Ended {
        self.person.command(args).env("HOME", home).output().expect("tsh starts").into()
    }

    fn credentials(&self, home: &Path) -> Ended {
        self.tsh(home, &["kube", "credentials", &self.gate.proxy(), "--user=alice", "--no-login"])
    }

    /// `tsh` under strace with these options, if there are any.
    fn traced(&self, home: &Path, options: &[&str], args: &[&str]) -> Command {
        let mut command = match options {
            [] => self.person.command(args),
            _ => {
                let all = [options, &["--", env!("CARGO_BIN_EXE_tsh")], args].concat();
                self.person.program(Path::new("strace"), &all)
            }
        };
        command.env("HOME", home).env("TZ", "UTC");
        command
    }

    /// `tsh login --force`; if it comes so far that it prints its address, a browser brings the answer.
    fn login(&self, home: &Path, options: &[&str]) -> Ended {
        let proxy = self.gate.proxy();
        let args = ["login", "--insecure", "--force", "--browser=none", &proxy];
        let mut child = self.traced(home, options, &args).spawn().expect("it starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("standard error"));
        let mut said = String::new();
        let mut line = String::new();
        while stderr.read_line(&mut line).expect("standard error") > 0 {
            said.push_str(&line);
            if line.contains("http://127.0.0.1:") {
                visit(&self.gate.callback(&self.gate.answer("alice", HALF_DAY)));
            }
            line.clear();
        }
        let mut ended: Ended = child.wait_with_output().expect("an end").into();
        ended.stderr = said;
        ended
    }
}

/// A browser goes there; whoever listens may be killed meanwhile.
fn visit(address: &str) {
    let rest = address.strip_prefix("http://").expect("http");
    let (host, path) = rest.split_once('/').expect("a path");
    let Ok(mut stream) = TcpStream::connect(host) else { return };
    let _ = write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let _ = stream.read_to_end(&mut Vec::new());
}

/// Runs `check` on a copy of the home for each fault at each step of what `run` does, a lane a thread. `before` makes a copy
/// ready.
fn each_fault(
    lanes: &[Lane],
    before: impl Fn(&Lane, &Path) + Sync,
    run: impl Fn(&Lane, &Path, &[&str]) -> Ended + Sync,
    check: impl Fn(&Lane, &Path, &Ended, &str) + Sync,
) {
    let lane = &lanes[0];
    let home = lane.copy("trace");
    before(lane, &home);
    let log = lane.person.path("trace.log");
    let filter = format!("trace={CALLS}");
    let whole = run(lane, &home, &["-f", "-y", "-o", log.to_str().expect("a path"), "-e", &filter]);
    assert_eq!(whole.code, 0, "{whole:?}");
    check(lane, &home, &whole, "no fault");
    let steps = steps_in(&log, &home);
    // The errors take turns, since a login is long; with ALL_FAULTS=1 each of them strikes at each step.
    let is_all = std::env::var_os("ALL_FAULTS").is_some();
    let (errors, kill) = FAULTS.split_at(FAULTS.len() - 1);
    let mut all: Vec<(Step, &str)> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let turn = index % errors.len();
        let chosen = if is_all { errors } else { &errors[turn..=turn] };
        all.extend(chosen.iter().chain(kill).map(|fault| (step.clone(), *fault)));
    }
    let (next, hit) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failed: Mutex<Vec<String>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for lane in lanes {
            scope.spawn(|| {
                while let Some((step, fault)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let what = format!("{fault} at call {} of {}: {}", step.number, step.call, step.line);
                    let name = format!("{}-{}-{}", step.call, step.number, fault.replace('=', "-"));
                    let home = lane.copy(&name);
                    let log = home.with_extension("log");
                    let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        before(lane, &home);
                        let trace = format!("trace={}", step.call);
                        let inject = format!("inject={}:{fault}:when={}", step.call, step.number);
                        let log = log.to_str().expect("a path");
                        let ended =
                            run(lane, &home, &["-f", "-y", "-qqq", "-o", log, "-e", &trace, "-e", &inject]);
                        check(lane, &home, &ended, &what);
                    }));
                    let seen = fs::read_to_string(&log).unwrap_or_default();
                    let home_text = home.to_str().expect("a path");
                    let injected = |line: &str| line.contains("(INJECTED)") && line.contains(home_text);
                    hit.fetch_add(usize::from(seen.lines().any(injected)), Ordering::Relaxed);
                    if tried.is_err() {
                        failed.lock().expect("no poison").push(what);
                    }
                    fs::remove_dir_all(&home).expect("a copy");
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no poison");
    assert!(failed.is_empty(), "of {} faults {} did harm: {failed:#?}", all.len(), failed.len());
    // Nobody knows of a kill where it struck; the errors struck what they were meant for.
    let (hit, errors) = (hit.into_inner(), all.iter().filter(|(_, fault)| !kill.contains(fault)).count());
    assert!(hit * 10 >= errors * 9, "{hit} of {errors} errors struck a file of the home");
}

/// What holds after any fault.
fn laws(home: &Path, ended: &Ended, what: &str) {
    let errors = ended.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    let said = ended.code == 0 || errors == 1 || what.starts_with("signal=KILL");
    assert!(said, "{what}: one sentence, not {:?} (exit code {})", ended.stderr, ended.code);
    assert!(!ended.stderr.contains("panicked"), "{what}: {}", ended.stderr);
    keys_are_private(files_below(home), what);
}

/// The names of the files of a home, without the scraps that a kill leaves and that hold nothing secret: of certificates, of
/// profiles, of a lock.
fn names(home: &Path) -> BTreeSet<PathBuf> {
    let is_scrap = |path: &PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        name.starts_with(".new-") || name.starts_with(".config.lock-")
    };
    let name = |(path, text): (PathBuf, String)| {
        assert!(!is_scrap(&path) || !text.contains("PRIVATE KEY"), "{} holds a key", path.display());
        (!is_scrap(&path)).then(|| path.strip_prefix(home).expect("below").to_owned())
    };
    files_below(home).into_iter().filter_map(name).collect()
}

fn kubeconfig(home: &Path) -> String {
    fs::read_to_string(home.join(".kube/config")).expect("the kubeconfig is there")
}

#[test]
fn a_first_login_is_there_or_is_not() {
    let lanes = [Lane::new(), Lane::new()];
    let whole = lanes.each_ref().map(|lane| {
        let home = lane.copy("whole");
        assert_eq!(lane.login(&home, &[]).code, 0);
        (lane.gate.port, names(&home))
    });
    each_fault(
        &lanes,
        |_, _| (),
        Lane::login,
        |lane, home, ended, what| {
            laws(home, ended, what);
            let status = lane.tsh(home, &["status"]);
            assert!(!status.stderr.contains("do not belong together"), "{what}: {status:?}");
            let credentials = lane.credentials(home);
            assert!([0, 3].contains(&credentials.code), "{what}: {credentials:?}");
            let text = kubeconfig(home);
            assert!(text == KUBECONFIG || credentials.code == 0, "{what}: an entry, and no login for it");
            assert!(ended.code != 0 || credentials.code == 0 && text != KUBECONFIG, "{what}: {ended:?}");
            assert_eq!(lane.login(home, &[]).code, 0, "{what}");
            assert_eq!(lane.credentials(home).code, 0, "{what}");
            let (_, expected) = whole.iter().find(|(port, _)| *port == lane.gate.port).expect("a lane");
            assert_eq!(&names(home), expected, "{what}: nothing is left behind");
        },
    );
}

#[test]
fn a_new_login_leaves_the_old_one_or_takes_its_place() {
    let lanes = [Lane::new(), Lane::new()];
    for lane in &lanes {
        assert_eq!(lane.login(&lane.home(), &[]).code, 0);
    }
    each_fault(
        &lanes,
        |_, _| (),
        Lane::login,
        |lane, home, ended, what| {
            laws(home, ended, what);
            let credentials = lane.credentials(home);
            assert_eq!(credentials.code, 0, "{what}: {credentials:?}");
            assert!(credentials.stdout.contains("clientKeyData"), "{what}");
            let changed = credentials.stdout != lane.credentials(&lane.home()).stdout;
            assert!(ended.code != 0 || changed, "{what}: it said that it logged in");
            assert_eq!(kubeconfig(home), kubeconfig(&lane.home()), "{what}");
            assert_eq!(lane.tsh(home, &["logout"]).code, 0, "{what}");
            let left = files_below(home).into_iter().filter(|(_, text)| text.contains("PRIVATE KEY"));
            assert_eq!(left.count(), 0, "{what}: a key is left after the logout");
        },
    );
}

/// Whether the key is in a file, and how many times it is in the kernel's keyring.
fn places(home: &Path, hash: &str) -> (bool, usize) {
    let kept = SystemStore::new(Kind::Keyutils).list().expect("the kernel's keyring");
    let count = kept.iter().filter(|name| name.public == hash).count();
    (files_below(home).iter().any(|(_, text)| text.contains("PRIVATE KEY")), count)
}

#[test]
fn a_move_of_keys_loses_none_and_can_be_done_again() {
    let lane = Lane::new();
    assert_eq!(lane.login(&lane.home(), &[]).code, 0);
    let whole = lane.credentials(&lane.home()).stdout;
    let listed = lane.tsh(&lane.home(), &["keys", "ls", "--format=json"]).stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    let hash = listed[0]["public_key"].as_str().expect("the hash of the key").to_owned();
    let lanes = [lane];
    for to in ["keyutils", "file"] {
        let move_to = |lane: &Lane, home: &Path, to: &str| {
            let ended = lane.tsh(home, &["keys", "move", &format!("--to={to}")]);
            assert_eq!(ended.code, 0, "{ended:?}");
        };
        let before = |lane: &Lane, home: &Path| {
            if to == "file" {
                move_to(lane, home, "keyutils");
            }
        };
        let run = |lane: &Lane, home: &Path, options: &[&str]| -> Ended {
            let to = format!("--to={to}");
            lane.traced(home, options, &["keys", "move", &to]).output().expect("it starts").into()
        };
        each_fault(&lanes, before, run, |lane, home, ended, what| {
            laws(home, ended, what);
            let credentials = lane.credentials(home);
            assert_eq!((credentials.code, &credentials.stdout), (0, &whole), "{what}: {credentials:?}");
            move_to(lane, home, to);
            assert_eq!(places(home, &hash).0, to == "file", "{what}: {ended:?}");
            assert_eq!(lane.credentials(home).stdout, whole, "{what}");
            move_to(lane, home, "file");
            assert_eq!(places(home, &hash), (true, 0), "{what}: the kernel's is taken away");
        });
    }
}
