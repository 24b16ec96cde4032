//! kubectl: is it there, and does it know exec plugins?

use std::{path::PathBuf, process::Command, time::Duration};

use super::{
    finding::Finding,
    pending::{NoAnswer, ask},
};

const LIMIT: Duration = Duration::from_secs(3);
const GET: &str = "install a current kubectl: https://kubernetes.io/docs/tasks/tools/";

/// A program of `PATH`, as a shell finds it.
pub(super) fn on_path(name: &str, path: Option<&std::ffi::OsStr>) -> Option<PathBuf> {
    let name = if cfg!(windows) { format!("{name}.exe") } else { name.to_owned() };
    std::env::split_paths(path?).map(|folder| folder.join(&name)).find(|file| is_program(file))
}

/// Whether a file can be run.
pub(super) fn is_program(file: &std::path::Path) -> bool {
    let Ok(meta) = std::fs::metadata(file) else { return false };
    #[cfg(unix)]
    let runs = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let runs = true;
    meta.is_file() && runs
}

/// A version's first two numbers.
pub(super) type Version = (u32, u32);

/// Looks at the kubectl of `PATH`; with what was found comes its version.
pub(super) fn check(path: Option<&std::ffi::OsStr>) -> (Finding, Option<Version>) {
    let Some(program) = on_path("kubectl", path) else {
        return (Finding::failed("kubectl", "there is no kubectl on PATH").mend(GET), None);
    };
    let shown = program.display();
    let mut command = Command::new(&program);
    // It looks into no kubeconfig for its own version, and what is wrong with its settings is told apart from it.
    command.args(["version", "--client", "-o", "json"]).env("KUBERC", "off");
    let finding = match ask(command, LIMIT) {
        Ok(text) => return judge(&text, &shown.to_string()),
        Err(NoAnswer::NoStart(reason)) => {
            Finding::failed("kubectl", format!("{shown} does not start: {reason}")).mend(GET)
        }
        Err(NoAnswer::Failed) => {
            Finding::failed("kubectl", format!("{shown} cannot say its own version")).mend(GET)
        }
        Err(NoAnswer::Slow) => {
            let found = format!("{shown} did not say its version within {} seconds", LIMIT.as_secs());
            Finding::failed("kubectl", found).mend("see what holds it up: kubectl version --client")
        }
    };
    (finding, None)
}

fn judge(text: &str, shown: &str) -> (Finding, Option<Version>) {
    let version = serde_json::from_str::<serde_json::Value>(text).ok();
    let version = version.as_ref().and_then(|v| v["clientVersion"]["gitVersion"].as_str());
    let numbers = version.and_then(|version| {
        let mut parts = version.trim_start_matches('v').split('.').map(|part| part.parse::<u32>().ok());
        Some((parts.next()??, parts.next()??))
    });
    let (Some(version), Some(numbers)) = (version, numbers) else {
        let found = format!("{shown} answers otherwise than a kubectl does");
        return (Finding::failed("kubectl", found).mend(GET), None);
    };
    // Our entries ask for v1beta1, which came with 1.11; v1 came with 1.22.
    let finding = match numbers {
        (0, _) | (1, ..=10) => {
            Finding::failed("kubectl", format!("{shown} is {version}, too old to ask tsh for credentials"))
                .mend(GET)
        }
        (1, ..=21) => {
            let found =
                format!("{shown} is {version}; it asks tsh for credentials, in an old way (v1beta1 alone)");
            Finding::warning("kubectl", found).mend(GET)
        }
        _ => Finding::ok("kubectl", format!("{shown} is {version}")),
    };
    (finding, Some(numbers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tsh::doctor::finding::Status;

    #[test]
    fn versions_of_kubectl() {
        let at = |version: &str| {
            judge(&format!("{{\"clientVersion\":{{\"gitVersion\":\"{version}\"}}}}"), "kubectl").0.status
        };
        for (version, status) in [
            ("v1.10.3", Status::Failed),
            ("v1.11.0", Status::Warning),
            ("v1.21.14-eks-1", Status::Warning),
            ("v1.22.0", Status::Ok),
            ("v1.34.1+k3s1", Status::Ok),
            ("main", Status::Failed),
        ] {
            assert_eq!(at(version), status, "{version}");
        }
        assert_eq!(judge("no JSON", "kubectl").0.status, Status::Failed);
    }
}
