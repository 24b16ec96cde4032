//! Objects over HTTP: get, list, watch, create, update, patch, delete.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::admission::{self, FieldValidation};
use super::identity::User;
use super::patch::PatchKind;
use super::request::{Query, RequestInfo};
use super::resources::{self, Resource};
use super::respond::{self, Body, Shape};
use super::selectors::Selector;
use super::status::ApiError;
use super::store::{Key, Objects, WriteError};
use super::watch::{self, Watched};
use super::{Cluster, controllers, deletion, rbac, reviews, table};

/// One request for a resource, parsed and allowed.
pub(crate) struct Call {
    /// The cluster.
    pub(crate) cluster: Arc<Cluster>,
    /// Who asks.
    pub(crate) user: User,
    /// For what.
    pub(crate) info: RequestInfo,
    /// With which parameters.
    pub(crate) query: Query,
    /// With which headers.
    pub(crate) headers: HeaderMap,
    /// The resource.
    pub(crate) resource: &'static Resource,
}

impl Call {
    /// Where the named object lies.
    pub(crate) fn key(&self) -> Key {
        let namespace = if self.resource.namespaced { self.info.namespace.as_str() } else { "" };
        Key::new(self.resource.plural, namespace, &self.info.name)
    }

    /// The named object.
    pub(crate) fn object(&self) -> Result<Arc<Value>, ApiError> {
        let object = self.cluster.store.read(|all| all.get(&self.key()).cloned());
        object.ok_or_else(|| ApiError::not_found(self.resource, &self.info.name))
    }

    /// Whether nothing is to be kept.
    pub(crate) fn dry_run(&self) -> Result<bool, ApiError> {
        match self.query.get("dryRun") {
            None | Some("") => Ok(false),
            Some("All") => Ok(true),
            Some(other) => Err(ApiError::bad_request(format!(
                "dryRun: Unsupported value: {other:?}: supported values: \"All\""
            ))),
        }
    }

    fn shape(&self) -> Result<Shape, ApiError> {
        Shape::accepted(&self.headers, &self.query)
    }

    fn selector(&self) -> Result<Selector, ApiError> {
        let text = |name: &str| self.query.get(name).unwrap_or("");
        Selector::parse(self.resource, text("labelSelector"), text("fieldSelector"))
    }

    /// Answers with one object.
    pub(crate) fn one(
        &self,
        code: StatusCode,
        object: &Value,
        warnings: &[String],
    ) -> Result<Response<Body>, ApiError> {
        let value = match self.shape()? {
            Shape::Object => object.clone(),
            Shape::PartialMetadata => respond::partial(object),
            Shape::Table(version, include) => {
                let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
                table::table(self.resource, version, include, metadata, std::iter::once(object))
            }
        };
        let mut response = respond::json(code, &value);
        for warning in warnings {
            let quoted = format!("299 - {warning:?}");
            if let Ok(value) = HeaderValue::from_str(&quoted) {
                response.headers_mut().append(header::WARNING, value);
            }
        }
        Ok(response)
    }
}

/// Answers a request for objects; subresources are answered elsewhere.
pub(crate) async fn handle(call: Call, body: hyper::body::Incoming) -> Result<Response<Body>, ApiError> {
    let verb = call.info.verb.as_str();
    if !call.resource.verbs.contains(&verb) {
        return Err(ApiError::method_not_allowed());
    }
    let in_namespace = !call.info.namespace.is_empty();
    let across = matches!(verb, "list" | "watch" | "deletecollection");
    if call.resource.namespaced && !in_namespace && !across {
        return Err(ApiError::method_not_allowed());
    }
    if !call.resource.namespaced && in_namespace && call.resource.kind != "Namespace" {
        return Err(ApiError::no_such_resource());
    }
    match verb {
        "get" => call.one(StatusCode::OK, &*call.object()?, &[]),
        "list" => list(&call),
        "watch" => {
            let watched = Watched {
                resource: call.resource,
                namespace: call.info.namespace.clone(),
                selector: call.selector()?,
                shape: call.shape()?,
            };
            watch::start(&call.cluster.store, call.cluster.closing.subscribe(), watched, &call.query)
        }
        "create" => create(&call, &respond::read(body).await?),
        "update" => update(&call, &respond::read(body).await?),
        "patch" => patch(&call, &respond::read(body).await?),
        _ => deletion::delete(&call, &respond::read(body).await?),
    }
}

