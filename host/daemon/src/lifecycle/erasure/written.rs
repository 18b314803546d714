//! What people and propels have written that names a person: notes, rows of tables, runs of propels.

use std::collections::BTreeSet;

use weir_store::{Fate, StateKey};

use super::names::Names;
use crate::account::Account;
use crate::error::Fault;
use crate::state_keys;

/// What of the state names a person.
pub(super) struct Written {
    names: Names,
    units: BTreeSet<Unit>,
}

/// What goes together, by the parts of its keys that are the same: a note, a row with all its changes, a run with its
/// actions.
type Unit = Vec<Vec<u8>>;

impl Written {
    pub(super) fn by(account: &Account, names: Names) -> Result<Self, Fault> {
        let mut units = BTreeSet::new();
        for kind in state_keys::written() {
            for (key, value) in account.log.state_under(&kind).map_err(Fault::from_log)? {
                if is_named(&names, &key, &value) {
                    units.extend(state_keys::unit(&key));
                }
            }
        }
        Ok(Self { names, units })
    }

    pub(super) fn len(&self) -> u64 {
        self.units.len() as u64
    }

    /// What becomes of a value of the state, of now or of an earlier time.
    pub(super) fn fate(&self, key: &StateKey, value: &[u8], pseudonym: Option<&str>) -> Fate<(StateKey, Vec<u8>)> {
        let Some(unit) = state_keys::unit(key) else { return Fate::Stay };
        let is_named = is_named(&self.names, key, value);
        match pseudonym {
            Some(pseudonym) if is_named => Fate::Become(self.replaced(key, value, pseudonym)),
            None if is_named || self.units.contains(&unit) => Fate::Go,
            _ => Fate::Stay,
        }
    }

    fn replaced(&self, key: &StateKey, value: &[u8], pseudonym: &str) -> (StateKey, Vec<u8>) {
        let other = |text: &[u8]| self.names.replaced(text, pseudonym).unwrap_or_else(|| text.to_vec());
        let parts: Vec<_> = key.parts().iter().map(|part| other(part)).collect();
        (StateKey::new(&parts), other(value))
    }
}

fn is_named(names: &Names, key: &StateKey, value: &[u8]) -> bool {
    names.occur(value) || key.parts().iter().any(|part| names.occur(part))
}
