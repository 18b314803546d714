//! Carrying out what was confirmed. Every step can be done again, and is noted only when it is durable.
//!
//! It runs on a locked data folder while no stores of the account are open.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::runtime::Handle;
use weir_model::AccountId;
use weir_store::disk::sync_parent;
use weir_store::{DataDir, Disk, Keys, OsDisk};

use super::counts::{inventory, size};
use super::erasure::Copies;
use super::folder::Folder;
use super::request::{Decommission, State};
use super::{contact, pass, receipt, scan};
use crate::account::Account;
use crate::audit::{Actor, Audit, Note};
use crate::config::{CentralConfig, Config};
use crate::error::Fault;
use crate::host::{egress, to_central};
use crate::{clock, state_keys};

/// Goes on with every decommissioning that has begun, and begins those that are due. What cannot be done is said in
/// it, and tried again the next time.
pub fn carry_on(data: &DataDir, config: &Config) -> Result<Vec<Decommission>, Fault> {
    let audit = Audit::open(Arc::new(OsDisk), data.path())?;
    let work = Work { folder: Folder::new(data.path()), audit, data, config };
    let mut done = Vec::new();
    for mut one in work.folder.list()? {
        if !has_work(&one, config) {
            continue;
        }
        if let Err(fault) = work.go_on(&mut one) {
            let error = Some(fault.chain());
            // It is tried every few seconds, and said once.
            if one.error != error {
                tracing::error!(account = %one.account, error, "a decommissioning does not go on");
            }
            one.error = error;
            // What is in its way may be in the way of this too; then it is told by who asked for it alone.
            if let Err(fault) = work.folder.put(&one) {
                tracing::error!(error = fault.chain(), "and that cannot be written down");
            }
        }
        done.push(one);
    }
    Ok(done)
}

/// Whether there is anything to do about one.
pub fn has_work(one: &Decommission, config: &Config) -> bool {
    let now = clock::now();
    one.is_due(now) || one.state.is_under_way() || contact::is_due(one, config, now)
}

struct Work<'a> {
    folder: Folder,
    audit: Arc<Audit>,
    data: &'a DataDir,
    config: &'a Config,
}

