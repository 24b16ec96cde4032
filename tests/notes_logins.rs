//! Field notes B.2 to B.4: what hurts people about logins, key stores and speed does not hurt here. `tests/field-notes.md`
//! has the whole table; other stories show the rest of it.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use jumpgate::demo::browser::Consent;
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    exit_codes::expire,
    key_stores::Bus,
    support::{
        fake_gate::FakeGate,
        run::{Login, Person},
        script::script,
        world::{CLUSTER, Kubectl, Live, Run, World, runtime, wait_for},
    },
    tsh_login::{HALF_DAY, log_in},
};

const TSH: &str = env!("CARGO_BIN_EXE_tsh");

/// A program that runs these lines of a shell script.
fn program(folder: &Path, name: &str, lines: &str) -> PathBuf {
    let path = folder.join(name);
    script(&path, lines);
    path
}

/// Ends a login as a browser does.
fn finish(login: Login, gate: &FakeGate) -> crate::support::run::Ended {
    login.browse(&login.link);
    login.browse(&gate.callback(&gate.answer("alice", HALF_DAY)));
    login.end()
}

#[test]
fn b2_19_kubectl_without_a_browser_says_at_once_what_to_run() {
    let world = World::with_connector();
    world.login();
    expire(&world);
    for kubectl in Kubectl::ALL {
        let begin = Instant::now();
        let run = world.kubectl(kubectl, &["get", "pods"]).fails_with(1);
        assert!(begin.elapsed() < Duration::from_secs(5), "{kubectl:?} took {:?}", begin.elapsed());
        run.says("expired 3 h ago").says(&format!("tsh login --proxy={}", world.gate.web));
    }
    assert_eq!(world.github.authorizations(), 1, "nobody was sent to sign in");
}

#[test]
fn b2_20_logins_at_the_same_time_spoil_no_known_hosts_and_no_pair() {
    let world = World::with_connector();
    world.login();
    let known_hosts = world.home().join(".tsh/known_hosts");
    let before = fs::read_to_string(&known_hosts).expect("known_hosts");
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for _ in 0..3 {
                    world.login_as("alice", Consent::Approve, &["--force"]).0.succeeds();
                    let run = world.tsh(&["status"]).succeeds();
                    assert!(!run.stderr.contains("do not belong together"), "{}", run.stderr);
                }
            });
        }
    });
    assert_eq!(fs::read_to_string(&known_hosts).expect("known_hosts"), before);
    assert!(!before.contains('\0') && before.lines().count() == 1, "{before:?}");
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("shell");
}

#[test]
fn b2_21_logins_share_no_port_and_one_that_is_taken_is_named() {
    let gate = FakeGate::start();
    let proxy = gate.proxy();
    let args = ["login", "--insecure", "--browser=none", &proxy];
    let people = [Person::new(), Person::new(), Person::new()];
    // Each waits while the others wait, on ports that nobody has to keep free.
    let waiting = people.each_ref().map(|person| person.begin(&args));
    let mut ports: Vec<&str> =
        waiting.iter().filter_map(|login| login.link.split(['/', ':']).nth(4)).collect();
    ports.dedup();
    assert_eq!(ports.len(), 3, "{ports:?}");
    let [_, _, last] = waiting;
    assert_eq!(finish(last, &gate).code, 0);

    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let begin = Instant::now();
    let bind = format!("--bind-addr={address}");
    let ended = people[0].tsh(&[&args[..], &["--force", &bind]].concat());
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.contains(&format!("on {address}: Address already in use")), "{ended:?}");
}

/// No lock and no scrap of a file in a folder that people share, where one person's would be in another's way.
#[test]
fn b2_22_everything_that_is_written_is_below_the_persons_home() {
    let world = World::with_connector();
    let log = world.dir().join("strace.log");
    let proxy = world.proxy();
    let strace = |args: &[&str]| {
        let before = ["-f", "-qq", "-s", "512", "-y", "-o", log.to_str().expect("text")];
        let filter = [
            "-e",
            "trace=open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat",
        ];
        let all = [&before[..], &filter, &["--", TSH], args].concat();
        let mut command = world.command(Path::new("strace"), &all);
        command.env("TMPDIR", "/nonexistent");
        command
    };
    let check = |what: &str| {
        let home = world.home().display().to_string();
        let seen = fs::read_to_string(&log).expect("strace wrote");
        let writes = |line: &&str| {
            !line.contains("open") || ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| line.contains(flag))
        };
        let writing: Vec<&str> = seen.lines().filter(|l| l.contains('(')).filter(writes).collect();
        assert!(writing.len() > 1, "{what} writes: {seen}");
        let elsewhere: Vec<_> = writing
            .iter()
            .filter(|line| {
                !line.contains(&home) && !line.contains("\"/dev/") && !line.contains("\"/proc/self/")
            })
            .collect();
        assert!(elsewhere.is_empty(), "{what}: {elsewhere:#?}");
    };
    let browser = world.browser();
    let person = |address: &str| {
        runtime().block_on(browser.sign_in(address, "alice", Consent::Approve)).expect("a page");
    };
    Run::with_browser(strace(&["login", "--insecure", &proxy, "--browser=none"]), person).0.succeeds();
    check("tsh login");
    expire(&world);
    let mut plugin = strace(&["kube", "credentials", &proxy]);
    plugin.env("TELEPORT_LOGIN_BROWSER", "true");
    Run::with_browser(plugin, person).0.succeeds();
    check("tsh kube credentials");
    Run::of(strace(&["kube", "shell", CLUSTER, "--", "true"])).succeeds();
    check("tsh kube shell");
    Run::of(strace(&["logout"])).succeeds();
    check("tsh logout");
}

