//! The gate: who you are (`auth`), what is kept (`store`, `audit`), and the ways in (`web`, `kube`).

pub mod audit;
pub mod auth;
pub mod config;
pub mod kube;
pub mod listener;
pub mod store;
pub mod web;

mod gate;

pub use gate::{Addresses, Authorities, Gate};
