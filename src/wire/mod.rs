//! The bodies of requests and answers: one contract, compiled by client and server alike.
//!
//! Teleport's Go types decide the forms: `[]byte` is base64 with padding, a duration is nanoseconds, an instant is RFC 3339.
//! Unknown keys in an envelope are ignored.

pub mod admin;
pub mod b64;
pub mod discovery;
pub mod error;
pub mod kube;
pub mod kube_clusters;
pub mod login;
pub mod recordings;
pub mod seal;

/// The version that we speak for in discovery: the wire is that of Teleport 4.
pub const SERVER_VERSION: &str = "4.3.0";
/// The oldest client that fits.
pub const MIN_CLIENT_VERSION: &str = "3.0.0";
