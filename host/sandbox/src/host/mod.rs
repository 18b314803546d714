//! The functions a guest can call. A guest's mistake is a typed error in its hands; only a defect of the host traps.

pub(crate) mod http;
mod log;
pub(crate) mod rules;
mod state;

use crate::bindings::imports::weir::{connector, entities, propel, types};
use crate::bindings::{Failure, facts};
use crate::context::Ctx;

// Interfaces of types alone.
impl types::types::Host for Ctx {}
impl entities::entities::Host for Ctx {}
impl connector::raw::Host for Ctx {}
impl propel::events::Host for Ctx {}
impl propel::actions::Host for Ctx {}

impl facts::Host for Ctx {
    async fn query(&mut self, name: String, params: String) -> wasmtime::Result<Result<String, Failure>> {
        let Some(facts) = self.facts.clone() else { return Ok(Err(no_facts())) };
        let answer = tokio::task::spawn_blocking(move || facts.query(&name, &params)).await;
        self.cpu.waited();
        answer.map_err(|error| wasmtime::format_err!("query was cut short: {error}"))
    }
}

fn no_facts() -> Failure {
    Failure {
        kind: crate::bindings::FailureKind::Forbidden,
        code: "weir.facts.none".to_owned(),
        message: "no query is granted to this propel".to_owned(),
        retry_after: None,
        details: None,
    }
}
