//! This person's machine: the browser, the key store, the folder of profiles.

use std::{fs, path::Path};

use super::finding::Finding;
use crate::{
    cli::Ctx,
    client::{
        browser::{Browser, Why},
        keystore::{self, Kind},
        profile::Home,
    },
};

/// Whether a login can open a browser here. None is no failure: there are other ways to sign in.
pub(super) fn browser(ctx: &Ctx, named: Option<&str>) -> Finding {
    let other = "tsh login picks another way then: by a code, or by pasting (--way=code, --way=paste)";
    let set = |name: &str| ctx.env.os(name).is_some();
    let by = if set("TELEPORT_LOGIN_BROWSER") { "TELEPORT_LOGIN_BROWSER" } else { "the setting `browser`" };
    match ctx.browser(named) {
        Browser::Program(program) => {
            let word = program.split_whitespace().next().unwrap_or_default();
            let there = match Path::new(word) {
                file if file.components().count() > 1 => super::kubectl::is_program(file),
                _ => super::kubectl::on_path(word, ctx.env.os("PATH").as_deref()).is_some(),
            };
            if there || !cfg!(unix) {
                return Finding::ok("browser", format!("logins open {program} ({by})"));
            }
            Finding::failed("browser", format!("{by} names {program}, which is not there"))
                .mend(format!("unset {by}, or name a program that is there"))
        }
        Browser::System => Finding::ok("browser", "logins open the system's browser"),
        Browser::None(Why::Unwanted) => {
            Finding::ok("browser", format!("logins only print the address ({by}=none)"))
        }
        Browser::None(why) => {
            Finding::warning("browser", format!("no browser can be opened here ({why})")).mend(other)
        }
    }
}

/// Whether the store for private keys works: it is asked to keep something that is no key, for a moment.
pub(super) fn key_store(kind: Kind, home: &Home) -> Finding {
    const CHECK: &str = "key store";
    match keystore::probe(kind, home) {
        Ok(()) if kind.is_outside() => Finding::ok(CHECK, format!("{kind} keeps private keys, and answers")),
        Ok(()) => Finding::ok(CHECK, "private keys are in files that only you can read"),
        Err(error) => Finding::failed(CHECK, error.to_string())
            .mend("keep keys in files instead: tsh config set key_store file, or --key-store=file"),
    }
}

/// Whether the folder of profiles is this person's alone, and its files can be read.
pub(super) fn home(home: &Home) -> Vec<Finding> {
    const CHECK: &str = "home";
    let folder = home.folder();
    let shown = folder.display();
    if !folder.exists() {
        return vec![Finding::ok(CHECK, format!("{shown} is not there yet; the first login makes it"))];
    }
    let mut findings = Vec::new();
    let open = open_to_others(folder);
    if let Some(first) = open.first() {
        let more = if open.len() > 1 { format!(" and {} more", open.len() - 1) } else { String::new() };
        findings.push(
            Finding::failed(CHECK, format!("others can look into {first}{more}"))
                .mend(format!("chmod -R go= {shown}")),
        );
    }
    match home.names() {
        Ok(names) => {
            let broken = names.iter().filter_map(|name| home.profile(name).err());
            findings.extend(broken.map(|error| Finding::failed(CHECK, error.to_string())));
        }
        Err(error) => findings.push(Finding::failed(CHECK, error.to_string())),
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, format!("{shown} is yours alone")));
    }
    findings
}

/// Folders that others may enter, and keys that others may read.
#[cfg(unix)]
fn open_to_others(folder: &Path) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let mut open = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(meta) = fs::metadata(&folder) else { continue };
        let closed = meta.mode() & 0o077 == 0;
        let others_write = meta.mode() & 0o022 != 0;
        for entry in fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            let Ok(meta) = fs::symlink_metadata(&path) else { continue };
            if meta.is_dir() {
                folders.push(path);
            } else if meta.is_file() && !closed && meta.mode() & 0o077 != 0 && holds_key(&path) {
                open.push(path.display().to_string());
            }
        }
        if others_write {
            open.push(folder.display().to_string());
        }
    }
    open.sort();
    open
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> Vec<String> {
    Vec::new()
}

/// Whether a file holds a private key.
fn holds_key(path: &Path) -> bool {
    let text = fs::read_to_string(path).map(zeroize::Zeroizing::new);
    text.is_ok_and(|text| text.contains("PRIVATE KEY-----"))
}
