//! Copying what is sealed, while it is served. A sealed generation is never written again, so that a copy whose files
//! have the checksums of its manifest is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::manifest::{Manifest, file_sums};
use super::shelf::{ShelfError, sync_files};
use super::{Raw, parse_folder};
use crate::disk::{Disk, OsDisk};
use crate::log::ERASED;

/// What a copy of the sealed generations came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// Generations that are in the copy.
    pub generations: u64,
    /// Those of them that were not in it before, or not as they are now.
    pub new: u64,
    /// Those that are damaged or missing here, with what is wrong. An earlier copy of such a one stays as it is.
    pub damaged: Vec<String>,
}

impl Raw {
    /// Makes the folder `to` hold the sealed generations. What it holds already is not copied again; only what was erased
    /// is taken from it.
    ///
    /// # Errors
    /// When `to` cannot be written or read. What is wrong here is said in what the copy came to.
    pub(crate) fn copy(&self, to: &Path) -> Result<Copied, ShelfError> {
        OsDisk.create_dir(to)?;
        let mut copied = Copied::default();
        let broken = self.broken.iter().map(|broken| broken.number);
        let mut wrong: BTreeMap<u64, String> = broken.map(|number| (number, "cannot be read".to_owned())).collect();
        let mut served = BTreeMap::new();
        for sealed in self.list() {
            let manifest = sealed.manifest();
            let before = Manifest::read(&OsDisk, to, manifest.generation)?;
            if before.as_ref() != Some(&*manifest) {
                if let Some(what) = self.unfit(&manifest, before.as_ref()) {
                    wrong.insert(manifest.generation, what);
                    continue;
                }
                self.bring(&manifest, to)?;
                copied.new += 1;
            }
            served.insert(manifest.generation, manifest.folder.clone());
        }
        let held = held(to)?;
        for number in held.difference(&served.keys().copied().collect()) {
            let what = wrong.entry(*number).or_insert_with(|| "is missing".to_owned());
            what.push_str("; its earlier copy is kept");
        }
        remove_superseded(to, &served)?;
        copied.generations = held.len() as u64;
        copied.damaged = wrong.into_iter().map(|(number, what)| format!("generation {number} {what}")).collect();
        Ok(copied)
    }

    /// Why a generation is not to be copied.
    fn unfit(&self, manifest: &Manifest, before: Option<&Manifest>) -> Option<String> {
        match manifest.matches_files(&self.home.raw) {
            Ok(true) => before.and_then(|before| lacks_more_than_erased(manifest, before)),
            Ok(false) => Some("has other files than when it was sealed".to_owned()),
            Err(error) => Some(format!("cannot be read: {error}")),
        }
    }

    /// Copies a generation. What goes wrong now is wrong with the copy, and ends the whole.
    fn bring(&self, manifest: &Manifest, to: &Path) -> Result<(), ShelfError> {
        let (from, folder) = (self.home.raw.join(&manifest.folder), to.join(&manifest.folder));
        let attempt = to.join(format!("{}.new", manifest.folder));
        OsDisk.remove_dir(&attempt)?;
        OsDisk.create_dir(&attempt)?;
        for file in &manifest.files {
            fs::copy(from.join(file.name()), attempt.join(file.name()))?;
        }
        if file_sums(&attempt)? != manifest.files {
            return Err(ShelfError(format!("the copy of generation {} is not what was copied", manifest.generation)));
        }
        sync_files(&OsDisk, &attempt)?;
        OsDisk.remove_dir(&folder)?;
        fs::rename(&attempt, &folder)?;
        Ok(manifest.write(&OsDisk, to)?)
    }
}

/// An earlier copy gives way to a generation that was written anew without what was erased, and to no other: one that was
/// mended holds less than the copy does.
fn lacks_more_than_erased(now: &Manifest, before: &Manifest) -> Option<String> {
    if (now.first, now.last) != (before.first, before.last) {
        return Some("holds other records than its copy".to_owned());
    }
    let was_lost = |first, last| before.lost.iter().any(|lost| lost.first <= first && last <= lost.last);
    let new = now.lost.iter().find(|lost| lost.reason != ERASED && !was_lost(lost.first, lost.last));
    new.map(|lost| format!("has lost records {} to {} since: {}", lost.first.0, lost.last.0, lost.reason))
}

/// The generations in a copy.
fn held(to: &Path) -> Result<BTreeSet<u64>, ShelfError> {
    let numbers = OsDisk.list(to)?.into_iter().filter_map(|name| Manifest::generation_of(&name));
    Ok(numbers.collect())
}

/// Removes the earlier folders of generations that are `served` from another one now, and what was begun.
fn remove_superseded(to: &Path, served: &BTreeMap<u64, String>) -> Result<(), ShelfError> {
    for name in OsDisk.list(to)? {
        let is_superseded =
            parse_folder(&name).is_some_and(|(number, _)| served.get(&number).is_some_and(|folder| *folder != name));
        if is_superseded || name.strip_suffix(".new").is_some() {
            OsDisk.remove_dir(&to.join(&name))?;
        }
    }
    Ok(OsDisk.sync_dir(to)?)
}
