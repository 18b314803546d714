//! The narrow file layer under the journal and the manifests, so that power loss and full disks can be rehearsed.
//!
//! Nothing is durable before `sync` of the file and, for a new name, `sync_dir` of its folder. sled writes its own
//! files past this layer; see `raw`.

pub mod faulty;
mod os;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use faulty::FaultyDisk;
pub use os::OsDisk;

/// A file system as the journal needs it.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Creates an empty file that must not exist yet.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file that exists.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Gives a file another name in one step, replacing what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Creates a folder that only its owner can enter, and those above it, durable with their names; one that exists is
    /// left as it is.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder with all that is in it; one that is not there is fine.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Names of the files and folders in a folder, sorted; none when there is no such folder.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes the content of a file durable that another library has written.
    fn sync_foreign(&self, path: &Path) -> io::Result<()>;
}

/// An open file that grows at its end.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Writes all of `bytes` at the end. After an error any part of them may be there.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;
    /// Makes the content durable (`fdatasync`).
    fn sync(&self) -> io::Result<()>;
    /// Reads up to `buffer.len()` bytes; fewer only at the end of the file.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// Length in bytes.
    fn length(&self) -> io::Result<u64>;
    /// Cuts the file to `length`.
    fn truncate(&self, length: u64) -> io::Result<()>;
}

/// Puts `bytes` under `path` so that, whatever happens, either the old or the new content is there.
pub fn replace_file(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("draft");
    if let Err(error) = disk.remove(&draft)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let file = disk.create(&draft)?;
    file.append(bytes)?;
    file.sync()?;
    disk.rename(&draft, path)?;
    sync_parent(disk, path)
}

/// Makes the name of `path` durable.
pub fn sync_parent(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    // The parent of a bare name is empty, and means here.
    let here = |dir| if dir == Path::new("") { Path::new(".") } else { dir };
    path.parent().map_or(Ok(()), |dir| disk.sync_dir(here(dir)))
}

/// The whole content of a small file; none when there is no such file.
pub fn read_file(disk: &dyn Disk, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match disk.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = usize::try_from(file.length()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    let n_read = file.read_at(0, &mut bytes)?;
    bytes.truncate(n_read);
    Ok(Some(bytes))
}
