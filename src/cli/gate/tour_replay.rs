//! The tour's look at what was recorded: the exec of section 3 is listed, replayed and verified.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::tour::{POD, Tour};
use crate::wire::recordings::{Page, Recording, State};

/// How long the gate may take to seal a recording after its session.
const SEALED_WITHIN: Duration = Duration::from_secs(15);

impl Tour<'_> {
    pub(super) async fn replay(&self) -> anyhow::Result<()> {
        self.show.heading("   What was shown is on record")?;
        let recording = self.sealed().await?;
        let id = recording.session.id.to_string();
        let ended = self.tsh(&["recordings", "ls"]).await?;
        self.check(&ended, 0, POD, "the exec is listed")?;
        let ended = self.tsh(&["play", &id, "--format=text"]).await?;
        self.check(
            &ended,
            0,
            &format!("hello from {POD}"),
            "and can be replayed: here as text, on a terminal as a film",
        )?;
        let ended = self.tsh(&["recordings", "verify", &id]).await?;
        self.check(&ended, 0, &id, "nothing of it was changed since: every checkpoint is signed by the gate")
    }

    /// The recording of the exec, once it is sealed.
    async fn sealed(&self) -> anyhow::Result<Recording> {
        let deadline = Instant::now() + SEALED_WITHIN;
        loop {
            let ended = self.run(&self.tsh, &["recordings", "ls", "--format=json"]).await?;
            let listed: Vec<Recording> = serde_json::from_str(&ended.stdout)
                .or_else(|_| serde_json::from_str::<Page>(&ended.stdout).map(|page| page.recordings))
                .with_context(|| format!("tsh recordings ls said: {}{}", ended.stdout, ended.stderr))?;
            let found = listed.into_iter().find(|one| one.session.pod == POD && one.state == State::Complete);
            match found {
                Some(found) => return Ok(found),
                None if Instant::now() > deadline => bail!("the exec is not on record"),
                None => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}
