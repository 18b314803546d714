//! What an account consists of, counted by class; and what of it is not Weir's to erase.

use std::fs;
use std::io;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::{Filter, Seq, Timestamp};
use weir_store::{SearchQuery, StateKey};

use super::counted::{Counted, Counts, unreadable};
use crate::account::Account;
use crate::config::IntegrationConfig;
use crate::error::Fault;
use crate::forward;

/// Class of what was sent to centrals.
pub(super) const FORWARDED: &str = "forwarded copies";

/// What there is at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inventory {
    /// Whose.
    pub account: String,
    /// When it was counted.
    pub at: Option<Timestamp>,
    /// What goes, by class.
    pub classes: Vec<Class>,
    /// Projects that entities belong to.
    pub projects: Vec<String>,
    /// Root of the hash tree over the keys of all raw records, in the order of the log; see docs/LIFECYCLE.md.
    pub records_root: String,
    /// What does not go, and why.
    pub stays: Vec<Stay>,
}

/// A class of things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "InventoryClass")]
pub struct Class {
    /// Its name.
    pub class: String,
    /// How many; none: they are not counted.
    pub items: Option<u64>,
    /// Their bytes, as far as they can be told.
    pub bytes: Option<u64>,
    /// Its parts.
    pub detail: Vec<Part>,
}

/// A part of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "InventoryPart")]
pub struct Part {
    /// Its name.
    pub name: String,
    /// How many.
    pub items: Option<u64>,
    /// Their bytes.
    pub bytes: Option<u64>,
}

/// Something that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "InventoryStay")]
pub struct Stay {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

impl Class {
    /// A class whose parts are all of it.
    pub(super) fn of(class: &str, parts: Counts) -> Self {
        let (items, bytes) = parts.values().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        let part = |(name, (items, bytes))| Part { name, items: Some(items), bytes: Some(bytes) };
        Self {
            class: class.to_owned(),
            items: Some(items),
            bytes: Some(bytes),
            detail: parts.into_iter().map(part).collect(),
        }
    }

    fn number(class: &str, items: u64) -> Self {
        Self { class: class.to_owned(), items: Some(items), bytes: None, detail: Vec::new() }
    }

