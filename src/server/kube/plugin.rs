//! The exec plugin of a kubeconfig: a program that prints a token, a client certificate, or both (`ExecCredential` of
//! `client.authentication.k8s.io`).
//!
//! It is run without a terminal, by one at a time; what it gave is used until its end, or until the API server refuses it.

use std::{
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use http::HeaderValue;
use jiff::Timestamp;
use kube::config::{ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    sync::Mutex,
};
use zeroize::Zeroizing;

use crate::{
    model::text::{clean_line, truncate},
    pki::Certificate,
    server::listener::BoxError,
};

/// How long the program may take; nobody sits before it who could be asked something.
const RUN_WITHIN: Duration = Duration::from_secs(60);
/// After a failure it is not run again for this long, and those who ask meanwhile read why it failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(5);
/// How often a refusal of the API server makes it run.
const REFUSAL_PAUSE: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 1 << 20;
/// How much of what it says on standard error is quoted, in bytes.
const QUOTE: usize = 300;
/// How much of the end of that is kept while it runs, in bytes.
const KEPT: usize = 4096;

/// The program.
pub(super) struct Plugin {
    exec: ExecConfig,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: Option<Arc<Credential>>,
    runs: u64,
    failed: Option<(Instant, String)>,
    refused: Option<Instant>,
}

/// What one run gave.
pub(super) struct Credential {
    /// Which run it was, from 1.
    pub(super) number: u64,
    /// `Authorization`, if it gave a token.
    pub(super) header: Option<HeaderValue>,
    /// Certificate chain and key in PEM, if it gave them.
    pub(super) identity: Option<(String, Zeroizing<String>)>,
    ends: Option<Timestamp>,
}

impl Plugin {
    /// Not run yet.
    pub(super) fn new(exec: &ExecConfig) -> Result<Self, BoxError> {
        if exec.command.as_ref().is_none_or(String::is_empty) {
            return Err("users[].user.exec has no command".into());
        }
        if exec.interactive_mode == Some(ExecInteractiveMode::Always) {
            return Err("the exec plugin wants a terminal (interactiveMode: Always), and a gate has none; \
                        give its account a plugin that needs none, or a token file"
                .into());
        }
        Ok(Self { exec: exec.clone(), state: Mutex::default() })
    }

    /// What it gave, as long as that is good; else it runs.
    pub(super) async fn credential(&self) -> Result<Arc<Credential>, BoxError> {
        let mut state = self.state.lock().await;
        if let Some(last) = state.last.as_ref().filter(|last| last.is_good()) {
            return Ok(last.clone());
        }
        self.run(&mut state).await
    }

    /// The API server refused what run `number` gave. True if there is something newer now.
    pub(super) async fn renew(&self, number: u64) -> bool {
        let mut state = self.state.lock().await;
        if state.last.as_ref().is_none_or(|last| last.number != number) {
            return true;
        }
        if state.refused.is_some_and(|then| then.elapsed() < REFUSAL_PAUSE) {
            return false;
        }
        state.refused = Some(Instant::now());
        match self.run(&mut state).await {
            Ok(_) => true,
            Err(error) => {
                tracing::error!(%error, "the API server refused the gate's credentials, and there are no new ones");
                false
            }
        }
    }

    async fn run(&self, state: &mut State) -> Result<Arc<Credential>, BoxError> {
        if let Some((then, why)) = &state.failed
            && then.elapsed() < FAILURE_PAUSE
        {
            return Err(why.clone().into());
        }
        match self.run_now(state.runs + 1).await {
            Ok(credential) => {
                state.runs = credential.number;
                state.failed = None;
                let credential = Arc::new(credential);
                state.last = Some(credential.clone());
                Ok(credential)
            }
            Err(why) => {
                let why = format!("the exec plugin {}: {why}", self.name());
                state.failed = Some((Instant::now(), why.clone()));
                Err(why.into())
            }
        }
    }

    fn name(&self) -> &str {
        self.exec.command.as_deref().unwrap_or_default()
    }

    async fn run_now(&self, number: u64) -> Result<Credential, BoxError> {
        let mut command = Command::new(self.name());
        command.args(self.exec.args.iter().flatten());
        for entry in self.exec.env.iter().flatten() {
            if let (Some(name), Some(value)) = (entry.get("name"), entry.get("value")) {
                command.env(name, value);
            }
        }
        command.env("KUBERNETES_EXEC_INFO", self.info()?);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| match &self.exec.install_hint {
            Some(hint) => format!("{error}; {}", clean_line(hint)),
            None => error.to_string(),
        })?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err("its output cannot be read".into());
        };
        let whole = async {
            let (answer, said) = tokio::try_join!(bounded(stdout), last_bytes(stderr))?;
            Ok::<_, BoxError>((answer, said, child.wait().await?))
        };
        // If it writes too much, or for too long, dropping the child ends it.
        let (answer, said, status) = match tokio::time::timeout(RUN_WITHIN, whole).await {
            Ok(ended) => ended?,
            Err(_) => return Err(format!("it did not end within {} s", RUN_WITHIN.as_secs()).into()),
        };
        if !status.success() {
            // What it wrote to standard output may be a secret all the same.
            let said = String::from_utf8_lossy(&said);
            let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
            return Err(format!("{status}: {}", clean_line(&truncate(last, QUOTE))).into());
        }
        let credential = self.read(number, &answer)?;
        match credential.ends {
            // It would be run again for every request.
            Some(end) if !credential.is_good() => {
                Err(format!("what it gave ended at {end} already; compare its clock with the gate's").into())
            }
            _ => Ok(credential),
        }
    }

    /// `KUBERNETES_EXEC_INFO`: the question.
    fn info(&self) -> Result<String, BoxError> {
        let mut spec = serde_json::json!({"interactive": false});
        if self.exec.provide_cluster_info {
            spec["cluster"] = serde_json::to_value(&self.exec.cluster)?;
        }
        let version = self.exec.api_version.as_deref();
        let question = serde_json::json!({"kind": "ExecCredential", "apiVersion": version, "spec": spec});
        Ok(question.to_string())
    }

    fn read(&self, number: u64, answer: &[u8]) -> Result<Credential, BoxError> {
        // No text of a parser: it would quote what may be a secret.
        let unreadable = "its answer is not an ExecCredential";
        let text = std::str::from_utf8(answer).map_err(|_| unreadable)?;
        let answer: Answer = match serde_json::from_str(text) {
            Ok(answer) => answer,
            Err(_) => crate::model::yaml::read(text).map_err(|_| unreadable)?,
        };
        if answer.kind.as_deref() != Some("ExecCredential") {
            return Err(unreadable.into());
        }
        if answer.api_version != self.exec.api_version {
            let shown = |version: &Option<String>| {
                version.as_deref().map(clean_line).unwrap_or_default().into_owned()
            };
            let (got, asked) = (shown(&answer.api_version), shown(&self.exec.api_version));
            return Err(
                format!("it answered in apiVersion {got:?}, and the kubeconfig says {asked:?}").into()
            );
        }
        Credential::from_status(number, answer.status.ok_or("its answer has no status")?)
    }
}

