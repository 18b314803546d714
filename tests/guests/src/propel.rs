//! The hostile propel.

use crate::tricks::{Orders, misbehave};

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "weir:propel/propel@0.1.1",
        generate_all,
    });
}

use bindings::exports::weir::propel::handler::{self, GateDecision, Outcome, Verdict};
use bindings::weir::http::http::{Connection, Method, Request, Target};
use bindings::weir::log::log;
use bindings::weir::propel::actions::{Action, Call, Effect};
use bindings::weir::propel::once::{self, Trace};
use bindings::weir::propel::{facts, notes, tables};
use bindings::weir::state::state;
use bindings::weir::types::types::{Failure, FailureKind};

crate::manifest!("../propel.json");

struct Hostile;
bindings::export!(Hostile with_types_in bindings);

impl handler::Guest for Hostile {
    fn handle(event: handler::Event, connections: Vec<Connection>, settings: String) -> Result<Outcome, Failure> {
        let Orders { act, n, size, text } = Orders::read(&settings);
        misbehave(&act);
        match act.as_str() {
            "call" => call(&event, &connections),
            "facts" => facts::query(&text, "{}").map(|answer| outcome(Verdict::Skipped(answer), Vec::new())),
            "twice" => Ok(outcome(Verdict::Done, vec![action("same", &text), action("same", &text)])),
            "actions" => Ok(outcome(Verdict::Done, (0..n).map(|i| action(&format!("a{i}"), &text)).collect())),
            "once" => {
                let Action { effect: Effect::Call(call), .. } = action("", &text) else { unreachable!() };
                let path = if n == 0 { "/messages" } else { "http://elsewhere/" };
                once::send(
                    "once",
                    &call,
                    &Trace { path: path.to_owned(), pointer: None, text: "mark".to_owned() },
                    true,
                )?;
                Ok(outcome(Verdict::Done, Vec::new()))
            }
            "row" => {
                tables::set("row", "quarantine", &text)?;
                tables::remove("gone", "quarantine", "b")?;
                Ok(outcome(Verdict::Done, vec![action("row", "fake")].into_iter().take(n).collect()))
            }
            "note" => {
                notes::set("note", &text, "seen", &"x".repeat(size))?;
                Ok(outcome(Verdict::Done, Vec::new()))
            }
            "log" => {
                (0..n).for_each(|_| log::write(log::Level::Info, &"x".repeat(size), &[]));
                Ok(outcome(Verdict::Done, Vec::new()))
            }
            "gate" => Ok(outcome(Verdict::Gate(GateDecision::Allow), Vec::new())),
            "later" => Ok(outcome(Verdict::Later(u64::try_from(n).unwrap_or(u64::MAX)), Vec::new())),
            other => panic!("no trick is called `{other}`"),
        }
    }
}

/// What an honest propel does: reads something, remembers the event, asks for one call.
fn call(event: &handler::Event, connections: &[Connection]) -> Result<Outcome, Failure> {
    let connection = connections.first().expect("the test grants one");
    let request = Request {
        method: Method::Get,
        target: Target::Path("/items?page=0".to_owned()),
        headers: Vec::new(),
        body: None,
        timeout: None,
        max_body: None,
        conditional: false,
    };
    let response = connection.send(&request).map_err(|error| Failure {
        kind: FailureKind::Transient,
        code: "guest.http".to_owned(),
        message: format!("{error:?}"),
        retry_after: None,
        details: None,
    })?;
    state::set("last", event.id.as_bytes())?;
    Ok(outcome(Verdict::Done, vec![action(&format!("answer-{}", response.status()), &connection.name())]))
}

fn action(id: &str, connection: &str) -> Action {
    let call = Call {
        connection: connection.to_owned(),
        method: Method::Post,
        target: Target::Path("/messages".to_owned()),
        headers: Vec::new(),
        body: Some(b"{}".to_vec()),
        accept: Vec::new(),
    };
    Action { id: id.to_owned(), effect: Effect::Call(call), report: false }
}

fn outcome(verdict: Verdict, actions: Vec<Action>) -> Outcome {
    Outcome { verdict, actions }
}
