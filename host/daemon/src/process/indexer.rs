//! Puts what changed into the search index, beside whatever is processed next: documents are made, added and committed
//! on a thread of their own, in the order in which they are sent.

use std::sync::{Arc, mpsc};
use std::thread::Scope;

use tracing::Span;
use weir_model::{Entity, EntityId, Seq};
use weir_stages::{Context, facets};
use weir_store::{Derived, DerivedError, EntityRow, Index};

use crate::error::Fault;
use crate::traces::span;

/// Lists of changed entities that wait, each of at most [`FOUND_MAX`] and those of one record.
const AHEAD: usize = 4;
/// Changed entities that are sent at once.
pub(super) const FOUND_MAX: usize = 250;

/// An entity that changed, as it is now.
pub(super) struct Found {
    pub(super) id: EntityId,
    pub(super) entity: Option<Entity>,
    /// There is no document of it to be replaced.
    pub(super) is_new: bool,
}

enum Work {
    Put { found: Vec<Found>, context: Arc<Context>, span: Span },
    Prepare,
    Commit { watermark: Seq, span: Span },
}

/// The sending end. What was put and not committed is seen by nobody, and is rolled back before the next one begins.
pub(super) struct Indexer {
    work: mpsc::SyncSender<Work>,
    /// Hears of each commit, and of the first failure, which ends the work.
    done: mpsc::Receiver<Result<(), DerivedError>>,
}

impl Indexer {
    pub(super) fn start<'s>(scope: &'s Scope<'s, '_>, index: &'s Index) -> Self {
        let (work, ordered) = mpsc::sync_channel(AHEAD);
        let (told, done) = mpsc::channel();
        scope.spawn(move || {
            for work in ordered {
                let is_commit = matches!(work, Work::Commit { .. });
                let result = run(index, work);
                let is_over = result.is_err();
                if is_commit || is_over {
                    // After a failure elsewhere nobody hears it.
                    let _ = told.send(result);
                }
                if is_over {
                    return;
                }
            }
        });
        Self { work, done }
    }

    /// Takes changed entities of what `span` is about; a failure of earlier ones is told here or by the next commit.
    pub(super) fn put(&self, found: Vec<Found>, context: &Arc<Context>, span: &Span) -> Result<(), Fault> {
        let work = Work::Put { found, context: context.clone(), span: span.clone() };
        self.work.send(work).or_else(|_| self.told())
    }

    /// Lets all that was put be written, for a commit to have less to do.
    pub(super) fn prepare(&self) -> Result<(), Fault> {
        self.work.send(Work::Prepare).or_else(|_| self.told())
    }

    /// Lets searches find all that was put.
    pub(super) fn commit(&self, watermark: Seq) -> Result<(), Fault> {
        // Where nobody takes it any more there is a failure to be told.
        let _ = self.work.send(Work::Commit { watermark, span: Span::current() });
        self.told()
    }

    fn told(&self) -> Result<(), Fault> {
        let gone = |_| Fault::host("cannot write the search index: its thread has ended");
        self.done.recv().map_err(gone)?.map_err(Fault::from_derived)
    }
}

fn run(index: &Index, work: Work) -> Result<(), DerivedError> {
    match work {
        Work::Put { found, context, span } => {
            let _step = span.in_scope(|| span!("index")).entered();
            found.into_iter().try_for_each(|found| put(index, found, &context))
        }
        Work::Prepare => index.prepare(),
        Work::Commit { watermark, span } => span.in_scope(|| span!("commit")).in_scope(|| index.commit(watermark)),
    }
}

fn put(index: &Index, Found { id, entity, is_new }: Found, context: &Context) -> Result<(), DerivedError> {
    match entity.map(|entity| facets::search_document(&id, &entity, context)) {
        Some(document) if is_new => index.add(&id, &document),
        document => index.apply(&[(id, document)]),
    }
}

/// Brings the search index up to the projection, after a crash between the two or the loss of the index.
pub(super) fn index_what_is_behind(derived: &Derived, context: &Context) -> Result<(), DerivedError> {
    let reader = derived.projection.reader()?;
    let watermark = reader.watermark();
    let mut after = derived.index.watermark();
    if after >= watermark {
        return Ok(());
    }
    while after < watermark {
        let rows = reader.changed_since(after, 5_000)?;
        let Some(last) = rows.last().map(|row| row.updated_seq) else { break };
        for EntityRow { id, entity, .. } in rows {
            put(&derived.index, Found { id, entity, is_new: false }, context)?;
        }
        after = last;
    }
    derived.index.commit(watermark)
}
