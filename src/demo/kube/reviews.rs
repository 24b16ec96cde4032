//! Questions about rights: `SelfSubjectAccessReview`, `SubjectAccessReview`, `SelfSubjectRulesReview`, `SelfSubjectReview`.

use serde_json::{Value, json};

use super::identity::User;
use super::rbac::{self, Attributes, MASTERS, Rule};
use super::resources::Resource;
use super::status::{ApiError, Cause};
use super::store::Objects;

/// Answers a review: the object as sent, with a status.
pub(crate) fn answer(
    objects: &Objects,
    user: &User,
    resource: &Resource,
    namespace: &str,
    mut review: Value,
) -> Result<Value, ApiError> {
    review["apiVersion"] = resource.api_version().into();
    review["kind"] = resource.kind.into();
    if !review["metadata"].is_object() {
        review["metadata"] = json!({});
    }
    review["metadata"]["creationTimestamp"] = Value::Null;
    let status = match resource.kind {
        "SelfSubjectReview" => json!({"userInfo": user.to_json()}),
        "SelfSubjectRulesReview" => rules(objects, user, &review)?,
        "SelfSubjectAccessReview" => access(objects, user, &attributes(resource, &review)?),
        _ => {
            let mut wanted = attributes(resource, &review)?;
            if resource.kind == "LocalSubjectAccessReview" {
                wanted.namespace = namespace.into();
            }
            access(objects, &subject(resource, &review)?, &wanted)
        }
    };
    review["status"] = status;
    Ok(review)
}

fn access(objects: &Objects, user: &User, wanted: &Attributes) -> Value {
    if !rbac::allowed(objects, user, wanted) {
        return json!({"allowed": false});
    }
    let reason =
        if user.groups.iter().any(|g| g == MASTERS) { "" } else { "RBAC: allowed by a stored binding" };
    json!({"allowed": true, "reason": reason})
}

fn attributes(resource: &Resource, review: &Value) -> Result<Attributes, ApiError> {
    let text = |part: &Value, field: &str| part[field].as_str().unwrap_or("").to_owned();
    let spec = &review["spec"];
    let (about, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    if about.is_object() == path.is_object() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        let cause = Cause::invalid("spec.resourceAttributes", about, why);
        return Err(ApiError::invalid(resource, "", &[cause]));
    }
    if path.is_object() {
        return Ok(Attributes {
            verb: text(path, "verb"),
            path: text(path, "path"),
            ..Attributes::default()
        });
    }
    Ok(Attributes {
        verb: text(about, "verb"),
        is_resource: true,
        group: text(about, "group"),
        resource: text(about, "resource"),
        subresource: text(about, "subresource"),
        namespace: text(about, "namespace"),
        name: text(about, "name"),
        path: String::new(),
    })
}

fn subject(resource: &Resource, review: &Value) -> Result<User, ApiError> {
    let spec = &review["spec"];
    let name = spec["user"].as_str().unwrap_or("").to_owned();
    let groups: Vec<_> = spec["groups"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    if name.is_empty() && groups.is_empty() {
        let why = "at least one of user or group must be specified";
        return Err(ApiError::invalid(resource, "", &[Cause::invalid("spec.user", &json!(""), why)]));
    }
    Ok(User { name, groups, ..User::default() })
}

fn rules(objects: &Objects, user: &User, review: &Value) -> Result<Value, ApiError> {
    let namespace = review["spec"]["namespace"].as_str().unwrap_or("");
    if namespace.is_empty() {
        return Err(ApiError::bad_request("no namespace on request"));
    }
    let mut rules = rbac::rules_for(objects, user, namespace);
    if user.groups.iter().any(|group| group == MASTERS) {
        let all = || vec!["*".to_owned()];
        rules.push(Rule { verbs: all(), groups: all(), resources: all(), ..Rule::default() });
        rules.push(Rule { verbs: all(), paths: all(), ..Rule::default() });
    }
    let (paths, resources): (Vec<_>, Vec<_>) = rules.iter().partition(|rule| !rule.paths.is_empty());
    let list = |rules: &[&Rule]| rules.iter().map(|rule| rule.to_json()).collect::<Vec<_>>();
    Ok(json!({"resourceRules": list(&resources), "nonResourceRules": list(&paths), "incomplete": false}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::kube::{resources, seed, store::Store};

    fn ask(user: &User, kind: &str, spec: Value) -> Result<Value, ApiError> {
        let store = Store::new();
        seed::plant(&store).unwrap();
        let resource = resources::ALL.iter().find(|r| r.kind == kind).unwrap();
        store.read(|all| answer(all, user, resource, "", json!({"spec": spec})))
    }

    #[test]
    fn reviews_answer_by_the_same_rules_as_requests() {
        let root = User { name: "root".into(), groups: vec![MASTERS.into()], ..User::default() };
        let alice =
            User { name: "alice".into(), groups: vec!["system:authenticated".into()], ..User::default() };
        let pods =
            json!({"resourceAttributes": {"verb": "list", "resource": "pods", "namespace": "default"}});
        assert_eq!(ask(&root, "SelfSubjectAccessReview", pods.clone()).unwrap()["status"]["allowed"], true);
        assert_eq!(ask(&alice, "SelfSubjectAccessReview", pods.clone()).unwrap()["status"]["allowed"], false);
        let mut other = pods;
        other["groups"] = json!([MASTERS]);
        assert_eq!(ask(&alice, "SubjectAccessReview", other).unwrap()["status"]["allowed"], true);
        assert_eq!(ask(&alice, "SelfSubjectAccessReview", json!({})).unwrap_err().code, 422);
        let rules = ask(&alice, "SelfSubjectRulesReview", json!({"namespace": "default"})).unwrap();
        assert!(rules["status"]["nonResourceRules"].to_string().contains("/openapi"));
        let me = ask(&alice, "SelfSubjectReview", json!({})).unwrap();
        assert_eq!(me["status"]["userInfo"]["username"], "alice");
    }
}
