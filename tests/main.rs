//! The stories: each file is one, run against the built binaries.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "in a test a failed expectation is the message")]
#![allow(unreachable_pub, reason = "the stories are one crate")]

mod browser;
mod floors;
mod gate_start;
mod golden;
mod kubeconfig;
mod kubeconfig_property;
mod reference;
mod support;
mod syscalls;
mod tsh_login;
mod walkthrough;
