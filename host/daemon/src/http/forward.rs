//! The receiving side of forwarding: a batch is raw records like any other, kept in one commit with the position of
//! its host, and acknowledged when durable.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use weir_model::{DatasetName, EventNumber, HostName, IntegrationName, RawRecord, StreamId};
use weir_stages::normalise::Format;
use weir_store::{Commit, Put};

use super::Shared;
use super::extract::Body;
use super::problem::Problem;
use super::tls::Vouched;
use crate::error::Fault;
use crate::forward::{ForwardAnswer, ForwardBatch, ForwardedEntity};
use crate::normaliser::dataset;
use crate::{clock, intake, state_keys};

pub(super) async fn receive(
    _: Vouched,
    State(host): State<Shared>,
    Body(body): Body,
) -> Result<Json<ForwardAnswer>, Problem> {
    let unreadable =
        |error: serde_json::Error| Problem::new(StatusCode::BAD_REQUEST, format!("the body is no batch: {error}"));
    let batch: ForwardBatch = serde_json::from_slice(&body).map_err(unreadable)?;
    // One batch of a host at a time: two at once could both find the same position.
    let turn = host.turn(&format!("forward {}", batch.host));
    let _turn = turn.lock().await;
    let key = state_keys::forwarded(batch.host.as_str());
    let held = host.account.log.state(&key).map_err(Fault::from_log)?;
    let held = held.and_then(|bytes| <[u8; 8]>::try_from(bytes.as_slice()).ok()).map_or(0, u64::from_be_bytes);
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
        records.push((stream(&batch.host, entity, &forwarded)?, record(&batch.host, entity)));
    }
    let puts = vec![Put { key, value: Some(batch.last.0.to_be_bytes().to_vec()) }];
    let commit = Commit { records, received_at: clock::now(), puts };
    intake::append_or(&host.account, commit).await?.map_err(|error| Problem::of_log(&error))?;
    Ok(Json(ForwardAnswer { acknowledged: batch.last }))
}

/// Integrations of different hosts may have the same name: at central the host's stands before it.
fn stream(host: &HostName, entity: &ForwardedEntity, dataset: &DatasetName) -> Result<StreamId, Problem> {
    let name = entity.id.integration.as_ref().map_or_else(|| host.to_string(), |name| format!("{host}.{name}"));
    let integration = IntegrationName::new(name).map_err(|error| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).hint("shorten the host's name")
    })?;
    Ok(StreamId { integration, dataset: dataset.clone() })
}

fn record(host: &HostName, entity: &ForwardedEntity) -> RawRecord {
    let version = i64::try_from(entity.event.0).ok();
    let key = entity.id.to_string();
    match &entity.document {
        Some(document) => {
            let payload = serde_json::json!({ "id": key, "host": host, "document": document });
            RawRecord::upsert(key, version, payload.to_string())
        }
        None => RawRecord::delete(key, version),
    }
}
