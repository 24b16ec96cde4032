//! Who may do what: roles and bindings as they are stored, read anew for each request (`rbac.authorization.k8s.io/v1`).

use serde_json::{Value, json};

use super::identity::User;
use super::request::RequestInfo;
use super::resources;
use super::status::ApiError;
use super::store::{Key, Objects};

/// The group that passes every check.
pub(crate) const MASTERS: &str = "system:masters";

/// What someone wants to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// Verb.
    pub(crate) verb: String,
    /// Whether it is about a resource; else about `path`.
    pub(crate) is_resource: bool,
    /// API group.
    pub(crate) group: String,
    /// Plural name.
    pub(crate) resource: String,
    /// Subresource.
    pub(crate) subresource: String,
    /// Namespace, empty at the cluster scope.
    pub(crate) namespace: String,
    /// Name of one object.
    pub(crate) name: String,
    /// Path of a request that is about no resource.
    pub(crate) path: String,
}

impl Attributes {
    /// Of a request.
    pub(crate) fn of(info: &RequestInfo) -> Self {
        Self {
            verb: info.verb.clone(),
            is_resource: info.is_resource,
            group: info.group.clone(),
            resource: info.resource.clone(),
            subresource: info.subresource.clone(),
            namespace: info.namespace.clone(),
            name: info.name.clone(),
            path: info.path.clone(),
        }
    }

    fn full_resource(&self) -> String {
        match self.subresource.as_str() {
            "" => self.resource.clone(),
            sub => format!("{}/{sub}", self.resource),
        }
    }
}

/// A rule of a role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Verbs.
    pub(crate) verbs: Vec<String>,
    /// API groups.
    pub(crate) groups: Vec<String>,
    /// Resources.
    pub(crate) resources: Vec<String>,
    /// Names; none means all.
    pub(crate) names: Vec<String>,
    /// Paths.
    pub(crate) paths: Vec<String>,
}

impl Rule {
    /// Reads a `PolicyRule`.
    pub(crate) fn read(value: &Value) -> Self {
        let list = |name: &str| {
            let items = value[name].as_array().into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Self {
            verbs: list("verbs"),
            groups: list("apiGroups"),
            resources: list("resources"),
            names: list("resourceNames"),
            paths: list("nonResourceURLs"),
        }
    }

    /// Whether it allows this.
    pub(crate) fn allows(&self, want: &Attributes) -> bool {
        let has = |list: &[String], value: &str| list.iter().any(|item| item == "*" || item == value);
        if !has(&self.verbs, &want.verb) {
            return false;
        }
        if !want.is_resource {
            return self.paths.iter().any(|path| path_matches(path, &want.path));
        }
        let full = want.full_resource();
        let any_of_this_subresource = format!("*/{}", want.subresource);
        has(&self.groups, &want.group)
            && self.resources.iter().any(|r| {
                r == "*" || *r == full || (!want.subresource.is_empty() && *r == any_of_this_subresource)
            })
            && (self.names.is_empty() || self.names.contains(&want.name))
    }

    /// As `PolicyRule`.
    pub(crate) fn to_json(&self) -> Value {
        if self.paths.is_empty() {
            let mut rule =
                json!({"verbs": self.verbs, "apiGroups": self.groups, "resources": self.resources});
            if !self.names.is_empty() {
                rule["resourceNames"] = json!(self.names);
            }
            rule
        } else {
            json!({"verbs": self.verbs, "nonResourceURLs": self.paths})
        }
    }
}

fn path_matches(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => pattern == path,
    }
}

/// Passes when the user may do this; else 403 in Kubernetes' words.
pub(crate) fn require(objects: &Objects, user: &User, want: &Attributes) -> Result<(), ApiError> {
    if allowed(objects, user, want) {
        return Ok(());
    }
    if !want.is_resource {
        let why = format!("User \"{}\" cannot {} path \"{}\"", user.name, want.verb, want.path);
        return Err(ApiError::forbidden("", "", "", &why));
    }
    let scope = match want.namespace.as_str() {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace \"{namespace}\""),
    };
    let why = format!(
        "User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {scope}",
        user.name,
        want.verb,
        want.full_resource(),
        want.group
    );
    Err(ApiError::forbidden(&want.group, &want.resource, &want.name, &why))
}

/// Whether the user may do this.
pub(crate) fn allowed(objects: &Objects, user: &User, want: &Attributes) -> bool {
    if user.groups.iter().any(|group| group == MASTERS) {
        return true;
    }
    rules_for(objects, user, &want.namespace).iter().any(|rule| rule.allows(want))
}

/// All rules that hold for a user in a namespace (cluster-wide ones too; those alone for an empty namespace).
pub(crate) fn rules_for(objects: &Objects, user: &User, namespace: &str) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (_, binding) in objects.list("clusterrolebindings", "") {
        if names_user(binding, user, "") {
            rules.extend(role_rules(objects, &binding["roleRef"], ""));
        }
    }
    if !namespace.is_empty() {
        for (_, binding) in objects.list("rolebindings", namespace) {
            if names_user(binding, user, namespace) {
                rules.extend(role_rules(objects, &binding["roleRef"], namespace));
            }
        }
        // A path is never granted by a namespace's binding; the API server skips such rules too.
    }
    rules
}

