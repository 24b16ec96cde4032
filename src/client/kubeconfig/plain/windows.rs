//! The plain reader for texts whose lines end in `\r\n`: it reads them with `\n` and counts the bytes back.

use serde_json::Value;

use super::lines;
use crate::client::kubeconfig::tree::{Node, Shape, Tree};

/// What a text with Windows line breaks says and where; nothing if one of them is not such a one.
pub(super) fn read(text: &str) -> Option<(Value, Tree)> {
    let unix = text.replace("\r\n", "\n");
    // Where the line breaks stand in the other text: each takes a byte more in ours.
    let breaks: Vec<usize> = unix.match_indices('\n').map(|(at, _)| at).collect();
    if unix.contains('\r') || unix.len() + breaks.len() != text.len() {
        return None;
    }
    let (value, mut tree) = lines(&unix)?;
    if let Some(root) = &mut tree.root {
        count_back(root, &breaks);
    }
    Some((value, tree))
}

/// Moves a node and those in it from the text with `\n` to that with `\r\n`.
fn count_back(node: &mut Node, breaks: &[usize]) {
    // The end of a line is before its `\r`, too.
    let moved = |at: usize| at + breaks.partition_point(|end| *end < at);
    (node.start, node.end) = (moved(node.start), moved(node.end));
    match &mut node.shape {
        Shape::Scalar { .. } | Shape::Alias => {}
        Shape::List { items, .. } => items.iter_mut().for_each(|item| count_back(item, breaks)),
        Shape::Map { pairs, .. } => {
            for (key, value) in pairs {
                count_back(key, breaks);
                count_back(value, breaks);
            }
        }
    }
}
