//! Who you are (`github`), what you may (`access`), what you get (`issue`), and how it goes on (`renew`).

pub mod access;
pub mod github;
pub mod issue;
pub mod renew;
