//! What a command does over the network and to this person's disk.

pub mod admin;
pub mod identity_file;
pub mod kubeconfig;