#[test]
fn b2_24_in_wsl_a_named_browser_is_started_and_else_a_code_is_shown() {
    let world = World::with_connector();
    let list = world.dir().join("tabs");
    let wslview = program(world.dir(), "wslview", &format!("printf '%s' \"$1\" >'{}'", list.display()));
    let proxy = world.proxy();
    let start = |browser: Option<&Path>| {
        let mut command = world.command(Path::new(TSH), &["login", "--insecure", &proxy]);
        command.env("WSL_DISTRO_NAME", "Debian");
        command.envs(browser.map(|program| ("TELEPORT_LOGIN_BROWSER", program)));
        command
    };
    let browser = world.browser();
    let (run, opened) = Run::with_browser(start(Some(&wslview)), |printed| {
        // The address is printed before anything is started; both are the same.
        let opened =
            wait_for("the browser", || fs::read_to_string(&list).ok().filter(|text| !text.is_empty()));
        assert_eq!(opened, printed);
        runtime().block_on(browser.sign_in(&opened, "alice", Consent::Approve)).expect("a page").status
    });
    run.succeeds();
    assert_eq!(opened, 200);
    world.tsh(&["logout"]).succeeds();
    let live = Live::piped(start(None));
    live.says("Signing in by a code, since this is WSL");
    live.says(&format!("https://{}/web/code", world.gate.web));
}

#[test]
fn b2_25_a_browser_that_fails_or_hangs_holds_no_login_up() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let proxy = gate.proxy();
    let pid = person.path("pid");
    let hanging =
        program(&person.path(""), "hanging", &format!("echo $$ >'{}'\nexec sleep 600", pid.display()));
    let fails = program(&person.path(""), "failing", "echo no display >&2; exit 1");
    for browser in [Path::new("/nonexistent/browser"), &fails, &hanging] {
        let browser = browser.to_str().expect("text");
        let begin = Instant::now();
        let args = ["login", "--insecure", "--force", &proxy];
        let login = person.begin_with(&args, &[("TELEPORT_LOGIN_BROWSER", browser)]);
        let ended = finish(login, &gate);
        assert_eq!(ended.code, 0, "{browser}: {ended:?}");
        assert!(begin.elapsed() < Duration::from_secs(10), "{browser} took {:?}", begin.elapsed());
    }
    let pid = wait_for("the browser that hangs", || fs::read_to_string(&pid).ok()?.trim().parse().ok());
    kill_process(Pid::from_raw(pid).expect("a pid"), Signal::KILL).expect("it still runs");
}

#[test]
fn b2_26_every_command_that_signs_in_takes_the_same_three_ways() {
    let world = World::with_connector();
    world.login();
    expire(&world);
    let proxy = world.proxy();
    let ways = [
        ("--way=browser", "A browser window opens"),
        ("--way=paste", "paste it here"),
        ("--way=code", "/web/code"),
    ];
    for command in [&["login", &proxy][..], &["kube", "credentials", &proxy]] {
        for (way, says) in ways {
            let mut tsh = world.command(Path::new(TSH), &[command, &[way]].concat());
            tsh.env("TELEPORT_LOGIN_BROWSER", "true");
            let live = Live::on_terminal(tsh, 24, 80);
            live.says(says);
            live.signal(Signal::INT);
            live.end().fails_with(7).says("login cancelled; nothing was changed");
            // A login that was cancelled counts for some seconds for kubectls that come after it.
            let _ = fs::remove_file(world.home().join(".tsh/keys/127.0.0.1/.login.state"));
        }
    }
}

