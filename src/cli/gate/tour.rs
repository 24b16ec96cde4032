//! `jumpgate demo --tour`: walks through connector, login, kubectl and a change of rights with the real `tsh` and
//! `tctl`, shows each command with its output, and checks it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Command,
};

use super::show::Show;
use crate::demo::{
    browser::{Browser, Consent},
    kubectl::SmallKubectl,
};

/// The person who goes on the tour; the demo GitHub knows them.
const PERSON: &str = "alice";
/// A pod that the demo cluster runs.
pub(super) const POD: &str = "shell";
/// What two commands of section 3 show, with kubectl or without.
const PODS_EVERYWHERE: &str = "system:masters may list pods in every namespace";
const EXEC: &str = "exec runs a command in the pod and brings its output back";

/// `rbac.yaml` of the walk-through, section 4.
pub(super) const RBAC: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: guest-role
rules:
- apiGroups: [\"\"]
  resources: [pods, services]
  verbs: [get, list]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: guest-binding
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: guest-role
subjects:
- apiGroup: rbac.authorization.k8s.io
  kind: Group
  name: guest
";

/// Where things are on the tour.
pub(super) struct Tour<'a> {
    pub(super) show: Show,
    /// The demo's folder: everything that is written is below it.
    pub(super) dir: &'a Path,
    /// `host:port` of the gate's web port.
    pub(super) proxy: String,
    /// The cluster's name.
    pub(super) cluster: String,
    /// The tools' programs, with the arguments that come first (`jumpgate tsh`).
    pub(super) tsh: Vec<PathBuf>,
    pub(super) tctl: Vec<PathBuf>,
    /// A kubectl; without one the small client of the demo is used.
    pub(super) kubectl: Option<PathBuf>,
    /// Environment of every command.
    pub(super) env: Vec<(String, PathBuf)>,
    pub(super) browser: Browser,
    /// Writes `github.yaml` with these Kubernetes groups.
    pub(super) write_connector: &'a dyn Fn(&str) -> anyhow::Result<()>,
}

/// How a command ended.
pub(super) struct Ended {
    pub(super) stdout: String,
    pub(super) stderr: String,
    code: i32,
}

