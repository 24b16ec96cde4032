//! The one thread that writes the files of the days.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::{Timestamp, civil::Date};
use tokio::sync::{mpsc, oneshot};

use super::{day_of, file_name};
use crate::server::metrics::Metrics;

/// How many events are written at once.
const BATCH: usize = 256;
/// How many bytes must find a place before a log that was full counts as good again.
const PROBE: usize = 64 * 1024;
/// How long a written line may be unsynced.
const SYNC: Duration = Duration::from_secs(1);

/// What the writer is to do.
pub(super) enum Order {
    /// Write a line into the file of its day, and say when it is written or lost.
    Line { line: Vec<u8>, day: Date, written: oneshot::Sender<()> },
    /// Put everything on disk and end.
    Close(oneshot::Sender<()>),
}

/// What the one thread that writes knows.
pub(super) struct Writer {
    folder: PathBuf,
    link: PathBuf,
    healthy: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
    open: Option<(Date, File)>,
    dirty: bool,
}

impl Writer {
    /// Opens the file of this day.
    pub(super) fn open(
        folder: &Path,
        link: PathBuf,
        healthy: Arc<AtomicBool>,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let folder = folder.to_owned();
        let mut writer = Self { folder, link, healthy, metrics, open: None, dirty: false };
        writer.day(today())?;
        Ok(writer)
    }

    /// Obeys until it is told to close, or until nobody is left who could tell.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut sync = tokio::time::interval(SYNC);
        sync.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                _ = sync.tick() => {
                    self.sync();
                    self.probe();
                }
                count = orders.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        break self.sync();
                    }
                    if let Some(closed) = self.obey(batch.drain(..)) {
                        self.sync();
                        // Whoever asked may have stopped waiting.
                        let _ = closed.send(());
                        break;
                    }
                }
            }
        }
    }

    /// Writes the lines of a batch; the answer is that of a wish to close.
    fn obey(&mut self, batch: impl Iterator<Item = Order>) -> Option<oneshot::Sender<()>> {
        let mut lines: Vec<(Date, Vec<u8>)> = Vec::new();
        let (mut answers, mut close) = (Vec::new(), None);
        for order in batch {
            match order {
                Order::Line { line, day, written } => {
                    answers.push(written);
                    match lines.last_mut() {
                        Some((last, text)) if *last == day => text.extend(line),
                        _ => lines.push((day, line)),
                    }
                }
                Order::Close(closed) => close = Some(closed),
            }
        }
        for (day, text) in lines {
            let result = self.write(day, &text);
            self.judge(result, text.iter().filter(|b| **b == b'\n').count());
        }
        for answer in answers {
            let _ = answer.send(());
        }
        close
    }

    fn write(&mut self, day: Date, text: &[u8]) -> io::Result<()> {
        let file = self.day(day)?;
        let before = file.seek(SeekFrom::End(0))?;
        if let Err(error) = file.write_all(text) {
            // Half a line would spoil the next one too. If even this fails, the reader skips that line.
            let _ = file.set_len(before);
            return Err(error);
        }
        self.dirty = true;
        Ok(())
    }

    fn sync(&mut self) {
        if let Some((_, file)) = &self.open
            && std::mem::take(&mut self.dirty)
        {
            let result = file.sync_data();
            self.judge(result, 0);
        }
    }

    /// While nothing can be written, the gate is not ready and so hears of no events: the log itself tries whether it is over.
    fn probe(&mut self) {
        if self.healthy.load(Ordering::Relaxed) {
            return;
        }
        let mut write = || -> io::Result<()> {
            let file = self.day(today())?;
            let before = file.seek(SeekFrom::End(0))?;
            let written = file.write_all(&[b'\n'; PROBE]).and_then(|()| file.sync_data());
            file.set_len(before)?;
            written
        };
        let result = write();
        self.judge(result, 0);
    }

    /// Logs once when writing begins to fail and once when it works again.
    fn judge(&self, result: io::Result<()>, events: usize) {
        match result {
            Ok(()) => {
                if !self.healthy.swap(true, Ordering::Relaxed) {
                    tracing::info!("the audit log can be written again");
                }
            }
            Err(error) => {
                (0..events).for_each(|_| self.metrics.audit_lost());
                if self.healthy.swap(false, Ordering::Relaxed) {
                    let folder = self.folder.display();
                    tracing::error!(%folder, %error, "the audit log cannot be written; events are lost until it can");
                }
            }
        }
    }

    /// The day's file, opened if it is not; the link shows the newest.
    fn day(&mut self, day: Date) -> io::Result<&mut File> {
        let current = self.open.as_ref().map(|(open, _)| *open);
        if current != Some(day) {
            self.sync();
            let path = self.folder.join(file_name(day));
            let mut file = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(&path)?;
            end_torn_line(&mut file)?;
            self.point_link(&path)?;
            self.open = Some((day, file));
        }
        match &mut self.open {
            Some((_, file)) => Ok(file),
            None => Err(io::Error::other("no file of the day")),
        }
    }

    fn point_link(&self, path: &Path) -> io::Result<()> {
        let top = self.link.parent().unwrap_or(Path::new("."));
        let target = path.strip_prefix(top).unwrap_or(path);
        let temporary = self.link.with_extension("new");
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::os::unix::fs::symlink(target, &temporary)?;
        fs::rename(&temporary, &self.link)
    }
}

/// A gate that was killed may have left half a line; the next one must not be glued to it.
fn end_torn_line(file: &mut File) -> io::Result<()> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(());
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last != [b'\n'] {
        file.write_all(b"\n")?;
    }
    Ok(())
}

fn today() -> Date {
    day_of(Timestamp::now())
}

#[cfg(test)]
mod tests {
    use super::{super::read::read_folder, *};

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
        assert_eq!(
            fs::read_link(dir.path().join("events.log")).unwrap(),
            Path::new("2026-02-01.00:00:00.log")
        );
        assert_eq!(read_folder(dir.path(), late, early, 10).unwrap().len(), 2);
        assert_eq!(read_folder(dir.path(), late, late, 10).unwrap().len(), 1);
    }
}
