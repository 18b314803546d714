//! The run: datasets in the order of their parents, then the history of it.

use std::collections::BTreeSet;

use tracing::{Instrument, field};
use weir_model::{DatasetName, IntegrationName, StreamId, Timestamp};
use weir_sandbox::{Dataset, Job};
use weir_store::{Commit, Put, StateKey};

use super::children::read_children;
use super::known::{Began, Known};
use super::pass::{PassOver, Tally, read_dataset};
use super::{CollectProgress, Collection, DatasetFailure, Depth, RunRecord};
use crate::account::Account;
use crate::clock;
use crate::error::Fault;
use crate::normaliser::Source;
use crate::state_keys;
use crate::traces::{self, span};

/// Runs kept per integration.
const RUNS_KEPT: usize = 100;

/// Collects everything an integration offers. A dataset that fails is recorded and the others go on; the error is
/// only for what keeps the whole from running.
pub async fn collect(
    collection: &Collection,
    depth: Depth,
    progress: &(dyn Fn(&CollectProgress) + Sync),
) -> Result<RunRecord, Fault> {
    let span = span!(
        "collect", weir.integration = %collection.integration, weir.full = depth == Depth::Full,
        weir.records = field::Empty
    );
    let run = collected(collection, depth, progress).instrument(span.clone()).await;
    span.record("weir.records", run.as_ref().map_or(0, |run| run.records));
    traces::succeeded(&span, run.as_ref().is_ok_and(|run| run.failures.is_empty()));
    run
}

async fn collected(
    collection: &Collection,
    depth: Depth,
    progress: &(dyn Fn(&CollectProgress) + Sync),
) -> Result<RunRecord, Fault> {
    let mut run = RunRecord::begun(clock::now(), depth);
    note(collection, &run).await?;
    let datasets = match datasets(collection).await {
        Ok(datasets) => datasets,
        Err(fault) => {
            run.failures.push(DatasetFailure {
                dataset: "*".to_owned(),
                error: fault.chain(),
                blame: fault.blame_word().to_owned(),
                retry: !matches!(fault.retry(), weir_sandbox::Retry::Never),
            });
            run.finished_at = Some(clock::now());
            note(collection, &run).await?;
            return Ok(run);
        }
    };
    let (tally, since) = (Tally::default(), collection.account.log.last());
    let (mut partial, mut whole) = (BTreeSet::new(), BTreeSet::new());
    for dataset in in_order(&datasets) {
        let known = Known::new(depth != Depth::Full, since);
        let depth = depth_of(collection, dataset, depth, &whole)?;
        if depth == Depth::Full {
            whole.insert(dataset.name.clone());
        }
        // Without all parents not all children are seen, and those unseen are not deleted for that.
        let sees_all = dataset.parent.as_ref().is_none_or(|parent| !partial.contains(parent));
        let over =
            PassOver { collection, dataset, datasets: &datasets, depth, sees_all, known, tally: &tally, progress };
        let read = match &dataset.parent {
            None => read_dataset(&over).await,
            Some(_) => read_children(&over).await,
        };
        if let Err(fault) = read {
            if fault.blame() == weir_sandbox::Blame::Host {
                return Err(fault);
            }
            tracing::warn!(integration = %collection.integration, dataset = dataset.name, error = fault.chain(), "dataset was not read to its end");
            run.failures.push(DatasetFailure::of(dataset, &fault));
            partial.insert(dataset.name.clone());
        } else if !sees_all {
            partial.insert(dataset.name.clone());
        }
    }
    tally.write(&mut run);
    run.finished_at = Some(clock::now());
    note(collection, &run).await?;
    note_full(collection, &run).await?;
    Ok(run)
}

async fn datasets(collection: &Collection) -> Result<Vec<Dataset>, Fault> {
    let call = collection.plugin.datasets(collection.connection.clone(), &collection.source.settings);
    let failed = |error| Fault::from_call(format!("cannot list the datasets of `{}`", collection.integration), error);
    let span = span!("plugin", weir.method = "datasets", weir.integration = %collection.integration);
    let datasets = traces::within(span, call).await.map_err(failed)?;
    let named = |dataset: &Dataset| DatasetName::new(dataset.name.as_str()).is_ok();
    match datasets.iter().find(|dataset| !named(dataset)) {
        Some(odd) => Err(Fault::new(weir_sandbox::Blame::Plugin, format!("`{}` is no name of a dataset", odd.name))),
        None => Ok(datasets),
    }
}

