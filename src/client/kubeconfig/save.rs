//! Reads a file and replaces it whole: one backup, a temporary file in the same folder, synced, renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::error::Error;

/// A file's bytes; none if there is no such file.
///
/// # Errors
/// The file is there but can't be read.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(Error::io("read", path, e)),
    }
}

/// Makes a folder and those above it, for this user alone.
pub(super) fn make_folder(path: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|e| Error::io("create the folder", path, e))
}

/// The folder in which a file stands.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A file name with something added.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// What the name of a backup ends in.
const BACKUP: &str = ".jumpgate.bak";

/// How the temporary files for a target begin and end.
fn temporary_name(target: &Path) -> (String, &'static str) {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    (format!(".{name}.jumpgate-"), ".tmp")
}

/// Takes away what killed processes left of a change of this file: it may hold the secrets of the file itself. The file's
/// lock must be held.
fn sweep(target: &Path) {
    let (prefix, suffix) = temporary_name(target);
    for entry in fs::read_dir(folder(target)).into_iter().flatten().filter_map(Result::ok) {
        let name = entry.file_name();
        let random = name.to_str().and_then(|name| name.strip_prefix(&prefix)?.strip_suffix(suffix));
        if random.is_some_and(|random| random.bytes().all(|b| b.is_ascii_alphanumeric())) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Puts `after` in the place of `before`, at once or not at all. A symbolic link stays one, and its target keeps its
/// mode and owner; a new file is 0600. With `private` (the text holds a private key) nobody but the owner keeps a right
/// to it; whether somebody had one is the answer. The lock of `path` must be held.
///
/// # Errors
/// [`Error::Changed`] if the file no longer holds `before`; otherwise what the operating system refuses.
pub(super) fn replace(
    path: &Path,
    before: Option<&[u8]>,
    after: &[u8],
    backup: bool,
    private: bool,
) -> Result<bool, Error> {
    let target = follow(path)?;
    let original = match before {
        None => None,
        Some(_) => Some(writable(path, &target)?),
    };
    // Who reaches the file by a link has a lock of another name.
    for left in [&target, &beside(path, BACKUP)].into_iter().filter(|_| target == path) {
        sweep(left);
    }
    if let (Some(before), true) = (before, backup) {
        let to = beside(path, BACKUP);
        let temporary = prepare(&to, before, None, false)?;
        temporary.persist(&to).map_err(|e| Error::io("write the backup", &to, e.error))?;
    }
    let temporary = prepare(&target, after, original.as_ref(), private)?;
    if read(path)?.as_deref() != before {
        return Err(Error::Changed { path: super::error::show(path) });
    }
    match before {
        Some(_) => drop(temporary.persist(&target).map_err(|e| Error::io("replace", path, e.error))?),
        None => drop(temporary.persist_noclobber(&target).map_err(|e| match e.error.kind() {
            io::ErrorKind::AlreadyExists => Error::Changed { path: super::error::show(path) },
            _ => Error::io("create", path, e.error),
        })?),
    }
    sync_folder(&target);
    Ok(private && original.as_ref().is_some_and(is_open))
}

/// Where a path leads in the end, also when nothing is there yet.
fn follow(path: &Path) -> Result<PathBuf, Error> {
    let mut target = path.to_owned();
    for _ in 0..40 {
        match fs::read_link(&target) {
            Ok(next) => target = folder(&target).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(Error::io("follow the symbolic link", path, io::Error::other("too many links")))
}

/// What there is about a file that we may change. A rename would get past a file's own write protection, so we ask.
fn writable(path: &Path, target: &Path) -> Result<fs::Metadata, Error> {
    let file = OpenOptions::new().write(true).open(target).map_err(|e| Error::io("write", path, e))?;
    let metadata = file.metadata().map_err(|e| Error::io("read", path, e))?;
    if metadata.is_file() {
        return Ok(metadata);
    }
    Err(Error::io("replace", path, io::Error::other("it is no ordinary file; point KUBECONFIG at one")))
}

/// A temporary file beside the target, complete and on disk, and never readable by more people than the target.
fn prepare(
    target: &Path,
    bytes: &[u8],
    original: Option<&fs::Metadata>,
    private: bool,
) -> Result<tempfile::NamedTempFile, Error> {
    let (prefix, suffix) = temporary_name(target);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(suffix);
    #[cfg(unix)]
    let builder = builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
    let mut temporary =
        builder.tempfile_in(folder(target)).map_err(|e| Error::io("write in the folder of", target, e))?;
    let failed = |e: io::Error| Error::io("write", target, e);
    temporary.write_all(bytes).map_err(failed)?;
    if let Some(original) = original {
        keep(temporary.as_file(), original, target, private)?;
    }
    temporary.as_file().sync_all().map_err(failed)?;
    Ok(temporary)
}

/// Whether others than the owner have a right to a file.
#[cfg(unix)]
fn is_open(original: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    original.mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open(_: &fs::Metadata) -> bool {
    false
}

/// Gives a file the owner and the mode of the one that it replaces; a private one only the owner's part of the mode.
#[cfg(unix)]
fn keep(file: &File, original: &fs::Metadata, target: &Path, private: bool) -> Result<(), Error> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    let own = file.metadata().map_err(|e| Error::io("write", target, e))?;
    if (own.uid(), own.gid()) != (original.uid(), original.gid()) {
        fchown(file, Some(original.uid()), Some(original.gid()))
            .map_err(|e| Error::io("keep the owner of", target, e))?;
    }
    let mode = fs::Permissions::from_mode(original.mode() & if private { 0o700 } else { 0o7777 });
    file.set_permissions(mode).map_err(|e| Error::io("write", target, e))
}

#[cfg(not(unix))]
fn keep(_: &File, _: &fs::Metadata, _: &Path, _: bool) -> Result<(), Error> {
    Ok(())
}

/// A rename is on disk once its folder is. Some file systems can't sync a folder; the file itself is safe then too.
fn sync_folder(target: &Path) {
    if cfg!(unix)
        && let Ok(folder) = File::open(folder(target))
    {
        let _ = folder.sync_all();
    }
}
