//! Rules: reactions written in the configuration. A rule is a list of steps; each says what is to be done, for whom, and
//! on which condition. Texts are templates over what happened; values put into JSON are quoted by being values.

mod step;
mod template;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use weir_model::EntityId;
use weir_model::raw::fingerprint;
use weir_sandbox::{Action, Asked, Effect, GateDecision, RowChange, Verdict};

use super::attempt::{Answer, NoAnswer};
use super::event::Subject;
use super::facts::AccountFacts;
use super::run::{ActionResult, Cause, Run};

pub(super) use step::method_name;
pub use step::{RuleError, Step};
use template::Scope;

/// Most entities one run of a rule goes through.
const ITEMS_MAX: usize = 1_000;
/// Most actions of one run of a rule.
const ACTIONS_MAX: usize = 200;

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Search for the entities each run goes through, as `items`.
    pub items: Option<String>,
    /// What is to be done.
    pub steps: Vec<Step>,
    /// What is to be done when a request of `steps` was answered.
    pub then: Vec<Step>,
}

/// What it is, for people.
pub(crate) fn what(asked: &Asked) -> String {
    match asked {
        Asked::Action(Action { effect: Effect::Call(call), .. }) | Asked::Once { call, .. } => {
            let target = match &call.target {
                weir_sandbox::Target::Path(target) | weir_sandbox::Target::Link(target) => target,
            };
            format!("{} {} {target}", method_name(call.method), call.connection).trim_end().to_owned()
        }
        Asked::Action(Action { effect: Effect::Emit(emission), .. }) => format!("emit {}", emission.kind),
        Asked::Action(Action { effect: Effect::Notify(notice), .. }) => {
            format!("notify {}: {}", notice.channel, notice.title)
        }
        Asked::Row { table, change: RowChange::Set(_), .. } => format!("row of {table}"),
        Asked::Row { table, change: RowChange::Remove(key), .. } => format!("no row {key} of {table}"),
        Asked::Note { entity, text, .. } if text.trim().is_empty() => format!("no note on {entity}"),
        Asked::Note { entity, .. } => format!("note on {entity}"),
    }
}

/// What would be sent, for a dry run.
pub(crate) fn body(asked: &Asked) -> Option<String> {
    match asked {
        Asked::Action(Action { effect: Effect::Call(call), .. }) | Asked::Once { call, .. } => {
            call.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned())
        }
        Asked::Action(Action { effect: Effect::Emit(emission), .. }) => Some(emission.payload.clone()),
        Asked::Action(Action { effect: Effect::Notify(notice), .. }) => Some(notice.text.clone()),
        Asked::Row { change: RowChange::Set(row), .. } => Some(Value::Object(row.clone()).to_string()),
        Asked::Row { change: RowChange::Remove(_), .. } => None,
        Asked::Note { text, .. } => Some(text.clone()),
    }
}

impl Rule {
    /// What is to be done about a run. Blocking: facts are read.
    pub(super) fn answer(&self, run: &Run, facts: &AccountFacts) -> Result<Answer, NoAnswer> {
        let scope = Scope::new(facts.clone(), self.values(run, facts)?);
        let mut answer = Answer { verdict: Verdict::Done, asked: Vec::new(), memory: Vec::new() };
        let is_report = matches!(run.cause, Cause::Report { .. });
        let (word, steps) = if is_report { ("then", &self.then) } else { ("step", &self.steps) };
        for (index, step) in steps.iter().enumerate() {
            let place = format!("{word} {}", index + 1);
            let told = step.take(&place, &scope).map_err(NoAnswer::never)?;
            match told {
                step::Told::Actions(actions) => {
                    let named = actions.into_iter().map(|(item, asked)| named(asked, action_id(index, item.as_ref())));
                    answer.asked.extend(named.map(|asked| self.heard_of(asked, is_report)));
                }
                step::Told::End(verdict) => {
                    answer.verdict = verdict;
                    break;
                }
                step::Told::Nothing => {}
            }
            if answer.asked.len() > ACTIONS_MAX {
                let reason = format!("{place}: more than {ACTIONS_MAX} actions; narrow what it goes through");
                return Err(NoAnswer::never(reason));
            }
        }
        if let (Cause::Gate { .. }, Verdict::Done) = (&run.cause, &answer.verdict) {
            answer.verdict = Verdict::Gate(GateDecision::Allow);
        }
        Ok(answer)
    }

