//! The demo's Kubernetes as a whole: over real TLS by a plain HTTP client, and with two real kubectls.
//!
//! The kubectls are those that `tests/install-tools` puts beside the build. They speak to it with the gate's own
//! kubeconfig and `--as`, as the gate does with its headers.

mod http;
mod kubectl;

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;

use reqwest::{Client, Method, RequestBuilder};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde_json::Value;
use tempfile::TempDir;

use super::KubeDemo;

/// `--as` of a member of system:masters.
const MASTER: [&str; 2] = ["--as=root", "--as-group=system:masters"];
/// `--as` of a guest.
const GUEST: [&str; 2] = ["--as=bob", "--as-group=guest"];

/// A running demo and its folder.
struct World {
    demo: KubeDemo,
    folder: TempDir,
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("jumpgate-demo-kube-").tempdir().unwrap();
        let demo = KubeDemo::start(&folder.path().join("cluster")).await.unwrap();
        demo.write_gate_kubeconfig(&folder.path().join("kubeconfig")).unwrap();
        Self { demo, folder }
    }

    /// A client that trusts the demo's CA; `http1` keeps it from HTTP/2.
    fn client(&self, http1: bool) -> Client {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.demo.ca_pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        if !http1 {
            config.alpn_protocols = vec![b"h2".to_vec()];
        }
        let builder = Client::builder().no_proxy().tls_backend_preconfigured(config);
        if http1 { builder.http1_only().build().unwrap() } else { builder.build().unwrap() }
    }

    /// A request with the gate's token for a user.
    fn request(&self, method: Method, path: &str, user: &str, groups: &[&str]) -> RequestBuilder {
        let mut request = self.client(false).request(method, format!("{}{path}", self.demo.url()));
        request = request.bearer_auth(self.demo.gate_token());
        if !user.is_empty() {
            request = request.header("Impersonate-User", user);
        }
        groups.iter().fold(request, |request, group| request.header("Impersonate-Group", *group))
    }

    fn as_master(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path, "root", &["system:masters"])
    }

    async fn get(&self, path: &str) -> Value {
        self.as_master(Method::GET, path).send().await.unwrap().json().await.unwrap()
    }
}

/// Which kubectl.
#[derive(Debug, Clone, Copy)]
enum Kubectl {
    /// 1.20.
    Spdy,
    /// A current one.
    WebSocket,
}

impl Kubectl {
    const ALL: [Self; 2] = [Self::Spdy, Self::WebSocket];

    fn path(self) -> PathBuf {
        let name = match self {
            Self::Spdy => "kubectl-spdy",
            Self::WebSocket => "kubectl-websocket",
        };
        let test = std::env::current_exe().unwrap();
        let path = test.ancestors().nth(3).unwrap().join("tools").join(name);
        assert!(path.is_file(), "{name} is missing; run: tests/install-tools");
        path
    }

    fn command(self, world: &World, who: &[&str], args: &[&str]) -> Command {
        let home = world.folder.path().join(format!("home-{self:?}"));
        std::fs::create_dir_all(&home).unwrap();
        let mut command = Command::new(self.path());
        command.arg("--kubeconfig").arg(world.folder.path().join("kubeconfig")).args(who).args(args);
        command.current_dir(world.folder.path()).env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin");
        command
    }

    /// Runs it to its end; what it said on both outputs.
    async fn run(self, world: &World, who: &[&str], args: &[&str]) -> Said {
        let mut command = self.command(world, who, args);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        Said { what: format!("{self:?} {}", args.join(" ")), output }
    }
}

/// What a kubectl said.
struct Said {
    what: String,
    output: Output,
}

impl Said {
    fn text(&self) -> String {
        let out = String::from_utf8_lossy(&self.output.stdout);
        format!("{out}{}", String::from_utf8_lossy(&self.output.stderr))
    }

    /// It must have worked and said all of this.
    #[track_caller]
    fn says(&self, parts: &[&str]) {
        assert!(self.output.status.success(), "{} failed:\n{}", self.what, self.text());
        self.mentions(parts);
    }

    /// It must have failed and said all of this.
    #[track_caller]
    fn fails(&self, parts: &[&str]) {
        assert!(!self.output.status.success(), "{} should fail:\n{}", self.what, self.text());
        self.mentions(parts);
    }

    #[track_caller]
    fn mentions(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.text().contains(part), "{} does not say {part:?}:\n{}", self.what, self.text());
        }
    }

    #[track_caller]
    fn says_nothing_of(&self, part: &str) {
        assert!(!self.text().contains(part), "{} says {part:?}:\n{}", self.what, self.text());
    }
}
