//! Refusals as JSON, in Teleport 4's form and status codes (wire facts 8.4).

use axum::{
    Json,
    http::{Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use crate::{
    model::text,
    server::{
        auth::{
            access::AccessError,
            code::CodeError,
            github::{GithubError, LoginError, RecordError},
            issue::IssueError,
            renew::RenewError,
        },
        store::StoreError,
    },
    wire::error::ErrorBody,
};

/// The longest sentence, in bytes.
const MAX_TEXT: usize = 4096;

/// A refusal.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    message: String,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::warn!(status = self.status.as_u16(), error = %text::clean_line(&self.message), "request failed");
        }
        let message = text::truncate(&text::clean_line(&self.message), MAX_TEXT).into_owned();
        let headers = [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
        (self.status, headers, Json(ErrorBody::new(message))).into_response()
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let status = match &error {
            StoreError::Exists(_) => StatusCode::CONFLICT,
            StoreError::NotFound(_) => StatusCode::NOT_FOUND,
            StoreError::Conflict(_) => StatusCode::PRECONDITION_FAILED,
            StoreError::Unwritable => StatusCode::SERVICE_UNAVAILABLE,
            StoreError::Backend(reason) => {
                tracing::error!(reason, "the store failed");
                return Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the gate's store failed; its log says why",
                );
            }
        };
        Self::new(status, error.to_string())
    }
}

impl From<AccessError> for ApiError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Store(error) => error.into(),
            other => Self::new(StatusCode::FORBIDDEN, other.to_string()),
        }
    }
}

impl From<&IssueError> for ApiError {
    fn from(error: &IssueError) -> Self {
        match error {
            IssueError::Access(error) => error.clone().into(),
            other => Self::new(StatusCode::INTERNAL_SERVER_ERROR, other.to_string()),
        }
    }
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        let status = match &error {
            LoginError::Request(_) | LoginError::Redirect(_) | LoginError::Key(_) => StatusCode::BAD_REQUEST,
            LoginError::NoConnector(_) | LoginError::UnknownState | LoginError::OtherBrowser => {
                StatusCode::NOT_FOUND
            }
            LoginError::StrangeBrowser => StatusCode::FORBIDDEN,
            LoginError::ConnectorChanged(_) => StatusCode::PRECONDITION_FAILED,
            LoginError::Github(GithubError::Refused(_))
            | LoginError::Stranger { .. }
            | LoginError::NoTeam(_)
            | LoginError::NoRole { .. } => StatusCode::FORBIDDEN,
            LoginError::Github(_) => StatusCode::BAD_GATEWAY,
            LoginError::Seal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            LoginError::Store(error) | LoginError::Record(RecordError::Store(error)) => {
                return error.clone().into();
            }
            LoginError::Record(_) => StatusCode::FORBIDDEN,
            LoginError::Issue(error) => return error.into(),
        };
        Self::new(status, error.to_string())
    }
}

impl From<CodeError> for ApiError {
    fn from(error: CodeError) -> Self {
        let status = match error {
            CodeError::Off => StatusCode::FORBIDDEN,
            CodeError::TooMany => StatusCode::TOO_MANY_REQUESTS,
            CodeError::Unknown => StatusCode::NOT_FOUND,
            CodeError::Over => StatusCode::CONFLICT,
            CodeError::Login(error) => return error.into(),
            CodeError::Store(error) => return error.into(),
        };
        Self::new(status, error.to_string())
    }
}

impl From<RenewError> for ApiError {
    fn from(error: RenewError) -> Self {
        let status = match &error {
            RenewError::Request(_) | RenewError::Key(_) => StatusCode::BAD_REQUEST,
            RenewError::NotALogin | RenewError::Changed(_) | RenewError::NoConnector(_) => {
                StatusCode::FORBIDDEN
            }
            // Not a matter of rights: the certificate in hand stays good until its end.
            RenewError::Over { .. } | RenewError::Agreed => StatusCode::GONE,
            RenewError::Issue(error) => return error.into(),
            RenewError::Store(error) => return error.clone().into(),
        };
        Self::new(status, error.to_string())
    }
}

/// No such path.
pub(super) async fn not_found(method: Method, uri: Uri) -> ApiError {
    ApiError::not_found(format!("there is no {method} {} here", uri.path()))
}

/// The path is there, the method not.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, format!("{} does not take {method}", uri.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_store_is_no_refusal_wherever_a_login_met_it() {
        let full = || StoreError::Unwritable;
        let broken = || StoreError::Backend("table item has no column x".into());
        let ways: [fn(StoreError) -> LoginError; 3] = [
            LoginError::Store,
            |e| RecordError::Store(e).into(),
            |e| IssueError::from(AccessError::Store(e)).into(),
        ];
        for way in ways {
            assert_eq!(
                ApiError::from(CodeError::from(way(full()))).status(),
                StatusCode::SERVICE_UNAVAILABLE
            );
            let error = ApiError::from(CodeError::from(way(broken())));
            assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert!(!error.message().contains("column"), "{error:?}");
        }
        let renewal = RenewError::Issue(AccessError::NoRole("dev".into()).into());
        assert_eq!(ApiError::from(renewal).status(), StatusCode::FORBIDDEN);
    }
}
