//! The git collector inside the host: reads repositories on disk and feeds what is new into the log.
//!
//! Invariant: where the refs of a repository point is written together with the last of its records, so that a reading
//! that is broken off is done again.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_git::{Extent, Report, Repository, Scan, Settings, Tips};
use weir_model::{IntegrationName, Op, RawRecord, StreamId};
use weir_stages::normalise::Format;
use weir_store::{Commit, Put};

use crate::account::Account;
use crate::collect::{DatasetFailure, Depth, RunRecord, remember};
use crate::config::IntegrationConfig;
use crate::error::Fault;
use crate::hex::sha256;
use crate::host::Host;
use crate::normaliser::{Source, dataset};
use crate::{clock, state_keys};

/// Most records of one commit.
const BATCH_RECORDS_MAX: usize = 1_000;
/// Most bytes of one commit, before its last record.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// Settings of the collector, from the integration's.
pub fn settings(integration: &IntegrationConfig) -> Result<Settings, Fault> {
    serde_json::from_str(&integration.settings_json()).map_err(|error| {
        Fault::config(format!("settings of integration `{}` do not fit", integration.name))
            .hint("they are { repositories, branches, tags, stats, url }")
            .caused_by(error)
    })
}

/// Names of the repositories that an integration reads, and why others cannot be read.
pub fn check(integration: &IntegrationConfig) -> Result<(Vec<String>, Vec<String>), Fault> {
    let (mut names, mut failures) = (Vec::new(), Vec::new());
    for found in find(&settings(integration)?)? {
        match found {
            Ok(repository) => names.push(repository.name),
            Err(error) => failures.push(Fault::config("it is passed over").caused_by(error).chain()),
        }
    }
    Ok((names, failures))
}

/// Records of everything in the repositories at or below a folder, and what is wrong with them.
pub fn read_folder(folder: &Path) -> Result<(Vec<RawRecord>, Vec<String>), Fault> {
    let (mut records, mut problems) = (Vec::new(), Vec::new());
    for found in find(&Settings::new(folder.display().to_string()))? {
        let repository = found.map_err(|error| Fault::config("cannot read a repository").caused_by(error))?;
        let scan = repository.read(&Tips::default(), Extent::All, clock::now().ms(), &mut |report| {
            records.push(raw(report));
            ControlFlow::Continue(())
        });
        problems.extend(scan.problems.iter().map(|p| format!("{}: {}: {}", repository.name, p.subject, p.message)));
    }
    Ok((records, problems))
}

/// Collects an integration: what is new in each of its repositories, or everything.
pub(crate) async fn collect(host: &Host, integration: &IntegrationConfig, depth: Depth) -> Result<RunRecord, Fault> {
    let mut run = RunRecord::begun(clock::now(), depth);
    let settings = settings(integration)?;
    let (account, name) = (host.account.clone(), integration.name.clone());
    let source = Source::native();
    remember(&account, &name, &source, &run).await?;
    let extent = if depth == Depth::Full { Extent::All } else { Extent::New };
    let reading = Reading { account: account.clone(), name: name.clone(), settings, extent };
    let read = tokio::task::spawn_blocking(move || reading.run());
    let tally = read.await.map_err(|error| Fault::host("reading repositories ended in a panic").caused_by(error))??;
    (run.records, run.withdrawn, run.failures) = (tally.records, tally.withdrawn, tally.failures);
    run.finished_at = Some(clock::now());
    remember(&account, &name, &source, &run).await?;
    Ok(run)
}

fn find(settings: &Settings) -> Result<Vec<Result<Repository, weir_git::OpenError>>, Fault> {
    weir_git::find(settings).map_err(|error| {
        Fault::config("cannot find the repositories")
            .hint("`repositories` in the settings are folders, with `*` or not, that this user may read")
            .caused_by(error)
    })
}

/// A report as a raw record. A commit never changes; of a ref the latest reading counts.
fn raw(report: Report) -> RawRecord {
    match report.json {
        Some(json) => RawRecord::upsert(report.key, None, json),
        None => RawRecord::delete(report.key, None),
    }
}

/// One reading of an integration's repositories.
struct Reading {
    account: Arc<Account>,
    name: IntegrationName,
    settings: Settings,
    extent: Extent,
}

#[derive(Default)]
struct Tally {
    records: u64,
    withdrawn: u64,
    failures: Vec<DatasetFailure>,
}

/// What is kept of a repository between two readings.
#[derive(Serialize, Deserialize)]
struct Memory {
    /// Other settings report other things: they begin anew.
    settings: String,
    tips: Tips,
}

