//! Between columns and the model's types. What does not convert was not written by this module: damage.

use std::error::Error;
use std::str::FromStr;

use rusqlite::Row;
use rusqlite::types::FromSqlError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_model::id::{EntityId, Seq, StreamId};
use weir_model::{Entity, EntityKind};

use super::rows::EntityRow;

/// A number that is never negative.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| FromSqlError::OutOfRange(value).into())
}

/// Teams as a column: each between two newlines, so that one of them is a part of the text. Nothing: no team.
pub(super) fn team_text(teams: &[String]) -> String {
    if teams.is_empty() { String::new() } else { format!("\n{}\n", teams.join("\n")) }
}

/// The teams of such a column.
pub(super) fn teams_in(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').filter(|team| !team.is_empty())
}

pub(super) fn teams(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    Ok(teams_in(row.get_ref(column)?.as_str()?).map(str::to_owned).collect())
}

/// Numbers of records and events stay far below 2^63.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    row.get_ref(column)?.as_str()?.parse().map_err(unreadable)
}

pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(unreadable)
}

pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the model's values have text keys and do not fail to serialise")
}

pub(super) fn document(kind: &EntityKind, json: &str) -> rusqlite::Result<Entity> {
    Entity::read(kind, json).map_err(unreadable)
}

/// Integration and dataset, in this column and the next.
pub(super) fn stream(row: &Row<'_>, column: usize) -> rusqlite::Result<StreamId> {
    Ok(StreamId { integration: parsed(row, column)?, dataset: parsed(row, column + 1)? })
}

/// Columns: id, document, record that last changed it.
pub(super) fn entity_row(row: &Row<'_>) -> rusqlite::Result<EntityRow> {
    let id: EntityId = parsed(row, 0)?;
    let json = row.get_ref(1)?.as_str_or_null()?;
    let entity = json.map(|json| document(&id.kind, json)).transpose()?;
    Ok(EntityRow { id, entity, updated_seq: Seq(number(row, 2)?) })
}

/// Empty stands for none.
pub(super) fn some_text(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn unreadable(error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    FromSqlError::Other(Box::new(error)).into()
}
