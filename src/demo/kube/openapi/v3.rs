//! OpenAPI 3 documents, one a group and version.

use serde_json::{Map, Value, json};

use super::super::resources::{self, ALL};
use super::schema;
use super::v2;

/// The index: where each group's document lies.
pub(super) fn paths() -> Value {
    let mut paths = Map::new();
    for (group, version) in resources::groups() {
        let name = name(group, version);
        paths.insert(name.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{name}")}));
    }
    Value::Object(paths)
}

fn name(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

/// The document of a name in the index. A patch is said to take no strategic merge here, so that kubectl reckons with its
/// own types, which know more than this demo's.
pub(super) fn document(wanted: &str) -> Option<Value> {
    let (group, version) =
        resources::groups().into_iter().find(|(group, version)| name(group, version) == wanted)?;
    let parameter = |name: &str| json!({"in": "query", "name": name, "schema": {"type": "string"}});
    let parameters = ["dryRun", "fieldManager", "fieldValidation"].map(parameter);
    let mut paths = Map::new();
    for resource in ALL.iter().filter(|r| (r.group, r.version) == (group, version) && r.is_stored()) {
        let operation = json!({
            "parameters": parameters,
            "requestBody": {"content": {"application/merge-patch+json": {}}},
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-group-version-kind": v2::gvk(resource),
        });
        paths.insert(v2::path(resource), json!({"patch": operation}));
    }
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let mut schemas = Map::new();
    for (name, definition) in schema::definitions() {
        let mut value = v2::definition(definition, "#/components/schemas/", &any);
        if let Some(resource) = ALL.iter().find(|r| r.kind == *name) {
            value["x-kubernetes-group-version-kind"] = json!([v2::gvk(resource)]);
        }
        schemas.insert(definition.full_name.clone(), value);
    }
    Some(json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.31.0-demo"},
        "paths": paths, "components": {"schemas": schemas}}))
}
