//! Erasing a part of an account: the raw records that are meant are taken out of the log, or a pseudonym takes the place
//! of a person in them, and everything derived is derived again. With records goes what only they said: entities,
//! numbers, events.

mod copies;
mod names;
mod retention;
mod run;
mod select;
mod written;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;
use weir_model::{DatasetName, EntityKind, HostName, IntegrationName, Seq, Timestamp};

use super::Folder;
use super::counts::Part;
use super::owner::confirmer;
use super::request::{Act, Refused};
use crate::audit::{Actor, Note, Outcome};
use crate::clock;
use crate::error::Fault;
use crate::forward::Epoch;
use crate::hex::random_hex;
use crate::host::Host;
pub use copies::{Copies, receive, tell_central};
pub use retention::{Preview, Retired, has_policy, preview, retire, retire_by_itself};
pub use run::carry_on;
pub use select::{Meaning, select};

/// Folder of the files of erasures.
const FOLDER: &str = "erasures";

/// What is meant. All that is given must be true of a record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "ErasureScope")]
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
    /// It names one of these, as a word of its own and in any case of letters: names, addresses, log-ins of one person.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub person: Vec<String>,
    /// It is a result that this host has forwarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<HostName>,
    /// Its version is not higher than this; that of a forwarded result is the number of the event on its host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_to: Option<i64>,
}

impl Scope {
    fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a person is meant, and nothing narrows where.
    fn is_a_person(&self) -> bool {
        !self.person.is_empty() && *self == Self { person: self.person.clone(), ..Self::default() }
    }
}

/// What becomes of what is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It goes.
    #[default]
    Erase,
    /// A pseudonym takes the place of the person in it.
    Pseudonymise,
}

/// What is asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ToErase {
    /// What: what any of them means.
    pub scopes: Vec<Scope>,
    /// Whether to count alone.
    pub dry_run: bool,
    /// Why.
    pub reason: Option<String>,
    /// What becomes of it; as configured when it is left out.
    pub how: Option<How>,
}

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "ErasureState")]
pub enum Stage {
    /// It was counted, and nothing else is wanted.
    DryRun,
    /// It waits for somebody else to confirm it.
    Asked,
    /// It waits for the host to pause.
    Requested,
    /// Records go.
    Running,
    /// It is done here; a central has copies of what it was about.
    AtCentral,
    /// It is done.
    Completed,
    /// Taken back.
    Cancelled,
}

/// Records that are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Selected {
    /// How many.
    pub selected: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many stay.
    pub kept: u64,
    /// How many stay only because of a hold.
    pub held: u64,
    /// How many cannot be read, so that nobody knows whether they are meant. They stay.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unreadable: u64,
    /// Notes, rows of tables and runs of propels that name the person.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub written: u64,
    /// Root of the hash tree over the keys of the records.
    pub root: String,
    /// By integration and dataset.
    pub streams: Vec<Part>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// One erasure, as it is kept in its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Erasure {
    /// Its id.
    pub id: Uuid,
    /// How far it is.
    pub state: Stage,
    /// Who asked.
    pub requested: Act,
    /// Who confirmed; none where nobody has to.
    #[serde(default)]
    pub confirmed: Option<Act>,
    /// What is meant: what any of them means. Persons are not kept when it is done, but digests of their names; of those
    /// who have a pseudonym, only that.
    pub scopes: Vec<Scope>,
    /// What takes the place of the person; none: records go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudonym: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What it comes to.
    pub records: Selected,
    /// Last record that it is about: what comes while it is tried again is not counted in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_up_to: Option<Seq>,
    /// Last event before it.
    pub last_event: u64,
    /// Whether a policy of this host lets it go, which is none of the central's.
    #[serde(default)]
    pub is_policy: bool,
    /// What is left is sent again in this epoch.
    #[serde(default)]
    pub epoch: Epoch,
    /// What centrals have of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<Copies>,
    /// When it was done.
    pub completed_at: Option<Timestamp>,
}

impl Erasure {
    /// Counts what it means, as things are now.
    fn count(&self, host: &Host) -> Result<Selected, Fault> {
        select(&host.account, self.meaning(host))
    }

    fn meaning<'a>(&'a self, host: &'a Host) -> Meaning<'a> {
        let pseudonym = self.pseudonym.as_deref();
        Meaning { scopes: &self.scopes, holds: &host.config.hold, up_to: self.counted_up_to, pseudonym }
    }
}

/// Asks for an erasure, or counts what one would come to.
pub fn request(host: &Host, asked: ToErase, by: &Actor) -> Result<Erasure, Fault> {
    request_as(host, Uuid::new_v4(), asked, by)
}

