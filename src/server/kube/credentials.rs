//! How the gate proves to the API server who it is: a token, a token file, a password, an exec plugin, or a client certificate.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header::AUTHORIZATION};
use http_body_util::Empty;
use kube::{Config, client::ConfigExt};
use tokio::sync::Mutex;
use tower::{Layer, ServiceExt, util::BoxCloneSyncService};

use super::plugin::{Plugin, bearer};
use crate::server::listener::BoxError;

/// How long a token file's content is used before it is read again. The kubelet writes a new token long before the old one ends.
const REREAD: Duration = Duration::from_secs(10);
/// The same when the API server refused the token.
const REREAD_REFUSED: Duration = Duration::from_secs(1);

/// Makes the `Authorization` header of a request.
pub(super) enum Credentials {
    /// The client certificate alone, or nothing.
    None,
    /// The same header always.
    Fixed(HeaderValue),
    /// A file that others replace.
    File(TokenFile),
    /// A program that gives tokens, certificates, or both.
    Exec(Arc<Plugin>),
    /// kube's own machinery, for the old `auth-provider`.
    Provider(BoxCloneSyncService<Request<Empty<Bytes>>, Response<Option<HeaderValue>>, BoxError>),
}

/// What a request was signed with, to be told when the API server refuses it.
pub(super) struct Used {
    header: Option<HeaderValue>,
    run: u64,
}

impl Credentials {
    /// From a kubeconfig's user. An exec plugin runs here for the first time.
    pub(super) async fn from_config(config: &Config) -> Result<Self, BoxError> {
        let auth = &config.auth_info;
        if auth.auth_provider.is_some() {
            return Self::of_kube(config).await;
        }
        if auth.username.is_some() || auth.token.is_some() {
            return match Self::of_kube(config).await? {
                Self::Provider(service) => {
                    match service.oneshot(Request::new(Empty::new())).await?.into_body() {
                        Some(header) => Ok(Self::Fixed(header)),
                        None => Ok(Self::None),
                    }
                }
                other => Ok(other),
            };
        }
        match (&auth.token_file, &auth.exec) {
            (Some(file), _) => Ok(Self::File(TokenFile::open(file.into()).await?)),
            (None, Some(exec)) => {
                let plugin = Plugin::new(exec)?;
                plugin.credential().await?;
                Ok(Self::Exec(Arc::new(plugin)))
            }
            (None, None) => Ok(Self::None),
        }
    }

    async fn of_kube(config: &Config) -> Result<Self, BoxError> {
        let config = config.clone();
        // The first run of a provider's command blocks its thread.
        let Some(layer) = tokio::task::spawn_blocking(move || config.auth_layer()).await?? else {
            return Ok(Self::None);
        };
        let inner = tower::service_fn(|request: Request<Empty<Bytes>>| async move {
            Ok::<_, BoxError>(Response::new(request.headers().get(AUTHORIZATION).cloned()))
        });
        Ok(Self::Provider(BoxCloneSyncService::new(layer.layer(inner))))
    }

    /// The program, if it is one that signs the gate in.
    pub(super) fn plugin(&self) -> Option<Arc<Plugin>> {
        if let Self::Exec(plugin) = self { Some(plugin.clone()) } else { None }
    }

    /// Signs a request with what is good now.
    pub(super) async fn sign(&self, headers: &mut HeaderMap) -> Result<Used, BoxError> {
        let (header, run) = match self {
            Self::None => (None, 0),
            Self::Fixed(header) => (Some(header.clone()), 0),
            Self::File(file) => (Some(file.header().await), 0),
            Self::Exec(plugin) => {
                let credential = plugin.credential().await?;
                (credential.header.clone(), credential.number)
            }
            Self::Provider(service) => {
                (service.clone().oneshot(Request::new(Empty::new())).await?.into_body(), 0)
            }
        };
        if let Some(header) = &header {
            headers.insert(AUTHORIZATION, header.clone());
        }
        Ok(Used { header, run })
    }

    /// The API server refused what a request was signed with. True if there is something else to try now.
    pub(super) async fn renew(&self, used: &Used) -> bool {
        match self {
            Self::File(file) => {
                file.reread().await;
                Some(file.header().await) != used.header
            }
            Self::Exec(plugin) => plugin.renew(used.run).await,
            Self::None | Self::Fixed(_) | Self::Provider(_) => false,
        }
    }
}

/// A bearer token in a file.
pub(super) struct TokenFile {
    path: PathBuf,
    last: Mutex<(HeaderValue, Instant)>,
}

impl TokenFile {
    async fn open(path: PathBuf) -> Result<Self, BoxError> {
        let header =
            Self::read(&path).await.map_err(|e| format!("the token file {}: {e}", path.display()))?;
        Ok(Self { path, last: Mutex::new((header, Instant::now())) })
    }

    async fn read(path: &PathBuf) -> Result<HeaderValue, BoxError> {
        let token = zeroize::Zeroizing::new(tokio::fs::read_to_string(path).await?);
        let token = token.trim();
        if token.is_empty() {
            return Err("it is empty".into());
        }
        bearer(token)
    }

    /// Reads the file now, because its last token was refused.
    async fn reread(&self) {
        let mut last = self.last.lock().await;
        // Not at each of many refusals.
        if last.1.elapsed() >= REREAD_REFUSED {
            self.read_into(&mut last).await;
        }
    }

    async fn header(&self) -> HeaderValue {
        let mut last = self.last.lock().await;
        if last.1.elapsed() >= REREAD {
            self.read_into(&mut last).await;
        }
        last.0.clone()
    }

    async fn read_into(&self, last: &mut (HeaderValue, Instant)) {
        match Self::read(&self.path).await {
            Ok(header) => last.0 = header,
            // The last token may still be good; the API server's answer will tell.
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the token file cannot be read; using the last token")
            }
        }
        last.1 = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_rotated_token_is_picked_up_and_a_missing_file_keeps_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "one\n").unwrap();
        let file = TokenFile::open(path.clone()).await.unwrap();
        let age = || async { file.last.lock().await.1 -= REREAD };
        assert_eq!(file.header().await, "Bearer one");
        assert!(file.header().await.is_sensitive());
        std::fs::write(&path, "two").unwrap();
        assert_eq!(file.header().await, "Bearer one");
        age().await;
        assert_eq!(file.header().await, "Bearer two");
        std::fs::remove_file(&path).unwrap();
        age().await;
        assert_eq!(file.header().await, "Bearer two");
        assert!(TokenFile::open(path).await.is_err());
    }
}
