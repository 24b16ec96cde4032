//! From teams to roles and traits. Organisations and teams are the same in upper and lower case, as on GitHub.

use serde::{Deserialize, Serialize};

use crate::model::{
    GithubConnector, Traits,
    role::ACCESS,
    traits::{GITHUB_TEAMS, KUBERNETES_GROUPS, KUBERNETES_USERS, LOGINS},
};

/// How many teams a sentence names.
const MAX_SHOWN: usize = 20;

/// A team as GitHub names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Team {
    /// The organisation's login name.
    pub(super) organization: String,
    /// The team's slug.
    pub(super) slug: String,
}

impl Team {
    fn is(&self, organization: &str, slug: &str) -> bool {
        // GitHub's names are ASCII.
        self.organization.eq_ignore_ascii_case(organization) && self.slug.eq_ignore_ascii_case(slug)
    }

    fn shown(&self) -> String {
        format!("{}/{}", self.organization, self.slug)
    }
}

/// What a person's teams bring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Granted {
    /// Names of roles, each once.
    pub(super) roles: Vec<String>,
    /// What role templates draw on.
    pub(super) traits: Traits,
}

/// None of the person's teams is mapped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .sentence)]
pub struct NoTeam {
    sentence: String,
}

/// Looks the teams up in the connector's mappings.
pub(super) fn map(connector: &GithubConnector, login: &str, teams: &[Team]) -> Result<Granted, NoTeam> {
    let spec = &connector.spec;
    let mut granted = Granted { roles: vec![], traits: Traits::new() };
    let add_role = |roles: &mut Vec<String>, role: &str| {
        if !roles.iter().any(|known| known == role) {
            roles.push(role.to_owned());
        }
    };
    let member = |organization: &str, team: &str| teams.iter().any(|t| t.is(organization, team));
    for entry in spec.teams_to_logins.iter().filter(|e| member(&e.organization, &e.team)) {
        add_role(&mut granted.roles, ACCESS);
        granted.traits.add(LOGINS, &entry.logins);
        granted.traits.add(KUBERNETES_GROUPS, &entry.kubernetes_groups);
        granted.traits.add(KUBERNETES_USERS, &entry.kubernetes_users);
    }
    for entry in spec.teams_to_roles.iter().filter(|e| member(&e.organization, &e.team)) {
        entry.roles.iter().for_each(|role| add_role(&mut granted.roles, role));
    }
    if granted.roles.is_empty() {
        return Err(NoTeam { sentence: no_team(connector, login, teams) });
    }
    // Teams of organisations that the connector does not name are none of the cluster's business.
    let ours = expected(connector);
    let known = |team: &&Team| ours.iter().any(|(org, _)| team.organization.eq_ignore_ascii_case(org));
    granted.traits.add(GITHUB_TEAMS, teams.iter().filter(known).map(Team::shown));
    Ok(granted)
}

fn expected(connector: &GithubConnector) -> Vec<(&str, &str)> {
    let logins = connector.spec.teams_to_logins.iter().map(|e| (e.organization.as_str(), e.team.as_str()));
    let roles = connector.spec.teams_to_roles.iter().map(|e| (e.organization.as_str(), e.team.as_str()));
    let mut all: Vec<_> = logins.chain(roles).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn no_team(connector: &GithubConnector, login: &str, teams: &[Team]) -> String {
    let wanted: Vec<String> = expected(connector).iter().map(|(org, team)| format!("{org}/{team}")).collect();
    let returned: Vec<String> = teams.iter().map(Team::shown).collect();
    let returned = if returned.is_empty() { "no team at all".to_owned() } else { list(&returned) };
    let endpoint = super::endpoint(connector);
    format!(
        "user {login:?} does not belong to any teams configured in {:?} connector: expected is a member of {}, and GitHub returned {returned}. \
         If you are a member, let the organisation be seen at {endpoint}/settings/connections/applications/{} and sign in again.",
        connector.metadata.name,
        list(&wanted),
        connector.spec.client_id
    )
}

fn list(names: &[String]) -> String {
    let shown = names.iter().take(MAX_SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(MAX_SHOWN) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connector() -> GithubConnector {
        serde_json::from_str(
            r#"{"kind":"github","version":"v3","metadata":{"name":"github"},"spec":{"client_id":"id","client_secret":"s",
            "redirect_url":"https://x/cb","teams_to_logins":[
            {"organization":"Octocats","team":"admins","logins":["root"],"kubernetes_groups":["system:masters"]},
            {"organization":"octocats","team":"devs","logins":["dev","root"],"kubernetes_users":["u"]}],
            "teams_to_roles":[{"organization":"octocats","team":"ADMINS","roles":["editor","access"]}]}}"#,
        )
        .unwrap()
    }

    fn team(organization: &str, slug: &str) -> Team {
        Team { organization: organization.into(), slug: slug.into() }
    }

    #[test]
    fn both_mappings_stand_side_by_side_and_case_does_not_matter() {
        let teams = [team("octocats", "Admins"), team("OCTOCATS", "devs"), team("elsewhere", "secret")];
        let granted = map(&connector(), "alice", &teams).unwrap();
        assert_eq!(granted.roles, ["access", "editor"]);
        assert_eq!(granted.traits.get(LOGINS), ["root", "dev"]);
        assert_eq!(granted.traits.get(KUBERNETES_GROUPS), ["system:masters"]);
        assert_eq!(granted.traits.get(KUBERNETES_USERS), ["u"]);
        assert_eq!(granted.traits.get(GITHUB_TEAMS), ["octocats/Admins", "OCTOCATS/devs"]);
    }

    #[test]
    fn a_team_of_the_same_name_elsewhere_gives_nothing() {
        let text = map(&connector(), "eve", &[team("evil", "admins")]).unwrap_err().to_string();
        assert!(text.contains("Octocats/admins, octocats/ADMINS, octocats/devs"), "{text}");
        assert!(text.contains("GitHub returned evil/admins"), "{text}");
        assert!(text.contains("https://github.com/settings/connections/applications/id"), "{text}");
        let text = map(&connector(), "eve", &[]).unwrap_err().to_string();
        assert!(text.contains("no team at all"), "{text}");
    }
}
