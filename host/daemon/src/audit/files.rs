//! The three files, appended to: details, then the entry, then now and then a checkpoint, each synced before the next.
//!
//! What a crash left half written at an end is cut off when they are opened; it was never reported as done.

use std::io;
use std::path::Path;
use std::sync::Arc;

use weir_model::{AccountId, Timestamp};
use weir_store::disk::{DiskFile, read_file, replace_file, sync_parent};
use weir_store::{Disk, OsDisk};

use super::chain::{Checkpoint, UNSIGNED_MAX, genesis, lines, read_entry, write_entry};
use super::{Details, Entry, Note};
use crate::hex::{random_hex, sha256};
use crate::signing::{Purpose, Signer};

pub(super) const CHAIN: &str = "chain.jsonl";
pub(super) const DETAILS: &str = "details.jsonl";
pub(super) const CHECKPOINTS: &str = "checkpoints.jsonl";

/// The open files and where the chain ends.
#[derive(Debug)]
pub(super) struct Files {
    chain: Arc<dyn DiskFile>,
    details: Arc<dyn DiskFile>,
    checkpoints: Arc<dyn DiskFile>,
    sequence: u64,
    hash: String,
    /// Entries behind the last checkpoint.
    pub(super) n_unsigned: u64,
}

impl Files {
    pub(super) fn open(disk: &dyn Disk, dir: &Path) -> io::Result<Self> {
        disk.create_dir(dir)?;
        let [chain, details, checkpoints] =
            [CHAIN, DETAILS, CHECKPOINTS].map(|name| open_or_create(disk, &dir.join(name)));
        let (chain, details, checkpoints) = (chain?, details?, checkpoints?);
        let (sequence, hash) = match last_line(&*chain)? {
            Some((_, line)) => {
                let damaged = |what| io::Error::other(format!("the last line of {CHAIN} is damaged: {what}"));
                read_entry(&line).map(|(entry, hash)| (entry.sequence, hash)).map_err(damaged)?
            }
            None => (0, genesis()),
        };
        // Details come before their entries: those of such as did not come are in the way of the next.
        while let Some((start, line)) = last_line(&*details)?
            && serde_json::from_str::<Details>(&line).is_ok_and(|details| details.sequence > sequence)
        {
            details.truncate(start)?;
        }
        let signed = last_line(&*checkpoints)?.and_then(|(_, line)| serde_json::from_str::<Checkpoint>(&line).ok());
        let n_unsigned = sequence.saturating_sub(signed.map_or(0, |signed| signed.sequence));
        Ok(Self { chain, details, checkpoints, sequence, hash, n_unsigned })
    }

    /// Appends entries, durable on return; the position of the last.
    pub(super) fn append(&mut self, account: &AccountId, notes: Vec<Note>, at: Timestamp) -> io::Result<u64> {
        let (mut details, mut chain) = (String::new(), String::new());
        let (mut sequence, mut last) = (self.sequence, self.hash.clone());
        for note in notes {
            sequence += 1;
            let of_it = written(account, &note, sequence)?;
            let entry = Entry {
                sequence,
                at,
                account: account.clone(),
                action: note.action.to_owned(),
                outcome: note.outcome,
                details: sha256(of_it.as_bytes()),
                previous: last,
            };
            let (line, hash) = write_entry(&entry);
            last = hash;
            details.extend([of_it.as_str(), "\n"]);
            chain.extend([line.as_str(), "\n"]);
        }
        append(&*self.details, &details)?;
        append(&*self.chain, &chain)?;
        self.n_unsigned += sequence - self.sequence;
        (self.sequence, self.hash) = (sequence, last);
        Ok(sequence)
    }

    /// Signs what there is when `n` more would be too much without a statement: a crash may come behind them.
    pub(super) fn make_room(&mut self, signer: &Signer, n: u64) -> io::Result<()> {
        let is_full = self.n_unsigned > 0 && self.n_unsigned + n > UNSIGNED_MAX;
        if is_full { self.sign(signer, self.sequence) } else { Ok(()) }
    }

