//! Runs: builds with their stages, test reports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::log::LogTail;
use super::parts::{Environment, Identity, Reference};
use super::words::{ArtifactRole, RunPurpose, RunResult, RunState, StageKind, TestResult, TriggerKind};
use crate::id::ObjectId;
use crate::time::{DurationMs, Timestamp};
entity!(
    /// One attempt of a CI run.
    Build {
        /// Counts from 1; 1 when the tool has no repeats.
        one attempt: u32,
        /// CI system it ran on, stable id of the instance.
        one system: String,
        /// Full name of the job or pipeline, folders included, "/" between parts.
        one job: String,
        /// Number of the run in its job.
        one number: u64,
        /// Title as people read it.
        one title: String,
        /// Page for people.
        one url: String,
        /// What it is for.
        list purposes: RunPurpose,
        /// Where it stands.
        one state: RunState,
        /// How it ended. None while it is not over, never guessed.
        one result: RunResult,
        /// The tool's word for the result.
        one result_word: String,
        /// Causes.
        whole triggers: Trigger,
        /// Parameters.
        list parameters: Parameter,
        /// What was checked out.
        list checkouts: Checkout,
        /// Object ids the tool lists as new since the build before.
        list commits: ObjectId,
        /// Change it was run for.
        one change: Reference,
        /// Build that started it and waits for it.
        one parent: Reference,
        /// Parts.
        list stages: Stage,
        /// Artifacts made and used.
        list artifacts: ArtifactUse,
        /// Environment it deploys to, when the tool says so.
        one environment: Environment,
        /// Machine or node it ran on.
        one worker: String,
        /// Accepted.
        one queued_at: Timestamp,
        /// Begun.
        one started_at: Timestamp,
        /// Over.
        one finished_at: Timestamp,
        /// Time in the queue, as the tool says.
        one queued_for: DurationMs,
        /// Time it ran, as the tool says.
        one duration: DurationMs,
        /// Its log.
        one log: LogPlace,
        /// End of its log, when it did not succeed. It is not searched, not forwarded, and no event tells of it.
        one log_tail: LogTail,
    }
);

entity!(
    /// Outcome of a set of tests.
    TestReport {
        /// Name of the suite.
        one name: String,
        /// Build it was made in.
        one build: Reference,
        /// Key of the stage it was made in.
        one stage: String,
        /// Object id that was tested.
        one commit: ObjectId,
        /// Tests that passed, flaky ones included.
        one passed: u32,
        /// Tests that failed.
        one failed: u32,
        /// Tests that broke.
        one errors: u32,
        /// Tests not run.
        one skipped: u32,
        /// Time of the whole set.
        one duration: DurationMs,
        /// Begun.
        one started_at: Timestamp,
        /// Over.
        one finished_at: Timestamp,
        /// Single tests. May leave out passed ones; the counts above are of all.
        list cases: TestCase,
    }
);

/// One link in the chain of causes of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// Why.
    pub kind: TriggerKind,
    /// What the tool says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Person behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Reference>,
    /// Build behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Reference>,
    /// Index in the same list of the trigger this one led to; none for a direct cause of the build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub led_to: Option<u32>,
}

/// A parameter a build was started with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// Type as the tool names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Value as text. None when it is a secret or was withheld; see `withheld`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The value exists and was left out on purpose.
    #[serde(default)]
    pub withheld: bool,
}

impl Identity for Parameter {
    type Id = String;

    fn identity(&self) -> Self::Id {
        self.name.clone()
    }
}

/// What a build checked out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checkout {
    /// Repository, by key or by remote URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<Reference>,
    /// Branch or tag, without "refs/heads/" or "refs/tags/".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Object id that was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<ObjectId>,
    /// Branch a change is meant for, when the build was of a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_branch: Option<String>,
    /// Object id the base branch had when it was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_commit: Option<ObjectId>,
}

impl Identity for Checkout {
    type Id = (Option<Reference>, Option<ObjectId>);

    fn identity(&self) -> Self::Id {
        (self.repository.clone(), self.commit.clone())
    }
}

/// Part of a build. The tree is flat: `parent` names the part it lies in. Parts may overlap in time, so the durations of parts never add up to that of the build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Unique within the build.
    pub key: String,
    /// Key of the part it lies in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<StageKind>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<RunPurpose>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<RunState>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<RunResult>,
    /// The tool's word for the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_word: Option<String>,
    /// Accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Timestamp>,
    /// Begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// Over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Time it ran, as the tool says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<DurationMs>,
    /// Machine or node it ran on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// Build it started and waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<Reference>,
    /// Page for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogPlace>,
}

impl Identity for Stage {
    type Id = String;

    fn identity(&self) -> Self::Id {
        self.key.clone()
    }

    /// Tools that tell of each part alone number them, and their clocks may know only seconds.
    fn place_in(&self, list: &[Self]) -> usize {
        let number = |stage: &Self| (stage.key.len(), stage.key.clone());
        let begins_later = |other: &Self| {
            let both = self.started_at.zip(other.started_at);
            both.is_some_and(|(own, others)| (own, number(self)) < (others, number(other)))
        };
        list.iter().position(begins_later).unwrap_or(list.len())
    }

    /// A part is told of by several records: that it began, how it ended.
    fn absorb(&mut self, lower: Self) {
        self.parent = self.parent.take().or(lower.parent);
        self.name = self.name.take().or(lower.name);
        self.kind = self.kind.take().or(lower.kind);
        self.purpose = self.purpose.take().or(lower.purpose);
        self.state = self.state.take().or(lower.state);
        self.result = self.result.take().or(lower.result);
        self.result_word = self.result_word.take().or(lower.result_word);
        self.queued_at = self.queued_at.take().or(lower.queued_at);
        self.started_at = self.started_at.take().or(lower.started_at);
        self.finished_at = self.finished_at.take().or(lower.finished_at);
        self.duration = self.duration.take().or(lower.duration);
        self.worker = self.worker.take().or(lower.worker);
        self.child = self.child.take().or(lower.child);
        self.url = self.url.take().or(lower.url);
        self.log = self.log.take().or(lower.log);
    }
}

/// Use of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArtifactUse {
    /// Which, by key, digest or package URL.
    pub artifact: Reference,
    /// What was done with it.
    pub role: ArtifactRole,
}

impl Identity for ArtifactUse {
    type Id = (Reference, ArtifactRole);

    fn identity(&self) -> Self::Id {
        (self.artifact.clone(), self.role.clone())
    }
}

/// One test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestCase {
    /// Full name: suite, class and test, "/" between parts.
    pub name: String,
    /// How it ended.
    pub result: TestResult,
    /// Time it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<DurationMs>,
    /// First lines of what went wrong, at most 4 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Identity for TestCase {
    type Id = String;

    fn identity(&self) -> Self::Id {
        self.name.clone()
    }
}

/// Place of a log text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogPlace {
    /// URL of the log in the tool.
    Url(String),
    /// Its last lines, redacted and capped.
    Tail(String),
    /// Dataset and key of a raw record of the same integration that holds the log.
    Raw(String, String),
}
