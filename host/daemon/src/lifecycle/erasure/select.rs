//! What a scope means, and what becomes of it. Pure reading: it counts, and changes nothing.

use std::collections::BTreeSet;

use serde::Deserialize;
use weir_model::{EntityKind, HostName, RawRecord, Seq, StoredRecord, StreamId};
use weir_stages::facets::project;
use weir_stages::normalise::Format;
use weir_store::{Fate, Rewrite, StateKey};

use super::names::Names;
use super::written::Written;
use super::{Scope, Selected};
use crate::account::Account;
use crate::config::HoldConfig;
use crate::error::Fault;
use crate::lifecycle::counted::{Counted, unreadable};
use crate::lifecycle::counts::Class;
use crate::normaliser::dataset;

/// Entities read at a time.
const READ_ENTITIES: usize = 1_000;

/// Which records are meant, and which of them are held.
struct Selection<'a> {
    scope: &'a Scope,
    /// Keys that say something about the entities that are meant.
    keys: Option<BTreeSet<(StreamId, String)>>,
    person: Option<Names>,
    holds: &'a [HoldConfig],
}

/// What is meant, and what becomes of it.
#[derive(Debug, Clone, Copy)]
pub struct Meaning<'a> {
    /// What any of these means.
    pub scopes: &'a [Scope],
    /// But for what these hold.
    pub holds: &'a [HoldConfig],
    /// And for what came after this.
    pub up_to: Option<Seq>,
    /// What takes the place of the person in it; none: it goes.
    pub pseudonym: Option<&'a str>,
}

/// Selections, of which any may mean a record.
pub(super) struct Selections<'a> {
    any: Vec<Selection<'a>>,
    written: Vec<Written>,
    up_to: Option<Seq>,
    pseudonym: Option<&'a str>,
}

impl<'a> Selections<'a> {
    pub(super) fn new(account: &Account, meaning: Meaning<'a>) -> Result<Self, Fault> {
        let Meaning { scopes, holds, up_to, pseudonym } = meaning;
        if scopes.iter().any(Scope::is_everything) {
            return Err(Fault::config("nothing is named that is to go")
                .hint("name an integration, a kind, a project, a day or a person; `weir decommission` takes all"));
        }
        let any: Vec<_> =
            scopes.iter().map(|scope| Selection::new(account, scope, holds)).collect::<Result<_, Fault>>()?;
        if pseudonym.is_some() && any.iter().any(|selection| selection.person.is_none()) {
            return Err(Fault::config("a pseudonym takes the place of a person, and none is named")
                .hint("name every name, address and log-in: `--person`, again and again"));
        }
        let persons = scopes.iter().filter(|scope| scope.is_a_person() && holds.is_empty());
        let written =
            persons.map(|scope| Written::by(account, Names::new(&scope.person)?)).collect::<Result<_, _>>()?;
        Ok(Self { any, written, up_to, pseudonym })
    }

    fn mean(&self, stored: &StoredRecord) -> bool {
        self.any.iter().any(|selection| selection.means(stored))
    }

    /// The first selection that means a record that nobody holds.
    fn wanting(&self, stored: &StoredRecord) -> Option<&Selection<'a>> {
        let wants = |selection: &&Selection<'_>| selection.means(stored) && !selection.is_held(stored);
        self.any.iter().find(wants).filter(|_| self.up_to.is_none_or(|last| stored.seq <= last))
    }

    /// Notes, rows of tables and runs that name a person who is meant.
    fn n_written(&self) -> u64 {
        self.written.iter().map(Written::len).sum()
    }
}

impl Rewrite for Selections<'_> {
    fn record(&self, stored: &StoredRecord) -> Fate<RawRecord> {
        match (self.wanting(stored).map(|selection| &selection.person), self.pseudonym) {
            (None, _) => Fate::Stay,
            (Some(Some(names)), Some(pseudonym)) => Fate::Become(pseudonymous(&stored.record, names, pseudonym)),
            (Some(_), _) => Fate::Go,
        }
    }

    fn value(&self, key: &StateKey, value: &[u8]) -> Fate<(StateKey, Vec<u8>)> {
        let mut fates = self.written.iter().map(|written| written.fate(key, value, self.pseudonym));
        fates.find(|fate| *fate != Fate::Stay).unwrap_or(Fate::Stay)
    }
}

