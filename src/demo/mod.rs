//! Stand-ins for the tour and the tests: a GitHub and a Kubernetes API. They share no code of requests with `server`.

pub mod browser;
pub mod github;
pub mod kube;
pub mod kubectl;
