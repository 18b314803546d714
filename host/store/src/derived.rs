//! Everything that can be rebuilt from the raw log: the projection and the search index, in `derived/<n>/`.
//!
//! `derived/CURRENT` names the generation in use. A rebuild fills the next one beside it, and one rename puts it in
//! its place, so that at any time there is one whole generation or none.

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use weir_model::{Calendar, EntityId};

use crate::index::Index;
use crate::log::{Blame, Retry};
use crate::projection::Projection;

const CURRENT: &str = "CURRENT";

/// One generation of everything derived.
#[derive(Debug)]
pub struct Derived {
    /// Entities, samples, tiles, links, events.
    pub projection: Projection,
    /// Search.
    pub index: Index,
    number: u64,
    stale: bool,
}

/// What decides what is derived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Fingerprint of all of it; see [`Derived::is_stale`].
    pub fingerprint: String,
    /// Whose days the tiles are of.
    pub calendar: Calendar,
}

impl From<&str> for Definition {
    /// That of a fingerprint, with days in UTC.
    fn from(fingerprint: &str) -> Self {
        Self { fingerprint: fingerprint.to_owned(), calendar: Calendar::default() }
    }
}

/// Trouble with what is derived.
#[derive(Debug, thiserror::Error)]
pub enum DerivedError {
    /// The folder could not be used.
    #[error("cannot {doing} `{}`", path.display())]
    Folder {
        /// What was being done.
        doing: &'static str,
        /// To which path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// What is stored cannot be read any more; a rebuild from the raw log heals it.
    #[error("cannot {doing}: what is stored is damaged and must be rebuilt")]
    Damaged {
        /// What was being done.
        doing: &'static str,
        /// How it showed.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A store refused.
    #[error("cannot {doing}")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// Why not.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Something was to be stored beside an entity that no record has ever named.
    #[error("cannot {doing} of `{id}`: no record has named it")]
    NoEntity {
        /// What was being done.
        doing: &'static str,
        /// Of which entity.
        id: EntityId,
    },
    /// A record states about an entity what only another kind of entity can be.
    #[error("cannot apply what a record states about `{0}`: it is of another kind")]
    WrongKind(EntityId),
    /// A facet was asked for that no keyword field can give.
    #[error("no facet `{0}`: only keyword fields, `attr.<name>` and `data.<path>` have values to count")]
    NoFacet(String),
    /// Numbers or times were asked for of a field that has none.
    #[error("no numbers or times in `{0}`")]
    NoNumber(String),
    /// Groups were asked for, and there are more than can be held.
    #[error("more than {} groups", crate::index::CELLS_MAX)]
    TooManyGroups,
}

/// Says what was being done when an engine refused.
pub(crate) trait Doing<T> {
    /// `doing` completes the sentence "cannot ...".
    fn doing(self, doing: &'static str) -> Result<T, DerivedError>;
}

impl DerivedError {
    pub(crate) fn of_store(doing: &'static str, damaged: bool, source: impl Error + Send + Sync + 'static) -> Self {
        let source = Box::new(source);
        if damaged { Self::Damaged { doing, source } } else { Self::Store { doing, source } }
    }

    /// Whether a rebuild from the raw log is the way out.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }

    /// Whose fault it is: this machine's, but for questions that have no answer.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Folder { .. } | Self::Damaged { .. } | Self::Store { .. } | Self::NoEntity { .. } => Blame::Host,
            Self::WrongKind(_) => Blame::Plugin,
            Self::NoFacet(_) | Self::NoNumber(_) | Self::TooManyGroups => Blame::Config,
        }
    }

    /// What may help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Folder { .. } | Self::Store { .. } => Retry::Later,
            Self::Damaged { .. }
            | Self::NoEntity { .. }
            | Self::WrongKind(_)
            | Self::NoFacet(_)
            | Self::NoNumber(_)
            | Self::TooManyGroups => Retry::Never,
        }
    }
}

impl Derived {
    /// Opens the current generation in `dir`, or begins the first one. Removes what a crash left of others.
    ///
    /// # Errors
    /// [`DerivedError::Damaged`] when the projection cannot be read: fill a [`Derived::next`] and promote it. A search
    /// index that cannot be read is begun anew instead, for it is refilled from the projection.
    pub fn open(dir: &Path, definition: &Definition) -> Result<Self, DerivedError> {
        create_folder(dir)?;
        let number = match current(dir)? {
            Some(number) => number,
            None => name_current(dir, 1).map(|()| 1)?,
        };
        remove_others(dir, number)?;
        Self::open_generation(dir, number, definition)
    }

    /// An empty generation beside the current one.
    pub fn next(dir: &Path, definition: &Definition) -> Result<Self, DerivedError> {
        create_folder(dir)?;
        let taken = generations(dir)?.into_iter().chain(current(dir).ok().flatten());
        let number = taken.max().unwrap_or(0) + 1;
        Self::open_generation(dir, number, definition)
    }

    /// Makes `next` the current generation, in one step that no crash can halve, and removes the others.
    pub fn promote(dir: &Path, next: &Self) -> Result<(), DerivedError> {
        name_current(dir, next.number)?;
        remove_others(dir, next.number)
    }

    /// Number of the generation: another one may give other answers at the same watermark.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether it was derived under another definition than the one it was opened with, and is to be rebuilt. It can
    /// be read until then.
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    fn open_generation(dir: &Path, number: u64, definition: &Definition) -> Result<Self, DerivedError> {
        let folder = dir.join(number.to_string());
        create_folder(&folder)?;
        let projection = Projection::open(&folder.join("model.db"), definition)?;
        let index = Index::open(&folder.join("index"))?;
        // An index ahead of its projection has documents of records that are yet to be applied.
        if index.watermark() > projection.watermark()? {
            index.clear()?;
        }
        let stale = projection.definition()? != definition.fingerprint;
        Ok(Self { projection, index, number, stale })
    }
}

fn create_folder(path: &Path) -> Result<(), DerivedError> {
    fs::create_dir_all(path).map_err(folder("create the folder", path))
}

fn folder<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> DerivedError + 'a {
    move |source| DerivedError::Folder { doing, path: path.to_owned(), source }
}

/// The generation `CURRENT` names.
fn current(dir: &Path) -> Result<Option<u64>, DerivedError> {
    let path = dir.join(CURRENT);
    match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map(Some).map_err(|error| DerivedError::Damaged {
            doing: "read which generation is the current one",
            source: Box::new(error),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(folder("read", &path)(error)),
    }
}

/// Rename is the one step; the syncs around it make sure that it happens after what it names and before what follows.
fn name_current(dir: &Path, number: u64) -> Result<(), DerivedError> {
    let (path, temporary) = (dir.join(CURRENT), dir.join("CURRENT.new"));
    let write = || {
        fs::write(&temporary, format!("{number}\n"))?;
        fs::File::open(&temporary)?.sync_all()?;
        fs::rename(&temporary, &path)?;
        fs::File::open(dir)?.sync_all()
    };
    write().map_err(folder("name the current generation in", &path))
}

fn generations(dir: &Path) -> Result<Vec<u64>, DerivedError> {
    let read = || fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
    let names = read().map_err(folder("list", dir))?;
    Ok(names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
}

fn remove_others(dir: &Path, keep: u64) -> Result<(), DerivedError> {
    for number in generations(dir)?.into_iter().filter(|number| *number != keep) {
        let path = dir.join(number.to_string());
        fs::remove_dir_all(&path).map_err(folder("remove the earlier generation", &path))?;
    }
    Ok(())
}

#[cfg(test)]
mod measure;
#[cfg(test)]
mod tests;
