//! What roles come to, with the traits of a person filled in.
//!
//! Deny wins over allow across all roles. A `system:` group or user counts only where an administrator wrote it
//! out; one that comes out of `{{external.…}}` is what an identity provider said, and is dropped.

use std::time::Duration;

use super::AccessError;
use crate::{
    model::{Conditions, Role, Traits, Verb, role::built_in, template::Template},
    pki::SshPermissions,
};

/// The longest life of a certificate, whatever a role says.
pub const MAX_TTL: Duration = Duration::from_secs(30 * 3600);
/// The life of a certificate when nobody says anything, and the longest when no role does.
pub const DEFAULT_TTL: Duration = Duration::from_secs(12 * 3600);

/// What a person may, as of now.
#[derive(Debug, Clone)]
pub struct Rights {
    pub(super) user: String,
    pub(super) roles: Vec<Role>,
    pub(super) traits: Traits,
}

/// As whom the gate acts towards Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeAccess {
    /// `Impersonate-User`.
    pub user: String,
    /// `Impersonate-Group`, each once, sorted.
    pub groups: Vec<String>,
}

impl Rights {
    /// The person's name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The Unix logins; only names that a Unix system takes.
    pub fn logins(&self) -> Vec<String> {
        let mut logins = self.collect(|conditions| &conditions.logins);
        logins.retain(|login| is_unix_name(login));
        logins
    }

    /// As whom the gate acts towards Kubernetes.
    pub fn kubernetes(&self) -> Result<KubeAccess, AccessError> {
        let groups = self.collect_sorted(|conditions| &conditions.kubernetes_groups);
        let mut users = self.collect_sorted(|conditions| &conditions.kubernetes_users);
        if groups.is_empty() && users.is_empty() {
            return Err(AccessError::NoKubernetes(self.user.clone()));
        }
        let user = match users.len() {
            0 if self.user.starts_with("system:") => return Err(AccessError::BadName(self.user.clone())),
            0 if self.denies(&self.user, |conditions| &conditions.kubernetes_users) => {
                return Err(AccessError::DeniedUser(self.user.clone()));
            }
            0 => self.user.clone(),
            1 => users.remove(0),
            _ => return Err(AccessError::SeveralUsers { user: self.user.clone(), users: users.join(", ") }),
        };
        let bad = groups.iter().chain([&user]).find(|name| name.chars().any(char::is_control)).cloned();
        match bad {
            Some(name) => Err(AccessError::BadName(name)),
            None => Ok(KubeAccess { user, groups }),
        }
    }

    /// The Kubernetes groups and users as a certificate shows them: for people, and for gates that trust the certificate. What
    /// no header may carry is left out.
    pub fn kubernetes_names(&self) -> (Vec<String>, Vec<String>) {
        let clean = |mut names: Vec<String>| {
            names.retain(|name| !name.chars().any(char::is_control));
            names
        };
        let groups = self.collect_sorted(|conditions| &conditions.kubernetes_groups);
        let users = self.collect_sorted(|conditions| &conditions.kubernetes_users);
        (clean(groups), clean(users))
    }

    /// The longest life of a certificate: the least of all roles.
    pub fn max_ttl(&self) -> Duration {
        let limits = self.roles.iter().filter_map(|role| role.spec.options.max_session_ttl);
        limits.map(|ttl| ttl.0).min().map_or(DEFAULT_TTL, |ttl| ttl.min(MAX_TTL))
    }

    /// How long a login may live with all its renewals: as long as the least of the roles says that an administrator gave a
    /// time; where none does, 12 hours, or `renewal` if that is longer.
    pub fn longest_login(&self, renewal: Duration) -> Duration {
        let unsaid = DEFAULT_TTL.max(renewal);
        let built_in = built_in();
        let limits = self.roles.iter().filter_map(|role| {
            let said = role.spec.options.max_session_ttl?.0.min(MAX_TTL.max(renewal));
            // Nobody wrote the time of a built-in role: it says what holds where nothing is said.
            let own = built_in.iter().all(|other| other.metadata.name != role.metadata.name);
            Some(if own { said } else { unsaid })
        });
        limits.min().unwrap_or(unsaid)
    }

    /// Whether recordings keep what the person types at a terminal: if one of the roles says so.
    pub fn keeps_typed(&self) -> bool {
        self.roles.iter().any(|role| role.spec.options.record_typed_input == Some(true))
    }

    /// What SSH certificates permit: what one of the roles permits.
    pub fn ssh(&self) -> SshPermissions {
        let any = |switch: fn(&Role) -> bool| self.roles.iter().any(switch);
        SshPermissions {
            port_forwarding: any(|role| role.spec.options.port_forwarding.unwrap_or(true)),
            agent_forwarding: any(|role| role.spec.options.forward_agent.unwrap_or(false)),
        }
    }

