//! Login through the browser: a listener on loopback that takes one sealed answer (wire facts 2.3 to 2.8).
//!
//! Anybody on this machine, and any page in the browser, can send requests to a port on loopback. So: the way to the
//! provider stands behind an unguessable path, `Host` must be ours, and only an answer sealed with the one-time key ends
//! the wait. Everything else is answered with an error, and the wait goes on. Where the browser is elsewhere, the person
//! pastes the address on which it ended; the same seal decides.

mod page;
mod paste;
mod request;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};
use uuid::Uuid;
use zeroize::Zeroizing;

use self::request::{Request, read_head};
use crate::{
    model::text,
    wire::{
        login::LoginResponse,
        seal::{SealError, SealKey, Sealed},
    },
};

/// How long a person has to sign in.
pub const LIMIT: Duration = Duration::from_secs(180);
/// The page that a browser sees at the end of a good login.
pub const SUCCESS_PAGE: &str = "/web/msg/info/login_success";
/// The page that it sees when this side could not use the answer.
pub const FAILURE_PAGE: &str = "/web/msg/error/login_failed";
/// How long a connection may take to send its request.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait after the system refused to take a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How many connections are served at a time.
const CONNECTIONS: usize = 32;

/// Why a login through the browser came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum SsoError {
    /// The listener has no address.
    #[error(
        "cannot listen for the browser's answer on {address}: {error}; write --bind-addr as 127.0.0.1:PORT or [::1]:PORT, with a port that is not in use"
    )]
    Bind {
        /// What was asked for.
        address: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// `--bind-addr` names another machine's address.
    #[error("--bind-addr={0} is not on loopback; write 127.0.0.1:PORT or [::1]:PORT")]
    NotLoopback(String),
    /// Nobody came back in time.
    #[error("nobody signed in within {} seconds", LIMIT.as_secs())]
    Timeout,
    /// Ctrl-C.
    #[error("login cancelled; nothing was changed")]
    Cancelled,
    /// Pasting was waited for, and there is no more to read.
    #[error("the input ended before the address of a finished sign-in was pasted")]
    InputEnded,
    /// The gate said no.
    #[error("the gate refused the login: {0}")]
    Refused(String),
    /// The answer was ours, but not what it has to be.
    #[error("the gate's answer cannot be used: {0}")]
    BadAnswer(String),
    /// No random numbers.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The gate sends the browser to a place that is no web address.
    #[error("the gate names no web address for the browser")]
    BadTarget,
}

/// Checks and takes what the gate answered; the error is a sentence.
pub type Check<T> = Box<dyn Fn(LoginResponse) -> Result<T, String> + Send + Sync>;

/// Lines that a person pastes while the listener waits.
pub struct Pasted {
    /// The lines; an error ends the wait.
    pub lines: mpsc::Receiver<Result<Zeroizing<String>, SsoError>>,
    /// Says why a line was not taken.
    pub complain: Box<dyn Fn(&str) + Send>,
}

/// The listener of one login.
pub struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    key: SealKey,
    link: String,
}

impl Listener {
    /// Listens on `host:port`, or on a free port of 127.0.0.1.
    pub async fn bind(address: Option<&str>) -> Result<Self, SsoError> {
        let text = address.unwrap_or("127.0.0.1:0");
        let failed = |error| SsoError::Bind { address: text.to_owned(), error };
        let wanted: Vec<SocketAddr> = tokio::net::lookup_host(text).await.map_err(failed)?.collect();
        if wanted.is_empty() || wanted.iter().any(|a| !a.ip().is_loopback()) {
            return Err(SsoError::NotLoopback(text.to_owned()));
        }
        let tcp = TcpListener::bind(wanted.as_slice()).await.map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        Ok(Self { tcp, address, key: SealKey::generate()?, link: format!("/{}", Uuid::new_v4()) })
    }

