//! Runs: what started each, how far it is, and what came of it.
//!
//! A run is kept in the same frame of the log as the actions it asked for, and as the position in the events it takes
//! its propel to. So a kill anywhere leaves a run that has not happened, or one whose actions are in the outbox.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use weir_model::{DomainEvent, Filter, SearchDocument, Timestamp};
use weir_sandbox::Answer;
use weir_store::Put;

use crate::account::Account;
use crate::error::Fault;
use crate::state_keys;

/// One run of a propel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Its id: sorts by time, and is the same whenever the same event is handled again.
    pub id: Uuid,
    /// Whose.
    pub propel: String,
    /// Dotted kind of what started it: `build.broken`, `schedule.due`.
    pub kind: String,
    /// The entity it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// What started it.
    pub cause: Cause,
    /// When it was started.
    pub at: Timestamp,
    /// How it stands.
    pub state: RunState,
    /// Why, where that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// When it came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// How often it was tried.
    pub attempts: u32,
    /// Time of the last try, in milliseconds.
    pub took_ms: u64,
    /// What a plugin logged in the last try, the first of it: level, message, fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// What it asked for, in this order.
    #[serde(default)]
    pub actions: Vec<RunAction>,
    /// What a gate was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The run it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Uuid>,
    /// How many events of propels led to it.
    #[serde(default)]
    pub depth: u8,
}

/// What started a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A domain event.
    Event(Box<DomainEvent>),
    /// Several of them, gathered.
    Digest(Vec<DomainEvent>),
    /// Time.
    Schedule {
        /// When it was due.
        due: Timestamp,
    },
    /// Somebody asked for it.
    Hand {
        /// What they said.
        input: Value,
    },
    /// An action is through whose result was asked for.
    Report {
        /// The run that asked for the action.
        run: Uuid,
        /// The action.
        action: String,
        /// What became of it.
        result: ActionResult,
        /// What a request was answered.
        #[schemars(with = "Option<Value>")]
        answer: Option<Answer>,
    },
    /// Somebody outside pulled a trigger.
    Trigger {
        /// Its name.
        trigger: String,
        /// What they said.
        input: Value,
    },
    /// A pipeline waits for a decision.
    Gate {
        /// Name of the gate.
        gate: String,
        /// The build as its pipeline describes it.
        build: Value,
        /// When an answer is of no use any more.
        deadline: Timestamp,
    },
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// To be tried, or to be tried again.
    Waiting,
    /// Handled.
    Done,
    /// Not of interest.
    Skipped,
    /// Given up; can be repeated by hand.
    Failed,
    /// Taken back by hand.
    Cancelled,
}

impl RunState {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One thing a run asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunAction {
    /// Unique within the run; with the run's id the idempotency key.
    pub id: String,
    /// What it is, for people: `POST chat /hook`.
    pub what: String,
    /// How it stands; none as long as it waits in the outbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ActionResult>,
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActionResult {
    /// Whether it had its effect.
    pub done: bool,
    /// Status of an answer, or why it was given up.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

impl ActionResult {
    /// What keeps it, and tells the propel where it is to hear of it: by a run of the depth `report`.
    pub(super) fn puts(
        &self,
        propel: &str,
        run: Uuid,
        action: &str,
        report: Option<u8>,
        answer: Option<Answer>,
    ) -> Vec<Put> {
        let mut puts = vec![Put::set(state_keys::propel_action(propel, run, action), to_json(self))];
        if let Some(depth) = report {
            let cause = Cause::Report { run, action: action.to_owned(), result: self.clone(), answer };
            let mut told = Run { depth, ..Run::new(Uuid::now_v7(), propel, cause, self.at) };
            told.put_off(self.at, None);
            puts.extend(told.puts());
        }
        puts
    }
}

/// What a gate is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Decision {
    /// The build may go on.
    Allow,
    /// The build is to stop.
    Stop {
        /// Why, for people.
        reason: String,
    },
}

impl Run {
    /// A run that is to be tried at once.
    pub fn new(id: Uuid, propel: &str, cause: Cause, at: Timestamp) -> Self {
        let (kind, entity) = match &cause {
            Cause::Event(event) => (event.event.kind.clone(), Some(event.event.entity.to_string())),
            Cause::Digest(_) => ("events.gathered".to_owned(), None),
            Cause::Schedule { .. } => ("schedule.due".to_owned(), None),
            Cause::Hand { input } => ("hand.asked".to_owned(), named(input)),
            Cause::Trigger { input, .. } => ("trigger.pulled".to_owned(), named(input)),
            Cause::Report { .. } => ("action.reported".to_owned(), None),
            Cause::Gate { .. } => ("gate.asked".to_owned(), None),
        };
        Self {
            id,
            propel: propel.to_owned(),
            kind,
            entity,
            cause,
            at,
            state: RunState::Waiting,
            reason: None,
            due_at: None,
            finished_at: None,
            attempts: 0,
            took_ms: 0,
            log: Vec::new(),
            actions: Vec::new(),
            decision: None,
            repeats: None,
            depth: 0,
        }
    }

