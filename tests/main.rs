//! The stories: each file is one, run against the built binaries.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "in a test a failed expectation is the message")]
#![allow(unreachable_pub, reason = "the stories are one crate")]

mod admin_api;
mod copy;
mod ends;
mod exec;
mod floors;
mod gate_start;
mod kubeconfig;
mod kubeconfig_property;
mod objects;
mod port_forward;
mod reference;
mod restart;
mod support;
mod tsh_login;
mod walkthrough;
mod watch_logs;
mod web_login;
