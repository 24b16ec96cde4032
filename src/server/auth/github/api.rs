//! What the gate asks of GitHub: the exchange of a code for a token, the account, its teams (wire facts 4.1).
//!
//! Written by hand: it is one form that is posted and two answers that are read, and the crate `oauth2` would leave the time-outs, the
//! size limits, the two forms of GitHub's answer and its errors in status 200 to us all the same.

use std::{sync::Arc, time::Duration};

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LINK};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use url::Url;

use super::{api_endpoint, endpoint, mapping::Team};
use crate::model::{GithubConnector, Secret, text};

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;
/// The most pages of teams that are read.
const MAX_PAGES: usize = 99;
const USER_AGENT: &str = concat!("jumpgate/", env!("CARGO_PKG_VERSION"));
const API_FORM: &str = "application/vnd.github+json";

/// Why GitHub brought no login. The texts are for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GithubError {
    /// No answer, or none in time.
    #[error("GitHub at {host} cannot be reached: {reason}; try again in a while")]
    Unreachable {
        /// The host.
        host: String,
        /// What happened.
        reason: String,
    },
    /// An answer that is none of GitHub's.
    #[error("GitHub at {host} answered {what} in a form that is not GitHub's; try again in a while")]
    Nonsense {
        /// The host.
        host: String,
        /// Which request.
        what: &'static str,
    },
    /// A status that is no success.
    #[error("GitHub at {host} answered {what} with status {status}; try again in a while")]
    Status {
        /// The host.
        host: String,
        /// Which request.
        what: &'static str,
        /// The status.
        status: u16,
    },
    /// The code or the application was refused.
    #[error("GitHub refused the login: {0}")]
    Refused(String),
    /// No HTTP client.
    #[error("the gate cannot speak to GitHub: {0}")]
    Client(String),
}

/// A GitHub account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    /// Its login name, which may change.
    pub(super) login: String,
    /// Its number, which stays.
    pub(super) id: u64,
}

#[derive(Deserialize)]
struct TeamAnswer {
    slug: String,
    organization: Organization,
}

#[derive(Deserialize)]
struct Organization {
    login: String,
}

/// GitHub's answer to the exchange; errors come with status 200 too.
#[derive(Default, Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    access_token: Secret,
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// An HTTP client that trusts the system's roots (and the file of `SSL_CERT_FILE`, for a GitHub Enterprise under a CA of its own).
pub(super) fn client() -> Result<Client, GithubError> {
    let wrong = |e: &dyn std::fmt::Display| GithubError::Client(e.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(&e))?;
    let tls = match rustls_platform_verifier::Verifier::new(provider) {
        Ok(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)),
        Err(reason) => {
            tracing::warn!(%reason, "no system roots: GitHub's certificate cannot be verified; install ca-certificates");
            builder.with_root_certificates(RootCertStore::empty())
        }
    };
    Client::builder()
        .tls_backend_preconfigured(tls.with_no_client_auth())
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_LIMIT)
        .timeout(REQUEST_LIMIT)
        .user_agent(USER_AGENT)
        .build()
        .map_err(|e| wrong(&e))
}

/// GitHub as one connector names it.
pub(super) struct Api<'a> {
    http: &'a Client,
    connector: &'a GithubConnector,
}

impl<'a> Api<'a> {
    pub(super) fn new(http: &'a Client, connector: &'a GithubConnector) -> Self {
        Self { http, connector }
    }

