//! The stories: each file is one, run against the built binaries.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "in a test a failed expectation is the message")]
#![allow(unreachable_pub, reason = "the stories are one crate")]

mod admin_api;
mod browser;
mod code_login;
mod copy;
mod demo;
mod doctor;
mod ends;
mod errors_config;
mod errors_disk;
mod errors_gate;
mod errors_login;
mod errors_tctl;
mod errors_trust;
mod errors_upstream;
mod exec;
mod exit_codes;
mod faults;
mod feel;
mod floors;
mod gate_disk;
mod gate_start;
mod gate_upstream;
mod golden;
mod identity;
mod key_stores;
mod kube_clusters;
mod kube_contexts;
mod kubeconfig;
mod kubeconfig_entries;
mod kubeconfig_property;
mod kubeconfig_refused;
mod kubeconfig_several;
mod many_processes;
mod modern;
mod network;
mod objects;
mod port_forward;
mod rbac;
mod reference;
mod renewal;
mod restart;
mod settings_file;
mod sign_in;
mod single_flight;
mod support;
mod syscalls;
mod tctl_create;
mod tsh_login;
mod tsh_profiles;
mod tsh_two_gates;
mod walkthrough;
mod watch_logs;
mod web_login;
