//! The API server behind the gate fails; what kubectl shows then.

use jumpgate::demo::kube::{Fault, KubeDemo, UpgradeFault};

use crate::support::world::{Kubectl, Run, World, runtime};

const PODS: &str = "/api/v1/namespaces/default/pods";

/// What a person reads at the end. kubectl logs each attempt at discovery before it.
fn last(run: &Run) -> String {
    run.stderr.lines().rfind(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

#[test]
fn kubectl_shows_what_the_cluster_says() {
    let world = World::with_connector();
    world.login();
    for version in Kubectl::ALL {
        world.kubectl(version, &["get", "pods"]).succeeds();
    }
    let mut said = world.transcript();
    let fault = |change: &dyn Fn(&mut Fault)| {
        let mut fault = Fault { count: 1000, path: PODS.into(), ..Fault::default() };
        change(&mut fault);
        fault
    };
    for (what, fault) in [
        ("429", fault(&|f| f.status = Some(429))),
        ("500", fault(&|f| f.status = Some(500))),
        ("503", fault(&|f| f.status = Some(503))),
        ("504", fault(&|f| f.status = Some(504))),
        ("a connection that is closed", fault(&|f| f.close = true)),
    ] {
        said.line(&format!("# {what}"));
        for version in Kubectl::ALL {
            world.kube.set_faults(vec![fault.clone()]);
            let run = world.kubectl(version, &["get", "pods"]).fails_with(1);
            said.line(&format!("{version:?}: {}", last(&run)));
        }
    }
    insta::assert_snapshot!("upstream", said.end());
    // Slow is slow, and no failure.
    world.kube.set_faults(vec![fault(&|f| (f.delay_ms, f.count) = (1500, 1))]);
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("shell");
    world.kube.set_faults(vec![]);
}

#[test]
fn an_upgrade_that_is_answered_wrongly() {
    let world = World::with_connector();
    world.login();
    let mut said = world.transcript();
    for upgrade in
        [UpgradeFault::Forbidden, UpgradeFault::Ok, UpgradeFault::WrongProtocol, UpgradeFault::NoProtocol]
    {
        said.line(&format!("# {upgrade:?}"));
        for version in Kubectl::ALL {
            let fault = Fault { count: 1000, path: PODS.into(), upgrade: Some(upgrade), ..Fault::default() };
            world.kube.set_faults(vec![fault]);
            let run = world.kubectl(version, &["exec", "shell", "--", "true"]).fails_with(1);
            assert_eq!(run.stdout, "", "{run:?}");
            said.line(&format!("{version:?}: {}", last(&run)));
        }
    }
    insta::assert_snapshot!("upgrades", said.end());
    world.kube.set_faults(vec![]);
    let audit = world.gate.audit();
    let failed = audit.lines().filter(|l| l.contains("answered 502")).count();
    assert!(failed >= 4, "{audit}");
}

#[test]
fn an_api_server_that_is_down() {
    let mut world = World::with_connector();
    world.login();
    for version in Kubectl::ALL {
        world.kubectl(version, &["get", "pods"]).succeeds();
    }
    let mut said = world.transcript();
    let other = runtime().block_on(KubeDemo::start(&world.dir().join("other"))).unwrap();
    runtime().block_on(std::mem::replace(&mut world.kube, other).shutdown());
    for version in Kubectl::ALL {
        for args in [&["get", "pods"][..], &["exec", "shell", "--", "true"]] {
            let run = world.kubectl(version, args).fails_with(1);
            said.line(&format!("{version:?} {}: {}", args[0], last(&run)));
        }
    }
    insta::assert_snapshot!("down", said.end());
}
