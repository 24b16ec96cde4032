//! The gate's recordings as the person who is logged in.

use std::{fs, io::Read, path::Path, time::Duration};

use anyhow::Context;
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    cli::{
        Ctx, block_on,
        error::{self, Failure},
        ids::{self, Typed},
        progress,
        tsh::{
            Globals,
            entry::no_host_ca,
            settings::{Settings, Target, is_valid},
            zone::zone,
        },
    },
    client::{
        admin::{AdminClient, AdminError},
        identity_file::IdentityFile,
        profile::Credentials,
    },
    recording::{blocks::is_sealed, decode::DecodeError, timeline::Timeline, verify::hangs_together},
    wire::recordings::{Query, Recording, State},
};

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
    let client = client(&settings, &target, &credentials).await?;
    Ok(client.on_slow(progress::slow(ctx.console)))
}

async fn client(
    settings: &Settings<'_>,
    target: &Target,
    credentials: &Credentials,
) -> anyhow::Result<AdminClient> {
    let identity = IdentityFile {
        key_pem: credentials.key_pem.clone(),
        ssh_cert: None,
        cert_pem: credentials.cert_pem.clone(),
        known_hosts: vec![],
        ca_pem: settings.host_cas(&target.name)?.ok_or_else(|| no_host_ca(settings.ctx))?,
    };
    AdminClient::new(&target.address.to_string(), &identity).await.map_err(failure)
}

/// Sessions for the TAB key: within this time and without a word, or nothing.
pub(crate) fn glance(
    settings: &Settings<'_>,
    target: &Target,
    credentials: &Credentials,
    query: &Query,
    limit: Duration,
) -> Option<Vec<Recording>> {
    let asked = async {
        let asked = async { Ok(client(settings, target, credentials).await?.recordings(query).await?) };
        tokio::time::timeout(limit, asked).await?
    };
    block_on(asked).ok().map(|page| page.recordings)
}

/// What to tell of a request that was not done.
pub(crate) fn failure(error: AdminError) -> anyhow::Error {
    error::with_login(error.into())
}

/// What an ID or the beginning of one names. `live`: among the live ones, if one of them fits.
pub(crate) async fn find(gate: &AdminClient, id: &str, live: bool, ctx: &Ctx) -> anyhow::Result<Recording> {
    let beginning = match ids::read(id, !live)? {
        Typed::Whole(id) => return gate.recording(id).await.map_err(failure),
        Typed::Beginning(beginning) => beginning,
    };
    for state in [live.then_some(State::Live), None] {
        let query = Query { state, id: Some(beginning.clone()), ..Query::default() };
        let fitting = gate.all_recordings(query, usize::MAX).await.map_err(failure)?;
        if let Some(found) = ids::one(id, fitting, &zone(&ctx.env))? {
            return Ok(found);
        }
    }
    let text = format!("no recording that you may see has an ID that begins with {id}");
    Err(Failure::new(text).hint("to see which there are: tsh recordings ls").into())
}

/// A recording with its bytes.
pub(crate) struct Loaded {
    /// The sealed file, or plain asciicast.
    pub(crate) bytes: Bytes,
    /// What the gate says of it, if it came from there.
    pub(crate) known: Option<Recording>,
    /// Where it comes from, for people.
    pub(crate) name: String,
}

impl Loaded {
    /// Whether the session goes on, so that this is not all of it; not known of a file.
    pub(crate) fn goes_on(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.state == State::Live)
    }
}

/// The file of this name if there is one, `-` for standard input, else the gate's recording of this ID.
pub(crate) async fn load(what: &str, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Loaded> {
    if let Some(bytes) = file(what)? {
        return Ok(Loaded { bytes: bytes.into(), known: None, name: what.to_owned() });
    }
    // What can be no ID is not worth a login.
    ids::read(what, true)?;
    let gate = connect(globals, ctx).await?;
    let known = find(&gate, what, false, ctx).await?;
    let bytes = gate.recording_content(known.session.id).await.map_err(failure)?;
    Ok(Loaded { bytes: bytes.into(), name: known.session.id.to_string(), known: Some(known) })
}

/// What a recording holds, to play (`watched`) or to write. The person hears of damage.
///
/// # Errors
/// Nothing of it can be played.
pub(crate) fn timeline(loaded: &Loaded, watched: bool, ctx: &Ctx) -> anyhow::Result<Timeline> {
    let (name, sealed) = (&loaded.name, is_sealed(&loaded.bytes));
    let bytes = loaded.bytes.clone();
    let read = if watched { Timeline::read(bytes) } else { Timeline::read_events(bytes) };
    let timeline = read.map_err(|error| match error {
        DecodeError::Overfull(_) => {
            Failure::new(format!("{name} is no recording of a gate: {error}; nothing of it can be played"))
        }
        _ if sealed => Failure::new(format!("{name} is a damaged recording: nothing of it can be played"))
            .hint(format!("to see where: tsh recordings verify {name}")),
        DecodeError::Version(_) => Failure::new(format!("{name}: {error}")),
        _ => no_recording(name),
    })?;
    if !sealed {
        if let Some(damage) = timeline.damage() {
            ctx.console.warn(&format!("{name} is damaged and ends early: {damage}"));
        }
        return Ok(timeline);
    }
    let found = hangs_together(&loaded.bytes);
    match &found {
        Ok(None) => {}
        Ok(Some(at)) => ctx.console.warn(&format!("{name} was cut off inside of the block at byte {at}")),
        Err(finding) => ctx.console.warn(&format!(
            "{name} is not what the gate wrote: {finding}; from there on something may be missing or false"
        )),
    }
    // Anybody can make a file that hangs together.
    if let Some(damage) = timeline.damage()
        && (found == Ok(None) || matches!(damage, DecodeError::Overfull(_)))
    {
        ctx.console.warn(&format!("{name} is not wholly shown: {damage}"));
    }
    Ok(timeline)
}

/// For a file of another kind.
pub(crate) fn no_recording(name: &str) -> Failure {
    Failure::new(format!("{name} is no recording: neither one that a gate sealed nor asciicast version 2"))
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
