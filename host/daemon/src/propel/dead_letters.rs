//! Actions that were given up. They stay until somebody has them sent again, under the key they had, or takes them back.

use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;
use weir_model::Timestamp;
use weir_store::{Put, StateKey};

use super::Propel;
use super::attempt::keep;
use super::outbox::{Given, Outgoing, Waiting};
use super::rule::method_name;
use super::run::to_json;
use crate::account::Account;
use crate::error::Fault;
use crate::{clock, state_keys};

/// Most dead letters that a propel keeps; of more, the oldest go.
pub(super) const KEPT_MAX: usize = 10_000;
/// Most of one answer.
const LIMIT_MAX: usize = 1_000;

/// An action that was given up.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeadLetter {
    /// Whose.
    pub propel: String,
    /// The run that asked for it; with the action it is the idempotency key.
    pub run: Uuid,
    /// Which of its actions.
    pub action: String,
    /// What it is, for people: `POST chat`.
    pub what: String,
    /// Why it was given up.
    pub reason: String,
    /// Since when it waited.
    pub since: Timestamp,
    /// When it was given up.
    pub at: Timestamp,
    /// How often it was tried.
    pub tries: u32,
}

/// What was given up, oldest run first.
pub fn dead_letters(account: &Account, propel: Option<&str>, limit: Option<usize>) -> Result<Vec<DeadLetter>, Fault> {
    let prefix = state_keys::dead_letters();
    let prefix = propel.map_or(prefix.clone(), |propel| prefix.with(propel));
    let limit = limit.unwrap_or(200).min(LIMIT_MAX);
    let first = account.log.state_first(&prefix, limit).map_err(Fault::from_log)?;
    Ok(first.iter().filter_map(|(key, value)| Letter::read(key, value)).map(Letter::shown).collect())
}

/// Puts dead letters of a propel back into the outbox, all or those of one run; how many.
pub async fn send_again(account: &Account, propel: &Propel, run: Option<Uuid>) -> Result<usize, Fault> {
    let prefix = state_keys::dead_letters().with(&propel.name);
    let prefix = run.map_or(prefix.clone(), |run| prefix.with(run.to_string()));
    let now = clock::now();
    let mut n_sent = 0;
    loop {
        let first = account.log.state_first(&prefix, LIMIT_MAX).map_err(Fault::from_log)?;
        let letters: Vec<Letter> = first.iter().filter_map(|(key, value)| Letter::read(key, value)).collect();
        if letters.is_empty() {
            propel.live.outbox.notify_one();
            return Ok(n_sent);
        }
        n_sent += letters.len();
        let again = letters.into_iter().flat_map(|letter| letter.again(now)).collect();
        keep(account, Vec::new(), again).await?;
    }
}

struct Letter {
    propel: String,
    run: Uuid,
    action: String,
    given: Given,
}

impl Letter {
    fn read(key: &StateKey, value: &[u8]) -> Option<Self> {
        let mut parts = key.parts().into_iter().skip(1).map(|part| String::from_utf8_lossy(&part).into_owned());
        let (propel, run, action) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        Some(Self { propel, run, action, given: serde_json::from_slice(value).ok()? })
    }

    fn shown(self) -> DeadLetter {
        let Self { propel, run, action, given } = self;
        let Waiting { outgoing, tries, since, .. } = given.waiting;
        let what = match outgoing {
            Outgoing::Call(call) => format!("{} {}", method_name(call.method), call.connection),
            Outgoing::Mail { relay, .. } => format!("mail {relay}"),
        };
        DeadLetter { propel, run, action, what, reason: given.reason, since, at: given.at, tries }
    }

    /// It has its time again, and its old key. What is known of it is taken back until it is known anew.
    fn again(self, now: Timestamp) -> [Put; 3] {
        let Self { propel, run, action, given } = self;
        let waiting = Waiting { tries: 0, since: now, ..given.waiting };
        [
            Put::remove(state_keys::dead_letter(&propel, run, &action)),
            Put::remove(state_keys::propel_action(&propel, run, &action)),
            Put::set(state_keys::outbox_action(&propel, now, run, &action), to_json(&waiting)),
        ]
    }
}
