//! `kind/name`: how a resource is named on the command line.

use crate::{cli::error::Failure, model::Kind};

/// A kind, perhaps with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) kind: Kind,
    pub(super) name: Option<String>,
}

/// Why a reference is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotAReference(pub(super) String);

impl Reference {
    /// Reads `kind` or `kind/name`.
    pub(super) fn parse(text: &str) -> Result<Self, NotAReference> {
        let (kind, name) = match text.split_once('/') {
            Some((kind, name)) => (kind, Some(name)),
            None => (text, None),
        };
        let kind = kind.parse().map_err(|_| NotAReference(kind.to_owned()))?;
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        Ok(Self { kind, name })
    }

    /// Reads `kind[/name][,kind[/name]…]`.
    pub(super) fn parse_list(text: &str) -> Result<Vec<Self>, NotAReference> {
        text.split(',').map(Self::parse).collect()
    }
}

impl From<NotAReference> for Failure {
    fn from(NotAReference(kind): NotAReference) -> Self {
        let text = format!(
            "unsupported resource: {kind:?} - resources should be expressed as 'type/name', for example 'connector/github'"
        );
        // As stock tctl has it, this ends with 1 (tests/data/teleport-4.0.2/tctl/bad.rc), not as other wrong usage does.
        Self::new(text).hint(known())
    }
}

/// Which kinds there are, as a hint.
pub(super) fn known() -> String {
    let [rest @ .., last] = Kind::ALL.map(Kind::name);
    format!("known types are {} and {last}", rest.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_what_kinds_may_not() {
        let github = Reference { kind: Kind::Github, name: Some("a/b@c".into()) };
        assert_eq!(Reference::parse("github/a/b@c"), Ok(github));
        assert_eq!(Reference::parse("roles"), Ok(Reference { kind: Kind::Role, name: None }));
        assert_eq!(Reference::parse("role/"), Ok(Reference { kind: Kind::Role, name: None }));
        assert_eq!(Reference::parse("bogus/x"), Err(NotAReference("bogus".into())));
        assert_eq!(Reference::parse_list("role,github/x").map(|list| list.len()), Ok(2));
    }
}
