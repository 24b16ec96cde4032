//! `tctl get`: resources as the gate has them, in Teleport's forms (wire facts 9.3).

use serde_json::Value;

use super::{Globals, credentials, reference::Reference, table};
use crate::{
    cli::{
        Ctx, block_on,
        error::Failure,
        output::{Format, Output, json},
    },
    client::admin::{AdminClient, AdminError},
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
            return Err(Failure::usage("specify resource to list, e.g. 'tctl get roles'").into());
        };
        let references = Reference::parse_list(text).map_err(Failure::from)?;
        let several = references.len() > 1 || references.iter().all(|r| r.name.is_none());
        let found = block_on(async {
            let client = credentials::connect(ctx, globals).await?;
            let mut found = Vec::new();
            for reference in &references {
                found.extend(self.fetch(&client, reference).await?.into_iter().map(|v| (reference.kind, v)));
            }
            Ok(found)
        })?;
        self.render(&found, several)
    }

    async fn fetch(&self, client: &AdminClient, reference: &Reference) -> anyhow::Result<Vec<Value>> {
        let Some(name) = &reference.name else {
            return Ok(client.list(reference.kind, self.with_secrets).await?);
        };
        match client.get(reference.kind, name, self.with_secrets).await {
            Ok(one) => Ok(vec![one]),
            Err(AdminError::NotFound(_)) => Err(not_found(reference.kind, name).into()),
            Err(other) => Err(other.into()),
        }
    }

    fn render(&self, found: &[(Kind, Value)], several: bool) -> anyhow::Result<Output> {
        match self.format {
            Format::Text => Ok(Output::text(table::render(found))),
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

pub(super) fn not_found(kind: Kind, name: &str) -> Failure {
    let what = match kind {
        Kind::Github => "github connector",
        Kind::Role => "role",
        Kind::User => "user",
    };
    Failure::new(format!("{what} {name:?} is not found"))
        .hint(format!("see what is there with: tctl get {kind}"))
}
