//! Canonical paths: one spelling for each path, all others are refused.
//!
//! A gate and the server behind it must never read one path in two ways. A path is therefore taken apart once, each segment
//! decoded once, and what is forwarded is made from the decoded segments.

use std::fmt::Write;

use crate::wire::kube_clusters::PREFIX;

/// The longest path, in bytes.
pub(crate) const MAX_PATH: usize = 8 * 1024;
/// The longest query, in bytes: the command of an exec stands in it.
pub(crate) const MAX_QUERY: usize = 60 * 1024;

/// Why a path or query is not taken. The texts are for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    /// Does not begin with a slash.
    #[error("the path does not begin with a slash")]
    Relative,
    /// Longer than [`MAX_PATH`].
    #[error("the path is longer than {MAX_PATH} bytes")]
    TooLong,
    /// `//`.
    #[error("the path has an empty segment (//)")]
    Empty,
    /// `.` or `..`, plain or encoded.
    #[error("the path has a segment . or ..")]
    Dots,
    /// A character that no path of Kubernetes has.
    #[error("the path holds the character {0:?}, which no Kubernetes path has")]
    Character(char),
    /// Percent encoding that another spelling would do without.
    #[error("the path is not in its canonical spelling: {0}")]
    Encoding(&'static str),
    /// A slash at the end of a resource's path.
    #[error("the path of a resource ends in a slash")]
    TrailingSlash,
    /// `/clusters` alone.
    #[error("the path names no cluster behind /{PREFIX}/; to see which there are: tsh kube ls")]
    NoCluster,
    /// Longer than [`MAX_QUERY`].
    #[error("the query is longer than {MAX_QUERY} bytes")]
    LongQuery,
    /// A character that must be encoded in a query.
    #[error("the query holds the character {0:?}, which must be percent-encoded there")]
    Query(char),
}

/// A path as decoded segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    /// The segments, decoded; none is empty.
    pub(crate) segments: Vec<String>,
    /// Whether a slash ends it.
    pub(crate) trailing_slash: bool,
}

impl Path {
    /// Takes a path apart.
    pub(crate) fn parse(raw: &str) -> Result<Self, PathError> {
        if raw.len() > MAX_PATH {
            return Err(PathError::TooLong);
        }
        let rest = raw.strip_prefix('/').ok_or(PathError::Relative)?;
        if rest.is_empty() {
            return Ok(Self { segments: vec![], trailing_slash: true });
        }
        let (rest, trailing_slash) = match rest.strip_suffix('/') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let segments = rest.split('/').map(decode).collect::<Result<_, _>>()?;
        Ok(Self { segments, trailing_slash })
    }

    /// Takes `/clusters/NAME` off the front and gives the name; none where the path does not begin so. What is left of
    /// `/clusters/NAME` itself is `/`.
    pub(crate) fn take_cluster(&mut self) -> Result<Option<String>, PathError> {
        if self.segments.first().is_none_or(|first| first != PREFIX) {
            return Ok(None);
        }
        if self.segments.len() < 2 {
            return Err(PathError::NoCluster);
        }
        let name = self.segments.drain(..2).nth(1);
        self.trailing_slash |= self.segments.is_empty();
        Ok(name)
    }

    /// The one spelling of this path.
    pub(crate) fn to_canonical(&self) -> String {
        let mut out = String::with_capacity(64);
        for segment in &self.segments {
            out.push('/');
            encode(segment, &mut out);
        }
        if self.trailing_slash {
            out.push('/');
        }
        out
    }
}

/// Checks a query; it is forwarded as it is.
pub(crate) fn check_query(query: &str) -> Result<(), PathError> {
    if query.len() > MAX_QUERY {
        return Err(PathError::LongQuery);
    }
    match query
        .chars()
        .find(|c| !c.is_ascii_graphic() || matches!(c, '#' | '"' | '<' | '>' | '\\' | '^' | '`'))
    {
        Some(c) => Err(PathError::Query(c)),
        None => Ok(()),
    }
}

/// Unreserved characters (RFC 3986, 2.3): encoding them is never needed.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// What stands in a path as it is. A semicolon does not: some servers read parameters behind it.
fn is_plain(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,=:@".contains(&byte)
}

