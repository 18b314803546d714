//! One pass over a dataset: steps of the reader, each page kept with its cursor before the next one is read.

use std::collections::{BTreeMap, BTreeSet};

use weir_model::{RawRecord, Seq, StreamId};
use weir_sandbox::{Dataset, Job, Page, PluginState, Reader, Retry};
use weir_store::{Commit, Put, StateKey};

use super::run::{job, stream};
use super::{CollectProgress, Collection, Depth, RunRecord};
use crate::error::Fault;
use crate::state_keys;
use crate::{clock, intake};

/// Steps of one reader without an end that make us give up: a connector that never says it is done.
const STEPS_MAX: u64 = 1_000_000;
/// Records read at once when looking for what a pass has seen.
const SCAN_RECORDS: usize = 5_000;
/// Bytes read at once then.
const SCAN_BYTES: usize = 16 << 20;
/// Pages without a record or a new cursor that make us give up.
const IDLE_STEPS_MAX: u64 = 100;

/// A pass over one dataset.
pub(super) struct PassOver<'a> {
    pub(super) collection: &'a Collection,
    pub(super) dataset: &'a Dataset,
    pub(super) datasets: &'a [Dataset],
    pub(super) depth: Depth,
    pub(super) run: &'a mut RunRecord,
    pub(super) progress: &'a (dyn Fn(&CollectProgress) + Sync),
}

/// Reads a dataset of its own to its end.
pub(super) async fn read_dataset(over: &mut PassOver<'_>) -> Result<(), Fault> {
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
pub(super) async fn begin_full_pass(over: &PassOver<'_>) -> Result<Option<Seq>, Fault> {
    if over.depth != Depth::Full && over.dataset.incremental {
        return Ok(None);
    }
    let log = &over.collection.account.log;
    let key = state_keys::full_pass(&over.collection.integration, &over.dataset.name);
    if let Some(bytes) = log.state(&key).map_err(Fault::from_log)? {
        if let Ok(began) = <[u8; 8]>::try_from(bytes.as_slice()) {
            return Ok(Some(Seq(u64::from_be_bytes(began))));
        }
    }
    let began = log.last();
    let cursor = state_keys::cursor(&over.collection.integration, &over.dataset.name);
    let puts = vec![Put { key, value: Some(began.0.to_be_bytes().to_vec()) }, Put { key: cursor, value: None }];
    keep(over, Vec::new(), puts).await?;
    Ok(Some(began))
}

/// Takes as deleted what a complete full pass did not see, and ends the pass.
pub(super) async fn withdraw_unseen(over: &mut PassOver<'_>, began: Seq) -> Result<(), Fault> {
    let stream = stream(over.collection, over.dataset)?;
    // What was seen is known once it is processed: unchanged records count as seen too.
    intake::processed(&over.collection.account, over.collection.account.log.last()).await?;
    let unseen = unseen(over, &stream, began)?;
    over.run.withdrawn += u64::try_from(unseen.len()).unwrap_or(u64::MAX);
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
    let log = &over.collection.account.log;
    let mut after = began;
    while !unseen.is_empty() {
        let batch = log.read(after, SCAN_RECORDS, SCAN_BYTES).map_err(Fault::from_log)?;
        if batch.next == after {
            break;
        }
        after = batch.next;
        if !batch.lost.is_empty() {
            // What cannot be read may have been seen: nothing is withdrawn on a guess.
            unseen.clear();
        }
        batch.records.iter().filter(|record| record.stream == *stream).for_each(|record| drop(unseen.remove(&record.record.key)));
    }
    Ok(unseen)
}

/// Reads with one reader until it is done. `at_end` is committed together with the last page.
pub(super) async fn read(
    over: &mut PassOver<'_>,
    mut job: Job,
    cursor_key: &StateKey,
    at_end: Vec<Put>,
) -> Result<(), Fault> {
    let log = &over.collection.account.log;
    job.cursor = log.state(cursor_key).map_err(Fault::from_log)?;
    let mut reader = open(over, job.clone()).await?;
    let (mut idle, mut fresh_starts) = (0, 0);
    for _ in 0..STEPS_MAX {
        let page = match reader.step().await {
            Ok(page) => page,
            Err(error) if error.retry() == Retry::WithoutCursor && fresh_starts == 0 => {
                fresh_starts = 1;
                job.cursor = None;
                reader = open(over, job.clone()).await?;
                continue;
            }
            Err(error) => return Err(reading(over, error)),
        };
        idle = if page.records.is_empty() && page.cursor.is_none() { idle + 1 } else { 0 };
        let done = page.done;
        keep_page(over, page, cursor_key, if done { at_end.clone() } else { Vec::new() }).await?;
        if done {
            return Ok(());
        }
        if idle > IDLE_STEPS_MAX {
            break;
        }
    }
    Err(Fault::new(weir_sandbox::Blame::Plugin, format!("dataset `{}` never ends", over.dataset.name)))
}

async fn open(over: &PassOver<'_>, job: Job) -> Result<Reader, Fault> {
    let collection = over.collection;
    let state = plugin_state(collection)?;
    let opened = collection.plugin.open(collection.connection.clone(), job.clone(), state).await;
    match opened {
        Err(error) if error.retry() == Retry::WithoutCursor && job.cursor.is_some() => {
            let again = Job { cursor: None, ..job };
            let state = plugin_state(collection)?;
            collection.plugin.open(collection.connection.clone(), again, state).await.map_err(|e| reading(over, e))
        }
        other => other.map_err(|error| reading(over, error)),
    }
}

fn reading(over: &PassOver<'_>, error: weir_sandbox::CallError) -> Fault {
    Fault::from_call(format!("cannot read dataset `{}` of `{}`", over.dataset.name, over.collection.integration), error)
}

fn plugin_state(collection: &Collection) -> Result<PluginState, Fault> {
    let bytes = collection.account.log.state(&state_keys::plugin_state(&collection.integration)).map_err(Fault::from_log)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
}

/// Commits a page: records, cursor, validators, the plugin's memory, and the parents whose children must be read.
async fn keep_page(over: &mut PassOver<'_>, page: Page, cursor_key: &StateKey, at_end: Vec<Put>) -> Result<(), Fault> {
    let collection = over.collection;
    let stream = stream(collection, over.dataset)?;
    let mut puts = at_end;
    if let Some(cursor) = page.cursor {
        // A put of the same key at the end of the pass comes later and wins.
        puts.insert(0, Put { key: cursor_key.clone(), value: Some(cursor) });
    }
    puts.extend(validators(collection));
    puts.extend(remembered(collection, page.state)?);
    puts.extend(super::children::now_pending(over, &stream, &page.records)?);
    over.run.rejected += u64::try_from(page.rejected.len()).unwrap_or(u64::MAX);
    over.run.pages += 1;
    over.run.records += u64::try_from(page.records.len()).unwrap_or(u64::MAX);
    let records = page.records.into_iter().map(|record| (stream.clone(), record)).collect();
    keep(over, records, puts).await?;
    (over.progress)(&CollectProgress {
        dataset: over.dataset.name.clone(),
        pages: over.run.pages,
        records: over.run.records,
        pending: 0,
    });
    Ok(())
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
fn validators(collection: &Collection) -> Vec<Put> {
    let name = collection.integration.as_str();
    let put = |(target, validator): (String, crate::egress::Validator)| Put {
        key: state_keys::validator(name, &target),
        value: serde_json::to_vec(&validator).ok(),
    };
    collection.connection.take_validators().into_iter().map(put).collect()
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
