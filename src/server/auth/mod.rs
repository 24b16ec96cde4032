//! Who you are (`github`), what you may (`access`), what you get (`issue`).

pub mod access;
pub mod github;
pub mod issue;
