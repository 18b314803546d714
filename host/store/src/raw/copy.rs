//! Copying what is sealed, while it is served. A sealed generation is never written again, so that a copy whose files
//! have the checksums of its manifest is whole.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::manifest::Manifest;
use super::shelf::{ShelfError, sync_files};
use super::{Raw, parse_folder};
use crate::disk::{Disk, OsDisk};

/// What a copy of the sealed generations came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// Generations that are in the copy.
    pub generations: u64,
    /// Those of them that were not in it before.
    pub new: u64,
    /// Those that cannot be copied because they are damaged, with what is wrong.
    pub damaged: Vec<String>,
}

impl Raw {
    /// Makes the folder `to` hold the sealed generations and nothing else. What it holds already is not copied again.
    pub(crate) fn copy(&self, to: &Path) -> Result<Copied, ShelfError> {
        OsDisk.create_dir(to)?;
        let mut copied = Copied::default();
        let broken = self.broken.iter().map(|broken| broken.number);
        copied.damaged.extend(broken.map(|number| format!("generation {number} cannot be read")));
        let mut kept = BTreeSet::new();
        for sealed in self.list() {
            let manifest = sealed.manifest();
            let is_there = Manifest::read(&OsDisk, to, manifest.generation)?.is_some_and(|there| there == *manifest);
            if !is_there {
                if let Err(error) = self.copy_generation(&manifest, to) {
                    copied.damaged.push(format!("generation {}: {error}", manifest.generation));
                    continue;
                }
                copied.new += 1;
            }
            copied.generations += 1;
            kept.extend([manifest.folder.clone(), Manifest::name(manifest.generation)]);
        }
        remove_others(to, &kept)?;
        Ok(copied)
    }

    fn copy_generation(&self, manifest: &Manifest, to: &Path) -> Result<(), ShelfError> {
        let (from, folder) = (self.home.raw.join(&manifest.folder), to.join(&manifest.folder));
        OsDisk.remove_dir(&folder)?;
        OsDisk.create_dir(&folder)?;
        for file in &manifest.files {
            fs::copy(from.join(file.name()), folder.join(file.name()))?;
        }
        if !manifest.matches_files(to)? {
            return Err(ShelfError("its files are not as they were when it was sealed".to_owned()));
        }
        sync_files(&OsDisk, &folder)?;
        Ok(manifest.write(&OsDisk, to)?)
    }
}

/// Removes generations that are not served any more: of those that were written anew without what was erased.
fn remove_others(to: &Path, kept: &BTreeSet<String>) -> Result<(), ShelfError> {
    for name in OsDisk.list(to)?.into_iter().filter(|name| !kept.contains(name)) {
        let path = to.join(&name);
        if parse_folder(&name).is_some() {
            OsDisk.remove_dir(&path)?;
        } else if path.is_file() {
            OsDisk.remove(&path)?;
        }
    }
    Ok(OsDisk.sync_dir(to)?)
}
