//! The files in a session's folder: their names, and what they hold once no actor writes them.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{Part, Snapshot};
use crate::recording::blocks::{Blocks, Piece};

/// The file of a part in a session's folder.
pub(in super::super) fn part_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:06}.part"))
}

/// The file of the lines from a byte of them on.
pub(super) fn open_path(folder: &Path, begin: u64) -> PathBuf {
    folder.join(format!("open.{begin}.cast"))
}

pub(super) fn open_file(folder: &Path, begin: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).read(true).append(true).truncate(false).mode(0o600).open(open_path(folder, begin))
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The files of a session that no actor writes any more.
pub(in super::super) fn left(folder: &Path) -> io::Result<Snapshot> {
    let (mut files, mut plain) = (Vec::new(), 0);
    for number in parts(folder)? {
        let bytes = fs::read(part_path(folder, number))?;
        let blocks = Blocks::new(&bytes).map_while(Result::ok);
        plain += blocks
            .map(|block| match block.what {
                Piece::Frame { link, .. } => link.plain,
                _ => 0,
            })
            .sum::<u64>();
        files.push(Part { number, length: Some(bytes.len() as u64), begin: None });
    }
    let mut open = Vec::new();
    for begin in open_begins(folder)? {
        let lines = fs::read(open_path(folder, begin))?;
        open.extend(lines_behind(plain + open.len() as u64, begin, &lines).unwrap_or_default());
    }
    Ok(Snapshot { parts: files, open })
}

/// Where the files of lines in a session's folder begin, in order.
pub(super) fn open_begins(folder: &Path) -> io::Result<Vec<u64>> {
    numbers(folder, "open.", ".cast")
}

/// What a file of lines has behind so many bytes of them; None if lines are missing between.
pub(super) fn lines_behind(plain: u64, begin: u64, lines: &[u8]) -> Option<&[u8]> {
    let skipped = usize::try_from(plain.checked_sub(begin)?).unwrap_or(usize::MAX);
    Some(lines.get(skipped..).unwrap_or_default())
}

/// The numbers of the parts in a session's folder, in order.
pub(in super::super) fn parts(folder: &Path) -> io::Result<Vec<u64>> {
    numbers(folder, "", ".part")
}

fn numbers(folder: &Path, prefix: &str, suffix: &str) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let number = name.strip_prefix(prefix).and_then(|name| name.strip_suffix(suffix));
        found.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}
