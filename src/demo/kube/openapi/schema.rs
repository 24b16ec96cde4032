//! The types of the demo's objects, read from `schema.txt`, and the check of an object against them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    /// Text.
    Text,
    /// Bytes, as text in base64.
    Bytes,
    /// A time, as text of RFC 3339.
    Time,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A whole number or text.
    IntOrString,
    /// A quantity such as `100m`: text or a number.
    Quantity,
    /// Anything.
    Any,
    /// A map from text.
    Map(Box<Type>),
    /// A list, and how two of them are merged.
    List(Box<Type>, Merge),
    /// A type with fields.
    Named(&'static str),
}

/// How a strategic merge treats a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merge {
    /// The new one replaces the old one.
    Replace,
    /// Values are united.
    Set,
    /// Items with the same value of this field are merged.
    Key(&'static str),
}

/// A type with fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    /// Name in OpenAPI documents, such as `io.k8s.api.core.v1.Pod`.
    pub(crate) full_name: String,
    /// Fields in order.
    pub(crate) fields: Vec<Field>,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// Name in JSON.
    pub(crate) name: &'static str,
    /// Number in protobuf; 0 for one that has none of its own.
    pub(crate) number: u32,
    /// Type.
    pub(crate) ty: Type,
}

type Definitions = BTreeMap<&'static str, Definition>;

static DEFINITIONS: LazyLock<Definitions> =
    LazyLock::new(|| parse(include_str!("schema.txt")).unwrap_or_default());

/// All definitions by their short names.
pub(crate) fn definitions() -> &'static Definitions {
    &DEFINITIONS
}

/// The type of a field; `None` for a field that is not known (or of a type that knows no fields).
pub(crate) fn field<'a>(of: &'a Type, name: &str) -> Option<&'a Type> {
    match of {
        Type::Named(definition) => {
            let fields = &DEFINITIONS.get(definition)?.fields;
            fields.iter().find(|field| field.name == name).map(|field| &field.ty)
        }
        Type::Map(value) => Some(value),
        _ => None,
    }
}

/// What is wrong with an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Paths of fields that no type knows.
    pub(crate) unknown: Vec<String>,
    /// Sentences about values of the wrong type, as Go's JSON decoder says them.
    pub(crate) mistyped: Vec<String>,
}

/// Checks an object of a kind.
pub(crate) fn check(kind: &str, object: &Value) -> Faults {
    let mut faults = Faults::default();
    if let Some((name, _)) = DEFINITIONS.get_key_value(kind) {
        walk(&Type::Named(name), object, kind, "", &mut faults);
    }
    faults
}

fn walk(ty: &Type, value: &Value, owner: &str, path: &str, faults: &mut Faults) {
    let mut mistyped = |go_type: &str| {
        let found = match value {
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "bool",
            Value::Array(_) => "array",
            _ => "object",
        };
        let field = path.trim_start_matches('.');
        faults.mistyped.push(format!(
            "json: cannot unmarshal {found} into Go struct field {owner}.{field} of type {go_type}"
        ));
    };
    match (ty, value) {
        (_, Value::Null) | (Type::Any, _) => {}
        (Type::Text | Type::Bytes | Type::Time, v) if !v.is_string() => mistyped("string"),
        (Type::Integer, v) if !v.is_i64() => mistyped("int64"),
        (Type::Number, v) if !v.is_number() => mistyped("float64"),
        (Type::Boolean, v) if !v.is_boolean() => mistyped("bool"),
        (Type::IntOrString, v) if !v.is_string() && !v.is_i64() => mistyped("intstr.IntOrString"),
        (Type::Quantity, v) if !v.is_string() && !v.is_number() => mistyped("resource.Quantity"),
        (Type::Map(inner), Value::Object(map)) => {
            map.iter().for_each(|(key, value)| walk(inner, value, owner, &format!("{path}.{key}"), faults));
        }
        (Type::List(inner, _), Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                walk(inner, item, owner, &format!("{path}[{at}]"), faults);
            }
        }
        (Type::Named(name), Value::Object(map)) => {
            for (key, value) in map {
                let path = format!("{path}.{key}");
                match field(ty, key) {
                    Some(inner) => walk(inner, value, name, &path, faults),
                    None => faults.unknown.push(path.trim_start_matches('.').to_owned()),
                }
            }
        }
        (Type::Map(_), _) => mistyped("map[string]string"),
        (Type::List(..), _) => mistyped("[]string"),
        (Type::Named(name), _) => mistyped(name),
        _ => {}
    }
}

