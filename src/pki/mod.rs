//! Keys, certificates and the identity inside them. No I/O.
//!
//! Forms are Teleport 4's (wire facts 5): the person, the roles and the traits stand in the subject of the X.509
//! certificate, the cluster in its issuer. An [`Identity`] exists only for a certificate that a pinned CA signed.

#![cfg_attr(
    not(feature = "server"),
    allow(dead_code, reason = "the small client reads certificates and signs none")
)]

pub mod authority;
mod der;
pub mod identity;
pub mod keys;
pub mod ssh;
pub mod subject;
pub mod x509;

#[cfg(test)]
mod tests;

pub use authority::{Authority, AuthorityKind, TrustedCa};
pub use identity::{Identity, IdentityError, Usage};
pub use keys::{KeyError, KeyPair, PublicKey};
pub use ssh::{SshCertificate, SshPermissions};
pub use subject::Subject;
pub use x509::{Certificate, Validity};
