//! Custom data: kinds that an operator declares with a schema, and their rows.
//!
//! Schemas stand in the log's own state, each under its fingerprint for good, so that a row is judged again by the one
//! it came under whenever it is derived again.

use std::sync::Arc;

use ring::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use weir_model::{IntegrationName, RawRecord, StreamId};
use weir_stages::normalise::data::{self, Breach, RowContext, Schema, kind_name};
use weir_stages::normalise::{Row, rows};
use weir_store::{Commit, Log, Put};

use crate::account::Account;
use crate::error::Fault;
use crate::hex::sha256;
use crate::normaliser::{Source, custom_data};
use crate::{clock, intake, state_keys};

/// Most rows whose mistakes are told; all are kept.
const PROBLEMS_MAX: usize = 1_000;
/// Most rows of one commit.
const COMMIT_RECORDS_MAX: usize = 1_000;
/// Most bytes of one commit, before its last row.
const COMMIT_BYTES_MAX: usize = 4 << 20;

/// A kind with its schema.
#[derive(Debug, Clone)]
pub struct DataKind {
    /// Its name, without `custom-`.
    pub kind: String,
    /// Fingerprint of the schema.
    pub fingerprint: String,
    /// The schema as it was declared.
    pub text: Value,
    schema: Arc<Schema>,
}

/// What is told of a declared kind.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Declared {
    /// Its name, without `custom-`.
    pub kind: String,
    /// Kind of the entities: `custom-<kind>`.
    pub entity_kind: String,
    /// Fingerprint of the schema.
    pub schema: String,
    /// Whether another schema was in its place, or none.
    pub changed: bool,
}

/// A row that breaks the schema.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RowProblem {
    /// Which row of the body, from 1.
    pub row: u64,
    /// Line it begins on, from 1.
    pub line: Option<usize>,
    /// Where in it, how, and why.
    #[serde(flatten)]
    pub breach: Breach,
}

/// What became of rows. All are kept, durable by now.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Taken {
    /// Rows kept.
    pub accepted: u64,
    /// Rows that fit the schema: these become entities.
    pub valid: u64,
    /// Whether the same body was taken before; nothing was kept again.
    pub duplicate: bool,
    /// What is wrong with the others.
    pub problems: Vec<RowProblem>,
}

impl DataKind {
    /// The raw record of a row, and what is wrong with it.
    pub fn record(&self, bytes: &[u8], texts: bool) -> (RawRecord, Vec<Breach>) {
        let context = RowContext { kind: self.kind.clone(), schema: self.fingerprint.clone(), texts };
        data::record(&self.schema, &context, bytes)
    }
}

/// The kind called `kind`, as it is declared now.
pub fn declared(log: &Log, kind: &str) -> Result<Option<DataKind>, Fault> {
    let kind = kind_name(kind);
    let Some(fingerprint) = log.state(&state_keys::data_kind(&kind)).map_err(Fault::from_log)? else { return Ok(None) };
    let fingerprint = String::from_utf8_lossy(&fingerprint).into_owned();
    let Some(text) = schema_text(log, &fingerprint)? else { return Ok(None) };
    let schema = Arc::new(compile(&text)?);
    Ok(Some(DataKind { kind, fingerprint, text, schema }))
}

/// The schema of a fingerprint; none when there was never such a one.
pub(crate) fn schema(log: &Log, fingerprint: &str) -> Result<Option<Schema>, Fault> {
    schema_text(log, fingerprint)?.map(|text| compile(&text)).transpose()
}

/// All declared kinds.
pub fn kinds(log: &Log) -> Result<Vec<Declared>, Fault> {
    let known = log.state_under(&state_keys::data_kinds()).map_err(Fault::from_log)?;
    let told = |(key, fingerprint): (weir_store::StateKey, Vec<u8>)| {
        let kind = String::from_utf8(key.parts().pop()?).ok()?;
        Some(told(kind, String::from_utf8_lossy(&fingerprint).into_owned(), false))
    };
    Ok(known.into_iter().filter_map(told).collect())
}

