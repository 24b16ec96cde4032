//! The one table of what is served: group, version, kind, names, verbs and subresources.

/// A resource type.
#[derive(Debug)]
pub(crate) struct Resource {
    /// API group, empty for core.
    pub(crate) group: &'static str,
    /// Version in the group.
    pub(crate) version: &'static str,
    /// Kind of its objects.
    pub(crate) kind: &'static str,
    /// Name in paths.
    pub(crate) plural: &'static str,
    /// Name of one.
    pub(crate) singular: &'static str,
    /// What kubectl also takes.
    pub(crate) short: &'static [&'static str],
    /// Whether `kubectl get all` shows it.
    pub(crate) in_all: bool,
    /// Whether it lives in a namespace.
    pub(crate) namespaced: bool,
    /// Verbs; a review that is answered and not stored has only `create`.
    pub(crate) verbs: &'static [&'static str],
    /// Subresources.
    pub(crate) subresources: &'static [Subresource],
    /// Fields beside metadata.name and metadata.namespace that a field selector may name.
    pub(crate) fields: &'static [&'static str],
}

/// A subresource such as `pods/log`.
#[derive(Debug)]
pub(crate) struct Subresource {
    /// Name in paths.
    pub(crate) name: &'static str,
    /// Group and version of its kind where they differ from the resource's.
    pub(crate) gv: Option<(&'static str, &'static str)>,
    /// Kind of its body.
    pub(crate) kind: &'static str,
    /// Verbs.
    pub(crate) verbs: &'static [&'static str],
}

impl Resource {
    /// `deployments.apps`, or `pods` for core.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.into() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `apps/v1`, or `v1` for core.
    pub(crate) fn api_version(&self) -> String {
        group_version(self.group, self.version)
    }

    /// Whether objects of it are stored.
    pub(crate) fn is_stored(&self) -> bool {
        self.verbs.len() > 1
    }

    /// The subresource of that name.
    pub(crate) fn subresource(&self, name: &str) -> Option<&'static Subresource> {
        self.subresources.iter().find(|sub| sub.name == name)
    }
}

/// `apps/v1`, or `v1` for core.
pub(crate) fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.into() } else { format!("{group}/{version}") }
}

/// The resource at a path.
pub(crate) fn find(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    ALL.iter().find(|r| r.group == group && r.version == version && r.plural == plural)
}

/// The stored resource of a kind.
pub(crate) fn find_kind(group: &str, version: &str, kind: &str) -> Option<&'static Resource> {
    ALL.iter().find(|r| r.group == group && r.version == version && r.kind == kind)
}

const STORED: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const REVIEW: &[&str] = &["create"];
const CHANGE: &[&str] = &["get", "patch", "update"];
const STREAM: &[&str] = &["create", "get"];
const PROXY: &[&str] = &["create", "delete", "get", "patch", "update"];

const fn sub(name: &'static str, kind: &'static str, verbs: &'static [&'static str]) -> Subresource {
    Subresource { name, gv: None, kind, verbs }
}

const SCALE: Subresource =
    Subresource { name: "scale", gv: Some(("autoscaling", "v1")), kind: "Scale", verbs: CHANGE };

const POD_SUBRESOURCES: &[Subresource] = &[
    sub("attach", "PodAttachOptions", STREAM),
    sub("ephemeralcontainers", "Pod", CHANGE),
    Subresource { name: "eviction", gv: Some(("policy", "v1")), kind: "Eviction", verbs: REVIEW },
    sub("exec", "PodExecOptions", STREAM),
    sub("log", "Pod", &["get"]),
    sub("portforward", "PodPortForwardOptions", STREAM),
    sub("proxy", "PodProxyOptions", PROXY),
    sub("status", "Pod", CHANGE),
];

const POD_FIELDS: &[&str] =
    &["spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase", "status.podIP"];
