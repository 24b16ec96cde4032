//! What happens to an object between the request and the store: its names, its defaults, its limits.

use serde_json::{Value, json};

use super::defaults;
use super::openapi::schema;
use super::resources::Resource;
use super::status::{ApiError, Cause};
use super::store::{Key, Objects};

/// Letters of generated names, without vowels and what looks alike (apimachinery `util/rand`).
const SUFFIX_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Five letters for a generated name.
pub(crate) fn suffix() -> String {
    let random = uuid::Uuid::new_v4();
    let letter = |b: &u8| SUFFIX_LETTERS[usize::from(*b) % SUFFIX_LETTERS.len()] as char;
    random.as_bytes().iter().take(5).map(letter).collect()
}

/// How strictly unknown fields are taken (`fieldValidation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    /// Passed in silence.
    Ignore,
    /// Passed with a warning.
    Warn,
    /// Refused.
    Strict,
}

impl FieldValidation {
    /// Reads the query parameter.
    pub(crate) fn parse(value: Option<&str>) -> Result<Self, ApiError> {
        match value {
            None | Some("" | "Warn") => Ok(Self::Warn),
            Some("Ignore") => Ok(Self::Ignore),
            Some("Strict") => Ok(Self::Strict),
            Some(other) => {
                Err(ApiError::bad_request(format!("fieldValidation: Unsupported value: {other:?}")))
            }
        }
    }
}

/// Checks kind, version and fields of an object as sent; returns warnings.
pub(crate) fn check_form(
    resource: &Resource,
    kind: &str,
    object: &Value,
    validation: FieldValidation,
) -> Result<Vec<String>, ApiError> {
    let sent = |field: &str| object[field].as_str().unwrap_or("").to_owned();
    let prefix = || format!("{kind} in version \"{}\" cannot be handled as a {kind}", resource.version);
    if kind == resource.kind && (sent("kind") != kind || sent("apiVersion") != resource.api_version()) {
        let (kind, version) = (sent("kind"), sent("apiVersion"));
        let message = if kind.is_empty() {
            "Object 'Kind' is missing in the object".to_owned()
        } else {
            format!(
                "the API version in the data ({version}, Kind={kind}) does not match the expected API version ({}, Kind={})",
                resource.api_version(),
                resource.kind
            )
        };
        return Err(ApiError::bad_request(message));
    }
    let faults = schema::check(kind, object);
    if let Some(fault) = faults.mistyped.first() {
        return Err(ApiError::bad_request(format!("{}: {fault}", prefix())));
    }
    let unknown: Vec<_> = faults.unknown.iter().map(|path| format!("unknown field {path:?}")).collect();
    match validation {
        FieldValidation::Ignore => Ok(Vec::new()),
        FieldValidation::Warn => Ok(unknown),
        FieldValidation::Strict if unknown.is_empty() => Ok(unknown),
        FieldValidation::Strict => {
            let message = format!("{}: strict decoding error: {}", prefix(), unknown.join(", "));
            Err(ApiError::bad_request(message))
        }
    }
}

/// Gives a new object its name, its namespace and its defaults, and refuses what may not be.
pub(crate) fn prepare_create(
    objects: &Objects,
    resource: &'static Resource,
    namespace: &str,
    object: &mut Value,
) -> Result<Key, ApiError> {
    object["apiVersion"] = resource.api_version().into();
    object["kind"] = resource.kind.into();
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    settle_namespace(resource, namespace, object)?;
    if resource.namespaced && objects.get(&Key::new("namespaces", "", namespace)).is_none() {
        let message = format!("namespaces \"{namespace}\" not found");
        let mut error = ApiError::new(404, "NotFound", message);
        error.details = Some(Box::new(json!({"name": namespace, "kind": "namespaces"})));
        return Err(error);
    }
    let metadata = &mut object["metadata"];
    if metadata["name"].as_str().unwrap_or("").is_empty()
        && let Some(prefix) = metadata["generateName"].as_str().filter(|p| !p.is_empty())
    {
        metadata["name"] = format!("{prefix}{}", suffix()).into();
    }
    for field in
        ["uid", "resourceVersion", "creationTimestamp", "generation", "deletionTimestamp", "selfLink"]
    {
        if let Some(map) = metadata.as_object_mut() {
            map.shift_remove(field);
        }
    }
    let name = metadata["name"].as_str().unwrap_or("").to_owned();
    let mut causes = Vec::new();
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else if let Some(why) = bad_name(resource, &name) {
        causes.push(Cause::invalid("metadata.name", &json!(name), why));
    }
    defaults::set_defaults(objects, resource, object);
    causes.extend(wrong_fields(resource, object));
    if !causes.is_empty() {
        return Err(ApiError::invalid(resource, &name, &causes));
    }
    Ok(Key::new(resource.plural, namespace, &name))
}

