//! The entries of a gate's other clusters, when a login writes that of the default one: a gate that has moved, a `tsh` that
//! has, and a new certificate are known to all of them.

use std::path::Path;

use super::{
    entry::{self, Login, Wanted, Way, plugin, server},
    settings::Settings,
};
use crate::{
    client::kubeconfig::{self, ContextInfo, Files, UserAuth},
    pki::Certificate,
    wire::kube_clusters::PREFIX,
};

/// In the arguments of kubectl's plugin: the cluster behind the gate.
pub(super) const KUBE_CLUSTER: &str = "--kube-cluster=";

/// Those of this person's named clusters whose entries no longer say what they would say now. Each keeps the way in which
/// kubectl gets its certificate, unless the key has gone to a keyring: no copy of it is written then.
pub(super) fn outdated(
    settings: &Settings<'_>,
    login: &Login<'_>,
    files: &Files,
) -> anyhow::Result<Vec<Wanted>> {
    if !files.paths().iter().any(|path| mentions_one(path)) {
        return Ok(Vec::new());
    }
    let asks = plugin(settings, login.profile, login.user, login.cluster)?;
    let mut found = Vec::new();
    // A file that cannot be read is told when the entries are written.
    for context in kubeconfig::contexts(files).unwrap_or_default() {
        let Some((kube, way)) = named_cluster(&context, login) else { continue };
        let mut wanted =
            Wanted { kube: Some(kube.clone()), context: Some(context.name.clone()), labels: None, way };
        let name = wanted.entry_name(login);
        let own_entry = [&context.cluster, &context.user].iter().all(|of| of.as_deref() == Some(&name));
        let same_place = context.server.as_deref() == Some(&server(login.profile, Some(&kube)));
        let is_same = match way {
            Way::Embedded => context.certificate.as_deref() == Some(&login.credentials.cert_pem),
            _ => asks_alike(&context, &asks),
        };
        if !own_entry {
            continue;
        }
        if let (Way::Embedded, Some(kind)) = (way, entry::key_outside(settings, login.name, login.user)?) {
            settings.ctx.console.status(&format!(
                "The key is in the key store `{kind}`, so its copy leaves the kubeconfig: the context {} gets it from {} now",
                context.name,
                settings.ctx.tool("tsh")
            ));
            wanted.way = Way::Plugin;
        } else if is_same && same_place {
            continue;
        }
        found.push(wanted);
    }
    Ok(found)
}

/// The cluster of a context that is this login's, and how kubectl gets its certificate there.
fn named_cluster(context: &ContextInfo, login: &Login<'_>) -> Option<(String, Way)> {
    context.owner.as_ref().filter(|owner| owner.profile == login.name)?;
    if let Some(exec) = &context.exec {
        let user = format!("--user={}", login.user);
        let kube = exec.args.iter().find_map(|arg| arg.strip_prefix(KUBE_CLUSTER))?;
        return exec.args.contains(&user).then(|| (kube.to_owned(), Way::Plugin));
    }
    let certificate = Certificate::from_pem(context.certificate.as_deref()?).ok()?;
    let is_theirs = certificate.subject().is_ok_and(|subject| subject.username == login.user);
    let (_, kube) = context.server.as_deref()?.rsplit_once(&format!("/{PREFIX}/"))?;
    is_theirs.then(|| (kube.to_owned(), Way::Embedded))
}

/// Whether a context asks the plugin that it would ask now, but for the cluster, which is named last.
fn asks_alike(context: &ContextInfo, asks: &UserAuth) -> bool {
    let (Some(exec), UserAuth::Exec { command, args, .. }) = (&context.exec, asks) else { return false };
    exec.command == command.display().to_string()
        && exec
            .args
            .split_last()
            .is_some_and(|(last, before)| before == args && last.starts_with(KUBE_CLUSTER))
}

/// Most people have one cluster behind a gate, and their files need not be read as YAML for this.
fn mentions_one(path: &Path) -> bool {
    let marks = [KUBE_CLUSTER.to_owned(), format!("/{PREFIX}/")];
    let holds = |text: &[u8], mark: &str| text.windows(mark.len()).any(|part| part == mark.as_bytes());
    std::fs::read(path).is_ok_and(|text| marks.iter().any(|mark| holds(&text, mark)))
}
