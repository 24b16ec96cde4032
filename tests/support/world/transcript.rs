//! What was said, in a form for a snapshot: commands with both outputs and the exit code, all that differs from run to run
//! replaced by a name.

use std::net::SocketAddr;

use super::{Run, World};

/// A growing transcript.
pub struct Transcript {
    text: String,
    names: Vec<(String, String)>,
}

impl Transcript {
    /// An empty one that knows the world's addresses and folders.
    pub fn of(world: &World) -> Self {
        let addr = |addr: SocketAddr| addr.to_string();
        let github = world.github.endpoint_url().trim_start_matches("http://").to_owned();
        let mut this = Self { text: String::new(), names: Vec::new() };
        this.hide(&addr(world.gate.web), "GATE:3080");
        this.hide(&addr(world.gate.admin), "GATE:3025");
        this.hide(&addr(world.gate.kube), "GATE:3026");
        this.hide(&addr(world.kube.addr), "CLUSTER:6443");
        this.hide(&github, "GITHUB");
        this.hide(&world.dir().display().to_string(), "DIR");
        this.hide(world.github.client_id(), "CLIENT-ID");
        this.hide(world.github.client_secret(), "CLIENT-SECRET");
        this
    }

    /// Shows a text by a name from now on.
    pub fn hide(&mut self, text: &str, name: &str) {
        self.names.push((text.to_owned(), name.to_owned()));
    }

    /// Adds a command and how it ended.
    pub fn run(&mut self, run: Run) -> Run {
        let (program, args) = run.command.split_once(' ').unwrap_or((&run.command, ""));
        let program = program.rsplit('/').next().unwrap_or(program);
        self.line(&format!("$ {program} {args}"));
        for (name, output) in [("", &run.stdout), ("! ", &run.stderr)] {
            let lines = output.lines().filter(|line| !is_klog(line));
            let mut lines: Vec<String> = lines.map(|line| format!("{name}{line}")).collect();
            // kubectl asks several times for what it did not get.
            lines.dedup();
            lines.iter().for_each(|line| self.line(line));
        }
        self.line(&format!("[{}]\n", run.code));
        run
    }

    /// Adds a line.
    pub fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Adds an answer to a raw request: what was asked, the status, and the sentence in the body.
    pub fn answer(&mut self, what: &str, (status, body): &(u16, String)) {
        self.line(&format!("{what}\n{status} {}", sentence(body)));
    }

    /// The whole text for the snapshot.
    pub fn end(&self) -> String {
        let named = self.names.iter().fold(self.text.clone(), |text, (from, to)| text.replace(from, to));
        passing(&named).replace("[valid for 11h59m0s]", "[valid for 12h0m0s]")
    }
}

/// A line of kubectl's own log, such as `E1124 13:12:37.251737   20688 memcache.go:381] …`: one for each attempt.
fn is_klog(line: &str) -> bool {
    line.starts_with(['E', 'W', 'I']) && run_of(&line[1..], |c| c.is_ascii_digit()).len() == 4
}

/// The message of a `metav1.Status` or of Teleport's error, else the body as it is.
fn sentence(body: &str) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let message = parsed.as_ref().and_then(|v| v["message"].as_str().or(v["error"]["message"].as_str()));
    message.unwrap_or(body.trim()).to_owned()
}

/// Names fingerprints, ports of loopback, times and random ids.
fn passing(text: &str) -> String {
    let mut keys: Vec<&str> = Vec::new();
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let took = if let Some(hex) =
            rest.strip_prefix("sha256:").map(|r| run_of(r, is_hex)).filter(|h| h.len() == 64)
        {
            let known = keys.iter().position(|key| *key == hex).unwrap_or_else(|| {
                keys.push(hex);
                keys.len() - 1
            });
            out.push_str(&format!("sha256:KEY-{}", known + 1));
            7 + 64
        } else if let Some(host) = ["127.0.0.1:", "localhost:"]
            .into_iter()
            .find(|host| rest.starts_with(host))
            .filter(|host| run_of(&rest[host.len()..], |c| c.is_ascii_digit()).len() >= 4)
        {
            out.push_str(&format!("{host}PORT"));
            host.len() + run_of(&rest[host.len()..], |c| c.is_ascii_digit()).len()
        } else if let Some(length) = time(rest) {
            out.push_str("TIME");
            length
        } else if is_uuid(rest) {
            out.push_str("UUID");
            36
        } else if first.is_ascii_digit()
            && !out.ends_with(|c: char| c.is_ascii_alphanumeric())
            && seconds_ago(rest) > 0
        {
            out.push('N');
            seconds_ago(rest)
        } else {
            out.push(first);
            first.len_utf8()
        };
        rest = &rest[took..];
    }
    out
}

/// The length of a number of seconds before " s ago".
fn seconds_ago(text: &str) -> usize {
    let number = run_of(text, |c| c.is_ascii_digit()).len();
    if text[number..].starts_with(" s ago") { number } else { 0 }
}

fn run_of(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    &text[..text.find(|c| !belongs(c)).unwrap_or(text.len())]
}

fn is_hex(c: char) -> bool {
    c.is_ascii_hexdigit()
}

/// The length of a date with a time, as RFC 3339 or with a space between.
fn time(text: &str) -> Option<usize> {
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    let head = text.as_bytes().get(..FORM.len())?;
    let fits = head.iter().zip(FORM).all(|(c, form)| match form {
        b'0' => c.is_ascii_digit(),
        b'T' => matches!(c, b'T' | b' '),
        form => c == form,
    });
    if !fits {
        return None;
    }
    let tail = run_of(&text[FORM.len()..], |c| c.is_ascii_digit() || matches!(c, '.' | 'Z'));
    Some(FORM.len() + tail.trim_end_matches('.').len())
}

fn is_uuid(text: &str) -> bool {
    let head = text.as_bytes().get(..36);
    head.is_some_and(|head| {
        head.iter().enumerate().all(|(i, c)| match i {
            8 | 13 | 18 | 23 => *c == b'-',
            _ => c.is_ascii_hexdigit(),
        })
    })
}
