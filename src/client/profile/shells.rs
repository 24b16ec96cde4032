//! Folders of `tsh kube shell`: a private kubeconfig each, as long as its process lives.
//!
//! A process holds the lock in its folder. The system lets go of it however the process ends, so a folder whose lock can
//! be taken belongs to nobody and is swept.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Home, Lock, ProfileError, files};

/// A folder that is not complete yet carries this before its name.
const NEW: &str = ".new-";
/// After this long an incomplete folder is left from a process that was killed.
const STALE: Duration = Duration::from_secs(60);

/// A private kubeconfig, and the lock that says it is in use.
#[derive(Debug)]
pub struct Shell {
    folder: PathBuf,
    _lock: Lock,
}

impl Shell {
    /// Makes the folder with the kubeconfig, mode 0700 and 0600, and sweeps what killed processes left.
    pub fn open(home: &Home, kubeconfig: &str) -> Result<Self, ProfileError> {
        let shells = home.folder().join("shells");
        sweep(home.folder());
        files::create_folder(&shells)?;
        // Complete and locked before it has its name: nobody sweeps it in between.
        let mut builder = tempfile::Builder::new();
        builder.prefix(NEW);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let new = builder.tempdir_in(&shells).map_err(ProfileError::io(&shells))?;
        let lock = Lock::take(&new.path().join("lock"), || {})?;
        files::replace(&new.path().join("config"), kubeconfig.as_bytes())?;
        let made = new.keep();
        let name = made.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let folder = shells.join(name.strip_prefix(NEW).unwrap_or(name));
        fs::rename(&made, &folder).map_err(ProfileError::io(&folder))?;
        Ok(Self { folder, _lock: lock })
    }

    /// The kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("config")
    }

    /// Removes the folder.
    pub fn close(self) -> Result<(), ProfileError> {
        fs::remove_dir_all(&self.folder).map_err(ProfileError::io(&self.folder))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // Gone already after `close`; else the program could not even be started.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Removes the folders of processes that are gone. What cannot be removed is left for the next time.
pub fn sweep(home: &Path) {
    let Ok(entries) = fs::read_dir(home.join("shells")) else { return };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let incomplete = entry.file_name().to_string_lossy().starts_with(NEW);
        let gone = if incomplete {
            let made = entry.metadata().and_then(|meta| meta.modified());
            made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > STALE))
        } else {
            matches!(Lock::try_take(&path.join("lock")), Ok(Some(_)))
        };
        if gone && let Err(reason) = fs::remove_dir_all(&path) {
            tracing::debug!(%reason, folder = %path.display(), "a folder of a shell that ended was not removed");
        }
    }
}