/// Fits a new state of an object to its old one, and refuses what may not change.
pub(crate) fn prepare_update(
    objects: &Objects,
    resource: &'static Resource,
    key: &Key,
    old: &Value,
    object: &mut Value,
) -> Result<(), ApiError> {
    object["apiVersion"] = resource.api_version().into();
    object["kind"] = resource.kind.into();
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    settle_namespace(resource, &key.namespace, object)?;
    let name = object["metadata"]["name"].as_str().unwrap_or("");
    if name != key.name {
        let message =
            format!("the name of the object ({name}) does not match the name on the URL ({})", key.name);
        return Err(ApiError::bad_request(message));
    }
    let uid = object["metadata"]["uid"].as_str().unwrap_or("");
    if !uid.is_empty() && old["metadata"]["uid"] != uid {
        let known = old["metadata"]["uid"].as_str().unwrap_or("");
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {known}");
        return Err(ApiError::conflict_because(resource, &key.name, &why));
    }
    if resource.kind == "Service" {
        for field in ["clusterIP", "clusterIPs"] {
            if object["spec"].get(field).is_none_or(|v| v == "" || v.is_null()) && object["spec"].is_object()
            {
                object["spec"][field] = old["spec"][field].clone();
            }
        }
    }
    defaults::set_defaults(objects, resource, object);
    let mut causes = wrong_fields(resource, object);
    causes.extend(frozen_fields(resource, old, object));
    if !causes.is_empty() {
        return Err(ApiError::invalid(resource, &key.name, &causes));
    }
    Ok(())
}

fn settle_namespace(resource: &Resource, namespace: &str, object: &mut Value) -> Result<(), ApiError> {
    let Some(metadata) = object["metadata"].as_object_mut() else { return Ok(()) };
    let sent = metadata.get("namespace").and_then(Value::as_str).unwrap_or("");
    if !resource.namespaced {
        metadata.shift_remove("namespace");
        return Ok(());
    }
    if !sent.is_empty() && sent != namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    metadata.insert("namespace".into(), namespace.into());
    Ok(())
}

/// Why a name may not be: RBAC names are path segments, the others DNS subdomains (services and namespaces: labels).
fn bad_name(resource: &Resource, name: &str) -> Option<&'static str> {
    if resource.group == "rbac.authorization.k8s.io" {
        let bad = name == "." || name == ".." || name.contains(['/', '%']);
        return bad.then_some("may not be '.', '..' or contain '/' or '%'");
    }
    let label = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    if matches!(resource.kind, "Service" | "Namespace") {
        return (!label(name) || name.len() > 63).then_some(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
        );
    }
    (!name.split('.').all(label) || name.len() > 253).then_some(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    )
}

/// Fields that must be there.
fn wrong_fields(resource: &Resource, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let spec = &object["spec"];
    match resource.kind {
        "Pod" => containers(&mut causes, spec, "spec"),
        "Deployment" | "ReplicaSet" => {
            let selector = super::selectors::Selector::from_label_selector(&spec["selector"]);
            if selector.is_empty() {
                causes.push(Cause::required("spec.selector", ""));
            } else if !selector.matches(&spec["template"]) {
                let labels = &spec["template"]["metadata"]["labels"];
                causes.push(Cause::invalid(
                    "spec.template.metadata.labels",
                    labels,
                    "`selector` does not match template `labels`",
                ));
            }
            if spec["replicas"].as_i64().is_some_and(|n| n < 0) {
                causes.push(Cause::invalid(
                    "spec.replicas",
                    &spec["replicas"],
                    "must be greater than or equal to 0",
                ));
            }
            containers(&mut causes, &spec["template"]["spec"], "spec.template.spec");
        }
        "Service"
            if spec["type"] != "ExternalName"
                && spec["clusterIP"] != "None"
                && spec["ports"].as_array().is_none_or(Vec::is_empty) =>
        {
            causes.push(Cause::required("spec.ports", ""));
        }
        "RoleBinding" | "ClusterRoleBinding"
            if object["roleRef"]["name"].as_str().unwrap_or("").is_empty() =>
        {
            causes.push(Cause::required("roleRef.name", ""));
        }
        _ => {}
    }
    causes
}

fn containers(causes: &mut Vec<Cause>, spec: &Value, path: &str) {
    let list = spec["containers"].as_array();
    if list.is_none_or(Vec::is_empty) {
        causes.push(Cause::required(format!("{path}.containers"), ""));
    }
    for (at, container) in list.into_iter().flatten().enumerate() {
        for field in ["name", "image"] {
            if container[field].as_str().unwrap_or("").is_empty() {
                causes.push(Cause::required(format!("{path}.containers[{at}].{field}"), ""));
            }
        }
    }
}

/// Fields that may not change.
fn frozen_fields(resource: &Resource, old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut frozen = |path: &str, why: &str| {
        let pointer = format!("/{}", path.replace('.', "/"));
        let (was, is) = (old.pointer(&pointer), new.pointer(&pointer));
        if was != is {
            causes.push(Cause::invalid(path, is.unwrap_or(&Value::Null), why));
        }
    };
    match resource.kind {
        "RoleBinding" | "ClusterRoleBinding" => frozen("roleRef", "cannot change roleRef"),
        "Deployment" | "ReplicaSet" => frozen("spec.selector", "field is immutable"),
        "Secret" => frozen("type", "field is immutable"),
        "Pod" => {
            let rest = |pod: &Value| {
                let mut spec = pod["spec"].clone();
                for container in
                    spec.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten()
                {
                    container["image"] = Value::Null;
                }
                for field in [
                    "tolerations",
                    "activeDeadlineSeconds",
                    "ephemeralContainers",
                    "nodeName",
                    "terminationGracePeriodSeconds",
                ] {
                    spec[field] = Value::Null;
                }
                spec
            };
            if rest(old) != rest(new) {
                causes.push(Cause {
                    field: "spec".into(),
                    reason: "FieldValueForbidden",
                    message: "Forbidden: pod updates may not change fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, `spec.tolerations` (only additions to existing tolerations), `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)".into(),
                });
            }
        }
        _ => {}
    }
    causes
}
