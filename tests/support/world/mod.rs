//! The world of a story: a gate of the built binary with a GitHub and a Kubernetes of its own, all on free ports of
//! loopback, all files below one folder that goes away.

mod command;
mod gate;
mod live;
mod raw;
mod transcript;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use jumpgate::demo::{
    browser::{Browser, Consent, Page},
    github::GithubDemo,
    kube::KubeDemo,
};
use tempfile::TempDir;

pub use command::{Run, wait_for, wait_for_within};
pub use gate::{Gate, Launch};
pub use live::Live;
pub use raw::Shown;
pub use transcript::Transcript;

/// The runtime on which the stand-ins live.
pub fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime"))
}

/// Which kubectl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kubectl {
    /// 1.20, which speaks SPDY.
    Spdy,
    /// A current one, which speaks WebSocket.
    WebSocket,
}

impl Kubectl {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Spdy, Self::WebSocket];

    /// Where `tests/install-tools` put it.
    pub fn path(self) -> PathBuf {
        let name = match self {
            Self::Spdy => "kubectl-spdy",
            Self::WebSocket => "kubectl-websocket",
        };
        let target = Path::new(env!("CARGO_BIN_EXE_tsh")).ancestors().nth(2).expect("target").to_owned();
        let path = target.join("tools").join(name);
        assert!(path.is_file(), "{name} is missing; run: tests/install-tools");
        path
    }
}

/// A gate and all that it needs.
pub struct World {
    folder: TempDir,
    /// The GitHub that people sign in at.
    pub github: GithubDemo,
    /// The cluster behind the gate.
    pub kube: KubeDemo,
    /// The gate's process.
    pub gate: Gate,
}

/// The cluster's name in every story.
pub const CLUSTER: &str = "teleport.example.com";

impl World {
    /// A running gate without a connector.
    pub fn start() -> Self {
        Self::start_with(|_| String::new())
    }

    /// As [`World::start`], with more lines below `proxy_service`. They are made when the story's folder is there.
    pub fn start_with(more: impl FnOnce(&Path) -> String) -> Self {
        Self::launch(|folder, _| (more(folder), Launch::default()))
    }

    /// A running gate without a connector that calls itself by this name for people outside.
    pub fn start_at(host: &str) -> Self {
        Self::launch(|_, _| (String::new(), Launch { host: Some(host.to_owned()), ..Launch::default() }))
    }

    /// As [`World::start_with`], with a gate that is started in another way, before this cluster.
    pub fn launch(how: impl FnOnce(&Path, &KubeDemo) -> (String, Launch)) -> Self {
        let folder = tempfile::Builder::new().prefix("jumpgate-story-").tempdir().expect("a folder");
        let github = runtime().block_on(GithubDemo::start()).expect("the demo GitHub starts");
        let kube = runtime()
            .block_on(KubeDemo::start(&folder.path().join("cluster")))
            .expect("the demo cluster starts");
        let kubeconfig = folder.path().join("gate-kubeconfig");
        kube.write_gate_kubeconfig(&kubeconfig).expect("the gate's kubeconfig is written");
        fs::create_dir_all(folder.path().join("home")).expect("a home");
        let (more, launch) = how(folder.path(), &kube);
        let gate = Gate::launch(folder.path(), &kubeconfig, &more, launch);
        github.set_redirect_uri(&format!("https://{}/v1/webapi/github/callback", gate.web));
        Self { folder, github, kube, gate }
    }

    /// A running gate with the connector `github`: octocats/admins are system:masters.
    pub fn with_connector() -> Self {
        Self::start().and_connector()
    }

    /// The same with the connector of [`World::with_connector`].
    pub fn and_connector(self) -> Self {
        self.connector("admins", "system:masters");
        self.tctl(&["create", "github.yaml"]).succeeds();
        self
    }

    /// The story's folder: every command runs in it.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// The person's home.
    pub fn home(&self) -> PathBuf {
        self.dir().join("home")
    }

