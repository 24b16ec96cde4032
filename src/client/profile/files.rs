//! Files of a profile: read if there, replaced as a whole, locked.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::Path,
    time::Duration,
};

use super::ProfileError;

/// The text of a file, or none if there is no such file.
pub(in crate::client) fn read(path: &Path) -> Result<Option<String>, ProfileError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(ProfileError::io(path)(e)),
    }
}

/// Creates a folder, and those above it that are missing, with mode 0700.
pub(in crate::client) fn create_folder(path: &Path) -> Result<(), ProfileError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(ProfileError::io(path))
}

/// How the temporary files of [`replace_key`] begin.
const KEY: &str = ".key-";

/// How the temporary files of [`replace`] and [`link`] begin.
const NEW: &str = ".new-";
/// A temporary file that is older was left by a process that was killed: to fill one takes milliseconds.
const LEFT: Duration = Duration::from_secs(60);

/// Replaces a file as a whole: whoever reads sees the old one or the new one, also after a crash. Mode 0600. What killed
/// processes left in the folder goes.
pub(in crate::client) fn replace(path: &Path, bytes: &[u8]) -> Result<(), ProfileError> {
    sweep_new(path);
    replace_by(path, bytes, NEW)
}

/// Removes what killed writers left beside a file a while ago. Only what is this person's own and bears such a name; whatever
/// does not go stays for the next time.
fn sweep_new(path: &Path) {
    let Some(folder) = path.parent() else { return };
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        let name = entry.file_name();
        let random = name.to_str().and_then(|name| name.strip_prefix(NEW)).unwrap_or_default();
        // As `tempfile` makes them.
        if random.len() != 6 || !random.bytes().all(|b| b.is_ascii_alphanumeric()) {
            continue;
        }
        let Ok(meta) = fs::symlink_metadata(entry.path()) else { continue };
        let is_old = meta.modified().is_ok_and(|made| made.elapsed().is_ok_and(|age| age > LEFT));
        if is_old && (meta.is_file() || meta.is_symlink()) && is_own(&meta) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(unix)]
fn is_own(meta: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(meta) == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_own(_: &fs::Metadata) -> bool {
    true
}

/// As [`replace`], for files that may hold a private key. What a kill leaves of it is found by [`sweep`]; so the proxy's
/// `write` lock must be held.
pub(in crate::client) fn replace_key(path: &Path, bytes: &[u8]) -> Result<(), ProfileError> {
    replace_by(path, bytes, KEY)
}

/// Removes what killed writers of keys left in a folder, under the same lock.
pub(in crate::client) fn sweep(folder: &Path) -> Result<(), ProfileError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(ProfileError::io(folder)(e)),
    };
    for entry in entries {
        let entry = entry.map_err(ProfileError::io(folder))?;
        let name = entry.file_name();
        let random = name.to_str().and_then(|name| name.strip_prefix(KEY));
        // A person may be called `key-alice`: then `.key-alice.login` is a login.
        if random.is_some_and(|random| random.bytes().all(|b| b.is_ascii_alphanumeric())) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn replace_by(path: &Path, bytes: &[u8], prefix: &str) -> Result<(), ProfileError> {
    let write = || {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        // `tempfile` creates with mode 0600.
        let mut file = tempfile::Builder::new().prefix(prefix).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        sync_folder(folder)
    };
    write().map_err(ProfileError::io(path))
}

/// Replaces a symbolic link, whole as well. What stands there as a regular file stays.
pub(in crate::client) fn link(path: &Path, target: &Path) -> Result<(), ProfileError> {
    if fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_symlink())
        || fs::read_link(path).is_ok_and(|now| now == target)
    {
        return Ok(());
    }
    #[cfg(unix)]
    {
        let folder = path.parent().unwrap_or(Path::new("."));
        let made = tempfile::Builder::new()
            .prefix(NEW)
            .make_in(folder, |temporary| std::os::unix::fs::symlink(target, temporary));
        made.and_then(|file| file.persist(path).map_err(|e| e.error)).map_err(ProfileError::io(path))?;
    }
    Ok(())
}

/// Removes a file; says whether it was there.
pub(in crate::client) fn remove(path: &Path) -> Result<bool, ProfileError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(e) => Err(ProfileError::io(path)(e)),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// A lock between processes, released when dropped or when the process ends in whatever way.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    pub(in crate::client) fn take(path: &Path, waiting: impl FnOnce()) -> Result<Self, ProfileError> {
        let file = Self::open(path)?;
        if file.try_lock().is_err() {
            waiting();
            file.lock().map_err(ProfileError::io(path))?;
        }
        Ok(Self(file))
    }

    pub(in crate::client) fn try_take(path: &Path) -> Result<Option<Self>, ProfileError> {
        let file = Self::open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(ProfileError::io(path)(error)),
        }
    }

    fn open(path: &Path) -> Result<File, ProfileError> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map_err(ProfileError::io(path))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing it would do as well.
        let _ = self.0.unlock();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_a_killed_writer_left_is_swept_by_the_next_one_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let long_ago = SystemTime::now() - LEFT * 2;
        for name in [".new-abc123", ".new-Alice1.login", ".new-abcd", ".newer", ".new-abcdefg"] {
            let file = File::create(at(name)).unwrap();
            file.set_modified(long_ago).unwrap();
        }
        // Another process is at it.
        File::create(at(".new-fresh1")).unwrap();
        fs::create_dir(at(".new-folder")).unwrap();
        File::open(at(".new-folder")).unwrap().set_modified(long_ago).unwrap();
        replace(&at("file"), b"x").unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(
            left,
            [
                ".new-Alice1.login",
                ".new-abcd",
                ".new-abcdefg",
                ".new-folder",
                ".new-fresh1",
                ".newer",
                "file"
            ]
        );
    }
}
