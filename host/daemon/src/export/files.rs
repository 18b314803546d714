//! Files of an export while they are written: their lines are counted, their bytes summed and encrypted.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use ring::digest::{Context, SHA256};
use weir_model::Seq;

use super::FileSum;
use super::sealing::{Recipient, Sealing};
use crate::error::Fault;
use crate::hex::hex;
use crate::sums::Sum;

pub(super) const MANIFEST: &str = "manifest.json";

pub(super) fn cannot<'a>(doing: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> Fault + 'a {
    move |error| Fault::config(format!("cannot {doing} {}", path.display())).caused_by(error)
}

/// A file in the making.
pub(super) struct Draft {
    name: String,
    out: Sealing<Summed>,
    /// What was put in, before it is encrypted.
    pub(super) bytes: u64,
    pub(super) lines: u64,
}

impl Draft {
    /// Begins to write `file`, which will be `name` in its place; encrypted, where there are recipients.
    pub(super) fn begin(file: File, name: String, recipients: &[Recipient]) -> Result<Self, Fault> {
        let out = Sealing::begin(Summed::new(file), recipients).map_err(cannot("write", Path::new(&name)))?;
        Ok(Self { name, out, bytes: 0, lines: 0 })
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
        self.write_all(bytes).map_err(|error| cannot("write", Path::new(&self.name))(error))
    }

    /// Writes its end. It is not in its place yet.
    pub(super) fn finish(self, kind: &str, last: Option<Seq>) -> Result<(File, FileSum), Fault> {
        let Self { name, out, lines, .. } = self;
        let (file, sum) = out.end().and_then(Summed::end).map_err(cannot("write", Path::new(&name)))?;
        Ok((file, FileSum { name, kind: kind.to_owned(), lines, sum, last }))
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