fn list(call: &Call) -> Result<Response<Body>, ApiError> {
    let (selector, shape) = (call.selector()?, call.shape()?);
    let limit = match call.query.number("limit")? {
        Some(limit) if limit > 0 => usize::try_from(limit).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    let after =
        call.query.get("continue").filter(|token| !token.is_empty()).map(read_continue).transpose()?;
    let namespace = if call.resource.namespaced { call.info.namespace.as_str() } else { "" };
    let (version, objects) = call.cluster.store.read(|all| {
        let objects = all.list(call.resource.plural, namespace).filter(|(key, object)| {
            after.as_ref().is_none_or(|(ns, name)| (&key.namespace, &key.name) > (ns, name))
                && selector.matches(object)
        });
        (all.version(), objects.map(|(_, object)| object.clone()).collect::<Vec<_>>())
    });
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if objects.len() > limit
        && let Some(last) = limit.checked_sub(1).and_then(|at| objects.get(at))
    {
        metadata["continue"] = write_continue(last).into();
        metadata["remainingItemCount"] = (objects.len() - limit).into();
    }
    let page = objects.iter().take(limit).map(|object| &**object);
    Ok(respond::json(StatusCode::OK, &list_of(call.resource, shape, metadata, page)))
}

/// A list of objects in the form that the client wants.
pub(crate) fn list_of<'a>(
    resource: &Resource,
    shape: Shape,
    metadata: Value,
    objects: impl Iterator<Item = &'a Value>,
) -> Value {
    match shape {
        Shape::Table(version, include) => table::table(resource, version, include, metadata, objects),
        Shape::PartialMetadata => json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata, "items": objects.map(respond::partial).collect::<Vec<_>>()}),
        Shape::Object => {
            json!({"kind": format!("{}List", resource.kind), "apiVersion": resource.api_version(),
            "metadata": metadata, "items": objects.collect::<Vec<_>>()})
        }
    }
}

fn write_continue(last: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json!([last["metadata"]["namespace"], last["metadata"]["name"]]).to_string())
}

fn read_continue(token: &str) -> Result<(String, String), ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let place = bytes.and_then(|bytes| serde_json::from_slice::<(Option<String>, String)>(&bytes).ok());
    let (namespace, name) =
        place.ok_or_else(|| ApiError::bad_request(format!("continue key is not valid: {token}")))?;
    Ok((namespace.unwrap_or_default(), name))
}

fn create(call: &Call, body: &Bytes) -> Result<Response<Body>, ApiError> {
    let mut object = respond::decode(&call.headers, body)?;
    let namespace = call.key().namespace;
    if !call.resource.is_stored() {
        let review = call
            .cluster
            .store
            .read(|all| reviews::answer(all, &call.user, call.resource, &namespace, object))?;
        return Ok(respond::json(StatusCode::CREATED, &review));
    }
    let validation = FieldValidation::parse(call.query.get("fieldValidation"))?;
    let warnings = admission::check_form(call.resource, call.resource.kind, &object, validation)?;
    let created = call.cluster.store.write(call.dry_run()?, |all| {
        let created = add(all, call, &namespace, &mut object)?;
        controllers::settle(all);
        Ok::<_, ApiError>(created)
    })?;
    call.one(StatusCode::CREATED, &created, &warnings)
}

fn add(all: &mut Objects, call: &Call, namespace: &str, object: &mut Value) -> Result<Arc<Value>, ApiError> {
    if call.resource.subresource("status").is_some()
        && let Some(map) = object.as_object_mut()
    {
        map.shift_remove("status");
    }
    let key = admission::prepare_create(all, call.resource, namespace, object)?;
    rbac::check_grant(all, &call.user, call.resource, namespace, object)?;
    let name = key.name.clone();
    all.create(key, object.clone()).map_err(|_| ApiError::already_exists(call.resource, &name))
}

