//! Rows of tables that are sent in: each is an entity of a kind of its own, "custom-<table>", with its columns as
//! attributes `row.<column>`.

use serde::Deserialize;
use serde_json::{Map, Value};
use weir_model::entity::Custom;
use weir_model::{RawRecord, raw};

use super::fields::Fields;
use super::{Produced, attributes};

/// Longest name of a table in a kind, in bytes.
const NAME_BYTES_MAX: usize = 48;

/// The table of a row, in the context of its raw record.
#[derive(Default, Deserialize)]
struct TableContext {
    table: Option<String>,
}

/// The column that tells rows apart, else the row itself: the same bytes are the same row.
pub(super) fn record_key(fields: &mut Fields<'_>, row: &Map<String, Value>) -> String {
    let own = fields.text(&["id"]).or_else(|| fields.text(&["key"])).or_else(|| fields.text(&["external_id"]));
    own.unwrap_or_else(|| raw::fingerprint(Value::Object(row.clone()).to_string().as_bytes()))
}

pub(super) fn read(fields: &mut Fields<'_>, row: &Map<String, Value>, record: &RawRecord) -> Vec<Produced> {
    let context: TableContext =
        record.context.as_deref().and_then(|context| serde_json::from_str(context).ok()).unwrap_or_default();
    let table = context.table.or_else(|| fields.text(&["table"])).unwrap_or_default();
    let title = fields.text(&["title"]).or_else(|| fields.text(&["name"])).or_else(|| fields.text(&["id"]));
    let at = ["timestamp", "created_at", "date", "time"].iter().find_map(|name| fields.time(&[name]));
    let mut entity = Custom::default().title(title).at(at).url(fields.text(&["url"]));
    for (column, value) in row {
        let column = Map::from_iter([(column.clone(), value.clone())]);
        attributes::add(&mut entity.attributes, "row", &Value::Object(column));
    }
    vec![Produced::custom(&kind(&table), record.key.clone(), entity)]
}

pub(super) fn kind(table: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = table.chars().map(fits).take(NAME_BYTES_MAX).collect();
    format!("custom-{}", if name.is_empty() { "table" } else { &name })
}
