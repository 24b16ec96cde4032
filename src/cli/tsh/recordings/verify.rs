//! `tsh recordings verify`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use uuid::Uuid;

use super::{forms, gate};
use crate::{
    cli::{
        Ctx, block_on,
        error::{self, FAILED, Failure},
        output::{Format, Output},
        tsh::{Globals, zone::zone},
    },
    pki::PublicKey,
    recording::{
        blocks::{each, is_sealed},
        decode::Decoder,
        timeline::{Timeline, clock},
        verify::{Expected, Finding, Report, State, verify},
    },
    wire::recordings::State as Stands,
};

/// Arguments of `tsh recordings verify`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tsh recordings verify 7c9e6679\n  tsh recordings keys > recording-keys.pem && tsh recordings verify session.jgr --key recording-keys.pem\n\nExit code 0: it is what the gate wrote, or nothing of a live session is sealed yet. Exit code 1: it is not what the gate wrote, or it cannot be told."
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
            Err(finding) => verdict.bad(&finding),
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

/// How to tell what was found.
struct Verdict<'a> {
    name: &'a str,
    /// A file, which may have been exported while the session went on.
    is_file: bool,
    is_live: bool,
    /// Where the keys come from, if not from the gate.
    key: Option<&'a Path>,
    format: Format,
}

impl Verdict<'_> {
    fn good(&self, report: &Report, ctx: &Ctx) -> anyhow::Result<Output> {
        let value = serde_json::json!({ "good": true, "report": for_programs(report)? });
        Output::listed(self.format, &value, || self.words(report, ctx))
    }

    /// A live session of which no checkpoint has been signed.
    fn not_yet(&self) -> anyhow::Result<Output> {
        let text = format!(
            "The session {} goes on, and nothing of it is sealed yet: nothing could be checked.\nThe gate seals it about once a minute and at \
             its end; verify it again then.",
            self.name
        );
        let value = serde_json::json!({ "good": null, "state": "live", "reason": "nothing is sealed yet" });
        Output::listed(self.format, &value, || text)
    }

    fn bad(&self, finding: &Finding) -> anyhow::Result<Output> {
        if self.format != Format::Text {
            let value = serde_json::json!({ "good": false, "finding": finding.to_string() });
            return Ok(Output::listed(self.format, &value, String::new)?.with_code(FAILED));
        }
        let name = self.name;
        let text = match finding {
            Finding::Shortened { found, wanted, .. } if self.is_file => format!(
                "{name} is not the whole recording: it ends with checkpoint {found}, and the gate has signed up to {wanted}. Either it was \
                 exported while the session went on, or its end was cut off"
            ),
            Finding::Unsigned => format!("{name} cannot be verified: {finding}"),
            _ => format!("{name} is not what the gate wrote: {finding}"),
        };
        let mut failure = Failure::new(text);
        if let (Finding::Signature { .. }, Some(file)) = (finding, self.key) {
            failure = failure.hint(format!(
                "if the gate's key was rotated since {0} was written, write it anew: tsh recordings keys > {0}",
                file.display()
            ));
        }
        Err(failure.into())
    }

    fn words(&self, report: &Report, ctx: &Ctx) -> String {
        let name = self.name;
        let covered = clock(Duration::from_micros(report.covered));
        let signed = report.signed.to_zoned(zone(&ctx.env)).strftime("%Y-%m-%d %H:%M:%S %Z");
        let count = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let (frames, checkpoints) = (count(report.frames, "frame"), count(report.checkpoints, "checkpoint"));
        let end = match report.state {
            State::Complete => ", from the start of the session to its end.".to_owned(),
            State::Cut => ", from the start of the session to where the gate died during it.".to_owned(),
            State::Open if self.is_live => format!(
                ", up to {covered}. The session goes on: what came since is not sealed yet, and was not checked."
            ),
            State::Open if report.compared => {
                format!(
                    ", up to {covered}, as far as the gate has sealed it; what came since was not checked."
                )
            }
            State::Open => format!(
                ", up to {covered}. Its end is not in it: it was exported while the session went on, or its end was cut off. The gate can \
                 tell: tsh recordings verify {}",
                report.session
            ),
        };
        let uncovered = match report.uncovered {
            0 => String::new(),
            bytes => format!("The last {bytes} bytes are not sealed: no signature covers them.\n"),
        };
        format!(
            "{frames} and {checkpoints} of session {}, {covered} long, last signed {signed}.\n{uncovered}{name} is what the gate wrote{end}\n",
            report.session
        )
    }
}

/// A report for programs: its times have their unit in their name.
fn for_programs(report: &Report) -> serde_json::Result<serde_json::Value> {
    let mut value = serde_json::to_value(report)?;
    if let Some(keys) = value.as_object_mut() {
        keys.remove("covered");
        let covered = forms::seconds(Duration::from_micros(report.covered));
        keys.insert("covered_seconds".into(), covered.into());
    }
    Ok(value)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_unit_in_their_name() {
        let report = Report {
            session: Uuid::nil(),
            state: State::Complete,
            frames: 1,
            checkpoints: 1,
            covered: 83_500_000,
            signed: jiff::Timestamp::UNIX_EPOCH,
            uncovered: 0,
            compared: true,
        };
        let value = for_programs(&report).unwrap();
        assert_eq!(value["covered_seconds"], 83.5);
        assert_eq!(value.get("covered"), None);
        assert_eq!(value["frames"], 1);
    }
}
