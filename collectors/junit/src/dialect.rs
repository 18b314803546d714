//! The languages in which test runners report, and what their elements are.
//!
//! Every one of them nests tests in suites; they differ in names and in where the outcome stands.

use crate::Outcome;

/// A language of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `testsuites`, `testsuite`, `testcase`.
    Junit,
    /// xUnit.net: `assemblies`, `assembly`, `collection`, `test`.
    Xunit,
    /// NUnit 2 and 3: `test-results` or `test-run`, `test-suite`, `test-case`.
    Nunit,
    /// Visual Studio: `TestRun`, `UnitTestResult`.
    Trx,
}

/// What an element is, wherever it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Holds tests, and its name tells where they lie.
    Suite,
    /// Holds tests or suites; its name is repeated in those of the tests, or is a path on a machine.
    Whole,
    /// A test.
    Case,
    /// Says how the test around it ended, and why in its text.
    Verdict(Outcome),
    /// Says why the test around it ended so, in its text or in a message.
    Reason,
    /// The message of a reason.
    Message,
    /// Of a TRX file: the definition of a test, which names its class further down.
    Definition,
    /// The class of a test that is defined around it.
    Method,
    /// Begin and end of the whole.
    Times,
    /// Of no interest.
    Other,
}

impl Dialect {
    /// The language whose root element is called so.
    pub(crate) fn of_root(name: &str) -> Option<Self> {
        match name {
            "testsuites" | "testsuite" => Some(Self::Junit),
            "assemblies" | "assembly" => Some(Self::Xunit),
            "test-results" | "test-run" | "test-suite" => Some(Self::Nunit),
            "TestRun" => Some(Self::Trx),
            _ => None,
        }
    }

    /// What an element of that name is.
    pub(crate) fn part(self, name: &str) -> Part {
        match (self, name) {
            (Self::Junit, "testsuite") => Part::Suite,
            (Self::Junit, "testsuites")
            | (Self::Xunit, "assemblies" | "assembly" | "collection" | "class")
            | (Self::Nunit, "test-results" | "test-run" | "test-suite")
            | (Self::Trx, "TestRun") => Part::Whole,
            (Self::Junit, "testcase")
            | (Self::Xunit, "test")
            | (Self::Nunit, "test-case")
            | (Self::Trx, "UnitTestResult") => Part::Case,
            (Self::Junit | Self::Xunit | Self::Nunit, "failure") => Part::Verdict(Outcome::Failed),
            // xUnit.net reports so what broke outside of a test, beside the tests.
            (Self::Junit | Self::Xunit, "error") => Part::Verdict(Outcome::Error),
            (Self::Junit, "skipped") => Part::Verdict(Outcome::Skipped),
            (Self::Junit, "flakyFailure" | "flakyError") => Part::Verdict(Outcome::Flaky),
            (Self::Xunit | Self::Nunit, "reason") | (Self::Trx, "ErrorInfo") => Part::Reason,
            (Self::Xunit | Self::Nunit, "message") | (Self::Trx, "Message") => Part::Message,
            (Self::Trx, "UnitTest") => Part::Definition,
            (Self::Trx, "TestMethod") => Part::Method,
            (Self::Trx, "Times") => Part::Times,
            _ => Part::Other,
        }
    }
}

/// The outcome that a runner's word means, in any case of letters.
pub(crate) fn outcome_of(word: &str) -> Outcome {
    match word.to_ascii_lowercase().as_str() {
        "pass" | "passed" | "success" | "ok" | "run" | "completed" | "passedbutrunaborted" => Outcome::Passed,
        "fail" | "failed" | "failure" => Outcome::Failed,
        "error" | "errored" | "timeout" | "aborted" | "cancelled" | "disconnected" | "notrunnable" | "invalid" => {
            Outcome::Error
        }
        "skip" | "skipped" | "ignored" | "disabled" | "notrun" | "notexecuted" | "inconclusive" | "suppressed"
        | "explicit" | "pending" => Outcome::Skipped,
        _ => Outcome::Unknown(word.to_owned()),
    }
}
