//! Weir's sandbox: loads, limits and calls WASM plugins. The only crate that names wasmtime.
//!
//! A plugin is a stranger: it gets what it was granted and nothing else, every limit has a name in [`Limits`], and
//! everything it returns is checked before anyone else sees it. Whatever a plugin does, the caller gets a typed
//! error and the host stays alive.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on has failed"))]

mod bindings;
mod cache;
mod connection;
mod context;
mod cpu;
mod engine;
mod error;
mod extract;
mod host;
mod inspect;
mod json;
mod limits;
mod load;
mod manifest;
mod normalize;
mod output;
mod page;
mod plugin;
mod propel;
mod run;
mod state;
mod webhook;

pub use bindings::{
    Action, ActionReport, Answer, Call, Checkup, Dataset, Effect, Emission, EntityChange, Event, EventBody, Failure,
    FailureKind, GateDecision, GateRequest, Measure, Method, Notice, PluginEntity, PluginReference, Target, Trace,
    Urgency, Verdict,
};
pub use connection::{Connection, HttpError, Request, Response};
pub use error::{Blame, CallError, CallErrorKind, LoadError, Retry, SandboxError};
pub use inspect::Inspection;
pub use limits::Limits;
pub use load::{Sandbox, SandboxOptions};
pub use manifest::{Manifest, PluginKind};
pub use normalize::Outcome;
pub use output::RunLog;
pub use page::{Job, Page, Pass, Reader};
pub use plugin::Plugin;
pub use propel::{Asked, Facts, NOTE_BYTES_MAX, NOTE_NAME_BYTES_MAX, PropelCall, PropelOutcome, RowChange};
pub use state::PluginState;
pub use webhook::{Decoded, Delivery};
