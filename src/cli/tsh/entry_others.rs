//! The entries of a gate's other clusters, when a login writes that of the default one: a gate that has moved, or a `tsh` that
//! has, is known to all of them.

use std::path::Path;

use super::{
    entry::{Login, Wanted, plugin, server},
    settings::Settings,
};
use crate::client::kubeconfig::{self, ContextInfo, Files, UserAuth};

/// In the arguments of kubectl's plugin: the cluster behind the gate.
pub(super) const KUBE_CLUSTER: &str = "--kube-cluster=";

/// Those of this person's named clusters whose entries no longer say what they would say now. Entries that hold a key are as
/// old as the certificate in them, and are left to `tsh kube login --embed-certs`.
pub(super) fn outdated(
    settings: &Settings<'_>,
    login: &Login<'_>,
    files: &Files,
) -> anyhow::Result<Vec<Wanted>> {
    if !files.paths().iter().any(|path| mentions_one(path)) {
        return Ok(Vec::new());
    }
    let UserAuth::Exec { command, args, .. } = plugin(settings, login)? else { return Ok(Vec::new()) };
    let command = command.display().to_string();
    let mut found = Vec::new();
    // A file that cannot be read is told when the entries are written.
    for context in kubeconfig::contexts(files).unwrap_or_default() {
        let Some(kube) = named_cluster(&context, login) else { continue };
        let wanted = Wanted {
            kube: Some(kube.clone()),
            context: Some(context.name.clone()),
            labels: None,
            is_plugin: true,
        };
        let exec = context.exec.as_ref();
        let is_same = exec.is_some_and(|exec| {
            let (last, before) =
                exec.args.split_last().map_or((None, &[][..]), |(last, rest)| (Some(last), rest));
            exec.command == command
                && before == args
                && last.is_some_and(|last| last.starts_with(KUBE_CLUSTER))
        });
        let same_place = context.server.as_deref() == Some(&server(login.profile, Some(&kube)));
        let own_entry = context.cluster.as_deref() == Some(&wanted.entry_name(login));
        if own_entry && !(is_same && same_place) {
            found.push(wanted);
        }
    }
    Ok(found)
}

/// The cluster of a context that this login's plugin serves.
fn named_cluster(context: &ContextInfo, login: &Login<'_>) -> Option<String> {
    let ours = context.owner.as_ref().is_some_and(|owner| owner.profile == login.name);
    let args = &context.exec.as_ref().filter(|_| ours)?.args;
    let user = format!("--user={}", login.user);
    let kube = args.iter().find_map(|arg| arg.strip_prefix(KUBE_CLUSTER))?;
    args.contains(&user).then(|| kube.to_owned())
}

/// Most people have one cluster behind a gate, and their files need not be read as YAML for this.
fn mentions_one(path: &Path) -> bool {
    let needle = KUBE_CLUSTER.as_bytes();
    std::fs::read(path).is_ok_and(|text| text.windows(needle.len()).any(|part| part == needle))
}
