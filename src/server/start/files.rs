//! The files that a start leaves in the data directory beside the store.

use std::{fs, io, net::SocketAddr, path::Path, sync::Arc};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    super::{audit::AuditLog, certificates, config::Config, gate::Gate, metrics::Metrics},
    Bound, StartError,
};

/// The sticky bit, as directories have it in which everybody writes (`/tmp`).
const STICKY: u32 = 0o1000;
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

/// Makes a directory that is for the gate's user alone, or makes it so; the answer is what a person should know of that.
pub(super) fn private_dir(dir: &Path) -> Result<Option<String>, StartError> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    let failed = |error| StartError::File { path: dir.to_owned(), error };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let mode = fs::metadata(dir).map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(None);
    }
    let path = dir.display();
    if mode & STICKY != 0 {
        return Ok(Some(format!(
            "the data directory {path} is one that everybody shares (mode {mode:o}); choose one for the gate alone"
        )));
    }
    // Owned by somebody else, as volumes are: the files in it are the gate's alone all the same.
    Ok(Some(match fs::set_permissions(dir, fs::Permissions::from_mode(0o700)) {
        Ok(()) => {
            format!("the data directory {path} was open to others (mode {mode:o}); it has mode 700 now")
        }
        Err(error) => format!(
            "the data directory {path} is open to others (mode {mode:o}) and could not be closed to them: {error}"
        ),
    }))
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_that_is_open_to_others_is_closed_with_a_notice() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("data");
        assert_eq!(private_dir(&dir).unwrap(), None);
        let mode = || fs::metadata(&dir).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(), 0o700);
        for (wide, closed) in [(0o755, 0o700), (0o710, 0o700), (0o1777, 0o1777)] {
            fs::set_permissions(&dir, fs::Permissions::from_mode(wide)).unwrap();
            let notice = private_dir(&dir).unwrap().unwrap();
            assert!(notice.contains(&format!("mode {wide:o}")), "{notice}");
            assert_eq!(mode(), closed);
        }
    }
}
