//! The objects that are there when the demo starts (`seed.yaml`).

use serde_json::{Value, json};

use super::resources::{self, Resource};
use super::status::ApiError;
use super::store::{Key, Objects, Store};
use super::{admission, controllers};

/// Puts the first objects into an empty store.
pub(crate) fn plant(store: &Store) -> Result<(), ApiError> {
    let documents: Vec<Value> = serde_yaml::from_multiple(include_str!("seed.yaml"))
        .map_err(|error| ApiError::internal(format!("seed.yaml: {error}")))?;
    store.write(false, |objects| {
        documents.into_iter().try_for_each(|document| add(objects, document))?;
        controllers::settle(objects);
        Ok(())
    })
}

/// Adds a namespace, unless it is there.
pub(crate) fn namespace(store: &Store, name: &str) -> Result<(), ApiError> {
    store.write(false, |objects| {
        if objects.get(&Key::new("namespaces", "", name)).is_none() {
            add(objects, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))?;
            controllers::settle(objects);
        }
        Ok(())
    })
}

/// Adds one object as if it had been created.
fn add(objects: &mut Objects, mut object: Value) -> Result<(), ApiError> {
    let resource = resource_of(&object)?;
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or("").to_owned();
    let key = admission::prepare_create(objects, resource, &namespace, &mut object)?;
    let name = key.name.clone();
    objects.create(key, object).map_err(|_| ApiError::already_exists(resource, &name))?;
    Ok(())
}

fn resource_of(object: &Value) -> Result<&'static Resource, ApiError> {
    let version = object["apiVersion"].as_str().unwrap_or("");
    let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
    let kind = object["kind"].as_str().unwrap_or("");
    resources::find_kind(group, version, kind)
        .ok_or_else(|| ApiError::internal(format!("seed.yaml: no resource of kind {kind}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_grows() {
        let store = Store::new();
        plant(&store).unwrap();
        store.read(|all| {
            assert!(all.list("pods", "").count() >= 5);
            assert!(all.list("pods", "").all(|(_, pod)| pod["status"]["phase"] == "Running"));
            assert!(all.get(&Key::new("clusterroles", "", "guest-role")).is_none());
            assert!(all.get(&Key::new("serviceaccounts", "demo", "default")).is_some());
            assert_eq!(
                all.get(&Key::new("services", "default", "kubernetes")).unwrap()["spec"]["clusterIP"],
                "10.96.0.1"
            );
        });
    }
}
