//! The clusters behind the gate: their names and labels, and how they are reached.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    str::FromStr,
};

use serde::{Deserialize, Deserializer, de};
use serde_yaml::Spanned;

use super::{
    KubeCluster, Problem,
    file::{Kubernetes, NamedCluster},
};

const CONTEXT_KEY: &str = "proxy_service.kubernetes.context";
const ITEM_KEY: &str = "proxy_service.kubernetes.clusters.name";
/// The longest name: that of a DNS name, in bytes.
const MAX_NAME: usize = 253;
/// The longest key and the longest value of a label, in bytes.
const MAX_LABEL: usize = 256;

/// The name of a cluster. It stands in addresses, kubeconfig entries and events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KubeName(String);

impl FromStr for KubeName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = (1..=MAX_NAME).contains(&text.len()) && text.chars().all(allowed);
        if fits && text.split('.').all(|part| part.starts_with(ends) && part.ends_with(ends)) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "`{text}` is not a name for a cluster; write lower-case letters, digits, dashes and dots, such as staging or eu-1.prod"
        ))
    }
}

impl<'de> Deserialize<'de> for KubeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = KubeName;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a cluster, such as staging")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<KubeName, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// Labels: names and values that can be written as `k=v,k2=v2`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Labels(pub(super) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = Option::<BTreeMap<String, String>>::deserialize(deserializer)?.unwrap_or_default();
        for (key, value) in &map {
            check_label(key, value).map_err(de::Error::custom)?;
        }
        Ok(Self(map))
    }
}

fn check_label(key: &str, value: &str) -> Result<(), String> {
    let in_key = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
    if key.is_empty() || key.len() > MAX_LABEL || !key.chars().all(in_key) {
        return Err(format!(
            "`{key}` is not the name of a label; write letters, digits and - . _ /, such as env"
        ));
    }
    if value.len() > MAX_LABEL || value.chars().any(|c| c.is_control() || c == ',') {
        return Err(format!(
            "the value of the label `{key}` has a comma, a control character or more than {MAX_LABEL} bytes; people choose clusters by k=v,k2=v2"
        ));
    }
    Ok(())
}

/// The default cluster, named as the gate's own unless it has a name, and those beside it.
pub(super) fn clusters(kube: Kubernetes, gate: &str) -> Result<(KubeCluster, Vec<KubeCluster>), Problem> {
    if kube.context.is_some() && kube.kubeconfig_file.is_none() {
        let why = "a context is chosen from kubeconfig_file; set that key too";
        return Err((CONTEXT_KEY, why.into()).into());
    }
    let default = KubeCluster {
        name: kube.kube_cluster_name.as_ref().map_or_else(|| gate.to_owned(), |name| name.value.0.clone()),
        labels: kube.labels.0,
        kubeconfig_file: kube.kubeconfig_file,
        context: kube.context,
    };
    let mut lines = HashMap::from([(default.name.clone(), line(kube.kube_cluster_name.as_ref()))]);
    let mut others = Vec::new();
    for named in kube.clusters {
        let (row, column) = place(&named.name);
        let wrong = |reason: String| Problem { key: ITEM_KEY, reason, place: Some((row, column)) };
        let name = &named.name.value.0;
        if name == gate {
            let why = format!(
                "`{name}` is the name of the gate itself, by which people reach the default cluster; give it another"
            );
            return Err(wrong(why));
        }
        if let Some(other) = lines.insert(name.clone(), Some(row)) {
            let first = match other {
                Some(line) => format!("the cluster in line {line}"),
                None => "the default cluster".to_owned(),
            };
            return Err(wrong(format!("`{name}` is also the name of {first}; give each a name of its own")));
        }
        others.push(beside(named, &default).map_err(wrong)?);
    }
    Ok((default, others))
}

/// A cluster beside the default one, from whose kubeconfig it may be another context.
fn beside(named: NamedCluster, default: &KubeCluster) -> Result<KubeCluster, String> {
    let name = named.name.value.0;
    if named.context.is_some() && named.kubeconfig_file.is_none() && default.kubeconfig_file.is_none() {
        return Err(format!(
            "`{name}` has a context, which is chosen from kubeconfig_file; set that key too"
        ));
    }
    if named.context.is_none() && named.kubeconfig_file.is_none() && default.kubeconfig_file.is_some() {
        return Err(format!(
            "`{name}` has neither kubeconfig_file nor context, so it would be the default cluster again; set one of them"
        ));
    }
    Ok(KubeCluster {
        name,
        labels: named.labels.0,
        kubeconfig_file: named.kubeconfig_file.or_else(|| default.kubeconfig_file.clone()),
        context: named.context,
    })
}

fn place(name: &Spanned<KubeName>) -> (u64, u64) {
    let at = name.referenced;
    (at.line(), at.column())
}

fn line(name: Option<&Spanned<KubeName>>) -> Option<u64> {
    name.map(|name| place(name).0)
}
