//! `tsh kube logout`: contexts go, the session stays. `tsh logout --keep-contexts` is the opposite.

use super::{
    Globals,
    entry::{DiffArgs, Written},
    settings::Settings,
};
use crate::{
    cli::{
        Ctx,
        error::Failure,
        output::{Format, Output},
    },
    client::kubeconfig,
};

/// Arguments of `tsh kube logout`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The login stays valid; `tsh kube login` brings the contexts back without a browser.\n\nExamples:\n  tsh kube logout\n  tsh kube logout gate.example.com-staging"
)]
pub(crate) struct KubeLogoutArgs {
    /// The contexts to take out of the kubeconfig, or clusters that one context alone leads to [default: all of this gate's]
    names: Vec<String>,
    #[command(flatten)]
    diff: DiffArgs,
    /// How to write what was done
    #[arg(short, long, value_enum, default_value_t, conflicts_with = "diff")]
    format: Format,
}

impl KubeLogoutArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let settings = Settings::new(globals, ctx)?;
        let files = self.diff.files(&settings)?;
        let change = if self.names.is_empty() {
            let target = settings.target()?;
            kubeconfig::logout_here(&files, Some(&target.name), &|home| settings.is_here(home))?
        } else {
            let contexts = kubeconfig::contexts(&files)?;
            let mut names = Vec::new();
            for name in &self.names {
                let found = super::kube_use::find(&settings, &contexts, name)?;
                if found.owner.is_none() {
                    let name = &found.name;
                    let text = format!("the context {name:?} was not made by tsh; nothing was changed");
                    return Err(Failure::new(text)
                        .hint(format!("kubectl config delete-context {name}"))
                        .into());
                }
                names.push(found.name.as_str());
            }
            kubeconfig::logout_contexts(&files, None, &names)?
        };
        if let Some(shown) = self.diff.tell(ctx.console, &change) {
            return Ok(shown);
        }
        let done = Written::from(&change);
        if let Some(failed) = change.failed.into_iter().next() {
            return Err(failed.into());
        }
        if change.removed.is_empty() {
            ctx.console.status("There is no context of this gate in the kubeconfig.");
        }
        Output::listed(self.format, &done, String::new)
    }
}
