//! Where each node of a YAML or JSON text stands, in bytes.
//!
//! The events come from the parser that `serde_yaml` itself stands on, so that what is located here and what
//! is read there can't differ.

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

/// One node and the bytes that it covers. A node's anchor and tag belong to it.
#[derive(Debug)]
pub(super) struct Node {
    /// First byte.
    pub(super) start: usize,
    /// The byte after the last. A block collection ends with its last child; a block scalar holds its last newline.
    pub(super) end: usize,
    /// What it is.
    pub(super) shape: Shape,
}

/// What a node is.
#[derive(Debug, PartialEq)]
pub(super) enum Shape {
    /// A scalar.
    Scalar {
        /// Its text, or nothing when it is long (only names are asked for).
        text: String,
        /// How it is quoted.
        quote: Quote,
    },
    /// A reference to an anchor.
    Alias,
    /// A sequence.
    List {
        /// `[a, b]` rather than `- a`.
        flow: bool,
        /// Its items.
        items: Vec<Node>,
    },
    /// A mapping.
    Map {
        /// `{a: b}` rather than `a: b`.
        flow: bool,
        /// Its keys and values.
        pairs: Vec<(Node, Node)>,
    },
}

/// How a scalar is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    /// Not at all, or as a block.
    Plain,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
}

/// Where a node of no bytes stands is told in more than one way.
impl PartialEq for Node {
    fn eq(&self, other: &Node) -> bool {
        let empty = self.is_nothing() && other.is_nothing();
        empty || (self.start, self.end, &self.shape) == (other.start, other.end, &other.shape)
    }
}

impl Node {
    /// A scalar of no bytes, as after `key:`.
    pub(super) fn is_nothing(&self) -> bool {
        self.start == self.end && matches!(self.shape, Shape::Scalar { .. })
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.shape {
            Shape::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The pair of a key in a mapping.
    pub(super) fn pair(&self, key: &str) -> Option<(usize, &(Node, Node))> {
        match &self.shape {
            Shape::Map { pairs, .. } => {
                pairs.iter().enumerate().find(|(_, (k, _))| !k.is_nothing() && k.text() == Some(key))
            }
            _ => None,
        }
    }
}

/// The node of a text, and where the text says `...`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Tree {
    /// The document's node; none when it is empty.
    pub(super) root: Option<Node>,
    /// The document is ended by `...`.
    pub(super) closed: bool,
}

/// Scalars longer than this are data, never names.
const LONGEST_NAME: usize = 1024;

/// A scalar's text, if it can be a name.
pub(super) fn name_of(text: &str) -> String {
    if text.len() <= LONGEST_NAME { text.to_owned() } else { String::new() }
}

enum Frame {
    List { start: usize, flow: bool, items: Vec<Node> },
    Map { start: usize, flow: bool, pairs: Vec<(Node, Node)>, key: Option<Node> },
}

/// Locates the nodes of a text that `serde_yaml` has read. Byte offsets count from `text`'s start.
///
/// # Errors
/// The byte and the reason, should the two readings differ.
pub(super) fn locate(text: &str) -> Result<Tree, (usize, String)> {
    let options = granit_parser::options! {
        emit_comments: false, emit_anchor_events: true, flow_nesting_limit: 100, block_nesting_limit: 100
    };
    let mut tree = Tree::default();
    let mut frames: Vec<Frame> = Vec::new();
    let mut events = Parser::new_from_str_with_options(text, options).peekable();
    while let Some(next) = events.next() {
        let (event, span) = next.map_err(|e| (e.marker().byte_offset().unwrap_or(0), e.to_string()))?;
        let (mut start, mut end) = bounds(&span);
        if let Some(tag) = span.tag_span() {
            start = start.min(bounds(&tag).0);
            end = end.max(bounds(&tag).1);
        }
        if let Some(Ok((Event::Anchor(..), anchor))) = events.peek() {
            start = start.min(bounds(anchor).0);
            end = end.max(bounds(anchor).1);
            events.next();
        }
        let done = match event {
            Event::Scalar(name, style, ..) => {
                if start == end && matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    // A block scalar of no lines is reported behind its indicator.
                    start = text[..start].rfind(['|', '>']).unwrap_or(start);
                }
                Node { start, end, shape: Shape::Scalar { text: name_of(&name), quote: quote(style) } }
            }
            Event::Alias(_) => Node { start, end, shape: Shape::Alias },
            Event::SequenceStart(style, ..) => {
                frames.push(Frame::List { start, flow: style == StructureStyle::Flow, items: Vec::new() });
                continue;
            }
            Event::MappingStart(style, ..) => {
                let flow = style == StructureStyle::Flow;
                frames.push(Frame::Map { start, flow, pairs: Vec::new(), key: None });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match frames.pop() {
                Some(frame) => close(text, frame, end),
                None => continue,
            },
            Event::DocumentEnd => {
                tree.closed |= end > start;
                continue;
            }
            _ => continue,
        };
        match frames.last_mut() {
            None => tree.root = Some(done),
            Some(Frame::List { items, .. }) => items.push(done),
            Some(Frame::Map { pairs, key, .. }) => match key.take() {
                None => *key = Some(done),
                Some(key) => pairs.push((key, done)),
            },
        }
    }
    tree.root = tree.root.filter(|root| !root.is_nothing());
    Ok(tree)
}

fn bounds(span: &Span) -> (usize, usize) {
    span.byte_range().map_or((0, 0), |range| (range.start, range.end))
}

fn quote(style: ScalarStyle) -> Quote {
    match style {
        ScalarStyle::SingleQuoted => Quote::Single,
        ScalarStyle::DoubleQuoted => Quote::Double,
        _ => Quote::Plain,
    }
}

/// A finished collection: of flow style it ends with its bracket, of block style with its last child.
fn close(text: &str, frame: Frame, bracket: usize) -> Node {
    match frame {
        Frame::List { start, flow, items } => {
            let last = items.last().map_or(start, |n| n.end);
            let end = if flow { bracket } else { last };
            Node { start, end, shape: Shape::List { flow, items } }
        }
        Frame::Map { start, flow, pairs, .. } => {
            // A value of no bytes may be reported anywhere after its colon.
            let colon = |key: &Node| key.end + usize::from(text[key.end..].starts_with(':'));
            let last = pairs.last().map_or(start, |(k, v)| if v.is_nothing() { colon(k) } else { v.end });
            let end = if flow { bracket } else { last };
            Node { start, end, shape: Shape::Map { flow, pairs } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'t>(text: &'t str, key: &str) -> &'t str {
        let tree = locate(text).unwrap();
        let root = tree.root.unwrap();
        let (_, (_, value)) = root.pair(key).unwrap();
        &text[value.start..value.end]
    }

    #[test]
    fn nodes_cover_their_own_bytes() {
        let text = "a: 'x' # c\nb: &q !!map\n  c: d\n  e:\nf: [1, {g: h}]\nl:\n- é\n- name: z\n\n# end\n";
        assert_eq!(value(text, "a"), "'x'");
        assert_eq!(value(text, "b"), "&q !!map\n  c: d\n  e:");
        assert_eq!(value(text, "f"), "[1, {g: h}]");
        assert!(value(text, "l").ends_with("name: z"));
    }

    #[test]
    fn an_empty_text_has_no_node() {
        for text in ["", "# only this\n", "---\n", "--- # x\n"] {
            assert!(locate(text).unwrap().root.is_none(), "{text:?}");
        }
        assert!(locate("a: b\n...\n").unwrap().closed);
    }
}