const EVENT_FIELDS: &[&str] = &[
    "involvedObject.apiVersion",
    "involvedObject.fieldPath",
    "involvedObject.kind",
    "involvedObject.name",
    "involvedObject.namespace",
    "involvedObject.resourceVersion",
    "involvedObject.uid",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

const CORE: Resource = Resource {
    group: "",
    version: "v1",
    kind: "",
    plural: "",
    singular: "",
    short: &[],
    in_all: false,
    namespaced: true,
    verbs: STORED,
    subresources: &[],
    fields: &[],
};
const APPS: Resource =
    Resource { group: "apps", in_all: true, subresources: &[SCALE, sub("status", "", CHANGE)], ..CORE };
const RBAC: Resource = Resource { group: "rbac.authorization.k8s.io", ..CORE };
const AUTHZ: Resource = Resource { group: "authorization.k8s.io", namespaced: false, verbs: REVIEW, ..CORE };

/// Everything served.
pub(crate) static ALL: &[Resource] = &[
    Resource { kind: "ConfigMap", plural: "configmaps", singular: "configmap", short: &["cm"], ..CORE },
    Resource { kind: "Endpoints", plural: "endpoints", singular: "endpoints", short: &["ep"], ..CORE },
    Resource {
        kind: "Event",
        plural: "events",
        singular: "event",
        short: &["ev"],
        fields: EVENT_FIELDS,
        ..CORE
    },
    Resource {
        kind: "Namespace",
        plural: "namespaces",
        singular: "namespace",
        short: &["ns"],
        namespaced: false,
        subresources: &[sub("finalize", "Namespace", &["update"]), sub("status", "Namespace", CHANGE)],
        fields: &["status.phase"],
        ..CORE
    },
    Resource {
        kind: "Node",
        plural: "nodes",
        singular: "node",
        short: &["no"],
        namespaced: false,
        subresources: &[sub("proxy", "NodeProxyOptions", PROXY), sub("status", "Node", CHANGE)],
        fields: &["spec.unschedulable"],
        ..CORE
    },
    Resource {
        kind: "Pod",
        plural: "pods",
        singular: "pod",
        short: &["po"],
        in_all: true,
        subresources: POD_SUBRESOURCES,
        fields: POD_FIELDS,
        ..CORE
    },
    Resource { kind: "Secret", plural: "secrets", singular: "secret", fields: &["type"], ..CORE },
    Resource {
        kind: "ServiceAccount",
        plural: "serviceaccounts",
        singular: "serviceaccount",
        short: &["sa"],
        ..CORE
    },
    Resource {
        kind: "Service",
        plural: "services",
        singular: "service",
        short: &["svc"],
        in_all: true,
        subresources: &[sub("proxy", "ServiceProxyOptions", PROXY), sub("status", "Service", CHANGE)],
        fields: &["spec.clusterIP", "spec.type"],
        ..CORE
    },
    Resource {
        kind: "Deployment",
        plural: "deployments",
        singular: "deployment",
        short: &["deploy"],
        ..APPS
    },
    Resource { kind: "ReplicaSet", plural: "replicasets", singular: "replicaset", short: &["rs"], ..APPS },
    Resource {
        kind: "EndpointSlice",
        plural: "endpointslices",
        singular: "endpointslice",
        group: "discovery.k8s.io",
        ..CORE
    },
    Resource {
        kind: "ClusterRoleBinding",
        plural: "clusterrolebindings",
        singular: "clusterrolebinding",
        namespaced: false,
        ..RBAC
    },
    Resource {
        kind: "ClusterRole",
        plural: "clusterroles",
        singular: "clusterrole",
        namespaced: false,
        ..RBAC
    },
    Resource { kind: "RoleBinding", plural: "rolebindings", singular: "rolebinding", ..RBAC },
    Resource { kind: "Role", plural: "roles", singular: "role", ..RBAC },
    Resource {
        kind: "SelfSubjectReview",
        plural: "selfsubjectreviews",
        singular: "selfsubjectreview",
        group: "authentication.k8s.io",
        ..AUTHZ
    },
    Resource {
        kind: "LocalSubjectAccessReview",
        plural: "localsubjectaccessreviews",
        singular: "localsubjectaccessreview",
        namespaced: true,
        ..AUTHZ
    },
    Resource {
        kind: "SelfSubjectAccessReview",
        plural: "selfsubjectaccessreviews",
        singular: "selfsubjectaccessreview",
        ..AUTHZ
    },
    Resource {
        kind: "SelfSubjectRulesReview",
        plural: "selfsubjectrulesreviews",
        singular: "selfsubjectrulesreview",
        ..AUTHZ
    },
    Resource {
        kind: "SubjectAccessReview",
        plural: "subjectaccessreviews",
        singular: "subjectaccessreview",
        ..AUTHZ
    },
];

/// Groups in the order of discovery, core first, each with its one version.
pub(crate) fn groups() -> Vec<(&'static str, &'static str)> {
    let mut groups = Vec::new();
    for resource in ALL {
        if !groups.contains(&(resource.group, resource.version)) {
            groups.push((resource.group, resource.version));
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_whole_and_plurals_are_unique() {
        let mut seen = std::collections::BTreeSet::new();
        for r in ALL {
            assert!(!r.kind.is_empty() && !r.plural.is_empty() && !r.singular.is_empty());
            assert!(seen.insert(r.plural), "{} stands twice; the store keys by it", r.plural);
        }
    }
}
