//! Chooses who normalises a stream: the connector that collected it, or a native format of ours. What an integration
//! is stands in the log's own state, so that its records can be normalised again after it has left the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use weir_model::{
    DatasetName, Diagnostic, DiagnosticKind, EntityId, EntityKind, IntegrationName, RawRecord, StoredRecord, StreamId,
};
use weir_sandbox::{Decoded, Delivery, Outcome, Plugin};
use weir_stages::normalise::data::{RowContext, Schema};
use weir_stages::normalise::{self, Arrival, Format, PushSettings};
use weir_store::{Log, Put};

use crate::clock;
use crate::error::Fault;
use crate::plugins::Plugins;
use crate::side_by_side::side_by_side;
use crate::state_keys;
use crate::traces::{self, span};

/// Dataset of webhook deliveries as they came; a connector's `decode` turns them into records of other datasets.
pub const DELIVERIES: &str = "deliveries";

/// Dataset of rows of custom data, which are read by the schema they came under.
const CUSTOM_DATA: &str = "custom-data";

/// The same as a name.
pub(crate) fn custom_data() -> DatasetName {
    DatasetName::new(CUSTOM_DATA).expect("a constant name is one")
}

/// Begin of the names of datasets that are pushed to an integration with a connector, beside those it collects.
const PUSHED: &str = "push-";

/// Most records that one thread normalises at a time; fewer would make plugins begin more often.
const JOB_RECORDS_MAX: usize = 500;

/// Dataset of the records of a native format.
pub(crate) fn dataset(format: Format) -> DatasetName {
    DatasetName::new(format.name()).expect("names of formats are names of datasets")
}

/// The native format of the records of a dataset that was pushed, whatever connector its integration has.
fn pushed_format(dataset: &DatasetName) -> Option<Format> {
    dataset.as_str().strip_prefix(PUSHED).and_then(Format::named)
}

/// The native format of the records of a dataset.
pub(crate) fn format_of(dataset: &DatasetName) -> Option<Format> {
    pushed_format(dataset).or_else(|| Format::named(dataset.as_str()))
}

/// Where pushed records of a format are kept, and what has to be remembered of their integration.
pub(crate) fn place_of_push(
    log: &Log,
    integration: &IntegrationName,
    format: Format,
) -> Result<(StreamId, Option<Put>), Fault> {
    let known = Source::recall(log, integration)?;
    let put = if known.is_some() { None } else { Source::native().remember(log, integration)? };
    let dataset = known.unwrap_or_else(Source::native).dataset_of_push(format);
    Ok((StreamId { integration: integration.clone(), dataset }, put))
}

/// What normalises an integration's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Connector; none for native collectors and pushes.
    pub plugin: Option<String>,
    /// JSON object the connector is configured with.
    pub settings: String,
}

impl Source {
    /// Native formats alone.
    pub fn native() -> Self {
        Self { plugin: None, settings: "{}".to_owned() }
    }

    /// The write that makes the log remember it; none when it does already.
    pub fn remember(&self, log: &Log, name: &IntegrationName) -> Result<Option<Put>, Fault> {
        let known = Self::recall(log, name)?;
        let value = serde_json::to_vec(self).expect("two texts are JSON");
        let put = Put { key: state_keys::integration(name), value: Some(value) };
        Ok((known.as_ref() != Some(self)).then_some(put))
    }

    /// What its settings say about pushes. Settings for other readers are left alone.
    fn push_settings(&self) -> PushSettings {
        serde_json::from_str(&self.settings).unwrap_or_default()
    }

    /// Dataset of pushed records of a format. The records of a connector stay with it: what is pushed beside them has
    /// datasets of its own.
    pub(crate) fn dataset_of_push(&self, format: Format) -> DatasetName {
        let beside = || DatasetName::new(format!("{PUSHED}{}", format.name())).expect("so are these");
        if self.plugin.is_some() { beside() } else { dataset(format) }
    }

