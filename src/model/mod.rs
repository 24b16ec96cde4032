//! The nouns that client and server share: metadata, connectors, roles, users.
//!
//! Shapes and key names are Teleport 4's (`kind`, `version`, `metadata`, `spec`), so that its tools read ours and
//! ours read its. What an administrator writes is read strictly: an unknown or repeated key is an error.

pub mod duration;
pub mod github;
pub mod metadata;
pub mod resource;
pub mod role;
pub mod secret;
pub mod template;
pub mod text;
pub mod traits;
pub mod user;
pub mod yaml;

pub use duration::GoDuration;
pub use github::{GithubConnector, GithubSpec, TeamLogins, TeamRoles};
pub use metadata::{Invalid, Metadata};
pub use resource::{Kind, Resource};
pub use role::{Conditions, Role, RoleOptions, RoleSpec, Rule, Verb};
pub use secret::Secret;
pub use traits::Traits;
pub use user::{GithubIdentity, User, UserSpec};
