//! What `tctl create` warns of: a resource that the gate takes, and with which nobody could sign in.

use url::Url;

use super::connection::Connection;
use crate::{
    client::admin::AdminError,
    model::{GithubConnector, Kind, Resource, role},
};

/// Warnings about resources that were written, one sentence each.
pub(super) async fn on(gate: &Connection, resources: &[Resource]) -> Vec<String> {
    let mut found = Vec::new();
    for resource in resources {
        let Resource::Github(connector) = resource else { continue };
        found.extend(placeholders(connector));
        for name in unknown_here(connector, resources) {
            // Who may not read roles is not told about them.
            if matches!(gate.get(Kind::Role, name, false).await, Err(AdminError::NotFound(_))) {
                found.push(no_role(connector, name));
            }
        }
        // A stock auth server does not say where it is reached.
        if let Ok(status) = gate.status().await {
            found.extend(elsewhere(connector, &status.names, &status.web_addr));
        }
    }
    found
}

/// Values that stand in an example to be replaced, such as `<client-id>`.
fn placeholders(connector: &GithubConnector) -> Option<String> {
    let spec = &connector.spec;
    let own = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut values = vec![
        own("client_id", &spec.client_id),
        own("client_secret", spec.client_secret.expose()),
        own("redirect_url", &spec.redirect_url),
    ];
    let logins = spec.teams_to_logins.iter().map(|m| ("teams_to_logins", &m.organization, &m.team));
    let roles = spec.teams_to_roles.iter().map(|m| ("teams_to_roles", &m.organization, &m.team));
    for (list, organization, team) in logins.chain(roles) {
        values.push((format!("{list}: organization"), organization.clone()));
        values.push((format!("{list}: team"), team.clone()));
    }
    let mut keys: Vec<String> =
        values.into_iter().filter(|(_, value)| is_placeholder(value)).map(|(key, _)| key).collect();
    keys.dedup();
    (!keys.is_empty()).then(|| {
        format!(
            "connector {:?} still holds the placeholders of an example, so nobody can sign in with it: {}",
            connector.metadata.name,
            keys.join(", ")
        )
    })
}

/// `<client-id>`, also within a longer value. None of GitHub's ids and names holds such brackets.
fn is_placeholder(value: &str) -> bool {
    let between = value.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    // In a URL the brackets may have been encoded by an editor.
    between.is_some_and(|(name, _)| !name.is_empty()) || value.to_ascii_uppercase().contains("%3C")
}

/// Roles of `teams_to_roles` that are neither built in nor among what was just written.
fn unknown_here<'a>(connector: &'a GithubConnector, resources: &[Resource]) -> Vec<&'a str> {
    let known = |name: &str| {
        resources.iter().any(|r| r.kind() == Kind::Role && r.name() == name) || is_built_in(name)
    };
    let mut names: Vec<&str> =
        connector.spec.teams_to_roles.iter().flat_map(|m| &m.roles).map(String::as_str).collect();
    names.retain(|name| !known(name));
    names.sort_unstable();
    names.dedup();
    names
}

fn is_built_in(name: &str) -> bool {
    role::built_in().iter().any(|role| role.metadata.name == name)
}

fn no_role(connector: &GithubConnector, role: &str) -> String {
    format!(
        "connector {:?} gives the role {role:?}, which does not exist; until it does, whoever it is given to cannot sign in",
        connector.metadata.name
    )
}

/// GitHub sends browsers to `redirect_url`: a host that is not the gate's never brings them back.
fn elsewhere(connector: &GithubConnector, names: &[String], web_addr: &str) -> Option<String> {
    let url = Url::parse(&connector.spec.redirect_url).ok()?;
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']');
    if names.is_empty() || names.iter().any(|name| name.eq_ignore_ascii_case(host)) {
        return None;
    }
    Some(format!(
        "redirect_url of connector {:?} leads to {host}, which is none of the gate's names ({}); the gate's own would be \
         https://{web_addr}/v1/webapi/github/callback",
        connector.metadata.name,
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connector(text: &str) -> GithubConnector {
        match Resource::read_all(text).unwrap().remove(0) {
            Resource::Github(connector) => connector,
            other => panic!("{other:?}"),
        }
    }

    const WALKTHROUGH: &str = include_str!("../../../tests/data/github.yaml");

    #[test]
    fn placeholders_are_named_by_their_key() {
        assert_eq!(placeholders(&connector(WALKTHROUGH)), None);
        let mut example = connector(WALKTHROUGH);
        example.spec.client_id = "<client-id>".into();
        example.spec.redirect_url = "https://<gate>:3080/v1/webapi/github/callback".into();
        example.spec.teams_to_logins[0].team = "<your-team>".into();
        let told = placeholders(&example).unwrap();
        assert!(told.ends_with(": client_id, redirect_url, teams_to_logins: team"), "{told}");
        assert!(!is_placeholder("a<b") && !is_placeholder("<>") && is_placeholder("<x>"));
    }

    #[test]
    fn a_redirect_to_another_host_is_told() {
        let mut here = connector(WALKTHROUGH);
        here.spec.redirect_url = "https://Gate.example.com/v1/webapi/github/callback".into();
        let names = ["gate.example.com".to_owned(), "::1".to_owned()];
        assert_eq!(elsewhere(&here, &names, "gate.example.com:3080"), None);
        here.spec.redirect_url = "https://[::1]:3080/v1/webapi/github/callback".into();
        assert_eq!(elsewhere(&here, &names, "gate.example.com:3080"), None);
        here.spec.redirect_url = "https://gate.example.org/v1/webapi/github/callback".into();
        let told = elsewhere(&here, &names, "gate.example.com:3080").unwrap();
        assert!(
            told.contains("gate.example.org") && told.contains("https://gate.example.com:3080/v1/"),
            "{told}"
        );
        // An older gate does not name itself.
        assert_eq!(elsewhere(&here, &[], "gate.example.com:3080"), None);
    }

    #[test]
    fn roles_of_the_same_files_are_known() {
        let role = "kind: role\nversion: v3\nmetadata: {name: dev}\nspec: {}\n";
        let mappings = "  teams_to_roles:\n  - {organization: a, team: b, roles: [editor, dev, captain]}\n";
        let all = Resource::read_all(&format!("{WALKTHROUGH}{mappings}---\n{role}")).unwrap();
        let Resource::Github(connector) = &all[0] else { panic!("{all:?}") };
        assert_eq!(unknown_here(connector, &all), ["captain"]);
    }
}
