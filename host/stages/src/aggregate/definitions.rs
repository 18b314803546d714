//! The metrics, as data: name, version of the definition, unit, which way is better, and the statistic to show.
//!
//! Ours are in `definitions.toml`; an operator's are written in the same words and checked when they are read. A name
//! is defined once.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::filter::{FilterError, Vocabulary};
use weir_model::{Entity, EntityKind, Filter, search};

use super::boundaries::{self, is_end};
use crate::Context;

/// Unit of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Milliseconds.
    Ms,
    /// Each value is 0 or 1; the mean is the share.
    Ratio,
    /// Each value is 1; the number per period counts.
    Count,
    /// Plain numbers.
    Number,
}

impl Unit {
    /// As written in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ms => "ms",
            Self::Ratio => "ratio",
            Self::Count => "count",
            Self::Number => "number",
        }
    }
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// More is better.
    #[serde(alias = "more")]
    Up,
    /// Less is better.
    #[serde(alias = "less")]
    Down,
}

/// The one statistic to show first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Statistic {
    /// Median.
    P50,
    /// Upper quartile.
    P75,
    /// Ninth decile.
    P90,
    /// 95th percentile.
    P95,
    /// Mean.
    Mean,
    /// Mean of zeros and ones.
    Share,
    /// Number of values divided by the length of the period.
    Rate,
    /// How many are inside at an instant: each value is an entry (1) or an exit (-1).
    Level,
}

/// What each entity says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ValueSettings {
    /// Computed by Weir's own code.
    BuiltIn,
    /// One for each entity.
    Count,
    /// Time between two boundaries of the entity.
    Between(String, String),
    /// A number field or an attribute.
    Number(String),
    /// Whether the entity is so, in search syntax: the share of those of `of` that are.
    Share(String),
}

/// A metric as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricSettings {
    /// Its name: small letters, digits and hyphens.
    pub name: String,
    /// Family and version of the definition. A changed definition gets a new one.
    #[serde(default = "custom")]
    pub version: String,
    /// What is measured, in one sentence.
    #[serde(default)]
    pub summary: String,
    /// Which entities it is about, in search syntax.
    #[serde(default)]
    pub of: String,
    /// What each of them says.
    pub value: ValueSettings,
    /// Boundary whose time decides the day it counts in.
    #[serde(default)]
    pub at: String,
    /// Unit of the values; left out where the value tells it.
    #[serde(default)]
    pub unit: Option<Unit>,
    /// Which way is better: `less` or `more`. Left out: less time, more of anything else.
    #[serde(default)]
    pub better: Option<Direction>,
    /// What to show first.
    #[serde(default)]
    pub statistic: Option<Statistic>,
    /// Metric whose total it is a segment of.
    #[serde(default)]
    pub part_of: Option<String>,
    /// Whether days off are no part of its times.
    #[serde(default)]
    pub without_days_off: bool,
    /// Whether this version computes it.
    #[serde(default = "yes")]
    pub computed: bool,
}

impl MetricSettings {
    /// What is written of it in search syntax.
    pub fn filters(&self) -> impl Iterator<Item = &String> {
        let share = if let ValueSettings::Share(text) = &self.value { Some(text) } else { None };
        [&self.of].into_iter().chain(share)
    }
}

fn custom() -> String {
    "custom/1".to_owned()
}

fn yes() -> bool {
    true
}

/// One metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Family and version of the definition. A changed definition gets a new one.
    pub version: String,
    /// Unit of its values.
    pub unit: Unit,
    /// Which way is better.
    pub direction: Direction,
    /// What to show first.
    pub statistic: Statistic,
    /// What is measured, in one sentence.
    pub summary: String,
    /// Whether this version computes it.
    pub computed: bool,
    /// Whether days off are no part of its times.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub without_days_off: bool,
    /// Which entities it is about, where an operator says so.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// What each of them says.
    pub value: ValueSettings,
    /// Boundary whose time decides the day it counts in.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// Metric whose total it is a segment of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
}

impl From<MetricSettings> for Definition {
    fn from(settings: MetricSettings) -> Self {
        let MetricSettings {
            name,
            version,
            summary,
            of,
            value,
            at,
            unit,
            better,
            statistic,
            part_of,
            without_days_off,
            computed,
        } = settings;
        let unit = unit.unwrap_or(match value {
            ValueSettings::Between(..) => Unit::Ms,
            ValueSettings::Share(_) => Unit::Ratio,
            ValueSettings::Count => Unit::Count,
            ValueSettings::Number(_) | ValueSettings::BuiltIn => Unit::Number,
        });
        let direction = better.unwrap_or(if unit == Unit::Ms { Direction::Down } else { Direction::Up });
        let statistic = statistic.unwrap_or(match unit {
            Unit::Ms | Unit::Number => Statistic::P50,
            Unit::Ratio => Statistic::Share,
            Unit::Count => Statistic::Rate,
        });
        Self { name, version, unit, direction, statistic, summary, computed, without_days_off, of, value, at, part_of }
    }
}

