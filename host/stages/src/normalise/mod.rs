//! From raw records to entities: checks documents of plugins, reads the formats that are Weir's own.
//!
//! Pure, lenient and total: whatever arrives gives an outcome, and what could not be read is named beside it. Nothing
//! is guessed: a missing result is no success, a time without an offset is no time.

mod additions;
mod artifacts;
mod attributes;
mod builds;
mod cdevents;
mod commits;
pub mod data;
mod deployments;
mod document;
mod envelope;
mod envelopes;
mod events;
mod fields;
mod forwarded;
mod json;
mod junit;
mod names;
pub mod otlp;
mod params;
mod refs;
mod rows;
mod scans;
mod stages;
mod tables;
mod tests_run;
mod words;

use serde::Deserialize;
use serde_json::{Map, Value};
use weir_model::entity::Custom;
use weir_model::id::KEY_BYTES_MAX;
use weir_model::{
    Diagnostic, DiagnosticKind, Entity, EntityId, EntityKind, IntegrationName, Op, RawRecord, Timestamp, Version,
};

pub use additions::{ADDITION_KIND, ATTEMPT_ATTRIBUTE, RUN_ATTRIBUTE, run_name};
pub use document::document;
pub use envelope::{Envelope, Request};
pub use events::{EVENT_KIND, SAID_ATTRIBUTE};
pub use junit::{is_xml, xml_report_key};
pub use names::{canonical_remote, repository_name, without_credentials};
pub use params::shown_parameters;
pub use rows::{Row, rows};
pub use words::{environment_class, result_of};

/// Attribute that names the project where an entity has no field for it.
pub const PROJECT_ATTRIBUTE: &str = "project";
/// Attribute that names the host an entity was forwarded from.
pub const HOST_ATTRIBUTE: &str = "weir.host";
/// Attribute that lists the fields that were worked out from others.
pub const DERIVED_ATTRIBUTE: &str = "weir.derived";

/// A format that needs no plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Runs of CI jobs: reports of collectors, custom CI/CD payloads, rows of build histories.
    Builds,
    /// Commits.
    Commits,
    /// Deployments.
    Deployments,
    /// Outcomes of sets of tests.
    TestReports,
    /// `CDEvents`, bare or in `CloudEvents`.
    CdEvents,
    /// Bodies of OpenTelemetry exporters.
    Otlp,
    /// Envelopes of a Jenkins plugin that report no run.
    Envelopes,
    /// Artifacts and parameters of a run that is collected by other means.
    RunAdditions,
    /// Results of scanners.
    ScanResults,
    /// Rows of tables.
    TableRows,
    /// What propels say.
    Events,
    /// Entities that another host made: `{"id", "document", "host"}`.
    Forwarded,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 12] = [
        Self::Builds,
        Self::Commits,
        Self::Deployments,
        Self::TestReports,
        Self::CdEvents,
        Self::Otlp,
        Self::Envelopes,
        Self::RunAdditions,
        Self::ScanResults,
        Self::TableRows,
        Self::Events,
        Self::Forwarded,
    ];

    /// Its name: the dataset of its raw records, and the last part of the path it is posted to.
    pub fn name(self) -> &'static str {
        match self {
            Self::Builds => "builds",
            Self::Commits => "commits",
            Self::Deployments => "deployments",
            Self::TestReports => "test-reports",
            Self::CdEvents => "cdevents",
            Self::Otlp => "otlp",
            Self::Envelopes => "envelopes",
            Self::RunAdditions => "run-additions",
            Self::ScanResults => "scan-results",
            Self::TableRows => "table-rows",
            Self::Events => "events",
            Self::Forwarded => "forwarded",
        }
    }

    /// Whether what comes in an envelope is read as what is in it.
    fn opens_envelopes(self) -> bool {
        !matches!(self, Self::Envelopes | Self::CdEvents | Self::Otlp | Self::Events | Self::Forwarded)
    }

    /// The format of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// Part of what a raw record says.
