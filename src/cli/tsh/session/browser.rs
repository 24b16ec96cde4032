//! Sign-in through a browser: one on this machine, or one elsewhere whose last address is pasted here.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use jiff::Timestamp;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::{
    Begun, Expected, Verified, Wish,
    mend::{again, refused},
    verify,
};
use crate::{
    cli::{
        Ctx,
        error::Failure,
        output::Spinner,
        terminal::{Input, Typed},
    },
    client::{
        browser::{Browser, Why},
        sso::{self, Check, Listener, Pasted, SsoError},
        version,
    },
    wire::login::ConsoleRequest,
};

/// Where pasted lines come from.
pub(super) struct Lines {
    receiver: mpsc::Receiver<Result<Zeroizing<String>, SsoError>>,
    reader: Reader,
}

/// The thread that reads. However a login ends, it ends first: it is what gives the terminal back as it was.
struct Reader {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
    is_terminal: bool,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // One of a pipe may be waiting for more, changes nothing, and ends with us.
        if let Some(thread) = self.thread.take().filter(|_| self.is_terminal) {
            let _ = thread.join();
        }
    }
}

/// Begins to read what is pasted: from the terminal, or from standard input where that is ours.
pub(super) fn lines(wish: &Wish) -> anyhow::Result<Lines> {
    let mut input = Input::open(wish.leave_stdin).ok_or_else(|| {
        Failure::new("there is no terminal to paste into").hint("run tsh login in a terminal, then try again")
    })?;
    let is_terminal = input.is_terminal();
    let (sender, receiver) = mpsc::channel(4);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let thread = std::thread::spawn(move || {
        loop {
            let item = match input.line(&stopped) {
                Ok(Typed::Line(line)) => Ok(line),
                Ok(Typed::Cancelled) => Err(SsoError::Cancelled),
                Ok(Typed::Stopped) => return,
                Ok(Typed::Ended) | Err(_) => Err(SsoError::InputEnded),
            };
            let last = item.is_err();
            if sender.blocking_send(item).is_err() || last {
                return;
            }
        }
    });
    Ok(Lines { receiver, reader: Reader { stop, thread: Some(thread), is_terminal } })
}

/// Signs in through a browser that comes to this machine's listener or, with `lines`, whose last address is pasted.
pub(super) async fn sign_in(
    begun: &Begun<'_>,
    expected: Expected,
    kind: &str,
    connector: String,
    lines: Option<Lines>,
) -> anyhow::Result<Verified> {
    let Begun { settings, target, wish, client, .. } = *begun;
    let listener = Listener::bind(wish.bind_addr.as_deref()).await?;
    let mut request = ConsoleRequest {
        redirect_url: listener.redirect_url().to_string(),
        cert_ttl: begun.ttl,
        connector_id: connector,
        route_to_cluster: wish.cluster.clone().unwrap_or_default(),
        ..ConsoleRequest::default()
    };
    let line = begun.public_key.clone().into();
    if version::wants_two_keys(begun.ping) {
        request.ssh_pub_key = line;
        request.tls_pub_key = begun.public_pem.clone().into();
    } else {
        request.public_key = line;
    }
    let answer = client.console_login(kind, &request).await.map_err(|e| refused(e, settings, target))?;
    let check: Check<Verified> = Box::new(move |answer| verify(answer, &expected, Timestamp::now()));
    let pages = |path: &str| client.page(path);
    let done = match lines {
        None => {
            let waiting = announce(settings.ctx, wish.browser.as_deref(), &listener.link());
            let done = listener.wait(&answer.redirect_url, pages, check, None).await;
            drop(waiting);
            done
        }
        Some(lines) => {
            if !sso::is_web_address(&answer.redirect_url) {
                return Err(again(SsoError::BadTarget, settings, target));
            }
            let console = settings.ctx.console;
            console.status(&format!(
                "Open this address in a browser, on any machine, to sign in:\n  {}\nAt the end the browser is sent to an \
                 address that begins with http://{}/callback. If the page does not load, that is all right:\ncopy the whole \
                 address from the address bar, paste it here (it is not shown), and press Enter.",
                answer.redirect_url,
                listener.address()
            ));
            let Lines { receiver, reader } = lines;
            let complain = Box::new(move |text: &str| console.warn(text));
            let pasted = Pasted { lines: receiver, complain };
            let done = listener.wait(&answer.redirect_url, pages, check, Some(pasted)).await;
            drop(reader);
            done
        }
    };
    done.map_err(|e| again(e, settings, target))
}

/// Says where to go, then tries the browser, which never holds anything up.
fn announce(ctx: &Ctx, named: Option<&str>, link: &str) -> Spinner {
    let browser = ctx.browser(named);
    if browser == Browser::None(Why::Unwanted) {
        ctx.console.status(&format!("Open this address in a browser on this machine to sign in:\n  {link}"));
    } else {
        ctx.console.status(&format!(
            "A browser window opens for you to sign in. If it does not, open this address yourself:\n  {link}"
        ));
        let (link, console) = (link.to_owned(), ctx.console);
        std::thread::spawn(move || {
            let opened = match browser {
                Browser::Program(program) => open::with_detached(&link, program),
                // Where there seems to be none, somebody asked for this way all the same.
                Browser::System | Browser::None(_) => open::that_detached(&link),
            };
            if let Err(reason) = opened {
                tracing::debug!(%reason, "no browser");
                console.warn("no browser could be started; open the address above yourself");
            }
        });
    }
    let seconds = sso::LIMIT.as_secs();
    ctx.console.spinner(&format!("Waiting up to {seconds} seconds for you to sign in (Ctrl-C ends it)"))
}
