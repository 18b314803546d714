//! Erasing a part of an account: the raw records that are meant are taken out of the log, and everything derived is
//! derived again from what is left. With it comes what only they said: entities, numbers, events.
//!
//! Counting comes first and is kept; so a kill on the way changes nothing of what the receipt says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use memchr::memmem::find;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;
use weir_model::{DatasetName, EntityKind, IntegrationName, Seq, StoredRecord, StreamId, Timestamp};
use weir_store::{Commit, OsDisk, Put};

use super::counts::Part;
use super::pass;
use super::request::Act;
use super::tree::Tree;
use crate::account::Account;
use crate::audit::{Note, Outcome};
use crate::config::{HoldConfig, Keep};
use crate::error::Fault;
use crate::host::Host;
use crate::lifecycle::Principal;
use crate::signing::Purpose;
use crate::{clock, state_keys};

/// Records read at a time.
const READ_RECORDS: usize = 2_000;
/// Bytes read at a time.
const READ_BYTES: usize = 16 << 20;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Entities read at a time.
const READ_ENTITIES: usize = 1_000;

/// What is meant. All that is given must be true of a record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// It came from this integration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration: Option<IntegrationName>,
    /// It is of this dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<DatasetName>,
    /// It was accepted before this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Timestamp>,
    /// It says something about an entity of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<EntityKind>,
    /// It says something about an entity of this project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// It names one of these, in any case of letters: names, addresses, log-ins of one person.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub person: Vec<String>,
}

impl Scope {
    fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// What is asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ToErase {
    /// What: what any of them means.
    pub scopes: Vec<Scope>,
    /// Whether to count alone.
    pub dry_run: bool,
    /// Why.
    pub reason: Option<String>,
}

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It was counted, and nothing else is wanted.
    DryRun,
    /// It waits for the host to pause.
    Requested,
    /// Records go.
    Running,
    /// It is done.
    Completed,
}

/// Records that are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selected {
    /// How many.
    pub selected: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many stay.
    pub kept: u64,
    /// How many stay only because of a hold.
    pub held: u64,
    /// Root of the hash tree over their keys.
    pub root: String,
    /// By integration and dataset.
    pub streams: Vec<Part>,
}

/// One erasure, as it is kept in its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Erasure {
    /// Its id.
    pub id: Uuid,
    /// How far it is.
    pub state: Stage,
    /// Who asked.
    pub requested: Act,
    /// What is meant: what any of them means. Persons are not kept when it is done, but digests of their names.
    pub scopes: Vec<Scope>,
    /// Why.
    pub reason: Option<String>,
    /// What it comes to.
    pub records: Selected,
    /// Last event before it.
    pub last_event: u64,
    /// When it was done.
    pub completed_at: Option<Timestamp>,
}

/// Which records are meant, and which of them are held.
struct Selection<'a> {
    scope: &'a Scope,
    /// Keys that say something about the entities that are meant.
    keys: Option<BTreeSet<(StreamId, String)>>,
    persons: Vec<Vec<u8>>,
    holds: &'a [HoldConfig],
}

/// Selections, of which any may mean a record.
struct Selections<'a>(Vec<Selection<'a>>);

impl<'a> Selections<'a> {
    fn new(account: &Account, scopes: &'a [Scope], holds: &'a [HoldConfig]) -> Result<Self, Fault> {
        if scopes.iter().any(Scope::is_everything) {
            return Err(Fault::config("nothing is named that is to go")
                .hint("name an integration, a kind, a project, a day or a person; `weir decommission` takes all"));
        }
        scopes.iter().map(|scope| Selection::new(account, scope, holds)).collect::<Result<_, _>>().map(Self)
    }

    fn mean(&self, stored: &StoredRecord) -> bool {
        self.0.iter().any(|selection| selection.means(stored))
    }

    fn want(&self, stored: &StoredRecord) -> bool {
        self.0.iter().any(|selection| selection.wants(stored))
    }
}

impl<'a> Selection<'a> {
    fn new(account: &Account, scope: &'a Scope, holds: &'a [HoldConfig]) -> Result<Self, Fault> {
        let about = scope.kind.is_some() || scope.project.is_some();
        let keys = about.then(|| keys_about(account, scope)).transpose()?;
        let persons = scope.person.iter().map(|name| name.to_lowercase().into_bytes()).collect();
        Ok(Self { scope, keys, persons, holds })
    }

    fn means(&self, stored: &StoredRecord) -> bool {
        let Scope { integration, dataset, before, .. } = self.scope;
        integration.as_ref().is_none_or(|name| stored.stream.integration == *name)
            && dataset.as_ref().is_none_or(|name| stored.stream.dataset == *name)
            && before.is_none_or(|before| stored.received_at < before)
            && self.keys.as_ref().is_none_or(|keys| keys.contains(&(stored.stream.clone(), stored.record.key.clone())))
            && (self.persons.is_empty() || self.names_person(stored))
    }

