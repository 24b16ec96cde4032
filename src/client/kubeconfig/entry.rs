//! Our entries: what a cluster, a user and a context hold, and the marks by which we know them again.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::document::Kind;
use super::plan::Before;
use super::{Entry, Owner, UserAuth};

/// The extension that marks an entry as ours: `{version, profile}`, on a context perhaps `labels`, and what stood in the
/// list's place before.
pub(super) const OWNER: &str = "jumpgate.dev/owner";
/// The extension of our context that says which context was current before: `{context}`.
pub(super) const PREVIOUS: &str = "jumpgate.dev/previous-context";
/// The version of the marks that this program writes. Entries of stock tsh, which have no mark, are version 0; a mark of
/// a later version is left alone.
pub const VERSION: u64 = 1;

/// Keys of a body that we write and therefore replace; whatever else stands there is someone's addition and stays.
const OURS: [&[&str]; 3] = [
    &[
        "certificate-authority",
        "certificate-authority-data",
        "insecure-skip-tls-verify",
        "server",
        "tls-server-name",
    ],
    &["cluster", "user"],
    &[
        "auth-provider",
        "client-certificate",
        "client-certificate-data",
        "client-key",
        "client-key-data",
        "exec",
        "password",
        "token",
        "tokenFile",
        "username",
    ],
];

/// What an entry of ours remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// Whose it is.
    pub(super) owner: Owner,
    /// What the list was before our first entry came into it.
    pub(super) before: Before,
    /// On a context: the labels of its cluster.
    pub(super) labels: BTreeMap<String, String>,
}

/// Which context was current before ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Previous {
    /// Its name; empty: none was.
    pub(super) context: String,
    /// No such context was there even then.
    pub(super) missing: bool,
    /// What stood after `current-context:`.
    pub(super) before: Before,
}

/// An extension of an entry's body.
fn extension<'v>(body: &'v Value, name: &str) -> Option<&'v Value> {
    let list = body.get("extensions")?.as_array()?;
    list.iter().find(|e| e["name"] == name).map(|e| &e["extension"])
}

/// Adds, changes or (with `null`) takes away an extension, leaving the others in their order.
fn set_extension(body: &mut Value, name: &str, value: Value) {
    let Some(map) = body.as_object_mut() else { return };
    let mut list = map.get("extensions").and_then(Value::as_array).cloned().unwrap_or_default();
    let at = list.iter().position(|e| e["name"] == name);
    match (at, value.is_null()) {
        (Some(i), true) => drop(list.remove(i)),
        (None, true) => {}
        (Some(i), false) => list[i] = json!({"extension": value, "name": name}),
        (None, false) => list.push(json!({"extension": value, "name": name})),
    }
    if list.is_empty() {
        map.shift_remove("extensions");
    } else {
        map.insert("extensions".into(), Value::Array(list));
    }
    map.sort_keys();
}

fn put_before(map: &mut Value, before: &Before) {
    match before {
        Before::Usual => {}
        Before::Absent => map["key-added"] = Value::Bool(true),
        Before::Text(text) => map["before"] = Value::String(text.clone()),
    }
    if let Some(map) = map.as_object_mut() {
        map.sort_keys();
    }
}

fn get_before(map: &Value) -> Before {
    match (map["key-added"].as_bool(), map["before"].as_str()) {
        (Some(true), _) => Before::Absent,
        (_, Some(text)) => Before::Text(text.to_owned()),
        _ => Before::Usual,
    }
}

/// The mark of an entry of ours. One of a later version says nothing to us.
pub(super) fn mark(body: &Value) -> Option<Mark> {
    let mark = extension(body, OWNER).filter(|mark| version_in(mark) <= VERSION)?;
    let profile = mark["profile"].as_str()?.to_owned();
    let labels = mark["labels"].as_object().into_iter().flatten();
    let labels = labels.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect();
    Some(Mark { owner: Owner { profile }, before: get_before(mark), labels })
}

/// The version of an entry's mark, if it has one.
pub(super) fn version(body: &Value) -> Option<u64> {
    extension(body, OWNER).map(version_in)
}

/// Whose an entry is that a later version of this program wrote; `""` if its mark says it in another way.
pub(super) fn newer(body: &Value) -> Option<&str> {
    let mark = extension(body, OWNER).filter(|mark| version_in(mark) > VERSION)?;
    Some(mark["profile"].as_str().unwrap_or_default())
}

/// A version that is no number is one that we don't know yet.
fn version_in(mark: &Value) -> u64 {
    match &mark["version"] {
        Value::Null => 1,
        version => version.as_u64().unwrap_or(u64::MAX),
    }
}

/// Marks an entry as ours.
pub(super) fn set_mark(body: &mut Value, mark: &Mark) {
    let mut value = json!({"profile": mark.owner.profile, "version": VERSION});
    if !mark.labels.is_empty() {
        value["labels"] = json!(mark.labels);
    }
    put_before(&mut value, &mark.before);
    set_extension(body, OWNER, value);
}

/// What our context remembers of the one before it.
pub(super) fn previous(body: &Value) -> Option<Previous> {
    let value = extension(body, PREVIOUS)?;
    let context = value["context"].as_str()?.to_owned();
    let missing = value["missing"].as_bool().unwrap_or(false);
    Some(Previous { context, missing, before: get_before(value) })
}

