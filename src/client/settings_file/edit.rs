//! Changes one setting in the text of a settings file and leaves every other byte alone. The result is read again and
//! compared with what was meant; a text that cannot be changed so is refused with the reason.

use serde_json::{Map, Value};

use crate::{
    client::kubeconfig::{
        patch::{Patch, line_start, next_line},
        tree::{Node, Shape, locate},
    },
    model::yaml,
};

/// How far a new level is indented.
const STEP: usize = 2;

/// Whether there is nothing but comments in a text.
pub(super) fn says_nothing(text: &str) -> bool {
    text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#'))
}

/// Sets the value at a path.
pub(super) fn set(text: &str, path: &[String], value: &Value) -> Result<String, String> {
    let mut wanted = read(text)?;
    put(&mut wanted, path, value);
    let tree = locate(text).map_err(|(_, reason)| reason)?;
    let mut patch = Patch::new(text);
    match &tree.root {
        _ if tree.closed => return Err("it ends with `...`".into()),
        None => patch.add_lines(text.len(), &lines(path, value, 0)?),
        Some(root) => set_in(&mut patch, text, root, path, value)?,
    }
    finish(patch, &wanted)
}

/// Takes the value at a path away; says whether it was there.
pub(super) fn unset(text: &str, path: &[String]) -> Result<(String, bool), String> {
    let mut wanted = read(text)?;
    if !take(&mut wanted, path) {
        return Ok((text.to_owned(), false));
    }
    let tree = locate(text).map_err(|(_, reason)| reason)?;
    let Some(root) = &tree.root else { return Ok((text.to_owned(), false)) };
    let mut patch = Patch::new(text);
    unset_in(&mut patch, text, root, path)?;
    Ok((finish(patch, &wanted)?, true))
}

fn finish(patch: Patch<'_>, wanted: &Value) -> Result<String, String> {
    let text = patch.apply().ok_or("two changes meet")?;
    let text = if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" };
    if read(&text).is_ok_and(|read| pruned(read) == pruned(wanted.clone())) {
        Ok(text)
    } else {
        Err("anchors, tags or keys with quotes are in the way".into())
    }
}

fn read(text: &str) -> Result<Value, String> {
    if says_nothing(text) {
        return Ok(Value::Object(Map::new()));
    }
    yaml::read(text).map_err(|e| e.to_string())
}

fn set_in(
    patch: &mut Patch<'_>,
    text: &str,
    node: &Node,
    path: &[String],
    value: &Value,
) -> Result<(), String> {
    let Some((key, rest)) = path.split_first() else { return Ok(()) };
    let Shape::Map { flow: false, pairs } = &node.shape else {
        return in_line(patch, text, node, path, Some(value));
    };
    let Some((_, (name, there))) = node.pair(key) else {
        let indent = pairs.first().map_or(0, |(first, _)| first.start - line_start(text, first.start));
        patch.add_lines(next_line(text, node.end), &lines(path, value, indent)?);
        return Ok(());
    };
    if rest.is_empty() {
        if there.is_nothing() {
            let colon = after_colon(text, name)?;
            patch.replace(colon..colon, format!(" {}", scalar(value)?));
        } else {
            patch.replace(there.start..there.end, scalar(value)?);
        }
        return Ok(());
    }
    if there.is_nothing() {
        let indent = name.start - line_start(text, name.start) + STEP;
        patch.add_lines(next_line(text, after_colon(text, name)?), &lines(rest, value, indent)?);
        return Ok(());
    }
    set_in(patch, text, there, rest, value)
}

fn unset_in(patch: &mut Patch<'_>, text: &str, node: &Node, path: &[String]) -> Result<(), String> {
    let Some((key, rest)) = path.split_first() else { return Ok(()) };
    if !matches!(node.shape, Shape::Map { flow: false, .. }) {
        return in_line(patch, text, node, path, None);
    }
    let Some((_, (name, there))) = node.pair(key) else { return Ok(()) };
    // What would be left empty goes as well.
    let is_last = |node: &Node, path: &[String]| {
        path.len() == 1 && matches!(&node.shape, Shape::Map { pairs, .. } if pairs.len() == 1)
    };
    let empties = match rest {
        [] => true,
        [_] => is_last(there, rest),
        [middle, last @ ..] => {
            let below = there.pair(middle).map(|(_, (_, below))| below);
            matches!(&there.shape, Shape::Map { pairs, .. } if pairs.len() == 1)
                && below.is_some_and(|below| is_last(below, last))
        }
    };
    if empties {
        let end = if there.is_nothing() { after_colon(text, name)? } else { there.end };
        patch.drop_lines(name.start..end);
        Ok(())
    } else {
        unset_in(patch, text, there, rest)
    }
}

/// Changes a mapping that is written as `{a: b}`: it is written anew, which loses nothing but its spaces.
fn in_line(
    patch: &mut Patch<'_>,
    text: &str,
    node: &Node,
    path: &[String],
    value: Option<&Value>,
) -> Result<(), String> {
    let old = &text[node.start..node.end];
    if !matches!(node.shape, Shape::Map { flow: true, .. }) || old.contains(['#', '&', '*', '!']) {
        return Err(format!("something else than keys and values stands where {:?} belongs", path[0]));
    }
    let mut map: Value = yaml::read(old).map_err(|e| e.reason)?;
    match value {
        Some(value) => put(&mut map, path, value),
        None => drop(take(&mut map, path)),
    }
    patch.replace(node.start..node.end, map.to_string());
    Ok(())
}

/// The place behind a key's colon.
fn after_colon(text: &str, key: &Node) -> Result<usize, String> {
    let colon = text[key.end..].find(':').ok_or("a key has no colon")?;
    Ok(key.end + colon + 1)
}

/// A value at a path, as lines of a block.
fn lines(path: &[String], value: &Value, indent: usize) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    for (depth, key) in path.iter().enumerate() {
        let spaces = " ".repeat(indent + depth * STEP);
        let key = scalar(&Value::from(key.as_str()))?;
        let end = if depth + 1 == path.len() { format!(" {}", scalar(value)?) } else { String::new() };
        lines.push(format!("{spaces}{key}:{end}"));
    }
    Ok(lines)
}

/// A scalar in one line of YAML.
fn scalar(value: &Value) -> Result<String, String> {
    let text = yaml::write(value).map_err(|e| e.reason)?;
    let text = text.trim_end();
    // A text of JSON is one of YAML.
    Ok(if text.is_empty() || text.contains('\n') { value.to_string() } else { text.to_owned() })
}

fn put(into: &mut Value, path: &[String], value: &Value) {
    let Some((key, rest)) = path.split_first() else {
        *into = value.clone();
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    if let Value::Object(map) = into {
        put(map.entry(key.as_str()).or_insert(Value::Null), rest, value);
    }
}

fn take(from: &mut Value, path: &[String]) -> bool {
    let (Some((key, rest)), Value::Object(map)) = (path.split_first(), from) else { return false };
    if rest.is_empty() {
        return map.shift_remove(key).is_some();
    }
    map.get_mut(key).is_some_and(|below| take(below, rest))
}

/// Without what says nothing, so that a section that is gone equals an empty one.
fn pruned(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    let kept = map.into_iter().map(|(key, value)| (key, pruned(value)));
    let says = |value: &Value| !value.is_null() && value.as_object().is_none_or(|map| !map.is_empty());
    let mut kept: Vec<_> = kept.filter(|(_, value)| says(value)).collect();
    kept.sort_by(|a, b| a.0.cmp(&b.0));
    Value::Object(kept.into_iter().collect())
}