    fn names_person(&self, stored: &StoredRecord) -> bool {
        let context = stored.record.context.as_deref().unwrap_or_default();
        let payload = String::from_utf8_lossy(&stored.record.payload);
        [payload.as_ref(), context, &stored.record.key].into_iter().any(|text| {
            let text = text.to_lowercase();
            self.persons.iter().any(|person| find(text.as_bytes(), person).is_some())
        })
    }

    fn is_held(&self, stored: &StoredRecord) -> bool {
        self.holds.iter().any(|hold| hold.integration.as_ref().is_none_or(|name| stored.stream.integration == *name))
    }

    fn wants(&self, stored: &StoredRecord) -> bool {
        self.means(stored) && !self.is_held(stored)
    }
}

/// Keys of all records that say something about an entity of a kind and project.
fn keys_about(account: &Account, scope: &Scope) -> Result<BTreeSet<(StreamId, String)>, Fault> {
    let derived = account.derived();
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    let all = || Ok(reader.counts().map_err(Fault::from_derived)?.into_keys().map(|(_, kind)| kind).collect());
    let kinds: BTreeSet<EntityKind> = scope.kind.clone().map_or_else(all, |kind| Ok::<_, Fault>([kind].into()))?;
    let mut keys = BTreeSet::new();
    for kind in kinds {
        let mut after = None;
        loop {
            let rows = reader.kind(&kind, after.as_ref(), READ_ENTITIES).map_err(Fault::from_derived)?;
            let Some(last) = rows.last() else { break };
            after = Some(last.id.clone());
            for row in &rows {
                let document = row.entity.as_ref().map(weir_model::Entity::to_json).unwrap_or_default();
                let document: serde_json::Value = serde_json::from_str(&document).unwrap_or_default();
                if scope.project.as_ref().is_none_or(|project| document["project"].as_str() == Some(project)) {
                    let said = reader.contributions(&row.id).map_err(Fault::from_derived)?;
                    keys.extend(said.into_iter().map(|said| (said.stream, said.key)));
                }
            }
        }
    }
    Ok(keys)
}

/// Counts what is meant. It reads the whole log.
pub fn select(account: &Account, scopes: &[Scope], holds: &[HoldConfig]) -> Result<Selected, Fault> {
    let selections = Selections::new(account, scopes, holds)?;
    let (mut counted, mut tree) = (Selected::default(), Tree::default());
    let mut streams = BTreeMap::<String, (u64, u64)>::new();
    let mut after = Seq::ZERO;
    while after < account.log.last() {
        let batch = account.log.read(after, READ_RECORDS, READ_BYTES).map_err(Fault::from_log)?;
        for stored in &batch.records {
            if !selections.want(stored) {
                counted.kept += 1;
                counted.held += u64::from(selections.mean(stored));
                continue;
            }
            let (stream, bytes) = (&stored.stream, stored.record.size() as u64);
            counted.selected += 1;
            counted.bytes += bytes;
            let count = streams.entry(format!("{} / {}", stream.integration, stream.dataset)).or_default();
            *count = (count.0 + 1, count.1 + bytes);
            tree.push(&super::counts::leaf(stored));
        }
        after = batch.next;
    }
    counted.root = tree.root();
    let part = |(name, (items, bytes))| Part { name, items: Some(items), bytes: Some(bytes) };
    counted.streams = streams.into_iter().map(part).collect();
    Ok(counted)
}

/// Asks for an erasure, or counts what one would come to.
pub fn request(host: &Host, asked: ToErase, by: &Principal) -> Result<Erasure, Fault> {
    let account = &host.account;
    let records = select(account, &asked.scopes, &host.config.hold)?;
    let derived = account.derived();
    let last_event = derived.projection.reader().and_then(|reader| reader.last_event()).map_err(Fault::from_derived)?;
    let one = Erasure {
        id: Uuid::new_v4(),
        state: if asked.dry_run { Stage::DryRun } else { Stage::Requested },
        requested: Act { at: clock::now(), by: by.who.clone() },
        scopes: asked.scopes,
        reason: asked.reason,
        records,
        last_event: last_event.0,
        completed_at: None,
    };
    if asked.dry_run {
        return Ok(one);
    }
    let note =
        Note::new("erasure.request").by(by.who.as_str()).from(by.from.as_str()).about(format!("erasure {}", one.id));
    account.audit.note(&account.id, note.after(json!({ "records": one.records.selected, "reason": one.reason })))?;
    keep(&host.config.host.data_dir, &one)?;
    Ok(one)
}

/// What the policies of the configuration say is to go, by now.
pub fn retention(host: &Host) -> Result<Vec<Scope>, Fault> {
    let (settings, now) = (&host.config.retention, clock::now());
    let before = |keep: Keep| match keep {
        Keep::Forever => None,
        Keep::Days(days) => Some(Timestamp::from_ms(now.ms() - i64::from(days) * DAY_MS)),
    };
    let known = host.account.log.state_under(&state_keys::integrations()).map_err(Fault::from_log)?;
    let known = known.into_iter().filter_map(|(key, _)| IntegrationName::new(key.last_part()?).ok());
    let scope = |name: IntegrationName| {
        let policy = settings.policy.iter().find(|policy| policy.integration == name);
        let before = before(policy.map_or(settings.raw, |policy| policy.raw))?;
        Some(Scope { integration: Some(name), before: Some(before), ..Scope::default() })
    };
    Ok(known.filter_map(scope).collect())
}

