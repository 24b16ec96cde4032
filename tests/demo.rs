//! `jumpgate demo`: the tour on a machine without kubectl, the lines that the demo prints, and who may do what in it.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use jumpgate::demo::browser::{Browser, Consent};

use crate::support::world::{Kubectl, Run, runtime, wait_for};

const JUMPGATE: &str = env!("CARGO_BIN_EXE_jumpgate");

/// `jumpgate demo` with a PATH of which this is all.
fn demo(path: &Path, folder: &Path) -> Command {
    let mut command = Command::new(JUMPGATE);
    command.env_clear().env("PATH", path).env("HOME", folder).env("TZ", "UTC");
    command.arg("demo").arg("--dir").arg(folder.join("demo"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A folder of programs that holds a shell and nothing else, since exec in the demo cluster runs one.
fn only_a_shell(folder: &Path) -> std::path::PathBuf {
    let bin = folder.join("bin");
    fs::create_dir(&bin).expect("a folder");
    std::os::unix::fs::symlink("/bin/sh", bin.join("sh")).expect("a link");
    bin
}

#[test]
fn the_tour_without_kubectl_says_what_it_checks() {
    let folder = tempfile::tempdir().expect("a folder");
    let bin = only_a_shell(folder.path());
    let ended = demo(&bin, folder.path()).arg("--tour").output().expect("jumpgate starts");
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{said}\n{}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains("no kubectl is installed: a small client reads the kubeconfig"), "{said}");
    // The files that its commands read are shown, the secret in them is not.
    assert!(
        said.contains("   github.yaml:\nkind: github\n") && said.contains("client_secret: …\n"),
        "{said}"
    );
    assert!(said.contains("   rbac.yaml:\napiVersion: rbac.authorization.k8s.io/v1\n"), "{said}");
    let yaml = fs::read_to_string(folder.path().join("demo/github.yaml")).expect("github.yaml");
    let secret = yaml.lines().find_map(|line| line.trim().strip_prefix("client_secret: ")).expect("a secret");
    assert!(!said.contains(secret), "{said}");
    let checks: Vec<&str> = said.lines().filter(|line| line.starts_with("   ok: ")).collect();
    insta::assert_snapshot!("tour_checks", checks.join("\n"));
}

/// Ends with the story.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines that the demo prints before it waits for its end.
fn printed(path: &Path, folder: &Path) -> (Running, Vec<String>) {
    let mut command = demo(path, folder);
    command.process_group(0);
    let mut running = Running(command.spawn().expect("jumpgate starts"));
    let stdout = running.0.stdout.take().expect("standard output");
    let mut lines = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.expect("standard output is text");
        let last = line.contains("Ctrl-C");
        lines.push(line);
        if last {
            return (running, lines);
        }
    }
    panic!("the demo ended: {lines:?}");
}

#[test]
fn every_line_that_the_demo_prints_works_where_it_is_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let bin = only_a_shell(folder.path());
    let (_running, lines) = printed(&bin, folder.path());
    let all = lines.join("\n");
    assert!(all.contains("kubectl is not on PATH"), "{all}");
    let typed: Vec<&String> =
        lines.iter().filter(|line| !line.is_empty() && !line.starts_with([' ', '='])).collect();
    assert!(typed.iter().all(|line| !line.starts_with("kubectl")), "{all}");
    // A login needs a person at the browser; the lines before it need none, and `status` fails only for want of a login.
    let until_login: Vec<&str> =
        typed.iter().map(|line| line.as_str()).take_while(|l| !l.contains(" login ")).collect();
    assert!(until_login.iter().any(|line| line.contains("tctl create ")), "{all}");
    let ended = Command::new("/bin/sh").arg("-ec").arg(until_login.join("\n")).output().expect("a shell");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("has been created"), "{ended:?}");
    assert!(ended.stderr.is_empty(), "the demo's own connector is warned of: {ended:?}");
    drop(_running);

    // Where kubectl is, its lines are there too.
    let other = tempfile::tempdir().expect("a folder");
    let bin = only_a_shell(other.path());
    std::os::unix::fs::symlink("/bin/sh", bin.join("kubectl")).expect("a link");
    let (_running, lines) = printed(&bin, other.path());
    assert!(lines.iter().any(|line| line == "kubectl get pods -A"), "{lines:?}");
}

