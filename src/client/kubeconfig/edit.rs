//! Carries out a plan on a file's text: finds the bytes of the entries named in it and changes only these.

use std::ops::Range;

use serde_json::Value;

use super::document::{CURRENT, Document, Kind};
use super::error::Error;
use super::flow;
use super::patch::{self, Patch};
use super::plan::{Before, ListPlan, Plan};
use super::render::{self, Style};
use super::tree::{Node, Quote, Shape};

/// The text of a file after a plan, checked: read again, it says what the plan wants and nothing else.
///
/// # Errors
/// [`Error::Layout`] where that can't be done without touching other bytes.
pub(super) fn edit(document: &Document, plan: &Plan) -> Result<String, Error> {
    let text = match attempt(document, plan) {
        // What stood there before may not fit any more (say, its anchor is gone).
        Err(_) if plan.restores() => attempt(document, &plan.without_restoring())?,
        other => other?,
    };
    Ok(text)
}

fn attempt(document: &Document, plan: &Plan) -> Result<String, Error> {
    let layout = |at: usize, reason: &str| document.place.layout(&document.text, at, reason);
    if let Some(at) = patch::lone_return(&document.text) {
        return Err(layout(at, "a carriage return without a line feed breaks a line here"));
    }
    let mut editor = Editor::new(document);
    for kind in Kind::ALL {
        editor.list(kind, plan.list(kind))?;
        // kubectl sorts keys: current-context stands between contexts and users.
        if kind == Kind::Context
            && let Some(current) = &plan.current
        {
            editor.current(&current.name, &current.before)?;
        }
    }
    let first = editor.first_change;
    let text = editor.finish()?;
    let bytes = document.bytes(&text);
    let read = Document::parse(&document.place.0, &bytes)
        .map_err(|_| layout(first, "changing our entries here would break the file"))?;
    if plan.fulfilled(document, &read) {
        Ok(text)
    } else {
        Err(layout(
            first,
            "changing our entries here would change other entries too (anchors or merge keys?)",
        ))
    }
}

struct Editor<'d> {
    document: &'d Document,
    text: &'d str,
    patch: Patch<'d>,
    style: Style<'d>,
    new_keys: Vec<(&'static str, Value)>,
    gone_keys: Vec<usize>,
    first_change: usize,
}

impl<'d> Editor<'d> {
    fn new(document: &'d Document) -> Self {
        let text = document.text.as_str();
        let patch = Patch::new(text);
        let style = Style { eol: patch.eol(), indented_lists: indented_lists(document) };
        let (new_keys, gone_keys) = (Vec::new(), Vec::new());
        Editor { document, text, patch, style, new_keys, gone_keys, first_change: 0 }
    }

    fn refuse(&self, at: usize, reason: impl Into<String>) -> Error {
        self.document.place.layout(self.text, at, reason)
    }

    fn in_flow(&self) -> bool {
        matches!(self.document.tree.root.as_ref().map(|r| &r.shape), Some(Shape::Map { flow: true, .. }))
    }

