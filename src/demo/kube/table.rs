//! `metav1.Table`: what `kubectl get` shows, made by the server as kube-apiserver's printers make it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::columns::{self, Column};
use super::resources::Resource;
use super::respond::{self, IncludeObject};

/// A table of objects. `metadata` is the list's.
pub(crate) fn table<'a>(
    resource: &Resource,
    version: &str,
    include: IncludeObject,
    metadata: Value,
    objects: impl Iterator<Item = &'a Value>,
) -> Value {
    let columns = columns::of(resource);
    let now = Timestamp::now();
    let rows: Vec<_> = objects
        .map(|object| {
            let cells: Vec<_> = columns.iter().map(|column| (column.cell)(object, now)).collect();
            let mut row = json!({"cells": cells});
            match include {
                IncludeObject::Nothing => {}
                IncludeObject::Metadata => {
                    let mut partial = respond::partial(object);
                    partial["apiVersion"] = format!("meta.k8s.io/{version}").into();
                    row["object"] = partial;
                }
                IncludeObject::Object => row["object"] = object.clone(),
            }
            row
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": format!("meta.k8s.io/{version}"), "metadata": metadata,
        "columnDefinitions": columns.iter().map(Column::definition).collect::<Vec<_>>(), "rows": rows,
    })
}

/// A time as an age: `12s`, `5m30s`, `3h`, `2d4h` (apimachinery `duration.HumanDuration`).
pub(crate) fn age(since: &Value, now: Timestamp) -> Value {
    let Some(since) = since.as_str().and_then(|text| text.parse::<Timestamp>().ok()) else {
        return "<unknown>".into();
    };
    human_duration(now.as_second() - since.as_second()).into()
}

fn human_duration(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let pair = |whole: i64, unit: &str, rest: i64, small: &str| {
        if rest == 0 { format!("{whole}{unit}") } else { format!("{whole}{unit}{rest}{small}") }
    };
    match seconds {
        i64::MIN..0 => "0s".into(),
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => pair(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{resources, seed, store::Store};
    use super::*;

    #[test]
    fn ages_are_short() {
        for (seconds, text) in [
            (-5, "0s"),
            (119, "119s"),
            (150, "2m30s"),
            (180, "3m"),
            (3600, "60m"),
            (4 * 3600 + 60, "4h1m"),
            (9 * 3600, "9h"),
            (3 * 86400 + 3600, "3d1h"),
            (10 * 86400, "10d"),
            (3 * 365 * 86400, "3y"),
        ] {
            assert_eq!(human_duration(seconds), text);
        }
        assert_eq!(age(&Value::Null, Timestamp::now()), "<unknown>");
    }

    #[test]
    fn rows_fit_their_columns() {
        let store = Store::new();
        seed::plant(&store).unwrap();
        store.read(|all| {
            for resource in resources::ALL.iter().filter(|r| r.is_stored()) {
                let objects = all.list(resource.plural, "").map(|(_, object)| &**object);
                let table = table(resource, "v1", IncludeObject::Metadata, json!({}), objects);
                let columns = table["columnDefinitions"].as_array().unwrap().len();
                for row in table["rows"].as_array().unwrap() {
                    assert_eq!(row["cells"].as_array().unwrap().len(), columns);
                    assert_eq!(row["object"]["kind"], "PartialObjectMetadata");
                }
            }
            let pods = resources::find("", "v1", "pods").unwrap();
            let shell =
                all.list("pods", "default").map(|(_, o)| &**o).filter(|o| o["metadata"]["name"] == "shell");
            let table = table(pods, "v1", IncludeObject::Nothing, json!({}), shell);
            assert_eq!(
                table["rows"][0]["cells"].as_array().unwrap()[..4],
                [json!("shell"), json!("1/1"), json!("Running"), json!("0")]
            );
        });
    }
}
