//! Taking an export into an empty account. The order of the records stays, so all that is derived comes out the same.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use weir_model::{RawRecord, Seq, StreamId, Timestamp};
use weir_store::{Appended, Commit, LogError, Put, StateKey};

use super::files::cannot;
use super::raw::{Line, STATE, StateLine};
use super::sealing::Identities;
use super::{Manifest, check, manifest_in};
use crate::account::Account;
use crate::clock;
use crate::error::Fault;

/// Records of one commit.
const COMMIT_RECORDS: usize = 5_000;
/// Bytes of one commit.
const COMMIT_BYTES: usize = 16 << 20;

/// Size below which a commit does not wait to be durable.
const SMALL_BYTES: usize = 64 << 10;
/// Most commits that are not durable yet.
const UNDER_WAY_MAX: usize = 256;

/// What was taken in.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Imported {
    /// Raw records.
    pub records: u64,
    /// Values of the state.
    pub state: u64,
}

/// Takes in the raw records and the state of the export in `dir`, if it is whole and the account empty.
/// An encrypted one is opened by the age identities in the file `identity`.
pub fn import(
    account: &Account,
    dir: &Path,
    identity: Option<&Path>,
    progress: &mut dyn FnMut(u64),
) -> Result<Imported, Fault> {
    if account.log.last() > Seq::ZERO {
        return Err(Fault::config(format!("the account `{}` is not empty", account.id))
            .hint("import into another account or data folder; `account` and `data_dir` in `[host]` name them"));
    }
    let checked = check(dir, None)?;
    if !checked.whole || !checked.complete {
        let problem = checked.problems.first().map_or("it was not finished", String::as_str);
        return Err(Fault::config(format!("the export in {} cannot be used: {problem}", dir.display()))
            .hint("`weir export` to the same folder finishes one that was ended"));
    }
    let mut imported = Imported::default();
    let mut pile = Pile::default();
    let manifest = manifest_in(dir, None)?;
    let identities = identities(&manifest, identity)?;
    for file in manifest.files {
        let path = dir.join(&file.name);
        for line in lines(&path, identities.as_ref())? {
            let line = line.map_err(cannot("read", &path))?;
            let unfit = || Fault::config(format!("{} holds a line that cannot be read", path.display()));
            match file.kind.as_str() {
                "raw" => {
                    let line: Line<'_> = serde_json::from_slice(&line).map_err(|error| unfit().caused_by(error))?;
                    let received_at = line.received_at;
                    pile.take(account, received_at, line.record().ok_or_else(unfit)?)?;
                    imported.records += 1;
                    progress(imported.records);
                }
                "state" => {
                    let line: StateLine = serde_json::from_slice(&line).map_err(|error| unfit().caused_by(error))?;
                    let value = STANDARD.decode(line.value_base64).map_err(|error| unfit().caused_by(error))?;
                    if line.key.first().is_some_and(|kind| STATE.contains(&kind.as_str())) {
                        pile.puts.push(Put::set(StateKey::new(&line.key), value));
                        imported.state += 1;
                        if pile.puts.len() >= COMMIT_RECORDS {
                            pile.append(account)?;
                        }
                    }
                }
                _ => {}
            }
        }
    }
    pile.append(account)?;
    pile.wait_until_below(1)?;
    Ok(imported)
}

/// What opens the files of an export; none when anyone can read them.
fn identities(manifest: &Manifest, identity: Option<&Path>) -> Result<Option<Identities>, Fault> {
    match (&manifest.recipients, identity) {
        (None, _) => Ok(None),
        (Some(_), Some(path)) => Identities::read(path).map(Some),
        (Some(_), None) => Err(Fault::config("the export is encrypted")
            .hint("name the file with the age identity of one of its recipients: `weir import DIR --identity FILE`")),
    }
}

fn lines(path: &Path, identities: Option<&Identities>) -> Result<io::Split<Box<dyn BufRead>>, Fault> {
    let reader: Box<dyn BufRead> = match identities {
        Some(identities) => Box::new(identities.open(path)?),
        None => Box::new(BufReader::new(File::open(path).map_err(cannot("open", path))?)),
    };
    Ok(reader.split(b'\n'))
}

/// What became of a commit.
type Done = Result<Appended, LogError>;

/// Records that were accepted at one moment, and go into one commit; and commits that are not durable yet.
struct Pile {
    received_at: Option<Timestamp>,
    records: Vec<(StreamId, RawRecord)>,
    bytes: usize,
    puts: Vec<Put>,
    n_under_way: usize,
    done: (Sender<Done>, Receiver<Done>),
}

impl Default for Pile {
    fn default() -> Self {
        let (received_at, records, puts) = (None, Vec::new(), Vec::new());
        Self { received_at, records, bytes: 0, puts, n_under_way: 0, done: channel() }
    }
}

impl Pile {
    fn take(&mut self, account: &Account, at: Timestamp, record: (StreamId, RawRecord)) -> Result<(), Fault> {
        let is_full = self.records.len() >= COMMIT_RECORDS || self.bytes + record.1.size() > COMMIT_BYTES;
        if is_full || self.received_at.is_some_and(|received_at| received_at != at) {
            self.append(account)?;
        }
        self.received_at = Some(at);
        self.bytes += record.1.size();
        self.records.push(record);
        Ok(())
    }

    /// Hands a commit to the log. Small ones share a sync; behind a large one the next waits.
    fn append(&mut self, account: &Account) -> Result<(), Fault> {
        let (records, puts) = (std::mem::take(&mut self.records), std::mem::take(&mut self.puts));
        if records.is_empty() && puts.is_empty() {
            return Ok(());
        }
        let is_small = self.bytes < SMALL_BYTES && puts.is_empty();
        self.bytes = 0;
        let received_at = self.received_at.take().unwrap_or_else(clock::now);
        let done = self.done.0.clone();
        let done = Box::new(move |result| drop(done.send(result)));
        account.log.submit(Commit { records, received_at, puts }, done);
        self.n_under_way += 1;
        self.wait_until_below(if is_small { UNDER_WAY_MAX } else { 1 })
    }

    fn wait_until_below(&mut self, n: usize) -> Result<(), Fault> {
        while self.n_under_way >= n {
            let answer = self.done.1.recv().map_err(|error| Fault::host("the log has ended").caused_by(error))?;
            answer.map_err(Fault::from_log)?;
            self.n_under_way -= 1;
        }
        Ok(())
    }
}
