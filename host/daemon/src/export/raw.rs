//! Raw records as lines of JSON: the payload as text when it is UTF-8, which gives back the very bytes, else in base64.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use weir_model::raw::Op;
use weir_model::{RawRecord, Seq, StoredRecord, StreamId, Timestamp};
use weir_store::StateKey;

use super::Writing;
use super::files::Draft;
use crate::error::Fault;

/// Bytes at which the next file is begun.
const FILE_BYTES: u64 = 64 << 20;
/// State that is needed to take the records in again and to go on collecting. Keys, runs and what propels remember stay.
pub(super) const STATE: [&str; 14] = [
    "children-read",
    "child-cursor",
    "cursor",
    "data-kind",
    "data-schema",
    "delivery",
    "git-tips",
    "instance",
    "integration",
    "last-full",
    "note",
    "pending",
    "plugin-state",
    "table",
];

/// One raw record.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line<'a> {
    pub(super) seq: Seq,
    #[serde(flatten)]
    pub(super) stream: StreamId,
    pub(super) received_at: Timestamp,
    pub(super) op: Op,
    pub(super) key: Cow<'a, str>,
    pub(super) version: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) context: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) payload: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) payload_base64: Option<String>,
}

impl<'a> Line<'a> {
    fn of(stored: &'a StoredRecord) -> Self {
        let RawRecord { op, key, version, context, payload } = &stored.record;
        let text = std::str::from_utf8(payload).ok();
        Self {
            seq: stored.seq,
            stream: stored.stream.clone(),
            received_at: stored.received_at,
            op: *op,
            key: key.into(),
            version: *version,
            context: context.as_deref().map(Cow::Borrowed),
            payload: text.map(Cow::Borrowed),
            payload_base64: text.is_none().then(|| STANDARD.encode(payload)),
        }
    }

    pub(super) fn record(self) -> Option<(StreamId, RawRecord)> {
        let payload = match (self.payload, self.payload_base64) {
            (Some(text), None) => text.into_owned().into_bytes(),
            (None, Some(base64)) => STANDARD.decode(base64).ok()?,
            _ => return None,
        };
        let (key, context) = (self.key.into_owned(), self.context.map(Cow::into_owned));
        Some((self.stream, RawRecord { op: self.op, key, version: self.version, context, payload }))
    }
}

/// A value of the state.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateLine {
    pub(super) key: Vec<String>,
    pub(super) value_base64: String,
}

/// Writes the state, then the records that are not in the export yet. In this order: a cursor that is behind the records
/// reads some of them again, one that is ahead would never read others.
pub(super) fn write(writing: &mut Writing<'_>, progress: &mut dyn FnMut(Seq)) -> Result<(), Fault> {
    write_state(writing)?;
    let after = writing.manifest.files.iter().filter_map(|file| file.last).max().unwrap_or(Seq::ZERO);
    let mut next = after;
    let mut open: Option<Draft> = None;
    for batch in writing.account.batches(after) {
        let batch = batch?;
        let mut draft = match open.take() {
            Some(draft) => draft,
            None => writing.draft(&format!("raw/{:012}.jsonl", next.0 + 1))?,
        };
        for stored in &batch.records {
            draft.line(&serde_json::to_vec(&Line::of(stored)).expect("a record is JSON"))?;
        }
        next = batch.next;
        progress(next);
        if draft.bytes < FILE_BYTES {
            open = Some(draft);
        } else {
            writing.finish(draft, "raw", Some(next))?;
        }
    }
    match open {
        Some(draft) => writing.finish(draft, "raw", Some(next)),
        None => Ok(()),
    }
}

fn write_state(writing: &mut Writing<'_>) -> Result<(), Fault> {
    let mut draft = writing.draft("state.jsonl")?;
    for kind in STATE {
        for (key, value) in writing.account.log.state_under(&StateKey::new(&[kind])).map_err(Fault::from_log)? {
            let parts = key.parts().into_iter().map(String::from_utf8).collect::<Result<Vec<_>, _>>();
            // Every key that the daemon makes is text.
            let Ok(key) = parts else { continue };
            let line = StateLine { key, value_base64: STANDARD.encode(value) };
            draft.line(&serde_json::to_vec(&line).expect("a value is JSON"))?;
        }
    }
    writing.finish(draft, "state", None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_come_back_as_they_were() {
        for payload in [&b"{\"a\":1}"[..], b"", "über\u{0}\n\u{2028}".as_bytes(), &[0xff, 0x00, 0xc3]] {
            let stream = StreamId { integration: "ci".parse().unwrap(), dataset: "builds".parse().unwrap() };
            let record = RawRecord { context: Some("{}".to_owned()), ..RawRecord::upsert("k\"1", Some(7), payload) };
            let stored = StoredRecord {
                seq: Seq(3),
                stream: stream.clone(),
                received_at: Timestamp::from_ms(1_700_000_000_123),
                record: record.clone(),
            };
            let text = serde_json::to_string(&Line::of(&stored)).unwrap();
            let line: Line<'_> = serde_json::from_str(&text).unwrap();
            assert_eq!((line.seq, line.received_at), (stored.seq, stored.received_at));
            assert_eq!(line.record(), Some((stream, record)), "{text}");
        }
    }
}
