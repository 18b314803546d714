//! Records of one integration that came in one request.

use weir_model::{DatasetName, IntegrationName, RawRecord, StreamId};
use weir_store::{Commit, Put};

use crate::account::Account;
use crate::error::Fault;
use crate::normaliser::Source;
use crate::{clock, intake};

/// Keeps records with what they put into the state; durable when it returns, and all or nothing.
pub async fn keep_all(
    account: &Account,
    integration: &IntegrationName,
    source: &Source,
    records: Vec<(DatasetName, RawRecord)>,
    puts: Vec<Put>,
) -> Result<(), Fault> {
    let stream = |dataset| StreamId { integration: integration.clone(), dataset };
    let records: Vec<_> = records.into_iter().map(|(dataset, record)| (stream(dataset), record)).collect();
    let puts: Vec<Put> = source.remember(&account.log, integration)?.into_iter().chain(puts).collect();
    if records.is_empty() && puts.is_empty() {
        return Ok(());
    }
    intake::append(account, Commit { records, received_at: clock::now(), puts }).await.map(|_| ())
}
