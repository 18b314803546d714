//! Finding what belongs together: commits that broke a build, first deployments of commits, work items in texts.
//!
//! Every answer carries its reason and a confidence, and depends on the facts alone, never on their order of arrival.

mod deployments;
mod graph;
mod keys;
mod line;
mod verdict;

pub use deployments::{Delivered, Delivery, FirstDeployments, Rollout, first_deployments};
pub use graph::{CommitGraph, ROOT_ATTRIBUTE, Range, Walk};
pub use keys::{FoundKey, KeyRelation, TextSource, keys_in};
pub use line::{BuildPoint, Colour, broke};
pub use verdict::{Suspect, SuspectReason, Verdict, VerdictState, verdict};
