//! Reading the audit log. It is read from its files, whether a host runs or not: they only grow.

use std::fs;
use std::io;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_model::{AccountId, Timestamp};

use super::chain::{self, read_entry};
use super::files::{CHAIN, CHECKPOINTS, DETAILS};
use super::{Checkpoint, Details, Outcome, Texts, Verified};
use crate::error::Fault;
use crate::signing;

/// Entries of one page, unless asked otherwise.
const PAGE: usize = 100;
/// Most entries of one page.
const PAGE_MAX: usize = 1_000;

/// Which entries are asked for.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuditParams {
    /// Of this account.
    pub account: Option<AccountId>,
    /// Of this action, or of all that begin with it: `key` means `key.create` too.
    pub action: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// That hold this text anywhere.
    pub q: Option<String>,
    /// Not before this instant.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub to: Option<Timestamp>,
    /// Before the entry of this position: `next` of the page before.
    pub before: Option<u64>,
    /// Most of them; 100 when left out, at most 1,000.
    pub limit: Option<usize>,
}

/// An entry with its details.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Noted {
    /// Position.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// Account.
    pub account: AccountId,
    /// What was done.
    pub action: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Who; nobody knows any more when the details are erased.
    pub actor: Option<String>,
    /// From where.
    pub from: Option<String>,
    /// To what.
    pub subject: Option<String>,
    /// How that was before.
    pub before: Option<Value>,
    /// How it is since.
    pub after: Option<Value>,
    /// Whether its details were erased.
    pub erased: bool,
    /// Its hash.
    pub hash: String,
}

/// Entries, the newest first.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<Noted>,
    /// `before` of the next page, when there is one.
    pub next: Option<String>,
}

impl AuditParams {
    fn wants(&self, noted: &Noted) -> bool {
        let action = |wanted: &String| {
            noted.action.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let text = |wanted: &String| serde_json::to_string(noted).is_ok_and(|text| text.contains(wanted.as_str()));
        self.account.as_ref().is_none_or(|account| noted.account == *account)
            && self.action.as_ref().is_none_or(action)
            && self.actor.as_ref().is_none_or(|actor| noted.actor.as_ref() == Some(actor))
            && self.from.is_none_or(|from| from <= noted.at)
            && self.to.is_none_or(|to| noted.at < to)
            && self.before.is_none_or(|before| noted.sequence < before)
            && self.q.as_ref().is_none_or(text)
    }
}

/// The entries in the folder `dir` that are asked for. Lines that are damaged are left out; [`verify`] names them.
pub fn list(dir: &Path, params: &AuditParams) -> Result<AuditPage, Fault> {
    let (chain, details) = (text(dir, CHAIN)?, text(dir, DETAILS)?);
    // Both are in order, so they are walked together from their ends, and no further than the page wants.
    let mut details = newest_first(&details).filter_map(|line| serde_json::from_str::<Details>(line).ok()).peekable();
    let entries = newest_first(&chain).filter_map(|line| read_entry(line).ok()).map(|(entry, hash)| {
        while details.next_if(|details| details.sequence > entry.sequence).is_some() {}
        let known = details.next_if(|details| details.sequence == entry.sequence);
        noted(entry, hash, known)
    });
    let limit = params.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let mut entries: Vec<Noted> = entries.filter(|noted| params.wants(noted)).take(limit + 1).collect();
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|last| last.sequence.to_string());
    Ok(AuditPage { entries, next })
}

/// Whole lines, the last one first.
fn newest_first(text: &str) -> impl Iterator<Item = &str> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.rsplit('\n').filter(|line| !line.is_empty())
}

fn noted(entry: super::Entry, hash: String, details: Option<Details>) -> Noted {
    let erased = details.is_none();
    let Details { actor, from, subject, before, after, .. } = details.unwrap_or_default();
    let super::Entry { sequence, at, account, action, outcome, .. } = entry;
    Noted { sequence, at, account, action, outcome, actor, from, subject, before, after, erased, hash }
}

/// Checks the audit log in the folder `dir` with a public key in base64.
pub fn verify(dir: &Path, public_key: &str, kept: &[Checkpoint]) -> Result<Verified, Fault> {
    let (chain, details, checkpoints) = (text(dir, CHAIN)?, text(dir, DETAILS)?, text(dir, CHECKPOINTS)?);
    let texts = Texts { chain: &chain, details: &details, checkpoints: &checkpoints };
    Ok(chain::verify(texts, public_key, kept))
}

/// Copies the audit log of a data folder to the folder `to`, with the public key it is checked by.
pub fn export(data_dir: &Path, to: &Path) -> Result<(), Fault> {
    let dir = super::folder(data_dir);
    let write = |name: &str, text: &str| {
        let path = to.join(name);
        fs::write(&path, text)
            .map_err(|error| Fault::config(format!("cannot write {}", path.display())).caused_by(error))
    };
    fs::create_dir_all(to)
        .map_err(|error| Fault::config(format!("cannot create {}", to.display())).caused_by(error))?;
    // Statements first: an entry that comes meanwhile is then unsigned, and no statement is about one that is left out.
    for name in [CHECKPOINTS, CHAIN, DETAILS] {
        write(name, &text(&dir, name)?)?;
    }
    write("public.key", &signing::public_key(&data_dir.join("keys")).unwrap_or_default())
}

/// The whole lines of a file; none when there is no such file.
fn text(dir: &Path, name: &str) -> Result<String, Fault> {
    let path = dir.join(name);
    match fs::read(&path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Fault::host(format!("cannot read {}", path.display())).caused_by(error)),
    }
}
