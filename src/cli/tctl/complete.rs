//! Names for the TAB key: kinds, and the sessions that go on. The latter are the gate's, which is asked for a moment, with what is at
//! hand: never with a key from a keyring.

use std::{collections::BTreeSet, time::Duration};

use super::{Globals, credentials};
use crate::{
    cli::{
        Ctx, block_on,
        complete::{Candidate, Place},
        ids,
    },
    model::Kind,
    wire::recordings::{Query, Recording, State},
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
        (["events", "ls"], "types") => Some(Candidate::plain(super::events::TYPES)),
        (["sessions", "ls"], "user" | "cluster") => {
            let all =
                live(place, ctx, &Query { state: Some(State::Live), ..Query::default() }).unwrap_or_default();
            let of =
                |one: Recording| if place.id() == "user" { one.session.user } else { one.session.cluster };
            Some(Candidate::plain(all.into_iter().map(of).collect::<BTreeSet<_>>()))
        }
        // A person whom only the log knows, a time, a number, a text: no file.
        (["events" | "sessions", _], "user" | "since" | "until" | "limit" | "reason") => Some(vec![]),
        (["rm"], "reference") => Some(Candidate::plain(kinds.map(|kind| format!("{kind}/")))),
        _ => None,
    }
}

/// The sessions that go on.
fn sessions(place: &Place<'_>, ctx: &Ctx) -> Option<Vec<Candidate>> {
    live(place, ctx, &ids::asked(&place.value, true)).map(|all| ids::candidates(&all))
}

/// What the gate answers in a moment.
fn live(place: &Place<'_>, ctx: &Ctx, query: &Query) -> Option<Vec<Recording>> {
    let file = |id: &str, variable: &str| place.last(id).map(Into::into).or_else(|| ctx.env.path(variable));
    let globals = Globals {
        debug: false,
        config: file("config", "TELEPORT_CONFIG_FILE"),
        identity: file("identity", "TELEPORT_IDENTITY_FILE"),
        auth_server: place.last("auth_server").or_else(|| ctx.env.text("TELEPORT_AUTH_SERVER")),
    };
    let asked = async {
        let asked = async {
            let gate = credentials::at_hand(ctx, &globals).await?;
            anyhow::Ok(gate.recordings(query).await?)
        };
        tokio::time::timeout(LIMIT, asked).await?
    };
    block_on(asked).ok().map(|page| page.recordings)
}
