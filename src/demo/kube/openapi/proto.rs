//! The Swagger document as protobuf, in the messages of gnostic's `OpenAPIv2.proto` (package `openapi.v2`), as far as the
//! documents of `v2` need them. Numbers in comments are field numbers there.

use serde_json::Value;

/// Encodes a document.
pub(super) fn document(document: &Value) -> Vec<u8> {
    let mut out = Message::default();
    out.text(1, document["swagger"].as_str().unwrap_or("")); // swagger
    let mut info = Message::default();
    info.text(1, document["info"]["title"].as_str().unwrap_or("")); // title
    info.text(2, document["info"]["version"].as_str().unwrap_or("")); // version
    out.message(2, &info); // info
    let mut paths = Message::default();
    for (path, item) in entries(&document["paths"]) {
        let mut value = Message::default();
        value.message(8, &operation(&item["patch"])); // PathItem.patch
        paths.named(2, path, &value); // Paths.path
    }
    out.message(8, &paths); // paths
    let mut definitions = Message::default();
    for (name, value) in entries(&document["definitions"]) {
        definitions.named(1, name, &schema(value)); // Definitions.additional_properties
    }
    out.message(9, &definitions); // definitions
    out.0
}

fn operation(value: &Value) -> Message {
    let mut out = Message::default();
    for parameter in value["parameters"].as_array().into_iter().flatten() {
        let mut query = Message::default(); // QueryParameterSubSchema
        query.text(2, parameter["in"].as_str().unwrap_or("")); // in
        query.text(4, parameter["name"].as_str().unwrap_or("")); // name
        query.text(6, parameter["type"].as_str().unwrap_or("")); // type
        // ParametersItem.parameter (1) > Parameter.non_body_parameter (2) > NonBodyParameter.query_… (3)
        let wrapped = query.inside(3).inside(2).inside(1);
        out.message(8, &wrapped); // parameters
    }
    let kind = &value["x-kubernetes-group-version-kind"];
    out.message(13, &extension("x-kubernetes-group-version-kind", kind)); // vendor_extension
    out
}

fn schema(value: &Value) -> Message {
    let mut out = Message::default();
    if let Some(reference) = value["$ref"].as_str() {
        out.text(1, reference); // _ref
        return out;
    }
    if let Some(format) = value["format"].as_str() {
        out.text(2, format); // format
    }
    if let Some(inner) = value.get("additionalProperties") {
        out.message(21, &schema(inner).inside(1)); // additional_properties > AdditionalPropertiesItem.schema
    }
    if let Some(kind) = value["type"].as_str() {
        let mut item = Message::default();
        item.text(1, kind); // TypeItem.value
        out.message(22, &item); // type
    }
    if let Some(items) = value.get("items") {
        out.message(23, &schema(items).inside(1)); // items > ItemsItem.schema
    }
    if value.get("properties").is_some() {
        let mut properties = Message::default();
        for (name, property) in entries(&value["properties"]) {
            properties.named(1, name, &schema(property)); // Properties.additional_properties
        }
        out.message(25, &properties); // properties
    }
    for (name, value) in entries(value).filter(|(name, _)| name.starts_with("x-")) {
        out.message(31, &extension(name, value)); // vendor_extension
    }
    out
}

/// `NamedAny`; its `Any` carries YAML (2), and JSON is YAML.
fn extension(name: &str, value: &Value) -> Message {
    let mut any = Message::default();
    any.text(2, &value.to_string());
    let mut out = Message::default();
    out.text(1, name);
    out.message(2, &any);
    out
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

/// A protobuf message in the making: length-delimited fields are all that is needed.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, field: u32, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn message(&mut self, field: u32, message: &Self) {
        self.bytes(field, &message.0);
    }

    /// A `Named…` message: name (1) and value (2).
    fn named(&mut self, field: u32, name: &str, value: &Self) {
        let mut entry = Self::default();
        entry.text(1, name);
        entry.message(2, value);
        self.message(field, &entry);
    }

    /// A message that has this one as its only field.
    fn inside(&self, field: u32) -> Self {
        let mut outer = Self::default();
        outer.message(field, self);
        outer
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 & 0x7f | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_are_encoded_as_protobuf_writes_them() {
        let mut message = Message::default();
        message.text(1, "2.0");
        assert_eq!(message.0, [0x0a, 3, b'2', b'.', b'0']);
        let mut long = Message::default();
        long.bytes(31, &[0; 300]);
        assert_eq!(long.0[..4], [0xfa, 0x01, 0xac, 0x02]);
        let encoded = document(&json!({"swagger": "2.0", "info": {"title": "a", "version": "b"}}));
        assert_eq!(
            encoded,
            [&[0x0a, 3][..], b"2.0", &[0x12, 6, 0x0a, 1, b'a', 0x12, 1, b'b', 0x42, 0, 0x4a, 0]].concat()
        );
    }
}
