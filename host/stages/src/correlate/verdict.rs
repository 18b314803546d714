//! Which commits may have broken a build: one pass over a line of builds.
//!
//! A failure or recovery on the same commit is a rerun and blames nobody. What a green build vouched for, and what the
//! base branch already had, is never suspected. An unknown range is unknown: it is never "all commits".

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use weir_model::{EntityId, EntityKind, ObjectId};

use super::graph::CommitGraph;
use super::line::{BuildPoint, Colour};

/// What the line says about one build.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The build asked about.
    pub build: EntityId,
    /// What happened at it.
    pub state: VerdictState,
    /// Why nothing can be said, or which sort of rerun it was: `no-baseline`, `no-revision`, `no-change`,
    /// `incomplete-history`, `unfinished`, `not-judged`; `rerun-failure`, `rerun-recovery`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The last green build before it.
    pub since: Option<EntityId>,
    /// The build that opened the break it is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_bad: Option<EntityId>,
    /// Suspects, the most suspect first.
    pub commits: Vec<Suspect>,
    /// What else is known: `rewritten` (the last green commit is no ancestor), `earlier-commit-unknown` (nor is it
    /// known), `base-unknown`, `base-moved`, `second-break`, `flaky` (the same commit turned green later).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<&'static str>,
}

/// State of a build in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictState {
    /// First red build of a break.
    Broken,
    /// A later red build of it.
    StillBroken,
    /// Red or green on the commit that was green or red before.
    Rerun,
    /// First green build on a new commit after a break.
    Fixed,
    /// Green, and so was the line before.
    Green,
    /// Nothing can be said; see the reason.
    Unknown,
}

/// A commit that may have to do with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect {
    /// Which.
    pub sha: ObjectId,
    /// Why it is listed.
    pub reason: SuspectReason,
    /// 1 when it is the only candidate, 1/n for one of n, more or less by evidence, 0 when it is listed and not
    /// suspected.
    pub confidence: f64,
    /// What speaks for or against it: `failing-test`, `tested-code`, `failing-module`, `dependencies`, `only-prose`.
    pub evidence: Vec<&'static str>,
}

/// Why a commit is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SuspectReason {
    /// New since the last green build.
    Range,
    /// New in the build that ended the break.
    FixRange,
    /// Came while the line was red already.
    AddedWhileRed,
    /// Was suspected until the same commit turned green.
    Withdrawn,
}

impl Serialize for Suspect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            id: EntityId,
            sha: &'a ObjectId,
            reason: SuspectReason,
            confidence: f64,
        }
        let id = EntityId { kind: EntityKind::Commit, integration: None, key: self.sha.as_str().to_owned() };
        Row { id, sha: &self.sha, reason: self.reason, confidence: self.confidence }.serialize(serializer)
    }
}

/// What `line` says about its build at `target`. The line is in the order of number and attempt and holds the builds
/// before the target back to a green one, and those after it up to the next green one, for a recovery on the same
/// commit withdraws suspicion. None when there is no such build.
pub fn verdict(line: &[BuildPoint], target: usize, graph: &CommitGraph) -> Option<Verdict> {
    let build = line.get(target)?;
    let mut state = Line { graph, green: None, judged: None, broken: None };
    line[..target].iter().for_each(|point| state.advance(point));
    let mut verdict = state.judge(build);
    if matches!(verdict.state, VerdictState::Broken | VerdictState::StillBroken) && recovers(&line[target..]) {
        verdict.commits.iter_mut().for_each(Suspect::withdraw);
        verdict.flags.push("flaky");
    }
    Some(verdict)
}

/// Whether the first green build that follows is on the commit of the red one just before it.
fn recovers(from_red: &[BuildPoint]) -> bool {
    let judged = from_red.iter().filter(|point| matches!(point.colour(), Colour::Red | Colour::Green));
    let pairs: Vec<&BuildPoint> = judged.collect();
    let green = pairs.windows(2).find(|pair| pair[1].colour() == Colour::Green);
    green.is_some_and(|pair| pair[1].same_revision(pair[0]))
}

