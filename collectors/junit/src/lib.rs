//! Reads reports of test runners: JUnit XML in the spellings of Surefire, pytest, Gradle, Jenkins, GoogleTest and others,
//! xUnit.net, NUnit 2 and 3, and TRX of Visual Studio.
//!
//! Pure and total: bytes go in, a [`Report`] comes out, whatever they are. Invariants: a test is counted as passed only
//! when its end was read; what is wrong is a [`Finding`] with its place beside what could be read before it; memory is
//! bounded by [`Limits`].

mod case;
mod dialect;
mod number;
mod reader;
mod text;

pub use dialect::Dialect;
pub use reader::{read, read_text, text};

/// What a report holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// How it is written; none when the root element is that of no report.
    pub dialect: Option<Dialect>,
    /// Name of the outermost suite that has one.
    pub name: Option<String>,
    /// When it began, as written: many runners leave the zone out.
    pub started_at: Option<String>,
    /// When it ended, as written.
    pub finished_at: Option<String>,
    /// Time of the whole, in milliseconds: what the outermost suites say, else the sum of the tests.
    pub duration_ms: Option<u64>,
    /// Suites with tests of their own.
    pub suites: u64,
    /// Tests by outcome, also of those that were not kept.
    pub counts: Counts,
    /// The tests, in their order; at most [`Limits::cases_max`].
    pub cases: Vec<Case>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// Tests by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// As wished, flaky ones not included.
    pub passed: u64,
    /// Failed first and passed when repeated.
    pub flaky: u64,
    /// An expectation was not met.
    pub failed: u64,
    /// Broke before it could tell.
    pub errors: u64,
    /// Not run.
    pub skipped: u64,
    /// With an outcome nobody knows.
    pub unknown: u64,
}

/// One test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Case {
    /// Names of the suites it lies in, joined by "/"; empty where the class says the same.
    pub suite: String,
    /// Class, module or fixture.
    pub class: Option<String>,
    /// Name within the class.
    pub name: Option<String>,
    /// File it is written in.
    pub file: Option<String>,
    /// Line in the file.
    pub line: Option<u64>,
    /// Time it ran, in milliseconds.
    pub duration_ms: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
    /// What went wrong or why it was skipped, cut at [`Limits::text_bytes_max`].
    pub message: Option<String>,
}

/// How a test ended, from the best to the worst.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// As wished.
    #[default]
    Passed,
    /// Failed first and passed when repeated within the same run.
    Flaky,
    /// Not run.
    Skipped,
    /// Another word.
    Unknown(String),
    /// An expectation was not met.
    Failed,
    /// Broke before it could tell.
    Error,
}

/// Something that could not be read as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What sort of trouble.
    pub kind: FindingKind,
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
    /// For people.
    pub message: String,
}

/// Sorts of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// No XML from here on; what came before is kept.
    Malformed,
    /// XML, but the report of no test runner we know.
    Unsupported,
    /// Bytes that are no text in the encoding of the file.
    Encoding,
    /// Beyond a limit.
    Truncated,
    /// A suite that only counts its tests and does not list them.
    OnlyCounted,
}

/// How much of a report is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most tests kept; the others are counted.
    pub cases_max: usize,
    /// Deepest nesting of elements that is read.
    pub depth_max: usize,
    /// Longest name or message, in bytes.
    pub text_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { cases_max: 100_000, depth_max: 128, text_bytes_max: 4096 }
    }
}

impl Counts {
    /// All tests.
    pub fn total(&self) -> u64 {
        self.passed + self.flaky + self.failed + self.errors + self.skipped + self.unknown
    }

    fn add_all(&mut self, others: Self) {
        self.passed += others.passed;
        self.flaky += others.flaky;
        self.failed += others.failed;
        self.errors += others.errors;
        self.skipped += others.skipped;
        self.unknown += others.unknown;
    }

    fn add(&mut self, outcome: &Outcome) {
        let count = match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Flaky => &mut self.flaky,
            Outcome::Failed => &mut self.failed,
            Outcome::Error => &mut self.errors,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Unknown(_) => &mut self.unknown,
        };
        *count += 1;
    }
}

impl Case {
    /// Suite, class and test, with "/" between them.
    pub fn full_name(&self) -> String {
        let parts = [Some(self.suite.as_str()), self.class.as_deref(), self.name.as_deref()];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    }
}
