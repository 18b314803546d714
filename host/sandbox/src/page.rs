//! Readers and their pages: what `step` returns is checked here, record by record, before anyone else sees it.

use std::sync::Arc;

use wasmtime::component::{Resource, ResourceAny};
use weir_model::diagnostic::Diagnostic;
use weir_model::id::KEY_BYTES_MAX;
use weir_model::raw::CONTEXT_BYTES_MAX;
use weir_model::{Op, RawRecord, Timestamp};

use crate::bindings::{raw, source};
use crate::error::{CallError, CallErrorKind};
use crate::extract::{self, Cut, Order};
use crate::limits::Limits;
use crate::plugin::Plugin;
use crate::run::{Budget, Run, limited};

/// Largest whole number every guest language holds exactly.
const NUMBER_MAX: u64 = (1 << 53) - 1;
/// Bodies up to this size are cut in place; larger ones would hold up the other tasks of the thread.
const CUT_IN_PLACE_BYTES: usize = 64 << 10;

/// Order to a reader.
#[derive(Debug, Clone)]
pub struct Job {
    /// Dataset to read.
    pub dataset: String,
    /// Record it is read under, for a dataset with a parent.
    pub parent: Option<RawRecord>,
    /// JSON object, checked against the schema in the manifest.
    pub settings: String,
    /// How much to read.
    pub pass: Pass,
    /// "Now" of this run.
    pub run_at: Timestamp,
    /// Earliest update time of interest.
    pub since: Option<Timestamp>,
    /// Last committed cursor.
    pub cursor: Option<Vec<u8>>,
}

/// How much to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// From the cursor on.
    Incremental,
    /// Everything; what is not seen by the end is taken as deleted.
    Full,
}

/// What a step brought. Records, cursor and state are to be made durable together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Records; may be none. Elements that name no key are among them, see [`RawRecord::is_unreadable`].
    pub records: Vec<RawRecord>,
    /// Findings about records, such as a version that cannot be read.
    pub diagnostics: Vec<Diagnostic>,
    /// Where to go on. None keeps the cursor as it was.
    pub cursor: Option<Vec<u8>>,
    /// Nothing more to read for now.
    pub done: bool,
    /// Writes to the state of the plugin; none removes.
    pub state: Vec<(String, Option<Vec<u8>>)>,
}

/// A run through one dataset. May be dropped after any step; a new one goes on from the last committed cursor.
pub struct Reader {
    plugin: Arc<Plugin>,
    open: Option<Open>,
}

struct Open {
    run: Run,
    guest: source::Guest,
    reader: ResourceAny,
}

impl Reader {
    pub(crate) fn new(plugin: Arc<Plugin>, run: Run, guest: source::Guest, reader: ResourceAny) -> Self {
        Self { plugin, open: Some(Open { run, guest, reader }) }
    }

    /// Reads a bit more. After an error the reader is of no more use and every further call fails.
    pub async fn step(&mut self) -> Result<Page, CallError> {
        let limits = self.plugin.limits();
        let budget = Budget { cpu: limits.step_cpu, wall: limits.step_wall };
        let Some(mut open) = self.open.take() else {
            let ended = CallErrorKind::Invalid("the reader ended with an earlier error".to_owned());
            return Err(self.plugin.error("step", ended));
        };
        // On an error the store is dropped here, with everything in it.
        let page = open.step(budget, limits).await.map_err(|kind| self.plugin.error("step", kind))?;
        self.open = Some(open);
        Ok(page)
    }

    /// Ends the run in good order. Fails when the guest keeps handles it was to give back.
    pub async fn close(mut self) -> Result<(), CallError> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        let limits = self.plugin.limits();
        let budget = Budget { cpu: limits.step_cpu, wall: limits.check_wall };
        open.close(budget).await.map_err(|kind| self.plugin.error("close", kind))
    }
}

impl Open {
    async fn step(&mut self, budget: Budget, limits: &Arc<Limits>) -> Result<Page, CallErrorKind> {
        self.run.begin(budget);
        let called = limited(budget, self.guest.reader().call_step(&mut self.run.store, self.reader)).await;
        let page = self.run.judge(budget, called)?.map_err(CallErrorKind::said)?;
        check_cursor(page.cursor.as_deref(), limits)?;
        let content = match page.content {
            source::Content::Records(records) => Cut { records: check_records(records, limits)?, ..Cut::default() },
            source::Content::Extract(orders) => self.extract(orders, limits).await?,
        };
        Ok(Page {
            records: content.records,
            diagnostics: content.diagnostics,
            cursor: page.cursor,
            done: page.done,
            state: self.run.store.data_mut().state.take_changes(),
        })
    }

