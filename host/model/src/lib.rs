//! Weir's words as types, once: ids, time, raw records, entities, domain events, filters.
//!
//! Pure: no input or output, no clock, no map with random order. Everything else in Weir speaks in these types.

pub mod calendar;
pub mod diagnostic;
pub mod entity;
pub mod event;
pub mod filter;
pub mod id;
pub mod metric;
pub mod raw;
pub mod search;
pub mod statistics;
pub mod time;

pub use calendar::{Bucket, Calendar};
pub use diagnostic::{Diagnostic, DiagnosticKind};
pub use entity::{Entity, EntityKind, Reference};
pub use event::{DomainEvent, EventNumber};
pub use filter::Filter;
pub use id::{AccountId, DatasetName, EntityId, HostName, IntegrationName, NameError, ObjectId, Seq, StreamId};
pub use raw::{Op, RawRecord, StoredRecord, Version};
pub use search::SearchDocument;
pub use time::{DurationMs, TimeError, Timestamp};
