//! Reads commits, refs and diff stats of local repositories, and never writes to one.
//!
//! [`find`] lists the repositories that the settings name; [`Repository::read`] reports what is new since the [`Tips`] it
//! is given. A [`Report`] is the JSON of [`weir_protocol::Commit`] or [`weir_protocol::Ref`] under its natural key.
//! Invariants: no program is run and no network is used; a commit that cannot be read is reported with what is wrong.

mod commit;
mod find;
mod history;
mod lines;
mod read;
mod refs;
mod report;
mod settings;
mod stats;

pub use find::{OpenError, Repository, find};
pub use read::{Extent, Scan};
pub use refs::Tips;
pub use report::Report;
pub use settings::Settings;
