//! Carries out what runs asked for. An action leaves the outbox when the other side has answered or the time is up;
//! until then it is sent again, always under the same idempotency key.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use weir_model::Timestamp;
use weir_sandbox::{Call, Connection, HttpError, Request};
use weir_store::{Put, StateKey};

use super::Propel;
use super::attempt::{keep, later};
use super::run::{ActionResult, to_json};
use crate::account::Account;
use crate::error::Fault;
use crate::host::Host;
use crate::{clock, state_keys};

/// Actions of one propel that are sent at a time.
const AT_A_TIME: usize = 8;
/// Most actions of one round.
const ROUND_MAX: usize = 256;
/// Pause before the second try; each later one is twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// Time after which an action is given up.
const GIVE_UP_MS: i64 = 24 * 3_600 * 1_000;
/// Longest wait for a wake that was missed.
const IDLE_LOOK: Duration = Duration::from_secs(5);

/// An action in the outbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) call: Call,
    pub(super) tries: u32,
    /// When it is tried next; none: at once.
    pub(super) due_at: Option<Timestamp>,
    /// Since when it waits.
    pub(super) since: Timestamp,
}

/// Sends what waits until the host ends.
pub async fn carry_out(host: Arc<Host>, propel: Arc<Propel>) {
    loop {
        let wait = match round(&host.account, &propel).await {
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
    while round(account, propel).await?.is_some_and(|next| next <= clock::now()) {}
    Ok(())
}

/// Sends what is due; when the next is.
async fn round(account: &Account, propel: &Propel) -> Result<Option<Timestamp>, Fault> {
    let stored = account.log.state_under(&state_keys::outbox(&propel.name)).map_err(Fault::from_log)?;
    let now = clock::now();
    let read = |(key, value): (StateKey, Vec<u8>)| Some((key, serde_json::from_slice::<Waiting>(&value).ok()?));
    let waiting: Vec<(StateKey, Waiting)> = stored.into_iter().filter_map(read).collect();
    let is_due = |waiting: &Waiting| waiting.due_at.is_none_or(|due| due <= now);
    let next = waiting.iter().filter(|(_, waiting)| !is_due(waiting)).filter_map(|(_, waiting)| waiting.due_at).min();
    let due: Vec<_> = waiting.into_iter().filter(|(_, waiting)| is_due(waiting)).collect();
    let more = due.len() > ROUND_MAX;
    let sent = stream::iter(due.into_iter().take(ROUND_MAX)).map(|(key, waiting)| one(propel, key, waiting));
    let mut sent = sent.buffer_unordered(AT_A_TIME).chunks(AT_A_TIME);
    while let Some(puts) = sent.next().await {
        keep(account, Vec::new(), puts.into_iter().flatten().collect()).await?;
    }
    Ok(if more { Some(now) } else { next })
}

/// Sends one action; what is to be kept of it.
async fn one(propel: &Propel, key: StateKey, mut waiting: Waiting) -> Vec<Put> {
    let parts: Vec<String> = key.parts().iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect();
    let (run, action) = (parts.get(2).cloned().unwrap_or_default(), parts.get(3).cloned().unwrap_or_default());
    waiting.tries += 1;
    let outcome = send(propel, &waiting.call, &format!("{run}.{action}")).await;
    let now = clock::now();
    let (done, detail) = match outcome {
        Ok(status) => (true, format!("status {status}")),
        Err(Undone::Never(reason)) => (false, reason),
        Err(Undone::Later(reason)) if now.ms() - waiting.since.ms() > GIVE_UP_MS => {
            (false, format!("given up: {reason}"))
        }
        Err(Undone::Later(reason)) => {
            tracing::warn!(propel = propel.name, run, action, reason, tries = waiting.tries, "an action waits");
            waiting.due_at = Some(later(now, PAUSE_MAX.min(PAUSE.saturating_mul(1 << waiting.tries.min(16)))));
            return vec![Put::set(key, to_json(&waiting))];
        }
    };
    if !done {
        tracing::error!(propel = propel.name, run, action, reason = detail, "an action is given up");
    }
    let result = to_json(&ActionResult { done, detail, at: now });
    let run = run.parse().unwrap_or_default();
    vec![Put::set(state_keys::propel_action(&propel.name, run, &action), result), Put::remove(key)]
}

/// Why an action had no effect.
enum Undone {
    Later(String),
    Never(String),
}

async fn send(propel: &Propel, call: &Call, idempotency_key: &str) -> Result<u16, Undone> {
    let Some(connection) = propel.connections.get(&call.connection) else {
        return Err(Undone::Never(format!("no connection `{}` is granted", call.connection)));
    };
    let mut headers = call.headers.clone();
    headers.push(("idempotency-key".to_owned(), idempotency_key.as_bytes().to_vec()));
    let request = Request {
        method: call.method,
        target: call.target.clone(),
        headers,
        body: call.body.clone(),
        timeout: Some(Duration::from_secs(30)),
        body_bytes_max: Some(256 << 10),
        conditional: false,
    };
    match connection.send(request).await {
        Ok(response) if accepted(call, response.status) => Ok(response.status),
        Ok(response) if matches!(response.status, 408 | 425 | 429) || response.status >= 500 => {
            Err(Undone::Later(format!("status {}", response.status)))
        }
        Ok(response) => Err(Undone::Never(format!("status {}", response.status))),
        Err(HttpError::Denied(reason)) => Err(Undone::Never(reason)),
        Err(error) => Err(Undone::Later(error.to_string())),
    }
}

fn accepted(call: &Call, status: u16) -> bool {
    if call.accept.is_empty() { (200..300).contains(&status) } else { call.accept.contains(&status) }
}