    /// What the log remembers of an integration.
    pub(crate) fn recall(log: &Log, name: &IntegrationName) -> Result<Option<Self>, Fault> {
        let value = log.state(&state_keys::integration(name)).map_err(Fault::from_log)?;
        Ok(value.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }
}

/// A raw record with what it says about entities.
pub(crate) struct Normalised {
    /// Stream the contribution belongs to: that of the record, or of the dataset a delivery was decoded to.
    pub(crate) stream: StreamId,
    /// Key of the contribution.
    pub(crate) key: String,
    /// Version of the contribution.
    pub(crate) version: i64,
    /// What it says; empty withdraws.
    pub(crate) entities: Vec<(EntityId, weir_model::Entity)>,
    /// What became of it.
    pub(crate) fate: Fate,
}

/// What became of one record.
pub(crate) enum Fate {
    /// Entities, or a withdrawal.
    Taken(Vec<Diagnostic>),
    /// Nothing could be made of it.
    Rejected(Vec<Diagnostic>),
    /// Nothing should be made of it.
    Ignored(String),
}

/// Normalises records with the plugins of this host.
pub struct Normaliser {
    plugins: Arc<Plugins>,
    runtime: Handle,
    known: BTreeMap<IntegrationName, Source>,
    /// Schemas of custom data by fingerprint.
    schemas: BTreeMap<String, Option<Schema>>,
    asked_for: BTreeSet<IntegrationName>,
}

/// A delivery older than this asks for nothing any more: what it meant was collected since. In milliseconds.
const ASKS_FOR: u64 = 10 * 60 * 1_000;

impl Normaliser {
    /// A normaliser that runs plugins on `runtime`; call it from a blocking thread only.
    pub fn new(plugins: Arc<Plugins>, runtime: Handle) -> Self {
        Self { plugins, runtime, known: BTreeMap::new(), schemas: BTreeMap::new(), asked_for: BTreeSet::new() }
    }

    /// Normalises records, as many streams side by side as there are cores. One or more results per record, each with
    /// the index of its record, in the order of the records.
    pub(crate) fn normalise(&mut self, log: &Log, records: &[StoredRecord]) -> Result<Vec<(usize, Normalised)>, Fault> {
        let jobs = self.jobs(log, records)?;
        let mut all = self.rows(log, records)?;
        let span = tracing::Span::current();
        for done in side_by_side(&jobs, |job| span.in_scope(|| job.run(&self.runtime))) {
            let Done { normalised, asks } = done?;
            all.extend(normalised);
            self.asked_for.extend(asks);
        }
        // Stable: what one record gave stays in its order.
        all.sort_by_key(|(index, _)| *index);
        Ok(all)
    }

