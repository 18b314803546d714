//! Names and numbers that identify things. Each is a type of its own, so that two of them cannot swap unnoticed.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entity::EntityKind;

/// Longest name of an account, integration, dataset or host, in bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// Longest key of a raw record or an entity, in bytes.
pub const KEY_BYTES_MAX: usize = 512;

/// A name that breaks the rule for names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no {what}: 1 to 64 of a-z, 0-9, `-`, `_`, `.`, beginning with a letter or digit")]
pub struct NameError {
    /// What it was to name.
    pub what: &'static str,
    /// The refused text.
    pub name: String,
}

fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    let first = text.bytes().next();
    text.len() <= NAME_BYTES_MAX
        && first.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && text.bytes().all(allowed)
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $type(String);

        impl $type {
            /// Checks and takes a name.
            pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
                let name = name.into();
                if is_name(&name) { Ok(Self(name)) } else { Err(NameError { what: $what, name }) }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $type {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// A tenant. Every key in every store starts with it or lies in its folder.
    AccountId, "account name"
);
name!(
    /// A configured connection to a tool, unique in the account.
    IntegrationName, "integration name"
);
name!(
    /// A kind of record an integration gives: `pulls`, `builds`.
    DatasetName, "dataset name"
);
name!(
    /// A host as central knows it.
    HostName, "host name"
);

/// Position of a raw record in the log of its account: 1, 2, 3, ... without gaps, in the order of acceptance.
/// A watermark is the `Seq` of the last record that was processed; 0 is "none yet".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// Before the first record.
    pub const ZERO: Self = Self(0);

    /// The one `n` further on.
    #[must_use]
    pub fn plus(self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A stream of raw records: one dataset of one integration. Order is kept within a stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct StreamId {
    /// Whose.
    pub integration: IntegrationName,
    /// Which of its datasets.
    pub dataset: DatasetName,
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.integration, self.dataset)
    }
}

/// Object id of a commit: lower-case hex, 7 to 64 digits. Anything else is refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ObjectId(String);

impl ObjectId {
    /// Reads an object id, in either case.
    pub fn new(text: &str) -> Option<Self> {
        let hex = (7..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The id as lower-case hex.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::new(&text).ok_or_else(|| serde::de::Error::custom(format_args!("`{text}` is no object id")))
    }
}

/// Identity of an entity in its account, written `kind:integration:key`. A commit has no integration, for its
/// object id is the same in every tool: `commit::a0d740aa...`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId {
    /// What it is.
    pub kind: EntityKind,
    /// Who knows it by `key`; none for kinds whose key is the same everywhere.
    pub integration: Option<IntegrationName>,
    /// Stable key within kind and integration.
    pub key: String,
}

impl EntityId {
    /// The identity of what `integration` calls `key`.
    pub fn new(kind: EntityKind, integration: &IntegrationName, key: impl Into<String>) -> Self {
        let integration = (!kind.is_global()).then(|| integration.clone());
        Self { kind, integration, key: key.into() }
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let integration = self.integration.as_ref().map_or("", IntegrationName::as_str);
        write!(f, "{}:{integration}:{}", self.kind, self.key)
    }
}

/// A text that is no entity id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no entity id; one looks like `build:ci:folder/job/12/1` or `commit::a0d740a...`")]
pub struct EntityIdError(pub String);

impl FromStr for EntityId {
    type Err = EntityIdError;

    fn from_str(text: &str) -> Result<Self, EntityIdError> {
        let error = || EntityIdError(text.to_owned());
        let mut parts = text.splitn(3, ':');
        let (kind, integration, key) = (parts.next(), parts.next(), parts.next());
        let kind = kind.and_then(|k| k.parse().ok()).ok_or_else(error)?;
        let integration = match integration.ok_or_else(error)? {
            "" => None,
            name => Some(name.parse().map_err(|_| error())?),
        };
        let key = key.filter(|k| !k.is_empty()).ok_or_else(error)?.to_owned();
        Ok(Self { kind, integration, key })
    }
}

impl Serialize for EntityId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntityId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for EntityId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EntityId".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}
