//! Mistakes in the gate's configuration: file, line, column, key, and nothing is made.

use std::{fs, process::Command};

#[test]
fn each_mistake_has_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jumpgate.yaml");
    let mut said = String::new();
    for (what, text) in [
        (
            "an unknown key",
            "teleport:\n  data_dir: data\nproxy_service:\n  kubernetes:\n    lissen_addr: 127.0.0.1:0\n",
        ),
        ("an unknown section", "teleport: {data_dir: data}\nproxy_servise: {enabled: yes}\n"),
        ("a wrong type", "teleport:\n  data_dir: [data]\n"),
        ("no switch", "teleport: {data_dir: data}\nproxy_service:\n  enabled: perhaps\n"),
        ("no address", "teleport: {data_dir: data}\nproxy_service:\n  web_listen_addr: 127.0.0.1:web\n"),
        ("broken YAML", "teleport:\n  data_dir: data\n auth_service: [\n"),
        ("a key twice", "teleport:\n  data_dir: data\n  data_dir: other\n"),
        (
            "a port twice",
            "teleport: {data_dir: data}\nauth_service: {listen_addr: '127.0.0.1:4000'}\nproxy_service: {web_listen_addr: '127.0.0.1:4000'}\n",
        ),
        (
            "a file that is missing",
            "teleport: {data_dir: data}\nproxy_service:\n  https_key_file: none.key\n  https_cert_file: none.crt\n",
        ),
        ("half a pair", "teleport: {data_dir: data}\nproxy_service:\n  https_key_file: none.key\n"),
        (
            "a kubeconfig that is missing",
            "teleport: {data_dir: data}\nauth_service: {listen_addr: '127.0.0.1:0'}\nproxy_service:\n  web_listen_addr: 127.0.0.1:0\n  \
             kubernetes: {enabled: yes, listen_addr: '127.0.0.1:0', kubeconfig_file: none.yaml}\n",
        ),
    ] {
        fs::write(&file, text).unwrap();
        let mut command = Command::new("timeout");
        command.args(["20", env!("CARGO_BIN_EXE_jumpgate"), "start", "--config"]).arg(&file);
        let output = command.env_clear().env("PATH", "/usr/bin:/bin").output().unwrap();
        let stderr =
            String::from_utf8(output.stderr).unwrap().replace(&folder.path().display().to_string(), "DIR");
        let told = stderr.lines().filter(|line| !line.contains(" INFO "));
        let stderr: String = told.map(|line| format!("{line}\n")).collect();
        said.push_str(&format!("# {what}\n{stderr}[{}]\n\n", output.status.code().unwrap_or(-1)));
        assert_eq!(output.status.code(), Some(1), "{what}: {stderr}");
        let made = folder.path().join("data");
        assert!(!made.exists(), "{what}: {stderr}");
    }
    insta::assert_snapshot!("configuration", said);
}