    /// All but rows of custom data. Records of one stream go to their plugin together, wherever they stand.
    fn jobs<'r>(&mut self, log: &Log, records: &'r [StoredRecord]) -> Result<Vec<Job<'r>>, Fault> {
        let mut streams: BTreeMap<&StreamId, Vec<(usize, &StoredRecord)>> = BTreeMap::new();
        for (index, record) in records.iter().enumerate().filter(|(_, record)| !is_row(&record.stream)) {
            streams.entry(&record.stream).or_default().push((index, record));
        }
        let mut jobs = Vec::new();
        for (stream, records) in streams {
            let source = self.source(log, &stream.integration)?;
            let plugin = source.plugin.as_deref().filter(|_| pushed_format(&stream.dataset).is_none());
            let plugin = plugin.map(|plugin| self.runtime.block_on(self.plugins.get(plugin))).transpose()?;
            for records in records.chunks(JOB_RECORDS_MAX) {
                let (source, plugin) = (source.clone(), plugin.clone());
                jobs.push(Job { stream, source, plugin, records: records.to_vec() });
            }
        }
        Ok(jobs)
    }

    /// Rows of custom data, which are read by the schema they came under.
    fn rows(&mut self, log: &Log, records: &[StoredRecord]) -> Result<Vec<(usize, Normalised)>, Fault> {
        let mut all = Vec::with_capacity(records.len());
        for (index, record) in records.iter().enumerate().filter(|(_, record)| is_row(&record.stream)) {
            let context = RowContext::of(&record.record).unwrap_or_default();
            if !self.schemas.contains_key(&context.schema) {
                let schema = crate::ingest::data::schema(log, &context.schema)?;
                self.schemas.insert(context.schema.clone(), schema);
            }
            let schema = self.schemas.get(&context.schema).and_then(Option::as_ref);
            all.push((index, made(record, normalise::data::read(&record.record, schema))));
        }
        Ok(all)
    }

    fn source(&mut self, log: &Log, name: &IntegrationName) -> Result<Source, Fault> {
        if let Some(source) = self.known.get(name) {
            return Ok(source.clone());
        }
        let source = Source::recall(log, name)?.unwrap_or_else(Source::native);
        self.known.insert(name.clone(), source.clone());
        Ok(source)
    }

    /// Forgets what it knows of integrations, after their settings changed.
    pub fn refresh(&mut self) {
        self.known.clear();
    }

    /// Integrations whose deliveries ask for a collection, since this was last asked.
    pub(crate) fn take_asked_for(&mut self) -> BTreeSet<IntegrationName> {
        std::mem::take(&mut self.asked_for)
    }
}

/// Records of one stream that are normalised together.
struct Job<'r> {
    stream: &'r StreamId,
    source: Source,
    /// None: a native format.
    plugin: Option<Arc<Plugin>>,
    /// With their places among all.
    records: Vec<(usize, &'r StoredRecord)>,
}

/// What came of a job.
#[derive(Default)]
struct Done {
    normalised: Vec<(usize, Normalised)>,
    /// The integration, when a delivery asked for a collection of it.
    asks: Option<IntegrationName>,
}

impl Job<'_> {
    fn run(&self, runtime: &Handle) -> Result<Done, Fault> {
        let Some(plugin) = self.plugin.as_deref() else {
            let settings = self.source.push_settings();
            let normalised = self.records.iter().map(|(index, record)| (*index, native_one(record, settings)));
            return Ok(Done { normalised: normalised.collect(), asks: None });
        };
        let run = Run { plugin, source: &self.source, runtime };
        if self.stream.dataset.as_str() == DELIVERIES {
            return run.deliveries(&self.records);
        }
        let about: Vec<_> = self.records.iter().map(|(index, record)| (*index, record.version())).collect();
        let raw: Vec<RawRecord> = self.records.iter().map(|(_, record)| record.record.clone()).collect();
        Ok(Done { normalised: run.normalise(self.stream, &about, &raw)?, asks: None })
    }
}

/// A plugin at work for one integration.
struct Run<'a> {
    plugin: &'a Plugin,
    source: &'a Source,
    runtime: &'a Handle,
}

