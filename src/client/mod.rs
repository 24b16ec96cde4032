//! What a command does over the network and to this person's disk.

pub mod address;
pub mod admin;
#[cfg(unix)]
pub mod agent;
pub mod browser;
pub mod events;
pub mod identity_file;
pub mod keystore;
pub mod kubeconfig;
pub mod net;
pub mod profile;
pub mod proxy;
pub mod recordings;
pub mod settings_file;
pub mod sso;
pub mod trust;
pub mod version;
