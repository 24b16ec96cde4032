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
/// that the connectors and roles of the gate name. As users it may impersonate anybody, since people act under their own names
/// where no role says otherwise; with --user only those named.
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
    /// With --rbac: allow only the users named here and those that connectors and roles name, instead of any; may be repeated
    #[arg(long = "user", value_name = "USER", requires = "rbac")]
    users: Vec<String>,
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
        let narrow = !self.users.is_empty();
        found.users.extend(self.users);
        if let Some(file) = &self.config {
            let config = Config::load(file)?;
            found.read(&config.store_dir)?;
        }
        for (of, what, template) in &found.templates {
            if *what == USER && !narrow {
                continue;
            }
            ctx.console.warn(&format!(
                "{of} names the {what} {template}, which is known only when somebody signs in; add each value with --{what}"
            ));
        }
        if found.groups.is_empty() {
            let mend = "name the gate's configuration with --config, or groups with --group";
            ctx.console.warn(&format!("no group is allowed, so nobody reaches Kubernetes; {mend}"));
        }
        let groups: Vec<String> = found.groups.into_iter().collect();
        // Who has no kubernetes_users acts under their own name, so a list that nobody asked for would shut people out.
        let users: Vec<String> = if narrow { found.users.into_iter().collect() } else { vec![] };
        Ok(Output::text(least_rbac(&self.namespace, &self.service_account, &groups, &users)))
    }
}

const GROUP: &str = "group";
const USER: &str = "user";

/// The Kubernetes groups and users that connectors and roles name.
#[derive(Debug, Default)]
struct Found {
    groups: BTreeSet<String>,
    users: BTreeSet<String>,
    /// Who names it, whether it is a group or a user, and a text with a variable in it.
    templates: BTreeSet<(String, &'static str, String)>,
}

impl Found {
    fn read(&mut self, dir: &Path) -> anyhow::Result<()> {
        for connector in all::<GithubConnector>(dir)? {
            let of = format!("connector {}", connector.metadata.name);
            for team in &connector.spec.teams_to_logins {
                self.add(&of, GROUP, &team.kubernetes_groups);
                self.add(&of, USER, &team.kubernetes_users);
            }
        }
        for role in all::<Role>(dir)? {
            let of = format!("role {}", role.metadata.name);
            self.add(&of, GROUP, &role.spec.allow.kubernetes_groups);
            self.add(&of, USER, &role.spec.allow.kubernetes_users);
        }
        Ok(())
    }

    fn add(&mut self, of: &str, what: &'static str, names: &[String]) {
        let known = if what == USER { &mut self.users } else { &mut self.groups };
        for name in names {
            // What a connector grants reaches a role through these, and is found there.
            if name == "{{internal.kubernetes_groups}}" || name == "{{internal.kubernetes_users}}" {
                continue;
            }
            if name.contains("{{") {
                self.templates.insert((of.to_owned(), what, name.clone()));
            } else {
                known.insert(name.clone());
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
