//! The names of contexts by a template, as Teleport's `--set-context-name` has them.

use std::str::FromStr;

/// A template such as `{{.KubeName}}-{{.User}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    KubeName,
    ClusterName,
    User,
}

/// What a template may say, for its errors.
const KNOWN: &str = "{{.KubeName}}, {{.ClusterName}} and {{.User}}";

impl Template {
    /// The name for a Kubernetes cluster behind a gate's cluster.
    pub(crate) fn name(&self, kube: &str, cluster: &str, user: &str) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::KubeName => kube.to_owned(),
            Part::ClusterName => cluster.to_owned(),
            Part::User => user.to_owned(),
        };
        self.0.iter().map(part).collect()
    }

    /// Whether two clusters get two names.
    pub(crate) fn tells_apart(&self) -> bool {
        self.0.contains(&Part::KubeName)
    }
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (field, after) =
                after.split_once("}}").ok_or_else(|| "a {{ is not closed by }}".to_owned())?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(match field.trim() {
                ".KubeName" => Part::KubeName,
                ".ClusterName" => Part::ClusterName,
                ".User" => Part::User,
                other => return Err(format!("{{{{{other}}}}} is not known; a template may hold {KNOWN}")),
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            return Err(format!("a context needs a name; a template may hold {KNOWN}"));
        }
        Ok(Self(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_names_contexts_and_what_it_does_not_know_is_an_error() {
        let name =
            |text: &str| text.parse::<Template>().map(|t| t.name("staging", "gate.example.com", "alice"));
        assert_eq!(name("{{.KubeName}}").unwrap(), "staging");
        assert_eq!(
            name("{{ .ClusterName }}/{{.KubeName}} as {{.User}}").unwrap(),
            "gate.example.com/staging as alice"
        );
        assert_eq!(name("plain").unwrap(), "plain");
        assert!(!"plain".parse::<Template>().unwrap().tells_apart());
        let unknown = name("{{.Region}}").unwrap_err();
        insta::assert_snapshot!(unknown, @"{{.Region}} is not known; a template may hold {{.KubeName}}, {{.ClusterName}} and {{.User}}");
        assert!(name("{{.KubeName").unwrap_err().contains("not closed"));
        assert!(name("").is_err() && name(" ").is_err() && name("a\nb").is_err());
    }
}
