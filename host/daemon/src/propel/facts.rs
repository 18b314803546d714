//! Read-only questions a propel may ask.

use std::sync::Arc;

use serde::Deserialize;
use weir_model::EntityId;
use weir_sandbox::{Facts, Failure, FailureKind};

use crate::account::Account;
use crate::query;

/// Largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Facts of one account.
pub(super) struct AccountFacts(pub(super) Arc<Account>);

#[derive(Deserialize)]
struct OfBuild {
    build: EntityId,
}

#[derive(Deserialize)]
struct OfEntity {
    id: EntityId,
}

impl Facts for AccountFacts {
    fn query(&self, name: &str, params: &str) -> Result<String, Failure> {
        let answer = match name {
            "suspects" => {
                let asked: OfBuild = read(params)?;
                serde_json::to_string(&query::suspects(&self.0, &asked.build).map_err(internal)?)
            }
            "entity" => {
                let asked: OfEntity = read(params)?;
                serde_json::to_string(&query::entity(&self.0, &asked.id).map_err(internal)?)
            }
            other => return Err(failure(FailureKind::Forbidden, "weir.facts.unknown", &format!("no fact `{other}`"))),
        };
        let answer = answer.map_err(internal)?;
        if answer.len() > ANSWER_BYTES_MAX {
            return Err(failure(FailureKind::Poison, "weir.facts.too-large", "the answer is over 1 MiB"));
        }
        Ok(answer)
    }
}

fn read<'a, T: Deserialize<'a>>(params: &'a str) -> Result<T, Failure> {
    serde_json::from_str(params).map_err(|error| failure(FailureKind::Config, "weir.facts.params", &error.to_string()))
}

fn internal(error: impl std::fmt::Display) -> Failure {
    failure(FailureKind::Transient, "weir.facts.unavailable", &error.to_string())
}

fn failure(kind: FailureKind, code: &str, message: &str) -> Failure {
    Failure { kind, code: code.to_owned(), message: message.to_owned(), retry_after: None, details: None }
}
