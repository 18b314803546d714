//! Files of an export: written beside their place, synced, and moved there when they are whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};
use weir_model::Seq;

use super::FileSum;
use crate::error::Fault;

pub(super) const MANIFEST: &str = "manifest.json";

pub(super) fn cannot<'a>(doing: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> Fault + 'a {
    move |error| Fault::config(format!("cannot {doing} {}", path.display())).caused_by(error)
}

/// A file in the making.
pub(super) struct Draft {
    path: PathBuf,
    beside: PathBuf,
    name: String,
    file: BufWriter<File>,
    sum: Context,
    pub(super) bytes: u64,
    pub(super) lines: u64,
}

impl Draft {
    pub(super) fn begin(dir: &Path, name: String) -> Result<Self, Fault> {
        let path = dir.join(&name);
        let folder = path.parent().unwrap_or(dir);
        fs::create_dir_all(folder).map_err(cannot("create", folder))?;
        let draft = path.with_extension("draft");
        let file = BufWriter::new(File::create(&draft).map_err(cannot("create", &draft))?);
        Ok(Self { path, beside: draft, name, file, sum: Context::new(&SHA256), bytes: 0, lines: 0 })
    }

    /// Appends a line; `bytes` without its end.
    pub(super) fn line(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.put(bytes)?;
        self.put(b"\n")?;
        self.lines += 1;
        Ok(())
    }

    /// Appends bytes.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.sum.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(cannot("write", &self.beside))
    }

    /// Makes it durable in its place.
    pub(super) fn finish(self, kind: &str, last: Option<Seq>) -> Result<FileSum, Fault> {
        let Self { path, beside: draft, name, file, sum, bytes, lines } = self;
        let file = file.into_inner().map_err(|error| cannot("write", &draft)(error.into_error()))?;
        file.sync_all().map_err(cannot("write", &draft))?;
        fs::rename(&draft, &path).map_err(cannot("name", &path))?;
        sync_folder(&path)?;
        Ok(FileSum { name, kind: kind.to_owned(), lines, bytes, sha256: hex(sum), last })
    }
}

fn hex(sum: Context) -> String {
    sum.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sync_folder(path: &Path) -> Result<(), Fault> {
    let folder = path.parent().unwrap_or(path);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(cannot("sync", folder))
}

/// Puts `bytes` in place of a file in one step.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let draft = path.with_extension("draft");
    let write = || {
        let mut file = File::create(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(cannot("write", path))?;
    sync_folder(path)
}

/// Bytes of a file and their SHA-256.
pub(super) fn digest_of(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut sum, mut bytes) = (Context::new(&SHA256), 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((bytes, hex(sum))),
            n_read => {
                sum.update(&buffer[..n_read]);
                bytes += n_read as u64;
            }
        }
    }
}

/// Names of all files below a folder, but for drafts of an export that was ended.
pub(super) fn names(dir: &Path) -> Result<Vec<String>, Fault> {
    let found = crate::lifecycle::files(dir).map_err(cannot("list", dir))?;
    let whole = found.iter().filter(|path| path.extension().is_none_or(|extension| extension != "draft"));
    Ok(whole.filter_map(|path| Some(path.strip_prefix(dir).ok()?.to_str()?.to_owned())).collect())
}
