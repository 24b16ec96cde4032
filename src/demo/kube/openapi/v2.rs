//! The Swagger 2.0 document: definitions with their kinds and merge keys, and paths that say which parameters a patch takes.

use serde_json::{Map, Value, json};

use super::super::resources::{self, ALL, Resource};
use super::schema::{self, Definition, Merge, Type};

/// The whole document. A definition without a type takes anything: the kubectl of 2020 knows no better form for it.
pub(super) fn document() -> Value {
    let mut definitions = Map::new();
    for (name, definition) in schema::definitions() {
        let mut value = self::definition(definition, "#/definitions/", &json!({}));
        if let Some(resource) = ALL.iter().find(|r| r.kind == *name) {
            value["x-kubernetes-group-version-kind"] = json!([gvk(resource)]);
        }
        definitions.insert(definition.full_name.clone(), value);
    }
    let paths: Map<_, _> =
        ALL.iter().filter(|r| r.is_stored()).map(|r| (path(r), json!({"patch": operation(r)}))).collect();
    json!({"swagger": "2.0", "info": {"title": "Kubernetes", "version": "v1.31.0-demo"},
        "paths": paths, "definitions": definitions})
}

/// `{group, version, kind}`.
pub(super) fn gvk(resource: &Resource) -> Value {
    json!({"group": resource.group, "version": resource.version, "kind": resource.kind})
}

/// The path of one object.
pub(super) fn path(resource: &Resource) -> String {
    let root = if resource.group.is_empty() { "/api" } else { "/apis" };
    let namespace = if resource.namespaced { "/namespaces/{namespace}" } else { "" };
    let version = resources::group_version(resource.group, resource.version);
    format!("{root}/{version}{namespace}/{}/{{name}}", resource.plural)
}

fn operation(resource: &Resource) -> Value {
    let parameter = |name: &str| json!({"in": "query", "name": name, "type": "string"});
    let parameters = ["dryRun", "fieldManager", "fieldValidation"].map(parameter);
    json!({"parameters": parameters,
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-group-version-kind": gvk(resource)})
}

/// A definition; `prefix` is where references point, `any` is how a value of any type is described.
pub(super) fn definition(definition: &Definition, prefix: &str, any: &Value) -> Value {
    let properties: Map<_, _> =
        definition.fields.iter().map(|f| (f.name.to_owned(), property(&f.ty, prefix, any))).collect();
    json!({"type": "object", "properties": properties})
}

fn property(ty: &Type, prefix: &str, any: &Value) -> Value {
    match ty {
        Type::Text => json!({"type": "string"}),
        Type::Integer => json!({"type": "integer", "format": "int64"}),
        Type::Number => json!({"type": "number", "format": "double"}),
        Type::Boolean => json!({"type": "boolean"}),
        Type::Bytes => json!({"type": "string", "format": "byte"}),
        Type::Time => json!({"type": "string", "format": "date-time"}),
        Type::IntOrString | Type::Quantity | Type::Any => any.clone(),
        Type::Map(inner) => json!({"type": "object", "additionalProperties": property(inner, prefix, any)}),
        Type::List(inner, merge) => {
            let mut list = json!({"type": "array", "items": property(inner, prefix, any)});
            if *merge != Merge::Replace {
                list["x-kubernetes-patch-strategy"] = "merge".into();
            }
            if let Merge::Key(key) = merge {
                list["x-kubernetes-patch-merge-key"] = (*key).into();
            }
            list
        }
        Type::Named(name) => {
            let full = schema::definitions().get(name).map_or(*name, |d| d.full_name.as_str());
            json!({"$ref": format!("{prefix}{full}")})
        }
    }
}
