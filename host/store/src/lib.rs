//! Weir's stores. The only crate that names sled, `SQLite` and tantivy.
//!
//! What a tool said is kept in the [`log`]: a journal that is durable before anything is acknowledged, and behind
//! it sealed generations of packs. Everything else here is derived from it and can be dropped.

mod codec;
pub mod data_dir;
pub mod derived;
pub mod disk;
pub mod index;
mod journal;
pub mod keys;
pub mod log;
pub mod projection;
mod raw;

pub mod state;

pub use data_dir::{DataDir, DataDirError};
pub use derived::{Definition, Derived, DerivedError};
pub use disk::{Disk, OsDisk};
pub use index::{
    CELLS_MAX, Direction, EXACT_VALUES_MAX, FACET_VALUES_MAX, FacetCount, FacetsOver, GROUPS_MAX, Group, GroupCell,
    Grouping, Groups, HITS_MAX, Hit, Index, Measured, NoPlace, OtherGroups, Place, SearchQuery, SearchResult, Sort,
    Suggestion,
};
pub use keys::{KeyError, Keys};
pub use log::{
    Appended, Batch, Blame, Commit, Copied, ERASED, Fate, GenerationHealth, Log, LogError, LogErrorKind, LogHealth,
    LogLimits, LogOptions, Lost, Retry, Rewrite,
};
pub use projection::{
    Apply, Cell, Changed, ContributionRow, Dimension, EntityRow, OutcomeRow, Projection, Reader, RecordCounts,
    RecordEntities, Said, SampleQuery, SampleRow,
};
pub use state::{Put, StateKey};
pub use weir_model::Bucket;
