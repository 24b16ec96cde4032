//! What `tsh recordings verify` says of what it found, and of what it could not look at.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};

use super::forms;
use crate::{
    cli::{
        Ctx,
        error::{FAILED, Failure, UNDECIDED},
        output::{Format, Output},
        tsh::zone::zone,
    },
    pki::PublicKey,
    recording::{
        timeline::clock,
        verify::{Finding, Report, State},
    },
};

/// How to tell what was found.
pub(super) struct Verdict<'a> {
    pub(super) name: &'a str,
    /// A file, which may have been exported while the session went on.
    pub(super) is_file: bool,
    pub(super) is_live: bool,
    /// Where the keys come from, if not from the gate.
    pub(super) key: Option<&'a Path>,
    pub(super) format: Format,
}

/// Why it cannot be said whether a recording is what the gate wrote.
pub(super) enum Undecided {
    /// This checkpoint names a key that is not at hand.
    Key { checkpoint: u64, key: String },
    /// Nothing of it was ever signed.
    Unsigned,
}

impl Verdict<'_> {
    pub(super) fn good(&self, report: &Report, ctx: &Ctx) -> anyhow::Result<Output> {
        let value = json!({
            "good": true, "verdict": "good", "report": for_programs(report)?, "checked": self.checked(report),
            "not_checked": self.not_checked(report),
        });
        Output::listed(self.format, &value, || self.words(report, ctx))
    }

    /// A live session of which no checkpoint has been signed.
    pub(super) fn not_yet(&self) -> anyhow::Result<Output> {
        let text = format!(
            "The session {} goes on, and nothing of it is sealed yet: nothing could be checked.\nThe gate seals it about once a minute and at \
             its end; verify it again then.",
            self.name
        );
        let value =
            json!({ "good": null, "verdict": "pending", "state": "live", "reason": "nothing is sealed yet" });
        Output::listed(self.format, &value, || text)
    }

    pub(super) fn bad(&self, finding: &Finding) -> anyhow::Result<Output> {
        if self.format != Format::Text {
            let value = json!({ "good": false, "verdict": "bad", "finding": finding.to_string() });
            return Ok(Output::listed(self.format, &value, String::new)?.with_code(FAILED));
        }
        let name = self.name;
        let text = match finding {
            Finding::Shortened { found, wanted, .. } if self.is_file => format!(
                "{name} is not the whole recording: it ends with checkpoint {found}, and the gate has signed up to {wanted}. Either it was \
                 exported while the session went on, or its end was cut off"
            ),
            _ => format!("{name} is not what the gate wrote: {finding}"),
        };
        Err(Failure::new(text).into())
    }

    /// Why a finding is no proof against a recording; none if it is one.
    pub(super) fn undecided(&self, finding: &Finding, keys: &[PublicKey]) -> Option<Undecided> {
        match finding {
            Finding::Unsigned => Some(Undecided::Unsigned),
            // The gate names all its keys, and so another one is not the gate's; a file of keys grows old.
            Finding::Signature { number, key, .. }
                if self.key.is_some() && is_name(key) && keys.iter().all(|one| one.fingerprint() != *key) =>
            {
                Some(Undecided::Key { checkpoint: *number, key: key.clone() })
            }
            _ => None,
        }
    }

    pub(super) fn cannot_say(&self, why: &Undecided) -> anyhow::Result<Output> {
        let (reason, hint, mut value) = match why {
            Undecided::Key { checkpoint, key } => {
                let file = self.key.map(|file| file.display().to_string()).unwrap_or_default();
                let reason =
                    format!("checkpoint {checkpoint} is signed by key {key}, which is not in {file}");
                let hint =
                    format!("get the gate's keys, of which that has to be one: tsh recordings keys > {file}");
                (reason, hint, json!({ "checkpoint": checkpoint, "key": key, "key_file": file }))
            }
            Undecided::Unsigned => {
                let hint = "what was exported before the gate signed anything of the session has no checkpoint: export it anew".to_owned();
                (Finding::Unsigned.to_string(), hint, json!({}))
            }
        };
        if self.format != Format::Text {
            value["good"] = Value::Null;
            value["verdict"] = "undecided".into();
            value["reason"] = reason.into();
            return Ok(Output::listed(self.format, &value, String::new)?.with_code(UNDECIDED));
        }
        let text = format!("it cannot be said whether {} is what the gate wrote: {reason}", self.name);
        Err(Failure::new(text).hint(hint).code(UNDECIDED).into())
    }

    fn words(&self, report: &Report, ctx: &Ctx) -> String {
        let name = self.name;
        let covered = clock(Duration::from_micros(report.covered));
        let signed = report.signed.to_zoned(zone(&ctx.env)).strftime("%Y-%m-%d %H:%M:%S %Z");
        let (frames, checkpoints) = (count(report.frames, "frame"), count(report.checkpoints, "checkpoint"));
        let is = match self.key {
            _ if report.compared => "is what the gate wrote".to_owned(),
            Some(file) => format!("is unchanged and signed by the keys in {}", file.display()),
            None => "is unchanged and signed by the gate's keys".to_owned(),
        };
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
        let mut out = format!(
            "{frames} and {checkpoints} of session {}, {covered} long, last signed {signed}.\n",
            report.session
        );
        for (what, all) in [("Checked", self.checked(report)), ("Not checked", self.not_checked(report))] {
            if !all.is_empty() {
                out.push_str(&format!("{what}: {}.\n", all.join("; ")));
            }
        }
        out + &format!("{name} {is}{end}\n")
    }

    /// What was looked at and is right.
    fn checked(&self, report: &Report) -> Vec<String> {
        let keys = match self.key {
            Some(file) => format!("the keys in {}", file.display()),
            None => "the gate's keys".to_owned(),
        };
        let mut all = vec![
            "that no frame was changed, moved, taken out or put in".to_owned(),
            format!("the signature of each checkpoint, with {keys}"),
        ];
        if report.compared {
            all.push("that the gate's store knows the last checkpoint".to_owned());
        } else if report.state != State::Open {
            all.push("that its end, too, is signed".to_owned());
        }
        all
    }

    /// What nobody could look at.
    fn not_checked(&self, report: &Report) -> Vec<String> {
        let mut all = Vec::new();
        if !report.compared {
            let why = if self.key.is_some() { "was not asked" } else { "says nothing of this session" };
            all.push(format!(
                "whether it is the gate's record of this session, as the gate {why} (who stole a key could have made it)"
            ));
            if report.state == State::Open {
                all.push("whether anything is missing behind its last checkpoint".to_owned());
            }
        }
        if report.uncovered > 0 {
            all.push(format!(
                "the last {}, behind the last checkpoint: no signature covers them",
                count(report.uncovered, "byte")
            ));
        }
        all
    }
}

