//! The timeline of a change, from its first commit to its deployment, and the metrics read from it.

use weir_model::entity::{Change, ChangeState, Review, ReviewVerdict};
use weir_model::metric::Sample;
use weir_model::{DurationMs, Entity, EntityId, ObjectId, Reference, Timestamp};

use super::passage::{Flag, Passage, Segment, passage};
use super::samples::Where;
use crate::Context;
use crate::correlate::{KeyRules, TextSource, keys_in, standing};

/// Metrics of a change that need its neighbours.
pub const CHANGE_METRICS: [&str; 14] = [
    "change-lead-time",
    "change-lead-time.coding",
    "change-lead-time.draft",
    "change-lead-time.pickup",
    "change-lead-time.review",
    "change-lead-time.merge-wait",
    "change-lead-time.deploy",
    "cycle-time",
    "pickup-time",
    "review-time",
    "rework-time",
    "merge-wait-time",
    "unreviewed-rate",
    "linked-rate",
];

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
    /// The services it reached production with, each once, in the order of their names; none when it reached none.
    pub deployed: &'a [(String, Deployed)],
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
/// machines do not count, and neither do those after the merge, for nothing waited for them. `deployed` is the end.
pub fn change_timeline(facts: &ChangeFacts<'_>, deployed: Deployed, context: &Context) -> Passage {
    let (change, merged) = (facts.change, merged_at(facts.change));
    let opened = change.created_at.or(merged);
    // What was committed after the opening is part of the review.
    let adjusted = facts.first_commit_at.zip(opened).is_some_and(|(first, opened)| first > opened);
    let first_commit = if adjusted { opened } else { facts.first_commit_at };
    let ready = change.ready_at.or(opened.filter(|_| change.draft != Some(true) || merged.is_some()));
    let reviews: Vec<&Review> = peer_reviews(facts, context).collect();
    let first_review = reviews.iter().filter_map(|review| review.submitted_at).min();
    let approvals = reviews.iter().filter(|review| review.verdict == Some(ReviewVerdict::Approved));
    let approved = approvals.filter_map(|review| review.submitted_at).min();
    let deployed = if let Deployed::At(at) = deployed { Some(at) } else { None };
    let boundaries = [first_commit, opened, ready, first_review, approved, merged, deployed];
    let mut timeline = passage(&boundaries, &SEGMENTS, context.calendar());
    if adjusted && let Some(coding) = timeline.segments.first_mut() {
        coding.flags.push(Flag::StartAdjusted);
    }
    timeline
}

fn merged_at(change: &Change) -> Option<Timestamp> {
    change.merged_at.filter(|_| !matches!(change.state, Some(ChangeState::Open | ChangeState::Closed)))
}

/// Reviews by humans other than the author, before the merge.
fn peer_reviews<'a>(facts: &ChangeFacts<'a>, context: &Context) -> impl Iterator<Item = &'a Review> {
    let (change, merged) = (facts.change, merged_at(facts.change));
    let in_time =
        move |review: &&Review| merged.is_none_or(|merged| review.submitted_at.is_some_and(|at| at <= merged));
    facts.reviews.iter().filter(move |review| is_by_peer(review, change, context)).filter(in_time)
}

fn is_by_peer(review: &Review, change: &Change, context: &Context) -> bool {
    let author = review.author.as_ref();
    author.is_some() && author != change.author.as_ref() && !context.is_bot(author.map_or("", Reference::text))
}

/// Samples of [`CHANGE_METRICS`]: one for each service of those that end with a deployment, at most one of the others.
/// An open change counts as not reached on the day it was opened, one that was closed without a merge counts nowhere.
pub fn change_samples(id: &EntityId, facts: &ChangeFacts<'_>, context: &Context) -> Vec<Sample> {
    let change = facts.change;
    let place = Where::of(id, &Entity::from(change.clone()), context);
    let Some(merged) = merged_at(change) else {
        let open = change.created_at.filter(|_| change.state == Some(ChangeState::Open));
        let unknown = |at| place.sample("cycle-time", at, Err("not-reached"));
        return open.map(unknown).into_iter().collect();
    };
    let mut samples = merge_samples(facts, merged, &place, context);
    if facts.deployed.is_empty() {
        samples.push(place.sample("change-lead-time", merged, Err("not-reached")));
    }
    for (service, deployed) in facts.deployed {
        let place = place.of_service(service);
        let delivered = match deployed {
            Deployed::At(at) => delivery_samples(&change_timeline(facts, *deployed, context), *at, &place),
            Deployed::NoBase => vec![place.sample("change-lead-time", merged, Err("no-base"))],
            Deployed::NotReached => vec![place.sample("change-lead-time", merged, Err("not-reached"))],
        };
        samples.extend(delivered);
    }
    samples
}

