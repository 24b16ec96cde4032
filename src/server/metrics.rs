//! Figures for Prometheus: counters and gauges that every part of the gate writes and `/metrics` shows.

use std::{fmt, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Upper bounds of the buckets for times, in seconds.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct RequestLabels {
    listener: &'static str,
    verb: String,
    code: u16,
    /// Empty, and then left out, where no Kubernetes cluster is concerned.
    cluster: String,
}

impl EncodeLabelSet for RequestLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        ("listener", self.listener).encode(encoder.encode_label())?;
        ("verb", self.verb.as_str()).encode(encoder.encode_label())?;
        ("code", self.code).encode(encoder.encode_label())?;
        if self.cluster.is_empty() {
            return Ok(());
        }
        (CLUSTER, self.cluster.as_str()).encode(encoder.encode_label())
    }
}

/// The name of the label for a cluster; `cluster` alone is what Prometheus servers often call themselves by.
const CLUSTER: &str = "kubernetes_cluster";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClusterLabel {
    kubernetes_cluster: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabel {
    listener: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    listener: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LoginLabels {
    method: &'static str,
    success: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

/// The gate's figures. Cheap to write from anywhere; labels have few values, never a name that a stranger chose.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    connections: Family<ListenerLabel, Gauge>,
    refused: Family<RefusedLabels, Counter>,
    logins: Family<LoginLabels, Counter>,
    certificates: Family<KindLabel, Counter>,
    streams: Family<KindLabel, Gauge>,
    upstream: Family<ClusterLabel, Histogram>,
    store: Family<OperationLabel, Histogram>,
    audit_lost: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("jumpgate");
        let metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            connections: Family::default(),
            refused: Family::default(),
            logins: Family::default(),
            certificates: Family::default(),
            streams: Family::default(),
            upstream: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            store: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            audit_lost: Counter::default(),
        };
        registry.register("requests", "Requests answered", metrics.requests.clone());
        registry.register("connections", "Open connections", metrics.connections.clone());
        registry.register("connections_refused", "Connections refused", metrics.refused.clone());
        registry.register("logins", "Logins finished, well or not", metrics.logins.clone());
        registry.register("certificates", "Certificates issued", metrics.certificates.clone());
        registry.register("streams", "Open streams to pods", metrics.streams.clone());
        let help = "Time from a request to the head of the API server's answer";
        registry.register("upstream_seconds", help, metrics.upstream.clone());
        registry.register("store_seconds", "Time of an operation of the store", metrics.store.clone());
        let help = "Audit events that could not be written down";
        registry.register("audit_events_lost", help, metrics.audit_lost.clone());
        Self { registry, ..metrics }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// A request was answered. `verb` is one of a closed set: an HTTP method, or what it means to Kubernetes.
    pub fn request(&self, listener: &'static str, verb: &str, code: u16) {
        self.count(listener, verb, code, "");
    }

    /// The same for the Kubernetes port; `cluster` is one behind the gate, or empty if it was not known yet.
    pub fn kube_request(&self, verb: &str, code: u16, cluster: &str) {
        self.count("kube", verb, code, cluster);
    }

    fn count(&self, listener: &'static str, verb: &str, code: u16, cluster: &str) {
        let (verb, cluster) = (verb.to_owned(), cluster.to_owned());
        self.requests.get_or_create(&RequestLabels { listener, verb, code, cluster }).inc();
    }

    /// Counts a connection for as long as the guard lives.
    pub fn connection(&self, listener: &'static str) -> OpenGuard {
        OpenGuard::new(self.connections.get_or_create(&ListenerLabel { listener }).clone())
    }

    /// A connection was refused.
    pub fn refused(&self, listener: &'static str, reason: &'static str) {
        self.refused.get_or_create(&RefusedLabels { listener, reason }).inc();
    }

    /// A login ended.
    pub fn login(&self, method: &'static str, success: bool) {
        let success = if success { "true" } else { "false" };
        self.logins.get_or_create(&LoginLabels { method, success }).inc();
    }

    /// A certificate was issued; `kind` is `x509`, `ssh` or `host`.
    pub fn certificate(&self, kind: &'static str) {
        self.certificates.get_or_create(&KindLabel { kind }).inc();
    }

    /// Counts an open stream (`exec`, `attach`, `portforward`, `watch`, …) for as long as the guard lives.
    pub fn stream(&self, kind: &'static str) -> OpenGuard {
        OpenGuard::new(self.streams.get_or_create(&KindLabel { kind }).clone())
    }

    /// The API server of a cluster began to answer.
    pub fn upstream(&self, cluster: &str, time: Duration) {
        let label = ClusterLabel { kubernetes_cluster: cluster.to_owned() };
        self.upstream.get_or_create(&label).observe(time.as_secs_f64());
    }

    /// The store did something.
    pub fn store(&self, operation: &'static str, time: Duration) {
        self.store.get_or_create(&OperationLabel { operation }).observe(time.as_secs_f64());
    }

    /// An audit event could not be written down.
    pub fn audit_lost(&self) {
        self.audit_lost.inc();
    }

    /// All figures in OpenMetrics' text form.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Something that is open: the gauge falls when this is dropped.
#[derive(Debug)]
pub struct OpenGuard(Gauge);

impl OpenGuard {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_with_their_labels() {
        let metrics = Metrics::default();
        metrics.request("web", "GET", 200);
        metrics.kube_request("list", 200, "staging");
        metrics.upstream("staging", Duration::from_millis(1));
        metrics.login("github", false);
        let open = metrics.stream("exec");
        metrics.store("get", Duration::from_millis(1));
        let text = metrics.to_text();
        for line in [
            "jumpgate_requests_total{listener=\"web\",verb=\"GET\",code=\"200\"} 1",
            "jumpgate_requests_total{listener=\"kube\",verb=\"list\",code=\"200\",kubernetes_cluster=\"staging\"} 1",
            "jumpgate_upstream_seconds_count{kubernetes_cluster=\"staging\"} 1",
            "jumpgate_logins_total{method=\"github\",success=\"false\"} 1",
            "jumpgate_streams{kind=\"exec\"} 1",
            "jumpgate_store_seconds_count{operation=\"get\"} 1",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        drop(open);
        assert!(metrics.to_text().contains("jumpgate_streams{kind=\"exec\"} 0"));
    }
}
