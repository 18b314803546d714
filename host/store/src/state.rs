//! Ingestion state: small values under ordered keys, written in the same frame as the records they belong to.
//!
//! A value that was acknowledged is seen by the next read, whether it has reached a sealed generation or not.

use std::fmt;

/// Longest encoded key, in bytes.
pub const STATE_KEY_BYTES_MAX: usize = 1 << 10;
/// Largest value, in bytes.
pub const STATE_VALUE_BYTES_MAX: usize = 1 << 20;

/// A key of several parts. Keys order by their parts, and a key is a prefix of those that begin with its parts:
/// `["run", "a"]` comes before `["run", "b"]` and is no prefix of `["run", "ab"]`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateKey(Vec<u8>);

// A part ends with 0x00 0x00, and a zero byte inside it is written 0x00 0xff. So no part runs into the next, and
// bytes order as the parts do.
const END: [u8; 2] = [0, 0];
const ZERO: [u8; 2] = [0, 0xff];

impl StateKey {
    /// A key of these parts, in order. Parts may hold any text; no parts make the prefix of all keys.
    pub fn new<P: AsRef<[u8]>>(parts: &[P]) -> Self {
        let mut bytes = Vec::new();
        for part in parts {
            push_part(&mut bytes, part.as_ref());
        }
        Self(bytes)
    }

    /// The key with one more part.
    #[must_use]
    pub fn with(&self, part: impl AsRef<[u8]>) -> Self {
        let mut bytes = self.0.clone();
        push_part(&mut bytes, part.as_ref());
        Self(bytes)
    }

    /// The parts, as they were given.
    pub fn parts(&self) -> Vec<Vec<u8>> {
        let mut parts = Vec::new();
        let mut part = Vec::new();
        let mut bytes = self.0.iter().copied();
        while let Some(byte) = bytes.next() {
            match (byte, (byte == 0).then(|| bytes.next()).flatten()) {
                (0, Some(0)) => parts.push(std::mem::take(&mut part)),
                (byte, _) => part.push(byte),
            }
        }
        parts
    }

    /// The last part as text, if it is text.
    pub fn last_part(&self) -> Option<String> {
        String::from_utf8(self.parts().pop()?).ok()
    }

    /// Whether this key begins with the parts of `prefix`.
    pub fn is_under(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

fn push_part(bytes: &mut Vec<u8>, part: &[u8]) {
    for &byte in part {
        if byte == 0 {
            bytes.extend_from_slice(&ZERO);
        } else {
            bytes.push(byte);
        }
    }
    bytes.extend_from_slice(&END);
}

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts();
        f.debug_list().entries(parts.iter().map(|part| String::from_utf8_lossy(part).into_owned())).finish()
    }
}

/// A change to one key, durable together with the records of its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Which key.
    pub key: StateKey,
    /// Its new value; none removes it.
    pub value: Option<Vec<u8>>,
}

impl Put {
    /// Sets a key.
    pub fn set(key: StateKey, value: impl Into<Vec<u8>>) -> Self {
        Self { key, value: Some(value.into()) }
    }

    /// Removes a key.
    pub fn remove(key: StateKey) -> Self {
        Self { key, value: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_order_and_nest_as_their_parts_do(
            a in prop::collection::vec(prop::collection::vec(prop::sample::select(vec![0u8, 1, 97, 255]), 0..3), 0..4),
            b in prop::collection::vec(prop::collection::vec(prop::sample::select(vec![0u8, 1, 97, 255]), 0..3), 0..4),
        ) {
            let (key_a, key_b) = (StateKey::new(&a), StateKey::new(&b));
            prop_assert_eq!(&key_a.parts(), &a);
            prop_assert_eq!(key_a.cmp(&key_b), a.cmp(&b));
            prop_assert_eq!(key_a.is_under(&key_b), a.starts_with(&b));
        }
    }

    #[test]
    fn a_part_is_not_a_prefix_of_a_longer_part() {
        assert!(!StateKey::new(&["run", "ab"]).is_under(&StateKey::new(&["run", "a"])));
        assert!(StateKey::new(&["run", "a", "b"]).is_under(&StateKey::new(&["run", "a"])));
        assert_eq!(StateKey::new(&["run", "a"]).last_part().as_deref(), Some("a"));
    }
}
