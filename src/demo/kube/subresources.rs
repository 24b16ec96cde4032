//! Subresources: `status`, `scale`, `log`, `exec`, `attach`, `portforward`, `proxy` and the others of the table.

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::admission::{self, FieldValidation};
use super::api::{self, Call};
use super::patch::PatchKind;
use super::rbac::{self, Attributes};
use super::remote;
use super::respond::{self, Body};
use super::status::ApiError;
use super::{controllers, deletion, logs, streaming};

/// Answers a request for a subresource.
pub(crate) async fn handle(call: Call, request: Request<Incoming>) -> Result<Response<Body>, ApiError> {
    let name = call.info.subresource.clone();
    let sub = call.resource.subresource(&name).ok_or_else(ApiError::no_such_resource)?;
    if !sub.verbs.contains(&call.info.verb.as_str()) {
        return Err(ApiError::method_not_allowed());
    }
    match name.as_str() {
        "log" => {
            let pod = call.object()?;
            let container = logs::container(&pod, call.query.get("container"))?;
            let running = call.cluster.pod(&pod)?;
            let closing = call.cluster.closing.subscribe();
            logs::serve(running.log(&container), closing, &call.info.name, &container, &call.query)
        }
        "exec" | "attach" | "portforward" => {
            require_create(&call)?;
            let target = streaming::target(&call)?;
            Ok(remote::serve(request, target).map(|body| body.map_err(|never| match never {}).boxed_unsync()))
        }
        "proxy" => streaming::proxy(&call),
        "eviction" => deletion::evict(&call),
        "finalize" => call.one(StatusCode::OK, &*call.object()?, &[]),
        "scale" => scale(&call, request.into_body()).await,
        "ephemeralcontainers" => part(&call, request.into_body(), &["spec", "ephemeralContainers"]).await,
        _ => part(&call, request.into_body(), &["status"]).await,
    }
}

/// A WebSocket upgrade is a GET, and `get` opens no shell: such a request needs `create` too (as since Kubernetes 1.35).
fn require_create(call: &Call) -> Result<(), ApiError> {
    let mut wanted = Attributes::of(&call.info);
    wanted.verb = "create".into();
    call.cluster.store.read(|all| rbac::require(all, &call.user, &wanted))
}

/// The part of an object that a subresource is about; the rest stays as it is.
async fn part(call: &Call, body: Incoming, path: &[&str]) -> Result<Response<Body>, ApiError> {
    if call.info.verb == "get" {
        return call.one(StatusCode::OK, &*call.object()?, &[]);
    }
    let body = respond::read(body).await?;
    let saved = call.cluster.store.write(call.dry_run()?, |all| {
        let old = all.get(&call.key()).cloned();
        let old = old.ok_or_else(|| ApiError::not_found(call.resource, &call.info.name))?;
        let sent = if call.info.verb == "patch" {
            let kind = PatchKind::of(&call.headers)?;
            kind.apply(call.resource.kind, &old, &kind.decode(&body)?)?
        } else {
            respond::decode(&call.headers, &body)?
        };
        admission::check_form(call.resource, call.resource.kind, &sent, FieldValidation::Ignore)?;
        let mut new = (*old).clone();
        new["metadata"]["resourceVersion"] = sent["metadata"]["resourceVersion"].clone();
        let pointer = format!("/{}", path.join("/"));
        let value = sent.pointer(&pointer).cloned().unwrap_or(Value::Null);
        match path {
            [field] => new[*field] = value,
            [outer, inner] => new[*outer][*inner] = value,
            _ => {}
        }
        let saved = api::put(all, call, new)?;
        controllers::settle(all);
        Ok::<_, ApiError>(saved)
    })?;
    call.one(StatusCode::OK, &saved, &[])
}

/// `autoscaling/v1` `Scale` of a deployment or a replica set.
async fn scale(call: &Call, body: Incoming) -> Result<Response<Body>, ApiError> {
    if call.info.verb == "get" {
        return Ok(respond::json(StatusCode::OK, &scale_of(&*call.object()?)));
    }
    let body = respond::read(body).await?;
    let saved = call.cluster.store.write(call.dry_run()?, |all| {
        let old = all.get(&call.key()).cloned();
        let old = old.ok_or_else(|| ApiError::not_found(call.resource, &call.info.name))?;
        let sent = if call.info.verb == "patch" {
            let kind = PatchKind::of(&call.headers)?;
            kind.apply("Scale", &scale_of(&old), &kind.decode(&body)?)?
        } else {
            respond::decode(&call.headers, &body)?
        };
        let replicas = sent["spec"]["replicas"].as_u64().unwrap_or(0);
        let mut new = (*old).clone();
        new["metadata"]["resourceVersion"] = sent["metadata"]["resourceVersion"].clone();
        new["spec"]["replicas"] = replicas.into();
        let saved = api::put(all, call, new)?;
        controllers::settle(all);
        Ok::<_, ApiError>(saved)
    })?;
    Ok(respond::json(StatusCode::OK, &scale_of(&saved)))
}

fn scale_of(object: &Value) -> Value {
    let labels = object["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
    let selector: Vec<_> =
        labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or(""))).collect();
    let metadata = &object["metadata"];
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"], "creationTimestamp": metadata["creationTimestamp"]},
        "spec": {"replicas": object["spec"]["replicas"]},
        "status": {"replicas": object["status"]["replicas"].as_u64().unwrap_or(0), "selector": selector.join(",")}})
}
