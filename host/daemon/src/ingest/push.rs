//! Pushes: one or many records of a native format in one body.

use ring::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde_json::{Map, Value};
use weir_model::{Diagnostic, IntegrationName, RawRecord};
use weir_stages::normalise::{self, Format};
use weir_store::{Commit, Put};

use crate::account::Account;
use crate::error::Fault;
use crate::hex::sha256;
use crate::normaliser::place_of_push;
use crate::{clock, intake, state_keys};

/// What a push brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, JsonSchema)]
pub struct Pushed {
    /// Records kept, durable by now.
    pub accepted: u64,
    /// Whether the same push was taken before; nothing was kept again.
    pub duplicate: bool,
    /// Parts that are no record, with their line. They are kept as they came.
    pub problems: Vec<Diagnostic>,
}

/// Keeps what a body holds. `id` is the sender's own name for the push; the same one again changes nothing.
pub async fn push(
    account: &Account,
    integration: &IntegrationName,
    format: Format,
    body: &[u8],
    id: Option<&str>,
) -> Result<Pushed, Fault> {
    let delivery = id.map(|id| state_keys::delivery(integration, id));
    let fingerprint = digest(&SHA256, body);
    if let Some(key) = &delivery {
        let seen = account.log.state(key).map_err(Fault::from_log)?;
        if seen.as_deref() == Some(fingerprint.as_ref()) {
            return Ok(Pushed { duplicate: true, ..Pushed::default() });
        }
    }
    let mut pushed = Pushed::default();
    let (stream, remembered) = place_of_push(&account.log, integration, format)?;
    let mut puts: Vec<Put> = remembered.into_iter().collect();
    puts.extend(delivery.map(|key| Put { key, value: Some(fingerprint.as_ref().to_vec()) }));
    let records: Vec<_> = records(format, body, &mut pushed.problems).map(|record| (stream.clone(), record)).collect();
    pushed.accepted = u64::try_from(records.len()).unwrap_or(u64::MAX);
    intake::append(account, Commit { records, received_at: clock::now(), puts }).await?;
    Ok(pushed)
}

/// Keeps one record of a native format. The same key again replaces what it said before.
pub async fn keep(
    account: &Account,
    integration: &IntegrationName,
    format: Format,
    record: RawRecord,
) -> Result<(), Fault> {
    let (stream, remembered) = place_of_push(&account.log, integration, format)?;
    let puts = remembered.into_iter().collect();
    intake::append(account, Commit { records: vec![(stream, record)], received_at: clock::now(), puts }).await?;
    Ok(())
}

/// The raw record of a report of a test runner as it wrote it, with what its sender says about it beside.
pub fn test_report(about: &Map<String, Value>, body: impl Into<Vec<u8>>) -> RawRecord {
    let body = body.into();
    let key = normalise::xml_report_key(about, &body_key(&body));
    let context = (!about.is_empty()).then(|| Value::Object(about.clone()).to_string());
    RawRecord { context, ..RawRecord::upsert(key, None, body) }
}

/// Key of a record that is known by its bytes alone, so that the same ones again change nothing.
pub fn body_key(bytes: &[u8]) -> String {
    format!("body/{}", &sha256(bytes)[..32])
}

/// Cuts a body into raw records. What is no record is kept under a key of its own, so that nothing is lost.
pub(super) fn records<'a>(
    format: Format,
    body: &'a [u8],
    problems: &'a mut Vec<Diagnostic>,
) -> impl Iterator<Item = RawRecord> + 'a {
    normalise::rows(body).map(move |row| match row {
        Ok(row) => match normalise::record_key(format, &row.object) {
            Some(known) => RawRecord::upsert(known.key, known.version, row.bytes),
            // Bodies of exporters, one a line, as they are kept when they are posted.
            None if format == Format::Otlp => RawRecord::upsert(body_key(&row.bytes), None, row.bytes),
            None => RawRecord::unreadable(row.bytes),
        },
        Err(diagnostic) => {
            let bytes = line_of(body, &diagnostic);
            problems.push(diagnostic);
            RawRecord::unreadable(bytes)
        }
    })
}

/// The bytes a diagnostic is about, all of them where it names no line.
pub(super) fn line_of<'a>(body: &'a [u8], diagnostic: &Diagnostic) -> &'a [u8] {
    let number = diagnostic.place.as_deref().and_then(|place| place.strip_prefix("line ")?.parse::<usize>().ok());
    let line = number.and_then(|number| body.split(|byte| *byte == b'\n').nth(number.checked_sub(1)?));
    line.unwrap_or(body)
}
