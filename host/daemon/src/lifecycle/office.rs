//! Where people ask for a decommissioning, confirm it, hold it and take it back. Each act is kept and noted.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;
use weir_model::AccountId;

use super::folder::Folder;
use super::owner::confirmer;
use super::request::{Act, Asked, Decommission, Refused};
use super::{Inventory, State};
use crate::audit::{Actor, Audit, Note, Outcome};
use crate::clock;
use crate::error::Fault;

/// Takes requests about the accounts of a data folder.
#[derive(Debug, Clone)]
pub struct Office {
    /// Its files.
    pub folder: Folder,
    audit: Arc<Audit>,
}

impl Office {
    /// That of a data folder, whose audit log this process has open.
    pub fn new(data_dir: &Path, audit: Arc<Audit>) -> Self {
        Self { folder: Folder::new(data_dir), audit }
    }

    /// Asks for a decommissioning.
    pub fn request(
        &self,
        account: AccountId,
        asked: Asked,
        inventory: Inventory,
        by: &Actor,
    ) -> Result<Decommission, Fault> {
        let is_open = |one: &Decommission| one.account == account && one.state != State::Cancelled;
        if let Some(other) = self.folder.list()?.into_iter().find(is_open) {
            return Err(Fault::config(format!("decommissioning {} of this account is under way", other.id))
                .hint("`weir decommission status` tells how far it is; `cancel` takes it back"));
        }
        let act = Act { at: clock::now(), by: by.who.clone() };
        let asked = Decommission::request(Uuid::new_v4(), account.clone(), asked, act, inventory);
        let one = self.judge("decommission.request", &account, by, asked)?;
        self.keep("decommission.request", one, by)
    }

    /// Confirms one: by the owner key, or as somebody else than who asked.
    pub fn confirm(&self, id: Uuid, owner_key: Option<&str>, by: &Actor) -> Result<Decommission, Fault> {
        let confirmer = confirmer(self.folder.data_dir(), owner_key, by);
        self.change("decommission.confirm", id, by, |one| one.confirm(confirmer?, clock::now()))
    }

    /// Takes one back.
    pub fn cancel(&self, id: Uuid, by: &Actor) -> Result<Decommission, Fault> {
        self.change("decommission.cancel", id, by, |one| one.cancel(clock::now()))
    }

    /// Holds one.
    pub fn hold(&self, id: Uuid, reason: &str, by: &Actor) -> Result<Decommission, Fault> {
        self.change("decommission.hold", id, by, |one| one.hold(reason, clock::now()))
    }

    /// Lifts the hold of one.
    pub fn release(&self, id: Uuid, by: &Actor) -> Result<Decommission, Fault> {
        self.change("decommission.release", id, by, |one| one.release(clock::now()))
    }

    fn change(
        &self,
        action: &'static str,
        id: Uuid,
        by: &Actor,
        change: impl FnOnce(&mut Decommission) -> Result<(), Refused>,
    ) -> Result<Decommission, Fault> {
        let mut one = self.folder.get(id)?;
        let changed = change(&mut one);
        self.judge(action, &one.account.clone(), by, changed)?;
        self.keep(action, one, by)
    }

    /// Notes what was refused.
    fn judge<T>(
        &self,
        action: &'static str,
        account: &AccountId,
        by: &Actor,
        judged: Result<T, Refused>,
    ) -> Result<T, Fault> {
        judged.or_else(|refused| {
            let note = Note::new(action).by(by).outcome(Outcome::Refused);
            self.audit.note(account, note.after(json!({ "refused": refused.what })))?;
            Err(refused.into())
        })
    }

    /// Notes what was done before it is kept: what cannot be noted is not done.
    fn keep(&self, action: &'static str, one: Decommission, by: &Actor) -> Result<Decommission, Fault> {
        let note = Note::new(action).by(by);
        let note = note.about(format!("decommissioning {}", one.id));
        self.audit.note(&one.account, note.after(json!({ "state": one.state, "due": one.due })))?;
        self.folder.put(&one)?;
        Ok(one)
    }
}
