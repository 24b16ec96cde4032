//! Templates in roles: `prefix{{internal.logins}}suffix` (wire facts 12.3).

use super::Traits;

/// A value of a role: written out, or drawn from a trait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template {
    /// The value as the administrator wrote it.
    Literal(String),
    /// One value for each element of a trait.
    FromTrait {
        /// Text before each element.
        prefix: String,
        /// The trait's name.
        name: String,
        /// Text after each element.
        suffix: String,
        /// Whether it says `external.`: such values are what an identity provider said, not what an administrator wrote.
        external: bool,
    },
}

/// A template that does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no template; write a plain value, {{{{internal.NAME}}}}, {{{{external.NAME}}}} or {{{{external[\"NAME\"]}}}} \
     with at most a text before and after it"
)]
pub struct NotATemplate(String);

/// The traits that `internal.` may name in Teleport 4.
const INTERNAL: [&str; 3] =
    [super::traits::LOGINS, super::traits::KUBERNETES_GROUPS, super::traits::KUBERNETES_USERS];

impl Template {
    /// Reads one value of a role.
    pub fn parse(value: &str) -> Result<Self, NotATemplate> {
        let wrong = || NotATemplate(value.to_owned());
        let Some((prefix, rest)) = value.split_once("{{") else {
            return if value.contains("}}") { Err(wrong()) } else { Ok(Self::Literal(value.to_owned())) };
        };
        let (expression, suffix) = rest.split_once("}}").ok_or_else(wrong)?;
        if [prefix, expression, suffix].iter().any(|part| part.contains(['{', '}'])) {
            return Err(wrong());
        }
        let (external, name) = variable(expression.trim()).ok_or_else(wrong)?;
        Ok(Self::FromTrait {
            prefix: prefix.trim_start().to_owned(),
            name,
            suffix: suffix.trim_end().to_owned(),
            external,
        })
    }

    /// Whether the administrator wrote the value out.
    pub fn is_literal(&self) -> bool {
        matches!(self, Self::Literal(_))
    }

    /// Whether its values come from an identity provider.
    pub fn is_external(&self) -> bool {
        matches!(self, Self::FromTrait { external: true, .. })
    }

    /// The values that it stands for. A trait without values gives none.
    pub fn expand(&self, traits: &Traits) -> Vec<String> {
        match self {
            Self::Literal(value) => vec![value.clone()],
            Self::FromTrait { prefix, name, suffix, .. } => traits
                .get(name)
                .iter()
                .filter(|value| !value.is_empty())
                .map(|value| format!("{prefix}{value}{suffix}"))
                .collect(),
        }
    }
}

/// `internal.x`, `external.x`, `internal["x"]`, `external["x"]`: whether it is external, and the trait's name.
fn variable(expression: &str) -> Option<(bool, String)> {
    let (internal, rest) = match expression.strip_prefix("internal") {
        Some(rest) => (true, rest),
        None => (false, expression.strip_prefix("external")?),
    };
    let name = match rest.strip_prefix('.') {
        Some(name) => {
            let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
            plain.then_some(name)?
        }
        None => {
            let name = rest.strip_prefix("[\"")?.strip_suffix("\"]")?;
            (!name.contains(['"', '\\'])).then_some(name)?
        }
    };
    let known = !name.is_empty() && (!internal || INTERNAL.contains(&name));
    known.then(|| (!internal, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits() -> Traits {
        let mut traits = Traits::new();
        traits.add("logins", ["root", "alice"]);
        traits.add("odd name", ["x"]);
        traits
    }

    #[test]
    fn expands_each_element_between_prefix_and_suffix() {
        let expand = |text: &str| Template::parse(text).unwrap().expand(&traits());
        assert_eq!(expand("{{internal.logins}}"), ["root", "alice"]);
        assert_eq!(expand("dev-{{ external.logins }}-x"), ["dev-root-x", "dev-alice-x"]);
        assert_eq!(expand("{{external[\"odd name\"]}}"), ["x"]);
        assert_eq!(expand("{{external.missing}}"), Vec::<String>::new());
        assert_eq!(expand("plain"), ["plain"]);
    }

    #[test]
    fn refuses_what_does_not_parse() {
        for text in [
            "{{",
            "}}",
            "{{}}",
            "{{internal}}",
            "{{internal.}}",
            "{{internal.shoe_size}}",
            "{{logins}}",
            "{{internal.logins}}{{internal.logins}}",
            "{{{internal.logins}}}",
            "{{internal.logins}",
            "{{external.a b}}",
            "{{external[\"a]}}",
        ] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
