//! Carries out what runs asked for. An action leaves the outbox when the other side has answered or the time is up;
//! until then it is sent again, always under the same idempotency key. What is given up stays as a dead letter.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use weir_model::Timestamp;
use weir_sandbox::{Answer, Call, Connection, HttpError, Method, Request, Response, Target, Trace};
use weir_store::{Put, StateKey};

use super::Propel;
use super::attempt::{keep, later};
use super::run::{ActionResult, to_json};
use crate::account::Account;
use crate::audit::{self, Actor, Note, Outcome};
use crate::egress::{Mail, MailError};
use crate::error::Fault;
use crate::host::Host;
use crate::traces::{self, span};
use crate::{clock, state_keys};

/// Actions of one propel that are sent at a time.
const AT_A_TIME: usize = 8;
/// Most actions whose results are kept at a time.
const KEPT_AT_A_TIME: usize = 64;
/// Most actions of one round.
const ROUND_MAX: usize = 256;
/// Pause before the second try; each later one is twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// Time after which an action is given up.
const GIVE_UP_MS: i64 = 24 * 3_600 * 1_000;
/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 256 << 10;
/// Most bytes that a trace is looked for in.
const LOOK_BYTES_MAX: u64 = 8 << 20;
/// Longest wait for a wake that was missed.
const IDLE_LOOK: Duration = Duration::from_secs(5);

/// An action in the outbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) outgoing: Outgoing,
    /// What is there when it has had its effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unless: Option<Trace>,
    /// Depth of the run that is to hear of it; none when nobody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) report: Option<u8>,
    pub(super) tries: u32,
    /// Since when it waits.
    pub(super) since: Timestamp,
}

/// What is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Outgoing {
    /// A request.
    Call(Call),
    /// A message through a relay.
    Mail { relay: String, mail: Mail },
}

impl Outgoing {
    /// What it is and where it goes, without what it says.
    fn told(&self) -> (String, String) {
        match self {
            Self::Call(call) => (format!("{:?} {:?}", call.method, call.target), call.connection.clone()),
            Self::Mail { relay, .. } => ("mail".to_owned(), relay.clone()),
        }
    }
}

