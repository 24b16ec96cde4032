//! Identity files: one file with a private key, its certificates and the CAs to trust (wire facts 6.5). What
//! `tsh login --out` writes, what `-i FILE` and `tctl --identity` read, and the form of the gate's own `admin.pem`.

use zeroize::Zeroizing;

use crate::pki::{Certificate, SshCertificate};

/// A file that is no identity file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityFileError {
    /// No private key in it.
    #[error("it holds no private key")]
    NoKey,
    /// No certificate in it.
    #[error("it holds no X.509 certificate")]
    NoCertificate,
    /// No CA in it.
    #[error("it holds no CA certificate to recognise the server by")]
    NoCa,
}

/// The parts of an identity file. `Debug` does not show the key.
#[derive(Clone)]
pub struct IdentityFile {
    /// The private key, PEM.
    pub key_pem: Zeroizing<String>,
    /// The SSH certificate line, if there is one.
    pub ssh_cert: Option<String>,
    /// The X.509 certificate, PEM.
    pub cert_pem: String,
    /// SSH host CAs: `@cert-authority` lines, without line ends.
    pub known_hosts: Vec<String>,
    /// X.509 host CAs, PEM, joined.
    pub ca_pem: String,
}

impl IdentityFile {
    /// Reads the text of an identity file.
    pub fn parse(text: &str) -> Result<Self, IdentityFileError> {
        let key_pem = private_key(text).ok_or(IdentityFileError::NoKey)?;
        let lines = || text.lines().map(str::trim);
        let ssh_cert = lines().find(|line| SshCertificate::from_line(line).is_ok()).map(str::to_owned);
        let known_hosts =
            lines().filter(|line| line.starts_with("@cert-authority ")).map(str::to_owned).collect();
        let mut certificates =
            Certificate::all_from_pem(text).map_err(|_| IdentityFileError::NoCertificate)?.into_iter();
        let cert_pem = certificates.next().ok_or(IdentityFileError::NoCertificate)?.to_pem();
        let ca_pem: String = certificates.map(|ca| ca.to_pem()).collect();
        if ca_pem.is_empty() {
            return Err(IdentityFileError::NoCa);
        }
        Ok(Self { key_pem, ssh_cert, cert_pem, known_hosts, ca_pem })
    }

    /// The text of an identity file, in Teleport's order.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        let mut part = |value: &str| {
            text.push_str(value.trim_end());
            text.push('\n');
        };
        part(&self.key_pem);
        if let Some(cert) = &self.ssh_cert {
            part(cert);
        }
        part(&self.cert_pem);
        self.known_hosts.iter().for_each(|line| part(line));
        part(&self.ca_pem);
        text
    }
}

impl std::fmt::Debug for IdentityFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityFile").field("cert_pem", &self.cert_pem).finish_non_exhaustive()
    }
}

/// The first PEM block whose label ends with `PRIVATE KEY`.
fn private_key(text: &str) -> Option<Zeroizing<String>> {
    let label_end = text.find("PRIVATE KEY-----")?;
    let start = text[..label_end].rfind("-----BEGIN ")?;
    let label = &text[start + "-----BEGIN ".len()..label_end + "PRIVATE KEY".len()];
    let end_line = format!("-----END {label}-----");
    let end = text[label_end..].find(&end_line)? + label_end + end_line.len();
    Some(Zeroizing::new(format!("{}\n", &text[start..end])))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/teleport-4.0.2/home/dot-tsh/keys/localhost");

    #[test]
    fn what_is_written_is_read_back() {
        let read = |name: &str| std::fs::read_to_string(format!("{KEYS}/{name}")).unwrap();
        let file = IdentityFile {
            key_pem: Zeroizing::new(read("alice")),
            ssh_cert: Some(read("alice-cert.pub").trim().to_owned()),
            cert_pem: read("alice-x509.pem"),
            known_hosts: vec!["@cert-authority *.teleport.example.com ssh-rsa AAAA type=host".into()],
            ca_pem: read("certs.pem"),
        };
        let again = IdentityFile::parse(&file.to_text()).unwrap();
        assert_eq!(again.key_pem.trim(), file.key_pem.trim());
        assert_eq!(again.ssh_cert, file.ssh_cert);
        assert_eq!(again.known_hosts, file.known_hosts);
        assert_eq!(again.cert_pem.trim(), file.cert_pem.trim());
        assert_eq!(again.ca_pem.trim(), file.ca_pem.trim());
    }

    #[test]
    fn half_a_file_is_refused() {
        let read = |name: &str| std::fs::read_to_string(format!("{KEYS}/{name}")).unwrap();
        let parse = |text: &str| IdentityFile::parse(text).unwrap_err();
        assert_eq!(parse(""), IdentityFileError::NoKey);
        assert_eq!(parse(&read("alice")), IdentityFileError::NoCertificate);
        assert_eq!(parse(&(read("alice") + &read("alice-x509.pem"))), IdentityFileError::NoCa);
        assert_eq!(parse("-----BEGIN RSA PRIVATE KEY-----\nAAAA"), IdentityFileError::NoKey);
    }
}
