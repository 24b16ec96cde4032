//! The commands of the gate itself.

mod completions;
pub(super) mod configure;
pub(super) mod demo;
pub(super) mod generate;
mod lines;
mod show;
pub(super) mod start;
mod tour;
mod tour_replay;
