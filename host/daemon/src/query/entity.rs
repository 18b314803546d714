//! One entity, and the way down from it to what the tools said.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use weir_model::diagnostic::RecordOutcome;
use weir_model::{Entity, EntityId, Seq, Timestamp};
use weir_stages::aggregate::{History, history};
use weir_store::{ContributionRow, Reader};

use super::LinkAnswer;
use crate::error::Fault;
use crate::notes::{self, Note};
use crate::query::View;

/// One entity.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EntityAnswer {
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: String,
    /// Raw record that changed it last.
    pub updated_seq: Seq,
    /// The merged document; none when it is gone.
    pub document: Option<Box<RawValue>>,
    /// Raw records it is merged from, the one that wins first.
    pub sources: Vec<SourceAnswer>,
    /// Links to and from other entities, the surest first.
    pub links: Vec<LinkAnswer>,
    /// Of a work item, the way through its statuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
}

/// A raw record that says something about an entity.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SourceAnswer {
    /// Integration and dataset.
    pub stream: String,
    /// Its key.
    pub key: String,
    /// Its version.
    pub version: i64,
    /// Its position in the log.
    pub seq: Seq,
    /// What was left out, changed or guessed when it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<RecordOutcome>,
}

/// A raw record as it came.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RawAnswer {
    /// Its position.
    pub seq: Seq,
    /// Integration and dataset.
    pub stream: String,
    /// Its key.
    pub key: String,
    /// Its version.
    pub version: Option<i64>,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// What the request knew and the payload does not.
    pub context: Option<String>,
    /// The payload as text; what is no UTF-8 in it is replaced here and kept in the log.
    pub payload: String,
}

/// The entity called `id`.
pub fn entity(account: &View<'_>, id: &EntityId) -> Result<Option<EntityAnswer>, Fault> {
    let derived = account.derived();
    let reader = account.reader(&derived)?;
    let Some(row) = reader.entity(id).map_err(Fault::from_derived)? else { return Ok(None) };
    if row.entity.as_ref().is_some_and(|entity| !account.shows(id, entity)) {
        return Ok(None);
    }
    let sources = reader.contributions(id).map_err(Fault::from_derived)?;
    let links = super::links(account, id, 1)?.map(|answer| answer.links).unwrap_or_default();
    let history = match &row.entity {
        Some(Entity::WorkItem(item)) => Some(history(item, account.context().work())),
        _ => None,
    };
    let document = row.entity.as_ref().map(|entity| RawValue::from_string(entity.to_json()));
    Ok(Some(EntityAnswer {
        id: row.id.to_string(),
        kind: row.id.kind.to_string(),
        updated_seq: row.updated_seq,
        document: document.transpose().map_err(|e| Fault::host("a document is no JSON").caused_by(e))?,
        sources: sources.into_iter().map(|row| source(&reader, row)).collect::<Result<_, _>>()?,
        links,
        history,
    }))
}

fn source(reader: &Reader<'_>, row: ContributionRow) -> Result<SourceAnswer, Fault> {
    // A record may be about other entities too.
    let outcome = if reader.is_limited() { None } else { reader.outcome(row.seq).map_err(Fault::from_derived)? };
    let ContributionRow { stream, key, version, seq } = row;
    Ok(SourceAnswer { stream: stream.to_string(), key, version, seq, outcome })
}

/// The notes on an entity; none when there is no such entity.
pub fn notes(account: &View<'_>, id: &EntityId) -> Result<Option<Vec<Note>>, Fault> {
    let derived = account.derived();
    let Some(row) = account.reader(&derived)?.entity(id).map_err(Fault::from_derived)? else { return Ok(None) };
    let is_shown = row.entity.as_ref().is_none_or(|entity| account.shows(id, entity));
    is_shown.then(|| notes::notes(account, id)).transpose()
}

/// The raw records behind an entity.
pub fn raw(account: &View<'_>, id: &EntityId) -> Result<Vec<RawAnswer>, Fault> {
    let derived = account.derived();
    let reader = account.reader(&derived)?;
    let sources = reader.contributions(id).map_err(Fault::from_derived)?;
    let mut answers = Vec::with_capacity(sources.len());
    for row in sources {
        let Some(stored) = account.log.get(row.seq).map_err(Fault::from_log)? else { continue };
        answers.push(RawAnswer {
            seq: stored.seq,
            stream: stored.stream.to_string(),
            key: stored.record.key,
            version: stored.record.version,
            received_at: stored.received_at,
            context: stored.record.context,
            payload: String::from_utf8_lossy(&stored.record.payload).into_owned(),
        });
    }
    Ok(answers)
}