    /// A request whose answer the steps under `then` wait for; what those ask for is the end of it.
    fn heard_of(&self, mut asked: Asked, is_report: bool) -> Asked {
        if let Asked::Action(Action { effect: Effect::Call(_), report, .. }) | Asked::Once { report, .. } = &mut asked {
            *report = !is_report && !self.then.is_empty();
        }
        asked
    }

    /// What templates see: `event`, `entity`, `before`, `fields`, `events`, `items`, `input`, `gate`, `build`, `report`,
    /// `run`, `now`.
    fn values(&self, run: &Run, facts: &AccountFacts) -> Result<BTreeMap<&'static str, Value>, NoAnswer> {
        let mut values = BTreeMap::from([
            ("run", json!({ "id": run.id, "propel": run.propel, "attempt": run.attempts })),
            ("now", json!(crate::clock::now())),
        ]);
        match &run.cause {
            Cause::Event(event) => {
                let event = &event.event;
                values.insert("event", described(event));
                values.extend(of_entity(facts, &event.entity, Some(event))?);
            }
            Cause::Digest(events) => {
                let described: Vec<Value> = events.iter().map(|event| described(&event.event)).collect();
                values.insert("events", json!(described));
            }
            Cause::Schedule { due } => drop(values.insert("due", json!(due))),
            Cause::Hand { input } | Cause::Trigger { input, .. } => {
                if let Cause::Trigger { trigger, .. } = &run.cause {
                    values.insert("trigger", json!(trigger));
                }
                values.insert("input", input.clone());
                let id = input.get("entity").and_then(Value::as_str).and_then(|id| id.parse::<EntityId>().ok());
                if let Some(id) = id {
                    values.extend(of_entity(facts, &id, None)?);
                }
            }
            Cause::Report { run: first, action, result, answer } => {
                // What started it all; nothing when that is forgotten by now.
                if let Some(first) = facts.run(&run.propel, *first)? {
                    values = self.values(&first, facts)?;
                }
                values.insert("report", reported(action, result, answer.as_ref()));
                return Ok(values);
            }
            Cause::Gate { gate, build, .. } => {
                values.insert("gate", json!(gate));
                values.insert("build", build.clone());
            }
        }
        if let Some(items) = &self.items {
            values.insert("items", facts.items(items, ITEMS_MAX)?);
        }
        Ok(values)
    }
}

/// What became of a request, for templates: its body as JSON where it is some.
fn reported(action: &str, result: &ActionResult, answer: Option<&weir_sandbox::Answer>) -> Value {
    let body =
        answer.map(|answer| serde_json::from_str(&answer.body).unwrap_or_else(|_| Value::String(answer.body.clone())));
    let status = answer.map(|answer| answer.status);
    json!({ "action": action, "done": result.done, "detail": result.detail, "status": status, "body": body })
}

type Values = Vec<(&'static str, Value)>;

fn of_entity(
    facts: &AccountFacts,
    id: &EntityId,
    event: Option<&weir_model::event::NewEvent>,
) -> Result<Values, NoAnswer> {
    let subject = Subject::read(facts.account(), id, event)?;
    let mut entity = subject.after.unwrap_or_else(|| json!({}));
    if let Value::Object(fields) = &mut entity {
        fields.insert("id".to_owned(), json!(id));
        fields.insert("kind".to_owned(), json!(id.kind));
    }
    let fields = serde_json::to_value(&subject.document).unwrap_or_default();
    Ok(vec![("entity", entity), ("before", subject.before.unwrap_or_default()), ("fields", fields)])
}

fn described(event: &weir_model::event::NewEvent) -> Value {
    let changes: Value =
        event.changes.as_deref().and_then(|changes| serde_json::from_str(changes).ok()).unwrap_or_default();
    json!({ "kind": event.kind, "at": event.at, "entity": event.entity, "changes": changes })
}

/// The same whenever the same run is tried again: the step, and what it was about.
fn action_id(step: usize, item: Option<&Value>) -> String {
    let Some(item) = item else { return (step + 1).to_string() };
    let id = item.get("id").and_then(Value::as_str).map_or_else(|| item.to_string(), str::to_owned);
    format!("{}.{}", step + 1, fingerprint(id.as_bytes()))
}

fn named(mut asked: Asked, name: String) -> Asked {
    match &mut asked {
        Asked::Action(Action { id, .. }) | Asked::Once { id, .. } | Asked::Row { id, .. } | Asked::Note { id, .. } => {
            *id = name;
        }
    }
    asked
}