impl Run<'_> {
    /// `about` names, per raw record, the index it is reported under and the version that counts.
    fn normalise(
        &self,
        stream: &StreamId,
        about: &[(usize, i64)],
        raw: &[RawRecord],
    ) -> Result<Vec<(usize, Normalised)>, Fault> {
        if raw.is_empty() {
            return Ok(Vec::new());
        }
        let asked = |record: &&RawRecord| is_upsert(record) && !record.is_unreadable();
        let upserts: Vec<RawRecord> = raw.iter().filter(asked).cloned().collect();
        let call = self.plugin.normalize(stream.dataset.as_str(), &self.source.settings, &upserts);
        let failed = |error| Fault::from_call(format!("cannot normalise records of {stream}"), error);
        let span = span!(
            "plugin", weir.method = "normalize", weir.integration = %stream.integration, weir.dataset = %stream.dataset,
            weir.records = upserts.len()
        );
        let outcomes = self.runtime.block_on(traces::within(span, call)).map_err(failed)?;
        let mut outcomes = outcomes.into_iter();
        let one = |((index, version), record): (&(usize, i64), &RawRecord)| {
            let outcome = match record {
                record if record.is_unreadable() => Some(keyless()),
                record if is_upsert(record) => outcomes.next(),
                _ => None,
            };
            let (entities, fate) = outcome.map_or((Vec::new(), Fate::Taken(Vec::new())), |o| judge(o, stream));
            let normalised =
                Normalised { stream: stream.clone(), key: record.key.clone(), version: *version, entities, fate };
            (*index, normalised)
        };
        Ok(about.iter().zip(raw).map(one).collect())
    }

    /// Decodes deliveries one by one and normalises what each brings.
    fn deliveries(&self, records: &[(usize, &StoredRecord)]) -> Result<Done, Fault> {
        let mut done = Done::default();
        for (index, record) in records {
            let report = |fate| (*index, reported(record, fate));
            match self.decode(record) {
                Decoding::Accepted { batches, asks } => {
                    if asks && clock::now().since(record.received_at).is_none_or(|age| age.0 < ASKS_FOR) {
                        done.asks = Some(record.stream.integration.clone());
                    }
                    let mut brought = false;
                    for (dataset, raw) in batches {
                        let stream = StreamId { integration: record.stream.integration.clone(), dataset };
                        let version = |raw: &RawRecord| raw.version.unwrap_or(record.received_at.ms());
                        let about: Vec<_> = raw.iter().map(|raw| (*index, version(raw))).collect();
                        brought |= !raw.is_empty();
                        done.normalised.extend(self.normalise(&stream, &about, &raw)?);
                    }
                    if !brought {
                        done.normalised.push(report(Fate::Ignored("webhook.nothing-new".to_owned())));
                    }
                }
                Decoding::Ignored(reason) => done.normalised.push(report(Fate::Ignored(reason))),
                Decoding::Refused(diagnostic) => done.normalised.push(report(Fate::Rejected(vec![diagnostic]))),
            }
        }
        Ok(done)
    }

    fn decode(&self, record: &StoredRecord) -> Decoding {
        let delivery = match delivery(record) {
            Ok(delivery) => delivery,
            Err(diagnostic) => return Decoding::Refused(diagnostic),
        };
        let span = span!("plugin", weir.method = "decode", weir.integration = %record.stream.integration);
        let call = traces::within(span, self.plugin.decode(&self.source.settings, &delivery));
        match self.runtime.block_on(call) {
            Ok(Decoded::Accepted { batches, refresh, .. }) => named(batches, refresh.is_empty()),
            Ok(Decoded::Ignored(reason)) => Decoding::Ignored(reason),
            Ok(Decoded::Challenge(_)) => Decoding::Ignored("webhook.challenge".to_owned()),
            Err(error) => {
                let found = error.to_string();
                Decoding::Refused(Diagnostic::new(DiagnosticKind::Malformed, "webhook.decode").found(&found))
            }
        }
    }
}

enum Decoding {
    Accepted {
        batches: Vec<(DatasetName, Vec<RawRecord>)>,
        /// Whether there is something to collect that the delivery does not bring.
        asks: bool,
    },
    Ignored(String),
    Refused(Diagnostic),
}

/// A dataset with a name that cannot be one is the plugin's fault.
fn named(batches: Vec<(String, Vec<RawRecord>)>, is_whole: bool) -> Decoding {
    let mut accepted = Vec::with_capacity(batches.len());
    for (dataset, records) in batches {
        match DatasetName::new(dataset) {
            Ok(dataset) => accepted.push((dataset, records)),
            Err(error) => {
                let found = error.to_string();
                return Decoding::Refused(
                    Diagnostic::new(DiagnosticKind::Unsupported, "webhook.dataset").found(&found),
                );
            }
        }
    }
    Decoding::Accepted { batches: accepted, asks: !is_whole }
}

