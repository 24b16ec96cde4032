//! A person's key and certificates on disk, always a pair.
//!
//! Teleport's layout holds them in four files, which no system call replaces at once. So a login first writes all of them
//! into one file, `.<user>.login`, and renames it into place: that rename is the moment when the new login counts. Then
//! the four files are replaced one by one, and the one file is removed. A reader takes the one file if it is there, so
//! a kill at any moment leaves the old login or the new one. Without it the reader takes the four files and checks that the
//! certificate is the key's; when they are not a pair, a writer was at work between two reads, and it reads again.

use std::path::Path;

use jiff::Timestamp;
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use zeroize::Zeroizing;

use super::{Home, Lock, ProfileError, check_name, files};
use crate::{
    client::identity_file::IdentityFile,
    pki::{Certificate, SshCertificate},
};

/// How often a reader tries again while a writer is at work.
const TRIES: usize = 5;
const SEPARATOR: &str = "\n-- jumpgate --\n";

/// A private key and its certificates. `Debug` shows none of them.
#[derive(Clone)]
pub struct Credentials {
    /// The private key, PEM.
    pub key_pem: Zeroizing<String>,
    /// The X.509 certificate, PEM.
    pub cert_pem: String,
    /// The public key: an `authorized_keys` line.
    pub public_key: String,
    /// The SSH certificate: an `authorized_keys` line; empty if there is none.
    pub ssh_cert: String,
    certificate: Certificate,
}

impl Credentials {
    /// Puts credentials together. `None` if the certificate does not parse or is not the key's.
    pub fn new(
        key_pem: Zeroizing<String>,
        cert_pem: String,
        public_key: String,
        ssh_cert: String,
    ) -> Option<Self> {
        let certificate = Certificate::from_pem(&cert_pem).ok()?;
        let credentials = Self { key_pem, cert_pem, public_key, ssh_cert, certificate };
        credentials.is_pair().then_some(credentials)
    }

    /// The X.509 certificate, read.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The SSH certificate, read.
    pub fn ssh(&self) -> Option<SshCertificate> {
        SshCertificate::from_line(&self.ssh_cert).ok()
    }

    /// When the certificate ends.
    pub fn valid_until(&self) -> Timestamp {
        self.certificate.validity().not_after
    }

    fn is_pair(&self) -> bool {
        let Ok(key) = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()) else { return false };
        let Ok(key) = rustls::crypto::ring::sign::any_supported_type(&key) else { return false };
        key.public_key().is_some_and(|spki| spki.as_ref() == self.certificate.spki_der())
    }

    pub(super) fn to_text(&self) -> Zeroizing<String> {
        let parts = [self.key_pem.as_str(), &self.cert_pem, &self.public_key, &self.ssh_cert];
        Zeroizing::new(parts.join(SEPARATOR))
    }

    fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.split(SEPARATOR).map(str::to_owned);
        let key = Zeroizing::new(parts.next()?);
        Self::new(key, parts.next()?, parts.next()?, parts.next()?)
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("serial", &self.certificate.serial()).finish_non_exhaustive()
    }
}

impl Home {
    /// A person's credentials on a proxy, if there are any. Opens three or four small files.
    pub fn credentials(&self, proxy: &str, user: &str) -> Result<Option<Credentials>, ProfileError> {
        let folder = self.keys(proxy)?;
        let user = check_user(user)?;
        for _ in 0..TRIES {
            if let Some(text) = files::read(&folder.join(one_file(user)))?.map(Zeroizing::new)
                && let Some(found) = Credentials::from_text(&text)
            {
                return Ok(Some(found));
            }
            let Some((key, cert)) = key_and_certificate(&folder, user)? else { return Ok(None) };
            let public_key = files::read(&folder.join(format!("{user}.pub")))?.unwrap_or_default();
            let ssh = files::read(&folder.join(format!("{user}-cert.pub")))?.unwrap_or_default();
            if let Some(found) = Credentials::new(key, cert, public_key, ssh) {
                return Ok(Some(found));
            }
        }
        Err(ProfileError::NoPair(folder))
    }

