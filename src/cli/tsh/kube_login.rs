//! `tsh kube login`.

use serde::Serialize;

use super::{
    Globals,
    context_name::Template,
    entry::{self, EntryArgs, Wanted, Written},
    guarded::{self, Selector},
    kube::places,
    settings::{Settings, Target, cluster_of},
};
use crate::{
    cli::{
        Ctx,
        error::Failure,
        output::{Format, Output},
    },
    client::profile::Credentials,
    wire::kube_clusters::KubeCluster,
};

/// Arguments of `tsh kube login`.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("many").args(["all", "labels"]),
    after_help = "With --all and --labels the current context stays, unless --set-current names another.\n\nExamples:\n  tsh kube login\n  tsh kube login staging --namespace=web\n  tsh kube login --labels env=staging,tier=2\n  tsh kube login --all --set-context-name '{{.KubeName}}'"
)]
pub(crate) struct KubeLoginArgs {
    /// Name of the Kubernetes cluster [default: the gate's own]
    #[arg(conflicts_with = "many")]
    cluster: Option<String>,
    /// Write the entries of all clusters behind the gate
    #[arg(long)]
    all: bool,
    /// Write the entries of the clusters that have all of these labels
    #[arg(long, value_name = "KEY=VALUE[,…]")]
    labels: Option<Selector>,
    /// With --all or --labels: the cluster to select
    #[arg(long, value_name = "CLUSTER", requires = "many", conflicts_with = "keep_context")]
    set_current: Option<String>,
    /// Names of the contexts; {{.KubeName}}, {{.ClusterName}} and {{.User}} stand for the cluster, the gate and you
    #[arg(long, value_name = "TEMPLATE")]
    set_context_name: Option<Template>,
    /// Namespace of the contexts
    #[arg(short, long)]
    namespace: Option<String>,
    #[command(flatten)]
    entry: EntryArgs,
    /// How to write what was done
    #[arg(short, long, value_enum, default_value_t, conflicts_with = "diff")]
    format: Format,
}

/// What was done, for programs.
#[derive(Serialize)]
struct Done<'a> {
    profile: &'a str,
    user: &'a str,
    /// The contexts that lead to the clusters now, new ones and those that were there.
    contexts: Vec<ContextDone<'a>>,
    #[serde(flatten)]
    kubeconfig: Written,
}

/// One context, for programs.
#[derive(Serialize)]
struct ContextDone<'a> {
    name: String,
    kube_cluster_name: &'a str,
}

