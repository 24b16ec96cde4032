use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::PermissionsExt,
};

use super::*;

fn event(name: &str) -> Event {
    Event::RoleCreated { name: name.into(), user: "alice".into() }
}

fn open(dir: &Path) -> AuditLog {
    AuditLog::open(dir, Uuid::nil(), "example", Arc::default()).unwrap()
}

async fn all(log: &AuditLog) -> Vec<Value> {
    log.read(Timestamp::UNIX_EPOCH, Timestamp::MAX, 1000).await.unwrap()
}

#[tokio::test]
async fn events_are_lines_with_the_common_keys_behind_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.emit(event("one")).await;
    log.emit(event("two\nlines")).await;
    let text = fs::read_to_string(dir.path().join("log/events.log")).unwrap();
    assert_eq!(text.lines().count(), 2);
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    for (key, value) in
        [("event", "role.created"), ("code", "T9000I"), ("namespace", "default"), ("cluster_name", "example")]
    {
        assert_eq!(first[key], value);
    }
    assert_eq!(first["ei"], 0);
    assert!(first["uid"].as_str().unwrap().parse::<Uuid>().is_ok());
    assert!(first["time"].as_str().unwrap().len() == "2019-07-30T00:00:00Z".len());
    let folder = dir.path().join("log").join(Uuid::nil().to_string());
    let file = folder.join(file_name(day_of(Timestamp::now())));
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(all(&log).await.len(), 2);
    assert_eq!(log.read(Timestamp::UNIX_EPOCH, Timestamp::MAX, 1).await.unwrap()[0]["name"], "one");
    assert!(log.read(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn strangers_cannot_fill_the_log_and_the_rest_is_summed_up() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let stranger = |ip: &str| {
        let remote = format!("{ip}:4711").parse().unwrap();
        Event::AuthFailed { remote, listener: "kube", error: "no certificate".into() }
    };
    for _ in 0..100 {
        log.emit_of_stranger(stranger("192.0.2.1"), "192.0.2.1".parse().unwrap()).await;
    }
    log.emit_of_stranger(stranger("192.0.2.2"), "192.0.2.2".parse().unwrap()).await;
    let written = all(&log).await;
    let of = |ip: &str| written.iter().filter(|e| e["addr.remote"] == format!("{ip}:4711")).count() as u64;
    assert!((30..40).contains(&of("192.0.2.1")), "{written:?}");
    assert_eq!(of("192.0.2.2"), 1);
    log.close().await;
    let sum = all(&log).await.pop().unwrap();
    assert_eq!((&sum["code"], &sum["count"]), (&"T3007W".into(), &(100 - of("192.0.2.1")).into()), "{sum}");
}

#[tokio::test]
async fn a_torn_line_spoils_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.emit(event("one")).await;
    log.close().await;
    let file = dir.path().join("log/events.log");
    OpenOptions::new().append(true).open(&file).unwrap().write_all(b"{\"event\":\"ha").unwrap();
    let log = open(dir.path());
    log.emit(event("two")).await;
    let names: Vec<_> = all(&log).await.into_iter().map(|e| e["name"].clone()).collect();
    assert_eq!(names, ["one", "two"]);
}
