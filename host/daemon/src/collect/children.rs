//! Datasets that are read under a parent record: the jobs of a run, the reviews of a pull request. Which parents are
//! still to be read is kept with the page that brought them, so a kill forgets none.

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use weir_model::{Op, RawRecord};
use weir_sandbox::Job;
use weir_store::{Put, StateKey};

use super::Depth;
use super::pass::{PassOver, begin_full_pass, forget, read, withdraw_unseen};
use super::run::job;
use crate::error::Fault;
use crate::state_keys;

/// Marks the parents of a page whose children must be read: those whose children were not read at this version. That the
/// record itself is known says nothing: a webhook may have brought it, without its children.
pub(super) fn now_pending(over: &PassOver<'_>, records: &[RawRecord]) -> Result<Vec<Put>, Fault> {
    let children = over.datasets.iter().filter(|child| child.parent.as_deref() == Some(over.dataset.name.as_str()));
    let parents = records.iter().filter(|record| record.op == Op::Upsert && !record.is_unreadable());
    let mut puts = Vec::new();
    for (child, parent) in children.flat_map(|child| parents.clone().map(move |parent| (child, parent))) {
        if over.depth == Depth::Full || !were_read(over, &child.name, parent)? {
            let key = state_keys::pending_parent(&over.collection.integration, &child.name, &parent.key);
            let value = serde_json::to_vec(&Parent::of(parent)).expect("texts and a number are JSON");
            puts.push(Put { key, value: Some(value) });
        }
    }
    Ok(puts)
}

/// Whether the children of a record were read at the version it has now.
fn were_read(over: &PassOver<'_>, child: &str, parent: &RawRecord) -> Result<bool, Fault> {
    let Some(version) = parent.version else { return Ok(false) };
    let key = state_keys::children_read(&over.collection.integration, child, &parent.key);
    let read_at = over.collection.account.log.state(&key).map_err(Fault::from_log)?;
    Ok(read_at.as_deref() == Some(version.to_be_bytes().as_slice()))
}

/// Parents whose children are read side by side; the connection bounds the requests.
const SIDE_BY_SIDE: usize = 6;

/// Reads the children of every parent that waits.
pub(super) async fn read_children(over: &PassOver<'_>) -> Result<(), Fault> {
    let began = begin_full_pass(over).await?;
    let prefix = state_keys::pending(&over.collection.integration, &over.dataset.name);
    let waiting = over.collection.account.log.state_under(&prefix).map_err(Fault::from_log)?;
    over.tally.wait_for(waiting.len());
    let readings = waiting.into_iter().map(|(key, value)| read_child(over, key, value));
    let mut readings = stream::iter(readings).buffer_unordered(SIDE_BY_SIDE);
    while let Some(read) = readings.next().await {
        read?;
        over.tally.read_one();
        over.tell();
    }
    match began.filter(|_| over.sees_all) {
        Some(began) => withdraw_unseen(over, began).await,
        None => Ok(()),
    }
}

async fn read_child(over: &PassOver<'_>, waiting: StateKey, value: Vec<u8>) -> Result<(), Fault> {
    let Ok(parent) = serde_json::from_slice::<Parent>(&value).map(Parent::into_record) else {
        return forget(over, vec![Put { key: waiting, value: None }]).await;
    };
    let cursor_key = state_keys::child_cursor(&over.collection.integration, &over.dataset.name, &parent.key);
    let read_key = state_keys::children_read(&over.collection.integration, &over.dataset.name, &parent.key);
    let at_end = vec![
        Put { key: waiting, value: None },
        Put { key: cursor_key.clone(), value: None },
        Put { key: read_key, value: parent.version.map(|version| version.to_be_bytes().to_vec()) },
    ];
    let order = Job { parent: Some(parent), ..job(over.collection, over.dataset, over.depth, None) };
    match read(over, order, &cursor_key, at_end.clone()).await {
        Err(fault) if fault.gone() => forget(over, at_end).await,
        other => other,
    }
}

/// The parent as its reader will be given it, kept until then.
#[derive(Serialize, Deserialize)]
struct Parent {
    key: String,
    version: Option<i64>,
    context: Option<String>,
    payload: String,
}

impl Parent {
    fn of(record: &RawRecord) -> Self {
        Self {
            key: record.key.clone(),
            version: record.version,
            context: record.context.clone(),
            payload: String::from_utf8_lossy(&record.payload).into_owned(),
        }
    }

    fn into_record(self) -> RawRecord {
        RawRecord { context: self.context, ..RawRecord::upsert(self.key, self.version, self.payload) }
    }
}
