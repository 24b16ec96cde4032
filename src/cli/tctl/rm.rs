//! `tctl rm`: removes one resource.

use super::{
    Globals, credentials,
    get::not_found,
    reference::{Reference, known},
};
use crate::{
    cli::{
        Ctx, block_on,
        error::Failure,
        output::{Format, Output},
    },
    client::admin::AdminError,
    model::Kind,
};

/// Remove a resource
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tctl rm github/github
  tctl rm user/alice")]
pub(super) struct RmArgs {
    /// What to remove; KIND is github, role or user
    #[arg(value_name = "KIND/NAME")]
    reference: String,
    /// How to write what was done
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl RmArgs {
    pub(super) fn run(self, ctx: &Ctx, globals: &Globals) -> anyhow::Result<Output> {
        let reference = Reference::parse(&self.reference).map_err(|unknown| {
            Failure::new(format!("deleting resources of type {:?} is not supported", unknown.0)).hint(known())
        })?;
        let Some(name) = &reference.name else {
            let tctl = ctx.tool("tctl");
            let text =
                format!("provide a full resource name to delete, for example:\n$ {tctl} rm github/github");
            return Err(Failure::usage(text).into());
        };
        block_on(async {
            let gate = credentials::connect(ctx, globals).await?;
            match gate.delete(reference.kind, name).await {
                Ok(()) => {
                    let kind = reference.kind;
                    let done = serde_json::json!({"kind": kind, "name": name, "result": "deleted"});
                    Output::listed(self.format, &done, || match kind {
                        Kind::Github => format!("github connector {name:?} has been deleted"),
                        Kind::Role => format!("role {name:?} has been deleted"),
                        Kind::User => format!("user {name:?} has been deleted"),
                    })
                }
                Err(AdminError::NotFound(_)) => Err(not_found(ctx, reference.kind, name).into()),
                Err(other) => Err(gate.failure(other)),
            }
        })
    }
}
