//! `tsh recordings verify`.

use std::path::PathBuf;

use anyhow::Context;

use super::gate;
use crate::{
    cli::{
        Ctx, block_on,
        error::{FAILED, Failure},
        output::{Format, Output},
        tsh::{Globals, zone::zone},
    },
    pki::PublicKey,
    recording::{
        blocks::is_sealed,
        timeline::clock,
        verify::{Expected, Finding, Report, State, verify},
    },
};

/// Arguments of `tsh recordings verify`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tsh recordings verify 7c9e6679\n  tsh recordings verify session.jgr --key recording-keys.pem\n\nExit code 1: it is not what the gate wrote, or it cannot be told."
)]
pub(crate) struct VerifyArgs {
    /// ID of a session (or its first 8 characters), or a sealed file
    #[arg(value_name = "ID|FILE")]
    what: String,
    /// Public recording keys of the gate in PEM, instead of asking it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

impl VerifyArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let loaded = block_on(gate::load(&self.what, globals, ctx))?;
        if !is_sealed(&loaded.bytes) {
            let text = format!("{} is not sealed: anybody could have written it", loaded.name);
            return Err(Failure::new(text)
                .hint("verify the session's recording at the gate instead: tsh recordings verify ID")
                .into());
        }
        let pems = match &self.key {
            Some(file) => {
                vec![
                    std::fs::read_to_string(file)
                        .with_context(|| format!("cannot read {}", file.display()))?,
                ]
            }
            None => block_on(async {
                let gate = gate::connect(globals, ctx).await?;
                gate.recording_keys().await.map(|keys| keys.keys).map_err(gate::failure)
            })
            .context("the gate was not asked for its recording keys; --key names a file of them")?,
        };
        let expected = Expected {
            session: loaded.known.as_ref().map(|known| known.session.id),
            keys: keys(&pems.concat())?,
            last: loaded.known.as_ref().and_then(|known| known.last.clone()),
        };
        self.tell(verify(&loaded.bytes, &expected), &loaded.name, ctx)
    }

    fn tell(&self, done: Result<Report, Finding>, name: &str, ctx: &Ctx) -> anyhow::Result<Output> {
        match done {
            Ok(report) => {
                let value = serde_json::json!({ "good": true, "report": report });
                Output::listed(self.format, &value, || good(&report, name, ctx))
            }
            Err(finding) if self.format == Format::Text => {
                Err(Failure::new(format!("{name} is not what the gate wrote: {finding}")).into())
            }
            Err(finding) => {
                let value = serde_json::json!({ "good": false, "finding": finding.to_string() });
                Ok(Output::listed(self.format, &value, String::new)?.with_code(FAILED))
            }
        }
    }
}

fn good(report: &Report, name: &str, ctx: &Ctx) -> String {
    let covered = clock(std::time::Duration::from_micros(report.covered));
    let signed = report.signed.to_zoned(zone(&ctx.env)).strftime("%Y-%m-%d %H:%M:%S %Z");
    let end = match report.state {
        State::Complete => "to the end of the session",
        State::Cut => "to where the gate died during the session",
        State::Open => {
            "as far as the session is sealed; it goes on, or the gate has not been started since it died"
        }
    };
    let frames = if report.frames == 1 { "1 frame".to_owned() } else { format!("{} frames", report.frames) };
    let checkpoints = match report.checkpoints {
        1 => "1 checkpoint".to_owned(),
        count => format!("{count} checkpoints"),
    };
    let mut text = format!(
        "{frames} and {checkpoints} of session {}, {covered} long, last signed {signed}.\n",
        report.session
    );
    if report.uncovered > 0 {
        text.push_str(&format!(
            "The last {} bytes are not sealed yet: no signature covers them.\n",
            report.uncovered
        ));
    }
    if !report.compared {
        text.push_str(
            "A file alone cannot show that its end was cut off; compare with the gate: tsh recordings verify ID\n",
        );
    }
    text + &format!("{name} is what the gate wrote, {end}.\n")
}

/// All public keys in a PEM text.
fn keys(text: &str) -> anyhow::Result<Vec<PublicKey>> {
    const END: &str = "-----END PUBLIC KEY-----";
    let parts = text.split_inclusive(END).filter(|part| part.contains(END));
    let keys: Vec<PublicKey> = parts.map(PublicKey::from_pem).collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(Failure::new("there is no public key in PEM form to verify with").into());
    }
    Ok(keys)
}
