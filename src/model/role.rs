//! Roles: what a person with the right traits may do (wire facts 12).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::{GoDuration, Invalid, Metadata, github::check_principal, template::Template};

/// `version` of the roles that we read and write.
pub const VERSION: &str = "v3";

/// The role that every mapping in `teams_to_logins` gives: what the traits allow, and one's own sessions.
pub const ACCESS: &str = "access";
/// Connectors, roles, users and tokens.
pub const EDITOR: &str = "editor";
/// Events and sessions.
pub const AUDITOR: &str = "auditor";
/// All three.
pub const ADMIN: &str = "admin";

/// A resource of kind `role`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Always `role`.
    pub kind: String,
    /// Always `v3`.
    pub version: String,
    /// Name and revision.
    pub metadata: Metadata,
    /// What it gives.
    pub spec: RoleSpec,
}

/// `spec` of a role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleSpec {
    /// How long, and with which switches.
    #[serde(default)]
    pub options: RoleOptions,
    /// What is allowed.
    #[serde(default)]
    pub allow: Conditions,
    /// What is denied; it wins over every role's `allow`.
    #[serde(default)]
    pub deny: Conditions,
}

/// `spec.options` of a role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleOptions {
    /// The longest life of a certificate. Default 12 h; the least of all roles counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_session_ttl: Option<GoDuration>,
    /// Whether an SSH agent may be forwarded. Default no; one role that allows it is enough.
    #[serde(default, deserialize_with = "yes_or_no", skip_serializing_if = "Option::is_none")]
    pub forward_agent: Option<bool>,
    /// Whether ports may be forwarded. Default yes; one role that allows it is enough.
    #[serde(default, deserialize_with = "yes_or_no", skip_serializing_if = "Option::is_none")]
    pub port_forwarding: Option<bool>,
    /// Whether recordings keep what is typed at a terminal, passwords included. Default no; one role that says so is enough.
    /// Jumpgate's own.
    #[serde(default, deserialize_with = "yes_or_no", skip_serializing_if = "Option::is_none")]
    pub record_typed_input: Option<bool>,
    /// Format of SSH certificates; only `standard`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_format: Option<String>,
}

/// `spec.allow` and `spec.deny` of a role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// Only `default`; kept for Teleport's tools.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Unix logins: written out or templates.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub logins: Vec<String>,
    /// Which nodes; this version serves none, the labels are kept.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "BTreeMap::is_empty")]
    pub node_labels: BTreeMap<String, Labels>,
    /// Kubernetes groups: written out or templates.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub kubernetes_groups: Vec<String>,
    /// Kubernetes users: written out or templates.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub kubernetes_users: Vec<String>,
    /// What may be done with the gate's own resources.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

/// Values of a label: one or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Labels {
    /// `key: value`
    One(String),
    /// `key: [value, value]`
    Many(Vec<String>),
}

/// One of a role's `rules`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Kinds of resources, or `*`.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Verbs, or `*`.
    #[serde(default)]
    pub verbs: Vec<String>,
    /// A condition. Not supported: a rule that carries one is refused, since leaving it out would widen the role.
    #[serde(default, rename = "where", skip_serializing_if = "String::is_empty")]
    pub condition: String,
}

/// What a rule lets somebody do with a kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// See that they are there.
    List,
    /// Make new ones.
    Create,
    /// See one, with its secrets.
    Read,
    /// See one without its secrets.
    ReadNoSecrets,
    /// Change one.
    Update,
    /// Remove one.
    Delete,
    /// Put a new key in the place of one.
    Rotate,
}

impl Verb {
    /// All verbs.
    pub const ALL: [Self; 7] =
        [Self::List, Self::Create, Self::Read, Self::ReadNoSecrets, Self::Update, Self::Delete, Self::Rotate];

    /// The verb as it stands in a role and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Create => "create",
            Self::Read => "read",
            Self::ReadNoSecrets => "readnosecrets",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Rotate => "rotate",
        }
    }
}

const VERBS: [&str; 8] = ["list", "create", "read", "readnosecrets", "update", "delete", "rotate", "*"];

