//! The timeline of a change, from its first commit to its deployment, and the metrics read from it.

use weir_model::entity::{Change, ChangeState, Review, ReviewVerdict};
use weir_model::metric::Sample;
use weir_model::{DurationMs, Entity, EntityId, ObjectId, Reference, Timestamp};

use super::passage::{Flag, Passage, passage};
use super::samples::Where;
use crate::Context;

/// Metrics of a change that need its neighbours.
pub const CHANGE_METRICS: [&str; 4] = ["change-lead-time", "cycle-time", "pickup-time", "review-time"];

const SEGMENTS: [&str; 6] = ["coding", "draft", "pickup", "review", "merge-wait", "deploy"];

/// A change and what its neighbours say about it.
#[derive(Debug, Clone, Copy)]
pub struct ChangeFacts<'a> {
    /// The change.
    pub change: &'a Change,
    /// Reviews of it and comments on it, in any order.
    pub reviews: &'a [Review],
    /// Earliest authored time of its commits; see [`first_commit_at`].
    pub first_commit_at: Option<Timestamp>,
    /// Whether it reached production.
    pub deployed: Deployed,
}

/// Whether a change reached production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deployed {
    /// End of the first deployment that has it.
    At(Timestamp),
    /// It was in the first deployment known, so since when is not known.
    NoBase,
    /// Not yet.
    NotReached,
}

/// Earliest authored time of the commits of a change. `commit` gives the authored time of one that is no merge. A
/// change of whose commits none is known begins when it is opened.
pub fn first_commit_at(change: &Change, commit: impl Fn(&ObjectId) -> Option<Timestamp>) -> Option<Timestamp> {
    let commits = change.commits.iter().chain(&change.head_commit);
    commits.filter_map(commit).min().or(change.created_at)
}

/// The timeline `first_commit, opened, ready, first_review, approved, merged, deployed`. Reviews by the author and by
/// machines do not count, and neither do those after the merge, for nothing waited for them.
pub fn change_timeline(facts: &ChangeFacts<'_>, context: &Context) -> Passage {
    let (change, merged) = (facts.change, merged_at(facts.change));
    let opened = change.created_at.or(merged);
    // What was committed after the opening is part of the review.
    let adjusted = facts.first_commit_at.zip(opened).is_some_and(|(first, opened)| first > opened);
    let first_commit = if adjusted { opened } else { facts.first_commit_at };
    let ready = change.ready_at.or(opened.filter(|_| change.draft != Some(true) || merged.is_some()));
    let in_time = |review: &&Review| merged.is_none_or(|merged| review.submitted_at.is_some_and(|at| at <= merged));
    let reviews: Vec<&Review> =
        facts.reviews.iter().filter(|review| is_by_peer(review, change, context)).filter(in_time).collect();
    let first_review = reviews.iter().filter_map(|review| review.submitted_at).min();
    let approvals = reviews.iter().filter(|review| review.verdict == Some(ReviewVerdict::Approved));
    let approved = approvals.filter_map(|review| review.submitted_at).min();
    let deployed = if let Deployed::At(at) = facts.deployed { Some(at) } else { None };
    let mut timeline = passage(&[first_commit, opened, ready, first_review, approved, merged, deployed], &SEGMENTS);
    if adjusted && let Some(coding) = timeline.segments.first_mut() {
        coding.flags.push(Flag::StartAdjusted);
    }
    timeline
}

fn merged_at(change: &Change) -> Option<Timestamp> {
    change.merged_at.filter(|_| !matches!(change.state, Some(ChangeState::Open | ChangeState::Closed)))
}

fn is_by_peer(review: &Review, change: &Change, context: &Context) -> bool {
    let author = review.author.as_ref();
    author.is_some() && author != change.author.as_ref() && !context.is_bot(author.map_or("", Reference::text))
}

/// Samples of [`CHANGE_METRICS`], at most one each. An open change counts as not reached on the day it was opened, one
/// that was closed without a merge counts nowhere.
pub fn change_samples(id: &EntityId, facts: &ChangeFacts<'_>, context: &Context) -> Vec<Sample> {
    let change = facts.change;
    let place = Where::of(id, &Entity::from(change.clone()), context);
    let Some(merged) = merged_at(change) else {
        let open = change.created_at.filter(|_| change.state == Some(ChangeState::Open));
        let unknown = |at| place.sample("cycle-time", at, Err("not-reached"));
        return open.map(unknown).into_iter().collect();
    };
    let timeline = change_timeline(facts, context);
    let to_merge = change_timeline(&ChangeFacts { deployed: Deployed::At(merged), ..*facts }, context);
    let lead_time = match facts.deployed {
        Deployed::At(at) => place.sample("change-lead-time", at, total(&timeline)),
        Deployed::NoBase => place.sample("change-lead-time", merged, Err("no-base")),
        Deployed::NotReached => place.sample("change-lead-time", merged, Err("not-reached")),
    };
    vec![
        lead_time,
        place.sample("cycle-time", merged, total(&to_merge)),
        place.sample("pickup-time", merged, pickup(&to_merge)),
        place.sample("review-time", merged, review(&to_merge)),
    ]
}

fn total(passage: &Passage) -> Result<DurationMs, &'static str> {
    passage.total.ok_or(passage.unknown.unwrap_or("not-reached"))
}

/// Known only when there was a review: a pickup that runs to the merge is a change nobody picked up.
fn pickup(to_merge: &Passage) -> Result<DurationMs, &'static str> {
    let pickup = to_merge.segment("pickup").filter(|pickup| !pickup.flags.contains(&Flag::Extended));
    pickup.and_then(|pickup| pickup.duration).ok_or("no-review")
}

/// The segments from the first review to the merge.
fn review(to_merge: &Passage) -> Result<DurationMs, &'static str> {
    let review = to_merge.segment("review").and_then(|review| review.duration).ok_or("no-review")?;
    let wait = to_merge.segment("merge-wait").and_then(|wait| wait.duration).unwrap_or_default();
    Ok(DurationMs(review.0 + wait.0))
}
