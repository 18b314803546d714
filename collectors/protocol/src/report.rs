//! The smaller reports, and what all reports share.
//!
//! Invariant: the [`Kind`] of a report decides its path, and nothing else does.

use serde::{Deserialize, Serialize};

/// Sort of report, and so the path it is posted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// [`crate::Build`].
    Builds,
    /// [`Deployment`].
    Deployments,
    /// [`Commit`].
    Commits,
    /// [`TestReport`].
    TestReports,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Builds, Self::Deployments, Self::Commits, Self::TestReports];

    /// Last part of its path below `/v1/`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Builds => "builds",
            Self::Deployments => "deployments",
            Self::Commits => "commits",
            Self::TestReports => "test-reports",
        }
    }

    /// The kind with that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Something that could not be read as it should; the report is sent all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Diagnostic {
    /// What sort of trouble, one of a few words: `unreadable`, `damaged`, `encoding`, `truncated`, ...
    pub code: String,
    /// Where: a file in the build's folder or a field of the report.
    pub subject: String,
    /// For people.
    pub message: String,
}

/// Something was put into an environment. Natural key: `id`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deployment {
    /// Unique within the sender.
    pub id: String,
    /// Where to.
    pub environment: String,
    /// What: a service or application.
    pub component: Option<String>,
    /// Version that was deployed.
    pub version: Option<String>,
    /// Result word; null while running.
    pub result: Option<String>,
    /// Began, in milliseconds.
    pub start_time: Option<i64>,
    /// Ended, in milliseconds.
    pub finished_at: Option<i64>,
    /// Repository the code is from.
    pub repository: Option<String>,
    /// Commit that was deployed.
    pub commit: Option<String>,
    /// Digests of the artifacts that were deployed.
    pub artifacts: Vec<String>,
    /// Page of the run that did it.
    pub web_url: Option<String>,
    /// Who asked for it.
    pub user_id: Option<String>,
}

/// One commit. Natural key: `sha` and `repository`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Commit {
    /// Object id.
    pub sha: String,
    /// Repository.
    pub repository: Option<String>,
    /// Object ids of the parents, in order; none when the commit could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parents: Option<Vec<String>>,
    /// Author's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author_name: Option<String>,
    /// Author's mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author_email: Option<String>,
    /// Written: RFC 3339 with the author's offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authored_at: Option<String>,
    /// Committer's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committer_name: Option<String>,
    /// Committer's mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committer_email: Option<String>,
    /// Committed: RFC 3339 with the committer's offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<String>,
    /// Message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Lines added, binary files left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines_added: Option<u64>,
    /// Lines removed, binary files left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines_removed: Option<u64>,
    /// Name of what it changes, whatever stands around it: a cherry-pick has that of its original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch_id: Option<String>,
    /// Files that differ from the only parent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileStat>,
    /// What could not be read as it should.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

/// One file of a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileStat {
    /// Path after the commit; before it for a file that was removed.
    pub path: String,
    /// `added`, `modified` or `removed`.
    pub status: String,
    /// Lines added; none for a binary file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additions: Option<u32>,
    /// Lines removed; none for a binary file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletions: Option<u32>,
}

/// Where a branch or tag points: posted with the commits. Natural key: `ref` and `repository`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ref {
    /// Full name: `refs/heads/main`.
    #[serde(rename = "ref")]
    pub name: String,
    /// Commit it points to, through a tag where it is one.
    pub sha: String,
    /// Repository.
    pub repository: Option<String>,
    /// When an annotated tag was made: RFC 3339 with the tagger's offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Commit it pointed to before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// True when the commit before is not in its history any more; never false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewritten: Option<bool>,
    /// When this was read, in milliseconds: the latest counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported_at: Option<i64>,
}

/// Outcome of a set of tests. Natural key: `id`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TestReport {
    /// Unique within the sender.
    pub id: String,
    /// Name of the suite.
    pub name: Option<String>,
    /// Commit that was tested.
    pub commit: Option<String>,
    /// Full name of the job that ran them.
    pub job_full_name: Option<String>,
    /// Number of its run.
    pub build_number: Option<u64>,
    /// Began, in milliseconds.
    pub start_time: Option<i64>,
    /// Time of all, in milliseconds.
    pub duration_ms: Option<i64>,
    /// Green.
    pub passed: u64,
    /// Red.
    pub failed: u64,
    /// Not run.
    pub skipped: u64,
    /// Single tests; may leave out green ones.
    pub cases: Vec<TestCase>,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCase {
    /// Suite, class and test.
    pub name: String,
    /// How it ended.
    pub result: TestResult,
    /// Time it ran, in milliseconds.
    #[serde(default)]
    pub duration_ms: Option<i64>,
    /// What went wrong.
    #[serde(default)]
    pub message: Option<String>,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestResult {
    /// As wished.
    Passed,
    /// An expectation was not met.
    Failed,
    /// Broke before it could tell.
    Error,
    /// Not run.
    Skipped,
}