    /// Where the gate sends the browser back to. Secret: it holds the key.
    pub fn redirect_url(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("http://{}/callback?secret_key={}", self.address, &**self.key.to_hex()))
    }

    /// What a person opens: it leads on to the provider.
    pub fn link(&self) -> String {
        format!("http://{}{}", self.address, self.link)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the browser until one good answer came, there or in a pasted line. `target` is the provider's page; `pages`
    /// makes the address of a page of the proxy.
    pub async fn wait<T: Send + 'static>(
        self,
        target: &str,
        pages: impl Fn(&str) -> String,
        check: Check<T>,
        pasted: Option<Pasted>,
    ) -> Result<T, SsoError> {
        if !is_web_address(target) {
            return Err(SsoError::BadTarget);
        }
        let (sender, mut answers) = mpsc::channel(1);
        let desk = Arc::new(Desk {
            hosts: hosts(self.address),
            link: self.link,
            key: self.key,
            target: target.to_owned(),
            success: pages(SUCCESS_PAGE),
            failure: pages(FAILURE_PAGE),
            opened: AtomicBool::new(false),
            check,
            sender,
        });
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let tcp = self.tcp;
        let paste = paste(desk.clone(), pasted);
        let serve = async {
            loop {
                let Ok(place) = places.clone().acquire_owned().await else { return };
                let Ok((stream, _)) = tcp.accept().await else {
                    // Out of file descriptors, say: it lasts, and asking again at once would only burn time.
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                };
                let desk = desk.clone();
                tokio::spawn(async move {
                    let _place = place;
                    let _ = tokio::time::timeout(REQUEST_LIMIT, desk.serve(stream)).await;
                });
            }
        };
        tokio::select! {
            () = serve => Err(SsoError::Timeout),
            answer = paste => answer,
            answer = answers.recv() => answer.unwrap_or(Err(SsoError::Timeout)),
            () = tokio::time::sleep(LIMIT) => Err(SsoError::Timeout),
        }
    }
}

/// Waits for a pasted line that ends the login; for ever if nobody can paste.
async fn paste<T>(desk: Arc<Desk<T>>, pasted: Option<Pasted>) -> Result<T, SsoError> {
    let Some(Pasted { mut lines, complain }) = pasted else { return std::future::pending().await };
    while let Some(line) = lines.recv().await {
        let line = line?;
        let answer = match paste::read(&line) {
            paste::Read::Answer(sealed) => desk.unseal(&sealed),
            // It came by the person's own hand.
            paste::Read::Refusal(reason) => {
                let reason = text::truncate(&text::clean_line(&reason), 2000).into_owned();
                return Err(SsoError::Refused(reason));
            }
            paste::Read::Nothing if line.trim().is_empty() => continue,
            paste::Read::Nothing => {
                complain(
                    "that is not the address on which the browser ended: it begins with http://127.0.0.1: and holds response=; paste it again",
                );
                continue;
            }
        };
        match answer {
            Some(Ok(done)) => return Ok(done),
            Some(Err(reason)) => return Err(SsoError::BadAnswer(reason)),
            None => complain(
                "that answer belongs to another login, or a part of it is missing; copy the whole address and paste it again",
            ),
        }
    }
    Err(SsoError::InputEnded)
}

/// What each connection needs.
struct Desk<T> {
    hosts: Vec<String>,
    link: String,
    key: SealKey,
    target: String,
    success: String,
    failure: String,
    opened: AtomicBool,
    check: Check<T>,
    sender: mpsc::Sender<Result<T, SsoError>>,
}

/// An answer to the browser.
enum Reply {
    Redirect(String),
    Error(u16, &'static str),
    Refused(String),
}

impl<T> Desk<T> {
    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let Some(head) = read_head(&mut stream).await? else { return Ok(()) };
        let (reply, result) = self.answer(&head);
        stream.write_all(reply.to_bytes().as_bytes()).await?;
        stream.shutdown().await?;
        // The browser has its page before the wait ends and the process with it.
        if let Some(result) = result {
            let _ = self.sender.try_send(result);
        }
        Ok(())
    }

