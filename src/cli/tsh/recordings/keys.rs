//! `tsh recordings keys`.

use jiff::{Timestamp, tz::TimeZone};

use super::gate;
use crate::{
    cli::{
        Ctx, block_on,
        output::{Format, Output},
        tsh::{Globals, zone::zone},
    },
    wire::recordings::{Key, Keys},
};

/// Arguments of `tsh recordings keys`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tsh recordings keys > recording-keys.pem\n  tsh recordings keys --proxy gate.example.com > recording-keys.pem\n  tsh recordings verify session.jgr --key recording-keys.pem\n\nThe key that signs now comes first. The keys before it verify what they signed: after a rotation (tctl recordings rotate-key) write the file anew."
)]
pub(crate) struct KeysArgs {
    /// How to write them; text is PEM, with a line before each key that says since when it signs
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

impl KeysArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let keys = block_on(async {
            let gate = gate::connect(globals, ctx).await?;
            gate.recording_keys().await.map_err(gate::failure)
        })?;
        Output::listed(self.format, &keys, || words(&keys, &zone(&ctx.env)))
    }
}

/// PEM with explanatory text (RFC 7468, 5.2), which whoever reads PEM skips.
fn words(keys: &Keys, zone: &TimeZone) -> String {
    // An older gate says nothing but the keys.
    if keys.details.is_empty() {
        return keys.keys.concat();
    }
    keys.details.iter().map(|key| format!("# {}\n{}", about(key, zone), key.pem)).collect()
}

fn about(key: &Key, zone: &TimeZone) -> String {
    let time = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string();
    let name = &key.fingerprint;
    match (key.since.map(time), key.until.map(time)) {
        (Some(since), None) => format!("{name} signs recordings since {since}"),
        (None, None) => format!("{name} signs recordings"),
        (Some(since), Some(until)) => format!("{name} signed recordings from {since} to {until}"),
        (None, Some(until)) => format!("{name} signed recordings until {until}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::{KeyPair, PublicKey};

    #[test]
    fn the_lines_between_the_keys_are_no_obstacle_to_whoever_reads_pem() {
        let made: Vec<PublicKey> = (0..3).map(|_| KeyPair::generate().public()).collect();
        let at = |second: i64| Some(Timestamp::from_second(1_790_000_000 + second).unwrap());
        let key = |public: &PublicKey, since, until: Option<Timestamp>| Key {
            fingerprint: public.fingerprint(),
            pem: public.to_pem().unwrap(),
            current: until.is_none(),
            since,
            until,
        };
        let details =
            vec![key(&made[0], at(20), None), key(&made[1], at(10), at(20)), key(&made[2], None, at(10))];
        let keys = Keys { keys: details.iter().map(|key| key.pem.clone()).collect(), details };
        let text = words(&keys, &TimeZone::UTC);
        let lines: Vec<String> =
            text.lines().filter(|line| line.starts_with('#')).map(str::to_owned).collect();
        let name = |n: usize| made[n].fingerprint();
        assert_eq!(
            lines,
            [
                format!("# {} signs recordings since 2026-09-21 14:13:40 UTC", name(0)),
                format!(
                    "# {} signed recordings from 2026-09-21 14:13:30 UTC to 2026-09-21 14:13:40 UTC",
                    name(1)
                ),
                format!("# {} signed recordings until 2026-09-21 14:13:30 UTC", name(2)),
            ]
        );
        assert_eq!(super::super::verify::keys(&text).unwrap(), made);
        let older = Keys { details: vec![], ..keys };
        assert_eq!(super::super::verify::keys(&words(&older, &TimeZone::UTC)).unwrap(), made);
    }
}
