//! Carries out what propels asked for. An action leaves the outbox when the other side has answered or the tries are
//! used up; until then it is sent again, always under the same idempotency key.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_sandbox::{Action, Call, Connection, Effect, HttpError, Request};
use weir_store::{Put, StateKey};

use super::Propel;
use super::dispatch::keep;
use crate::account::Account;
use crate::error::Fault;
use crate::state_keys;

/// Tries of one action in one go; those that are left are tried again later.
const TRIES: u32 = 3;

/// Sends every action that waits; how many were carried out.
pub async fn carry_out(account: &Account, propels: &BTreeMap<String, Propel>) -> Result<u64, Fault> {
    let waiting = account.log.state_under(&state_keys::outbox()).map_err(Fault::from_log)?;
    let mut sent = 0;
    for (key, value) in waiting {
        let (Ok(action), Some(propel)) = (serde_json::from_slice::<Action>(&value), owner(&key, propels)) else {
            continue;
        };
        match perform(propel, &action, &idempotency_key(&key)).await {
            Ok(()) => sent += 1,
            Err(Undone::Later(reason)) => {
                tracing::warn!(propel = propel.name, action = action.id, reason, "action waits for another try");
                continue;
            }
            Err(Undone::Never(reason)) => {
                tracing::error!(propel = propel.name, action = action.id, reason, "action is given up");
            }
        }
        keep(account, vec![Put { key, value: None }]).await?;
    }
    Ok(sent)
}

/// Why an action was not carried out.
enum Undone {
    Later(String),
    Never(String),
}

fn owner<'a>(key: &StateKey, propels: &'a BTreeMap<String, Propel>) -> Option<&'a Propel> {
    let name = String::from_utf8(key.parts().get(1)?.clone()).ok()?;
    propels.get(&name)
}

/// Propel, event and action: the same whenever the same event is handled again.
fn idempotency_key(key: &StateKey) -> String {
    let parts = key.parts();
    let text = parts.iter().skip(1).map(|part| String::from_utf8_lossy(part).into_owned());
    text.collect::<Vec<_>>().join(".")
}

async fn perform(propel: &Propel, action: &Action, idempotency_key: &str) -> Result<(), Undone> {
    match &action.effect {
        Effect::Call(call) => send(propel, call, idempotency_key).await,
        Effect::Emit(_) => Err(Undone::Never("emitting events is not built yet".to_owned())),
        Effect::Notify(_) => Err(Undone::Never("channels are not built yet; use a connection".to_owned())),
    }
}

async fn send(propel: &Propel, call: &Call, idempotency_key: &str) -> Result<(), Undone> {
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
    let mut last = String::new();
    for attempt in 0..TRIES {
        tokio::time::sleep(Duration::from_millis(if attempt == 0 { 0 } else { 200 << attempt })).await;
        match connection.send(request.clone()).await {
            Ok(response) if accepted(call, response.status) => return Ok(()),
            Ok(response) if response.status == 429 || response.status >= 500 => {
                last = format!("status {}", response.status);
            }
            Ok(response) => return Err(Undone::Never(format!("status {}", response.status))),
            Err(HttpError::Denied(reason)) => return Err(Undone::Never(reason)),
            Err(error) => last = error.to_string(),
        }
    }
    Err(Undone::Later(last))
}

fn accepted(call: &Call, status: u16) -> bool {
    if call.accept.is_empty() { (200..300).contains(&status) } else { call.accept.contains(&status) }
}
