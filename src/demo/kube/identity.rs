//! Who asks: the bearer token, and whom it is allowed to stand for (`Impersonate-*`, as kube-apiserver reads them).

use std::collections::BTreeMap;

use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use subtle::ConstantTimeEq;

use super::rbac::{self, Attributes};
use super::status::ApiError;
use super::store::Objects;

/// Namespace of the gate's account.
pub(crate) const GATE_NAMESPACE: &str = "jumpgate";
/// Name of the gate's account.
pub(crate) const GATE_ACCOUNT: &str = "gate";
/// Every user that proved who it is.
pub(crate) const AUTHENTICATED: &str = "system:authenticated";
const UNAUTHENTICATED: &str = "system:unauthenticated";
const ANONYMOUS: &str = "system:anonymous";
const ACCOUNT_PREFIX: &str = "system:serviceaccount:";
const EXTRA_PREFIX: &str = "impersonate-extra-";

/// A user as the API server sees one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct User {
    /// Name.
    pub(crate) name: String,
    /// Identifier, often empty.
    pub(crate) uid: String,
    /// Groups.
    pub(crate) groups: Vec<String>,
    /// Whatever else is known.
    pub(crate) extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// A service account.
    pub(crate) fn service_account(namespace: &str, name: &str) -> Self {
        let mut groups = account_groups(namespace);
        groups.push(AUTHENTICATED.into());
        Self { name: format!("{ACCOUNT_PREFIX}{namespace}:{name}"), groups, ..Self::default() }
    }

    /// As `UserInfo` of `authentication.k8s.io/v1`.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let mut info = serde_json::json!({"username": self.name, "groups": self.groups});
        if !self.uid.is_empty() {
            info["uid"] = self.uid.clone().into();
        }
        if !self.extra.is_empty() {
            info["extra"] = serde_json::json!(self.extra);
        }
        info
    }
}

fn account_groups(namespace: &str) -> Vec<String> {
    vec!["system:serviceaccounts".into(), format!("system:serviceaccounts:{namespace}")]
}

/// Namespace and name of a service account's user name.
fn split_account(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(ACCOUNT_PREFIX)?.split_once(':').filter(|(ns, n)| !ns.is_empty() && !n.is_empty())
}

/// Whether the request carries this bearer token. Compared in constant time.
pub(crate) fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Some((scheme, given)) = value.to_str().ok().and_then(|v| v.split_once(' ')) else { return false };
    scheme.eq_ignore_ascii_case("bearer") && bool::from(given.trim().as_bytes().ct_eq(token.as_bytes()))
}

/// Whom the headers ask to stand for; `None` when they ask for nobody.
pub(crate) fn wanted(headers: &HeaderMap) -> Result<Option<User>, ApiError> {
    let text = |value: &http::HeaderValue| {
        let text = std::str::from_utf8(value.as_bytes());
        text.map(str::to_owned).map_err(|_| ApiError::bad_request("an impersonation header is not UTF-8"))
    };
    let first = |name: &str| headers.get(name).map(text).transpose().map(Option::unwrap_or_default);
    let (name, uid) = (first("impersonate-user")?, first("impersonate-uid")?);
    let groups: Vec<_> = headers.get_all("impersonate-group").iter().map(text).collect::<Result<_, _>>()?;
    let mut extra = BTreeMap::<String, Vec<String>>::new();
    for (header, value) in headers {
        if let Some(key) = header.as_str().strip_prefix(EXTRA_PREFIX) {
            let key = percent_decode_str(key).decode_utf8_lossy().to_lowercase();
            extra.entry(key).or_default().push(text(value)?);
        }
    }
    if name.is_empty() {
        if uid.is_empty() && groups.is_empty() && extra.is_empty() {
            return Ok(None);
        }
        return Err(ApiError::internal("requested impersonation without impersonating a user"));
    }
    Ok(Some(User { name, uid, groups, extra }))
}

