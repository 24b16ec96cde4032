//! The least rights of the gate's own Kubernetes account, for `jumpgate configure --rbac`.

use std::fmt::Write;

const ANY_USER: &str = "# People act under their own names, which are not known before they sign in, so any user may be impersonated, among \
                        them\n# those to whom your cluster gives rights by name. To list the users instead, give each with --user.\n";
const LISTED_USERS: &str =
    "# Nobody else can act: add whoever signs in, by the name under which they act, then apply this again.\n";
const MASTERS: &str =
    "# system:masters means cluster-admin: whoever has the gate's account has the whole cluster.\n";

/// A manifest with a ServiceAccount that may do nothing but impersonate: the named groups only, and the named users
/// (any user when none is named, since users are known only when they sign in).
///
/// Without `groups` no group can be impersonated, and the manifest says so.
pub fn least_rbac(namespace: &str, service_account: &str, groups: &[String], users: &[String]) -> String {
    let (ns, account) = (quoted(namespace), quoted(service_account));
    let mut out = format!(
        "# The account of the gate. It may do nothing but act as others, as the users and groups below:\n\
         # add the groups that your connectors and roles name, then apply this again.\n\
         apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {ns}\n---\n\
         apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {account}\n  namespace: {ns}\n\
         ---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: {account}\nrules:\n"
    );
    let mut rule = |resource: &str, comment: &str, names: &[String]| {
        // Writing to a String does not fail.
        let _ =
            write!(out, "{comment}- apiGroups: [\"\"]\n  resources: [{resource}]\n  verbs: [impersonate]\n");
        if !names.is_empty() {
            out.push_str("  resourceNames:\n");
            for name in names {
                let _ = writeln!(out, "  - {}", quoted(name));
            }
        }
    };
    rule("users", if users.is_empty() { ANY_USER } else { LISTED_USERS }, users);
    if groups.is_empty() {
        out.push_str(
            "# No connector and no role names a Kubernetes group yet; nobody can act through one.\n",
        );
    } else {
        let masters = groups.iter().any(|group| group == "system:masters");
        rule("groups", if masters { MASTERS } else { "" }, groups);
    }
    let _ = write!(
        out,
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata:\n  name: {account}\n\
         roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: {account}\n\
         subjects:\n- kind: ServiceAccount\n  name: {account}\n  namespace: {ns}\n"
    );
    out
}

/// A YAML scalar in double quotes; JSON's escapes are YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn documents(text: &str) -> Vec<Value> {
        text.split("---\n").map(|document| serde_yaml::from_str(document).unwrap()).collect()
    }

    #[test]
    fn e2_3_the_account_may_do_nothing_but_impersonate() {
        let groups = ["system:masters".to_owned(), "odd: \"name\"".to_owned()];
        let all = documents(&least_rbac("teleport", "jumpgate", &groups, &[]));
        assert_eq!(
            all.iter().map(|d| d["kind"].as_str().unwrap()).collect::<Vec<_>>(),
            ["Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"]
        );
        let rules = all[2]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), 2);
        for rule in rules {
            assert_eq!(rule["verbs"], serde_json::json!(["impersonate"]));
            assert_eq!(rule["apiGroups"], serde_json::json!([""]));
        }
        assert!(rules[0].get("resourceNames").is_none());
        assert_eq!(rules[1]["resources"], serde_json::json!(["groups"]));
        assert_eq!(rules[1]["resourceNames"], serde_json::json!(groups));
        let text = least_rbac("teleport", "jumpgate", &groups, &[]);
        assert!(text.contains("system:masters means cluster-admin") && text.contains("any user may be"));
        let text = least_rbac("teleport", "jumpgate", &["dev".into()], &["alice".into()]);
        assert!(!text.contains("cluster-admin") && !text.contains("any user"), "{text}");
        assert_eq!(all[3]["subjects"][0]["namespace"], "teleport");
    }

    #[test]
    fn without_groups_none_can_be_impersonated() {
        let all = documents(&least_rbac("a", "b", &[], &["alice".into()]));
        let rules = all[2]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0]["resourceNames"], serde_json::json!(["alice"]));
    }
}
