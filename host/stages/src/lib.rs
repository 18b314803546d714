//! Weir's processing as pure functions: normalise, correlate, aggregate, facets, react, announce.
//!
//! Pure: no input or output, no clock, no logging, no map with random order. The same raw records give the same
//! entities, links, samples and events, whatever the order they came in.

#![cfg_attr(test, allow(clippy::format_push_string, reason = "tests write down what they saw"))]

pub mod aggregate;
pub mod announce;
mod context;
pub mod correlate;
pub mod facets;
pub mod normalise;
pub mod people;
pub mod react;

pub use context::{Context, ContextError, ContextSettings, CorrelationSettings};