/// Kinds that a rule may name. A misspelt one would silently give or deny nothing.
const RULE_KINDS: [&str; 17] = [
    "*",
    "role",
    "user",
    "github",
    "oidc",
    "saml",
    "auth_connector",
    "token",
    "session",
    "ssh_session",
    "event",
    "node",
    "auth_server",
    "cert_authority",
    "cluster_auth_preference",
    "cluster_name",
    "trusted_cluster",
];

impl Rule {
    /// A rule over kinds and verbs.
    pub fn new(resources: &[&str], verbs: &[&str]) -> Self {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Self { resources: own(resources), verbs: own(verbs), condition: String::new() }
    }

    /// Whether the rule speaks of this kind and verb. `read` includes `readnosecrets`.
    pub fn covers(&self, kind: &str, verb: Verb) -> bool {
        let kind_fits = self.resources.iter().any(|r| r == "*" || r == kind);
        let verb_fits = self
            .verbs
            .iter()
            .any(|v| v == "*" || v == verb.name() || (verb == Verb::ReadNoSecrets && v == Verb::Read.name()));
        kind_fits && verb_fits
    }
}

impl Role {
    /// A role with a name and a spec.
    pub fn new(name: impl Into<String>, spec: RoleSpec) -> Self {
        Self { kind: "role".into(), version: VERSION.into(), metadata: Metadata::named(name), spec }
    }

    /// Everything that is wrong with it; empty when it may be stored.
    pub fn check(&self) -> Vec<Invalid> {
        let mut found = Vec::new();
        if self.version != VERSION {
            found.push(Invalid::new("version", format!("`{}` is not supported; write `v3`", self.version)));
        }
        found.extend(self.metadata.check().err());
        if let Some(format) = self.spec.options.cert_format.as_deref()
            && format != "standard"
        {
            found.push(Invalid::new(
                "spec.options.cert_format",
                format!("`{format}` is not supported; write `standard`"),
            ));
        }
        if self.spec.options.max_session_ttl.is_some_and(|ttl| ttl.0.as_secs() < 60) {
            found.push(Invalid::new("spec.options.max_session_ttl", "is under one minute"));
        }
        check_conditions("spec.allow", &self.spec.allow, &mut found);
        check_conditions("spec.deny", &self.spec.deny, &mut found);
        if self.spec.allow.logins.iter().any(|login| login == "*") {
            found.push(Invalid::new("spec.allow.logins", "wildcard matcher is not allowed in logins"));
        }
        found
    }
}

fn check_conditions(at: &str, conditions: &Conditions, found: &mut Vec<Invalid>) {
    for (key, values) in [
        ("logins", &conditions.logins),
        ("kubernetes_groups", &conditions.kubernetes_groups),
        ("kubernetes_users", &conditions.kubernetes_users),
    ] {
        let key = format!("{at}.{key}");
        for value in values {
            match Template::parse(value) {
                Err(e) => found.push(Invalid::new(key.clone(), e.to_string())),
                Ok(template) if template.is_literal() => {
                    found.extend(check_principal(&key, value).err());
                }
                Ok(_) => {}
            }
        }
    }
    if conditions.namespaces.iter().any(|n| n != "default" && n != "*") {
        found.push(Invalid::new(format!("{at}.namespaces"), "only `default` is there"));
    }
    for (i, rule) in conditions.rules.iter().enumerate() {
        check_rule(&format!("{at}.rules[{i}]"), rule, found);
    }
}

fn check_rule(at: &str, rule: &Rule, found: &mut Vec<Invalid>) {
    if rule.resources.is_empty() || rule.verbs.is_empty() {
        found.push(Invalid::new(at, "needs resources and verbs"));
    }
    for kind in rule.resources.iter().filter(|r| !RULE_KINDS.contains(&r.as_str())) {
        let known = RULE_KINDS.join(", ");
        found
            .push(Invalid::new(format!("{at}.resources"), format!("`{kind}` is unknown; known are {known}")));
    }
    for verb in rule.verbs.iter().filter(|v| !VERBS.contains(&v.as_str())) {
        let known = VERBS.join(", ");
        found.push(Invalid::new(format!("{at}.verbs"), format!("`{verb}` is unknown; known are {known}")));
    }
    if !rule.condition.is_empty() {
        found.push(Invalid::new(
            format!("{at}.where"),
            "conditions are not supported; leaving this one out would widen the role, so it is refused",
        ));
    }
}

