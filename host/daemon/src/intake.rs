//! The one way into the log: from async code, answered when the records are durable.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use weir_model::Seq;
use weir_store::{Appended, Commit, LogError, Put};

use crate::account::Account;
use crate::error::Fault;

/// Longest wait for the processor to reach a record.
const PROCESSED_WAIT_MAX: Duration = Duration::from_secs(600);

/// Appends and waits until it is durable.
pub async fn append(account: &Account, commit: Commit) -> Result<Appended, Fault> {
    append_or(account, commit).await?.map_err(Fault::from_log)
}

/// Appends and waits until it is durable, with the error of the log as it is: a full disk wants another answer than
/// a broken one.
pub async fn append_or(account: &Account, commit: Commit) -> Result<Result<Appended, LogError>, Fault> {
    let (done, answer) = oneshot::channel();
    account.log.submit(commit, Box::new(move |result| drop(done.send(result))));
    answer.await.map_err(|error| Fault::host("the log has ended").caused_by(error))
}

/// Keeps changes of state alone.
pub async fn keep(account: &Account, puts: Vec<Put>) -> Result<(), Fault> {
    append(account, Commit { records: Vec::new(), received_at: crate::clock::now(), puts }).await.map(|_| ())
}

/// Waits until everything up to `seq` is processed.
pub async fn processed(account: &Arc<Account>, seq: Seq) -> Result<(), Fault> {
    let mut applied = account.applied();
    let reached = applied.wait_for(|watermark| *watermark >= seq);
    match tokio::time::timeout(PROCESSED_WAIT_MAX, reached).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Fault::host("processing does not keep up").hint("see `weir doctor`")),
    }
}
