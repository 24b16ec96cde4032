//! Bodies: reading what was sent, choosing the form that the client accepts, answering.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::protobuf;
use super::request::Query;
use super::status::ApiError;

/// A response's body.
pub(crate) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Largest body that is read, as in kube-apiserver.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// The form in which a client wants objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As they are.
    Object,
    /// `metav1.Table` of this version.
    Table(&'static str, IncludeObject),
    /// Metadata alone.
    PartialMetadata,
}

/// What a row of a table carries of its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IncludeObject {
    /// Nothing.
    Nothing,
    /// Its metadata.
    Metadata,
    /// All of it.
    Object,
}

impl Shape {
    /// Reads `Accept`: the first entry that can be served.
    pub(crate) fn accepted(headers: &HeaderMap, query: &Query) -> Result<Self, ApiError> {
        let values: Vec<_> = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok()).collect();
        let accept = values.join(",");
        if accept.trim().is_empty() {
            return Ok(Self::Object);
        }
        let include = match query.get("includeObject") {
            Some("None") => IncludeObject::Nothing,
            Some("Object") => IncludeObject::Object,
            _ => IncludeObject::Metadata,
        };
        accept.split(',').find_map(|entry| Self::entry(entry, include)).ok_or_else(ApiError::not_acceptable)
    }

    fn entry(entry: &str, include: IncludeObject) -> Option<Self> {
        let mut parts = entry.split(';').map(str::trim);
        if !matches!(parts.next()?, "application/json" | "application/*" | "*/*") {
            return None;
        }
        let parameters: Vec<_> = parts.filter_map(|p| p.split_once('=')).collect();
        let parameter = |name: &str| parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        match (parameter("as"), parameter("g").unwrap_or("meta.k8s.io"), parameter("v")) {
            (None, ..) => Some(Self::Object),
            (Some("Table"), "meta.k8s.io", Some("v1")) => Some(Self::Table("v1", include)),
            (Some("Table"), "meta.k8s.io", Some("v1beta1")) => Some(Self::Table("v1beta1", include)),
            (Some("PartialObjectMetadata" | "PartialObjectMetadataList"), "meta.k8s.io", Some("v1")) => {
                Some(Self::PartialMetadata)
            }
            _ => None,
        }
    }
}

/// Reads a body, at most 3 MiB.
pub(crate) async fn read(body: Incoming) -> Result<Bytes, ApiError> {
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(ApiError::too_large(BODY_LIMIT)),
        Err(error) => Err(ApiError::bad_request(format!("the body could not be read: {error}"))),
    }
}

/// Reads an object out of a body: JSON, YAML or protobuf by its content type.
pub(crate) fn decode(headers: &HeaderMap, body: &[u8]) -> Result<Value, ApiError> {
    const ACCEPTED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
    let value = match media_type(headers).as_str() {
        "" | "application/json" | "*/*" => json_value(body)?,
        "application/yaml" => yaml_value(body)?,
        protobuf::MEDIA_TYPE => {
            protobuf::decode(body).map_err(|error| ApiError::bad_request(error.to_string()))?
        }
        _ => return Err(ApiError::unsupported_media_type(ACCEPTED)),
    };
    if value.is_object() { Ok(value) } else { Err(ApiError::bad_request("the body is not an object")) }
}

/// JSON, or a 400.
pub(crate) fn json_value(body: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        ApiError::bad_request(format!("couldn't get version/kind; json parse error: {error}"))
    })
}

/// YAML (or JSON, which is YAML too), or a 400.
pub(crate) fn yaml_value(body: &[u8]) -> Result<Value, ApiError> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let text = std::str::from_utf8(body).map_err(|_| ApiError::bad_request("the body is not UTF-8"))?;
    serde_yaml::from_str(text)
        .map_err(|error| ApiError::bad_request(format!("error converting YAML to JSON: {error}")))
}

/// The content type without its parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

/// A body out of bytes.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An answer in JSON.
pub(crate) fn json(code: StatusCode, value: &Value) -> Response<Body> {
    with_type(code, "application/json", format!("{value}\n"))
}

/// An answer in plain text.
pub(crate) fn text(code: StatusCode, text: impl Into<String>) -> Response<Body> {
    with_type(code, "text/plain; charset=utf-8", text.into())
}

/// An answer of a content type.
pub(crate) fn with_type(code: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(full(body));
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A failure.
pub(crate) fn failure(error: &ApiError) -> Response<Body> {
    let code = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(code, &error.to_json());
    if let Some(seconds) = error.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Metadata alone, as `PartialObjectMetadata`.
pub(crate) fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_form_that_can_be_served_is_chosen() {
        let shape = |accept: &'static str, query: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            Shape::accepted(&headers, &Query::parse(Some(query)))
        };
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        assert_eq!(shape(kubectl, ""), Ok(Shape::Table("v1", IncludeObject::Metadata)));
        assert_eq!(shape(kubectl, "includeObject=Object"), Ok(Shape::Table("v1", IncludeObject::Object)));
        assert_eq!(shape("application/vnd.kubernetes.protobuf, application/json", ""), Ok(Shape::Object));
        assert_eq!(shape("application/json;as=Table;v=v2;g=meta.k8s.io, */*", ""), Ok(Shape::Object));
        assert_eq!(shape("application/cbor", "").unwrap_err().code, 406);
        assert_eq!(Shape::accepted(&HeaderMap::new(), &Query::default()), Ok(Shape::Object));
    }
}
