//! The columns of each resource's table.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::resources::Resource;
use super::table::age;

/// A column.
pub(crate) struct Column {
    name: &'static str,
    kind: &'static str,
    /// 0 is always shown, 1 with `-o wide`.
    priority: u8,
    /// An object's cell.
    pub(crate) cell: fn(&Value, Timestamp) -> Value,
}

impl Column {
    /// As `TableColumnDefinition`.
    pub(crate) fn definition(&self) -> Value {
        let format = if self.name == "Name" { "name" } else { "" };
        json!({"name": self.name, "type": self.kind, "format": format, "description": self.name,
            "priority": self.priority})
    }
}

type Cell = fn(&Value, Timestamp) -> Value;

const fn text(name: &'static str, cell: Cell) -> Column {
    Column { name, kind: "string", priority: 0, cell }
}

const fn number(name: &'static str, cell: Cell) -> Column {
    Column { name, kind: "integer", priority: 0, cell }
}

const fn wide(name: &'static str, cell: Cell) -> Column {
    Column { name, kind: "string", priority: 1, cell }
}

const NAME: Column = text("Name", |o, _| o["metadata"]["name"].clone());
const AGE: Column = text("Age", |o, now| age(&o["metadata"]["creationTimestamp"], now));
const CREATED: Column = text("Created At", |o, _| o["metadata"]["creationTimestamp"].clone());

static PLAIN: &[Column] = &[NAME, AGE];
static CREATED_AT: &[Column] = &[NAME, CREATED];
static PODS: &[Column] = &[
    NAME,
    text("Ready", |o, _| {
        let all = o["spec"]["containers"].as_array().map_or(0, Vec::len);
        let ready = statuses(o).filter(|status| status["ready"] == true).count();
        format!("{ready}/{all}").into()
    }),
    text("Status", |o, _| or(&o["status"]["phase"], "Unknown")),
    text("Restarts", |o, _| {
        statuses(o).filter_map(|status| status["restartCount"].as_u64()).sum::<u64>().to_string().into()
    }),
    AGE,
    wide("IP", |o, _| or(&o["status"]["podIP"], "<none>")),
    wide("Node", |o, _| or(&o["spec"]["nodeName"], "<none>")),
    wide("Nominated Node", |o, _| or(&o["status"]["nominatedNodeName"], "<none>")),
    wide("Readiness Gates", |_, _| "<none>".into()),
];
static SERVICES: &[Column] = &[
    NAME,
    text("Type", |o, _| or(&o["spec"]["type"], "ClusterIP")),
    text("Cluster-IP", |o, _| or(&o["spec"]["clusterIP"], "<none>")),
    text("External-IP", |o, _| match o["spec"]["type"].as_str() {
        Some("LoadBalancer") => "<pending>".into(),
        Some("ExternalName") => o["spec"]["externalName"].clone(),
        _ => "<none>".into(),
    }),
    text("Port(s)", |o, _| {
        join(o["spec"]["ports"].as_array().into_iter().flatten().map(|port| {
            let protocol = port["protocol"].as_str().unwrap_or("TCP");
            match port["nodePort"].as_u64() {
                Some(node) => format!("{}:{node}/{protocol}", port["port"]),
                None => format!("{}/{protocol}", port["port"]),
            }
        }))
    }),
    AGE,
    wide("Selector", |o, _| labels(&o["spec"]["selector"])),
];
static DEPLOYMENTS: &[Column] = &[
    NAME,
    text("Ready", |o, _| {
        format!("{}/{}", count(&o["status"]["readyReplicas"]), count(&o["spec"]["replicas"])).into()
    }),
    number("Up-to-date", |o, _| count(&o["status"]["updatedReplicas"]).into()),
    number("Available", |o, _| count(&o["status"]["availableReplicas"]).into()),
    AGE,
    wide("Containers", |o, _| template(o, "name")),
    wide("Images", |o, _| template(o, "image")),
    wide("Selector", |o, _| labels(&o["spec"]["selector"]["matchLabels"])),
];
static REPLICA_SETS: &[Column] = &[
    NAME,
    number("Desired", |o, _| count(&o["spec"]["replicas"]).into()),
    number("Current", |o, _| count(&o["status"]["replicas"]).into()),
    number("Ready", |o, _| count(&o["status"]["readyReplicas"]).into()),
    AGE,
    wide("Containers", |o, _| template(o, "name")),
    wide("Images", |o, _| template(o, "image")),
    wide("Selector", |o, _| labels(&o["spec"]["selector"]["matchLabels"])),
];
static CONFIG_MAPS: &[Column] = &[
    NAME,
    number("Data", |o, _| {
        let size = |field: &str| o[field].as_object().map_or(0, serde_json::Map::len);
        (size("data") + size("binaryData")).into()
    }),
    AGE,
];
static SECRETS: &[Column] = &[
    NAME,
    text("Type", |o, _| or(&o["type"], "Opaque")),
    number("Data", |o, _| o["data"].as_object().map_or(0, serde_json::Map::len).into()),
    AGE,
];
static SERVICE_ACCOUNTS: &[Column] =
    &[NAME, number("Secrets", |o, _| o["secrets"].as_array().map_or(0, Vec::len).into()), AGE];
