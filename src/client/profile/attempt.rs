//! One login for any number of callers: whose turn it is, and how the logins before it ended.
//!
//! Who holds a proxy's `login` lock logs in; the system gives it back when the holder ends in whatever way, kill -9 too, and
//! then exactly one of those who wait has it. Beside the lock, `.login.state` counts the attempts and says who is at the
//! current one and how the last failure came about. Only the holder writes it. So a caller that waited knows by number, not
//! by clocks, whether a failure is that of the attempt that it waited for.

use std::{
    ops::ControlFlow,
    path::PathBuf,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Home, Lock, ProfileError, files};

const STATE: &str = ".login.state";
/// How often a waiting caller looks.
const POLL: Duration = Duration::from_millis(50);

/// What stands in `.login.state`, as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    /// The number of the last attempt that began.
    attempt: u64,
    /// Who began it.
    pid: u32,
    /// When.
    since: Timestamp,
    /// Whether it ended by itself; false also after a kill.
    over: bool,
    /// The last failure, of this attempt or an earlier one.
    failed: Option<FailedLogin>,
}

impl State {
    /// The first attempt whose failure counts for a caller that comes now.
    fn awaited(&self) -> u64 {
        // Over, and the lock is taken: the next one is about to begin.
        if self.over { self.attempt + 1 } else { self.attempt }
    }

    fn failed_since(&self, awaited: u64) -> Option<&FailedLogin> {
        self.failed.as_ref().filter(|failed| failed.attempt >= awaited)
    }

    fn under_way(&self) -> Option<UnderWay> {
        (!self.over && self.attempt > 0).then_some(UnderWay { pid: self.pid, since: self.since })
    }
}

/// How an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedLogin {
    attempt: u64,
    /// When.
    pub at: Timestamp,
    /// The sentence.
    pub text: String,
    /// What mends it.
    pub hint: Option<String>,
    /// The exit code of the process that failed.
    pub code: u8,
}

/// The attempt that others wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnderWay {
    /// The process that is at it.
    pub pid: u32,
    /// Since when.
    pub since: Timestamp,
}

/// What came of waiting for one's turn.
#[derive(Debug)]
pub enum Turn {
    /// It is this caller's turn.
    Mine(Place),
    /// The attempt that this caller waited for has failed.
    Failed(FailedLogin),
    /// The caller's own look ended the wait.
    Ended,
    /// The time is up, and somebody is still at it.
    Late(Option<UnderWay>),
}

/// The right to log in. Nobody else has it until this is dropped.
#[derive(Debug)]
pub struct Place {
    _lock: Lock,
    file: PathBuf,
    state: State,
}

