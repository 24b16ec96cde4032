//! Kinds for the TAB key. Names of resources are the gate's: to ask it takes a connection, perhaps with a key from a keyring.

use crate::{
    cli::complete::{Candidate, Place},
    model::Kind,
};

/// What can stand at a place; none where nothing is known.
pub(super) fn names(place: &Place<'_>) -> Option<Vec<Candidate>> {
    let kinds = Kind::ALL.map(Kind::name);
    match (place.path.as_slice(), place.id()) {
        (["get"], "reference") => {
            let typed = &place.value;
            let done = typed.rfind(',').map_or("", |comma| &typed[..=comma]);
            Some(Candidate::plain(kinds.map(|kind| format!("{done}{kind}"))))
        }
        (["rm"], "reference") => Some(Candidate::plain(kinds.map(|kind| format!("{kind}/")))),
        _ => None,
    }
}
