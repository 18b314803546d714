//! An envelope with files beside it, as parts of one body. Parts are read as they come: a file goes to disk, not to
//! memory, and no file is needed for the report to count.

use std::io::{Seek, SeekFrom, Write};

use axum::body::{Body as HttpBody, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde_json::json;
use tokio::sync::mpsc;
use weir_model::RawRecord;
use weir_stages::normalise::Format;

use super::archive::{self, Batch};
use super::envelope;
use super::sender::{Claim, Sender, dataset};
use crate::config::IntakeConfig;
use crate::error::Fault;
use crate::host::Host;
use crate::http::Shared;
use crate::http::extract::{Body, too_large};
use crate::http::problem::Problem;
use crate::http::unpack::decompressed;

/// Dataset of parts that nobody reads.
const ATTACHMENTS: &str = "attachments";
/// Most parts of a body.
const PARTS_MAX: usize = 64;

/// The parts of a body.
#[derive(Default)]
struct Parcel {
    /// The envelope.
    json: Option<Bytes>,
    /// The archive.
    file: Option<Attached>,
    /// Parts of other names.
    others: Vec<(String, Bytes)>,
}

enum Attached {
    Whole(std::fs::File),
    TooLarge,
}

/// Takes an envelope with its files.
pub(super) async fn take(host: &Shared, claim: Claim, request: Request) -> Result<Response, Problem> {
    let parcel = parcel(host, request).await?;
    let Some(json) = &parcel.json else { return Err(bad("the body has no part `json`")) };
    let read = envelope::read(host, claim, json).await?;
    let (_, record) = &read.record;
    let build = record.key.clone();
    let attached = |(name, bytes): (String, Bytes)| {
        let context = json!({ "build": build, "part": name }).to_string();
        let record = RawRecord { context: Some(context), ..RawRecord::upsert(part_key(&build, &bytes), None, &*bytes) };
        (dataset(ATTACHMENTS), record)
    };
    let mut records: Vec<_> = parcel.others.into_iter().map(attached).collect();
    let (trouble, is_too_large) = match parcel.file {
        None => (Vec::new(), false),
        Some(Attached::TooLarge) => (Vec::new(), true),
        Some(Attached::Whole(file)) => (keep_files(host, &read.sender, file, build.clone()).await?, false),
    };
    let trouble = read.trouble(Some(trouble.join("; ")).filter(|trouble| !trouble.is_empty()));
    records.push(read.record);
    read.sender.keep(host, records, Vec::new()).await?;
    if is_too_large {
        let limit = host.config.intake.file_bytes_max;
        let detail = format!("a file holds at most {limit} bytes (`file_bytes_max` of `[intake]`)");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail).hint("the report was kept, its file was not"));
    }
    envelope::reply(host, &read.envelope, trouble).await
}

fn part_key(build: &str, bytes: &[u8]) -> String {
    weir_model::raw::fingerprint(&[build.as_bytes(), b"\n", bytes].concat())
}

/// Keeps the files of an archive and tells what is wrong with it. A few are in memory at a time.
async fn keep_files(host: &Host, sender: &Sender, file: std::fs::File, build: String) -> Result<Vec<String>, Fault> {
    let (give, mut taken) = mpsc::channel::<Batch>(1);
    let unpacked_bytes_max = host.config.intake.unpacked_bytes_max;
    let of = archive::Of { build, test_reports: sender.dataset(Format::TestReports), unpacked_bytes_max };
    let reading =
        tokio::task::spawn_blocking(move || archive::read(file, &of, &mut |batch| give.blocking_send(batch).is_ok()));
    while let Some(batch) = taken.recv().await {
        sender.keep(host, batch, Vec::new()).await?;
    }
    reading.await.map_err(|error| Fault::host("an archive was not read to its end").caused_by(error))
}