/// Lets our context remember, or forget.
pub(super) fn set_previous(body: &mut Value, previous: Option<&Previous>) {
    let value = previous.map(|previous| {
        let mut value = json!({"context": previous.context});
        if previous.missing {
            value["missing"] = Value::Bool(true);
        }
        put_before(&mut value, &previous.before);
        value
    });
    set_extension(body, PREVIOUS, value.unwrap_or(Value::Null));
}

/// The body of one of the three entries, laid over what stood there.
pub(super) fn body(entry: &Entry, kind: Kind, old: Option<&Value>) -> Value {
    let new = match kind {
        Kind::Cluster => cluster(entry),
        Kind::Context => {
            let mut map = json!({"cluster": entry.name, "user": entry.name});
            if let Some(namespace) = &entry.namespace {
                map["namespace"] = json!(namespace);
            }
            map
        }
        Kind::User => user(&entry.auth),
    };
    laid_over(kind, new, old)
}

/// The body of a user entry that gets another way to prove who it is.
pub(super) fn with_auth(old: &Value, auth: &UserAuth) -> Value {
    laid_over(Kind::User, user(auth), Some(old))
}

/// A new body, with what others added to the one before.
fn laid_over(kind: Kind, new: Value, old: Option<&Value>) -> Value {
    let mut map = old.and_then(Value::as_object).cloned().unwrap_or_default();
    map.retain(|key, _| !OURS[kind as usize].contains(&key.as_str()));
    if let Value::Object(new) = new {
        map.extend(new);
    }
    map.sort_keys();
    Value::Object(map)
}

fn cluster(entry: &Entry) -> Value {
    let mut map = Map::new();
    map.insert("server".into(), json!(entry.server));
    if entry.insecure_skip_tls_verify {
        // kubectl refuses a cluster that has a CA and is told not to look at it.
        map.insert("insecure-skip-tls-verify".into(), json!(true));
    } else if !entry.ca_pem.is_empty() {
        map.insert("certificate-authority-data".into(), json!(STANDARD.encode(&entry.ca_pem)));
    }
    if let Some(name) = &entry.tls_server_name {
        map.insert("tls-server-name".into(), json!(name));
    }
    Value::Object(map)
}

/// The body of a user.
pub(super) fn user(auth: &UserAuth) -> Value {
    match auth {
        UserAuth::Exec { command, args, env } => {
            let env: Vec<Value> = env.iter().map(|(k, v)| json!({"name": k, "value": v})).collect();
            json!({"exec": {
                "apiVersion": "client.authentication.k8s.io/v1beta1",
                "args": args,
                "command": command.to_string_lossy(),
                "env": if env.is_empty() { Value::Null } else { Value::Array(env) },
                "interactiveMode": "IfAvailable",
                "provideClusterInfo": false,
            }})
        }
        UserAuth::Embedded { cert_pem, key_pem } => json!({
            "client-certificate-data": STANDARD.encode(cert_pem),
            "client-key-data": STANDARD.encode(key_pem.as_bytes()),
        }),
    }
}

/// A list item around a body; other keys of an earlier item stay.
pub(super) fn item(kind: Kind, name: &str, body: Value, old: Option<&Value>) -> Value {
    let mut map: BTreeMap<String, Value> =
        old.and_then(Value::as_object).cloned().unwrap_or_default().into_iter().collect();
    map.insert(kind.noun().into(), body);
    map.insert("name".into(), json!(name));
    Value::Object(map.into_iter().collect())
}

/// Whether a cluster entry without our mark is the gate's: the same server, whatever its port.
pub(super) fn same_server(cluster: &Value, server: &str) -> bool {
    let host =
        |text: &str| url::Url::parse(text).ok().and_then(|u| u.host_str().map(str::to_ascii_lowercase));
    let theirs = cluster["server"].as_str().and_then(host);
    theirs.is_some() && theirs == host(server)
}

/// Whether a user entry without our mark was written by a tsh: its exec plugin is one, or its certificate was issued
/// by the CA of the cluster whose name it has.
pub(super) fn from_tsh(user: &Value, name: &str) -> bool {
    if let Some(command) = user["exec"]["command"].as_str() {
        let file = command.rsplit(['/', '\\']).next().unwrap_or(command);
        return file == "tsh" || file.eq_ignore_ascii_case("tsh.exe");
    }
    user["client-certificate-data"]
        .as_str()
        .and_then(issuers)
        .is_some_and(|names| names.iter().any(|n| n == name))
}

/// The names (O and CN) in the issuer of a certificate, which Teleport fills with the cluster's name.
fn issuers(data: &str) -> Option<Vec<String>> {
    use x509_cert::der::{DecodePem, Tag, Tagged};
    let pem = STANDARD.decode(data.trim()).ok()?;
    let certificate = x509_cert::Certificate::from_pem(pem).ok()?;
    let issuer = certificate.tbs_certificate().issuer();
    let texts = issuer.iter_rdn().flat_map(|rdn| rdn.iter()).filter_map(|attribute| {
        let is_text = matches!(attribute.value.tag(), Tag::Utf8String | Tag::PrintableString);
        is_text.then(|| String::from_utf8_lossy(attribute.value.value()).into_owned())
    });
    Some(texts.collect())
}
