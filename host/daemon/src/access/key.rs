//! API keys. A key is shown once and kept as a hash.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::{DurationMs, HostName, Timestamp};
use weir_store::Put;

use super::{Limits, Permission, Permissions};
use crate::account::Account;
use crate::error::Fault;
use crate::hex::{random_hex, sha256};
use crate::{clock, intake, state_keys, tasks};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "KeyScope")]
pub enum Scope {
    /// Push builds, commits and the like; ask gates and pull triggers.
    Ingest,
    /// Read everything.
    Read,
    /// Forward a host's results to this central.
    Forward,
    /// Start propels, ask gates, pull triggers, change tables.
    Propel,
    /// Everything.
    Admin,
}

impl Scope {
    fn permissions(self) -> &'static [Permission] {
        use Permission::{Forward, Ingest, Personal, Propel, Raw, Read, Runs, Status, Tables, Trigger};
        match self {
            Self::Ingest => &[Ingest, Trigger],
            Self::Read => &[Read, Status, Personal, Raw, Runs],
            Self::Forward => &[Forward],
            Self::Propel => &[Runs, Trigger, Propel, Tables],
            Self::Admin => &Permission::ALL,
        }
    }
}

/// A key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiKey {
    /// Public part.
    pub id: String,
    /// What it is for, as the operator said.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// What it may see.
    #[serde(flatten)]
    pub limits: Limits,
    /// Hosts it forwards for; empty: any.
    #[serde(default)]
    pub hosts: BTreeSet<HostName>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; none: never.
    pub expires_at: Option<Timestamp>,
    /// The key that takes its place.
    #[serde(default)]
    pub rotated_to: Option<String>,
    /// When it was last used, within an hour. Kept apart from the key.
    #[serde(default)]
    pub last_used_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    hash: String,
}

/// A key that is to be made.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// Names of teams it is limited to.
    #[serde(default)]
    pub teams: BTreeSet<String>,
    /// Projects it is limited to.
    #[serde(default)]
    pub projects: BTreeSet<String>,
    /// Names of hosts it forwards for; empty: any.
    #[serde(default)]
    pub hosts: BTreeSet<HostName>,
    /// Days until it ends; none: never.
    pub days: Option<u32>,
}

/// A key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// None such, revoked, or expired.
    #[error("the API key is not valid")]
    Invalid,
}

impl ApiKey {
    /// What it may do.
    pub fn permissions(&self) -> Permissions {
        self.scopes.iter().flat_map(|scope| scope.permissions()).copied().collect()
    }

    /// Without its hash.
    fn shown(self) -> Self {
        Self { hash: String::new(), ..self }
    }

    fn put(&self) -> Put {
        let value = serde_json::to_vec(self).expect("a key is JSON");
        Put { key: state_keys::api_key(&self.id), value: Some(value) }
    }

    fn with_secret(mut self) -> Result<(Self, String), Fault> {
        let secret = random_hex::<32>()?;
        self.hash = sha256(&secret);
        let text = format!("weir_{}_{secret}", self.id);
        Ok((self, text))
    }
}

/// Makes a key and gives its text, which is not kept and cannot be shown again.
pub async fn create_key(account: &Account, asked: NewKey) -> Result<(ApiKey, String), Fault> {
    let limits = Limits { teams: asked.teams, projects: asked.projects };
    if asked.scopes.is_empty() {
        return Err(Fault::config("the key may do nothing").hint("give it a scope"));
    }
    if limits.any() && asked.scopes.iter().any(|scope| *scope != Scope::Read) {
        return Err(Fault::config("only reading can be limited to teams and projects")
            .hint("make a key of the scope `read` alone, and another one for the rest"));
    }
    if !asked.hosts.is_empty() && asked.scopes.iter().any(|scope| *scope != Scope::Forward) {
        return Err(Fault::config("only forwarding can be limited to hosts")
            .hint("make a key of the scope `forward` alone, and another one for the rest"));
    }
    let now = clock::now();
    let key = ApiKey {
        id: random_hex::<6>()?,
        name: asked.name,
        scopes: asked.scopes,
        limits,
        hosts: asked.hosts,
        created_at: now,
        expires_at: asked.days.map(|days| now.plus(DurationMs(u64::from(days) * DAY_MS))),
        rotated_to: None,
        last_used_at: None,
        hash: String::new(),
    };
    let (key, text) = key.with_secret()?;
    intake::keep(account, vec![key.put()]).await?;
    Ok((key.shown(), text))
}

