//! The Kubernetes clusters behind a gate, and the choice among them by label.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use jiff::Timestamp;

use super::{
    entry::no_host_ca,
    settings::{Settings, Target, cluster_of, is_valid},
};
use crate::{
    cli::{
        block_on,
        error::{self, Failure},
        progress,
    },
    client::{
        admin::{AdminClient, AdminError},
        identity_file::IdentityFile,
        profile::Credentials,
        proxy::ProxyClient,
    },
    wire::kube_clusters::KubeCluster,
};

/// What the gate guards, by its own word; a gate that keeps no list (a stock one) guards the one that the profile knows.
pub(crate) fn clusters(
    settings: &Settings<'_>,
    target: &Target,
    credentials: &Credentials,
) -> anyhow::Result<Vec<KubeCluster>> {
    if target.profile.kube_proxy_addr.is_empty() {
        return Ok(vec![]);
    }
    if !is_valid(credentials, Timestamp::now()) {
        let text = format!("the certificate for {} has expired", target.address);
        return Err(Failure::new(text).hint(settings.login_command(target)).code(error::LOGIN_NEEDED).into());
    }
    let name = cluster_of(&target.profile, credentials, &target.name);
    let all = block_on(ask(settings, target, credentials)).map_err(error::with_login)?;
    keep(settings, target, all.as_deref());
    Ok(all.unwrap_or_else(|| vec![KubeCluster { name, labels: BTreeMap::new(), default: true }]))
}

/// As [`clusters`], for the TAB key: within this time and without a word, or nothing.
pub(super) fn glance(
    settings: &Settings<'_>,
    target: &Target,
    credentials: &Credentials,
    limit: Duration,
) -> Option<Vec<KubeCluster>> {
    let asked = async { tokio::time::timeout(limit, ask(settings, target, credentials)).await? };
    let all = block_on(asked).ok()?;
    keep(settings, target, all.as_deref());
    all
}

/// Remembers the gate's answer for the TAB key. That it cannot be written is no reason for a command to fail.
fn keep(settings: &Settings<'_>, target: &Target, all: Option<&[KubeCluster]>) {
    if let (Some(all), None) = (all, &settings.identity)
        && let Err(reason) = settings.home.keep_clusters(&target.name, all)
    {
        tracing::debug!(%reason, "the names of the clusters are not kept");
    }
}

/// The gate's list; none if it keeps none.
async fn ask(
    settings: &Settings<'_>,
    target: &Target,
    credentials: &Credentials,
) -> anyhow::Result<Option<Vec<KubeCluster>>> {
    let ca_pem = settings.host_cas(&target.name)?.ok_or_else(|| no_host_ca(settings.ctx))?;
    let identity = IdentityFile {
        key_pem: credentials.key_pem.clone(),
        ssh_cert: None,
        cert_pem: credentials.cert_pem.clone(),
        known_hosts: vec![],
        ca_pem,
    };
    let asked = async {
        let client = AdminClient::new(&target.address.to_string(), &identity).await?;
        client.on_slow(progress::slow(settings.ctx.console)).kube_clusters().await
    };
    match asked.await {
        Ok(all) => Ok(Some(all)),
        Err(AdminError::NotFound(_)) => Ok(None),
        Err(error @ (AdminError::Denied(_) | AdminError::Credentials(_))) => Err(error.into()),
        // A stock proxy has no admin API on its web port. It is one if that port answers as a proxy does.
        Err(error) => {
            let client = ProxyClient::new(&target.address, settings.trust(target)?)?;
            if client.ping(None).await.is_err() {
                return Err(error.into());
            }
            tracing::debug!(reason = %error, "the proxy has no admin API on its web port");
            Ok(None)
        }
    }
}

/// Labels that a cluster must have: `k=v,k2=v2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector(Vec<(String, String)>);

impl Selector {
    /// Whether a cluster has all of them.
    pub(crate) fn matches(&self, cluster: &KubeCluster) -> bool {
        self.0.iter().all(|(key, value)| cluster.labels.get(key) == Some(value))
    }
}

impl FromStr for Selector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pair = |part: &str| match part.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok((key.trim().to_owned(), value.trim().to_owned()))
            }
            _ => Err(format!("{part:?} is no label; write KEY=VALUE, several with commas between them")),
        };
        text.split(',').map(pair).collect::<Result<_, _>>().map(Self)
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pairs: Vec<String> = self.0.iter().map(|(key, value)| format!("{key}={value}")).collect();
        f.write_str(&pairs.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_chosen_by_all_labels_that_are_named() {
        let labels = BTreeMap::from([("env".to_owned(), "staging".to_owned()), ("tier".into(), "2".into())]);
        let cluster = KubeCluster { name: "a".into(), labels, default: false };
        let matches = |text: &str| text.parse::<Selector>().unwrap().matches(&cluster);
        assert!(matches("env=staging") && matches("env=staging, tier=2") && matches("tier=2"));
        assert!(
            !matches("env=prod") && !matches("env=staging,tier=3") && !matches("zone=a") && !matches("env=")
        );
        for text in ["", "env", "=a", "env=a,", "env=a,b"] {
            assert!(text.parse::<Selector>().is_err(), "{text:?}");
        }
        assert_eq!("a=b, c=d".parse::<Selector>().unwrap().to_string(), "a=b,c=d");
    }
}
