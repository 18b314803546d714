//! Exports in a store of the S3 kind. Requests go through egress, which signs them and decides where they may go.
//!
//! The store is asked to list, get and put, and to give up an upload that failed; nothing that is whole is deleted.
//! A file is written to one without a name in the data folder first, which is gone with the process, however it ends.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusty_s3::{Bucket, UrlStyle};
use tokio::runtime::Handle;
use url::Url;
use weir_sandbox::{Blame, Connection, Method, Request, Response, Target};

use super::files::cannot;
use super::place::Place;
use crate::config::StoreConfig;
use crate::egress::{Auth, ConnectionLimits, ConnectionSpec, Egress, Grant, HostConnection, S3Key};
use crate::error::Fault;
use crate::lifecycle::pass;

/// Size of a part, and of the largest file that goes up in one. Stores take none under 5 MiB but the last.
const PART_BYTES: u64 = 8 << 20;
/// Most parts of a file that stores take.
const PARTS_MAX: u64 = 10_000;

/// What need not be encoded in the name of an object.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A part of a bucket.
pub(super) struct Store {
    connection: Arc<HostConnection>,
    bucket: String,
    prefix: String,
    /// Folder on whose disk files are written before they go up.
    spool: PathBuf,
}

impl Store {
    /// Opens the part of `bucket` below `prefix`. Nothing is asked of the store yet.
    pub(super) fn open(
        bucket: &str,
        prefix: &str,
        config: &StoreConfig,
        spool: &Path,
        egress: &Egress,
    ) -> Result<Self, Fault> {
        let unusable = || Fault::config("cannot use `[export.store]`");
        let style = if config.virtual_host { UrlStyle::VirtualHost } else { UrlStyle::Path };
        let endpoint = Url::parse(&config.endpoint).map_err(|error| {
            unusable().hint("`endpoint` is a URL: `https://s3.eu-central-1.amazonaws.com`").caused_by(error)
        })?;
        let base = Bucket::new(endpoint, style, bucket.to_owned(), config.region.clone())
            .map_err(|error| unusable().hint("`to` is `s3://bucket/prefix`").caused_by(error))?;
        let auth = Auth::S3(S3Key {
            region: config.region.clone(),
            access_key: config.access_key.resolve()?,
            secret_key: config.secret_key.resolve()?,
        });
        let grant = Grant { private: config.private, ..Grant::everything() };
        let mut spec = ConnectionSpec::new("export", "s3", base.base_url().as_str(), auth, grant);
        // A part has to go out before the first byte comes back.
        spec.limits = ConnectionLimits {
            first_byte_wait: Duration::from_mins(5),
            total_wait: Duration::from_mins(10),
            ..ConnectionLimits::default()
        };
        let connection = egress.connection(spec).map_err(|error| unusable().caused_by(error))?;
        Ok(Self { connection, bucket: bucket.to_owned(), prefix: prefix.to_owned(), spool: spool.to_owned() })
    }

