//! A real Chromium without a window, driven over its DevTools protocol.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use super::world::{runtime, wait_for};

/// How long a page may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A running browser with one page. It is killed when dropped.
pub struct Chromium {
    child: Child,
    folder: tempfile::TempDir,
    socket: WebSocketStream<TcpStream>,
    session: Option<String>,
    last_id: u64,
    /// Everything that the browser told without being asked, oldest first.
    pub events: Vec<Value>,
}

/// What the operating system is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

impl Scheme {
    /// The name in CSS.
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl Chromium {
    /// Starts one that takes the certificate with exactly this public key (base64 of SHA-256 of the SPKI) for good.
    pub fn start(spki: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("jumpgate-chromium-").tempdir().expect("a folder");
        let log = fs::File::create(folder.path().join("chromium.log")).expect("a log");
        let mut command = Command::new("chromium");
        command
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-port=0"])
            .arg(format!("--ignore-certificate-errors-spki-list={spki}"))
            .arg(format!("--log-net-log={}", folder.path().join("net.json").display()))
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg("about:blank")
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = command.spawn().unwrap_or_else(|e| panic!("chromium: {e}; run: tests/install-tools"));
        let port_file = folder.path().join("profile/DevToolsActivePort");
        let (port, path) = wait_for("Chromium's DevTools", || {
            let text = fs::read_to_string(&port_file).ok()?;
            let (port, path) = text.split_once('\n')?;
            (path.len() > 30).then(|| (port.to_owned(), path.trim().to_owned()))
        });
        let socket = runtime().block_on(async {
            let stream = TcpStream::connect(format!("127.0.0.1:{port}")).await.expect("DevTools");
            let url = format!("ws://127.0.0.1:{port}{path}");
            tokio_tungstenite::client_async(url, stream).await.expect("a WebSocket").0
        });
        let mut browser = Self { child, folder, socket, session: None, last_id: 0, events: Vec::new() };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach);
        browser.session = Some(session["sessionId"].as_str().expect("a session").to_owned());
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Asks the browser for something that must work.
    #[track_caller]
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.ask(method, parameters).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn ask(&mut self, method: &str, parameters: Value) -> Result<Value, Value> {
        self.last_id += 1;
        let id = self.last_id;
        let mut request = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        let (socket, events) = (&mut self.socket, &mut self.events);
        let answer = async {
            socket.send(Message::text(request.to_string())).await.expect("the browser listens");
            loop {
                let message = socket.next().await.expect("the browser lives").expect("a message");
                let Message::Text(text) = message else { continue };
                let mut value: Value = serde_json::from_str(text.as_str()).expect("JSON");
                if value["id"] == json!(id) {
                    let error = value["error"].take();
                    return if error.is_null() { Ok(value["result"].take()) } else { Err(error) };
                }
                events.push(value);
            }
        };
        let answer = runtime().block_on(async { tokio::time::timeout(LIMIT, answer).await });
        answer.unwrap_or_else(|_| panic!("{method} took more than {LIMIT:?}"))
    }

    /// The value of an expression on the page; none while the page is going away.
    pub fn evaluate(&mut self, expression: &str) -> Option<Value> {
        let parameters = json!({"expression": expression, "returnByValue": true});
        let mut answer = self.ask("Runtime.evaluate", parameters).ok()?;
        answer["exceptionDetails"].is_null().then(|| answer["result"]["value"].take())
    }

    /// The value of a promise on the page.
    #[track_caller]
    pub fn promised(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.call("Runtime.evaluate", parameters);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// Presses a key.
    pub fn press(&mut self, key: &str) {
        let text = (key.chars().count() == 1).then_some(key);
        for kind in ["keyDown", "keyUp"] {
            let text = text.filter(|_| kind == "keyDown");
            self.call(
                "Input.dispatchKeyEvent",
                json!({"type": kind, "key": key, "code": key, "text": text.unwrap_or_default()}),
            );
        }
    }

    /// What axe-core finds wrong with the page, one line each.
    #[track_caller]
    pub fn axe(&mut self) -> Vec<String> {
        let tools = Path::new(env!("CARGO_BIN_EXE_tsh")).ancestors().nth(2).expect("target").join("tools");
        let file = tools.join("axe.min.js");
        let source = fs::read_to_string(&file)
            .unwrap_or_else(|e| panic!("{}: {e}; run: tests/install-tools", file.display()));
        self.promised(&format!("{source}; Promise.resolve(typeof axe)"));
        let found = self.promised(
            "axe.run().then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ': ' + n.target + ': ' + n.failureSummary)))",
        );
        let found = found.as_array().expect("a list").iter();
        found.map(|line| line.as_str().expect("text").to_owned()).collect()
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub fn wait_until(&mut self, expression: &str) {
        let deadline = Instant::now() + LIMIT;
        while self.evaluate(expression) != Some(json!(true)) {
            if Instant::now() > deadline {
                let place = self.evaluate("location.href + ': ' + document.body.innerText");
                panic!("waited {LIMIT:?} for {expression}; the page is {place:?}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Types an address and waits until its page is there.
    #[track_caller]
    pub fn open(&mut self, url: &str) {
        let answer = self.call("Page.navigate", json!({"url": url}));
        assert!(answer["errorText"].is_null(), "{url}: {answer}");
        self.wait_until("location.href !== 'about:blank' && document.readyState === 'complete'");
    }

    /// Moves the mouse to the middle of an element and presses it.
    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        let query = format!(
            "(() => {{ const e = document.querySelector({}); e.scrollIntoView(); const r = e.getBoundingClientRect(); \
             return [r.x + r.width / 2, r.y + r.height / 2]; }})()",
            json!(selector)
        );
        let place = self.evaluate(&query).unwrap_or_else(|| panic!("there is no {selector}"));
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            self.call(
                "Input.dispatchMouseEvent",
                json!({"type": kind, "x": place[0], "y": place[1], "button": button, "clickCount": 1}),
            );
        }
    }

    /// Clicks into a field and types.
    #[track_caller]
    pub fn type_into(&mut self, selector: &str, text: &str) {
        self.click(selector);
        self.call("Input.insertText", json!({"text": text}));
    }

    /// What a person reads on the page.
    #[track_caller]
    pub fn text(&mut self) -> String {
        let text = self.evaluate("document.body.innerText").expect("a page");
        text.as_str().expect("text").to_owned()
    }

    /// Sets the system's colours and the size of the window.
    pub fn show(&mut self, scheme: Scheme, width: u32, height: u32) {
        let feature = json!([{"name": "prefers-color-scheme", "value": scheme.name()}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": feature}));
        let phone = width < 600;
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}),
        );
    }

    /// A picture of what is seen, as PNG, in a file.
    pub fn picture(&mut self, file: &Path) {
        let answer = self.call("Page.captureScreenshot", json!({"format": "png"}));
        let png = STANDARD.decode(answer["data"].as_str().expect("base64")).expect("base64");
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, png).expect("a picture");
    }

    /// Headers of the last page from an address that begins so, names in lower case.
    pub fn headers(&self, url: &str) -> Option<serde_json::Map<String, Value>> {
        let answers = self.events.iter().rev().filter(|e| e["method"] == "Network.responseReceived");
        let answer = answers
            .filter(|e| e["params"]["type"] == "Document")
            .map(|e| &e["params"]["response"])
            .find(|r| r["url"].as_str().is_some_and(|u| u.starts_with(url)))?;
        let headers = answer["headers"].as_object()?;
        Some(headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect())
    }

    /// Closes the browser and gives its log of everything on the network.
    pub fn close(mut self) -> Value {
        self.session = None;
        let _ = self.ask("Browser.close", json!({}));
        wait_for("Chromium's end", || self.child.try_wait().expect("a process"));
        let file: PathBuf = self.folder.path().join("net.json");
        let text = fs::read_to_string(file).expect("a network log");
        serde_json::from_str(&text).expect("the network log is whole")
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
