//! Read-only questions of a propel to the derived data, by names the operator granted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use weir_model::{Entity, EntityKind};

use crate::failure::Failure;
#[cfg(target_family = "wasm")]
use crate::guest::wire as host;
#[cfg(not(target_family = "wasm"))]
use crate::mock as host;

/// Runs a named query; parameters and answer are JSON.
pub fn query<T: DeserializeOwned>(name: &str, params: &impl Serialize) -> Result<T, Failure> {
    let unfit = |error| Failure::internal("facts.unreadable", format!("query `{name}`: {error}"));
    let params = serde_json::to_string(params).map_err(unfit)?;
    serde_json::from_str(&host::facts_query(name, &params)?).map_err(unfit)
}

/// The commits that may have broken a build; none when there is no such build.
pub fn suspects(build: &str) -> Result<Option<Suspects>, Failure> {
    query("suspects", &json!({ "build": build }))
}

/// The entity called `id`; none when there is none.
pub fn entity(id: &str) -> Result<Option<Known>, Failure> {
    query("entity", &json!({ "id": id }))
}

/// What a search finds, newest first, at most `limit` hits (200).
pub fn search(q: &str, limit: usize) -> Result<Found, Failure> {
    query("search", &json!({ "q": q, "limit": limit }))
}

/// A row of a table, as its columns are, with `key`, `version`, `at` and `by`.
pub fn row<T: DeserializeOwned>(table: &str, key: &str) -> Result<Option<T>, Failure> {
    query("table", &json!({ "name": table, "key": key }))
}

/// All rows of a table.
pub fn rows<T: DeserializeOwned>(table: &str) -> Result<Vec<T>, Failure> {
    query("table", &json!({ "name": table }))
}

/// Waits for commits of a build, one after another.
const WAITS: [Duration; 3] = [Duration::from_secs(10), Duration::from_mins(1), Duration::from_mins(5)];

/// The commits that may have broken a build.
#[derive(Debug, Clone, Deserialize)]
pub struct Suspects {
    /// `broken`, `still-broken`, `rerun`, `fixed`, `green` or `unknown`.
    pub state: String,
    /// Why nothing can be said, or not all.
    #[serde(default)]
    pub reason: Option<String>,
    /// The last green build before it.
    #[serde(default)]
    pub since: Option<String>,
    /// Commits, the most suspect first.
    #[serde(default)]
    pub commits: Vec<Suspect>,
}

impl Suspects {
    /// Whether the build is the first red one after a green one.
    pub fn is_broken(&self) -> bool {
        self.state == "broken"
    }

    /// Whether commits of the build are not known, so that nobody can tell what is new in it.
    pub fn lacks_commits(&self) -> bool {
        self.state == "unknown" && self.reason.as_deref() == Some("incomplete-history")
    }

    /// How long to wait for commits that are not known; none when all are, or were waited for long enough. `attempt`
    /// counts from 1. Tools often tell of a build before they tell of its commits.
    pub fn wait(&self, attempt: u32) -> Option<Duration> {
        let wait = usize::try_from(attempt.saturating_sub(1)).ok().and_then(|past| WAITS.get(past));
        wait.copied().filter(|_| self.lacks_commits())
    }
}

/// A commit that may have broken a build.
#[derive(Debug, Clone, Deserialize)]
pub struct Suspect {
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// Its object id.
    pub sha: String,
    /// Why it is listed.
    #[serde(default)]
    pub reason: String,
    /// 1 when it is the only candidate, about 1/n for one of n, 0 when it is listed and not suspected.
    pub confidence: f64,
    /// What speaks for or against it.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// First line of its message.
    pub title: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
}

/// An entity with its links.
#[derive(Debug, Clone, Deserialize)]
pub struct Known {
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: String,
    /// Its fields; null when it is gone.
    #[serde(default)]
    pub document: Value,
    /// Its links, the surest first.
    #[serde(default)]
    pub links: Vec<Link>,
}

impl Known {
    /// The entity; none when it is gone.
    pub fn read(&self) -> Option<Entity> {
        let kind: EntityKind = self.kind.parse().ok()?;
        Some(Entity::read_leniently(&kind, self.document.as_object()?.clone()).0)
    }

    /// What is at the other end of its links of a kind, the surest first, each once.
    pub fn linked(&self, kind: &str) -> Vec<&Link> {
        let mut seen = BTreeSet::new();
        self.links.iter().filter(|link| link.kind == kind && seen.insert(link.other(&self.id))).collect()
    }
}

/// A link between two entities.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Link {
    /// Where it begins.
    pub from: String,
    /// Where it leads.
    pub to: String,
    /// What it says: `delivers`, `caused-by`, `mentions`.
    pub kind: String,
    /// The rule it was found by.
    pub reason: String,
    /// How sure it is, from 0 to 1.
    pub confidence: f64,
    /// Title of the end that was not asked about.
    #[serde(default)]
    pub title: Option<String>,
}

impl Link {
    /// The end that is not `id`.
    pub fn other(&self, id: &str) -> &str {
        if self.from == id { &self.to } else { &self.from }
    }
}

/// What a search found.
#[derive(Debug, Clone, Deserialize)]
pub struct Found {
    /// How many there are.
    pub total: u64,
    /// The first of them.
    pub hits: Vec<Hit>,
}

/// One hit of a search.
#[derive(Debug, Clone, Deserialize)]
pub struct Hit {
    /// Its id.
    pub id: String,
    /// Its flat view: a field has a text, a number, or a list of them.
    #[serde(flatten)]
    pub fields: BTreeMap<String, Value>,
}

impl Hit {
    /// The first text of a field.
    pub fn text(&self, field: &str) -> Option<&str> {
        let value = self.fields.get(field)?;
        value.as_array().map_or(Some(value), |values| values.first())?.as_str()
    }
}
