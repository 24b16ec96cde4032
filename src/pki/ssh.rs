//! SSH user certificates (OpenSSH's PROTOCOL.certkeys, wire facts 5.3).

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use ssh_key::{
    certificate::{Builder, CertType},
    private::{EcdsaKeypair, KeypairData},
};

use super::{KeyPair, PublicKey, Subject, Validity};

/// An SSH certificate that cannot be made or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SshError {
    /// Not a certificate line.
    #[error("not an SSH certificate")]
    Malformed,
    /// It could not be signed.
    #[error("the SSH certificate could not be signed")]
    Sign,
}

/// What the holder may do besides opening a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SshPermissions {
    /// Forward ports.
    pub port_forwarding: bool,
    /// Forward an agent.
    pub agent_forwarding: bool,
}

/// Extensions that carry data for Teleport, not permissions for people.
const DATA_EXTENSIONS: [&str; 4] =
    ["teleport-roles", "teleport-traits", "teleport-route-to-cluster", "teleport-active-requests"];

/// An SSH user certificate: its line, and what it says.
#[derive(Clone, PartialEq, Eq)]
pub struct SshCertificate {
    line: String,
    key_id: String,
    principals: Vec<String>,
    valid_before: u64,
    extensions: Vec<(String, String)>,
}

impl SshCertificate {
    /// Reads an `authorized_keys` line. Nothing is verified: the person's own certificate is read for display.
    /// (`ssh-key` refuses the SHA-1 signatures of Teleport 4.0, so the fields are walked here.)
    pub fn from_line(line: &str) -> Result<Self, SshError> {
        let line = line.trim();
        let encoded = line.split_whitespace().nth(1).ok_or(SshError::Malformed)?;
        let blob = STANDARD.decode(encoded).map_err(|_| SshError::Malformed)?;
        Self::read(line, &mut Fields(&blob)).ok_or(SshError::Malformed)
    }

    fn read(line: &str, fields: &mut Fields<'_>) -> Option<Self> {
        let key_fields = match fields.text()?.strip_suffix("-cert-v01@openssh.com")? {
            "ssh-ed25519" => 1,
            "ssh-rsa" | "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521" => 2,
            _ => return None,
        };
        fields.string()?; // nonce
        for _ in 0..key_fields {
            fields.string()?;
        }
        fields.number::<8>()?; // serial
        fields.number::<4>()?; // type
        let key_id = fields.text()?.to_owned();
        let mut list = Fields(fields.string()?);
        let mut principals = Vec::new();
        while !list.0.is_empty() {
            principals.push(list.text()?.to_owned());
        }
        fields.number::<8>()?; // valid after
        let valid_before = fields.number::<8>()?;
        fields.string()?; // critical options
        let mut list = Fields(fields.string()?);
        let mut extensions = Vec::new();
        while !list.0.is_empty() {
            let name = list.text()?.to_owned();
            let mut data = Fields(list.string()?);
            let data = if data.0.is_empty() { "" } else { data.text()? };
            extensions.push((name, data.to_owned()));
        }
        Some(Self { line: line.to_owned(), key_id, principals, valid_before, extensions })
    }

    /// The certificate as an `authorized_keys` line, with a line end.
    pub fn to_line(&self) -> String {
        format!("{}\n", self.line)
    }

    /// The person's name (key id).
    pub fn username(&self) -> &str {
        &self.key_id
    }

    /// The Unix logins (principals).
    pub fn logins(&self) -> &[String] {
        &self.principals
    }

    /// When it ends.
    pub fn valid_before(&self) -> Timestamp {
        let seconds = i64::try_from(self.valid_before).unwrap_or(i64::MAX);
        Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
    }

    /// Names of the permissions that it gives, sorted.
    pub fn extensions(&self) -> Vec<String> {
        let names = self.extensions.iter().map(|(name, _)| name.clone());
        let mut names: Vec<_> = names.filter(|name| !DATA_EXTENSIONS.contains(&name.as_str())).collect();
        names.sort();
        names
    }

    /// The roles, as the extension `teleport-roles` names them.
    pub fn roles(&self) -> Vec<String> {
        #[derive(serde::Deserialize)]
        struct Roles {
            #[serde(default)]
            roles: Vec<String>,
        }
        let json = self.extensions.iter().find(|(name, _)| name == "teleport-roles");
        json.and_then(|(_, json)| serde_json::from_str::<Roles>(json).ok())
            .map(|r| r.roles)
            .unwrap_or_default()
    }
}

/// The fields of SSH's binary form (RFC 4251, 5): each string has its length in 4 bytes before it.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number<const N: usize>(&mut self) -> Option<u64> {
        Some(self.take(N)?.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number::<4>()?;
        self.take(usize::try_from(length).ok()?)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.string()?).ok()
    }
}

impl fmt::Debug for SshCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshCertificate").field("username", &self.username()).finish_non_exhaustive()
    }
}

pub(super) fn sign_user(
    ca: &KeyPair,
    subject: &Subject,
    permissions: SshPermissions,
    key: &PublicKey,
    validity: Validity,
) -> Result<SshCertificate, SshError> {
    let signed = build(ca, subject, permissions, key, validity).and_then(|c| c.to_openssh());
    SshCertificate::from_line(&signed.map_err(|_| SshError::Sign)?)
}

fn build(
    ca: &KeyPair,
    subject: &Subject,
    permissions: SshPermissions,
    key: &PublicKey,
    validity: Validity,
) -> ssh_key::Result<ssh_key::Certificate> {
    let seconds = |at: Timestamp| u64::try_from(at.as_second()).unwrap_or(0);
    let mut nonce = vec![0; 32];
    SystemRandom::new().fill(&mut nonce).map_err(|_| ssh_key::Error::Crypto)?;
    let mut builder =
        Builder::new(nonce, key.ssh().clone(), seconds(validity.not_before), seconds(validity.not_after))?;
    builder.cert_type(CertType::User)?;
    builder.key_id(&subject.username)?;
    if subject.principals.is_empty() {
        // A certificate without principals would be good for every login; this name is none.
        builder.valid_principal("-jumpgate-nologin")?;
    }
    for login in &subject.principals {
        builder.valid_principal(login)?;
    }
    if permissions.agent_forwarding {
        builder.extension("permit-agent-forwarding", "")?;
    }
    if permissions.port_forwarding {
        builder.extension("permit-port-forwarding", "")?;
    }
    builder.extension("permit-pty", "")?;
    let roles = serde_json::json!({"version": "v1", "roles": subject.roles});
    builder.extension("teleport-roles", roles.to_string())?;
    if !subject.route_to_cluster.is_empty() {
        builder.extension("teleport-route-to-cluster", &subject.route_to_cluster)?;
    }
    if !subject.traits.is_empty() {
        builder.extension("teleport-traits", serde_json::to_string(&subject.traits).unwrap_or_default())?;
    }
    builder.sign(&signing_key(ca)?)
}

fn signing_key(ca: &KeyPair) -> ssh_key::Result<ssh_key::PrivateKey> {
    let secret = ca.secret();
    let pair = EcdsaKeypair::NistP256 {
        public: p256::EncodedPoint::from(secret.public_key()),
        private: secret.clone().into(),
    };
    ssh_key::PrivateKey::new(KeypairData::Ecdsa(pair), "")
}