/// The line up to some build.
struct Line<'a> {
    graph: &'a CommitGraph,
    /// Last green build.
    green: Option<&'a BuildPoint>,
    /// Last build that was red or green.
    judged: Option<&'a BuildPoint>,
    /// The break that is open.
    broken: Option<Break<'a>>,
}

/// An open break. New failing tests open a further one within it.
struct Break<'a> {
    first: &'a BuildPoint,
    candidates: Vec<Suspect>,
    /// Why the candidates of its first build are unknown.
    reason: Option<&'static str>,
    /// Tests that have failed in it; none once a red build did not tell.
    failing: Option<Tests>,
}

/// What a build turned out to be.
struct Found {
    state: VerdictState,
    reason: Option<&'static str>,
    commits: Vec<Suspect>,
    flags: Vec<&'static str>,
}

type Tests = BTreeSet<String>;
type New = (Vec<ObjectId>, Vec<&'static str>);

impl<'a> Line<'a> {
    fn advance(&mut self, point: &'a BuildPoint) {
        match point.colour() {
            Colour::Ignored | Colour::Unfinished => return,
            Colour::Green => (self.green, self.broken) = (Some(point), None),
            Colour::Red => self.take_red(point),
        }
        self.judged = Some(point);
    }

    fn take_red(&mut self, point: &'a BuildPoint) {
        let opens = self.broken.is_none() || self.is_second_break(point);
        let found = if opens { self.red(point) } else { Found::state(VerdictState::StillBroken) };
        let harmless = found.state == VerdictState::Rerun || found.reason == Some(NO_CHANGE);
        let reason = found.reason;
        match &mut self.broken {
            None if harmless => {}
            None => {
                let failing = point.failing.clone();
                self.broken = Some(Break { first: point, candidates: found.commits, reason, failing });
            }
            Some(open) => {
                open.candidates.extend(found.commits);
                open.failing = union(open.failing.take(), point.failing.as_ref());
            }
        }
    }

    fn judge(&self, point: &BuildPoint) -> Verdict {
        let mut found = match point.colour() {
            Colour::Unfinished => Found::unknown("unfinished"),
            Colour::Ignored => Found::unknown("not-judged"),
            Colour::Green => self.green(point),
            Colour::Red => self.red(point),
        };
        if point.colour() == Colour::Red && self.green.is_some_and(|green| base_moved(green, point)) {
            found.flags.push("base-moved");
        }
        let since = self.green.map(|green| green.id.clone());
        let first_bad = match found.state {
            VerdictState::Broken => Some(point.id.clone()),
            VerdictState::StillBroken => self.broken.as_ref().map(|open| open.first.id.clone()),
            VerdictState::Rerun | VerdictState::Fixed | VerdictState::Green | VerdictState::Unknown => None,
        };
        let Found { state, reason, commits, flags } = found;
        Verdict { build: point.id.clone(), state, reason, since, first_bad, commits, flags }
    }

    fn green(&self, point: &BuildPoint) -> Found {
        match self.judged.filter(|judged| judged.colour() == Colour::Red) {
            Some(red) if red.same_revision(point) => Found::rerun("rerun-recovery"),
            Some(red) if self.broken.is_some() => {
                let new = self.new_commits(red, point);
                Found::of(VerdictState::Fixed, new, SuspectReason::FixRange)
            }
            Some(_) | None => Found::state(VerdictState::Green),
        }
    }

    fn red(&self, point: &BuildPoint) -> Found {
        let (Some(green), Some(before)) = (self.green, self.judged) else { return Found::unknown("no-baseline") };
        if green.same_revision(point) {
            return Found::rerun("rerun-failure");
        }
        match &self.broken {
            None => self.first_red(green, point),
            Some(_) if self.is_second_break(point) => {
                let mut found = self.first_red(before, point);
                found.flags.push("second-break");
                found
            }
            Some(open) => self.further_red(open, point),
        }
    }

    fn first_red(&self, green: &BuildPoint, point: &BuildPoint) -> Found {
        match self.new_commits(green, point) {
            Ok((commits, _)) if commits.is_empty() => Found::unknown(NO_CHANGE),
            Err(reason) => Found::unknown(reason),
            new => Found::of(VerdictState::Broken, new, SuspectReason::Range),
        }
    }

    /// Whether tests fail that did not fail before in the open break, on commits that were not there before.
    fn is_second_break(&self, point: &BuildPoint) -> bool {
        let (Some(open), Some(before)) = (&self.broken, self.judged) else { return false };
        let tests = open.failing.as_ref().zip(point.failing.as_ref());
        tests.is_some_and(|(before, now)| !now.is_subset(before))
            && self.new_commits(before, point).is_ok_and(|(commits, _)| !commits.is_empty())
    }

    fn further_red(&self, open: &Break<'_>, point: &BuildPoint) -> Found {
        let (new, flags) = self.new_commits(open.first, point).unwrap_or_default();
        let known = |sha: &ObjectId| open.candidates.iter().any(|suspect| suspect.sha == *sha);
        let added = new.into_iter().filter(|sha| !known(sha));
        let added = added.map(|sha| Suspect {
            sha,
            reason: SuspectReason::AddedWhileRed,
            confidence: 0.0,
            evidence: Vec::new(),
        });
        let commits = open.candidates.iter().cloned().chain(added).collect();
        Found { state: VerdictState::StillBroken, reason: open.reason, commits, flags }
    }

    /// What is new from one build to another and not in the base branch, or why that cannot be told.
    fn new_commits(&self, from: &BuildPoint, to: &BuildPoint) -> Result<New, &'static str> {
        let (Some(from_head), Some(head)) = (&from.head, &to.head) else { return Err("no-revision") };
        let base = to.base.as_ref();
        let exclude: Vec<&ObjectId> = std::iter::once(from_head).chain(base).collect();
        if !exclude.iter().any(|commit| self.graph.contains(commit)) {
            return Err(INCOMPLETE);
        }
        let range = self.graph.range(head, &exclude);
        if !range.is_complete() {
            return Err(INCOMPLETE);
        }
        let mut flags = Vec::new();
        if !self.graph.contains(from_head) {
            // The range is known whole down to the base, so the earlier commit is not in it: it was replaced, or the
            // base has it too.
            flags.push("earlier-commit-unknown");
        } else if !self.graph.is_ancestor(from_head, head) {
            flags.push("rewritten");
        }
        if base.is_some_and(|base| !self.graph.contains(base)) {
            flags.push("base-unknown");
        }
        Ok((range.commits, flags))
    }
}

