//! Where sealed parts are kept: a folder, or a bucket. Each part is an object of its own, `SESSION/NNNNNN.part`, written once and
//! never changed: what is there already stays, and another one of its name is an error.
//!
//! A bucket is asked to refuse what it has already (`If-None-Match: *`). Some servers do not know that and overwrite in silence:
//! the first part shows it, a warning says so, and from then on the gate looks by itself before it writes.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path as FilePath, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::{
    ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig, aws::AmazonS3Builder,
    local::LocalFileSystem, path::Path,
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

/// Why a part is not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum PutError {
    /// Another one of its name is there, and stays. To try again is of no use.
    #[error(
        "another part {part} of this session is kept already, with other bytes; it stays, and so does what is in the spool"
    )]
    Taken {
        /// The part.
        part: u64,
    },
    /// The folder or the bucket's server.
    #[error(transparent)]
    Storage(#[from] object_store::Error),
    /// The folder.
    #[error(transparent)]
    Folder(#[from] io::Error),
}

/// What is known of a bucket that is asked to refuse what it has already.
const UNKNOWN: u8 = 0;
const REFUSES: u8 = 1;
const OVERWRITES: u8 = 2;

/// The place for sealed parts. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Vault {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    place: Arc<str>,
    /// If it is a folder.
    folder: Option<Arc<FilePath>>,
    conditions: Arc<AtomicU8>,
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
        let made = private_folder(folder).and_then(|()| match storage {
            None => tighten(folder),
            Some(_) => warn_if_open(folder),
        });
        made.map_err(|error| VaultError::Folder { place: place.clone(), error })?;
        let opened = LocalFileSystem::new_with_prefix(folder);
        let objects =
            opened.map_err(|error| VaultError::Storage { place: place.clone(), error })?.with_fsync(true);
        let objects = Arc::new(objects.with_automatic_cleanup(true));
        let folder = Some(Arc::from(folder));
        let conditions = Arc::new(AtomicU8::new(REFUSES));
        Ok(Self { objects, prefix: Path::default(), place: place.into(), folder, conditions })
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
        let conditions = Arc::new(AtomicU8::new(UNKNOWN));
        let (objects, prefix) = (Arc::new(objects), Path::from(prefix));
        Ok(Self { objects, prefix, place: place.into(), folder: None, conditions })
    }

    /// The folder or bucket, for people.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Keeps a part. One that is kept already is good if its bytes are the same.
    pub(super) async fn put(&self, session: Uuid, part: u64, bytes: Bytes) -> Result<(), PutError> {
        let made = match self.folder.clone() {
            Some(folder) => {
                let bytes = bytes.clone();
                let folder = folder.join(session.to_string());
                let writing = tokio::task::spawn_blocking(move || write_once(&folder, part, &bytes));
                writing.await.map_err(io::Error::other)??
            }
            None => self.create(&self.path(session, part), &bytes).await?,
        };
        if made || self.get(session, part).await? == bytes { Ok(()) } else { Err(PutError::Taken { part }) }
    }

    /// Makes an object; false if there is one of this name.
    async fn create(&self, path: &Path, bytes: &Bytes) -> object_store::Result<bool> {
        let payload = || PutPayload::from_bytes(bytes.clone());
        let create = || self.objects.put_opts(path, payload(), PutOptions::from(PutMode::Create));
        let known = self.conditions.load(Ordering::Relaxed);
        if known != REFUSES {
            match self.objects.head(path).await {
                Ok(_) => return Ok(false),
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if known == OVERWRITES {
            return self.objects.put(path, payload()).await.map(|_| true);
        }
        match create().await {
            Ok(_) => {}
            Err(object_store::Error::AlreadyExists { .. }) => return Ok(false),
            Err(error) if is_unknown_to(&error) => {
                self.is_found_to_overwrite();
                return self.objects.put(path, payload()).await.map(|_| true);
            }
            Err(error) => return Err(error),
        }
        if known == UNKNOWN {
            // The same bytes once more: whoever takes them would take others too.
            match create().await {
                Ok(_) => self.is_found_to_overwrite(),
                Err(object_store::Error::AlreadyExists { .. }) => {
                    self.conditions.store(REFUSES, Ordering::Relaxed);
                }
                // The next part shows it.
                Err(_) => {}
            }
        }
        Ok(true)
    }

    fn is_found_to_overwrite(&self) {
        self.conditions.store(OVERWRITES, Ordering::Relaxed);
        tracing::warn!(
            vault = self.place(),
            "the bucket's server does not know conditional writes: two gates that write there at once could overwrite a recording; switch versions or an object lock on in the bucket"
        );
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
    pub(super) async fn delete(&self, session: Uuid) -> Result<(), PutError> {
        if let Some(folder) = &self.folder {
            let folder = folder.join(session.to_string());
            let removing = tokio::task::spawn_blocking(move || remove_files(&folder));
            return Ok(removing.await.map_err(io::Error::other)??);
        }
        for part in self.parts(session).await? {
            match self.objects.delete(&self.path(session, part)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn folder(&self, session: Uuid) -> Path {
        self.prefix.clone().join(session.to_string())
    }

    fn path(&self, session: Uuid, part: u64) -> Path {
        self.folder(session).join(name(part))
    }
}

fn name(part: u64) -> String {
    format!("{part:06}.part")
}

fn number(name: &str) -> Option<u64> {
    name.strip_suffix(".part")?.parse().ok()
}

/// Whether a server's error says that it does not know conditional writes.
fn is_unknown_to(error: &object_store::Error) -> bool {
    let text = error.to_string();
    text.contains("501 Not Implemented") || text.contains("<Code>NotImplemented</Code>")
}

fn private_folder(folder: &FilePath) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// A folder of the gate's own is nobody else's.
pub(super) fn tighten(folder: &FilePath) -> io::Result<()> {
    if mode(folder)? & 0o077 == 0 {
        return Ok(());
    }
    tracing::warn!(folder = %folder.display(), "others could look into a folder of recordings: its mode is 0700 now");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// A folder that somebody made may be meant for others too: they see which sessions there are, not what is in them.
fn warn_if_open(folder: &FilePath) -> io::Result<()> {
    let mode = mode(folder)?;
    if mode & 0o077 != 0 {
        let (folder, mode) = (folder.display(), format!("{mode:04o}"));
        tracing::warn!(%folder, mode, "others can look into the folder of recordings and see which sessions there are; chmod 700 keeps them out");
    }
    Ok(())
}

fn mode(folder: &FilePath) -> io::Result<u32> {
    Ok(fs::metadata(folder)?.permissions().mode() & 0o7777)
}

/// Writes a file that nobody but the gate can read, whatever the umask is, and puts it on disk; false if there is one already.
fn write_once(folder: &FilePath, part: u64, bytes: &[u8]) -> io::Result<bool> {
    private_folder(folder)?;
    let path = folder.join(name(part));
    // Lists leave such a name out.
    let staged = folder.join(format!("{}#1", name(part)));
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&staged)?;
    let done = file
        .set_permissions(fs::Permissions::from_mode(0o600))
        .and_then(|()| file.write_all(bytes))
        .and_then(|()| file.sync_all())
        .and_then(|()| place(&staged, &path));
    // Gone, or of no use.
    let _ = fs::remove_file(&staged);
    let made = done?;
    File::open(folder)?.sync_all()?;
    if let Some(top) = folder.parent() {
        File::open(top)?.sync_all()?;
    }
    Ok(made)
}

/// Gives a file its name; false if that is taken.
fn place(staged: &FilePath, path: &FilePath) -> io::Result<bool> {
    match fs::hard_link(staged, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        // Not every file system has links.
        Err(_) if !path.try_exists()? => fs::rename(staged, path).map(|()| true),
        Err(_) => Ok(false),
    }
}

fn remove_files(folder: &FilePath) -> io::Result<()> {
    let files: Vec<PathBuf> = match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for file in files {
        fs::remove_file(file)?;
    }
    fs::remove_dir(folder)
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

    #[tokio::test]
    async fn a_part_is_written_once_and_another_of_its_name_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(None, folder.path()).unwrap();
        let id = Uuid::now_v7();
        vault.put(id, 1, Bytes::from_static(b"one")).await.unwrap();
        vault.put(id, 1, Bytes::from_static(b"one")).await.unwrap();
        let error = vault.put(id, 1, Bytes::from_static(b"forged")).await.unwrap_err();
        assert!(matches!(error, PutError::Taken { part: 1 }), "{error}");
        assert_eq!(vault.get(id, 1).await.unwrap(), "one");
        let names = fs::read_dir(folder.path().join(id.to_string())).unwrap();
        assert_eq!(names.count(), 1, "nothing else is left there");
    }

    #[tokio::test]
    async fn nobody_else_can_read_what_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let open = |folder: &FilePath| {
            fs::create_dir_all(folder).unwrap();
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        };
        let (own, chosen) = (folder.path().join("own"), folder.path().join("chosen"));
        open(&own);
        open(&chosen);
        let storage = RecordingStorage::Folder(chosen.clone());
        for (storage, place, wanted) in [(None, &own, 0o700), (Some(&storage), &chosen, 0o755)] {
            let vault = Vault::open(storage, &own).unwrap();
            let id = Uuid::now_v7();
            vault.put(id, 1, Bytes::from_static(b"one")).await.unwrap();
            let session = place.join(id.to_string());
            assert_eq!(mode(place).unwrap(), wanted);
            assert_eq!(mode(&session).unwrap(), 0o700);
            assert_eq!(mode(&session.join("000001.part")).unwrap(), 0o600);
        }
    }
}
