//! Finding what belongs together: commits that broke a build, first deployments of commits, work items in texts.
//!
//! Every answer carries its reason and a confidence, and depends on the facts alone, never on their order of arrival.

mod claims;
mod deliveries;
mod evidence;
mod graph;
mod incidents;
mod keys;
mod line;
mod links;
mod names;
mod verdict;

pub use claims::{Claim, claims, commit_name};
pub use deliveries::{Delivered, Deliveries, Moved, Rollout, delivered};
pub use evidence::weigh;
pub use graph::{CommitGraph, ROOT_ATTRIBUTE, Range};
pub use incidents::{Involved, commits_named, decisive, involved};
pub use keys::{FoundKey, KeyRelation, KeyRules, TextSource, WEAK, keys_in, standing};
pub use line::{BuildPoint, Colour};
pub use links::{Joined, Known, Loose, RULES, join, sort};
pub use names::{Name, names};
pub use verdict::{Suspect, SuspectReason, Verdict, VerdictState, verdict};
