//! Files as a source: `weir ingest FILE... --as KIND`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use weir_model::{IntegrationName, RawRecord, StreamId};
use weir_stages::normalise::Format;
use weir_store::{Commit, Put};

use super::delivery::{Received, receive};
use super::push;
use crate::account::Account;
use crate::error::Fault;
use crate::normaliser::{Source, dataset};
use crate::{clock, intake};

/// Largest file read, after decompression, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 30;
/// Most records of one commit.
const COMMIT_RECORDS_MAX: usize = 1_000;
/// Most bytes of one commit, before its last record.
const COMMIT_BYTES_MAX: usize = 4 << 20;

/// What the files hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// Folders with Jenkins homes in them.
    JenkinsHome,
    /// Repositories, or folders with some in them.
    Git,
    /// Reports of test runners, in XML; folders stand for those below them.
    TestReports,
    /// Rows of a native format: JSON lines, a JSON array, or CSV with a header.
    Rows(Format),
    /// One webhook body per file, of this scheme.
    Webhook(String),
}

impl FromStr for FileKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "jenkins-home" => return Ok(Self::JenkinsHome),
            "git" => return Ok(Self::Git),
            "junit" => return Ok(Self::TestReports),
            _ => {}
        }
        if let Some(scheme) = text.strip_prefix("webhook:") {
            return Ok(Self::Webhook(scheme.to_owned()));
        }
        Format::named(text).map(Self::Rows).ok_or_else(|| {
            let formats = Format::ALL.into_iter().filter(|format| *format != Format::Forwarded).map(Format::name);
            format!(
                "`{text}` is none of jenkins-home, git, junit, data, {}, webhook:<scheme>",
                formats.collect::<Vec<_>>().join(", ")
            )
        })
    }
}

impl FileKind {
    /// Integration the records belong to, where none is named.
    pub fn default_integration(&self) -> IntegrationName {
        let name = match self {
            Self::JenkinsHome => "jenkins",
            Self::Git => "git",
            Self::Rows(_) | Self::TestReports => "ingest",
            Self::Webhook(scheme) => scheme,
        };
        IntegrationName::new(name).or_else(|_| IntegrationName::new("ingest")).expect("a constant name is one")
    }
}

/// What files brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Ingested {
    /// Records kept, durable by now.
    pub records: u64,
    /// Records that were kept before, of which nothing was kept again.
    pub duplicates: u64,
    /// What could not be read, as `file: reason`. The bytes are kept.
    pub problems: Vec<String>,
}

/// Reads a file, through gzip where it is compressed.
pub fn read_file(path: &Path) -> Result<Vec<u8>, Fault> {
    let unreadable = |error: std::io::Error| Fault::config(format!("cannot read {}", path.display())).caused_by(error);
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let mut start = [0; 2];
    let compressed = file.read_exact(&mut start).is_ok() && start == [0x1f, 0x8b];
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let read = if compressed {
        flate2::read::MultiGzDecoder::new(file).take(FILE_BYTES_MAX).read_to_end(&mut bytes)
    } else {
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)
    };
    read.map_err(unreadable)?;
    Ok(bytes)
}

