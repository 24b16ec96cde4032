//! Bodies in Kubernetes' protobuf form, which typed clients of today send: an envelope (`k8s\0` and `runtime.Unknown`)
//! around a message whose field numbers stand in `openapi/schema.txt`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::openapi::schema::{self, Type};

/// The content type.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

const MAGIC: &[u8] = b"k8s\0";
/// Deepest nesting that is read.
const DEPTH: usize = 32;

/// Numbers and switches that Go's types cannot leave out: 0 and false on the wire mean that nobody set them.
const ALWAYS_SENT: &[&str] = &[
    "count",
    "generation",
    "healthCheckNodePort",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostPort",
    "minReadySeconds",
    "nodePort",
    "paused",
    "publishNotReadyAddresses",
    "readOnly",
    "stdin",
    "stdinOnce",
    "tty",
    "unschedulable",
];

/// A body that is not what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtobufError {
    /// It ends too early, or is no protobuf at all.
    #[error("the body is no Kubernetes protobuf")]
    Malformed,
    /// A kind or a field that the schema does not know.
    #[error("the demo reads no field {field} of {kind} in protobuf; send JSON")]
    Unknown {
        /// Short name of the type.
        kind: String,
        /// Number of the field; 0 for the type itself.
        field: u64,
    },
}

/// Reads an object.
pub(crate) fn decode(body: &[u8]) -> Result<Value, ProtobufError> {
    let envelope = body.strip_prefix(MAGIC).ok_or(ProtobufError::Malformed)?;
    let (mut version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for (number, wire) in fields(envelope)? {
        match (number, wire) {
            (1, Wire::Bytes(meta)) => {
                for (number, wire) in fields(meta)? {
                    match (number, wire) {
                        (1, Wire::Bytes(text)) => version = utf8(text)?,
                        (2, Wire::Bytes(text)) => kind = utf8(text)?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let (name, _) = schema::definitions()
        .get_key_value(kind.as_str())
        .ok_or_else(|| ProtobufError::Unknown { kind: kind.clone(), field: 0 })?;
    let mut object = Map::from_iter([("apiVersion".into(), version.into()), ("kind".into(), kind.into())]);
    if let Value::Object(fields) = message(name, raw, DEPTH)? {
        object.extend(fields);
    }
    Ok(Value::Object(object))
}

/// One field's value on the wire.
#[derive(Clone, Copy)]
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn message(name: &str, bytes: &[u8], depth: usize) -> Result<Value, ProtobufError> {
    let definition = schema::definitions().get(name).ok_or(ProtobufError::Malformed)?;
    let mut object = Map::new();
    for (number, wire) in fields(bytes)? {
        let field = definition.fields.iter().find(|field| u64::from(field.number) == number && number > 0);
        let field = field.ok_or_else(|| ProtobufError::Unknown { kind: name.to_owned(), field: number })?;
        // What a client sends as status is empty, and nobody reads it.
        if field.name == "status" && field.ty == Type::Any {
            continue;
        }
        let unknown = || ProtobufError::Unknown { kind: name.to_owned(), field: number };
        match (&field.ty, wire) {
            (Type::List(item, _), wire) => {
                let value = value(item, wire, depth, &unknown)?;
                let list = object.entry(field.name).or_insert_with(|| json!([]));
                list.as_array_mut().ok_or(ProtobufError::Malformed)?.push(value);
            }
            (Type::Map(item), Wire::Bytes(entry)) => {
                let (mut key, mut content) = (String::new(), empty(item));
                for (number, wire) in fields(entry)? {
                    match (number, wire) {
                        (1, Wire::Bytes(text)) => key = utf8(text)?,
                        (2, wire) => content = value(item, wire, depth, &unknown)?,
                        _ => return Err(ProtobufError::Malformed),
                    }
                }
                object.entry(field.name).or_insert_with(|| json!({}))[key] = content;
            }
            (ty, wire) => {
                let value = value(ty, wire, depth, &unknown)?;
                // Texts that are empty and messages that are left out look the same on the wire: neither was set.
                let unset = value.is_null()
                    || value == ""
                    || value.as_object().is_some_and(Map::is_empty)
                    || ((value == 0 || value == false) && ALWAYS_SENT.contains(&field.name));
                if !unset {
                    object.insert(field.name.into(), value);
                }
            }
        }
    }
    Ok(Value::Object(object))
}

fn empty(ty: &Type) -> Value {
    if matches!(ty, Type::Text | Type::Bytes) { "".into() } else { Value::Null }
}

fn value(
    ty: &Type,
    wire: Wire<'_>,
    depth: usize,
    unknown: &dyn Fn() -> ProtobufError,
) -> Result<Value, ProtobufError> {
    Ok(match (ty, wire) {
        (Type::Text, Wire::Bytes(bytes)) => utf8(bytes)?.into(),
        (Type::Bytes, Wire::Bytes(bytes)) => STANDARD.encode(bytes).into(),
        (Type::Integer, Wire::Number(n)) => n.cast_signed().into(),
        (Type::Boolean, Wire::Number(n)) => (n != 0).into(),
        (Type::Time, Wire::Bytes(bytes)) => time(bytes)?,
        (Type::Quantity, Wire::Bytes(bytes)) => match fields(bytes)?.first() {
            Some((1, Wire::Bytes(text))) => utf8(text)?.into(),
            _ => Value::Null,
        },
        (Type::IntOrString, Wire::Bytes(bytes)) => int_or_string(bytes)?,
        (Type::Named(name), Wire::Bytes(bytes)) => {
            let depth = depth.checked_sub(1).ok_or(ProtobufError::Malformed)?;
            message(name, bytes, depth)?
        }
        (Type::Any, Wire::Bytes([])) => Value::Null,
        (Type::Any, _) => return Err(unknown()),
        _ => return Err(ProtobufError::Malformed),
    })
}

/// `Time`: seconds (1) and nanoseconds (2); an empty one is no time.
fn time(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let Some((1, Wire::Number(seconds))) = fields(bytes)?.first().copied() else { return Ok(Value::Null) };
    let time = Timestamp::from_second(seconds.cast_signed()).map_err(|_| ProtobufError::Malformed)?;
    Ok(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into())
}

/// `IntOrString`: which (1), the number (2), the text (3).
fn int_or_string(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let (mut is_text, mut number, mut text) = (false, 0, String::new());
    for field in fields(bytes)? {
        match field {
            (1, Wire::Number(kind)) => is_text = kind == 1,
            (2, Wire::Number(n)) => number = n.cast_signed(),
            (3, Wire::Bytes(bytes)) => text = utf8(bytes)?,
            _ => return Err(ProtobufError::Malformed),
        }
    }
    Ok(if is_text { text.into() } else { number.into() })
}

fn utf8(bytes: &[u8]) -> Result<String, ProtobufError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| ProtobufError::Malformed)
}

fn fields(mut bytes: &[u8]) -> Result<Vec<(u64, Wire<'_>)>, ProtobufError> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let wire = match tag & 7 {
            0 => Wire::Number(varint(&mut bytes)?),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).map_err(|_| ProtobufError::Malformed)?;
                let (content, rest) = bytes.split_at_checked(length).ok_or(ProtobufError::Malformed)?;
                bytes = rest;
                Wire::Bytes(content)
            }
            _ => return Err(ProtobufError::Malformed),
        };
        fields.push((tag >> 3, wire));
    }
    Ok(fields)
}

