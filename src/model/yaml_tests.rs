use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Sample {
    name: String,
    #[serde(default)]
    on: bool,
}

#[test]
fn positions_are_those_of_the_file() {
    let text = "# first\n---\nname: a\n---\nname: b\nnmae: c\n";
    let documents = documents(text);
    assert_eq!(documents.len(), 2);
    assert_eq!(read::<Sample>(&documents[0].text).unwrap(), Sample { name: "a".into(), on: false });
    let error = read::<Sample>(&documents[1].text).unwrap_err();
    assert_eq!((error.line, error.column), (6, 1));
    assert!(error.reason.contains("nmae"), "{error}");
}

#[test]
fn go_style_booleans_and_doubled_keys() {
    assert!(read::<Sample>("name: a\non: yes\n").unwrap().on);
    assert!(read::<Sample>("name: a\nname: b\n").is_err());
    assert!(read::<Sample>("name: [a\n").is_err());
}

#[test]
fn writes_what_stock_tctl_writes() {
    let json = include_str!("../../tests/data/teleport-4.0.2/tctl/get_json.stdout");
    let yaml = include_str!("../../tests/data/teleport-4.0.2/tctl/get.stdout");
    let written = write(&serde_json::from_str(json).unwrap()).unwrap();
    assert_eq!(written.trim_end(), yaml.trim_end());
    let odd = serde_json::json!({"a": ["yes", "012", "1e3", "~", "a: b", "x\ny", " pad", "- dash", "null", "2026-01-01"]});
    let text = write(&odd).unwrap();
    assert_eq!(read::<Value>(&text).unwrap(), odd, "{text}");
    for quoted in ["yes", "012", "~", "null"] {
        assert!(text.contains(&format!("\"{quoted}\"")) || text.contains(&format!("'{quoted}'")), "{text}");
    }
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for i in 1..9 {
        let item = format!("*a{}", i - 1);
        text += &format!("a{i}: &a{i} [{}]\n", vec![item; 10].join(","));
    }
    assert!(read::<BTreeMap<String, Value>>(&text).is_err());
}

#[test]
fn errors_do_not_quote_the_file() {
    let error = read::<Sample>("name: hunter2-secret\nwrong: hunter2-secret\n").unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

/// Any value of JSON; texts are those that YAML has reasons to take for something else, and any other.
fn value() -> impl Strategy<Value = Value> {
    let odd = vec![
        "",
        " ",
        "yes",
        "No",
        "012",
        "0x1f",
        "1e3",
        "1_000",
        ".5",
        "~",
        "null",
        "<<",
        "=",
        "- a",
        "? a",
        "a: b",
        "a #b",
        "#",
        "&a",
        "*a",
        "!a",
        "|",
        ">-",
        "@a",
        "`a",
        "%a",
        "'",
        "\"",
        "\\",
        "{",
        "[a",
        "---",
        "...",
        "2026-01-01",
        "12:30",
        ".inf",
        "a\n",
        "\na",
        "a\n\n b",
        "\t",
        "a\r\nb",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{7f}",
        "\u{0}",
        "é",
        "😀",
    ];
    let text =
        || prop_oneof![3 => prop::sample::select(odd.clone()).prop_map(str::to_owned), 1 => any::<String>()];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    let key = text();
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), line in "[ -~\n]{0,80}") {
        for text in [text, line] {
            for document in documents(&text) {
                prop_assert_eq!(document.text.lines().take(document.first_line - 1).filter(|l| !l.is_empty()).count(), 0);
                let _ = read::<Value>(&document.text);
                if let Err(error) = read::<Sample>(&document.text) {
                    prop_assert!(!error.reason.is_empty() && !error.reason.contains('\n'), "{error:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_written_is_read_again(value in value()) {
        let text = write(&value).unwrap();
        prop_assert_eq!(read::<Value>(&text).unwrap(), value, "{}", text);
    }

    #[test]
    fn documents_are_told_apart_whatever_is_in_them(values in prop::collection::vec(value(), 1..5)) {
        let mut text = String::new();
        let mut lines = Vec::new();
        for value in &values {
            text += "---\n";
            lines.push(text.matches('\n').count() + 1);
            // Within a mapping, as resources are, no line of a text stands at the left.
            text += &write(&serde_json::json!({"a": value})).unwrap();
        }
        let found = documents(&text);
        prop_assert_eq!(found.iter().map(|d| d.first_line).collect::<Vec<_>>(), lines, "{}", text);
        for (document, value) in found.iter().zip(&values) {
            prop_assert_eq!(&read::<Value>(&document.text).unwrap()["a"], value, "{}", text);
        }
    }
}
