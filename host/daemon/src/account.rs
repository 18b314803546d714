//! The stores of one account, opened together: the log, what is derived from it, and the commit graph in memory.
//!
//! The log is the truth. Everything else here can be dropped and is then built again from it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use tokio::sync::watch;
use weir_model::{AccountId, Seq, Timestamp};
use weir_stages::correlate::CommitGraph;
use weir_stages::{Context, ContextSettings};
use weir_store::{Batch, Definition, Derived, DerivedError, Keys, Log, LogLimits, LogOptions, OsDisk};

use crate::alone::Folders;
use crate::audit::Audit;
use crate::error::Fault;
use crate::process::definition;

/// Records read from the log at a time.
const BATCH_RECORDS: usize = 2_000;
/// Bytes read from the log at a time.
const BATCH_BYTES: usize = 16 << 20;

/// One account.
pub struct Account {
    /// Its name.
    pub id: AccountId,
    /// What was said, byte for byte, and how far collecting has come.
    pub log: Log,
    /// Where what is done to it is noted.
    pub audit: Arc<Audit>,
    derived: ArcSwap<Derived>,
    folder: PathBuf,
    graph: RwLock<CommitGraph>,
    settings: ContextSettings,
    context: ArcSwap<Context>,
    applied: watch::Sender<Seq>,
    rebuilding: ArcSwapOption<Rebuilding>,
    newest: ArcSwapOption<(Seq, Timestamp)>,
    /// Where copies of it are being written.
    pub(crate) copies: Folders,
}

/// A rebuild of what is derived that is under way, beside what is in use.
#[derive(Debug, Clone, Copy)]
pub struct Rebuilding {
    /// When it began.
    pub began_at: Timestamp,
    /// Position up to which everything is derived anew.
    pub at: Seq,
}

impl Account {
    /// Opens the stores of `id` below `data_dir`. What is derived and cannot be opened is begun anew; the processor fills
    /// it from the log. What was derived by other rules stays in use until it is derived again.
    pub fn open(
        data_dir: &Path,
        id: AccountId,
        keys: Arc<Keys>,
        settings: ContextSettings,
    ) -> Result<Arc<Self>, Fault> {
        let folder = data_dir.join("accounts").join(id.as_str());
        let audit = Audit::open(Arc::new(OsDisk), data_dir)?;
        let unusable = |error| Fault::config("cannot use `[[team]]` and `[metrics]`").caused_by(error);
        let context = Context::new(settings.clone()).map_err(unusable)?;
        let log = Log::open(LogOptions {
            dir: folder.clone(),
            account: id.clone(),
            keys,
            disk: Arc::new(OsDisk),
            limits: LogLimits::default(),
        })
        .map_err(Fault::from_log)?;
        let derived_folder = folder.join("derived");
        let derived = open_derived(&derived_folder, &definition(&settings, &context))?;
        let watermark = derived.projection.watermark().map_err(Fault::from_derived)?;
        // A journal that lost its end must not give out again the positions that were processed already.
        log.raise(watermark);
        let graph = crate::process::load_graph(&derived)?;
        // What the index does not have yet cannot be found: nobody is told that it is there.
        let (applied, _) = watch::channel(watermark.min(derived.index.watermark()));
        Ok(Arc::new(Self {
            id,
            log,
            audit,
            derived: ArcSwap::from_pointee(derived),
            folder: derived_folder,
            graph: RwLock::new(graph),
            settings,
            context: ArcSwap::from_pointee(context),
            applied,
            rebuilding: ArcSwapOption::empty(),
            newest: ArcSwapOption::empty(),
            copies: Folders::default(),
        }))
    }

    /// When a record was taken; none when it is not there. Every answer says it of the newest one, so that is remembered.
    pub fn taken_at(&self, seq: Seq) -> Result<Option<Timestamp>, Fault> {
        if let Some((_, at)) = self.newest.load().as_deref().filter(|(known, _)| *known == seq) {
            return Ok(Some(*at));
        }
        let taken_at = self.log.get(seq).map_err(Fault::from_log)?.map(|record| record.received_at);
        self.newest.store(taken_at.map(|at| Arc::new((seq, at))));
        Ok(taken_at)
    }

    /// The raw records behind a position, some at a time, up to the end of the log.
    pub fn batches(&self, mut after: Seq) -> impl Iterator<Item = Result<Batch, Fault>> {
        std::iter::from_fn(move || match self.log.read(after, BATCH_RECORDS, BATCH_BYTES) {
            Ok(batch) if batch.next == after => None,
            Ok(batch) => {
                after = batch.next;
                Some(Ok(batch))
            }
            Err(error) => Some(Err(Fault::from_log(error))),
        })
    }

    /// What is derived now. Hold it for one answer, not longer: a replay swaps it.
    pub fn derived(&self) -> Guard<Arc<Derived>> {
        self.derived.load()
    }

    /// Folder of what is derived.
    pub fn derived_folder(&self) -> &Path {
        &self.folder
    }

    /// Puts newly derived stores in place of the old ones.
    pub fn swap_derived(&self, next: Derived, graph: CommitGraph) {
        // Whoever has the new stores waits for the graph that goes with them.
        let mut own = self.graph_mut();
        self.derived.store(Arc::new(next));
        *own = graph;
    }

    /// The rebuild that is under way, if any.
    pub fn rebuilding(&self) -> Option<Rebuilding> {
        self.rebuilding.load().as_deref().copied()
    }

    pub(crate) fn note_rebuilding(&self, rebuilding: Option<Rebuilding>) {
        self.rebuilding.store(rebuilding.map(Arc::new));
    }

    /// What counts as what.
    pub fn context(&self) -> Guard<Arc<Context>> {
        self.context.load()
    }

    /// The settings behind it.
    pub fn settings(&self) -> &ContextSettings {
        &self.settings
    }

    /// Commits and their parents.
    pub fn graph(&self) -> RwLockReadGuard<'_, CommitGraph> {
        // A panic while writing leaves at worst a graph with fewer commits, which the next replay completes.
        self.graph.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn graph_lock(&self) -> &RwLock<CommitGraph> {
        &self.graph
    }

    fn graph_mut(&self) -> RwLockWriteGuard<'_, CommitGraph> {
        self.graph.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everyone who waits that everything up to `watermark` can be read.
    pub(crate) fn announce(&self, watermark: Seq) {
        self.applied.send_replace(watermark);
    }

    /// How far the log has been processed, with a way to wait for more.
    pub fn applied(&self) -> watch::Receiver<Seq> {
        self.applied.subscribe()
    }
}

fn open_derived(folder: &Path, definition: &Definition) -> Result<Derived, Fault> {
    match Derived::open(folder, definition) {
        Err(DerivedError::Damaged { .. }) => begin_anew(folder, definition),
        opened => opened.map_err(Fault::from_derived),
    }
}

fn begin_anew(folder: &Path, definition: &Definition) -> Result<Derived, Fault> {
    tracing::warn!("derived stores are damaged and are built again from the log");
    let next = Derived::next(folder, definition).map_err(Fault::from_derived)?;
    Derived::promote(folder, &next).map_err(Fault::from_derived)?;
    Ok(next)
}
