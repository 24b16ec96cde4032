use std::path::Path;

use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("gate.yaml"))
}

fn error(text: &str) -> String {
    match parse(text) {
        Ok(config) => panic!("it was accepted: {config:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_file_of_the_walk_through_loads_as_it_stands() {
    let config = parse(include_str!("../../../tests/data/jumpgate.yaml")).unwrap();
    assert_eq!(config.cluster_name, "teleport.example.com");
    assert_eq!(config.data_dir, Path::new("/var/lib/teleport"));
    assert_eq!(config.web.listen.to_string(), "0.0.0.0:3080");
    assert_eq!(config.admin.listen.to_string(), "0.0.0.0:3025");
    assert_eq!(
        config.admin.public.unwrap(),
        PublicAddr { host: "teleport.example.com".into(), port: Some(3025) }
    );
    let kube = config.kube.unwrap();
    assert_eq!(kube.listen.listen.to_string(), "0.0.0.0:3026");
    assert_eq!(kube.listen.public.unwrap().host, "teleport.example.com");
    assert_eq!(config.https.unwrap().0, Path::new("/var/lib/certs/tls.key"));
    assert_eq!(config.log.level, tracing::Level::DEBUG);
    assert_eq!(config.drain, Duration::from_secs(30));
    assert_eq!(
        config.notices,
        ["SSH is not served by this version: ssh_service, proxy_service.listen_addr has no effect"]
    );
}

#[test]
fn the_starter_file_loads() {
    let config = parse(starter::STARTER).unwrap();
    assert!(config.notices.is_empty());
    // So does every line of it that is commented out and is a key.
    let is_key = |line: &str| {
        line.trim_start().strip_prefix("# ").is_some_and(|l| {
            l.split_once(": ").is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        })
    };
    let all: String = starter::STARTER
        .lines()
        .map(|line| if is_key(line) { line.replacen("# ", "", 1) } else { line.to_owned() } + "\n")
        .collect();
    let config = parse(&all).unwrap();
    assert_eq!(config.kube.unwrap().default.context.as_deref(), Some("my-cluster"));
    assert_eq!(config.diagnostics.unwrap().port(), 3000);
}

#[test]
fn an_empty_file_has_defaults() {
    for text in ["", "teleport:\n", "{}"] {
        let config = parse(text).unwrap();
        assert_eq!(config.web.listen.port(), 3080, "{text:?}");
        assert!(config.kube.is_none());
    }
}

#[test]
fn mistakes_are_named_with_file_line_column_and_key() {
    for (text, (line, expected)) in [
        ("teleport:\n  data_dirr: /x\n", (2, "key teleport.data_dirr: ")),
        (
            "proxy_service:\n  kubernetes:\n    enabled: maybe\n",
            (3, "key proxy_service.kubernetes.enabled: "),
        ),
        ("teleport:\n  log: {severity: LOUD}\n", (2, "key teleport.log.severity: `LOUD`")),
        (
            "proxy_service:\n  web_listen_addr: 0.0.0.0:99999\n",
            (2, "key proxy_service.web_listen_addr: `0.0.0.0:99999` has no port"),
        ),
        ("auth_service: [1]\n", (1, "key auth_service: ")),
        ("teleport:\n  storage: {type: etcd}\n", (2, "key teleport.storage.type: ")),
        ("teleport: {}\nteleport: {}\n", (2, "key teleport: ")),
        ("teleport: {\n", (1, "key teleport: unclosed bracket")),
    ] {
        let error = error(text);
        let placed = error.starts_with(&format!("gate.yaml: line {line}, column "));
        assert!(placed && error.contains(&format!(": {expected}")), "{text}\n  is: {error}\nnot: {expected}");
    }
}

#[test]
fn keys_that_do_not_fit_together_are_named_with_the_mend() {
    for (text, expected) in [
        (
            "proxy_service: {https_key_file: /k}",
            "gate.yaml: line 1, column 33: key proxy_service.https_key_file: a key needs its certificate",
        ),
        (
            "teleport: {diag_addr: '0.0.0.0:3000'}",
            "line 1, column 23: key teleport.diag_addr: 0.0.0.0:3000 can be reached from outside",
        ),
        ("auth_service: {enabled: no}", "key auth_service.enabled: a gate is always both"),
        ("auth_service: {cluster_name: a/b}", "key auth_service.cluster_name: "),
        (
            "auth_service: {listen_addr: '127.0.0.1:3080'}",
            "key auth_service.listen_addr: 127.0.0.1:3080 is also that of proxy_service.web_listen_addr",
        ),
        (
            "proxy_service: {kubernetes: {enabled: yes, context: x}}",
            "key proxy_service.kubernetes.context: a context is chosen from kubeconfig_file",
        ),
        (
            "proxy_service:\n  web_listen_addr: 127.0.0.1:3025\n",
            "gate.yaml: line 1, column 1: key auth_service.listen_addr: 0.0.0.0:3025 is also that of",
        ),
        (
            "teleport: {shutdown_timeout: 48h}",
            "line 1, column 30: key teleport.shutdown_timeout: it is longer than a day",
        ),
    ] {
        let error = error(text);
        assert!(error.contains(expected), "{text}\n{error}");
    }
}

#[test]
fn a_value_is_never_quoted_from_a_place_that_may_hold_a_secret() {
    let error = error("teleport:\n  auth_token: {hunter2: x}\n");
    assert!(!error.contains("hunter2: x"), "{error}");
}

#[test]
fn addresses_have_many_spellings() {
    let text = "proxy_service: {web_listen_addr: '[::1]:0', public_addr: [A.example.com, '10.0.0.1:443', '[fd00::1]:1']}";
    let config = parse(text).unwrap();
    assert_eq!(config.web.listen.to_string(), "[::1]:0");
    assert_eq!(config.public_names, ["a.example.com", "10.0.0.1", "fd00::1"]);
    assert_eq!(config.web.public.unwrap(), PublicAddr { host: "a.example.com".into(), port: None });
    assert!(error("proxy_service: {public_addr: 'https://x'}").contains("is a URL"));
}

/// A configuration with these lines below `kubernetes`.
fn kubernetes(more: &str) -> String {
    format!(
        "auth_service: {{cluster_name: gate.example.com}}\nproxy_service:\n  kubernetes:\n    enabled: yes\n{more}"
    )
}

#[test]
fn clusters_stand_beside_the_one() {
    let text = kubernetes(
        "    kubeconfig_file: /k/one\n    labels: {env: prod}\n    clusters:\n    - name: staging\n      labels: {env: staging, tier: '2'}\n      \
         kubeconfig_file: /k/staging\n      context: s\n    - {name: eu-1.prod, context: eu}\n",
    );
    let kube = parse(&text).unwrap().kube.unwrap();
    assert_eq!(
        (kube.default.name.as_str(), kube.default.labels["env"].as_str()),
        ("gate.example.com", "prod")
    );
    let [staging, eu] = &kube.others[..] else { panic!("{kube:?}") };
    assert_eq!(
        (staging.name.as_str(), staging.labels.len(), staging.context.as_deref()),
        ("staging", 2, Some("s"))
    );
    assert_eq!(staging.kubeconfig_file.as_deref(), Some(Path::new("/k/staging")));
    // Another context of the one's file.
    assert_eq!(
        (eu.kubeconfig_file.as_deref(), eu.context.as_deref()),
        (Some(Path::new("/k/one")), Some("eu"))
    );
    let kube = parse(&kubernetes("    kube_cluster_name: main\n")).unwrap().kube.unwrap();
    assert_eq!((kube.default.name.as_str(), kube.others.len()), ("main", 0));
    assert_eq!(parse(&kubernetes("    clusters:\n    labels:\n")).unwrap().kube.unwrap().others, []);
}

#[test]
fn names_of_clusters_are_checked_with_line_and_column() {
    for (more, place, expected) in [
        ("    clusters: [{name: Staging}]\n", "line 5", "`Staging` is not a name for a cluster"),
        ("    clusters:\n    - {name: a..b}\n", "line 6", "`a..b` is not a name"),
        ("    clusters:\n    - {name: -a}\n", "line 6", "`-a` is not a name"),
        ("    clusters:\n    - {name: a/b}\n", "line 6", "`a/b` is not a name"),
        ("    kube_cluster_name: ''\n", "line 5", "`` is not a name"),
        (
            "    clusters:\n    - {name: a}\n    - {name: b}\n    - name: a\n",
            "line 8, column 13",
            "`a` is also the name of the cluster in line 6",
        ),
        ("    clusters: [{name: gate.example.com}]\n", "line 5, column 23", "is the name of the gate itself"),
        (
            "    kube_cluster_name: m\n    clusters: [{name: m}]\n",
            "line 6, column 23",
            "the cluster in line 5",
        ),
        ("    clusters: [{name: a, context: c}]\n", "line 5, column 23", "set that key too"),
        (
            "    kubeconfig_file: k\n    clusters: [{name: a}]\n",
            "line 6, column 23",
            "it would be the default cluster again",
        ),
        ("    clusters: [{labels: {a: b}}]\n", "line 5", "name"),
        ("    clusters: [{name: a, label: {a: b}}]\n", "line 5", "label"),
        ("    labels: {'a b': c}\n", "line 5", "`a b` is not the name of a label"),
        ("    labels: {a: 'c,d'}\n", "line 5", "the value of the label `a` has a comma"),
    ] {
        let said = error(&kubernetes(more));
        assert!(said.contains(place) && said.contains(expected), "{more}\n{said}");
    }
}