fn update(call: &Call, body: &Bytes) -> Result<Response<Body>, ApiError> {
    let object = respond::decode(&call.headers, body)?;
    let validation = FieldValidation::parse(call.query.get("fieldValidation"))?;
    let warnings = admission::check_form(call.resource, call.resource.kind, &object, validation)?;
    let saved = call.cluster.store.write(call.dry_run()?, |all| {
        let old = all.get(&call.key()).cloned();
        let old = old.ok_or_else(|| ApiError::not_found(call.resource, &call.info.name))?;
        let saved = save(all, call, &old, object)?;
        controllers::settle(all);
        Ok::<_, ApiError>(saved)
    })?;
    call.one(StatusCode::OK, &saved, &warnings)
}

/// Writes a new state of the named object over its old one; its status stays.
pub(crate) fn save(
    all: &mut Objects,
    call: &Call,
    old: &Value,
    mut object: Value,
) -> Result<Arc<Value>, ApiError> {
    if call.resource.subresource("status").is_some() {
        match old.get("status") {
            Some(status) => object["status"] = status.clone(),
            None => drop(object.as_object_mut().and_then(|map| map.shift_remove("status"))),
        }
    }
    let key = call.key();
    admission::prepare_update(all, call.resource, &key, old, &mut object)?;
    if object.get("rules") != old.get("rules") || object.get("subjects") != old.get("subjects") {
        rbac::check_grant(all, &call.user, call.resource, &key.namespace, &object)?;
    }
    put(all, call, object)
}

/// Writes a new state of the named object, if the version that it names (if any) is still the present one.
pub(crate) fn put(all: &mut Objects, call: &Call, object: Value) -> Result<Arc<Value>, ApiError> {
    let expected =
        object["metadata"]["resourceVersion"].as_str().filter(|v| !v.is_empty()).map(str::to_owned);
    all.replace(&call.key(), expected.as_deref(), object).map_err(|error| match error {
        WriteError::Missing => ApiError::not_found(call.resource, &call.info.name),
        _ => ApiError::conflict(call.resource, &call.info.name),
    })
}

fn patch(call: &Call, body: &Bytes) -> Result<Response<Body>, ApiError> {
    let kind = PatchKind::of(&call.headers)?;
    let patch = kind.decode(body)?;
    if kind == PatchKind::Apply && call.query.get("fieldManager").unwrap_or("").is_empty() {
        return Err(ApiError::bad_request(
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        ));
    }
    let validation = FieldValidation::parse(call.query.get("fieldValidation"))?;
    let mut warnings = Vec::new();
    let mut code = StatusCode::OK;
    let saved = call.cluster.store.write(call.dry_run()?, |all| {
        let saved = match all.get(&call.key()).cloned() {
            Some(old) => {
                let new = kind.apply(call.resource.kind, &old, &patch)?;
                warnings = admission::check_form(call.resource, call.resource.kind, &new, validation)?;
                save(all, call, &old, new)?
            }
            None if kind == PatchKind::Apply => {
                code = StatusCode::CREATED;
                let mut wanted = rbac::Attributes::of(&call.info);
                wanted.verb = "create".into();
                rbac::require(all, &call.user, &wanted)?;
                let mut object = kind.apply(call.resource.kind, &json!({}), &patch)?;
                warnings = admission::check_form(call.resource, call.resource.kind, &object, validation)?;
                add(all, call, &call.key().namespace, &mut object)?
            }
            None => return Err(ApiError::not_found(call.resource, &call.info.name)),
        };
        controllers::settle(all);
        Ok(saved)
    })?;
    call.one(code, &saved, &warnings)
}

/// The resource that a request names, in its group and version.
pub(crate) fn resource_of(info: &RequestInfo) -> Result<&'static Resource, ApiError> {
    resources::find(&info.group, &info.version, &info.resource).ok_or_else(ApiError::no_such_resource)
}
