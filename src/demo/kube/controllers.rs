//! What a cluster does by itself, in the same breath as the write: deployments make replica sets, replica sets make pods,
//! pods run, and what hangs on a deleted object goes with it.

use serde_json::{Value, json};

use super::admission::suffix;
use super::endpoints;
use super::resources::{self, Resource};
use super::selectors::Selector;
use super::store::{Key, Objects, Store, now_text};

/// Where pods run.
pub(crate) const NODE: &str = "demo-node-1";
const HASH_LABEL: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";

/// Brings everything into the state that the objects ask for.
pub(crate) fn settle(objects: &mut Objects) {
    collect_orphans(objects);
    furnish_namespaces(objects);
    for (key, deployment) in snapshot(objects, "deployments") {
        settle_deployment(objects, &key, &deployment);
    }
    for (key, set) in snapshot(objects, "replicasets") {
        settle_replicas(objects, &key, &set);
    }
    for (key, deployment) in snapshot(objects, "deployments") {
        report_deployment(objects, &key, &deployment);
    }
    for (key, pod) in snapshot(objects, "pods") {
        run_pod(objects, &key, &pod);
    }
    endpoints::settle(objects);
}

fn snapshot(objects: &Objects, resource: &'static str) -> Vec<(Key, Value)> {
    objects.list(resource, "").map(|(key, object)| (key.clone(), (**object).clone())).collect()
}

/// Writes a state where it differs; it was read in the same breath, so it cannot fail.
fn save(objects: &mut Objects, key: &Key, object: Value) {
    let _ = objects.replace(key, None, object);
}

/// Objects whose namespace or whose last owner is gone.
fn collect_orphans(objects: &mut Objects) {
    loop {
        let uids: std::collections::HashSet<String> = objects
            .everything()
            .filter_map(|(_, o)| o["metadata"]["uid"].as_str().map(str::to_owned))
            .collect();
        let gone: Vec<Key> = objects
            .everything()
            .filter(|(key, object)| {
                let owners = object["metadata"]["ownerReferences"].as_array().map_or(&[][..], Vec::as_slice);
                let orphan = !owners.is_empty()
                    && owners
                        .iter()
                        .all(|owner| !owner["uid"].as_str().is_some_and(|uid| uids.contains(uid)));
                let homeless = !key.namespace.is_empty()
                    && objects.get(&Key::new("namespaces", "", &key.namespace)).is_none();
                orphan || homeless
            })
            .map(|(key, _)| key.clone())
            .collect();
        if gone.is_empty() {
            return;
        }
        for key in gone {
            let _ = objects.delete(&key);
        }
    }
}

fn furnish_namespaces(objects: &mut Objects) {
    for (key, _) in snapshot(objects, "namespaces") {
        for (resource, name, data) in [
            ("serviceaccounts", "default", None),
            (
                "configmaps",
                "kube-root-ca.crt",
                Some(json!({"ca.crt": "(the demo's pods call no API server)\n"})),
            ),
        ] {
            let own = Key::new(resource, &key.name, name);
            let Some(resource) = resources::ALL.iter().find(|r| r.plural == resource) else { continue };
            if objects.get(&own).is_none() {
                let mut object = blank(resource, &key.name, name);
                if let Some(data) = data {
                    object["data"] = data;
                }
                let _ = objects.create(own, object);
            }
        }
    }
}

fn blank(resource: &Resource, namespace: &str, name: &str) -> Value {
    json!({"apiVersion": resource.api_version(), "kind": resource.kind,
        "metadata": {"name": name, "namespace": namespace}})
}

