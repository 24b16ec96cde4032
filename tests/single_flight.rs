//! Certificates of one minute that really run out: many kubectls make one login, also when the one that makes it is killed,
//! and a client that lives longer than its certificate goes on.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use jumpgate::{demo::browser::Consent, pki::Certificate};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    script::script,
    world::{Kubectl, Live, Shown, World, runtime, wait_for},
};

const CALLERS: usize = 50;

/// A browser that writes down what it shall open. Somebody else goes there.
struct Tabs {
    program: PathBuf,
    list: PathBuf,
}

impl Tabs {
    fn new(world: &World) -> Self {
        let (program, list) = (world.dir().join("browser"), world.dir().join("tabs"));
        script(&program, &format!("printf '%s\\n' \"$1\" >>'{}'", list.display()));
        Self { program, list }
    }

    fn opened(&self) -> Vec<String> {
        fs::read_to_string(&self.list).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// The address of this tab, once it is open.
    fn address(&self, number: usize) -> String {
        wait_for(&format!("tab {number}"), || self.opened().get(number).cloned())
    }

    fn command(&self, world: &World, kubectl: Kubectl, args: &[&str]) -> Command {
        let mut command = world.command(&kubectl.path(), args);
        command.env("TELEPORT_LOGIN_BROWSER", &self.program);
        command
    }
}

/// A kubectl whose outputs go to files.
struct Caller {
    child: Child,
    files: [PathBuf; 2],
}

impl Caller {
    fn start(world: &World, tabs: &Tabs, number: usize) -> Self {
        let kubectl = Kubectl::ALL[number % 2];
        let mut command = tabs.command(world, kubectl, &["get", "pods"]);
        let files = ["out", "err"].map(|name| world.dir().join(format!("{number}.{name}")));
        let [out, err] = files.each_ref().map(|file| File::create(file).expect("a file"));
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().expect("kubectl starts");
        Self { child, files }
    }

    fn said(&self) -> [String; 2] {
        self.files.each_ref().map(|file| fs::read_to_string(file).unwrap_or_default())
    }

    /// Whether it got its pods, and what it said.
    fn end(mut self) -> (bool, String) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(Instant::now() < deadline, "a kubectl does not end: {:?}", self.said());
            thread::sleep(Duration::from_millis(20));
        };
        let [out, err] = self.said();
        (status.success() && out.contains("shell"), format!("{status}: {out}{err}"))
    }
}

/// Logs alice in for a minute.
fn minute(world: &World) -> Timestamp {
    world.login_as("alice", Consent::Approve, &["--ttl=1"]).0.succeeds();
    let certificate = Certificate::from_pem(&Shown::of_profile(world, "alice").cert).expect("a certificate");
    let end = certificate.validity().not_after;
    assert!(Timestamp::now().duration_until(end).as_secs() <= 60, "a minute at most");
    end
}

fn sleep_until(end: Timestamp) {
    let left = Timestamp::now().duration_until(end);
    thread::sleep(Duration::try_from(left).unwrap_or_default() + Duration::from_secs(1));
}

/// Starts all the kubectls and waits until each but the one that logs in says that it waits.
fn storm(world: &World, tabs: &Tabs) -> Vec<Caller> {
    let callers: Vec<Caller> = (0..CALLERS).map(|number| Caller::start(world, tabs, number)).collect();
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let waiting = callers.iter().filter(|c| c.said()[1].contains("Waiting for the login at")).count();
        if waiting >= CALLERS - 1 && !tabs.opened().is_empty() {
            return callers;
        }
        assert!(Instant::now() < deadline, "{waiting} wait for the login");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A request to a `kubectl proxy`: the whole answer.
fn ask(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("kubectl proxy listens");
    let request =
        "GET /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// As [`ask`], until it works. With a new certificate client-go closes the connections of the old one, and a request that
/// had just chosen one of those fails inside kubectl; the next one has a new connection.
fn ask_until_it_works(port: u16) -> String {
    let mut answer = ask(port);
    for _ in 0..3 {
        if !answer.contains("use of closed network connection") {
            break;
        }
        answer = ask(port);
    }
    answer
}

#[test]
fn fifty_kubectls_with_a_certificate_that_ran_out_open_one_browser() {
    let world = World::with_connector();
    let tabs = Tabs::new(&world);
    let end = minute(&world);

    // What lives longer than its certificate: client-go in a proxy of each kubectl.
    let proxies = Kubectl::ALL.map(|kubectl| {
        let live = Live::piped(tabs.command(&world, kubectl, &["proxy", "--port=0"]));
        let port: u16 = live.finds("its port", |said| {
            said.trim().strip_prefix("Starting to serve on 127.0.0.1:")?.parse().ok()
        });
        let answer = ask(port);
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("shell"), "{answer}");
        (live, port)
    });
    assert_eq!(tabs.opened(), Vec::<String>::new(), "the certificate is still good");

    sleep_until(end);
    let callers = storm(&world, &tabs);
    let long_lived = proxies.each_ref().map(|(_, port)| {
        let port = *port;
        thread::spawn(move || ask_until_it_works(port))
    });
    let page = runtime().block_on(world.browser().sign_in(&tabs.address(0), "alice", Consent::Approve));
    assert_eq!(page.expect("the browser comes to a page").status, 200);
    for caller in callers {
        let (worked, said) = caller.end();
        assert!(worked, "{said}");
    }
    for answer in long_lived {
        let answer = answer.join().expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("shell"), "{answer}");
    }
    assert_eq!(tabs.opened().len(), 1, "one browser for all");
    assert_eq!(world.github.authorizations(), 1 + 1, "alice's first login, and one for all");
}

#[test]
fn when_the_one_that_logs_in_is_killed_exactly_one_goes_on() {
    let world = World::with_connector();
    let tabs = Tabs::new(&world);
    sleep_until(minute(&world));
    let callers = storm(&world, &tabs);

    // Alice is at the provider's page when the process that sent her there is killed.
    let browser = world.browser();
    let page = runtime().block_on(browser.open(&tabs.address(0))).expect("the consent page");
    let state = fs::read_to_string(world.home().join(".tsh/keys/127.0.0.1/.login.state")).expect("the state");
    let state: serde_json::Value = serde_json::from_str(&state).expect("JSON");
    let holder = i32::try_from(state["pid"].as_i64().expect("a pid")).expect("a pid");
    let program = fs::read_link(Path::new("/proc").join(holder.to_string()).join("exe")).expect("it runs");
    assert_eq!(program, Path::new(env!("CARGO_BIN_EXE_tsh")).canonicalize().expect("tsh"));
    kill_process(Pid::from_raw(holder).expect("a pid"), Signal::KILL).expect("it runs");
    let nowhere = runtime().block_on(browser.answer(page, "alice", Consent::Approve));
    assert!(nowhere.is_err(), "nobody takes the answer: {nowhere:?}");

    let page = runtime().block_on(browser.sign_in(&tabs.address(1), "alice", Consent::Approve));
    assert_eq!(page.expect("the browser comes to a page").status, 200);
    let ends: Vec<(bool, String)> = callers.into_iter().map(Caller::end).collect();
    let failed: Vec<&String> = ends.iter().filter(|(worked, _)| !worked).map(|(_, said)| said).collect();
    // The kubectl whose own plugin was killed may say so.
    assert!(failed.len() <= 1, "{failed:#?}");
    assert!(failed.iter().all(|said| said.contains("A browser window opens")), "{failed:#?}");
    assert_eq!(tabs.opened().len(), 2, "one more browser for all");
    assert_eq!(world.github.authorizations(), 1 + 2, "alice's first login, and two after the kill");
}
