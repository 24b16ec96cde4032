//! Defaults of objects: what kube-apiserver fills in where the sender left a field open.

use serde_json::{Value, json};

use super::resources::Resource;
use super::store::Objects;

fn or_default(at: &mut Value, field: &str, value: Value) {
    if let Some(map) = at.as_object_mut()
        && map.get(field).is_none_or(Value::is_null)
    {
        map.insert(field.into(), value);
    }
}

/// Fills in what the object leaves open.
pub(crate) fn set_defaults(objects: &Objects, resource: &Resource, object: &mut Value) {
    match resource.kind {
        "Pod" => {
            pod_defaults(&mut object["spec"]);
            or_default(object, "status", json!({"phase": "Pending", "qosClass": "BestEffort"}));
        }
        "Deployment" | "ReplicaSet" => {
            or_default(&mut object["spec"], "replicas", 1.into());
            pod_defaults(&mut object["spec"]["template"]["spec"]);
            if resource.kind == "Deployment" {
                let strategy = json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}});
                or_default(&mut object["spec"], "strategy", strategy);
                or_default(&mut object["spec"], "revisionHistoryLimit", 10.into());
                or_default(&mut object["spec"], "progressDeadlineSeconds", 600.into());
            }
        }
        "Service" => service_defaults(objects, object),
        "Secret" => secret_defaults(object),
        "Namespace" => {
            or_default(object, "spec", json!({"finalizers": ["kubernetes"]}));
            or_default(object, "status", json!({"phase": "Active"}));
            let name = object["metadata"]["name"].clone();
            or_default(&mut object["metadata"], "labels", json!({}));
            or_default(&mut object["metadata"]["labels"], "kubernetes.io/metadata.name", name);
        }
        "RoleBinding" | "ClusterRoleBinding" => {
            or_default(&mut object["roleRef"], "apiGroup", resource.group.into());
            for subject in object["subjects"].as_array_mut().into_iter().flatten() {
                if subject["kind"] != "ServiceAccount" {
                    or_default(subject, "apiGroup", resource.group.into());
                }
            }
        }
        _ => {}
    }
}

fn pod_defaults(spec: &mut Value) {
    if !spec.is_object() {
        return;
    }
    for (field, value) in [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("dnsPolicy", json!("ClusterFirst")),
        ("schedulerName", json!("default-scheduler")),
        ("securityContext", json!({})),
    ] {
        or_default(spec, field, value);
    }
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let latest =
                container["image"].as_str().is_some_and(|i| i.ends_with(":latest") || !i.contains(':'));
            for (field, value) in [
                ("imagePullPolicy", json!(if latest { "Always" } else { "IfNotPresent" })),
                ("resources", json!({})),
                ("terminationMessagePath", json!("/dev/termination-log")),
                ("terminationMessagePolicy", json!("File")),
            ] {
                or_default(container, field, value);
            }
            for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                or_default(port, "protocol", "TCP".into());
            }
        }
    }
}

fn service_defaults(objects: &Objects, object: &mut Value) {
    or_default(object, "status", json!({"loadBalancer": {}}));
    let spec = &mut object["spec"];
    or_default(spec, "type", "ClusterIP".into());
    or_default(spec, "sessionAffinity", "None".into());
    if spec["type"] != "ExternalName" {
        let count = objects.list("services", "").count() + 1;
        // Versions only grow, so no address is given twice among the first 65,000 changes.
        let seed = objects.version() as usize + count;
        or_default(spec, "clusterIP", format!("10.96.{}.{}", seed / 254 % 256, seed % 254 + 1).into());
        let address = spec["clusterIP"].clone();
        or_default(spec, "clusterIPs", json!([address]));
    }
    let needs_node_port = matches!(spec["type"].as_str(), Some("NodePort" | "LoadBalancer"));
    for (at, port) in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
        or_default(port, "protocol", "TCP".into());
        let number = port["port"].clone();
        or_default(port, "targetPort", number);
        if needs_node_port {
            or_default(port, "nodePort", (30000 + objects.version() % 2700 + at as u64).into());
        }
    }
}

fn secret_defaults(object: &mut Value) {
    use base64::Engine as _;
    or_default(object, "type", "Opaque".into());
    let clear = object.as_object_mut().and_then(|map| map.shift_remove("stringData"));
    for (key, value) in clear.as_ref().and_then(Value::as_object).into_iter().flatten() {
        let data = base64::engine::general_purpose::STANDARD.encode(value.as_str().unwrap_or(""));
        or_default(object, "data", json!({}));
        object["data"][key] = data.into();
    }
}
