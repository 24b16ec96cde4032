//! Which pods stand behind each service: `Endpoints`, and `EndpointSlice` for newer readers.

use serde_json::{Value, json};

use super::selectors::Selector;
use super::store::{Key, Objects};

/// Makes both for each service with a selector.
pub(crate) fn settle(objects: &mut Objects) {
    let services: Vec<_> = objects
        .list("services", "")
        .filter(|(_, service)| {
            service["spec"]["selector"].as_object().is_some_and(|labels| !labels.is_empty())
        })
        .map(|(key, service)| (key.clone(), service.clone()))
        .collect();
    for (key, service) in services {
        let selector = Selector::from_label_selector(&json!({"matchLabels": service["spec"]["selector"]}));
        let pods: Vec<Value> = objects
            .list("pods", &key.namespace)
            .filter(|(_, pod)| selector.matches(pod))
            .map(|(_, pod)| (**pod).clone())
            .collect();
        let owner = json!([{"apiVersion": "v1", "kind": "Service", "name": key.name,
            "uid": service["metadata"]["uid"], "controller": true}]);
        let metadata = json!({"name": key.name, "namespace": key.namespace, "ownerReferences": owner,
            "labels": {"kubernetes.io/service-name": key.name}});
        let ports = ports(&service, pods.first());
        let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata,
            "addressType": "IPv4", "endpoints": pods.iter().map(endpoint).collect::<Vec<_>>(), "ports": ports});
        let mut endpoints = json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata});
        if !pods.is_empty() {
            let addresses: Vec<_> = pods.iter().map(address).collect();
            endpoints["subsets"] = json!([{"addresses": addresses, "ports": ports}]);
        }
        put(objects, &Key::new("endpoints", &key.namespace, &key.name), endpoints);
        put(objects, &Key::new("endpointslices", &key.namespace, &key.name), slice);
    }
}

fn put(objects: &mut Objects, key: &Key, object: Value) {
    // The service is there, so neither can be missing or in the way for longer than this breath.
    let _ = match objects.get(key) {
        Some(_) => objects.replace(key, None, object),
        None => objects.create(key.clone(), object),
    };
}

fn reference(pod: &Value) -> Value {
    let metadata = &pod["metadata"];
    json!({"kind": "Pod", "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]})
}

fn address(pod: &Value) -> Value {
    json!({"ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": reference(pod)})
}

fn endpoint(pod: &Value) -> Value {
    json!({"addresses": [pod["status"]["podIP"]], "nodeName": pod["spec"]["nodeName"], "targetRef": reference(pod),
        "conditions": {"ready": true, "serving": true, "terminating": false}})
}

/// The service's ports as the pods number them.
fn ports(service: &Value, pod: Option<&Value>) -> Value {
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    let ports = ports.map(|port| {
        let number = match &port["targetPort"] {
            Value::String(name) => {
                pod.and_then(|pod| named_port(pod, name)).unwrap_or_else(|| port["port"].clone())
            }
            number => number.clone(),
        };
        json!({"name": port["name"].as_str().unwrap_or(""), "port": number, "protocol": port["protocol"]})
    });
    ports.collect::<Vec<_>>().into()
}

fn named_port(pod: &Value, name: &str) -> Option<Value> {
    let containers = pod["spec"]["containers"].as_array()?;
    let mut ports =
        containers.iter().flat_map(|container| container["ports"].as_array().into_iter().flatten());
    ports.find(|port| port["name"] == name).map(|port| port["containerPort"].clone())
}

#[cfg(test)]
mod tests {
    use super::super::{seed, store::Store};
    use super::*;

    #[test]
    fn a_service_points_to_its_pods() {
        let store = Store::new();
        seed::plant(&store).unwrap();
        store.read(|all| {
            let endpoints = all.get(&Key::new("endpoints", "default", "web")).unwrap();
            assert_eq!(endpoints["subsets"][0]["addresses"].as_array().unwrap().len(), 2);
            assert_eq!(endpoints["subsets"][0]["ports"][0]["port"], 8080);
            let slice = all.get(&Key::new("endpointslices", "default", "web")).unwrap();
            assert_eq!(slice["endpoints"].as_array().unwrap().len(), 2);
        });
    }
}