#[derive(Debug, Clone, PartialEq)]
pub struct Produced {
    /// What it is.
    pub kind: EntityKind,
    /// The integration it is of; none: that of the raw record.
    pub integration: Option<IntegrationName>,
    /// Its key, within the integration unless the kind is global.
    pub key: String,
    /// What is stated about it.
    pub entity: Entity,
}

impl Produced {
    /// A thing of the record's own integration.
    pub fn new(kind: EntityKind, key: String, entity: impl Into<Entity>) -> Self {
        Self { kind, integration: None, key, entity: entity.into() }
    }

    /// A thing of a kind that has no record of its own.
    fn custom(kind: &str, key: String, custom: Custom) -> Self {
        let entity = Entity::Custom(Box::new(custom));
        Self { kind: EntityKind::Custom(kind.to_owned()), integration: None, key, entity }
    }

    /// Its identity, when the raw record is of `integration`.
    pub fn id(&self, integration: &IntegrationName) -> EntityId {
        EntityId::new(self.kind.clone(), self.integration.as_ref().unwrap_or(integration), self.key.clone())
    }
}

/// What became of a raw record.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// These.
    Produced(Vec<Produced>),
    /// Not of interest by design, with a short reason.
    Ignored(String),
    /// No entity could be made; the diagnostics say why.
    Rejected,
}

/// A raw record, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalised {
    /// What it gives.
    pub outcome: Outcome,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

impl Normalised {
    fn rejected(diagnostic: Diagnostic) -> Self {
        Self { outcome: Outcome::Rejected, diagnostics: vec![diagnostic] }
    }
}

/// Key and version of a raw record of one of Weir's own formats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordKey {
    /// The same for all that is said about the same thing.
    pub key: String,
    /// None: the time of acceptance counts.
    pub version: Option<Version>,
}

/// What is known about a raw record besides what it says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Arrival {
    /// When it was accepted.
    pub received_at: Option<Timestamp>,
    /// Settings of its integration.
    pub settings: PushSettings,
}

/// Settings of an integration that decide how its pushes are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PushSettings {
    /// Unit of `duration`.
    pub duration_unit: DurationUnit,
    /// Value of `cfr_status` with which a sender says that the deployment failed; none: it says nothing.
    pub cfr_status_failed: Option<bool>,
}

/// Unit in which a sender writes `duration`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum DurationUnit {
    /// Milliseconds.
    #[default]
    #[serde(rename = "ms")]
    Milliseconds,
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
}

/// Reads a raw record of one of Weir's own formats. A deleted one gives nothing.
pub fn native(format: Format, record: &RawRecord, arrival: Arrival) -> Normalised {
    if record.op == Op::Delete {
        return Normalised { outcome: Outcome::Produced(Vec::new()), diagnostics: Vec::new() };
    }
    if format == Format::Otlp {
        // The one format that need not be JSON.
        return otlp::read(&record.payload);
    }
    if format == Format::TestReports && is_xml(&record.payload) {
        return junit::record(record);
    }
    let Unpacked { object, notes } = match unpacked(format, &record.payload) {
        Ok(unpacked) => unpacked,
        Err(diagnostic) => return Normalised::rejected(diagnostic),
    };
    let mut fields = fields::Fields::new(format.name(), &object);
    fields.note_all(notes);
    let produced = match format {
        Format::Builds => builds::read(&mut fields, arrival),
        Format::Commits => commits::read(&mut fields),
        Format::Deployments => deployments::read(&mut fields),
        Format::TestReports => tests_run::read(&mut fields),
        Format::CdEvents => return cdevents::read(&object, record.context.as_deref()),
        Format::Otlp => return otlp::read(&record.payload),
        Format::Envelopes => return envelopes::read(&object),
        Format::RunAdditions => additions::read(&mut fields, &record.key),
        Format::ScanResults => scans::read(&mut fields, &record.key),
        Format::TableRows => tables::read(&mut fields, &object, record),
        Format::Events => events::read(&mut fields, &object, &record.key),
        Format::Forwarded => return forwarded::read(&object),
    };
    let diagnostics = fields.into_diagnostics();
    let outcome = if produced.is_empty() { Outcome::Rejected } else { Outcome::Produced(produced) };
    Normalised { outcome, diagnostics }
}

