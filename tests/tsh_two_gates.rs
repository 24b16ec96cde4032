//! Two gates and one person: neither gets at the profile, the pins or the kubeconfig entry of the other.

use std::os::unix::fs::PermissionsExt;

use crate::{
    support::{fake_gate::FakeGate, run::Person},
    tsh_login::{HALF_DAY, log_in},
};

#[test]
fn a_gate_cannot_take_the_name_of_another() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let known = "web_proxy_addr: known.example.com:3080\njumpgate_web_pin: \
                 sha256:0000000000000000000000000000000000000000000000000000000000000000\n";
    person.write(".tsh/known.example.com.yaml", known);
    let other = FakeGate::start_as(0, Some("known.example.com:3080"));
    let ended = person.tsh(&["login", "--insecure", "--browser=none", &other.proxy()]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let told = format!("the gate at localhost:{} calls itself known.example.com:3080", other.port);
    assert!(ended.stderr.contains(&told), "{ended:?}");
    assert_eq!(person.read(".tsh/known.example.com.yaml"), known);
    assert!(
        !person.path(".tsh/localhost.yaml").exists() && !person.path(".tsh/keys/known.example.com").exists()
    );
    assert_eq!(log_in(&person, &gate, &["--insecure"]).code, 0);
}

#[test]
fn two_gates_on_one_host_and_with_one_cluster_name() {
    let (person, first, second) = (Person::new(), FakeGate::start(), FakeGate::start());
    assert_eq!(log_in(&person, &first, &["--insecure"]).code, 0);
    let (profile, cas) = (person.read(".tsh/localhost.yaml"), person.read(".tsh/keys/localhost/certs.pem"));
    let config = person.read(".kube/config");

    // The port is another: nobody is logged in there, and the login has a profile of its own.
    let ended = log_in(&person, &second, &["--insecure"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let told = format!(
        "belongs to the gate at localhost:{0}, which has a cluster of the same name; to free it run: tsh logout \
         --proxy=localhost:{0} --user=alice",
        first.port
    );
    assert!(ended.stderr.contains("logged in, but the kubeconfig was not written"), "{ended:?}");
    assert!(ended.stderr.contains(&told), "{ended:?}");
    assert_eq!(person.read(".kube/config"), config);
    assert_eq!(person.read(".tsh/localhost.yaml"), profile);
    assert_eq!(person.read(".tsh/keys/localhost/certs.pem"), cas);
    assert!(person.path(&format!(".tsh/localhost_{}.yaml", second.port)).exists());
    assert_eq!(person.tsh(&["status", &second.proxy()]).code, 0);

    assert_eq!(person.tsh(&["logout", &first.proxy(), "--user=alice"]).code, 0);
    let ended = person.tsh(&["kube", "login", &second.proxy()]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(person.read(".kube/config").contains(&format!("--proxy=localhost:{}", second.port)));
}

#[test]
fn the_first_gate_behind_a_typed_name_keeps_it_and_its_ssh_keys() {
    let (person, first) = (Person::new(), FakeGate::start_as(0, Some("a.example.com:3080")));
    assert_eq!(log_in(&person, &first, &["--insecure"]).code, 0);
    let leads_to =
        |typed: &str| std::fs::read_link(person.path(&format!(".tsh/{typed}.yaml"))).expect("a link");
    assert_eq!(leads_to("localhost"), std::path::Path::new("a.example.com.yaml"));
    let ssh_keys = person.read(".tsh/known_hosts");
    assert!(ssh_keys.contains(&first.ssh_host_key()), "{ssh_keys}");

    // Another gate behind the same host, whose cluster has the same name and whose certificate nobody vouches for.
    let second = FakeGate::start_as(0, Some("b.example.com:3080"));
    let ended = log_in(&person, &second, &["--insecure", "--no-kubeconfig"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(person.path(".tsh/b.example.com.yaml").exists());
    assert_eq!(leads_to("localhost"), std::path::Path::new("a.example.com.yaml"));
    assert_eq!(leads_to(&format!("localhost_{}", second.port)), std::path::Path::new("b.example.com.yaml"));
    assert_eq!(person.read(".tsh/known_hosts"), ssh_keys);

    // The gate whose keys they are may change them.
    assert_eq!(person.tsh(&["logout", "--proxy=b.example.com:3080"]).code, 0);
    let ended = log_in(&person, &first, &["--insecure", "--force"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(person.read(".tsh/known_hosts"), ssh_keys);
}

#[test]
fn a_wrong_ca_pin_is_refused_before_anybody_signs_in() {
    let (person, gate) = (Person::new(), FakeGate::start());
    assert_eq!(log_in(&person, &gate, &["--insecure"]).code, 0);
    let pin = format!("--ca-pin=sha256:{}", "0".repeat(64));
    let ended = person.tsh(&["login", "--force", "--browser=none", &gate.proxy(), &pin]);
    assert_eq!(ended.code, 6, "{ended:?}");
    assert!(
        ended.stderr.contains("is not the one of --ca-pin") && !ended.stderr.contains("http://"),
        "{ended:?}"
    );
}

#[test]
fn a_kubeconfig_with_a_key_is_for_its_owner_alone() {
    let (person, gate) = (Person::new(), FakeGate::start());
    person.write(".kube/config", "apiVersion: v1\nkind: Config\n");
    let path = person.path(".kube/config");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o664)).expect("a mode");
    let mode = || std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(log_in(&person, &gate, &["--insecure"]).code, 0);
    assert_eq!(mode(), 0o664);
    let login = person.begin(&["login", "--force", "--embed-certs", "--browser=none", &gate.proxy()]);
    login.browse(&gate.callback(&gate.answer("alice", HALF_DAY)));
    let ended = login.end();
    assert_eq!((ended.code, mode()), (0, 0o600), "{ended:?}");
    assert!(ended.stderr.contains("holds your private key now"), "{ended:?}");
}
