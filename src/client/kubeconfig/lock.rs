//! kubectl's lock: `<file>.lock`, made with `O_CREAT|O_EXCL`, there while a file is being changed.
//!
//! Ours says who made it, so that one left behind by a killed process is recognised and swept. A lock of another
//! program says nothing (kubectl's is empty, mode 0): it is waited for, then named.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::error::{Error, show};
use super::save;

const POLL: Duration = Duration::from_millis(20);
/// After this long a lock file that is being made is left from a process that was killed.
const UNFINISHED: Duration = Duration::from_secs(60);

/// A held lock. Dropping it takes the lock file away.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    content: String,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Someone may have removed ours by hand and made their own.
        if fs::read_to_string(&self.path).is_ok_and(|text| text == self.content) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Takes the lock of a file.
///
/// # Errors
/// [`Error::Locked`] when another program holds it for longer than `wait`; otherwise what the operating system says.
pub(super) fn take(file: &Path, wait: Duration) -> Result<Lock, Error> {
    let path = save::beside(file, ".lock");
    let deadline = Instant::now() + wait;
    let content = Holder::me().to_string();
    loop {
        match make(&path, &content) {
            Ok(()) => {
                sweep_unfinished(&path);
                return Ok(Lock { path, content });
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(Error::io("lock", file, e)),
        }
        if sweep(&path) {
            continue;
        }
        if Instant::now() >= deadline {
            let holder = Holder::of(&path).map_or("another program".into(), |h| h.describe());
            return Err(Error::Locked { lock: show(&path), holder, waited: wait.as_secs() });
        }
        std::thread::sleep(POLL);
    }
}

/// Makes the lock file with what it says, at once: a process that is killed in between must not leave an empty one, which
/// looks like kubectl's.
fn make(path: &Path, content: &str) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut unfinished = tempfile::Builder::new().prefix(&unfinished_prefix(path)).tempfile_in(folder)?;
    unfinished.write_all(content.as_bytes())?;
    match fs::hard_link(unfinished.path(), path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => make_in_steps(path, content),
        done => done,
    }
}

/// Where a disk has no hard links.
fn make_in_steps(path: &Path, content: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut made = options.open(path)?;
    made.write_all(content.as_bytes()).inspect_err(|_| {
        let _ = fs::remove_file(path);
    })
}

fn unfinished_prefix(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(".{name}-")
}

/// Takes away what processes left that were killed while they made their lock. They hold nothing.
fn sweep_unfinished(path: &Path) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let prefix = unfinished_prefix(path);
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        if !entry.file_name().to_string_lossy().starts_with(&prefix) {
            continue;
        }
        let age = entry.metadata().and_then(|meta| meta.modified()).ok().and_then(|at| at.elapsed().ok());
        let left = match Holder::of(&entry.path()) {
            Some(holder) => holder.is_gone(),
            None => age.is_some_and(|age| age > UNFINISHED),
        };
        if left {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Takes away a lock file of ours whose process is gone. Two sweepers can't take away a third one's fresh lock: the
/// file is held open and locked while it is looked at, and only what still stands under the name is removed.
fn sweep(path: &Path) -> bool {
    let Ok(mut file) = File::open(path) else { return false };
    if file.try_lock().is_err() {
        return false;
    }
    let mut text = String::new();
    let stale = (&mut file).take(4096).read_to_string(&mut text).is_ok()
        && Holder::parse(&text).is_some_and(|holder| holder.is_gone());
    stale && same_file(&file, path) && fs::remove_file(path).is_ok()
}

#[cfg(unix)]
fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |m: &fs::Metadata| (m.dev(), m.ino());
    matches!((file.metadata(), fs::symlink_metadata(path)), (Ok(a), Ok(b)) if id(&a) == id(&b))
}

#[cfg(not(unix))]
fn same_file(_: &File, _: &Path) -> bool {
    false
}

