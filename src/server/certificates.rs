//! What the gate keeps and renews of its own: the CAs, the listeners' certificates, the administrator's identity file.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use serde::{Deserialize, Serialize};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{
    config::Config,
    gate::Authorities,
    store::{Store, StoreError},
    tls,
};
use crate::pki::{
    Authority, AuthorityKind, KeyError, KeyPair, Subject, Usage, Validity, x509::CertificateError,
};

/// The identity of `tctl` on the gate's own machine, in the data directory.
pub(super) const ADMIN_FILE: &str = "admin.pem";
/// Where the store has the listeners' key.
const HOST_KEY: &str = "/listeners/host-key";
/// How long the administrator's identity is valid; the running gate renews it each hour.
const ADMIN_LIFE: SignedDuration = SignedDuration::from_hours(25);
/// How long a listener's certificate is valid; the running gate renews it each day.
const HOST_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Why the gate's own keys or certificates cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A CA in the store that cannot be read.
    #[error("the {0} CA in the store is damaged: {1}")]
    Damaged(&'static str, CertificateError),
    /// The listeners' key in the store that cannot be read.
    #[error("the listeners' key in the store is damaged: {0}")]
    DamagedKey(KeyError),
    /// The store is that of another cluster.
    #[error(
        "the data directory belongs to the cluster {found:?} and auth_service.cluster_name says {wanted:?}; \
         set it back, or choose another data_dir"
    )]
    OtherCluster {
        /// What the store says.
        found: String,
        /// What the configuration says.
        wanted: String,
    },
    /// Signing.
    #[error("no certificate could be made: {0}")]
    Sign(#[from] CertificateError),
    /// A key that TLS does not take.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The identity file.
    #[error("cannot write {0}: {1}")]
    Write(std::path::PathBuf, io::Error),
}

/// A CA as it stands in the store.
#[derive(Serialize, Deserialize, ZeroizeOnDrop)]
struct StoredAuthority {
    cluster: String,
    key: String,
    cert: String,
}

/// The CAs out of the store; at the first start they are made.
pub(super) async fn authorities(store: &dyn Store, cluster: &str) -> Result<Authorities, CertificatesError> {
    let user = authority(store, AuthorityKind::User, cluster).await?;
    let host = authority(store, AuthorityKind::Host, cluster).await?;
    Ok(Authorities { user, host })
}

async fn authority(
    store: &dyn Store,
    kind: AuthorityKind,
    cluster: &str,
) -> Result<Authority, CertificatesError> {
    let key = format!("/authorities/{}", kind.name());
    if let Some(item) = store.get(&key).await? {
        let stored: StoredAuthority = serde_json::from_slice(&item.value)
            .map_err(|_| CertificatesError::Damaged(kind.name(), CertificateError::Malformed))?;
        if stored.cluster != cluster {
            return Err(CertificatesError::OtherCluster {
                found: stored.cluster.clone(),
                wanted: cluster.to_owned(),
            });
        }
        return Authority::from_pem(kind, cluster, &stored.key, &stored.cert)
            .map_err(|error| CertificatesError::Damaged(kind.name(), error));
    }
    let made = Authority::generate(kind, cluster, Timestamp::now())?;
    let stored = StoredAuthority {
        cluster: cluster.to_owned(),
        key: made.key().to_pem().map_err(CertificateError::from)?.to_string(),
        cert: made.certificate().to_pem(),
    };
    let value = serde_json::to_vec(&stored).map_err(|e| StoreError::Backend(e.to_string()))?;
    store.create(&key, Bytes::from(value), None).await?;
    tracing::info!(kind = kind.name(), cluster, "a new CA was made");
    Ok(made)
}

/// The names under which clients may reach a listener.
pub(super) fn names(config: &Config) -> Vec<String> {
    let mut names = config.public_names.clone();
    let listens = [Some(&config.web), Some(&config.admin), config.kube.as_ref().map(|k| &k.listen)];
    let bound = listens.into_iter().flatten().map(|l| l.listen.ip()).filter(|ip| !ip.is_unspecified());
    names.extend(bound.map(|ip| ip.to_string()));
    names.extend([
        config.cluster_name.clone(),
        config.nodename.clone(),
        "localhost".into(),
        "127.0.0.1".into(),
        "::1".into(),
        // What clients of Teleport call an auth server whose name they do not know; the hex of a cluster's name comes before it.
        "teleport.cluster.local".into(),
        "*.teleport.cluster.local".into(),
        format!("kube-teleport-proxy-alpn.{}", config.cluster_name),
    ]);
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| is_name(name) && seen.insert(name.clone()));
    names
}

/// A host name may hold what no certificate may.
fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._*".contains(c);
    name.parse::<std::net::IpAddr>().is_ok() || (!name.is_empty() && name.chars().all(allowed))
}

/// The listeners' key out of the store; at the first start it is made. It stays, so that whoever trusted it by its fingerprint
/// (`tsh --insecure`) can go on after a restart; only the certificates are renewed.
pub(super) async fn host_key(store: &dyn Store) -> Result<KeyPair, CertificatesError> {
    if let Some(item) = store.get(HOST_KEY).await? {
        let text = std::str::from_utf8(&item.value)
            .map_err(|_| CertificatesError::DamagedKey(KeyError::NotAPrivateKey))?;
        return KeyPair::from_pem(text).map_err(CertificatesError::DamagedKey);
    }
    let made = KeyPair::generate();
    let pem = made.to_pem().map_err(CertificateError::from)?;
    store.create(HOST_KEY, Bytes::copy_from_slice(pem.as_bytes()), None).await?;
    Ok(made)
}

/// A fresh certificate of the host CA for the listeners' key, with the CA's own behind it, so that a client can compare the CA with a pin.
pub(super) fn host_certificate(
    host_ca: &Authority,
    key: &KeyPair,
    names: &[String],
    now: Timestamp,
) -> Result<CertifiedKey, CertificatesError> {
    let certificate = host_ca.sign_host(names, &key.public(), Validity::starting(now, HOST_LIFE))?;
    let chain = [&certificate, host_ca.certificate()].map(|c| CertificateDer::from(c.der().to_vec()));
    let pem = key.to_pem().map_err(CertificateError::from)?;
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|e| rustls::Error::General(format!("a key of ours does not parse: {e}")))?;
    Ok(tls::from_parts(chain.into(), key)?)
}

/// Writes the administrator's identity file: key, certificate and host CA, for the gate's user alone.
pub(super) fn write_admin(
    dir: &Path,
    authorities: &Authorities,
    now: Timestamp,
) -> Result<(), CertificatesError> {
    let key = KeyPair::generate();
    let subject = Subject {
        username: "admin".into(),
        roles: vec!["admin".into()],
        usage: Usage::Admin.to_units(),
        ..Subject::default()
    };
    let validity = Validity::starting(now, ADMIN_LIFE);
    let certificate = authorities.user.sign_user(&subject, &key.public(), validity)?;
    let pem = key.to_pem().map_err(CertificateError::from)?;
    let text = Zeroizing::new(format!(
        "{}{}{}",
        pem.as_str(),
        certificate.to_pem(),
        authorities.host.certificate().to_pem()
    ));
    let file = dir.join(ADMIN_FILE);
    write_private(&file, text.as_bytes()).map_err(|error| CertificatesError::Write(file, error))
}

/// Writes a file that only its owner may read; readers see the old one or the new one, never half of it.
pub(super) fn write_private(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = file.with_extension("new");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    out.write_all(bytes)?;
    out.sync_all()?;
    fs::rename(&temporary, file)
}
