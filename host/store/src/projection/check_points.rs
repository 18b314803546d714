//! Copies what was committed from SQLite's journal into its file, on a thread of its own, so that no commit waits for it.
//!
//! Best effort: what is not copied stays in the journal, which readers and a start after a crash look into too. When it
//! grows beyond [`JOURNAL_PAGES_MAX`] all the same, the commit that finds it so copies the rest itself.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags};

use crate::derived::{DerivedError, Doing};

/// Pages of the journal from which on the writer copies them: 128 MiB.
pub(super) const JOURNAL_PAGES_MAX: u32 = 32_000;
/// Changed rows after which what they are in is copied. Pages that many of them are in are copied once.
const ROWS: u64 = if cfg!(test) { 500 } else { 100_000 };

/// The thread and what it was last asked for.
#[derive(Debug)]
pub(super) struct CheckPoints {
    /// There until the thread is to end.
    wanted: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// How many rows the writer had changed by then.
    rows: AtomicU64,
}

impl CheckPoints {
    /// Those of the file at `path`.
    pub(super) fn start(path: &Path) -> Result<Self, DerivedError> {
        // One that waits is enough: it copies all there is when it begins.
        let (wanted, asked) = sync_channel(1);
        let thread = std::thread::Builder::new().name("weir-checkpoint".to_owned()).spawn({
            let path = path.to_owned();
            move || serve(&path, &asked)
        });
        let thread = thread.map_err(|source| DerivedError::Folder {
            doing: "start what makes check points of",
            path: path.to_owned(),
            source,
        })?;
        Ok(Self { wanted: Some(wanted), thread: Some(thread), rows: AtomicU64::new(0) })
    }

    /// Hears that the writer has changed `rows` since it was opened, and that all of them are committed.
    pub(super) fn committed(&self, rows: u64) {
        if rows.saturating_sub(self.rows.load(Ordering::Relaxed)) >= ROWS {
            self.rows.store(rows, Ordering::Relaxed);
            // Full: the one that waits will copy these too.
            let _ = self.wanted.as_ref().map(|wanted| wanted.try_send(()));
        }
    }
}

impl Drop for CheckPoints {
    fn drop(&mut self) {
        self.wanted.take();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(path: &Path, asked: &Receiver<()>) {
    for () in asked {
        if let Err(error) = check_point(path) {
            tracing::warn!(path = %path.display(), %error, "what is derived is not copied into its file yet");
        }
    }
}

/// With a connection for this once: one that stays would be in the way of other ways to write.
fn check_point(path: &Path) -> Result<(), DerivedError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let copied = Connection::open_with_flags(path, flags).and_then(|connection| {
        // As far as nobody is in the way.
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
    });
    copied.doing("copy the journal of the projection into its file")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use weir_model::event::NewEvent;
    use weir_model::{Seq, Timestamp};

    use super::super::Projection;
    use super::*;

    #[test]
    fn what_is_committed_gets_into_the_file_while_the_writer_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.db");
        let projection = Projection::open(&path, &"one".into()).unwrap();
        let in_file = || std::fs::read(&path).unwrap().windows(8).any(|bytes| bytes == b"number 7");
        let write = |events: std::ops::Range<u64>, watermark| {
            let mut apply = projection.apply().unwrap();
            for number in events {
                let (kind, entity) = (format!("number {number}"), "build:ci:1".parse().unwrap());
                let event = NewEvent { kind, at: Timestamp::from_ms(0), seq: Seq(1), entity, changes: None };
                apply.event(&event).unwrap();
            }
            apply.finish(Seq(watermark)).unwrap();
        };
        write(0..10, 1);
        assert!(!in_file(), "few rows wait in the journal");
        write(10..ROWS, 2);
        let unfinished = projection.apply().unwrap();
        let began_at = Instant::now();
        while !in_file() {
            assert!(began_at.elapsed() < Duration::from_secs(30), "nothing is copied");
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(unfinished);
        assert_eq!(projection.watermark().unwrap(), Seq(2));
    }
}
