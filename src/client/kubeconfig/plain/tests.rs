//! The plain reader against the other one: what it reads it reads alike, and what tools write it reads.

use proptest::prelude::*;

use super::*;

/// Whether the plain reader reads a text; if it does, it must answer what the other one answers.
fn is_read_alike(text: &str) -> bool {
    let Some((value, tree)) = super::read(text) else { return false };
    assert_eq!(value, serde_yaml::from_str::<Value>(text).unwrap(), "{text:?}");
    assert_eq!(tree, crate::client::kubeconfig::tree::locate(text).unwrap(), "{text:?}");
    true
}

#[test]
fn what_tools_write_is_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kubeconfig");
    let read = |name: &str, line_end: &str| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap().replace('\n', line_end);
        assert!(is_read_alike(&text), "{name} is left to the other reader");
    };
    [
        "aks.yaml",
        "eks.yaml",
        "gke.yaml",
        "js-yaml.yaml",
        "kind.yaml",
        "kubectl.yaml",
        "stock-tsh.yaml",
        "pretty.json",
    ]
    .iter()
    .for_each(|name| ["\n", "\r\n"].iter().for_each(|line_end| read(name, line_end)));
}

#[test]
fn texts_over_lines_and_tabs_in_comments_are_read() {
    for text in [
        "a: |\n  b\n",
        "a: |-\n  b\n  c\nd: e\n",
        "a: |+\n  b\nd: e\n",
        "a:\n- |\n  # no comment\n    deeper: \"x\n\n  y: [\n- c\n",
        "a:\n  b: |\n     é – ‘c’\n  d: e\n# f\n",
        "a:\n- b: |\n    c\n  d: e\n",
        "a: |\n  b\n# c\n\nd: e\n",
        "a: >\n  b\n",
        "a: >-\n  b\n  c: [d\ne: f\n",
        "a: >+\n  b\nd: e\n",
        "a:\n- b: >-\n    # no comment\n    c\n  d: e\n",
        "a:\n- >-\n  b\n  c\n- d\n",
        "a: >\n  b\n# c\n\nd: e\n",
        "a:\n  b: >-\n     é – ‘c’\n  d: e\n# f\n",
        "#\ta\nb: c #\td\n  #\te\nf: g\n",
        // Base64 may begin so.
        "a: +b/c=\nd: +1\ne:\n- +x\n- +.5\nf: +\n",
    ] {
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            assert!(is_read_alike(&text), "{text:?}");
        }
    }
}

#[test]
fn one_text_over_lines_does_not_make_a_large_file_slow() {
    let mut text = String::from("users:\n");
    for i in 0..1000 {
        text += &format!(
            "- name: u{i}\n  user:\n    exec:\n      args:\n      - get-token\n      command: aws\n"
        );
    }
    text += "- name: last\n  user:\n    exec:\n      command: gke\n      installHint: |\n        Install it.\n        Then try again.\n";
    let (value, _) = super::read(&text).unwrap();
    assert_eq!(value["users"][1000]["user"]["exec"]["installHint"], "Install it.\nThen try again.\n");
}

#[test]
fn what_is_not_plain_is_left_alone() {
    for text in [
        "a: b\u{0}c\n",
        "a: \u{7f}\n",
        "a: b\u{85}c\n",
        "# \u{2028}\na: b\n",
        "a: &x b",
        "a: *x",
        "a: !t b",
        "a: >\n  b\n\n  c\n",
        "a: >\n  b\n   c\n",
        "a: >\n  b \n  c\n",
        "a: >\n  b\n\n",
        "a: >\n",
        "a: >-2\n  b\n",
        "a: >- # why\n  b\n",
        "a: >-\n  b",
        "a: |2\n  b\n",
        "a: |\n",
        "a: |\n\n  b\n",
        "a: |\n  b\n\nc: d\n",
        "a: |\n  b",
        "a: |\n   b\n  c\n",
        "a: |\n  b\tc\n",
        "a: | # why\n  b\n",
        "a: |\n  b\n   \n  c\n",
        "a: b\tc\n",
        "a: b\t# c\n",
        "a: b\n\t\nc: d\n",
        "a: b\n\n  c\n",
        "a: 'b\n  c'\n",
        "a: b\na: c\n",
        "<<: b\n",
        "---\na: b\n",
        "a: b\n...\n",
        "a: b: c\n",
        "a: b\n c: d\n",
        "a:\n   b: c\n  d: e\n",
        "? a\n: b\n",
        "a: \"\\x41\"\n",
        "a: 'it''s'\n",
        "{\"a\": 1, \"a\": 2}",
        "{\"a\": [1,]}",
        "{a: b}",
        "a:\tb",
        "a: b\r",
        "a: b\r\nc: d\n",
        "a: b\rc: d\r\n",
        "- a\n",
        "a: [b]\n",
        "a:\n- b\n c: d\n",
    ] {
        assert!(super::read(text).is_none(), "{text:?}");
    }
}