    async fn extract(&mut self, orders: Vec<source::Extract>, limits: &Arc<Limits>) -> Result<Cut, CallErrorKind> {
        let mut all = Cut::default();
        for order in orders {
            let cut = self.extract_one(order, limits).await?;
            all.records.extend(cut.records);
            all.diagnostics.extend(cut.diagnostics);
            within("records in an extracted page", all.records.len(), limits.extract_records_max)?;
            let bytes = all.records.iter().map(RawRecord::size).sum();
            within("bytes of records in an extracted page", bytes, limits.extract_bytes_max)?;
        }
        Ok(all)
    }

    async fn extract_one(&mut self, order: source::Extract, limits: &Arc<Limits>) -> Result<Cut, CallErrorKind> {
        let source::Extract { body, items, key_prefix, key, version, context } = order;
        let received = self.run.store.data_mut().take_response(body);
        let received = received.map_err(|error| CallErrorKind::Invalid(format!("{error:#}")))?;
        if !received.has_content() {
            return Ok(Cut::default());
        }
        let mut body = received.into_body();
        let order = Order { items, key_prefix, key, version, context };
        let limits = Arc::clone(limits);
        let cut = if body.bytes().len() <= CUT_IN_PLACE_BYTES {
            extract::cut(&mut body, &order, &limits)
        } else {
            let cut = tokio::task::spawn_blocking(move || extract::cut(&mut body, &order, &limits)).await;
            cut.map_err(|error| CallErrorKind::Host(error.to_string()))?
        };
        Ok(cut?)
    }

    async fn close(&mut self, budget: Budget) -> Result<(), CallErrorKind> {
        self.run.begin(budget);
        let dropped = limited(budget, self.reader.resource_drop_async(&mut self.run.store)).await;
        self.run.judge(budget, dropped)?;
        self.run.check_handles()
    }
}

impl Job {
    pub(crate) fn into_guest(self) -> source::Job {
        source::Job {
            dataset: self.dataset,
            parent: self.parent.as_ref().map(to_guest),
            settings: self.settings,
            pass: match self.pass {
                Pass::Incremental => source::Pass::Incremental,
                Pass::Full => source::Pass::Full,
            },
            run_at: self.run_at.ms(),
            since: self.since.map(Timestamp::ms),
            cursor: self.cursor,
        }
    }
}

/// A record as a guest sees it: text whenever the payload is valid UTF-8.
pub(crate) fn to_guest(record: &RawRecord) -> raw::RawRecord {
    raw::RawRecord {
        op: match record.op {
            Op::Upsert => raw::Op::Upsert,
            Op::Delete => raw::Op::Delete,
        },
        key: record.key.clone(),
        version: record.version,
        context: record.context.clone(),
        payload: payload_to_guest(record.payload.clone()),
    }
}

pub(crate) fn payload_to_guest(payload: Vec<u8>) -> raw::Payload {
    match String::from_utf8(payload) {
        Ok(text) => raw::Payload::Text(text),
        Err(error) => raw::Payload::Bytes(error.into_bytes()),
    }
}

/// Checks records a guest made. One that breaks a rule is a defect of the plugin, which chose key and context.
pub(crate) fn check_records(records: Vec<raw::RawRecord>, limits: &Limits) -> Result<Vec<RawRecord>, CallErrorKind> {
    within("records in a page", records.len(), limits.page_records_max)?;
    let records: Vec<_> = records.into_iter().map(from_guest).collect();
    within("bytes of records in a page", records.iter().map(RawRecord::size).sum(), limits.page_bytes_max)?;
    records.iter().try_for_each(|record| check_record(record, limits))?;
    Ok(records)
}

fn from_guest(record: raw::RawRecord) -> RawRecord {
    RawRecord {
        op: match record.op {
            raw::Op::Upsert => Op::Upsert,
            raw::Op::Delete => Op::Delete,
        },
        key: record.key,
        version: record.version,
        context: record.context,
        payload: match record.payload {
            raw::Payload::Text(text) => text.into_bytes(),
            raw::Payload::Bytes(bytes) => bytes,
        },
    }
}

fn check_record(record: &RawRecord, limits: &Limits) -> Result<(), CallErrorKind> {
    within("bytes in a payload", record.payload.len(), limits.payload_bytes_max)?;
    let invalid = |what: &str| CallErrorKind::Invalid(format!("record {:?}: {what}", shorten(&record.key)));
    check_key(&record.key).map_err(invalid)?;
    check_context(record.context.as_deref().unwrap_or("{}")).map_err(invalid)?;
    if record.version.is_some_and(|version| version.unsigned_abs() > NUMBER_MAX) {
        return Err(invalid("a version lies within 2^53 - 1 either way"));
    }
    if record.op == Op::Delete && !record.payload.is_empty() {
        return Err(invalid("a delete has no payload"));
    }
    Ok(())
}

