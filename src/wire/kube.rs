//! What the gate itself says to a Kubernetes client: `metav1.Status` and `ExecCredential`.

use serde::{Deserialize, Serialize};

/// `metav1.Status` (Kubernetes API conventions, "Response Status Kind"): the form of an error that kubectl shows as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Always `Status`.
    pub kind: String,
    /// Always `v1`.
    pub api_version: String,
    /// Empty.
    #[serde(default)]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// `Failure` or `Success`.
    pub status: String,
    /// The sentence.
    #[serde(default)]
    pub message: String,
    /// A word for machines: `Forbidden`, `Unauthorized`, …
    #[serde(default)]
    pub reason: String,
    /// Details; `retryAfterSeconds` among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<serde_json::Value>,
    /// The HTTP status code.
    #[serde(default)]
    pub code: u16,
}

impl Status {
    /// A failure with Kubernetes' reason for the HTTP status code.
    pub fn failure(code: u16, message: impl Into<String>) -> Self {
        let reason = match code {
            400 => "BadRequest",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "NotFound",
            405 => "MethodNotAllowed",
            406 => "NotAcceptable",
            409 => "Conflict",
            410 => "Gone",
            413 => "RequestEntityTooLarge",
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            504 => "Timeout",
            _ => "InternalError",
        };
        Self {
            kind: "Status".into(),
            api_version: "v1".into(),
            metadata: serde_json::Map::new(),
            status: "Failure".into(),
            message: message.into(),
            reason: reason.into(),
            details: None,
            code,
        }
    }
}

/// `ExecCredential` of `client.authentication.k8s.io`, as a plugin answers it to kubectl.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecCredential {
    /// Always `ExecCredential`.
    pub kind: String,
    /// The version that `KUBERNETES_EXEC_INFO` asked for.
    pub api_version: String,
    /// Empty.
    #[serde(default)]
    pub spec: ExecSpec,
    /// The credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ExecStatus>,
}

/// `spec` of [`ExecCredential`], as kubectl sends it in `KUBERNETES_EXEC_INFO`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecSpec {
    /// Whether there is a standard input to ask on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interactive: Option<bool>,
}

/// `status` of [`ExecCredential`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecStatus {
    /// When kubectl asks again, RFC 3339.
    pub expiration_timestamp: String,
    /// The certificate, PEM.
    pub client_certificate_data: String,
    /// The private key, PEM.
    pub client_key_data: String,
}

impl std::fmt::Debug for ExecStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExecStatus")
            .field("expiration_timestamp", &self.expiration_timestamp)
            .finish_non_exhaustive()
    }
}
