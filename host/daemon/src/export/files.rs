//! Files of an export: written beside their place, synced, and moved there when they are whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};
use weir_model::Seq;
use weir_store::OsDisk;
use weir_store::disk::{replace_file, sync_parent};

use super::FileSum;
use crate::error::Fault;
use crate::hex::hex;
use crate::sums::Sum;

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
        self.write_all(bytes).map_err(|error| cannot("write", &self.beside)(error))
    }

    /// Makes it durable in its place.
    pub(super) fn finish(self, kind: &str, last: Option<Seq>) -> Result<FileSum, Fault> {
        let Self { path, beside: draft, name, file, sum, bytes, lines } = self;
        let file = file.into_inner().map_err(|error| cannot("write", &draft)(error.into_error()))?;
        file.sync_all().map_err(cannot("write", &draft))?;
        fs::rename(&draft, &path).map_err(cannot("name", &path))?;
        sync_parent(&OsDisk, &path).map_err(cannot("sync", &path))?;
        let sum = Sum { bytes, sha256: hex(sum.finish()) };
        Ok(FileSum { name, kind: kind.to_owned(), lines, sum, last })
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.sum.update(&bytes[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Puts `bytes` in place of a file in one step.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    replace_file(&OsDisk, path, bytes).map_err(cannot("write", path))
}
