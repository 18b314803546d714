//! The processor: turns the log into everything derived from it, in the order of the log.
//!
//! Invariant: what it derives is a function of the log and of the definitions alone. Batches may be cut anywhere, the
//! process may die anywhere; doing it again from the watermark, or from 0, gives the same stores.

mod additions;
mod incidents;
mod indexer;
mod lines;
mod neighbours;
mod replay;
mod verdicts;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use weir_model::diagnostic::RecordOutcome;
use weir_model::metric::DerivedRows;
use weir_model::{Entity, EntityId, EntityKind, IntegrationName, Seq, StoredRecord, Timestamp};
use weir_stages::correlate::CommitGraph;
use weir_stages::{Context, ContextSettings, aggregate, facets, react};
use weir_store::{Apply, Changed, Definition, Derived, ERASED, Reader, RecordEntities};

use crate::account::Account;
use crate::error::Fault;
use crate::hex::sha256;
use crate::normaliser::{Fate, Normalised, Normaliser};
use crate::said::said;
use crate::traces::span;
use indexer::{FOUND_MAX, Found, Indexer, index_what_is_behind};
use lines::{Remembered, Spot};
use neighbours::{Dirty, Neighbours};

pub(crate) use incidents::related_targets;
pub use replay::replay;
pub(crate) use verdicts::suspects_of;
pub use verdicts::{RedBuild, Suspects, red_builds, suspects};

/// Limit of what a number is made of: what is left out would be missing from it.
pub(crate) const EVERY_ONE: usize = usize::MAX;
/// Most records of one batch.
const BATCH_RECORDS_MAX: usize = 500;
/// Most bytes of one batch.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// Batches that wait, normalised, until the one before is applied; besides the one that its maker still holds.
const BATCHES_AHEAD: usize = 0;
/// Records, or entities that they changed, after which what needs several entities is derived before a commit is due.
const UNDERIVED_MAX: u64 = 5_000;
/// Most of them that wait for a commit while there is more to process.
const UNCOMMITTED_MAX: u64 = 50_000;
/// Longest time between two commits while there is more to process.
const COMMIT_PAUSE_MAX: Duration = Duration::from_secs(2);

/// Version of the code that derives. Grows with every change of what comes out of the same records.
const DERIVATION: u32 = 16;

/// Fingerprint of all that decides how raw records become derived rows. Another one means: derive again.
pub fn definition(settings: &ContextSettings, context: &Context) -> Definition {
    let hash = sha256(format!("{settings:?}"));
    Definition { fingerprint: format!("{DERIVATION}/{}", &hash[..16]), calendar: context.calendar().clone() }
}

/// Reads the commit graph back from the entities.
pub fn load_graph(derived: &Derived) -> Result<CommitGraph, Fault> {
    read_graph(&derived.projection.reader().map_err(Fault::from_derived)?)
}

fn read_graph(reader: &Reader<'_>) -> Result<CommitGraph, Fault> {
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
    derivation: Derivation,
}

/// Where results go: the stores in use, or new ones beside them.
struct Target<'a> {
    derived: &'a Derived,
    graph: &'a RwLock<CommitGraph>,
    /// Nobody looks at them yet.
    is_unseen: bool,
}

impl Target<'_> {
    fn graph(&self) -> RwLockReadGuard<'_, CommitGraph> {
        self.graph.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a batch changed, gathered while it is applied.
#[derive(Default)]
pub(crate) struct Changes {
    /// What the search index has not been sent yet.
    found: Vec<Found>,
    dirty: Dirty,
    runs: BTreeSet<String>,
    remembered: Remembered,
    counted: Processed,
}

impl Processor {
    /// A processor of `account`.
    pub fn new(account: Arc<Account>, normaliser: Normaliser) -> Self {
        Self { account, normaliser, derivation: Derivation::default() }
    }

