//! The stories: each file is one, run against the built binaries.

mod admin_api;
mod floors;
mod gate_start;
mod kubeconfig;
mod kubeconfig_property;
mod reference;
mod support;
mod tsh_login;
mod walkthrough;
mod web_login;