    /// Whether a verb on one of these names of a kind is allowed; a deny rule of any role wins.
    pub fn check(&self, kinds: &[&str], verb: Verb) -> Result<(), AccessError> {
        let covered = |conditions: &Conditions| {
            conditions.rules.iter().any(|rule| kinds.iter().any(|kind| rule.covers(kind, verb)))
        };
        let denied = self.roles.iter().any(|role| covered(&role.spec.deny));
        if !denied && self.roles.iter().any(|role| covered(&role.spec.allow)) {
            return Ok(());
        }
        let kind = kinds.first().copied().unwrap_or_default().to_owned();
        Err(AccessError::Denied { action: verb.name(), kind })
    }

    fn collect_sorted(&self, field: fn(&Conditions) -> &Vec<String>) -> Vec<String> {
        let mut values = self.collect(field);
        values.sort();
        values
    }

    fn collect(&self, field: fn(&Conditions) -> &Vec<String>) -> Vec<String> {
        let denied = self.expand_all(|role| field(&role.spec.deny));
        let mut allowed: Vec<String> = Vec::new();
        for value in self.expand_all(|role| field(&role.spec.allow)) {
            if !covers(&denied, &value) && !allowed.contains(&value) {
                allowed.push(value);
            }
        }
        allowed
    }

    fn denies(&self, value: &str, field: fn(&Conditions) -> &Vec<String>) -> bool {
        covers(&self.expand_all(|role| field(&role.spec.deny)), value)
    }

    fn expand_all<'a>(&'a self, values: impl Fn(&'a Role) -> &'a Vec<String>) -> Vec<String> {
        self.roles.iter().flat_map(values).flat_map(|value| self.expand(value)).collect()
    }

    fn expand(&self, value: &str) -> Vec<String> {
        // What was stored was checked; a value that does not parse any more gives nothing.
        let Ok(template) = Template::parse(value) else { return vec![] };
        let mut values = template.expand(&self.traits);
        if template.is_external() {
            values.retain(|value| !value.trim_start().to_ascii_lowercase().starts_with("system:"));
        }
        values
    }
}

fn covers(denied: &[String], value: &str) -> bool {
    denied.iter().any(|d| d == value || d == "*")
}