    /// Processes until the log's end and gives the sum; `progress` hears the watermark after each batch.
    pub fn catch_up(&mut self, progress: &mut dyn FnMut(Seq)) -> Result<Processed, Fault> {
        let account = self.account.clone();
        if account.derived().is_stale() {
            tracing::warn!("derived stores are of other rules and are built again from the log, beside those in use");
            return self.derive_again(progress);
        }
        let derived = account.derived().clone();
        let target = Target { derived: &derived, graph: account.graph_lock(), is_unseen: false };
        // It may have documents of what a failure rolled back in the projection.
        derived.index.roll_back().map_err(Fault::from_derived)?;
        index_what_is_behind(&derived, &account.context()).map_err(Fault::from_derived)?;
        let watermark = derived.index.watermark();
        if *account.applied().borrow() < watermark {
            account.announce(watermark);
        }
        self.drain(&target, &mut |watermark| {
            // What the index does not have yet cannot be found: nobody is told that it is there.
            if derived.index.watermark() == watermark {
                account.announce(watermark);
            }
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

    /// Applies batch after batch; while one is applied, the next one is read and normalised, and what the one before
    /// changed is put into the search index.
    fn drain(&mut self, target: &Target<'_>, progress: &mut dyn FnMut(Seq)) -> Result<Processed, Fault> {
        let after = target.derived.projection.watermark().map_err(Fault::from_derived)?;
        let Self { account, normaliser, derivation } = self;
        let account: &Account = account;
        let drained = thread::scope(|scope| {
            let (ready, batches) = mpsc::sync_channel(BATCHES_AHEAD);
            scope.spawn(move || read_ahead(account, normaliser, after, &ready));
            let indexer = Indexer::start(scope, &target.derived.index);
            let mut sum = Processed::default();
            let mut open: Option<Open<'_>> = None;
            for batch in batches {
                let mut batch = batch?;
                let span = batch.span.clone();
                let mut begun = match open.take() {
                    Some(open) => open,
                    None => Open::begin(target, !batch.is_last)?,
                };
                sum.add(span.in_scope(|| derivation.apply(account, target, &mut begun, &indexer, &mut batch))?);
                if batch.is_last || derivation.is_careful || begun.is_due(target) {
                    span.in_scope(|| derivation.commit(account, target, begun, &indexer))?;
                } else {
                    if begun.n_applied - begun.n_derived >= UNDERIVED_MAX {
                        span.in_scope(|| derivation.derive(account, target, &mut begun))?;
                    }
                    open = Some(begun);
                }
                progress(batch.next);
            }
            // Nothing was behind the last batch after all.
            if let Some(open) = open {
                let last = open.last;
                derivation.commit(account, target, open, &indexer)?;
                progress(last);
            }
            Ok(sum)
        });
        if drained.is_err() {
            // What it remembers is of batches that were rolled back, and so are the commits in the graph.
            *derivation = Derivation { graph_is_ahead: true, is_careful: true, ..Derivation::default() };
        } else {
            derivation.is_careful = false;
            if !target.is_unseen {
                target.derived.projection.expect_more(false).map_err(Fault::from_derived)?;
            }
        }
        drained
    }
}

/// What was applied and nobody sees yet: of several batches, for what many of them touch is then written once.
struct Open<'p> {
    apply: Apply<'p>,
    began_at: Instant,
    /// What is to be derived of several entities once more.
    dirty: Dirty,
    /// How many records were applied, or entities changed by them where those are more; and how many of them when that
    /// was done last.
    n_applied: u64,
    n_derived: u64,
    /// Position of the last record.
    last: Seq,
}

impl<'p> Open<'p> {
    fn begin(target: &Target<'p>, is_more: bool) -> Result<Self, Fault> {
        let projection = &target.derived.projection;
        if !target.is_unseen {
            projection.expect_more(is_more).map_err(Fault::from_derived)?;
        }
        let apply = projection.apply().map_err(Fault::from_derived)?;
        let (last, began_at) = (apply.watermark(), Instant::now());
        Ok(Self { apply, began_at, dirty: Dirty::default(), n_applied: 0, n_derived: 0, last })
    }

    /// Now and then while there is more to come, so that it is seen, and so that little is lost by a fault.
    fn is_due(&self, target: &Target<'_>) -> bool {
        self.n_applied >= UNCOMMITTED_MAX || (!target.is_unseen && self.began_at.elapsed() >= COMMIT_PAUSE_MAX)
    }
}

/// A batch that was read and normalised.
struct Batch {
    records: Vec<StoredRecord>,
    /// With the index of the record.
    normalised: Vec<(usize, Normalised)>,
    /// Position of the last of it.
    next: Seq,
    /// Whether nothing was behind it when it was read.
    is_last: bool,
    /// Its part of a trace.
    span: tracing::Span,
}

/// Reads and normalises until the end of the log, or until nobody wants more.
fn read_ahead(
    account: &Account,
    normaliser: &mut Normaliser,
    after: Seq,
    ready: &mpsc::SyncSender<Result<Batch, Fault>>,
) {
    let mut after = after;
    while let Some(batch) = read(account, normaliser, after).transpose() {
        let next = batch.as_ref().ok().map(|batch| batch.next);
        let is_wanted = ready.send(batch).is_ok();
        match next.filter(|_| is_wanted) {
            Some(next) => after = next,
            None => return,
        }
    }
}

fn read(account: &Account, normaliser: &mut Normaliser, after: Seq) -> Result<Option<Batch>, Fault> {
    let read = account.log.read(after, BATCH_RECORDS_MAX, BATCH_BYTES_MAX).map_err(Fault::from_log)?;
    if read.next == after {
        return Ok(None);
    }
    for lost in read.lost.iter().filter(|lost| lost.reason != ERASED) {
        tracing::error!(first = %lost.first, last = %lost.last, reason = lost.reason, "raw records are lost");
    }
    let span = span!("batch", weir.last = read.next.0, weir.records = read.records.len());
    let normalise = || normaliser.normalise(&account.log, &read.records);
    let made = span.in_scope(|| span!("normalise").in_scope(normalise))?;
    let is_last = read.next >= account.log.last();
    Ok(Some(Batch { records: read.records, normalised: made, next: read.next, is_last, span }))
}

/// What is remembered between batches, so that only what moved is computed anew. Empty after a failure: then it is
/// found again in the stores.
#[derive(Default)]
struct Derivation {
    neighbours: Neighbours,
    /// A batch that failed may have left commits in the graph, of which the stores know nothing.
    graph_is_ahead: bool,
    remembered: Remembered,
    /// Something failed: each batch is committed by itself, so that those before the one that fails are kept.
    is_careful: bool,
}

impl Derivation {
    /// Applies one batch. After a failure nothing of what is open may be committed, and nothing of this used again.
    fn apply(
        &mut self,
        account: &Account,
        target: &Target<'_>,
        open: &mut Open<'_>,
        indexer: &Indexer,
        batch: &mut Batch,
    ) -> Result<Processed, Fault> {
        let context = account.context().clone();
        let apply = &mut open.apply;
        if std::mem::take(&mut self.graph_is_ahead) {
            *target.graph.write().unwrap_or_else(PoisonError::into_inner) = read_graph(apply)?;
        }
        let mut changes = Changes {
            dirty: std::mem::take(&mut open.dirty),
            remembered: std::mem::take(&mut self.remembered),
            ..Changes::default()
        };
        changes.counted.records = u64::try_from(batch.records.len()).unwrap_or(u64::MAX);
        let mut additions = additions::Additions::begin(apply)?;
        let step = span!("apply").entered();
        for (index, normalised) in batch.normalised.drain(..) {
            let record = &batch.records[index];
            let normalised = additions.link(apply, normalised)?;
            apply_one(apply, &context, record, normalised, &mut changes)?;
            additions.link_again(apply, &context, &account.log, record, &mut changes)?;
            if changes.found.len() >= FOUND_MAX {
                indexer.put(std::mem::take(&mut changes.found), &context, &batch.span)?;
            }
        }
        drop(step);
        indexer.put(std::mem::take(&mut changes.found), &context, &batch.span)?;
        open.n_applied += changes.counted.records.max(changes.counted.changed);
        open.last = batch.next;
        open.dirty = changes.dirty;
        self.remembered = changes.remembered;
        Ok(changes.counted)
    }

    /// Derives what needs more than one entity, for all that changed since this was done last.
    fn derive(&mut self, account: &Account, target: &Target<'_>, open: &mut Open<'_>) -> Result<(), Fault> {
        let _step = span!("derive").entered();
        let (context, dirty) = (account.context().clone(), std::mem::take(&mut open.dirty));
        self.neighbours.prepare(&dirty, target.derived, &target.graph(), &context)?;
        insert_commits(&open.apply, target.graph, dirty.commits())?;
        self.neighbours.update(&mut open.apply, &target.graph(), &context, &mut self.remembered, dirty)?;
        open.n_derived = open.n_applied;
        open.apply.flush().map_err(Fault::from_derived)
    }

    /// Lets readers and searches see what is open.
    fn commit(
        &mut self,
        account: &Account,
        target: &Target<'_>,
        mut open: Open<'_>,
        indexer: &Indexer,
    ) -> Result<(), Fault> {
        self.derive(account, target, &mut open)?;
        // It is written while tiles are computed.
        indexer.prepare()?;
        let finish = || open.apply.finish(open.last);
        span!("finish").in_scope(finish).map_err(Fault::from_derived)?;
        indexer.commit(open.last)
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
    // What a delivery was decoded to is not what polling for it would give.
    let is_of_itself = record.stream == stream && record.record.key == key;
    let said = is_of_itself.then(|| said(&record.record));
    let contribution = RecordEntities { stream, key, version, seq: record.seq, said, entities };
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
        if changed.id.kind == EntityKind::Build {
            let spot = match &changed.after {
                Some(Entity::Build(build)) => Spot::of(&changed.id, build).map(Arc::new),
                _ => None,
            };
            changes.remembered.put(changed.id.clone(), spot);
        }
        derive(apply, context, record, &changed, &mut changes.remembered)?;
        changes.dirty.mark(&changed, context);
        changes.runs.extend(additions::runs(&changed));
        let is_new = changed.before.is_none();
        changes.found.push(Found { id: changed.id, entity: changed.after, is_new });
    }
    Ok(())
}

/// Rows and events that follow from one changed entity.
fn derive(
    apply: &mut Apply<'_>,
    context: &Context,
    record: &StoredRecord,
    changed: &Changed,
    remembered: &mut Remembered,
) -> Result<(), Fault> {
    let rows = match &changed.after {
        Some(entity) => facets::derived(&changed.id, entity, context),
        None => gone(&changed.id.kind, context),
    };
    apply.derive(&changed.id, &rows).map_err(Fault::from_derived)?;
    let (before, after) = (changed.before.as_ref(), changed.after.as_ref());
    let mut events = react::events(&changed.id, before, after, record.seq, record.received_at);
    events.extend(verdicts::turned_red(apply, remembered, record, changed)?);
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

fn committed_at(entity: Option<&Entity>) -> Option<Timestamp> {
    match entity {
        Some(Entity::Commit(commit)) => commit.committed_at,
        _ => None,
    }
}

fn insert_commits(apply: &Apply<'_>, graph: &RwLock<CommitGraph>, commits: &BTreeSet<EntityId>) -> Result<(), Fault> {
    if commits.is_empty() {
        return Ok(());
    }
    let mut rows = Vec::with_capacity(commits.len());
    for id in commits {
        rows.extend(apply.entity(id).map_err(Fault::from_derived)?);
    }
    // Parents first, as far as clocks tell: a parent that comes late costs whoever asks next new levels of all commits.
    rows.sort_by_key(|row| committed_at(row.entity.as_ref()));
    let mut graph = graph.write().unwrap_or_else(PoisonError::into_inner);
    for row in &rows {
        add_commit(&mut graph, &row.id, row.entity.as_ref());
    }
    Ok(())
}
