//! Who may see and do what: users, roles, API keys, and the one value that every request is answered for.
//!
//! Invariant: what is not allowed somewhere here is refused.

mod audit;
mod key;
mod provided;
mod pseudonym;
mod role;
pub(crate) mod session;
mod sight;
mod throttle;
mod user;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::PoisonError;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use weir_model::{DurationMs, HostName, Timestamp};

use crate::account::Account;
use crate::error::Fault;
use crate::host::Host;

pub(crate) use audit::audit;
pub(crate) use key::find_key;
pub use key::{ApiKey, KeyError, NewKey, Scope, create_key, list_keys, revoke_key, rotate_key};
pub use provided::Identity;
pub(crate) use provided::{Admission, NotAdmitted, Provided, admit};
pub(crate) use pseudonym::Pseudonyms;
pub use role::{Permission, Permissions, Role};
pub(crate) use session::Remembered;
pub use sight::Sight;
pub use user::{User, UserAnswer, UserChange, list_users};
pub(crate) use user::{check_password, find_user, hashed, is_last_administrator, verified};

/// Who asks, and what they may.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Who.
    pub who: Who,
    /// Role of a person; none of a key.
    pub role: Option<Role>,
    /// What they may do.
    pub permissions: Permissions,
    /// What they may see.
    pub limits: Limits,
    /// Hosts they forward for; empty: any.
    pub hosts: BTreeSet<HostName>,
    /// When their session ends at the latest.
    pub expires_at: Option<Timestamp>,
    /// Where they are.
    pub from: Option<IpAddr>,
}

/// How somebody is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Somebody who logged in, or whom a proxy vouches for.
    User {
        /// Their name.
        name: String,
        /// What their session is kept under.
        session: String,
    },
    /// An API key.
    Key {
        /// Its public part.
        id: String,
        /// What it is for.
        name: String,
    },
    /// A command of the user this host runs as.
    Command,
    /// A request from this machine while none needs a key.
    Machine,
}

/// Teams and projects somebody is limited to. Both empty: no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Limits {
    /// Names of teams; those below them are meant too.
    pub teams: BTreeSet<String>,
    /// Projects; `*` stands for any text, `?` for one character.
    pub projects: BTreeSet<String>,
}

impl Principal {
    /// Somebody who may do everything.
    pub(crate) fn trusted(who: Who) -> Self {
        Self {
            who,
            role: Some(Role::Administrator),
            permissions: Role::Administrator.permissions(),
            limits: Limits::default(),
            hosts: BTreeSet::new(),
            expires_at: None,
            from: None,
        }
    }

    /// Whether they may.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// Whether what they send may be that of `host`.
    pub fn speaks_for(&self, host: &HostName) -> bool {
        self.hosts.is_empty() || self.hosts.contains(host)
    }

    /// Who it is, as the audit log names them.
    pub fn name(&self) -> String {
        match &self.who {
            Who::User { name, .. } => format!("user:{name}"),
            Who::Key { id, .. } => format!("key:{id}"),
            Who::Command => crate::audit::Actor::operator().who,
            Who::Machine => "machine".to_owned(),
        }
    }
}

impl Limits {
    /// Whether there are any.
    pub fn any(&self) -> bool {
        !self.teams.is_empty() || !self.projects.is_empty()
    }
}

/// How long the link for the first administrator lasts, in milliseconds.
const FIRST_LINK_MS: u64 = 3_600_000;

/// Whether there is nobody who may administer.
pub(crate) fn lacks_administrator(account: &Account) -> Result<bool, Fault> {
    Ok(!list_users(account)?.iter().any(|user| user.role == Role::Administrator && !user.disabled))
}

/// The link at which the first administrator sets a password, where one is needed. Another one ends.
pub fn invite_first(host: &Host) -> Result<Option<String>, Fault> {
    if !host.keys_required() || !lacks_administrator(&host.account)? {
        return Ok(None);
    }
    let (link, text) = user::Link::new(DurationMs(FIRST_LINK_MS))?;
    *host.access.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
    Ok(Some(text))
}

/// When the link for the first administrator ends, if the text is its and there is none yet.
pub(crate) fn first_link(host: &Host, text: &str) -> Result<Option<Timestamp>, Fault> {
    let first = host.access.first.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let link = first.filter(|link| link.is(text)).map(|link| link.expires_at);
    Ok(if lacks_administrator(&host.account)? { link } else { None })
}