fn owner_reference(owner: &Value) -> Value {
    json!([{"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true}])
}

fn is_owned_by(object: &Value, owner: &Value) -> bool {
    let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners.into_iter().any(|reference| reference["uid"] == owner["metadata"]["uid"])
}

/// A short name for a template: the same template, the same name. FNV-1a in the letters of generated names.
fn template_hash(template: &Value) -> String {
    let mut sorted = template.clone();
    sorted.sort_all_objects();
    let text = sorted.to_string();
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let letters = b"bcdfghjklmnpqrstvwxz2456789";
    (0..10).map(|n| letters[(hash >> (n * 6)) as usize % letters.len()] as char).collect()
}

fn settle_deployment(objects: &mut Objects, key: &Key, deployment: &Value) {
    if deployment["spec"]["paused"] == true {
        return;
    }
    let hash = template_hash(&deployment["spec"]["template"]);
    let name = format!("{}-{hash}", key.name);
    let current = Key::new("replicasets", &key.namespace, &name);
    let sets: Vec<_> = objects
        .list("replicasets", &key.namespace)
        .filter(|(_, set)| is_owned_by(set, deployment))
        .map(|(key, set)| (key.clone(), (**set).clone()))
        .collect();
    let revision = |set: &Value| -> u64 {
        set["metadata"]["annotations"][REVISION].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    let newest = sets.iter().map(|(_, set)| revision(set)).max().unwrap_or(0);
    let mine = sets.iter().find(|(key, _)| *key == current).map_or(0, |(_, set)| revision(set));
    let number = if mine == newest && mine > 0 { mine } else { newest + 1 };
    for (key, mut set) in sets.into_iter().filter(|(key, _)| *key != current) {
        set["spec"]["replicas"] = 0.into();
        save(objects, &key, set);
    }
    let mut set = match objects.get(&current) {
        Some(set) => (**set).clone(),
        None => new_replica_set(key, deployment, &name, &hash),
    };
    set["spec"]["replicas"] = deployment["spec"]["replicas"].clone();
    set["metadata"]["annotations"][REVISION] = number.to_string().into();
    if objects.get(&current).is_some() {
        save(objects, &current, set);
    } else {
        let _ = objects.create(current, set);
    }
    let mut deployment = deployment.clone();
    if !deployment["metadata"]["annotations"].is_object() {
        deployment["metadata"]["annotations"] = json!({});
    }
    deployment["metadata"]["annotations"][REVISION] = number.to_string().into();
    save(objects, key, deployment);
}

fn new_replica_set(key: &Key, deployment: &Value, name: &str, hash: &str) -> Value {
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"][HASH_LABEL] = hash.into();
    let mut selector = deployment["spec"]["selector"].clone();
    if !selector["matchLabels"].is_object() {
        selector["matchLabels"] = json!({});
    }
    selector["matchLabels"][HASH_LABEL] = hash.into();
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": key.namespace, "labels": template["metadata"]["labels"],
            "annotations": {}, "ownerReferences": owner_reference(deployment)},
        "spec": {"replicas": 0, "selector": selector, "template": template},
    })
}

fn settle_replicas(objects: &mut Objects, key: &Key, set: &Value) {
    let selector = Selector::from_label_selector(&set["spec"]["selector"]);
    let mut pods: Vec<Key> = objects
        .list("pods", &key.namespace)
        .filter(|(_, pod)| is_owned_by(pod, set) && selector.matches(pod))
        .map(|(key, _)| key.clone())
        .collect();
    let wanted = usize::try_from(set["spec"]["replicas"].as_u64().unwrap_or(0)).unwrap_or(0).min(500);
    while pods.len() > wanted {
        if let Some(extra) = pods.pop() {
            let _ = objects.delete(&extra);
        }
    }
    while pods.len() < wanted {
        let pod_key = Key::new("pods", &key.namespace, &format!("{}-{}", key.name, suffix()));
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": set["spec"]["template"]["metadata"],
            "spec": set["spec"]["template"]["spec"]});
        if !pod["metadata"].is_object() {
            pod["metadata"] = json!({});
        }
        pod["metadata"]["name"] = pod_key.name.clone().into();
        pod["metadata"]["generateName"] = format!("{}-", key.name).into();
        pod["metadata"]["namespace"] = key.namespace.clone().into();
        pod["metadata"]["ownerReferences"] = owner_reference(set);
        pod["status"] = json!({"phase": "Pending", "qosClass": "BestEffort"});
        if objects.create(pod_key.clone(), pod).is_ok() {
            pods.push(pod_key);
        }
    }
    let mut set = set.clone();
    let mut status = json!({"replicas": wanted, "observedGeneration": set["metadata"]["generation"]});
    if wanted > 0 {
        for field in ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] {
            status[field] = wanted.into();
        }
    }
    set["status"] = status;
    save(objects, key, set);
}

fn report_deployment(objects: &mut Objects, key: &Key, deployment: &Value) {
    let ready: u64 = objects
        .list("replicasets", &key.namespace)
        .filter(|(_, set)| is_owned_by(set, deployment))
        .filter_map(|(_, set)| set["status"]["readyReplicas"].as_u64())
        .sum();
    let since = match deployment["status"]["conditions"][0]["lastTransitionTime"].as_str() {
        Some(time) => time.to_owned(),
        None => now_text(),
    };
    let condition = |kind: &str, reason: &str, message: String| {
        json!({"type": kind, "status": "True", "reason": reason, "message": message,
            "lastUpdateTime": since, "lastTransitionTime": since})
    };
    let hash = template_hash(&deployment["spec"]["template"]);
    let done = format!("ReplicaSet \"{}-{hash}\" has successfully progressed.", key.name);
    let mut deployment = deployment.clone();
    let mut status = json!({
        "observedGeneration": deployment["metadata"]["generation"],
        "conditions": [
            condition("Available", "MinimumReplicasAvailable", "Deployment has minimum availability.".into()),
            condition("Progressing", "NewReplicaSetAvailable", done),
        ],
    });
    if ready > 0 {
        for field in ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
            status[field] = ready.into();
        }
    }
    deployment["status"] = status;
    save(objects, key, deployment);
}

