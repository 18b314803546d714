//! What can be asked of a search, read from names and values, so that the API and the command line take the same.

use std::collections::BTreeMap;

use schemars::{Schema, json_schema};
use serde_json::{Map, Value, json};
use weir_model::filter::{Match, Vocabulary, nearest};
use weir_model::search::{FieldType, field};
use weir_model::{Calendar, Filter, Timestamp};
use weir_store::{Bucket, Direction, FACET_VALUES_MAX, FacetsOver, GROUPS_MAX, Grouping, Place, SearchQuery, Sort};

use super::groups::{STATISTICS, Statistics};
use super::is_selectable;
use crate::error::Fault;

/// Hits given when none are asked for.
const LIMIT_DEFAULT: usize = 20;
/// Most hits of one answer.
const LIMIT_MAX: usize = 1_000;
/// Most values of one facet.
const FACET_LIMIT_MAX: usize = 1_000;
/// Groups given when no number is asked for.
const GROUPS_DEFAULT: usize = 100;
/// Begin of the names of values for variables.
const VARIABLE: &str = "var.";

/// Names of everything that can be asked, besides `var.<name>`.
const SEARCH: [&str; 15] = [
    "q",
    "kind",
    "facets",
    "facets_over",
    "facet_limit",
    "limit",
    "cursor",
    "sort",
    "fields",
    "highlight",
    "group",
    "by",
    "over",
    "stats",
    "groups",
];

/// Everything that can be asked, as an object whose properties are the parameters.
pub fn search_schema() -> Schema {
    let kind = |name: &str| match name {
        "limit" | "facet_limit" | "groups" => json!({ "type": "integer", "minimum": 0 }),
        "highlight" => json!({ "type": "boolean" }),
        _ => json!({ "type": "string" }),
    };
    let properties: Map<String, Value> = SEARCH.into_iter().map(|name| (name.to_owned(), kind(name))).collect();
    json_schema!({ "type": "object", "properties": properties })
}

/// What is searched.
#[derive(Debug, Clone, Default)]
pub struct SearchParams {
    /// Search syntax; empty finds everything.
    pub q: String,
    /// Kinds of entity.
    pub kinds: Vec<String>,
    /// Fields to count by.
    pub facets: Vec<String>,
    /// Whether a facet leaves out what is demanded of its own field.
    pub facets_over_others: bool,
    /// Most values of a facet.
    pub facet_limit: Option<usize>,
    /// Most hits, 0 to 1,000.
    pub limit: Option<usize>,
    /// `next` of the answer before.
    pub cursor: Option<String>,
    /// `updated`, `duration:asc`, `relevance`.
    pub sort: Option<String>,
    /// Fields of the hits; none: all.
    pub fields: Option<Vec<String>>,
    /// Whether to show where a hit matches.
    pub highlight: bool,
    /// Fields to group by.
    pub group: Vec<String>,
    /// `day`, `week` or `month`.
    pub by: Option<String>,
    /// Date field whose days, weeks or months are meant.
    pub over: Option<String>,
    /// Statistics of each group: `count`, `p50:duration`.
    pub stats: Vec<String>,
    /// Most groups.
    pub groups: Option<usize>,
    /// Values of variables, by name.
    pub variables: BTreeMap<String, String>,
}

