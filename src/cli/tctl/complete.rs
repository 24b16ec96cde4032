//! Names for the TAB key: kinds, and the sessions that go on. The latter are the gate's, which is asked for a moment, with what is at
//! hand: never with a key from a keyring.

use std::time::Duration;

use super::{Globals, credentials};
use crate::{
    cli::{
        Ctx, block_on,
        complete::{Candidate, Place},
        ids,
    },
    model::Kind,
};

/// How long a person waits for the gate behind the TAB key.
const LIMIT: Duration = Duration::from_secs(1);

/// What can stand at a place; none where nothing is known.
pub(super) fn names(place: &Place<'_>, ctx: &Ctx) -> Option<Vec<Candidate>> {
    let kinds = Kind::ALL.map(Kind::name);
    match (place.path.as_slice(), place.id()) {
        (["get"], "reference") => {
            let typed = &place.value;
            let done = typed.rfind(',').map_or("", |comma| &typed[..=comma]);
            Some(Candidate::plain(kinds.map(|kind| format!("{done}{kind}"))))
        }
        // Where sessions belong, files do not, even if none is known.
        (["sessions", "kill"], "id") => Some(sessions(place, ctx).unwrap_or_default()),
        (["rm"], "reference") => Some(Candidate::plain(kinds.map(|kind| format!("{kind}/")))),
        _ => None,
    }
}

/// The sessions that go on.
fn sessions(place: &Place<'_>, ctx: &Ctx) -> Option<Vec<Candidate>> {
    let file = |id: &str, variable: &str| place.last(id).map(Into::into).or_else(|| ctx.env.path(variable));
    let globals = Globals {
        debug: false,
        config: file("config", "TELEPORT_CONFIG_FILE"),
        identity: file("identity", "TELEPORT_IDENTITY_FILE"),
        auth_server: place.last("auth_server").or_else(|| ctx.env.text("TELEPORT_AUTH_SERVER")),
    };
    let query = ids::asked(&place.value, true);
    let asked = async {
        let asked = async {
            let gate = credentials::at_hand(ctx, &globals).await?;
            anyhow::Ok(gate.recordings(&query).await?)
        };
        tokio::time::timeout(LIMIT, asked).await?
    };
    block_on(asked).ok().map(|page| ids::candidates(&page.recordings))
}
