//! The journal: what is in it is durable, and only then is anything acknowledged.
//!
//! One thread writes. Commits that wait together become one write and one `fdatasync`. Segments belong to a
//! generation; a generation's segments are removed only when its packs are sealed.

mod frame;
mod queue;
mod read;
mod recover;
mod segment;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;

use weir_model::{Seq, Timestamp};

use crate::keys::SealKey;
use crate::log::{Home, LogError, Lost};
use crate::state::{Put, StateKey};

pub(crate) use frame::encode_commit;
use queue::Queue;
pub(crate) use queue::{Done, Pending};
pub(crate) use recover::{ClosedAt, Since};
use segment::{Segment, SegmentName};
use writer::Writer;

fn seal_key(home: &Home, generation: u64) -> Arc<SealKey> {
    Arc::new(SealKey::new(&home.keys.purpose(&format!("journal/{generation}"))))
}

/// Values of the state that a generation changed; none where it removed the key.
pub(crate) type Changes = BTreeMap<StateKey, Option<Vec<u8>>>;

/// What became of one key.
pub(crate) enum Change {
    Set(Vec<u8>),
    Removed,
    None,
}

/// A generation that is not sealed yet.
pub(crate) struct Generation {
    pub(crate) number: u64,
    /// First record of this generation, if it has any.
    pub(crate) first: Seq,
    /// Last durable record.
    pub(crate) last: Seq,
    pub(crate) lost: Vec<Lost>,
    /// Keys that have a value since it began, and those that have none: no key is in both. Apart, for queues are read
    /// from their front, where the removed ones are.
    set: BTreeMap<StateKey, Vec<u8>>,
    removed: BTreeSet<StateKey>,
    pub(crate) changes_bytes: u64,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) latest_at: Option<Timestamp>,
    key: Arc<SealKey>,
    segments: Vec<Segment>,
}

impl Generation {
    fn new(home: &Home, number: u64, first: Seq) -> Self {
        Self {
            number,
            first,
            last: Seq(first.0.saturating_sub(1)),
            lost: Vec::new(),
            set: BTreeMap::new(),
            removed: BTreeSet::new(),
            changes_bytes: 0,
            started_at: None,
            latest_at: None,
            key: seal_key(home, number),
            segments: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.last < self.first && self.set.is_empty() && self.removed.is_empty() && self.lost.is_empty()
    }

    /// Bytes of its segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Where its last segment ends.
    pub(crate) fn end(&self) -> Option<ClosedAt> {
        let segment = self.segments.last()?;
        Some(ClosedAt { segment: segment.name.number, bytes: segment.bytes, last: self.last })
    }

    fn change(&mut self, puts: Vec<Put>) {
        for Put { key, value } in puts {
            let bytes = key.as_bytes().len() + value.as_ref().map_or(0, Vec::len);
            self.changes_bytes += bytes as u64;
            let old = if let Some(value) = value {
                self.removed.remove(&key);
                self.set.insert(key, value)
            } else {
                let old = self.set.remove(&key);
                self.removed.insert(key);
                old
            };
            self.changes_bytes -= old.map_or(0, |value| value.len() as u64);
        }
    }

    /// Whether a key was set or removed.
    fn has_changed(&self, key: &StateKey) -> bool {
        self.set.contains_key(key) || self.removed.contains(key)
    }

    /// Everything that changed of the keys that begin with `prefix`.
    fn changes_under<'g>(&'g self, prefix: &'g StateKey) -> impl Iterator<Item = (StateKey, Option<Vec<u8>>)> + 'g {
        let set = self.set.range(prefix.clone()..).take_while(|(key, _)| key.is_under(prefix));
        let removed = self.removed.range(prefix.clone()..).take_while(|key| key.is_under(prefix));
        set.map(|(key, value)| (key.clone(), Some(value.clone()))).chain(removed.map(|key| (key.clone(), None)))
    }

    /// Everything that changed.
    pub(crate) fn changes(&self) -> Changes {
        self.changes_under(&StateKey::new::<&str>(&[])).collect()
    }

    fn heard_at(&mut self, at: Timestamp) {
        self.started_at.get_or_insert(at);
        self.latest_at = self.latest_at.max(Some(at));
    }
}

/// What readers see. Generations are in order; the last one takes the appends.
pub(crate) struct View {
    pub(crate) generations: Vec<Generation>,
}

impl View {
    fn active(&mut self) -> &mut Generation {
        self.generations.last_mut().expect("a view is made with a generation, and the last one is never removed")
    }

