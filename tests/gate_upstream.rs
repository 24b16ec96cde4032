//! Where the gate finds the API server: in the pod it runs in, and behind a proxy that the environment names.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    thread,
};

use jumpgate::demo::kube::KubeDemo;

use crate::support::world::{Kubectl, Launch, World, wait_for};

/// A program that gives the next one mounts of its own; None where that is not allowed.
fn unshare() -> Option<Vec<String>> {
    [&["unshare", "-m"][..], &["unshare", "-rm"]].into_iter().find_map(|words| {
        let tried =
            Command::new(words[0]).args(&words[1..]).args(["mount", "-t", "tmpfs", "tmpfs", "/run"]).output();
        tried
            .is_ok_and(|output| output.status.success())
            .then(|| words.iter().map(|w| (*w).to_owned()).collect())
    })
}

/// Writes a file of the service account as the kubelet does: what is read is the old one or the new one.
fn write_account(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join("new"), text).unwrap();
    fs::rename(folder.join("new"), folder.join(name)).unwrap();
}

#[test]
fn in_a_pod_the_service_account_signs_the_gate_in_and_its_token_is_followed() {
    let Some(mut before) = unshare() else { return };
    let script = "mount -t tmpfs tmpfs /run && mkdir -p /run/secrets/kubernetes.io/serviceaccount && \
                  mount --bind \"$0\" /run/secrets/kubernetes.io/serviceaccount && exec \"$@\"";
    let world = World::launch(|folder, kube| {
        let account = folder.join("account");
        fs::create_dir(&account).unwrap();
        write_account(&account, "token", &kube.gate_token());
        write_account(&account, "ca.crt", kube.ca_pem());
        write_account(&account, "namespace", "jumpgate");
        before.extend(["sh".into(), "-c".into(), script.into(), account.display().to_string()]);
        let at = |name: &str, value: String| (name.to_owned(), value);
        let env = vec![
            at("KUBERNETES_SERVICE_HOST", kube.addr.ip().to_string()),
            at("KUBERNETES_SERVICE_PORT", kube.addr.port().to_string()),
        ];
        (String::new(), Launch { before, env, in_cluster: true, ..Launch::default() })
    })
    .and_connector();
    world.login();
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("shell");
    world.kubectl(Kubectl::Spdy, &["exec", "shell", "--", "echo", "here"]).succeeds().says("here");
    world.kubectl(Kubectl::WebSocket, &["create", "configmap", "begin"]).succeeds();
    let watch = world.kubectl_live(Kubectl::WebSocket, &["get", "configmaps", "-w", "-o", "name"]);
    watch.says("configmap/begin");
    // What it has said comes from the list before the watch.
    wait_for("the watch at the API server", || {
        let requests = world.kube.requests();
        let mut watches = requests.iter().filter(|request| request.target.contains("/configmaps?"));
        watches.any(|request| request.target.contains("watch=true") && request.status == 200).then_some(())
    });

    // The old token is refused from the moment at which the new one is written.
    for round in 0..3 {
        let token = world.kube.rotate_gate_token().unwrap();
        write_account(&world.dir().join("account"), "token", &token);
        wait_for("the new token", || {
            (world.kubectl(Kubectl::WebSocket, &["get", "pods"]).code == 0).then_some(())
        });
        let name = format!("round-{round}");
        world.kubectl(Kubectl::WebSocket, &["create", "configmap", &name]).succeeds();
        watch.says(&format!("configmap/{name}"));
        world.kubectl(Kubectl::WebSocket, &["exec", "shell", "--", "echo", "here"]).succeeds().says("here");
    }
}

#[test]
fn outside_a_pod_and_without_a_kubeconfig_the_gate_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("jumpgate.yaml");
    let text = format!(
        "teleport: {{data_dir: {}}}\nauth_service: {{listen_addr: '127.0.0.1:0'}}\nproxy_service:\n  web_listen_addr: 127.0.0.1:0\n  \
         kubernetes: {{enabled: yes, listen_addr: '127.0.0.1:0'}}\n",
        folder.path().join("data").display()
    );
    fs::write(&config, text).unwrap();
    let mut start = Command::new(env!("CARGO_BIN_EXE_jumpgate"));
    let output = start.env_clear().args(["start", "--config"]).arg(&config).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("set kubeconfig_file"), "{stderr}");
}

/// A proxy that leads to one server whatever name it is told; the first lines that it read.
fn proxy(to: SocketAddr) -> (SocketAddr, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, tell) = (client.unwrap(), tell.clone());
            thread::spawn(move || carry(client, to, &tell));
        }
    });
    (addr, told)
}

fn carry(
    mut client: TcpStream,
    to: SocketAddr,
    tell: &std::sync::mpsc::Sender<String>,
) -> std::io::Result<()> {
    let mut reader = BufReader::with_capacity(1, client.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    // The story may be over.
    let _ = tell.send(line.trim().to_owned());
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line)?;
    }
    let server = TcpStream::connect(to)?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut up, mut down) = (server.try_clone()?, server);
    let mut from = client.try_clone()?;
    let upward = thread::spawn(move || {
        let done = std::io::copy(&mut from, &mut up);
        let _ = up.shutdown(std::net::Shutdown::Write);
        done
    });
    std::io::copy(&mut down, &mut client)?;
    client.shutdown(std::net::Shutdown::Write)?;
    upward.join().expect("the other way ends")?;
    Ok(())
}

/// The gate's kubeconfig with a name for the API server that leads nowhere.
fn rename_server(folder: &Path, kube: &KubeDemo) {
    let file = folder.join("gate-kubeconfig");
    let mut config: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let cluster = &mut config["clusters"][0]["cluster"];
    cluster["server"] = format!("https://kube.invalid:{}", kube.addr.port()).into();
    cluster["tls-server-name"] = "127.0.0.1".into();
    fs::write(file, config.to_string()).unwrap();
}

#[test]
fn a_proxy_of_the_environment_may_be_the_only_way() {
    let mut told = None;
    let world = World::launch(|folder, kube| {
        rename_server(folder, kube);
        let (addr, lines) = proxy(kube.addr);
        told = Some(lines);
        let env = vec![
            ("HTTPS_PROXY".to_owned(), format!("http://{addr}")),
            ("NO_PROXY".to_owned(), "example.com,10.0.0.0/8".to_owned()),
        ];
        (String::new(), Launch { env, ..Launch::default() })
    });
    // GitHub is reached on loopback, for which no proxy is asked.
    let world = world.and_connector();
    world.login();
    for version in Kubectl::ALL {
        world.kubectl(version, &["get", "pods"]).succeeds().says("shell");
        world.kubectl(version, &["exec", "shell", "--", "echo", "here"]).succeeds().says("here");
    }
    let told: Vec<String> = told.unwrap().try_iter().collect();
    assert!(told.len() >= 3, "{told:?}");
    let expected = format!("CONNECT kube.invalid:{} HTTP/1.1", world.kube.addr.port());
    assert!(told.iter().all(|line| *line == expected), "{told:?}");
}
