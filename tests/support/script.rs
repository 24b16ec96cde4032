//! Programs that a test makes and starts.
//!
//! Tests run side by side in one process. While one of them holds a new program open for writing, another may start a child, which has
//! that file open too until it is another program; the kernel starts nothing that is open so ("text file busy"). So it is not this
//! process that writes it.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Writes a program that runs these lines of a shell script.
pub fn script(path: &Path, lines: &str) {
    let mut shell = Command::new("sh")
        .args(["-c", "cat >\"$0\" && chmod 755 \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut input = shell.stdin.take().expect("its input");
    write!(input, "#!/bin/sh\n{lines}\n").expect("a script");
    drop(input);
    assert!(shell.wait().expect("a shell").success(), "{} was not written", path.display());
}

/// Copies a program.
pub fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg(from).arg(to).status().expect("cp");
    assert!(done.success(), "{} was not copied", from.display());
}
