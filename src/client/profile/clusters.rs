//! The names of the clusters behind a gate, as it told them last: for the TAB key, which does not wait for a network.

use std::{fs, path::PathBuf, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Home, ProfileError, files};
use crate::wire::kube_clusters::KubeCluster;

/// The file, beside the keys of the gate.
pub(super) const FILE: &str = ".kube-clusters.json";

/// What is known of a gate's clusters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownClusters {
    /// When the gate told them; none if it never did.
    pub told: Option<Timestamp>,
    /// The clusters.
    pub clusters: Vec<KubeCluster>,
}

impl Home {
    /// The clusters behind a gate, as far as they are known here. What does not parse counts as nothing.
    pub fn known_clusters(&self, name: &str) -> Result<KnownClusters, ProfileError> {
        let text = files::read(&self.clusters_file(name)?)?.unwrap_or_default();
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Replaces them by what the gate says now. Where no folder of the gate is, nothing is kept.
    pub fn keep_clusters(&self, name: &str, clusters: &[KubeCluster]) -> Result<(), ProfileError> {
        self.write_clusters(
            name,
            &KnownClusters { told: Some(Timestamp::now()), clusters: clusters.to_vec() },
        )
    }

    /// Notes that the gate is asked now. Says whether the last time is longer ago than `pause`; else it is not to be asked.
    pub fn may_ask_clusters(&self, name: &str, pause: Duration) -> Result<bool, ProfileError> {
        let last = fs::metadata(self.clusters_file(name)?).and_then(|meta| meta.modified());
        // A clock that was set back makes a date in the future, which must not keep questions away.
        if last.is_ok_and(|last| last.elapsed().is_ok_and(|ago| ago < pause)) {
            return Ok(false);
        }
        self.write_clusters(name, &self.known_clusters(name)?).map(|()| true)
    }

    fn write_clusters(&self, name: &str, known: &KnownClusters) -> Result<(), ProfileError> {
        let path = self.clusters_file(name)?;
        if !path.parent().is_some_and(std::path::Path::is_dir) {
            return Ok(());
        }
        let text = serde_json::to_string(known)
            .map_err(|e| ProfileError::Broken { path: path.clone(), reason: e.to_string() })?;
        files::replace(&path, text.as_bytes())
    }

    fn clusters_file(&self, name: &str) -> Result<PathBuf, ProfileError> {
        Ok(self.keys(name)?.join(FILE))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn the_gate_is_asked_once_in_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(Some(folder.path().to_owned()), "/".as_ref());
        let cluster = KubeCluster { name: "a".into(), labels: Default::default(), default: true };
        home.keep_clusters("gate", std::slice::from_ref(&cluster)).unwrap();
        assert_eq!(home.known_clusters("gate").unwrap(), KnownClusters::default(), "nobody is logged in");
        fs::create_dir_all(folder.path().join("keys/gate")).unwrap();
        let minute = Duration::from_secs(60);
        assert!(home.may_ask_clusters("gate", minute).unwrap());
        assert!(!home.may_ask_clusters("gate", minute).unwrap());
        home.keep_clusters("gate", std::slice::from_ref(&cluster)).unwrap();
        let file = home.clusters_file("gate").unwrap();
        fs::File::open(&file).unwrap().set_modified(SystemTime::now() - 2 * minute).unwrap();
        assert!(home.may_ask_clusters("gate", minute).unwrap());
        let known = home.known_clusters("gate").unwrap();
        assert!(known.told.is_some() && known.clusters == [cluster], "a question in vain loses nothing");
        fs::write(file, "half").unwrap();
        assert_eq!(home.known_clusters("gate").unwrap(), KnownClusters::default());
    }
}
