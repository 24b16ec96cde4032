//! `tsh kube use`: selects a context, whosever it is, or shows which there are.

use std::io::IsTerminal;

use super::{
    Globals,
    entry::{DiffArgs, Written},
    production,
    settings::Settings,
};
use crate::{
    cli::{
        Ctx,
        error::Failure,
        output::{Format, Output, Table},
    },
    client::{
        kubeconfig::{self, ContextInfo},
        profile::shells,
    },
    wire::kube_clusters::PREFIX,
};

/// Arguments of `tsh kube use`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without a name, a list to choose from on a terminal, and the list alone elsewhere. Before a context of\nproduction (label env=prod or env=production, or a name with that word in it) it asks.\n\nExamples:\n  tsh kube use staging\n  tsh kube use -\n  tsh kube use prod-eu --yes"
)]
pub(crate) struct UseArgs {
    /// The context, or the cluster that one context alone leads to, or `-` for the context before
    name: Option<String>,
    /// Do not ask before a context of production
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    diff: DiffArgs,
    /// How to write the list, or with a name what was done
    #[arg(short, long, value_enum, default_value_t, conflicts_with = "diff")]
    format: Format,
}

impl UseArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let settings = Settings::new(globals, ctx)?;
        shells::sweep(settings.home.folder());
        let files = self.diff.files(&settings)?;
        let contexts = kubeconfig::contexts(&files)?;
        let chosen = match &self.name {
            Some(name) if name == "-" => before(&settings, &contexts)?,
            Some(name) => find(&settings, &contexts, name)?,
            None if self.format == Format::Text && contexts.is_empty() => {
                let login = settings.how_to_log_in()?;
                ctx.console
                    .status(&format!("There is no context in the kubeconfig yet. To get one: {login}"));
                return Ok(Output::nothing());
            }
            None if self.format == Format::Text && picks() => match pick(&contexts)? {
                Some(chosen) => chosen,
                None => return Err(Failure::new("nothing was chosen; the context stays as it is").into()),
            },
            None => return list(self.format, &contexts),
        };
        if !self.diff.diff {
            self.confirm(ctx, chosen)?;
        }
        let change = kubeconfig::select(&files, &chosen.name)?;
        if let Some(shown) = self.diff.tell(ctx.console, &change) {
            return Ok(shown);
        }
        if change.old_context != change.new_context {
            // Without it `-` finds nothing, which is no reason to fail: the context is selected.
            let kept = settings.home.keep_context_before(&list_of(&settings), change.old_context.as_deref());
            if let Err(reason) = kept {
                ctx.console.warn(&reason.to_string());
            }
        }
        Output::listed(self.format, &Written::from(&change), String::new)
    }

    /// Asks before a context of production, where a person can answer.
    fn confirm(&self, ctx: &Ctx, chosen: &ContextInfo) -> anyhow::Result<()> {
        if self.yes || chosen.current || !production::is(chosen) {
            return Ok(());
        }
        let name = &chosen.name;
        if !picks() {
            ctx.console.warn(&format!("{name} is marked as production"));
            return Ok(());
        }
        let question = format!("{name} is marked as production. Select it?");
        let agreed = dialoguer::Confirm::new().with_prompt(question).default(false).interact_opt()?;
        if agreed == Some(true) { Ok(()) } else { Err(Failure::new("the context stays as it is").into()) }
    }
}

