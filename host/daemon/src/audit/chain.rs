//! The chain: entries that each hold the hash of the one before, and statements signed about how far it had come.
//! Pure: lines in, findings out.
//!
//! What may name people is not in an entry but in a line of details beside it, which the entry holds the digest of and
//! which begins with a random salt. So details can be erased without breaking the chain, and cannot be guessed.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_model::{AccountId, Timestamp};

use crate::hex::sha256;
use crate::signing::{Purpose, verifies};

/// Action of an entry that says: the details of its account up to here were erased.
pub const REDACT: &str = "audit.redact";
/// Action of an entry that says: the details of its account up to the entry `until` were erased.
pub const RETIRE: &str = "audit.retire";
/// Most entries behind the last checkpoint.
pub(super) const UNSIGNED_MAX: u64 = 64;

/// How something that was tried ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "AuditOutcome")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not allowed.
    Refused,
    /// It was allowed and went wrong.
    Failed,
}

/// One entry of the chain. It names no person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// 1, 2, 3, ... without gaps.
    pub sequence: u64,
    /// When, by the clock of the host. A clock that was set back does not change the order.
    pub at: Timestamp,
    /// Account that it is about.
    pub account: AccountId,
    /// What: `key.create`.
    pub action: String,
    /// How it ended.
    pub outcome: Outcome,
    /// SHA-256 of its line of details, in hex.
    pub details: String,
    /// Hash of the entry before; zeros at the first.
    pub previous: String,
}

/// What may name people.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Details {
    /// Entry it belongs to.
    pub sequence: u64,
    /// Random, in hex.
    pub salt: String,
    /// Whose account it is, so that it can be found when that is erased.
    pub account: String,
    /// Who.
    pub actor: Option<String>,
    /// From where.
    pub from: Option<String>,
    /// What it was done to.
    pub subject: Option<String>,
    /// How that was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// How it is since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// A signed statement that the chain had come this far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Last entry.
    pub sequence: u64,
    /// Its hash.
    pub hash: String,
    /// When it was signed.
    pub at: Timestamp,
    /// Signature over the three, in base64.
    pub signature: String,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(sequence: u64, hash: &str, at: Timestamp) -> String {
        format!("{sequence}\n{hash}\n{}\n", at.ms())
    }
}

/// Hash before the first entry.
pub(super) fn genesis() -> String {
    "0".repeat(64)
}

/// The line of an entry, without its end, and its hash.
pub(super) fn write_entry(entry: &Entry) -> (String, String) {
    let body = serde_json::to_string(entry).expect("an entry is JSON");
    let hash = sha256(body.as_bytes());
    let line = format!("{},\"hash\":\"{hash}\"}}", body.strip_suffix('}').unwrap_or(&body));
    (line, hash)
}

/// The entry of a line and its hash, if the line is as it was written.
pub(super) fn read_entry(line: &str) -> Result<(Entry, String), &'static str> {
    let (body, hash) = line.rsplit_once(",\"hash\":\"").ok_or("it is no entry")?;
    let hash = hash.strip_suffix("\"}").ok_or("it is no entry")?;
    let body = format!("{body}}}");
    if sha256(body.as_bytes()) != hash {
        return Err("its hash is not that of its text");
    }
    let entry = serde_json::from_str(&body).map_err(|_| "it is no entry")?;
    Ok((entry, hash.to_owned()))
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "AuditFinding")]
pub struct Finding {
    /// File and line.
    #[serde(rename = "where")]
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

/// What was found of an audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verified {
    /// Whether nothing is wrong.
    pub whole: bool,
    /// Entries of the chain.
    pub entries: u64,
    /// Signed statements.
    pub checkpoints: u64,
    /// Last entry that a valid statement covers.
    pub signed_up_to: u64,
    /// Entries behind it: a change of those by someone who computes hashes anew is not noticed.
    pub unsigned: u64,
    /// Entries whose details were erased, as the chain says.
    pub erased: u64,
    /// Key that the statements were checked with.
    pub public_key: String,
    /// The newest statement. Kept elsewhere, it proves later that nothing was cut off.
    pub last_checkpoint: Option<Checkpoint>,
    /// What is wrong.
    pub problems: Vec<Finding>,
}

/// The files of an audit log as text. A last line without an end is one that is being written, and is left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Texts<'a> {
    /// Entries.
    pub chain: &'a str,
    /// Details.
    pub details: &'a str,
    /// Signed statements.
    pub checkpoints: &'a str,
}

/// Whole lines with their numbers.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.split('\n').filter(|line| !line.is_empty()).zip(1..).map(|(line, number)| (number, line))
}

/// Checks everything: each hash, the order, the details, the signatures, and that no end is missing. `kept` are
/// statements that were kept elsewhere.
pub(super) fn verify(texts: Texts<'_>, public_key: &str, kept: &[Checkpoint]) -> Verified {
    let mut walk = Walk::default();
    for (number, line) in lines(texts.chain) {
        walk.entry(number, line);
    }
    walk.details(texts.details);
    let checkpoints = walk.checkpoints(texts.checkpoints, public_key, kept);
    let entries = walk.hashes.len() as u64;
    let last = checkpoints.iter().max_by_key(|checkpoint| checkpoint.sequence).cloned();
    let signed_up_to = last.as_ref().map_or(0, |last| last.sequence);
    let unsigned = walk.last.saturating_sub(signed_up_to);
    if unsigned > UNSIGNED_MAX {
        walk.find("checkpoints.jsonl", format!("no statement covers the last {unsigned} entries"));
    }
    Verified {
        whole: walk.problems.is_empty(),
        entries,
        checkpoints: checkpoints.len() as u64,
        signed_up_to,
        unsigned,
        erased: walk.n_erased,
        public_key: public_key.to_owned(),
        last_checkpoint: last,
        problems: walk.problems,
    }
}

