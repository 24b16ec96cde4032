//! The files that a start leaves in the data directory beside the store.

use std::{fs, io, net::SocketAddr, path::Path, sync::Arc};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    super::{audit::AuditLog, certificates, config::Config, gate::Gate, metrics::Metrics},
    Bound, StartError,
};

/// What `tctl` on this machine reads to find the running gate.
pub(super) const INFO: &str = "gate.json";

pub(super) fn open_audit(config: &Config, metrics: Arc<Metrics>) -> Result<AuditLog, StartError> {
    let uuid = host_uuid(&config.data_dir)?;
    let path = config.data_dir.join("log");
    AuditLog::open(&config.data_dir, uuid, &config.cluster_name, metrics)
        .map_err(|error| StartError::File { path, error })
}

/// The machine's identity, made at the first start (Teleport keeps it in the same file).
fn host_uuid(dir: &Path) -> Result<Uuid, StartError> {
    let path = dir.join("host_uuid");
    let failed = |error| StartError::File { path: path.clone(), error };
    match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map_err(|e| failed(io::Error::other(e))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let uuid = Uuid::new_v4();
            certificates::write_private(&path, uuid.to_string().as_bytes()).map_err(failed)?;
            Ok(uuid)
        }
        Err(error) => Err(failed(error)),
    }
}

pub(super) fn private_dir(dir: &Path) -> Result<(), StartError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|error| StartError::File { path: dir.to_owned(), error })
}

/// `gate.json`: how `tctl` on this machine reaches the running gate.
pub(super) fn write_info(gate: &Gate, bound: &Bound) -> Result<(), StartError> {
    let mut admin = bound.admin;
    if admin.ip().is_unspecified() {
        let loopback: std::net::IpAddr = match admin {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        admin.set_ip(loopback);
    }
    let info = serde_json::json!({
        "admin_addr": admin.to_string(),
        "cluster": gate.config.cluster_name,
        "pid": std::process::id(),
        "started": Timestamp::now().to_string(),
    });
    let path = gate.config.data_dir.join(INFO);
    certificates::write_private(&path, format!("{info}\n").as_bytes())
        .map_err(|error| StartError::File { path, error })
}