/// Whether a person can choose and answer.
fn picks() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// The context of a name: its own, else that of a cluster to which it alone leads.
pub(super) fn find<'c>(
    settings: &Settings<'_>,
    contexts: &'c [ContextInfo],
    name: &str,
) -> anyhow::Result<&'c ContextInfo> {
    if let Some(found) = contexts.iter().find(|context| context.name == name) {
        return Ok(found);
    }
    let there: Vec<&ContextInfo> = contexts.iter().filter(|context| leads_to(context, name)).collect();
    match there[..] {
        [one] => return Ok(one),
        [] => {}
        [..] => {
            let names: Vec<&str> = there.iter().map(|context| context.name.as_str()).collect();
            let text = format!("several contexts lead to the cluster {name:?}: {}", names.join(", "));
            return Err(Failure::usage(text).hint("name one of them").into());
        }
    }
    let like = contexts.iter().filter(|context| is_like(&context.name, name));
    let names: Vec<&str> = like.map(|context| context.name.as_str()).take(3).collect();
    let hint = match names.is_empty() {
        true => which(settings, contexts)?,
        false => format!("did you mean {}?", names.join(" or ")),
    };
    Err(Failure::new(format!("there is no context or cluster {name:?} in the kubeconfig")).hint(hint).into())
}

/// Whether a context leads to a cluster: by its name behind the gate, as `tsh kube ls` shows it, or by that of its entry.
fn leads_to(context: &ContextInfo, cluster: &str) -> bool {
    let behind = || {
        let server = context.server.as_ref().filter(|_| context.owner.is_some())?;
        server.rsplit_once(&format!("/{PREFIX}/")).map(|(_, name)| name)
    };
    context.cluster.as_deref() == Some(cluster) || behind() == Some(cluster)
}

/// How to learn which contexts there are, or how to get one.
fn which(settings: &Settings<'_>, contexts: &[ContextInfo]) -> anyhow::Result<String> {
    if contexts.is_empty() {
        return Ok(format!("there is none yet; to get one: {}", settings.how_to_log_in()?));
    }
    Ok(format!("to see which there are: {} kube use", settings.ctx.tool("tsh")))
}

/// Whether one name is part of the other, case aside; of very short names many others would be a part.
fn is_like(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    a.contains(&b) || (a.len() > 2 && b.contains(&a))
}

/// The context that was current before the present one.
fn before<'c>(settings: &Settings<'_>, contexts: &'c [ContextInfo]) -> anyhow::Result<&'c ContextInfo> {
    let name = settings.home.context_before(&list_of(settings))?;
    let Some(name) = name else {
        let failure = Failure::new("no context was selected before, by this command");
        return Err(failure.hint(which(settings, contexts)?).into());
    };
    find(settings, contexts, &name)
}

/// What tells one list of kubeconfig files from another.
fn list_of(settings: &Settings<'_>) -> String {
    settings.ctx.env.text("KUBECONFIG").unwrap_or_default()
}

/// Lets a person choose. Nothing if they would rather not.
fn pick(contexts: &[ContextInfo]) -> anyhow::Result<Option<&ContextInfo>> {
    let shown: Vec<String> = contexts
        .iter()
        .map(|context| {
            let mark = if production::is(context) { "  (production)" } else { "" };
            crate::model::text::clean_line(&format!("{}{mark}", context.name)).into_owned()
        })
        .collect();
    let current = contexts.iter().position(|context| context.current).unwrap_or(0);
    let chosen = dialoguer::FuzzySelect::new()
        .with_prompt("Context (type to search, Esc to leave)")
        .items(&shown)
        .default(current)
        .interact_opt()?;
    Ok(chosen.and_then(|index| contexts.get(index)))
}

fn list(format: Format, contexts: &[ContextInfo]) -> anyhow::Result<Output> {
    let rows: Vec<_> = contexts
        .iter()
        .map(|context| {
            serde_json::json!({
                "name": context.name, "current": context.current, "cluster": context.cluster, "namespace": context.namespace,
                "gate": context.owner.as_ref().map(|owner| &owner.profile), "labels": context.labels,
                "production": production::is(context),
            })
        })
        .collect();
    Output::listed(format, &rows, || {
        let mut table = Table::new(["Current", "Context", "Namespace", "Gate", "Production"]);
        for context in contexts {
            table.row([
                if context.current { "*" } else { "" },
                &context.name,
                context.namespace.as_deref().unwrap_or_default(),
                context.owner.as_ref().map_or("", |owner| &owner.profile),
                if production::is(context) { "yes" } else { "" },
            ]);
        }
        table.render() + "\n"
    })
}
