//! With two real kubectls: the everyday commands, and what they say.

use std::io::BufRead as _;
use std::process::Stdio;

use super::{GUEST, Kubectl, MASTER, World};

const RBAC: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: guest-role}
rules:
- apiGroups: ["", "apps"]
  resources: [pods, deployments, services]
  verbs: [get, list]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: guest}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: guest-role}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: guest}
"#;

const DEPLOYMENT: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - name: a
        image: demo/a:1
        ports: [{containerPort: 80}]
      - name: b
        image: demo/b:1
"#;

/// Runs a story with each kubectl on a world of its own.
async fn with_both<F>(story: impl Fn(World, Kubectl) -> F)
where
    F: Future<Output = ()>,
{
    for kubectl in Kubectl::ALL {
        story(World::start().await, kubectl).await;
    }
}

fn write(world: &World, name: &str, text: &str) {
    std::fs::write(world.folder.path().join(name), text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_are_applied_count_at_once() {
    with_both(|world, kubectl| async move {
        write(&world, "rbac.yaml", RBAC);
        let refused = "Error from server (Forbidden): pods is forbidden: User \"bob\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"";
        kubectl.run(&world, &GUEST, &["get", "pods"]).await.fails(&[refused]);
        kubectl.run(&world, &[], &["get", "pods"]).await.fails(&["system:serviceaccount:jumpgate:gate"]);
        let applied = kubectl.run(&world, &MASTER, &["apply", "-f", "rbac.yaml"]).await;
        applied.says(&["clusterrole.rbac.authorization.k8s.io/guest-role created"]);
        kubectl.run(&world, &MASTER, &["apply", "-f", "rbac.yaml"]).await.says(&["guest-role unchanged"]);
        kubectl.run(&world, &GUEST, &["get", "pods"]).await.says(&["shell", "1/1", "Running"]);
        kubectl.run(&world, &GUEST, &["get", "configmaps"]).await.fails(&[
            "Error from server (Forbidden): configmaps is forbidden: User \"bob\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\"",
        ]);
        kubectl.run(&world, &GUEST, &["auth", "can-i", "list", "pods"]).await.says(&["yes"]);
        kubectl.run(&world, &GUEST, &["auth", "can-i", "delete", "pods"]).await.fails(&["no"]);
        kubectl.run(&world, &GUEST, &["auth", "can-i", "--list"]).await.says(&["deployments.apps", "[get list]"]);
        kubectl.run(&world, &GUEST, &["exec", "shell", "--", "true"]).await.fails(&["pods/exec"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_listed_and_described() {
    with_both(|world, kubectl| async move {
        let all = kubectl.run(&world, &MASTER, &["get", "all"]).await;
        all.says(&["pod/shell", "service/web", "deployment.apps/web", "replicaset.apps/web-", "2/2"]);
        kubectl
            .run(&world, &MASTER, &["get", "pods", "-A", "-o", "wide"])
            .await
            .says(&["demo-node-2", "10.244."]);
        let many =
            "nodes,ns,cm,svc,deploy,rs,sa,secrets,roles,rolebindings,clusterroles,clusterrolebindings,ev";
        kubectl.run(&world, &MASTER, &["get", many, "-A"]).await.says(&[
            "node/demo-node-1",
            "control-plane",
            "Opaque",
        ]);
        kubectl.run(&world, &MASTER, &["describe", "pod", "shell"]).await.says(&["demo/shell:1", "Running"]);
        kubectl
            .run(&world, &MASTER, &["describe", "deploy", "web"])
            .await
            .says(&["2 available", "NewReplicaSet:"]);
        kubectl.run(&world, &MASTER, &["describe", "svc", "web"]).await.says(&["Endpoints:", ":8080"]);
        kubectl.run(&world, &MASTER, &["describe", "node", "demo-node-1"]).await.says(&["v1.31.0-demo"]);
        kubectl.run(&world, &MASTER, &["api-resources"]).await.says(&["deploy", "apps/v1"]);
        kubectl.run(&world, &MASTER, &["explain", "pod.spec.containers"]).await.says(&["imagePullPolicy"]);
        kubectl
            .run(&world, &MASTER, &["get", "pod", "none"])
            .await
            .fails(&["(NotFound): pods \"none\" not found"]);
        kubectl
            .run(&world, &MASTER, &["get", "none"])
            .await
            .fails(&["doesn't have a resource type \"none\""]);
        let paged = kubectl.run(&world, &MASTER, &["get", "pods", "-A", "--chunk-size=1"]).await;
        paged.says(&["shell", "pair", "quiet"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deployments_are_applied_rolled_and_scaled() {
    with_both(|world, kubectl| async move {
        write(&world, "one.yaml", DEPLOYMENT);
        let second = DEPLOYMENT.replace("replicas: 3", "replicas: 1").replace("demo/a:1", "demo/a:2");
        write(&world, "two.yaml", second.split("      - name: b").next().unwrap());
        write(&world, "bad.yaml", &DEPLOYMENT.replace("image:", "imag:"));
        let m = async |args: &[&str]| kubectl.run(&world, &MASTER, args).await;
        m(&["apply", "-f", "bad.yaml"]).await.fails(&["unknown field", "imag"]);
        m(&["apply", "-f", "one.yaml", "--dry-run=server"]).await.says(&["created (server dry run)"]);
        m(&["apply", "-f", "one.yaml"]).await.says(&["deployment.apps/api created"]);
        m(&["rollout", "status", "deploy/api"]).await.says(&["successfully rolled out"]);
        m(&["diff", "-f", "two.yaml"]).await.fails(&["demo/a:2"]);
        m(&["apply", "-f", "two.yaml"]).await.says(&["deployment.apps/api configured"]);
        let pods =
            m(&["get", "pods", "-l", "app=api", "-o", "jsonpath={.items[*].spec.containers[*].image}"]).await;
        assert_eq!(pods.text(), "demo/a:2", "one pod, and the second container is gone");
        m(&["scale", "deploy/api", "--replicas=2"]).await.says(&["scaled"]);
        m(&["rollout", "status", "deploy/api"]).await.says(&["successfully rolled out"]);
        m(&["rollout", "undo", "deploy/api"]).await.says(&["rolled back"]);
        m(&["set", "image", "deploy/api", "a=demo/a:3"]).await.says(&["image updated"]);
        m(&["get", "deploy", "api"]).await.says(&["2/2"]);
        m(&["delete", "deploy", "api"]).await.says(&["deleted"]);
        m(&["get", "pods", "-l", "app=api"]).await.says(&["No resources found"]);
        m(&["apply", "-f", "one.yaml", "--server-side"]).await.says(&["serverside-applied"]);
        m(&["apply", "-f", "one.yaml", "--server-side"]).await.says(&["serverside-applied"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_made_changed_and_deleted() {
    with_both(|world, kubectl| async move {
        let m = async |args: &[&str]| kubectl.run(&world, &MASTER, args).await;
        m(&["create", "cm", "m", "--from-literal=a=b"]).await.says(&["configmap/m created"]);
        m(&["create", "cm", "m"]).await.fails(&["already exists"]);
        m(&["label", "cm", "m", "l=1"]).await.says(&["labeled"]);
        m(&["patch", "cm", "m", "-p", r#"{"data":{"c":"d"}}"#]).await.says(&["patched"]);
        let json = r#"[{"op":"replace","path":"/data/a","value":"z"}]"#;
        m(&["patch", "cm", "m", "--type=json", "-p", json]).await.says(&["patched"]);
        m(&["patch", "cm", "m", "--type=merge", "-p", r#"{"data":{"c":null}}"#]).await.says(&["patched"]);
        let data = m(&["get", "cm", "m", "-o", "jsonpath={.data}"]).await;
        assert_eq!(data.text(), r#"{"a":"z"}"#);
        m(&["delete", "cm", "m"]).await.says(&["deleted"]);
        m(&["create", "ns", "fresh"]).await.says(&["namespace/fresh created"]);
        m(&["-n", "fresh", "run", "p", "--image=busybox"]).await.says(&["pod/p created"]);
        m(&["-n", "fresh", "wait", "--for=condition=Ready", "pod/p", "--timeout=20s"])
            .await
            .says(&["condition met"]);
        m(&["delete", "ns", "fresh"]).await.says(&["deleted"]);
        m(&["-n", "fresh", "get", "pods"]).await.says(&["No resources found"]);
        m(&["delete", "ns", "default"]).await.fails(&["this namespace may not be deleted"]);
        m(&["create", "secret", "generic", "s", "--from-literal=p=q"]).await.says(&["created"]);
        m(&["create", "deployment", "d", "--image=demo/d:1", "--port=80"]).await.says(&["created"]);
        m(&["expose", "deploy", "d"]).await.says(&["exposed"]);
        m(&["describe", "svc", "d"]).await.says(&["10.244."]);
        m(&["drain", "demo-node-2", "--force", "--ignore-daemonsets"]).await.says(&["demo-node-2"]);
        m(&["-n", "demo", "get", "pods"]).await.says_nothing_of("pair");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_shown_and_followed() {
    with_both(|world, kubectl| async move {
        let m = async |args: &[&str]| kubectl.run(&world, &MASTER, args).await;
        m(&["logs", "shell", "--timestamps"]).await.says(&["Z shell started"]);
        m(&["-n", "demo", "logs", "pair", "-c", "sidecar"]).await.says(&["sidecar started"]);
        m(&["-n", "demo", "logs", "pair", "-c", "none"])
            .await
            .fails(&["container none is not valid for pod pair"]);
        m(&["logs", "shell", "-p"])
            .await
            .fails(&["previous terminated container \"shell\" in pod \"shell\" not found"]);
        m(&["logs", "deploy/web", "--tail=1"]).await.says(&["web"]);
        let mut follow = kubectl.command(&world, &MASTER, &["-n", "demo", "logs", "-f", "pair", "-c", "app"]);
        let mut child = follow.stdout(Stdio::piped()).spawn().unwrap();
        let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        // The first line is an old one, the third can only have come while it was following.
        let third = tokio::task::spawn_blocking(move || lines.map_while(Result::ok).nth(2)).await.unwrap();
        assert!(third.unwrap().contains("GET /healthz"));
        m(&["-n", "demo", "delete", "pod", "pair"]).await.says(&["deleted"]);
        let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
        assert!(status.success(), "the stream ends with the pod");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_shows_what_comes_and_goes() {
    with_both(|world, kubectl| async move {
        let mut watch = kubectl.command(&world, &MASTER, &["get", "pods", "-w"]);
        let mut child = watch.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        // The list comes first: a header and three pods.
        let first = move || {
            let list: Vec<String> = lines.by_ref().take(4).map_while(Result::ok).collect();
            (list, lines)
        };
        let (list, lines) = tokio::task::spawn_blocking(first).await.unwrap();
        assert!(list[0].starts_with("NAME") && list.iter().any(|line| line.starts_with("shell")), "{list:?}");
        kubectl.run(&world, &MASTER, &["run", "fresh", "--image=x"]).await.says(&["created"]);
        let running = move || lines.map_while(Result::ok).find(|line| line.contains("Running"));
        let line = tokio::task::spawn_blocking(running).await.unwrap().unwrap();
        assert!(line.starts_with("fresh"), "{line}");
        child.kill().unwrap();
        child.wait().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_reach_the_pods() {
    with_both(|world, kubectl| async move {
        let m = async |args: &[&str]| kubectl.run(&world, &MASTER, args).await;
        m(&["exec", "shell", "--", "sh", "-c", "echo hello from $HOSTNAME; exit 3"])
            .await
            .fails(&["hello from shell", "exit code 3"]);
        m(&["exec", "none", "--", "true"]).await.fails(&["pods \"none\" not found"]);
        write(&world, "file", "what is in it\n");
        m(&["cp", "file", "shell:/tmp/copy"]).await.says(&[]);
        m(&["cp", "shell:/tmp/copy", "back"]).await.says(&[]);
        assert_eq!(std::fs::read_to_string(world.folder.path().join("back")).unwrap(), "what is in it\n");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_ends_a_shell() {
    with_both(|world, kubectl| async move {
        let mut exec =
            kubectl.command(&world, &MASTER, &["exec", "shell", "--", "sh", "-c", "echo up; sleep 600"]);
        let mut child = exec.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let first = tokio::task::spawn_blocking(move || lines.next().unwrap().unwrap()).await.unwrap();
        assert_eq!(first, "up");
        world.demo.shutdown().await;
        let end = tokio::task::spawn_blocking(move || child.wait().unwrap());
        tokio::time::timeout(std::time::Duration::from_secs(20), end).await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_of_pods_are_forwarded() {
    with_both(|world, kubectl| async move {
        let m = async |args: &[&str]| kubectl.run(&world, &MASTER, args).await;
        let echo = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mapped = format!("demo.jumpgate.dev/port-forward=7000={}", echo.local_addr().unwrap());
        m(&["annotate", "pod", "shell", &mapped]).await.says(&["annotated"]);
        tokio::spawn(async move {
            let (mut stream, _) = echo.accept().await.unwrap();
            let (mut from, mut into) = stream.split();
            tokio::io::copy(&mut from, &mut into).await.unwrap();
        });
        assert_eq!(forward(&world, kubectl, "pod/shell", "7000", b"ping").await, "ping");
        let get = b"GET /x HTTP/1.0\r\n\r\n";
        let page = forward(&world, kubectl, "svc/web", "80", get).await;
        assert!(page.ends_with("you asked for /x\n"), "{page}");
    })
    .await;
}

/// Sends bytes through a `kubectl port-forward` and reads to the end.
async fn forward(world: &World, kubectl: Kubectl, what: &str, port: &str, bytes: &[u8]) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut command = kubectl.command(world, &MASTER, &["port-forward", what, &format!(":{port}")]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    let find = move || {
        let mut lines = lines.map_while(Result::ok);
        let line = lines.find_map(|line| {
            let rest = line.strip_prefix("Forwarding from 127.0.0.1:")?;
            rest.split(' ').next().map(str::to_owned)
        });
        (line, lines)
    };
    let (local, _lines) = tokio::task::spawn_blocking(find).await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(format!("127.0.0.1:{}", local.unwrap())).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(std::time::Duration::from_secs(20), read).await.unwrap().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    answer
}
