//! The stories: each file is one, run against the built binaries.

mod kubeconfig;
mod kubeconfig_property;
mod kubeconfig_refused;
