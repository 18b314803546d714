//! Files of an export: written beside their place, synced, and moved there when they are whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};
use weir_model::Seq;
use weir_store::OsDisk;
use weir_store::disk::{replace_file, sync_parent};

use super::FileSum;
use super::sealing::{ENDING, Recipient, Sealing};
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
    out: Sealing<Summed>,
    /// What was put in, before it is encrypted.
    pub(super) bytes: u64,
    pub(super) lines: u64,
}

impl Draft {
    /// Begins the file `name` of the export in `dir`; with recipients, its name says that it is encrypted for them.
    pub(super) fn begin(dir: &Path, name: &str, recipients: &[Recipient]) -> Result<Self, Fault> {
        let name = format!("{name}{}", if recipients.is_empty() { "" } else { ENDING });
        let path = dir.join(&name);
        let folder = path.parent().unwrap_or(dir);
        fs::create_dir_all(folder).map_err(cannot("create", folder))?;
        let beside = path.with_extension("draft");
        let file = File::create(&beside).map_err(cannot("create", &beside))?;
        let out = Sealing::begin(Summed::new(file), recipients).map_err(cannot("write", &beside))?;
        Ok(Self { path, beside, name, out, bytes: 0, lines: 0 })
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
        let Self { path, beside, name, out, lines, .. } = self;
        let (file, sum) = out.end().and_then(Summed::end).map_err(cannot("write", &beside))?;
        file.sync_all().map_err(cannot("write", &beside))?;
        fs::rename(&beside, &path).map_err(cannot("name", &path))?;
        sync_parent(&OsDisk, &path).map_err(cannot("sync", &path))?;
        Ok(FileSum { name, kind: kind.to_owned(), lines, sum, last })
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A file whose digest is taken while it is written.
struct Summed {
    file: BufWriter<File>,
    digest: Context,
    bytes: u64,
}

impl Summed {
    fn new(file: File) -> Self {
        Self { file: BufWriter::new(file), digest: Context::new(&SHA256), bytes: 0 }
    }

    fn end(self) -> io::Result<(File, Sum)> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok((file, Sum { bytes: self.bytes, sha256: hex(self.digest.finish()) }))
    }
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.digest.update(&bytes[..n]);
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
