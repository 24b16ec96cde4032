//! Our entries in the kubeconfig: do the files parse, who may read and write them, and does the command in each entry start
//! and is it this program?

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{
    finding::Finding,
    kubectl::{is_program, on_path},
    pending::{NoAnswer, Pending, ask},
};
use crate::client::{
    kubeconfig::{self, ContextInfo, Exec, Files, VERSION},
    profile::Home,
};

/// How long a command may take to say its version.
const LIMIT: Duration = Duration::from_secs(2);
const CHECK: &str = "kubeconfig";

/// What the check needs to know.
pub(super) struct Wanted {
    pub(super) files: Files,
    pub(super) home: Home,
    pub(super) path: Option<OsString>,
    /// `tsh`, as this person types it.
    pub(super) tsh: String,
}

/// The programs that kubectl runs for our entries, each once. A kubeconfig that does not parse names none.
pub(super) fn plugins(files: &Files) -> Vec<String> {
    let contexts = kubeconfig::contexts(files).unwrap_or_default();
    let ours = contexts.into_iter().filter(is_kept);
    let mut programs: Vec<String> = ours.filter_map(|context| Some(context.exec?.command)).collect();
    programs.sort();
    programs.dedup();
    programs
}

/// A finding for each thing that is wrong, else one.
pub(super) fn check(wanted: &Wanted) -> Vec<Finding> {
    let there: Vec<&PathBuf> = wanted.files.paths().iter().filter(|path| path.exists()).collect();
    let mut findings: Vec<Finding> = there.iter().filter_map(|path| unreadable(path)).collect();
    if !findings.is_empty() {
        return findings;
    }
    let contexts = match kubeconfig::contexts(&wanted.files) {
        Ok(contexts) => contexts,
        Err(error) => return vec![Finding::failed(CHECK, error.to_string())],
    };
    findings.extend(there.iter().filter_map(|path| open_to_others(path, &contexts)));
    let ours: Vec<&ContextInfo> = contexts.iter().filter(|context| context.version.is_some()).collect();
    findings.extend(ours.iter().filter_map(|context| stale(context, wanted)));
    findings.extend(commands(&ours, wanted));
    if findings.is_empty() {
        findings.push(match ours.len() {
            0 => Finding::ok(CHECK, "holds no entry of tsh yet"),
            1 => Finding::ok(CHECK, format!("the entry {} is whole", ours[0].name)),
            n => Finding::ok(CHECK, format!("{n} entries of tsh are whole")),
        });
    }
    findings
}

fn unreadable(path: &Path) -> Option<Finding> {
    let error = kubeconfig::contexts(&Files::single(path.to_owned())).err()?;
    Some(Finding::failed(CHECK, error.to_string()).mend(format!("mend or move away {}", path.display())))
}

/// Who can write a kubeconfig says what kubectl runs; who can read one has the keys in it.
#[cfg(unix)]
fn open_to_others(path: &Path, contexts: &[ContextInfo]) -> Option<Finding> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).ok()?.permissions());
    let shown = path.display();
    let mend = format!("chmod 600 {shown}");
    let secret = contexts.iter().any(|context| context.holds_secret && context.file == path);
    if mode & 0o022 != 0 {
        return Some(
            Finding::failed(CHECK, format!("others can write {shown} (mode {:03o})", mode & 0o777))
                .mend(mend),
        );
    }
    (secret && mode & 0o044 != 0).then(|| {
        Finding::failed(CHECK, format!("others can read the secrets in {shown} (mode {:03o})", mode & 0o777))
            .mend(mend)
    })
}

#[cfg(not(unix))]
fn open_to_others(_: &Path, _: &[ContextInfo]) -> Option<Finding> {
    None
}

