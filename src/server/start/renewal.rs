//! What is exchanged while the gate serves: the listeners' certificates, and the administrator's identity file.

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use rustls::sign::CertifiedKey;

use super::{
    super::{
        certificates::{self, CertificatesError},
        config::Config,
        gate::Gate,
        tls::{self, ServerCertificate},
    },
    StartError,
};
use crate::pki::{Authority, KeyPair};

/// How often the administrator's identity file is renewed.
const RENEW_ADMIN: SignedDuration = SignedDuration::from_hours(1);
/// How often the listeners' certificates are renewed.
const RENEW_HOST: SignedDuration = SignedDuration::from_hours(24);
/// How often the gate looks whether something is due. By the time of day, since timers stand still while a machine sleeps.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Tells the gate what time it is, for what it renews.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    look_every: Duration,
}

impl Clock {
    /// A clock, and how often it is looked at.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static, look_every: Duration) -> Self {
        Self { now: Arc::new(now), look_every }
    }

    fn now(&self) -> Timestamp {
        (self.now)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(Timestamp::now, LOOK_EVERY)
    }
}

/// The certificates of the listeners.
pub(super) struct Certificates {
    https: Option<(PathBuf, PathBuf)>,
    names: Vec<String>,
    key: KeyPair,
    /// What the web port shows to browsers.
    pub(super) web: Arc<ServerCertificate>,
    /// What every port shows to clients of the cluster.
    pub(super) host: Arc<ServerCertificate>,
    clock: Clock,
    made: Timestamp,
}

impl Certificates {
    pub(super) fn new(
        config: &Config,
        host_ca: &Authority,
        key: KeyPair,
        https: Option<CertifiedKey>,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let names = certificates::names(config);
        let made = clock.now();
        let first = certificates::host_certificate(host_ca, &key, &names, made)?;
        let host = ServerCertificate::new(first);
        let web = https.map_or_else(|| host.clone(), ServerCertificate::new);
        Ok(Self { https: config.https.clone(), names, key, web, host, clock, made })
    }

    /// Reads the https files again.
    pub(super) fn reload(&self) {
        let Some((key, cert)) = &self.https else {
            return tracing::info!("there are no https files to read again");
        };
        match tls::from_files(key, cert) {
            Ok(next) => {
                self.web.replace(next);
                tracing::info!(file = %cert.display(), "the web port's certificate was read again");
            }
            Err(error) => {
                tracing::error!(%error, "the web port keeps its certificate: the new one cannot be used")
            }
        }
    }

    /// Writes the administrator's identity file.
    pub(super) fn write_admin(&self, gate: &Gate) -> Result<(), CertificatesError> {
        certificates::write_admin(&gate.config.data_dir, &gate.authorities, self.clock.now())
    }

    /// Renews what is due, for ever. What fails is tried again at the next look.
    pub(super) async fn renew(self: Arc<Self>, gate: Arc<Gate>) {
        // The identity file was written a little later.
        let (mut admin, mut host) = (self.made, self.made);
        let mut looks = tokio::time::interval(self.clock.look_every);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let now = self.clock.now();
            if is_due(admin, RENEW_ADMIN, now) {
                match self.write_admin(&gate) {
                    Ok(()) => admin = now,
                    Err(error) => {
                        tracing::error!(%error, "the administrator's identity could not be renewed")
                    }
                }
            }
            if is_due(host, RENEW_HOST, now) {
                let host_ca = &gate.authorities.host;
                match certificates::host_certificate(host_ca, &self.key, &self.names, now) {
                    Ok(next) => {
                        self.host.replace(next);
                        host = now;
                    }
                    Err(error) => tracing::error!(%error, "the listeners' certificate could not be renewed"),
                }
            }
        }
    }
}

/// A clock that was set back makes everything due: what was made before begins in the future.
fn is_due(last: Timestamp, every: SignedDuration, now: Timestamp) -> bool {
    now < last || now.duration_since(last) >= every
}
