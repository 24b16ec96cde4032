//! Where sealed parts are kept: a folder, or a bucket. Each part is an object of its own, `SESSION/NNNNNN.part`, written once and
//! never changed.

use std::{path::Path as FilePath, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::{
    ObjectStore, ObjectStoreExt, PutPayload, RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem,
    path::Path,
};
use uuid::Uuid;

use crate::server::config::RecordingStorage;

/// How long a request to a bucket is tried again at once. Uploads go on trying for as long as it takes, and say so in the log; who
/// plays a recording learns soon that its bucket does not answer.
const RETRY: Duration = Duration::from_secs(10);

/// Why the place for recordings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The folder or the bucket's server.
    #[error("recordings cannot be kept in {place}: {error}")]
    Storage {
        /// The folder or bucket.
        place: String,
        /// Why.
        error: object_store::Error,
    },
    /// The folder.
    #[error("recordings cannot be kept in {place}: {error}")]
    Folder {
        /// The folder.
        place: String,
        /// Why.
        error: std::io::Error,
    },
}

/// The place for sealed parts. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Vault {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    place: Arc<str>,
}

impl Vault {
    /// Opens what the configuration says, or `own`.
    pub(super) fn open(storage: Option<&RecordingStorage>, own: &FilePath) -> Result<Self, VaultError> {
        let folder = match storage {
            None => own,
            Some(RecordingStorage::Folder(folder)) => folder,
            Some(RecordingStorage::S3 { bucket, prefix, region, endpoint }) => {
                return Self::bucket(bucket, prefix, region.as_deref(), endpoint.as_deref());
            }
        };
        let place = folder.display().to_string();
        private_folder(folder).map_err(|error| VaultError::Folder { place: place.clone(), error })?;
        let opened = LocalFileSystem::new_with_prefix(folder);
        let objects =
            opened.map_err(|error| VaultError::Storage { place: place.clone(), error })?.with_fsync(true);
        let objects = Arc::new(objects.with_automatic_cleanup(true));
        Ok(Self { objects, prefix: Path::default(), place: place.into() })
    }

    fn bucket(
        bucket: &str,
        prefix: &str,
        region: Option<&str>,
        endpoint: Option<&str>,
    ) -> Result<Self, VaultError> {
        let place = format!("s3://{bucket}/{prefix}");
        let retry = RetryConfig { max_retries: 2, retry_timeout: RETRY, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry);
        if let Some(region) = region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        let built = builder.build();
        let objects = built.map_err(|error| VaultError::Storage { place: place.clone(), error })?;
        Ok(Self { objects: Arc::new(objects), prefix: Path::from(prefix), place: place.into() })
    }

    /// The folder or bucket, for people.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Keeps a part.
    pub(super) async fn put(&self, session: Uuid, part: u64, bytes: Bytes) -> object_store::Result<()> {
        self.objects.put(&self.path(session, part), PutPayload::from_bytes(bytes)).await?;
        Ok(())
    }

    /// A part's bytes.
    pub(super) async fn get(&self, session: Uuid, part: u64) -> object_store::Result<Bytes> {
        self.objects.get(&self.path(session, part)).await?.bytes().await
    }

    /// The numbers of a session's parts, in order.
    pub(super) async fn parts(&self, session: Uuid) -> object_store::Result<Vec<u64>> {
        let folder = self.folder(session);
        let listed = self.objects.list(Some(&folder));
        let names = listed.map_ok(|meta| meta.location.filename().and_then(number)).try_collect::<Vec<_>>();
        let mut parts: Vec<u64> = names.await?.into_iter().flatten().collect();
        parts.sort_unstable();
        Ok(parts)
    }

    /// Removes a session's parts.
    pub(super) async fn delete(&self, session: Uuid) -> object_store::Result<()> {
        for part in self.parts(session).await? {
            match self.objects.delete(&self.path(session, part)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn folder(&self, session: Uuid) -> Path {
        self.prefix.clone().join(session.to_string())
    }

    fn path(&self, session: Uuid, part: u64) -> Path {
        self.folder(session).join(format!("{part:06}.part"))
    }
}

fn number(name: &str) -> Option<u64> {
    name.strip_suffix(".part")?.parse().ok()
}

fn private_folder(folder: &FilePath) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn parts_are_kept_in_a_folder_and_removed_with_their_session() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(None, &folder.path().join("kept")).unwrap();
        let (one, other) = (
            crate::recording::id::new(jiff::Timestamp::now()),
            crate::recording::id::new(jiff::Timestamp::now()),
        );
        for part in [2, 1, 10] {
            vault.put(one, part, Bytes::from(format!("part {part}"))).await.unwrap();
        }
        vault.put(other, 1, Bytes::from_static(b"other")).await.unwrap();
        assert_eq!(vault.parts(one).await.unwrap(), [1, 2, 10]);
        assert_eq!(vault.get(one, 10).await.unwrap(), "part 10");
        vault.delete(one).await.unwrap();
        assert!(vault.parts(one).await.unwrap().is_empty());
        assert_eq!(vault.parts(other).await.unwrap(), [1]);
        assert!(matches!(vault.get(one, 1).await, Err(object_store::Error::NotFound { .. })));
    }
}
