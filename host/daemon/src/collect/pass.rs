//! One pass over a dataset: steps of the reader, each page kept with its cursor before the next one is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field;
use weir_model::{IntegrationName, RawRecord, Seq, StreamId};
use weir_sandbox::{CallError, Dataset, Job, Page, PluginState, Reader, Retry};
use weir_store::{Commit, Put, StateKey};

use super::known::{Began, Known};
use super::run::{job, stream};
use super::{CollectProgress, Collection, Depth, RunRecord};
use crate::account::Account;
use crate::egress::{HostConnection, Validator, Validators};
use crate::error::Fault;
use crate::state_keys;
use crate::traces::{self, span};
use crate::{clock, intake};

/// Steps of one reader without an end that make us give up: a connector that never says it is done.
const STEPS_MAX: u64 = 1_000_000;
/// Pages without a record or a new cursor that make us give up.
const IDLE_STEPS_MAX: u64 = 100;

/// A pass over one dataset.
pub(super) struct PassOver<'a> {
    pub(super) collection: &'a Collection,
    pub(super) dataset: &'a Dataset,
    pub(super) datasets: &'a [Dataset],
    pub(super) depth: Depth,
    /// Whether a full pass would see everything there is: not when a parent dataset was not read to its end.
    pub(super) sees_all: bool,
    pub(super) known: Known,
    pub(super) tally: &'a Tally,
    pub(super) progress: &'a (dyn Fn(&CollectProgress) + Sync),
}

/// What a run has brought so far; readers side by side add to it.
#[derive(Default)]
pub(super) struct Tally {
    pages: AtomicU64,
    records: AtomicU64,
    rejected: AtomicU64,
    withdrawn: AtomicU64,
    pending: AtomicU64,
}

impl Tally {
    /// Writes the sums into the history.
    pub(super) fn write(&self, run: &mut RunRecord) {
        run.pages = self.pages.load(Ordering::Relaxed);
        run.records = self.records.load(Ordering::Relaxed);
        run.rejected = self.rejected.load(Ordering::Relaxed);
        run.withdrawn = self.withdrawn.load(Ordering::Relaxed);
    }

    /// Sets how many parents wait.
    pub(super) fn wait_for(&self, parents: usize) {
        self.pending.store(count(parents), Ordering::Relaxed);
    }

    /// One parent less waits.
    pub(super) fn read_one(&self) {
        self.pending.fetch_sub(1, Ordering::Relaxed);
    }
}

fn add(sum: &AtomicU64, n: usize) {
    sum.fetch_add(count(n), Ordering::Relaxed);
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

impl PassOver<'_> {
    /// Tells those who watch how far it is.
    pub(super) fn tell(&self) {
        (self.progress)(&CollectProgress {
            dataset: self.dataset.name.clone(),
            pages: self.tally.pages.load(Ordering::Relaxed),
            records: self.tally.records.load(Ordering::Relaxed),
            pending: self.tally.pending.load(Ordering::Relaxed),
        });
    }
}

/// Reads a dataset of its own to its end.
pub(super) async fn read_dataset(over: &PassOver<'_>) -> Result<(), Fault> {
    let began = begin_full_pass(over).await?;
    let cursor_key = state_keys::cursor(&over.collection.integration, &over.dataset.name);
    let first = job(over.collection, over.dataset, over.depth, None);
    read(over, first, &cursor_key, Vec::new()).await?;
    match began {
        Some(began) => withdraw_unseen(over, began).await,
        None => Ok(()),
    }
}

/// Where in the log a full pass began; it survives a restart, and a resumed pass goes on from its cursor.
pub(super) async fn begin_full_pass(over: &PassOver<'_>) -> Result<Option<Began>, Fault> {
    if over.depth != Depth::Full {
        return Ok(None);
    }
    if let Some(began) = Began::of(over.collection, over.dataset)? {
        return Ok(Some(began));
    }
    let began = Began::new(over.collection.account.log.last());
    let cursor = state_keys::cursor(&over.collection.integration, &over.dataset.name);
    keep(over, Vec::new(), vec![began.put(over), Put { key: cursor, value: None }]).await?;
    Ok(Some(began))
}