async fn parcel(host: &Shared, request: Request) -> Result<Parcel, Problem> {
    let Some(boundary) = boundary(request.headers()) else {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is no multipart with a boundary")
            .hint("send multipart/form-data or multipart/mixed"));
    };
    let limits = host.config.intake;
    let body = if request.headers().contains_key(header::CONTENT_ENCODING) {
        let headers = request.headers().clone();
        let Body(body) = Body::from_request(request, host).await?;
        HttpBody::from(decompressed(host, &headers, body)?)
    } else {
        request.into_body()
    };
    // A header of a part is read whole: without a bound of all, it could be as large as the sender likes.
    let whole = limits.file_bytes_max.saturating_add(u64::try_from(limits.body_bytes_max).unwrap_or(u64::MAX));
    let constraints = Constraints::new().size_limit(SizeLimit::new().whole_stream(whole.saturating_mul(2)));
    let mut parts = Multipart::with_constraints(body.into_data_stream(), boundary, constraints);
    let mut parcel = Parcel::default();
    for _ in 0..PARTS_MAX {
        let Some(part) = parts.next_field().await.map_err(|error| torn(&error))? else { return Ok(parcel) };
        parcel.take(part, &limits).await?;
    }
    Err(bad(&format!("a body has at most {PARTS_MAX} parts")))
}

impl Parcel {
    async fn take(&mut self, part: Field<'_>, limits: &IntakeConfig) -> Result<(), Problem> {
        match part.name().map(str::to_ascii_lowercase).as_deref() {
            Some("json") if self.json.is_none() => self.json = Some(in_memory(part, limits).await?),
            Some("file") if self.file.is_none() => self.file = Some(on_disk(part, limits).await?),
            name => {
                let name = name.unwrap_or_default().to_owned();
                self.others.push((name, in_memory(part, limits).await?));
            }
        }
        Ok(())
    }
}

async fn in_memory(mut part: Field<'_>, limits: &IntakeConfig) -> Result<Bytes, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(|error| torn(&error))? {
        if bytes.len() + chunk.len() > limits.body_bytes_max {
            return Err(too_large(limits.body_bytes_max));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

/// Writes a part to a file without a name. Of one that is too large the rest is read and dropped, for what else comes
/// behind it.
async fn on_disk(mut part: Field<'_>, limits: &IntakeConfig) -> Result<Attached, Problem> {
    let failed = |error| Problem::from(Fault::host("cannot write a file aside").caused_by(error));
    let mut file = tempfile::tempfile().map_err(failed)?;
    let mut written = 0_u64;
    while let Some(chunk) = part.chunk().await.map_err(|error| torn(&error))? {
        written = written.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if written <= limits.file_bytes_max {
            file = write(file, chunk).await.map_err(failed)?;
        }
    }
    if written > limits.file_bytes_max {
        return Ok(Attached::TooLarge);
    }
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    Ok(Attached::Whole(file))
}

async fn write(mut file: std::fs::File, chunk: Bytes) -> std::io::Result<std::fs::File> {
    let writing = tokio::task::spawn_blocking(move || file.write_all(&chunk).map(|()| file));
    writing.await.map_err(std::io::Error::other)?
}

/// The boundary of a multipart of whatever kind: the plugin's library says `multipart/mixed`.
fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (kind, parameters) = kind.split_once(';')?;
    kind.trim().to_ascii_lowercase().strip_prefix("multipart/")?;
    let (_, boundary) = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then_some((name, value))
    })?;
    let boundary = boundary.trim().trim_matches('"');
    (1..=70).contains(&boundary.len()).then(|| boundary.to_owned())
}

fn torn(error: &multer::Error) -> Problem {
    match error {
        multer::Error::StreamSizeExceeded { limit } => {
            let detail = format!("a body of several parts holds at most {limit} bytes");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail).hint("send it in parts")
        }
        error => bad(&format!("the parts of the body cannot be told apart: {error}")),
    }
}

fn bad(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail).hint("send a part `json`, and a part `file` where there is one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_as_libraries_write_them() {
        let found = |kind: &str| boundary(&HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]));
        assert_eq!(found("multipart/mixed; boundary=abc").as_deref(), Some("abc"));
        assert_eq!(found("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"").as_deref(), Some("a b"));
        assert_eq!(found("multipart/mixed"), None);
        assert_eq!(found("application/json; boundary=abc"), None);
        assert_eq!(found("multipart/mixed; boundary="), None);
    }
}
