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
    pub(crate) fn copy(&self, to: &Path) -> Result<Copied, ShelfError> {
        OsDisk.create_dir(to)?;
        let mut copied = Copied::default();
        let broken = self.broken.iter().map(|broken| broken.number);
        let mut wrong: BTreeMap<u64, String> = broken.map(|number| (number, "cannot be read".to_owned())).collect();
        let mut served = BTreeMap::new();
        for sealed in self.list() {
            let manifest = sealed.manifest();
            match self.bring(&manifest, to) {
                Ok(is_new) => {
                    copied.new += u64::from(is_new);
                    served.insert(manifest.generation, manifest.folder.clone());
                }
                Err(error) => drop(wrong.insert(manifest.generation, error.to_string())),
            }
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

    /// Copies a generation, unless the copy is there. False: it was.
    fn bring(&self, manifest: &Manifest, to: &Path) -> Result<bool, ShelfError> {
        let before = Manifest::read(&OsDisk, to, manifest.generation)?;
        if before.as_ref() == Some(manifest) {
            return Ok(false);
        }
        if let Some(before) = before {
            lacks_only_erased(manifest, &before)?;
        }
        let (from, folder) = (self.home.raw.join(&manifest.folder), to.join(&manifest.folder));
        let attempt = to.join(format!("{}.new", manifest.folder));
        OsDisk.remove_dir(&attempt)?;
        OsDisk.create_dir(&attempt)?;
        for file in &manifest.files {
            fs::copy(from.join(file.name()), attempt.join(file.name()))?;
        }
        if file_sums(&attempt)? != manifest.files {
            OsDisk.remove_dir(&attempt)?;
            return Err(ShelfError("has other files than when it was sealed".to_owned()));
        }
        sync_files(&OsDisk, &attempt)?;
        OsDisk.remove_dir(&folder)?;
        fs::rename(&attempt, &folder)?;
        manifest.write(&OsDisk, to)?;
        Ok(true)
    }
}

/// An earlier copy gives way to a generation that was written anew without what was erased, and to no other: one that was
/// mended holds less than the copy does.
fn lacks_only_erased(now: &Manifest, before: &Manifest) -> Result<(), ShelfError> {
    if (now.first, now.last) != (before.first, before.last) {
        return Err(ShelfError("holds other records than its copy".to_owned()));
    }
    let was_lost = |first, last| before.lost.iter().any(|lost| lost.first <= first && last <= lost.last);
    let new = now.lost.iter().find(|lost| lost.reason != ERASED && !was_lost(lost.first, lost.last));
    new.map_or(Ok(()), |lost| {
        Err(ShelfError(format!("has lost records {} to {} since: {}", lost.first.0, lost.last.0, lost.reason)))
    })
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
