//! `-i FILE`: a login from an identity file (`tsh login --out`) instead of from the profile. Nothing of a profile is read
//! or written then.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::{
    cli::error::{Failure, LOGIN_NEEDED},
    client::{identity_file::IdentityFile, profile::Credentials},
};

/// A person's login out of an identity file.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The file, as an absolute path.
    pub(crate) path: PathBuf,
    /// The person.
    pub(crate) user: String,
    /// Key and certificates.
    pub(crate) credentials: Credentials,
    /// Host CAs, PEM.
    pub(crate) ca_pem: String,
}

impl Identity {
    /// Reads a file.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let shown = file.display();
        let text = zeroize::Zeroizing::new(
            std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the identity file {shown}"))?,
        );
        let read = IdentityFile::parse(&text).with_context(|| format!("{shown} is no identity file"))?;
        let ssh = read.ssh_cert.clone().unwrap_or_default();
        // The file holds no public key line, and nothing that works with a file asks for one.
        let credentials = Credentials::new(read.key_pem.clone(), read.cert_pem.clone(), String::new(), ssh)
            .ok_or_else(|| {
            Failure::new(format!("the key and the certificate in {shown} do not belong together"))
        })?;
        let subject = credentials.certificate().subject();
        let user = subject.with_context(|| format!("the certificate in {shown} names nobody"))?.username;
        Ok(Self { path: std::path::absolute(file)?, user, credentials, ca_pem: read.ca_pem })
    }

    /// The cluster that issued it.
    pub(crate) fn cluster(&self) -> String {
        self.credentials.certificate().issuer_cluster().unwrap_or_default()
    }

    /// What to say when its certificate is not valid any more.
    pub(crate) fn expired(&self, tsh: &str, proxy: &str) -> Failure {
        let (file, end) = (self.path.display(), self.credentials.valid_until());
        let text = match end > jiff::Timestamp::now() {
            true => format!("the certificate in {file} is about to expire, at {end}"),
            false => format!("the certificate in {file} expired at {end}"),
        };
        Failure::new(text)
            .hint(format!("make a new one with: {tsh} login --proxy={proxy} --out={file}"))
            .code(LOGIN_NEEDED)
    }
}
