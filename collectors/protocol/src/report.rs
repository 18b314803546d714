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

/// One commit. Natural key: `sha`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Commit {
    /// Object id.
    pub sha: String,
    /// Repository.
    pub repository: Option<String>,
    /// Object ids of the parents, in order.
    pub parents: Vec<String>,
    /// Author's name.
    pub author_name: Option<String>,
    /// Author's mail address.
    pub author_email: Option<String>,
    /// Written, in milliseconds.
    pub authored_at: Option<i64>,
    /// Committed, in milliseconds.
    pub committed_at: Option<i64>,
    /// Message.
    pub message: Option<String>,
    /// Lines added.
    pub lines_added: Option<u64>,
    /// Lines removed.
    pub lines_removed: Option<u64>,
    /// Paths that changed.
    pub files: Vec<String>,
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