    /// The run of a propel on an event: its id follows from both.
    pub fn of_event(propel: &str, event: DomainEvent, at: Timestamp) -> Self {
        let (id, depth) = (id_of(propel, &event), depth(&event));
        Self { depth, ..Self::new(id, propel, Cause::Event(Box::new(event)), at) }
    }

    /// Ends it.
    pub fn end(&mut self, state: RunState, reason: Option<String>, at: Timestamp) {
        (self.state, self.reason, self.finished_at, self.due_at) = (state, reason, Some(at), None);
    }

    /// Puts it off.
    pub fn put_off(&mut self, until: Timestamp, reason: Option<String>) {
        (self.state, self.reason, self.due_at) = (RunState::Waiting, reason, Some(until));
    }

    /// What keeps it, and finds it when it is due.
    pub fn puts(&self) -> Vec<Put> {
        let mut puts = vec![Put::set(state_keys::propel_run(&self.propel, self.id), to_json(self))];
        if let (RunState::Waiting, Some(due)) = (self.state, self.due_at) {
            puts.push(Put::set(state_keys::propel_due(&self.propel, due, self.id), Vec::new()));
        }
        puts
    }

    /// What makes it forgotten, with what became of its actions.
    pub fn forgotten(&self) -> Vec<Put> {
        let actions = self.actions.iter().map(|action| state_keys::propel_action(&self.propel, self.id, &action.id));
        actions.chain([state_keys::propel_run(&self.propel, self.id)]).map(Put::remove).collect()
    }

