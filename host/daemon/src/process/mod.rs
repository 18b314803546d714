//! The processor: turns the log into everything derived from it, in the order of the log.
//!
//! Invariant: what it derives is a function of the log and of the definitions alone. Batches may be cut anywhere, the
//! process may die anywhere; doing it again from the watermark, or from 0, gives the same stores.

mod additions;
mod incidents;
mod neighbours;
mod replay;
mod verdicts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use weir_model::diagnostic::RecordOutcome;
use weir_model::metric::DerivedRows;
use weir_model::{Entity, EntityId, EntityKind, IntegrationName, SearchDocument, Seq, StoredRecord};
use weir_stages::correlate::CommitGraph;
use weir_stages::{Context, ContextSettings, aggregate, facets, react};
use weir_store::{Apply, Changed, Definition, Derived, EntityRow, RecordEntities};

use crate::account::Account;
use crate::error::Fault;
use crate::normaliser::{Fate, Normalised, Normaliser};
use neighbours::{Dirty, Neighbours};

pub(crate) use incidents::related_targets;
pub use replay::replay;
pub(crate) use verdicts::suspects_of;
pub use verdicts::{RedBuild, Suspects, red_builds, suspects};

/// Most records of one batch.
const BATCH_RECORDS_MAX: usize = 2_000;
/// Most bytes of one batch.
const BATCH_BYTES_MAX: usize = 8 << 20;

/// Version of the code that derives. Grows with every change of what comes out of the same records.
const DERIVATION: u32 = 5;

/// Fingerprint of all that decides how raw records become derived rows. Another one means: derive again.
pub fn definition(settings: &ContextSettings, context: &Context) -> Definition {
    let hash = ring::digest::digest(&ring::digest::SHA256, format!("{settings:?}").as_bytes());
    let hex: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Definition { fingerprint: format!("{DERIVATION}/{hex}"), calendar: context.calendar().clone() }
}

/// Reads the commit graph back from the entities.
pub fn load_graph(derived: &Derived) -> Result<CommitGraph, Fault> {
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    let mut graph = CommitGraph::default();
    let mut after: Option<EntityId> = None;
    loop {
        let rows = reader.kind(&EntityKind::Commit, after.as_ref(), 5_000).map_err(Fault::from_derived)?;
        let Some(last) = rows.last() else { return Ok(graph) };
        after = Some(last.id.clone());
        for row in &rows {
            add_commit(&mut graph, &row.id, row.entity.as_ref());
        }
    }
}

fn add_commit(graph: &mut CommitGraph, id: &EntityId, entity: Option<&Entity>) {
    if let (Some(Entity::Commit(commit)), Some(sha)) = (entity, weir_model::ObjectId::new(&id.key)) {
        graph.insert_commit(&sha, commit);
    }
}

/// What one batch brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Processed {
    /// Raw records read.
    pub records: u64,
    /// Entities that came, changed or went.
    pub changed: u64,
    /// Records nothing could be made of.
    pub rejected: u64,
    /// Records nothing should be made of.
    pub ignored: u64,
}

impl Processed {
    /// Adds another batch.
    pub fn add(&mut self, other: Self) {
        self.records += other.records;
        self.changed += other.changed;
        self.rejected += other.rejected;
        self.ignored += other.ignored;
    }
}

/// Processes one account. Blocking: owned by one thread.
pub struct Processor {
    account: Arc<Account>,
    normaliser: Normaliser,
    neighbours: Neighbours,
}

/// Where results go: the stores in use, or new ones beside them.
struct Target<'a> {
    derived: &'a Derived,
    graph: &'a RwLock<CommitGraph>,
}

/// What a batch changed, gathered while it is applied.
#[derive(Default)]
pub(crate) struct Changes {
    documents: BTreeMap<EntityId, Option<SearchDocument>>,
    dirty: Dirty,
    commits: BTreeSet<EntityId>,
    runs: BTreeSet<String>,
    counted: Processed,
}

