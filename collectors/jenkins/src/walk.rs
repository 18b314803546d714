//! Finds the builds of a home on disk.
//!
//! The strict walk looks only where Jenkins puts builds, so that workspaces and archives cost nothing; the thorough walk
//! looks everywhere and is for copies of homes. Links between folders of builds are never followed: they are other names
//! of builds that are found anyway. Invariant: the order is the same on every machine.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::layout::{BUILD_XML, BUILDS, MARKERS};

/// One build found.
pub(crate) struct Found {
    /// Its folder.
    pub(crate) dir: PathBuf,
    /// Numbers of the builds beside it that only links know, by name of folder.
    pub(crate) numbers: Rc<BTreeMap<String, u64>>,
}

/// What is told while walking.
pub(crate) trait Visitor {
    /// A build; `Break` ends the walk.
    fn build(&mut self, found: &Found) -> ControlFlow<()>;
    /// A folder in which new builds or jobs may appear.
    fn place(&mut self, dir: &Path);
    /// A folder that cannot be listed.
    fn closed(&mut self, dir: &Path, error: &io::Error);
}

/// Folders nested deeper than this are not looked at.
const DEPTH_MAX: usize = 128;

/// Walks the job folders of `container` (a folder called `jobs` or `branches`).
pub(crate) fn jobs(container: &Path, visitor: &mut dyn Visitor) -> ControlFlow<()> {
    walk_jobs(container, 0, &mut BTreeSet::new(), visitor)
}

/// Walks one job.
pub(crate) fn job(dir: &Path, visitor: &mut dyn Visitor) -> ControlFlow<()> {
    walk_job(dir, 0, &mut BTreeSet::new(), visitor)
}

/// Looks at the builds in a folder called `builds`.
pub(crate) fn builds(dir: &Path, visitor: &mut dyn Visitor) -> ControlFlow<()> {
    let Some(entries) = list(dir, visitor) else { return ControlFlow::Continue(()) };
    visitor.place(dir);
    let numbers = Rc::new(linked_numbers(dir, &entries));
    for (name, kind) in entries {
        let dir = dir.join(name);
        if kind.is_dir() && dir.join(BUILD_XML).is_file() {
            visitor.build(&Found { dir, numbers: Rc::clone(&numbers) })?;
        }
    }
    ControlFlow::Continue(())
}

/// Looks everywhere below `dir` but in the folders of `skip`.
pub(crate) fn everything(dir: &Path, skip: &BTreeSet<PathBuf>, visitor: &mut dyn Visitor) -> ControlFlow<()> {
    walk_everything(dir, 0, skip, visitor)
}

/// The highest folders below and including `dir` that have a folder `jobs` in them.
pub(crate) fn homes(dir: &Path) -> Vec<PathBuf> {
    let mut homes = Vec::new();
    let mut waiting = vec![(dir.to_owned(), 0)];
    while let Some((dir, depth)) = waiting.pop() {
        if dir.join("jobs").is_dir() {
            homes.push(dir);
            continue;
        }
        let entries = sorted_entries(&dir).unwrap_or_default();
        let dirs = entries.into_iter().filter(|(_, kind)| kind.is_dir() && depth < DEPTH_MAX);
        waiting.extend(dirs.map(|(name, _)| (dir.join(name), depth + 1)));
    }
    homes.sort();
    homes
}

type Visited = BTreeSet<PathBuf>;

fn walk_jobs(container: &Path, depth: usize, visited: &mut Visited, visitor: &mut dyn Visitor) -> ControlFlow<()> {
    let Some(entries) = list(container, visitor) else { return ControlFlow::Continue(()) };
    visitor.place(container);
    for (name, kind) in entries {
        let dir = container.join(name);
        // People move the folders of big jobs to other disks and leave a link.
        if kind.is_dir()
            || (kind.is_symlink() && dir.is_dir() && fs::canonicalize(&dir).is_ok_and(|real| visited.insert(real)))
        {
            walk_job(&dir, depth + 1, visited, visitor)?;
        }
    }
    ControlFlow::Continue(())
}

