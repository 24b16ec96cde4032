//! The little of HTTP that the listener reads.

use tokio::{io::AsyncReadExt, net::TcpStream};
use zeroize::Zeroizing;

/// The largest request head, in bytes. The sealed answer stands in it.
const MAX_HEAD: usize = 256 * 1024;

/// The head of a request, up to the empty line. `None` if it ends early or is too long.
pub(super) async fn read_head(stream: &mut TcpStream) -> std::io::Result<Option<Zeroizing<String>>> {
    let mut head = Zeroizing::new(Vec::new());
    let mut buffer = [0; 8192];
    loop {
        let count = stream.read(&mut buffer).await?;
        head.extend_from_slice(&buffer[..count]);
        let from = head.len().saturating_sub(count + 3);
        if head[from..].windows(4).any(|w| w == b"\r\n\r\n") {
            return Ok(String::from_utf8(head.to_vec()).ok().map(Zeroizing::new));
        }
        if count == 0 || head.len() > MAX_HEAD {
            return Ok(None);
        }
    }
}

/// The head of a request, in its parts.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    query: &'a str,
    headers: Vec<(&'a str, &'a str)>,
}

impl<'a> Request<'a> {
    pub(super) fn parse(head: &'a str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, target) = (first.next()?, first.next()?);
        if !first.next()?.starts_with("HTTP/1.") {
            return None;
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = lines.filter_map(|line| line.split_once(':')).map(|(n, v)| (n, v.trim())).collect();
        Some(Self { method, path, query, headers })
    }

    /// A header that stands there exactly once.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        let mut found = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let (_, value) = found.next()?;
        found.next().is_none().then_some(*value)
    }

    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(n, _)| n == name).map(|(_, value)| value.into_owned())
    }
}
