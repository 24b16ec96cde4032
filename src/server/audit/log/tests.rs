use std::os::unix::fs::PermissionsExt;

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
    let file = folder.join(file_name(today()));
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

#[tokio::test]
async fn a_log_that_cannot_be_written_is_unhealthy_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let metrics: Arc<Metrics> = Arc::default();
    let (_, full) = (0, OpenOptions::new().read(true).write(true).open("/dev/full"));
    // Systems without /dev/full have no cheap full disk.
    let Ok(full) = full else { return };
    let healthy = Arc::new(AtomicBool::new(true));
    let mut writer = Writer {
        folder: dir.path().to_owned(),
        link: dir.path().join("events.log"),
        healthy: healthy.clone(),
        metrics: metrics.clone(),
        open: Some((today(), full)),
        dirty: false,
    };
    let (written, _done) = oneshot::channel();
    writer.obey([Order::Line { line: b"{}\n".to_vec(), day: today(), written }].into_iter());
    assert!(!healthy.load(Ordering::Relaxed));
    assert!(metrics.to_text().contains("audit_events_lost_total 1"));
    writer.probe();
    assert!(!healthy.load(Ordering::Relaxed));
    writer.open = None;
    writer.probe();
    assert!(healthy.load(Ordering::Relaxed));
    assert_eq!(fs::metadata(dir.path().join(file_name(today()))).unwrap().len(), 0);
}

#[test]
fn each_utc_day_has_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer {
        folder: dir.path().to_owned(),
        link: dir.path().join("events.log"),
        healthy: Arc::default(),
        metrics: Arc::default(),
        open: None,
        dirty: false,
    };
    let late: Timestamp = "2026-01-31T23:59:59Z".parse().unwrap();
    let early: Timestamp = "2026-02-01T00:00:00Z".parse().unwrap();
    writer.write(day_of(late), b"{\"time\":\"2026-01-31T23:59:59Z\"}\n").unwrap();
    writer.write(day_of(early), b"{\"time\":\"2026-02-01T00:00:00Z\"}\n").unwrap();
    assert!(dir.path().join("2026-01-31.00:00:00.log").exists());
    assert_eq!(fs::read_link(dir.path().join("events.log")).unwrap(), Path::new("2026-02-01.00:00:00.log"));
    assert_eq!(read_folder(dir.path(), late, early, 10).unwrap().len(), 2);
    assert_eq!(read_folder(dir.path(), late, late, 10).unwrap().len(), 1);
}
