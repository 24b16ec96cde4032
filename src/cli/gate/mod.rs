//! The commands of the gate itself.

pub(super) mod configure;
pub(super) mod demo;
pub(super) mod generate;
mod show;
pub(super) mod start;
mod tour;
