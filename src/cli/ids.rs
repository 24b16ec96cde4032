//! IDs of sessions as people type and read them: whole, or any beginning of at least 4 characters that one session alone has.

use jiff::tz::TimeZone;
use uuid::Uuid;

use super::{complete::Candidate, error::Failure};
use crate::{
    recording::Session,
    wire::recordings::{Query, Recording, State},
};

/// The fewest characters of an ID that may stand for the whole.
const LEAST: usize = 4;
/// How many characters of an ID a table shows, if they tell its rows apart.
const SHORT: usize = 8;
/// How many sessions are named at most where several fit.
const NAMED: usize = 10;

/// What was typed.
pub(crate) enum Typed {
    /// A whole ID.
    Whole(Uuid),
    /// The beginning of one, without dashes, in lower case.
    Beginning(String),
}

/// Sessions as the TAB key offers them, for what is typed of an ID.
pub(crate) fn candidates(all: &[Recording]) -> Vec<Candidate> {
    let shown = Shown::of(all.iter().map(|one| one.session.id));
    let about = |session: &Session| {
        format!("{} in {} {}/{}", session.user, session.cluster, session.namespace, session.pod)
    };
    all.iter().map(|one| Candidate::new(shown.id(one.session.id), about(&one.session))).collect()
}

/// What to ask the gate for behind the TAB key: the newest sessions, of which enough is typed those alone.
pub(crate) fn asked(typed: &str, live: bool) -> Query {
    let id = match read(typed, false) {
        Ok(Typed::Beginning(digits)) => Some(digits),
        _ => None,
    };
    Query { id, state: live.then_some(State::Live), ..Query::default() }
}

/// Reads an ID or the beginning of one. `or_file`: a file's name was as welcome.
pub(crate) fn read(text: &str, or_file: bool) -> Result<Typed, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(Typed::Whole(id));
    }
    let digits = text.to_ascii_lowercase().replace('-', "");
    let hint =
        format!("an ID, or at least its first {LEAST} characters, is what this lists: tsh recordings ls");
    if digits.is_empty() || digits.len() > 32 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        let what = if or_file { "no recording: neither a file nor" } else { "not" };
        return Err(Failure::usage(format!("{text:?} is {what} the ID of a session")).hint(hint));
    }
    if digits.len() < LEAST {
        let text =
            format!("{text:?} is too short for the ID of a session: type at least {LEAST} characters of it");
        return Err(Failure::usage(text).hint(hint));
    }
    Ok(Typed::Beginning(digits))
}

/// Whether an ID begins so.
pub(crate) fn begins(id: Uuid, beginning: &str) -> bool {
    id.simple().to_string().starts_with(beginning)
}

/// The one of these that is meant; none if there is none.
///
/// # Errors
/// Several fit: they are named.
pub(crate) fn one(
    typed: &str,
    mut fitting: Vec<Recording>,
    zone: &TimeZone,
) -> Result<Option<Recording>, Failure> {
    if fitting.len() < 2 {
        return Ok(fitting.pop());
    }
    let shown = Shown::of(fitting.iter().map(|one| one.session.id));
    let mut hint = "type more of it:".to_owned();
    for one in fitting.iter().take(NAMED) {
        let session = &one.session;
        let started = session.started.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S");
        let (id, user, cluster) = (shown.id(session.id), &session.user, &session.cluster);
        hint.push_str(&format!(
            "\n  {id}  {user} in {cluster} {}/{}, {started}",
            session.namespace, session.pod
        ));
    }
    if fitting.len() > NAMED {
        hint.push_str(&format!("\n  and {} more", fitting.len() - NAMED));
    }
    let text = format!("{typed} is the beginning of the IDs of {} sessions", fitting.len());
    Err(Failure::usage(text).hint(hint))
}

/// As much of each ID as tells all of them apart, and no less than 8 characters.
pub(crate) struct Shown(usize);

impl Shown {
    /// For these.
    pub(crate) fn of(ids: impl IntoIterator<Item = Uuid>) -> Self {
        let mut all: Vec<String> = ids.into_iter().map(|id| id.simple().to_string()).collect();
        all.sort();
        all.dedup();
        let common =
            |pair: &[String]| pair[0].bytes().zip(pair[1].bytes()).take_while(|(a, b)| a == b).count();
        let most = all.windows(2).map(common).max();
        Self(most.map_or(SHORT, |most| (most + 1).max(SHORT)))
    }

    /// What is shown of one.
    pub(crate) fn id(&self, id: Uuid) -> String {
        let (mut out, mut digits) = (String::new(), 0);
        for c in id.to_string().chars() {
            if digits == self.0 {
                break;
            }
            out.push(c);
            digits += usize::from(c != '-');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::header::Kind;

    fn recording(id: &str) -> Recording {
        let session = Session {
            id: id.parse().unwrap(),
            kind: Kind::Exec,
            user: "alice".into(),
            roles: vec![],
            kube_user: String::new(),
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
        };
        let (ended, exit, reason, last) = (None, None, None, None);
        Recording {
            session,
            state: State::Live,
            ended,
            duration: 0,
            plain: 0,
            size: 0,
            subprotocol: None,
            exit,
            reason,
            lost: 0,
            copy: None,
            last,
        }
    }

    const A: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
    const B: &str = "7c9e6679-75aa-40de-944b-e07fc1f90ae7";
    const C: &str = "8c9e6679-7425-40de-944b-e07fc1f90ae7";

    #[test]
    fn a_beginning_of_four_characters_will_do() {
        let beginning = |text| match read(text, true) {
            Ok(Typed::Beginning(digits)) => digits,
            Ok(Typed::Whole(id)) => id.to_string(),
            Err(failure) => failure.to_string(),
        };
        assert_eq!(beginning("7C9e"), "7c9e");
        assert_eq!(beginning("7c9e6679-74"), "7c9e667974");
        assert_eq!(beginning(A), A);
        assert!(beginning("7c9").contains("at least 4"));
        assert!(beginning("mine").contains("neither a file nor"));
        assert!(begins(A.parse().unwrap(), "7c9e667974") && !begins(B.parse().unwrap(), "7c9e667974"));
    }

    #[test]
    fn several_that_fit_are_named() {
        let zone = TimeZone::UTC;
        assert!(one("7c9e", vec![], &zone).unwrap().is_none());
        assert_eq!(one("7c9e", vec![recording(A)], &zone).unwrap(), Some(recording(A)));
        let several = one("7c9e", vec![recording(A), recording(B)], &zone).unwrap_err();
        assert_eq!(several.to_string(), "7c9e is the beginning of the IDs of 2 sessions");
        insta::assert_snapshot!(several.hint_text().unwrap(), @r"
        type more of it:
          7c9e6679-74  alice in prod default/web-1, 2026-11-24 19:00:00
          7c9e6679-75  alice in prod default/web-1, 2026-11-24 19:00:00
        ");
        assert_eq!(crate::cli::error::exit_code(&several.into()), 2);
    }

    #[test]
    fn a_table_shows_as_much_as_tells_its_rows_apart() {
        let [a, b, c] = [A, B, C].map(|id| id.parse::<Uuid>().unwrap());
        assert_eq!(Shown::of([a, c, a]).id(a), "7c9e6679");
        assert_eq!(Shown::of([a, b, c]).id(b), "7c9e6679-75");
        assert_eq!(Shown::of([]).id(a), "7c9e6679");
    }
}
