//! Resources as tables for people, with stock tctl's columns.

use serde_json::Value;

use crate::{cli::output::Table, model::Kind};

/// A table for each kind. `width`: the columns of the terminal that shows it; without one nothing is cut.
pub(super) fn render(found: &[(Kind, Value)], width: Option<usize>) -> String {
    let mut out = String::new();
    for kind in Kind::ALL {
        let values: Vec<&Value> = found.iter().filter(|(k, _)| *k == kind).map(|(_, value)| value).collect();
        if !values.is_empty() {
            if !out.is_empty() {
                out.push('\n');
            }
            let table = match kind {
                Kind::Github => connectors(&values),
                Kind::Role => roles(&values),
                Kind::User => users(&values),
            };
            out.push_str(&table.fitted(width));
        }
    }
    out
}

fn connectors(values: &[&Value]) -> Table {
    let mut table = Table::new(["Name", "Teams To Logins"]);
    for value in values {
        let logins = list(&value["spec"]["teams_to_logins"]).map(|m| team(m, "logins"));
        let roles = list(&value["spec"]["teams_to_roles"]).map(|m| team(m, "roles"));
        table.row([text(&value["metadata"]["name"]), &logins.chain(roles).collect::<Vec<_>>().join(", ")]);
    }
    table
}

fn roles(values: &[&Value]) -> Table {
    let mut table = Table::new(["Role", "Allowed to login as", "Kubernetes groups", "Access to resources"]);
    for value in values {
        let allow = &value["spec"]["allow"];
        let rules = list(&allow["rules"])
            .map(|rule| format!("{}:{}", joined(&rule["resources"]), joined(&rule["verbs"])));
        table.row([
            text(&value["metadata"]["name"]),
            &joined(&allow["logins"]),
            &joined(&allow["kubernetes_groups"]),
            &rules.collect::<Vec<_>>().join("; "),
        ]);
    }
    table
}

fn users(values: &[&Value]) -> Table {
    let mut table = Table::new(["User", "Roles", "GitHub id"]);
    for value in values {
        let spec = &value["spec"];
        let ids = list(&spec["github_identities"]).map(|id| id["user_id"].to_string());
        table.row([
            text(&value["metadata"]["name"]),
            &joined(&spec["roles"]),
            &ids.collect::<Vec<_>>().join(", "),
        ]);
    }
    table
}

/// `@organization/team: a, b`
fn team(mapping: &Value, values: &str) -> String {
    format!("@{}/{}: {}", text(&mapping["organization"]), text(&mapping["team"]), joined(&mapping[values]))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn joined(value: &Value) -> String {
    list(value).map(text).collect::<Vec<_>>().join(", ")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connectors_look_as_in_stock_tctl() {
        let stock = include_str!("../../../tests/data/teleport-4.0.2/tctl/get_text.stdout");
        let json = include_str!("../../../tests/data/teleport-4.0.2/tctl/get_json.stdout");
        let ours = render(&[(Kind::Github, serde_json::from_str(json).unwrap())], None);
        // Stock tctl ends each line with a space.
        let trimmed: String = stock.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        assert_eq!(ours, trimmed);
    }
}
