//! The GitHub connector: who may sign in, and what a team brings (wire facts 4.4).

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Invalid, Metadata, Secret, metadata::check_name};

/// `version` of the GitHub connectors that we read and write.
pub const VERSION: &str = "v3";

/// A connector of kind `github`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GithubConnector {
    /// Always `github`.
    pub kind: String,
    /// Always `v3`.
    pub version: String,
    /// Name and revision.
    pub metadata: Metadata,
    /// What it does.
    pub spec: GithubSpec,
}

/// `spec` of a GitHub connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GithubSpec {
    /// The OAuth application's id.
    #[serde(default)]
    pub client_id: String,
    /// The OAuth application's secret; empty when shown without secrets.
    #[serde(default)]
    pub client_secret: Secret,
    /// Where GitHub sends the browser back: `https://PROXY:3080/v1/webapi/github/callback`.
    #[serde(default)]
    pub redirect_url: String,
    /// What a team's members may be; gives the role `access`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams_to_logins: Vec<TeamLogins>,
    /// The roles that a team's members get.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams_to_roles: Vec<TeamRoles>,
    /// What people read on a button.
    #[serde(default)]
    pub display: String,
    /// GitHub's own address; another one for GitHub Enterprise. Default `https://github.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
    /// GitHub's API; `https://HOST/api/v3` for GitHub Enterprise. Default `https://api.github.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_endpoint_url: Option<String>,
}

/// One entry of `teams_to_logins`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamLogins {
    /// The organisation's login name; upper and lower case are the same.
    #[serde(default)]
    pub organization: String,
    /// The team's slug; upper and lower case are the same.
    #[serde(default)]
    pub team: String,
    /// Unix logins.
    #[serde(default)]
    pub logins: Vec<String>,
    /// Kubernetes groups to impersonate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kubernetes_groups: Vec<String>,
    /// Kubernetes users that may be impersonated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kubernetes_users: Vec<String>,
}

/// One entry of `teams_to_roles`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamRoles {
    /// The organisation's login name.
    #[serde(default)]
    pub organization: String,
    /// The team's slug.
    #[serde(default)]
    pub team: String,
    /// Names of roles.
    #[serde(default)]
    pub roles: Vec<String>,
}

impl GithubConnector {
    /// A copy without its secret, as everybody sees it who did not ask for secrets.
    pub fn without_secrets(&self) -> Self {
        let mut copy = self.clone();
        copy.spec.client_secret = Secret::default();
        copy
    }

    /// Everything that is wrong with it; empty when it may be stored.
    pub fn check(&self) -> Vec<Invalid> {
        let mut found = Vec::new();
        if self.version != VERSION {
            found.push(Invalid::new("version", format!("`{}` is not supported; write `v3`", self.version)));
        }
        found.extend(self.metadata.check().err());
        let spec = &self.spec;
        if spec.client_id.is_empty() {
            found.push(Invalid::new("spec.client_id", "is required"));
        }
        if spec.client_secret.is_empty() {
            found.push(Invalid::new("spec.client_secret", "is required"));
        }
        found.extend(check_url("spec.redirect_url", &spec.redirect_url).err());
        for (key, value) in
            [("spec.endpoint_url", &spec.endpoint_url), ("spec.api_endpoint_url", &spec.api_endpoint_url)]
        {
            found.extend(value.as_ref().and_then(|v| check_url(key, v).err()));
        }
        if spec.teams_to_logins.is_empty() && spec.teams_to_roles.is_empty() {
            found.push(Invalid::new(
                "spec",
                "has neither teams_to_logins nor teams_to_roles, so nobody could sign in",
            ));
        }
        self.check_teams(&mut found);
        found
    }

    fn check_teams(&self, found: &mut Vec<Invalid>) {
        let required = |found: &mut Vec<Invalid>, key: String, value: &str| {
            if value.is_empty() {
                found.push(Invalid::new(key, "is required"));
            }
        };
        for (i, team) in self.spec.teams_to_logins.iter().enumerate() {
            let at = |key: &str| format!("spec.teams_to_logins[{i}].{key}");
            required(found, at("organization"), &team.organization);
            required(found, at("team"), &team.team);
            for (key, values) in [
                ("logins", &team.logins),
                ("kubernetes_groups", &team.kubernetes_groups),
                ("kubernetes_users", &team.kubernetes_users),
            ] {
                found.extend(values.iter().filter_map(|v| check_principal(&at(key), v).err()));
            }
        }
        for (i, team) in self.spec.teams_to_roles.iter().enumerate() {
            let at = |key: &str| format!("spec.teams_to_roles[{i}].{key}");
            required(found, at("organization"), &team.organization);
            required(found, at("team"), &team.team);
            if team.roles.is_empty() {
                found.push(Invalid::new(at("roles"), "is required"));
            }
            found.extend(team.roles.iter().filter_map(|role| check_name(&at("roles"), role).err()));
        }
    }
}

/// Logins, groups and users that are written out: they end in a certificate and in a header, so no control characters.
pub(crate) fn check_principal(key: &str, value: &str) -> Result<(), Invalid> {
    if value.trim().is_empty() {
        return Err(Invalid::new(key, "contains an empty value"));
    }
    if value.chars().any(char::is_control) {
        return Err(Invalid::new(key, format!("contains a control character: {}", value.escape_debug())));
    }
    if value.contains("{{") || value.contains("}}") {
        return Err(Invalid::new(
            key,
            format!("`{value}` looks like a template; templates stand in roles, not in connectors"),
        ));
    }
    Ok(())
}

fn check_url(key: &str, value: &str) -> Result<(), Invalid> {
    if value.is_empty() {
        return Err(Invalid::new(key, "is required"));
    }
    let url = Url::parse(value).map_err(|e| Invalid::new(key, format!("`{value}` is no URL: {e}")))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err(Invalid::new(key, format!("`{value}` is no https:// address")));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(Invalid::new(key, format!("`{value}` must begin with https://")));
    }
    Ok(())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