/// What the policies and holds of the configuration are, and what is to go by now.
pub fn preview(host: &Host) -> Result<serde_json::Value, Fault> {
    let scopes = retention(host)?;
    let selected =
        if scopes.is_empty() { Selected::default() } else { select(&host.account, &scopes, &host.config.hold)? };
    let holds = host.config.hold.iter();
    let holds = holds.map(|hold| json!({ "name": hold.name, "integration": hold.integration, "reason": hold.reason }));
    Ok(json!({ "policies": scopes, "holds": holds.collect::<Vec<_>>(), "selected": selected }))
}

/// Asks for the erasure of what the policies say is to go; none when there is nothing.
pub fn retire(host: &Host, by: &Principal) -> Result<Option<Erasure>, Fault> {
    let scopes = retention(host)?;
    let nothing = scopes.is_empty() || select(&host.account, &scopes, &host.config.hold)?.selected == 0;
    let note = Note::new("retention.run").by(by.who.as_str()).from(by.from.as_str());
    host.account.audit.note(&host.account.id, note.after(json!({ "policies": scopes.len(), "nothing": nothing })))?;
    if nothing {
        return Ok(None);
    }
    request(host, ToErase { scopes, dry_run: false, reason: Some("retention".to_owned()) }, by).map(Some)
}

/// Goes on with every erasure that was asked for. Nothing may be appended or processed meanwhile. Blocking.
pub fn carry_on(host: &Host) -> Result<Vec<Erasure>, Fault> {
    let data_dir = &host.config.host.data_dir;
    let mut done = Vec::new();
    for mut one in list(data_dir)? {
        if matches!(one.state, Stage::Requested | Stage::Running) {
            let outcome = carry_out(host, &mut one);
            if let Err(fault) = &outcome {
                let note = Note::new("erasure.run").by("host").from("host").outcome(Outcome::Failed);
                host.account.audit.note(&host.account.id, note.after(json!({ "error": fault.chain() })))?;
            }
            outcome?;
            done.push(one);
        }
    }
    Ok(done)
}

fn carry_out(host: &Host, one: &mut Erasure) -> Result<(), Fault> {
    let (account, data_dir) = (&host.account, &host.config.host.data_dir);
    if one.state == Stage::Requested {
        // What came since it was asked for is meant too.
        host.catch_up(&mut |_| {})?;
        one.records = select(account, &one.scopes, &host.config.hold)?;
        let derived = account.derived();
        let last = derived.projection.reader().and_then(|reader| reader.last_event()).map_err(Fault::from_derived)?;
        one.last_event = last.0;
        one.state = Stage::Running;
        keep(data_dir, one)?;
        pass("erasure counted");
    }
    // Numbers of events never go back: whoever has dealt with the last one waits for the next.
    let floor = Put::set(state_keys::event_floor(), one.last_event.to_be_bytes());
    let commit = Commit { records: Vec::new(), received_at: clock::now(), puts: vec![floor] };
    account.log.append(commit).map_err(Fault::from_log)?;
    let selections = Selections::new(account, &one.scopes, &host.config.hold)?;
    account.log.erase(&mut |stored| selections.want(stored)).map_err(Fault::from_log)?;
    pass("erasure done");
    crate::process::replay(account, host.normaliser()?, &mut |_| {})?;
    pass("erasure derived");
    one.completed_at = Some(clock::now());
    one.state = Stage::Completed;
    for name in one.scopes.iter_mut().flat_map(|scope| &mut scope.person) {
        *name = format!("sha256:{}", crate::audit::sha256(name.as_bytes()));
    }
    let receipt = json!({
        "format": "weir-receipt/1",
        "kind": "erasure",
        "account": account.id,
        "erasure": one,
        "completed_at": one.completed_at,
        "public_key": account.audit.signer().public_key(),
    });
    let folder = super::Folder::new(std::sync::Arc::new(OsDisk), data_dir);
    folder.put_receipt(one.id, &account.audit.signer().seal(Purpose::Receipt, &receipt))?;
    let note = Note::new("erasure.run").by("host").from("host").about(format!("erasure {}", one.id));
    account
        .audit
        .note(&account.id, note.after(json!({ "records": one.records.selected, "root": one.records.root })))?;
    keep(data_dir, one)
}

/// All erasures of a data folder, the newest first.
pub fn list(data_dir: &Path) -> Result<Vec<Erasure>, Fault> {
    super::folder::list_of(data_dir, "erasures", |one: &Erasure| one.requested.at)
}

/// Whether one waits for the host to pause.
pub fn is_waiting(data_dir: &Path) -> Result<bool, Fault> {
    Ok(list(data_dir)?.iter().any(|one| matches!(one.state, Stage::Requested | Stage::Running)))
}

fn keep(data_dir: &Path, one: &Erasure) -> Result<(), Fault> {
    super::folder::put_in(data_dir, "erasures", one.id, one)
}
