//! A kubeconfig of its own for one context, copied out of a person's files: what a shell for one cluster gets.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::document::{Document, Kind};
use super::error::{Error, show};
use super::files::{Files, Snapshot};
use super::render::{self, Style};
use super::{UserAuth, entry, save};

/// Keys of a user that hold a secret themselves, and what it is.
const SECRETS: [(&str, &str); 4] = [
    ("client-key-data", "a private key"),
    ("token", "a token"),
    ("password", "a password"),
    ("auth-provider", "an auth-provider, which keeps tokens"),
];

/// Keys that name a file, relative to the kubeconfig that they stand in.
const PATHS: [&str; 4] = ["certificate-authority", "client-certificate", "client-key", "tokenFile"];

/// The text of a kubeconfig that holds this one context, its cluster and its user, and selects it. It never holds a
/// secret: the user of a context of ours becomes `instead`, where that is given; anybody else's must be one that
/// runs a program or names files. `namespace` takes the place of the context's own.
///
/// # Errors
/// [`Error::NoContext`], [`Error::Dangling`] if its cluster or user is nowhere, [`Error::HoldsSecret`]; what can go
/// wrong with reading the files.
pub fn private(
    files: &Files,
    context: &str,
    instead: Option<&UserAuth>,
    namespace: Option<&str>,
) -> Result<String, Error> {
    let snapshot = Snapshot::whole(files)?;
    let body =
        snapshot.body(Kind::Context, context).ok_or_else(|| Error::NoContext { name: context.into() })?;
    let joined = |kind: Kind| {
        let name = body[kind.noun()].as_str().unwrap_or_default();
        let missing = || Error::Dangling { context: context.into(), kind: kind.noun(), name: name.into() };
        let (_, document) = snapshot.holder(kind, name).ok_or_else(missing)?;
        Ok::<_, Error>((name, document, document.body(kind, name).unwrap_or(&Value::Null)))
    };
    let (cluster_name, document, cluster) = joined(Kind::Cluster)?;
    let cluster = standing_alone(cluster, document);
    let (user_name, document, user) = joined(Kind::User)?;
    let user = match instead.filter(|_| entry::mark(body).is_some() && entry::mark(user).is_some()) {
        Some(auth) => entry::user(auth),
        None => standing_alone(user, document),
    };
    if let Some(secret) = inline_secret(&user) {
        let path = show(&document.place.0);
        return Err(Error::HoldsSecret { path, context: context.into(), user: user_name.into(), secret });
    }
    let mut body = standing_alone(body, document);
    if let Some(namespace) = namespace {
        body["namespace"] = json!(namespace);
    }
    let config = json!({
        "apiVersion": "v1",
        "clusters": [{"cluster": cluster, "name": cluster_name}],
        "contexts": [{"context": body, "name": context}],
        "current-context": context,
        "kind": "Config",
        "preferences": {},
        "users": [{"name": user_name, "user": user}],
    });
    let lines = render::block(&config, Style { eol: "\n", indented_lists: false });
    Ok(lines.join("\n") + "\n")
}

/// What secret a user holds in the file itself, if it holds one.
pub(super) fn inline_secret(user: &Value) -> Option<&'static str> {
    let holds = |key: &str| !matches!(user.get(key), None | Some(Value::Null)) && user[key] != "";
    SECRETS.iter().find(|(key, _)| holds(key)).map(|(_, what)| *what)
}

/// An entry's body without marks, with absolute paths.
fn standing_alone(body: &Value, document: &Document) -> Value {
    let mut map = body.as_object().cloned().unwrap_or_else(Map::new);
    map.shift_remove("extensions");
    for key in PATHS {
        if let Some(Value::String(path)) = map.get_mut(key) {
            absolute(path, document);
        }
    }
    // kubectl looks a bare name up in PATH; one with a folder is relative to its kubeconfig.
    if let Some(Value::String(command)) = map.get_mut("exec").and_then(|exec| exec.get_mut("command"))
        && command.contains(std::path::is_separator)
    {
        absolute(command, document);
    }
    Value::Object(map)
}

fn absolute(path: &mut String, document: &Document) {
    if path.is_empty() || Path::new(path).is_absolute() {
        return;
    }
    let joined = save::folder(&document.place.0).join(&*path);
    *path = std::path::absolute(&joined).unwrap_or(joined).to_string_lossy().into_owned();
}