/// Takes as deleted what a complete full pass did not see, and ends the pass. A pass that goes on with one which was cut
/// short, and left out what was known, has not seen it all; the next one will.
pub(super) async fn withdraw_unseen(over: &PassOver<'_>, began: Began) -> Result<(), Fault> {
    let stream = stream(over.collection, over.dataset)?;
    // What was seen is known once it is processed: unchanged records count as seen too.
    intake::processed(&over.collection.account, over.collection.account.log.last()).await?;
    let is_in_doubt = over.dataset.rotates || began.left_out;
    let mut unseen = if is_in_doubt { BTreeSet::new() } else { unseen(over, &stream, began.at)? };
    over.known.remove_from(&mut unseen);
    add(&over.tally.withdrawn, unseen.len());
    let withdrawals = unseen.into_iter().map(|key| (stream.clone(), RawRecord::delete(key, None))).collect();
    let key = state_keys::full_pass(&over.collection.integration, &over.dataset.name);
    keep(over, withdrawals, vec![Put { key, value: None }]).await
}

/// What said nothing new since the pass began and was not read by it. The log knows what was read, also of a pass that
/// was cut short and resumed.
fn unseen(over: &PassOver<'_>, stream: &StreamId, began: Seq) -> Result<BTreeSet<String>, Fault> {
    let derived = over.collection.account.derived().clone();
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    let mut unseen = reader.unchanged_since(stream, began).map_err(Fault::from_derived)?;
    for batch in over.collection.account.batches(began) {
        let batch = batch?;
        if unseen.is_empty() {
            break;
        }
        if !batch.lost.is_empty() {
            // What cannot be read may have been seen: nothing is withdrawn on a guess.
            unseen.clear();
        }
        for record in batch.records.iter().filter(|record| record.stream == *stream) {
            if record.record.is_unreadable() {
                // It may have been any of them.
                unseen.clear();
            }
            unseen.remove(&record.record.key);
        }
    }
    Ok(unseen)
}

/// Reads with one reader until it is done. `at_end` is committed together with the last page.
pub(super) async fn read(
    over: &PassOver<'_>,
    mut job: Job,
    cursor_key: &StateKey,
    at_end: Vec<Put>,
) -> Result<(), Fault> {
    let log = &over.collection.account.log;
    job.cursor = log.state(cursor_key).map_err(Fault::from_log)?;
    let connection = view(over, &job);
    let mut reader = open(over, &connection, job.clone()).await?;
    let (mut idle, mut fresh_starts) = (0, 0);
    for _ in 0..STEPS_MAX {
        let page = match step(over, &mut reader).await {
            Ok(page) => page,
            Err(error) if error.retry() == Retry::WithoutCursor && fresh_starts == 0 => {
                fresh_starts = 1;
                job.cursor = None;
                reader = open(over, &connection, job.clone()).await?;
                continue;
            }
            Err(error) => return Err(reading(over, error)),
        };
        idle = if page.records.is_empty() && page.cursor.is_none() { idle + 1 } else { 0 };
        let done = page.done;
        let mut puts = if done { at_end.clone() } else { Vec::new() };
        puts.extend(validators(over, &job, &connection));
        keep_page(over, page, cursor_key, puts).await?;
        if done {
            return Ok(());
        }
        if idle > IDLE_STEPS_MAX {
            break;
        }
    }
    Err(Fault::new(weir_sandbox::Blame::Plugin, format!("dataset `{}` never ends", over.dataset.name)))
}

/// The next page.
async fn step(over: &PassOver<'_>, reader: &mut Reader) -> Result<Page, CallError> {
    let span = span!(
        "page", weir.integration = %over.collection.integration, weir.dataset = over.dataset.name,
        weir.records = field::Empty
    );
    let page = traces::within(span.clone(), reader.step()).await?;
    span.record("weir.records", page.records.len());
    Ok(page)
}

async fn open(over: &PassOver<'_>, connection: &Arc<HostConnection>, job: Job) -> Result<Reader, Fault> {
    let collection = over.collection;
    let state = plugin_state(collection)?;
    let opened = collection.plugin.open(connection.clone(), job.clone(), state).await;
    match opened {
        Err(error) if error.retry() == Retry::WithoutCursor && job.cursor.is_some() => {
            let again = Job { cursor: None, ..job };
            let state = plugin_state(collection)?;
            collection.plugin.open(connection.clone(), again, state).await.map_err(|e| reading(over, e))
        }
        other => other.map_err(|error| reading(over, error)),
    }
}

fn reading(over: &PassOver<'_>, error: weir_sandbox::CallError) -> Fault {
    Fault::from_call(format!("cannot read dataset `{}` of `{}`", over.dataset.name, over.collection.integration), error)
}

fn plugin_state(collection: &Collection) -> Result<PluginState, Fault> {
    let bytes =
        collection.account.log.state(&state_keys::plugin_state(&collection.integration)).map_err(Fault::from_log)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
}

