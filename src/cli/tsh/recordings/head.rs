//! What stands above the text of an exported recording: who, what, where, when, with which roles, and how it ended.

use std::io::{self, Write};

use jiff::{Timestamp, tz::TimeZone};

use super::{forms, ls};
use crate::{
    model::text::{clean_line, truncate},
    recording::{
        Header, Session,
        header::Kind,
        timeline::{Timeline, clock},
    },
    wire::recordings::Recording,
};

/// The longest value of a line, in bytes.
const MAX_VALUE: usize = 4096;

/// A word and what belongs to it.
type Row = (&'static str, String);

/// Writes the head: a line for each thing that is known, and an empty line. `goes_on`: of a live session, when it was asked for.
pub(super) fn write(
    timeline: &Timeline,
    known: Option<&Recording>,
    goes_on: Option<Timestamp>,
    zone: &TimeZone,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut rows = match &timeline.header().session {
        Some(session) => of_session(session, zone),
        None => of_others(timeline.header(), zone),
    };
    if let Some(ended) = known.and_then(|known| known.ended) {
        rows.push(("Ended", time(ended, zone)));
    }
    if timeline.header().session.is_some() {
        rows.push((
            "Exit",
            timeline.ending().and_then(forms::ending).unwrap_or_else(|| "not known".to_owned()),
        ));
    }
    if let Some(asked) = goes_on {
        let so_far = format!(
            "goes on; this is what there was at {}, up to {}",
            time(asked, zone),
            clock(timeline.total())
        );
        rows.retain(|(word, _)| *word != "Exit");
        rows.push(("State", so_far));
    }
    for (word, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "{:<9} {}", format!("{word}:"), truncate(&clean_line(value), MAX_VALUE))?;
    }
    writeln!(out)
}

fn of_session(session: &Session, zone: &TimeZone) -> Vec<Row> {
    let kubernetes = match (session.kube_user.as_str(), session.kube_groups.join(", ")) {
        ("", groups) if groups.is_empty() => String::new(),
        (user, groups) => format!("user {user}, groups {groups}"),
    };
    let how = match session.kind {
        Kind::Exec => "exec",
        Kind::Attach => "attach",
    };
    let terminal = if session.terminal { "with a terminal" } else { "without a terminal" };
    vec![
        ("Session", session.id.to_string()),
        ("User", session.user.clone()),
        ("Roles", session.roles.join(", ")),
        ("As", kubernetes),
        ("From", session.remote.clone()),
        ("Cluster", session.cluster.clone()),
        ("Pod", ls::pod(session)),
        ("Command", ls::command(session)),
        ("Kind", format!("{how}, {terminal}")),
        ("Started", time(session.started, zone)),
    ]
}

/// Of a file that another recorder made.
fn of_others(header: &Header, zone: &TimeZone) -> Vec<Row> {
    let started = header.timestamp.and_then(|second| Timestamp::from_second(second).ok());
    vec![
        ("Title", header.title.clone().unwrap_or_default()),
        ("Command", header.command.clone().unwrap_or_default()),
        ("Started", started.map(|started| time(started, zone)).unwrap_or_default()),
    ]
}

fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::recording::{Event, What};

    fn timeline(more: &str) -> Timeline {
        let header = r#"{"version":2,"width":80,"height":24,"timestamp":1790000000"#.to_owned() + more + "}";
        Timeline::new(serde_json::from_str(&header).unwrap())
    }

    fn head(timeline: &Timeline, goes_on: Option<Timestamp>) -> String {
        let mut out = Vec::new();
        write(timeline, None, goes_on, &TimeZone::UTC, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    const SESSION: &str = r#","jumpgate":{"id":"7c9e6679-7425-40de-944b-e07fc1f90ae7","kind":"exec","user":"alice","roles":["access","auditor"],
        "kube_user":"alice","kube_groups":["dev"],"cluster":"prod","namespace":"default","pod":"web-1","container":"app",
        "command":["sh","-c","a\u001b[31m\nb"],"terminal":false,"stdin":true,"remote":"192.0.2.7:40000","started":"2026-11-24T19:00:00Z"}"#;

    #[test]
    fn the_head_says_who_did_what_where_and_when() {
        let mut session = timeline(SESSION);
        session.push(Event { at: Duration::from_millis(1500), what: What::Exit(3) });
        insta::assert_snapshot!(head(&session, None), @r"
        Session:  7c9e6679-7425-40de-944b-e07fc1f90ae7
        User:     alice
        Roles:    access, auditor
        As:       user alice, groups dev
        From:     192.0.2.7:40000
        Cluster:  prod
        Pod:      default/web-1 (app)
        Command:  sh -c a\u{1b}[31m\u{a}b
        Kind:     exec, without a terminal
        Started:  2026-11-24 19:00:00 UTC
        Exit:     exit code 3

        ");
        let others = head(&timeline(r#","title":"a film""#), None);
        assert_eq!(others, "Title:    a film\nStarted:  2026-09-21 14:13:20 UTC\n\n");
    }

    #[test]
    fn a_session_that_goes_on_has_no_end() {
        let mut session = timeline(SESSION);
        session.push(Event { at: Duration::from_secs(83), what: What::Protocol("v4.channel.k8s.io".into()) });
        let head = head(&session, Some("2026-11-24T19:02:00Z".parse().unwrap()));
        let last = "State:    goes on; this is what there was at 2026-11-24 19:02:00 UTC, up to 1:23\n\n";
        assert!(head.ends_with(last) && !head.contains("Exit:"), "{head}");
    }
}
