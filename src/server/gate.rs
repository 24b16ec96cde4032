//! The gate's shared parts, handed to every listener.

use std::sync::Arc;

use super::{
    audit::AuditLog,
    auth::access::Access,
    config::{Config, HostPort},
    listener::Drain,
    metrics::Metrics,
    recordings::Recordings,
    store::Store,
};
use crate::pki::{Authority, TrustedCa};

/// The gate: made once at start, shared by all listeners.
pub struct Gate {
    /// The checked configuration.
    pub config: Config,
    /// The addresses for people outside, with the ports that were really bound.
    pub addresses: Addresses,
    /// Connectors, roles, users, logins in progress.
    pub store: Arc<dyn Store>,
    /// The cluster's CAs.
    pub authorities: Authorities,
    /// Who may do what.
    pub access: Access,
    /// Where events go.
    pub audit: AuditLog,
    /// What was shown in sessions.
    pub recordings: Recordings,
    /// Tells listeners and open streams that the gate ends.
    pub drain: Drain,
    /// The figures of `/metrics`.
    pub metrics: Arc<Metrics>,
}

/// The cluster's CAs.
pub struct Authorities {
    /// Signs people.
    pub user: Authority,
    /// Signs listeners.
    pub host: Authority,
}

impl Authorities {
    /// The CAs whose user certificates count.
    pub fn trusted_users(&self) -> [TrustedCa; 1] {
        [self.user.trusted()]
    }
}

/// `host:port` of each listener as clients reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// Web port.
    pub web: HostPort,
    /// Admin port.
    pub admin: HostPort,
    /// Kubernetes port, if a cluster is guarded.
    pub kube: Option<HostPort>,
}