    fn answer(&self, head: &str) -> (Reply, Option<Result<T, SsoError>>) {
        let Some(request) = Request::parse(head) else {
            return (Reply::Error(400, "This is no HTTP request."), None);
        };
        if !request.header("host").is_some_and(|host| self.hosts.iter().any(|h| h.eq_ignore_ascii_case(host)))
        {
            return (Reply::Error(400, "This address is not for that host name."), None);
        }
        if request.method != "GET" {
            return (Reply::Error(405, "Only GET is answered here."), None);
        }
        if request.path == self.link {
            self.opened.store(true, Ordering::Relaxed);
            return (Reply::Redirect(self.target.clone()), None);
        }
        if request.path != "/callback" {
            return (Reply::Error(404, "There is nothing here."), None);
        }
        self.callback(&request)
    }

    /// Opens and checks an answer. None if it was not sealed for this login.
    fn unseal(&self, sealed: &str) -> Option<Result<T, String>> {
        let sealed: Sealed = serde_json::from_str(sealed).ok()?;
        let plain = self.key.open(&sealed).ok()?;
        let checked = serde_json::from_slice(&plain)
            .map_err(|_| "it is not of the expected form".to_owned())
            .and_then(|answer| (self.check)(answer));
        Some(checked.map_err(|reason| text::clean_line(&reason).into_owned()))
    }

    fn callback(&self, request: &Request<'_>) -> (Reply, Option<Result<T, SsoError>>) {
        let stranger = (Reply::Error(400, "This answer does not belong to the login that is waiting."), None);
        if let Some(sealed) = request.parameter("response") {
            return match self.unseal(&sealed) {
                None => {
                    tracing::debug!("a callback with a wrong seal");
                    stranger
                }
                Some(Ok(done)) => (Reply::Redirect(self.success.clone()), Some(Ok(done))),
                Some(Err(reason)) => {
                    (Reply::Redirect(self.failure.clone()), Some(Err(SsoError::BadAnswer(reason))))
                }
            };
        }
        // A refusal is not sealed in any version of the protocol. So it counts only after the browser was on its way,
        // and only as a page that the browser goes to: a picture or a script of some page cannot end the wait.
        let refusal = request.parameter("err").filter(|text| !text.is_empty());
        let goes_there = request.header("sec-fetch-mode").is_none_or(|mode| mode == "navigate");
        match refusal {
            Some(reason) if goes_there && self.opened.load(Ordering::Relaxed) => {
                let reason = text::truncate(&text::clean_line(&reason), 2000).into_owned();
                (Reply::Refused(reason.clone()), Some(Err(SsoError::Refused(reason))))
            }
            _ => stranger,
        }
    }
}

impl Reply {
    fn to_bytes(&self) -> String {
        let (status, extra, kind, body) = match self {
            Self::Redirect(to) => {
                ("302 Found".to_owned(), format!("Location: {to}\r\n"), "plain", String::new())
            }
            Self::Error(code, body) => {
                (format!("{code} Refused"), String::new(), "plain", (*body).to_owned())
            }
            Self::Refused(reason) => {
                let hash =
                    STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, page::STYLE.as_bytes()));
                let policy =
                    format!("Content-Security-Policy: default-src 'none'; style-src 'sha256-{hash}'\r\n");
                ("200 OK".to_owned(), policy, "html", page::refusal(reason))
            }
        };
        format!(
            "HTTP/1.1 {status}\r\n{extra}Content-Type: text/{kind}; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: \
             no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }
}

/// How a browser may name this listener.
fn hosts(address: SocketAddr) -> Vec<String> {
    let mut hosts = vec![address.to_string(), format!("localhost:{}", address.port())];
    if address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) && address.port() == 80 {
        hosts.push("127.0.0.1".into());
    }
    hosts
}

/// Whether a browser may be sent there: a web address without anything that could end a header.
pub fn is_web_address(text: &str) -> bool {
    let web =
        url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    web && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
#[path = "sso_tests.rs"]
mod tests;
