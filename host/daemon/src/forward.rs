//! Forwarding: results of this host to a central API, outbound only. Numbered by the domain events, acknowledged by
//! number, resumed from there after a kill or weeks apart.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;
use weir_model::{EntityId, EventNumber, HostName};
use weir_sandbox::{Connection, Method, Request, Target};
use weir_store::{Commit, Put};

use crate::account::Account;
use crate::egress::HostConnection;
use crate::error::Fault;
use crate::lifecycle::erasure::Stage;
use crate::traces::{self, span};
use crate::{clock, intake, state_keys};

/// Most events of one batch.
const BATCH_EVENTS: usize = 500;

/// Entities as they are after a range of events.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ForwardBatch {
    /// Who sends.
    pub host: HostName,
    /// Which data folder that is; numbers of events of another one mean something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<Uuid>,
    /// How often what was sent before was replaced by what is left of it: positions begin anew each time.
    #[serde(default)]
    pub epoch: Epoch,
    /// Position before the first event.
    pub after: EventNumber,
    /// Position of the last.
    pub last: EventNumber,
    /// Every entity those events are about.
    pub entities: Vec<ForwardedEntity>,
}

/// One entity as it is on the sending host.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ForwardedEntity {
    /// Its id there.
    pub id: EntityId,
    /// Event that changed it last within the batch; its version at central, within the epoch.
    pub event: EventNumber,
    /// Its document, but for the end of a log; none when it is gone.
    pub document: Option<Box<RawValue>>,
}

/// What central answers.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ForwardAnswer {
    /// Position up to which central holds everything, durable.
    pub acknowledged: EventNumber,
}

/// What is gone on a host, so that copies of it go at central too.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoneHere {
    /// Id of the erasure or decommissioning.
    pub id: Uuid,
    /// The host.
    pub host: HostName,
    /// Highest version of results that are meant; none: all of the host.
    pub up_to: Option<i64>,
}

/// How often a host has begun to send everything again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Epoch(pub u32);

/// Bits of a version that number events; those above number epochs.
const EVENT_BITS: u32 = 40;

impl Epoch {
    /// The version of a result at central: what is sent in a later epoch is newer, whatever its event.
    pub fn version(self, event: EventNumber) -> i64 {
        i64::try_from(event.0).unwrap_or(i64::MAX).saturating_add(i64::from(self.0) << EVENT_BITS)
    }

    /// The highest version of all epochs before.
    pub fn before(self) -> i64 {
        self.version(EventNumber(0)) - 1
    }

    /// That of an account.
    pub fn of(account: &Account) -> Result<Self, Fault> {
        let stored = account.log.state(&state_keys::forward_epoch()).map_err(Fault::from_log)?;
        let number = stored.and_then(|bytes| <[u8; 4]>::try_from(bytes.as_slice()).ok());
        Ok(Self(number.map_or(0, u32::from_be_bytes)))
    }

    /// One that is `by` later.
    #[must_use]
    pub fn later(self, by: u32) -> Self {
        Self(self.0.saturating_add(by))
    }

    /// What begins it: everything that is left is sent again to everybody.
    pub fn begin(self, account: &Account) -> Result<Vec<Put>, Fault> {
        let epoch = Put::set(state_keys::forward_epoch(), self.0.to_be_bytes());
        let positions = centrals(account)?.into_iter().map(|url| Put::remove(state_keys::forward_position(&url)));
        Ok(std::iter::once(epoch).chain(positions).collect())
    }
}

/// How far central is with it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CopiesGone {
    /// The state of the erasure there.
    pub state: Stage,
    /// Records that stay there because of a hold.
    pub held: u64,
    /// The receipt, when it is done.
    pub receipt: Option<Value>,
}

/// Who sends, and where to.
#[derive(Clone, Copy)]
pub struct Sender<'a> {
    /// The host.
    pub host: &'a HostName,
    /// Its data folder.
    pub installation: Uuid,
    /// The central.
    pub url: &'a str,
    /// The connection to it.
    pub central: &'a HostConnection,
}

/// Sends everything central does not have yet; how many events.
pub async fn drain(account: &Arc<Account>, sender: Sender<'_>) -> Result<u64, Fault> {
    let Sender { url, central, .. } = sender;
    let mut sent = 0;
    let mut position = acknowledged(account, url)?;
    loop {
        let Some(batch) = batch(account, sender, position)? else { return Ok(sent) };
        let span = span!("forward", otel.kind = "client", weir.entities = batch.entities.len());
        let answer: ForwardAnswer = traces::within(span, post(central, "/v1/forward", &batch)).await?;
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

/// The centrals that have anything of this account.
pub fn centrals(account: &Account) -> Result<Vec<String>, Fault> {
    let stored = account.log.state_under(&state_keys::forward_positions()).map_err(Fault::from_log)?;
    let urls = stored.into_iter().filter(|(_, position)| position.iter().any(|byte| *byte != 0));
    Ok(urls.filter_map(|(key, _)| key.last_part()).collect())
}

/// Tells central what is gone here, and hears whether its copies are.
pub async fn gone(central: &HostConnection, gone: &GoneHere) -> Result<CopiesGone, Fault> {
    post(central, "/v1/forward/gone", gone).await
}

fn batch(account: &Account, sender: Sender<'_>, after: EventNumber) -> Result<Option<ForwardBatch>, Fault> {
    let events = crate::query::events(&crate::query::View::whole(account), after, BATCH_EVENTS)?.events;
    let Some(last) = events.last().map(|event| event.number) else { return Ok(None) };
    let changed: BTreeMap<EntityId, EventNumber> =
        events.into_iter().map(|event| (event.event.entity, event.number)).collect();
    let derived = account.derived();
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    let mut entities = Vec::with_capacity(changed.len());
    for (id, event) in changed {
        let row = reader.entity(&id).map_err(Fault::from_derived)?;
        let document =
            row.and_then(|row| row.entity).map(|entity| RawValue::from_string(entity.without_log().to_json()));
        let document = document.transpose();
        let document = document.map_err(|error| Fault::host("a document is no JSON").caused_by(error))?;
        entities.push(ForwardedEntity { id, event, document });
    }
    let (host, installation) = (sender.host.clone(), Some(sender.installation));
    Ok(Some(ForwardBatch { host, installation, epoch: Epoch::of(account)?, after, last, entities }))
}

async fn post<T: DeserializeOwned>(central: &HostConnection, path: &str, said: &impl Serialize) -> Result<T, Fault> {
    let body = serde_json::to_vec(said).expect("documents are JSON");
    let request = Request {
        method: Method::Post,
        target: Target::Path(path.to_owned()),
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
        401 => Err(Fault::config("central does not know the key")
            .hint("make one there with `weir key create NAME --scope forward`")),
        // The key or the certificate is none for this; central says which.
        status @ 403 => Err(refusal(weir_sandbox::Blame::Config, status, &response.body)),
        status => Err(refusal(weir_sandbox::Blame::Upstream, status, &response.body)),
    }
}

/// What central says is wrong, in its own words.
fn refusal(blame: weir_sandbox::Blame, status: u16, body: &[u8]) -> Fault {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let detail = problem["detail"].as_str().map(|detail| format!(": {detail}")).unwrap_or_default();
    let fault = Fault::new(blame, format!("central answers with status {status}{detail}"));
    match problem["hint"].as_str() {
        Some(hint) => fault.hint(hint),
        None => fault,
    }
}
