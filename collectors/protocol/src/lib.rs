//! What collectors send to Weir, and the client that sends it.
//!
//! Two halves: wire types ([`Build`], [`Deployment`], [`Commit`], [`TestReport`]), which are the JSON of `POST /v1/builds`
//! and its siblings; and [`Client`], which writes each report to a durable [`Spool`] first and delivers it in the background.
//! Invariant: a report leaves the spool only after the host has answered 2xx, or for the folder of dead letters.

mod backoff;
mod build;
mod client;
mod log;
mod post;
pub mod redact;
mod report;
mod spool;

pub use backoff::Backoff;
pub use build::{
    Artifact, Axis, Build, BuildState, Cause, Change, Checkout, Collector, CommitEntry, FailedTest, FailureCause,
    Interruption, JobRun, JobType, Outcome, Parameter, Promotion, ScmKind, Stage, StageType, Step, TestCounts,
    TriggerCause,
};
pub use client::{Client, ClientError, ClientOptions, ClientStatus};
pub use log::{LogEnd, LogExcerpt};
pub use post::{Key, PostError};
pub use report::{Commit, Deployment, Diagnostic, FileStat, Kind, Ref, TestCase, TestReport, TestResult};
pub use spool::{Spool, SpoolDepth, SpoolError, SpoolOptions};
