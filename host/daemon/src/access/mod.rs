//! Who may see and do what: roles, API keys, and the one value that every request is answered for.
//!
//! Invariant: what is not allowed somewhere here is refused.

mod audit;
mod key;
mod role;

use std::collections::BTreeSet;

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::error::Fault;

pub(crate) use audit::audit;
pub use key::{ApiKey, KeyError, NewKey, Scope, create_key, list_keys, revoke_key, rotate_key};
pub(crate) use key::{KeyUses, find_key};
pub use role::{Permission, Permissions, Role};

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
}

/// How somebody is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
        }
    }

    /// Whether they may.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// Who it is, as logs name them.
    pub fn name(&self) -> String {
        match &self.who {
            Who::Key { id, .. } => format!("key:{id}"),
            Who::Command => "command".to_owned(),
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

/// Random hexadecimal digits, two for each byte.
pub(crate) fn random_hex<const N: usize>() -> Result<String, Fault> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Fault::host("the system gives no random numbers"))?;
    Ok(hex(&bytes))
}

/// SHA-256. Right for random secrets of 256 bits; passwords want something slower.
pub(crate) fn hash(secret: &str) -> String {
    hex(digest(&SHA256, secret.as_bytes()).as_ref())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
