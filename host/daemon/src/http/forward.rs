//! The receiving side of forwarding: a batch is raw records like any other, kept in one commit with the position of
//! its host, and acknowledged when durable.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use uuid::Uuid;
use weir_model::{DatasetName, EventNumber, HostName, IntegrationName, RawRecord, StreamId};
use weir_stages::normalise::Format;
use weir_store::{Commit, Put};

use super::Shared;
use super::extract::Said;
use super::problem::Problem;
use super::tls::Vouched;
use crate::access::Principal;
use crate::audit::Actor;
use crate::error::Fault;
use crate::forward::{CopiesGone, Epoch, ForwardAnswer, ForwardBatch, ForwardedEntity, GoneHere};
use crate::lifecycle::erasure;
use crate::normaliser::dataset;
use crate::{clock, intake, state_keys, tasks};

pub(super) async fn receive(
    _: Vouched,
    principal: Principal,
    State(host): State<Shared>,
    Said(batch): Said<ForwardBatch>,
) -> Result<Json<ForwardAnswer>, Problem> {
    speaks_for(&principal, &batch.host)?;
    // One batch of a host at a time: two at once could both find the same position.
    let turn = host.turn(&format!("forward {}", batch.host));
    let _turn = turn.lock().await;
    let key = state_keys::forwarded(batch.host.as_str());
    let known = Held::read(host.account.log.state(&key).map_err(Fault::from_log)?.as_deref());
    if let Some(problem) = known.refusal(&batch) {
        return Err(problem);
    }
    let held = if batch.epoch > known.epoch { 0 } else { known.last };
    if batch.after.0 > held {
        // Something in between is missing, as after a restore of this central: ask for it.
        return Ok(Json(ForwardAnswer { acknowledged: EventNumber(held) }));
    }
    if batch.last.0 <= held {
        return Ok(Json(ForwardAnswer { acknowledged: EventNumber(held) }));
    }
    let forwarded = dataset(Format::Forwarded);
    let mut records = Vec::with_capacity(batch.entities.len());
    for entity in &batch.entities {
        records.push((stream(&batch.host, entity, &forwarded)?, record(&batch, entity)));
    }
    let installation = batch.installation.or(known.installation);
    let puts = vec![Put::set(key, Held { last: batch.last.0, epoch: batch.epoch, installation }.to_bytes())];
    let commit = Commit { records, received_at: clock::now(), puts };
    intake::append_or(&host.account, commit).await?.map_err(|error| Problem::of_log(&error))?;
    Ok(Json(ForwardAnswer { acknowledged: batch.last }))
}

/// What is gone on a host goes here too; how far that is.
pub(super) async fn gone(
    _: Vouched,
    principal: Principal,
    State(host): State<Shared>,
    Said(gone): Said<GoneHere>,
) -> Result<Json<CopiesGone>, Problem> {
    speaks_for(&principal, &gone.host)?;
    let turn = host.turn(&format!("forward {}", gone.host));
    let _turn = turn.lock().await;
    let by = Actor::from(&principal);
    Ok(Json(tasks::blocking(move || erasure::receive(&host, &gone, &by)).await?))
}

/// Fails unless the key may send in the name of `host`.
fn speaks_for(principal: &Principal, host: &HostName) -> Result<(), Problem> {
    if principal.speaks_for(host) {
        return Ok(());
    }
    let hosts: Vec<_> = principal.hosts.iter().map(HostName::as_str).collect();
    Err(Problem::new(StatusCode::FORBIDDEN, format!("the key forwards for {}, not for {host}", hosts.join(", ")))
        .hint(format!("make one at this central: `weir key create {host} --scope forward --host {host}`")))
}

/// How far a host is: its last event that is here, in which epoch, and the data folder that numbered it.
#[derive(Debug, Default)]
struct Held {
    last: u64,
    epoch: Epoch,
    installation: Option<Uuid>,
}

impl Held {
    fn read(stored: Option<&[u8]>) -> Self {
        let Some((last, rest)) = stored.and_then(<[u8]>::split_first_chunk) else { return Self::default() };
        let last = u64::from_be_bytes(*last);
        let Some((epoch, id)) = rest.split_first_chunk() else { return Self { last, ..Self::default() } };
        Self { last, epoch: Epoch(u32::from_be_bytes(*epoch)), installation: Uuid::from_slice(id).ok() }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let installation = self.installation.as_ref().map_or(&[][..], |id| id.as_bytes());
        [&self.last.to_be_bytes(), &self.epoch.0.to_be_bytes()[..], installation].concat()
    }

    /// Why numbers of a batch cannot be compared with those that are known.
    fn refusal(&self, batch: &ForwardBatch) -> Option<Problem> {
        let host = &batch.host;
        let what = if self.installation.zip(batch.installation).is_some_and(|(known, sends)| known != sends) {
            format!("another data folder has forwarded as `{host}` before, and numbers its events otherwise")
        } else if batch.epoch < self.epoch {
            format!("`{host}` is at an earlier state than what it has forwarded")
        } else {
            return None;
        };
        Some(
            Problem::new(StatusCode::CONFLICT, what)
                .hint("give the host another name; or erase here what was sent before: `weir erase --host NAME`"),
        )
    }
}

/// Integrations of different hosts may have the same name: at central the host's stands before it.
fn stream(host: &HostName, entity: &ForwardedEntity, dataset: &DatasetName) -> Result<StreamId, Problem> {
    let name = entity.id.integration.as_ref().map_or_else(|| host.to_string(), |name| format!("{host}.{name}"));
    let integration = IntegrationName::new(name).map_err(|error| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).hint("shorten the host's name")
    })?;
    Ok(StreamId { integration, dataset: dataset.clone() })
}

fn record(batch: &ForwardBatch, entity: &ForwardedEntity) -> RawRecord {
    let version = Some(batch.epoch.version(entity.event));
    let key = entity.id.to_string();
    match &entity.document {
        Some(document) => {
            let payload = serde_json::json!({ "id": key, "host": batch.host, "document": document });
            RawRecord::upsert(key, version, payload.to_string())
        }
        None => RawRecord::delete(key, version),
    }
}