    fn files(class: &str, items: Option<u64>, folder: &Path) -> Result<Self, Fault> {
        let unreadable = |error| Fault::host(format!("cannot count {}", folder.display())).caused_by(error);
        let (_, bytes) = size(folder).map_err(unreadable)?;
        Ok(Self { class: class.to_owned(), items, bytes: Some(bytes), detail: Vec::new() })
    }
}

/// Counts what an account consists of. It reads the whole log. `integrations` are those of its configuration.
pub fn inventory(
    account: &Account,
    data_dir: &Path,
    integrations: &[IntegrationConfig],
    at: Timestamp,
) -> Result<Inventory, Fault> {
    let (records, lost) = records(account)?;
    let records_root = records.root();
    let derived = account.derived();
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    let entities = reader.counts().map_err(Fault::from_derived)?;
    let mut kinds = Counts::new();
    for ((_, kind), n) in entities {
        kinds.entry(kind.to_string()).or_default().0 += n;
    }
    let rows = reader.sizes().map_err(Fault::from_derived)?;
    let rows = rows.into_iter().map(|(name, n)| (name.to_owned(), (n, 0))).collect();
    drop(reader);
    let everything =
        SearchQuery { facets: vec!["project".to_owned()], facet_values: 100_000, ..SearchQuery::new(Filter::All, 0) };
    let found = derived.index.search(&everything).map_err(Fault::from_derived)?;
    let projects = found.facets.into_values().flatten().map(|count| count.value).collect();
    let folder = account.derived_folder();
    let mut entities = Class::of("entities", kinds);
    entities.bytes = None;
    let mut insights = Class::of("insights", rows);
    insights.bytes = None;
    let mut classes = vec![
        records.class(),
        entities,
        insights,
        Class::files("search index and derived stores", Some(found.total), folder)?,
        Class::of("ingestion state", state(account)?),
        Class::number("keys", 1),
        Class::files("caches", None, &data_dir.join("cache"))?,
    ];
    if lost > 0 {
        classes.push(Class::number("raw records that cannot be read", lost));
    }
    classes.extend(forwarded(account)?);
    Ok(Inventory {
        account: account.id.to_string(),
        at: Some(at),
        classes,
        projects,
        records_root,
        stays: stays(integrations),
    })
}

/// Copies of results at centrals, by the last event each has; none where there is none.
fn forwarded(account: &Account) -> Result<Option<Class>, Fault> {
    let mut events = Counts::new();
    for url in forward::centrals(account)? {
        let last = forward::acknowledged(account, &url)?.0;
        events.insert(url, (last, 0));
    }
    Ok((!events.is_empty()).then(|| Class { bytes: None, ..Class::of(FORWARDED, events) }))
}

/// All raw records, and how many cannot be read.
fn records(account: &Account) -> Result<(Counted, u64), Fault> {
    let (mut counted, mut lost) = (Counted::default(), 0);
    for batch in account.batches(Seq::ZERO) {
        let batch = batch?;
        lost += unreadable(&batch);
        batch.records.iter().for_each(|stored| counted.push(stored));
    }
    Ok((counted, lost))
}

/// Ingestion state and its bytes by kind: `cursor`, `run`, `api-key`, `propel-run`, `outbox`, ...
fn state(account: &Account) -> Result<Counts, Fault> {
    let all = account.log.state_under(&StateKey::new::<&str>(&[])).map_err(Fault::from_log)?;
    let mut kinds = Counts::new();
    for (key, value) in all {
        let kind = key.parts().into_iter().next().unwrap_or_default();
        let count = kinds.entry(String::from_utf8_lossy(&kind).into_owned()).or_default();
        count.0 += 1;
        count.1 += value.len() as u64;
    }
    Ok(kinds)
}

fn stays(integrations: &[IntegrationConfig]) -> Vec<Stay> {
    let stay = |what: &str, why: &str| Stay { what: what.to_owned(), why: why.to_owned() };
    let stays = [
        stay("weir.toml and files of secrets", "they are the operator's; Weir never serves the account again"),
        stay("the entries of the audit log", "they say that it was done; what may name people is erased"),
        stay("this decommissioning and its receipt", "they prove it"),
        stay("copies at a central that is not in weir.toml any more", "nobody can tell it; erase them there"),
        stay("exports that were taken", "they are where Weir cannot reach; destroy them"),
        stay("backups", "they cannot be read without the keys; destroy every copy of those"),
        stay("webhooks and credentials at the tools", "they were made there, and Weir only reads there"),
        stay("what propels have sent", "it belongs to those who got it"),
    ];
    stays.into_iter().chain(integrations.iter().flat_map(at_tool)).collect()
}

/// What is to be removed at the tool of an integration.
fn at_tool(integration: &IntegrationConfig) -> Vec<Stay> {
    let name = &integration.name;
    let credential = integration.connection.as_ref().map(|connection| Stay {
        what: format!("the credential of `{name}` at {}", connection.url),
        why: "it is not used any more; revoke it there".to_owned(),
    });
    let webhook = integration.webhook.as_ref().map(|_| Stay {
        what: format!("the webhook to /v1/webhooks/{name}"),
        why: "it is answered with 410 from now on; remove it where it was made".to_owned(),
    });
    credential.into_iter().chain(webhook).collect()
}

/// Files of a folder and their bytes; nothing when there is no such folder.
pub(super) fn size(folder: &Path) -> io::Result<(u64, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for path in super::scan::files(folder)? {
        files += 1;
        bytes += fs::symlink_metadata(path)?.len();
    }
    Ok((files, bytes))
}
