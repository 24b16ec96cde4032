//! Label and field selectors (apimachinery `labels` and `fields`).

use serde_json::Value;

use super::resources::Resource;
use super::status::ApiError;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Equals(String),
    Differs(String),
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
}

/// What a list or a watch is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    labels: Vec<(String, Test)>,
    fields: Vec<(String, bool, String)>,
}

impl Selector {
    /// Reads `labelSelector` and `fieldSelector`.
    pub(crate) fn parse(resource: &Resource, labels: &str, fields: &str) -> Result<Self, ApiError> {
        let labels = split_terms(labels)
            .into_iter()
            .map(|term| {
                label_term(term).ok_or_else(|| {
                    ApiError::bad_request(format!("unable to parse requirement: found '{term}'"))
                })
            })
            .collect::<Result<_, _>>()?;
        let fields = fields
            .split(',')
            .filter(|term| !term.is_empty())
            .map(|term| field_term(resource, term))
            .collect::<Result<_, _>>()?;
        Ok(Self { labels, fields })
    }

    /// The labels alone, from a selector object (`matchLabels`, `matchExpressions`).
    pub(crate) fn from_label_selector(selector: &Value) -> Self {
        let mut labels = Vec::new();
        for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
            labels.push((key.clone(), Test::Equals(value.as_str().unwrap_or("").into())));
        }
        for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
            let key = expression["key"].as_str().unwrap_or("").to_owned();
            let values = || {
                let values = expression["values"].as_array().into_iter().flatten();
                values.filter_map(Value::as_str).map(str::to_owned).collect()
            };
            let test = match expression["operator"].as_str() {
                Some("In") => Test::In(values()),
                Some("NotIn") => Test::NotIn(values()),
                Some("DoesNotExist") => Test::Missing,
                _ => Test::Exists,
            };
            labels.push((key, test));
        }
        Self { labels, fields: Vec::new() }
    }

    /// Whether it narrows nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether an object is among what is selected.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        let label = |key: &str| object["metadata"]["labels"].get(key).and_then(Value::as_str);
        self.labels.iter().all(|(key, test)| test.holds(label(key)))
            && self.fields.iter().all(|(path, equal, value)| (field(object, path) == *value) == *equal)
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        match self {
            Self::Equals(want) => value == Some(want),
            Self::Differs(not) => value != Some(not),
            Self::In(list) => value.is_some_and(|v| list.iter().any(|l| l == v)),
            Self::NotIn(list) => value.is_none_or(|v| list.iter().all(|l| l != v)),
            Self::Exists => value.is_some(),
            Self::Missing => value.is_none(),
        }
    }
}

/// Splits at commas outside parentheses.
fn split_terms(text: &str) -> Vec<&str> {
    let (mut terms, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                terms.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(text[start..].trim());
    terms.retain(|term| !term.is_empty());
    terms
}

fn label_term(term: &str) -> Option<(String, Test)> {
    let is_name =
        |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    if let Some(inner) = term.strip_suffix(')') {
        let (head, list) = inner.split_once('(')?;
        let list = list.split(',').map(|v| v.trim().to_owned()).collect();
        let mut words = head.split_whitespace();
        let (key, operator) = (words.next()?, words.next()?);
        let test = match operator {
            "in" => Test::In(list),
            "notin" => Test::NotIn(list),
            _ => return None,
        };
        return (is_name(key) && words.next().is_none()).then(|| (key.into(), test));
    }
    let (key, test) = if let Some((key, value)) = term.split_once("!=") {
        (key, Test::Differs(value.trim().into()))
    } else if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        (key, Test::Equals(value.trim().into()))
    } else if let Some(key) = term.strip_prefix('!') {
        (key, Test::Missing)
    } else {
        (term, Test::Exists)
    };
    let key = key.trim();
    is_name(key).then(|| (key.into(), test))
}

fn field_term(resource: &Resource, term: &str) -> Result<(String, bool, String), ApiError> {
    let (path, equal, value) = if let Some((path, value)) = term.split_once("!=") {
        (path, false, value)
    } else if let Some((path, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        (path, true, value)
    } else {
        let message = format!("invalid field selector: \"{term}\"; can't understand '{term}'");
        return Err(ApiError::bad_request(message));
    };
    let known = path == "metadata.name"
        || (path == "metadata.namespace" && resource.namespaced)
        || resource.fields.contains(&path);
    if !known {
        return Err(ApiError::bad_request(format!(
            "Unable to find \"{}\" that match label selector \"\", field selector \"{term}\": field label not supported: {path}",
            super::resources::group_version(resource.group, resource.version)
                + ", Resource="
                + resource.plural
        )));
    }
    Ok((path.into(), equal, value.into()))
}

/// A field's text; what isn't there is empty.
fn field(object: &Value, path: &str) -> String {
    if path == "source" {
        return object["source"]["component"].as_str().unwrap_or("").to_owned();
    }
    let value = path.split('.').try_fold(object, |at, part| at.get(part));
    match value {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => {
            if path == "spec.unschedulable" {
                "false".into()
            } else {
                String::new()
            }
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::resources;
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_select() {
        let pods = resources::find("", "v1", "pods").unwrap();
        let pod = json!({"metadata": {"name": "a", "namespace": "d", "labels": {"app": "web", "tier": "x"}},
            "status": {"phase": "Running"}});
        let hit = |labels: &str, fields: &str| Selector::parse(pods, labels, fields).unwrap().matches(&pod);
        assert!(hit("", ""));
        assert!(hit("app=web,tier==x", ""));
        assert!(!hit("app=api", "") && !hit("app!=web", "") && hit("app!=api", "") && hit("other!=1", ""));
        assert!(hit("app in (api, web),!gone", "") && !hit("app notin (web)", "") && hit("tier", ""));
        assert!(hit("", "metadata.name=a,status.phase=Running") && !hit("", "status.phase!=Running"));
        assert!(hit("", "metadata.namespace==d"));
        assert!(Selector::parse(pods, "a b", "").is_err());
        assert!(
            Selector::parse(pods, "", "spec.hostname=x")
                .unwrap_err()
                .message
                .contains("not supported: spec.hostname")
        );
    }

    #[test]
    fn selector_objects_select() {
        let s = Selector::from_label_selector(&json!({"matchLabels": {"a": "b"},
            "matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["d"]}]}));
        assert!(s.matches(&json!({"metadata": {"labels": {"a": "b"}}})));
        assert!(!s.matches(&json!({"metadata": {"labels": {"a": "b", "c": "d"}}})));
        assert!(!s.matches(&json!({"metadata": {}})));
    }
}
