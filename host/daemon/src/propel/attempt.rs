//! One try of a run: the engine is asked, and what it answers becomes changes to be kept in one frame.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use weir_model::{DatasetName, IntegrationName, RawRecord, StreamId, Timestamp};
use weir_sandbox::{
    Action, Asked, Call, CallError, Connection, Effect, GateDecision, Method, Notice, PropelCall, PropelOutcome, Retry,
    RowChange, RunLog, Target, Trace, Verdict,
};
use weir_store::{Commit, Put};

use super::facts::AccountFacts;
use super::outbox::{Outgoing, Waiting};
use super::rule::what;
use super::run::{ActionResult, Decision, Run, RunAction, RunState, to_json};
use super::{Engine, Propel, event};
use crate::account::Account;
use crate::egress::Mail;
use crate::error::Fault;
use crate::notes::{self, Author, Note};
use crate::traces::{self, span};
use crate::{clock, intake, state_keys};

/// Longest chain of events of propels that start propels.
const DEPTH_MAX: u8 = 8;
/// Pause before the second try; each later one is four times as long.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between tries.
const PAUSE_MAX: Duration = Duration::from_secs(600);
/// How often a run may be put off by its own wish.
const LATER_MAX: u32 = 1_000;

/// A run that was tried, and what is to be kept with it.
pub(super) struct Attempted {
    pub(super) run: Run,
    /// Whether the engine could not answer.
    pub(super) failed: bool,
    pub(super) puts: Vec<Put>,
    pub(super) records: Vec<(StreamId, RawRecord)>,
    /// What it asked for, for those who want to see.
    pub(super) asked: Vec<Asked>,
}

/// What an engine answers.
pub(super) struct Answer {
    pub(super) verdict: Verdict,
    pub(super) asked: Vec<Asked>,
    pub(super) memory: Vec<(String, Option<Vec<u8>>)>,
}

/// Why an engine has no answer.
pub(super) struct NoAnswer {
    pub(super) reason: String,
    pub(super) retry: Retry,
}

impl NoAnswer {
    /// Trying again cannot help.
    pub(super) fn never(reason: String) -> Self {
        Self { reason, retry: Retry::Never }
    }
}

impl From<Fault> for NoAnswer {
    fn from(fault: Fault) -> Self {
        Self { reason: fault.chain(), retry: Retry::Later(None) }
    }
}

impl From<CallError> for NoAnswer {
    fn from(error: CallError) -> Self {
        Self { reason: error.to_string(), retry: error.retry() }
    }
}

/// Tries a run. Nothing has happened when it returns: [`keep`] makes it so.
pub(super) async fn attempt(account: &Arc<Account>, propel: &Propel, mut run: Run) -> Attempted {
    run.attempts += 1;
    let started = Instant::now();
    let log = RunLog::default();
    let span = span!("propel", weir.propel = propel.name, weir.attempt = run.attempts);
    let answer = traces::within(span, answer(account, propel, &run, &log)).await;
    run.log = log.lines();
    run.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let now = clock::now();
    match answer {
        Ok(answer) => settle(account, propel, run, answer, now).await,
        Err(error) => {
            failed(propel, &mut run, error, now);
            let puts = run.puts();
            Attempted { run, failed: true, puts, records: Vec::new(), asked: Vec::new() }
        }
    }
}

async fn answer(account: &Arc<Account>, propel: &Propel, run: &Run, log: &RunLog) -> Result<Answer, NoAnswer> {
    match &propel.engine {
        Engine::Plugin(plugin, settings) => {
            let connections = propel.connections.values().map(|connection| connection.clone() as Arc<dyn Connection>);
            let call = PropelCall {
                event: event::told(account, run)?,
                connections: connections.collect(),
                settings: settings.clone(),
                state: propel.remembered(account).await?,
                facts: Arc::new(AccountFacts::of(account, propel)),
                log: log.clone(),
            };
            let span = span!("plugin", weir.method = "handle", weir.propel = propel.name);
            let PropelOutcome { verdict, asked, state } = traces::within(span, plugin.handle(call)).await?;
            Ok(Answer { verdict, asked, memory: state })
        }
        Engine::Rule(rule) => {
            let (rule, run, facts) = (rule.clone(), run.clone(), AccountFacts::of(account, propel));
            let asked = tokio::task::spawn_blocking(move || rule.answer(&run, &facts)).await;
            asked.map_err(|error| NoAnswer { reason: error.to_string(), retry: Retry::Later(None) })?
        }
        Engine::Subscription(source) => super::subscription::answer(account, run, source),
    }
}