/// The rules of the role that a binding refers to.
pub(crate) fn role_rules(objects: &Objects, reference: &Value, namespace: &str) -> Vec<Rule> {
    let name = reference["name"].as_str().unwrap_or("");
    let key = match reference["kind"].as_str() {
        Some("ClusterRole") => Key::new("clusterroles", "", name),
        Some("Role") if !namespace.is_empty() => Key::new("roles", namespace, name),
        _ => return Vec::new(),
    };
    let role = objects.get(&key);
    role.map(|role| role["rules"].as_array().into_iter().flatten().map(Rule::read).collect())
        .unwrap_or_default()
}

fn names_user(binding: &Value, user: &User, namespace: &str) -> bool {
    binding["subjects"].as_array().into_iter().flatten().any(|subject| {
        let name = subject["name"].as_str().unwrap_or("");
        match subject["kind"].as_str() {
            Some("User") => user.name == name,
            Some("Group") => user.groups.iter().any(|group| group == name),
            Some("ServiceAccount") => {
                let namespace = subject["namespace"].as_str().filter(|n| !n.is_empty()).unwrap_or(namespace);
                !namespace.is_empty() && user.name == format!("system:serviceaccount:{namespace}:{name}")
            }
            _ => false,
        }
    })
}

/// Nobody grants what they do not hold: the rules that are written must be covered by those of the writer, who else
/// needs the verb `escalate` on the role or `bind` on the binding's role.
pub(crate) fn check_grant(
    objects: &Objects,
    user: &User,
    resource: &resources::Resource,
    namespace: &str,
    object: &Value,
) -> Result<(), ApiError> {
    let name = object["metadata"]["name"].as_str().unwrap_or("");
    let (verb, role_resource, role_name, granted) = match resource.kind {
        "ClusterRole" | "Role" => {
            let rules = object["rules"].as_array().into_iter().flatten().map(Rule::read).collect();
            ("escalate", resource.plural, name, rules)
        }
        "ClusterRoleBinding" | "RoleBinding" => {
            let reference = &object["roleRef"];
            let plural = if reference["kind"] == "Role" { "roles" } else { "clusterroles" };
            (
                "bind",
                plural,
                reference["name"].as_str().unwrap_or(""),
                role_rules(objects, reference, namespace),
            )
        }
        _ => return Ok(()),
    };
    let exempt = Attributes {
        verb: verb.into(),
        is_resource: true,
        group: resource.group.into(),
        resource: role_resource.into(),
        namespace: namespace.into(),
        name: role_name.into(),
        ..Attributes::default()
    };
    if allowed(objects, user, &exempt) {
        return Ok(());
    }
    let held = rules_for(objects, user, namespace);
    let missing: Vec<_> = granted.iter().filter(|rule| !covered(rule, &held)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let groups = user.groups.iter().map(|g| format!("{g:?}")).collect::<Vec<_>>().join(" ");
    let rules = missing.iter().map(|rule| compact(rule)).collect::<Vec<_>>().join("\n");
    let why = format!(
        "user {:?} (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:\n{rules}",
        user.name
    );
    Err(ApiError::forbidden(resource.group, resource.plural, name, &why))
}

/// Whether rules that are held give all of another rule.
fn covered(rule: &Rule, held: &[Rule]) -> bool {
    let all = |list: &[String], value: &String| list.iter().any(|item| item == "*" || item == value);
    let paths = rule.paths.iter().all(|path| {
        rule.verbs.iter().all(|verb| {
            held.iter().any(|h| all(&h.verbs, verb) && h.paths.iter().any(|p| path_matches(p, path)))
        })
    });
    paths
        && rule.verbs.iter().all(|verb| {
            rule.groups.iter().all(|group| {
                rule.resources.iter().all(|resource| {
                    held.iter().any(|h| {
                        all(&h.verbs, verb)
                            && all(&h.groups, group)
                            && all(&h.resources, resource)
                            && (h.names.is_empty()
                                || (!rule.names.is_empty() && rule.names.iter().all(|n| h.names.contains(n))))
                    })
                })
            })
        })
}

fn compact(rule: &Rule) -> String {
    let list = |name: &str, items: &[String]| {
        let quoted = items.iter().map(|item| format!("{item:?}")).collect::<Vec<_>>().join(" ");
        (!items.is_empty()).then(|| format!("{name}:[{quoted}]"))
    };
    let parts = [
        list("NonResourceURLs", &rule.paths),
        list("APIGroups", &rule.groups),
        list("Resources", &rule.resources),
        list("ResourceNames", &rule.names),
        list("Verbs", &rule.verbs),
    ];
    format!("{{{}}}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
#[path = "rbac_tests.rs"]
mod tests;
