//! What the gate costs: a plain GET on a kept connection, and `kubectl get pods`, through the gate and directly at the
//! demo API server, in turns; then `benches/processes.py` for the client's commands.
//!
//! `cargo bench --bench gate [-- GETS KUBECTLS]`. It prints milliseconds at the median and at the 95th percentile.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a measurement that fails is none")]
#![allow(clippy::print_stdout, reason = "its result is what it prints")]
#![allow(unreachable_pub, unused_imports, dead_code, reason = "the world of the tests is shared")]

#[path = "../tests/support/world/mod.rs"]
mod world;

use std::{
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::{Value, json};
use world::{Kubectl, Run, World, runtime};

/// What is asked for.
const PATH: &str = "/api/v1/namespaces/default/pods";

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let (gets, kubectls) = (numbers.first().copied().unwrap_or(2000), numbers.get(1).copied().unwrap_or(100));
    let world = World::with_connector();
    world.login();
    println!("{:<34}{:>12}{:>12}", "", "median", "p95");
    let requests = requests(&world, gets);
    print("GET, direct", &requests[0]);
    print("GET, through the gate", &requests[1]);
    println!("the gate adds {:.3} ms at the median of {gets}\n", median(&requests[1]) - median(&requests[0]));
    for version in Kubectl::ALL {
        let runs = processes(&world, version, kubectls);
        print(&format!("kubectl ({version:?}) get pods, direct"), &runs[0]);
        print("  through the gate", &runs[1]);
        println!(
            "  the gate adds {:.1} ms at the median of {kubectls}\n",
            median(&runs[1]) - median(&runs[0])
        );
    }
    let binaries = Path::new(env!("CARGO_BIN_EXE_tsh")).parent().expect("a folder");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/processes.py");
    let status = Command::new("python3")
        .arg(script)
        .arg(binaries)
        .env("TELEPORT_HOME", world.home().join(".tsh"))
        .env("GATE_ADMIN", world.gate.admin.to_string())
        .status()
        .expect("python3 starts");
    assert!(status.success(), "benches/processes.py ended with {status}");
}

/// Times of GETs in milliseconds: direct, and through the gate.
fn requests(world: &World, count: usize) -> [Vec<f64>; 2] {
    let credential = world.tsh(&["kube", "credentials", &world.proxy()]).succeeds().stdout;
    let credential: Value = serde_json::from_str(&credential).expect("JSON");
    let part = |name: &str| credential["status"][name].as_str().expect("PEM").to_owned();
    let identity = (part("clientCertificateData"), part("clientKeyData"));
    let through = client(&world.gate.host_ca(), Some(identity));
    let direct = client(world.kube.ca_pem(), None);
    let at_gate = || through.get(format!("https://{}{PATH}", world.gate.kube));
    // The direct request says what the gate says to the API server, so that it does the same work.
    let at_api = || {
        let request = direct.get(format!("{}{PATH}", world.kube.url())).bearer_auth(world.kube.gate_token());
        request.header("Impersonate-User", "alice").header("Impersonate-Group", "system:masters")
    };
    let mut times = [vec![], vec![]];
    runtime().block_on(async {
        for turn in 0..count + 50 {
            for (which, request) in [at_api(), at_gate()].into_iter().enumerate() {
                let begin = Instant::now();
                let answer = request.send().await.expect("an answer");
                let status = answer.status();
                let body = answer.bytes().await.expect("a body");
                let took = begin.elapsed();
                assert!(status.is_success() && body.len() > 100, "{status}");
                if turn >= 50 {
                    times[which].push(milliseconds(took));
                }
            }
        }
    });
    times
}

fn client(ca: &str, identity: Option<(String, String)>) -> reqwest::Client {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).expect("a CA")).expect("a root");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let mut config = match identity {
        None => config.with_no_client_auth(),
        Some((cert, key)) => config
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(cert.as_bytes()).expect("a certificate")],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key"),
            )
            .expect("a pair"),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    reqwest::Client::builder().tls_backend_preconfigured(config).no_proxy().build().expect("a client")
}

/// Times of whole kubectls in milliseconds: direct, and through the gate.
fn processes(world: &World, version: Kubectl, count: usize) -> [Vec<f64>; 2] {
    let file = world.dir().join("direct-kubeconfig");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "direct",
        "clusters": [{"name": "direct", "cluster": {"server": world.kube.url(), "certificate-authority-data": base64(world.kube.ca_pem())}}],
        "users": [{"name": "direct", "user": {"token": world.kube.gate_token(), "as": "alice", "as-groups": ["system:masters"]}}],
        "contexts": [{"name": "direct", "context": {"cluster": "direct", "user": "direct"}}],
    });
    std::fs::write(&file, config.to_string()).expect("a kubeconfig");
    let direct = format!("--kubeconfig={}", file.display());
    let mut times = [vec![], vec![]];
    for turn in 0..count + 3 {
        for (which, more) in [vec![direct.as_str()], vec![]].into_iter().enumerate() {
            let args = [vec!["get", "pods"], more].concat();
            let command = world.command(&version.path(), &args);
            let begin = Instant::now();
            let run = Run::of(command);
            let took = begin.elapsed();
            run.succeeds().says("shell");
            if turn >= 3 {
                times[which].push(milliseconds(took));
            }
        }
    }
    times
}

fn base64(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(text)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn at(times: &[f64], part: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * part) as usize]
}

fn median(times: &[f64]) -> f64 {
    at(times, 0.5)
}

fn print(name: &str, times: &[f64]) {
    println!("{name:<34}{:>9.3} ms{:>9.3} ms", median(times), at(times, 0.95));
}
