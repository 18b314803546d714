//! Open vocabularies of the entities.

words!(
    /// What happened to a file in a commit.
    FileChangeKind {
        /// New file.
        Added = "added",
        /// Content changed.
        Modified = "modified",
        /// File removed.
        Deleted = "deleted",
        /// Moved, content may differ.
        Renamed = "renamed",
        /// Copied from elsewhere.
        Copied = "copied",
    }
);
words!(
    /// How code came to be proposed or delivered.
    ChangeKind {
        /// Pull request, merge request or patch set: somebody may review it first.
        Proposal = "proposal",
        /// Direct push to a branch.
        Push = "push",
    }
);
words!(
    /// Where a change stands.
    ChangeState {
        /// Waiting.
        Open = "open",
        /// Delivered.
        Merged = "merged",
        /// Ended without being merged.
        Closed = "closed",
    }
);
words!(
    /// How a change was put on the base branch.
    MergeMethod {
        /// Merge commit with two parents or more.
        Merge = "merge",
        /// One new commit for all.
        Squash = "squash",
        /// Commits replayed, new ids.
        Rebase = "rebase",
        /// Branch moved, same ids.
        FastForward = "fast-forward",
    }
);
words!(
    /// What a reviewer did.
    ReviewVerdict {
        /// May be merged.
        Approved = "approved",
        /// Must be changed first.
        ChangesRequested = "changes-requested",
        /// Said something without a verdict.
        Commented = "commented",
        /// A verdict that was withdrawn.
        Dismissed = "dismissed",
    }
);
words!(
    /// What sort of work.
    WorkKind {
        /// Container of other work.
        Epic = "epic",
        /// Something of value to a user.
        Story = "story",
        /// Something to do.
        Task = "task",
        /// Part of another work item.
        Subtask = "subtask",
        /// Defect.
        Bug = "bug",
        /// Failure of a running service, tracked as work.
        Incident = "incident",
        /// Request to change a running system.
        ChangeRequest = "change-request",
    }
);
words!(
    /// Class a status falls into.
    WorkCategory {
        /// Not begun.
        Todo = "todo",
        /// Being worked on.
        Doing = "doing",
        /// Finished, whatever the resolution.
        Done = "done",
    }
);
words!(
    /// A tracked field other than status.
    EditedField {
        /// Who works on it.
        Assignee = "assignee",
        /// Sprint it is planned for.
        Sprint = "sprint",
        /// Estimate or story points.
        Estimate = "estimate",
        /// Priority.
        Priority = "priority",
        /// Kind of work.
        Kind = "kind",
        /// Release it is to be fixed in.
        FixVersion = "fix-version",
        /// Parent or epic.
        Parent = "parent",
    }
);
words!(
    /// How one work item relates to another.
    WorkLinkKind {
        /// The target waits for this one.
        Blocks = "blocks",
        /// This one waits for the target.
        BlockedBy = "blocked-by",
        /// This one is the same as the target.
        Duplicates = "duplicates",
        /// The target is the same as this one.
        DuplicatedBy = "duplicated-by",
        /// This one brought the target about.
        Causes = "causes",
        /// The target brought this one about.
        CausedBy = "caused-by",
        /// No direction.
        Relates = "relates",
    }
);
words!(
    /// Where a sprint stands.
    SprintState {
        /// Not begun.
        Planned = "planned",
        /// Running.
        Active = "active",
        /// Over.
        Closed = "closed",
    }
);
words!(
    /// Where a build, stage or deployment stands.
    RunState {
        /// Accepted, not begun.
        Queued = "queued",
        /// Under way.
        Running = "running",
        /// Waits for a person or another system.
        Waiting = "waiting",
        /// Over; see the result.
        Finished = "finished",
    }
);
words!(
    /// How it ended. The ways of not succeeding stay apart.
    RunResult {
        /// As wished.
        Success = "success",
        /// Came to its end, but tests failed or warnings were over a limit. Red.
        Unstable = "unstable",
        /// What was built, tested or deployed is at fault. Red.
        Failure = "failure",
        /// The system that ran it is at fault.
        Error = "error",
        /// Ended by a time limit. Red.
        Timeout = "timeout",
        /// Ended by a person or by a newer run.
        Cancelled = "cancelled",
        /// Never ran.
        Skipped = "skipped",
    }
);
words!(
    /// What a build or stage is for.
    RunPurpose {
        /// Makes artifacts.
        Build = "build",
        /// Checks them.
        Test = "test",
        /// Brings them to an environment.
        Deploy = "deploy",
    }
);
words!(
    /// Why a build began.
    TriggerKind {
        /// A person asked.
        Manual = "manual",
        /// A clock.
        Schedule = "schedule",
        /// New commits on a branch.
        Push = "push",
        /// A pull or merge request.
        Change = "change",
        /// Another build.
        Upstream = "upstream",
        /// A call from another system.
        Api = "api",
        /// A repeat of an earlier attempt.
        Rerun = "rerun",
    }
);
words!(
    /// What level of the run a stage is.
    StageKind {
        /// Named part of a pipeline.
        Stage = "stage",
        /// Unit given to one worker: job, matrix cell.
        Job = "job",
        /// Single action.
        Step = "step",
    }
);
words!(
    /// What a build or deployment did with an artifact.
    ArtifactRole {
        /// Made it.
        Produced = "produced",
        /// Used it.
        Consumed = "consumed",
    }
);
words!(
    /// How a test ended.
    TestResult {
        /// As wished.
        Passed = "passed",
        /// An expectation was not met.
        Failed = "failed",
        /// Broke before it could tell.
        Error = "error",
        /// Not run.
        Skipped = "skipped",
        /// Failed, then passed when repeated within the same run.
        Flaky = "flaky",
    }
);
words!(
    /// Sort of artifact.
    ArtifactKind {
        /// Container image.
        Image = "image",
        /// Package of a language or system registry.
        Package = "package",
        /// Plain file or archive.
        File = "file",
    }
);
words!(
    /// Class an environment falls into.
    EnvironmentClass {
        /// Serves users.
        Production = "production",
        /// Last stop before.
        Staging = "staging",
        /// For tests.
        Testing = "testing",
        /// For those who write the code.
        Development = "development",
    }
);
words!(
    /// What a deployment does.
    DeploymentKind {
        /// New version goes live.
        Deploy = "deploy",
        /// Back to an earlier version.
        Rollback = "rollback",
        /// Taken out of service.
        Remove = "remove",
    }
);
words!(
    /// Where an incident stands.
    IncidentState {
        /// Nobody has taken it.
        Open = "open",
        /// Somebody has.
        Acknowledged = "acknowledged",
        /// Service is back.
        Resolved = "resolved",
        /// Nothing left to do.
        Closed = "closed",
    }
);
words!(
    /// What a deployment had to do with an incident, as people or the tool stated it.
    IncidentLinkKind {
        /// Brought it about.
        Caused = "caused",
        /// Ended it.
        Fixed = "fixed",
        /// No more is known.
        Related = "related",
    }
);

impl RunResult {
    /// Red: failure, unstable or timeout. Error, cancelled, skipped and unknown are neither red nor green.
    pub fn is_red(&self) -> bool {
        matches!(self, Self::Failure | Self::Unstable | Self::Timeout)
    }

    /// Green: success.
    pub fn is_green(&self) -> bool {
        *self == Self::Success
    }
}
