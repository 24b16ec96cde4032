//! Sign-in by a code: it is shown here and typed on the gate's page, in any browser on any machine.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{
    Begun, Expected, Verified,
    mend::{mend, refused},
    verify,
};
use crate::{
    cli::error::{Failure, NOT_COMPLETED, REFUSED},
    client::{
        proxy::ProxyError,
        sso::{self, SsoError},
    },
    wire::login::{CodeAnswer, CodePoll, CodeRequest, CodeStage, ConsoleRequest, LoginResponse},
};

/// How much longer to wait between two questions when the gate says that they come too fast (RFC 8628, 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// The longest time between two questions, after many that got no answer.
const SLOWEST: Duration = Duration::from_secs(30);
/// The longest that a code is waited for, whatever the gate says.
pub(super) const LONGEST: Duration = Duration::from_secs(900);

/// Signs in by a code.
pub(super) async fn sign_in(
    begun: &Begun<'_>,
    expected: &Expected,
    connector: String,
) -> anyhow::Result<Verified> {
    let Begun { settings, target, wish, client, .. } = *begun;
    let request = CodeRequest {
        login: ConsoleRequest {
            public_key: begun.public_key.clone().into(),
            cert_ttl: begun.ttl,
            connector_id: connector,
            route_to_cluster: wish.cluster.clone().unwrap_or_default(),
            ..ConsoleRequest::default()
        },
        host: host_name(),
    };
    let answer = client.code_login(&request).await.map_err(|e| refused(e, settings, target))?;
    if !sso::is_web_address(&answer.verification_url) {
        return Err(SsoError::BadTarget.into());
    }
    let console = settings.ctx.console;
    console.status(&format!(
        "Open this page in a browser, on any machine:\n  {}\nand type this code there:\n  {}",
        answer.verification_url, answer.user_code
    ));
    let life = Duration::from_secs(answer.expires_in).min(LONGEST);
    let waiting = console.spinner(&format!(
        "Waiting up to {} minutes for you to sign in and approve there (Ctrl-C ends it)",
        life.as_secs().div_ceil(60)
    ));
    let end = wait(begun, &answer, life).await;
    drop(waiting);
    verify(end?, expected, Timestamp::now()).map_err(|reason| SsoError::BadAnswer(reason).into())
}

/// Asks until the person has decided.
async fn wait(begun: &Begun<'_>, answer: &CodeAnswer, life: Duration) -> anyhow::Result<LoginResponse> {
    let Begun { settings, target, client, .. } = *begun;
    let deadline = Instant::now() + life;
    let mut interval = Duration::from_secs(answer.interval.max(1)).min(SLOWEST);
    let mut pause = interval;
    let poll = CodePoll { poll_secret: answer.poll_secret.clone() };
    let login = settings.login_command(target);
    let over = |text: &str, code: u8| {
        anyhow::Error::from(Failure::new(text).hint(format!("to begin again: {login}")).code(code))
    };
    loop {
        tokio::time::sleep(pause).await;
        if Instant::now() > deadline {
            return Err(over("nobody approved the sign-in before the code ran out", NOT_COMPLETED));
        }
        let state = match client.code_poll(&poll).await {
            Ok(state) => state,
            // The network may come back while the person is still signing in.
            Err(
                reason @ (ProxyError::Unreachable { .. }
                | ProxyError::Timeout { .. }
                | ProxyError::Away { .. }),
            ) => {
                tracing::debug!(%reason, "the gate was not asked");
                pause = (pause * 2).min(SLOWEST);
                continue;
            }
            Err(error) => return Err(mend(error, settings, target)),
        };
        match (state.state, state.login) {
            (CodeStage::Pending, _) => {}
            (CodeStage::SlowDown, _) => interval = (interval + SLOWER).min(SLOWEST),
            (CodeStage::Approved, Some(login)) => return Ok(login),
            (CodeStage::Denied, _) => {
                return Err(over("the sign-in was denied on the gate's page; nothing was changed", REFUSED));
            }
            (CodeStage::Failed, _) => {
                return Err(over("the sign-in did not work; the page in the browser says why", REFUSED));
            }
            (CodeStage::Gone | CodeStage::Approved, _) => {
                return Err(over("the code has run out, or its answer was fetched already", NOT_COMPLETED));
            }
        }
        pause = interval;
    }
}

/// What this machine calls itself.
fn host_name() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    name
}
