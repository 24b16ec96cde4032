//! Failures as the API server tells them: `metav1.Status`, in Kubernetes' own words (apimachinery `api/errors`).

use serde_json::{Map, Value, json};

use super::resources::Resource;

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiError {
    /// HTTP status.
    pub(crate) code: u16,
    /// `reason`, a CamelCase word that programs compare.
    pub(crate) reason: &'static str,
    /// The sentence that a person reads.
    pub(crate) message: String,
    /// What it is about: kind, name, group and causes.
    pub(crate) details: Option<Box<Value>>,
    /// `Retry-After`, in seconds.
    pub(crate) retry_after: Option<u32>,
}

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    /// Path of the field, such as `spec.replicas`.
    pub(crate) field: String,
    /// `FieldValueRequired`, `FieldValueInvalid` and so on.
    pub(crate) reason: &'static str,
    /// The sentence without the path.
    pub(crate) message: String,
}

impl Cause {
    /// A field that must be there.
    pub(crate) fn required(field: impl Into<String>, hint: &str) -> Self {
        let message =
            if hint.is_empty() { "Required value".into() } else { format!("Required value: {hint}") };
        Self { field: field.into(), reason: "FieldValueRequired", message }
    }

    /// A field whose value may not be.
    pub(crate) fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        Self {
            field: field.into(),
            reason: "FieldValueInvalid",
            message: format!("Invalid value: {value}: {why}"),
        }
    }
}

impl ApiError {
    /// A failure that is about nothing in particular.
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, retry_after: None }
    }

    /// 400 with a sentence.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 401: no token or a wrong one.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 404 for one object.
    pub(crate) fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.qualified());
        Self::new(404, "NotFound", message).about(resource.group, resource.plural, name)
    }

    /// 404 for a path under `/api` or `/apis` that leads nowhere.
    pub(crate) fn no_such_resource() -> Self {
        let mut error = Self::new(404, "NotFound", "the server could not find the requested resource");
        error.details = Some(Box::new(json!({})));
        error
    }

    /// 405.
    pub(crate) fn method_not_allowed() -> Self {
        let mut error = Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        );
        error.details = Some(Box::new(json!({})));
        error
    }

    /// 409 on a create.
    pub(crate) fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Self::new(409, "AlreadyExists", message).about(resource.group, resource.plural, name)
    }

    /// 409 on a stale write.
    pub(crate) fn conflict(resource: &Resource, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict_because(resource, name, why)
    }

    /// 409 with a reason of its own.
    pub(crate) fn conflict_because(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Self::new(409, "Conflict", message).about(resource.group, resource.plural, name)
    }

    /// 410: the history does not reach back that far.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 422 with the fields that are wrong.
    pub(crate) fn invalid(resource: &Resource, name: &str, causes: &[Cause]) -> Self {
        let sentences: Vec<_> = causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        let list = match sentences.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let kind = if resource.group.is_empty() {
            resource.kind.to_owned()
        } else {
            format!("{}.{}", resource.kind, resource.group)
        };
        let mut error = Self::new(422, "Invalid", format!("{kind} \"{name}\" is invalid: {list}"));
        let causes: Vec<_> = causes
            .iter()
            .map(|c| json!({"reason": c.reason, "message": c.message, "field": c.field}))
            .collect();
        error.details = Some(Box::new(
            json!({"name": name, "group": resource.group, "kind": resource.kind, "causes": causes}),
        ));
        error
    }

    /// 403 for a resource (or, with an empty resource, a path); `why` is the authorizer's sentence.
    pub(crate) fn forbidden(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let qualified = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        let message = match (resource.is_empty(), name.is_empty()) {
            (true, _) => format!("forbidden: {why}"),
            (false, true) => format!("{qualified} is forbidden: {why}"),
            (false, false) => format!("{qualified} \"{name}\" is forbidden: {why}"),
        };
        Self::new(403, "Forbidden", message).about(group, resource, name)
    }

    /// 406.
    pub(crate) fn not_acceptable() -> Self {
        let message = "only the following media types are accepted: application/json";
        Self::new(406, "NotAcceptable", message)
    }

    /// 413.
    pub(crate) fn too_large(limit: usize) -> Self {
        let message = format!("Request entity is too large: limit is {limit}");
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// 415.
    pub(crate) fn unsupported_media_type(accepted: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 500 with a sentence.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "InternalError", format!("Internal error occurred: {}", message.into()))
    }

    fn about(mut self, group: &str, kind: &str, name: &str) -> Self {
        let mut details = Map::new();
        for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                details.insert(key.into(), value.into());
            }
        }
        self.details = Some(Box::new(Value::Object(details)));
        self
    }

    /// The `metav1.Status` object.
    pub(crate) fn to_json(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason,
        });
        let mut details = self.details.as_deref().cloned();
        if let Some(seconds) = self.retry_after {
            let map = details.get_or_insert_with(|| json!({}));
            map["retryAfterSeconds"] = seconds.into();
        }
        if let Some(details) = details {
            status["details"] = details;
        }
        status["code"] = self.code.into();
        status
    }
}

#[cfg(test)]
mod tests {
    use super::super::resources;
    use super::*;

    #[test]
    fn says_it_in_the_words_of_kubernetes() {
        let deployments = resources::find("apps", "v1", "deployments").unwrap();
        let pods = resources::find("", "v1", "pods").unwrap();
        assert_eq!(ApiError::not_found(pods, "a").message, "pods \"a\" not found");
        assert_eq!(
            ApiError::already_exists(deployments, "a").message,
            "deployments.apps \"a\" already exists"
        );
        let cause = Cause::required("spec.selector", "");
        let invalid = ApiError::invalid(deployments, "a", &[cause]);
        assert_eq!(invalid.message, "Deployment.apps \"a\" is invalid: spec.selector: Required value");
        assert_eq!(invalid.to_json()["details"]["causes"][0]["field"], "spec.selector");
        assert_eq!(ApiError::forbidden("", "", "", "x").message, "forbidden: x");
        assert_eq!(
            ApiError::forbidden("apps", "deployments", "d", "x").message,
            "deployments.apps \"d\" is forbidden: x"
        );
    }
}
