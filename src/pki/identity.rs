//! Who is at the other end: an [`Identity`] exists only for a certificate that a pinned user CA signed and that is in its time.

use jiff::Timestamp;

use super::{Certificate, Subject, TrustedCa, Validity};

/// What a certificate may be used for; each listener checks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// A login: opens the Kubernetes and the admin port.
    Login,
    /// `usage:kube`: opens the Kubernetes port alone.
    Kube,
    /// `usage:admin`: opens the admin port alone; the gate's own administrator.
    Admin,
}

impl Usage {
    const KUBE: &'static str = "usage:kube";
    const ADMIN: &'static str = "usage:admin";

    /// The organisational units that say it.
    pub(crate) fn to_units(self) -> Vec<String> {
        match self {
            Self::Login => vec![],
            Self::Kube => vec![Self::KUBE.into()],
            Self::Admin => vec![Self::ADMIN.into()],
        }
    }

    fn from_units(units: &[String]) -> Option<Self> {
        match units {
            [] => Some(Self::Login),
            [unit] if unit == Self::KUBE => Some(Self::Kube),
            [unit] if unit == Self::ADMIN => Some(Self::Admin),
            _ => None,
        }
    }

    /// Whether it opens the Kubernetes port.
    pub fn opens_kube(self) -> bool {
        matches!(self, Self::Login | Self::Kube)
    }

    /// Whether it opens the admin API.
    pub fn opens_admin(self) -> bool {
        matches!(self, Self::Login | Self::Admin)
    }
}

/// Why a client's certificate makes no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// None was shown.
    #[error("no client certificate was shown; run: tsh login")]
    Missing,
    /// More than one was shown.
    #[error("access denied: intermediaries are not supported")]
    Intermediates,
    /// Not a certificate, or not one of a user.
    #[error("the client certificate is not a user certificate")]
    NotAUser,
    /// Signed by none of the pinned CAs.
    #[error("the client certificate was not issued by this cluster; run: tsh login")]
    UnknownAuthority,
    /// Its time is over.
    #[error("the client certificate expired at {not_after}; run: tsh login")]
    Expired {
        /// When.
        not_after: Timestamp,
    },
    /// Its time has not begun.
    #[error(
        "the client certificate is valid only from {not_before} and the gate's clock says {now}; set one of the two clocks"
    )]
    NotYetValid {
        /// From when.
        not_before: Timestamp,
        /// The gate's clock.
        now: Timestamp,
    },
    /// Marked for another use.
    #[error("access denied: invalid client certificate: it is for another use")]
    WrongUse,
}

/// A person whose certificate was verified. There is no other way to make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    subject: Subject,
    usage: Usage,
    validity: Validity,
    serial: String,
    login_time: Option<Timestamp>,
    login_end: Option<Timestamp>,
}

impl Identity {
    /// Verifies the certificates that a client showed in its handshake (which proved that it holds the key).
    pub fn verify(chain: &[&[u8]], user_cas: &[TrustedCa], now: Timestamp) -> Result<Self, IdentityError> {
        let leaf = match chain {
            [] => return Err(IdentityError::Missing),
            [leaf] => Certificate::from_der(leaf).map_err(|_| IdentityError::NotAUser)?,
            _ => return Err(IdentityError::Intermediates),
        };
        if !user_cas.iter().any(|ca| ca.issued(&leaf)) {
            return Err(IdentityError::UnknownAuthority);
        }
        if leaf.is_ca() || !leaf.may_authenticate_client() {
            return Err(IdentityError::NotAUser);
        }
        let subject = leaf.subject().map_err(|_| IdentityError::NotAUser)?;
        let usage = Usage::from_units(&subject.usage).ok_or(IdentityError::WrongUse)?;
        let validity = leaf.validity();
        if now > validity.not_after {
            return Err(IdentityError::Expired { not_after: validity.not_after });
        }
        if now < validity.not_before {
            return Err(IdentityError::NotYetValid { not_before: validity.not_before, now });
        }
        let (login_time, login_end) = (leaf.login_time(), leaf.login_end());
        Ok(Self { subject, usage, validity, serial: leaf.serial(), login_time, login_end })
    }

    /// The person's name.
    pub fn username(&self) -> &str {
        &self.subject.username
    }

    /// Names of the roles; what they give is looked up at each request.
    pub fn roles(&self) -> &[String] {
        &self.subject.roles
    }

    /// All that the certificate says.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What the certificate may be used for.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// When the certificate was issued (its life begins a minute earlier).
    pub fn issued_at(&self) -> Timestamp {
        self.validity.not_before + super::x509::BACKDATING
    }

    /// When the person signed in. Renewals keep it.
    pub fn logged_in_at(&self) -> Timestamp {
        self.login_time.unwrap_or_else(|| self.issued_at())
    }

    /// The end of the login with all its renewals to which the person agreed. Renewals keep it.
    pub fn login_end(&self) -> Option<Timestamp> {
        self.login_end
    }

    /// When the certificate ends; open streams end with it.
    pub fn not_after(&self) -> Timestamp {
        self.validity.not_after
    }

    /// The certificate's serial number in hex.
    pub fn serial(&self) -> &str {
        &self.serial
    }
}
