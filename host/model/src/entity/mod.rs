//! Canonical entities: what every tool's data becomes.
//!
//! An entity is the merge of what all current raw records say about its key. One record may state only a part, so
//! nearly every field is optional. Of a single value the contribution with the highest rank that states it wins;
//! lists are united, element by element on their identity. The result depends on the ranks alone, never on the
//! order of arrival.

#[macro_use]
mod macros;
mod code;
mod log;
mod operations;
mod parts;
mod runs;
mod words;
mod work;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use code::{Change, Commit, CommitRef, FileChange, Repository, Review};
pub use log::LogTail;
pub use operations::{Artifact, Custom, Deployment, Incident, IncidentLink, Person};
pub use parts::{Attribute, AttributeValue, Attributes, Environment, Identity, Reference};
pub use runs::{ArtifactUse, Build, Checkout, LogPlace, Parameter, Stage, TestCase, TestReport, Trigger};
pub use words::{
    ArtifactKind, ArtifactRole, ChangeKind, ChangeState, DeploymentKind, EditedField, EnvironmentClass, FileChangeKind,
    IncidentLinkKind, IncidentState, MergeMethod, ReviewVerdict, RunPurpose, RunResult, RunState, SprintState,
    StageKind, TestResult, TriggerKind, WorkCategory, WorkKind, WorkLinkKind,
};
pub use work::{Edit, Sprint, Transition, WorkItem, WorkLink, WorkStatus};

/// Largest document of one entity, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// Most elements of one list of an entity.
pub const LIST_ELEMENTS_MAX: usize = 10_000;

/// A place in a document that did not fit its schema and was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// RFC 6901 pointer to it.
    pub place: String,
    /// What was there, shortened.
    pub found: String,
    /// Why it does not fit.
    pub reason: String,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What an entity is.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EntityKind {
            $($(#[$doc])* $kind,)*
            /// A kind of the operator's own: stored, searched and erased like any other; no metric reads it.
            Custom(String),
        }

        impl EntityKind {
            /// The kinds every Weir knows, in the order of their names in the code.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The name as written in ids, documents and searches.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$kind => $name,)*
                    Self::Custom(name) => name,
                }
            }
        }

        impl FromStr for EntityKind {
            type Err = UnknownKind;

            fn from_str(text: &str) -> Result<Self, UnknownKind> {
                match text {
                    $($name => Ok(Self::$kind),)*
                    name if is_custom_kind(name) => Ok(Self::Custom(name.to_owned())),
                    _ => Err(UnknownKind(text.to_owned())),
                }
            }
        }

        /// One entity, or the part of it that one raw record states.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Entity {
            $($(#[$doc])* $kind(Box<$kind>),)*
            /// A thing of a kind of the operator's own.
            Custom(Box<Custom>),
        }

        impl Entity {
            /// An entity of `kind` of which nothing is stated.
            pub fn empty(kind: &EntityKind) -> Self {
                match kind {
                    $(EntityKind::$kind => Self::$kind(Box::default()),)*
                    EntityKind::Custom(_) => Self::Custom(Box::default()),
                }
            }

            /// Takes from `lower` what this does not state. `lower` has a lower rank; of another kind it is ignored.
            pub fn absorb(&mut self, lower: Self) {
                match (self, lower) {
                    $((Self::$kind(this), Self::$kind(lower)) => this.absorb(*lower),)*
                    (Self::Custom(this), Self::Custom(lower)) => this.absorb(*lower),
                    _ => {}
                }
            }

            /// Reads a document that fits its schema to the letter.
            pub fn read(kind: &EntityKind, json: &str) -> Result<Self, serde_json::Error> {
                Ok(match kind {
                    $(EntityKind::$kind => Self::$kind(serde_json::from_str(json)?),)*
                    EntityKind::Custom(_) => Self::Custom(serde_json::from_str(json)?),
                })
            }

            /// Reads what fits of a document, field by field; the rest comes back as misfits.
            pub fn read_leniently(kind: &EntityKind, document: Map<String, Value>) -> (Self, Vec<Misfit>) {
                let mut misfits = Vec::new();
                let entity = match kind {
                    $(EntityKind::$kind => Self::$kind(Box::new($kind::read_leniently(document, &mut misfits))),)*
                    EntityKind::Custom(_) => Self::Custom(Box::new(Custom::read_leniently(document, &mut misfits))),
                };
                (entity, misfits)
            }

            /// JSON Schema of the documents of each kind, by name.
            pub fn schemas() -> Vec<(&'static str, schemars::Schema)> {
                vec![$(($name, schemars::schema_for!($kind)),)* ("custom", schemars::schema_for!(Custom))]
            }
        }

        $(impl From<$kind> for Entity {
            fn from(entity: $kind) -> Self {
                Self::$kind(Box::new(entity))
            }
        })*
    };
}

kinds! {
    /// A version-controlled code base.
    Repository = "repository",
    /// A commit.
    Commit = "commit",
    /// A pull request, merge request or push.
    Change = "change",
    /// A review of a change, or a comment on it.
    Review = "review",
    /// An issue, ticket, story, task or defect.
    WorkItem = "work-item",
    /// A period of planned work.
    Sprint = "sprint",
    /// One attempt of a CI run.
    Build = "build",
    /// Outcome of a set of tests.
    TestReport = "test-report",
    /// Something built that can be shipped.
    Artifact = "artifact",
    /// One attempt to bring something to one environment.
    Deployment = "deployment",
    /// A failure of a running service.
    Incident = "incident",
    /// An identity in one tool.
    Person = "person",
}

/// A text that cannot be a kind of entity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of entity: 1 to 64 of a-z, 0-9 and `-`")]
pub struct UnknownKind(pub String);

fn is_custom_kind(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

impl EntityKind {
    /// Whether the key means the same thing in every integration.
    pub fn is_global(&self) -> bool {
        matches!(self, Self::Commit)
    }
}

impl fmt::Display for EntityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for EntityKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EntityKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for EntityKind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EntityKind".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

impl Entity {
    /// Merges contributions given from the highest rank to the lowest; none of none.
    pub fn merge(contributions: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut contributions = contributions.into_iter();
        let mut merged = contributions.next()?;
        contributions.for_each(|lower| merged.absorb(lower));
        Some(merged)
    }

    /// The same without the end of a log, for where logs do not go.
    pub fn without_log(&self) -> Cow<'_, Self> {
        match self {
            Self::Build(build) if build.log_tail.is_some() => {
                Cow::Owned(Self::Build(Box::new(Build { log_tail: None, ..(**build).clone() })))
            }
            other => Cow::Borrowed(other),
        }
    }

    /// The document: a JSON object with the stated fields in the order of their declaration.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("entities hold only finite numbers and text keys")
    }
}

#[cfg(test)]
mod tests;
