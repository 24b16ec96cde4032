//! A person's key and certificates on disk, always a pair.
//!
//! Teleport's layout holds them in four files, which no system call replaces at once. So a login first writes all of them
//! into one file, `.<user>.login`, and renames it into place: that rename is the moment when the new login counts. Then
//! the four files are replaced one by one, and the one file is removed. A reader takes the one file if it is there, so
//! a kill at any moment leaves the old login or the new one. Without it the reader takes the four files and checks that the
//! certificate is the key's; when they are not a pair, a writer was at work between two reads, and it reads again.
//!
//! A key that is kept outside the profile (see [`keystore`]) has a line in its place, in the one file and in the key's own,
//! that names the store; the certificate then says which key. So a pair is committed by the same rename.

use std::{ops::Deref, path::Path};

use jiff::Timestamp;
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use zeroize::Zeroizing;

use super::{Home, ProfileError, check_name, files};
use crate::{
    client::{
        identity_file::IdentityFile,
        keystore::{self, KeyName, Kind},
    },
    pki::{Certificate, SshCertificate},
};

/// How often a reader tries again while a writer is at work.
const TRIES: usize = 5;
const SEPARATOR: &str = "\n-- jumpgate --\n";
/// What stands in the place of a key that is kept elsewhere, followed by the store's name.
const ELSEWHERE: &str = "jumpgate-key-store: ";

/// The certificates of a login, without their key.
#[derive(Clone)]
pub struct Certificates {
    /// The X.509 certificate, PEM.
    pub cert_pem: String,
    /// The public key: an `authorized_keys` line.
    pub public_key: String,
    /// The SSH certificate: an `authorized_keys` line; empty if there is none.
    pub ssh_cert: String,
    certificate: Certificate,
}

impl Certificates {
    fn new(cert_pem: String, public_key: String, ssh_cert: String) -> Option<Self> {
        let certificate = Certificate::from_pem(&cert_pem).ok()?;
        Some(Self { cert_pem, public_key, ssh_cert, certificate })
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
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").field("serial", &self.certificate.serial()).finish_non_exhaustive()
    }
}

/// A private key and its certificates. `Debug` shows none of them.
#[derive(Clone)]
pub struct Credentials {
    /// The private key, PEM.
    pub key_pem: Zeroizing<String>,
    certificates: Certificates,
}

impl Credentials {
    /// Puts credentials together. `None` if the certificate does not parse or is not the key's.
    pub fn new(
        key_pem: Zeroizing<String>,
        cert_pem: String,
        public_key: String,
        ssh_cert: String,
    ) -> Option<Self> {
        let certificates = Certificates::new(cert_pem, public_key, ssh_cert)?;
        let is_pair = public_of(&key_pem)? == certificates.certificate.spki_der();
        is_pair.then_some(Self { key_pem, certificates })
    }

    /// All in one text; with `elsewhere`, the name of the key's store in place of the key.
    pub(super) fn to_text(&self, kind: Kind) -> Zeroizing<String> {
        let key = self.key_text(kind);
        let parts = [key.as_str(), &self.cert_pem, &self.public_key, &self.ssh_cert];
        Zeroizing::new(parts.join(SEPARATOR))
    }

    /// What stands in the key's file.
    pub(super) fn key_text(&self, kind: Kind) -> Zeroizing<String> {
        if kind.is_outside() { Zeroizing::new(format!("{ELSEWHERE}{kind}\n")) } else { self.key_pem.clone() }
    }
}

impl Deref for Credentials {
    type Target = Certificates;

    fn deref(&self) -> &Certificates {
        &self.certificates
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("serial", &self.certificate.serial()).finish_non_exhaustive()
    }
}

/// The public half of a private key in PEM: SubjectPublicKeyInfo, DER.
pub(crate) fn public_of(key_pem: &str) -> Option<Vec<u8>> {
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).ok()?;
    let key = rustls::crypto::ring::sign::any_supported_type(&key).ok()?;
    key.public_key().map(|spki| spki.as_ref().to_vec())
}

/// What the files of a login hold, before anything is checked.
struct Parts {
    key: Zeroizing<String>,
    cert_pem: String,
    public_key: String,
    ssh_cert: String,
}

impl Parts {
    /// Where the key is.
    fn kind(&self) -> Kind {
        let named = self.key.strip_prefix(ELSEWHERE).and_then(|name| name.trim().parse::<Kind>().ok());
        named.filter(|kind| kind.is_outside()).unwrap_or_default()
    }

    fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.split(SEPARATOR).map(str::to_owned);
        let key = Zeroizing::new(parts.next()?);
        Some(Self { key, cert_pem: parts.next()?, public_key: parts.next()?, ssh_cert: parts.next()? })
    }

    fn in_one_file(folder: &Path, user: &str) -> Result<Option<Self>, ProfileError> {
        let text = files::read(&folder.join(one_file(user)))?.map(Zeroizing::new);
        Ok(text.and_then(|text| Self::from_text(&text)))
    }

    fn in_four_files(folder: &Path, user: &str) -> Result<Option<Self>, ProfileError> {
        let Some(key) = files::read(&folder.join(user))?.map(Zeroizing::new) else { return Ok(None) };
        let Some(cert_pem) = files::read(&folder.join(format!("{user}-x509.pem")))? else { return Ok(None) };
        let public_key = files::read(&folder.join(format!("{user}.pub")))?.unwrap_or_default();
        let ssh_cert = files::read(&folder.join(format!("{user}-cert.pub")))?.unwrap_or_default();
        Ok(Some(Self { key, cert_pem, public_key, ssh_cert }))
    }

    /// The certificates; none if they are not those of the key beside them.
    fn certificates(self) -> Option<Certificates> {
        if self.kind().is_outside() {
            Certificates::new(self.cert_pem, self.public_key, self.ssh_cert)
        } else {
            Credentials::new(self.key, self.cert_pem, self.public_key, self.ssh_cert).map(|c| c.certificates)
        }
    }

    /// The certificates with their key, fetched from where it is; none if there is no such pair.
    fn credentials(
        self,
        home: &Home,
        profile: &str,
        user: &str,
    ) -> Result<Option<Credentials>, ProfileError> {
        let kind = self.kind();
        if !kind.is_outside() {
            return Ok(Credentials::new(self.key, self.cert_pem, self.public_key, self.ssh_cert));
        }
        let Some(certificates) = self.certificates() else { return Ok(None) };
        let name = KeyName::of(profile, user, &certificates.certificate);
        let key = keystore::open(kind, home)?.read(&name)?;
        let is_its = |key: &Zeroizing<String>| {
            public_of(key).is_some_and(|public| public == certificates.certificate.spki_der())
        };
        Ok(key.filter(is_its).map(|key_pem| Credentials { key_pem, certificates }))
    }
}

/// What the one file of a login says, which stays only when its writer was killed.
pub(super) enum Pending {
    /// There is none that could be read.
    None,
    /// A login that counts, and the place of its key.
    Whole(Kind, Box<Credentials>),
    /// A login whose key is gone, beside four files that are a login.
    Void,
}

impl Home {
    /// The login in the one file. Its key is fetched from where it is.
    pub(super) fn pending(&self, proxy: &str, user: &str) -> Result<Pending, ProfileError> {
        let folder = self.keys(proxy)?;
        let user = check_user(user)?;
        let Some(parts) = Parts::in_one_file(&folder, user)? else { return Ok(Pending::None) };
        let kind = parts.kind();
        if let Some(found) = parts.credentials(self, proxy, user)? {
            return Ok(Pending::Whole(kind, Box::new(found)));
        }
        let four = Parts::in_four_files(&folder, user)?;
        let others = four.map(|parts| parts.credentials(self, proxy, user)).transpose()?.flatten();
        Ok(if others.is_some() { Pending::Void } else { Pending::None })
    }

    /// A person's credentials on a proxy, if there are any. Opens three or four small files, and the key's store if that is
    /// another one.
    pub fn credentials(&self, proxy: &str, user: &str) -> Result<Option<Credentials>, ProfileError> {
        self.login(proxy, user, |parts| parts.credentials(self, proxy, user))
    }

    /// A person's certificates on a proxy. Their key is left where it is: a keyring is not asked.
    pub fn certificates(&self, proxy: &str, user: &str) -> Result<Option<Certificates>, ProfileError> {
        self.login(proxy, user, |parts| Ok(parts.certificates()))
    }

    /// Where a person's key is and how it is called there, if there is a login.
    pub fn key_place(&self, proxy: &str, user: &str) -> Result<Option<(Kind, KeyName)>, ProfileError> {
        self.login(proxy, user, |parts| {
            let kind = parts.kind();
            Ok(parts.certificates().map(|found| (kind, KeyName::of(proxy, user, found.certificate()))))
        })
    }

    /// Reads a login until its parts are whole.
    fn login<T>(
        &self,
        proxy: &str,
        user: &str,
        whole: impl Fn(Parts) -> Result<Option<T>, ProfileError>,
    ) -> Result<Option<T>, ProfileError> {
        let folder = self.keys(proxy)?;
        let user = check_user(user)?;
        let mut kind = Kind::File;
        for _ in 0..TRIES {
            if let Some(parts) = Parts::in_one_file(&folder, user)?
                && let Some(found) = whole(parts)?
            {
                return Ok(Some(found));
            }
            let Some(parts) = Parts::in_four_files(&folder, user)? else { return Ok(None) };
            kind = parts.kind();
            if let Some(found) = whole(parts)? {
                return Ok(Some(found));
            }
        }
        if kind.is_outside() {
            return Err(ProfileError::KeyGone { user: user.to_owned(), kind });
        }
        Err(ProfileError::NoPair(folder))
    }

    /// A person's credentials with the host CAs learnt at login, as an identity file holds them. `None` without either.
    pub fn identity(&self, proxy: &str, user: &str) -> Result<Option<IdentityFile>, ProfileError> {
        let found = self.credentials(proxy, user)?;
        Ok(found.zip(self.host_cas(proxy)?).map(|(credentials, ca_pem)| IdentityFile {
            ssh_cert: Some(credentials.ssh_cert.clone()).filter(|cert| !cert.is_empty()),
            cert_pem: credentials.cert_pem.clone(),
            key_pem: credentials.key_pem,
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

pub(super) fn one_file(user: &str) -> String {
    format!(".{user}.login")
}

/// A person's name comes from a server. It may not be that of another file in the folder.
pub(super) fn check_user(user: &str) -> Result<&str, ProfileError> {
    let taken = user == "certs.pem" || [".pub", "-x509.pem", "-cert"].iter().any(|end| user.ends_with(end));
    if taken { Err(ProfileError::BadName(user.to_owned())) } else { check_name(user) }
}
