//! Commits that were not there before.

use std::collections::BTreeSet;

use gix::ObjectId;
use weir_protocol::Diagnostic;

use crate::Repository;
use crate::report::{chain, diagnostic};

impl Repository {
    /// Ids of the commits that can be reached from `tips` and not from `known`, newest first. What cannot be followed
    /// is noted, and the others are walked all the same.
    pub(crate) fn new_commits(
        &self,
        tips: &[ObjectId],
        known: &[ObjectId],
        problems: &mut Vec<Diagnostic>,
    ) -> Vec<ObjectId> {
        let known: BTreeSet<ObjectId> = known.iter().copied().filter(|id| self.git.has_object(id)).collect();
        let tips: Vec<ObjectId> = tips.iter().copied().filter(|id| !known.contains(id)).collect();
        if tips.is_empty() {
            return Vec::new();
        }
        match self.git.rev_walk(tips).with_hidden(known).all() {
            Ok(walk) => {
                let mut ids = Vec::new();
                for step in walk {
                    match step {
                        Ok(info) => ids.push(info.id),
                        Err(error) => problems.push(diagnostic("damaged", "history", chain(&error))),
                    }
                }
                ids
            }
            Err(error) => {
                problems.push(diagnostic("unreadable", "history", chain(&error)));
                Vec::new()
            }
        }
    }

    /// Whether the history of `after` holds the commit `before`; none when that cannot be told any more.
    pub(crate) fn holds(&self, after: ObjectId, before: ObjectId) -> Option<bool> {
        if !self.git.has_object(before) {
            return None;
        }
        let mut only_before = self.git.rev_walk([before]).with_hidden([after]).all().ok()?;
        Some(only_before.next().is_none())
    }
}