    /// Exchanges a code for a token.
    pub(super) async fn exchange(&self, code: &str, verifier: &Secret) -> Result<Secret, GithubError> {
        const WHAT: &str = "the exchange of the code";
        let spec = &self.connector.spec;
        let url = format!("{}/login/oauth/access_token", endpoint(self.connector));
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &spec.client_id)
            .append_pair("client_secret", spec.client_secret.expose())
            .append_pair("code", code)
            .append_pair("code_verifier", verifier.expose())
            .append_pair("grant_type", "authorization_code")
            .append_pair("redirect_uri", &spec.redirect_url)
            .finish();
        let request = self
            .http
            .post(&url)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        let answer = send(request, &url, WHAT).await?;
        let is_json = is_json(&answer.response);
        let (status, host) = (answer.response.status(), answer.host.clone());
        let body = answer.bytes().await?;
        let parsed = if is_json { serde_json::from_slice(&body).ok() } else { Some(from_form(&body)) };
        let nonsense = || GithubError::Nonsense { host: host.clone(), what: WHAT };
        let token: TokenAnswer = match parsed {
            Some(token) => token,
            None if !status.is_success() => {
                return Err(GithubError::Status { host, what: WHAT, status: status.as_u16() });
            }
            None => return Err(nonsense()),
        };
        if !token.error.is_empty() {
            return Err(GithubError::Refused(explain(&token.error, &token.error_description)));
        }
        if !status.is_success() {
            return Err(GithubError::Status { host, what: WHAT, status: status.as_u16() });
        }
        // It goes into a header: nothing but what a token is made of.
        let sound = |t: &str| !t.is_empty() && t.len() < 4096 && t.bytes().all(|b| b.is_ascii_graphic());
        if sound(token.access_token.expose()) { Ok(token.access_token.clone()) } else { Err(nonsense()) }
    }

    /// Whose token it is.
    pub(super) async fn account(&self, token: &Secret) -> Result<Account, GithubError> {
        let url = format!("{}/user", api_endpoint(self.connector));
        Ok(self.get(&url, token, "the question for the user").await?.0)
    }

    /// All teams of the token's owner.
    pub(super) async fn teams(&self, token: &Secret) -> Result<Vec<Team>, GithubError> {
        let mut url = format!("{}/user/teams?per_page=100", api_endpoint(self.connector));
        let mut teams = Vec::new();
        for _ in 0..MAX_PAGES {
            let (page, next): (Vec<TeamAnswer>, _) = self.get(&url, token, "the question for teams").await?;
            teams.extend(page.into_iter().map(|t| Team { organization: t.organization.login, slug: t.slug }));
            match next {
                Some(next) => url = next,
                None => return Ok(teams),
            }
        }
        tracing::warn!(pages = MAX_PAGES, "somebody is in more teams than are read; the rest does not count");
        Ok(teams)
    }

    async fn get<T: DeserializeOwned>(
        &self,
        url: &str,
        token: &Secret,
        what: &'static str,
    ) -> Result<(T, Option<String>), GithubError> {
        let request = self
            .http
            .get(url)
            .header(ACCEPT, API_FORM)
            .header(AUTHORIZATION, format!("token {}", token.expose()));
        let answer = send(request, url, what).await?;
        let (status, host) = (answer.response.status(), answer.host.clone());
        if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
            return Err(GithubError::Refused(format!(
                "it answered {what} with status {}; was access to the organisation granted?",
                status.as_u16()
            )));
        }
        if !status.is_success() {
            return Err(GithubError::Status { host, what, status: status.as_u16() });
        }
        let links: Vec<String> = answer
            .response
            .headers()
            .get_all(LINK)
            .iter()
            .filter_map(|l| l.to_str().ok())
            .map(str::to_owned)
            .collect();
        let next = links.iter().find_map(|link| next_page(link, url));
        let body = answer.bytes().await?;
        let parsed = serde_json::from_slice(&body).map_err(|_| GithubError::Nonsense { host, what })?;
        Ok((parsed, next))
    }
}

struct Answer {
    response: Response,
    host: String,
}

async fn send(request: RequestBuilder, url: &str, what: &'static str) -> Result<Answer, GithubError> {
    let host = Url::parse(url).ok().and_then(|u| u.host_str().map(str::to_owned)).unwrap_or_default();
    match request.send().await {
        Ok(response) => Ok(Answer { response, host }),
        Err(e) => {
            tracing::info!(%host, what, error = %e.without_url(), "GitHub did not answer");
            Err(GithubError::Unreachable {
                host,
                reason: "no connection, or no answer within 10 seconds".into(),
            })
        }
    }
}

impl Answer {
    async fn bytes(mut self) -> Result<Vec<u8>, GithubError> {
        let mut body = Vec::new();
        loop {
            match self.response.chunk().await {
                Ok(None) => return Ok(body),
                Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_ANSWER => body.extend_from_slice(&chunk),
                Ok(Some(_)) => {
                    let reason = "its answer does not end".into();
                    return Err(GithubError::Unreachable { host: self.host, reason });
                }
                Err(_) => {
                    let reason = "its answer broke off".into();
                    return Err(GithubError::Unreachable { host: self.host, reason });
                }
            }
        }
    }
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    !kind.starts_with("application/x-www-form-urlencoded") && !kind.starts_with("text/plain")
}

