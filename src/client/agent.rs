//! A running SSH agent: gets the key of a login with its SSH certificate, and loses it again at logout
//! (draft-miller-ssh-agent: messages 18 and 25).

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::profile::{Certificates, Credentials};

const REMOVE_IDENTITY: u8 = 18;
const ADD_ID_CONSTRAINED: u8 = 25;
const SUCCESS: u8 = 6;
/// Constraint: the agent forgets the key after so many seconds.
const LIFETIME: u8 = 1;
/// The longest that an agent may take for an answer; one may ask its person first.
const LIMIT: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: u32 = 1024;

/// Why an agent did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Nobody listens there, or not for long enough.
    #[error("the SSH agent at {path} does not answer: {reason}")]
    Unreachable {
        /// The socket.
        path: String,
        /// What the system said.
        reason: std::io::Error,
    },
    /// It refuses; a locked one refuses everything.
    #[error("the SSH agent refuses the key; is it locked? (ssh-add -X unlocks it)")]
    Refused,
    /// The login has no SSH certificate that can be given to an agent.
    #[error("the login has no SSH certificate with a key that an agent takes")]
    NoCertificate,
}

/// Gives the key with its certificate to the agent, which forgets both after `seconds`.
pub fn add(socket: &Path, login: &Credentials, comment: &str, seconds: u32) -> Result<(), AgentError> {
    let (kind, blob) = certificate(login)?;
    let secret = p256::SecretKey::from_sec1_pem(&login.key_pem).map_err(|_| AgentError::NoCertificate)?;
    let scalar = Zeroizing::new(secret.to_bytes());
    let mut message = Zeroizing::new(vec![ADD_ID_CONSTRAINED]);
    string(&mut message, kind.as_bytes());
    string(&mut message, &blob);
    string(&mut message, &mpint(&scalar));
    string(&mut message, comment.as_bytes());
    message.push(LIFETIME);
    message.extend_from_slice(&seconds.to_be_bytes());
    match ask(socket, &message)? {
        SUCCESS => Ok(()),
        _ => Err(AgentError::Refused),
    }
}

/// Takes the key with this certificate out of the agent; says whether it was there.
pub fn remove(socket: &Path, login: &Certificates) -> Result<bool, AgentError> {
    let (_, blob) = certificate(login)?;
    let mut message = vec![REMOVE_IDENTITY];
    string(&mut message, &blob);
    Ok(ask(socket, &message)? == SUCCESS)
}

/// The kind and the bytes of the SSH certificate.
fn certificate(login: &Certificates) -> Result<(&str, Vec<u8>), AgentError> {
    let mut words = login.ssh_cert.split_whitespace();
    let kind = words.next().ok_or(AgentError::NoCertificate)?;
    let blob = words.next().and_then(|text| STANDARD.decode(text).ok()).ok_or(AgentError::NoCertificate)?;
    Ok((kind, blob))
}

/// Sends one message; the kind of the answer.
fn ask(socket: &Path, message: &[u8]) -> Result<u8, AgentError> {
    let talk = || -> std::io::Result<u8> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        let mut framed = Zeroizing::new(Vec::with_capacity(message.len() + 4));
        string(&mut framed, message);
        stream.write_all(&framed)?;
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        if !(1..=MAX_ANSWER).contains(&length) {
            return Err(std::io::Error::other("its answer is none"));
        }
        let mut kind = [0];
        stream.read_exact(&mut kind)?;
        Ok(kind[0])
    };
    talk().map_err(|reason| AgentError::Unreachable { path: socket.display().to_string(), reason })
}

/// A string of the SSH protocol (RFC 4251, 5): its length and its bytes.
fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// A positive number as an mpint (RFC 4251, 5), without its length.
fn mpint(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let rest = &bytes[start..];
    let mut out = Zeroizing::new(Vec::with_capacity(rest.len() + 1));
    if rest.first().is_some_and(|byte| byte & 0x80 != 0) {
        out.push(0);
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_positive_and_short() {
        assert_eq!(*mpint(&[0, 0, 0x7f]), [0x7f]);
        assert_eq!(*mpint(&[0x80]), [0, 0x80]);
        assert_eq!(*mpint(&[0, 0]), [0_u8; 0]);
    }
}
