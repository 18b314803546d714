//! Statistics over hits, as they are asked for and as they are told.

use std::collections::BTreeMap;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use weir_model::Timestamp;
use weir_model::search::{FieldType, field};
use weir_store::{Bucket, Group, GroupCell, Groups, Measured};

/// What can be asked for.
pub(super) const STATISTICS: &str = "count, or sum, avg, min, max, p1 to p99 of a field: `p50:duration`";

/// One statistic of the groups.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stat {
    Count,
    /// Of the values of a field.
    Of(Summary, String),
}

/// What is told of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Summary {
    Sum,
    Mean,
    Min,
    Max,
    /// From 1 to 99.
    Percentile(u8),
}

impl FromStr for Stat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "count" {
            return Ok(Self::Count);
        }
        let wrong = || format!("no statistic `{text}`");
        let (summary, name) = text.split_once(':').ok_or_else(wrong)?;
        let percentile = summary.strip_prefix('p').and_then(|p| p.parse().ok()).filter(|p| (1..100).contains(p));
        let summary = match summary {
            "sum" => Summary::Sum,
            "avg" => Summary::Mean,
            "min" => Summary::Min,
            "max" => Summary::Max,
            _ => Summary::Percentile(percentile.ok_or_else(wrong)?),
        };
        if summary == Summary::Sum && is_time(name) {
            return Err(format!("times in `{name}` have no sum"));
        }
        Ok(Self::Of(summary, name.to_owned()))
    }
}

impl Summary {
    fn name(self) -> String {
        match self {
            Self::Sum => "sum".to_owned(),
            Self::Mean => "avg".to_owned(),
            Self::Min => "min".to_owned(),
            Self::Max => "max".to_owned(),
            Self::Percentile(p) => format!("p{p}"),
        }
    }

    /// None of no values.
    fn of(self, measured: &Measured) -> Option<f64> {
        match self {
            Self::Sum => (measured.n > 0).then_some(measured.sum),
            Self::Mean => measured.mean(),
            Self::Min => measured.min,
            Self::Max => measured.max,
            Self::Percentile(p) => measured.percentile(f64::from(p) / 100.0),
        }
    }
}

/// What is asked of groups.
#[derive(Debug, Clone)]
pub(super) struct Statistics {
    pub(super) by: Vec<String>,
    pub(super) over: Option<(String, Bucket)>,
    pub(super) stats: Vec<Stat>,
}

/// Statistics over all hits.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GroupsAnswer {
    /// Fields that are grouped by.
    pub by: Vec<String>,
    /// Date field whose days, weeks or months part the groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// `day`, `week` or `month`, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
    /// The largest groups first, each with its times in order.
    pub rows: Vec<GroupRow>,
    /// Groups beyond the limit, as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<OtherRow>,
}

/// One group, or the part of it that one day, week or month holds.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GroupRow {
    /// A value for each field; null for hits that have none.
    pub key: BTreeMap<String, Option<String>>,
    /// Hits.
    pub count: u64,
    /// By field: `n`, `unknown` and what was asked for; where times part the groups, `at`, the first day, null for hits
    /// without the date.
    #[serde(flatten)]
    pub measures: Map<String, Value>,
}

/// Groups beyond the limit.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OtherRow {
    /// How many they are.
    pub groups: u64,
    /// Hits in them.
    pub count: u64,
    /// By field: `n`, `unknown` and what was asked for.
    #[serde(flatten)]
    pub measures: Map<String, Value>,
}

impl Statistics {
    /// Fields whose values are measured, each once.
    pub(super) fn measures(&self) -> Vec<String> {
        let mut fields: Vec<String> = Vec::new();
        for stat in &self.stats {
            match stat {
                Stat::Of(_, field) if !fields.contains(field) => fields.push(field.clone()),
                Stat::Of(..) | Stat::Count => {}
            }
        }
        fields
    }

    pub(super) fn answer(&self, groups: &Groups) -> GroupsAnswer {
        GroupsAnswer {
            by: self.by.clone(),
            over: self.over.as_ref().map(|(field, _)| field.clone()),
            bucket: self.over.as_ref().map(|(_, bucket)| *bucket),
            rows: groups.rows.iter().map(|group| self.row(group)).collect(),
            other: groups.other.as_ref().map(|other| OtherRow {
                groups: other.groups,
                count: other.cell.count,
                measures: self.told(&other.cell),
            }),
        }
    }

    fn row(&self, group: &Group) -> GroupRow {
        let day = |at: Timestamp| at.to_string().split('T').next().unwrap_or_default().to_owned();
        let mut measures = self.told(&group.cell);
        if self.over.is_some() {
            measures.insert("at".to_owned(), json!(group.at.map(day)));
        }
        let key = self.by.iter().cloned().zip(group.key.iter().cloned()).collect();
        GroupRow { key, count: group.cell.count, measures }
    }

    fn told(&self, cell: &GroupCell) -> Map<String, Value> {
        let measures = self.measures();
        measures.iter().zip(&cell.measures).map(|(field, measured)| (field.clone(), self.of(field, measured))).collect()
    }

    fn of(&self, name: &str, measured: &Measured) -> Value {
        let mut told = json!({ "n": measured.n, "unknown": measured.unknown });
        for stat in &self.stats {
            if let Stat::Of(summary, field) = stat
                && field == name
            {
                told[summary.name()] = summary.of(measured).map_or(Value::Null, |value| written(name, value));
                if matches!(summary, Summary::Percentile(_)) && measured.relative_error() > 0.0 {
                    told["relative_error"] = json!(measured.relative_error());
                }
            }
        }
        told
    }
}

fn is_time(name: &str) -> bool {
    field(name).is_some_and(|field| field.kind == FieldType::Date)
}

/// Times as times, everything else as the number it is.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds of times that people write")]
fn written(name: &str, value: f64) -> Value {
    if is_time(name) { json!(Timestamp::from_ms(value as i64)) } else { json!(value) }
}
