//! What people do with objects through the gate: apply, patch, describe, delete, auth can-i; and `--as`, which is refused.

use std::fs;

use serde_json::Value;

use crate::support::world::{Kubectl, World, wait_for};

const APPLIED: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: story}\ndata: {colour: teal, size: small}\n";

#[test]
fn objects_are_made_changed_described_and_deleted() {
    let world = World::with_connector();
    world.login();
    for version in Kubectl::ALL {
        let kubectl = |args: &[&str]| world.kubectl(version, args);
        let value = |key: &str| {
            let path = format!("jsonpath={{.data.{key}}}");
            kubectl(&["get", "configmap", "story", "-o", &path]).succeeds().stdout
        };
        fs::write(world.dir().join("story.yaml"), APPLIED).expect("a file");
        kubectl(&["apply", "-f", "story.yaml"]).succeeds().says("configmap/story created");
        kubectl(&["apply", "-f", "story.yaml"]).succeeds().says("configmap/story unchanged");
        fs::write(world.dir().join("story.yaml"), APPLIED.replace(", size: small", "")).expect("a file");
        kubectl(&["apply", "-f", "story.yaml"]).succeeds().says("configmap/story configured");
        assert_eq!((value("colour"), value("size")), ("teal".into(), String::new()));
        for (kind, patch) in [
            ("strategic", r#"{"data":{"colour":"amber"}}"#),
            ("merge", r#"{"data":{"colour":"rose"}}"#),
            ("json", r#"[{"op":"replace","path":"/data/colour","value":"grey"}]"#),
        ] {
            kubectl(&["patch", "configmap", "story", "--type", kind, "-p", patch]).succeeds().says("patched");
        }
        assert_eq!(value("colour"), "grey");
        kubectl(&["describe", "configmap", "story"]).succeeds().says("grey");
        kubectl(&["describe", "pod", "shell"]).succeeds().says("demo/shell:1");
        kubectl(&["delete", "configmap", "story"]).succeeds().says("configmap \"story\" deleted");
        kubectl(&["get", "configmap", "story"]).fails_with(1).says("(NotFound)");
        kubectl(&["auth", "can-i", "delete", "pods"]).succeeds().says("yes");
    }
}

#[test]
fn to_act_as_somebody_else_is_refused_and_written_down() {
    let world = World::with_connector();
    world.login();
    for version in Kubectl::ALL {
        // kubectl keeps what it learns of the server's resources, and asks for that with --as too.
        world.kubectl(version, &["get", "pods"]).succeeds();
        let seen = world.kube.requests().len();
        let run = world.kubectl(version, &["--as=root", "get", "pods"]).fails_with(1);
        assert!(run.stderr.contains("impersonation is not allowed through the gate"), "{}", run.stderr);
        assert!(run.stderr.contains("--as"), "{}", run.stderr);
        assert_eq!(run.stdout, "");
        assert_eq!(world.kube.requests().len(), seen, "the cluster sees nothing of it");
    }
    wait_for("both refusals in the audit log", || {
        let events = world.events("kube.request", 1);
        let refused = |event: &&Value| event["response_code"] == 403 && event["user"] == "alice";
        (events.iter().filter(refused).count() >= 2).then_some(())
    });
}