/// Checks each part of the wish against the asker's right to `impersonate`, and makes the user.
pub(crate) fn impersonate(objects: &Objects, asker: &User, wanted: User) -> Result<User, ApiError> {
    let ask = |group: &str, resource: &str, subresource: &str, namespace: &str, name: &str| {
        let attributes = Attributes {
            verb: "impersonate".into(),
            is_resource: true,
            group: group.into(),
            resource: resource.into(),
            subresource: subresource.into(),
            namespace: namespace.into(),
            name: name.into(),
            path: String::new(),
        };
        rbac::require(objects, asker, &attributes)
    };
    let mut user = wanted;
    match split_account(&user.name) {
        Some((namespace, name)) => {
            ask("", "serviceaccounts", "", namespace, name)?;
            if user.groups.is_empty() {
                user.groups = account_groups(namespace);
            } else {
                user.groups.iter().try_for_each(|group| ask("", "groups", "", "", group))?;
            }
        }
        None => {
            ask("", "users", "", "", &user.name)?;
            user.groups.iter().try_for_each(|group| ask("", "groups", "", "", group))?;
        }
    }
    if !user.uid.is_empty() {
        ask("authentication.k8s.io", "uids", "", "", &user.uid)?;
    }
    for (key, values) in &user.extra {
        values.iter().try_for_each(|value| ask("authentication.k8s.io", "userextras", key, "", value))?;
    }
    let own = if user.name == ANONYMOUS { UNAUTHENTICATED } else { AUTHENTICATED };
    if !user.groups.iter().any(|group| group == AUTHENTICATED || group == UNAUTHENTICATED) {
        user.groups.push(own.into());
    }
    Ok(user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::kube::seed;
    use crate::demo::kube::store::Store;
    use http::{HeaderName, HeaderValue};

    fn headers(list: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in list {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        map
    }

    fn become_user(list: &[(&str, &str)]) -> Result<User, ApiError> {
        let store = Store::new();
        seed::plant(&store).unwrap();
        let gate = User::service_account(GATE_NAMESPACE, GATE_ACCOUNT);
        store.read(|all| impersonate(all, &gate, wanted(&headers(list))?.unwrap()))
    }

    #[test]
    fn the_token_must_be_the_one() {
        let ok = |value: &str| has_token(&headers(&[("authorization", value)]), "s3cret");
        assert!(ok("Bearer s3cret") && ok("bearer s3cret"));
        assert!(!ok("Bearer s3cre") && !ok("Bearer s3crett") && !ok("s3cret") && !ok("Basic s3cret"));
        assert!(!has_token(&HeaderMap::new(), "s3cret"));
        let two = headers(&[("authorization", "Bearer s3cret"), ("authorization", "Bearer s3cret")]);
        assert!(!has_token(&two, "s3cret"));
    }

    #[test]
    fn the_gate_may_stand_for_users_and_groups() {
        let user = become_user(&[
            ("impersonate-user", "alice"),
            ("impersonate-group", "guest"),
            ("impersonate-group", "dev,ops"),
        ]);
        assert_eq!(user.unwrap().groups, ["guest", "dev,ops", AUTHENTICATED]);
        assert_eq!(become_user(&[("impersonate-user", ANONYMOUS)]).unwrap().groups, [UNAUTHENTICATED]);
    }

    #[test]
    fn what_it_may_not_stand_for_is_refused() {
        let uid = become_user(&[("impersonate-user", "alice"), ("impersonate-uid", "7")]).unwrap_err();
        assert_eq!(
            uid.message,
            "uids.authentication.k8s.io \"7\" is forbidden: User \"system:serviceaccount:jumpgate:gate\" \
             cannot impersonate resource \"uids\" in API group \"authentication.k8s.io\" at the cluster scope"
        );
        let account = become_user(&[("impersonate-user", "system:serviceaccount:demo:default")]).unwrap_err();
        assert_eq!(account.code, 403);
        let extra =
            become_user(&[("impersonate-user", "alice"), ("impersonate-extra-a%2fb", "7")]).unwrap_err();
        assert!(extra.message.contains("userextras/a/b"), "{}", extra.message);
    }

    #[test]
    fn groups_without_a_user_are_an_error() {
        assert_eq!(wanted(&headers(&[("impersonate-group", "guest")])).unwrap_err().code, 500);
        assert_eq!(wanted(&HeaderMap::new()), Ok(None));
    }
}