fn failed(propel: &Propel, run: &mut Run, error: NoAnswer, now: Timestamp) {
    let again = match error.retry {
        Retry::Never => None,
        Retry::Later(after) => Some(after.unwrap_or_else(|| pause(run.attempts))),
        Retry::WithoutCursor => Some(pause(run.attempts)),
    };
    match again.filter(|_| run.attempts < propel.pace.attempts) {
        Some(after) => run.put_off(later(now, after), Some(error.reason)),
        None => run.end(RunState::Failed, Some(error.reason), now),
    }
}

fn pause(attempts: u32) -> Duration {
    PAUSE_MAX.min(PAUSE.saturating_mul(4_u32.saturating_pow(attempts.saturating_sub(1))))
}

pub(super) fn later(now: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_ms(now.ms().saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 2)))
}

async fn settle(account: &Account, propel: &Propel, mut run: Run, answer: Answer, now: Timestamp) -> Attempted {
    let Answer { verdict, mut asked, memory } = answer;
    match verdict {
        Verdict::Done => run.end(RunState::Done, None, now),
        Verdict::Skipped(reason) => run.end(RunState::Skipped, Some(reason), now),
        Verdict::Later(_) if run.attempts >= LATER_MAX => {
            run.end(RunState::Failed, Some(format!("it was put off {LATER_MAX} times")), now);
        }
        Verdict::Later(ms) => run.put_off(later(now, Duration::from_millis(ms)), Some("later".to_owned())),
        Verdict::Gate(decision) => {
            run.decision = Some(match decision {
                GateDecision::Allow => Decision::Allow,
                GateDecision::Stop(reason) => Decision::Stop { reason },
            });
            run.end(RunState::Done, None, now);
        }
    }
    asked.retain(|asked| !run.actions.iter().any(|known| known.id == asked.id()));
    run.actions.extend(asked.iter().map(|asked| RunAction {
        id: asked.id().to_owned(),
        what: what(asked),
        result: None,
    }));
    let mut attempted = Attempted { run, failed: false, puts: Vec::new(), records: Vec::new(), asked: Vec::new() };
    if propel.dry {
        attempted.puts = attempted.run.puts();
        attempted.asked = asked;
        return attempted;
    }
    for asked in &asked {
        attempted.carry(account, propel, asked, now);
    }
    attempted.puts.extend(attempted.run.puts());
    attempted.puts.extend(propel.remember(memory).await);
    attempted.asked = asked;
    attempted
}

impl Attempted {
    /// What only the host's own stores are needed for happens in the frame of the run; the rest goes to the outbox.
    fn carry(&mut self, account: &Account, propel: &Propel, asked: &Asked, now: Timestamp) {
        let result = match asked {
            Asked::Row { table, change, .. } => change_row(account, propel, table, change, now).map(|puts| {
                self.puts.extend(puts);
                what(asked)
            }),
            Asked::Note { entity, name, text, .. } => {
                write_note(account, propel, (entity, name, text), now).map(|put| {
                    self.puts.push(put);
                    what(asked)
                })
            }
            Asked::Action(Action { id, effect: Effect::Emit(emission), .. }) => self.emit(id, emission, now),
            Asked::Action(Action { effect: Effect::Call(call), .. }) => {
                return self.post(asked, Outgoing::Call(call.clone()), None, now);
            }
            Asked::Once { call, unless, .. } => {
                return self.post(asked, Outgoing::Call(call.clone()), Some(unless), now);
            }
            Asked::Action(Action { effect: Effect::Notify(notice), .. }) => match message(propel, notice) {
                Ok(outgoing) => return self.post(asked, outgoing, None, now),
                Err(reason) => Err(reason),
            },
        };
        let (done, detail) = match result {
            Ok(detail) => (true, detail),
            Err(detail) => (false, detail),
        };
        let result = ActionResult { done, detail, at: now };
        let report = self.report_depth(asked);
        self.puts.extend(result.puts(&self.run.propel, self.run.id, asked.id(), report, None));
    }