/// What the way to the merge says.
fn merge_samples(facts: &ChangeFacts<'_>, merged: Timestamp, place: &Where, context: &Context) -> Vec<Sample> {
    let to_merge = change_timeline(facts, Deployed::At(merged), context);
    vec![
        place.sample("cycle-time", merged, total(&to_merge)),
        place.sample("pickup-time", merged, pickup(&to_merge)),
        place.sample("review-time", merged, review(&to_merge)),
        place.sample("rework-time", merged, rework(&to_merge)),
        place.sample("merge-wait-time", merged, merge_wait(&to_merge)),
        place.share("unreviewed-rate", merged, peer_reviews(facts, context).next().is_none()),
        place.share("linked-rate", merged, is_linked(facts.change, context.keys())),
    ]
}

/// The total of one delivery, and its segments, which come from the same passage.
fn delivery_samples(timeline: &Passage, at: Timestamp, place: &Where) -> Vec<Sample> {
    let segment = |segment: &Segment| {
        let length = segment.duration.ok_or(segment.unknown.unwrap_or("not-reached"));
        place.sample(&format!("change-lead-time.{}", segment.name), at, length)
    };
    let whole = place.sample("change-lead-time", at, total(timeline));
    [whole].into_iter().chain(timeline.segments.iter().map(segment)).collect()
}

/// Whether its tool links a work item, or its title, description or branch names one.
fn is_linked(change: &Change, rules: &KeyRules) -> bool {
    let names = |text: &Option<String>, source| {
        let keys = text.iter().flat_map(|text| keys_in(text, source, rules));
        // Which projects there are must not decide: this is a function of the change alone.
        keys.into_iter().any(|key| standing(&key, rules, |_| false, false).is_some())
    };
    !change.work_items.is_empty()
        || names(&change.title, TextSource::Title)
        || names(&change.head_branch, TextSource::Branch)
        || names(&change.description, TextSource::Body)
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

/// The segment from the first review to the approval, where there was one.
fn rework(to_merge: &Passage) -> Result<DurationMs, &'static str> {
    let review = to_merge.segment("review").filter(|review| review.duration.is_some()).ok_or("no-review")?;
    review.duration.filter(|_| !review.flags.contains(&Flag::Extended)).ok_or("no-approval")
}

