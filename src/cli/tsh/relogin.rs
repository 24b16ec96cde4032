//! The login that the kubectl plugin starts by itself: one for any number of callers.

use std::{ops::ControlFlow, time::Duration};

use jiff::Timestamp;

use super::{
    entry_copies, login,
    session::{self, Wish},
    settings::{Settings, Target, is_valid},
};
use crate::{
    cli::{
        block_on,
        error::{self, Failure, NOT_COMPLETED, REFUSED, UNREACHABLE},
    },
    client::profile::{Credentials, FailedLogin, Place, Turn, UnderWay},
};

/// What a login needs beside the person's time: finding the gate, and writing the result.
const MARGIN: Duration = Duration::from_secs(60);
/// How often who waits looks whether a login of another kind brought what it waits for.
const LOOK: Duration = Duration::from_millis(500);

/// Logs in. One process at a time does; the others find its result, also that it failed: a person who said no once is not
/// asked again by each of them.
///
/// # Errors
/// Those of the login, in the words and with the exit code of the process that it failed in.
pub(crate) fn log_in(settings: &Settings<'_>, target: &Target, wish: &Wish) -> anyhow::Result<Credentials> {
    let limit = session::LONGEST + MARGIN;
    let (mut told, mut rounds) = (false, 0_u32);
    let mut found = None;
    let turn = settings.home.login_turn(&target.name, limit, |under_way| {
        rounds += 1;
        // Where the holder has just come, it has not said yet who it is.
        if !told && (under_way.is_some() || rounds > 5) {
            told = true;
            settings.ctx.console.status(&format!("Waiting for {}", described(target, under_way)));
        }
        if rounds.is_multiple_of(10) {
            found = valid(settings, target)?;
        }
        Ok::<_, anyhow::Error>(if found.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    if let Some(found) = found.map_or_else(|| valid(settings, target), |found| Ok(Some(found)))? {
        return Ok(found);
    }
    match turn {
        Turn::Mine(place) => alone(settings, target, wish, place),
        Turn::Failed(failed) => Err(failure_of(&failed, failed.text.clone()).into()),
        Turn::Ended | Turn::Late(None) => Err(late(settings, target, None, limit).into()),
        Turn::Late(under_way) => Err(late(settings, target, under_way, limit).into()),
    }
}

/// The login of who has the turn.
fn alone(
    settings: &Settings<'_>,
    target: &Target,
    wish: &Wish,
    mut place: Place,
) -> anyhow::Result<Credentials> {
    if let Some(failed) = place.last_failure()
        && let Some(ago) = is_fresh(failed, Timestamp::now())
    {
        let text = format!("a login at {} failed {ago} s ago: {}", target.address, failed.text);
        let again = format!("to try again at once: {}", settings.login_command(target));
        return Err(failure_of(failed, text).hint(again).into());
    }
    place.begin()?;
    match block_on(first_of(settings, target, wish)) {
        Ok(credentials) => {
            note(place.succeed());
            Ok(credentials)
        }
        Err(reason) => {
            let hint = error::failure(&reason).and_then(Failure::hint_text).map(str::to_owned);
            note(place.fail(error::sentence(&reason), hint, error::exit_code(&reason)));
            Err(reason)
        }
    }
}

/// A login of our own, or what a person's `tsh login` in another terminal brings meanwhile.
async fn first_of(settings: &Settings<'_>, target: &Target, wish: &Wish) -> anyhow::Result<Credentials> {
    let elsewhere = async {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Some(found) = valid(settings, target)? {
                return anyhow::Ok(found);
            }
        }
    };
    tokio::select! {
        session = session::log_in(settings, target, wish) => {
            let session = session?;
            let (name, profile) = login::store(settings, target, &session)?;
            entry_copies::follow(settings, &name, &profile, &session.username, &session.credentials);
            Ok(session.credentials)
        }
        found = elsewhere => found,
    }
}

fn valid(settings: &Settings<'_>, target: &Target) -> anyhow::Result<Option<Credentials>> {
    let Some(user) = settings.user(target)? else { return Ok(None) };
    // The certificates say most of the time that there is nothing yet, and a keyring need not be asked.
    let certificates = settings.home.certificates(&target.name, &user).ok().flatten();
    if certificates.is_none_or(|certificates| !is_valid(&certificates, Timestamp::now())) {
        return Ok(None);
    }
    // Half a login is one that is being written.
    let found = settings.home.credentials(&target.name, &user).ok().flatten();
    Ok(found.filter(|credentials| is_valid(credentials, Timestamp::now())))
}

/// How many seconds ago an attempt failed, while callers that come after it get its outcome: kubectl starts its plugin
/// several times in a row when it fails, and each of those must not ask a person again.
fn is_fresh(failed: &FailedLogin, now: Timestamp) -> Option<i64> {
    let pause = match failed.code {
        REFUSED | NOT_COMPLETED => 10,
        UNREACHABLE => 3,
        _ => 0,
    };
    let ago = failed.at.duration_until(now).as_secs();
    // A clock that was set back must not keep logins away.
    (0..pause).contains(&ago).then_some(ago)
}

fn failure_of(failed: &FailedLogin, text: String) -> Failure {
    let failure = Failure::new(text).code(failed.code);
    match &failed.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn described(target: &Target, under_way: Option<UnderWay>) -> String {
    match under_way {
        Some(UnderWay { pid, since }) => {
            let ago = since.duration_until(Timestamp::now()).as_secs().max(0);
            format!("the login at {} that process {pid} began {ago} s ago", target.address)
        }
        None => format!("another tsh that is busy with the login at {}", target.address),
    }
}

fn late(settings: &Settings<'_>, target: &Target, under_way: Option<UnderWay>, limit: Duration) -> Failure {
    let what = described(target, under_way);
    Failure::new(format!("waited {} s for {what}, in vain", limit.as_secs()))
        .hint(format!("log in yourself: {}", settings.login_command(target)))
        .code(NOT_COMPLETED)
}

fn note(written: Result<(), crate::client::profile::ProfileError>) {
    if let Err(reason) = written {
        tracing::debug!(%reason, "the outcome of a login was not noted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_counts_for_those_who_come_right_after_it() {
        let at: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        let failed = |code: u8| {
            let json = serde_json::json!({"attempt": 1, "at": at, "text": "no", "hint": null, "code": code});
            serde_json::from_value::<FailedLogin>(json).unwrap()
        };
        let after = |code, seconds| is_fresh(&failed(code), at + jiff::SignedDuration::from_secs(seconds));
        assert_eq!(after(REFUSED, 0), Some(0));
        assert_eq!(after(NOT_COMPLETED, 9), Some(9));
        assert_eq!(after(REFUSED, 10), None);
        assert_eq!(after(UNREACHABLE, 2), Some(2));
        assert_eq!(after(UNREACHABLE, 3), None);
        assert_eq!(after(REFUSED, -1), None, "the clock was set back");
        assert_eq!(after(error::FAILED, 0), None);
    }
}