/// The key a raw record of that payload is kept under, so that sending it again changes nothing; none when the
/// payload does not say what it is about. A build is keyed by job, number, attempt and, for a row about one stage,
/// the stage, for a report about a part of it the part; a commit by its object id and a ref by its name, both with their
/// repository; everything else by its `id`.
pub fn record_key(format: Format, payload: &Map<String, Value>) -> Option<RecordKey> {
    let inner = if format.opens_envelopes() { Envelope::open(payload).map(Envelope::into_fields) } else { None };
    let payload = match &inner {
        Some(inner) => inner.as_ref()?,
        None => payload,
    };
    let mut fields = fields::Fields::new(format.name(), payload);
    let key = match format {
        Format::Builds => builds::record_key(&mut fields),
        Format::Commits => commits::record_key(&mut fields),
        Format::Deployments => deployments::record_key(&mut fields),
        Format::TestReports => tests_run::record_key(&mut fields),
        Format::CdEvents => return cdevents::record_key(payload),
        Format::Otlp | Format::Events => return None,
        Format::Envelopes => envelopes::record_key(payload),
        Format::RunAdditions => additions::record_key(&mut fields, payload),
        Format::ScanResults => scans::record_key(&mut fields, payload),
        Format::TableRows => Some(tables::record_key(&mut fields, payload)),
        Format::Forwarded => payload.get("id").and_then(Value::as_str).map(str::to_owned),
    }?;
    if key.len() > KEY_BYTES_MAX {
        return None;
    }
    let version = fields.time(&["updated_at", "reported_at"]).map(Timestamp::ms);
    Some(RecordKey { key, version })
}

/// Fields that a sender must state, as the interface that `format` comes by demands, and that `payload` does not state.
pub fn missing_fields(format: Format, payload: &Map<String, Value>) -> Vec<&'static str> {
    let required: &[&[&str]] = match format {
        Format::Builds => &builds::REQUIRED,
        Format::RunAdditions => &additions::REQUIRED,
        Format::ScanResults => &scans::REQUIRED,
        _ => &[],
    };
    let fields = fields::Fields::new(format.name(), payload);
    let is_missing = |names: &&&[&'static str]| !names.iter().any(|name| fields.has(name));
    required.iter().filter(is_missing).map(|names| names[0]).collect()
}

/// A payload without what it came in.
struct Unpacked {
    object: Map<String, Value>,
    notes: Vec<Diagnostic>,
}

/// The object of a payload: that within the envelope, where there is one.
fn unpacked(format: Format, payload: &[u8]) -> Result<Unpacked, Diagnostic> {
    let read = json::read(payload).map_err(|error| malformed(format, &error.to_string()))?;
    let mut notes = Vec::new();
    if read.is_cut {
        notes.push(Diagnostic::new(DiagnosticKind::Truncated, format!("{}.nesting", format.name())));
    }
    let object = match read.value {
        Value::Object(object) => object,
        other => return Err(malformed(format, "not an object").found(&other.to_string())),
    };
    match Envelope::open(&object).filter(|_| format.opens_envelopes()) {
        None => Ok(Unpacked { object, notes }),
        Some(mut envelope) => {
            notes.append(&mut envelope.notes);
            let object = envelope.into_fields().ok_or_else(|| malformed(format, "envelope"))?;
            Ok(Unpacked { object, notes })
        }
    }
}

fn malformed(format: Format, why: &str) -> Diagnostic {
    Diagnostic::new(DiagnosticKind::Malformed, format!("{}.payload", format.name())).found(why)
}

#[cfg(test)]
mod tests;