impl Processor {
    /// A processor of `account`.
    pub fn new(account: Arc<Account>, normaliser: Normaliser) -> Self {
        Self { account, normaliser, neighbours: Neighbours::default() }
    }

    /// Processes until the log's end and gives the sum; `progress` hears the watermark after each batch.
    pub fn catch_up(&mut self, progress: &mut dyn FnMut(Seq)) -> Result<Processed, Fault> {
        let account = self.account.clone();
        let derived = account.derived().clone();
        let target = Target { derived: &derived, graph: account.graph_lock() };
        index_what_is_behind(&derived, &account.context())?;
        let watermark = derived.index.watermark();
        if *account.applied().borrow() < watermark {
            account.announce(watermark);
        }
        self.drain(&target, &mut |watermark| {
            account.announce(watermark);
            progress(watermark);
        })
    }

    /// Takes up new settings of integrations.
    pub fn refresh(&mut self) {
        self.normaliser.refresh();
    }

    /// Integrations that a webhook asked to collect soon, since this was last asked.
    pub fn take_asked_for(&mut self) -> BTreeSet<IntegrationName> {
        self.normaliser.take_asked_for()
    }

    fn drain(&mut self, target: &Target<'_>, progress: &mut dyn FnMut(Seq)) -> Result<Processed, Fault> {
        let mut sum = Processed::default();
        while let Some((done, watermark)) = self.batch(target)? {
            sum.add(done);
            progress(watermark);
        }
        Ok(sum)
    }

    fn batch(&mut self, target: &Target<'_>) -> Result<Option<(Processed, Seq)>, Fault> {
        let after = target.derived.projection.watermark().map_err(Fault::from_derived)?;
        let batch = self.account.log.read(after, BATCH_RECORDS_MAX, BATCH_BYTES_MAX).map_err(Fault::from_log)?;
        if batch.next == after {
            return Ok(None);
        }
        for lost in &batch.lost {
            tracing::error!(first = %lost.first, last = %lost.last, reason = lost.reason, "raw records are lost");
        }
        let normalised = self.normalise(&batch.records)?;
        let mut changes = Changes::default();
        changes.counted.records = u64::try_from(batch.records.len()).unwrap_or(u64::MAX);
        let context = self.account.context().clone();
        let mut apply = target.derived.projection.apply().map_err(Fault::from_derived)?;
        let mut additions = additions::Additions::begin(&apply)?;
        for (record, normalised) in normalised {
            let normalised = additions.link(&apply, normalised)?;
            apply_one(&mut apply, &context, record, normalised, &mut changes)?;
            additions.link_again(&mut apply, &context, &self.account.log, record, &mut changes)?;
        }
        insert_commits(&apply, target.graph, &changes)?;
        self.neighbours.update(&mut apply, target.graph, &context, changes.dirty)?;
        apply.finish(batch.next).map_err(Fault::from_derived)?;
        let documents: Vec<_> = changes.documents.into_iter().collect();
        let index = &target.derived.index;
        index.apply(&documents).and_then(|()| index.commit(batch.next)).map_err(Fault::from_derived)?;
        Ok(Some((changes.counted, batch.next)))
    }

    /// Normalises run by run: consecutive records of one stream go to their plugin together.
    fn normalise<'a>(&mut self, records: &'a [StoredRecord]) -> Result<Vec<(&'a StoredRecord, Normalised)>, Fault> {
        let mut all = Vec::with_capacity(records.len());
        for run in records.chunk_by(|left, right| left.stream == right.stream) {
            let normalised = self.normaliser.normalise(&self.account.log, run)?;
            all.extend(normalised.into_iter().map(|(index, normalised)| (&run[index], normalised)));
        }
        Ok(all)
    }
}

fn apply_one(
    apply: &mut Apply<'_>,
    context: &Context,
    record: &StoredRecord,
    normalised: Normalised,
    changes: &mut Changes,
) -> Result<(), Fault> {
    let Normalised { stream, key, version, entities, fate } = normalised;
    if let Some(outcome) = outcome(fate, &mut changes.counted) {
        apply.outcome(record.seq, &stream, &key, &outcome).map_err(Fault::from_derived)?;
    }
    let contribution = RecordEntities { stream, key, version, seq: record.seq, entities };
    let all = apply.record(&contribution).map_err(Fault::from_derived)?;
    follow(apply, context, record, all, changes)
}

