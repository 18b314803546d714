//! What the integration suite stands on: the real binary on a folder of its own, a small HTTP client, the replayed
//! company, and ways to wait. Nothing here looks into a store: what Weir kept is judged by what Weir answers.

#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc, reason = "what cannot go on fails its test")]
#![allow(clippy::print_stdout, reason = "seeds, and what is skipped, are told")]

mod binary;
mod chance;
mod described;
mod disk;
mod export;
mod http;
mod mailbox;
mod python;
mod receiver;
mod relay;
mod replayed;
mod store;
mod wait;
mod weir;

pub use binary::installed_plugin;
pub use chance::Chance;
pub use disk::Disk;
pub use export::{documents, encoded, entities, events, everything, ids, totals};
pub use http::{Client, Events, Response, signature};
pub use mailbox::{Letter, Mailbox};
pub use python::{ends_well, python_programs};
pub use receiver::{Received, Receiver};
pub use relay::Relay;
pub use replayed::{END_MS, Replayed, company};
pub use store::Store;
pub use wait::{eventually, until};
pub use weir::{Answer, Running, Weir};
pub use weir_recordings::{files_below, gunzip, shared};
