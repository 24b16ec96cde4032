//! The way of a request: token, faults, impersonation, RBAC, answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::api::{self, Call};
use super::arrivals::Arrival;
use super::faults::{Fault, UpgradeFault};
use super::identity::{self, GATE_ACCOUNT, GATE_NAMESPACE, User};
use super::rbac::{self, Attributes};
use super::request::{Query, RequestInfo};
use super::respond::{self, Body};
use super::status::ApiError;
use super::{Cluster, discovery, openapi, subresources};

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the demo closes this connection, as it was told to")]
pub(crate) struct Closed;

/// Answers one request.
pub(crate) async fn answer(
    cluster: Arc<Cluster>,
    connection: u64,
    request: Request<Incoming>,
) -> Result<Response<Body>, Closed> {
    if request.uri().path().starts_with("/demo/")
        && identity::has_token(request.headers(), &cluster.control_token)
    {
        let result = control(&cluster, request).await;
        return Ok(result.unwrap_or_else(|error| respond::failure(&error)));
    }
    let gate_token = cluster.gate_token();
    let number = cluster.arrivals.note(Arrival::of(connection, &request, &gate_token));
    if !identity::has_token(request.headers(), &gate_token) {
        cluster.arrivals.answered(number, 401);
        return Ok(respond::failure(&ApiError::unauthorized()));
    }
    let fault = cluster.faults.take(request.uri().path(), request.headers());
    let response = match &fault {
        Some(fault) => misbehave(&cluster, fault, request).await?,
        None => serve(&cluster, request).await,
    };
    cluster.arrivals.answered(number, response.status().as_u16());
    Ok(response)
}

/// A well-behaved answer.
async fn serve(cluster: &Arc<Cluster>, request: Request<Incoming>) -> Response<Body> {
    route(cluster, request).await.unwrap_or_else(|error| respond::failure(&error))
}

async fn route(cluster: &Arc<Cluster>, request: Request<Incoming>) -> Result<Response<Body>, ApiError> {
    let query = Query::parse(request.uri().query());
    let info = RequestInfo::parse(request.method(), request.uri().path(), &query)?;
    let headers = request.headers().clone();
    let user = cluster.store.read(|all| {
        let gate = User::service_account(GATE_NAMESPACE, GATE_ACCOUNT);
        let user = match identity::wanted(&headers)? {
            Some(wanted) => identity::impersonate(all, &gate, wanted)?,
            None => gate,
        };
        rbac::require(all, &user, &Attributes::of(&info))?;
        Ok::<_, ApiError>(user)
    })?;
    if !info.is_resource {
        if let Some(answer) = discovery::answer(&info.path, &headers) {
            return answer;
        }
        if let Some(answer) = openapi::answer(&info.path, &headers) {
            return answer;
        }
        return Ok(respond::text(StatusCode::NOT_FOUND, "404 page not found\n"));
    }
    let resource = api::resource_of(&info)?;
    let subresource = !info.subresource.is_empty();
    let call = Call { cluster: cluster.clone(), user, info, query, headers, resource };
    if subresource {
        subresources::handle(call, request).await
    } else {
        api::handle(call, request.into_body()).await
    }
}

async fn misbehave(
    cluster: &Arc<Cluster>,
    fault: &Fault,
    request: Request<Incoming>,
) -> Result<Response<Body>, Closed> {
    tokio::time::sleep(fault.delay()).await;
    if fault.close {
        return Err(Closed);
    }
    if let Some(upgrade) = fault.upgrade {
        return Ok(wrong_upgrade(upgrade));
    }
    if let Some(code) = fault.status {
        let reason = match code {
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            504 => "Timeout",
            _ => "InternalError",
        };
        let mut error = ApiError::new(code, reason, "the demo was told to fail");
        error.retry_after = fault.retry_after;
        let mut response = respond::failure(&error);
        if let Some(body) = &fault.body {
            *response.body_mut() = respond::full(body.clone());
        }
        return Ok(response);
    }
    if let Some(body) = &fault.body {
        return Ok(respond::with_type(StatusCode::OK, "application/json", body.clone()));
    }
    let response = serve(cluster, request).await;
    Ok(match fault.truncate {
        Some(limit) => cut_off(response, limit).await,
        None => response,
    })
}

fn wrong_upgrade(fault: UpgradeFault) -> Response<Body> {
    match fault {
        UpgradeFault::Forbidden => {
            respond::failure(&ApiError::new(403, "Forbidden", "the demo was told to refuse upgrades"))
        }
        UpgradeFault::Ok => respond::text(StatusCode::OK, "no upgrade here\n"),
        UpgradeFault::WrongProtocol | UpgradeFault::NoProtocol => {
            let mut response = Response::new(respond::full(""));
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            if fault == UpgradeFault::WrongProtocol {
                response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("h2c"));
            }
            response
        }
    }
}

/// The beginning of an answer, and then an error in mid-body.
async fn cut_off(response: Response<Body>, limit: usize) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let whole = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let start = whole.slice(..limit.min(whole.len()));
    let broken = async {
        // Else the error overtakes what was sent before it.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(std::io::Error::other("cut off, as it was told to"))
    };
    let chunks = stream::iter([Ok(Frame::data(start))]).chain(stream::once(broken));
    Response::from_parts(parts, StreamBody::new(chunks).boxed_unsync())
}

/// `/demo/…`, for tests and the tour.
async fn control(cluster: &Cluster, request: Request<Incoming>) -> Result<Response<Body>, ApiError> {
    let (parts, body) = request.into_parts();
    let path: Vec<&str> = parts.uri.path().trim_matches('/').split('/').skip(1).collect();
    let done = || Ok(respond::json(StatusCode::OK, &json!({})));
    match (parts.method.as_str(), path.as_slice()) {
        ("GET", ["requests"]) => Ok(respond::json(StatusCode::OK, &json!(cluster.arrivals.all()))),
        ("DELETE", ["requests"]) => {
            cluster.arrivals.clear();
            done()
        }
        ("GET", ["faults"]) => Ok(respond::json(StatusCode::OK, &json!(cluster.faults.pending()))),
        ("POST", ["faults"]) => {
            cluster.faults.set(read_faults(&respond::read(body).await?)?);
            done()
        }
        ("POST", ["logs", namespace, pod, container]) => {
            let text = respond::read(body).await?;
            let key = super::store::Key::new("pods", namespace, pod);
            let object =
                cluster.store.read(|all| all.get(&key).cloned()).ok_or_else(ApiError::no_such_resource)?;
            let log = cluster.pod(&object)?.log(container);
            String::from_utf8_lossy(&text).lines().for_each(|line| log.push(line));
            done()
        }
        _ => Err(ApiError::no_such_resource()),
    }
}

/// One fault, or a list of them.
fn read_faults(body: &Bytes) -> Result<Vec<Fault>, ApiError> {
    let value = respond::json_value(body)?;
    let list = if value.is_array() { value } else { Value::Array(vec![value]) };
    serde_json::from_value(list).map_err(|error| ApiError::bad_request(format!("this is no fault: {error}")))
}
