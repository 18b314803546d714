//! Where people ask for a decommissioning, confirm it, hold it and take it back. Each act is kept and noted.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;
use weir_model::AccountId;
use weir_store::OsDisk;

use super::folder::Folder;
use super::owner::is_owner;
use super::request::{Act, Asked, Confirmer, Decommission, Refused};
use super::{Inventory, State};
use crate::audit::{Audit, Note, Outcome};
use crate::clock;
use crate::error::Fault;

/// Who acts, and from where.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Who.
    pub who: String,
    /// From where.
    pub from: String,
}

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
        Self { folder: Folder::new(Arc::new(OsDisk), data_dir), audit }
    }

    /// Asks for a decommissioning.
    pub fn request(
        &self,
        account: AccountId,
        asked: Asked,
        inventory: Inventory,
        by: &Principal,
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
    pub fn confirm(&self, id: Uuid, owner_key: Option<&str>, by: &Principal) -> Result<Decommission, Fault> {
        let mut one = self.folder.get(id)?;
        let confirmer = match owner_key {
            Some(key) if is_owner(&OsDisk, self.folder.data_dir(), key)? => Confirmer::Owner,
            Some(_) => {
                let wrong = Refused {
                    what: "it is not the owner key".to_owned(),
                    hint: "it was shown when it was made".to_owned(),
                };
                return self.judge("decommission.confirm", &one.account.clone(), by, Err(wrong));
            }
            None => Confirmer::Person(by.who.clone()),
        };
        let judged = one.confirm(confirmer, clock::now());
        self.judge("decommission.confirm", &one.account.clone(), by, judged)?;
        self.keep("decommission.confirm", one, by)
    }

    /// Takes one back.
    pub fn cancel(&self, id: Uuid, by: &Principal) -> Result<Decommission, Fault> {
        self.change("decommission.cancel", id, by, |one| one.cancel(clock::now()))
    }

    /// Holds one.
    pub fn hold(&self, id: Uuid, reason: &str, by: &Principal) -> Result<Decommission, Fault> {
        self.change("decommission.hold", id, by, |one| one.hold(reason, clock::now()))
    }

    /// Lifts the hold of one.
    pub fn release(&self, id: Uuid, by: &Principal) -> Result<Decommission, Fault> {
        self.change("decommission.release", id, by, |one| one.release(clock::now()))
    }

    fn change(
        &self,
        action: &'static str,
        id: Uuid,
        by: &Principal,
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
        by: &Principal,
        judged: Result<T, Refused>,
    ) -> Result<T, Fault> {
        judged.or_else(|refused| {
            let note = Note::new(action).by(by.who.as_str()).from(by.from.as_str()).outcome(Outcome::Refused);
            self.audit.note(account, note.after(json!({ "refused": refused.what })))?;
            Err(Fault::config(refused.what).hint(refused.hint))
        })
    }

    /// Notes what was done before it is kept: what cannot be noted is not done.
    fn keep(&self, action: &'static str, one: Decommission, by: &Principal) -> Result<Decommission, Fault> {
        let note = Note::new(action).by(by.who.as_str()).from(by.from.as_str());
        let note = note.about(format!("decommissioning {}", one.id));
        self.audit.note(&one.account, note.after(json!({ "state": one.state, "due": one.due })))?;
        self.folder.put(&one)?;
        Ok(one)
    }
}
