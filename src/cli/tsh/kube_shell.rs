//! `tsh kube shell`: a shell, or any program, that sees one context alone.
//!
//! It gets a kubeconfig of its own, below `shells` in the folder of profiles, with the chosen context and the command that
//! fetches credentials, never a key. The file is gone when the program ends; should this process be killed, the next one
//! sweeps: whose lock nobody holds any more is nobody's.

use std::process::{Child, Command, ExitStatus};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::{
    Globals, entry,
    kube_use::find,
    settings::{Settings, Target, cluster_of},
};
use crate::{
    cli::{Ctx, block_on, error::Failure, output::Output},
    client::{
        kubeconfig::{self, ContextInfo, Files, UserAuth},
        profile::shells::Shell,
    },
};

/// In the environment of the program: the name of the one context, for prompts.
const CONTEXT: &str = "TSH_KUBE_CONTEXT";
/// The list of kubeconfig files outside: that is where a shell inside a shell looks.
const OUTER: &str = "TSH_KUBE_OUTER_KUBECONFIG";

/// Arguments of `tsh kube shell`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "KUBECONFIG names a file with this context alone; TSH_KUBE_CONTEXT holds its name, for prompts. What kubectl\nchanges in that file is gone at the end.\n\nExit code: that of the program; before it starts, those of `tsh --help`.\n\nExamples:\n  tsh kube shell staging\n  tsh kube shell prod-eu -- helm list --all-namespaces"
)]
pub(crate) struct ShellArgs {
    /// The context, or the cluster that one context alone leads to
    name: String,
    /// Namespace to work in
    #[arg(short, long)]
    namespace: Option<String>,
    /// The program and its arguments [default: your shell]
    #[arg(last = true)]
    command: Vec<String>,
}

impl ShellArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let settings = Settings::new(globals, ctx)?;
        if let Some(outer) = ctx.env.text(CONTEXT) {
            ctx.console.status(&format!("This is a shell for {outer} already; the new one lies inside it."));
        }
        let (files, list) = outside(&settings)?;
        let contexts = kubeconfig::contexts(&files)?;
        let chosen = find(&settings, &contexts, &self.name)?;
        let instead = plugin_instead(&settings, chosen)?;
        let text = kubeconfig::private(&files, &chosen.name, instead.as_ref(), self.namespace.as_deref())?;
        let shell = Shell::open(&settings.home, &text)?;
        let mut command = self.command(ctx);
        command.env("KUBECONFIG", shell.kubeconfig()).env(CONTEXT, &chosen.name).env(OUTER, list);
        if self.command.is_empty() {
            ctx.console.status(&format!("kubectl sees {} alone here; `exit` leaves.", chosen.name));
        }
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().map_err(|reason| {
            Failure::new(format!("cannot start {program}: {reason}")).hint("name the program after --")
        })?;
        let status = block_on(until_it_ends(child))?;
        shell.close()?;
        Ok(Output::nothing().with_code(code(status)))
    }

    fn command(&self, ctx: &Ctx) -> Command {
        match self.command.split_first() {
            Some((program, args)) => {
                let mut command = Command::new(program);
                command.args(args);
                command
            }
            None => Command::new(ctx.env.os("SHELL").unwrap_or_else(|| "/bin/sh".into())),
        }
    }
}

/// The kubeconfig files outside of all such shells, and the list as the environment has it.
pub(super) fn outside(settings: &Settings<'_>) -> anyhow::Result<(Files, String)> {
    let env = &settings.ctx.env;
    if env.text(CONTEXT).is_none() {
        return Ok((settings.kubeconfig()?, env.text("KUBECONFIG").unwrap_or_default()));
    }
    let list = env.text(OUTER).unwrap_or_default();
    let home = settings.ctx.home()?;
    let named = Some(std::ffi::OsStr::new(&list)).filter(|list| !list.is_empty());
    Ok((Files::new(named, &home), list))
}

/// For a context of ours that holds a key: the command that fetches credentials, which takes its place.
fn plugin_instead(settings: &Settings<'_>, chosen: &ContextInfo) -> anyhow::Result<Option<UserAuth>> {
    let Some(owner) = chosen.owner.as_ref().filter(|_| chosen.holds_secret) else { return Ok(None) };
    let name = owner.profile.clone();
    let profile = settings.home.profile(&name)?.with_context(|| format!("there is no profile {name}"))?;
    let address = crate::client::address::Address::parse(
        if profile.web_proxy_addr.is_empty() { &name } else { &profile.web_proxy_addr },
        crate::client::address::WEB_PORT,
    )?;
    let target = Target { address, name, profile };
    let (user, credentials) = settings.logged_in(&target)?;
    let cluster = cluster_of(&target.profile, &credentials, &target.name);
    entry::plugin(settings, &target.profile, &user, &cluster).map(Some)
}

/// Waits for the program. Ctrl-C and Ctrl-\\ are the program's, not ours; a request to end is passed on to it.
async fn until_it_ends(mut child: Child) -> anyhow::Result<ExitStatus> {
    let pid = rustix::process::Pid::from_child(&child);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut ended = tokio::task::spawn_blocking(move || child.wait());
    loop {
        let passed = tokio::select! {
            status = &mut ended => return Ok(status??),
            _ = interrupt.recv() => continue,
            _ = quit.recv() => continue,
            _ = terminate.recv() => rustix::process::Signal::TERM,
            _ = hangup.recv() => rustix::process::Signal::HUP,
        };
        // It may have ended just now.
        let _ = rustix::process::kill_process(pid, passed);
    }
}

/// The exit code as a shell gives it: 128 and the signal's number for a program that a signal ended.
fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let signal = status.signal().map(|signal| 128 + signal);
    u8::try_from(status.code().or(signal).unwrap_or(1)).unwrap_or(1)
}
