//! The types of events: the newest version each is known in, the content of all versions, and who reads it.

use super::super::Produced;
use super::event::Event;
use super::{artifacts, changes, runs, services, test_runs, work};

/// What every type's name begins with.
const PREFIX: &str = "dev.cdevents.";
const TICKET: &[&str] =
    &["uri", "summary", "creator", "ticketType", "group", "assignees", "priority", "labels", "milestone"];
const TICKET_UPDATED: &[&str] =
    &["uri", "summary", "creator", "ticketType", "group", "assignees", "priority", "labels", "milestone", "updatedBy"];
const TICKET_CLOSED: &[&str] = &[
    "uri",
    "summary",
    "creator",
    "ticketType",
    "group",
    "assignees",
    "priority",
    "labels",
    "milestone",
    "updatedBy",
    "resolution",
];
const REPOSITORY: &[&str] = &["name", "owner", "uri", "url", "viewUrl"];
const ENVIRONMENT: &[&str] = &["name", "uri", "url"];
const INCIDENT: &[&str] = &["description", "environment", "service", "artifactId"];
const PIPELINE: &[&str] = &["pipelineName", "uri", "url"];
const CASE: &[&str] = &["environment", "testCase", "testSuiteRun", "trigger"];
const SUITE: &[&str] = &["environment", "testSuite", "trigger"];
const ENDED_CASE: &[&str] = &["environment", "testCase", "testSuiteRun", "outcome", "severity", "reason"];
const ENDED_SUITE: &[&str] = &["environment", "testSuite", "outcome", "severity", "reason"];
const ROLLOUT: &[&str] = &["environment", "artifactId"];

/// A type of event.
pub(super) struct Type {
    /// "subject.predicate".
    pub(super) name: &'static str,
    /// Newest major and minor version known.
    pub(super) newest: (u32, u32),
    /// Fields of its content, those of older versions too.
    pub(super) content: &'static [&'static str],
    /// What it says.
    pub(super) read: fn(&mut Event<'_>) -> Vec<Produced>,
}

impl Type {
    /// What it is about.
    pub(super) fn subject(&self) -> &'static str {
        self.name.split('.').next().unwrap_or(self.name)
    }

    /// What happened to it.
    pub(super) fn predicate(&self) -> &'static str {
        self.name.split('.').next_back().unwrap_or(self.name)
    }

    /// Whether each event states all there is about its subject.
    pub(super) fn states_all(&self) -> bool {
        matches!(self.subject(), "repository" | "environment")
    }

    /// Place in the life of the subject: what begins, what goes on, what ends.
    pub(super) fn step(&self) -> i64 {
        match self.predicate() {
            "queued" | "created" | "detected" | "packaged" => 0,
            "finished" | "skipped" | "deleted" | "removed" | "resolved" | "closed" | "merged" | "abandoned" => 2,
            _ => 1,
        }
    }
}

/// The type of that name, and the major and minor version written in it.
pub(super) fn find(word: &str) -> Option<(&'static Type, (u32, u32))> {
    let lower = word.to_ascii_lowercase();
    let mut parts = lower.strip_prefix(PREFIX)?.split('.');
    let subject = match parts.next()? {
        // As the first release called them.
        "testcase" => "testcaserun",
        "testsuite" => "testsuiterun",
        subject => subject,
    };
    let name = format!("{subject}.{}", parts.next()?);
    let mut number = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
    let version = (number(), number());
    TYPES.iter().find(|kind| kind.name == name).map(|kind| (kind, version))
}

