//! What a propel remembers from run to run. One task writes it at a time; gates that are asked meanwhile wait their
//! turn.

use weir_sandbox::PluginState;
use weir_store::Put;

use super::Propel;
use super::run::to_json;
use crate::account::Account;
use crate::error::Fault;
use crate::state_keys;

impl Propel {
    /// All it remembers.
    pub(super) async fn remembered(&self, account: &Account) -> Result<PluginState, Fault> {
        let mut memory = self.live.memory.lock().await;
        if let Some(known) = &*memory {
            return Ok(known.clone());
        }
        let bytes = account.log.state(&state_keys::propel_state(&self.name)).map_err(Fault::from_log)?;
        let known: PluginState = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        *memory = Some(known.clone());
        Ok(known)
    }

    /// Takes up changes, and gives what keeps them.
    pub(super) async fn remember(&self, changes: Vec<(String, Option<Vec<u8>>)>) -> Option<Put> {
        let mut memory = self.live.memory.lock().await;
        let known = memory.as_mut().filter(|_| !changes.is_empty())?;
        for (key, value) in changes {
            match value {
                Some(value) => known.insert(key, value),
                None => known.remove(&key),
            };
        }
        Some(Put::set(state_keys::propel_state(&self.name), to_json(known)))
    }

    /// Forgets what was taken up and could not be kept.
    pub(super) async fn forget(&self) {
        *self.live.memory.lock().await = None;
    }
}
