//! A company that never was, and a server that speaks for its tools: what the demo shows and the tests talk to.
//!
//! The same seed and the same end give the same company, to the last sha; nothing here reads a clock but the server.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics has failed"))]

mod company;
mod github;
mod jenkins;
mod random;
mod server;
mod time;

pub use company::{Company, Counts, Size};
pub use jenkins::write_jenkins_home;
pub use server::faults::{Fault, Faults};
pub use server::recorder::{Recorder, Seen};
pub use server::{Live, Options, Pushed, Server, TOKEN, Webhooks, serve, serve_on};