    /// Signs that the chain has come to `sequence`, its last entry.
    pub(super) fn sign(&mut self, signer: &Signer, sequence: u64) -> io::Result<()> {
        let at = crate::clock::now();
        let signature = signer.sign(Purpose::Checkpoint, Checkpoint::text(sequence, &self.hash, at).as_bytes());
        let checkpoint = Checkpoint { sequence, hash: self.hash.clone(), at, signature };
        append(&*self.checkpoints, &format!("{}\n", serde_json::to_string(&checkpoint)?))?;
        self.n_unsigned = 0;
        Ok(())
    }

    /// Copies the three files.
    pub(super) fn copy(disk: &dyn Disk, dir: &Path, to: &Path) -> io::Result<()> {
        OsDisk.create_dir(to)?;
        for name in [CHAIN, DETAILS, CHECKPOINTS] {
            replace_file(&OsDisk, &to.join(name), &read_file(disk, &dir.join(name))?.unwrap_or_default())?;
        }
        Ok(())
    }

    /// Drops details. The files must be opened again after it.
    pub(super) fn erase_details(disk: &dyn Disk, dir: &Path, gone: impl Fn(&Details) -> bool) -> io::Result<()> {
        let path = dir.join(DETAILS);
        let text = text(disk, &path)?;
        let goes = |line: &str| serde_json::from_str::<Details>(line).is_ok_and(|details| gone(&details));
        let kept: String = lines(&text).filter(|(_, line)| !goes(line)).map(|(_, line)| format!("{line}\n")).collect();
        replace_file(disk, &path, kept.as_bytes())
    }

    /// The last of the entries that were all made before an instant, and how many details of an account they have.
    pub(super) fn older(
        disk: &dyn Disk,
        dir: &Path,
        account: &AccountId,
        before: Timestamp,
    ) -> io::Result<(u64, usize)> {
        let chain = text(disk, &dir.join(CHAIN))?;
        let entries = lines(&chain).filter_map(|(_, line)| read_entry(line).ok());
        let until = entries.take_while(|(entry, _)| entry.at < before).map(|(entry, _)| entry.sequence).last();
        let until = until.unwrap_or(0);
        let details = text(disk, &dir.join(DETAILS))?;
        let read = lines(&details).filter_map(|(_, line)| serde_json::from_str::<Details>(line).ok());
        let n = read.filter(|details| details.account == account.as_str() && details.sequence <= until).count();
        Ok((until, n))
    }
}

fn text(disk: &dyn Disk, path: &Path) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&read_file(disk, path)?.unwrap_or_default()).into_owned())
}

/// The details of an entry, as they are hashed.
fn written(account: &AccountId, note: &Note, sequence: u64) -> io::Result<String> {
    let (actor, from) = note.actor.clone().map(|actor| (actor.who, actor.from)).unzip();
    let details = Details {
        sequence,
        salt: random_hex::<16>().map_err(io::Error::other)?,
        account: account.to_string(),
        actor,
        from,
        subject: note.subject.clone(),
        before: note.before.clone(),
        after: note.after.clone(),
    };
    Ok(serde_json::to_string(&details)?)
}

fn append(file: &dyn DiskFile, lines: &str) -> io::Result<()> {
    file.append(lines.as_bytes())?;
    file.sync()
}

fn open_or_create(disk: &dyn Disk, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
    match disk.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = disk.create(path)?;
            sync_parent(disk, path)?;
            Ok(file)
        }
        opened => opened,
    }
}

/// Where the last whole line begins, and the line. What comes behind it is cut off.
fn last_line(file: &dyn DiskFile) -> io::Result<Option<(u64, String)>> {
    const STEP: u64 = 64 << 10;
    let length = file.length()?;
    let mut window = STEP;
    loop {
        let start = length.saturating_sub(window);
        let mut bytes = vec![0; usize::try_from(length - start).map_err(io::Error::other)?];
        let n_read = file.read_at(start, &mut bytes)?;
        bytes.truncate(n_read);
        let end = bytes.iter().rposition(|byte| *byte == b'\n');
        let before = end.and_then(|end| bytes[..end].iter().rposition(|byte| *byte == b'\n')).map(|at| at + 1);
        if start > 0 && before.is_none() {
            window *= 4;
            continue;
        }
        let whole = end.map_or(0, |end| end + 1);
        if whole < bytes.len() {
            file.truncate(start + whole as u64)?;
        }
        let begin = before.unwrap_or(0);
        return Ok(end.map(|end| (start + begin as u64, String::from_utf8_lossy(&bytes[begin..end]).into_owned())));
    }
}