/// How deep a dataset is read. A full pass that was cut short is gone on with as one, whatever was asked for: an
/// incremental pass in between would move its cursor past what it has not seen. What is under a dataset that is read
/// whole is read whole too, and so is what can be read no other way.
fn depth_of(
    collection: &Collection,
    dataset: &Dataset,
    asked: Depth,
    whole: &BTreeSet<String>,
) -> Result<Depth, Fault> {
    let parent_is_whole = dataset.parent.as_ref().is_some_and(|parent| whole.contains(parent));
    let only_whole = dataset.parent.is_none() && !dataset.incremental;
    let is_full = asked == Depth::Full || parent_is_whole || only_whole || Began::of(collection, dataset)?.is_some();
    Ok(if is_full { Depth::Full } else { Depth::Incremental })
}

/// Parents before their children; a child without its parent is left out by the plugin's own fault.
fn in_order(datasets: &[Dataset]) -> Vec<&Dataset> {
    let depth = |dataset: &Dataset| {
        let mut depth = 0;
        let mut parent = dataset.parent.as_deref();
        while let Some(found) = parent.and_then(|name| datasets.iter().find(|dataset| dataset.name == name)) {
            depth += 1;
            parent = found.parent.as_deref().filter(|_| depth < datasets.len());
        }
        depth
    };
    let mut ordered: Vec<_> = datasets.iter().collect();
    ordered.sort_by_key(|dataset| depth(dataset));
    ordered
}

/// The order to a reader.
pub(super) fn job(collection: &Collection, dataset: &Dataset, depth: Depth, cursor: Option<Vec<u8>>) -> Job {
    Job {
        dataset: dataset.name.clone(),
        parent: None,
        settings: collection.source.settings.clone(),
        pass: depth.pass(),
        run_at: clock::now(),
        since: None,
        cursor,
    }
}

pub(super) fn stream(collection: &Collection, dataset: &Dataset) -> Result<StreamId, Fault> {
    let dataset = DatasetName::new(dataset.name.as_str()).map_err(|error| {
        Fault::new(weir_sandbox::Blame::Plugin, "the plugin names a dataset badly").caused_by(error)
    })?;
    Ok(StreamId { integration: collection.integration.clone(), dataset })
}

async fn note(collection: &Collection, run: &RunRecord) -> Result<(), Fault> {
    remember(&collection.account, &collection.integration, &collection.source, run).await
}

/// Keeps what is known of the run, drops the oldest history, and remembers what the integration is.
pub(crate) async fn remember(
    account: &Account,
    integration: &IntegrationName,
    source: &Source,
    run: &RunRecord,
) -> Result<(), Fault> {
    let mut puts: Vec<Put> = source.remember(&account.log, integration)?.into_iter().collect();
    let key = state_keys::run(integration, run.started_at);
    puts.push(Put { key, value: Some(serde_json::to_vec(run).expect("a run is JSON")) });
    let runs = account.log.state_under(&state_keys::runs(integration)).map_err(Fault::from_log)?;
    let surplus = (runs.len() + 1).saturating_sub(RUNS_KEPT);
    puts.extend(runs.into_iter().take(surplus).map(|(key, _): (StateKey, Vec<u8>)| Put { key, value: None }));
    crate::intake::append(account, Commit { records: Vec::new(), received_at: clock::now(), puts }).await?;
    Ok(())
}

/// Notes when everything was last read: by a full run, or by the first one there was. What a full run could not read to
/// its end is gone on with by the runs after it, dataset by dataset.
async fn note_full(collection: &Collection, run: &RunRecord) -> Result<(), Fault> {
    let is_first = || last_full(&collection.account, &collection.integration).map(|last| last.is_none());
    let read_everything = run.full || (run.complete() && is_first()?);
    if !read_everything {
        return Ok(());
    }
    let key = state_keys::last_full(&collection.integration);
    let puts = vec![Put { key, value: Some(run.started_at.ms().to_be_bytes().to_vec()) }];
    let commit = Commit { records: Vec::new(), received_at: clock::now(), puts };
    crate::intake::append(&collection.account, commit).await.map(|_| ())
}

/// When the last collection of everything began.
pub fn last_full(account: &Account, name: &IntegrationName) -> Result<Option<Timestamp>, Fault> {
    let bytes = account.log.state(&state_keys::last_full(name)).map_err(Fault::from_log)?;
    let ms = bytes.and_then(|bytes| <[u8; 8]>::try_from(bytes.as_slice()).ok()).map(i64::from_be_bytes);
    Ok(ms.map(Timestamp::from_ms))
}

/// Runs of an integration, newest first.
pub fn last_runs(account: &Account, name: &IntegrationName, limit: usize) -> Result<Vec<RunRecord>, Fault> {
    let runs = account.log.state_under(&state_keys::runs(name)).map_err(Fault::from_log)?;
    let newest = runs.iter().rev().take(limit);
    Ok(newest.filter_map(|(_, value)| serde_json::from_slice(value).ok()).collect())
}
