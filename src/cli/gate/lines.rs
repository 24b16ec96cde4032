//! What `jumpgate demo` prints: the lines to type in other terminals, and what they are for.

use std::path::{Path, PathBuf};

use super::show::Show;
use crate::cli::shell;

/// What the lines name.
pub(super) struct Lines<'a> {
    pub(super) show: Show,
    /// The demo's folder.
    pub(super) dir: &'a Path,
    /// `host:port` of the gate's web port.
    pub(super) proxy: String,
    /// What a person types at the demo's GitHub.
    pub(super) password: &'a str,
    /// The tools' programs, with the arguments that come first (`jumpgate tsh`).
    pub(super) tsh: Vec<PathBuf>,
    pub(super) tctl: Vec<PathBuf>,
    /// Whether there is a kubectl to type lines of.
    pub(super) has_kubectl: bool,
    /// The second cluster's name, where the clusters are the demo's own.
    pub(super) staging: Option<&'a str>,
    /// Environment of alice's terminal, and of bob's.
    pub(super) env: Vec<(String, PathBuf)>,
    pub(super) second_env: Vec<(String, PathBuf)>,
}

impl Lines<'_> {
    /// Prints all of them.
    pub(super) fn print(&self) -> std::io::Result<()> {
        let show = self.show;
        show.heading("The demo runs. In another terminal, as alice:")?;
        self.exports(&self.env)?;
        show.output(&format!("{} create {}", words(&self.tctl), path(&self.dir.join("github.yaml"))))?;
        self.login("alice")?;
        self.tsh("status")?;
        if let Some(staging) = self.staging {
            self.tsh("kube ls")?;
            self.tsh(&format!("kube login {staging} --keep-context"))?;
        }
        self.kubectl()?;
        self.recordings()?;
        self.second_person()?;
        show.heading("In the browser, or to end it:")?;
        show.note(&format!("at the demo's GitHub: alice or bob, password {}", self.password))?;
        show.note(&format!(
            "sessions, live ones too, and a player for their recordings: https://{}/web",
            self.proxy
        ))?;
        show.note("(the certificate there is the demo's own: the browser warns of it once)")?;
        show.note("Ctrl-C here ends the demo")
    }

    fn kubectl(&self) -> std::io::Result<()> {
        let show = self.show;
        if !self.has_kubectl {
            show.note(
                "kubectl is not on PATH: once it is installed (https://kubernetes.io/docs/tasks/tools), `kubectl get pods -A` works too",
            )?;
            return show.note(
                "`jumpgate demo --tour` needs no kubectl: it shows the same with a small client of its own",
            );
        }
        show.output("kubectl get pods -A")?;
        if self.staging.is_some() {
            show.output("kubectl exec -it shell -- sh")?;
            show.note(
                "exec opens a real shell of this machine, with your own rights, in a folder of the demo; it is recorded",
            )?;
        }
        Ok(())
    }

    fn recordings(&self) -> std::io::Result<()> {
        let show = self.show;
        show.heading("What was done in it is on record:")?;
        self.tsh("recordings ls")?;
        if !self.has_kubectl {
            show.note("(sessions come from `kubectl exec`, so there are none without kubectl)")?;
        }
        show.note("with an ID of that list:")?;
        show.note(&format!("{} play ID", words(&self.tsh)))?;
        show.note(&format!("{} recordings verify ID", words(&self.tsh)))
    }

    /// bob's team may look, at the pods and at everybody's sessions.
    fn second_person(&self) -> std::io::Result<()> {
        let show = self.show;
        show.heading("A second person, bob, may watch. In a third terminal:")?;
        self.exports(&self.second_env)?;
        self.login("bob")?;
        self.tsh("recordings ls --state live")?;
        show.note("with the ID of a session that goes on, as while alice has a shell open:")?;
        show.note(&format!("{} join ID", words(&self.tsh)))
    }

    fn login(&self, person: &str) -> std::io::Result<()> {
        self.tsh(&format!("login --insecure --proxy={} --auth=github", self.proxy))?;
        self.show.note(&format!("sign in as {person}, password {}", self.password))
    }

    fn tsh(&self, rest: &str) -> std::io::Result<()> {
        self.show.output(&format!("{} {rest}", words(&self.tsh)))
    }

    /// HOME stays the person's own; the other variables say where everything is.
    fn exports(&self, env: &[(String, PathBuf)]) -> std::io::Result<()> {
        env.iter()
            .filter(|(name, _)| name != "HOME")
            .try_for_each(|(name, value)| self.show.output(&format!("export {name}={}", path(value))))
    }
}

fn words(program: &[PathBuf]) -> String {
    program.iter().map(|part| path(part)).collect::<Vec<_>>().join(" ")
}

fn path(path: &Path) -> String {
    shell::word(&path.display().to_string())
}