/// The process that made a lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holder {
    pid: u32,
    /// When it started, as the kernel counts; empty where that can't be known.
    start: String,
    host: String,
    /// The boot and the process namespace in which its pid means something.
    boot: String,
    space: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Holder { pid, start, host, boot, space } = self;
        writeln!(f, "jumpgate pid={pid} start={start} host={host} boot={boot} space={space}")
    }
}

impl Holder {
    fn me() -> Holder {
        let pid = std::process::id();
        let start = started(pid).unwrap_or_default();
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let space = fs::read_link("/proc/self/ns/pid").map(|p| p.display().to_string()).unwrap_or_default();
        let host = hostname();
        Holder { pid, start, host, boot: boot.trim().to_owned(), space }
    }

    fn of(path: &Path) -> Option<Holder> {
        Holder::parse(&fs::read_to_string(path).ok()?)
    }

    fn parse(text: &str) -> Option<Holder> {
        let fields = text.strip_prefix("jumpgate ")?.strip_suffix('\n')?;
        let field = |name: &str| {
            let found = fields.split(' ').find_map(|f| f.strip_prefix(name)?.strip_prefix('='));
            found.map(str::to_owned)
        };
        let pid = field("pid")?.parse().ok()?;
        let (start, host) = (field("start")?, field("host")?);
        Some(Holder { pid, start, host, boot: field("boot")?, space: field("space")? })
    }

    /// Only said when it is certain: the same machine, and either another boot or no such process.
    fn is_gone(&self) -> bool {
        let me = Holder::me();
        if self.host != me.host {
            return false;
        }
        if !self.boot.is_empty() && !me.boot.is_empty() && self.boot != me.boot {
            return true;
        }
        if self.space != me.space || !can_ask() {
            return false;
        }
        match (is_alive(self.pid), started(self.pid)) {
            (false, _) => true,
            (true, Some(start)) => !self.start.is_empty() && start != self.start,
            (true, None) => false,
        }
    }

    fn describe(&self) -> String {
        let host: String = self.host.chars().filter(|c| !c.is_control()).collect();
        format!("process {} on {host}", self.pid)
    }
}

/// When a process started, in clock ticks after boot (field 22 of `/proc/PID/stat`).
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold anything.
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19).map(str::to_owned)
}

#[cfg(unix)]
fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().replace(' ', "")
}

#[cfg(not(unix))]
fn hostname() -> String {
    String::new()
}

fn can_ask() -> bool {
    cfg!(unix)
}

#[cfg(unix)]
fn is_alive(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return true };
    // A process of someone else answers "not permitted", and is alive.
    rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}

#[cfg(not(unix))]
fn is_alive(_: u32) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(60);

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        (folder, file)
    }

    #[test]
    fn a_strangers_lock_is_waited_for_and_named() {
        let (_folder, file) = file();
        let lock = save::beside(&file, ".lock");
        fs::write(&lock, "").unwrap();
        let error = take(&file, SHORT).unwrap_err();
        assert!(matches!(&error, Error::Locked { lock, .. } if lock.ends_with("config.lock")), "{error}");
        assert!(lock.exists());
    }

    #[test]
    fn our_own_living_lock_is_not_swept() {
        let (_folder, file) = file();
        let held = take(&file, SHORT).unwrap();
        let error = take(&file, SHORT).unwrap_err();
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(held);
        drop(take(&file, SHORT).unwrap());
        assert!(!save::beside(&file, ".lock").exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_dead_process_lock_is_swept() {
        let (_folder, file) = file();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        for holder in [
            Holder { pid, ..Holder::me() },
            Holder { start: "1".into(), ..Holder::me() },
            Holder { boot: "another".into(), ..Holder::me() },
        ] {
            fs::write(save::beside(&file, ".lock"), holder.to_string()).unwrap();
            drop(take(&file, SHORT).unwrap());
        }
        let elsewhere = Holder { pid, host: "elsewhere".into(), ..Holder::me() };
        fs::write(save::beside(&file, ".lock"), elsewhere.to_string()).unwrap();
        assert!(take(&file, SHORT).is_err());
    }
}
