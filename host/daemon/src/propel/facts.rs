//! Read-only questions a propel may ask, as far as the operator granted them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use weir_model::EntityId;
use weir_model::filter::Vocabulary;
use weir_sandbox::{Connection, Facts, Failure, FailureKind, Method, Request, RowChange, Target};
use weir_store::SearchQuery;

use super::Propel;
use super::attempt::NoAnswer;
use super::run::Run;
use crate::account::Account;
use crate::egress::HostConnection;
use crate::error::Fault;
use crate::query::{self, MetricParams, SearchParams, View};
use crate::tables::Tables;
use crate::{clock, notes, state_keys};

/// Largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Most bytes of what a rule reads of a tool.
const READ_BYTES_MAX: u64 = 4 << 20;
/// Most hits of a search.
const HITS_MAX: usize = 200;

/// The questions there are: name, and the parameter that needs no name.
pub(crate) const FACTS: [(&str, &str); 6] =
    [("suspects", "build"), ("entity", "id"), ("notes", "id"), ("search", "q"), ("metric", "name"), ("table", "name")];

/// Whether there is a question of that name.
pub(crate) fn is_fact(name: &str) -> bool {
    FACTS.iter().any(|(fact, _)| *fact == name)
}

/// Facts of one account, for one propel.
#[derive(Clone)]
pub(super) struct AccountFacts {
    account: Arc<Account>,
    tables: Arc<Tables>,
    vocabulary: Arc<Vocabulary>,
    granted: Arc<BTreeSet<String>>,
    writes: Arc<BTreeSet<String>>,
    connections: BTreeMap<String, Arc<HostConnection>>,
}

#[derive(Deserialize)]
struct OfBuild {
    build: EntityId,
}

#[derive(Deserialize)]
struct OfEntity {
    id: EntityId,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    #[serde(flatten)]
    window: MetricParams,
}

#[derive(Deserialize)]
struct OfTable {
    name: String,
    key: Option<String>,
}

impl AccountFacts {
    pub(super) fn of(account: &Arc<Account>, propel: &Propel) -> Self {
        Self {
            account: account.clone(),
            tables: propel.tables.clone(),
            vocabulary: propel.vocabulary.clone(),
            granted: propel.facts.clone(),
            writes: propel.writes.clone(),
            connections: propel.connections.clone(),
        }
    }

    /// A run of a propel.
    pub(super) fn run(&self, propel: &str, id: Uuid) -> Result<Option<Run>, NoAnswer> {
        let stored = self.account.log.state(&state_keys::propel_run(propel, id)).map_err(Fault::from_log)?;
        Ok(stored.and_then(|value| serde_json::from_slice(&value).ok()))
    }

    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// Flat views of the entities that are found by now.
    pub(super) fn items(&self, search: &str, most: usize) -> Result<Value, NoAnswer> {
        let vocabulary = Vocabulary { now: Some(clock::now()), ..(*self.vocabulary).clone() };
        let filter = vocabulary.filter(search).map_err(|error| NoAnswer::never(error.to_string()))?;
        let query = SearchQuery::new(filter, most);
        let found = self.account.derived().index.search(&query).map_err(Fault::from_derived)?;
        let view = |hit: weir_store::Hit| {
            let mut view = serde_json::to_value(&hit.document).unwrap_or_default();
            if let Value::Object(fields) = &mut view {
                fields.insert("id".to_owned(), Value::String(hit.id.to_string()));
            }
            view
        };
        Ok(found.hits.into_iter().map(view).collect())
    }

