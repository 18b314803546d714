//! Forwarding: results of this host to a central API, outbound only. Numbered by the domain events, acknowledged by
//! number, resumed from there after a kill or weeks apart.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weir_model::{EntityId, EventNumber, HostName};
use weir_sandbox::{Connection, Method, Request, Target};
use weir_store::{Commit, Put};

use crate::account::Account;
use crate::egress::HostConnection;
use crate::error::Fault;
use crate::{clock, intake, state_keys};

/// Most events of one batch.
const BATCH_EVENTS: usize = 500;

/// Entities as they are after a range of events.
#[derive(Debug, Serialize, Deserialize)]
pub struct ForwardBatch {
    /// Who sends.
    pub host: HostName,
    /// Position before the first event.
    pub after: EventNumber,
    /// Position of the last.
    pub last: EventNumber,
    /// Every entity those events are about.
    pub entities: Vec<ForwardedEntity>,
}

/// One entity as it is on the sending host.
#[derive(Debug, Serialize, Deserialize)]
pub struct ForwardedEntity {
    /// Its id there.
    pub id: EntityId,
    /// Event that changed it last within the batch; its version at central.
    pub event: EventNumber,
    /// Its document; none when it is gone.
    pub document: Option<Box<RawValue>>,
}

/// What central answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct ForwardAnswer {
    /// Position up to which central holds everything, durable.
    pub acknowledged: EventNumber,
}

/// Sends everything central does not have yet; how many events.
pub async fn drain(account: &Arc<Account>, host: &HostName, url: &str, central: &HostConnection) -> Result<u64, Fault> {
    let mut sent = 0;
    let mut position = acknowledged(account, url)?;
    loop {
        let Some(batch) = batch(account, host, position)? else { return Ok(sent) };
        let answer = post(central, &batch).await?;
        if answer.acknowledged <= position && answer.acknowledged < batch.last && answer.acknowledged == batch.after {
            return Err(Fault::new(weir_sandbox::Blame::Upstream, "central took nothing of a batch"));
        }
        sent += answer.acknowledged.0.saturating_sub(position.0);
        position = answer.acknowledged;
        let key = state_keys::forward_position(url);
        let puts = vec![Put { key, value: Some(position.0.to_be_bytes().to_vec()) }];
        intake::append(account, Commit { records: Vec::new(), received_at: clock::now(), puts }).await?;
    }
}

/// Last event that the central at `url` has acknowledged.
pub fn acknowledged(account: &Account, url: &str) -> Result<EventNumber, Fault> {
    let stored = account.log.state(&state_keys::forward_position(url)).map_err(Fault::from_log)?;
    let number = stored.and_then(|bytes| <[u8; 8]>::try_from(bytes.as_slice()).ok());
    Ok(EventNumber(number.map_or(0, u64::from_be_bytes)))
}

fn batch(account: &Account, host: &HostName, after: EventNumber) -> Result<Option<ForwardBatch>, Fault> {
    let events = crate::query::events(&crate::query::View::whole(account), after, BATCH_EVENTS)?.events;
    let Some(last) = events.last().map(|event| event.number) else { return Ok(None) };
    let changed: BTreeMap<EntityId, EventNumber> =
        events.into_iter().map(|event| (event.event.entity, event.number)).collect();
    let derived = account.derived();
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    let mut entities = Vec::with_capacity(changed.len());
    for (id, event) in changed {
        let row = reader.entity(&id).map_err(Fault::from_derived)?;
        let document = row.and_then(|row| row.entity).map(|entity| RawValue::from_string(entity.to_json())).transpose();
        let document = document.map_err(|error| Fault::host("a document is no JSON").caused_by(error))?;
        entities.push(ForwardedEntity { id, event, document });
    }
    Ok(Some(ForwardBatch { host: host.clone(), after, last, entities }))
}

async fn post(central: &HostConnection, batch: &ForwardBatch) -> Result<ForwardAnswer, Fault> {
    let body = serde_json::to_vec(batch).expect("documents are JSON");
    let request = Request {
        method: Method::Post,
        target: Target::Path("/v1/forward".to_owned()),
        headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
        body: Some(body),
        timeout: Some(Duration::from_secs(60)),
        body_bytes_max: Some(64 << 10),
        conditional: false,
    };
    let failed = |what: String| Fault::new(weir_sandbox::Blame::Upstream, what);
    let response =
        central.send(request).await.map_err(|error| failed("cannot reach central".to_owned()).caused_by(error))?;
    match response.status {
        200..=299 => serde_json::from_slice(&response.body)
            .map_err(|error| failed("central answers something else".to_owned()).caused_by(error)),
        401 | 403 => {
            Err(Fault::config("central refuses the key").hint("make one there with `weir key create --scope forward`"))
        }
        status => Err(failed(format!("central answers with status {status}"))),
    }
}