impl Home {
    /// Waits until this process may log in at a proxy, `limit` at most. While it waits, `look` is called about every 50 ms
    /// with what is known of the attempt that is under way, and may end the wait.
    ///
    /// # Errors
    /// When the profile's folder cannot be written or locked, or `look` says so.
    pub fn login_turn<E: From<ProfileError>>(
        &self,
        name: &str,
        limit: Duration,
        mut look: impl FnMut(Option<UnderWay>) -> Result<ControlFlow<()>, E>,
    ) -> Result<Turn, E> {
        let folder = self.keys(name)?;
        files::create_folder(&folder)?;
        let (lock, file) = (folder.join(".login.lock"), folder.join(STATE));
        let begin = Instant::now();
        let mut awaited = None;
        loop {
            let taken = Lock::try_take(&lock)?;
            // After the lock: what its last holder wrote is there then.
            let state = read(&file)?;
            if let Some(failed) = awaited.and_then(|awaited| state.failed_since(awaited)) {
                return Ok(Turn::Failed(failed.clone()));
            }
            if let Some(lock) = taken {
                return Ok(Turn::Mine(Place { _lock: lock, file, state }));
            }
            awaited.get_or_insert(state.awaited());
            if look(state.under_way())?.is_break() {
                return Ok(Turn::Ended);
            }
            if begin.elapsed() >= limit {
                return Ok(Turn::Late(state.under_way()));
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Place {
    /// How the last attempt failed, if the last one that ended did.
    pub fn last_failure(&self) -> Option<&FailedLogin> {
        self.state.failed.as_ref()
    }

    /// Says to the others that this process is at it now.
    pub fn begin(&mut self) -> Result<(), ProfileError> {
        self.state.attempt += 1;
        self.state.pid = std::process::id();
        self.state.since = Timestamp::now();
        self.state.over = false;
        self.write()
    }

    /// Says to the others that it worked.
    pub fn succeed(mut self) -> Result<(), ProfileError> {
        self.state.over = true;
        self.state.failed = None;
        self.write()
    }

    /// Says to the others why it did not.
    pub fn fail(mut self, text: String, hint: Option<String>, code: u8) -> Result<(), ProfileError> {
        self.state.over = true;
        self.state.failed =
            Some(FailedLogin { attempt: self.state.attempt, at: Timestamp::now(), text, hint, code });
        self.write()
    }

    fn write(&self) -> Result<(), ProfileError> {
        let text = serde_json::to_vec(&self.state)
            .map_err(|e| ProfileError::Broken { path: self.file.clone(), reason: e.to_string() })?;
        files::replace(&self.file, &text)
    }
}

/// What nobody can read says nothing: the count begins anew.
fn read(file: &std::path::Path) -> Result<State, ProfileError> {
    let text = files::read(file)?.unwrap_or_default();
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(None, folder.path());
        (folder, home)
    }

    fn mine(home: &Home) -> Place {
        let turn = home.login_turn("gate", LONG, |_| Ok::<_, ProfileError>(ControlFlow::Continue(())));
        match turn.unwrap() {
            Turn::Mine(place) => place,
            other => panic!("{other:?}"),
        }
    }

    /// A caller that waits on a thread of its own; the call returns once it does.
    fn waiting(home: &Home) -> std::thread::JoinHandle<Turn> {
        let (home, (told, hears)) = (home.clone(), mpsc::channel());
        let caller = std::thread::spawn(move || {
            let look = |_| {
                let _ = told.send(());
                Ok::<_, ProfileError>(ControlFlow::Continue(()))
            };
            home.login_turn("gate", LONG, look).unwrap()
        });
        hears.recv().unwrap();
        caller
    }

    #[test]
    fn a_failure_is_that_of_all_who_waited_and_of_nobody_who_comes_later() {
        let (_folder, home) = home();
        let mut place = mine(&home);
        place.begin().unwrap();
        let callers: Vec<_> = (0..3).map(|_| waiting(&home)).collect();
        place.fail("no".into(), Some("again".into()), 5).unwrap();
        for caller in callers {
            match caller.join().unwrap() {
                Turn::Failed(failed) => assert_eq!((failed.text.as_str(), failed.code), ("no", 5)),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(mine(&home).last_failure().unwrap().text, "no");
    }

    #[test]
    fn after_a_kill_one_goes_on_and_the_others_wait_for_that_one() {
        let (_folder, home) = home();
        let mut place = mine(&home);
        place.begin().unwrap();
        let callers: Vec<_> = (0..3).map(|_| waiting(&home)).collect();
        // As after kill -9: the lock is free, and the state says that somebody is at it.
        drop(place);
        let mut ends: Vec<Turn> = Vec::new();
        let mut left = callers;
        let deadline = Instant::now() + LONG;
        while ends.is_empty() {
            assert!(Instant::now() < deadline);
            let (done, more): (Vec<_>, Vec<_>) = left.into_iter().partition(|c| c.is_finished());
            left = more;
            ends.extend(done.into_iter().map(|c| c.join().unwrap()));
        }
        assert_eq!((ends.len(), left.len()), (1, 2), "one has the turn");
        let Some(Turn::Mine(mut second)) = ends.pop() else { panic!("no turn") };
        second.begin().unwrap();
        assert_eq!(second.state.attempt, 2);
        second.fail("time".into(), None, 7).unwrap();
        for caller in left {
            assert!(matches!(caller.join().unwrap(), Turn::Failed(failed) if failed.code == 7));
        }
    }

    #[test]
    fn an_earlier_failure_is_not_that_of_the_attempt_that_is_awaited() {
        let (_folder, home) = home();
        let mut first = mine(&home);
        first.begin().unwrap();
        first.fail("no".into(), None, 5).unwrap();
        // The next holder has the lock and has written nothing yet; then it is killed.
        let second = mine(&home);
        let caller = waiting(&home);
        drop(second);
        assert!(matches!(caller.join().unwrap(), Turn::Mine(_)));
        // The same, killed after it began.
        let mut third = mine(&home);
        third.begin().unwrap();
        let caller = waiting(&home);
        drop(third);
        assert!(matches!(caller.join().unwrap(), Turn::Mine(_)));
    }

    #[test]
    fn who_waits_knows_for_whom_and_not_for_ever() {
        let (_folder, home) = home();
        let mut place = mine(&home);
        place.begin().unwrap();
        let mut seen = None;
        let look = |under_way| {
            seen = under_way;
            Ok::<_, ProfileError>(ControlFlow::Continue(()))
        };
        let turn = home.login_turn("gate", Duration::ZERO, look).unwrap();
        assert!(matches!(turn, Turn::Late(Some(UnderWay { pid, .. })) if pid == std::process::id()));
        assert_eq!(seen, place.state.under_way());
        let turn = home.login_turn("gate", LONG, |_| Ok::<_, ProfileError>(ControlFlow::Break(())));
        assert!(matches!(turn.unwrap(), Turn::Ended));
        place.succeed().unwrap();
        std::fs::write(home.keys("gate").unwrap().join(STATE), "{").unwrap();
        assert_eq!(mine(&home).state, State::default(), "a broken file counts as none");
    }
}
