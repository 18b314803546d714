//! Facts, tables, notes and calls with a trace, for propels. What is asked for is kept with the run and handed over with
//! its outcome; nothing is done here.

use std::sync::Arc;

use crate::bindings::{Call, Failure, FailureKind, Trace, facts, notes, once, tables};
use crate::context::Ctx;
use crate::propel::{Asked, Facts, RowChange};

impl facts::Host for Ctx {
    async fn query(&mut self, name: String, params: String) -> wasmtime::Result<Result<String, Failure>> {
        self.on_facts(move |facts| facts.query(&name, &params)).await
    }
}

impl tables::Host for Ctx {
    async fn set(&mut self, id: String, table: String, row: String) -> wasmtime::Result<Result<(), Failure>> {
        match serde_json::from_str(&row) {
            Ok(serde_json::Value::Object(row)) => self.ask_row(id, table, RowChange::Set(row)).await,
            Ok(_) | Err(_) => Ok(Err(failure(FailureKind::Config, "weir.tables.row", "a row is a JSON object"))),
        }
    }

    async fn remove(&mut self, id: String, table: String, key: String) -> wasmtime::Result<Result<(), Failure>> {
        self.ask_row(id, table, RowChange::Remove(key)).await
    }
}

impl notes::Host for Ctx {
    fn set(&mut self, id: String, entity: String, name: String, text: String) -> wasmtime::Result<Result<(), Failure>> {
        Ok(self.ask(Asked::Note { id, entity, name, text }))
    }
}

impl once::Host for Ctx {
    fn send(&mut self, id: String, call: Call, unless: Trace, report: bool) -> wasmtime::Result<Result<(), Failure>> {
        Ok(self.ask(Asked::Once { id, call, unless, report }))
    }
}

impl Ctx {
    /// Puts a question to the host on a thread that may block.
    async fn on_facts<T: Send + 'static>(
        &mut self,
        ask: impl FnOnce(&dyn Facts) -> Result<T, Failure> + Send + 'static,
    ) -> wasmtime::Result<Result<T, Failure>> {
        let Some(facts) = self.facts.clone() else {
            let none = failure(FailureKind::Forbidden, "weir.facts.none", "no query is granted to this propel");
            return Ok(Err(none));
        };
        let asked = tokio::task::spawn_blocking(move || ask(Arc::as_ref(&facts))).await;
        self.cpu.waited();
        asked.map_err(|error| wasmtime::format_err!("query was cut short: {error}"))
    }

    async fn ask_row(&mut self, id: String, table: String, change: RowChange) -> wasmtime::Result<Result<(), Failure>> {
        let checked = self.on_facts(move |facts| facts.check_row(&table, &change).map(|()| (table, change))).await?;
        Ok(checked.and_then(|(table, change)| self.ask(Asked::Row { id, table, change })))
    }

    fn ask(&mut self, asked: Asked) -> Result<(), Failure> {
        if self.asked.len() >= self.limits.actions_max {
            let message = format!("more than {} actions", self.limits.actions_max);
            return Err(failure(FailureKind::Internal, "weir.propel.actions", &message));
        }
        self.asked.push(asked);
        Ok(())
    }
}

fn failure(kind: FailureKind, code: &str, message: &str) -> Failure {
    Failure { kind, code: code.to_owned(), message: message.to_owned(), retry_after: None, details: None }
}
