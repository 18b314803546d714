//! Commits on their way to the writer. Bounded in bytes; every commit in it is answered exactly once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use weir_model::{Seq, Timestamp};

use super::Patience;
use crate::log::{Appended, LogError};
use crate::state::Put;

/// Hears how a commit ended.
pub(crate) type Done = Box<dyn FnOnce(Result<Appended, LogError>) + Send>;

/// A commit in bytes.
pub(crate) struct Pending {
    pub(crate) encoded: Vec<u8>,
    pub(crate) n_records: u32,
    pub(crate) puts: Vec<Put>,
    pub(crate) received_at: Timestamp,
    pub(crate) done: Done,
}

/// What the writer is to do next.
pub(super) enum Work {
    Write(Vec<Pending>),
    Rotate,
    Raise(Seq),
    Stop,
}

pub(super) struct Queue {
    bytes_max: usize,
    inner: Mutex<Inner>,
    work: Condvar,
    room: Condvar,
}

#[derive(Default)]
struct Inner {
    commits: VecDeque<Pending>,
    bytes: usize,
    rotate: bool,
    raise: Option<Seq>,
    closed: bool,
}

impl Queue {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, inner: Mutex::default(), work: Condvar::new(), room: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a commit, or gives it back: closed, or full and the caller cannot wait. An empty queue takes any size.
    pub(super) fn push(&self, pending: Pending, patience: Patience) -> Result<(), Pending> {
        let mut inner = self.lock();
        while !inner.closed && inner.bytes > 0 && inner.bytes + pending.encoded.len() > self.bytes_max {
            if patience == Patience::None {
                return Err(pending);
            }
            inner = self.room.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        if inner.closed {
            return Err(pending);
        }
        inner.bytes += pending.encoded.len();
        inner.commits.push_back(pending);
        self.work.notify_one();
        Ok(())
    }

    pub(super) fn rotate(&self) {
        self.lock().rotate = true;
        self.work.notify_one();
    }

    pub(super) fn raise(&self, seq: Seq) {
        self.lock().raise = Some(seq);
        self.work.notify_one();
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
        self.room.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits for work. Commits come up to `bytes_max` at a time, at least one.
    pub(super) fn next(&self, bytes_max: usize) -> Work {
        let mut inner = self.lock();
        loop {
            if let Some(seq) = inner.raise.take() {
                return Work::Raise(seq);
            }
            if std::mem::take(&mut inner.rotate) {
                return Work::Rotate;
            }
            if !inner.commits.is_empty() {
                let group = inner.take(bytes_max);
                self.room.notify_all();
                return Work::Write(group);
            }
            if inner.closed {
                return Work::Stop;
            }
            inner = self.work.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Inner {
    fn take(&mut self, bytes_max: usize) -> Vec<Pending> {
        let mut group = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.commits.front() {
            if !group.is_empty() && bytes + next.encoded.len() > bytes_max {
                break;
            }
            bytes += next.encoded.len();
            group.extend(self.commits.pop_front());
        }
        self.bytes -= bytes;
        group
    }
}