#[derive(Default)]
struct Walk {
    last: u64,
    previous: Option<String>,
    /// Hash of each entry.
    hashes: BTreeMap<u64, String>,
    /// Account and digest of the details of each entry.
    wanted: BTreeMap<u64, (AccountId, String)>,
    /// Entry up to which the details of an account are erased.
    redacted: BTreeMap<AccountId, u64>,
    /// Entries that say so in their details.
    retirements: BTreeSet<u64>,
    n_erased: u64,
    problems: Vec<Finding>,
}

impl Walk {
    fn find(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Finding { place: place.into(), what: what.into() });
    }

    fn entry(&mut self, number: usize, line: &str) {
        let place = format!("chain.jsonl line {number}");
        let (entry, hash) = match read_entry(line) {
            Ok(read) => read,
            Err(what) => {
                // What follows is judged by itself: one damaged line is one finding.
                self.last += 1;
                self.previous = None;
                return self.find(place, what);
            }
        };
        if entry.sequence != self.last + 1 {
            self.find(&place, format!("it is entry {} where entry {} belongs", entry.sequence, self.last + 1));
        } else if self.previous.as_ref().is_some_and(|previous| *previous != entry.previous)
            || (number == 1 && entry.previous != genesis())
        {
            self.find(&place, "it does not follow the entry before it");
        }
        match entry.action.as_str() {
            REDACT => drop(self.redacted.insert(entry.account.clone(), entry.sequence)),
            RETIRE => drop(self.retirements.insert(entry.sequence)),
            _ => {}
        }
        self.last = entry.sequence;
        self.previous = Some(hash.clone());
        self.wanted.insert(entry.sequence, (entry.account, entry.details));
        self.hashes.insert(entry.sequence, hash);
    }

    fn details(&mut self, text: &str) {
        let mut seen = BTreeSet::new();
        for (number, line) in lines(text) {
            let place = format!("details.jsonl line {number}");
            let Ok(details) = serde_json::from_str::<Details>(line) else {
                self.find(place, "it is no line of details");
                continue;
            };
            let wanted = self.wanted.get(&details.sequence).map(|(_, digest)| *digest == sha256(line.as_bytes()));
            match wanted {
                Some(true) if seen.insert(details.sequence) => self.retired(&details),
                Some(true) => self.find(place, "it is there twice"),
                Some(false) => self.find(place, format!("it is not what entry {} says", details.sequence)),
                // Written before their entries, when the host ended in between.
                None if (1..=UNSIGNED_MAX).contains(&details.sequence.saturating_sub(self.last)) => {}
                None => self.find(place, "it belongs to no entry"),
            }
        }
        let missing: Vec<u64> = self.wanted.keys().filter(|sequence| !seen.contains(sequence)).copied().collect();
        for sequence in missing {
            let account = &self.wanted[&sequence].0;
            if self.redacted.get(account).is_some_and(|until| sequence <= *until) {
                self.n_erased += 1;
            } else {
                self.find("details.jsonl", format!("the details of entry {sequence} are missing or changed"));
            }
        }
    }

    /// Details of an entry that says how far others were erased.
    fn retired(&mut self, details: &Details) {
        if !self.retirements.contains(&details.sequence) {
            return;
        }
        let until = details.after.as_ref().and_then(|after| after["until"].as_u64());
        if let (Some(until), Ok(account)) = (until, AccountId::new(&details.account)) {
            let known = self.redacted.entry(account).or_default();
            *known = until.max(*known);
        }
    }

    /// Statements that hold.
    fn checkpoints(&mut self, text: &str, public_key: &str, kept: &[Checkpoint]) -> Vec<Checkpoint> {
        let ours = lines(text).map(|(number, line)| {
            let read = serde_json::from_str::<Checkpoint>(line).ok();
            // The same instant can be spelt in several ways: only the one that was written will do.
            let read = read.filter(|read| serde_json::to_string(read).is_ok_and(|written| written == line));
            (format!("checkpoints.jsonl line {number}"), read)
        });
        let kept = kept.iter().map(|checkpoint| ("the kept checkpoint".to_owned(), Some(checkpoint.clone())));
        let mut valid = Vec::new();
        for (place, checkpoint) in ours.chain(kept) {
            match checkpoint {
                None => self.find(place, "it is no checkpoint"),
                Some(checkpoint) => match self.judge(&checkpoint, public_key) {
                    None => valid.push(checkpoint),
                    Some(what) => self.find(place, what),
                },
            }
        }
        valid
    }

    fn judge(&self, checkpoint: &Checkpoint, public_key: &str) -> Option<String> {
        let Checkpoint { sequence, hash, at, signature } = checkpoint;
        if !verifies(public_key, Purpose::Checkpoint, Checkpoint::text(*sequence, hash, *at).as_bytes(), signature) {
            return Some("its signature is not one of this key".to_owned());
        }
        match self.hashes.get(sequence) {
            Some(found) if found == hash => None,
            Some(_) => Some(format!("entry {sequence} is not the one that was signed")),
            None => Some(format!("entry {sequence} was signed and is not there")),
        }
    }
}