/// useradd(8): begins with a letter or underscore, at most 32 characters, none that a shell or a path would read.
fn is_unix_name(name: &str) -> bool {
    let body = name.strip_suffix('$').unwrap_or(name);
    let first = body.bytes().next();
    first.is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && name.len() <= 32
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GoDuration, RoleSpec, Rule};

    fn rights(roles: Vec<Role>, traits: &[(&str, &[&str])]) -> Rights {
        let mut all = Traits::new();
        for (name, values) in traits {
            all.add(name, values.iter().copied());
        }
        Rights { user: "alice".into(), roles, traits: all }
    }

    fn access() -> Role {
        built_in().into_iter().find(|role| role.metadata.name == "access").unwrap()
    }

    fn role(allow: Conditions, deny: Conditions) -> Role {
        Role::new("r", RoleSpec { allow, deny, ..RoleSpec::default() })
    }

    fn groups(values: &[&str]) -> Conditions {
        let kubernetes_groups = values.iter().map(|v| (*v).to_owned()).collect();
        Conditions { kubernetes_groups, ..Conditions::default() }
    }

    #[test]
    fn a_mapping_of_the_connector_reaches_kubernetes() {
        let rights = rights(
            vec![access()],
            &[("kubernetes_groups", &["system:masters"]), ("logins", &["root", "-x"])],
        );
        let kube = rights.kubernetes().unwrap();
        assert_eq!(kube, KubeAccess { user: "alice".into(), groups: vec!["system:masters".into()] });
        assert_eq!(rights.logins(), ["root"]);
        assert!(rights.check(&["github", "auth_connector"], Verb::Create).is_err());
    }

    #[test]
    fn e2_13_a_system_group_never_comes_out_of_an_external_trait() {
        let traits: &[(&str, &[&str])] =
            &[("teams", &["system:masters", "SYSTEM:masters", "dev"]), ("x", &["masters"])];
        let allow = groups(&["{{external.teams}}", "system:{{external.x}}", "system:written-out"]);
        let rights = rights(vec![role(allow, Conditions::default())], traits);
        assert_eq!(rights.kubernetes().unwrap().groups, ["dev", "system:written-out"]);
    }

    #[test]
    fn e2_11_deny_wins_across_roles() {
        let allow = role(groups(&["a", "b", "{{internal.kubernetes_groups}}"]), Conditions::default());
        let deny = role(Conditions::default(), groups(&["b", "{{internal.logins}}"]));
        let traits: &[(&str, &[&str])] = &[("kubernetes_groups", &["c", "d"]), ("logins", &["d"])];
        assert_eq!(rights(vec![allow.clone(), deny], traits).kubernetes().unwrap().groups, ["a", "c"]);
        let all = role(Conditions::default(), groups(&["*"]));
        assert!(matches!(rights(vec![allow, all], &[]).kubernetes(), Err(AccessError::NoKubernetes(_))));
        let rules = |rules| Conditions { rules, ..Conditions::default() };
        let editor = role(rules(vec![Rule::new(&["role"], &["*"])]), Conditions::default());
        let never = role(Conditions::default(), rules(vec![Rule::new(&["*"], &["delete"])]));
        let both = rights(vec![editor, never], &[]);
        assert!(both.check(&["role"], Verb::Create).is_ok());
        assert!(both.check(&["role"], Verb::Delete).is_err());
        assert!(both.check(&["user"], Verb::Create).is_err());
    }

    #[test]
    fn e2_11_a_denied_kubernetes_user_does_not_come_back_as_ones_own_name() {
        let users = |names: &[&str]| {
            let kubernetes_users = names.iter().map(|n| (*n).to_owned()).collect();
            Conditions { kubernetes_users, ..Conditions::default() }
        };
        let allow = Conditions { kubernetes_groups: vec!["dev".into()], ..users(&["alice"]) };
        for denied in ["alice", "*"] {
            let rights = rights(vec![role(allow.clone(), users(&[denied]))], &[]);
            let error = rights.kubernetes().unwrap_err();
            assert_eq!(error, AccessError::DeniedUser("alice".into()));
            assert!(error.to_string().contains("kubernetes_users"), "{error}");
        }
        let other = rights(vec![role(allow, users(&["bob"]))], &[]);
        assert_eq!(other.kubernetes().unwrap().user, "alice");
    }

    #[test]
    fn twelve_hours_are_the_limit_unless_an_own_role_says_more() {
        let hours = |h: u64| Duration::from_secs(h * 3600);
        let mut own = role(Conditions::default(), Conditions::default());
        assert_eq!(rights(vec![own.clone()], &[]).max_ttl(), hours(12));
        for role in built_in() {
            assert_eq!(rights(vec![role], &[]).max_ttl(), hours(12));
        }
        own.spec.options.max_session_ttl = Some(GoDuration(hours(20)));
        assert_eq!(rights(vec![own.clone()], &[]).max_ttl(), hours(20));
        assert_eq!(rights(vec![own.clone(), access()], &[]).max_ttl(), hours(12));
        own.spec.options.max_session_ttl = Some(GoDuration(hours(100)));
        assert_eq!(rights(vec![own], &[]).max_ttl(), MAX_TTL);
    }

    #[test]
    fn the_time_of_a_role_bounds_a_login_and_its_renewals() {
        let hours = |h: u64| Duration::from_secs(h * 3600);
        let longest = |times: &[Option<u64>], renewal: u64| {
            let own = |time: &Option<u64>| {
                let mut own = role(Conditions::default(), Conditions::default());
                own.spec.options.max_session_ttl = time.map(|h| GoDuration(hours(h)));
                own
            };
            rights(times.iter().map(own).collect(), &[]).longest_login(hours(renewal))
        };
        assert_eq!(longest(&[None], 0), hours(12));
        assert_eq!(longest(&[None], 1), hours(12));
        assert_eq!(longest(&[None], 24), hours(24));
        assert_eq!(longest(&[Some(1)], 24), hours(1), "the role's word wins");
        assert_eq!(longest(&[Some(20), None, Some(16)], 24), hours(16));
        assert_eq!(longest(&[Some(20)], 0), hours(20));
        assert_eq!(longest(&[Some(100)], 0), MAX_TTL);
        assert_eq!(longest(&[Some(100)], 168), hours(100));
        assert_eq!(
            rights(vec![access()], &[]).longest_login(hours(24)),
            hours(24),
            "a built-in role says nothing"
        );
    }

    #[test]
    fn the_least_life_counts_and_one_role_that_forwards_is_enough() {
        let mut short = role(Conditions::default(), Conditions::default());
        short.spec.options.max_session_ttl = Some(GoDuration(Duration::from_secs(600)));
        short.spec.options.port_forwarding = Some(false);
        assert_eq!(rights(vec![access(), short.clone()], &[]).max_ttl(), Duration::from_secs(600));
        assert!(rights(vec![access(), short.clone()], &[]).ssh().port_forwarding);
        assert!(!rights(vec![short], &[]).ssh().port_forwarding);
    }

    #[test]
    fn names_that_would_forge_a_header_are_refused() {
        let traits: &[(&str, &[&str])] =
            &[("kubernetes_groups", &["a\r\nImpersonate-Group: system:masters"])];
        assert!(matches!(rights(vec![access()], traits).kubernetes(), Err(AccessError::BadName(_))));
        let several: &[(&str, &[&str])] = &[("kubernetes_users", &["a", "b"])];
        assert!(matches!(
            rights(vec![access()], several).kubernetes(),
            Err(AccessError::SeveralUsers { .. })
        ));
    }
}