/// Keeps what the files hold. `progress` hears the number of records kept so far.
pub async fn ingest_files(
    account: &Account,
    integration: &IntegrationName,
    kind: &FileKind,
    files: &[PathBuf],
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Ingested, Fault> {
    let mut ingested = Ingested::default();
    for file in files {
        match kind {
            FileKind::JenkinsHome => homes(account, integration, file, &mut ingested, progress).await?,
            FileKind::Git => repositories(account, integration, file, &mut ingested, progress).await?,
            FileKind::TestReports => test_reports(account, integration, file, &mut ingested, progress).await?,
            FileKind::Rows(format) => rows(account, integration, *format, file, &mut ingested, progress).await?,
            FileKind::Webhook(scheme) => webhook(account, integration, scheme, file, &mut ingested).await?,
        }
        progress(ingested.records);
    }
    Ok(ingested)
}

async fn rows(
    account: &Account,
    integration: &IntegrationName,
    format: Format,
    file: &Path,
    ingested: &mut Ingested,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), Fault> {
    let bytes = read_file(file)?;
    let mut problems = Vec::new();
    let records: Vec<RawRecord> = push::records(format, &bytes, &mut problems).collect();
    ingested.problems.extend(problems.iter().map(|p| {
        let (place, found) = (p.place.as_deref().unwrap_or("?"), p.found.as_deref().unwrap_or(""));
        format!("{}: {place}: {} {found}", file.display(), p.code)
    }));
    let stream = StreamId { integration: integration.clone(), dataset: dataset(format) };
    keep_all(account, &stream, records, ingested, progress).await
}

async fn homes(
    account: &Account,
    integration: &IntegrationName,
    folder: &Path,
    ingested: &mut Ingested,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), Fault> {
    let reports = crate::jenkins::scan_folder(folder)?;
    let stream = StreamId { integration: integration.clone(), dataset: dataset(Format::Builds) };
    let records = reports.into_iter().map(crate::jenkins::raw).collect();
    keep_all(account, &stream, records, ingested, progress).await
}

async fn repositories(
    account: &Account,
    integration: &IntegrationName,
    folder: &Path,
    ingested: &mut Ingested,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), Fault> {
    let (records, problems) = crate::git::read_folder(folder)?;
    ingested.problems.extend(problems);
    let stream = StreamId { integration: integration.clone(), dataset: dataset(Format::Commits) };
    keep_all(account, &stream, records, ingested, progress).await
}

async fn test_reports(
    account: &Account,
    integration: &IntegrationName,
    path: &Path,
    ingested: &mut Ingested,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), Fault> {
    let stream = StreamId { integration: integration.clone(), dataset: dataset(Format::TestReports) };
    for file in test_report_files(path) {
        let record = push::test_report(&serde_json::Map::new(), read_file(&file)?);
        keep_all(account, &stream, vec![record], ingested, progress).await?;
    }
    Ok(())
}

/// The file itself, or the reports below a folder, in order.
pub fn test_report_files(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let is_report = |path: &PathBuf| path.extension().is_some_and(|end| end == "xml" || end == "trx");
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut below: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    below.sort();
    below.iter().flat_map(|path| test_report_files(path)).filter(is_report).collect()
}

async fn keep_all(
    account: &Account,
    stream: &StreamId,
    records: Vec<RawRecord>,
    ingested: &mut Ingested,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), Fault> {
    let mut puts: Vec<Put> = Source::native().remember(&account.log, &stream.integration)?.into_iter().collect();
    let mut records = records.into_iter().peekable();
    while records.peek().is_some() {
        let mut bytes = 0;
        let mut commit = Commit { records: Vec::new(), received_at: clock::now(), puts: std::mem::take(&mut puts) };
        while let Some(record) =
            records.next_if(|_| commit.records.len() < COMMIT_RECORDS_MAX && bytes < COMMIT_BYTES_MAX)
        {
            bytes += record.size();
            commit.records.push((stream.clone(), record));
        }
        ingested.records += u64::try_from(commit.records.len()).unwrap_or(u64::MAX);
        intake::append(account, commit).await?;
        progress(ingested.records);
    }
    Ok(())
}

/// A recorded delivery: the body alone, or `{"headers": .., "body": ..}`. GitHub names the event in a header, which
/// a file does not have; the name of the folder stands for it, `push/any.payload.json`, or that of the file, `push.json`.
async fn webhook(
    account: &Account,
    integration: &IntegrationName,
    scheme: &str,
    file: &Path,
    ingested: &mut Ingested,
) -> Result<(), Fault> {
    let source = Source { plugin: Some(format!("connector-{scheme}")), settings: "{}".to_owned() };
    let event = event_name(file);
    let headers = match scheme {
        "github" => vec![("x-github-event".to_owned(), event)],
        "gitlab" => vec![("x-gitlab-event".to_owned(), event)],
        _ => Vec::new(),
    };
    let received = Received { headers, body: read_file(file)?, ..Received::default() };
    let new = receive(account, integration, &source, received).await?.map_err(Fault::from_log)?;
    let counted = if new { &mut ingested.records } else { &mut ingested.duplicates };
    *counted += 1;
    Ok(())
}

fn event_name(file: &Path) -> String {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = file.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    if name.contains("payload") { folder.to_owned() } else { name.split('.').next().unwrap_or_default().to_owned() }
}
