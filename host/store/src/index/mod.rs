//! The search index: full text and facets over entities, in one tantivy folder.
//!
//! A search finds exactly the documents its filter matches, as [`weir_model::Filter::matches`] has it. The watermark
//! is part of each commit; an index that is lost or damaged begins anew at 0 and is refilled from the projection.

mod blocks;
mod collected;
mod document;
mod facets;
mod fields;
mod groups;
mod kept;
mod merging;
mod page;
mod query;
mod search;
mod suggest;
mod terms;
mod values;

use std::fs;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tantivy::directory::MmapDirectory;
use tantivy::indexer::IndexWriterOptions;
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, TantivyError};
use weir_model::{EntityId, SearchDocument, Seq};

use crate::derived::{DerivedError, Doing};
use fields::Fields;
use kept::Kept;
use merging::Merging;

pub use groups::{CELLS_MAX, EXACT_VALUES_MAX, GROUPS_MAX, Group, GroupCell, Grouping, Groups, Measured, OtherGroups};
pub use page::{Direction, NoPlace, Place};
pub use search::{FACET_VALUES_MAX, FacetCount, FacetsOver, HITS_MAX, Hit, SearchQuery, SearchResult, Sort};
pub use suggest::Suggestion;

/// Memory for documents that are not on disk yet.
const WRITER_BYTES_MAX: usize = 20 << 20;

/// Documents of entities, to be searched.
pub struct Index {
    fields: Fields,
    writer: Mutex<IndexWriter>,
    reader: IndexReader,
    watermark: Mutex<Seq>,
    /// Something was applied since the last commit.
    is_ahead: AtomicBool,
    kept: Kept,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("watermark", &self.watermark()).finish_non_exhaustive()
    }
}

impl Index {
    /// Opens the index in `dir`. One that is missing, damaged, or has other fields begins anew, empty, at watermark 0.
    pub fn open(dir: &Path) -> Result<Self, DerivedError> {
        Self::open_whole(dir).or_else(|error| match error {
            DerivedError::Damaged { .. } => {
                let remove = fs::remove_dir_all(dir);
                remove.map_err(|source| folder("remove the damaged search index", dir, source))?;
                Self::open_whole(dir)
            }
            other => Err(other),
        })
    }