fn varint(bytes: &mut &[u8]) -> Result<u64, ProtobufError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(ProtobufError::Malformed)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(ProtobufError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(content.len()).unwrap()][..], content].concat()
    }

    fn envelope(version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC, &field(1, &meta), &field(2, raw), &field(3, b""), &field(4, b"")].concat()
    }

    #[test]
    fn typed_bodies_are_read() {
        let entry = [field(1, b"password"), field(2, b"q")].concat();
        let metadata = [field(1, b"s"), field(2, b""), field(8, b"")].concat();
        let secret = [field(1, &metadata), field(2, &entry), field(3, b"Opaque"), vec![5 << 3, 1]].concat();
        assert_eq!(
            decode(&envelope("v1", "Secret", &secret)).unwrap(),
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": "cQ=="},
                "type": "Opaque", "immutable": true})
        );
        let port = [vec![3 << 3, 80, 5 << 3, 0], field(4, &[1 << 3, 1, 2 << 3, 0, 0x1a, 1, b'x'])].concat();
        let service = field(2, &field(1, &port));
        let service = decode(&envelope("v1", "Service", &service)).unwrap();
        assert_eq!(service["spec"]["ports"], json!([{"port": 80, "targetPort": "x"}]));
        let owner = field(1, &field(8, &[8, 0x80, 0xa3, 0x05]));
        assert_eq!(
            decode(&envelope("v1", "ConfigMap", &owner)).unwrap()["metadata"]["creationTimestamp"],
            "1970-01-02T00:00:00Z"
        );
    }

    #[test]
    fn what_is_not_known_or_cut_off_is_refused() {
        let whole = envelope("v1", "ConfigMap", &field(1, &field(1, b"name")));
        decode(&whole).unwrap();
        for end in 0..whole.len() {
            let _ = decode(&whole[..end]);
        }
        assert_eq!(decode(&whole[..12]), Err(ProtobufError::Malformed));
        assert_eq!(decode(b"{}"), Err(ProtobufError::Malformed));
        let unknown = ProtobufError::Unknown { kind: "ConfigMap".into(), field: 9 };
        assert_eq!(decode(&envelope("v1", "ConfigMap", &field(9, b"x"))), Err(unknown));
        assert!(decode(&envelope("v1", "Widget", b"")).is_err());
    }
}