impl Work<'_> {
    fn go_on(&self, one: &mut Decommission) -> Result<(), Fault> {
        if one.state == State::Scheduled {
            self.step(one, State::Disabled)?;
        }
        if one.state == State::Disabled {
            pass("disabled");
            self.count(one)?;
            self.step(one, State::Erasing)?;
            pass("counted");
        }
        if one.state == State::Erasing {
            self.erase(one)?;
            self.step(one, State::Verifying)?;
            pass("erased");
        }
        if one.state == State::Verifying {
            self.verify(one)?;
        }
        if contact::is_due(one, self.config, clock::now()) {
            self.confirm(one)?;
        }
        Ok(())
    }

    /// Sends the receipt to the contact. That it did not arrive changes nothing of what was done.
    fn confirm(&self, one: &mut Decommission) -> Result<(), Fault> {
        let receipt = self.folder.receipt(one.id)?.unwrap_or_default();
        let confirmation = contact::tell(one, self.config, &receipt, clock::now());
        if let Some(error) = &confirmation.error {
            tracing::warn!(account = %one.account, error, "the contact was not told");
        }
        one.confirmation = Some(confirmation);
        self.folder.put(one)
    }

    /// Counts a last time, while what is stored can still be read, and gathers what must not be found afterwards.
    fn count(&self, one: &mut Decommission) -> Result<(), Fault> {
        let locked =
            |error| Fault::host("cannot open the keys").hint("restore data/keys from a backup").caused_by(error);
        let keys = Keys::open_or_create(&self.data.keys(), &one.account).map_err(locked)?;
        let is_ours = self.config.host.account == one.account;
        let integrations = if is_ours { self.config.integration.as_slice() } else { &[] };
        let settings = if is_ours { self.config.context() } else { weir_stages::ContextSettings::default() };
        let fingerprint = keys.fingerprint();
        let account = Account::open(self.data.path(), one.account.clone(), Arc::new(keys), settings)?;
        one.inventory = inventory(&account, self.data.path(), integrations, clock::now())?;
        one.copies = Copies::of(&account, self.central(one), None)?;
        one.markers.push(fingerprint);
        for (_, key) in account.log.state_under(&state_keys::api_keys()).map_err(Fault::from_log)? {
            let key: Value = serde_json::from_slice(&key).unwrap_or_default();
            one.markers.extend(["id", "hash"].into_iter().filter_map(|name| Some(key[name].as_str()?.to_owned())));
        }
        one.markers.sort();
        one.markers.dedup();
        // A store that does not end well is erased all the same.
        if let Some(account) = Arc::into_inner(account)
            && let Err(error) = account.log.close()
        {
            tracing::warn!(%error, "the log did not end well");
        }
        Ok(())
    }

    fn erase(&self, one: &mut Decommission) -> Result<(), Fault> {
        let failed = |what: &str| {
            let what = format!("cannot erase {what} of `{}`", one.account);
            move |error: std::io::Error| Fault::host(what).caused_by(error)
        };
        Keys::destroy(&OsDisk, &self.data.keys(), &one.account).map_err(failed("the key"))?;
        one.keys_destroyed_at = Some(one.keys_destroyed_at.unwrap_or_else(clock::now));
        self.folder.put(one)?;
        pass("key");
        remove(&self.data.account(&one.account)).map_err(failed("the folder"))?;
        pass("folder");
        // It holds compiled plugins and what collectors remember, of all accounts, and is made anew when needed.
        remove(&self.data.cache()).map_err(failed("the caches"))?;
        remove(&crate::host::presence_file(self.data.path())).map_err(failed("the token"))?;
        pass("caches");
        self.audit.redact(&one.account)?;
        pass("audit");
        self.tell_central(one)?;
        pass("central");
        Ok(())
    }

    /// The central of the account, if the configuration is that of it.
    fn central(&self, one: &Decommission) -> Option<&CentralConfig> {
        self.config.central.as_ref().filter(|_| self.config.host.account == one.account)
    }

    /// Tells the central, if there is one. What it has not confirmed is asked for again the next time.
    fn tell_central(&self, one: &mut Decommission) -> Result<(), Fault> {
        let url = self.central(one).map(|central| &central.url);
        let Some(copies) = one.copies.iter_mut().find(|copies| Some(&copies.url) == url) else { return Ok(()) };
        if copies.receipt.is_none() {
            let Some(central) = to_central(&egress()?, self.config)? else { return Ok(()) };
            let runtime = Handle::try_current().map_err(|error| Fault::host("no runtime").caused_by(error))?;
            runtime.block_on(copies.ask(one.id, &self.config.host.name, &central));
        }
        let (url, error) = (copies.url.clone(), copies.error.clone());
        self.folder.put(one)?;
        error.map_or(Ok(()), |error| {
            Err(Fault::host(format!("copies at {url} are not known to be gone: {error}"))
                .hint("it is asked again and again; without `[central]` in weir.toml the receipt says that they stay"))
        })
    }

    fn verify(&self, one: &mut Decommission) -> Result<(), Fault> {
        let unreadable = |error| Fault::host("cannot search what is left").caused_by(error);
        let searched = scan::scan(self.data.path(), &one.account, &one.markers).map_err(unreadable)?;
        let (left, _) = size(&self.data.account(&one.account)).map_err(unreadable)?;
        let found = searched.found.len();
        one.scan = Some(searched);
        self.folder.put(one)?;
        if found > 0 || left > 0 {
            return Err(Fault::host(format!("{found} traces of `{}` were found", one.account))
                .hint("`weir decommission status ID --json` lists them in `scan`"));
        }
        let at = clock::now();
        let text = receipt::write(one, self.data.instance(), at, self.audit.signer());
        self.folder.put_receipt(one.id, &text)?;
        pass("receipt");
        one.markers.clear();
        one.inventory.projects.clear();
        self.step(one, State::Completed)?;
        pass("completed");
        Ok(())
    }

    /// Notes a step in the audit log, then in its file: what cannot be noted is not done.
    fn step(&self, one: &mut Decommission, state: State) -> Result<(), Fault> {
        let mut next = one.clone();
        next.step(state, clock::now());
        let action = match state {
            State::Disabled => "decommission.disable",
            State::Erasing => "decommission.erase",
            State::Verifying => "decommission.verify",
            _ => "decommission.complete",
        };
        note(&self.audit, &next.account, action, &next)?;
        self.folder.put(&next)?;
        *one = next;
        Ok(())
    }
}

fn note(audit: &Audit, account: &AccountId, action: &'static str, one: &Decommission) -> Result<(), Fault> {
    let note = Note::new(action).by(Actor::host("host")).about(format!("decommissioning {}", one.id));
    audit.note(account, note.after(json!({ "state": one.state })))
}

fn remove(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        OsDisk.remove_dir(path)?;
    } else if path.exists() {
        OsDisk.remove(path)?;
    }
    sync_parent(&OsDisk, path)
}