type Read = fn(&mut Event<'_>) -> Vec<Produced>;

const fn kind(name: &'static str, minor: u32, content: &'static [&'static str], read: Read) -> Type {
    Type { name, newest: (0, minor), content, read }
}

/// Every type of every release.
pub(super) static TYPES: &[Type] = &[
    kind("approval.created", 1, &["approvalDetailsUrl", "resourceTargetUrl", "requestor"], work::approval),
    kind("approval.updated", 1, &["approvalDetailsUrl", "resourceTargetUrl", "responder", "decision"], work::approval),
    kind(
        "approval.closed",
        1,
        &["approvalDetailsUrl", "resourceTargetUrl", "responder", "decision", "status"],
        work::approval,
    ),
    kind("artifact.packaged", 3, &["change", "sbom"], artifacts::packaged),
    kind("artifact.published", 3, &["sbom", "user"], artifacts::published),
    kind("artifact.signed", 3, &["signature"], artifacts::signed),
    kind("artifact.downloaded", 2, &["user"], artifacts::downloaded),
    kind("artifact.deleted", 2, &["user"], artifacts::deleted),
    kind("branch.created", 3, &["repository"], changes::branch_created),
    kind("branch.deleted", 3, &["repository"], changes::branch_deleted),
    kind("build.queued", 3, &[], runs::queued),
    kind("build.started", 3, &[], runs::started),
    kind("build.finished", 3, &["artifactId"], runs::build_finished),
    kind("change.created", 4, &["description", "repository"], changes::created),
    kind("change.updated", 3, &["repository"], changes::updated),
    kind("change.reviewed", 3, &["repository"], changes::reviewed),
    kind("change.merged", 3, &["repository"], changes::merged),
    kind("change.abandoned", 3, &["repository"], changes::abandoned),
    kind("environment.created", 3, ENVIRONMENT, services::environment),
    kind("environment.modified", 3, ENVIRONMENT, services::environment),
    kind("environment.deleted", 3, ENVIRONMENT, services::environment),
    kind("incident.detected", 3, INCIDENT, work::detected),
    kind("incident.reported", 3, &["description", "environment", "service", "artifactId", "ticketURI"], work::reported),
    kind("incident.resolved", 3, INCIDENT, work::resolved),
    kind("pipelinerun.queued", 3, PIPELINE, runs::queued),
    kind("pipelinerun.started", 3, PIPELINE, runs::started),
    kind("pipelinerun.finished", 3, &["pipelineName", "uri", "url", "outcome", "errors"], runs::finished),
    kind("repository.created", 3, REPOSITORY, changes::repository),
    kind("repository.modified", 3, REPOSITORY, changes::repository),
    kind("repository.deleted", 3, REPOSITORY, changes::repository),
    kind("service.deployed", 3, ROLLOUT, services::deployed),
    kind("service.upgraded", 3, ROLLOUT, services::deployed),
    kind("service.rolledback", 3, ROLLOUT, services::rolled_back),
    kind("service.published", 3, &["environment"], services::published),
    kind("service.removed", 3, &["environment"], services::removed),
    kind("taskrun.started", 3, &["taskName", "uri", "url", "pipelineRun"], runs::task_started),
    kind("taskrun.finished", 3, &["taskName", "uri", "url", "pipelineRun", "outcome", "errors"], runs::task_finished),
    kind("testcaserun.queued", 3, CASE, test_runs::case_begun),
    kind("testcaserun.started", 3, CASE, test_runs::case_begun),
    kind("testcaserun.finished", 3, ENDED_CASE, test_runs::case_ended),
    kind("testcaserun.skipped", 2, ENDED_CASE, test_runs::case_ended),
    kind("testsuiterun.queued", 3, SUITE, test_runs::suite_begun),
    kind("testsuiterun.started", 3, SUITE, test_runs::suite_begun),
    kind("testsuiterun.finished", 3, ENDED_SUITE, test_runs::suite_ended),
    kind("testoutput.published", 3, &["outputType", "format", "uri", "testCaseRun"], test_runs::output),
    kind("ticket.created", 2, TICKET, work::ticket_created),
    kind("ticket.updated", 2, TICKET_UPDATED, work::ticket_updated),
    kind("ticket.closed", 2, TICKET_CLOSED, work::ticket_closed),
];
