//! Patches: JSON (RFC 6902), merge (RFC 7386), strategic merge, and apply, which here merges like a strategic one.

use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::openapi::schema::{self, Merge, Type};
use super::respond;
use super::status::ApiError;

/// What kind of patch a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatchKind {
    /// `application/json-patch+json`
    Json,
    /// `application/merge-patch+json`
    Merge,
    /// `application/strategic-merge-patch+json`
    Strategic,
    /// `application/apply-patch+yaml`
    Apply,
}

impl PatchKind {
    /// Reads the content type.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        Ok(match respond::media_type(headers).as_str() {
            "application/json-patch+json" => Self::Json,
            "application/merge-patch+json" => Self::Merge,
            "application/strategic-merge-patch+json" => Self::Strategic,
            "application/apply-patch+yaml" => Self::Apply,
            _ => {
                return Err(ApiError::unsupported_media_type(
                    "application/json-patch+json, application/merge-patch+json, \
                     application/strategic-merge-patch+json, application/apply-patch+yaml",
                ));
            }
        })
    }

    /// Reads a body of this kind.
    pub(crate) fn decode(self, body: &[u8]) -> Result<Value, ApiError> {
        let value = if self == Self::Apply { respond::yaml_value(body)? } else { respond::json_value(body)? };
        match (self, &value) {
            (Self::Json, Value::Array(_)) | (_, Value::Object(_))
                if (self == Self::Json) == value.is_array() =>
            {
                Ok(value)
            }
            _ => Err(ApiError::bad_request("the patch has the wrong form for its content type")),
        }
    }

    /// The object with the patch applied.
    pub(crate) fn apply(self, kind: &'static str, object: &Value, patch: &Value) -> Result<Value, ApiError> {
        let mut result = object.clone();
        match self {
            Self::Json => {
                patch.as_array().into_iter().flatten().try_for_each(|op| operation(&mut result, op))?
            }
            Self::Merge => merge(&mut result, patch),
            Self::Strategic | Self::Apply => strategic(&mut result, patch, &Type::Named(kind))?,
        }
        Ok(result)
    }
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    let Some(map) = as_map(target) else { return };
    for (key, value) in fields {
        if value.is_null() {
            map.shift_remove(key);
        } else {
            merge(map.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// The value as a map; anything else becomes an empty one first.
fn as_map(value: &mut Value) -> Option<&mut Map<String, Value>> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut()
}

fn operation(target: &mut Value, op: &Value) -> Result<(), ApiError> {
    let text = |field: &str| op[field].as_str().unwrap_or("").to_owned();
    let (name, path, from) = (text("op"), text("path"), text("from"));
    let missing = |path: &str| {
        let message = format!(
            "the server rejected our request due to an error in our request: {name} operation does not apply: doc is missing path: \"{path}\""
        );
        ApiError::new(422, "Invalid", message)
    };
    let value =
        || op.get("value").cloned().ok_or_else(|| ApiError::bad_request("a patch operation has no value"));
    match name.as_str() {
        "add" => insert(target, &path, value()?).ok_or_else(|| missing(&path)),
        "replace" => {
            *target.pointer_mut(&path).ok_or_else(|| missing(&path))? = value()?;
            Ok(())
        }
        "remove" => remove(target, &path).map(drop).ok_or_else(|| missing(&path)),
        "move" => {
            let moved = remove(target, &from).ok_or_else(|| missing(&from))?;
            insert(target, &path, moved).ok_or_else(|| missing(&path))
        }
        "copy" => {
            let copied = target.pointer(&from).cloned().ok_or_else(|| missing(&from))?;
            insert(target, &path, copied).ok_or_else(|| missing(&path))
        }
        "test" if target.pointer(&path) == Some(&value()?) => Ok(()),
        "test" => {
            let message = format!(
                "the server rejected our request due to an error in our request: testing value {path} failed: test failed"
            );
            Err(ApiError::new(422, "Invalid", message))
        }
        _ => Err(ApiError::bad_request(format!("unexpected kind: {name}"))),
    }
}

/// Splits a JSON pointer (RFC 6901) into its parent and its last part, unescaped.
fn split_pointer(path: &str) -> Option<(&str, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn insert(target: &mut Value, path: &str, value: Value) -> Option<()> {
    if path.is_empty() {
        *target = value;
        return Some(());
    }
    let (parent, last) = split_pointer(path)?;
    match target.pointer_mut(parent)? {
        Value::Object(map) => {
            map.insert(last, value);
        }
        Value::Array(list) => {
            let at = if last == "-" { list.len() } else { last.parse().ok()? };
            if at > list.len() {
                return None;
            }
            list.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(target: &mut Value, path: &str) -> Option<Value> {
    let (parent, last) = split_pointer(path)?;
    match target.pointer_mut(parent)? {
        Value::Object(map) => map.shift_remove(&last),
        Value::Array(list) => {
            let at: usize = last.parse().ok()?;
            (at < list.len()).then(|| list.remove(at))
        }
        _ => None,
    }
}

const SET_ORDER: &str = "$setElementOrder/";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";

/// Strategic merge (sig-api-machinery's description): maps merge, lists merge as the schema says, directives act.
fn strategic(target: &mut Value, patch: &Value, ty: &Type) -> Result<(), ApiError> {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return Ok(());
    };
    let directive = fields.get("$patch").and_then(Value::as_str);
    if let Some("replace" | "delete") = directive {
        *target = json!({});
        if directive == Some("delete") {
            return Ok(());
        }
    }
    let Some(map) = as_map(target) else { return Ok(()) };
    if let Some(keep) = fields.get("$retainKeys").and_then(Value::as_array) {
        map.retain(|key, _| keep.iter().any(|k| k == key));
    }
    for (key, value) in fields {
        if let Some(list) = key.strip_prefix(DELETE_FROM) {
            if let Some(items) = map.get_mut(list).and_then(Value::as_array_mut) {
                let gone = value.as_array().cloned().unwrap_or_default();
                items.retain(|item| !gone.contains(item));
            }
        } else if !key.starts_with('$') {
            strategic_field(map, key, value, schema::field(ty, key).unwrap_or(&Type::Any))?;
        }
    }
    for (key, order) in fields.iter().filter_map(|(k, v)| Some((k.strip_prefix(SET_ORDER)?, v.as_array()?))) {
        let merge_by = match schema::field(ty, key) {
            Some(Type::List(_, merge)) => *merge,
            _ => Merge::Set,
        };
        if let Some(items) = map.get_mut(key).and_then(Value::as_array_mut) {
            let identity = |item: &Value| match merge_by {
                Merge::Key(field) => item.get(field).cloned().unwrap_or(Value::Null),
                _ => item.clone(),
            };
            let place =
                |item: &Value| order.iter().position(|o| identity(o) == identity(item)).unwrap_or(usize::MAX);
            items.sort_by_key(place);
        }
    }
    Ok(())
}

fn strategic_field(
    map: &mut Map<String, Value>,
    key: &str,
    value: &Value,
    ty: &Type,
) -> Result<(), ApiError> {
    if value.is_null() {
        map.shift_remove(key);
        return Ok(());
    }
    let deletes_itself = value.get("$patch").is_some_and(|d| d == "delete");
    match (ty, value) {
        (_, Value::Object(_)) if deletes_itself => {
            map.shift_remove(key);
        }
        (_, Value::Object(_)) => strategic(map.entry(key).or_insert(Value::Null), value, ty)?,
        (Type::List(item, merge), Value::Array(patches)) if *merge != Merge::Replace => {
            let target = map.entry(key).or_insert_with(|| json!([]));
            if !target.is_array() {
                *target = json!([]);
            }
            if let Some(items) = target.as_array_mut() {
                merge_list(items, patches, item, *merge)?;
            }
        }
        _ => {
            map.insert(key.to_owned(), value.clone());
        }
    }
    Ok(())
}

fn merge_list(items: &mut Vec<Value>, patches: &[Value], item: &Type, merge: Merge) -> Result<(), ApiError> {
    let is_replace = |p: &Value| p.get("$patch").is_some_and(|d| d == "replace");
    if patches.iter().any(is_replace) {
        *items = patches.iter().filter(|p| !is_replace(p)).cloned().collect();
        return Ok(());
    }
    for patch in patches {
        let Merge::Key(field) = merge else {
            if !items.contains(patch) {
                items.push(patch.clone());
            }
            continue;
        };
        let Some(id) = patch.get(field) else {
            let message = format!("map: {patch} does not contain declared merge key: {field}");
            return Err(ApiError::bad_request(message));
        };
        let at = items.iter().position(|existing| existing.get(field) == Some(id));
        match (at, patch["$patch"] == "delete") {
            (Some(at), true) => drop(items.remove(at)),
            (None, true) => {}
            (Some(at), false) => strategic(&mut items[at], patch, item)?,
            (None, false) => {
                let mut fresh = Value::Null;
                strategic(&mut fresh, patch, item)?;
                items.push(fresh);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(kind: PatchKind, object: Value, patch: Value) -> Value {
        kind.apply("Deployment", &object, &patch).unwrap()
    }

    fn with_containers(containers: Value) -> Value {
        json!({"spec": {"template": {"spec": {"containers": containers}}}})
    }

    #[test]
    fn merge_patches_replace_lists_and_null_deletes() {
        let result = patched(
            PatchKind::Merge,
            json!({"a": {"b": 1, "c": 2}, "l": [1, 2]}),
            json!({"a": {"b": null, "d": 4}, "l": [3]}),
        );
        assert_eq!(result, json!({"a": {"c": 2, "d": 4}, "l": [3]}));
    }

    #[test]
    fn json_patches_act_in_order_or_fail() {
        let result = patched(
            PatchKind::Json,
            json!({"a": {"x/y": 1}, "l": [1, 2]}),
            json!([
                {"op": "test", "path": "/l/0", "value": 1},
                {"op": "remove", "path": "/a/x~1y"},
                {"op": "add", "path": "/l/-", "value": 3},
                {"op": "move", "from": "/l/0", "path": "/m"},
                {"op": "copy", "from": "/m", "path": "/a/n"},
                {"op": "replace", "path": "/l/0", "value": 9},
            ]),
        );
        assert_eq!(result, json!({"a": {"n": 1}, "l": [9, 3], "m": 1}));
        for op in [
            json!({"op": "remove", "path": "/none"}),
            json!({"op": "test", "path": "/a", "value": 2}),
            json!({"op": "add", "path": "/l/7", "value": 2}),
        ] {
            assert_eq!(
                PatchKind::Json.apply("Pod", &json!({"a": 1, "l": []}), &json!([op])).unwrap_err().code,
                422
            );
        }
    }

    #[test]
    fn strategic_patches_merge_containers_by_name() {
        let object =
            with_containers(json!([{"name": "a", "image": "1", "args": ["x"]}, {"name": "b", "image": "1"}]));
        let patch = with_containers(json!([{"name": "b", "image": "2"}, {"name": "c", "image": "3"}]));
        let result = patched(PatchKind::Strategic, object.clone(), patch);
        let wanted = json!([{"name": "a", "image": "1", "args": ["x"]}, {"name": "b", "image": "2"}, {"name": "c", "image": "3"}]);
        assert_eq!(result, with_containers(wanted));
        let patch = with_containers(json!([{"name": "a", "$patch": "delete"}, {"name": "b", "args": ["y"]}]));
        assert_eq!(
            patched(PatchKind::Strategic, object.clone(), patch),
            with_containers(json!([{"name": "b", "image": "1", "args": ["y"]}]))
        );
        let order = json!({"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}}}});
        let result = patched(PatchKind::Strategic, object.clone(), order);
        assert_eq!(result["spec"]["template"]["spec"]["containers"][0]["name"], "b");
        let nameless = with_containers(json!([{"image": "2"}]));
        assert_eq!(PatchKind::Strategic.apply("Deployment", &object, &nameless).unwrap_err().code, 400);
    }

    #[test]
    fn strategic_directives_act() {
        let object = json!({"metadata": {"finalizers": ["a", "b"]}, "spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
        let patch = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]},
            "spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}});
        let result = patched(PatchKind::Strategic, object, patch);
        assert_eq!(
            result,
            json!({"metadata": {"finalizers": ["b", "c"]}, "spec": {"strategy": {"type": "Recreate"}}})
        );
        let replaced = patched(
            PatchKind::Strategic,
            json!({"spec": {"replicas": 1}}),
            json!({"spec": {"$patch": "replace", "paused": true}}),
        );
        assert_eq!(replaced, json!({"spec": {"paused": true}}));
    }
}
