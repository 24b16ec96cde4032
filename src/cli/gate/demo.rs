//! `jumpgate demo`: a gate on loopback with a GitHub and a Kubernetes of its own, for trying everything without an account.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::{lines::Lines, show::Show, tour::Tour};
use crate::{
    cli::{Ctx, error::Failure, output::Output},
    demo::{browser::Browser, github::GithubDemo, kube::KubeDemo},
    model::role::AUDITOR,
    server::{
        config::Config,
        start::{Running, Signals, StartError, start},
    },
};

/// The demo cluster's name.
const CLUSTER: &str = "demo.jumpgate.example";
/// The name of the second cluster behind the demo's gate.
const STAGING: &str = "staging";
/// The folder of the person of the demo, and that of a second one, who watches.
const HOME: &str = "home";
const SECOND_HOME: &str = "home-of-bob";
/// Marks a folder as a demo's, so that no other is ever cleared.
const MARKER: &str = ".jumpgate-demo";

/// Run everything on this machine: a gate, a GitHub and a Kubernetes, with no account and no cluster
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jumpgate demo
  jumpgate demo --tour
  jumpgate demo --kubeconfig ~/.kube/config

The demo prints the lines to type in another terminal. Those of kubectl are among them where kubectl is installed; the tour
needs none.")]
pub(in crate::cli) struct DemoArgs {
    /// Walk through connector, login, kubectl and less access, check each step, and end
    #[arg(long)]
    tour: bool,
    /// The folder for everything that is written; what an earlier demo left there goes [default: a new one that goes away at the end]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Guard the cluster of this kubeconfig's current context instead of the demo's own
    #[arg(long, value_name = "FILE", conflicts_with = "tour")]
    kubeconfig: Option<PathBuf>,
    /// The kubectl of the tour [default: the one on PATH, else a small client of the demo]
    #[arg(long, value_name = "PATH", requires = "tour")]
    kubectl: Option<PathBuf>,
}

impl DemoArgs {
    pub(in crate::cli) fn run(self, ctx: &Ctx) -> anyhow::Result<Output> {
        // Several threads: the gate, the stand-ins and the tour's commands all live in this process.
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let folder = Folder::new(self.dir.as_deref())?;
            let demo = Demo::start(folder.path(), self.kubeconfig.as_deref(), self.tour).await?;
            if self.tour {
                demo.tour(ctx, self.kubectl.clone()).await?;
            } else {
                demo.stay(ctx).await?;
            }
            Ok(Output::nothing())
        })
    }
}

/// Makes a folder that only this user may look into; one that is there already becomes so.
fn private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

/// The demo's folder: a person's own stays, a new one goes away.
enum Folder {
    /// With its marker, locked for as long as the demo runs.
    Kept(PathBuf, #[expect(dead_code, reason = "it is there to stay open")] fs::File),
    Passing(tempfile::TempDir),
}

impl Folder {
    fn new(named: Option<&Path>) -> anyhow::Result<Self> {
        let Some(named) = named else {
            return Ok(Self::Passing(
                tempfile::Builder::new()
                    .prefix("jumpgate-demo-")
                    .permissions(fs::Permissions::from_mode(0o700))
                    .tempdir()?,
            ));
        };
        let shown = || format!("--dir {}", named.display());
        let marker = named.join(MARKER);
        if !marker.exists() && fs::read_dir(named).is_ok_and(|mut entries| entries.next().is_some()) {
            let text = format!("{} is not empty and no demo's folder", named.display());
            return Err(Failure::new(text)
                .hint("name a new folder, an empty one, or that of an earlier demo")
                .into());
        }
        private_dir(named).with_context(shown)?;
        let marker = lock(&marker).with_context(shown)?.ok_or_else(|| {
            let text = format!("another demo runs in {}", named.display());
            Failure::new(text).hint("end that one, or name another folder")
        })?;
        // What an earlier run left would be of another GitHub and another cluster.
        for old in ["data", "cluster", HOME, SECOND_HOME] {
            match fs::remove_dir_all(named.join(old)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e).with_context(shown),
                _ => {}
            }
        }
        Ok(Self::Kept(named.canonicalize()?, marker))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path, _) => path,
            Self::Passing(folder) => folder.path(),
        }
    }
}

/// Marks a folder, for as long as the file is open; None if another demo has it.
fn lock(marker: &Path) -> io::Result<Option<fs::File>> {
    let mut file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(marker)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Ok(None),
        Err(fs::TryLockError::Error(error)) => return Err(error),
    }
    file.set_len(0)?;
    let text = "The folder of a jumpgate demo: each run clears data/, cluster/, home/ and home-of-bob/.\n";
    io::Write::write_all(&mut file, text.as_bytes())?;
    Ok(Some(file))
}