fn count(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Whether a text is the name of a key, as [`PublicKey::fingerprint`] has it, and not what somebody wrote in its place.
fn is_name(key: &str) -> bool {
    let base64 = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    key.strip_prefix("SHA256:").is_some_and(|hash| hash.len() == 43 && hash.chars().all(base64))
}

/// A report for programs: its times have their unit in their name.
fn for_programs(report: &Report) -> serde_json::Result<Value> {
    let mut value = serde_json::to_value(report)?;
    if let Some(keys) = value.as_object_mut() {
        keys.remove("covered");
        let covered = forms::seconds(Duration::from_micros(report.covered));
        keys.insert("covered_seconds".into(), covered.into());
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::pki::KeyPair;

    fn report(state: State, compared: bool, uncovered: u64) -> Report {
        Report {
            session: Uuid::nil(),
            state,
            frames: 2,
            checkpoints: 1,
            covered: 83_500_000,
            signed: jiff::Timestamp::UNIX_EPOCH,
            uncovered,
            compared,
        }
    }

    fn verdict(key: Option<&'static str>, format: Format) -> Verdict<'static> {
        Verdict { name: "a.jgr", is_file: true, is_live: false, key: key.map(Path::new), format }
    }

    #[test]
    fn times_have_their_unit_in_their_name() {
        let value = for_programs(&report(State::Complete, true, 0)).unwrap();
        assert_eq!(value["covered_seconds"], 83.5);
        assert_eq!(value.get("covered"), None);
        assert_eq!(value["frames"], 2);
    }

    #[test]
    fn what_was_not_checked_is_said() {
        let ctx = Ctx::of_process("tsh", false);
        let said = |key, report: &Report| {
            let text = verdict(key, Format::Text).good(report, &ctx).unwrap().stdout;
            let json = verdict(key, Format::Json).good(report, &ctx).unwrap().stdout;
            let json: Value = serde_json::from_str(&json).unwrap();
            let not: Vec<&str> =
                json["not_checked"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert!(not.iter().all(|one| text.contains(one)), "{text}\n{json}");
            (text, not.len())
        };
        let (text, not) = said(None, &report(State::Complete, true, 0));
        assert!(
            text.ends_with("a.jgr is what the gate wrote, from the start of the session to its end.\n"),
            "{text}"
        );
        assert_eq!(not, 0);
        for state in [State::Complete, State::Cut, State::Open] {
            let (text, not) = said(Some("keys.pem"), &report(state, false, 7));
            assert!(!text.contains("is what the gate wrote"), "{text}");
            assert!(
                text.contains("signed by the keys in keys.pem") && text.contains("the gate was not asked"),
                "{text}"
            );
            assert!(text.contains("the last 7 bytes"), "{text}");
            assert_eq!(not, 2 + usize::from(state == State::Open), "{text}");
        }
        let (text, _) = said(None, &report(State::Complete, false, 0));
        assert!(text.contains("the gate says nothing of this session"), "{text}");
    }

    #[test]
    fn a_key_that_is_not_at_hand_is_no_forgery_and_a_false_signature_is_one() {
        let (known, other) = (KeyPair::generate().public(), KeyPair::generate().public());
        let keys = [known.clone()];
        let by = |key: String| Finding::Signature { number: 3, at: 90, key };
        let undecided =
            |key, finding: &Finding| verdict(key, Format::Text).undecided(finding, &keys).is_some();
        assert!(undecided(Some("keys.pem"), &by(other.fingerprint())));
        assert!(undecided(Some("keys.pem"), &Finding::Unsigned));
        assert!(!undecided(Some("keys.pem"), &by(known.fingerprint())));
        assert!(!undecided(Some("keys.pem"), &by("\u{1b}[31mwhoever".into())));
        assert!(!undecided(None, &by(other.fingerprint())));
        let why = Undecided::Key { checkpoint: 3, key: other.fingerprint() };
        let error = verdict(Some("keys.pem"), Format::Text).cannot_say(&why).unwrap_err();
        let text = format!(
            "it cannot be said whether a.jgr is what the gate wrote: checkpoint 3 is signed by key {}, which is not in keys.pem",
            other.fingerprint()
        );
        assert_eq!(error.to_string(), text);
        assert_eq!(crate::cli::error::exit_code(&error), 8);
        let json = verdict(Some("keys.pem"), Format::Json).cannot_say(&why).unwrap();
        assert_eq!(json.code, 8);
        let json: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!((&json["good"], &json["verdict"]), (&Value::Null, &Value::from("undecided")));
        assert_eq!(json["key"], other.fingerprint());
    }
}