impl Credential {
    fn from_status(number: u64, status: Status) -> Result<Self, BoxError> {
        let header = match status.token.map(Zeroizing::new).filter(|token| !token.is_empty()) {
            Some(token) => Some(bearer(&token)?),
            None => None,
        };
        let identity = match (status.client_certificate_data, status.client_key_data) {
            (Some(cert), Some(key)) => Some((cert, Zeroizing::new(key))),
            (None, None) => None,
            _ => return Err("it gave a certificate without its key, or a key alone".into()),
        };
        if header.is_none() && identity.is_none() {
            return Err("it gave neither a token nor a certificate".into());
        }
        let told = status.expiration_timestamp.as_deref().map(str::parse).transpose();
        let told: Option<Timestamp> = told.map_err(|_| "its expirationTimestamp is not a time")?;
        let own = match &identity {
            Some((cert, _)) => {
                let leaf = Certificate::all_from_pem(cert).ok().and_then(|chain| chain.into_iter().next());
                Some(leaf.ok_or("its certificate is not one")?.validity().not_after)
            }
            None => None,
        };
        Ok(Self { number, header, identity, ends: told.into_iter().chain(own).min() })
    }

    fn is_good(&self) -> bool {
        self.ends.is_none_or(|end| Timestamp::now() < end)
    }
}

/// Reads an answer to its end; one that is longer than [`MAX_ANSWER`] is an error as soon as it is.
async fn bounded(pipe: impl AsyncRead + Unpin) -> Result<Zeroizing<Vec<u8>>, BoxError> {
    let mut answer = Zeroizing::new(Vec::new());
    let limit = u64::try_from(MAX_ANSWER)?;
    pipe.take(limit + 1).read_to_end(&mut answer).await?;
    if answer.len() > MAX_ANSWER {
        return Err(format!("its answer is longer than {MAX_ANSWER} bytes").into());
    }
    Ok(answer)
}

/// Reads a pipe to its end and keeps the last [`KEPT`] bytes or somewhat more.
async fn last_bytes(mut pipe: impl AsyncRead + Unpin) -> Result<Vec<u8>, BoxError> {
    let (mut kept, mut piece) = (Vec::new(), [0; KEPT]);
    loop {
        let length = pipe.read(&mut piece).await?;
        if length == 0 {
            return Ok(kept);
        }
        kept.extend_from_slice(piece.get(..length).unwrap_or_default());
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
}

/// `Authorization` with a token. An error does not show it.
pub(super) fn bearer(token: &str) -> Result<HeaderValue, BoxError> {
    let text = Zeroizing::new(format!("Bearer {token}"));
    let mut header = HeaderValue::try_from(text.as_str())?;
    header.set_sensitive(true);
    Ok(header)
}

/// What the program prints.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    kind: Option<String>,
    api_version: Option<String>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "client.authentication.k8s.io/v1";

    fn plugin(script: &str) -> Plugin {
        let exec = serde_json::json!({ "apiVersion": VERSION, "command": "/bin/sh", "args": ["-c", script] });
        Plugin::new(&serde_json::from_value(exec).unwrap()).unwrap()
    }

    async fn why(plugin: &Plugin) -> String {
        plugin.credential().await.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[tokio::test]
    async fn a_program_that_never_stops_writing_is_stopped() {
        let started = Instant::now();
        let error = why(&plugin("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done | cat")).await;
        assert!(error.contains("longer than 1048576 bytes"), "{error}");
        assert!(started.elapsed() < RUN_WITHIN / 2);
        let error = why(&plugin("head -c 3000000 /dev/zero >&2; echo >&2; echo the end >&2; exit 7")).await;
        assert!(error.ends_with("exit status: 7: the end"), "{error}");
    }

    #[tokio::test]
    async fn a_credential_that_has_ended_is_a_failure_with_its_pause() {
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("runs");
        let answer = serde_json::json!({ "kind": "ExecCredential", "apiVersion": VERSION,
            "status": { "token": "t", "expirationTimestamp": "2020-01-01T00:00:00Z" } });
        let plugin = plugin(&format!("echo run >> '{}'; echo '{answer}'", runs.display()));
        for _ in 0..3 {
            let error = why(&plugin).await;
            assert!(error.contains("ended at 2020-01-01T00:00:00Z already"), "{error}");
        }
        assert_eq!(std::fs::read_to_string(runs).unwrap(), "run\n");
    }
}
