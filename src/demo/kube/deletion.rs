//! Deleting one object or many, and what hangs on them.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::api::{Call, list_of};
use super::respond::{self, Body, Shape};
use super::selectors::Selector;
use super::status::ApiError;
use super::store::{Key, Objects};
use super::{controllers, resources};

/// Namespaces that stay.
const KEPT: &[&str] = &["default", "kube-system"];

/// Answers `delete` and `deletecollection`.
pub(crate) fn delete(call: &Call, body: &Bytes) -> Result<Response<Body>, ApiError> {
    let options = if body.is_empty() { json!({}) } else { respond::decode(&call.headers, body)? };
    let dry_run = call.dry_run()? || options["dryRun"][0] == "All";
    if call.info.verb == "delete" {
        let gone = call.cluster.store.write(dry_run, |all| {
            let gone = delete_one(all, call, &call.key(), &options)?;
            controllers::settle(all);
            Ok::<_, ApiError>(gone)
        })?;
        return Ok(respond::json(StatusCode::OK, &outcome(call, &gone)));
    }
    let text = |name: &str| call.query.get(name).unwrap_or("");
    let selector = Selector::parse(call.resource, text("labelSelector"), text("fieldSelector"))?;
    let (version, gone) = call.cluster.store.write(dry_run, |all| {
        let chosen = all.list(call.resource.plural, &call.info.namespace);
        let keys: Vec<Key> =
            chosen.filter(|(_, object)| selector.matches(object)).map(|(key, _)| key.clone()).collect();
        let gone =
            keys.iter().map(|key| delete_one(all, call, key, &options)).collect::<Result<Vec<_>, _>>()?;
        controllers::settle(all);
        Ok::<_, ApiError>((all.version(), gone))
    })?;
    let metadata = json!({"resourceVersion": version.to_string()});
    let list = list_of(call.resource, Shape::Object, metadata, gone.iter().map(|object| &**object));
    Ok(respond::json(StatusCode::OK, &list))
}

fn delete_one(all: &mut Objects, call: &Call, key: &Key, options: &Value) -> Result<Arc<Value>, ApiError> {
    let resource = call.resource;
    let object = all.get(key).cloned().ok_or_else(|| ApiError::not_found(resource, &key.name))?;
    if resource.kind == "Namespace" && KEPT.contains(&key.name.as_str()) {
        return Err(ApiError::forbidden("", "namespaces", &key.name, "this namespace may not be deleted"));
    }
    for (field, label) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let wanted = options["preconditions"][field].as_str().unwrap_or("");
        let found = object["metadata"][field].as_str().unwrap_or("");
        if !wanted.is_empty() && wanted != found {
            let why = format!(
                "Precondition failed: {label} in precondition: {wanted}, {label} in object meta: {found}"
            );
            return Err(ApiError::conflict_because(resource, &key.name, &why));
        }
    }
    if options["propagationPolicy"] == "Orphan" || call.query.get("propagationPolicy") == Some("Orphan") {
        orphan(all, &object);
    }
    all.delete(key).map_err(|_| ApiError::not_found(resource, &key.name))
}

/// Lets what the object owns outlive it.
fn orphan(all: &mut Objects, owner: &Value) {
    let uid = &owner["metadata"]["uid"];
    let owned: Vec<(Key, Value)> = all
        .everything()
        .filter(|(_, object)| {
            object["metadata"]["ownerReferences"].as_array().into_iter().flatten().any(|r| r["uid"] == *uid)
        })
        .map(|(key, object)| (key.clone(), (**object).clone()))
        .collect();
    for (key, mut object) in owned {
        if let Some(references) = object["metadata"]["ownerReferences"].as_array_mut() {
            references.retain(|reference| reference["uid"] != *uid);
        }
        let _ = all.replace(&key, None, object);
    }
}

/// Pods answer with themselves (they take their time in a real cluster), the others with a `Status`.
fn outcome(call: &Call, gone: &Value) -> Value {
    if call.resource.kind == "Pod" {
        let mut pod = gone.clone();
        pod["metadata"]["deletionTimestamp"] = super::store::now_text().into();
        pod["metadata"]["deletionGracePeriodSeconds"] = 0.into();
        return pod;
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {"name": gone["metadata"]["name"], "group": call.resource.group, "kind": call.resource.plural,
            "uid": gone["metadata"]["uid"]}})
}

/// `pods/eviction`: deletes the pod.
pub(crate) fn evict(call: &Call) -> Result<Response<Body>, ApiError> {
    let pods = resources::find("", "v1", "pods").ok_or_else(ApiError::no_such_resource)?;
    call.cluster.store.write(call.dry_run()?, |all| {
        all.delete(&call.key()).map_err(|_| ApiError::not_found(pods, &call.info.name))?;
        controllers::settle(all);
        Ok::<_, ApiError>(())
    })?;
    let status =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    Ok(respond::json(StatusCode::CREATED, &status))
}