/// Go writes an empty list as `null`.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Teleport takes `true` and `"yes"` alike.
fn yes_or_no<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Switch {
        Bool(bool),
        Text(String),
    }
    match Option::<Switch>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Switch::Bool(on)) => Ok(Some(on)),
        Some(Switch::Text(text)) => match text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "on" | "y" | "1" => Ok(Some(true)),
            "no" | "false" | "off" | "n" | "0" | "" => Ok(Some(false)),
            _ => Err(serde::de::Error::custom(format!("`{text}` is neither yes nor no"))),
        },
    }
}

/// The roles that are always there and cannot be changed.
pub fn built_in() -> Vec<Role> {
    let read_write = ["list", "create", "read", "update", "delete"];
    let read_only = ["list", "read"];
    let own = |s: &str| vec![s.to_owned()];
    let options = || RoleOptions {
        max_session_ttl: Some(GoDuration(std::time::Duration::from_secs(12 * 3600))),
        forward_agent: Some(true),
        port_forwarding: Some(true),
        cert_format: Some("standard".into()),
        record_typed_input: None,
    };
    let from_traits = || Conditions {
        logins: own("{{internal.logins}}"),
        node_labels: BTreeMap::from([("*".to_owned(), Labels::One("*".to_owned()))]),
        kubernetes_groups: own("{{internal.kubernetes_groups}}"),
        kubernetes_users: own("{{internal.kubernetes_users}}"),
        ..Conditions::default()
    };
    let editor = || Rule::new(&["role", "user", "auth_connector", "github", "token"], &read_write);
    let auditor = || Rule::new(&["event", "session"], &read_only);
    let ender = || Rule::new(&["session"], &["delete"]);
    let rotator = || Rule::new(&["cert_authority"], &["rotate"]);
    let role = |name: &str, allow: Conditions| {
        Role::new(name, RoleSpec { options: options(), allow, deny: Conditions::default() })
    };
    let rules = |rules: Vec<Rule>| Conditions { rules, ..Conditions::default() };
    vec![
        role(ACCESS, from_traits()),
        role(EDITOR, rules(vec![editor()])),
        role(AUDITOR, rules(vec![auditor()])),
        role(ADMIN, Conditions { rules: vec![editor(), auditor(), ender(), rotator()], ..from_traits() }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_roles_pass_their_own_check() {
        for role in built_in() {
            assert_eq!(role.check(), vec![], "{}", role.metadata.name);
        }
    }

    #[test]
    fn access_gives_no_right_over_the_gates_resources() {
        let access = built_in().into_iter().find(|r| r.metadata.name == ACCESS).unwrap();
        assert!(access.spec.allow.rules.is_empty());
    }

    #[test]
    fn a_stock_teleport_4_role_is_read() {
        let json = r#"{"kind":"role","version":"v3","metadata":{"name":"admin","id":1795516899964812659},"spec":{"options":
            {"forward_agent":true,"max_session_ttl":"30h0m0s","port_forwarding":"yes","cert_format":"standard"},
            "allow":{"logins":["{{internal.logins}}"],"node_labels":{"*":"*"},"rules":[{"resources":["role"],
            "verbs":["list"]}]},"deny":{"logins":null}}}"#;
        let role: Role = serde_json::from_str(json).unwrap();
        assert_eq!(role.spec.options.port_forwarding, Some(true));
        assert_eq!(role.check(), vec![]);
    }

    #[test]
    fn what_would_widen_or_do_nothing_is_refused() {
        let mut role = Role::new("r", RoleSpec::default());
        role.spec.allow.rules =
            vec![Rule { condition: "contains(a, b)".into(), ..Rule::new(&["sessionn"], &["reed"]) }];
        role.spec.allow.kubernetes_groups = vec!["a\r\nImpersonate-User: root".into(), "{{x".into()];
        let keys: Vec<_> = role.check().into_iter().map(|i| i.key).collect();
        assert_eq!(
            keys,
            [
                "spec.allow.kubernetes_groups",
                "spec.allow.kubernetes_groups",
                "spec.allow.rules[0].resources",
                "spec.allow.rules[0].verbs",
                "spec.allow.rules[0].where",
            ]
        );
    }
}
