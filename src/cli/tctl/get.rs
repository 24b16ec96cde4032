//! `tctl get`: resources as the gate has them, in Teleport's forms (wire facts 9.3).

use serde_json::Value;

use super::{Globals, connection::Connection, credentials, reference::Reference, table};
use crate::{
    cli::{
        Ctx, block_on,
        error::Failure,
        output::{Format, Output, json, terminal_width},
    },
    client::admin::AdminError,
    model::{Kind, yaml},
};

/// Show resources
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tctl get github
  tctl get roles --format text
  tctl get github/github --with-secrets > github.yaml")]
pub(super) struct GetArgs {
    /// What to show: KIND, KIND/NAME, or several of these joined by commas; KIND is github, role or user
    #[arg(value_name = "KIND[/NAME]")]
    reference: Option<String>,
    /// The form
    #[arg(long, value_enum, default_value_t = Format::Yaml)]
    format: Format,
    /// Show secrets too, such as a connector's client secret
    #[arg(long)]
    with_secrets: bool,
}

impl GetArgs {
    pub(super) fn run(self, ctx: &Ctx, globals: &Globals) -> anyhow::Result<Output> {
        let Some(text) = &self.reference else {
            let text = format!("specify resource to list, e.g. '{} get roles'", ctx.tool("tctl"));
            return Err(Failure::usage(text).into());
        };
        let references = Reference::parse_list(text).map_err(Failure::from)?;
        let several = references.len() > 1 || references.iter().all(|r| r.name.is_none());
        let found = block_on(async {
            let gate = credentials::connect(ctx, globals).await?;
            let mut found = Vec::new();
            for reference in &references {
                let values = self.fetch(ctx, &gate, reference).await?;
                found.extend(values.into_iter().map(|value| (reference.kind, value)));
            }
            Ok(found)
        })?;
        self.render(&found, several)
    }

    async fn fetch(&self, ctx: &Ctx, gate: &Connection, reference: &Reference) -> anyhow::Result<Vec<Value>> {
        let Some(name) = &reference.name else {
            return gate.list(reference.kind, self.with_secrets).await.map_err(|e| gate.failure(e));
        };
        match gate.get(reference.kind, name, self.with_secrets).await {
            Ok(one) => Ok(vec![one]),
            Err(AdminError::NotFound(_)) => Err(not_found(ctx, reference.kind, name).into()),
            Err(other) => Err(gate.failure(other)),
        }
    }

    fn render(&self, found: &[(Kind, Value)], several: bool) -> anyhow::Result<Output> {
        match self.format {
            Format::Text => Ok(Output::text(table::render(found, terminal_width()))),
            Format::Json => {
                let values: Vec<&Value> = found.iter().map(|(_, value)| value).collect();
                match values.as_slice() {
                    [one] => Ok(Output::text(json(one)?)),
                    [] if !several => Ok(Output::nothing()),
                    all => Ok(Output::text(json(&all)?)),
                }
            }
            Format::Yaml => {
                let texts: Result<Vec<String>, _> =
                    found.iter().map(|(_, value)| yaml::write(value)).collect();
                Ok(Output::text(texts?.join("---\n")))
            }
        }
    }
}

pub(super) fn not_found(ctx: &Ctx, kind: Kind, name: &str) -> Failure {
    let what = match kind {
        Kind::Github => "github connector",
        Kind::Role => "role",
        Kind::User => "user",
    };
    Failure::new(format!("{what} {name:?} is not found"))
        .hint(format!("see what is there with: {} get {kind}", ctx.tool("tctl")))
}
