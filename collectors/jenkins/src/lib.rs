//! Reads the builds of a Jenkins home on disk and never writes to it.
//!
//! [`Home`] scans; [`watch()`] scans whenever something changes; [`Seen`] remembers what was reported, so that a scan reads only
//! what is new. A [`Report`] is the JSON of [`weir_protocol::Build`] under its natural key. Invariant: every `build.xml` of a
//! home gives a report, also one that cannot be read; nothing in a home can make this crate panic.

mod causes;
mod changelog;
mod checkouts;
mod console;
mod encoding;
mod flow;
mod home;
mod instance;
mod job;
mod junit;
mod layout;
mod manifest;
mod notes;
mod read;
mod seen;
mod settings;
mod stages;
mod walk;
mod watch;
mod xml;

pub use home::{Home, OpenError, Report, Scan, Sink};
pub use seen::{Seen, SeenError};
pub use settings::Settings;
pub use watch::{Stop, WatchOptions, watch};
