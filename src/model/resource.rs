//! A resource of any kind, as it stands in a file: `kind` decides how the rest is read.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    GithubConnector, Invalid, Metadata, Role, User,
    yaml::{self, YamlError},
};

/// The kinds that `tctl` and the admin API handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A GitHub connector.
    Github,
    /// A role.
    Role,
    /// A user record.
    User,
}

impl Kind {
    /// All kinds, in the order in which people read them.
    pub const ALL: [Self; 3] = [Self::Github, Self::Role, Self::User];

    /// The kind as it stands in a file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Role => "role",
            Self::User => "user",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    /// Takes the aliases that Teleport's tools take (wire facts 9.3).
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        match text.to_ascii_lowercase().as_str() {
            "github" | "connector" | "connectors" => Ok(Self::Github),
            "role" | "roles" => Ok(Self::Role),
            "user" | "users" => Ok(Self::User),
            _ => Err(UnknownKind(text.to_owned())),
        }
    }
}

/// A kind that nothing here handles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no kind of resource; known are github, role and user", .0.escape_debug())]
pub struct UnknownKind(pub String);

/// A resource of any kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Resource {
    /// A GitHub connector.
    Github(GithubConnector),
    /// A role.
    Role(Role),
    /// A user record.
    User(User),
}

/// Why a text holds no resource that may be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// Not YAML, a wrong type, an unknown or repeated key.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A kind that cannot be created.
    #[error(
        "creating resources of type {kind:?} is not supported; `kind` in line {line} must be github, role or user"
    )]
    Kind {
        /// What stood there.
        kind: String,
        /// The document's first line.
        line: usize,
    },
    /// The values do not make a resource.
    #[error("{}", list(.found, *.line, .name))]
    Invalid {
        /// Name of the resource, as given.
        name: String,
        /// The document's first line.
        line: usize,
        /// Everything that is wrong with it.
        found: Vec<Invalid>,
    },
    /// Nothing in it.
    #[error("no resources found, empty input?")]
    Empty,
}

fn list(found: &[Invalid], line: usize, name: &str) -> String {
    let all: Vec<String> = found.iter().map(ToString::to_string).collect();
    format!("resource {name:?} (from line {line}): {}", all.join("; "))
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    kind: String,
}

impl Resource {
    /// Reads all documents of a file and checks each before any is used.
    pub fn read_all(text: &str) -> Result<Vec<Self>, ResourceError> {
        let documents = yaml::documents(text);
        if documents.is_empty() {
            return Err(ResourceError::Empty);
        }
        documents.iter().map(|document| Self::read(&document.text, document.first_line)).collect()
    }

    fn read(text: &str, line: usize) -> Result<Self, ResourceError> {
        let header: Header = yaml::read(text)?;
        let resource = match header.kind.as_str() {
            "github" => Self::Github(yaml::read(text)?),
            "role" => Self::Role(yaml::read(text)?),
            "user" => Self::User(yaml::read(text)?),
            _ => return Err(ResourceError::Kind { kind: header.kind, line }),
        };
        let found = resource.check();
        if found.is_empty() {
            Ok(resource)
        } else {
            Err(ResourceError::Invalid { name: resource.name().to_owned(), line, found })
        }
    }

    /// Everything that is wrong with it; empty when it may be stored.
    pub fn check(&self) -> Vec<Invalid> {
        match self {
            Self::Github(connector) => connector.check(),
            Self::Role(role) => role.check(),
            Self::User(user) => user.metadata.check().err().into_iter().collect(),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Github(_) => Kind::Github,
            Self::Role(_) => Kind::Role,
            Self::User(_) => Kind::User,
        }
    }

    /// Its metadata.
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::Github(connector) => &connector.metadata,
            Self::Role(role) => &role.metadata,
            Self::User(user) => &user.metadata,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.metadata().name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALKTHROUGH: &str = include_str!("../../tests/data/github.yaml");

    #[test]
    fn reads_the_walk_through_connector() {
        let read = Resource::read_all(WALKTHROUGH).unwrap();
        let [Resource::Github(connector)] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!(connector.spec.teams_to_logins[0].kubernetes_groups, ["system:masters"]);
        assert!(!format!("{connector:?}").contains("demo-secret"));
    }

    #[test]
    fn a_misspelt_key_is_an_error_with_its_place() {
        let text = WALKTHROUGH.replace("    kubernetes_groups:", "    kubernets_groups:");
        let Err(ResourceError::Yaml(error)) = Resource::read_all(&text) else { panic!() };
        assert_eq!((error.line, error.column), (15, 5), "{error}");
    }

    #[test]
    fn one_bad_document_refuses_the_whole_file() {
        let text = format!("{WALKTHROUGH}---\nkind: nope\nversion: v1\n");
        let error = Resource::read_all(&text).unwrap_err();
        assert!(error.to_string().starts_with("creating resources of type \"nope\" is not supported"));
        assert_eq!(Resource::read_all("# nothing\n---\n"), Err(ResourceError::Empty));
    }
}