impl Reading {
    fn run(self) -> Result<Tally, Fault> {
        let mut tally = Tally::default();
        let all = find(&self.settings).unwrap_or_else(|fault| {
            tally.fail("repositories".to_owned(), fault.chain(), "config");
            Vec::new()
        });
        for found in all {
            match found {
                Ok(repository) => self.read(&repository, &mut tally)?,
                Err(error) => {
                    let error = Fault::config("a repository is passed over").caused_by(error).chain();
                    tally.fail("repositories".to_owned(), error, "config");
                }
            }
        }
        Ok(tally)
    }

    fn read(&self, repository: &Repository, tally: &mut Tally) -> Result<(), Fault> {
        let key = state_keys::git_tips(&self.name, &repository.path.display().to_string());
        let kept = self.account.log.state(&key).map_err(Fault::from_log)?;
        let memory: Option<Memory> = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let settings = self.fingerprint();
        let tips = memory.filter(|memory| memory.settings == settings).map(|memory| memory.tips).unwrap_or_default();
        let mut batch = Batch::new(self);
        let scan = repository.read(&tips, self.extent, clock::now().ms(), &mut |report| batch.take(raw(report)));
        if let Some(fault) = batch.failed.take() {
            return Err(fault);
        }
        if let Some(now) = scan.tips.as_ref().filter(|now| **now != tips || !batch.records.is_empty()) {
            let memory = Memory { settings, tips: now.clone() };
            batch.puts.push(Put { key, value: Some(serde_json::to_vec(&memory).expect("texts are JSON")) });
            batch.write()?;
        }
        tally.records += batch.n_records;
        tally.withdrawn += batch.n_withdrawn;
        self.tell(repository, &scan, tally);
        Ok(())
    }

    /// What is missing by the nature of a repository is a remark, what cannot be read a failure.
    fn tell(&self, repository: &Repository, scan: &Scan, tally: &mut Tally) {
        for problem in &scan.problems {
            let text = format!("{}: {}: {}", repository.name, problem.subject, problem.message);
            if matches!(problem.code.as_str(), "shallow" | "no-commit") {
                tracing::debug!(integration = %self.name, remark = text, "something in a repository is left out");
            } else {
                tally.fail("commits".to_owned(), text, "upstream");
            }
        }
        if scan.rewritten > 0 {
            tracing::debug!(integration = %self.name, repository = repository.name, refs = scan.rewritten, "history was rewritten");
        }
    }

    fn fingerprint(&self) -> String {
        let settings = serde_json::to_vec(&self.settings).expect("settings are JSON");
        sha256(settings)[..16].to_owned()
    }
}

impl Tally {
    fn fail(&mut self, dataset: String, error: String, blame: &str) {
        self.failures.push(DatasetFailure { dataset, error, blame: blame.to_owned(), retry: true });
    }
}

/// Records on their way into the log.
struct Batch<'a> {
    reading: &'a Reading,
    stream: StreamId,
    records: Vec<RawRecord>,
    bytes: usize,
    puts: Vec<Put>,
    n_records: u64,
    n_withdrawn: u64,
    failed: Option<Fault>,
}

impl<'a> Batch<'a> {
    fn new(reading: &'a Reading) -> Self {
        let stream = StreamId { integration: reading.name.clone(), dataset: dataset(Format::Commits) };
        let (records, puts) = (Vec::new(), Vec::new());
        Self { reading, stream, records, bytes: 0, puts, n_records: 0, n_withdrawn: 0, failed: None }
    }

    fn take(&mut self, record: RawRecord) -> ControlFlow<()> {
        let is_delete = record.op == Op::Delete;
        self.n_withdrawn += u64::from(is_delete);
        self.n_records += u64::from(!is_delete);
        self.bytes += record.size();
        self.records.push(record);
        if self.records.len() < BATCH_RECORDS_MAX && self.bytes < BATCH_BYTES_MAX {
            return ControlFlow::Continue(());
        }
        match self.write() {
            Ok(()) => ControlFlow::Continue(()),
            Err(fault) => {
                self.failed = Some(fault);
                ControlFlow::Break(())
            }
        }
    }

    fn write(&mut self) -> Result<(), Fault> {
        let records =
            std::mem::take(&mut self.records).into_iter().map(|record| (self.stream.clone(), record)).collect();
        self.bytes = 0;
        let puts = std::mem::take(&mut self.puts);
        let commit = Commit { records, received_at: clock::now(), puts };
        self.reading.account.log.append(commit).map(|_| ()).map_err(Fault::from_log)
    }
}