    /// Replaces a person's credentials on a proxy.
    pub fn save_credentials(&self, proxy: &str, user: &str, new: &Credentials) -> Result<(), ProfileError> {
        let lock = self.lock(proxy, "write")?;
        self.save_credentials_under(&lock, proxy, user, new)
    }

    /// As [`Home::save_credentials`], for who holds the proxy's `write` lock already.
    pub fn save_credentials_under(
        &self,
        _lock: &Lock,
        proxy: &str,
        user: &str,
        new: &Credentials,
    ) -> Result<(), ProfileError> {
        let folder = self.keys(proxy)?;
        let user = check_user(user)?;
        let one = folder.join(one_file(user));
        files::replace(&one, new.to_text().as_bytes())?;
        files::replace(&folder.join(user), new.key_pem.as_bytes())?;
        let line = |text: &str| format!("{}\n", text.trim_end());
        files::replace(&folder.join(format!("{user}.pub")), line(&new.public_key).as_bytes())?;
        files::replace(&folder.join(format!("{user}-cert.pub")), line(&new.ssh_cert).as_bytes())?;
        files::replace(&folder.join(format!("{user}-x509.pem")), line(&new.cert_pem).as_bytes())?;
        files::remove(&one).map(drop)
    }

    /// Removes a person's credentials; says whether there were any. The host CAs stay.
    pub fn remove_credentials(&self, proxy: &str, user: &str) -> Result<bool, ProfileError> {
        let folder = self.keys(proxy)?;
        let user = check_user(user)?;
        if !folder.is_dir() {
            return Ok(false);
        }
        let _lock = self.lock(proxy, "write")?;
        let mut any = false;
        // The four files first: while they go, the one file (if a crash left it) still makes a pair.
        for name in
            [user.to_owned(), format!("{user}-x509.pem"), format!("{user}-cert.pub"), format!("{user}.pub")]
        {
            any |= files::remove(&folder.join(name))?;
        }
        any |= files::remove(&folder.join(one_file(user)))?;
        Ok(any)
    }

    /// A person's credentials with the host CAs learnt at login, as an identity file holds them. `None` without either.
    pub fn identity(&self, proxy: &str, user: &str) -> Result<Option<IdentityFile>, ProfileError> {
        let found = self.credentials(proxy, user)?;
        Ok(found.zip(self.host_cas(proxy)?).map(|(credentials, ca_pem)| IdentityFile {
            ssh_cert: Some(credentials.ssh_cert).filter(|cert| !cert.is_empty()),
            key_pem: credentials.key_pem,
            cert_pem: credentials.cert_pem,
            known_hosts: vec![],
            ca_pem,
        }))
    }

    /// Who has credentials on a proxy, sorted.
    pub fn users(&self, proxy: &str) -> Result<Vec<String>, ProfileError> {
        let Ok(entries) = std::fs::read_dir(self.keys(proxy)?) else { return Ok(vec![]) };
        let user = |name: String| {
            let pending = name.strip_prefix('.').and_then(|n| n.strip_suffix(".login"));
            name.strip_suffix("-x509.pem").or(pending).map(str::to_owned)
        };
        let names = entries.filter_map(Result::ok).filter_map(|e| e.file_name().into_string().ok());
        let mut users: Vec<String> = names.filter_map(user).collect();
        users.sort();
        users.dedup();
        Ok(users)
    }
}

fn key_and_certificate(
    folder: &Path,
    user: &str,
) -> Result<Option<(Zeroizing<String>, String)>, ProfileError> {
    let key = files::read(&folder.join(user))?.map(Zeroizing::new);
    let cert = files::read(&folder.join(format!("{user}-x509.pem")))?;
    Ok(key.zip(cert))
}

fn one_file(user: &str) -> String {
    format!(".{user}.login")
}

/// A person's name comes from a server. It may not be that of another file in the folder.
fn check_user(user: &str) -> Result<&str, ProfileError> {
    let taken = user == "certs.pem" || [".pub", "-x509.pem", "-cert"].iter().any(|end| user.ends_with(end));
    if taken { Err(ProfileError::BadName(user.to_owned())) } else { check_name(user) }
}
