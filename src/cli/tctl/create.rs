//! `tctl create`: every document of every file is read and checked before one is written.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::Serialize;

use super::{Globals, advice, connection::Connection, credentials};
use crate::{
    cli::{
        Ctx, block_on,
        error::Failure,
        output::{Format, Output},
    },
    client::admin::AdminError,
    model::{Kind, Resource, role},
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
    /// How to write what was done
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What was done, for programs.
#[derive(Serialize)]
struct Done<'a> {
    resources: Vec<DoneOne<'a>>,
}

/// What became of one resource.
#[derive(Serialize)]
struct DoneOne<'a> {
    kind: Kind,
    name: &'a str,
    result: &'static str,
}

/// More bytes than this are no file of resources.
const MAX_FILE: u64 = 4 * 1024 * 1024;

impl CreateArgs {
    pub(super) fn run(self, ctx: &Ctx, globals: &Globals) -> anyhow::Result<Output> {
        let mut resources = Vec::new();
        for file in &self.files {
            let shown = shown(file);
            let text = read(file).with_context(|| format!("cannot read {shown}"))?;
            resources.extend(Resource::read_all(&text).map_err(|e| Failure::new(format!("{shown}: {e}")))?);
        }
        for resource in &resources {
            refuse_fixed(resource)?;
        }
        block_on(async {
            let gate = credentials::connect(ctx, globals).await?;
            self.check_each(ctx, &gate, &resources).await?;
            let mut done = Vec::new();
            for resource in &resources {
                done.push(self.write(ctx, &gate, resource).await?);
            }
            // Written all the same: a role may follow later, and a gate may have names that it does not know of.
            for line in advice::on(&gate, &resources).await {
                ctx.console.warn(&line);
            }
            let done = Done { resources: done };
            Output::listed(self.format, &done, || done.resources.iter().map(DoneOne::told).collect())
        })
    }

    /// With several resources none is written if one of them would be refused: it is there already, or was changed
    /// meanwhile, or may not be read. What happens between this and the writes, the gate refuses.
    async fn check_each(&self, ctx: &Ctx, gate: &Connection, resources: &[Resource]) -> anyhow::Result<()> {
        if resources.len() < 2 {
            return Ok(());
        }
        for resource in resources {
            let there = match gate.get(resource.kind(), resource.name(), false).await {
                Ok(_) if !self.force => return Err(exists(resource).into()),
                Ok(there) => there["metadata"]["id"].as_i64(),
                Err(AdminError::NotFound(_)) => None,
                Err(other) => {
                    let what = format!("{} {:?}", resource.kind(), resource.name());
                    return Err(gate.failure(other).context(what));
                }
            };
            if self.force && stale(resource.metadata().id, there) {
                return Err(changed(ctx, resource).into());
            }
        }
        Ok(())
    }

    async fn write<'r>(
        &self,
        ctx: &Ctx,
        gate: &Connection,
        resource: &'r Resource,
    ) -> anyhow::Result<DoneOne<'r>> {
        // A connector is created or not by the request itself, and people read "created" of it whatever was there, as from stock
        // tctl; programs get the truth. A stock auth server writes any other kind over what is there.
        let asks = resource.kind() != Kind::Github || self.force && self.format != Format::Text;
        let over = asks && gate.get(resource.kind(), resource.name(), false).await.is_ok();
        if over && !self.force {
            return Err(exists(resource).into());
        }
        let result = if self.force { gate.upsert(resource).await } else { gate.create(resource).await };
        match result {
            Ok(()) => Ok(DoneOne {
                kind: resource.kind(),
                name: resource.name(),
                result: if over { "updated" } else { "created" },
            }),
            Err(AdminError::Exists(_)) => Err(exists(resource).into()),
            Err(AdminError::Conflict(_)) => Err(changed(ctx, resource).into()),
            Err(other) => {
                Err(gate.failure(other).context(format!("{} {:?}", resource.kind(), resource.name())))
            }
        }
    }
}

/// Refuses what no gate lets anybody write, before anything is sent.
fn refuse_fixed(resource: &Resource) -> anyhow::Result<()> {
    let name = resource.name();
    match resource.kind() {
        Kind::Role if role::built_in().iter().any(|role| role.metadata.name == name) => Err(Failure::new(
            format!("role {name:?} is built in and cannot be changed; create one of another name"),
        )
        .into()),
        Kind::Role | Kind::Github | Kind::User => Ok(()),
    }
}

/// Whether a file's revision is not the one that is there. Without a revision the file goes over anything.
fn stale(file: Option<i64>, there: Option<i64>) -> bool {
    file.is_some_and(|id| id != 0) && file != there
}

fn changed(ctx: &Ctx, resource: &Resource) -> Failure {
    let (kind, name) = (resource.kind(), resource.name());
    Failure::new(format!(
        "{kind} {name:?} was changed by somebody else since this file was read from the gate"
    ))
    .hint(format!("see what is there with: {} get {kind}/{name}", ctx.tool("tctl")))
}

/// A file as errors name it.
fn shown(file: &Path) -> String {
    if is_stdin(file) { "standard input".to_owned() } else { file.display().to_string() }
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn read(file: &Path) -> io::Result<String> {
    if is_stdin(file) { read_all(io::stdin().lock()) } else { read_all(std::fs::File::open(file)?) }
}

/// The whole text. One that is longer than allowed is refused, for a part of it could look like all.
fn read_all(from: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    from.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        let text = format!("it is longer than {} MiB; split it into several files", MAX_FILE >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

impl DoneOne<'_> {
    /// A line for people.
    fn told(&self) -> String {
        let Self { kind, name, result } = self;
        match kind {
            Kind::Github => format!("authentication connector {name:?} has been {result}\n"),
            Kind::Role => format!("role '{name}' has been {result}\n"),
            Kind::User => format!("user {name:?} has been {result}\n"),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_or_refused() {
        let long = vec![b'#'; usize::try_from(MAX_FILE).unwrap()];
        assert_eq!(read_all(&long[..]).unwrap().len(), long.len());
        let longer = [long, vec![b'\n']].concat();
        let refused = read_all(&longer[..]).unwrap_err().to_string();
        assert_eq!(refused, "it is longer than 4 MiB; split it into several files");
    }

    #[test]
    fn a_revision_has_to_be_the_one_that_is_there() {
        assert!(!stale(None, Some(3)) && !stale(Some(3), Some(3)) && !stale(Some(0), Some(3)));
        assert!(stale(Some(2), Some(3)) && stale(Some(2), None));
    }

    #[test]
    fn what_no_gate_takes_is_refused_at_once() {
        let read = |text: &str| Resource::read_all(text).unwrap().remove(0);
        let role =
            |name: &str| read(&format!("kind: role\nversion: v3\nmetadata: {{name: {name}}}\nspec: {{}}\n"));
        let told = refuse_fixed(&role("admin")).unwrap_err().to_string();
        assert!(told.starts_with("role \"admin\" is built in"), "{told}");
        assert!(refuse_fixed(&role("developers")).is_ok());
    }
}
