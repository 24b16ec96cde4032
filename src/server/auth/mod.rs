//! Who you are (`github`, from a terminal elsewhere by `code`), what you may (`access`), what you get (`issue`), and how it goes on (`renew`); for browsers, `session`.

pub mod access;
pub mod code;
pub mod github;
pub mod issue;
pub mod renew;
pub mod session;