/// What makes a schema the one of a kind; nothing when it is already.
pub fn declare(log: &Log, kind: &str, schema: &Value) -> Result<(Declared, Vec<Put>), Fault> {
    let named = kind_name(kind);
    if named != kind {
        let hint = "1 to 48 of a-z, 0-9 and `-`";
        return Err(Fault::config(format!("`{kind}` cannot be the name of a kind of data")).hint(hint));
    }
    compile(schema)?;
    let text = schema.to_string();
    let fingerprint = sha256(&text)[..16].to_owned();
    let key = state_keys::data_kind(kind);
    let changed = log.state(&key).map_err(Fault::from_log)?.as_deref() != Some(fingerprint.as_bytes());
    let puts = vec![
        Put { key: state_keys::data_schema(&fingerprint), value: Some(text.into_bytes()) },
        Put { key, value: Some(fingerprint.clone().into_bytes()) },
    ];
    Ok((told(named, fingerprint, changed), if changed { puts } else { Vec::new() }))
}

/// Keeps rows: a list, objects, one per line, or CSV with a header. `id` is the sender's own name for the body; the
/// same one again changes nothing.
pub async fn take(
    account: &Account,
    integration: &IntegrationName,
    kind: &DataKind,
    body: &[u8],
    id: Option<&str>,
) -> Result<Taken, Fault> {
    let hash = digest(&SHA256, body);
    let delivery = id.map(|id| state_keys::delivery(integration, &format!("data/{}/{id}", kind.kind)));
    if let Some(key) = &delivery
        && account.log.state(key).map_err(Fault::from_log)?.as_deref() == Some(hash.as_ref())
    {
        return Ok(Taken { duplicate: true, ..Taken::default() });
    }
    let mut taken = Taken::default();
    let mut records: Vec<RawRecord> = Vec::new();
    for row in rows(body) {
        taken.accepted += 1;
        let (record, line, breaches) = judged(kind, body, row);
        taken.valid += u64::from(breaches.is_empty());
        let problem = |breach| RowProblem { row: taken.accepted, line, breach };
        if taken.problems.len() < PROBLEMS_MAX {
            taken.problems.extend(breaches.into_iter().map(problem));
        }
        records.push(record);
    }
    let stream = StreamId { integration: integration.clone(), dataset: custom_data() };
    let seen = delivery.map(|key| Put { key, value: Some(hash.as_ref().to_vec()) });
    keep(account, &stream, records, seen).await?;
    Ok(taken)
}

/// Commit by commit; that the body was seen is in the last one.
async fn keep(account: &Account, stream: &StreamId, records: Vec<RawRecord>, seen: Option<Put>) -> Result<(), Fault> {
    let remembered = match Source::recall(&account.log, &stream.integration)? {
        Some(_) => None,
        None => Source::native().remember(&account.log, &stream.integration)?,
    };
    let mut puts: Vec<Put> = remembered.into_iter().collect();
    let mut records = records.into_iter().peekable();
    while records.peek().is_some() {
        let (mut part, mut bytes) = (Vec::new(), 0);
        while let Some(record) = records.next_if(|_| part.len() < COMMIT_RECORDS_MAX && bytes < COMMIT_BYTES_MAX) {
            bytes += record.size();
            part.push((stream.clone(), record));
        }
        if records.peek().is_none() {
            puts.extend(seen.clone());
        }
        let commit = Commit { records: part, received_at: clock::now(), puts: std::mem::take(&mut puts) };
        intake::append(account, commit).await?;
    }
    Ok(())
}

fn judged(
    kind: &DataKind,
    body: &[u8],
    row: Result<Row<'_>, weir_model::Diagnostic>,
) -> (RawRecord, Option<usize>, Vec<Breach>) {
    match row {
        Ok(row) => {
            let texts = matches!(row.bytes, std::borrow::Cow::Owned(_));
            let (record, breaches) = kind.record(&row.bytes, texts);
            (record, Some(row.line), breaches)
        }
        Err(diagnostic) => {
            let message = diagnostic.found.clone().unwrap_or_default();
            let line = diagnostic.place.as_deref().and_then(|place| place.strip_prefix("line ")?.parse().ok());
            let (record, _) = kind.record(super::push::line_of(body, &diagnostic), false);
            let breach = Breach { path: String::new(), word: "type".to_owned(), code: "WRONG_TYPE", message };
            (record, line, vec![breach])
        }
    }
}

fn told(kind: String, schema: String, changed: bool) -> Declared {
    Declared { entity_kind: format!("custom-{kind}"), kind, schema, changed }
}

fn schema_text(log: &Log, fingerprint: &str) -> Result<Option<Value>, Fault> {
    let text = log.state(&state_keys::data_schema(fingerprint)).map_err(Fault::from_log)?;
    Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
}

fn compile(schema: &Value) -> Result<Schema, Fault> {
    Schema::compile(schema)
        .map_err(|error| Fault::config(format!("cannot use the schema: {error}")).hint("its words are in docs/DATA.md"))
}
