//! The subject of a user certificate: who, with which roles, principals and traits (wire facts 5.1, 5.2).

use x509_cert::{
    attr::AttributeTypeAndValue,
    der::asn1::{AnyRef, ObjectIdentifier},
    name::Name,
};

use super::der;
use crate::model::Traits;

const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const ORGANIZATIONAL_UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
const LOCALITY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.7");
const STATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.8");
const STREET: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.9");
const POSTAL_CODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.17");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");
const KUBE_USERS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.9999.1.1");
const KUBE_GROUPS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.9999.1.2");
const KUBE_CLUSTER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.9999.1.3");

/// What the subject of a user certificate says. On its own it proves nothing: see [`super::Identity`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The person's name (CN).
    pub username: String,
    /// Names of roles (O).
    pub roles: Vec<String>,
    /// Restrictions of use (OU), for example `usage:kube`.
    pub usage: Vec<String>,
    /// Unix logins (L).
    pub principals: Vec<String>,
    /// Kubernetes groups (ST, and OID 1.3.9999.1.2 from 4.2).
    pub kubernetes_groups: Vec<String>,
    /// Kubernetes users (OID 1.3.9999.1.1).
    pub kubernetes_users: Vec<String>,
    /// Traits (postalCode, a JSON object).
    pub traits: Traits,
    /// The cluster to work with (street).
    pub route_to_cluster: String,
    /// The Kubernetes cluster to work with (OID 1.3.9999.1.3).
    pub kubernetes_cluster: String,
}

/// A subject that names no person or no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// No CN.
    #[error("missing identity username")]
    NoUsername,
    /// No O.
    #[error("missing identity groups")]
    NoRoles,
    /// postalCode holds something else than traits.
    #[error("the traits in the certificate's subject do not parse")]
    BadTraits,
}

impl Subject {
    /// The distinguished name in DER, in the order of Go's `pkix`: values of one type share one multi-valued RDN.
    pub(super) fn to_der(&self) -> Vec<u8> {
        let traits = if self.traits.is_empty() {
            vec![]
        } else {
            vec![serde_json::to_string(&self.traits).unwrap_or_default()]
        };
        let route = vec![self.route_to_cluster.clone()];
        let name = vec![self.username.clone()];
        let mut rdns: Vec<Vec<u8>> = [
            (ORGANIZATION, &self.roles),
            (ORGANIZATIONAL_UNIT, &self.usage),
            (LOCALITY, &self.principals),
            (STATE, &self.kubernetes_groups),
            (STREET, &route),
            (POSTAL_CODE, &traits),
            (COMMON_NAME, &name),
        ]
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(oid, values)| rdn(oid, values))
        .collect();
        let cluster = [self.kubernetes_cluster.clone()];
        let cluster: &[String] = if self.kubernetes_cluster.is_empty() { &[] } else { &cluster };
        let custom = [
            (KUBE_USERS, &*self.kubernetes_users),
            (KUBE_GROUPS, &*self.kubernetes_groups),
            (KUBE_CLUSTER, cluster),
        ];
        for (oid, values) in custom {
            rdns.extend(values.iter().map(|value| rdn(oid, std::slice::from_ref(value))));
        }
        der::sequence(&rdns)
    }

    /// Reads a distinguished name, whoever wrote it: repeated attributes are lists, wherever they stand.
    pub(super) fn from_name(name: &Name) -> Result<Self, SubjectError> {
        let usernames = values(name, COMMON_NAME);
        let username =
            usernames.into_iter().next().filter(|n| !n.is_empty()).ok_or(SubjectError::NoUsername)?;
        let roles = values(name, ORGANIZATION);
        if roles.is_empty() {
            return Err(SubjectError::NoRoles);
        }
        let traits = match values(name, POSTAL_CODE).first() {
            Some(json) => serde_json::from_str(json).map_err(|_| SubjectError::BadTraits)?,
            None => Traits::new(),
        };
        let mut kubernetes_groups = values(name, KUBE_GROUPS);
        if kubernetes_groups.is_empty() {
            kubernetes_groups = values(name, STATE);
        }
        let first = |oid| values(name, oid).into_iter().next().unwrap_or_default();
        Ok(Self {
            username,
            roles,
            usage: values(name, ORGANIZATIONAL_UNIT),
            principals: values(name, LOCALITY),
            kubernetes_groups,
            kubernetes_users: values(name, KUBE_USERS),
            traits,
            route_to_cluster: first(STREET),
            kubernetes_cluster: first(KUBE_CLUSTER),
        })
    }
}

/// The name of a CA: the cluster's, with the certificate's serial number so that two CAs of a cluster differ.
pub(super) fn authority_name(cluster: &str, serial: &str) -> Vec<u8> {
    let one = |oid, text: &str| rdn(oid, &[text.to_owned()]);
    der::sequence(&[one(ORGANIZATION, cluster), one(COMMON_NAME, cluster), one(SERIAL_NUMBER, serial)])
}

/// The name of a host certificate.
pub(super) fn host_name(cluster: &str, common_name: &str) -> Vec<u8> {
    let one = |oid, text: &str| rdn(oid, &[text.to_owned()]);
    der::sequence(&[
        one(ORGANIZATION, "Proxy"),
        one(ORGANIZATIONAL_UNIT, cluster),
        one(COMMON_NAME, common_name),
    ])
}

/// The cluster that a certificate's issuer names.
pub(super) fn organization(name: &Name) -> Option<String> {
    values(name, ORGANIZATION).into_iter().next()
}

fn rdn(oid: ObjectIdentifier, values: &[String]) -> Vec<u8> {
    let one = |value: &String| der::sequence(&[der::oid(oid), der::directory_string(value)]);
    der::set_of(values.iter().map(one).collect())
}

fn values(name: &Name, oid: ObjectIdentifier) -> Vec<String> {
    let all = name.as_ref().iter().flat_map(|rdn| rdn.as_ref().iter());
    all.filter(|attribute| attribute.oid == oid).filter_map(text).collect()
}

fn text(attribute: &AttributeTypeAndValue) -> Option<String> {
    let value = AnyRef::from(&attribute.value);
    std::str::from_utf8(value.value()).ok().map(str::to_owned)
}
