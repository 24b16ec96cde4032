//! `jumpgate configure`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::{
    cli::{Ctx, output::Output},
    model::{GithubConnector, Role},
    server::{
        config::{Config, starter::STARTER},
        kube::least_rbac,
        store::{SqliteStore, resources::Stored},
    },
};

/// Print a commented configuration to begin with, or the gate's rights in Kubernetes
///
/// With --rbac it prints the ServiceAccount and ClusterRole that the gate needs: it may impersonate, and that only as the groups
/// that the connectors and roles of the gate name.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  jumpgate configure > jumpgate.yaml\n  \
    jumpgate configure --rbac --config jumpgate.yaml | kubectl apply -f -")]
pub(in crate::cli) struct ConfigureArgs {
    /// Print the gate's least rights in Kubernetes instead
    #[arg(long)]
    rbac: bool,
    /// With --rbac: the gate's configuration, to find its connectors and roles
    #[arg(short, long, value_name = "FILE", requires = "rbac")]
    config: Option<PathBuf>,
    /// With --rbac: a group to allow beside those found; may be repeated
    #[arg(long = "group", value_name = "GROUP", requires = "rbac")]
    groups: Vec<String>,
    /// With --rbac: the namespace of the service account
    #[arg(long, value_name = "NAME", default_value = "jumpgate", requires = "rbac")]
    namespace: String,
    /// With --rbac: the name of the service account
    #[arg(long, value_name = "NAME", default_value = "jumpgate", requires = "rbac")]
    service_account: String,
}

impl ConfigureArgs {
    pub(in crate::cli) fn run(self, ctx: &Ctx) -> anyhow::Result<Output> {
        if !self.rbac {
            return Ok(Output::text(STARTER));
        }
        let mut found = Found::default();
        found.groups.extend(self.groups);
        if let Some(file) = &self.config {
            let config = Config::load(file)?;
            found.read(&config.store_dir)?;
        }
        for (of, template) in &found.templates {
            ctx.console.warn(&format!(
                "{of} names the group {template}, which is known only when somebody signs in; add each value with --group"
            ));
        }
        if found.groups.is_empty() {
            let mend = "name the gate's configuration with --config, or groups with --group";
            ctx.console.warn(&format!("no group is allowed, so nobody reaches Kubernetes; {mend}"));
        }
        let groups: Vec<String> = found.groups.into_iter().collect();
        Ok(Output::text(least_rbac(&self.namespace, &self.service_account, &groups, &[])))
    }
}

/// The groups that connectors and roles name.
#[derive(Debug, Default)]
struct Found {
    groups: BTreeSet<String>,
    /// Who names it, and a text with a variable in it.
    templates: BTreeSet<(String, String)>,
}

impl Found {
    fn read(&mut self, dir: &Path) -> anyhow::Result<()> {
        for connector in all::<GithubConnector>(dir)? {
            let of = format!("connector {}", connector.metadata.name);
            for team in &connector.spec.teams_to_logins {
                self.add(&of, &team.kubernetes_groups);
            }
        }
        for role in all::<Role>(dir)? {
            self.add(&format!("role {}", role.metadata.name), &role.spec.allow.kubernetes_groups);
        }
        Ok(())
    }

    fn add(&mut self, of: &str, groups: &[String]) {
        for group in groups {
            // What a connector grants reaches a role through this one, and is found there.
            if group == "{{internal.kubernetes_groups}}" {
                continue;
            }
            if group.contains("{{") {
                self.templates.insert((of.to_owned(), group.clone()));
            } else {
                self.groups.insert(group.clone());
            }
        }
    }
}

fn all<T: Stored>(dir: &Path) -> anyhow::Result<Vec<T>> {
    let items = SqliteStore::peek(dir, T::PREFIX)?;
    items
        .iter()
        .map(|item| serde_json::from_slice(&item.value).with_context(|| format!("the record {}", item.key)))
        .collect()
}