/// Runs what the demo printed for one terminal, as far as the login, and signs in there as somebody.
fn sign_in(lines: &[String], heading: &str, user: &str, folder: &Path) -> Vec<String> {
    let own = lines.iter().skip_while(|line| !line.starts_with(heading)).skip(1);
    let own: Vec<&str> = own.map(String::as_str).take_while(|line| !line.starts_with("==")).collect();
    let exports: Vec<String> =
        own.iter().filter(|line| line.starts_with("export ")).map(|line| (*line).to_owned()).collect();
    let login = own.iter().find(|line| line.contains(" login ")).expect("a login");
    for line in own.iter().filter(|line| line.contains(" create ")) {
        let script = format!("{}\n{line}", exports.join("\n"));
        let made = Command::new("/bin/sh").arg("-ec").arg(script).output().expect("a shell");
        assert!(made.status.success(), "{made:?}");
    }
    let (ca, password) = ca_and_password(lines, folder);
    let script = format!("{}\nexec {login} --browser=none", exports.join("\n"));
    let mut command = Command::new("/bin/sh");
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", folder).arg("-ec").arg(script);
    let (run, page) = Run::with_browser(command, |address| {
        let right = Browser::new(&ca, &password).expect("a browser");
        let wrong = Browser::new(&ca, "guessed").expect("a browser");
        runtime().block_on(async {
            // A mistyped password is no dead end: the form comes again, says so, and the person goes on from there.
            let page = wrong.sign_in(address, user, Consent::Approve).await.expect("a page");
            assert_eq!(page.status, 403);
            assert!(page.text.contains("That is not the password of this run."), "{}", page.text);
            right.answer(page, user, Consent::Approve).await.expect("a page")
        })
    });
    assert_eq!(page.status, 200, "{}", page.text);
    run.succeeds().says(&format!("Logged in as: {user}"));
    exports
}

fn ca_and_password(lines: &[String], folder: &Path) -> (String, String) {
    let line = lines.iter().find(|line| line.contains(" password ")).expect("a password");
    let password = line.rsplit(' ').next().expect("a word").to_owned();
    let pem = fs::read_to_string(folder.join("demo/data/admin.pem")).expect("admin.pem");
    let last = pem.rfind("-----BEGIN CERTIFICATE-----").expect("the host CA");
    (pem[last..].to_owned(), password)
}

#[test]
fn a_second_person_may_watch_and_change_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let bin = only_a_shell(folder.path());
    let kubectl = Kubectl::WebSocket.path();
    std::os::unix::fs::symlink(&kubectl, bin.join("kubectl")).expect("a link");
    let (_running, lines) = printed(&bin, folder.path());
    let all = lines.join("\n");
    for said in [" recordings ls", " play ID", " recordings verify ID", " join ID", "/web"] {
        assert!(all.contains(said), "{said}: {all}");
    }
    let yaml = fs::read_to_string(folder.path().join("demo/github.yaml")).expect("github.yaml");
    assert!(yaml.contains("display: GitHub\n"), "{yaml}");
    let alice = sign_in(&lines, "== The demo runs.", "alice", folder.path());
    let bob = sign_in(&lines, "== A second person", "bob", folder.path());
    let tsh = env!("CARGO_BIN_EXE_tsh");
    let run = |exports: &[String], line: &str| {
        let mut command = Command::new("/bin/sh");
        command
            .env_clear()
            .env("HOME", folder.path())
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        command.arg("-ec").arg(format!("{}\n{line}", exports.join("\n")));
        Run::of(command)
    };
    run(&alice, "kubectl exec shell -- echo hello").succeeds().says("hello");
    // He sees what runs and what others did, and may do nothing himself.
    run(&bob, "kubectl get pods -A").succeeds().says("shell");
    run(&bob, "kubectl exec shell -- echo hello").fails_with(1).says("bob");
    run(&bob, "kubectl get secrets -A").fails_with(1).says("cannot list resource \"secrets\"");
    let tctl = env!("CARGO_BIN_EXE_tctl");
    run(&bob, &format!("{tctl} recordings rotate-key")).fails_with(1).says("bob");
    wait_for("alice's session in bob's list", || {
        let listed = run(&bob, &format!("{tsh} recordings ls")).succeeds();
        (listed.stdout.contains("alice") && listed.stdout.contains("shell")).then_some(())
    });
}

#[test]
fn the_folder_of_a_running_demo_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let bin = only_a_shell(folder.path());
    let (_running, _) = printed(&bin, folder.path());
    let kept = folder.path().join("demo/data/left-alone");
    fs::write(&kept, "").expect("a file");
    // With a tour it would end by itself.
    let mut second = demo(&bin, folder.path());
    second.arg("--tour");
    Run::of(second).fails_with(1).says("another demo runs in ").says("name another folder");
    assert!(kept.exists());
}
