//! The packing thread, seen from outside: started, rung, waited for, stopped.
//!
//! Whatever fails in it costs time and nothing else: the journal of a generation stays until its packs are sealed, and
//! until then reads are served from it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use weir_model::Seq;

use super::Raw;
use super::manifest::Manifest;
use super::shelf::ShelfError;
use super::work::Work;
use crate::journal::Journal;
use crate::log::{Home, LogError};

/// A handle on the packing thread.
pub(crate) struct Packer {
    signal: Arc<Signal>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread is to do and what it has done.
#[derive(Default)]
pub(super) struct Signal {
    inner: Mutex<Wishes>,
    wake: Condvar,
    progress: Condvar,
}

#[derive(Default)]
struct Wishes {
    work: bool,
    stop: Option<Stop>,
    /// Rounds of work that have ended.
    n_rounds: u64,
    /// Why the last round failed.
    error: Option<ShelfError>,
    packed: Seq,
}

/// How to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Pack what is left, and leave a manifest that says so.
    Cleanly,
    /// At once; what is not packed is packed again after the next start.
    AtOnce,
}

impl Signal {
    fn lock(&self) -> MutexGuard<'_, Wishes> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        self.lock().work = true;
        self.wake.notify_all();
    }

    /// Waits for work, at most for `pause`. After a failure only the time and a stop count.
    pub(super) fn wait(&self, pause: Duration) -> Option<Stop> {
        let until = Instant::now() + pause;
        let mut wishes = self.lock();
        loop {
            let failed = wishes.error.is_some();
            let left = until.saturating_duration_since(Instant::now());
            if wishes.stop.is_some() || left.is_zero() || (wishes.work && !failed) {
                wishes.work = false;
                return wishes.stop;
            }
            wishes = self.wake.wait_timeout(wishes, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(super) fn stops_at_once(&self) -> bool {
        self.lock().stop == Some(Stop::AtOnce)
    }

    pub(super) fn failed(&self) -> bool {
        self.lock().error.is_some()
    }

    /// Notes how a round of work ended; `packed` is how far it got.
    pub(super) fn note(&self, error: Option<ShelfError>, packed: Option<Seq>) {
        let mut wishes = self.lock();
        wishes.n_rounds += 1;
        wishes.error = error;
        wishes.packed = packed.unwrap_or(wishes.packed);
        self.progress.notify_all();
    }

    /// Lets nobody wait any more.
    pub(super) fn end(&self) {
        self.lock().stop.get_or_insert(Stop::AtOnce);
        self.progress.notify_all();
    }
}

impl Packer {
    /// Starts the thread. `closed` is how the active generation was left.
    pub(crate) fn start(
        home: Home,
        journal: &Arc<Journal>,
        raw: &Arc<Raw>,
        closed: Option<Manifest>,
    ) -> Result<Self, LogError> {
        let signal = Arc::new(Signal::default());
        let bell = Arc::clone(&signal);
        journal.on_append(Box::new(move |_| bell.ring()));
        let mut work = Work::new(home, Arc::clone(journal), Arc::clone(raw), Arc::clone(&signal), closed);
        let thread = std::thread::Builder::new().name("weir-packer".to_owned()).spawn(move || work.run());
        let thread = thread.map_err(|error| LogError::io("start packing", error))?;
        signal.ring();
        Ok(Self { signal, thread: Mutex::new(Some(thread)) })
    }

    /// Why packing fails at present, if it does.
    pub(crate) fn error(&self) -> Option<String> {
        self.signal.lock().error.as_ref().map(ToString::to_string)
    }

    /// Last record that was taken in.
    pub(crate) fn packed(&self) -> Seq {
        self.signal.lock().packed
    }

    /// Waits until `done` says so, looking after each round of work; gives the error of a round that failed.
    pub(crate) fn wait(&self, done: impl Fn() -> bool) -> Result<(), ShelfError> {
        let begun = self.signal.lock().n_rounds;
        loop {
            let n_rounds = self.signal.lock().n_rounds;
            if done() {
                return Ok(());
            }
            let mut wishes = self.signal.lock();
            match &wishes.error {
                _ if wishes.stop.is_some() => return Err(ShelfError("the log is closed".to_owned())),
                Some(error) if wishes.n_rounds > begun => return Err(error.clone()),
                _ => {}
            }
            while wishes.n_rounds == n_rounds && wishes.stop.is_none() {
                wishes = self.signal.progress.wait(wishes).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Packs what is left in the time there is, and stops.
    pub(crate) fn close(&self) {
        self.stop(Stop::Cleanly);
    }

    /// Stops without packing what is left.
    pub(crate) fn abandon(&self) {
        self.stop(Stop::AtOnce);
    }

    fn stop(&self, stop: Stop) {
        self.signal.lock().stop.get_or_insert(stop);
        self.signal.wake.notify_all();
        self.signal.progress.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It catches its own panics; nothing is left to learn.
            let _ = thread.join();
        }
    }
}