/// What becomes of something that came where a record was expected and names no key.
fn keyless() -> Outcome {
    Outcome::Rejected(vec![Diagnostic::new(DiagnosticKind::Missing, "weir.record.key")])
}

fn is_row(stream: &StreamId) -> bool {
    stream.dataset.as_str() == CUSTOM_DATA
}

fn is_upsert(record: &RawRecord) -> bool {
    record.op == weir_model::Op::Upsert
}

/// Headers and query of a delivery, kept as the context of its raw record; the payload is the body as it came.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct DeliveryContext {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
}

fn delivery(record: &StoredRecord) -> Result<Delivery, Diagnostic> {
    let context = record.record.context.as_deref().unwrap_or("{}");
    let context: DeliveryContext = serde_json::from_str(context)
        .map_err(|error| Diagnostic::new(DiagnosticKind::Malformed, "webhook.context").found(&error.to_string()))?;
    Ok(Delivery {
        headers: context.headers,
        query: context.query,
        body: record.record.payload.clone(),
        received_at: record.received_at,
    })
}

fn reported(record: &StoredRecord, fate: Fate) -> Normalised {
    Normalised {
        stream: record.stream.clone(),
        key: record.record.key.clone(),
        version: record.version(),
        entities: Vec::new(),
        fate,
    }
}

/// Checks what a plugin made of a record against the model.
fn judge(outcome: Outcome, stream: &StreamId) -> (Vec<(EntityId, weir_model::Entity)>, Fate) {
    let (made, mut diagnostics) = match outcome {
        Outcome::Produced { entities, diagnostics } => (entities, diagnostics),
        Outcome::Rejected(diagnostics) => return (Vec::new(), Fate::Rejected(diagnostics)),
        Outcome::Ignored(reason) => return (Vec::new(), Fate::Ignored(reason)),
    };
    let mut entities = Vec::with_capacity(made.len());
    for entity in made {
        let (checked, found) = normalise::document(&entity.kind, &entity.key, &entity.document);
        diagnostics.extend(found);
        if let (Some(checked), Ok(kind)) = (checked, entity.kind.parse::<EntityKind>()) {
            entities.push((EntityId::new(kind, &stream.integration, entity.key), checked));
        }
    }
    let fate = if entities.is_empty() { Fate::Rejected(diagnostics) } else { Fate::Taken(diagnostics) };
    (entities, fate)
}

/// Reads a record of a native format.
pub(crate) fn native_one(record: &StoredRecord, settings: PushSettings) -> Normalised {
    if !is_upsert(&record.record) {
        return reported(record, Fate::Taken(Vec::new()));
    }
    let Some(format) = format_of(&record.stream.dataset) else {
        return reported(record, Fate::Ignored("weir.no-normaliser".to_owned()));
    };
    let arrival = Arrival { received_at: Some(record.received_at), settings };
    made(record, normalise::native(format, &record.record, arrival))
}

/// What was made of a record, under the names it has here.
fn made(record: &StoredRecord, made: normalise::Normalised) -> Normalised {
    let (entities, fate) = match made.outcome {
        normalise::Outcome::Produced(entities) => (entities, Fate::Taken(made.diagnostics)),
        normalise::Outcome::Ignored(reason) => (Vec::new(), Fate::Ignored(reason)),
        normalise::Outcome::Rejected => (Vec::new(), Fate::Rejected(made.diagnostics)),
    };
    // The stream of a forwarded entity has its host's name in it: what two hosts call by one name stays two things.
    let integration = &record.stream.integration;
    let identify = |made: normalise::Produced| (EntityId::new(made.kind, integration, made.key), made.entity);
    Normalised { entities: entities.into_iter().map(identify).collect(), ..reported(record, fate) }
}
