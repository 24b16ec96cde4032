use std::time::Duration;

use super::*;
use crate::{
    pki::KeyPair,
    recording::{
        blocks::lines,
        encode,
        header::{Header, Kind, Session},
        pack::Packer,
    },
};

struct Made {
    key: KeyPair,
    session: Uuid,
    /// Frame, checkpoint, frame, frame, checkpoint, frame, end.
    pieces: Vec<Vec<u8>>,
    last: Last,
}

fn session(id: Uuid) -> Session {
    Session {
        id,
        kind: Kind::Exec,
        user: "alice".into(),
        roles: vec![],
        kube_user: "alice".into(),
        kube_groups: vec![],
        cluster: "prod".into(),
        namespace: "default".into(),
        pod: "web-1".into(),
        container: String::new(),
        command: vec!["sh".into()],
        terminal: true,
        stdin: true,
        protocol: String::new(),
        remote: String::new(),
        started: "2026-11-24T19:00:00Z".parse().unwrap(),
    }
}

fn make() -> Made {
    let (key, id) = (KeyPair::generate(), Uuid::new_v4());
    let mut packer = Packer::new(id);
    let second = Duration::from_secs;
    let mut pieces = Vec::new();
    let now = Timestamp::UNIX_EPOCH;
    for n in 1..=4_u64 {
        let mut text = if n == 1 { encode::header(&Header::new(session(id))) } else { vec![] };
        text.extend(format!("[{n}.0,\"o\",\"line {n}\\r\\n\"]\n").into_bytes());
        pieces.push(packer.pack(&text, second(n), second(n)).unwrap());
        if n == 1 || n == 3 {
            pieces.push(packer.checkpoint(&key, now, None).0);
        }
    }
    let (end, last) = packer.checkpoint(&key, now, Some(Ending::Complete));
    pieces.push(end);
    Made { key, session: id, pieces, last: Last { number: last.number, chain: last.chain } }
}

impl Made {
    fn check(&self, pieces: &[Vec<u8>]) -> Result<Report, Finding> {
        let keys = vec![self.key.public()];
        verify(
            &pieces.concat(),
            &Expected { session: Some(self.session), keys, last: Some(self.last.clone()) },
        )
    }

    /// As `check`, by who has the file and the keys alone.
    fn check_alone(&self, pieces: &[Vec<u8>]) -> Result<Report, Finding> {
        let keys = vec![self.key.public()];
        verify(&pieces.concat(), &Expected { session: None, keys, last: None })
    }
}

#[test]
fn what_the_gate_wrote_is_complete() {
    let made = make();
    let report = made.check(&made.pieces).unwrap();
    assert_eq!((report.state, report.frames, report.checkpoints), (State::Complete, 4, 3));
    assert_eq!((report.covered, report.uncovered, report.compared), (4_000_000, 0, true));
    assert!(!made.check_alone(&made.pieces).unwrap().compared);
}

#[test]
fn e2_35_every_changed_byte_is_found() {
    let made = make();
    let whole = made.pieces.concat();
    let expected = Expected { session: None, keys: vec![made.key.public()], last: Some(made.last.clone()) };
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(verify(&changed, &expected).is_err(), "byte {at}");
    }
}

#[test]
fn e2_35_what_was_moved_removed_or_spliced_is_found() {
    let made = make();
    let without = |n: usize| {
        let mut pieces = made.pieces.clone();
        pieces.remove(n);
        pieces
    };
    for n in 0..made.pieces.len() {
        let found = made.check(&without(n));
        assert!(found.is_err(), "without piece {n}: {found:?}");
    }
    let mut swapped = made.pieces.clone();
    swapped.swap(2, 3);
    assert!(matches!(made.check(&swapped), Err(Finding::Order { wanted: 2, found: 3, .. })));
    let other = make();
    let mut spliced = made.pieces.clone();
    spliced[2] = other.pieces[2].clone();
    assert!(matches!(made.check(&spliced), Err(Finding::Unlinked { frame: 2, .. })));
    let mut added = made.pieces.clone();
    added.push(made.pieces[5].clone());
    assert!(matches!(made.check(&added), Err(Finding::Added(_))));
    assert_eq!(other.check(&made.pieces), Err(Finding::OtherSession(made.session)));
    // The gate's own frames, signed with a key of somebody else.
    let keys = vec![KeyPair::generate().public()];
    let signed = verify(&made.pieces.concat(), &Expected { session: None, keys, last: None });
    assert!(matches!(signed, Err(Finding::Signature { number: 1, .. })));
}

#[test]
fn what_a_crash_cut_off_is_told_from_what_somebody_cut_off() {
    let made = make();
    let whole = made.pieces.concat();
    let until = |n: usize| made.pieces[..n].concat().len();
    let keys = vec![made.key.public()];
    for at in until(2)..until(6) {
        let cut = &whole[..at];
        let known = |number: u64| {
            // What the store knew when the gate died after this checkpoint.
            let chain = Blocks::new(&whole).filter_map(Result::ok).find_map(|block| match block.what {
                Piece::Checkpoint(signed) if signed.checkpoint.number == number => {
                    Some(signed.checkpoint.chain)
                }
                _ => None,
            });
            Expected { session: None, keys: keys.clone(), last: Some(Last { number, chain: chain.unwrap() }) }
        };
        let number = if at < until(5) { 1 } else { 2 };
        let report = verify(cut, &known(number)).unwrap();
        assert_eq!((report.state, report.checkpoints), (State::Open, number), "cut at {at}");
        assert!(
            matches!(verify(cut, &known(3)), Err(Finding::Shortened { found, wanted: 3, .. }) if found == number)
        );
        // A cut file plays to the cut.
        let played = String::from_utf8(lines(cut)).unwrap();
        assert!(played.contains("line 1\\r\\n"), "cut at {at}");
    }
    assert_eq!(made.check_alone(&made.pieces[..1]), Err(Finding::Unsigned));
}
