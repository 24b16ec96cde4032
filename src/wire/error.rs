//! The error body of the web and admin APIs (wire facts 8.4).

use serde::{Deserialize, Serialize};

/// `{"message": "…"}` as Teleport 4 answers; newer servers put it below `error`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Where newer servers put it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Inner>,
}

/// `error` of [`ErrorBody`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inner {
    /// The sentence.
    #[serde(default)]
    pub message: String,
}

impl ErrorBody {
    /// A body in Teleport 4's form.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), error: None }
    }

    /// The sentence of an answer, in whichever form it came; cleaned of control characters. None if the body is something else.
    pub fn sentence(body: &[u8]) -> Option<String> {
        let parsed: Self = serde_json::from_slice(body).ok()?;
        let inner = parsed.error.map(|e| e.message).filter(|m| !m.is_empty());
        let text = inner.or(parsed.message).filter(|m| !m.is_empty())?;
        // Some answers of Teleport 4.0 wrap the body of another one in their message.
        let text = match serde_json::from_str::<Self>(&text) {
            Ok(Self { message: Some(wrapped), .. }) => wrapped,
            _ => text,
        };
        Some(crate::model::text::clean_line(&text).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        for body in [
            r#"{"message":"no"}"#,
            r#"{"error":{"message":"no"},"message":"other"}"#,
            r#"{"message":"{\"message\":\"no\"}"}"#,
        ] {
            assert_eq!(ErrorBody::sentence(body.as_bytes()).as_deref(), Some("no"), "{body}");
        }
        assert_eq!(ErrorBody::sentence(b"<html>"), None);
        assert_eq!(ErrorBody::sentence(b"{}"), None);
    }
}
