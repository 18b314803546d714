//! Records that are handed over instead of fetched: pushes of collectors, webhook deliveries, files.
//!
//! All take the same way as pages do: raw, one commit, durable before anyone is told so.

pub mod data;
mod delivery;
mod files;
mod keep;
mod push;

pub use delivery::{Received, receive};
pub use files::{FileKind, Ingested, ingest_files, read_file, test_report_files};
pub use keep::keep_all;
pub use push::{Pushed, body_key, keep, push, test_report};