#[test]
fn b2_28_what_tctl_prints_it_takes_again() {
    let world = World::with_connector();
    let role = "kind: role\nversion: v3\nmetadata: {name: developer}\nspec:\n  allow:\n    logins: ['{{internal.logins}}']\n    \
                kubernetes_groups: [developers]\n  options: {max_session_ttl: 8h}\n";
    fs::write(world.dir().join("role.yaml"), role).expect("a file");
    world.tctl(&["create", "role.yaml"]).succeeds();
    for format in ["--format=yaml", "--format=json"] {
        for what in ["github/github", "role/developer"] {
            let get = || world.tctl(&["get", what, "--with-secrets", format]).succeeds().stdout;
            let before = get();
            fs::write(world.dir().join("again"), &before).expect("a file");
            world.tctl(&["create", "-f", "again"]).succeeds();
            let number = |line: &str| line.trim().starts_with("id:") || line.trim().starts_with("\"id\":");
            let same = |text: &str| text.lines().filter(|l| !number(l)).collect::<Vec<_>>().join("\n");
            assert_eq!(same(&get()), same(&before), "{what} {format}");
        }
    }
    world.login_as("alice", Consent::Approve, &["--force"]).0.succeeds();
}

#[test]
fn b3_34_a_keyring_is_written_only_when_the_key_is_another() {
    let (bus, person, gate) = (Bus::with_keyring(true), Person::new(), FakeGate::start());
    let address = bus.address();
    let env = [("DBUS_SESSION_BUS_ADDRESS", address.as_str())];
    let proxy = gate.proxy();
    let login = ["login", "--browser=none", "--insecure", &proxy, "--key-store=keyring"];
    assert_eq!(finish(person.begin_with(&login, &env), &gate).code, 0);
    // What the service hears of us from now on.
    let heard = person.path("heard");
    let monitor = Command::new("dbus-monitor")
        .args(["--address", &address, "type='method_call'"])
        .stdout(fs::File::create(&heard).expect("a file"))
        .spawn();
    let mut monitor = monitor.expect("dbus-monitor starts; tests/install-tools brings it");
    let heard = || fs::read_to_string(&heard).expect("what was heard");
    let run = |args: &[&str]| {
        let ended: crate::support::run::Ended =
            person.command(args).envs(env).output().expect("tsh starts").into();
        assert_eq!(ended.code, 0, "{ended:?}");
    };
    let reads = || heard().matches("member=GetSecret").count();
    wait_for("the monitor to hear", || {
        run(&["kube", "credentials", &proxy, "--user=alice"]);
        (reads() > 0).then_some(())
    });
    for args in [
        &["kube", "credentials", &proxy, "--user=alice"][..],
        &["status"],
        &["kube", "login"],
        &["login", &proxy],
    ] {
        run(args);
    }
    let before = reads();
    run(&["kube", "credentials", &proxy, "--user=alice"]);
    wait_for("the last of it", || (reads() > before).then_some(()));
    let written =
        |heard: &str| heard.matches("member=CreateItem").count() + heard.matches("member=SetSecret").count();
    assert_eq!(written(&heard()), 0, "nothing is written where nothing changed");
    // And the monitor does hear a write.
    let again = [&login[..], &["--force"]].concat();
    assert_eq!(finish(person.begin_with(&again, &env), &gate).code, 0);
    wait_for("the write of a new key", || (written(&heard()) > 0).then_some(()));
    monitor.kill().and_then(|()| monitor.wait()).expect("the monitor ends");
}

#[test]
fn b3_35_the_default_needs_no_keyring() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let proxy = gate.proxy();
    for address in ["unix:path=/nowhere/bus", ""] {
        let args = ["login", "--browser=none", "--insecure", "--force", &proxy];
        let login = person.begin_with(&args, &[("DBUS_SESSION_BUS_ADDRESS", address)]);
        assert_eq!(finish(login, &gate).code, 0);
        assert!(person.path(".tsh/keys/localhost/alice").exists(), "the key is in its file");
    }
}

#[test]
fn b4_38_forty_callers_with_a_good_certificate_need_no_gate() {
    let (person, gate) = (Person::new(), FakeGate::start());
    assert_eq!(log_in(&person, &gate, &["--insecure"]).code, 0);
    let proxy = format!("--proxy=localhost:{}", gate.port);
    // A name server that never answers and a proxy that is not there would hold up whoever asks them.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let nowhere = format!("http://{}", silent.local_addr().expect("an address"));
    let begin = Instant::now();
    let callers: Vec<_> = (0..40)
        .map(|_| {
            let mut command = person.command(&["kube", "credentials", &proxy, "--user=alice"]);
            command.env("HTTPS_PROXY", &nowhere).env("ALL_PROXY", &nowhere);
            command.spawn().expect("tsh starts")
        })
        .collect();
    for caller in callers {
        let ended: crate::support::run::Ended = caller.wait_with_output().expect("an end").into();
        assert!(ended.code == 0 && ended.stdout.contains("clientCertificateData"), "{ended:?}");
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    silent.set_nonblocking(true).expect("a socket");
    assert!(silent.accept().is_err(), "nobody asked the network");
}