fn merge_wait(to_merge: &Passage) -> Result<DurationMs, &'static str> {
    to_merge.segment("merge-wait").and_then(|wait| wait.duration).ok_or("no-approval")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    fn at(clock: &str) -> Timestamp {
        format!("2026-03-02T{clock}:00Z").parse().unwrap()
    }

    fn review(text: &str) -> Review {
        let (clock, who) = text.split_once(' ').unwrap();
        let (who, verdict) = who.split_once('+').map_or((who, None), |(who, _)| (who, Some(ReviewVerdict::Approved)));
        Review::default().author(Reference::Name(who.to_owned())).submitted_at(at(clock)).verdict(verdict)
    }

    fn change(opened: &str, merged: &str) -> Change {
        let author = Reference::Name("ana".to_owned());
        let merged = (!merged.is_empty()).then(|| at(merged));
        let state = if merged.is_some() { ChangeState::Merged } else { ChangeState::Open };
        Change::default().author(author).created_at(at(opened)).merged_at(merged).state(state)
    }

    /// A case is "first commit | opened | reviews, ... | merged | deployed".
    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(cases: &[&str], expected: Expect) {
        let mut text = String::new();
        for case in cases {
            let parts: Vec<&str> = case.split('|').map(str::trim).collect();
            let change = change(parts[1], parts[3]);
            let reviews: Vec<Review> = parts[2].split(", ").filter(|review| !review.is_empty()).map(review).collect();
            let first_commit_at = (!parts[0].is_empty()).then(|| at(parts[0]));
            let deployed = if parts[4].is_empty() { Deployed::NotReached } else { Deployed::At(at(parts[4])) };
            let services = [("shop".to_owned(), deployed)];
            let facts = ChangeFacts { change: &change, reviews: &reviews, first_commit_at, deployed: &services };
            text += &format!("{case}\n ");
            for segment in change_timeline(&facts, deployed, &Context::default()).segments {
                let length = segment.duration.map(|duration| (duration.0 / 1000).to_string());
                let length = length.unwrap_or_else(|| segment.unknown.unwrap().to_owned());
                let flags = if segment.flags.is_empty() { String::new() } else { format!("{:?}", segment.flags) };
                text += &format!(" {} {length}{flags}", segment.name);
            }
            text += "\n ";
            let samples = change_samples(&"change:me:1".parse().unwrap(), &facts, &Context::default());
            assert!(samples.iter().all(|sample| CHANGE_METRICS.contains(&sample.metric.as_str())));
            for sample in samples.into_iter().filter(|sample| !sample.metric.contains('.')) {
                let unit = if sample.metric.ends_with("rate") { 1.0 } else { 1000.0 };
                let value = sample.value.map(|value| (value / unit).to_string());
                text += &format!(" {}={}", sample.metric, value.or(sample.unknown).unwrap());
            }
            text += "\n";
        }
        expected.assert_eq(&text);
    }

    /// Opened on a Friday at 16:00, picked up on Sunday, merged on Monday at 09:00.
    #[test]
    fn a_weekend_is_no_time() {
        let settings = crate::ContextSettings {
            days_off: vec!["saturday".to_owned(), "sunday".to_owned()],
            ..crate::ContextSettings::default()
        };
        let time = |text: &str| -> Timestamp { text.parse().unwrap() };
        let (opened, merged) = (time("2026-03-06T16:00:00Z"), time("2026-03-09T09:00:00Z"));
        let change = change("16:00", "17:00").created_at(opened).merged_at(merged);
        let reviews = [review("09:00 bo+").submitted_at(time("2026-03-08T12:00:00Z"))];
        let facts = ChangeFacts { change: &change, reviews: &reviews, first_commit_at: Some(opened), deployed: &[] };
        let hours = |context: &Context| {
            let samples = change_samples(&"change:me:1".parse().unwrap(), &facts, context);
            let told = samples.iter().filter(|sample| sample.metric.ends_with("-time"));
            let told = told.filter_map(|s| Some(format!("{}={}", s.metric, s.value? / 3_600_000.0)));
            told.collect::<Vec<_>>().join(" ")
        };
        expect!["cycle-time=65 pickup-time=44 review-time=21 rework-time=0 merge-wait-time=21"]
            .assert_eq(&hours(&Context::default()));
        expect!["cycle-time=17 pickup-time=8 review-time=9 rework-time=0 merge-wait-time=9"]
            .assert_eq(&hours(&Context::new(settings).unwrap()));
    }

    #[test]
    fn timelines_of_changes() {
        check(
            &[
                "09:00 | 10:00 | | 11:00 | 11:30",
                "09:00 | 10:10 | 10:11 bo, 10:15 bo+ | 10:45 | 11:00",
                // The author's own review and a machine's are none.
                "09:00 | 10:00 | 10:01 ana, 10:02 ci[bot]+, 11:00 bo | 12:00 | ",
                // Committed after the opening.
                "10:10 | 10:00 | 10:30 bo+ | 11:00 | 12:00",
                // A comment before the opening.
                "09:00 | 10:00 | 09:59 bo | 11:00 | 12:00",
                // Nothing waited for a comment after the merge.
                "09:00 | 10:00 | 11:30 bo | 11:00 | 12:00",
                "09:00 | 10:00 | | | ",
                " | 10:00 | | 11:00 | ",
            ],
            expect![[r"
                09:00 | 10:00 | | 11:00 | 11:30
                  coding 3600 draft 0 pickup 3600[Extended] review skipped merge-wait skipped deploy 1800
                  cycle-time=7200 pickup-time=no-review review-time=no-review rework-time=no-review merge-wait-time=no-approval unreviewed-rate=1 linked-rate=0 change-lead-time=9000
                09:00 | 10:10 | 10:11 bo, 10:15 bo+ | 10:45 | 11:00
                  coding 4200 draft 0 pickup 60 review 240 merge-wait 1800 deploy 900
                  cycle-time=6300 pickup-time=60 review-time=2040 rework-time=240 merge-wait-time=1800 unreviewed-rate=0 linked-rate=0 change-lead-time=7200
                09:00 | 10:00 | 10:01 ana, 10:02 ci[bot]+, 11:00 bo | 12:00 | 
                  coding 3600 draft 0 pickup 3600 review 3600[Extended] merge-wait skipped deploy not-reached
                  cycle-time=10800 pickup-time=3600 review-time=3600 rework-time=no-approval merge-wait-time=no-approval unreviewed-rate=0 linked-rate=0 change-lead-time=not-reached
                10:10 | 10:00 | 10:30 bo+ | 11:00 | 12:00
                  coding 0[StartAdjusted] draft 0 pickup 1800 review 0 merge-wait 1800 deploy 3600
                  cycle-time=3600 pickup-time=1800 review-time=1800 rework-time=0 merge-wait-time=1800 unreviewed-rate=0 linked-rate=0 change-lead-time=7200
                09:00 | 10:00 | 09:59 bo | 11:00 | 12:00
                  coding 3600 draft 0 pickup 0[OutOfOrder] review 3600[Extended] merge-wait skipped deploy 3600
                  cycle-time=7200 pickup-time=0 review-time=3600 rework-time=no-approval merge-wait-time=no-approval unreviewed-rate=0 linked-rate=0 change-lead-time=10800
                09:00 | 10:00 | 11:30 bo | 11:00 | 12:00
                  coding 3600 draft 0 pickup 3600[Extended] review skipped merge-wait skipped deploy 3600
                  cycle-time=7200 pickup-time=no-review review-time=no-review rework-time=no-review merge-wait-time=no-approval unreviewed-rate=1 linked-rate=0 change-lead-time=10800
                09:00 | 10:00 | | | 
                  coding 3600 draft 0 pickup not-reached review not-reached merge-wait not-reached deploy not-reached
                  cycle-time=not-reached
                 | 10:00 | | 11:00 | 
                  coding no-start draft 0 pickup 3600[Extended] review skipped merge-wait skipped deploy not-reached
                  cycle-time=no-start pickup-time=no-review review-time=no-review rework-time=no-review merge-wait-time=no-approval unreviewed-rate=1 linked-rate=0 change-lead-time=not-reached
            "]],
        );
    }

    #[test]
    fn the_first_deployment_has_no_base() {
        let change = change("10:00", "11:00");
        let deployed = [("shop".to_owned(), Deployed::NoBase)];
        let facts = ChangeFacts { change: &change, reviews: &[], first_commit_at: None, deployed: &deployed };
        let samples = change_samples(&"change:me:1".parse().unwrap(), &facts, &Context::default());
        let lead_time = samples.iter().find(|sample| sample.metric == "change-lead-time").unwrap();
        assert_eq!((lead_time.value, lead_time.unknown.as_deref()), (None, Some("no-base")));
        assert_eq!((lead_time.at, lead_time.service.as_deref()), (at("11:00"), Some("shop")));
    }

    proptest! {
        #[test]
        fn segments_sum_to_the_lead_time(
            first in 0..600_i64, opened in 0..600_i64, merged in 0..600_i64, deployed in 0..600_i64,
            reviews in proptest::collection::vec((0..600_i64, any::<bool>()), 0..4),
        ) {
            let time = |minute: i64| Timestamp::from_ms(minute * 60_000);
            let change = Change::default().created_at(time(opened)).merged_at(time(merged)).state(ChangeState::Merged);
            let review = |(at, approved): &(i64, bool)| {
                let verdict = approved.then_some(ReviewVerdict::Approved);
                Review::default().author(Reference::Name("bo".to_owned())).submitted_at(time(*at)).verdict(verdict)
            };
            let mut reviews: Vec<Review> = reviews.iter().map(review).collect();
            let timeline = |reviews: &[Review]| {
                let deployed = Deployed::At(time(deployed));
                let facts = ChangeFacts { change: &change, reviews, first_commit_at: Some(time(first)), deployed: &[] };
                change_timeline(&facts, deployed, &Context::default())
            };
            let found = timeline(&reviews);
            if let Some(total) = found.total {
                prop_assert_eq!(found.segments.iter().filter_map(|segment| segment.duration).map(|d| d.0).sum::<u64>(), total.0);
            }
            reviews.reverse();
            prop_assert_eq!(timeline(&reviews), found);
        }
    }
}