fn decode(raw: &str) -> Result<String, PathError> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            bytes.push(decode_escape(rest.next(), rest.next())?);
        } else if is_plain(byte) {
            bytes.push(byte);
        } else {
            let shown = raw.chars().find(|c| !c.is_ascii() || (*c != '%' && !is_plain(*c as u8)));
            return Err(PathError::Character(shown.unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| PathError::Encoding("an escape is not UTF-8"))?;
    match text.as_str() {
        "" => Err(PathError::Empty),
        "." | ".." => Err(PathError::Dots),
        _ => match text.chars().find(|c| c.is_control()) {
            Some(c) => Err(PathError::Character(c)),
            None => Ok(text),
        },
    }
}

fn decode_escape(high: Option<u8>, low: Option<u8>) -> Result<u8, PathError> {
    let digit = |byte: Option<u8>| match byte {
        Some(b @ b'0'..=b'9') => Ok(b - b'0'),
        Some(b @ b'A'..=b'F') => Ok(b - b'A' + 10),
        Some(b'a'..=b'f') => Err(PathError::Encoding("hexadecimal digits are upper case")),
        _ => Err(PathError::Encoding("% must be followed by two hexadecimal digits")),
    };
    let byte = digit(high)? * 16 + digit(low)?;
    match byte {
        b'.' => Err(PathError::Dots),
        b'/' | b'\\' | b'%' | b';' => Err(PathError::Character(byte as char)),
        _ if byte.is_ascii_control() => Err(PathError::Character(byte as char)),
        _ if is_unreserved(byte) => {
            Err(PathError::Encoding("letters, digits and - . _ ~ are never percent-encoded"))
        }
        _ => Ok(byte),
    }
}

fn encode(segment: &str, out: &mut String) {
    for byte in segment.bytes() {
        if is_plain(byte) {
            out.push(byte as char);
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(raw: &str) -> PathError {
        Path::parse(raw).expect_err(raw)
    }

    #[test]
    fn e2_8_paths_that_could_be_read_in_two_ways_are_refused() {
        assert_eq!(refused("api"), PathError::Relative);
        assert_eq!(refused("//api"), PathError::Empty);
        assert_eq!(refused("/api//v1"), PathError::Empty);
        assert_eq!(refused("/api/v1//"), PathError::Empty);
        assert_eq!(refused("/api/../v1"), PathError::Dots);
        assert_eq!(refused("/api/v1/."), PathError::Dots);
        assert_eq!(refused("/api/%2e%2E"), PathError::Encoding("hexadecimal digits are upper case"));
        assert_eq!(refused("/api/%2E%2E"), PathError::Dots);
        assert_eq!(refused("/api/v1%2Fpods"), PathError::Character('/'));
        assert!(matches!(refused("/api/v1%2fpods"), PathError::Encoding(_)));
        assert_eq!(refused("/api/v1%5Cpods"), PathError::Character('\\'));
        assert_eq!(refused("/api/v1/pods;x=y"), PathError::Character(';'));
        assert_eq!(refused("/api/v1/pods%3Bx"), PathError::Character(';'));
        assert_eq!(refused("/api/v1/pods%252F"), PathError::Character('%'));
        assert_eq!(refused("/api/v1/pods%00"), PathError::Character('\0'));
        assert_eq!(refused("/api/v1/pods%0A"), PathError::Character('\n'));
        assert!(matches!(refused("/api/v1/p%6Fds"), PathError::Encoding(_)));
        assert!(matches!(refused("/api/v1/pods%"), PathError::Encoding(_)));
        assert!(matches!(refused("/api/v1/pods%C3"), PathError::Encoding(_)));
        assert_eq!(refused("/api/v1/pöds"), PathError::Character('ö'));
        assert_eq!(refused("/api/v1/a%C2%85"), PathError::Character('\u{85}'));
        assert_eq!(refused(&format!("/{}", "a".repeat(MAX_PATH))), PathError::TooLong);
    }

    #[test]
    fn paths_that_kubectl_sends_pass_unchanged() {
        for raw in [
            "/",
            "/api",
            "/apis/",
            "/openapi/v3/apis/apps/v1",
            "/api/v1/namespaces/default/pods/web-0/log",
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node",
            "/api/v1/namespaces/default/services/https:web:443/proxy/a%20b/",
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/d%C3%A9j%C3%A0",
        ] {
            assert_eq!(Path::parse(raw).unwrap().to_canonical(), raw);
        }
        // What encodeURIComponent does to a colon means the same and is forwarded in the one spelling.
        let path = Path::parse("/api/v1/namespaces/a/services/http%3Aweb%3A80/proxy").unwrap();
        assert_eq!(path.to_canonical(), "/api/v1/namespaces/a/services/http:web:80/proxy");
    }

    #[test]
    fn e2_12_a_query_carries_no_control_character() {
        assert!(check_query("command=sh&command=-c&command=a%0Ab&stdin=true").is_ok());
        assert_eq!(check_query("a=b c"), Err(PathError::Query(' ')));
        assert_eq!(check_query("a=\r\nHost:x"), Err(PathError::Query('\r')));
        assert_eq!(check_query("a=é"), Err(PathError::Query('é')));
        assert_eq!(check_query(&"a".repeat(MAX_QUERY + 1)), Err(PathError::LongQuery));
    }

    proptest! {
        #[test]
        fn what_is_made_from_segments_reads_back_the_same(
            segments in proptest::collection::vec("[^/%;\\\\\\p{Cc}]{1,12}", 1..6), slash in any::<bool>(),
        ) {
            prop_assume!(segments.iter().all(|s| s != "." && s != ".."));
            let path = Path { segments, trailing_slash: slash };
            prop_assert_eq!(&Path::parse(&path.to_canonical()).unwrap(), &path);
        }

        #[test]
        fn what_is_accepted_is_canonical_after_one_step(raw in "/[a-zA-Z0-9%./:;~ \\\\-]{0,40}") {
            if let Ok(path) = Path::parse(&raw) {
                let canonical = path.to_canonical();
                prop_assert_eq!(&Path::parse(&canonical).unwrap(), &path);
                prop_assert!(!canonical.contains("//") && !canonical.contains(';'));
                prop_assert!(path.segments.iter().all(|s| !s.contains('/') && s != ".."));
            }
        }

        #[test]
        fn parsing_never_panics(raw in any::<String>()) {
            let _ = Path::parse(&raw);
            let _ = check_query(&raw);
        }
    }
}