fn walk_job(dir: &Path, depth: usize, visited: &mut Visited, visitor: &mut dyn Visitor) -> ControlFlow<()> {
    if depth > DEPTH_MAX {
        return ControlFlow::Continue(());
    }
    visitor.place(dir);
    if dir.join(BUILDS).is_dir() {
        builds(&dir.join(BUILDS), visitor)?;
    }
    for marker in MARKERS {
        let container = dir.join(marker);
        if !container.is_dir() {
            continue;
        }
        if marker == "configurations" {
            walk_axes(&container, depth + 1, visited, visitor)?;
        } else {
            walk_jobs(&container, depth + 1, visited, visitor)?;
        }
    }
    ControlFlow::Continue(())
}

/// Below `configurations` come pairs of folders: an axis and its value, of which the last has the builds.
fn walk_axes(dir: &Path, depth: usize, visited: &mut Visited, visitor: &mut dyn Visitor) -> ControlFlow<()> {
    let Some(entries) = list(dir, visitor).filter(|_| depth <= DEPTH_MAX) else { return ControlFlow::Continue(()) };
    for (name, kind) in entries {
        if !kind.is_dir() || name == BUILDS || MARKERS.iter().any(|marker| name == *marker) {
            continue;
        }
        let axis = dir.join(name);
        for (value, kind) in list(&axis, visitor).unwrap_or_default() {
            if kind.is_dir() {
                walk_job(&axis.join(&value), depth + 2, visited, visitor)?;
                walk_axes(&axis.join(&value), depth + 2, visited, visitor)?;
            }
        }
    }
    ControlFlow::Continue(())
}

fn walk_everything(dir: &Path, depth: usize, skip: &BTreeSet<PathBuf>, visitor: &mut dyn Visitor) -> ControlFlow<()> {
    let Some(entries) = list(dir, visitor).filter(|_| depth <= DEPTH_MAX) else { return ControlFlow::Continue(()) };
    let numbers = dir.parent().filter(|_| entries.iter().any(|(name, _)| name == BUILD_XML)).map(numbers_beside);
    for (name, kind) in entries {
        let path = dir.join(&name);
        if name == BUILD_XML && !kind.is_dir() {
            let numbers = Rc::new(numbers.clone().unwrap_or_default());
            visitor.build(&Found { dir: dir.to_owned(), numbers })?;
        } else if kind.is_dir() && !skip.contains(&path) {
            walk_everything(&path, depth + 1, skip, visitor)?;
        }
    }
    ControlFlow::Continue(())
}

fn numbers_beside(dir: &Path) -> BTreeMap<String, u64> {
    sorted_entries(dir).map(|entries| linked_numbers(dir, &entries)).unwrap_or_default()
}

/// Old homes name a build's folder by its time and link the number to it.
fn linked_numbers(dir: &Path, entries: &[(OsString, FileType)]) -> BTreeMap<String, u64> {
    let links = entries.iter().filter(|(_, kind)| kind.is_symlink());
    let number = |(name, _): &(OsString, FileType)| {
        let number = name.to_str()?.parse().ok()?;
        let target = fs::read_link(dir.join(name)).ok()?;
        Some((target.file_name()?.to_string_lossy().into_owned(), number))
    };
    links.filter_map(number).collect()
}

fn list(dir: &Path, visitor: &mut dyn Visitor) -> Option<Vec<(OsString, FileType)>> {
    match sorted_entries(dir) {
        Ok(entries) => Some(entries),
        Err(error) => {
            // Jenkins deletes old builds while we look.
            if error.kind() != io::ErrorKind::NotFound {
                visitor.closed(dir, &error);
            }
            None
        }
    }
}

/// Numbers by value, then names.
fn sorted_entries(dir: &Path) -> io::Result<Vec<(OsString, FileType)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if let Ok(kind) = entry.file_type() {
            entries.push((entry.file_name(), kind));
        }
    }
    let number = |name: &OsString| name.to_str().and_then(|name| name.parse().ok()).unwrap_or(u64::MAX);
    entries.sort_by_cached_key(|(name, _)| (number(name), name.clone()));
    Ok(entries)
}