    pub(crate) fn last(&self) -> Seq {
        self.generations.last().map_or(Seq::ZERO, |generation| generation.last)
    }
}

/// Hears of every durable group.
pub(crate) type Wake = Box<dyn Fn(Seq) + Send + Sync>;

struct Shared {
    home: Home,
    queue: Queue,
    view: RwLock<View>,
    wakes: RwLock<Vec<Wake>>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    sync_us: AtomicU64,
    torn_bytes: AtomicU64,
    refused: Mutex<Option<LogError>>,
}

impl Shared {
    fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn view_mut(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The journal of one account.
pub(crate) struct Journal {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Journal {
    /// Recovers what is in the folder and starts the writer. `since` is the end of what is sealed.
    pub(crate) fn open(home: Home, since: &Since) -> Result<Self, LogError> {
        let recovered = recover::recover(&home, since)?;
        let view = RwLock::new(View { generations: recovered.generations });
        let counts = Counts { torn_bytes: recovered.torn_bytes.into(), ..Counts::default() };
        let next = recovered.next;
        let queue = Queue::new(home.limits.queue_bytes_max);
        let shared = Arc::new(Shared { home, queue, view, wakes: RwLock::default(), counts });
        let mut writer = Writer::new(Arc::clone(&shared), next)?;
        let thread = std::thread::Builder::new().name("weir-journal".to_owned()).spawn(move || writer.run());
        let thread = thread.map_err(|error| LogError::io("start the journal", error))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Generations that have segments in the folder.
    pub(crate) fn generations(home: &Home) -> Result<BTreeSet<u64>, LogError> {
        let names = home.disk.list(&home.journal).map_err(|error| LogError::io("list the journal", error))?;
        Ok(names.iter().filter_map(|name| Some(SegmentName::parse(name)?.generation)).collect())
    }

    /// What the unsealed generations have made of a key.
    pub(crate) fn change(&self, key: &StateKey) -> Change {
        let view = self.view();
        let newest = view.generations.iter().rev().find(|generation| generation.has_changed(key));
        match newest.map(|generation| generation.set.get(key)) {
            Some(Some(value)) => Change::Set(value.clone()),
            Some(None) => Change::Removed,
            None => Change::None,
        }
    }

    /// What the unsealed generations have made of the keys that begin with `prefix`.
    pub(crate) fn changes_under(&self, prefix: &StateKey) -> Changes {
        let view = self.view();
        view.generations.iter().flat_map(|generation| generation.changes_under(prefix)).collect()
    }

    /// The first `n` keys that begin with `prefix` and have a value here, and whether there is more. What was removed
    /// costs nothing.
    pub(crate) fn first_set(&self, prefix: &StateKey, n: usize) -> (BTreeMap<StateKey, Vec<u8>>, bool) {
        let view = self.view();
        let mut set = BTreeMap::new();
        for (index, generation) in view.generations.iter().enumerate() {
            let newer = &view.generations[index + 1..];
            let under = generation.set.range(prefix.clone()..).take_while(|(key, _)| key.is_under(prefix));
            let current = under.filter(|(key, _)| !newer.iter().any(|newer| newer.has_changed(key)));
            // The first ones of all are among the first ones of each.
            set.extend(current.take(n + 1).map(|(key, value)| (key.clone(), value.clone())));
        }
        let more = set.len() > n;
        while set.len() > n {
            set.pop_last();
        }
        (set, more)
    }

    /// Whether a key was set or removed here.
    pub(crate) fn is_changed(&self, key: &StateKey) -> bool {
        self.view().generations.iter().any(|generation| generation.has_changed(key))
    }

    /// Hands a commit to the writer. When the queue is full it waits for room, or gives the commit back.
    pub(crate) fn submit(&self, pending: Pending, patience: Patience) -> Result<(), Pending> {
        self.shared.queue.push(pending, patience)
    }

    pub(crate) fn last(&self) -> Seq {
        self.shared.view().last()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.shared.queue.is_closed()
    }

    /// What readers see; held only briefly, for the writer waits.
    pub(crate) fn view(&self) -> RwLockReadGuard<'_, View> {
        self.shared.view()
    }

    pub(crate) fn on_append(&self, wake: Wake) {
        self.shared.wakes.write().unwrap_or_else(PoisonError::into_inner).push(wake);
    }

    /// Begins a new generation behind what is durable now, if there is anything.
    pub(crate) fn rotate(&self) {
        self.shared.queue.rotate();
    }

    /// Lets the next record be at least the one after `seq`; the gap, if any, is reported as lost.
    pub(crate) fn raise(&self, seq: Seq) {
        self.shared.queue.raise(seq);
    }

    /// Removes the segments of a generation that is sealed now.
    pub(crate) fn forget(&self, generation: u64) -> Result<(), LogError> {
        let segments = {
            let mut view = self.shared.view_mut();
            let index = view.generations.iter().position(|candidate| candidate.number == generation);
            index.map_or_else(Vec::new, |index| view.generations.remove(index).segments)
        };
        let names: Vec<_> = segments.iter().map(|segment| segment.name).collect();
        recover::remove_segments(&self.shared.home, &names)
    }

    pub(crate) fn sync_us(&self) -> u64 {
        self.shared.counts.sync_us.load(Ordering::Relaxed)
    }

    pub(crate) fn torn_bytes(&self) -> u64 {
        self.shared.counts.torn_bytes.load(Ordering::Relaxed)
    }

    /// The error after which appends are refused, if there was one.
    pub(crate) fn refused(&self) -> Option<LogError> {
        self.shared.counts.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes what is queued and stops. Later commits are refused.
    pub(crate) fn close(&self) {
        self.shared.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // The writer answers every commit even when it panics, so there is nothing left to learn from it.
            let _ = thread.join();
        }
    }
}

/// What to do when the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    Wait,
    None,
}