/// Commits a page: records, cursor, validators, the plugin's memory, and the parents whose children must be read.
async fn keep_page(over: &PassOver<'_>, page: Page, cursor_key: &StateKey, with_it: Vec<Put>) -> Result<(), Fault> {
    let collection = over.collection;
    let stream = stream(collection, over.dataset)?;
    let mut puts = with_it;
    if let Some(cursor) = page.cursor {
        // A put of the same key at the end of the pass comes later and wins.
        puts.insert(0, Put { key: cursor_key.clone(), value: Some(cursor) });
    }
    puts.extend(remembered(collection, page.state)?);
    puts.extend(super::children::now_pending(over, &page.records)?);
    let (read, rejected) = (page.records.len(), page.records.iter().filter(|record| record.is_unreadable()).count());
    let known = over.known.of(&collection.account, &stream, &page.records)?;
    if !known.is_empty() {
        puts.extend(left_out(over)?);
    }
    let records = page.records.into_iter().filter(|record| !known.contains(&record.key));
    let records = records.map(|record| (stream.clone(), record)).collect();
    keep(over, records, puts).await?;
    over.known.add(known);
    add(&over.tally.pages, 1);
    add(&over.tally.records, read);
    add(&over.tally.rejected, rejected);
    over.tell();
    Ok(())
}

/// The write that remembers that a full pass has left something out, unless it is known.
fn left_out(over: &PassOver<'_>) -> Result<Option<Put>, Fault> {
    let began = Began::of(over.collection, over.dataset)?.filter(|began| !began.left_out);
    Ok(began.map(|began| Began { left_out: true, ..began }.put(over)))
}

/// Commits changes of the state alone.
pub(super) async fn forget(over: &PassOver<'_>, puts: Vec<Put>) -> Result<(), Fault> {
    keep(over, Vec::new(), puts).await
}

async fn keep(over: &PassOver<'_>, records: Vec<(StreamId, RawRecord)>, puts: Vec<Put>) -> Result<(), Fault> {
    if records.is_empty() && puts.is_empty() {
        return Ok(());
    }
    let commit = Commit { records, received_at: clock::now(), puts };
    intake::append(&over.collection.account, commit).await.map(|_| ())
}

/// Validators of the answers this page was made of. Kept with it and never before, or a 304 could stand for records
/// that are not there.
fn validators(over: &PassOver<'_>, job: &Job, connection: &HostConnection) -> Vec<Put> {
    let parent = job.parent.as_ref().map_or("", |parent| parent.key.as_str());
    let put = |(target, validator): (String, Validator)| Put {
        key: state_keys::validator(&over.collection.integration, &job.dataset, parent, &target),
        value: serde_json::to_vec(&validator).ok(),
    };
    connection.take_validators().into_iter().map(put).collect()
}

/// The connection as this reader sees it: it asks "has this changed" only about what this reader itself has read and
/// kept, and in a full pass not at all.
fn view(over: &PassOver<'_>, job: &Job) -> Arc<HostConnection> {
    if over.depth == Depth::Full {
        return over.collection.connection.without_validators();
    }
    over.collection.connection.with_validators(Arc::new(Kept {
        account: over.collection.account.clone(),
        integration: over.collection.integration.clone(),
        dataset: job.dataset.clone(),
        parent: job.parent.as_ref().map_or_else(String::new, |parent| parent.key.clone()),
    }))
}

/// Validators kept with the pages they belong to.
struct Kept {
    account: Arc<Account>,
    integration: IntegrationName,
    dataset: String,
    parent: String,
}

impl Validators for Kept {
    fn get(&self, target: &str) -> Option<Validator> {
        let key = state_keys::validator(&self.integration, &self.dataset, &self.parent, target);
        serde_json::from_slice(&self.account.log.state(&key).ok()??).ok()
    }
}

fn remembered(collection: &Collection, changes: Vec<(String, Option<Vec<u8>>)>) -> Result<Option<Put>, Fault> {
    if changes.is_empty() {
        return Ok(None);
    }
    let mut state: BTreeMap<String, Vec<u8>> = plugin_state(collection)?;
    for (key, value) in changes {
        match value {
            Some(value) => state.insert(key, value),
            None => state.remove(&key),
        };
    }
    let value = serde_json::to_vec(&state).expect("bytes by text are JSON");
    Ok(Some(Put { key: state_keys::plugin_state(&collection.integration), value: Some(value) }))
}