/// The rule for keys of records and entities.
pub(crate) fn check_key(key: &str) -> Result<(), &'static str> {
    match key.len() {
        0 => Err("a key is not empty"),
        1..=KEY_BYTES_MAX if key.chars().any(char::is_control) => Err("a key has no control characters"),
        1..=KEY_BYTES_MAX => Ok(()),
        _ => Err("a key has at most 512 bytes"),
    }
}

/// The rule for contexts.
pub(crate) fn check_context(context: &str) -> Result<(), &'static str> {
    if context.len() > CONTEXT_BYTES_MAX {
        return Err("a context has at most 16 KiB");
    }
    let is_object = context.trim_start().starts_with('{');
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(context).is_ok();
    if is_object && is_json { Ok(()) } else { Err("a context is a JSON object") }
}

fn check_cursor(cursor: Option<&[u8]>, limits: &Limits) -> Result<(), CallErrorKind> {
    within("bytes in a cursor", cursor.map_or(0, <[u8]>::len), limits.cursor_bytes_max)
}

/// At the limit is fine, past it is not.
pub(crate) fn within(what: &'static str, found: usize, limit: usize) -> Result<(), CallErrorKind> {
    if found > limit { Err(CallErrorKind::TooMuch { what, found, limit }) } else { Ok(()) }
}

fn shorten(text: &str) -> &str {
    crate::output::cut(text, 64)
}

/// A handle the host lends for one call.
pub(crate) fn lend<T: 'static>(handle: &Resource<T>) -> Resource<T> {
    Resource::new_borrow(handle.rep())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, payload_bytes: usize) -> raw::RawRecord {
        raw::RawRecord {
            op: raw::Op::Upsert,
            key: key.to_owned(),
            version: None,
            context: None,
            payload: raw::Payload::Text("x".repeat(payload_bytes)),
        }
    }

    fn check(records: Vec<raw::RawRecord>, limits: &Limits) -> Result<usize, String> {
        check_records(records, limits).map(|records| records.len()).map_err(|kind| kind.to_string())
    }

    #[test]
    fn keys_have_1_to_512_bytes_and_no_control_characters() {
        for good in ["a", "ä/b c", &"k".repeat(512)] {
            assert_eq!(check_key(good), Ok(()));
        }
        for bad in ["", "a\nb", "a\u{0}", "a\u{9b}", &"k".repeat(513)] {
            assert!(check_key(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn pages_are_limited_in_records_and_bytes() {
        let limits = Limits { page_records_max: 2, page_bytes_max: 10, payload_bytes_max: 8, ..Limits::default() };
        assert_eq!(check(vec![record("a", 4), record("b", 4)], &limits), Ok(2));
        assert!(check(vec![record("a", 5), record("b", 4)], &limits).is_err());
        assert!(check(vec![record("a", 0), record("b", 0), record("c", 0)], &limits).is_err());
        assert_eq!(check(vec![record("a", 8)], &limits), Ok(1));
        assert!(check(vec![record("a", 9)], &limits).is_err());
    }

    #[test]
    fn contexts_are_objects_of_at_most_16_kib() {
        let context = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8));
        assert_eq!(check_context(&context(CONTEXT_BYTES_MAX)), Ok(()));
        assert!(check_context(&context(CONTEXT_BYTES_MAX + 1)).is_err());
        assert!(check_context("[]").is_err() && check_context("{").is_err());
    }

    #[test]
    fn cursors_have_at_most_64_kib() {
        let limits = Limits::default();
        assert!(check_cursor(Some(&vec![0; 64 << 10]), &limits).is_ok());
        assert!(check_cursor(Some(&vec![0; (64 << 10) + 1]), &limits).is_err());
    }

    #[test]
    fn odd_versions_and_deletes_are_refused() {
        let limits = Limits::default();
        let version = |version| raw::RawRecord { version: Some(version), ..record("a", 0) };
        assert!(check(vec![version((1 << 53) - 1), version(-(1 << 53) + 1)], &limits).is_ok());
        assert!(check(vec![version(1 << 53)], &limits).is_err());
        let delete = |bytes| raw::RawRecord { op: raw::Op::Delete, ..record("a", bytes) };
        assert!(check(vec![delete(0)], &limits).is_ok());
        assert!(check(vec![delete(1)], &limits).is_err());
    }
}
