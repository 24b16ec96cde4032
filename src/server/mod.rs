//! The gate: who you are (`auth`), what is kept (`store`, `audit`), and the ways in (`web`, `kube`).

pub mod audit;
pub mod auth;
pub mod config;
pub mod diagnostics;
pub mod kube;
pub mod listener;
pub mod logging;
pub mod metrics;
pub mod recordings;
pub mod start;
pub mod store;
pub mod tls;
pub mod web;

mod certificates;
mod gate;
mod handlers;
mod limit;
#[cfg(test)]
mod tests;
mod work;

pub use gate::{Addresses, Authorities, Gate};
