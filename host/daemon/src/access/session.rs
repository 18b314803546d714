//! Sessions of people who logged in. What is kept is the hash of a session's text.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ring::hmac;
use serde::{Deserialize, Serialize};
use weir_model::{DurationMs, Timestamp};
use weir_store::{Keys, Put};

use super::key::KeyUses;
use super::pseudonym::Pseudonyms;
use super::throttle::Throttle;
use super::user::{Link, User, find_user};
use crate::account::Account;
use crate::error::Fault;
use crate::hex::{hex, random_hex, sha256};
use crate::{clock, state_keys};

/// Passwords hashed at a time; each takes 19 MiB.
const HASHES_MAX: usize = 2;

/// What access remembers between requests.
#[derive(Debug)]
pub(crate) struct Remembered {
    /// When API keys were used.
    pub(crate) key_uses: KeyUses,
    /// Log-ins that failed.
    pub(crate) throttle: Throttle,
    /// Turns for hashing passwords.
    pub(crate) hashing: tokio::sync::Semaphore,
    /// The link for the first administrator.
    pub(crate) first: Mutex<Option<Link>>,
    /// When sessions were last used. After a restart all count as used then.
    seen: Mutex<BTreeMap<String, Timestamp>>,
    started_at: Timestamp,
    /// How persons are called for those who may not know them.
    pub(crate) pseudonyms: Arc<Pseudonyms>,
    tokens: hmac::Key,
}

/// How long sessions last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lasting {
    /// Unused.
    pub(crate) idle: DurationMs,
    /// At all.
    pub(crate) most: DurationMs,
}

/// A session as it is kept, under the hash of its text.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    user: String,
    epoch: u64,
    created_at: Timestamp,
}

/// A session that holds.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// Whose.
    pub(crate) user: User,
    /// What it is kept under.
    pub(crate) id: String,
    /// When it ends at the latest.
    pub(crate) expires_at: Timestamp,
}

impl Remembered {
    pub(crate) fn new(keys: &Keys) -> Self {
        Self {
            key_uses: KeyUses::default(),
            throttle: Throttle::default(),
            hashing: tokio::sync::Semaphore::new(HASHES_MAX),
            first: Mutex::default(),
            seen: Mutex::default(),
            started_at: clock::now(),
            pseudonyms: Arc::new(Pseudonyms::new(&keys.purpose("pseudonyms"))),
            tokens: hmac::Key::new(hmac::HMAC_SHA256, &keys.purpose("request-tokens")[..]),
        }
    }

    /// What changes by a session must carry: a page elsewhere cannot know it.
    pub(crate) fn token(&self, session: &str) -> String {
        hex(&hmac::sign(&self.tokens, session.as_bytes()).as_ref()[..16])
    }

    /// Whether a token is that of a session.
    pub(crate) fn is_token(&self, session: &str, token: &str) -> bool {
        // Of hashes, so that where they begin to differ tells nothing.
        sha256(self.token(session)) == sha256(token)
    }

    /// The session with this text, while it holds; using it keeps it.
    pub(crate) fn session(&self, account: &Account, text: &str, lasting: Lasting) -> Option<Held> {
        let (id, now) = (sha256(text), clock::now());
        let stored = account.log.state(&state_keys::session(&id)).ok()??;
        let session: Session = serde_json::from_slice(&stored).ok()?;
        let user = find_user(account, &session.user).ok()??;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let last = seen.get(&id).copied().unwrap_or(session.created_at.max(self.started_at));
        let expires_at = session.created_at.plus(lasting.most);
        let holds = now < expires_at && now < last.plus(lasting.idle);
        if !holds || user.disabled || user.epoch != session.epoch {
            seen.remove(&id);
            return None;
        }
        if seen.insert(id.clone(), now).is_none() {
            // Who left without logging out is forgotten when somebody else comes.
            seen.retain(|_, last| now < last.plus(lasting.idle));
        }
        Some(Held { user, id, expires_at })
    }
}

/// A new session of a user: its text, and what keeps it. Sessions that are over go.
pub(crate) fn begin(account: &Account, user: &User, lasting: Lasting) -> Result<(String, Vec<Put>), Fault> {
    let (text, now) = (random_hex::<32>()?, clock::now());
    let session = Session { user: user.name.clone(), epoch: user.epoch, created_at: now };
    let value = serde_json::to_vec(&session).expect("a session is JSON");
    let stored = account.log.state_under(&state_keys::sessions()).map_err(Fault::from_log)?;
    let is_over = |value: &[u8]| {
        serde_json::from_slice::<Session>(value).map_or(true, |session| session.created_at.plus(lasting.most) <= now)
    };
    let over = stored.into_iter().filter(|(_, value)| is_over(value)).map(|(key, _)| Put { key, value: None });
    let mut puts: Vec<Put> = over.collect();
    puts.push(Put { key: state_keys::session(&sha256(&text)), value: Some(value) });
    Ok((text, puts))
}

/// What ends a session.
pub(crate) fn end(id: &str) -> Put {
    Put { key: state_keys::session(id), value: None }
}