static NAMESPACES: &[Column] = &[NAME, text("Status", |o, _| or(&o["status"]["phase"], "Active")), AGE];
static ENDPOINTS: &[Column] = &[
    NAME,
    text("Endpoints", |o, _| {
        let mut all = Vec::new();
        for subset in o["subsets"].as_array().into_iter().flatten() {
            for address in subset["addresses"].as_array().into_iter().flatten() {
                for port in subset["ports"].as_array().into_iter().flatten() {
                    all.push(format!("{}:{}", address["ip"].as_str().unwrap_or(""), port["port"]));
                }
            }
        }
        join(all.into_iter())
    }),
    AGE,
];
static NODES: &[Column] = &[
    NAME,
    text("Status", |o, _| {
        let ready = o["status"]["conditions"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|c| c["type"] == "Ready" && c["status"] == "True");
        let state = if ready { "Ready" } else { "NotReady" };
        if o["spec"]["unschedulable"] == true {
            format!("{state},SchedulingDisabled").into()
        } else {
            state.into()
        }
    }),
    text("Roles", |o, _| {
        let labels = o["metadata"]["labels"].as_object().into_iter().flatten();
        join(labels.filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/").map(str::to_owned)))
    }),
    AGE,
    text("Version", |o, _| o["status"]["nodeInfo"]["kubeletVersion"].clone()),
    wide("Internal-IP", |o, _| or(&o["status"]["addresses"][0]["address"], "<none>")),
    wide("External-IP", |_, _| "<none>".into()),
    wide("OS-Image", |o, _| o["status"]["nodeInfo"]["osImage"].clone()),
    wide("Kernel-Version", |o, _| o["status"]["nodeInfo"]["kernelVersion"].clone()),
    wide("Container-Runtime", |o, _| o["status"]["nodeInfo"]["containerRuntimeVersion"].clone()),
];
static EVENTS: &[Column] = &[
    text("Last Seen", |o, now| age(&o["lastTimestamp"], now)),
    text("Type", |o, _| o["type"].clone()),
    text("Reason", |o, _| o["reason"].clone()),
    text("Object", |o, _| {
        let text = |field: &str| o["involvedObject"][field].as_str().unwrap_or("").to_owned();
        format!("{}/{}", text("kind").to_lowercase(), text("name")).into()
    }),
    text("Message", |o, _| o["message"].clone()),
    wide("Name", |o, _| o["metadata"]["name"].clone()),
];
static BINDINGS: &[Column] = &[
    NAME,
    text("Role", |o, _| {
        let text = |field: &str| o["roleRef"][field].as_str().unwrap_or("").to_owned();
        format!("{}/{}", text("kind"), text("name")).into()
    }),
    AGE,
    wide("Users", |o, _| subjects(o, "User")),
    wide("Groups", |o, _| subjects(o, "Group")),
    wide("ServiceAccounts", |o, _| subjects(o, "ServiceAccount")),
];

/// The columns of a resource.
pub(crate) fn of(resource: &Resource) -> &'static [Column] {
    match resource.kind {
        "Pod" => PODS,
        "Service" => SERVICES,
        "Deployment" => DEPLOYMENTS,
        "ReplicaSet" => REPLICA_SETS,
        "ConfigMap" => CONFIG_MAPS,
        "Secret" => SECRETS,
        "ServiceAccount" => SERVICE_ACCOUNTS,
        "Namespace" => NAMESPACES,
        "Endpoints" => ENDPOINTS,
        "Node" => NODES,
        "Event" => EVENTS,
        "Role" | "ClusterRole" => CREATED_AT,
        "RoleBinding" | "ClusterRoleBinding" => BINDINGS,
        _ => PLAIN,
    }
}

fn or(value: &Value, otherwise: &str) -> Value {
    value.as_str().filter(|text| !text.is_empty()).unwrap_or(otherwise).into()
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

/// With commas; `<none>` when there is nothing.
fn join(parts: impl Iterator<Item = String>) -> Value {
    let list = parts.collect::<Vec<_>>().join(",");
    if list.is_empty() { "<none>".into() } else { list.into() }
}

fn labels(map: &Value) -> Value {
    let labels = map.as_object().into_iter().flatten();
    join(labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or(""))))
}

fn statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    pod["status"]["containerStatuses"].as_array().into_iter().flatten()
}

fn template(object: &Value, field: &str) -> Value {
    let containers = object["spec"]["template"]["spec"]["containers"].as_array().into_iter().flatten();
    join(containers.map(|container| container[field].as_str().unwrap_or("").to_owned()))
}

fn subjects(binding: &Value, kind: &str) -> Value {
    let subjects = binding["subjects"].as_array().into_iter().flatten();
    let names: Vec<_> = subjects
        .filter(|subject| subject["kind"] == kind)
        .map(|subject| {
            let name = subject["name"].as_str().unwrap_or("");
            match subject["namespace"].as_str() {
                Some(namespace) => format!("{namespace}/{name}"),
                None => name.to_owned(),
            }
        })
        .collect();
    names.join(", ").into()
}