    /// The flat view that searches over runs see.
    fn document(&self) -> SearchDocument {
        let mut document = SearchDocument::default();
        document.add("kind", self.kind.as_str());
        document.add("id", self.id.to_string());
        document.add("status", self.state.as_str());
        document.add("state", self.state.as_str());
        document.add_some("key", self.entity.as_deref());
        document.add("job", self.propel.as_str());
        document.set_date("created", Some(self.at));
        document.set_date("finished", self.finished_at);
        let whats = self.actions.iter().map(|action| action.what.clone());
        let texts = self.reason.iter().chain(&self.log).cloned().chain(whats);
        document.text = Some(texts.collect::<Vec<_>>().join("\n"));
        document
    }
}

/// The entity somebody means.
fn named(input: &Value) -> Option<String> {
    input.get("entity").and_then(Value::as_str).map(str::to_owned)
}

/// Depth of the run that sent an event; 0 for what tools tell.
fn depth(event: &DomainEvent) -> u8 {
    let payload = event.event.changes.as_deref().filter(|_| event.event.entity.kind.as_str() == super::EMITTED_KIND);
    let said = payload.and_then(|payload| serde_json::from_str::<Value>(payload).ok());
    said.and_then(|said| u8::try_from(said.get("depth")?.as_u64()?).ok()).map_or(0, |depth| depth.saturating_add(1))
}

/// Time of the event, then a hash of propel and event: the layout of a version 8 UUID.
fn id_of(propel: &str, event: &DomainEvent) -> Uuid {
    let event = &event.event;
    let text = format!("{propel}\0{}\0{}\0{}", event.seq.0, event.kind, event.entity);
    let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    let ms = u64::try_from(event.at.ms()).unwrap_or(0).to_be_bytes();
    bytes[..6].copy_from_slice(&ms[2..]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("what a run holds is JSON")
}

/// Which runs.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunParams {
    /// Of this propel.
    pub propel: Option<String>,
    /// In search syntax: `state`, `kind`, `key` (the entity), `job` (the propel), `created`, `finished`, words.
    pub q: String,
    /// Most of them.
    pub limit: Option<usize>,
}

/// Most runs of one answer.
const LIMIT_MAX: usize = 1_000;

/// Runs, newest first.
pub fn runs(account: &Account, params: &RunParams) -> Result<Vec<Run>, Fault> {
    let filter: Filter = params.q.parse().map_err(|error: weir_model::filter::FilterError| {
        Fault::config(format!("cannot read the search `{}`: {error}", params.q)).hint("for example `state:failed`")
    })?;
    let filter = filter.of_calendar(account.context().calendar());
    let prefix = state_keys::propel_runs();
    let prefix = params.propel.as_ref().map_or(prefix.clone(), |name| prefix.with(name));
    let stored = account.log.state_under(&prefix).map_err(Fault::from_log)?;
    let read = |(_, value): &(_, Vec<u8>)| serde_json::from_slice::<Run>(value).ok();
    let mut runs: Vec<Run> = stored.iter().filter_map(read).filter(|run| filter.matches(&run.document())).collect();
    runs.sort_by_key(|run| std::cmp::Reverse((run.at, run.id)));
    runs.truncate(params.limit.unwrap_or(200).min(LIMIT_MAX));
    runs.iter_mut().try_for_each(|run| add_results(account, run))?;
    Ok(runs)
}

/// Runs of all propels that were over before an instant.
pub fn over_before(account: &Account, before: Timestamp) -> Result<Vec<Run>, Fault> {
    let stored = account.log.state_under(&state_keys::propel_runs()).map_err(Fault::from_log)?;
    let runs = stored.iter().filter_map(|(_, value)| serde_json::from_slice::<Run>(value).ok());
    let is_over = |run: &Run| run.state != RunState::Waiting && run.finished_at.is_some_and(|at| at < before);
    Ok(runs.filter(is_over).collect())
}

/// One run.
pub fn find(account: &Account, id: Uuid) -> Result<Option<Run>, Fault> {
    // Few propels, each with one place for the id.
    let stored = account.log.state_under(&state_keys::propel_positions()).map_err(Fault::from_log)?;
    for propel in stored.iter().filter_map(|(key, _)| key.last_part()) {
        let value = account.log.state(&state_keys::propel_run(&propel, id)).map_err(Fault::from_log)?;
        if let Some(mut run) = value.and_then(|value| serde_json::from_slice::<Run>(&value).ok()) {
            add_results(account, &mut run)?;
            return Ok(Some(run));
        }
    }
    Ok(None)
}

/// Results are kept beside the run: the outbox and the run are written by different tasks.
fn add_results(account: &Account, run: &mut Run) -> Result<(), Fault> {
    for action in &mut run.actions {
        let key = state_keys::propel_action(&run.propel, run.id, &action.id);
        let stored = account.log.state(&key).map_err(Fault::from_log)?;
        action.result = stored.and_then(|value| serde_json::from_slice(&value).ok());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_model::event::NewEvent;
    use weir_model::{EventNumber, Seq};

    fn event(number: u64, seq: u64) -> DomainEvent {
        let event = NewEvent {
            kind: "build.broken".to_owned(),
            at: "2026-03-02T10:00:00Z".parse().unwrap(),
            seq: Seq(seq),
            entity: "build:ci:a/1".parse().unwrap(),
            changes: None,
        };
        DomainEvent { number: EventNumber(number), event }
    }

    #[test]
    fn an_event_has_one_run_however_it_is_numbered() {
        let now = "2026-03-02T10:00:05Z".parse().unwrap();
        let ids = [event(1, 7), event(2, 7), event(1, 8)].map(|event| Run::of_event("p", event, now).id);
        assert_eq!(ids[0], ids[1]);
        assert_ne!(ids[0], ids[2]);
        assert_ne!(ids[0], Run::of_event("q", event(1, 7), now).id);
        assert_eq!(ids[0].get_version_num(), 8);
    }

    #[test]
    fn a_run_that_waits_is_found_when_it_is_due() {
        let now: Timestamp = "2026-03-02T10:00:05Z".parse().unwrap();
        let mut run = Run::of_event("p", event(1, 7), now);
        assert_eq!(run.puts().len(), 1);
        run.put_off(now, Some("quiet hours".to_owned()));
        assert_eq!(run.puts().len(), 2);
        run.end(RunState::Done, None, now);
        assert_eq!((run.puts().len(), run.reason.clone(), run.due_at), (1, None, None));
        let read: Run = serde_json::from_slice(&to_json(&run)).unwrap();
        assert_eq!(read, run);
    }
}