/// A running demo.
struct Demo<'a> {
    dir: &'a Path,
    github: GithubDemo,
    clusters: Vec<KubeDemo>,
    gate: Running,
}

impl<'a> Demo<'a> {
    async fn start(dir: &'a Path, kubeconfig: Option<&Path>, free_ports: bool) -> anyhow::Result<Self> {
        let github = GithubDemo::start().await.context("the demo GitHub")?;
        let (clusters, kubernetes) = match kubeconfig {
            Some(real) => {
                (vec![], format!("    kubeconfig_file: {}\n", quoted_yaml(&std::path::absolute(real)?)))
            }
            None => clusters(dir).await?,
        };
        let gate = match start_gate(dir, &kubernetes, free_ports).await {
            // Another demo took one of the usual ports between the look and the start.
            Err(error) if is_taken(&error) => start_gate(dir, &kubernetes, true).await,
            started => started,
        }
        .context("the gate")?;
        for home in [HOME, SECOND_HOME] {
            fs::create_dir_all(dir.join(home))?;
        }
        let demo = Self { dir, github, clusters, gate };
        demo.github.set_redirect_uri(&format!("https://{}/v1/webapi/github/callback", demo.proxy()));
        // On the tour alice's rights are what is shown, and nothing adds to them.
        let second = if free_ports { String::new() } else { demo.second_team() };
        demo.write_connector("system:masters", &second)?;
        Ok(demo)
    }

    /// `host:port` of the web port.
    fn proxy(&self) -> String {
        self.gate.gate().addresses.web.to_string()
    }

    /// What the connector says of bob's team: it may look at the demo's own clusters, and at everybody's sessions.
    fn second_team(&self) -> String {
        let team = "  - organization: octocats\n    team: devs\n";
        // In a person's own cluster the demo hands out no more than it was told to.
        let view = if self.clusters.is_empty() {
            String::new()
        } else {
            format!("{team}    logins: []\n    kubernetes_groups: [view]\n")
        };
        format!("{view}  teams_to_roles:\n{team}    roles: [{AUDITOR}]\n")
    }

    /// Writes `github.yaml`: octocats/admins become this Kubernetes group; `more` is YAML that goes on below `teams_to_logins`.
    fn write_connector(&self, group: &str, more: &str) -> anyhow::Result<()> {
        let github = &self.github;
        let text = format!(
            "kind: github\nversion: v3\nmetadata:\n  name: github\nspec:\n  client_id: {}\n  client_secret: {}\n  display: GitHub\n  \
             redirect_url: https://{}/v1/webapi/github/callback\n  endpoint_url: {}\n  api_endpoint_url: {}\n  teams_to_logins:\n  \
             - organization: octocats\n    team: admins\n    logins:\n    - root\n    kubernetes_groups: [\"{group}\"]\n{more}",
            github.client_id(),
            github.client_secret(),
            self.proxy(),
            github.endpoint_url(),
            github.api_endpoint_url(),
        );
        let file = self.dir.join("github.yaml");
        // Made anew: an older one may be readable by others.
        match fs::remove_file(&file) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e.into()),
            _ => {}
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        Ok(io::Write::write_all(&mut file, text.as_bytes())?)
    }

    /// The environment of a person of the demo: everything that is written is below the folder.
    fn person(&self, home: &str) -> Vec<(String, PathBuf)> {
        let at = |name: &str, path: &str| (name.to_owned(), self.dir.join(path));
        vec![
            at("HOME", home),
            at("TELEPORT_HOME", &format!("{home}/.tsh")),
            at("KUBECONFIG", &format!("{home}/kubeconfig")),
        ]
    }

    /// Of the person who runs the gate, too: by its configuration `tctl` works with all rights.
    fn env(&self) -> Vec<(String, PathBuf)> {
        let mut env = self.person(HOME);
        env.push(("TELEPORT_CONFIG_FILE".into(), self.dir.join("jumpgate.yaml")));
        env
    }

    async fn tour(mut self, ctx: &Ctx, kubectl: Option<PathBuf>) -> anyhow::Result<()> {
        let host_ca = self.gate.gate().authorities.host.certificate().to_pem();
        let tour = Tour {
            show: Show::new(ctx.env.text("NO_COLOR").is_some()),
            dir: self.dir,
            proxy: self.proxy(),
            cluster: CLUSTER.into(),
            tsh: tool(ctx, "tsh")?,
            tctl: tool(ctx, "tctl")?,
            kubectl: kubectl.or_else(|| on_path(ctx, "kubectl")),
            env: self.env(),
            browser: Browser::new(&host_ca, self.github.password())?,
            write_connector: &|group| self.write_connector(group, ""),
        };
        let walked = tour.walk().await;
        self.end("the tour ended").await;
        walked
    }

    async fn stay(mut self, ctx: &Ctx) -> anyhow::Result<()> {
        Lines {
            show: Show::new(ctx.env.text("NO_COLOR").is_some()),
            dir: self.dir,
            proxy: self.proxy(),
            password: self.github.password(),
            tsh: tool(ctx, "tsh")?,
            tctl: tool(ctx, "tctl")?,
            has_kubectl: on_path(ctx, "kubectl").is_some(),
            staging: (!self.clusters.is_empty()).then_some(STAGING),
            env: self.env(),
            second_env: self.person(SECOND_HOME),
        }
        .print()?;
        self.gate.until_signal(Signals::new()?).await;
        self.end("the demo ended").await;
        Ok(())
    }

    async fn end(&mut self, reason: &str) {
        self.gate.drain(reason);
        self.gate.wait().await;
        for kube in self.clusters.drain(..) {
            kube.shutdown().await;
        }
    }
}

