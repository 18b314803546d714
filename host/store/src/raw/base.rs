//! The state as it was at the end of the last sealed generation. What changed since lies over it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chunk::{Assembly, EntryKey, Tree};
use super::pack::decode_block;
use super::sealed::Sealed;
use super::shelf::ShelfError;
use crate::state::StateKey;

/// Keys and values.
pub(crate) type Values = BTreeMap<StateKey, Vec<u8>>;

/// Where the values of a sealed generation's state lie.
#[derive(Debug, Default)]
pub(crate) struct Base {
    /// None: nothing is sealed yet.
    sealed: Option<Arc<Sealed>>,
    /// First key and number of each block, in order.
    blocks: Vec<(StateKey, u64)>,
    /// Why some of it cannot be read.
    damage: Option<ShelfError>,
}

impl Base {
    /// Reads through the state of a sealed generation once, to know where what is.
    pub(crate) fn load(sealed: Arc<Sealed>) -> Self {
        let found = sealed.run(|shelf, seal| {
            let mut blocks = Vec::new();
            let (mut n_found, mut n_blocks) = (0, None);
            let mut assembly = Assembly::default();
            shelf.for_each(Tree::State, |_, value| {
                let Some(entry) = assembly.take(value) else { return };
                let Some(block) = seal.open(&entry).and_then(|bytes| decode_block(&bytes)) else { return };
                n_found += 1;
                n_blocks = Some(entry.last);
                blocks.extend(block.into_iter().next().map(|(key, _)| (key, entry.key.minor)));
            })?;
            Ok((blocks, n_blocks == Some(n_found)))
        });
        let (blocks, damage) = match found {
            Ok((blocks, true)) => (blocks, None),
            Ok((blocks, false)) => (blocks, Some(ShelfError("a part of the state is damaged".to_owned()))),
            Err(error) => (Vec::new(), Some(error)),
        };
        Self { sealed: Some(sealed), blocks, damage }
    }

    /// The value of a key. An error when it may have been in what is damaged.
    pub(crate) fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, ShelfError> {
        let index = self.blocks.partition_point(|(first, _)| first <= key);
        let found = match index.checked_sub(1) {
            Some(index) => self.block(self.blocks[index].1)?.into_iter().find(|(found, _)| found == key),
            None => None,
        };
        match (found, &self.damage) {
            (Some((_, value)), _) => Ok(Some(value)),
            (None, Some(damage)) => Err(damage.clone()),
            (None, None) => Ok(None),
        }
    }

    /// All keys that begin with `prefix`.
    pub(crate) fn under(&self, prefix: &StateKey) -> Result<Values, ShelfError> {
        if let Some(damage) = &self.damage {
            return Err(damage.clone());
        }
        let mut values = Values::new();
        let begin = self.blocks.partition_point(|(first, _)| first <= prefix).saturating_sub(1);
        for (first, number) in &self.blocks[begin..] {
            if first > prefix && !first.is_under(prefix) {
                break;
            }
            values.extend(self.block(*number)?.into_iter().filter(|(key, _)| key.is_under(prefix)));
        }
        Ok(values)
    }

    /// The first `n` keys that begin with `prefix` and are `wanted`.
    pub(crate) fn first(
        &self,
        prefix: &StateKey,
        n: usize,
        wanted: impl Fn(&StateKey) -> bool,
    ) -> Result<Vec<(StateKey, Vec<u8>)>, ShelfError> {
        if let Some(damage) = &self.damage {
            return Err(damage.clone());
        }
        let mut values = Vec::new();
        let begin = self.blocks.partition_point(|(first, _)| first <= prefix).saturating_sub(1);
        for (first, number) in &self.blocks[begin..] {
            if values.len() >= n || (first > prefix && !first.is_under(prefix)) {
                break;
            }
            values.extend(self.block(*number)?.into_iter().filter(|(key, _)| key.is_under(prefix) && wanted(key)));
        }
        values.truncate(n);
        Ok(values)
    }

    /// Everything.
    pub(crate) fn all(&self) -> Result<Values, ShelfError> {
        self.under(&StateKey::new::<&str>(&[]))
    }

    /// Everything that can still be read.
    pub(crate) fn all_readable(&self) -> Values {
        self.blocks.iter().filter_map(|(_, number)| self.block(*number).ok()).flatten().collect()
    }

    fn block(&self, number: u64) -> Result<Vec<(StateKey, Vec<u8>)>, ShelfError> {
        let Some(sealed) = &self.sealed else { return Ok(Vec::new()) };
        let block = sealed.run(|shelf, seal| {
            let entry = shelf.entry(EntryKey::block(number))?;
            Ok(entry.and_then(|entry| decode_block(&seal.open(&entry)?)))
        })?;
        block.ok_or_else(|| ShelfError("a block of the state is damaged".to_owned()))
    }
}