    /// Sends a request about the object `name`; any status is an answer. Blocking.
    fn ask(&self, method: Method, name: &str, query: &str, body: Vec<u8>) -> Result<Response, Fault> {
        let key = if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) };
        let key = utf8_percent_encode(&key, PLAIN);
        self.send(method, format!("/{key}{query}"), body)
    }

    fn send(&self, method: Method, path: String, body: Vec<u8>) -> Result<Response, Fault> {
        let request = Request {
            method,
            target: Target::Path(path),
            headers: Vec::new(),
            body: Some(body),
            timeout: None,
            body_bytes_max: None,
            conditional: false,
        };
        Handle::current().block_on(self.connection.send(request)).map_err(|error| {
            Fault::new(Blame::Upstream, format!("the store of {self} cannot be reached"))
                .hint("see `endpoint` in `[export.store]`")
                .caused_by(error)
        })
    }

    /// Sends a request about the object `name`; any other status than 2xx is a fault. Blocking.
    fn done(&self, method: Method, name: &str, query: &str, body: Vec<u8>) -> Result<Response, Fault> {
        let answer = self.ask(method, name, query, body)?;
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(self.refused(&answer)) }
    }

    fn refused(&self, answer: &Response) -> Fault {
        let text = String::from_utf8_lossy(&answer.body);
        let code = element(&text, "Code").unwrap_or("it does not say why");
        let (blame, hint) = match (answer.status, code) {
            (_, "NoSuchBucket") => (Blame::Config, "make the bucket, or name another in `to`"),
            (301 | 307 | 400, _) => (Blame::Config, "see `endpoint` and `region` in `[export.store]`"),
            (401 | 403, _) => (
                Blame::Config,
                "see the keys and `region` in `[export.store]`; they must be allowed to list the bucket, and to get and \
                 put objects",
            ),
            _ => (Blame::Upstream, "it is tried again later; the store knows more"),
        };
        Fault::new(blame, format!("the store of {self} answers with {}: {code}", answer.status)).hint(hint)
    }

    fn unexpected(&self, what: &str) -> Fault {
        Fault::new(Blame::Upstream, format!("the store of {self} {what}"))
            .hint("see whether `endpoint` in `[export.store]` speaks S3")
    }

    /// Puts a large file there: all of it, or nothing.
    fn keep_in_parts(&self, name: &str, file: &File, part_bytes: u64) -> Result<(), Fault> {
        let begun = self.done(Method::Post, name, "?uploads=", Vec::new())?;
        let begun = String::from_utf8_lossy(&begun.body);
        let upload = element(&begun, "UploadId").ok_or_else(|| self.unexpected("names no upload"))?;
        let upload = format!("uploadId={}", utf8_percent_encode(upload, NON_ALPHANUMERIC));
        let kept = self.send_parts(name, &upload, file, part_bytes).and_then(|list| {
            let answer = self.done(Method::Post, name, &format!("?{upload}"), list.into_bytes())?;
            // The status was sent before the store had put it together.
            let is_whole = String::from_utf8_lossy(&answer.body).contains("<CompleteMultipartUploadResult");
            if is_whole { Ok(()) } else { Err(self.refused(&answer)) }
        });
        if kept.is_err() {
            // Best effort: the reason is that of the first failure, and the store can end such uploads itself.
            drop(self.ask(Method::Delete, name, &format!("?{upload}"), Vec::new()));
        }
        kept
    }

    /// Sends the parts of a file, one after the other; the list of them that ends an upload.
    fn send_parts(&self, name: &str, upload: &str, file: &File, part_bytes: u64) -> Result<String, Fault> {
        let mut list = String::new();
        for number in 1_u64.. {
            let part = read_part(file, part_bytes).map_err(cannot("read", Path::new(name)))?;
            if part.is_empty() {
                break;
            }
            let answer = self.done(Method::Put, name, &format!("?partNumber={number}&{upload}"), part)?;
            pass("export part");
            let tag = answer.headers.iter().find(|(name, _)| name == "etag");
            let tag = tag.ok_or_else(|| self.unexpected("gives a part no tag"))?;
            let tag = String::from_utf8_lossy(&tag.1);
            list += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>");
        }
        Ok(format!("<CompleteMultipartUpload>{list}</CompleteMultipartUpload>"))
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

impl Place for Store {
    fn prepare(&self) -> Result<PathBuf, Fault> {
        Ok(self.to_string().into())
    }

    fn must_be_empty(&self) -> Result<(), Fault> {
        let prefix = if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) };
        let prefix = utf8_percent_encode(&prefix, NON_ALPHANUMERIC);
        let answer = self.send(Method::Get, format!("?list-type=2&max-keys=1&prefix={prefix}"), Vec::new())?;
        let text = String::from_utf8_lossy(&answer.body);
        match answer.status {
            200 if element(&text, "Key").is_none() => Ok(()),
            200 => Err(Fault::config(format!("{self} is not empty and no export"))
                .hint("choose a prefix that nothing begins with, or that of an earlier export")),
            _ => Err(self.refused(&answer)),
        }
    }

    fn begin(&self, _name: &str) -> Result<File, Fault> {
        tempfile::tempfile_in(&self.spool).map_err(cannot("write to", &self.spool))
    }

    fn keep(&self, name: &str, mut file: File) -> Result<(), Fault> {
        let unreadable = |error| cannot("read", Path::new(name))(error);
        let bytes = file.rewind().and_then(|()| file.metadata()).map_err(unreadable)?.len();
        if bytes > PART_BYTES {
            return self.keep_in_parts(name, &file, PART_BYTES.max(bytes.div_ceil(PARTS_MAX)));
        }
        let whole = read_part(&file, PART_BYTES).map_err(unreadable)?;
        self.done(Method::Put, name, "", whole).map(drop)
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let answer = self.ask(Method::Get, name, "", Vec::new())?;
        let text = String::from_utf8_lossy(&answer.body);
        match answer.status {
            200 => Ok(Some(answer.body.to_vec())),
            404 if element(&text, "Code") != Some("NoSuchBucket") => Ok(None),
            _ => Err(self.refused(&answer)),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        self.done(Method::Put, name, "", bytes.to_vec()).map(drop)
    }
}

/// The next bytes of a file; none at its end.
fn read_part(mut file: &File, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let mut part = Vec::new();
    file.by_ref().take(bytes_max).read_to_end(&mut part)?;
    Ok(part)
}

/// The text of the first element of that name. What is looked for holds no markup, and not every store names the
/// namespace that a parser would ask for.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(text, _)| text)
}