/// Sends what waits until the host ends.
pub async fn carry_out(host: Arc<Host>, propel: Arc<Propel>) {
    loop {
        let wait = match round(&host.account, &propel, &host.stop).await {
            Ok(next) => next.map_or(IDLE_LOOK, |next| {
                let ms = next.ms().saturating_sub(clock::now().ms());
                IDLE_LOOK.min(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
            }),
            Err(fault) => {
                tracing::error!(propel = propel.name, error = fault.chain(), "actions wait");
                IDLE_LOOK
            }
        };
        tokio::select! {
            () = host.stop.cancelled() => return,
            () = propel.live.outbox.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Sends what is due by now.
pub async fn send_waiting(account: &Account, propel: &Propel) -> Result<(), Fault> {
    let never = CancellationToken::new();
    while round(account, propel, &never).await?.is_some_and(|next| next <= clock::now()) {}
    Ok(())
}

/// Sends what is due; when the next is. Once it is to `stop`, it ends what it has begun and begins nothing more.
async fn round(account: &Account, propel: &Propel, stop: &CancellationToken) -> Result<Option<Timestamp>, Fault> {
    let first = account.log.state_first(&state_keys::outbox(&propel.name), ROUND_MAX).map_err(Fault::from_log)?;
    let now = clock::now();
    let is_full = first.len() == ROUND_MAX;
    let n_due = first.iter().take_while(|(key, _)| Sending::due_at(key).is_none_or(|due| due <= now)).count();
    let next = first.get(n_due).and_then(|(key, _)| Sending::due_at(key));
    let due: Vec<Sending> = first.into_iter().take(n_due).filter_map(Sending::read).collect();
    // What cannot be read is never sent, and must not be looked at again without a pause.
    let more = is_full && !due.is_empty();
    let begun = stream::iter(due).take_until(stop.cancelled()).map(|action| action.send(account, propel));
    let sent = begun.buffer_unordered(AT_A_TIME).ready_chunks(KEPT_AT_A_TIME);
    // While some are kept, others are sent.
    let mut kept = pin!(sent.map(|sent| keep_sent(account, propel, sent)).buffered(2));
    while let Some(kept) = kept.next().await {
        kept?;
    }
    Ok(next.or(more.then_some(now)))
}

/// Keeps what became of actions. That the audit log cannot be written changes nothing of it.
async fn keep_sent(account: &Account, propel: &Propel, sent: Vec<Result<Sent, Fault>>) -> Result<(), Fault> {
    let (mut puts, mut notes) = (Vec::new(), Vec::new());
    for sent in sent {
        let sent = sent?;
        puts.extend(sent.puts);
        notes.extend(sent.note);
    }
    if let Err(fault) = audit::notes(account, notes).await {
        tracing::error!(propel = propel.name, error = fault.chain(), "effects are not in the audit log");
    }
    keep(account, Vec::new(), puts).await?;
    propel.live.wake.notify_one();
    Ok(())
}

/// An action that was sent, or put off.
struct Sent {
    puts: Vec<Put>,
    note: Option<Note>,
}

/// An action of the outbox on its way.
struct Sending {
    key: StateKey,
    run: Uuid,
    id: String,
    waiting: Waiting,
}

impl Sending {
    fn due_at(key: &StateKey) -> Option<Timestamp> {
        state_keys::time_of(key, 2)
    }

    fn read((key, value): (StateKey, Vec<u8>)) -> Option<Self> {
        let mut parts = key.parts().into_iter().skip(3).map(|part| String::from_utf8_lossy(&part).into_owned());
        let (run, id) = (parts.next()?.parse().ok()?, parts.next()?);
        Some(Self { run, id, waiting: serde_json::from_slice(&value).ok()?, key })
    }

    /// Sends it; what is to be kept of it.
    async fn send(mut self, account: &Account, propel: &Propel) -> Result<Sent, Fault> {
        self.waiting.tries += 1;
        let span = span!("action", weir.propel = propel.name, weir.attempt = self.waiting.tries);
        let key = format!("{}.{}", self.run, self.id);
        let outcome = traces::within(span, once(propel, &self.waiting, &key)).await;
        let now = clock::now();
        let (done, detail, answer) = match outcome {
            Ok(Done::Answered(answer)) => (true, format!("status {}", answer.status), Some(answer)),
            Ok(Done::Sent(detail)) => (true, detail, None),
            Ok(Done::Before) => (true, "it was there before".to_owned(), None),
            Err(Undone::Never(reason)) => (false, reason, None),
            Err(Undone::Later(reason)) if now.ms() - self.waiting.since.ms() > GIVE_UP_MS => {
                (false, format!("given up: {reason}"), None)
            }
            Err(Undone::Later(reason)) => return Ok(Sent { puts: self.put_off(propel, &reason, now), note: None }),
        };
        let note = Some(self.note(propel, done, &detail));
        let mut puts = vec![Put::remove(self.key.clone())];
        if !done {
            puts.push(self.give_up(propel, &detail, now));
        }
        let result = ActionResult { done, detail, at: now };
        puts.extend(result.puts(&propel.name, self.run, &self.id, self.waiting.report, answer));
        // The run may be forgotten by now; then nobody asks what became of its actions.
        if account.log.state(&state_keys::propel_run(&propel.name, self.run)).map_err(Fault::from_log)?.is_none() {
            let result = state_keys::propel_action(&propel.name, self.run, &self.id);
            puts.retain(|put| put.key != result);
        }
        Ok(Sent { puts, note })
    }

    fn note(&self, propel: &Propel, done: bool, detail: &str) -> Note {
        let (what, to) = self.waiting.outgoing.told();
        let outcome = if done { Outcome::Done } else { Outcome::Failed };
        let note = Note::new("propel.effect").by(Actor::host(format!("propel {}", propel.name))).about(to);
        let told = serde_json::json!({ "run": self.run, "action": self.id, "what": what, "result": detail });
        note.outcome(outcome).after(told)
    }

    fn put_off(self, propel: &Propel, reason: &str, now: Timestamp) -> Vec<Put> {
        let Self { key, run, id, waiting } = self;
        // Said once: a tool that is away for a night is tried again and again, for every action.
        if waiting.tries == 1 {
            tracing::warn!(propel = propel.name, %run, action = id, reason, "an action waits, and is tried again");
        }
        let due = later(now, PAUSE_MAX.min(PAUSE.saturating_mul(1 << waiting.tries.min(16))));
        let again = Put::set(state_keys::outbox_action(&propel.name, due, run, &id), to_json(&waiting));
        vec![Put::remove(key), again]
    }

    fn give_up(&self, propel: &Propel, reason: &str, now: Timestamp) -> Put {
        let Self { run, id, .. } = self;
        tracing::error!(propel = propel.name, %run, action = id, reason, "an action is given up");
        let letter = Given { waiting: self.waiting.clone(), reason: reason.to_owned(), at: now };
        Put::set(state_keys::dead_letter(&propel.name, *run, id), to_json(&letter))
    }
}

/// An action that was given up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Given {
    pub(super) waiting: Waiting,
    /// Why.
    pub(super) reason: String,
    /// When.
    pub(super) at: Timestamp,
}

/// How an action had its effect.
enum Done {
    Answered(Answer),
    Sent(String),
    /// Its trace was there.
    Before,
}

/// Why an action had no effect.
enum Undone {
    Later(String),
    Never(String),
}

async fn once(propel: &Propel, waiting: &Waiting, idempotency_key: &str) -> Result<Done, Undone> {
    match &waiting.outgoing {
        Outgoing::Call(call) => request_once(propel, call, waiting.unless.as_ref(), idempotency_key).await,
        Outgoing::Mail { relay, mail } => {
            let Some(relay) = propel.mail.get(relay) else {
                return Err(Undone::Never(format!("no connection `{relay}` is granted")));
            };
            relay.send(mail, idempotency_key, waiting.since).await.map(Done::Sent).map_err(|error| match error {
                MailError::Later(reason) => Undone::Later(reason),
                MailError::Never(reason) => Undone::Never(reason),
            })
        }
    }
}

/// Sends a request, unless its trace is there.
async fn request_once(
    propel: &Propel,
    call: &Call,
    unless: Option<&Trace>,
    idempotency_key: &str,
) -> Result<Done, Undone> {
    let Some(connection) = propel.connections.get(&call.connection) else {
        return Err(Undone::Never(format!("no connection `{}` is granted", call.connection)));
    };
    if let Some(trace) = unless
        && is_there(connection.as_ref(), trace).await?
    {
        return Ok(Done::Before);
    }
    let mut headers = call.headers.clone();
    headers.push(("idempotency-key".to_owned(), idempotency_key.as_bytes().to_vec()));
    let request = Request { headers, body: call.body.clone(), ..request(call.method, call.target.clone()) };
    let response = connection.send(request).await.map_err(unsent)?;
    if accepted(call, response.status) {
        return Ok(Done::Answered(answer(response)));
    }
    Err(refused(response.status))
}

/// Whether a request has had its effect before.
async fn is_there(connection: &dyn Connection, trace: &Trace) -> Result<bool, Undone> {
    let request =
        Request { body_bytes_max: Some(LOOK_BYTES_MAX), ..request(Method::Get, Target::Path(trace.path.clone())) };
    let response = connection.send(request).await.map_err(unsent)?;
    match response.status {
        200..300 => Ok(holds(&response.body, trace)),
        404 | 410 => Ok(false),
        status => Err(match refused(status) {
            Undone::Later(reason) => Undone::Later(format!("looking for its trace: {reason}")),
            Undone::Never(reason) => Undone::Never(format!("cannot look for its trace: {reason}")),
        }),
    }
}

fn holds(body: &[u8], trace: &Trace) -> bool {
    let Some(pointer) = &trace.pointer else {
        return String::from_utf8_lossy(body).contains(&trace.text);
    };
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    match body.pointer(pointer) {
        Some(serde_json::Value::String(text)) => *text == trace.text,
        Some(serde_json::Value::Number(number)) => number.to_string() == trace.text,
        _ => false,
    }
}

fn request(method: Method, target: Target) -> Request {
    Request {
        method,
        target,
        headers: Vec::new(),
        body: None,
        timeout: Some(Duration::from_secs(30)),
        body_bytes_max: Some(ANSWER_BYTES_MAX),
        conditional: false,
    }
}

/// What a propel is told of an answer.
fn answer(response: Response) -> Answer {
    Answer { status: response.status, body: String::from_utf8(response.body.into()).unwrap_or_default() }
}

fn refused(status: u16) -> Undone {
    let reason = format!("status {status}");
    if matches!(status, 408 | 425 | 429) || status >= 500 { Undone::Later(reason) } else { Undone::Never(reason) }
}

fn unsent(error: HttpError) -> Undone {
    match error {
        HttpError::Denied(reason) => Undone::Never(reason),
        HttpError::TooLarge => Undone::Never("the answer is too large".to_owned()),
        error => Undone::Later(error.to_string()),
    }
}

fn accepted(call: &Call, status: u16) -> bool {
    if call.accept.is_empty() { (200..300).contains(&status) } else { call.accept.contains(&status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_a_text_in_the_body_or_a_value_in_it() {
        let trace = |pointer: Option<&str>, text: &str| Trace {
            path: "/x".to_owned(),
            pointer: pointer.map(str::to_owned),
            text: text.to_owned(),
        };
        let body = br#"{"status": {"name": "Done", "id": 7}, "notes": ["<!-- weir:1 -->"]}"#;
        let cases = [
            (trace(None, "weir:1"), true),
            (trace(None, "weir:2"), false),
            (trace(Some("/status/name"), "Done"), true),
            (trace(Some("/status/name"), "Do"), false),
            (trace(Some("/status/id"), "7"), true),
            (trace(Some("/status"), "Done"), false),
            (trace(Some("/nothing"), "Done"), false),
        ];
        for (trace, expected) in cases {
            assert_eq!(holds(body, &trace), expected, "{trace:?}");
        }
        assert!(!holds(b"no json", &trace(Some("/a"), "no json")));
    }
}
