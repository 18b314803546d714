//! What became of a raw record: entities, a reason to reject it, or a reason to leave it out.

use weir_model::entity::{
    Artifact, Build, Change, Commit, Custom, Deployment, Incident, Person, Repository, Review, Sprint, TestReport, WorkItem,
};
pub use weir_model::{Diagnostic, DiagnosticKind};

/// A kind of entity with its document.
pub trait Document: serde::Serialize {
    /// Name of the kind.
    const KIND: &'static str;
}

macro_rules! documents {
    ($($type:ident = $kind:literal,)*) => {
        $(impl Document for $type {
            const KIND: &'static str = $kind;
        })*
    };
}

documents! {
    Repository = "repository",
    Commit = "commit",
    Change = "change",
    Review = "review",
    WorkItem = "work-item",
    Sprint = "sprint",
    Build = "build",
    TestReport = "test-report",
    Artifact = "artifact",
    Deployment = "deployment",
    Incident = "incident",
    Person = "person",
}

/// One entity, or the part of it that one raw record states, as it crosses to the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityDocument {
    /// Its kind.
    pub kind: String,
    /// Stable key within kind and integration.
    pub key: String,
    /// JSON object.
    pub document: String,
}

/// Entities made from a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Produced {
    /// The entities.
    pub entities: Vec<EntityDocument>,
    /// What had to be left out or guessed.
    pub diagnostics: Vec<Diagnostic>,
}

impl Produced {
    /// Adds an entity.
    #[must_use]
    pub fn with<D: Document>(self, key: impl Into<String>, entity: &D) -> Self {
        self.document(D::KIND.to_owned(), key.into(), entity)
    }

    /// Adds an entity of a kind of one's own, `[a-z0-9-]`, at most 64 bytes.
    #[must_use]
    pub fn with_custom(self, kind: impl Into<String>, key: impl Into<String>, entity: &Custom) -> Self {
        self.document(kind.into(), key.into(), entity)
    }

    fn document(mut self, kind: String, key: String, entity: &impl serde::Serialize) -> Self {
        let mut document = Vec::with_capacity(DOCUMENT_BYTES_USUAL);
        if serde_json::to_writer(&mut document, entity).is_ok()
            && let Ok(document) = String::from_utf8(document)
        {
            self.entities.push(EntityDocument { kind, key, document });
        }
        self
    }
}

/// Room for most documents, so that writing one rarely moves it.
const DOCUMENT_BYTES_USUAL: usize = 1 << 10;

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// Entities, with warnings if any.
    Produced(Produced),
    /// No entity could be made; the raw record is kept and tried again by a newer plugin.
    Rejected(Vec<Diagnostic>),
    /// Not of interest by design; short, stable, dotted reason.
    Ignored(String),
}

impl Outcome {
    /// One entity.
    pub fn entity<D: Document>(key: impl Into<String>, entity: &D) -> Self {
        Produced::default().with(key, entity).into()
    }

    /// Not of interest.
    pub fn ignored(reason: impl Into<String>) -> Self {
        Self::Ignored(reason.into())
    }

    /// No entity could be made.
    pub fn rejected(diagnostic: Diagnostic) -> Self {
        Self::Rejected(vec![diagnostic])
    }

    /// Adds findings made on the way.
    pub(crate) fn and(mut self, findings: Vec<Diagnostic>) -> Self {
        match &mut self {
            Self::Produced(Produced { diagnostics, .. }) | Self::Rejected(diagnostics) => diagnostics.extend(findings),
            Self::Ignored(_) => {}
        }
        self.sound()
    }

    /// The contract wants an entity in what was produced and a finding in what was rejected.
    fn sound(self) -> Self {
        match self {
            Self::Produced(produced) if produced.entities.is_empty() => Self::Rejected(produced.diagnostics).sound(),
            Self::Rejected(findings) if findings.is_empty() => {
                Self::rejected(Diagnostic::new(DiagnosticKind::Unsupported, "record.empty"))
            }
            other => other,
        }
    }
}

impl From<Produced> for Outcome {
    fn from(produced: Produced) -> Self {
        Self::Produced(produced)
    }
}
