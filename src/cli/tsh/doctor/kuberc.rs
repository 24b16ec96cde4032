//! kubectl's own settings, `kuberc`: since 1.35 they can say which exec plugins kubectl may run (`credentialPluginPolicy`,
//! `credentialPluginAllowlist`), and a policy that does not add up keeps kubectl from doing anything at all.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    finding::Finding,
    kubectl::{is_program, on_path},
};
use crate::cli::Env;

const CHECK: &str = "kuberc";
const API: &str = "kubectl.config.k8s.io/v1beta1";
/// The first kubectl that knows a policy; in it an entry of the list is called `name`, later `command`.
const FIRST: (u32, u32) = (1, 35);

/// What the check needs to know.
pub(super) struct Wanted {
    /// The file, and whether `KUBERC` names it; none where kubectl reads none.
    pub(super) file: Option<(PathBuf, bool)>,
    pub(super) path: Option<OsString>,
    /// The programs that our entries in the kubeconfig run, or would.
    pub(super) plugins: Vec<String>,
    /// The version of the kubectl that is there.
    pub(super) kubectl: Option<(u32, u32)>,
    /// `tsh`, as this person types it.
    pub(super) tsh: String,
}

/// Where kubectl looks.
pub(super) fn file(env: &Env, home: Option<&Path>) -> Option<(PathBuf, bool)> {
    // Only this one word; `0` does not count.
    if env.text("KUBECTL_KUBERC").is_some_and(|value| value == "false") {
        return None;
    }
    match env.path("KUBERC") {
        Some(named) if named.as_os_str() == "off" => None,
        Some(named) => Some((named, true)),
        None => Some((home?.join(".kube/kuberc"), false)),
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Preference {
    api_version: String,
    kind: String,
    credential_plugin_policy: Option<String>,
    credential_plugin_allowlist: Option<Vec<Entry>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    name: Option<String>,
    command: Option<String>,
}

/// What a kuberc means for plugins.
#[derive(Debug, PartialEq, Eq)]
enum Policy {
    /// All may run.
    Open,
    /// None may run.
    Closed,
    /// These may run: bare names, or whole paths.
    Listed(Vec<String>),
    /// kubectl does not take it.
    Broken(String),
}

/// A line where kuberc says something of plugins, or keeps kubectl from starting.
pub(super) fn check(wanted: &Wanted) -> Option<Finding> {
    let (file, named) = wanted.file.as_ref()?;
    if wanted.kubectl.is_some_and(|version| version < FIRST) {
        return None;
    }
    let shown = file.display();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if *named => {
            let found =
                format!("KUBERC names {shown}, which cannot be read ({error}), so kubectl does nothing");
            return Some(
                Finding::failed(CHECK, found).mend("unset KUBERC, or set it to a file that is there"),
            );
        }
        Err(_) => return None,
    };
    let key = if wanted.kubectl == Some(FIRST) { "name" } else { "command" };
    match policy(&text) {
        Policy::Open => None,
        Policy::Broken(reason) => {
            let found = format!("{shown}: {reason}, so kubectl does nothing");
            Some(Finding::failed(CHECK, found).mend(format!(
                "write there credentialPluginPolicy: AllowAll without a list, or Allowlist with a list of programs (- {key}: tsh)"
            )))
        }
        Policy::Closed => {
            let plugin = wanted.plugins.first()?;
            let found = format!("{shown} lets kubectl run no plugin (DenyAll), so not {plugin} either");
            Some(Finding::failed(CHECK, found).mend(format!(
                "write there credentialPluginPolicy: Allowlist, and below credentialPluginAllowlist: - {key}: {plugin}; or do without the plugin: {} kube login --embed-certs",
                wanted.tsh
            )))
        }
        Policy::Listed(entries) => {
            let refused = wanted.plugins.iter().find(|plugin| !is_listed(plugin, &entries, wanted));
            Some(match refused {
                None => Finding::ok(CHECK, format!("{shown} lets kubectl run {}", wanted.plugins.join(", "))),
                Some(plugin) => {
                    let found = format!("{shown} does not let kubectl run {plugin}");
                    Finding::failed(CHECK, found)
                        .mend(format!("add below credentialPluginAllowlist in {shown}: - {key}: {plugin}"))
                }
            })
        }
    }
}

/// Reads a kuberc as kubectl 1.35 and later do: the first document of the kind counts, and what does not parse says nothing.
fn policy(text: &str) -> Policy {
    let documents: Vec<Option<Preference>> = serde_yaml::from_multiple(text).unwrap_or_default();
    let preference = documents.into_iter().flatten().find(|p| p.kind == "Preference" && p.api_version == API);
    let Some(Preference { credential_plugin_policy, credential_plugin_allowlist: list, .. }) = preference
    else {
        return Policy::Open;
    };
    let policy = credential_plugin_policy.unwrap_or_default();
    match (policy.as_str(), list) {
        ("" | "AllowAll", None) => Policy::Open,
        ("DenyAll", None) => Policy::Closed,
        ("" | "AllowAll" | "DenyAll", Some(_)) => {
            Policy::Broken(format!("there is a credentialPluginAllowlist, but the policy is {policy:?}"))
        }
        ("Allowlist", list) => listed(list.unwrap_or_default()),
        _ => Policy::Broken(format!("{policy:?} is no credentialPluginPolicy")),
    }
}

fn listed(list: Vec<Entry>) -> Policy {
    if list.is_empty() {
        return Policy::Broken("the policy is Allowlist, but nothing is listed".into());
    }
    let mut all = Vec::new();
    for entry in list {
        let before = all.len();
        all.extend([entry.name, entry.command].into_iter().flatten().filter(|text| !text.is_empty()));
        if all.len() == before {
            return Policy::Broken("an entry of credentialPluginAllowlist is empty".into());
        }
    }
    match all.iter().find(|entry| !is_clean(entry)) {
        Some(entry) => Policy::Broken(format!("{entry:?} is written in a roundabout way")),
        None => Policy::Listed(all),
    }
}

/// Whether a path is in its shortest form, which kubectl insists on.
fn is_clean(path: &str) -> bool {
    let parts = path.strip_prefix('/').unwrap_or(path).split('/');
    path == "/" || parts.into_iter().all(|part| !matches!(part, "" | "." | ".."))
}

/// Whether a program is on the list. kubectl looks both up on `PATH` and compares where they are, not what links lead to.
fn is_listed(plugin: &str, entries: &[String], wanted: &Wanted) -> bool {
    let place = |name: &str| match Path::new(name) {
        file if file.components().count() > 1 => is_program(file).then(|| file.to_owned()),
        _ => on_path(name, wanted.path.as_deref()),
    };
    // One that is not there is told elsewhere.
    let there = place(plugin).unwrap_or_else(|| PathBuf::from(plugin));
    entries.iter().any(|entry| entry == plugin || place(entry).is_some_and(|entry| entry == there))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_kubectl_looks() {
        let home = Path::new("/home/alice");
        let at = |env: &[(&str, &str)]| file(&Env::of(env), Some(home));
        let usual = Some((home.join(".kube/kuberc"), false));
        assert_eq!(at(&[]), usual);
        assert_eq!(at(&[("KUBERC", "")]), usual);
        assert_eq!(at(&[("KUBERC", "/etc/kuberc")]), Some(("/etc/kuberc".into(), true)));
        assert_eq!(at(&[("KUBERC", "off")]), None);
        assert_eq!(at(&[("KUBECTL_KUBERC", "false"), ("KUBERC", "/etc/kuberc")]), None);
        assert_eq!(at(&[("KUBECTL_KUBERC", "0")]), usual);
        assert_eq!(file(&Env::of(&[]), None), None);
    }

    #[test]
    fn an_old_kubectl_knows_no_policy_and_the_first_that_does_names_it_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let kuberc = folder.path().join("kuberc");
        let text = format!(
            "apiVersion: {API}\nkind: Preference\ncredentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- name: other\n"
        );
        std::fs::write(&kuberc, text).unwrap();
        let mend = |kubectl| {
            let wanted = Wanted {
                file: Some((kuberc.clone(), false)),
                path: None,
                plugins: vec!["/usr/local/bin/tsh".into()],
                kubectl,
                tsh: "tsh".into(),
            };
            let mend = check(&wanted)?.mend?;
            Some(mend.rsplit_once("- ")?.1.to_owned())
        };
        assert_eq!(mend(Some((1, 34))), None);
        assert_eq!(mend(Some((1, 35))).as_deref(), Some("name: /usr/local/bin/tsh"));
        assert_eq!(mend(Some((1, 36))).as_deref(), Some("command: /usr/local/bin/tsh"));
        assert_eq!(mend(None).as_deref(), Some("command: /usr/local/bin/tsh"));
    }
}
