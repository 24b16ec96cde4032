//! The commands of the gate itself.

pub(super) mod configure;
pub(super) mod generate;
pub(super) mod start;