fn from_form(body: &[u8]) -> TokenAnswer {
    let mut answer = TokenAnswer::default();
    for (key, value) in form_urlencoded::parse(body) {
        match key.as_ref() {
            "access_token" => answer.access_token = Secret::new(value),
            "error" => answer.error = value.into_owned(),
            "error_description" => answer.error_description = value.into_owned(),
            _ => {}
        }
    }
    answer
}

/// GitHub's words, cleaned, and what they mean where they say too little.
pub(super) fn explain(error: &str, description: &str) -> String {
    let said = if description.is_empty() { error } else { description };
    let said = text::truncate(&text::clean_line(said), 300).into_owned();
    match error {
        "access_denied" => format!("{said} Consent was not given; to try again run: tsh login"),
        "incorrect_client_credentials" => {
            format!("{said} An administrator must correct client_id and client_secret in the connector.")
        }
        "redirect_uri_mismatch" => {
            format!(
                "{said} An administrator must register the connector's redirect_url as the Authorization callback URL of the OAuth App: \
                 the two are the same address."
            )
        }
        _ => said,
    }
}

/// What an error means that came with no login to belong to. It is said in words of our own, and without a connector's values.
pub(super) fn explain_stranger(error: &str, callback: &str) -> String {
    let cause = match error {
        "redirect_uri_mismatch" => format!(
            "GitHub refused this login, because the address to come back to is not the one in the OAuth App's settings. \
             There, an administrator sets the Authorization callback URL to {callback}, and in the connector redirect_url to the same"
        ),
        "application_suspended" => {
            "GitHub refused this login, because the OAuth App is suspended; its owner has to ask GitHub why"
                .to_owned()
        }
        "access_denied" => "GitHub ended this login, because consent was not given".to_owned(),
        _ => format!(
            "GitHub ended this login with an error. An administrator compares the OAuth App's settings with the connector: \
             client_id, client_secret, and the Authorization callback URL, which must be {callback}"
        ),
    };
    format!("{cause}; to begin again run: tsh login")
}

/// The next page of a `Link` header (RFC 8288). Only its request-URI counts, on the host that was asked: the token goes nowhere else.
fn next_page(link: &str, asked: &str) -> Option<String> {
    let target = link.split(',').find_map(|part| {
        let (target, parameters) = part.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters.split(';').any(|p| matches!(p.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then_some(target)
    })?;
    let mut asked = Url::parse(asked).ok()?;
    let next = asked.join(target).ok()?;
    asked.set_path(next.path());
    asked.set_query(next.query());
    Some(asked.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_never_leaves_the_api_host() {
        let asked = "https://api.github.com/user/teams?per_page=100";
        let next = |link: &str| next_page(link, asked);
        assert_eq!(
            next(
                r#"<https://api.github.com/user/teams?page=2>; rel="next", <https://api.github.com/x>; rel="last""#
            ),
            Some("https://api.github.com/user/teams?page=2".into())
        );
        assert_eq!(
            next(r#"<https://evil.example:1/user/teams?page=2>; rel="next""#),
            Some("https://api.github.com/user/teams?page=2".into())
        );
        assert_eq!(next(r#"<https://api.github.com/x>; rel="last""#), None);
        assert_eq!(next("nonsense"), None);
    }

    #[test]
    fn answers_in_the_form_of_a_form_are_read() {
        let answer = from_form(b"access_token=abc&scope=read%3Aorg&token_type=bearer");
        assert_eq!(answer.access_token.expose(), "abc");
        let answer = from_form(b"error=bad_verification_code&error_description=The+code+is+wrong.");
        assert_eq!(explain(&answer.error, &answer.error_description), "The code is wrong.");
    }

    #[test]
    fn a_refusal_cannot_drive_a_terminal() {
        assert_eq!(explain("x", "a\u{1b}[31m\nb"), "a\\u{1b}[31m\\u{a}b");
    }
}
