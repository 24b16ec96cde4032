//! The Kubernetes listener: mTLS in, impersonation out.
//!
//! A request passes these stations, each a file: who is it and what may they do (`serve`), what is it about (`path`, `target`),
//! which cluster (`clusters`), clean headers and our own (`impersonate`), then either a plain request (`forward`) or a tunnel (`upgrade`, `tunnel`) over connections to
//! the API server (`upstream`, with `connect`, `proxy`, `credentials`, `plugin`, `pool`). Whatever stays open ends with the certificate, the rights
//! or the gate (`lifetime`), with a last word where the protocol has one (`farewell`), and all but discovery is written down (`audit`).

mod answer;
mod attached;
mod audit;
mod clusters;
mod connect;
mod counted;
mod credentials;
mod farewell;
mod forward;
#[cfg(fuzzing)]
pub mod fuzzing;
mod impersonate;
mod lifetime;
mod limits;
mod open;
mod path;
mod plugin;
mod policy;
mod pool;
mod proxy;
mod rbac;
mod recorded;
mod serve;
mod tap;
mod target;
mod tunnel;
mod upgrade;
mod upstream;
mod whole;

#[cfg(test)]
mod target_tests;
#[cfg(test)]
mod tests;

pub use clusters::Clusters;
pub use rbac::least_rbac;
pub use serve::handler;
pub use upstream::{Upstream, UpstreamError};
