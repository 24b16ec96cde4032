//! What a command asks of the kernel, seen by strace: no socket and no kubeconfig where none is needed.

use std::{fs, path::Path};

use crate::support::world::{Run, World};

/// What strace saw of one command.
struct Seen {
    network: Vec<String>,
    opened: Vec<String>,
    /// Threads and processes, its own included.
    started: usize,
}

fn trace(world: &World, args: &[&str]) -> Seen {
    let log = world.dir().join("strace.log");
    let log_text = log.to_str().expect("text").to_owned();
    let tsh = env!("CARGO_BIN_EXE_tsh");
    let all = [
        &[
            "-f",
            "-qq",
            "-s",
            "512",
            "-e",
            "trace=%network,open,openat,openat2,clone,clone3,fork,vfork",
            "-o",
            &log_text,
            tsh,
        ],
        args,
    ];
    let mut command = world.command(Path::new("strace"), &all.concat());
    command.env(
        "KUBERNETES_EXEC_INFO",
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false}}"#,
    );
    Run::of(command).succeeds();
    let text = fs::read_to_string(&log).expect("strace wrote");
    let children = ["clone(", "clone3(", "fork("];
    let started = 1 + text.lines().filter(|line| children.iter().any(|call| line.contains(call))).count();
    let (opened, network): (Vec<&str>, Vec<&str>) = text
        .lines()
        .filter(|line| line.contains('(') && !children.iter().any(|call| line.contains(call)))
        .partition(|line| line.contains(" open(") || line.contains(" openat"));
    let path = |line: &&str| line.split('"').nth(1).unwrap_or_default().to_owned();
    Seen {
        started,
        network: network.iter().map(ToString::to_string).collect(),
        opened: opened.iter().filter(|line| !line.contains(" = -1 ")).map(path).collect(),
    }
}

#[test]
fn what_a_warm_credential_costs() {
    let world = World::with_connector();
    world.login();
    let proxy = world.proxy();

    let seen = trace(&world, &["kube", "credentials", &proxy, "--user=alice"]);
    assert_eq!(seen.network, Vec::<String>::new(), "no socket");
    let kube: Vec<_> = seen.opened.iter().filter(|path| path.contains(".kube")).collect();
    assert!(kube.is_empty(), "the kubeconfig is not read: {kube:?}");
    let home = world.home();
    let own: Vec<_> = seen.opened.iter().filter(|path| Path::new(path).starts_with(&home)).collect();
    assert!(own.iter().any(|path| path.ends_with("-x509.pem")), "strace sees files: {:?}", seen.opened);
    // The four files of the login, the profile, what a crash may have left of a login, and the settings.
    let profile = home.join(".tsh");
    let small = ["127.0.0.1.yaml", "current-profile", "config/config.yaml"].map(|name| profile.join(name));
    for path in &own {
        let path = Path::new(path);
        assert!(
            small.iter().any(|file| file == path) || path.starts_with(profile.join("keys/127.0.0.1")),
            "{} is none of the profile's small files",
            path.display()
        );
    }
    assert!(own.len() <= 7, "few files of the profile: {own:?}");
    assert!(seen.opened.len() <= 16, "few files: {:?}", seen.opened);
    // What the loader and the C library read, and nothing else of the machine's.
    let of_system = |path: &&String| {
        ["/etc/ld.so", "/lib", "/usr/lib", "/proc/self/", "/sys/fs/cgroup", "/dev/"]
            .iter()
            .any(|start| path.starts_with(start))
    };
    let strange: Vec<_> = seen.opened.iter().filter(|p| !own.contains(p) && !of_system(p)).collect();
    assert!(strange.is_empty(), "files of others: {strange:?}");
    assert_eq!(seen.started, 1, "no thread and no other process");

    for args in [vec!["version"], vec!["status"]] {
        let seen = trace(&world, &args);
        assert_eq!(seen.network, Vec::<String>::new(), "{args:?} opens no socket");
        assert!(!seen.opened.iter().any(|path| path.ends_with("zoneinfo")), "the list of zones is not read");
        assert!(seen.opened.len() <= 24, "{args:?} opens few files: {:?}", seen.opened);
    }
}
