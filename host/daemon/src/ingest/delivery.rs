//! Webhook deliveries: verified, kept as they came, acknowledged. Decoding waits for processing, so that no plugin
//! stands between a sender and its answer.

use ring::digest::{SHA256, digest};
use weir_model::{DatasetName, IntegrationName, RawRecord, StreamId};
use weir_store::{Commit, LogError, Put};

use crate::account::Account;
use crate::error::Fault;
use crate::hex::hex;
use crate::normaliser::{DELIVERIES, DeliveryContext, Source};
use crate::{clock, intake, state_keys};

/// A delivery that passed verification.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// The sender's id of it; none where its scheme has none.
    pub id: Option<String>,
    /// Headers, names in lower case, without signatures and credentials.
    pub headers: Vec<(String, String)>,
    /// Query parameters.
    pub query: Vec<(String, String)>,
    /// Body as it came.
    pub body: Vec<u8>,
}

/// Keeps a delivery unless it was kept before; whether it is new. The id and the bytes are one commit, so that "seen"
/// is never true of bytes that are not held.
pub async fn receive(
    account: &Account,
    integration: &IntegrationName,
    source: &Source,
    received: Received,
) -> Result<Result<bool, LogError>, Fault> {
    let body_hash = digest(&SHA256, &received.body);
    let hex = hex(body_hash);
    let id = received.id.unwrap_or_else(|| hex.clone());
    let seen_key = state_keys::delivery(integration, &id);
    let seen = account.log.state(&seen_key).map_err(Fault::from_log)?;
    if seen.as_deref() == Some(body_hash.as_ref()) {
        return Ok(Ok(false));
    }
    // The same id with another body is kept as well, under a key that says so.
    let key = if seen.is_some() { format!("{id}#{}", &hex[..16]) } else { id };
    let context = DeliveryContext { headers: received.headers, query: received.query };
    let record = RawRecord {
        context: Some(serde_json::to_string(&context).expect("texts are JSON")),
        ..RawRecord::upsert(key, None, received.body)
    };
    let dataset = DatasetName::new(DELIVERIES).expect("a constant name is one");
    let stream = StreamId { integration: integration.clone(), dataset };
    let mut puts = vec![Put { key: seen_key, value: Some(body_hash.as_ref().to_vec()) }];
    puts.extend(source.remember(&account.log, integration)?);
    let commit = Commit { records: vec![(stream, record)], received_at: clock::now(), puts };
    Ok(intake::append_or(account, commit).await?.map(|_| true))
}
