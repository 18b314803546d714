//! What a generation was when it was sealed or closed: its records, its files and their checksums.
//!
//! A manifest is replaced by rename and carries a checksum of its own. sled is only given files that match it.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use weir_model::Seq;

use super::shelf::{Shelf, ShelfError, sync_files};
use crate::disk::{Disk, read_file, replace_file};
use crate::journal::ClosedAt;
use crate::log::Lost;

/// Version of generations that this program writes.
pub(crate) const FORMAT: u32 = 1;
/// Times a database is opened and closed until it no longer changes by that.
const SETTLE_ROUNDS: usize = 10;

/// How a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub(crate) enum Ending {
    /// Its packs are verified and final; its journal is not needed any more.
    Sealed,
    /// The process ended cleanly; everything the journal held then is packed.
    Closed(ClosedAt),
}

/// A file of a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileSum {
    name: String,
    bytes: u64,
    crc32c: u32,
}

impl FileSum {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// The manifest of a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) generation: u64,
    pub(crate) ending: Ending,
    /// Folder of its database, beside the manifest.
    pub(crate) folder: String,
    pub(crate) first: Seq,
    pub(crate) last: Seq,
    pub(crate) n_records: u64,
    pub(crate) n_packs: u64,
    /// Bytes of its values.
    pub(crate) bytes: u64,
    /// SHA-256 over all keys and values, in hex; empty when it is not sealed.
    pub(crate) root: String,
    pub(crate) files: Vec<FileSum>,
    /// What it does not hold of the records from first to last.
    pub(crate) lost: Vec<Lost>,
    /// Folders that were damaged and are kept for whoever wants to look.
    pub(crate) set_aside: Vec<String>,
}

impl Manifest {
    pub(crate) fn name(generation: u64) -> String {
        format!("{generation:08}.manifest")
    }

    pub(crate) fn generation_of(name: &str) -> Option<u64> {
        name.strip_suffix(".manifest")?.parse().ok()
    }

    pub(crate) fn write(&self, disk: &dyn Disk, dir: &Path) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(self).map_err(io::Error::other)?;
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(format!("\ncrc32c {crc:08x}\n").as_bytes());
        replace_file(disk, &dir.join(Self::name(self.generation)), &bytes)
    }

    /// Reads a manifest; none when it is damaged or not there.
    pub(crate) fn read(disk: &dyn Disk, dir: &Path, generation: u64) -> io::Result<Option<Self>> {
        let bytes = read_file(disk, &dir.join(Self::name(generation)))?.unwrap_or_default();
        Ok(Self::decode(&bytes).filter(|manifest| manifest.generation == generation))
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
        let (json, crc) = text.rsplit_once("\ncrc32c ")?;
        let whole = crc == format!("{:08x}", crc32c::crc32c(json.as_bytes()));
        whole.then(|| serde_json::from_str(json).ok()).flatten()
    }

    /// Whether the files are byte for byte what they were.
    pub(crate) fn matches_files(&self, dir: &Path) -> io::Result<bool> {
        Ok(file_sums(&dir.join(&self.folder))? == self.files)
    }
}

/// Name of the folder of a generation's database; every attempt to make one has a folder of its own.
pub(crate) fn folder_name(generation: u64, attempt: u32) -> String {
    format!("{generation:08}.{attempt}")
}

/// Generation and attempt in the name of a folder.
pub(crate) fn parse_folder(name: &str) -> Option<(u64, u32)> {
    let (generation, attempt) = name.split_once('.')?;
    Some((generation.parse().ok()?, attempt.parse().ok()?))
}

/// Checksums of the files of a database.
pub(crate) fn file_sums(folder: &Path) -> io::Result<Vec<FileSum>> {
    let mut sums = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let (bytes, crc32c) = sum_of(&entry.path())?;
            sums.push(FileSum { name, bytes, crc32c });
        }
    }
    sums.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sums)
}

fn sum_of(path: &Path) -> io::Result<(u64, u32)> {
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    let (mut bytes, mut crc) = (0, 0);
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok((bytes, crc)),
            n_read => {
                bytes += n_read as u64;
                crc = crc32c::crc32c_append(crc, &buffer[..n_read]);
            }
        }
    }
}

/// Closes a shelf, makes its files durable and gives their checksums.
///
/// Opening a sled database writes to it, the first two times. So it is opened and closed until that changes nothing;
/// from then on its checksums hold.
pub(crate) fn settle(disk: &dyn Disk, shelf: Shelf, folder: &Path) -> Result<Vec<FileSum>, ShelfError> {
    shelf.close(disk)?;
    let mut before = file_sums(folder)?;
    for _ in 0..SETTLE_ROUNDS {
        Shelf::open(folder)?.close(disk)?;
        let after = file_sums(folder)?;
        if before == after {
            check_no_blobs(folder)?;
            sync_files(disk, folder)?;
            return Ok(after);
        }
        before = after;
    }
    Err(ShelfError("the database does not settle".to_owned()))
}

/// Values that spill into blob files are never synced by sled; ours are too small for that.
fn check_no_blobs(folder: &Path) -> Result<(), ShelfError> {
    match std::fs::read_dir(folder.join("blobs"))?.next() {
        None => Ok(()),
        Some(_) => Err(ShelfError("a value has become a blob file".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_of_a_manifest_is_noticed() {
        let manifest = Manifest {
            format: FORMAT,
            generation: 3,
            ending: Ending::Closed(ClosedAt { segment: 1, bytes: 100, last: Seq(7) }),
            folder: folder_name(3, 1),
            first: Seq(1),
            last: Seq(7),
            n_records: 7,
            n_packs: 1,
            bytes: 1000,
            root: String::new(),
            files: vec![FileSum { name: "db".to_owned(), bytes: 5, crc32c: 9 }],
            lost: Vec::new(),
            set_aside: Vec::new(),
        };
        let disk = crate::disk::FaultyDisk::new(1);
        manifest.write(&disk, Path::new("/raw")).unwrap();
        assert_eq!(Manifest::read(&disk, Path::new("/raw"), 3).unwrap(), Some(manifest));
        let bytes = disk.content(&Path::new("/raw").join(Manifest::name(3))).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Manifest::decode(&damaged), None, "bit {bit}");
        }
    }
}