impl KubeLoginArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let settings = Settings::new(globals, ctx)?;
        let target = places(&settings)?;
        let (user, credentials) = settings.logged_in(&target)?;
        let gate = cluster_of(&target.profile, &credentials, &target.name);
        let login = entry::Login {
            name: &target.name,
            profile: &target.profile,
            user: &user,
            cluster: &gate,
            credentials: &credentials,
            namespace: self.namespace.clone(),
        };
        let chosen = self.chosen(&settings, &target, &credentials, &gate)?;
        let wanted: Vec<Wanted> = chosen.iter().map(|found| self.wanted(found, &login)).collect();
        let select = self.selected(&settings, &target, &chosen)?;
        let select = select.and_then(|index| wanted.get(index)).map(|wanted| wanted.context_name(&login));
        let change = entry::write_all(&settings, &login, &wanted, select.as_deref(), &self.entry)?;
        if let Some(diff) = self.entry.diff.tell(ctx.console, &change) {
            return Ok(diff);
        }
        let keeps = entry::keeps(&settings, &self.entry)?;
        let contexts = chosen.iter().zip(&wanted).map(|(found, wanted)| ContextDone {
            name: wanted.context_name(&login),
            kube_cluster_name: &found.cluster.name,
        });
        let done = Done {
            profile: &target.name,
            user: &user,
            contexts: contexts.collect(),
            kubeconfig: Written::from(&change),
        };
        Output::listed(self.format, &done, || self.told(&done.contexts, keeps, &target))
    }

    /// What was done, for people.
    fn told(&self, contexts: &[ContextDone<'_>], keeps: bool, target: &Target) -> String {
        match contexts {
            [ContextDone { name: context, kube_cluster_name: name }] if !self.is_many() => {
                if keeps {
                    format!(
                        "kubectl now knows the Kubernetes cluster {name:?}. Try: kubectl --context={context:?} version"
                    )
                } else {
                    format!("kubectl now reaches the Kubernetes cluster {name:?}. Try: kubectl version")
                }
            }
            _ => format!(
                "kubectl now knows {} of the Kubernetes clusters behind {}. To see their contexts: kubectl config get-contexts",
                contexts.len(),
                target.address
            ),
        }
    }

    fn is_many(&self) -> bool {
        self.all || self.labels.is_some()
    }

    /// The clusters that are meant. Only what the profile does not know is asked of the gate.
    fn chosen(
        &self,
        settings: &Settings<'_>,
        target: &Target,
        credentials: &Credentials,
        gate: &str,
    ) -> anyhow::Result<Vec<Chosen>> {
        let named = self.cluster.as_deref();
        if target.profile.kube_proxy_addr.is_empty() {
            return Err(self.none_named(settings, target, named.unwrap_or(gate)));
        }
        if !self.is_many() && named.is_none_or(|name| name == gate) && self.set_context_name.is_none() {
            let cluster = KubeCluster { name: gate.to_owned(), labels: Default::default(), default: true };
            return Ok(vec![Chosen { cluster, asked: false }]);
        }
        let all = guarded::clusters(settings, target, credentials)?;
        let is_meant = |cluster: &KubeCluster| match (&self.labels, named) {
            (Some(labels), _) => labels.matches(cluster),
            _ if self.all => true,
            (None, Some(name)) if name != gate => cluster.name == name,
            // The gate's own name, or none.
            _ => cluster.default,
        };
        let chosen: Vec<Chosen> =
            all.into_iter().filter(is_meant).map(|cluster| Chosen { cluster, asked: true }).collect();
        if !chosen.is_empty() {
            if let (true, Some(template)) = (chosen.len() > 1, &self.set_context_name)
                && !template.tells_apart()
            {
                let text = "--set-context-name gives several clusters the same name; add {{.KubeName}} to it";
                return Err(Failure::usage(text).into());
            }
            return Ok(chosen);
        }
        Err(match &self.labels {
            Some(labels) => {
                let text = format!(
                    "the gate at {} guards no Kubernetes cluster with the labels {labels}",
                    target.address
                );
                Failure::new(text).hint(list_hint(settings)).into()
            }
            None => self.none_named(settings, target, named.unwrap_or(gate)),
        })
    }

    fn none_named(&self, settings: &Settings<'_>, target: &Target, name: &str) -> anyhow::Error {
        let text = format!("the gate at {} guards no Kubernetes cluster {name:?}", target.address);
        Failure::new(text).hint(list_hint(settings)).into()
    }

    fn wanted(&self, found: &Chosen, login: &entry::Login<'_>) -> Wanted {
        let cluster = &found.cluster;
        let template = self.set_context_name.as_ref();
        Wanted {
            kube: Some(cluster.name.clone()).filter(|_| !cluster.default),
            context: template.map(|template| template.name(&cluster.name, login.cluster, login.user)),
            labels: found.asked.then(|| cluster.labels.clone()),
            ..Wanted::default()
        }
    }

    /// Which of the chosen ones is selected.
    fn selected(
        &self,
        settings: &Settings<'_>,
        target: &Target,
        chosen: &[Chosen],
    ) -> anyhow::Result<Option<usize>> {
        let Some(name) = &self.set_current else { return Ok((!self.is_many()).then_some(0)) };
        let place = chosen.iter().position(|found| found.cluster.name == *name);
        let text = || {
            format!(
                "--set-current: {name:?} is none of the clusters chosen here, behind the gate at {}",
                target.address
            )
        };
        place.map(Some).ok_or_else(|| Failure::new(text()).hint(list_hint(settings)).into())
    }
}

/// A cluster to write.
struct Chosen {
    cluster: KubeCluster,
    /// The gate told of it; otherwise its labels are not known.
    asked: bool,
}

fn list_hint(settings: &Settings<'_>) -> String {
    format!("to see which it guards: {} kube ls", settings.ctx.tool("tsh"))
}