impl Tour<'_> {
    /// The whole walk; an error is the first thing that was not right.
    pub(super) async fn walk(&self) -> anyhow::Result<()> {
        self.connector().await.context("section 1, the connector")?;
        self.login("access").await.context("section 2, the login")?;
        self.kubernetes().await.context("section 3, Kubernetes")?;
        self.replay().await.context("section 3, the recording")?;
        self.less_access().await.context("section 4, less access")?;
        self.goodbye().await.context("the end")?;
        self.show.heading("All was right.")?;
        Ok(())
    }

    async fn connector(&self) -> anyhow::Result<()> {
        self.show.heading("1. A connector: which GitHub team becomes which Kubernetes group")?;
        self.create_connector("system:masters").await
    }

    /// Writes the connector, shows it, and registers it.
    async fn create_connector(&self, group: &str) -> anyhow::Result<()> {
        (self.write_connector)(group)?;
        self.show_file("github.yaml").await?;
        let ended = self.tctl(&["create", "github.yaml"]).await?;
        let wanted = "authentication connector \"github\" has been created";
        self.check(&ended, 0, wanted, &format!("octocats/admins become the Kubernetes group {group}"))
    }

    /// Shows a file that the next command reads. The demo's secret in it is worth nothing elsewhere, and is left out all the same.
    async fn show_file(&self, name: &str) -> anyhow::Result<()> {
        let text = tokio::fs::read_to_string(self.dir.join(name)).await?;
        let lines = text.lines().map(|line| match line.split_once("client_secret: ") {
            Some((before, _)) => format!("{before}client_secret: …"),
            None => line.to_owned(),
        });
        self.show.note(&format!("{name}:"))?;
        Ok(self.show.output(&lines.collect::<Vec<_>>().join("\n"))?)
    }

    async fn login(&self, role: &str) -> anyhow::Result<()> {
        self.show.heading("2. Login: the browser signs in at the demo's GitHub")?;
        let proxy = format!("--proxy={}", self.proxy);
        self.log_in(&["login", "--insecure", &proxy, "--auth=github", "--browser=none"]).await?;
        let ended = self.tsh(&["status"]).await?;
        let profile = format!("> Profile URL:  https://{}", self.proxy);
        self.check(&ended, 0, &profile, "the profile is that of this gate")?;
        self.check(&ended, 0, &format!("  Logged in as: {PERSON}"), &format!("its person is {PERSON}"))?;
        self.check(&ended, 0, &format!("  Roles:        {role}"), &format!("{PERSON} has the role {role}"))
    }

    /// Starts `tsh login`, acts as the browser at the address that it prints, and waits for its end.
    async fn log_in(&self, args: &[&str]) -> anyhow::Result<()> {
        self.show.command(&format!("tsh {}", args.join(" ")))?;
        let mut child = self.command(&self.tsh, args).spawn().context("tsh does not start")?;
        let stderr = child.stderr.take().context("no standard error")?;
        let mut stdout = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(stderr).lines();
        let mut signed_in = false;
        while let Some(line) = lines.next_line().await? {
            self.show.output(&line)?;
            let address = line.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:"));
            if let Some(address) = address.filter(|_| !signed_in) {
                signed_in = true;
                let page = self.browser.sign_in(address, PERSON, Consent::Approve).await?;
                self.show.note(&format!("the browser shows: {}", page.text))?;
                if page.status != 200 {
                    bail!("the browser ended on a page with status {}", page.status);
                }
            }
        }
        let mut said = String::new();
        stdout.read_to_string(&mut said).await?;
        self.show.output(&said)?;
        let code = child.wait().await?.code().unwrap_or(-1);
        let ended = Ended { stdout: said, stderr: String::new(), code };
        let wanted = format!("Logged in as: {PERSON}");
        self.check(&ended, 0, &wanted, &format!("{PERSON} signed in at GitHub and tsh has the certificate"))
    }

    async fn kubernetes(&self) -> anyhow::Result<()> {
        self.show.heading("3. Kubernetes: kubectl through the gate, with all rights")?;
        if self.kubectl.is_none() {
            return self.kubernetes_without_kubectl().await;
        }
        let ended = self.kubectl(&["config", "current-context"]).await?;
        self.check(&ended, 0, &self.cluster, "login selected the gate's context")?;
        let ended = self.kubectl(&["config", "use-context", &self.cluster]).await?;
        self.check(&ended, 0, &self.cluster, "the context can be selected by name")?;
        let ended = self.kubectl(&["get", "pods", "-A"]).await?;
        self.check(&ended, 0, POD, PODS_EVERYWHERE)?;
        let ended = self.kubectl(&["exec", POD, "--", "sh", "-c", "echo hello from $HOSTNAME"]).await?;
        self.check(&ended, 0, &format!("hello from {POD}"), EXEC)
    }

    async fn kubernetes_without_kubectl(&self) -> anyhow::Result<()> {
        self.show.note("no kubectl is installed: a small client reads the kubeconfig that tsh wrote")?;
        let client = self.small_kubectl().await?;
        self.show.command("kubectl get pods -A")?;
        let pods = client.get_pods_everywhere().await?;
        self.shown(&pods, POD, PODS_EVERYWHERE)?;
        self.show.command(&format!("kubectl exec {POD} -- sh -c 'echo hello from $HOSTNAME'"))?;
        let said = client.exec(POD, &["sh", "-c", "echo hello from $HOSTNAME"]).await?;
        self.shown(&said, &format!("hello from {POD}"), EXEC)
    }

    async fn less_access(&self) -> anyhow::Result<()> {
        self.show.heading("4. Less access: the same team becomes the group guest")?;
        tokio::fs::write(self.dir.join("rbac.yaml"), RBAC).await?;
        self.show_file("rbac.yaml").await?;
        self.show.command("kubectl create -f rbac.yaml")?;
        let created = match self.kubectl {
            Some(_) => self.quiet_kubectl(&["create", "-f", "rbac.yaml"]).await?.stdout,
            None => self.small_kubectl().await?.create_rbac(RBAC).await?,
        };
        let what = "the group guest may get and list pods, services and deployments";
        self.shown(&created, "guest-role created", what)?;
        let ended = self.tctl(&["rm", "github/github"]).await?;
        self.check(&ended, 0, "github connector \"github\" has been deleted", "the first connector is gone")?;
        self.create_connector("guest").await?;
        self.log_out().await?;
        let proxy = format!("--proxy={}", self.proxy);
        self.log_in(&["login", "--insecure", &proxy, "--auth=github", "--browser=none"]).await?;
        self.guest().await
    }

    async fn guest(&self) -> anyhow::Result<()> {
        let refused = format!(
            "Error from server (Forbidden): configmaps is forbidden: User \"{PERSON}\" cannot list resource \"configmaps\" \
             in API group \"\" in the namespace \"default\""
        );
        let may_list_services = format!("{PERSON} may still list services");
        let may_not_list_configmaps = format!("{PERSON} may no longer list configmaps");
        if self.kubectl.is_some() {
            let ended = self.kubectl(&["get", "pods"]).await?;
            self.check(&ended, 0, POD, &format!("{PERSON} may still list pods"))?;
            let ended = self.kubectl(&["get", "services"]).await?;
            self.check(&ended, 0, "NAME", &may_list_services)?;
            let ended = self.kubectl(&["get", "configmaps"]).await?;
            return self.check(&ended, 1, &refused, &may_not_list_configmaps);
        }
        let client = self.small_kubectl().await?;
        self.show.command("kubectl get services")?;
        self.shown(&client.get_services().await?, "NAME", &may_list_services)?;
        self.show.command("kubectl get configmaps")?;
        match client.get_configmaps().await {
            Ok(_) => bail!("a guest may list configmaps"),
            Err(error) => self.shown(&error.to_string(), &refused, &may_not_list_configmaps),
        }
    }

    async fn goodbye(&self) -> anyhow::Result<()> {
        self.show.heading("The end: logout leaves the kubeconfig as it was")?;
        self.log_out().await
    }

    async fn log_out(&self) -> anyhow::Result<()> {
        let ended = self.tsh(&["logout"]).await?;
        self.check(&ended, 0, "Logged out", &format!("the key and the certificate of {PERSON} are gone"))
    }

    async fn small_kubectl(&self) -> anyhow::Result<SmallKubectl> {
        let kubeconfig = self.env.iter().find(|(name, _)| name == "KUBECONFIG").map(|(_, path)| path);
        SmallKubectl::new(kubeconfig.context("the tour has no kubeconfig")?).await
    }

    pub(super) async fn tsh(&self, args: &[&str]) -> anyhow::Result<Ended> {
        self.shown_run("tsh", &self.tsh, args).await
    }

    async fn tctl(&self, args: &[&str]) -> anyhow::Result<Ended> {
        self.shown_run("tctl", &self.tctl, args).await
    }

    async fn kubectl(&self, args: &[&str]) -> anyhow::Result<Ended> {
        self.shown_run("kubectl", &self.kubectl_program()?, args).await
    }

    async fn quiet_kubectl(&self, args: &[&str]) -> anyhow::Result<Ended> {
        self.run(&self.kubectl_program()?, args).await
    }

    fn kubectl_program(&self) -> anyhow::Result<Vec<PathBuf>> {
        Ok(vec![self.kubectl.clone().context("no kubectl")?])
    }

    async fn shown_run(&self, name: &str, program: &[PathBuf], args: &[&str]) -> anyhow::Result<Ended> {
        let words: Vec<String> = args.iter().map(|arg| quoted(arg)).collect();
        self.show.command(&format!("{name} {}", words.join(" ")))?;
        let ended = self.run(program, args).await?;
        self.show.output(&ended.stdout)?;
        self.show.output(&ended.stderr)?;
        Ok(ended)
    }

    pub(super) async fn run(&self, program: &[PathBuf], args: &[&str]) -> anyhow::Result<Ended> {
        let output = self.command(program, args).output().await;
        let output = output.with_context(|| format!("{} does not start", program[0].display()))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Ended {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            code: output.status.code().unwrap_or(-1),
        })
    }

    fn command(&self, program: &[PathBuf], args: &[&str]) -> Command {
        let mut command = Command::new(&program[0]);
        command.args(&program[1..]).args(args).current_dir(self.dir);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// `wanted` must stand in what a command said; `what` says in a person's words what that shows.
    pub(super) fn check(&self, ended: &Ended, code: i32, wanted: &str, what: &str) -> anyhow::Result<()> {
        if ended.code != code {
            bail!("it ended with exit code {}, not {code}: {}", ended.code, ended.stderr.trim());
        }
        if !ended.stdout.contains(wanted) && !ended.stderr.contains(wanted) {
            bail!("it did not say: {wanted}");
        }
        Ok(self.show.passed(what)?)
    }

    fn shown(&self, said: &str, wanted: &str, what: &str) -> anyhow::Result<()> {
        self.show.output(said)?;
        self.check(&Ended { stdout: said.into(), stderr: String::new(), code: 0 }, 0, wanted, what)
    }
}

/// An argument as a person types it in a shell.
fn quoted(argument: &str) -> String {
    if argument.contains([' ', '$', '"']) { format!("'{argument}'") } else { argument.to_owned() }
}
