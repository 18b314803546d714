//! Write a Weir connector or propel in Rust.
//!
//! A plugin is a WebAssembly component that holds no secret, no socket and no clock: the host hands it a connection, on
//! which it names paths. A connector turns a cursor into requests, pages into raw records, and raw records into
//! entities; a propel turns a domain event into actions. Both are plain types here, and compile for the host too, so that
//! `cargo test` runs them against scripted answers (`weir_sdk::mock`).
//!
#![doc = include_str!("../EXAMPLE.md")]

pub mod address;
#[cfg(not(target_family = "wasm"))]
pub mod conformance;
pub mod connector;
mod cursor;
pub mod facts;
pub mod failure;
pub mod field;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod guest;
pub mod http;
pub mod log;
mod macros;
#[cfg(not(target_family = "wasm"))]
pub mod mock;
pub mod outcome;
pub mod page;
pub mod propel;
pub mod raw;
pub mod record;
pub mod settings;
pub mod state;
pub mod text;
pub mod tool;
pub mod walk;
pub mod webhook;

pub use weir_model as model;

pub use connector::{Connector, Webhook};

/// What a connector needs.
pub mod prelude {
    pub use weir_model::entity::{
        Artifact, Build, Change, Commit, Deployment, Incident, Person, Repository, Review, Sprint, TestReport, WorkItem,
    };
    pub use weir_model::{DurationMs, ObjectId, Reference, Timestamp};

    pub use crate::connector::{Checkup, Connector, Dataset, Pass, Run, Webhook};
    pub use crate::failure::{Failure, FailureKind};
    pub use crate::field::{Field, Instant, List, Nested, Object, Sha, Text};
    pub use crate::http::{Connection, Response};
    pub use crate::outcome::{Diagnostic, DiagnosticKind, Outcome, Produced};
    pub use crate::page::Page;
    pub use crate::raw::Raw;
    pub use crate::record::RawRecord;
    pub use crate::webhook::{Accepted, Decoded, Delivery};
}
