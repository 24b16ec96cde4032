//! Kubeconfig texts of every make: block, JSON over lines or on one, in any order and dress.

use proptest::prelude::*;

use super::LISTS;

/// How a generated document is written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Block,
    /// JSON over several lines, with this indentation.
    Pretty(&'static str),
    /// JSON on one line.
    Compact,
}

/// One list of a generated document.
#[derive(Debug, Clone)]
enum List {
    Missing,
    /// Text after the colon that means "nothing here".
    Empty(&'static str),
    Block {
        indented: bool,
        items: Vec<String>,
    },
    /// Items, the blanks after the opening bracket, a comma at the end, one line each.
    Flow {
        items: Vec<String>,
        blank: bool,
        comma: bool,
        lines: bool,
    },
}

fn block_item(key: &'static str) -> impl Strategy<Value = String> {
    let noun = &key[..key.len() - 1];
    prop_oneof![
        Just(format!("- {noun}:\n    a: NAME # why\n    b: 'it''s'\n  name: NAME")),
        Just(format!(
            "- name: NAME\n  {noun}:\n    extensions:\n    - extension: {{v: [1, 2]}}\n      name: x"
        )),
        Just(format!("-\n  # about NAME\n  name: \"NAME\"\n  {noun}: {{a: 'b', c: [d, ]}}")),
        Just(format!("- # first\n  {noun}: null\n  name: NAME")),
        Just(format!("- {{name: NAME, {noun}: {{server: 'https://NAME:1'}}}} # end")),
        Just(format!("- name: NAME\n  unknown: |+\n    text\n\n    # no comment\n  {noun}:\n    empty:")),
        Just(format!("- name: NAME\n  {noun}:\n    folded: >-\n      a\n      b")),
        Just(format!(
            "- name: NAME\n  {noun}:\n    key: >\n      LS0tLS1\n    hint: >+\n      over two\n      lines\n    deeper: >-\n      a\n\n        b\n      c"
        )),
        Just(format!(
            "- {noun}: &body-NAME\n    exec: &exec-NAME {{command: x}}\n  name: &name-NAME NAME\n  again: *exec-NAME"
        )),
        Just(format!(
            "- base: &base-NAME\n    a: b\n    tab:\t'c'\t# d\n  name: NAME\n  {noun}:\n    <<: *base-NAME\n    c: d"
        )),
        Just(format!("- name: NAME\n  {noun}: {{}}\n  # commented: out\n   # and: deeper")),
        Just(format!("- name: NAME\n  unknown: yes\n\n  {noun}:\n    text: over two\n      lines\n")),
        Just("- name: NAME\n  é: \"\\u00e9 — ü\"".to_owned()),
    ]
}

fn flow_item(key: &'static str) -> impl Strategy<Value = String> {
    let noun = &key[..key.len() - 1];
    prop_oneof![
        Just(format!("{{\"name\": \"NAME\", \"{noun}\": {{\"a\": [1, 2.5, null, true]}}}}")),
        Just(format!("{{ \"{noun}\" : {{ }},\"name\":\"NAME\" }}")),
        Just(format!("{{\"{noun}\": null, \"name\": \"NAME\", \"é\": \"a, b] }} #\"}}")),
    ]
}

fn named(items: Vec<String>) -> Vec<String> {
    items.into_iter().enumerate().map(|(i, text)| text.replace("NAME", &format!("n{i}.x"))).collect()
}

fn list(key: &'static str, json: bool) -> BoxedStrategy<List> {
    let empty = if json {
        prop_oneof![Just(" null"), Just(" []"), Just("[ ]"), Just(":")].boxed()
    } else {
        prop_oneof![
            Just(""),
            Just(" null"),
            Just(" ~"),
            Just(" []"),
            Just("   [ ]"),
            Just(" # none"),
            Just(" [] # none yet"),
            Just(" null   "),
        ]
        .boxed()
    };
    let flow = (prop::collection::vec(flow_item(key), 1..4), any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(move |(items, blank, comma, lines)| List::Flow {
            items: named(items),
            blank,
            comma: comma && !json,
            lines,
        });
    let fill = if json {
        flow.boxed()
    } else {
        let block = (any::<bool>(), prop::collection::vec(block_item(key), 1..4))
            .prop_map(|(indented, items)| List::Block { indented, items: named(items) });
        prop_oneof![3 => block, 1 => flow].boxed()
    };
    prop_oneof![1 => Just(List::Missing), 2 => empty.prop_map(List::Empty), 4 => fill].boxed()
}

fn shift(text: &str, by: &str) -> String {
    text.split('\n')
        .map(|l| if l.is_empty() { String::new() } else { format!("{by}{l}") })
        .collect::<Vec<_>>()
        .join("\n")
}

fn flow_text(items: &[String], blank: bool, comma: bool, indent: Option<(&str, &str)>) -> String {
    let end = if comma { "," } else { "" };
    match indent {
        Some((own, inner)) => {
            let lines: Vec<String> = items.iter().map(|item| format!("\n{inner}{item}")).collect();
            format!("[{}{end}\n{own}]", lines.join(","))
        }
        None if blank => format!("[ {}{end} ]", items.join(" , ")),
        None => format!("[{}{end}]", items.join(",")),
    }
}

/// The parts of a document in some order, as text.
pub(crate) fn document() -> impl Strategy<Value = String> {
    let shape = prop_oneof![
        4 => Just(Shape::Block),
        1 => prop_oneof![Just("  "), Just("    "), Just("\t")].prop_map(Shape::Pretty),
        1 => Just(Shape::Compact),
    ];
    shape.prop_flat_map(|shape| {
        let json = shape != Shape::Block;
        let lists = (list("clusters", json), list("contexts", json), list("users", json));
        let current = if json {
            prop_oneof![
                Just(None),
                Just(Some(" \"\"")),
                Just(Some("\"n0.x\"")),
                Just(Some(" null")),
                Just(Some(" \"é\""))
            ]
        } else {
            prop_oneof![
                Just(None),
                Just(Some("")),
                Just(Some(" n0.x")),
                Just(Some("  'n0.x' # mine")),
                Just(Some(" \"\""))
            ]
        };
        let extras = if json {
            vec!["\"kind\": \"Config\"", "\"x\": {\"a\": [ ]}", "\"preferences\":{}"]
        } else {
            vec![
                "kind: Config",
                "# a comment",
                "",
                "    # deep comment",
                "x-data: &anchor {a: 'b'}\nx-copy: *anchor",
                "preferences:\n  colors: true",
                "x-text: |\n  clusters:\n  - no cluster",
                "'quoted key': \"# no comment\"",
                "x-list:\n- 1\n-\n- - 2",
            ]
        };
        let extras = prop::sample::subsequence(extras.clone(), 0..=extras.len());
        (Just(shape), lists, current, extras, any::<u64>(), any::<[bool; 4]>()).prop_map(
            |(shape, (clusters, contexts, users), current, extras, seed, flags)| {
                write(shape, [clusters, contexts, users], current, extras, seed, flags)
            },
        )
    })
}

/// Puts keys in an order that the seed decides, and dresses the text.
fn write(
    shape: Shape,
    lists: [List; 3],
    current: Option<&str>,
    extras: Vec<&str>,
    seed: u64,
    [crlf, bom, end, head]: [bool; 4],
) -> String {
    let mut parts: Vec<String> = extras.into_iter().map(str::to_owned).collect();
    let json = shape != Shape::Block;
    let unit = if let Shape::Pretty(unit) = shape { unit } else { "  " };
    for (key, list) in LISTS.into_iter().zip(lists) {
        let name = if json { format!("\"{key}\"") } else { key.to_owned() };
        let flow_indent = match shape {
            Shape::Block => Some(("  ", "    ")),
            Shape::Pretty(unit) => Some((unit, if unit == "\t" { "\t\t" } else { "        " })),
            Shape::Compact => None,
        };
        match list {
            List::Missing => {}
            List::Empty(text) => parts.push(format!("{name}:{}", if text == ":" { "[]" } else { text })),
            List::Block { indented, items } => {
                let by = if indented { "    " } else { "" };
                let items: Vec<String> = items.iter().map(|item| shift(item, by)).collect();
                parts.push(format!("{name}:\n{}", items.join("\n")));
            }
            List::Flow { items, blank, comma, lines } => {
                let text = flow_text(&items, blank, comma, flow_indent.filter(|_| lines));
                parts.push(format!("{name}: {text}"));
            }
        }
    }
    if let Some(current) = current {
        parts.push(if json {
            format!("\"current-context\":{current}")
        } else {
            format!("current-context:{current}")
        });
    }
    let mut seed = seed;
    for i in (1..parts.len()).rev() {
        parts.swap(i, (seed % (i as u64 + 1)) as usize);
        seed = seed.rotate_right(7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    let mut text = match shape {
        Shape::Block => {
            let head = if head { "# head\n---\n" } else { "" };
            format!("{head}{}", parts.join("\n"))
        }
        Shape::Pretty(_) => {
            let lines: Vec<String> = parts.iter().map(|part| format!("\n{unit}{part}")).collect();
            format!("{{{}\n}}", lines.join(","))
        }
        Shape::Compact => format!("{{{}}}", parts.join(",")),
    };
    if end {
        text.push('\n');
    }
    if crlf {
        text = text.replace('\n', "\r\n");
    }
    if bom {
        text.insert(0, '\u{feff}');
    }
    text
}
