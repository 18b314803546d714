//! The wire form of one CI run: the body of `POST /v1/builds`.
//!
//! Names follow the custom CI/CD payload, objects below `job_run` keep the camelCase of Blue Ocean, and everything else Weir's
//! collectors know is added as typed fields. Invariant: what the CI tool did not say is absent, never zero or empty text.
//! Natural key: (`instance_guid`, `job_full_name`, `build_number`, `start_time`). Times are milliseconds since 1970 in UTC,
//! durations are milliseconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::log::LogExcerpt;
use crate::report::Diagnostic;

/// One run of a job, as far as its collector could read it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Build {
    /// Who read it.
    pub collector: Collector,
    /// Stable id of the CI instance.
    pub instance_guid: String,
    /// The instance as people call it.
    pub instance_name: String,
    /// Base address of the instance, with a slash at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_url: Option<String>,
    /// Last part of the job's name, without branch and module.
    pub job_name: String,
    /// Identity of the job within its instance: for Jenkins the path below `jobs/`, as on disk.
    pub job_full_name: String,
    /// Name as people read it: folders, job, branch and module joined by `/`.
    pub qualified_name: String,
    /// Branch the job is for, real name where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_name: Option<String>,
    /// Maven module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module_name: Option<String>,
    /// Sort of job.
    pub job_type: JobType,
    /// The cell of a matrix job this run is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub axes: Vec<Axis>,
    /// Number of the run in its job; reused after the job was deleted and made again.
    pub build_number: Option<u64>,
    /// Counts repeats under the same number from 1.
    pub attempt: u32,
    /// Title given by people or plugins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Page for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_url: Option<String>,
    /// Id of the queue item it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_id: Option<u64>,
    /// Where it stands. Only a finished build has a result.
    pub state: BuildState,
    /// The CI tool's word: `SUCCESS`, `UNSTABLE`, `FAILURE`, `NOT_BUILT`, `ABORTED`; null until finished.
    pub result: Option<String>,
    /// Weir's word for it, which tells a timeout from a cancellation; null until finished.
    pub outcome: Option<Outcome>,
    /// Entered the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<i64>,
    /// Time in the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_ms: Option<i64>,
    /// Left the queue; part of the identity.
    pub start_time: Option<i64>,
    /// Began to run, a little after `start_time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<i64>,
    /// Time it ran; null until finished.
    pub duration: Option<i64>,
    /// Ended. For Jenkins always derived: `started_at` + `duration`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<i64>,
    /// Who started it; `SCMTrigger`, `SYSTEM` and `anonymous` are no persons.
    pub user_id: Option<String>,
    /// Parameters.
    pub job_run_params: Vec<Parameter>,
    /// Why it ran, with class names and fields as the tool has them.
    pub causes: Vec<Cause>,
    /// Why it ran, as a tree of upstream runs.
    pub trigger_chain: Vec<TriggerCause>,
    /// Main repository, without user and password.
    pub repo_url: Option<String>,
    /// Ids of the commits since the previous build of this job.
    pub scm_commit_ids: Vec<String>,
    /// What was checked out.
    pub checkouts: Vec<Checkout>,
    /// The commits of `scm_commit_ids` with author and time.
    pub change_list: Vec<CommitEntry>,
    /// The pull request it ran for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// The run as a tree of stages; null for jobs without stages.
    pub job_run: Option<JobRun>,
    /// Artifacts made and used, from the manifests the job archived.
    pub artifacts: Vec<Artifact>,
    /// True when it builds; never false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci: Option<bool>,
    /// True when it deploys; never false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cd: Option<bool>,
    /// Where it deploys to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The build it promotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promotion: Option<Promotion>,
    /// Test counters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tests: Option<TestCounts>,
    /// Node it ran on; `built-in` for the controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Who or what interrupted it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interruptions: Vec<Interruption>,
    /// The first thing that went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_cause: Option<FailureCause>,
    /// End of the log of a build that did not succeed, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_excerpt: Option<LogExcerpt>,
    /// What could not be read as it should.
    pub diagnostics: Vec<Diagnostic>,
}

/// The program that read a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Collector {
    /// `jenkins`, `emit`, ...
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Sort of job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobType {
    /// Steps in one place.
    Freestyle,
    /// Parent of the cells of a matrix.
    Matrix,
    /// One cell of a matrix.
    MatrixConfiguration,
    /// Maven parent.
    Maven,
    /// One Maven module.
    MavenModule,
    /// Stages and steps.
    Pipeline,
    /// Promotes a build of another job.
    Promotion,
    /// Something else, or unreadable.
    #[default]
    #[serde(other)]
    Unknown,
}

/// One axis of a matrix with its value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// Name of the axis.
    pub name: String,
    /// Its value in this cell.
    pub value: String,
}

/// Where a build stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuildState {
    /// Not over, as far as anyone has written down.
    #[default]
    Running,
    /// Over.
    Finished,
    /// Could not be read.
    #[serde(other)]
    Unknown,
}

/// How a build ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Green.
    Success,
    /// Yellow: a finer word for failure.
    Unstable,
    /// Red.
    Failure,
    /// Broke outside the job's own doing.
    Error,
    /// Stopped by a deadline.
    Timeout,
    /// Stopped by a person or a newer run.
    Cancelled,
    /// Not run.
    Skipped,
    /// Over, result not told.
    #[serde(other)]
    Unknown,
}

/// One parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameter {
    /// Class without package: `StringParameterValue`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its value as text; null when absent or withheld.
    pub value: Option<String>,
    /// The value is secret, or looks like it, and stayed where it was.
    #[serde(skip_serializing_if = "is_false")]
    pub withheld: bool,
}