/// The same, with an id.
fn request_as(host: &Host, id: Uuid, asked: ToErase, by: &Actor) -> Result<Erasure, Fault> {
    let usual = if asked.scopes.iter().all(Scope::is_a_person) { host.config.erasure.person } else { How::Erase };
    let pseudonym = match asked.how.unwrap_or(usual) {
        How::Erase => None,
        // One word, so that it is never taken for a name that is a part of it.
        How::Pseudonymise => Some(format!("person_{}", random_hex::<4>()?)),
    };
    let state = match (asked.dry_run, host.config.erasure.confirm) {
        (true, _) => Stage::DryRun,
        (false, true) => Stage::Asked,
        (false, false) => Stage::Requested,
    };
    let mut one = Erasure { pseudonym, ..Erasure::new(host, id, asked, state, by)? };
    one.records = one.count(host)?;
    ask(host, one, by)
}

impl Erasure {
    fn new(host: &Host, id: Uuid, asked: ToErase, state: Stage, by: &Actor) -> Result<Self, Fault> {
        Ok(Self {
            id,
            state,
            requested: Act { at: clock::now(), by: by.who.clone() },
            confirmed: None,
            scopes: asked.scopes,
            pseudonym: None,
            reason: asked.reason,
            records: Selected::default(),
            counted_up_to: None,
            last_event: last_event(host)?,
            is_policy: false,
            epoch: Epoch::default(),
            copies: Vec::new(),
            completed_at: None,
        })
    }
}

/// Number of the last event there is.
fn last_event(host: &Host) -> Result<u64, Fault> {
    let derived = host.account.derived();
    Ok(derived.projection.reader().and_then(|reader| reader.last_event()).map_err(Fault::from_derived)?.0)
}

/// Notes and keeps what is asked for; what was only counted is not.
fn ask(host: &Host, one: Erasure, by: &Actor) -> Result<Erasure, Fault> {
    if one.state == Stage::DryRun {
        return Ok(one);
    }
    let account = &host.account;
    let note = Note::new("erasure.request").by(by).about(about(one.id));
    account.audit.note(&account.id, note.after(json!({ "records": one.records.selected, "reason": one.reason })))?;
    keep(&folder(host), &one)?;
    Ok(one)
}

/// Confirms one: by the owner key, or as somebody else than who asked.
pub fn confirm(host: &Host, id: Uuid, owner_key: Option<&str>, by: &Actor) -> Result<Erasure, Fault> {
    let data_dir = &host.config.host.data_dir;
    change(host, "erasure.confirm", id, by, |one| {
        let by = confirmer(data_dir, owner_key, by)?.of(&one.requested)?;
        one.confirmed = Some(Act { at: clock::now(), by });
        one.state = Stage::Requested;
        Ok(())
    })
}

/// Takes one back that nobody has confirmed.
pub fn cancel(host: &Host, id: Uuid, by: &Actor) -> Result<Erasure, Fault> {
    change(host, "erasure.cancel", id, by, |one| {
        one.state = Stage::Cancelled;
        Ok(())
    })
}

/// Changes one that waits to be confirmed. What is refused is noted, and what is done before it is kept.
fn change(
    host: &Host,
    action: &'static str,
    id: Uuid,
    by: &Actor,
    change: impl FnOnce(&mut Erasure) -> Result<(), Refused>,
) -> Result<Erasure, Fault> {
    let (account, folder) = (&host.account, folder(host));
    let mut one: Erasure = folder.document(FOLDER, id)?;
    let waits = if one.state == Stage::Asked {
        Ok(())
    } else {
        Err(Refused {
            what: "it does not wait for anybody".to_owned(),
            hint: "GET /v1/erasures tells how far it is".to_owned(),
        })
    };
    let note = Note::new(action).by(by).about(about(id));
    if let Err(refused) = waits.and_then(|()| change(&mut one)) {
        let note = note.outcome(Outcome::Refused).after(json!({ "refused": refused.what }));
        account.audit.note(&account.id, note)?;
        return Err(refused.into());
    }
    account.audit.note(&account.id, note)?;
    keep(&folder, &one)?;
    Ok(one)
}

fn about(id: Uuid) -> String {
    format!("erasure {id}")
}

/// All erasures of a data folder, the newest first.
pub fn list(folder: &Folder) -> Result<Vec<Erasure>, Fault> {
    folder.documents(FOLDER, |one: &Erasure| one.requested.at)
}

/// Whether one waits for the host to pause.
pub fn is_waiting(folder: &Folder) -> Result<bool, Fault> {
    Ok(list(folder)?.iter().any(|one| matches!(one.state, Stage::Requested | Stage::Running)))
}

fn folder(host: &Host) -> Folder {
    Folder::new(&host.config.host.data_dir)
}

fn keep(folder: &Folder, one: &Erasure) -> Result<(), Fault> {
    folder.keep(FOLDER, one.id, one)
}
