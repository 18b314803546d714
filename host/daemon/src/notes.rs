//! Notes on entities: what propels and people want those to see who look at one.
//!
//! A note has a name on its entity; whoever writes that name again replaces it. Notes are state and no records: they are
//! not what a tool says, no number follows from them, and they go when their entity does.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use weir_model::{EntityId, Timestamp};
use weir_sandbox::{NOTE_BYTES_MAX, NOTE_NAME_BYTES_MAX};
use weir_store::{Put, StateKey};

use crate::access::Sight;
use crate::account::Account;
use crate::audit::{self, Actor};
use crate::error::Fault;
use crate::query::{self, View};
use crate::{clock, intake, state_keys, tasks};

/// Most notes of one entity.
const OF_ENTITY_MAX: usize = 100;

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// Tells the notes of an entity apart.
    #[serde(default)]
    pub name: String,
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it.
    #[serde(flatten)]
    pub by: Author,
    /// What it says.
    pub text: String,
}

/// Who wrote a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    /// Somebody, or a key.
    User(String),
    /// A propel.
    Propel(String),
}

/// The notes of an entity, oldest first.
pub(crate) fn notes(account: &Account, entity: &EntityId) -> Result<Vec<Note>, Fault> {
    let stored = account.log.state_first(&state_keys::notes_of(entity), OF_ENTITY_MAX).map_err(Fault::from_log)?;
    let read = |(key, value): (StateKey, Vec<u8>)| {
        let note: Note = serde_json::from_slice(&value).ok()?;
        Some(Note { name: key.last_part()?, ..note })
    };
    let mut notes: Vec<Note> = stored.into_iter().filter_map(read).collect();
    notes.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    Ok(notes)
}

/// What writes a note; one without a text is taken away.
pub(crate) fn set(account: &Account, entity: &EntityId, note: &Note) -> Result<Put, Fault> {
    if note.name.is_empty() || note.name.len() > NOTE_NAME_BYTES_MAX {
        return Err(Fault::config(format!("the name of a note has 1 to {NOTE_NAME_BYTES_MAX} bytes")));
    }
    if note.text.len() > NOTE_BYTES_MAX {
        return Err(Fault::config(format!("a note of {} bytes is too long", note.text.len()))
            .hint(format!("at most {NOTE_BYTES_MAX} bytes")));
    }
    let key = state_keys::note(entity, &note.name);
    if note.text.trim().is_empty() {
        return Ok(Put::remove(key));
    }
    let known = notes(account, entity)?;
    if known.len() >= OF_ENTITY_MAX && known.iter().all(|known| known.name != note.name) {
        return Err(Fault::config(format!("`{entity}` has {OF_ENTITY_MAX} notes"))
            .hint("take some away, or give a note the name of another to replace it"));
    }
    let value = serde_json::to_vec(note).map_err(|error| Fault::host("cannot write a note").caused_by(error))?;
    Ok(Put::set(key, value))
}

/// A note as somebody writes it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToWrite {
    /// Replaces the note of that name; a new one when left out.
    pub(crate) name: Option<String>,
    /// What it says; nothing takes the note away.
    pub(crate) text: String,
}

/// Writes what somebody says, and that they did; none when they see no such entity.
pub(crate) async fn write(
    account: &Arc<Account>,
    sight: Sight,
    entity: &EntityId,
    written: ToWrite,
    by: Actor,
) -> Result<Option<Note>, Fault> {
    let name = written.name.unwrap_or_else(|| Uuid::now_v7().to_string());
    let author = Author::User(by.who.strip_prefix("user:").unwrap_or(&by.who).to_owned());
    let note = Note { name, at: clock::now(), by: author, text: written.text };
    let (whole, id, to_set) = (account.clone(), entity.clone(), note.clone());
    let put = tasks::blocking(move || {
        let known = query::notes(&View::of(&whole, sight), &id)?;
        known.map(|_| set(&whole, &id, &to_set)).transpose()
    });
    let Some(put) = put.await? else { return Ok(None) };
    intake::keep(account, vec![put]).await?;
    audit::note(account, audit::Note::new("note.write").by(by).about(entity.to_string())).await?;
    Ok(Some(note))
}

/// What takes away the notes of all that is there no more.
pub(crate) fn without_entity(account: &Account) -> Result<BTreeSet<StateKey>, Fault> {
    let derived = account.derived();
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    let mut gone = BTreeSet::new();
    for (key, _) in account.log.state_under(&state_keys::notes()).map_err(Fault::from_log)? {
        let parts = key.parts();
        let id = parts.get(1).and_then(|id| String::from_utf8_lossy(id).parse::<EntityId>().ok());
        let row = id.map(|id| reader.entity(&id)).transpose().map_err(Fault::from_derived)?.flatten();
        if row.is_none_or(|row| row.entity.is_none()) {
            gone.insert(key);
        }
    }
    Ok(gone)
}
