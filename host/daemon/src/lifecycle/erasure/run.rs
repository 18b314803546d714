//! Carrying an erasure out. Counting comes first and is kept; so a kill on the way changes nothing of what the receipt
//! says, and every step can be done again.

use std::collections::BTreeSet;

use serde_json::json;
use weir_model::{RawRecord, StoredRecord};
use weir_store::{Commit, Fate, Put, Rewrite, StateKey};

use super::copies::Copies;
use super::select::Selections;
use super::{Erasure, Stage, about, folder, keep, last_event, list};
use crate::audit::{Actor, Note, Outcome};
use crate::error::Fault;
use crate::forward::Epoch;
use crate::host::Host;
use crate::lifecycle::pass;
use crate::signing::Purpose;
use crate::{clock, notes, state_keys};

/// What is said of copies at a central that is not told.
const OUT_OF_REACH: &str = "it is not in weir.toml any more; erase there with `weir erase --host NAME`";

/// Goes on with every erasure that was asked for. Nothing may be appended or processed meanwhile. Blocking.
pub fn carry_on(host: &Host) -> Result<Vec<Erasure>, Fault> {
    let mut done = Vec::new();
    for mut one in list(&folder(host))? {
        let outcome = match one.state {
            Stage::Requested | Stage::Running => carry_out(host, &mut one),
            Stage::AtCentral => complete_or_wait(host, &mut one),
            _ => continue,
        };
        if let Err(fault) = &outcome {
            let note = Note::new("erasure.run").by(Actor::host("host")).outcome(Outcome::Failed);
            host.account.audit.note(&host.account.id, note.after(json!({ "error": fault.chain() })))?;
        }
        outcome?;
        done.push(one);
    }
    Ok(done)
}

fn carry_out(host: &Host, one: &mut Erasure) -> Result<(), Fault> {
    let folder = folder(host);
    if one.state == Stage::Requested {
        // What came since it was asked for is meant too.
        host.catch_up(&mut |_| {})?;
        one.counted_up_to = Some(host.account.log.last());
        one.records = one.count(host)?;
        one.last_event = last_event(host)?;
        if !one.is_policy {
            one.epoch = Epoch::of(&host.account)?.later(1);
            one.copies = Copies::of(&host.account, host.config.central.as_ref(), Some(one.epoch.before()))?;
        }
        one.state = Stage::Running;
        keep(&folder, one)?;
        pass("erasure counted");
    }
    rewrite(host, one)?;
    let left = one.count(host)?;
    if left.selected > 0 || left.written > 0 {
        return Err(Fault::host(format!("{} records that were to go are still there", left.selected)));
    }
    for name in one.scopes.iter_mut().flat_map(|scope| &mut scope.person) {
        *name = one.pseudonym.clone().unwrap_or_else(|| format!("sha256:{}", crate::hex::sha256(&name)));
    }
    complete_or_wait(host, one)
}

/// Calls it done, unless the central has not confirmed yet that its copies are gone.
pub(super) fn complete_or_wait(host: &Host, one: &mut Erasure) -> Result<(), Fault> {
    let central = host.config.central.as_ref();
    if one.copies.iter().any(|copies| copies.are_awaited(central)) {
        one.state = Stage::AtCentral;
        return keep(&folder(host), one);
    }
    for copies in one.copies.iter_mut().filter(|copies| copies.receipt.is_none()) {
        copies.error = Some(OUT_OF_REACH.to_owned());
    }
    complete(host, one)
}

/// Takes out of the log what is to go, and derives everything again.
fn rewrite(host: &Host, one: &Erasure) -> Result<(), Fault> {
    let account = &host.account;
    // Numbers of events never go back: whoever has dealt with the last one waits for the next.
    let floor = Put::set(state_keys::event_floor(), one.last_event.to_be_bytes());
    let epoch = if one.copies.is_empty() { Vec::new() } else { one.epoch.begin(account)? };
    put(host, std::iter::once(floor).chain(epoch).collect())?;
    let selections = Selections::new(account, one.meaning(host))?;
    account.log.rewrite(&selections).map_err(Fault::from_log)?;
    pass("erasure done");
    crate::process::replay(account, host.normaliser()?, &mut |_| {})?;
    let notes = Forgotten(notes::without_entity(account)?);
    if !notes.0.is_empty() {
        account.log.rewrite(&notes).map_err(Fault::from_log)?;
    }
    // A host all of whose results went may begin anew under its name.
    let whole = one.scopes.iter().filter(|scope| scope.up_to.is_none()).filter_map(|scope| scope.host.as_ref());
    put(host, whole.map(|host| Put::remove(state_keys::forwarded(host.as_str()))).collect())?;
    pass("erasure derived");
    Ok(())
}

/// Values of the state that go, with those they had before.
struct Forgotten(BTreeSet<StateKey>);

impl Rewrite for Forgotten {
    fn record(&self, _: &StoredRecord) -> Fate<RawRecord> {
        Fate::Stay
    }

    fn value(&self, key: &StateKey, _: &[u8]) -> Fate<(StateKey, Vec<u8>)> {
        if self.0.contains(key) { Fate::Go } else { Fate::Stay }
    }
}

fn put(host: &Host, puts: Vec<Put>) -> Result<(), Fault> {
    let commit = Commit { records: Vec::new(), received_at: clock::now(), puts };
    host.account.log.append(commit).map(drop).map_err(Fault::from_log)
}

/// Writes the receipt, and calls it done.
fn complete(host: &Host, one: &mut Erasure) -> Result<(), Fault> {
    let (account, folder) = (&host.account, folder(host));
    one.completed_at = Some(clock::now());
    one.state = Stage::Completed;
    let receipt = json!({
        "format": "weir-receipt/1",
        "kind": "erasure",
        "account": account.id,
        "erasure": one,
        "completed_at": one.completed_at,
        "public_key": account.audit.signer().public_key(),
    });
    folder.put_receipt(one.id, &account.audit.signer().seal(Purpose::Receipt, &receipt))?;
    let note = Note::new("erasure.run").by(Actor::host("host")).about(about(one.id));
    let after = json!({ "records": one.records.selected, "root": one.records.root, "pseudonym": one.pseudonym });
    account.audit.note(&account.id, note.after(after))?;
    keep(&folder, one)
}
