//! `/healthz`, `/readyz` and `/metrics` in plain HTTP, on a loopback address alone.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::Semaphore};

use super::gate::Gate;

/// How long the store may take to show that it is there.
const STORE_ANSWERS: Duration = Duration::from_secs(2);
/// How long a client may take to ask.
const HEAD: Duration = Duration::from_secs(5);
/// Connections at a time.
const CONNECTIONS: usize = 64;
/// OpenMetrics 1.0, section 4.1.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves the diagnostics of a gate until the task is dropped, so also while it drains.
pub async fn serve(socket: TcpListener, gate: Arc<Gate>, listening: Arc<AtomicBool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let stream = match socket.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the diagnostics address accepts no connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (gate, listening) = (gate.clone(), listening.clone());
        tokio::spawn(async move {
            let service = hyper::service::service_fn(|request| answer(request, &gate, &listening));
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the diagnostics address broke off");
            }
            drop(place);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    gate: &Gate,
    listening: &AtomicBool,
) -> Result<Response<Full<Bytes>>, Infallible> {
    const TEXT: &str = "text/plain; charset=utf-8";
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".into()));
    }
    Ok(match request.uri().path() {
        "/healthz" => respond(StatusCode::OK, TEXT, "ok\n".into()),
        "/readyz" => match ready(gate, listening).await {
            Ok(()) => respond(StatusCode::OK, TEXT, "ok\n".into()),
            Err(why) => respond(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{why}\n")),
        },
        "/metrics" => respond(StatusCode::OK, OPEN_METRICS, gate.metrics.to_text()),
        _ => respond(StatusCode::NOT_FOUND, TEXT, "there are /healthz, /readyz and /metrics\n".into()),
    })
}

/// Whether new work is welcome; if not, why.
pub async fn ready(gate: &Gate, listening: &AtomicBool) -> Result<(), String> {
    if gate.drain.is_started() {
        return Err("the gate is ending".into());
    }
    if !listening.load(Ordering::Relaxed) {
        return Err("not all ports are open yet".into());
    }
    if !gate.audit.is_healthy() {
        return Err("the audit log cannot be written".into());
    }
    match tokio::time::timeout(STORE_ANSWERS, gate.store.get("/authorities/user")).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the store does not answer".into()),
    }
}

fn respond(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