    /// What a connection answers to GET: its body as JSON, else as text; null where nothing is there. Blocking.
    pub(super) fn get(&self, connection: &str, path: &str) -> Result<Value, String> {
        let granted = self.connections.get(connection);
        let granted = granted.ok_or_else(|| format!("there is no connection `{connection}` to read"))?;
        let request = Request {
            method: Method::Get,
            target: Target::Path(path.to_owned()),
            headers: Vec::new(),
            body: None,
            timeout: Some(Duration::from_secs(30)),
            body_bytes_max: Some(READ_BYTES_MAX),
            conditional: false,
        };
        let answer = tokio::runtime::Handle::current().block_on(granted.send(request));
        let response = answer.map_err(|error| format!("cannot read `{path}` of `{connection}`: {error}"))?;
        match response.status {
            200..300 => Ok(serde_json::from_slice(&response.body)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&response.body).into_owned()))),
            404 | 410 => Ok(Value::Null),
            status => Err(format!("cannot read `{path}` of `{connection}`: status {status}")),
        }
    }

    fn answer(&self, name: &str, params: &str) -> Result<String, Failure> {
        match name {
            "suspects" => told(query::suspects(&View::whole(&self.account), &read::<OfBuild>(params)?.build)),
            "entity" => told(query::entity(&View::whole(&self.account), &read::<OfEntity>(params)?.id)),
            "notes" => told(notes::notes(&self.account, &read::<OfEntity>(params)?.id)),
            "search" => {
                let mut asked = search_params(params)?;
                asked.limit = Some(asked.limit.unwrap_or(20).min(HITS_MAX));
                let vocabulary = asked.vocabulary((*self.vocabulary).clone(), clock::now());
                told(query::search_as(&View::whole(&self.account), &vocabulary, &asked))
            }
            "metric" => {
                let asked: Named = read(params)?;
                told(query::metric(&View::whole(&self.account), &asked.name, &asked.window))
            }
            "table" => {
                let asked: OfTable = read(params)?;
                match asked.key {
                    Some(key) => told(self.tables.row(&self.account, &asked.name, &key)),
                    None => told(self.tables.rows(&self.account, &asked.name)),
                }
            }
            other => Err(failure(FailureKind::Forbidden, "weir.facts.unknown", &format!("no fact `{other}`"))),
        }
    }
}

impl Facts for AccountFacts {
    fn query(&self, name: &str, params: &str) -> Result<String, Failure> {
        if is_fact(name) && !self.granted.contains(name) {
            let message = format!("fact `{name}` is not granted; add it to `facts` of the propel");
            return Err(failure(FailureKind::Forbidden, "weir.facts.not-granted", &message));
        }
        let answer = self.answer(name, params)?;
        if answer.len() > ANSWER_BYTES_MAX {
            return Err(failure(FailureKind::Poison, "weir.facts.too-large", "the answer is over 1 MiB"));
        }
        Ok(answer)
    }

    fn check_row(&self, table: &str, change: &RowChange) -> Result<(), Failure> {
        if !self.writes.contains(table) {
            let message = format!("table `{table}` is not granted; add it to `tables` of the propel");
            return Err(failure(FailureKind::Forbidden, "weir.tables.not-granted", &message));
        }
        let RowChange::Set(row) = change else { return Ok(()) };
        let misfit = |fault: Fault| failure(FailureKind::Config, "weir.tables.row", &fault.chain());
        self.tables.set(&self.account, table, row, "", clock::now()).map(drop).map_err(misfit)
    }
}

fn told(answer: Result<impl Serialize, Fault>) -> Result<String, Failure> {
    let answer = answer.map_err(|fault| failure(FailureKind::Transient, "weir.facts.unavailable", &fault.chain()))?;
    serde_json::to_string(&answer)
        .map_err(|error| failure(FailureKind::Transient, "weir.facts.unavailable", &error.to_string()))
}

/// Names and values of a search; lists are written with commas, as in the API.
fn search_params(params: &str) -> Result<SearchParams, Failure> {
    let named: BTreeMap<String, Value> = read(params)?;
    let text = |value: Value| match value {
        Value::String(text) => text,
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    SearchParams::read(named.into_iter().map(|(name, value)| (name, text(value))))
        .map_err(|fault| failure(FailureKind::Config, "weir.facts.params", &fault.chain()))
}

fn read<T: DeserializeOwned>(params: &str) -> Result<T, Failure> {
    serde_json::from_str(params).map_err(|error| failure(FailureKind::Config, "weir.facts.params", &error.to_string()))
}

fn failure(kind: FailureKind, code: &str, message: &str) -> Failure {
    Failure { kind, code: code.to_owned(), message: message.to_owned(), retry_after: None, details: None }
}