/// One reason a build ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cause {
    /// Class without package: `UserIdCause`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Class with package.
    pub class: String,
    /// Its simple fields.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// One node of the tree of upstream runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TriggerCause {
    /// Upstream job, user, address, `SCMTrigger` or `unknown`.
    pub id: String,
    /// Number of the upstream run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_run_number: Option<String>,
    /// Class without package.
    #[serde(rename = "type")]
    pub kind: String,
    /// Why the upstream run ran.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub direct_parents: Vec<TriggerCause>,
}

/// Version control system of a checkout or commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScmKind {
    /// Commit ids are object ids.
    Git,
    /// Commit ids are revision numbers.
    Subversion,
    /// Commit ids are node hashes.
    Mercurial,
    /// Entries have no commit id.
    Cvs,
    /// Commit ids are change numbers.
    Perforce,
    /// Not told.
    #[default]
    #[serde(other)]
    Unknown,
}

/// One working copy of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Checkout {
    /// System it came from.
    pub scm: ScmKind,
    /// Address without user and password.
    pub repository: Option<String>,
    /// Branch without `refs/remotes/origin/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Commit that was asked for.
    pub head_commit: Option<String>,
    /// Commit that was built, where it differs: a merge made for the build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub built_commit: Option<String>,
    /// Branch the change goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_branch: Option<String>,
    /// Commit of the base branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_commit: Option<String>,
}

/// One commit of the change list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CommitEntry {
    /// System it is from.
    pub scm: ScmKind,
    /// Object id, revision or change number; null where the system has none.
    pub commit: Option<String>,
    /// Name of the author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Mail address of the author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author_email: Option<String>,
    /// Written; null when the tool gave a local time without a zone.
    pub time: Option<i64>,
    /// Message, cut at 2 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Object ids of the parents.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<String>,
}

/// The pull or merge request a build ran for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// Number or id at the code host.
    pub id: String,
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Branch it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_branch: Option<String>,
    /// Branch it goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_branch: Option<String>,
}

/// A run with its stages, in the words of Blue Ocean.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct JobRun {
    /// Number of the run.
    pub id: String,
    /// Result word.
    pub result: Option<String>,
    /// `RUNNING`, `PAUSED` or `FINISHED`.
    pub state: String,
    /// Ran for.
    pub duration_in_millis: Option<i64>,
    /// Entered the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub en_queue_time: Option<String>,
    /// Began, as `2016-05-02T16:06:28.639+0000`.
    pub start_time: Option<String>,
    /// Ended.
    pub end_time: Option<String>,
    /// Stages and parallel branches, in the order they began.
    pub stages: Vec<Stage>,
}

/// A stage or a parallel branch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Stage {
    /// Id of its first flow node.
    pub id: String,
    /// Name.
    pub display_name: String,
    /// `SUCCESS`, `UNSTABLE`, `FAILURE`, `ABORTED`, `NOT_BUILT`; null while running or unknown.
    pub result: Option<String>,
    /// `RUNNING`, `PAUSED`, `FINISHED`, `SKIPPED`.
    pub state: String,
    /// Ran for, pauses included.
    pub duration_in_millis: Option<i64>,
    /// Waited for input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_duration_in_millis: Option<i64>,
    /// Began.
    pub start_time: Option<String>,
    /// Stage or parallel branch.
    #[serde(rename = "type")]
    pub kind: StageType,
    /// Id of the stage it is nested in; null at the top. Not Blue Ocean's `firstParent`, which is the stage before.
    pub parent: Option<String>,
    /// Agent it ran on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What went wrong, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Steps directly in it.
    pub steps: Vec<Step>,
}

/// Sort of stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StageType {
    /// A stage.
    #[default]
    #[serde(rename = "STAGE")]
    Stage,
    /// A branch that runs beside others.
    #[serde(rename = "PARALLEL")]
    Parallel,
}

/// One step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Step {
    /// Id of its flow node.
    pub id: String,
    /// Name of the step: `sh`, `junit`.
    pub display_name: String,
    /// First line of what it ran, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_description: Option<String>,
    /// Ran for.
    pub duration_in_millis: Option<i64>,
    /// Result word; null while running.
    pub result: Option<String>,
    /// `RUNNING`, `PAUSED`, `FINISHED`.
    pub state: String,
    /// Began.
    pub start_time: Option<String>,
    /// What went wrong, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

/// One artifact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Artifact {
    /// Was used.
    pub input: bool,
    /// Was made.
    pub output: bool,
    /// `container`, `file`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Registry and path.
    pub location: String,
    /// Name without version.
    pub name: String,
    /// Version or tag.
    pub qualifier: Option<String>,
    /// Digest with its algorithm in front.
    pub hash: Option<String>,
    /// Anything else the manifest says.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// The build a promotion is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// Name of the process.
    pub name: String,
    /// Job of the promoted build.
    pub job: String,
    /// Its number.
    pub build_number: u64,
}

/// Test results in numbers, with the failed ones by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TestCounts {
    /// All.
    pub total: u64,
    /// Green.
    pub passed: u64,
    /// Red.
    pub failed: u64,
    /// Not run.
    pub skipped: u64,
    /// Time of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
    /// The failed ones, at most 100.
    pub failed_tests: Vec<FailedTest>,
}

/// A failed test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FailedTest {
    /// Class and name joined by a dot.
    pub name: String,
    /// Time it ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
    /// Number of the build it first failed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_since: Option<u64>,
    /// What went wrong, cut and redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Who or what interrupted a build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interruption {
    /// Class without package: `UserInterruption`, `ExceededTimeout`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// The first thing that went wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FailureCause {
    /// Name of the stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Name of the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Class of the exception.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What it said, cut and redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde calls")]
fn is_false(value: &bool) -> bool {
    !*value
}