/// A pod that is pending starts to run, with an address and each container ready.
fn run_pod(objects: &mut Objects, key: &Key, pod: &Value) {
    let running = pod["status"]["phase"].as_str().is_some_and(|phase| phase != "Pending");
    let ephemeral = pod["spec"]["ephemeralContainers"].as_array().map_or(0, Vec::len);
    let reported = pod["status"]["ephemeralContainerStatuses"].as_array().map_or(0, Vec::len);
    if running && ephemeral == reported {
        return;
    }
    let now = now_text();
    let statuses = |list: &str| -> Vec<Value> {
        let containers = pod["spec"][list].as_array().into_iter().flatten();
        containers
            .map(|container| {
                json!({"name": container["name"], "image": container["image"],
                    "imageID": format!("demo://{}", container["image"].as_str().unwrap_or("")),
                    "containerID": format!("demo://{}", uuid::Uuid::new_v4().simple()),
                    "ready": true, "started": true, "restartCount": 0, "lastState": {},
                    "state": {"running": {"startedAt": now}}})
            })
            .collect()
    };
    let mut pod = pod.clone();
    if !running {
        let version = objects.version();
        let address = format!("10.244.{}.{}", version / 254 % 256, version % 254 + 1);
        let conditions: Vec<_> = ["Initialized", "Ready", "ContainersReady", "PodScheduled"]
            .iter()
            .map(|kind| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": now}))
            .collect();
        if pod["spec"]["nodeName"].as_str().unwrap_or("").is_empty() {
            pod["spec"]["nodeName"] = NODE.into();
        }
        if pod["spec"]["serviceAccountName"].as_str().unwrap_or("").is_empty() {
            pod["spec"]["serviceAccountName"] = "default".into();
        }
        pod["status"] = json!({"phase": "Running", "conditions": conditions, "hostIP": "192.0.2.11",
            "podIP": address, "podIPs": [{"ip": address}], "startTime": now, "qosClass": "BestEffort",
            "containerStatuses": statuses("containers")});
    }
    if ephemeral > 0 {
        let mut all = pod["status"]["ephemeralContainerStatuses"].as_array().cloned().unwrap_or_default();
        // Those that were there before may have ended.
        all.extend(statuses("ephemeralContainers").into_iter().skip(all.len()));
        pod["status"]["ephemeralContainerStatuses"] = all.into();
    }
    save(objects, key, pod);
}

/// An ephemeral container's process has ended: its status says how.
pub(crate) fn end_ephemeral(store: &Store, key: &Key, container: &str, code: i32) {
    // Nobody asks about a pod that is gone.
    let _: Result<(), ()> = store.write(false, |objects| {
        let mut pod = (**objects.get(key).ok_or(())?).clone();
        let mut all = pod["status"]["ephemeralContainerStatuses"].as_array_mut().ok_or(())?.iter_mut();
        let status = all.find(|status| status["name"] == container).ok_or(())?;
        let started = status["state"]["running"]["startedAt"].clone();
        let reason = if code == 0 { "Completed" } else { "Error" };
        status["ready"] = false.into();
        status["state"] = json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": started,
            "finishedAt": now_text(), "containerID": status["containerID"]}});
        save(objects, key, pod);
        Ok(())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(replicas: u64, image: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "d"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": image}]}}}})
    }

    fn pods(objects: &Objects) -> Vec<Value> {
        objects.list("pods", "d").map(|(_, pod)| (**pod).clone()).collect()
    }

    #[test]
    fn a_deployment_scales_rolls_and_goes_with_all_it_owns() {
        let mut all = Objects::default();
        all.create(Key::new("namespaces", "", "d"), json!({"metadata": {"name": "d"}})).unwrap();
        let key = Key::new("deployments", "d", "web");
        all.create(key.clone(), deployment(3, "x:1")).unwrap();
        settle(&mut all);
        assert_eq!(pods(&all).len(), 3);
        assert!(
            pods(&all)
                .iter()
                .all(|pod| pod["status"]["phase"] == "Running" && pod["status"]["podIP"].is_string())
        );
        let status = &all.get(&key).unwrap()["status"];
        assert_eq!((&status["readyReplicas"], &status["observedGeneration"]), (&json!(3), &json!(1)));
        let calm = all.version();
        settle(&mut all);
        assert_eq!(all.version(), calm, "what is settled stays as it is");

        all.replace(&key, None, deployment(1, "x:2")).unwrap();
        settle(&mut all);
        assert_eq!(pods(&all).len(), 1);
        assert_eq!(pods(&all)[0]["spec"]["containers"][0]["image"], "x:2");
        assert_eq!(all.list("replicasets", "d").count(), 2);
        assert_eq!(all.get(&key).unwrap()["metadata"]["annotations"][REVISION], "2");

        all.replace(&key, None, deployment(1, "x:1")).unwrap();
        settle(&mut all);
        assert_eq!(
            all.get(&key).unwrap()["metadata"]["annotations"][REVISION],
            "3",
            "back to the first template"
        );

        all.delete(&key).unwrap();
        settle(&mut all);
        assert_eq!(all.list("replicasets", "d").count() + pods(&all).len(), 0);
        all.delete(&Key::new("namespaces", "", "d")).unwrap();
        settle(&mut all);
        assert_eq!(all.everything().count(), 0);
    }
}
