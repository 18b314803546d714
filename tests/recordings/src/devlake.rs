//! What Apache DevLake makes of the same answers of a tool: its tables beside our entities, fact by fact.
//!
//! A peer's answers, not truth: each test keeps the list of differences, and `docs/devlake` says who is right.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use weir_sdk::Connector;
use weir_sdk::mock;
use weir_sdk::model::Timestamp;
use weir_sdk::outcome::Outcome;
use weir_sdk::record::RawRecord;

/// A row of a table: columns to texts.
pub type Row = BTreeMap<String, String>;

/// Rows of a table of recorded answers; their column `data` is what the tool said.
pub fn raw(tool: &str, table: &str) -> Vec<Row> {
    rows("devlake-raw", tool, table)
}

/// Rows of a table that DevLake made of them.
pub fn made(tool: &str, table: &str) -> Vec<Row> {
    rows("devlake-expected", tool, table)
}

fn rows(folder: &str, tool: &str, table: &str) -> Vec<Row> {
    let file = crate::shared(&format!("{folder}/{tool}/{table}.csv"));
    file.map(|file| crate::csv(&file)).unwrap_or_default()
}

/// Our entities by kind and key, merged from all records that state a part of them.
#[derive(Debug, Default)]
pub struct Entities(BTreeMap<(String, String), Value>);

impl Entities {
    /// Adds what a connector makes of records of one dataset.
    ///
    /// # Panics
    /// When it rejects one.
    pub fn add<C: Connector>(&mut self, dataset: &str, records: &[RawRecord]) {
        for outcome in mock::normalize::<C>(dataset, "{}", records).expect("settings may be empty") {
            match outcome {
                Outcome::Produced(produced) => {
                    for entity in produced.entities {
                        let document = serde_json::from_str(&entity.document).expect("a document is JSON");
                        merge(self.0.entry((entity.kind, entity.key)).or_insert_with(|| json!({})), document);
                    }
                }
                Outcome::Ignored(_) => {}
                Outcome::Rejected(findings) => panic!("a record of {dataset} is rejected: {findings:?}"),
            }
        }
    }

    /// The entity of that kind and key.
    pub fn get(&self, kind: &str, key: &str) -> Option<&Value> {
        self.0.get(&(kind.to_owned(), key.to_owned()))
    }

    /// All of a kind, by key.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let all = self.0.iter().filter(move |((found, _), _)| found == kind);
        all.map(|((_, key), document)| (key.as_str(), document))
    }
}

/// Lists are united, of single values the first stays.
fn merge(into: &mut Value, more: Value) {
    let (Value::Object(into), Value::Object(more)) = (into, more) else { return };
    for (field, value) in more {
        match (into.get_mut(&field), value) {
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
            (Some(_), _) => {}
            (None, value) => {
                into.insert(field, value);
            }
        }
    }
}

/// Facts compared, and the differences by what they are.
#[derive(Debug, Default)]
pub struct Comparison {
    n_same: usize,
    differences: BTreeMap<String, usize>,
}

/// A column of theirs and where ours has the same.
pub type Fact<'a> = (&'a str, &'a dyn Fn(&Value) -> String);

impl Comparison {
    /// Compares a fact; an empty text is one that is not stated.
    pub fn fact(&mut self, place: &str, theirs: &str, ours: &str) {
        if theirs.is_empty() && ours.is_empty() {
            return;
        }
        if same(theirs, ours) {
            self.n_same += 1;
        } else {
            *self.differences.entry(format!("{place}: {} | {}", shown(theirs), shown(ours))).or_default() += 1;
        }
    }

    /// Compares the rows of a table with the entities that `find` names by kind and key.
    pub fn table(
        &mut self,
        (name, rows): (&str, &[Row]),
        entities: &Entities,
        find: impl Fn(&Row) -> (&'static str, String),
        facts: &[Fact<'_>],
    ) {
        for row in rows {
            let (kind, key) = find(row);
            match entities.get(kind, &key) {
                None => self.fact(name, "there", ""),
                Some(entity) => {
                    for (column, fact) in facts {
                        self.fact(&format!("{name}.{column}"), &row[*column], &fact(entity));
                    }
                }
            }
        }
    }

    /// How many are the same, then each difference, theirs before ours, with how often it was found.
    pub fn lines(&self) -> String {
        let differences = self.differences.iter().map(|(difference, n)| format!("{difference}: {n}\n"));
        format!("same: {}\n", self.n_same) + &differences.collect::<String>()
    }
}

fn same(theirs: &str, ours: &str) -> bool {
    let instants = theirs.parse::<Timestamp>().ok().zip(ours.parse::<Timestamp>().ok());
    theirs == ours || instants.is_some_and(|(theirs, ours)| theirs.ms() == ours.ms())
}

fn shown(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { text.chars().take(40).collect() }
}

/// A text or number of ours as text, or nothing; a word the model does not know as the tool spells it.
pub fn text(document: &Value, pointer: &str) -> String {
    match document.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other["unknown"].as_str().map_or_else(|| other.to_string(), str::to_owned),
    }
}

/// A length of time of ours in whole seconds.
pub fn seconds(document: &Value, pointer: &str) -> String {
    let ms = document.pointer(pointer).and_then(Value::as_u64);
    ms.map(|ms| (ms / 1_000).to_string()).unwrap_or_default()
}

/// The last part of one of their ids, `github:GithubIssue:1:346842831`.
pub fn id(text: &str) -> &str {
    text.rsplit(':').next().unwrap_or_default()
}
