//! How the gate proves to the API server who it is: a token, a token file, a password, an exec plugin, or a client certificate.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use http_body_util::Empty;
use kube::{Config, client::ConfigExt};
use tokio::sync::Mutex;
use tower::{Layer, ServiceExt, util::BoxCloneSyncService};

use crate::server::listener::BoxError;

/// How long a token file's content is used before it is read again. The kubelet writes a new token long before the old one ends.
const REREAD: Duration = Duration::from_secs(10);

/// Makes the `Authorization` header of a request.
pub(super) enum Credentials {
    /// The client certificate alone, or nothing.
    None,
    /// The same header always.
    Fixed(HeaderValue),
    /// A file that others replace.
    File(TokenFile),
    /// kube's own machinery: exec plugins and cloud providers.
    Plugin(BoxCloneSyncService<Request<Empty<Bytes>>, Response<Option<HeaderValue>>, BoxError>),
}

impl Credentials {
    /// From a kubeconfig's user. An exec plugin runs here for the first time.
    pub(super) async fn from_config(config: &Config) -> Result<Self, BoxError> {
        let auth = &config.auth_info;
        if auth.auth_provider.is_none() && auth.exec.is_none() && auth.username.is_none() {
            return match (&auth.token, &auth.token_file) {
                (None, Some(file)) => Ok(Self::File(TokenFile::open(file.into()).await?)),
                (Some(_), _) => Ok(match Self::plugin(config).await? {
                    Self::Plugin(service) => {
                        match service.oneshot(Request::new(Empty::new())).await?.into_body() {
                            Some(header) => Self::Fixed(header),
                            None => Self::None,
                        }
                    }
                    other => other,
                }),
                (None, None) => Ok(Self::None),
            };
        }
        Self::plugin(config).await
    }

    async fn plugin(config: &Config) -> Result<Self, BoxError> {
        let config = config.clone();
        // The first run of an exec plugin blocks its thread.
        let Some(layer) = tokio::task::spawn_blocking(move || config.auth_layer()).await?? else {
            return Ok(Self::None);
        };
        let inner = tower::service_fn(|request: Request<Empty<Bytes>>| async move {
            Ok::<_, BoxError>(Response::new(request.headers().get(AUTHORIZATION).cloned()))
        });
        Ok(Self::Plugin(BoxCloneSyncService::new(layer.layer(inner))))
    }

    /// The header as of now.
    pub(super) async fn header(&self) -> Result<Option<HeaderValue>, BoxError> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(header) => Ok(Some(header.clone())),
            Self::File(file) => Ok(Some(file.header().await)),
            Self::Plugin(service) => {
                Ok(service.clone().oneshot(Request::new(Empty::new())).await?.into_body())
            }
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
        // The error of a header value does not show the value.
        let mut header = HeaderValue::try_from(format!("Bearer {token}"))?;
        header.set_sensitive(true);
        Ok(header)
    }

    async fn header(&self) -> HeaderValue {
        let mut last = self.last.lock().await;
        if last.1.elapsed() >= REREAD {
            match Self::read(&self.path).await {
                Ok(header) => last.0 = header,
                // The last token may still be good; the API server's answer will tell.
                Err(error) => {
                    tracing::warn!(path = %self.path.display(), %error, "the token file cannot be read; using the last token")
                }
            }
            last.1 = Instant::now();
        }
        last.0.clone()
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