    /// The person's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.home().join(".kube/config")
    }

    /// `--proxy=…` of the gate.
    pub fn proxy(&self) -> String {
        format!("--proxy={}", self.gate.web)
    }

    /// Writes `github.yaml`: one team of octocats, mapped to one Kubernetes group.
    pub fn connector(&self, team: &str, group: &str) {
        let mappings = format!(
            "  teams_to_logins:\n  - organization: octocats\n    team: {team}\n    logins: [root]\n    kubernetes_groups: [\"{group}\"]\n"
        );
        self.connector_with(&mappings);
    }

    /// Writes `github.yaml` with these mappings, as YAML below `spec`.
    pub fn connector_with(&self, mappings: &str) {
        let github = &self.github;
        let text = format!(
            "kind: github\nversion: v3\nmetadata:\n  name: github\nspec:\n  client_id: {}\n  client_secret: {}\n  display: Github\n  \
             redirect_url: https://{}/v1/webapi/github/callback\n  endpoint_url: {}\n  api_endpoint_url: {}\n{mappings}",
            github.client_id(),
            github.client_secret(),
            self.gate.web,
            github.endpoint_url(),
            github.api_endpoint_url(),
        );
        fs::write(self.dir().join("github.yaml"), text).expect("github.yaml is written");
    }

    /// A command of the person: an environment with nothing of the machine's but PATH.
    pub fn command(&self, program: &Path, args: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command.args(args).current_dir(self.dir()).env_clear();
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", self.home()).env("TZ", "UTC");
        command
    }

    /// Runs `tsh`.
    pub fn tsh(&self, args: &[&str]) -> Run {
        Run::of(self.command(Path::new(env!("CARGO_BIN_EXE_tsh")), args))
    }

    /// Runs `tctl` as the gate's own administrator.
    pub fn tctl(&self, args: &[&str]) -> Run {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_tctl")), args);
        command.env("TELEPORT_CONFIG_FILE", self.dir().join("jumpgate.yaml"));
        Run::of(command)
    }

    /// Runs `tctl` as the person, with their `tsh` profile.
    pub fn tctl_as_person(&self, args: &[&str]) -> Run {
        Run::of(self.command(Path::new(env!("CARGO_BIN_EXE_tctl")), args))
    }

    /// An empty transcript of this world.
    pub fn transcript(&self) -> Transcript {
        Transcript::of(self)
    }

    /// All files of the person's home and what is in them: to see that nothing was changed.
    pub fn home_files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.home()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                match fs::symlink_metadata(&path).expect("it is there").is_dir() {
                    true => folders.push(path),
                    // A lock is an empty file that stays.
                    false if path.ends_with(".write.lock") => {}
                    false => found.push((path.clone(), fs::read(&path).unwrap_or_default())),
                }
            }
        }
        found.sort();
        found
    }

    /// Runs a kubectl.
    pub fn kubectl(&self, kubectl: Kubectl, args: &[&str]) -> Run {
        Run::of(self.command(&kubectl.path(), args))
    }

    /// Starts a kubectl with its streams on pipes.
    pub fn kubectl_live(&self, kubectl: Kubectl, args: &[&str]) -> Live {
        Live::piped(self.command(&kubectl.path(), args))
    }

    /// Starts a kubectl on a terminal of 24 rows and 80 columns.
    pub fn kubectl_on_terminal(&self, kubectl: Kubectl, args: &[&str]) -> Live {
        Live::on_terminal(self.command(&kubectl.path(), args), 24, 80)
    }

    /// Waits for the events of this name in the audit log, as many as this.
    pub fn events(&self, name: &str, count: usize) -> Vec<serde_json::Value> {
        wait_for(&format!("{count} events {name:?} in the audit log"), || {
            let found: Vec<serde_json::Value> = self
                .gate
                .audit()
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .filter(|event: &serde_json::Value| event["event"] == name)
                .collect();
            (found.len() >= count).then_some(found)
        })
    }

    /// A browser that trusts the gate's own CA.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.gate.host_ca(), self.github.password()).expect("a browser")
    }

    /// `tsh login` with a person at the browser; what the browser shows at the end comes with it.
    pub fn login_as(&self, user: &str, consent: Consent, more: &[&str]) -> (Run, Page) {
        let proxy = self.proxy();
        let mut args = vec!["login", "--insecure", &proxy, "--auth=github", "--browser=none"];
        args.extend(more);
        let command = self.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &args);
        let browser = self.browser();
        Run::with_browser(command, |address| {
            runtime().block_on(browser.sign_in(address, user, consent)).expect("the browser comes to a page")
        })
    }

    /// A login of alice, who is in octocats/admins, that must work.
    pub fn login(&self) -> Run {
        let (run, page) = self.login_as("alice", Consent::Approve, &[]);
        assert_eq!(page.status, 200, "{}", page.text);
        run.succeeds()
    }
}