impl SearchParams {
    /// Reads names and values.
    pub fn read(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Fault> {
        let mut params = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "q" => params.q = value,
                "kind" => params.kinds = names(&value),
                "facets" => params.facets = names(&value),
                "facets_over" => params.facets_over_others = word(&name, &value, &["hits", "other-filters"])? == 1,
                "facet_limit" => params.facet_limit = Some(number(&name, &value)?),
                "limit" => params.limit = Some(number(&name, &value)?),
                "cursor" => params.cursor = Some(value),
                "sort" => params.sort = Some(value),
                "fields" => params.fields = Some(names(&value)),
                "highlight" => params.highlight = word(&name, &value, &["false", "true"])? == 1,
                "group" => params.group = names(&value),
                "by" => params.by = Some(value),
                "over" => params.over = Some(value),
                "stats" => params.stats = names(&value),
                "groups" => params.groups = Some(number(&name, &value)?),
                _ => match name.strip_prefix(VARIABLE) {
                    Some(variable) => drop(params.variables.insert(variable.to_owned(), value)),
                    None => return Err(unknown(&name)),
                },
            }
        }
        Ok(params)
    }

    /// Whether the answer may change with the clock: what it says of times, or a saved search it names may.
    pub fn moves(&self) -> bool {
        ["now", "today", "yesterday", "saved:", "$"].iter().any(|word| self.q.contains(word))
            || self.variables.values().any(|value| value.contains("now"))
    }

    /// What filters may name: saved searches and variables of the configuration, variables of the question, and now.
    pub(crate) fn vocabulary(&self, mut vocabulary: Vocabulary, now: Timestamp) -> Vocabulary {
        vocabulary.variables.extend(self.variables.clone());
        vocabulary.now = Some(now);
        vocabulary
    }

    pub(super) fn query(&self, vocabulary: &Vocabulary) -> Result<SearchQuery, Fault> {
        if let Some(unknown) = self.fields.iter().flatten().find(|name| !is_selectable(name)) {
            return Err(Fault::config(format!("no field `{unknown}`")).hint("fields are listed in docs/SEARCH.md"));
        }
        let sort = self.sort()?;
        Ok(SearchQuery {
            filter: self.filter(vocabulary)?,
            within: Filter::All,
            facets: self.facets.clone(),
            facets_over: if self.facets_over_others { FacetsOver::OtherFilters } else { FacetsOver::Hits },
            facet_values: self.facet_limit.unwrap_or(FACET_VALUES_MAX).min(FACET_LIMIT_MAX),
            limit: self.limit.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX),
            after: self.after()?,
            sort,
            grouping: self.grouping(&vocabulary.calendar)?,
        })
    }

    fn filter(&self, vocabulary: &Vocabulary) -> Result<Filter, Fault> {
        let filter = vocabulary.filter(&self.q).map_err(|error| {
            let pointed = error.pointed(&self.q).map_or(String::new(), |lines| format!("\n{lines}"));
            Fault::config(format!("cannot read the search: {error}{pointed}"))
                .hint("for example `kind:build AND result:failure`; the language is described in docs/SEARCH.md")
        })?;
        if self.kinds.is_empty() {
            return Ok(filter);
        }
        let kind = |kind: &String| Filter::Term { field: Some("kind".to_owned()), is: Match::Word(kind.clone()) };
        Ok(Filter::And(vec![filter, Filter::Or(self.kinds.iter().map(kind).collect())]))
    }

    /// `updated`, `duration:asc`.
    fn sort(&self) -> Result<Sort, Fault> {
        let Some(text) = &self.sort else { return Ok(Sort::default()) };
        if text == "relevance" {
            return Ok(Sort::Relevance);
        }
        let (name, direction) = match text.rsplit_once(':') {
            None => (text.as_str(), Direction::Descending),
            Some((name, "desc")) => (name, Direction::Descending),
            Some((name, "asc")) => (name, Direction::Ascending),
            Some((_, other)) => return Err(Fault::config(format!("cannot sort `{other}`")).hint("`asc` or `desc`")),
        };
        if field(name).is_none_or(|field| field.kind == FieldType::Text) {
            let hint = "`relevance`, or a date, a number or an attribute with `:asc` or `:desc`";
            return Err(Fault::config(format!("cannot sort by `{name}`")).hint(hint));
        }
        Ok(Sort::Field(name.to_owned(), direction))
    }

    /// The place a cursor names. It is good for the order it was made in alone.
    fn after(&self) -> Result<Option<Place>, Fault> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let place = cursor.rsplit_once('.').filter(|(sort, _)| *sort == self.order());
        let place = place.and_then(|(_, place)| place.parse().ok());
        let hint = "pass `next` of the answer before, with the same `sort`";
        place.map(Some).ok_or_else(|| Fault::config(format!("`{cursor}` is no cursor")).hint(hint))
    }

    /// The cursor of the hits after a place.
    pub(super) fn cursor_at(&self, place: Place) -> String {
        format!("{}.{place}", self.order())
    }

    fn order(&self) -> &str {
        self.sort.as_deref().unwrap_or("updated")
    }

    fn grouping(&self, calendar: &Calendar) -> Result<Option<Grouping>, Fault> {
        let Some(statistics) = self.statistics()? else { return Ok(None) };
        Ok(Some(Grouping {
            fields: self.group.clone(),
            over: statistics.over.clone(),
            calendar: calendar.clone(),
            measures: statistics.measures(),
            limit: self.groups.unwrap_or(GROUPS_DEFAULT).min(GROUPS_MAX),
        }))
    }

    /// What is asked of groups; none when nothing is.
    pub(super) fn statistics(&self) -> Result<Option<Statistics>, Fault> {
        if self.group.is_empty() && self.by.is_none() && self.stats.is_empty() {
            return Ok(None);
        }
        let bucket = match self.by.as_deref() {
            None => None,
            Some("day") => Some(Bucket::Day),
            Some("week") => Some(Bucket::Week),
            Some("month") => Some(Bucket::Month),
            Some(other) => return Err(Fault::config(format!("cannot group by `{other}`")).hint("day, week or month")),
        };
        let over = self.over.as_deref().unwrap_or("created");
        let is_time = field(over).is_some_and(|field| field.kind == FieldType::Date || field.is_open());
        if !is_time {
            let hint = "created, updated, started, finished, or an attribute that holds times";
            return Err(Fault::config(format!("no times in `{over}`")).hint(hint));
        }
        let stats = self.stats.iter().map(|stat| stat.parse()).collect::<Result<Vec<_>, String>>();
        let stats = stats.map_err(|wrong| Fault::config(wrong).hint(STATISTICS))?;
        let by = self.group.clone();
        Ok(Some(Statistics { by, over: bucket.map(|bucket| (over.to_owned(), bucket)), stats }))
    }
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn number(name: &str, value: &str) -> Result<usize, Fault> {
    value.parse().map_err(|_| Fault::config(format!("`{name}` is no count: `{value}`")).hint("a number from 0 on"))
}

/// The place of a word among those that fit.
fn word(name: &str, value: &str, words: &[&str]) -> Result<usize, Fault> {
    let place = words.iter().position(|word| *word == value);
    place.ok_or_else(|| Fault::config(format!("`{name}` cannot be `{value}`")).hint(words.join(" or ")))
}

fn unknown(name: &str) -> Fault {
    let meant = nearest(name, SEARCH.into_iter());
    let hint = meant.map_or("parameters are described in docs/API.md".to_owned(), |near| format!("is it `{near}`?"));
    Fault::config(format!("unknown parameter `{name}`")).hint(hint)
}
