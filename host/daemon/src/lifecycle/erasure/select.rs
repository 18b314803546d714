//! Which raw records a scope means. Pure reading: it counts, and changes nothing.

use std::collections::BTreeSet;

use memchr::memmem::find;
use weir_model::{EntityKind, Seq, StoredRecord, StreamId};
use weir_stages::facets::project;

use super::{Scope, Selected};
use crate::account::Account;
use crate::config::HoldConfig;
use crate::error::Fault;
use crate::lifecycle::counted::{Counted, unreadable};
use crate::lifecycle::counts::Class;

/// Entities read at a time.
const READ_ENTITIES: usize = 1_000;

/// Which records are meant, and which of them are held.
struct Selection<'a> {
    scope: &'a Scope,
    /// Keys that say something about the entities that are meant.
    keys: Option<BTreeSet<(StreamId, String)>>,
    persons: Vec<Vec<u8>>,
    holds: &'a [HoldConfig],
}

/// Selections, of which any may mean a record.
pub(super) struct Selections<'a>(Vec<Selection<'a>>);

impl<'a> Selections<'a> {
    pub(super) fn new(account: &Account, scopes: &'a [Scope], holds: &'a [HoldConfig]) -> Result<Self, Fault> {
        if scopes.iter().any(Scope::is_everything) {
            return Err(Fault::config("nothing is named that is to go")
                .hint("name an integration, a kind, a project, a day or a person; `weir decommission` takes all"));
        }
        scopes.iter().map(|scope| Selection::new(account, scope, holds)).collect::<Result<_, _>>().map(Self)
    }

    fn mean(&self, stored: &StoredRecord) -> bool {
        self.0.iter().any(|selection| selection.means(stored))
    }

    pub(super) fn want(&self, stored: &StoredRecord) -> bool {
        self.0.iter().any(|selection| selection.wants(stored))
    }
}

impl<'a> Selection<'a> {
    fn new(account: &Account, scope: &'a Scope, holds: &'a [HoldConfig]) -> Result<Self, Fault> {
        let about = scope.kind.is_some() || scope.project.is_some();
        let keys = about.then(|| keys_about(account, scope)).transpose()?;
        let persons = scope.person.iter().map(|name| name.to_lowercase().into_bytes()).collect();
        Ok(Self { scope, keys, persons, holds })
    }

    fn means(&self, stored: &StoredRecord) -> bool {
        let Scope { integration, dataset, before, .. } = self.scope;
        integration.as_ref().is_none_or(|name| stored.stream.integration == *name)
            && dataset.as_ref().is_none_or(|name| stored.stream.dataset == *name)
            && before.is_none_or(|before| stored.received_at < before)
            && self.keys.as_ref().is_none_or(|keys| keys.contains(&(stored.stream.clone(), stored.record.key.clone())))
            && (self.persons.is_empty() || self.names_person(stored))
    }

    fn names_person(&self, stored: &StoredRecord) -> bool {
        let context = stored.record.context.as_deref().unwrap_or_default();
        let payload = String::from_utf8_lossy(&stored.record.payload);
        [payload.as_ref(), context, &stored.record.key].into_iter().any(|text| {
            let text = text.to_lowercase();
            self.persons.iter().any(|person| find(text.as_bytes(), person).is_some())
        })
    }

    fn is_held(&self, stored: &StoredRecord) -> bool {
        self.holds.iter().any(|hold| hold.integration.as_ref().is_none_or(|name| stored.stream.integration == *name))
    }

    fn wants(&self, stored: &StoredRecord) -> bool {
        self.means(stored) && !self.is_held(stored)
    }
}

/// Keys of all records that say something about an entity of a kind and project.
fn keys_about(account: &Account, scope: &Scope) -> Result<BTreeSet<(StreamId, String)>, Fault> {
    let derived = account.derived();
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    let all = || Ok(reader.counts().map_err(Fault::from_derived)?.into_keys().map(|(_, kind)| kind).collect());
    let kinds: BTreeSet<EntityKind> = scope.kind.clone().map_or_else(all, |kind| Ok::<_, Fault>([kind].into()))?;
    let mut keys = BTreeSet::new();
    for kind in kinds {
        let mut after = None;
        loop {
            let rows = reader.kind(&kind, after.as_ref(), READ_ENTITIES).map_err(Fault::from_derived)?;
            let Some(last) = rows.last() else { break };
            after = Some(last.id.clone());
            for row in &rows {
                let project = row.entity.as_ref().and_then(|entity| project(&row.id, entity));
                if scope.project.is_none() || scope.project == project {
                    let said = reader.contributions(&row.id).map_err(Fault::from_derived)?;
                    keys.extend(said.into_iter().map(|said| (said.stream, said.key)));
                }
            }
        }
    }
    Ok(keys)
}

/// Counts what is meant. It reads the whole log.
pub fn select(account: &Account, scopes: &[Scope], holds: &[HoldConfig]) -> Result<Selected, Fault> {
    let selections = Selections::new(account, scopes, holds)?;
    let (mut selected, mut counted) = (Selected::default(), Counted::default());
    for batch in account.batches(Seq::ZERO) {
        let batch = batch?;
        selected.unreadable += unreadable(&batch);
        for stored in &batch.records {
            if selections.want(stored) {
                counted.push(stored);
            } else {
                selected.kept += 1;
                selected.held += u64::from(selections.mean(stored));
            }
        }
    }
    let root = counted.root();
    let Class { items, bytes, detail, .. } = counted.class();
    let (items, bytes) = (items.unwrap_or_default(), bytes.unwrap_or_default());
    Ok(Selected { selected: items, bytes, root, streams: detail, ..selected })
}