/// Why a metric cannot be as it is written.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// It is defined already.
    #[error("metric `{0}` is defined twice")]
    Twice(String),
    /// Its name is none.
    #[error("metric `{0}` has no name of small letters, digits and hyphens")]
    Name(String),
    /// A filter of it cannot be read.
    #[error("cannot read `{text}` of metric `{name}`")]
    Filter {
        /// Which metric.
        name: String,
        /// What was written.
        text: String,
        /// Why not.
        #[source]
        source: FilterError,
    },
    /// Its parts do not fit.
    #[error("metric `{name}` {problem}")]
    Misfit {
        /// Which metric.
        name: String,
        /// What is wrong, as the end of a sentence.
        problem: String,
        /// What mends it.
        hint: String,
    },
}

impl DefinitionError {
    /// What mends it.
    pub fn hint(&self) -> String {
        match self {
            Self::Twice(_) => "give one of them another name".to_owned(),
            Self::Name(_) => "such as `hotfix-time`".to_owned(),
            Self::Filter { .. } => "docs/SEARCH.md has the syntax".to_owned(),
            Self::Misfit { hint, .. } => hint.clone(),
        }
    }
}

#[derive(Deserialize)]
struct File {
    metric: Vec<MetricSettings>,
}

/// Every metric Weir knows without being told.
pub static DEFINITIONS: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("definitions.toml")).expect("a test reads what is built in");
    file.metric.into_iter().map(Definition::from).collect()
});

/// The built-in metric of that name.
pub fn definition(name: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|definition| definition.name == name)
}

/// A metric of the operator's, compiled.
#[derive(Debug)]
pub struct CustomMetric {
    /// What it is.
    pub definition: Definition,
    pub(super) of: Filter,
    /// The filter of a share.
    pub(super) share: Option<Filter>,
}

/// Compiles an operator's metrics and checks that each can mean something. `vocabulary` is what their filters may name.
pub fn custom_metrics(
    settings: &[MetricSettings],
    vocabulary: &Vocabulary,
) -> Result<Vec<CustomMetric>, DefinitionError> {
    let mut metrics: Vec<CustomMetric> = Vec::with_capacity(settings.len());
    for settings in settings {
        let name = &settings.name;
        let known = metrics.iter().any(|metric| metric.definition.name == *name);
        if known || definition(name).is_some() {
            return Err(DefinitionError::Twice(name.clone()));
        }
        metrics.push(custom_metric(settings, vocabulary)?);
    }
    Ok(metrics)
}

fn custom_metric(settings: &MetricSettings, vocabulary: &Vocabulary) -> Result<CustomMetric, DefinitionError> {
    let name = &settings.name;
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_word) {
        return Err(DefinitionError::Name(name.clone()));
    }
    let filter = |text: &str| {
        vocabulary.filter(text).map_err(|source| DefinitionError::Filter {
            name: name.clone(),
            text: text.to_owned(),
            source,
        })
    };
    check(settings).map_err(|(problem, hint)| DefinitionError::Misfit { name: name.clone(), problem, hint })?;
    let share = if let ValueSettings::Share(text) = &settings.value { Some(filter(text)?) } else { None };
    Ok(CustomMetric { of: filter(&settings.of)?, share, definition: settings.clone().into() })
}

/// A problem, and what mends it.
type Problem = (String, String);

fn check(settings: &MetricSettings) -> Result<(), Problem> {
    let wrong = |problem: &str, hint: &str| Err((problem.to_owned(), hint.to_owned()));
    if settings.of.trim().is_empty() {
        return wrong("does not say what it is of", "such as `of = \"kind:change AND labels:hotfix\"`");
    }
    is_boundary("at", &settings.at)?;
    match &settings.value {
        ValueSettings::BuiltIn => wrong("is not built in", "count, between, number or share"),
        ValueSettings::Between(from, to) => {
            is_boundary("value", from)?;
            is_boundary("value", to)?;
            if from == to {
                return wrong("begins where it ends", "name two boundaries, the earlier first");
            }
            fits(settings, Unit::Ms)
        }
        ValueSettings::Number(field) => match search::field(field) {
            Some(known) if known.kind == search::FieldType::Number || field.starts_with("attr.") => Ok(()),
            _ => wrong("reads what is no number", "`number`, `duration` or `attr.<name>`"),
        },
        // Numerator and denominator are linked, for the one is part of the other; but only what is over has an outcome.
        ValueSettings::Share(_) if !is_end(&settings.at) => wrong(
            "is a share of what may not be over yet",
            &format!("only what is over has an outcome: set `at` to one of {}", boundaries::ENDS.join(", ")),
        ),
        ValueSettings::Share(_) => fits(settings, Unit::Ratio),
        ValueSettings::Count => fits(settings, Unit::Count),
    }
}

fn is_boundary(key: &str, name: &str) -> Result<(), Problem> {
    let context = Context::default();
    let of_kind = |kind| boundaries::of(&Entity::empty(kind), context.work());
    let known: std::collections::BTreeSet<&str> =
        EntityKind::ALL.iter().flat_map(of_kind).map(|(name, _)| name).collect();
    if known.contains(name) {
        return Ok(());
    }
    let problem = if name.is_empty() { format!("has no `{key}`") } else { format!("names no boundary by `{name}`") };
    Err((problem, format!("one of {}", known.into_iter().collect::<Vec<_>>().join(", "))))
}

