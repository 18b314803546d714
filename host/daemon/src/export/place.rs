//! Where an export lies: in a folder, or in a store of the S3 kind. What writes and reads exports knows only of places.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_store::OsDisk;
use weir_store::disk::{replace_file, sync_parent};

use super::files::cannot;
use super::store::Store;
use crate::config::Config;
use crate::egress::Egress;
use crate::error::Fault;

/// What the address of a store begins with.
const SCHEME: &str = "s3://";

/// The address of a place, as people write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "PathBuf", into = "String")]
pub enum To {
    /// A folder.
    Folder(PathBuf),
    /// `s3://bucket/prefix`: all names in the bucket that begin with the prefix and a slash.
    Store {
        /// The bucket.
        bucket: String,
        /// The prefix, without a slash at its ends; empty: the whole bucket.
        prefix: String,
    },
}

impl From<PathBuf> for To {
    fn from(path: PathBuf) -> Self {
        let Some(rest) = path.to_str().and_then(|text| text.strip_prefix(SCHEME)) else { return Self::Folder(path) };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        Self::Store { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() }
    }
}

impl From<To> for String {
    fn from(to: To) -> Self {
        to.to_string()
    }
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Store { bucket, prefix } => write!(f, "{SCHEME}{bucket}/{prefix}"),
        }
    }
}

/// A place that can be written to. A file is begun beside it, and is there in one step when it is whole.
pub trait Place: fmt::Display + Send + Sync {
    /// Makes it ready to be written to. The answer is the one name it has, by which others are kept out.
    fn prepare(&self) -> Result<PathBuf, Fault>;

    /// Refuses a place that holds something else.
    fn must_be_empty(&self) -> Result<(), Fault>;

    /// A file that will be `name`, and is not there yet.
    fn begin(&self, name: &str) -> Result<File, Fault>;

    /// Puts it there, in place of one that was. It is durable afterwards.
    fn keep(&self, name: &str, file: File) -> Result<(), Fault>;

    /// The bytes of a small file; none when it is not there.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Fault>;

    /// Puts a small file there, in place of one that was.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Fault>;
}

/// Opens a place; a store as `[export.store]` says. Nothing is asked of it yet.
pub fn open(to: &To, config: &Config, egress: &Egress) -> Result<Box<dyn Place>, Fault> {
    Ok(match to {
        To::Folder(dir) => Box::new(Folder(dir.clone())),
        To::Store { bucket, prefix } => {
            let store = config.export.as_ref().and_then(|export| export.store.as_ref());
            let store = store.ok_or_else(|| {
                Fault::config(format!("nothing is known of the store of {to}"))
                    .hint("add `[export.store]` with `endpoint`, `region`, `access_key` and `secret_key`")
            })?;
            Box::new(Store::open(bucket, prefix, store, &config.host.data_dir, egress)?)
        }
    })
}

/// A folder of this machine.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    /// Where a file is written until it is whole; `sums` leaves such names out.
    fn beside(&self, name: &str) -> PathBuf {
        self.0.join(name).with_extension("draft")
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl Place for Folder {
    fn prepare(&self) -> Result<PathBuf, Fault> {
        fs::create_dir_all(&self.0).map_err(cannot("create", &self.0))?;
        self.0.canonicalize().map_err(cannot("use", &self.0))
    }

    fn must_be_empty(&self) -> Result<(), Fault> {
        let mut there = fs::read_dir(&self.0).map_err(cannot("list", &self.0))?;
        match there.next() {
            None => Ok(()),
            Some(_) => Err(Fault::config(format!("{self} is not empty and no export"))
                .hint("choose a folder that is empty, or that of an earlier export")),
        }
    }

    fn begin(&self, name: &str) -> Result<File, Fault> {
        let beside = self.beside(name);
        let folder = beside.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder).map_err(cannot("create", folder))?;
        File::create(&beside).map_err(cannot("create", &beside))
    }

    fn keep(&self, name: &str, file: File) -> Result<(), Fault> {
        let (path, beside) = (self.0.join(name), self.beside(name));
        file.sync_all().map_err(cannot("write", &beside))?;
        fs::rename(&beside, &path).map_err(cannot("name", &path))?;
        sync_parent(&OsDisk, &path).map_err(cannot("sync", &path))
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let path = self.0.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot("read", &path)(error)),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        let path: &Path = &self.0.join(name);
        replace_file(&OsDisk, path, bytes).map_err(cannot("write", path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_shown() {
        let store = |bucket: &str, prefix: &str| To::Store { bucket: bucket.to_owned(), prefix: prefix.to_owned() };
        for (text, to, shown) in [
            ("s3://weir/a/b", store("weir", "a/b"), "s3://weir/a/b"),
            ("s3://weir/a/", store("weir", "a"), "s3://weir/a"),
            ("s3://weir", store("weir", ""), "s3://weir/"),
            ("exports", To::Folder("exports".into()), "exports"),
            ("/srv/s3://x", To::Folder("/srv/s3://x".into()), "/srv/s3://x"),
        ] {
            let read = To::from(PathBuf::from(text));
            assert_eq!((read.to_string().as_str(), &read), (shown, &to));
            assert_eq!(To::from(PathBuf::from(shown)), to);
        }
    }
}