/// An entry of another version, or of a gate that this person knows nothing of.
fn stale(context: &ContextInfo, wanted: &Wanted) -> Option<Finding> {
    let (name, tsh, version) = (&context.name, &wanted.tsh, context.version?);
    if version > VERSION {
        let found =
            format!("the entry {name} was written by a later version of tsh; this one leaves it alone");
        return Some(Finding::warning(CHECK, found).mend("install the later version here as well"));
    }
    if version < VERSION {
        let found = format!("the entry {name} was written by an older tsh");
        return Some(
            Finding::warning(CHECK, found).mend(format!("to write it anew: {}", login(context, wanted))),
        );
    }
    let owner = &context.owner.as_ref()?.profile;
    // A profile that cannot be read is one that is there.
    matches!(wanted.home.profile(owner), Ok(None)).then(|| {
        let found = format!("the entry {name} is for the gate {owner}, of which there is no profile");
        Finding::warning(CHECK, found)
            .mend(format!("log in there again, or take it out: {tsh} kube logout {name}"))
    })
}

/// Whether an entry is this program's own, as it stands. What a stock tsh left is migrated anyhow.
fn is_kept(context: &ContextInfo) -> bool {
    context.version.is_some_and(|version| (1..=VERSION).contains(&version))
}

/// How to write an entry anew.
fn login(context: &ContextInfo, wanted: &Wanted) -> String {
    let tsh = &wanted.tsh;
    let owner = context.owner.as_ref().map(|owner| &owner.profile);
    let profile = owner.and_then(|name| wanted.home.profile(name).ok().flatten());
    match profile.map(|profile| profile.web_proxy_addr).filter(|address| !address.is_empty()) {
        Some(address) => format!("{tsh} kube login --proxy={address}"),
        None => format!("{tsh} kube login"),
    }
}

/// Whether a command is ours, else why not.
type Answer = Pending<Result<(), String>>;

/// Asks each command of our entries once who it is.
fn commands(ours: &[&ContextInfo], wanted: &Wanted) -> Vec<Finding> {
    let ours = ours.iter().filter(|context| is_kept(context));
    let mut asked: BTreeMap<Vec<String>, (&ContextInfo, Answer)> = BTreeMap::new();
    for context in ours {
        let Some(exec) = &context.exec else { continue };
        asked.entry(words(exec)).or_insert_with(|| {
            let (words, path) = (words(exec), wanted.path.clone());
            (context, Pending::start(LIMIT * 2, move || is_ours(&words, path.as_deref())))
        });
    }
    let answers = asked.into_iter().filter_map(|(words, (context, answer))| {
        let reason = match answer.get() {
            Some(Ok(())) => return None,
            Some(Err(reason)) => reason,
            None => slow(),
        };
        let found = format!("the entry {} runs {}, which {reason}", context.name, words[0]);
        Some(Finding::failed(CHECK, found).mend(format!("to write it anew: {}", login(context, wanted))))
    });
    answers.collect()
}

/// The command up to its subcommand: `tsh`, or `jumpgate tsh`.
fn words(exec: &Exec) -> Vec<String> {
    let before = exec.args.iter().take_while(|arg| *arg == "tsh");
    [&exec.command].into_iter().chain(before).cloned().collect()
}

fn slow() -> String {
    format!("did not say within {} seconds what it is", LIMIT.as_secs())
}

/// Whether a command is this program, else why not.
fn is_ours(words: &[String], path: Option<&std::ffi::OsStr>) -> Result<(), String> {
    let (program, before) = words.split_first().ok_or("names no program")?;
    let file = match Path::new(program) {
        file if file.components().count() > 1 => is_program(file).then(|| file.to_owned()),
        _ => on_path(program, path),
    };
    let file = file.ok_or("is not there or cannot be run")?;
    let mut command = Command::new(file);
    command.args(before).args(["version", "--format=json"]);
    let text = match ask(command, LIMIT) {
        Ok(text) => text,
        Err(NoAnswer::NoStart(reason)) => return Err(format!("does not start: {reason}")),
        Err(NoAnswer::Failed) => return Err("is another tsh than this one".to_owned()),
        Err(NoAnswer::Slow) => return Err(slow()),
    };
    let said: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    if said["name"] == "jumpgate" { Ok(()) } else { Err("is another tsh than this one".to_owned()) }
}
