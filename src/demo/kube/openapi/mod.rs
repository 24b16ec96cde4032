//! OpenAPI documents: `/openapi/v2` in JSON and in the protobuf form that older kubectls ask for, `/openapi/v3` per group.

mod proto;
pub(crate) mod schema;
mod v2;
mod v3;

use http::{HeaderMap, Response, StatusCode, header};
use serde_json::json;

use super::respond::{self, Body};
use super::status::ApiError;

/// What kubectl calls the protobuf form.
const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/// What older kubectls call it. They cannot read it as a content type, so it is never answered.
const PROTOBUF_AT: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/// Answers paths below `/openapi`.
pub(crate) fn answer(path: &str, headers: &HeaderMap) -> Option<Result<Response<Body>, ApiError>> {
    let path = path.strip_prefix("/openapi/")?.trim_end_matches('/');
    if path == "v2" {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
        let protobuf = accept.contains(PROTOBUF) || accept.contains(PROTOBUF_AT);
        return Some(Ok(if protobuf {
            respond::with_type(StatusCode::OK, PROTOBUF, proto::document(&v2::document()))
        } else {
            respond::json(StatusCode::OK, &v2::document())
        }));
    }
    let document = match path {
        "v3" => json!({"paths": v3::paths()}),
        _ => match v3::document(path.strip_prefix("v3/")?) {
            Some(document) => document,
            None => return Some(Err(ApiError::no_such_resource())),
        },
    };
    Some(Ok(respond::json(StatusCode::OK, &document)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn each_form_is_served_where_it_is_asked_for() {
        let kind = |path: &str, accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            let answer = answer(path, &headers)?;
            Some(answer.map(|r| r.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned()))
        };
        assert_eq!(kind("/openapi/v2", PROTOBUF_AT).unwrap().unwrap(), PROTOBUF);
        assert_eq!(kind("/openapi/v2", "*/*").unwrap().unwrap(), "application/json");
        assert_eq!(kind("/openapi/v3", "*/*").unwrap().unwrap(), "application/json");
        assert_eq!(kind("/openapi/v3/apis/apps/v1", "*/*").unwrap().unwrap(), "application/json");
        assert_eq!(kind("/openapi/v3/apis/none/v1", "*/*").unwrap().unwrap_err().code, 404);
        assert!(kind("/version", "*/*").is_none());
    }
}