    /// The last record whose changes can be searched.
    pub fn watermark(&self) -> Seq {
        *self.watermark.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts documents in the place of earlier ones of the same entities; none takes an entity out. Seen by searches
    /// from the next commit on.
    ///
    /// # Errors
    /// After any, nothing since the last commit is kept: go on from its watermark.
    pub fn apply(&self, docs: &[(EntityId, Option<SearchDocument>)]) -> Result<(), DerivedError> {
        self.write("add to the search index", |writer| {
            for (id, document) in docs {
                writer.delete_term(self.fields.entity_term(&id.to_string()));
                if let Some(document) = document {
                    writer.add_document(self.fields.document(id, document))?;
                }
            }
            Ok(())
        })
    }

    /// Adds the document of an entity of which there is none, as [`Index::apply`] does; that costs less than to look for
    /// an earlier one.
    ///
    /// # Errors
    /// As of [`Index::apply`].
    pub fn add(&self, id: &EntityId, document: &SearchDocument) -> Result<(), DerivedError> {
        let add = |writer: &mut IndexWriter| writer.add_document(self.fields.document(id, document)).map(drop);
        self.write("add to the search index", add)
    }

    /// Writes what was applied, for a commit to have less to do.
    ///
    /// # Errors
    /// As of [`Index::apply`].
    pub fn prepare(&self) -> Result<(), DerivedError> {
        self.write("write to the search index", |writer| writer.prepare_commit().map(drop))
    }

    /// Makes all that was applied durable and seen, together with the watermark.
    ///
    /// # Errors
    /// As of [`Index::apply`].
    pub fn commit(&self, watermark: Seq) -> Result<(), DerivedError> {
        self.write("commit to the search index", |writer| self.commit_to(writer, watermark))
    }

    /// Forgets what was applied since the last commit, if anything was.
    pub fn roll_back(&self) -> Result<(), DerivedError> {
        let mut writer = self.writer();
        if self.is_ahead.load(Ordering::Relaxed) { self.roll_back_writer(&mut writer) } else { Ok(()) }
    }

    /// Takes everything out: watermark 0.
    pub fn clear(&self) -> Result<(), DerivedError> {
        self.write("clear the search index", |writer| {
            writer.delete_all_documents()?;
            self.commit_to(writer, Seq::ZERO)
        })
    }

    /// A writer that failed takes nothing more; rolled back it begins afresh at the last commit.
    fn write(
        &self,
        doing: &'static str,
        write: impl FnOnce(&mut IndexWriter) -> tantivy::Result<()>,
    ) -> Result<(), DerivedError> {
        let mut writer = self.writer();
        self.is_ahead.store(true, Ordering::Relaxed);
        let written = write(&mut writer);
        if written.is_err() {
            self.roll_back_writer(&mut writer)?;
        }
        written.doing(doing)
    }

    fn roll_back_writer(&self, writer: &mut IndexWriter) -> Result<(), DerivedError> {
        writer.rollback().doing("return to the last commit of the search index")?;
        begin(writer, &self.fields).doing("remove what no commit of the search index names")?;
        self.is_ahead.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn commit_to(&self, writer: &mut IndexWriter, watermark: Seq) -> tantivy::Result<()> {
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(&watermark.to_string());
        commit.commit()?;
        self.is_ahead.store(false, Ordering::Relaxed);
        self.reader.reload()?;
        *self.watermark.lock().unwrap_or_else(PoisonError::into_inner) = watermark;
        Ok(())
    }

    fn writer(&self) -> MutexGuard<'_, IndexWriter> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_whole(dir: &Path) -> Result<Self, DerivedError> {
        fs::create_dir_all(dir).map_err(|source| folder("create the folder", dir, source))?;
        // What is cut short makes the engine panic here and there, where it should give an error.
        let opened = catch_unwind(AssertUnwindSafe(|| Self::open_in(dir)));
        let damaged = |_| Err(TantivyError::InternalError("the engine panicked".to_owned()));
        opened.unwrap_or_else(damaged).doing("open the search index")
    }

    fn open_in(dir: &Path) -> tantivy::Result<Self> {
        let fields = Fields::new();
        let directory = MmapDirectory::open(dir).map_err(TantivyError::from)?;
        let index = tantivy::Index::builder()
            .schema(fields.schema.clone())
            .tokenizers(fields::tokenizers())
            .open_or_create(directory)?;
        let payload = index.load_metas()?.payload;
        let watermark = payload.map_or(Ok(0), |payload| payload.parse());
        let watermark = watermark.map_err(|_| TantivyError::InvalidArgument("no watermark in a commit".to_owned()))?;
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(WRITER_BYTES_MAX)
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let writer = index.writer_with_options(options)?;
        begin(&writer, &fields)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self {
            fields,
            writer: Mutex::new(writer),
            reader,
            watermark: Mutex::new(Seq(watermark)),
            is_ahead: AtomicBool::new(false),
            kept: Kept::new(),
        })
    }
}

/// Prepares a new writer. It numbers its operations from the number of the last commit on. A merge may pass over a
/// deletion of that very number, so that a document would be there twice: the first one deletes nothing. And files of
/// deletions have the number in their name: those that a commit left that was cut short would be in the way.
fn begin(writer: &IndexWriter, fields: &Fields) -> tantivy::Result<()> {
    writer.set_merge_policy(Box::new(Merging::default()));
    writer.delete_term(fields.entity_term(""));
    writer.garbage_collect_files().wait().map(drop)
}

fn folder(doing: &'static str, path: &Path, source: std::io::Error) -> DerivedError {
    DerivedError::Folder { doing, path: path.to_owned(), source }
}

impl<T> Doing<T> for tantivy::Result<T> {
    fn doing(self, doing: &'static str) -> Result<T, DerivedError> {
        self.map_err(|error| DerivedError::of_store(doing, is_damage(&error), error))
    }
}

/// Besides what tantivy calls damage: what a whole index of this version never leads to.
fn is_damage(error: &TantivyError) -> bool {
    use TantivyError::{
        DataCorruption, DeserializeError, FieldNotFound, IncompatibleIndex, InternalError, InvalidArgument, IoError,
        OpenReadError, SchemaError,
    };
    match error {
        IoError(error) => matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof),
        DataCorruption(_) | DeserializeError(_) | IncompatibleIndex(_) | OpenReadError(_) => true,
        other => matches!(other, FieldNotFound(_) | InternalError(_) | InvalidArgument(_) | SchemaError(_)),
    }
}

#[cfg(test)]
mod tests;