fn fits(settings: &MetricSettings, unit: Unit) -> Result<(), Problem> {
    let statistic_fits = match settings.statistic {
        None => true,
        Some(Statistic::Share) => unit == Unit::Ratio,
        Some(Statistic::Rate) => unit == Unit::Count,
        Some(Statistic::Level) => false,
        Some(_) => matches!(unit, Unit::Ms | Unit::Number),
    };
    match settings.unit {
        Some(stated) if stated != unit => {
            let hint = format!("its values are in `{}`: leave `unit` out", unit.as_str());
            Err(("has a unit that is not that of its values".to_owned(), hint))
        }
        _ if !statistic_fits => {
            Err(("shows a statistic its values do not have".to_owned(), "leave `statistic` out".to_owned()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(texts: &[&str], expected: Expect) {
        let verdict = |text: &&str| {
            let file: File = match toml::from_str(&format!("[[metric]]\n{text}")) {
                Ok(file) => file,
                Err(error) => return format!("{}\n", error.message()),
            };
            match custom_metrics(&file.metric, &Vocabulary::default()) {
                Ok(metrics) => {
                    let Definition { name, version, unit, direction, statistic, .. } = &metrics[0].definition;
                    format!("{name} {version} {unit:?} {direction:?} {statistic:?}\n")
                }
                Err(error) => format!("{error}; hint: {}\n", error.hint()),
            }
        };
        expected.assert_eq(&texts.iter().map(verdict).collect::<String>());
    }

    #[test]
    fn built_in_metrics_are_defined_once() {
        let mut names: Vec<&str> = DEFINITIONS.iter().map(|definition| definition.name.as_str()).collect();
        names.sort_unstable();
        let n_names = names.len();
        names.dedup();
        assert_eq!(names.len(), n_names);
        assert_eq!(definition("change-lead-time").unwrap().version, "dora/2025.1");
        for definition in DEFINITIONS.iter() {
            assert_eq!(definition.value, ValueSettings::BuiltIn, "{}", definition.name);
            assert!(definition.part_of.as_deref().is_none_or(|whole| super::definition(whole).is_some()));
        }
    }

    #[test]
    fn an_operators_metrics_are_checked() {
        let change = "of = \"kind:change\"\nat = \"merged\"\n";
        let with = |rest: &str| format!("name = \"x\"\n{change}{rest}");
        let texts = [
            with("value = { between = [\"opened\", \"merged\"] }"),
            with("value = \"count\"\nversion = \"acme/2\""),
            with("value = { share = \"labels:hotfix\" }\nbetter = \"less\""),
            with("value = { number = \"attr.coverage\" }\nstatistic = \"p90\""),
            with("value = { number = \"title\" }"),
            with("value = { between = [\"opened\", \"marged\"] }"),
            with("value = { share = \"labels:hotfix\" }\nunit = \"ms\""),
            with("value = \"count\"\nstatistic = \"p90\""),
            with("value = \"built-in\""),
            with("value = { share = \"lables:hotfix\" }"),
            with("value = { share = \"labels:hotfix\" }\ntotal = \"kind:change\""),
            "name = \"x\"\nof = \"kind:work-item\"\nat = \"created\"\nvalue = { share = \"status:Done\" }".to_owned(),
            "name = \"queue-time\"\nof = \"kind:build\"\nat = \"finished\"\nvalue = \"count\"".to_owned(),
            "name = \"Queue Time\"\nof = \"kind:build\"\nat = \"finished\"\nvalue = \"count\"".to_owned(),
        ];
        check(
            &texts.iter().map(String::as_str).collect::<Vec<_>>(),
            expect![[r"
            x custom/1 Ms Down P50
            x acme/2 Count Up Rate
            x custom/1 Ratio Down Share
            x custom/1 Number Up P90
            metric `x` reads what is no number; hint: `number`, `duration` or `attr.<name>`
            metric `x` names no boundary by `marged`; hint: one of acknowledged, authored, closed, committed, completed, created, detected, done, due, finished, merged, opened, published, queued, ready, resolved, started, submitted
            metric `x` has a unit that is not that of its values; hint: its values are in `ratio`: leave `unit` out
            metric `x` shows a statistic its values do not have; hint: leave `statistic` out
            metric `x` is not built in; hint: count, between, number or share
            cannot read `lables:hotfix` of metric `x`; hint: docs/SEARCH.md has the syntax
            unknown field `total`, expected one of `name`, `version`, `summary`, `of`, `value`, `at`, `unit`, `better`, `statistic`, `part_of`, `without_days_off`, `computed`
            metric `x` is a share of what may not be over yet; hint: only what is over has an outcome: set `at` to one of finished, merged, closed, done, resolved, completed, submitted
            metric `queue-time` is defined twice; hint: give one of them another name
            metric `Queue Time` has no name of small letters, digits and hyphens; hint: such as `hotfix-time`
        "]],
        );
    }
}
