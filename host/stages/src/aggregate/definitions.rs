//! The metrics, as a table: name, version of the definition, unit, which way is better, and the statistic to show.

use serde::Serialize;

/// Unit of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Milliseconds.
    Ms,
    /// Each value is 0 or 1; the mean is the share.
    Ratio,
    /// Each value is 1; the number per period counts.
    Count,
}

impl Unit {
    /// As written in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ms => "ms",
            Self::Ratio => "ratio",
            Self::Count => "count",
        }
    }
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// More is better.
    Up,
    /// Less is better.
    Down,
}

/// The one statistic to show first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statistic {
    /// Median.
    P50,
    /// Mean of zeros and ones.
    Share,
    /// Number of values divided by the length of the period.
    Rate,
    /// How many are inside at an instant: each value is an entry (1) or an exit (-1).
    Level,
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    /// Family and version of the definition. A changed definition gets a new one.
    pub version: &'static str,
    /// Unit of its values.
    pub unit: Unit,
    /// Which way is better.
    pub direction: Direction,
    /// What to show first.
    pub statistic: Statistic,
    /// What is measured, in one sentence.
    pub summary: &'static str,
    /// Whether this version computes it.
    pub computed: bool,
}

const DORA: &str = "dora/2025.1";
const WEIR: &str = "weir/1";

const fn computed(
    name: &'static str,
    version: &'static str,
    (unit, direction, statistic): (Unit, Direction, Statistic),
    summary: &'static str,
) -> Definition {
    Definition { name, version, unit, direction, statistic, summary, computed: true }
}

const TIME: (Unit, Direction, Statistic) = (Unit::Ms, Direction::Down, Statistic::P50);
const GOOD_SHARE: (Unit, Direction, Statistic) = (Unit::Ratio, Direction::Up, Statistic::Share);
const BAD_SHARE: (Unit, Direction, Statistic) = (Unit::Ratio, Direction::Down, Statistic::Share);
const RATE: (Unit, Direction, Statistic) = (Unit::Count, Direction::Up, Statistic::Rate);

const LEVEL: (Unit, Direction, Statistic) = (Unit::Count, Direction::Down, Statistic::Level);

/// Every metric that has a name.
pub const DEFINITIONS: &[Definition] = &[
    computed(
        "change-lead-time",
        DORA,
        TIME,
        "First commit of a change to the first production deployment that has it.",
    ),
    computed("deployment-frequency", DORA, RATE, "Successful production deployments, by their end."),
    computed(
        "change-fail-rate",
        DORA,
        BAD_SHARE,
        "Share of production deployments that caused an incident or were rolled back.",
    ),
    computed("recovery-time", DORA, TIME, "End of a failed deployment to recovery from it."),
    computed(
        "rework-rate",
        DORA,
        BAD_SHARE,
        "Share of production deployments that are rollbacks or repair an incident.",
    ),
    computed("cycle-time", WEIR, TIME, "First commit of a change to its merge."),
    computed("pickup-time", WEIR, TIME, "Change ready for review to the first review by another human."),
    computed("review-time", WEIR, TIME, "First review by another human to the merge."),
    computed("build-duration", WEIR, TIME, "Time a build ran, without the queue."),
    computed("build-success", WEIR, GOOD_SHARE, "Successes among successes, failures, unstable builds and timeouts."),
    computed("queue-time", WEIR, TIME, "Build queued to build started."),
    computed("work-item-lead-time", WEIR, TIME, "Work item created to done."),
    computed("throughput", WEIR, RATE, "Work items done, by the time they were."),
    computed("time-to-green", WEIR, TIME, "First red build of a break to the next green one."),
    computed("flaky-rate", WEIR, BAD_SHARE, "Commits built green and red, among those built at least twice."),
    computed("work-item-cycle-time", WEIR, TIME, "Work item first in progress to done."),
    computed(
        "flow-efficiency",
        WEIR,
        (Unit::Ratio, Direction::Up, Statistic::P50),
        "Time a work item was worked on, by all time from its creation until it was done.",
    ),
    computed("work-items-created", WEIR, RATE, "Work items created."),
    computed("reopen-rate", WEIR, BAD_SHARE, "Share of work items that were taken up again, by their first end."),
    computed("reopens", WEIR, (Unit::Count, Direction::Down, Statistic::Rate), "Work items taken up again, each time."),
    computed("wip", WEIR, LEVEL, "Work items in progress at an instant."),
    computed("open-items", WEIR, LEVEL, "Work items created and not done at an instant."),
];

/// The metric of that name.
pub fn definition(name: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|definition| definition.name == name)
}
