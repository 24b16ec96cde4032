//! What stays open and must still deliver: a watch and `logs -f`. `tests/soak` lets them be idle for minutes first.

use std::{thread, time::Duration};

use crate::support::world::{Kubectl, World};

#[test]
fn an_idle_watch_and_idle_logs_still_deliver() {
    let world = World::with_connector();
    // An idle stream must outlive minutes, so the certificate must as well.
    world.login();
    let open = Kubectl::ALL.map(|version| {
        let watch = world.kubectl_live(version, &["-n", "demo", "get", "configmaps", "-w"]);
        let logs = world.kubectl_live(version, &["-n", "demo", "logs", "-f", "quiet"]);
        watch.says("settings");
        logs.says("quiet started");
        (watch, logs)
    });
    thread::sleep(idle());

    world.kubectl(Kubectl::Spdy, &["-n", "demo", "create", "configmap", "later"]).succeeds();
    assert!(world.kube.say("demo", "quiet", "quiet", "a line written later"));
    for (watch, logs) in &open {
        watch.says("later");
        logs.says("a line written later");
    }
    // Many lines do not stay in a buffer, and none is lost or comes twice.
    for n in 0..500 {
        assert!(world.kube.say("demo", "quiet", "quiet", &format!("line {n:03} of 500")));
    }
    for (watch, logs) in open {
        logs.says("line 499 of 500\n");
        let text = logs.finds("all lines", |text| Some(text.to_owned()));
        let expected: String = (0..500).map(|n| format!("line {n:03} of 500\n")).collect();
        assert!(text.ends_with(&expected), "{text}");
        drop(watch);
    }
}

/// How long they are idle: `JUMPGATE_SOAK_MINUTES`, else one second.
fn idle() -> Duration {
    let minutes = std::env::var("JUMPGATE_SOAK_MINUTES").ok();
    let minutes = minutes.map(|text| text.parse::<u64>().expect("JUMPGATE_SOAK_MINUTES is a number"));
    minutes.map_or(Duration::from_secs(1), |minutes| Duration::from_secs(60 * minutes))
}
