//! World `connector`: what a polling connector exports. Its imports are those all worlds share.

use std::cell::{OnceCell, RefCell};
use std::marker::PhantomData;

use weir_model::Timestamp;

use crate::connector::{Checkup, Connector, Dataset, Pass, Run, read_settings};
use crate::cursor;
use crate::guest::wire::Wire;
use crate::http::Connection;
use crate::outcome::{Diagnostic, DiagnosticKind, Outcome};
use crate::page::{Content, Extract, Page};
use crate::raw::Raw;

#[allow(unsafe_code, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "weir:connector/connector@0.1.0",
        generate_all,
        pub_export_macro: true,
    });
}

use bindings::exports::weir::connector::{normalizer, source};
use bindings::weir::connector::raw::Payload;

/// What the component exports for a connector.
pub struct Exported<C>(PhantomData<C>);

impl<C: Connector> source::Guest for Exported<C> {
    type Reader = Reading<C>;

    fn check(connection: &source::Connection, settings: String) -> Result<source::Checkup, source::Failure> {
        let settings = read_settings(&settings)?;
        C::datasets(&settings)?;
        Ok(C::check(&Connection(Wire::Lent(connection)), &settings)?.into())
    }

    fn datasets(_: &source::Connection, settings: String) -> Result<Vec<source::Dataset>, source::Failure> {
        Ok(C::datasets(&read_settings(&settings)?)?.into_iter().map(Into::into).collect())
    }

    fn open(connection: source::Connection, job: source::Job) -> Result<source::Reader, source::Failure> {
        // Read here only to refuse an expired one; each step reads its own.
        job.cursor.as_deref().map(cursor::decode::<C>).transpose()?;
        let run = Run {
            settings: read_settings(&job.settings)?,
            dataset: job.dataset,
            parent: job.parent.map(Into::into),
            pass: job.pass.into(),
            run_at: Timestamp::from_ms(job.run_at),
            since: job.since.map(Timestamp::from_ms),
            connection: Connection(Wire::Owned(connection)),
            memo: OnceCell::new(),
        };
        Ok(source::Reader::new(Reading::<C> { run, cursor: RefCell::new(job.cursor) }))
    }
}

/// A reader: the run, and the cursor its next step begins at, as bytes.
pub struct Reading<C: Connector> {
    run: Run<C::Settings>,
    cursor: RefCell<Option<Vec<u8>>>,
}

impl<C: Connector> source::GuestReader for Reading<C> {
    fn step(&self) -> Result<source::Page, source::Failure> {
        let cursor = self.cursor.borrow().as_deref().map(cursor::decode::<C>).transpose()?;
        let Page { content, cursor, done } = C::step(&self.run, cursor)?;
        let cursor = cursor.as_ref().map(cursor::encode::<C>).transpose()?;
        if cursor.is_some() {
            self.cursor.borrow_mut().clone_from(&cursor);
        }
        Ok(source::Page { content: content.into(), cursor, done })
    }
}

impl<C: Connector> normalizer::Guest for Exported<C> {
    fn normalize(dataset: String, settings: String, records: Vec<normalizer::RawRecord>) -> Vec<normalizer::Outcome> {
        let settings = match read_settings::<C::Settings>(&settings) {
            Ok(settings) => settings,
            Err(failure) => return records.iter().map(|_| unreadable(&failure.message).into()).collect(),
        };
        records.iter().map(|record| normalize::<C>(&dataset, &settings, record).into()).collect()
    }
}

fn normalize<C: Connector>(dataset: &str, settings: &C::Settings, record: &normalizer::RawRecord) -> Outcome {
    let raw = |payload| Raw::new(dataset, &record.key, record.version, record.context.as_deref(), payload);
    let raw = match &record.payload {
        Payload::Text(text) => raw(&[]).with_text(text),
        Payload::Bytes(bytes) => raw(bytes),
    };
    let outcome = C::normalize(dataset, settings, &raw);
    outcome.and(raw.into_findings())
}

fn unreadable(message: &str) -> Outcome {
    Outcome::rejected(Diagnostic::new(DiagnosticKind::Unsupported, "settings.unreadable").found(message))
}

impl From<Checkup> for source::Checkup {
    fn from(Checkup { tool, identity, missing }: Checkup) -> Self {
        Self { tool, identity, missing }
    }
}

impl From<Dataset> for source::Dataset {
    fn from(dataset: Dataset) -> Self {
        Self {
            name: dataset.name.to_owned(),
            media: dataset.media.to_owned(),
            produces: dataset.produces.iter().map(|kind| (*kind).to_owned()).collect(),
            incremental: dataset.incremental,
            rotates: dataset.rotates,
            parent: dataset.parent.map(str::to_owned),
        }
    }
}

impl From<source::Pass> for Pass {
    fn from(pass: source::Pass) -> Self {
        match pass {
            source::Pass::Incremental => Self::Incremental,
            source::Pass::Full => Self::Full,
        }
    }
}

impl From<Content> for source::Content {
    fn from(content: Content) -> Self {
        match content {
            Content::Records(records) => Self::Records(records.into_iter().map(Into::into).collect()),
            Content::Extract(extracts) => Self::Extract(extracts.into_iter().map(Into::into).collect()),
        }
    }
}

impl From<Extract> for source::Extract {
    fn from(Extract { body, items, key_prefix, key, version, context }: Extract) -> Self {
        Self { body: body.0.0, items, key_prefix, key, version, context }
    }
}

impl From<Outcome> for normalizer::Outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Produced(produced) => Self::Produced(normalizer::Produced {
                entities: produced.entities.into_iter().map(Into::into).collect(),
                diagnostics: produced.diagnostics.into_iter().map(Into::into).collect(),
            }),
            Outcome::Rejected(findings) => Self::Rejected(findings.into_iter().map(Into::into).collect()),
            Outcome::Ignored(reason) => Self::Ignored(reason),
        }
    }
}

impl From<Diagnostic> for normalizer::Diagnostic {
    fn from(Diagnostic { kind, code, place, found }: Diagnostic) -> Self {
        Self { kind: kind.into(), code, place, found }
    }
}

impl From<DiagnosticKind> for normalizer::DiagnosticKind {
    fn from(kind: DiagnosticKind) -> Self {
        match kind {
            DiagnosticKind::Malformed => Self::Malformed,
            DiagnosticKind::Missing => Self::Missing,
            DiagnosticKind::WrongType => Self::WrongType,
            DiagnosticKind::BadTime => Self::BadTime,
            DiagnosticKind::UnknownWord => Self::UnknownWord,
            DiagnosticKind::Conflicting => Self::Conflicting,
            DiagnosticKind::Truncated => Self::Truncated,
            DiagnosticKind::Unsupported => Self::Unsupported,
            DiagnosticKind::Unknown(word) => Self::Unknown(word),
        }
    }
}
