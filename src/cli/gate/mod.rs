//! The commands of the gate itself.

pub(super) mod generate;