/// A value as tools write it.
#[derive(Debug, Clone)]
enum Written {
    /// On the line of its key or dash.
    Line(&'static str),
    /// Behind `|`, `>` and the like.
    Text(&'static str, Vec<&'static str>),
    /// With dashes right of the key or not.
    List(bool, Vec<Written>),
    Map(Vec<Written>),
}

fn written() -> impl Strategy<Value = Written> {
    let lines = vec![
        "a",
        "v1.2",
        "-5",
        "1e3",
        "0x1f",
        "yes",
        "~",
        "null",
        "2026-01-01",
        "https://gate.example:3026/clusters/a",
        "\"q: # x\"",
        "'single'",
        "{}",
        "[]",
        "{\"a\": [1, null]}",
        "two words # why",
    ];
    let line = prop::sample::select(lines).prop_map(Written::Line);
    let words =
        prop::sample::select(vec!["word", "- dash", "# no comment", "key: [x", "'open", "é", "...", "{"]);
    let text =
        (prop::sample::select(vec!["|", "|-", "|+", ">", ">-", ">+"]), prop::collection::vec(words, 1..4));
    let leaf = prop_oneof![3 => line, 1 => text.prop_map(|(head, lines)| Written::Text(head, lines))];
    leaf.prop_recursive(4, 24, 4, |inner| {
        // A list in a list is the other reader's.
        let item = inner.clone().prop_filter("no list", |value| !matches!(value, Written::List(..)));
        prop_oneof![
            (any::<bool>(), prop::collection::vec(item, 1..4))
                .prop_map(|(indented, items)| Written::List(indented, items)),
            prop::collection::vec(inner, 1..4).prop_map(Written::Map),
        ]
    })
}

/// Writes a value behind its key or dash, which stands at this column.
fn write(value: &Written, column: usize, keyed: bool, out: &mut String) {
    let blanks = |count: usize| " ".repeat(count);
    match value {
        Written::Line(text) => *out += &format!(" {text}\n"),
        Written::Text(head, lines) => {
            *out += &format!(" {head}\n");
            lines.iter().for_each(|line| *out += &format!("{}{line}\n", blanks(column + 2)));
        }
        Written::List(indented, items) => {
            let column = column + if *indented { 2 } else { 0 };
            out.push('\n');
            for item in items {
                *out += &format!("{}-", blanks(column));
                write(item, column, false, out);
            }
        }
        Written::Map(values) => {
            out.push(if keyed { '\n' } else { ' ' });
            for (i, value) in values.iter().enumerate() {
                *out += &format!("{}key{i}:", blanks(if keyed || i > 0 { column + 2 } else { 0 }));
                write(value, column + 2, true, out);
            }
        }
    }
}

/// A line of some YAML, good or bad in its place.
fn line() -> impl Strategy<Value = String> {
    let parts = vec![
        "a: b",
        "b:",
        "- c",
        "- a: b",
        "-",
        "a: |",
        "b: >-",
        "- |+",
        "- >",
        "words",
        "two words ",
        "# c",
        "",
        "\"q\": 'x'",
        "- - a",
        "c: {",
        "\"x\": 1}",
        "d: [\"x\", 2]",
        "b: &x c",
        "e: *x",
        "<<: *x",
        "---",
        "t:\tu",
        "'",
        "!t v",
    ];
    (0usize..7, prop::sample::select(parts)).prop_map(|(indent, text)| " ".repeat(indent) + text)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_tools_may_write_is_read_and_alike(
        values in prop::collection::vec((written(), any::<bool>()), 1..5),
        windows in any::<bool>(),
    ) {
        let mut text = String::new();
        for (i, (value, comment)) in values.iter().enumerate() {
            text += &format!("{}list{i}:", if *comment { "# why\n" } else { "" });
            // The keys of the document stand at the left.
            write(value, 0, true, &mut text);
        }
        if windows {
            text = text.replace('\n', "\r\n");
        }
        prop_assert!(is_read_alike(&text), "{text:?} is left to the other reader");
    }

    #[test]
    fn whatever_stands_there_is_read_alike_or_left(
        lines in prop::collection::vec(line(), 1..8),
        end in prop::sample::select(vec!["\n", "\r\n"]),
        last in any::<bool>(),
    ) {
        let text = lines.join(end) + if last { end } else { "" };
        is_read_alike(&text);
    }
}
