//! Subscriptions: every event they hear goes to a receiver as it is, in a `CloudEvent`, each under an id of its own.

use serde_json::{Value, json};
use weir_model::DomainEvent;
use weir_sandbox::{Action, Asked, Call, Effect, Method, Target, Verdict};

use super::attempt::{Answer, NoAnswer};
use super::run::{Cause, Run};
use crate::account::Account;
use crate::error::Fault;
use crate::query::{self, View};

/// Name of the one connection a subscription has.
pub const RECEIVER: &str = "receiver";
const ONE: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

/// One request: the event of the run, or all it has gathered. What somebody says by hand is an event too, so that a receiver
/// can be tried.
pub(super) fn answer(account: &Account, run: &Run, source: &str) -> Result<Answer, NoAnswer> {
    let (kind, body) = match &run.cause {
        Cause::Event(event) => (ONE, cloud_events(account, std::slice::from_ref(event), source)?.into_iter().next()),
        Cause::Digest(events) => (BATCH, Some(Value::Array(cloud_events(account, events, source)?))),
        Cause::Hand { input } | Cause::Trigger { input, .. } => (ONE, Some(said(run, input, source))),
        Cause::Schedule { .. } | Cause::Gate { .. } | Cause::Report { .. } => (ONE, None),
    };
    let body = body.ok_or_else(|| NoAnswer::never("there is no event to send".to_owned()))?;
    let call = Call {
        connection: RECEIVER.to_owned(),
        method: Method::Post,
        target: Target::Path(String::new()),
        headers: vec![("content-type".to_owned(), kind.as_bytes().to_vec())],
        body: Some(body.to_string().into_bytes()),
        accept: Vec::new(),
    };
    let action = Action { id: "1".to_owned(), effect: Effect::Call(call), report: false };
    Ok(Answer { verdict: Verdict::Done, asked: vec![Asked::Action(action)], memory: Vec::new() })
}

fn cloud_events(account: &Account, events: &[DomainEvent], source: &str) -> Result<Vec<Value>, Fault> {
    query::cloud_events(&View::whole(account), events, source)
}

fn said(run: &Run, input: &Value, source: &str) -> Value {
    json!({
        "specversion": "1.0", "id": run.id, "source": source, "type": format!("dev.weir.{}", run.kind), "time": run.at,
        "datacontenttype": "application/json", "data": input,
    })
}