/// The keys there are.
pub fn list_keys(account: &Account) -> Result<Vec<ApiKey>, Fault> {
    let keys = account.log.state_under(&state_keys::api_keys()).map_err(Fault::from_log)?;
    let keys = keys.into_iter().filter_map(|(_, value)| serde_json::from_slice::<ApiKey>(&value).ok());
    let used = |key: ApiKey| {
        let used = account.log.state(&state_keys::api_key_use(&key.id)).map_err(Fault::from_log)?;
        let last_used_at =
            used.and_then(|bytes| Some(Timestamp::from_ms(String::from_utf8(bytes).ok()?.parse().ok()?)));
        Ok(ApiKey { last_used_at, ..key.shown() })
    };
    keys.map(used).collect()
}

/// Makes a key that takes the place of another, which ends after the overlap. None when there is no such key.
pub async fn rotate_key(account: &Account, id: &str, overlap: DurationMs) -> Result<Option<(ApiKey, String)>, Fault> {
    let Some(mut old) = stored(account, id)? else { return Ok(None) };
    if let Some(next) = &old.rotated_to {
        return Err(Fault::config(format!("the key was rotated before, to `{next}`")).hint("rotate that one"));
    }
    let now = clock::now();
    let lasts = old.expires_at.and_then(|end| end.since(old.created_at));
    let next = ApiKey {
        id: random_hex::<6>()?,
        created_at: now,
        expires_at: lasts.map(|lasts| now.plus(lasts)),
        ..old.clone()
    };
    let (next, text) = next.with_secret()?;
    let end = now.plus(overlap);
    old.expires_at = Some(old.expires_at.map_or(end, |before| before.min(end)));
    old.rotated_to = Some(next.id.clone());
    intake::keep(account, vec![old.put(), next.put()]).await?;
    Ok(Some((next.shown(), text)))
}

/// Ends a key at once; whether there was one.
pub async fn revoke_key(account: &Account, id: &str) -> Result<bool, Fault> {
    let known = account.log.state(&state_keys::api_key(id)).map_err(Fault::from_log)?.is_some();
    if known {
        let gone = [state_keys::api_key(id), state_keys::api_key_use(id)];
        intake::keep(account, gone.map(|key| Put { key, value: None }).into()).await?;
    }
    Ok(known)
}

fn stored(account: &Account, id: &str) -> Result<Option<ApiKey>, Fault> {
    let stored = account.log.state(&state_keys::api_key(id)).map_err(Fault::from_log)?;
    Ok(stored.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// The key with this text, when it can be used.
pub(crate) fn find_key(account: &Account, text: &str) -> Result<ApiKey, KeyError> {
    let mut parts = text.strip_prefix("weir_").unwrap_or_default().splitn(2, '_');
    let (id, secret) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let key = stored(account, id).ok().flatten().ok_or(KeyError::Invalid)?;
    // Both are hashes of random secrets: comparing them tells nothing about either, even when it stops early.
    if sha256(secret) != key.hash || key.expires_at.is_some_and(|end| end <= clock::now()) {
        return Err(KeyError::Invalid);
    }
    Ok(key)
}

const DAY_MS: u64 = 86_400_000;

/// A use is written down when the last one that was is older than this.
const USE_KEPT_MS: u64 = 3_600_000;

/// When keys were used, written down once an hour and not with every request.
#[derive(Debug, Default)]
pub(crate) struct KeyUses(Mutex<BTreeMap<String, Timestamp>>);

impl KeyUses {
    /// Notes that a key is used now.
    pub(crate) fn note(&self, account: &Arc<Account>, id: &str) {
        let now = clock::now();
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uses.get(id).and_then(|before| now.since(*before)).is_some_and(|ago| ago.0 < USE_KEPT_MS) {
            return;
        }
        uses.insert(id.to_owned(), now);
        let put = Put { key: state_keys::api_key_use(id), value: Some(now.ms().to_string().into_bytes()) };
        let account = account.clone();
        tasks::spawn("key use", async move {
            if let Err(fault) = intake::keep(&account, vec![put]).await {
                tracing::debug!(error = fault.chain(), "the use of a key is not written down");
            }
        });
    }
}