fn parse(text: &'static str) -> Option<Definitions> {
    let (mut prefix, mut current) = ("", "");
    let mut definitions = Definitions::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('@') {
            prefix = name.trim();
            continue;
        }
        let mut rest = line;
        if !line.starts_with(' ') {
            let (name, after) = line.split_once(':')?;
            let short = name.trim_start_matches('!');
            let mut fields = Vec::new();
            if name.starts_with('!') {
                let own = |name, number, ty| Field { name, number, ty };
                fields.extend([own("apiVersion", 0, Type::Text), own("kind", 0, Type::Text)]);
                fields.push(own("metadata", 1, Type::Named("ObjectMeta")));
            }
            definitions.insert(short, Definition { full_name: format!("{prefix}.{short}"), fields });
            (current, rest) = (short, after);
        }
        for word in rest.split_whitespace() {
            let (field, ty) = word.split_once('=')?;
            let (name, number) = field.split_once(':').unwrap_or((field, "0"));
            let field = Field { name, number: number.parse().ok()?, ty: parse_type(ty)? };
            definitions.get_mut(current)?.fields.push(field);
        }
    }
    Some(definitions)
}

fn parse_type(text: &'static str) -> Option<Type> {
    Some(match text {
        "s" => Type::Text,
        "y" => Type::Bytes,
        "t" => Type::Time,
        "i" => Type::Integer,
        "n" => Type::Number,
        "b" => Type::Boolean,
        "x" => Type::IntOrString,
        "q" => Type::Quantity,
        "any" => Type::Any,
        _ if text.starts_with('{') => {
            Type::Map(Box::new(parse_type(text.strip_prefix('{')?.strip_suffix('}')?)?))
        }
        _ if text.starts_with('[') => {
            let inner = text.strip_prefix('[')?.strip_suffix(']')?;
            match inner.split_once('|') {
                None => Type::List(Box::new(parse_type(inner)?), Merge::Replace),
                Some((item, "")) => Type::List(Box::new(parse_type(item)?), Merge::Set),
                Some((item, key)) => Type::List(Box::new(parse_type(item)?), Merge::Key(key)),
            }
        }
        name => Type::Named(name),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::resources;
    use super::*;
    use serde_json::json;

    #[test]
    fn the_file_is_whole() {
        fn refers(ty: &Type) {
            match ty {
                Type::Named(name) => assert!(definitions().contains_key(name), "{name} is not defined"),
                Type::Map(inner) | Type::List(inner, _) => refers(inner),
                _ => {}
            }
        }
        assert!(parse(include_str!("schema.txt")).is_some());
        definitions().values().flat_map(|d| &d.fields).for_each(|field| refers(&field.ty));
        for resource in resources::ALL {
            assert!(definitions().contains_key(resource.kind), "{} has no schema", resource.kind);
        }
    }

    #[test]
    fn misspelt_and_mistyped_fields_are_found() {
        let faults = check(
            "Deployment",
            &json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "labels": {"x": "y"}},
                "spec": {"replica": 1, "replicas": "two", "template": {"spec": {"containers": [{"nam": "a"}]}}}}),
        );
        assert_eq!(faults.unknown, ["spec.replica", "spec.template.spec.containers[0].nam"]);
        let go =
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int64";
        assert_eq!(faults.mistyped, [go]);
        assert_eq!(check("Unknown", &json!({"a": 1})), Faults::default());
    }
}
