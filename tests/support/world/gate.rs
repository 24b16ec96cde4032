//! The gate as a process: `jumpgate start` on free ports.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::wait_for;

/// How a gate is started, where that is not the usual way.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// A program with arguments that starts what comes after them.
    pub before: Vec<String>,
    /// More environment variables.
    pub env: Vec<(String, String)>,
    /// Without `kubeconfig_file`, as in a pod.
    pub in_cluster: bool,
    /// The name by which it calls itself for people outside; else 127.0.0.1.
    pub host: Option<String>,
    /// The value of `auth_service.recording`, in YAML's flow form.
    pub recording: Option<String>,
}

/// A running gate. It is killed when dropped.
pub struct Gate {
    child: Child,
    config: PathBuf,
    data: PathBuf,
    launch: Launch,
    /// `host:port` of the web port.
    pub web: SocketAddr,
    /// `host:port` of the admin port.
    pub admin: SocketAddr,
    /// `host:port` of the Kubernetes port.
    pub kube: SocketAddr,
}

impl Gate {
    /// Writes `jumpgate.yaml` into the folder and starts the gate on free ports.
    /// `more` are further lines below `proxy_service`.
    pub fn launch(folder: &Path, kubeconfig: &Path, more: &str, launch: Launch) -> Self {
        let config = folder.join("jumpgate.yaml");
        let data = folder.join("data");
        let host = launch.host.as_deref().unwrap_or("127.0.0.1");
        let recording = launch.recording.as_deref().unwrap_or("{free_space: 1MiB}");
        let more = match launch.in_cluster {
            true => more.to_owned(),
            false => format!("    kubeconfig_file: {}\n{more}", kubeconfig.display()),
        };
        fs::write(&config, configuration(&data, host, recording, [0, 0, 0]) + &more)
            .expect("jumpgate.yaml is written");
        let (child, [web, admin, kube]) = spawn(&config, &launch);
        // From now on the ports are fixed, so that a restart serves the same addresses.
        let ports = [web.port(), admin.port(), kube.port()];
        fs::write(&config, configuration(&data, host, recording, ports) + &more)
            .expect("jumpgate.yaml is written");
        Self { child, config, data, launch, web, admin, kube }
    }

    /// The host CA's certificate, PEM.
    pub fn host_ca(&self) -> String {
        let admin = fs::read_to_string(self.data.join("admin.pem")).expect("admin.pem is there");
        let last = admin.rfind("-----BEGIN CERTIFICATE-----").expect("admin.pem holds the host CA");
        admin[last..].to_owned()
    }

    /// Where the gate keeps its data.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Everything in the audit log, a line each.
    pub fn audit(&self) -> String {
        fs::read_to_string(self.data.join("log/events.log")).unwrap_or_default()
    }

    /// The gate's process; whatever started it has become it.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the gate logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.config.with_file_name("gate.log")).unwrap_or_default()
    }

    /// Sends the gate a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the gate runs");
    }

    /// Waits until the gate ends by itself; its exit code.
    pub fn end(&mut self) -> Option<i32> {
        wait_for("the end of the gate", || self.child.try_wait().expect("a child")).code()
    }

    /// Ends the gate for good.
    pub fn stop(&mut self) {
        self.child.kill().expect("the gate is killed");
        self.child.wait().expect("the gate ends");
    }

    /// Kills the gate as a crash would (SIGKILL) and starts it again on the same ports.
    pub fn crash_and_restart(&mut self) {
        self.child.kill().expect("the gate is killed");
        self.child.wait().expect("the gate ends");
        let (child, _) = spawn(&self.config, &self.launch);
        self.child = child;
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(data: &Path, host: &str, recording: &str, [web, admin, kube]: [u16; 3]) -> String {
    format!(
        "teleport:\n  data_dir: {}\n  log: {{output: stderr, severity: DEBUG}}\n  shutdown_timeout: 2s\nauth_service:\n  enabled: yes\n  \
         cluster_name: teleport.example.com\n  listen_addr: 127.0.0.1:{admin}\n  public_addr: 127.0.0.1\n  authentication: {{type: github}}\n  recording: {recording}\n\
         proxy_service:\n  enabled: yes\n  public_addr: {host}\n  web_listen_addr: 127.0.0.1:{web}\n  kubernetes:\n    enabled: yes\n    \
         listen_addr: 127.0.0.1:{kube}\n",
        data.display(),
    )
}

/// Starts the gate and waits until it says where its three ports are.
fn spawn(config: &Path, launch: &Launch) -> (Child, [SocketAddr; 3]) {
    let log = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(config.with_file_name("gate.log"))
        .expect("a file for the gate's log");
    let jumpgate = env!("CARGO_BIN_EXE_jumpgate").to_owned();
    let mut words = launch.before.iter().chain([&jumpgate]);
    let mut child = Command::new(words.next().expect("a program"))
        .args(words)
        .envs(launch.env.iter().map(|(name, value)| (name, value)))
        .args(["start", "--config"])
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("jumpgate starts");
    let mut lines = BufReader::new(child.stdout.take().expect("standard output")).lines();
    let found = ["web", "admin", "kube"].map(|name| address(&mut lines, name, config));
    (child, found)
}

fn address(lines: &mut std::io::Lines<BufReader<ChildStdout>>, name: &str, config: &Path) -> SocketAddr {
    let Some(Ok(line)) = lines.next() else {
        let log = fs::read_to_string(config.with_file_name("gate.log")).unwrap_or_default();
        panic!("the gate ended before it said where its {name} port is: {log}");
    };
    let address = line.strip_prefix(name).and_then(|rest| rest.trim().strip_prefix("https://"));
    address.and_then(|a| a.parse().ok()).unwrap_or_else(|| panic!("{line:?} is not the {name} port"))
}