    fn post(&mut self, asked: &Asked, outgoing: Outgoing, unless: Option<&Trace>, now: Timestamp) {
        let waiting =
            Waiting { outgoing, unless: unless.cloned(), report: self.report_depth(asked), tries: 0, since: now };
        let key = state_keys::outbox_action(&self.run.propel, now, self.run.id, asked.id());
        self.puts.push(Put::set(key, to_json(&waiting)));
    }

    /// Depth of the run that is to hear of an action; none when nobody is.
    fn report_depth(&self, asked: &Asked) -> Option<u8> {
        let depth = self.run.depth + 1;
        (asked.report() && depth <= DEPTH_MAX).then_some(depth)
    }

    fn emit(&mut self, id: &str, emission: &weir_sandbox::Emission, now: Timestamp) -> Result<String, String> {
        if self.run.depth >= DEPTH_MAX {
            return Err(format!("a chain of more than {DEPTH_MAX} events was cut"));
        }
        let payload: serde_json::Value =
            serde_json::from_str(&emission.payload).map_err(|error| format!("the payload is no JSON: {error}"))?;
        let subject = emission.subject.as_ref().map(|(kind, reference)| json!({ "kind": kind, "name": reference }));
        let said = json!({
            "kind": emission.kind, "at": now, "payload": payload, "subject": subject,
            "propel": self.run.propel, "run": self.run.id, "depth": self.run.depth,
        });
        let record = RawRecord::upsert(format!("{}.{id}", self.run.id), None, said.to_string());
        self.records.push((emitted_stream(), record));
        Ok(emission.kind.clone())
    }
}

fn change_row(
    account: &Account,
    propel: &Propel,
    table: &str,
    change: &RowChange,
    now: Timestamp,
) -> Result<Vec<Put>, String> {
    let puts = match change {
        RowChange::Set(row) => propel.tables.set(account, table, row, &propel.name, now),
        RowChange::Remove(key) => propel.tables.remove(table, key, &propel.name, now),
    };
    puts.map_err(|fault| fault.chain())
}

fn write_note(
    account: &Account,
    propel: &Propel,
    (entity, name, text): (&str, &str, &str),
    at: Timestamp,
) -> Result<Put, String> {
    let entity = entity.parse().map_err(|_| format!("`{entity}` is no id of an entity"))?;
    let note = Note { name: name.to_owned(), at, by: Author::Propel(propel.name.clone()), text: text.to_owned() };
    notes::set(account, &entity, &note).map_err(|fault| fault.chain())
}

/// The stream of what propels say.
pub(crate) fn emitted_stream() -> StreamId {
    let integration = IntegrationName::new("weir").expect("a constant name is one");
    let dataset = DatasetName::new(weir_stages::normalise::Format::Events.name()).expect("a format's name is one");
    StreamId { integration, dataset }
}

/// A notice as what its channel takes: mail, or one text, as most chats want it.
fn message(propel: &Propel, notice: &Notice) -> Result<Outgoing, String> {
    let url = notice.url.iter().map(|url| format!("\n{url}")).collect::<String>();
    let text = format!("{}{url}", notice.text);
    if propel.mail.contains_key(&notice.channel) {
        let people = notice.people.iter().map(|person| name(person).to_owned()).collect();
        let mail = Mail { subject: notice.title.clone(), text, people };
        return Ok(Outgoing::Mail { relay: notice.channel.clone(), mail });
    }
    if !propel.connections.contains_key(&notice.channel) {
        return Err(format!("no connection `{}` is granted", notice.channel));
    }
    let people: String = notice.people.iter().map(|person| format!("@{} ", name(person))).collect();
    let text = format!("{people}{}\n{text}", notice.title);
    Ok(Outgoing::Call(Call {
        connection: notice.channel.clone(),
        method: Method::Post,
        target: Target::Path(String::new()),
        headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
        body: Some(to_json(&json!({ "text": text.trim_end() }))),
        accept: Vec::new(),
    }))
}

fn name(person: &weir_sandbox::PluginReference) -> &str {
    match person {
        weir_sandbox::PluginReference::Key(name) | weir_sandbox::PluginReference::Name(name) => name,
    }
}

/// Makes runs, their actions and whatever goes with them durable, all or nothing.
pub(super) async fn keep(account: &Account, records: Vec<(StreamId, RawRecord)>, puts: Vec<Put>) -> Result<(), Fault> {
    if records.is_empty() && puts.is_empty() {
        return Ok(());
    }
    intake::append(account, Commit { records, received_at: clock::now(), puts }).await.map(|_| ())
}
