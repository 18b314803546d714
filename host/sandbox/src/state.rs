//! State of a plugin during one run. Writes are kept apart until the call they were made in has succeeded; the
//! daemon then makes them durable together with the page.

use std::collections::BTreeMap;

use crate::bindings::{Failure, FailureKind};

/// State of one plugin on one connection.
pub type PluginState = BTreeMap<String, Vec<u8>>;

/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 256;

/// What a run may do with state.
#[derive(Debug)]
pub(crate) enum State {
    /// Nothing: the outcome must depend on the arguments alone.
    Pure,
    /// Read and write, within the limit.
    Held(Held),
}

/// Values and what became of them since the last page.
#[derive(Debug)]
pub(crate) struct Held {
    values: PluginState,
    changes: BTreeMap<String, Option<Vec<u8>>>,
    bytes: usize,
    bytes_max: usize,
}

impl State {
    pub(crate) fn held(values: PluginState, bytes_max: usize) -> Self {
        let bytes = values.iter().map(|(key, value)| key.len() + value.len()).sum();
        Self::Held(Held { values, changes: BTreeMap::new(), bytes, bytes_max })
    }

    /// The state, for a function of the contract.
    pub(crate) fn open(&mut self) -> Result<&mut Held, Failure> {
        match self {
            Self::Pure => Err(failure(FailureKind::Internal, "weir.pure", "state is closed in pure functions")),
            Self::Held(held) => Ok(held),
        }
    }

    /// Takes what was written since the last call of this.
    pub(crate) fn take_changes(&mut self) -> Vec<(String, Option<Vec<u8>>)> {
        match self {
            Self::Pure => Vec::new(),
            Self::Held(held) => std::mem::take(&mut held.changes).into_iter().collect(),
        }
    }
}

impl Held {
    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.values.get(key).cloned()
    }

    pub(crate) fn set(&mut self, key: String, value: Vec<u8>) -> Result<(), Failure> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(failure(FailureKind::Config, "weir.state.key", "a key of state has 1 to 256 bytes"));
        }
        let freed = self.values.get(&key).map_or(0, |old| key.len() + old.len());
        let bytes = self.bytes - freed + key.len() + value.len();
        if bytes > self.bytes_max {
            return Err(failure(FailureKind::Config, "weir.state.full", "state of the plugin is full"));
        }
        self.bytes = bytes;
        self.changes.insert(key.clone(), Some(value.clone()));
        self.values.insert(key, value);
        Ok(())
    }

    pub(crate) fn remove(&mut self, key: String) {
        if let Some(old) = self.values.remove(&key) {
            self.bytes -= key.len() + old.len();
            self.changes.insert(key, None);
        }
    }
}

fn failure(kind: FailureKind, code: &str, message: &str) -> Failure {
    Failure { kind, code: code.to_owned(), message: message.to_owned(), retry_after: None, details: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(held: &mut State, key: &str, value_bytes: usize) -> Result<(), String> {
        held.open().unwrap().set(key.to_owned(), vec![0; value_bytes]).map_err(|failure| failure.code)
    }

    #[test]
    fn state_is_full_one_byte_past_its_limit() {
        let mut state = State::held(PluginState::from([("a".to_owned(), vec![0; 9])]), 20);
        assert_eq!(set(&mut state, "b", 10), Err("weir.state.full".to_owned()));
        assert_eq!(set(&mut state, "b", 9), Ok(()));
        // Replacing counts the difference, removing gives room back.
        assert_eq!(set(&mut state, "b", 9), Ok(()));
        state.open().unwrap().remove("a".to_owned());
        assert_eq!(set(&mut state, "b", 19), Ok(()));
    }

    #[test]
    fn keys_have_1_to_256_bytes() {
        let mut state = State::held(PluginState::new(), 1 << 20);
        assert_eq!(set(&mut state, "", 1), Err("weir.state.key".to_owned()));
        assert_eq!(set(&mut state, &"k".repeat(256), 1), Ok(()));
        assert_eq!(set(&mut state, &"k".repeat(257), 1), Err("weir.state.key".to_owned()));
    }

    #[test]
    fn changes_are_taken_once_and_the_last_one_counts() {
        let mut state = State::held(PluginState::new(), 1 << 20);
        set(&mut state, "a", 1).unwrap();
        set(&mut state, "b", 1).unwrap();
        state.open().unwrap().remove("a".to_owned());
        let changes = state.take_changes();
        assert_eq!(changes, [("a".to_owned(), None), ("b".to_owned(), Some(vec![0]))]);
        assert!(state.take_changes().is_empty());
    }

    #[test]
    fn pure_functions_have_no_state() {
        assert_eq!(State::Pure.open().unwrap_err().code, "weir.pure");
    }
}
