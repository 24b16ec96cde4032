//! `tctl create`: every document of every file is read and checked before one is written.

use std::{io::Read, path::PathBuf};

use anyhow::Context;

use super::{Globals, credentials};
use crate::{
    cli::{Ctx, block_on, error::Failure, output::Output},
    client::admin::{AdminClient, AdminError},
    model::{Kind, Resource},
};

/// Create resources from files
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tctl create github.yaml
  tctl create -f roles.yaml connectors.yaml
  tctl get github --with-secrets | tctl create -f -")]
pub(super) struct CreateArgs {
    /// YAML files with one or more documents; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Overwrite what is there
    #[arg(short, long)]
    force: bool,
}

/// More than this is no file of resources.
const MAX_FILE: u64 = 4 * 1024 * 1024;

impl CreateArgs {
    pub(super) fn run(self, ctx: &Ctx, globals: &Globals) -> anyhow::Result<Output> {
        let mut resources = Vec::new();
        for file in &self.files {
            let shown = file.display();
            let text = read(file).with_context(|| format!("cannot read {shown}"))?;
            resources.extend(Resource::read_all(&text).map_err(|e| Failure::new(format!("{shown}: {e}")))?);
        }
        block_on(async {
            let client = credentials::connect(ctx, globals).await?;
            if !self.force {
                refuse_existing(&client, &resources).await?;
            }
            let mut said = String::new();
            for resource in &resources {
                said.push_str(&self.write(&client, resource).await?);
            }
            Ok(Output::text(said))
        })
    }

    async fn write(&self, client: &AdminClient, resource: &Resource) -> anyhow::Result<String> {
        let result = if self.force { client.upsert(resource).await } else { client.create(resource).await };
        match result {
            Ok(()) => Ok(done(resource)),
            Err(AdminError::Exists(_)) => Err(exists(resource).into()),
            Err(AdminError::Conflict(_)) => Err(Failure::new(format!(
                "{} {:?} was changed by somebody else since this file was read from the gate",
                resource.kind(),
                resource.name()
            ))
            .hint(format!("see what is there with: tctl get {}/{}", resource.kind(), resource.name()))
            .into()),
            Err(other) => {
                Err(anyhow::Error::new(other).context(format!("{} {:?}", resource.kind(), resource.name())))
            }
        }
    }
}

/// With several resources none is written if one of them is there already.
async fn refuse_existing(client: &AdminClient, resources: &[Resource]) -> anyhow::Result<()> {
    if resources.len() < 2 {
        return Ok(());
    }
    for resource in resources {
        match client.get(resource.kind(), resource.name(), false).await {
            Ok(_) => return Err(exists(resource).into()),
            Err(AdminError::NotFound(_)) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Ok(())
}

fn read(file: &PathBuf) -> std::io::Result<String> {
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().lock().take(MAX_FILE).read_to_string(&mut text)?;
    } else {
        std::fs::File::open(file)?.take(MAX_FILE).read_to_string(&mut text)?;
    }
    Ok(text)
}

fn done(resource: &Resource) -> String {
    let name = resource.name();
    match resource.kind() {
        Kind::Github => format!("authentication connector {name:?} has been created\n"),
        Kind::Role => format!("role '{name}' has been created\n"),
        Kind::User => format!("user {name:?} has been created\n"),
    }
}

fn exists(resource: &Resource) -> Failure {
    let name = resource.name();
    let text = match resource.kind() {
        Kind::Github => format!("authentication connector {name:?} already exists"),
        Kind::Role => format!("role '{name}' already exists"),
        Kind::User => format!("user {name:?} already exists"),
    };
    Failure::new(text).hint("use -f or --force flag to overwrite")
}