fn pseudonymous(record: &RawRecord, names: &Names, pseudonym: &str) -> RawRecord {
    let text = |text: &str| {
        let replaced = names.replaced(text.as_bytes(), pseudonym).and_then(|text| String::from_utf8(text).ok());
        replaced.unwrap_or_else(|| text.to_owned())
    };
    RawRecord {
        key: text(&record.key),
        context: record.context.as_deref().map(text),
        payload: names.replaced(&record.payload, pseudonym).unwrap_or_else(|| record.payload.clone()),
        ..record.clone()
    }
}

impl<'a> Selection<'a> {
    fn new(account: &Account, scope: &'a Scope, holds: &'a [HoldConfig]) -> Result<Self, Fault> {
        let about = scope.kind.is_some() || scope.project.is_some();
        let keys = about.then(|| keys_about(account, scope)).transpose()?;
        let person = (!scope.person.is_empty()).then(|| Names::new(&scope.person)).transpose()?;
        Ok(Self { scope, keys, person, holds })
    }

    fn means(&self, stored: &StoredRecord) -> bool {
        let Scope { integration, dataset, before, host, up_to, .. } = self.scope;
        integration.as_ref().is_none_or(|name| stored.stream.integration == *name)
            && dataset.as_ref().is_none_or(|name| stored.stream.dataset == *name)
            && before.is_none_or(|before| stored.received_at < before)
            && host.as_ref().is_none_or(|host| is_of(host, stored))
            && up_to.is_none_or(|last| stored.record.version.is_none_or(|version| version <= last))
            && self.keys.as_ref().is_none_or(|keys| keys.contains(&(stored.stream.clone(), stored.record.key.clone())))
            && self.person.as_ref().is_none_or(|person| names(person, stored))
    }

    fn is_held(&self, stored: &StoredRecord) -> bool {
        self.holds.iter().any(|hold| hold.integration.as_ref().is_none_or(|name| stored.stream.integration == *name))
    }
}

/// Whether a record names a person.
fn names(person: &Names, stored: &StoredRecord) -> bool {
    let context = stored.record.context.as_deref().unwrap_or_default();
    [&*stored.record.payload, context.as_bytes(), stored.record.key.as_bytes()].iter().any(|text| person.occur(text))
}

/// Whether a record is a result that a host has forwarded. Its integration there may have a dot in its name, as the host
/// may: what tells is what the record says itself, but for the end of something, which has only its name.
fn is_of(host: &HostName, stored: &StoredRecord) -> bool {
    #[derive(Deserialize)]
    struct From {
        host: HostName,
    }
    let name = stored.stream.integration.as_str();
    let begins = name.strip_prefix(host.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let says = || serde_json::from_slice(&stored.record.payload).map_or(true, |From { host: said }| said == *host);
    begins && stored.stream.dataset == dataset(Format::Forwarded) && says()
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
pub fn select(account: &Account, meaning: Meaning<'_>) -> Result<Selected, Fault> {
    let selections = Selections::new(account, meaning)?;
    let (mut selected, mut counted) = (Selected::default(), Counted::default());
    for batch in account.batches(Seq::ZERO) {
        let batch = batch?;
        selected.unreadable += unreadable(&batch);
        for stored in &batch.records {
            if selections.wanting(stored).is_some() {
                counted.push(stored);
            } else {
                selected.kept += 1;
                selected.held += u64::from(selections.mean(stored));
            }
        }
    }
    let (root, written) = (counted.root(), selections.n_written());
    let Class { items, bytes, detail, .. } = counted.class();
    let (items, bytes) = (items.unwrap_or_default(), bytes.unwrap_or_default());
    Ok(Selected { selected: items, bytes, root, written, streams: detail, ..selected })
}
