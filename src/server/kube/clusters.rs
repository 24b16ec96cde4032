//! The clusters behind the gate by name, and the way to each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use tokio::sync::OnceCell;

use super::upstream::{Upstream, UpstreamError};
use crate::server::config::{KubeCluster, KubeConfig};

/// How many ways are prepared at a time when the gate starts: some of them run a program.
const AT_A_TIME: usize = 16;
/// How long a way that could not be prepared is left alone before a request tries again.
const PAUSE: Duration = Duration::from_secs(10);

/// The clusters. The first is the default one.
pub struct Clusters {
    all: Vec<Arc<Cluster>>,
    places: HashMap<String, usize>,
}

/// One cluster.
pub(super) struct Cluster {
    name: String,
    /// None where the way is given.
    config: Option<KubeCluster>,
    upstream: OnceCell<Arc<Upstream>>,
    failed: Mutex<Option<(Instant, String)>>,
}

impl Clusters {
    /// From the configuration, and what a person should know, one sentence each. Of several clusters one may have no
    /// credentials now (its exec plugin fails, say): the others are served, and it is tried again when somebody asks for it.
    ///
    /// # Errors
    /// A kubeconfig that cannot be used; with one cluster alone also its credentials.
    pub async fn open(config: &KubeConfig) -> Result<(Arc<Self>, Vec<String>), UpstreamError> {
        let alone = config.others.is_empty();
        let all: Vec<_> = config.all().cloned().map(|cluster| Arc::new(Cluster::new(cluster))).collect();
        let opened = stream::iter(all.clone()).map(|cluster| async move {
            let opened = cluster.open().await;
            (cluster, opened)
        });
        let mut opened = opened.buffered(AT_A_TIME);
        let mut notices = Vec::new();
        while let Some((cluster, opened)) = opened.next().await {
            match opened {
                Ok(_) => {}
                Err(error) if alone => return Err(error),
                Err(error @ UpstreamError::Credentials { .. }) => {
                    let notice = format!("the cluster {:?} is not served yet: {error}", cluster.name);
                    tracing::error!("{notice}");
                    notices.push(notice);
                }
                // The default one has keys of its own in the configuration.
                Err(error) if Arc::ptr_eq(&cluster, &all[0]) => return Err(error),
                Err(error) => {
                    return Err(UpstreamError::Of { cluster: cluster.name.clone(), source: Box::new(error) });
                }
            }
        }
        Ok((Arc::new(Self::of(all)), notices))
    }

    fn of(all: Vec<Arc<Cluster>>) -> Self {
        let places = all.iter().enumerate().map(|(index, cluster)| (cluster.name.clone(), index)).collect();
        Self { all, places }
    }

    /// These clusters, whose ways are ready.
    #[cfg(test)]
    pub(super) fn ready(all: &[(&str, Arc<Upstream>)]) -> Arc<Self> {
        let ready = |(name, upstream): &(&str, Arc<Upstream>)| {
            let upstream = OnceCell::new_with(Some(upstream.clone()));
            Arc::new(Cluster { name: (*name).to_owned(), config: None, upstream, failed: Mutex::default() })
        };
        Arc::new(Self::of(all.iter().map(ready).collect()))
    }

    /// The one of this name; without a name the default one.
    pub(super) fn find(&self, name: Option<&str>) -> Option<&Arc<Cluster>> {
        match name {
            None => self.all.first(),
            Some(name) => self.places.get(name).and_then(|index| self.all.get(*index)),
        }
    }
}

impl Cluster {
    fn new(config: KubeCluster) -> Self {
        let name = config.name.clone();
        Self { name, config: Some(config), upstream: OnceCell::new(), failed: Mutex::default() }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The way to its API server. The error is a sentence for the person.
    pub(super) async fn upstream(&self) -> Result<Arc<Upstream>, String> {
        if let Some(ready) = self.upstream.get() {
            return Ok(ready.clone());
        }
        let opened = self.upstream.get_or_try_init(|| async {
            let recent = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
            match recent {
                Some((then, why)) if then.elapsed() < PAUSE => Err(why),
                _ => self.prepare().await.map_err(|error| error.to_string()),
            }
        });
        opened.await.cloned().map_err(|why| {
            tracing::error!(cluster = %self.name, why, "no way to the API server");
            format!(
                "the gate has no way to the cluster {:?} now; tell an administrator if it lasts",
                self.name
            )
        })
    }

    async fn open(&self) -> Result<Arc<Upstream>, UpstreamError> {
        self.upstream.get_or_try_init(|| self.prepare()).await.cloned()
    }

    async fn prepare(&self) -> Result<Arc<Upstream>, UpstreamError> {
        let Some(config) = &self.config else {
            return Err(UpstreamError::InCluster("no way is given".into()));
        };
        let prepared = Upstream::new(config).await;
        let failed = prepared.as_ref().err().map(|error| (Instant::now(), error.to_string()));
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = failed;
        prepared
    }
}
