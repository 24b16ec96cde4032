//! `tsh recordings verify`.

use std::path::PathBuf;

use anyhow::Context;
use uuid::Uuid;

use super::{gate, verdict::Verdict};
use crate::{
    cli::{
        Ctx, block_on,
        error::{self, Failure},
        output::{Format, Output},
        tsh::Globals,
    },
    pki::PublicKey,
    recording::{
        blocks::{each, is_sealed},
        decode::Decoder,
        timeline::Timeline,
        verify::{Expected, Finding, hangs_together, verify},
    },
    wire::recordings::State as Stands,
};

/// Arguments of `tsh recordings verify`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tsh recordings verify 7c9e6679\n  tsh recordings keys > recording-keys.pem && tsh recordings verify session.jgr --key recording-keys.pem\n\nExit codes:\n  0  it is what the gate wrote, or nothing of a live session is sealed yet\n  1  it is not what the gate wrote, or it is no sealed recording\n  8  it cannot be told: a key that signed it is not in the file of --key, or nothing of it is signed\n\nWithout the gate (a file, and --key) it is told what could not be checked. In JSON, `verdict` is good, bad, undecided or pending."
)]
pub(crate) struct VerifyArgs {
    /// ID of a session (or how it begins), or a sealed file
    #[arg(value_name = "ID|FILE")]
    what: String,
    /// Public recording keys of the gate, as `tsh recordings keys` prints them, instead of asking it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

impl VerifyArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let mut loaded = block_on(gate::load(&self.what, globals, ctx))?;
        if !is_sealed(&loaded.bytes) {
            if Timeline::read_events(loaded.bytes.clone()).is_err() {
                return Err(gate::no_recording(&loaded.name).into());
            }
            let text = format!("{} is not sealed: anybody could have written it", loaded.name);
            return Err(Failure::new(text)
                .hint("verify the session's recording at the gate instead: tsh recordings verify ID")
                .into());
        }
        let is_file = loaded.known.is_none();
        let pems = match &self.key {
            Some(file) => {
                let text = std::fs::read_to_string(file);
                vec![text.with_context(|| format!("cannot read {}", file.display()))?]
            }
            None => block_on(async {
                let gate = gate::connect(globals, ctx).await?;
                if let (None, Some(id)) = (&loaded.known, session(&loaded.bytes)) {
                    // A gate that does not know the session can still say whether it is its own.
                    loaded.known = gate.recording(id).await.ok();
                }
                gate.recording_keys().await.map(|keys| keys.keys).map_err(gate::failure)
            })
            .map_err(|error| no_keys(error, &loaded.name))?,
        };
        let known = loaded.known.as_ref();
        let expected = Expected {
            session: known.filter(|_| !is_file).map(|known| known.session.id),
            keys: keys(&pems.concat())?,
            last: known.and_then(|known| known.last.clone()),
        };
        let is_live = known.is_some_and(|known| known.state == Stands::Live);
        let key = self.key.as_deref();
        let verdict = Verdict { name: &loaded.name, is_file, is_live, key, format: self.format };
        match verify(&loaded.bytes, &expected) {
            Ok(report) => verdict.good(&report, ctx),
            Err(Finding::Unsigned) if is_live && expected.last.is_none() => verdict.not_yet(),
            Err(finding) => match verdict.undecided(&finding, &expected.keys) {
                // Without the key, too, it shows if something was changed.
                Some(why) => match hangs_together(&loaded.bytes) {
                    Ok(_) => verdict.cannot_say(&why),
                    Err(finding) => verdict.bad(&finding),
                },
                None => verdict.bad(&finding),
            },
        }
    }
}

/// The session that a sealed file says it is of.
fn session(bytes: &[u8]) -> Option<Uuid> {
    let mut decoder = Decoder::default();
    each(bytes, |lines| decoder.feed(lines).is_ok() && decoder.header().is_none());
    decoder.header()?.session.as_ref().map(|session| session.id)
}

/// What to say where the gate was not asked for its keys.
fn no_keys(error: anyhow::Error, name: &str) -> anyhow::Error {
    let text = format!("the gate was not asked for its recording keys: {}", error::sentence(&error));
    let login = error::failure(&error).and_then(Failure::hint_text);
    let file = format!(
        "without the gate, with a file that somebody made with `tsh recordings keys > recording-keys.pem`: tsh recordings verify {name} --key \
         recording-keys.pem"
    );
    let hint = login.map_or(file.clone(), |login| format!("{login}; or {file}"));
    Failure::new(text).hint(hint).code(error::exit_code(&error)).into()
}

/// All public keys in a PEM text.
pub(super) fn keys(text: &str) -> anyhow::Result<Vec<PublicKey>> {
    const END: &str = "-----END PUBLIC KEY-----";
    let parts = text.split_inclusive(END).filter(|part| part.contains(END));
    let keys: Vec<PublicKey> = parts.map(PublicKey::from_pem).collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(Failure::new("there is no public key in PEM form to verify with").into());
    }
    Ok(keys)
}