    /// The byte after a key's colon.
    fn after_colon(&self, key: &Node) -> Result<usize, Error> {
        let rest = &self.text[key.end..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        match rest.as_bytes().get(blank) {
            Some(b':') => Ok(key.end + blank + 1),
            _ => Err(self.refuse(key.start, "a key is not followed by its colon on the same line")),
        }
    }

    /// What stands between a key's colon and the end of its value.
    fn value_range(&self, key: &Node, value: &Node) -> Result<Range<usize>, Error> {
        let colon = self.after_colon(key)?;
        // A value of no bytes may be reported further down.
        let end = if value.is_nothing() { colon } else { value.end.max(colon) };
        Ok(patch::without_breaks(self.text, colon..end))
    }

    fn list(&mut self, kind: Kind, plan: &ListPlan) -> Result<(), Error> {
        if plan.set.is_empty() && plan.remove.is_empty() {
            return Ok(());
        }
        let document = self.document;
        let Some((index, (key, value))) = document.pair(kind.key()) else {
            if !document.items(kind).is_empty() {
                let reason = format!("{} comes from a merge key", kind.key());
                return Err(self.refuse(document.tree.root.as_ref().map_or(0, |r| r.start), reason));
            }
            self.new_keys.extend(plan.fresh().map(|items| (kind.key(), items)));
            return Ok(());
        };
        self.first_change = key.start;
        for name in plan.names() {
            if document.is_twice(kind, name) {
                let at = document.at(kind, document.position(kind, name).unwrap_or(0));
                return Err(self.refuse(at, format!("two {} are named {name:?}", kind.key())));
            }
        }
        match &value.shape {
            Shape::Alias => Err(self.refuse(value.start, format!("{} is an alias", kind.key()))),
            Shape::List { flow, items } if !items.is_empty() => {
                self.filled(kind, plan, (index, key, value), *flow, items)
            }
            _ => match plan.fresh() {
                Some(items) => self.fill(key, value, &items),
                None => Ok(()),
            },
        }
    }

    /// Writes a list where there was none: after a key with `null`, `[]` or nothing.
    fn fill(&mut self, key: &Node, value: &Node, items: &Value) -> Result<(), Error> {
        let range = self.value_range(key, value)?;
        if self.in_flow() {
            let list = match flow::indentation(self.text, self.document.tree.root.as_ref(), key.start) {
                Some((indent, unit)) => render::pretty(items, indent, unit, self.style.eol),
                None => render::json(items),
            };
            self.patch.replace(range, format!(" {list}"));
            return Ok(());
        }
        let indent = self.list_indent(key);
        let lines = render::prefixed(&indent, &indent, render::block(items, self.style));
        self.patch.add_lines(patch::next_line(self.text, range.end), &lines);
        self.patch.replace(range, "");
        Ok(())
    }

    fn list_indent(&self, key: &Node) -> String {
        let own = patch::leading(self.text, key.start);
        if self.style.indented_lists { format!("{own}  ") } else { own.to_owned() }
    }

    /// Changes a list that has items.
    fn filled(
        &mut self,
        kind: Kind,
        plan: &ListPlan,
        (index, key, value): (usize, &Node, &Node),
        flow: bool,
        items: &[Node],
    ) -> Result<(), Error> {
        let position = |name: &str| self.document.position(kind, name);
        let gone: Vec<usize> = plan.remove.iter().filter_map(|name| position(name)).collect();
        let (old, new): (Vec<_>, Vec<_>) = plan.set.iter().partition(|(name, _)| position(name).is_some());
        let old: Vec<(usize, &Value)> =
            old.into_iter().filter_map(|(name, item)| Some((position(name)?, item))).collect();
        let new: Vec<&Value> = new.into_iter().map(|(_, item)| item).collect();
        let emptied = gone.len() == items.len() && old.is_empty() && new.is_empty();
        if !flow {
            return self.block_list(
                (index, key),
                items,
                &gone,
                (&old, &new),
                emptied.then_some(&plan.emptied),
            );
        }
        if emptied {
            match &plan.emptied {
                Before::Absent => self.gone_keys.push(index),
                before => {
                    let range = self.value_range(key, value)?;
                    self.patch.replace(range, before.text().unwrap_or(" []"));
                }
            }
            return Ok(());
        }
        for (i, item) in old {
            if let Some(node) = items.get(i) {
                let text = match flow::indentation(self.text, Some(value), node.start) {
                    Some((indent, unit)) => render::pretty(item, indent, unit, self.style.eol),
                    None => render::json(item),
                };
                self.patch.replace(node.start..node.end, text);
            }
        }
        let children: Vec<Range<usize>> = items.iter().map(|n| n.start..n.end).collect();
        flow::remove(&mut self.patch, self.text, &children, &gone);
        flow::append(&mut self.patch, self.text, value, &children, new.iter().map(|item| (None, *item)));
        Ok(())
    }

    fn block_list(
        &mut self,
        (index, key): (usize, &Node),
        items: &[Node],
        gone: &[usize],
        (old, new): (&[(usize, &Value)], &[&Value]),
        emptied: Option<&Before>,
    ) -> Result<(), Error> {
        let spans = self.block_items(key, items)?;
        for i in gone {
            if let Some(span) = spans.get(*i) {
                self.patch.drop_lines(span.clone());
            }
        }
        match emptied {
            Some(Before::Absent) => self.gone_keys.push(index),
            Some(before) => {
                let colon = self.after_colon(key)?;
                self.patch.replace(colon..colon, before.text().unwrap_or(" []"));
            }
            None => {}
        }
        let column = |span: &Range<usize>| " ".repeat(span.start - patch::line_start(self.text, span.start));
        for (i, item) in old {
            if let Some(span) = spans.get(*i) {
                let list = Value::Array(vec![(*item).clone()]);
                let lines = render::prefixed("", &column(span), render::block(&list, self.style));
                let range = patch::without_breaks(self.text, span.clone());
                self.patch.replace(range, lines.join(self.style.eol));
            }
        }
        if let (Some(last), false) = (spans.last(), new.is_empty()) {
            let indent = column(last);
            let list = Value::Array(new.iter().map(|item| (*item).clone()).collect());
            let lines = render::prefixed(&indent, &indent, render::block(&list, self.style));
            self.patch.add_lines(self.after(last.end, indent.len()), &lines);
        }
        Ok(())
    }

    /// The bytes of each item of a block list, from its dash.
    fn block_items(&self, key: &Node, items: &[Node]) -> Result<Vec<Range<usize>>, Error> {
        let mut spans: Vec<Range<usize>> = Vec::with_capacity(items.len());
        let mut from = self.after_colon(key)?;
        let first = patch::skip_blank(self.text, from);
        if self.text.as_bytes().get(first).is_some_and(|b| b"&!".contains(b)) {
            // The list's own anchor or tag, which stands alone on the key's line.
            from = patch::next_line(self.text, first);
        }
        for item in items {
            let dash = patch::skip_blank(self.text, from);
            if self.text.as_bytes().get(dash) != Some(&b'-') || !patch::starts_line(self.text, dash) {
                return Err(
                    self.refuse(item.start.min(self.text.len()), "a list item doesn't start its own line")
                );
            }
            let end = if item.is_nothing() { dash + 1 } else { item.end.max(dash + 1) };
            spans.push(dash..end);
            from = end;
        }
        Ok(spans)
    }

    /// Where lines go that follow a node: after its line, and after comments that are indented as its children.
    fn after(&self, end: usize, column: usize) -> usize {
        let mut at = patch::next_line(self.text, end);
        loop {
            let line = self.text[at..].split_inclusive('\n').next().unwrap_or("");
            let body = line.trim_start_matches(' ');
            if !body.starts_with('#') || line.len() - body.len() <= column {
                return at;
            }
            at += line.len();
        }
    }

    /// Selects a context, or puts back what was selected before.
    fn current(&mut self, name: &str, before: &Before) -> Result<(), Error> {
        let Some((index, (key, value))) = self.document.pair(CURRENT) else {
            if !name.is_empty() {
                self.new_keys.push((CURRENT, Value::String(name.to_owned())));
            }
            return Ok(());
        };
        self.first_change = key.start;
        let range = self.value_range(key, value)?;
        let text = match before {
            Before::Absent => {
                self.gone_keys.push(index);
                return Ok(());
            }
            Before::Text(text) => text.clone(),
            Before::Usual => {
                let quote = match &value.shape {
                    _ if self.in_flow() => Quote::Double,
                    Shape::Scalar { quote, text } if !text.is_empty() => *quote,
                    _ => Quote::Plain,
                };
                let old = &self.text[range.clone()];
                let lead = &old[..old.len() - old.trim_start_matches([' ', '\t']).len()];
                let lead = if lead.is_empty() { " " } else { lead };
                format!("{lead}{}", render::scalar(name, quote))
            }
        };
        self.patch.replace(range, text);
        Ok(())
    }

    /// Adds and takes away keys of the document, then applies everything.
    fn finish(mut self) -> Result<String, Error> {
        let root = self.document.tree.root.as_ref();
        match root.map(|root| (root, &root.shape)) {
            Some((root, Shape::Map { flow: true, pairs })) => {
                let children: Vec<_> = pairs.iter().map(|(k, v)| self.flow_pair(k, v)).collect();
                flow::remove(&mut self.patch, self.text, &children, &self.gone_keys);
                let new = self.new_keys.iter().map(|(key, value)| (Some(*key), value));
                flow::append(&mut self.patch, self.text, root, &children, new);
            }
            Some((_, Shape::Map { pairs, .. })) => self.block_keys(pairs)?,
            None if self.document.tree.closed => {
                return Err(self.refuse(0, "the document is empty and ended by \"...\""));
            }
            None => {
                for (key, value) in &self.new_keys {
                    self.patch.add_lines(self.text.len(), &render::pair(key, value, self.style));
                }
            }
            Some((root, _)) => {
                return Err(self.refuse(root.start, "the document is not written as a mapping"));
            }
        }
        if self.patch.is_empty() {
            return Ok(self.text.to_owned());
        }
        let (document, first) = (self.document, self.first_change);
        let refusal = || document.place.layout(&document.text, first, "two changes meet in the same place");
        self.patch.apply().ok_or_else(refusal)
    }

    fn flow_pair(&self, key: &Node, value: &Node) -> Range<usize> {
        let end = if value.is_nothing() { self.after_colon(key).unwrap_or(key.end) } else { value.end };
        key.start..end
    }

    fn block_keys(&mut self, pairs: &[(Node, Node)]) -> Result<(), Error> {
        for index in std::mem::take(&mut self.gone_keys) {
            let Some((key, value)) = pairs.get(index) else { continue };
            if !patch::starts_line(self.text, key.start) {
                return Err(self.refuse(key.start, "a key doesn't start its own line"));
            }
            // A list's items were dropped one by one, so that comments between them stay.
            let end = if matches!(value.shape, Shape::List { flow: false, .. }) {
                key.end
            } else {
                self.value_range(key, value)?.end
            };
            self.patch.drop_lines(key.start..end);
        }
        let Some((key, value)) = pairs.last().filter(|_| !self.new_keys.is_empty()) else { return Ok(()) };
        let indent = patch::leading(self.text, key.start);
        let end = if value.is_nothing() { self.after_colon(key)? } else { value.end };
        let at = self.after(end, indent.len());
        for (name, value) in &self.new_keys {
            let lines = render::prefixed(indent, indent, render::pair(name, value, self.style));
            self.patch.add_lines(at, &lines);
        }
        Ok(())
    }
}

/// Whether the file's own lists stand right of their keys.
fn indented_lists(document: &Document) -> bool {
    let lists = Kind::ALL.iter().filter_map(|kind| document.pair(kind.key()));
    let mut indented = lists.filter_map(|(_, (key, value))| match &value.shape {
        Shape::List { flow: false, items } if !items.is_empty() => {
            let column = |at: usize| at - patch::line_start(&document.text, at);
            let dash = patch::skip_blank(&document.text, (key.end + 1).min(document.text.len()));
            Some(document.text.as_bytes().get(dash) == Some(&b'-') && column(dash) > column(key.start))
        }
        _ => None,
    });
    indented.next_back().unwrap_or(false)
}
