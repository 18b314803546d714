//! Finding packs in the files of a database that cannot be trusted any more.
//!
//! The damaged folder is only read. What verifies goes into a new one, and the manifest points there in one step.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use weir_model::Seq;

use super::chunk::{CHUNK_MAGIC, Chunk, Tree, VALUE_BYTES_MAX};
use super::manifest::{Ending, FORMAT, Manifest, settle};
use super::shelf::{Shelf, ShelfError};
use super::{entry_seal, new_folder, verify};
use crate::log::{Home, Lost};

/// Bytes searched at a time.
const WINDOW_BYTES: usize = 4 << 20;

/// Rebuilds a sealed generation from the bytes of its folders. `old` is its manifest, if that is whole.
pub(crate) fn salvage(home: &Home, generation: u64, old: Option<&Manifest>) -> Result<Manifest, ShelfError> {
    let sources = match old {
        Some(manifest) => vec![manifest.folder.clone()],
        None => super::folders_of(home, generation)?,
    };
    let folder = new_folder(home, generation)?;
    let shelf = Shelf::create(&*home.disk, &home.raw.join(&folder))?;
    let mut n_chunks = 0;
    for source in &sources {
        n_chunks += copy_chunks(&home.raw.join(source).join("db"), &shelf)?;
    }
    if n_chunks == 0 {
        return Err(ShelfError("nothing can be read from its files".to_owned()));
    }
    let seal = entry_seal(home, generation);
    let first = match old {
        Some(manifest) => manifest.first,
        None => super::last_before(home, generation)?.plus(1),
    };
    let verified = verify::verify(&shelf, &seal, first, old.map(|manifest| manifest.last))?;
    if verified.n_packs == 0 && verified.n_damaged > 0 {
        return Err(ShelfError("no pack in its files verifies".to_owned()));
    }
    let last = old.map(|manifest| manifest.last).or(verified.last).unwrap_or(Seq(first.0 - 1));
    let mut set_aside = old.map_or_else(Vec::new, |manifest| manifest.set_aside.clone());
    set_aside.extend(sources);
    let manifest = Manifest {
        format: FORMAT,
        generation,
        ending: Ending::Sealed,
        folder: folder.clone(),
        first,
        last,
        n_records: verified.n_records,
        n_packs: verified.n_packs,
        bytes: verified.bytes,
        root: verified.root,
        files: settle(&*home.disk, shelf, &home.raw.join(&folder))?,
        lost: lost(&verified.missing, old),
        set_aside,
    };
    manifest.write(&*home.disk, &home.raw)?;
    Ok(manifest)
}

fn lost(missing: &[(Seq, Seq)], old: Option<&Manifest>) -> Vec<Lost> {
    let known = old.map_or_else(Vec::new, |manifest| manifest.lost.clone());
    let lost = missing.iter().map(|&(first, last)| {
        let before = known.iter().find(|lost| lost.first <= first && last <= lost.last);
        let reason = before.map_or("its pack was damaged", |lost| &lost.reason);
        Lost { first, last, reason: reason.to_owned() }
    });
    lost.collect()
}

/// Copies every whole chunk found in `file`, wherever it lies, and counts them.
fn copy_chunks(file: &Path, shelf: &Shelf) -> Result<usize, ShelfError> {
    let mut file = match File::open(file) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let mut n_chunks = 0;
    let mut window = Vec::new();
    loop {
        let n_read = Read::take(&mut file, WINDOW_BYTES as u64).read_to_end(&mut window)?;
        let at_end = n_read == 0;
        // A chunk that begins near the end of the window may go on behind it.
        let until = if at_end { window.len() } else { window.len().saturating_sub(VALUE_BYTES_MAX) };
        n_chunks += copy_window(&window, until, shelf)?;
        if at_end {
            return Ok(n_chunks);
        }
        window.drain(..until);
    }
}

fn copy_window(window: &[u8], until: usize, shelf: &Shelf) -> Result<usize, ShelfError> {
    let mut n_chunks = 0;
    for tree in Tree::ALL {
        let mut chunks = Vec::new();
        let starts = window.windows(CHUNK_MAGIC.len()).take(until).enumerate();
        for (at, _) in starts.filter(|(_, bytes)| *bytes == CHUNK_MAGIC) {
            let Some(chunk) = Chunk::decode(&window[at..]).filter(|chunk| chunk.key.tree == tree) else { continue };
            chunks.push((chunk.key.chunk(chunk.number).to_vec(), window[at..at + chunk.value_bytes()].to_vec()));
        }
        n_chunks += chunks.len();
        shelf.insert(tree, &chunks)?;
    }
    Ok(n_chunks)
}
