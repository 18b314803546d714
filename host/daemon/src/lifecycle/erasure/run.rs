//! Carrying an erasure out. Counting comes first and is kept; so a kill on the way changes nothing of what the receipt
//! says, and every step can be done again.

use serde_json::json;
use weir_store::{Commit, Put};

use super::select::{Selections, select};
use super::{Erasure, Stage, about, folder, keep, list};
use crate::audit::{Actor, Note, Outcome};
use crate::error::Fault;
use crate::host::Host;
use crate::lifecycle::pass;
use crate::signing::Purpose;
use crate::{clock, notes, state_keys};

/// Goes on with every erasure that was asked for. Nothing may be appended or processed meanwhile. Blocking.
pub fn carry_on(host: &Host) -> Result<Vec<Erasure>, Fault> {
    let mut done = Vec::new();
    for mut one in list(&folder(host))? {
        if matches!(one.state, Stage::Requested | Stage::Running) {
            let outcome = carry_out(host, &mut one);
            if let Err(fault) = &outcome {
                let note = Note::new("erasure.run").by(Actor::host("host")).outcome(Outcome::Failed);
                host.account.audit.note(&host.account.id, note.after(json!({ "error": fault.chain() })))?;
            }
            outcome?;
            done.push(one);
        }
    }
    Ok(done)
}

fn carry_out(host: &Host, one: &mut Erasure) -> Result<(), Fault> {
    let (account, folder) = (&host.account, folder(host));
    if one.state == Stage::Requested {
        // What came since it was asked for is meant too.
        host.catch_up(&mut |_| {})?;
        one.records = select(account, &one.scopes, &host.config.hold)?;
        one.up_to = Some(account.log.last());
        let derived = account.derived();
        let last = derived.projection.reader().and_then(|reader| reader.last_event()).map_err(Fault::from_derived)?;
        one.last_event = last.0;
        one.state = Stage::Running;
        keep(&folder, one)?;
        pass("erasure counted");
    }
    // Numbers of events never go back: whoever has dealt with the last one waits for the next.
    let floor = Put::set(state_keys::event_floor(), one.last_event.to_be_bytes());
    let commit = Commit { records: Vec::new(), received_at: clock::now(), puts: vec![floor] };
    account.log.append(commit).map_err(Fault::from_log)?;
    let selections = Selections::new(account, &one.scopes, &host.config.hold)?;
    let is_counted = |seq| one.up_to.is_none_or(|up_to| seq <= up_to);
    account.log.erase(&mut |stored| is_counted(stored.seq) && selections.want(stored)).map_err(Fault::from_log)?;
    pass("erasure done");
    crate::process::replay(account, host.normaliser()?, &mut |_| {})?;
    let puts = notes::without_entity(account, &account.derived().projection.reader().map_err(Fault::from_derived)?)?;
    let commit = Commit { records: Vec::new(), received_at: clock::now(), puts };
    account.log.append(commit).map_err(Fault::from_log)?;
    pass("erasure derived");
    one.completed_at = Some(clock::now());
    one.state = Stage::Completed;
    for name in one.scopes.iter_mut().flat_map(|scope| &mut scope.person) {
        *name = format!("sha256:{}", crate::hex::sha256(&name));
    }
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
    account
        .audit
        .note(&account.id, note.after(json!({ "records": one.records.selected, "root": one.records.root })))?;
    keep(&folder, one)
}