/// Starts the demo's clusters; with them, what the gate's configuration says of them below `kubernetes`.
async fn clusters(dir: &Path) -> anyhow::Result<(Vec<KubeDemo>, String)> {
    let kube = KubeDemo::start(&dir.join("cluster")).await.context("the demo Kubernetes")?;
    let staging = KubeDemo::start_as(STAGING, &dir.join("cluster").join(STAGING)).await;
    let staging = staging.context("the second demo Kubernetes")?;
    let files = [dir.join("gate-kubeconfig"), dir.join("gate-kubeconfig-staging")];
    kube.write_gate_kubeconfig(&files[0])?;
    staging.write_gate_kubeconfig(&files[1])?;
    let [one, other] = files.map(|file| quoted_yaml(&file));
    let text = format!(
        "    kubeconfig_file: {one}\n    labels: {{env: demo}}\n    clusters:\n    - name: {STAGING}\n      \
         labels: {{env: {STAGING}}}\n      kubeconfig_file: {other}\n"
    );
    Ok((vec![kube, staging], text))
}

fn is_taken(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StartError::Bind { error, .. }) if error.kind() == io::ErrorKind::AddrInUse)
}

/// `kubernetes` is what the configuration says of the clusters.
async fn start_gate(dir: &Path, kubernetes: &str, free_ports: bool) -> anyhow::Result<Running> {
    let port = |wanted: u16| {
        let free = !free_ports && std::net::TcpListener::bind(("127.0.0.1", wanted)).is_ok();
        if free { wanted } else { 0 }
    };
    let text = format!(
        "teleport:\n  data_dir: {data}\n  log: {{output: {log}, severity: INFO}}\n  shutdown_timeout: 1s\nauth_service:\n  enabled: yes\n  \
         cluster_name: {CLUSTER}\n  listen_addr: 127.0.0.1:{admin}\n  public_addr: 127.0.0.1\n  authentication: {{type: github}}\n  recording: {{free_space: 16MiB}}\n\
         proxy_service:\n  enabled: yes\n  public_addr: 127.0.0.1\n  web_listen_addr: 127.0.0.1:{web}\n  kubernetes:\n    enabled: yes\n    \
         listen_addr: 127.0.0.1:{kube}\n{kubernetes}",
        data = quoted_yaml(&dir.join("data")),
        log = quoted_yaml(&dir.join("gate.log")),
        admin = port(3025),
        web = port(3080),
        kube = port(3026),
    );
    let file = dir.join("jumpgate.yaml");
    fs::write(&file, text)?;
    let config = Config::load(&file)?;
    crate::server::logging::start(&config.log)?;
    Ok(start(config).await?)
}

/// A tool as a program with its first arguments: the binary beside this one, else this one with the tool's name.
fn tool(ctx: &Ctx, name: &str) -> anyhow::Result<Vec<PathBuf>> {
    let this = ctx.started_as()?;
    let beside = this.with_file_name(name);
    Ok(if beside.is_file() { vec![beside] } else { vec![this, name.into()] })
}

fn on_path(ctx: &Ctx, name: &str) -> Option<PathBuf> {
    let path = ctx.env.os("PATH")?;
    let runs = |file: &PathBuf| {
        fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(runs)
}

/// A path as a YAML string; JSON's form is one.
fn quoted_yaml(path: &Path) -> String {
    serde_json::Value::from(path.display().to_string()).to_string()
}
