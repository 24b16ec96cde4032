//! How a command ended, as it is told on the error stream: a `metav1.Status` in JSON since v4, plain text before.

use serde_json::{Value, json};

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It exited with 0.
    Success,
    /// It exited with another code.
    Exit {
        /// The code, 1 to 255; a signal n is 128+n.
        code: i32,
        /// What the server says about it.
        message: String,
    },
    /// It could not be run or watched to its end.
    Failure {
        /// Why, as a sentence for the person.
        message: String,
    },
}

impl Outcome {
    /// The outcome of an exit code, with the words that a kubelet has for it.
    pub fn from_code(command: &[String], code: i32) -> Self {
        if code == 0 {
            return Self::Success;
        }
        let words = command.join(" ");
        Self::Exit {
            code,
            message: format!(
                "command terminated with non-zero exit code: error executing command [{words}], exit code {code}"
            ),
        }
    }

    /// The `metav1.Status` of v4 and v5.
    pub fn to_json(&self) -> Vec<u8> {
        let status = match self {
            Self::Success => json!({"metadata": {}, "status": "Success"}),
            Self::Exit { code, message } => json!({
                "metadata": {},
                "status": "Failure",
                "message": message,
                "reason": "NonZeroExitCode",
                "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
            }),
            Self::Failure { message } => json!({
                "metadata": {},
                "status": "Failure",
                "message": format!("Internal error occurred: {message}"),
                "reason": "InternalError",
                "details": {"causes": [{"message": message}]},
                "code": 500,
            }),
        };
        status.to_string().into_bytes()
    }

    /// What v1 to v3 say: nothing for a success, else the sentence.
    pub fn to_text(&self) -> Vec<u8> {
        match self {
            Self::Success => Vec::new(),
            Self::Exit { message, .. } | Self::Failure { message } => message.clone().into_bytes(),
        }
    }

    /// Reads what stood on an error stream of any version, up to its end.
    pub fn read(bytes: &[u8]) -> Self {
        let Ok(status) = serde_json::from_slice::<Value>(bytes) else {
            let message = String::from_utf8_lossy(bytes).trim().to_owned();
            return if message.is_empty() { Self::Success } else { Self::Failure { message } };
        };
        let text = |key: &str| status.get(key).and_then(Value::as_str).unwrap_or_default();
        if text("status") == "Success" {
            return Self::Success;
        }
        let message = text("message").to_owned();
        if text("reason") == "NonZeroExitCode" {
            let causes = status.pointer("/details/causes").and_then(Value::as_array);
            let code = causes
                .into_iter()
                .flatten()
                .filter(|cause| cause.get("reason").and_then(Value::as_str) == Some("ExitCode"))
                .find_map(|cause| cause.get("message")?.as_str()?.parse().ok());
            if let Some(code) = code {
                return Self::Exit { code, message };
            }
        }
        Self::Failure {
            message: message.strip_prefix("Internal error occurred: ").unwrap_or(&message).to_owned(),
        }
    }
}
