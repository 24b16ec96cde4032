//! A server that speaks as much of S3 as recordings need, and checks each request's AWS Signature Version 4 by itself: what is
//! signed, for whom, with which body and when. Its objects outlive its being down.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, request::Parts};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use ring::{digest, hmac};
use tokio::{net::TcpListener, task::JoinSet};

use super::world::runtime;

/// The bucket, and where it is said to be.
pub const BUCKET: &str = "sessions";
pub const REGION: &str = "eu-test-1";
/// Who may use it.
pub const KEY_ID: &str = "AKIDSTORY";
pub const SECRET: &str = "the/secret+of=the-story";
/// How many objects a list shows at a time, so that paging is needed.
const LISTED: usize = 2;

/// The server.
pub struct S3 {
    pub address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    running: Option<tokio::task::JoinHandle<()>>,
}

/// What the server makes of `If-None-Match: *`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Conditions {
    /// It keeps to it, as AWS does.
    #[default]
    Kept,
    /// It does not look at it.
    Ignored,
    /// It says that it does not know it.
    Unknown,
}

#[derive(Default)]
struct Kept {
    conditions: Conditions,
    objects: BTreeMap<String, Bytes>,
    refused: Vec<String>,
}

impl S3 {
    /// A server with an empty bucket.
    pub fn start() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { address: any, kept: Arc::default(), running: None };
        server.start_again();
        server
    }

    /// Listens again, where it did before.
    pub fn start_again(&mut self) {
        let listener = runtime().block_on(TcpListener::bind(self.address)).expect("a port");
        self.address = listener.local_addr().expect("an address");
        self.running = Some(runtime().spawn(serve(listener, self.kept.clone())));
    }

    /// Is down: nobody listens, and what was open is closed.
    pub fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            // It ends by being aborted.
            let _ = runtime().block_on(running);
        }
    }

    /// The value of `auth_service.recording.storage`.
    pub fn storage(&self, prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}?region={REGION}&endpoint=http://{}", self.address)
    }

    /// What a gate needs in its environment.
    pub fn env() -> Vec<(String, String)> {
        [("AWS_ACCESS_KEY_ID", KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET), ("NO_PROXY", "127.0.0.1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    /// The names of all objects.
    pub fn names(&self) -> Vec<String> {
        lock(&self.kept).objects.keys().cloned().collect()
    }

    /// The objects whose names begin so, one behind the other.
    pub fn read(&self, prefix: &str) -> Vec<u8> {
        let kept = lock(&self.kept);
        let found = kept.objects.iter().filter(|(name, _)| name.starts_with(prefix));
        found.flat_map(|(_, bytes)| bytes.to_vec()).collect()
    }

    /// Puts an object there, past all checks.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        lock(&self.kept).objects.insert(name.to_owned(), Bytes::copy_from_slice(bytes));
    }

    /// Makes it a server that knows less.
    pub fn set_conditions(&self, conditions: Conditions) {
        lock(&self.kept).conditions = conditions;
    }

    /// Why requests were refused.
    pub fn refused(&self) -> Vec<String> {
        lock(&self.kept).refused.clone()
    }
}

async fn serve(listener: TcpListener, kept: Arc<Mutex<Kept>>) {
    // Dropped with this task, and all connections with it.
    let mut open = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let kept = kept.clone();
        open.spawn(async move {
            let service = service_fn(move |request| answer(kept.clone(), request));
            // A client may leave at any time.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while open.try_join_next().is_some() {}
    }
}

async fn answer(
    kept: Arc<Mutex<Kept>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(error(StatusCode::BAD_REQUEST, "IncompleteBody", "the body broke off"));
    };
    let body = body.to_bytes();
    let mut kept = lock(&kept);
    if let Err(why) = check(&head, &body, Timestamp::now()) {
        kept.refused.push(format!("{} {}: {why}", head.method, head.uri));
        return Ok(error(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", &why));
    }
    Ok(carry_out(&mut kept, &head, body))
}

fn carry_out(kept: &mut Kept, head: &Parts, body: Bytes) -> Response<Full<Bytes>> {
    let path = percent_encoding::percent_decode_str(head.uri.path()).decode_utf8_lossy().into_owned();
    let Some(name) = path.strip_prefix(&format!("/{BUCKET}")) else {
        return error(StatusCode::NOT_FOUND, "NoSuchBucket", &path);
    };
    let name = name.trim_start_matches('/');
    let query: BTreeMap<String, String> =
        form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    match (&head.method, name) {
        (&Method::GET, "") if query.get("list-type").is_some_and(|kind| kind == "2") => list(kept, &query),
        (&Method::POST, "") if query.contains_key("delete") => {
            let text = String::from_utf8_lossy(&body).into_owned();
            let names: Vec<&str> =
                text.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()).collect();
            let deleted = names.iter().map(|name| {
                kept.objects.remove(*name);
                format!("<Deleted><Key>{name}</Key></Deleted>")
            });
            ok(format!("<DeleteResult>{}</DeleteResult>", deleted.collect::<String>()))
        }
        (&Method::PUT, name) if !name.is_empty() => {
            if head.headers.get("if-none-match").is_some_and(|value| value == "*") {
                match kept.conditions {
                    Conditions::Kept if kept.objects.contains_key(name) => {
                        return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", name);
                    }
                    Conditions::Unknown => {
                        return error(StatusCode::NOT_IMPLEMENTED, "NotImplemented", "If-None-Match");
                    }
                    Conditions::Kept | Conditions::Ignored => {}
                }
            }
            kept.objects.insert(name.to_owned(), body);
            tagged(Bytes::new())
        }
        (&Method::GET | &Method::HEAD, name) => match kept.objects.get(name) {
            Some(bytes) => tagged(bytes.clone()),
            None if head.method == Method::HEAD => {
                let mut response = Response::default();
                *response.status_mut() = StatusCode::NOT_FOUND;
                response
            }
            None => error(StatusCode::NOT_FOUND, "NoSuchKey", name),
        },
        (&Method::DELETE, name) => {
            kept.objects.remove(name);
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        _ => error(StatusCode::NOT_IMPLEMENTED, "NotImplemented", &head.uri.to_string()),
    }
}

fn list(kept: &Kept, query: &BTreeMap<String, String>) -> Response<Full<Bytes>> {
    let prefix = query.get("prefix").map_or("", String::as_str);
    let after = query.get("continuation-token").map_or("", String::as_str);
    let all = kept.objects.iter().filter(|(name, _)| name.starts_with(prefix) && name.as_str() > after);
    let shown: Vec<_> = all.clone().take(LISTED).collect();
    let more = all.count() > LISTED;
    let next = shown
        .last()
        .filter(|_| more)
        .map(|(name, _)| format!("<NextContinuationToken>{name}</NextContinuationToken>"));
    let contents: String = shown
        .iter()
        .map(|(name, bytes)| {
            format!(
                "<Contents><Key>{name}</Key><LastModified>2026-01-02T15:04:05.000Z</LastModified><ETag>\"1\"</ETag><Size>{}</Size></Contents>",
                bytes.len()
            )
        })
        .collect();
    ok(format!(
        "<ListBucketResult><Name>{BUCKET}</Name><Prefix>{prefix}</Prefix><KeyCount>{}</KeyCount><MaxKeys>{LISTED}</MaxKeys>\
         <IsTruncated>{more}</IsTruncated>{}{contents}</ListBucketResult>",
        shown.len(),
        next.unwrap_or_default()
    ))
}

fn ok(xml: String) -> Response<Full<Bytes>> {
    Response::new(Full::new(Bytes::from(xml)))
}

fn tagged(bytes: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(bytes));
    for (name, value) in [("etag", "\"1\""), ("last-modified", "Fri, 02 Jan 2026 15:04:05 GMT")] {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    response
}

fn error(status: StatusCode, code: &str, why: &str) -> Response<Full<Bytes>> {
    let mut response = ok(format!("<Error><Code>{code}</Code><Message>{why}</Message></Error>"));
    *response.status_mut() = status;
    response
}

/// Checks a signature, as Amazon's "Signature Version 4 signing process" describes it.
fn check(head: &Parts, body: &[u8], now: Timestamp) -> Result<(), String> {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let authorization = header("authorization").ok_or("it is not signed")?;
    let rest = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or("it is signed in another way")?;
    let part = |name: &str| {
        let mut parts = rest.split(',').map(str::trim);
        parts.find_map(|part| part.strip_prefix(name)).ok_or(format!("{name} is missing"))
    };
    let (credential, signed, signature) =
        (part("Credential=")?, part("SignedHeaders=")?, part("Signature=")?);
    let stamp = header("x-amz-date").ok_or("it has no date")?;
    let day = stamp.get(..8).ok_or("its date is none")?;
    let scope = format!("{day}/{REGION}/s3/aws4_request");
    if credential != format!("{KEY_ID}/{scope}") {
        return Err(format!("its credential is {credential}"));
    }
    let at = DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).map_err(|error| error.to_string())?;
    let at = at.to_zoned(TimeZone::UTC).map_err(|error| error.to_string())?.timestamp();
    if now.duration_since(at).abs() > SignedDuration::from_mins(15) {
        return Err(format!("it was signed at {stamp}"));
    }
    let hash = header("x-amz-content-sha256").ok_or("the hash of its body is missing")?;
    if hash != "UNSIGNED-PAYLOAD" && hash != hex::encode(digest::digest(&digest::SHA256, body)) {
        return Err("its body is not the one that was signed".into());
    }
    let names: Vec<&str> = signed.split(';').collect();
    for name in ["host", "x-amz-content-sha256", "x-amz-date"] {
        if !names.contains(&name) {
            return Err(format!("the header {name} is not signed"));
        }
    }
    let mut headers = String::new();
    for name in &names {
        let value = header(name).ok_or(format!("the header {name} is signed and not there"))?;
        headers += &format!("{name}:{value}\n");
    }
    let mut pairs: Vec<String> = head.uri.query().unwrap_or_default().split('&').map(str::to_owned).collect();
    for pair in pairs.iter_mut().filter(|pair| !pair.is_empty() && !pair.contains('=')) {
        pair.push('=');
    }
    pairs.sort();
    let canonical =
        [head.method.as_str(), head.uri.path(), &pairs.join("&"), &headers, signed, hash].join("\n");
    let canonical = hex::encode(digest::digest(&digest::SHA256, canonical.as_bytes()));
    let told = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{canonical}");
    let sign = |key: &[u8], text: &str| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
    };
    let key = [day, REGION, "s3", "aws4_request"]
        .into_iter()
        .fold(format!("AWS4{SECRET}").into_bytes(), |key, text| sign(&key, text));
    if hex::encode(sign(&key, &told)) != signature {
        return Err("its signature is not that of the secret".into());
    }
    Ok(())
}

/// The lock is never held across a wait.
fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
