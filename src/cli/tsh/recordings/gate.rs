//! The gate's recordings as the person who is logged in.

use std::{fs, io::Read, path::Path};

use anyhow::Context;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    cli::{
        Ctx,
        error::{self, Failure},
        progress,
        tsh::{
            Globals,
            entry::no_host_ca,
            settings::{Settings, is_valid},
        },
    },
    client::{
        admin::{AdminClient, AdminError},
        identity_file::IdentityFile,
    },
    wire::recordings::{Query, Recording},
};

/// The fewest characters of an ID that may stand for the whole.
const PREFIX: usize = 8;
/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 30;

/// Prepares a connection with the current login.
pub(crate) async fn connect(globals: &Globals, ctx: &Ctx) -> anyhow::Result<AdminClient> {
    let settings = Settings::new(globals, ctx)?;
    let target = settings.target()?;
    let (_, credentials) = settings.logged_in(&target)?;
    if !is_valid(&credentials, Timestamp::now()) {
        let text = format!("the certificate for {} has expired", target.address);
        return Err(Failure::new(text)
            .hint(settings.login_command(&target))
            .code(error::LOGIN_NEEDED)
            .into());
    }
    let identity = IdentityFile {
        key_pem: credentials.key_pem.clone(),
        ssh_cert: None,
        cert_pem: credentials.cert_pem.clone(),
        known_hosts: vec![],
        ca_pem: settings.host_cas(&target.name)?.ok_or_else(|| no_host_ca(ctx))?,
    };
    let client = AdminClient::new(&target.address.to_string(), &identity).await.map_err(failure)?;
    Ok(client.on_slow(progress::slow(ctx.console)))
}

/// What to tell of a request that was not done.
pub(crate) fn failure(error: AdminError) -> anyhow::Error {
    error::with_login(error.into())
}

/// What an ID or the beginning of one names.
pub(crate) async fn find(gate: &AdminClient, id: &str) -> anyhow::Result<Recording> {
    if let Ok(id) = id.parse::<Uuid>() {
        return gate.recording(id).await.map_err(failure);
    }
    if !is_prefix(id) {
        let text = format!("{id:?} is no recording: neither a file nor the ID of a session");
        return Err(Failure::new(text)
            .hint("an ID, or its first 8 characters, is what this lists: tsh recordings ls")
            .into());
    }
    let wanted = id.to_ascii_lowercase();
    let all = gate.all_recordings(Query::default(), usize::MAX).await.map_err(failure)?;
    let mut fitting =
        all.into_iter().filter(|recording| recording.session.id.to_string().starts_with(&wanted));
    let Some(found) = fitting.next() else {
        let text = format!("no recording that you may see has an ID that begins with {id}");
        return Err(Failure::new(text).hint("to see which there are: tsh recordings ls").into());
    };
    match fitting.next() {
        None => Ok(found),
        Some(other) => {
            let text = format!("{id} is the beginning of several IDs");
            let hint = format!("type more of it: {} or {}", found.session.id, other.session.id);
            Err(Failure::new(text).hint(hint).into())
        }
    }
}

fn is_prefix(text: &str) -> bool {
    text.len() >= PREFIX && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// A recording with its bytes.
pub(crate) struct Loaded {
    /// The sealed file, or plain asciicast.
    pub(crate) bytes: Vec<u8>,
    /// What the gate says of it, if it came from there.
    pub(crate) known: Option<Recording>,
    /// Where it comes from, for people.
    pub(crate) name: String,
}

/// The file of this name if there is one, `-` for standard input, else the gate's recording of this ID.
pub(crate) async fn load(what: &str, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Loaded> {
    if let Some(bytes) = file(what)? {
        return Ok(Loaded { bytes, known: None, name: what.to_owned() });
    }
    let gate = connect(globals, ctx).await?;
    let known = find(&gate, what).await?;
    let bytes = gate.recording_content(known.session.id).await.map_err(failure)?;
    Ok(Loaded { bytes, name: known.session.id.to_string(), known: Some(known) })
}

/// The bytes of a file; none if the text can only be an ID.
fn file(what: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let path = Path::new(what);
    let looks_like_one = what.contains('/') || path.extension().is_some();
    if what != "-" && !looks_like_one && !path.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let source: Box<dyn Read> = match what {
        "-" => Box::new(std::io::stdin().lock()),
        _ => Box::new(fs::File::open(path).with_context(|| format!("cannot read {what}"))?),
    };
    source.take(MAX_FILE).read_to_end(&mut bytes).with_context(|| format!("cannot read {what}"))?;
    Ok(Some(bytes))
}