const NO_CHANGE: &str = "no-change";
const INCOMPLETE: &str = "incomplete-history";

impl Found {
    fn state(state: VerdictState) -> Self {
        Self { state, reason: None, commits: Vec::new(), flags: Vec::new() }
    }

    fn unknown(reason: &'static str) -> Self {
        Self { reason: Some(reason), ..Self::state(VerdictState::Unknown) }
    }

    fn rerun(reason: &'static str) -> Self {
        Self { reason: Some(reason), ..Self::state(VerdictState::Rerun) }
    }

    fn of(state: VerdictState, new: Result<New, &'static str>, suspicion: SuspectReason) -> Self {
        match new {
            Ok((commits, flags)) => Self { commits: suspects(commits, suspicion), flags, ..Self::state(state) },
            Err(reason) => Self { reason: Some(reason), ..Self::state(state) },
        }
    }
}

fn base_moved(green: &BuildPoint, red: &BuildPoint) -> bool {
    green.base.is_some() && red.base.is_some() && green.base != red.base
}

impl Suspect {
    fn withdraw(&mut self) {
        (self.reason, self.confidence) = (SuspectReason::Withdrawn, 0.0);
    }
}

/// Without evidence nobody is more suspect than another.
fn suspects(commits: Vec<ObjectId>, reason: SuspectReason) -> Vec<Suspect> {
    let n = u32::try_from(commits.len()).unwrap_or(u32::MAX);
    let confidence = 1.0 / f64::from(n.max(1));
    commits.into_iter().map(|sha| Suspect { sha, reason, confidence, evidence: Vec::new() }).collect()
}

fn union(before: Option<Tests>, now: Option<&Tests>) -> Option<Tests> {
    let (mut all, now) = (before?, now?);
    all.extend(now.iter().cloned());
    Some(all)
}

#[cfg(test)]
mod tests;