/// Derives what follows from changed entities; `record` is what changed them.
fn follow(
    apply: &mut Apply<'_>,
    context: &Context,
    record: &StoredRecord,
    all: Vec<Changed>,
    changes: &mut Changes,
) -> Result<(), Fault> {
    for changed in all {
        changes.counted.changed += 1;
        derive(apply, context, record, &changed)?;
        let document = changed.after.as_ref().map(|entity| facets::search_document(&changed.id, entity, context));
        changes.dirty.mark(&changed);
        changes.runs.extend(additions::runs(&changed));
        if changed.id.kind == EntityKind::Commit {
            changes.commits.insert(changed.id.clone());
        }
        changes.documents.insert(changed.id, document);
    }
    Ok(())
}

/// Rows and events that follow from one changed entity.
fn derive(apply: &mut Apply<'_>, context: &Context, record: &StoredRecord, changed: &Changed) -> Result<(), Fault> {
    let rows = match &changed.after {
        Some(entity) => facets::derived(&changed.id, entity, context),
        None => gone(&changed.id.kind, context),
    };
    apply.derive(&changed.id, &rows).map_err(Fault::from_derived)?;
    let (before, after) = (changed.before.as_ref(), changed.after.as_ref());
    let mut events = react::events(&changed.id, before, after, record.seq, record.received_at);
    events.extend(verdicts::turned_red(apply, context, record, changed)?);
    events.iter().try_for_each(|event| apply.event(event).map(|_| ()).map_err(Fault::from_derived))
}

/// An entity that is gone has no names and no samples.
fn gone(kind: &EntityKind, context: &Context) -> DerivedRows {
    DerivedRows { own_metrics: aggregate::own_metrics(kind, context), ..DerivedRows::default() }
}

fn outcome(fate: Fate, counted: &mut Processed) -> Option<RecordOutcome> {
    match fate {
        Fate::Taken(diagnostics) if diagnostics.is_empty() => None,
        Fate::Taken(diagnostics) => Some(RecordOutcome::Produced { diagnostics }),
        Fate::Rejected(diagnostics) => {
            counted.rejected += 1;
            Some(RecordOutcome::Rejected { diagnostics })
        }
        Fate::Ignored(reason) => {
            counted.ignored += 1;
            Some(RecordOutcome::Ignored { reason })
        }
    }
}

fn insert_commits(apply: &Apply<'_>, graph: &RwLock<CommitGraph>, changes: &Changes) -> Result<(), Fault> {
    if changes.commits.is_empty() {
        return Ok(());
    }
    let mut rows = Vec::with_capacity(changes.commits.len());
    for id in &changes.commits {
        rows.extend(apply.entity(id).map_err(Fault::from_derived)?);
    }
    let mut graph = graph.write().unwrap_or_else(PoisonError::into_inner);
    for row in &rows {
        add_commit(&mut graph, &row.id, row.entity.as_ref());
    }
    Ok(())
}

/// Brings the search index up to the projection, after a crash between the two or the loss of the index.
fn index_what_is_behind(derived: &Derived, context: &Context) -> Result<(), Fault> {
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    let watermark = reader.watermark();
    let mut after = derived.index.watermark();
    while after < watermark {
        let rows = reader.changed_since(after, 5_000).map_err(Fault::from_derived)?;
        let Some(last) = rows.last().map(|row| row.updated_seq) else { break };
        let document = |row: &EntityRow| row.entity.as_ref().map(|e| facets::search_document(&row.id, e, context));
        let documents: Vec<_> = rows.iter().map(|row| (row.id.clone(), document(row))).collect();
        derived.index.apply(&documents).map_err(Fault::from_derived)?;
        after = last;
    }
    derived.index.commit(watermark).map_err(Fault::from_derived)
}
