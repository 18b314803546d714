//! The audit log: whatever is changed in it is found, whatever happens to the disk.

use std::fs;

use weir_store::OsDisk;
use weir_store::disk::FaultyDisk;
use weir_store::disk::faulty::{Fault as DiskFault, Survival};

use super::*;

fn account(name: &str) -> AccountId {
    AccountId::new(name).unwrap()
}

fn log(dir: &Path) -> Arc<Audit> {
    let audit = Audit::open(Arc::new(OsDisk), dir).unwrap();
    let accounts = [account("acme"), account("other")];
    for number in 0..6 {
        let note = Note::new(if number % 3 == 2 { "propel.effect" } else { "key.create" });
        let note =
            note.by(Actor::new("Ana Ngata", "10.0.0.7")).about(format!("key {number}")).after(json!({ "n": number }));
        audit.note(&accounts[number % 2], note).unwrap();
    }
    audit
}

fn check(dir: &Path) -> Verified {
    verify(&folder(dir), &crate::signing::public_key(&dir.join("keys")).unwrap(), &[]).unwrap()
}

#[test]
fn what_was_noted_can_be_read_and_verified() {
    let dir = tempfile::tempdir().unwrap();
    log(dir.path());
    // Another process goes on where this one ended.
    Audit::open(Arc::new(OsDisk), dir.path()).unwrap().note(&account("acme"), Note::new("replay.run")).unwrap();
    let verified = check(dir.path());
    assert_eq!((verified.whole, verified.entries, verified.unsigned), (true, 7, 0), "{verified:?}");
    let page = |params: AuditParams| list(&folder(dir.path()), &params).unwrap();
    let sequences = |page: &AuditPage| page.entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>();
    let all = page(AuditParams { limit: Some(3), ..AuditParams::default() });
    assert_eq!((sequences(&all), all.next.as_deref()), (vec![7, 6, 5], Some("5")));
    let rest = page(AuditParams { before: Some(5), ..AuditParams::default() });
    assert_eq!((sequences(&rest), rest.next), (vec![4, 3, 2, 1], None));
    let keys = page(AuditParams { action: Some("key".to_owned()), q: Some("key 4".to_owned()), ..Default::default() });
    assert_eq!(sequences(&keys), [5]);
    assert_eq!(keys.entries[0].after, Some(json!({ "n": 4 })));
}

#[test]
fn every_flipped_bit_is_found() {
    let dir = tempfile::tempdir().unwrap();
    log(dir.path());
    for name in [files::CHAIN, files::DETAILS, files::CHECKPOINTS] {
        let path = folder(dir.path()).join(name);
        let bytes = fs::read(&path).unwrap();
        // The end of the last line: without it the line is one that is being written.
        for at in 0..bytes.len() - 1 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            fs::write(&path, &damaged).unwrap();
            let verified = check(dir.path());
            assert!(!verified.whole, "{name}: byte {at} of {}", String::from_utf8_lossy(&bytes));
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert!(check(dir.path()).whole);
}

#[test]
fn every_line_that_is_removed_moved_or_cut_off_is_found() {
    let dir = tempfile::tempdir().unwrap();
    log(dir.path());
    let path = folder(dir.path()).join(files::CHAIN);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let write = |lines: &[&str]| fs::write(&path, lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    for at in 0..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(at);
        write(&fewer).unwrap();
        // The last one is behind the last checkpoint: without it, it was never noted.
        let is_unsigned = at + 1 == lines.len();
        assert_eq!(check(dir.path()).whole, is_unsigned, "without line {at}");
        let mut other = lines.clone();
        other.swap(at, (at + 1) % lines.len());
        write(&other).unwrap();
        assert!(!check(dir.path()).whole, "line {at} moved");
    }
    write(&lines).unwrap();

    // An end that is cut off everywhere shows by a statement that was kept elsewhere.
    let kept = check(dir.path()).last_checkpoint.unwrap();
    let checkpoints = folder(dir.path()).join(files::CHECKPOINTS);
    let signed = fs::read_to_string(&checkpoints).unwrap();
    let n_signed = signed.lines().count();
    fs::write(&checkpoints, signed.lines().take(n_signed - 2).map(|line| format!("{line}\n")).collect::<String>())
        .unwrap();
    write(&lines[..3]).unwrap();
    let details = folder(dir.path()).join(files::DETAILS);
    let three: String = fs::read_to_string(&details).unwrap().lines().take(3).map(|line| format!("{line}\n")).collect();
    fs::write(&details, three).unwrap();
    let key = crate::signing::public_key(&dir.path().join("keys")).unwrap();
    assert!(verify(&folder(dir.path()), &key, &[]).unwrap().whole, "nothing in the folder tells");
    let verified = verify(&folder(dir.path()), &key, &[kept]).unwrap();
    assert_eq!(verified.problems.len(), 1, "{verified:?}");
    assert!(verified.problems[0].what.contains("was signed and is not there"), "{verified:?}");
}

#[test]
fn details_of_an_account_can_be_erased_and_the_chain_holds() {
    let dir = tempfile::tempdir().unwrap();
    let audit = log(dir.path());
    audit.redact(&account("acme")).unwrap();
    audit.note(&account("acme"), Note::new("decommission.complete")).unwrap();
    let verified = check(dir.path());
    assert_eq!((verified.whole, verified.entries, verified.erased), (true, 8, 4), "{verified:?}");
    let all = list(&folder(dir.path()), &AuditParams::default()).unwrap();
    let known: Vec<_> = all.entries.iter().map(|entry| (entry.account.as_str(), entry.actor.is_some())).collect();
    assert!(known.iter().all(|(account, known)| (*account == "other") == *known), "{known:?}");
    // Details that go without a word of it are missed.
    let details = folder(dir.path()).join(files::DETAILS);
    let text = fs::read_to_string(&details).unwrap();
    fs::write(&details, text.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    assert!(!check(dir.path()).whole);
}

#[test]
fn what_is_past_its_time_tells_no_more_who_did_it() {
    let dir = tempfile::tempdir().unwrap();
    let audit = log(dir.path());
    let long_ago = "2020-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(audit.retire(&account("acme"), long_ago).unwrap(), 0);
    assert_eq!(check(dir.path()).entries, 6, "nothing to say of nothing");
    let later = || Timestamp::from_ms(clock::now().ms() + 1);
    assert_eq!(audit.older(&account("acme"), later()).unwrap(), 3);
    assert_eq!(audit.retire(&account("acme"), later()).unwrap(), 3);
    let verified = check(dir.path());
    assert_eq!((verified.whole, verified.entries, verified.erased), (true, 7, 3), "{verified:?}");
    let all = list(&folder(dir.path()), &AuditParams::default()).unwrap().entries;
    let known = all.iter().map(|entry| (entry.account.as_str(), entry.erased)).collect::<Vec<_>>();
    let (ours, theirs) = (("acme", true), ("other", false));
    assert_eq!(known, [("acme", false), theirs, ours, theirs, ours, theirs, ours]);
    // The next time what said so goes as well.
    assert_eq!(audit.retire(&account("acme"), later()).unwrap(), 1);
    assert_eq!((check(dir.path()).whole, check(dir.path()).erased), (true, 4));
    // Without it nobody would know why details are missing.
    let details = folder(dir.path()).join(files::DETAILS);
    let text = fs::read_to_string(&details).unwrap();
    let without: String = text.lines().filter(|line| !line.contains("until")).map(|line| format!("{line}\n")).collect();
    fs::write(&details, without).unwrap();
    assert!(!check(dir.path()).whole);
}

#[test]
fn no_more_than_so_many_entries_are_unsigned_at_any_time() {
    let dir = tempfile::tempdir().unwrap();
    let audit = log(dir.path());
    for n in [1_u64, 63, 40, 40, 64, 1] {
        let effects = (0..n).map(|_| Note::new("propel.effect")).collect();
        audit.notes(&account("acme"), effects).unwrap();
        let verified = check(dir.path());
        assert!(verified.whole && verified.unsigned <= chain::UNSIGNED_MAX, "{verified:?}");
    }
    assert_eq!(check(dir.path()).entries, 6 + 209);
}

#[test]
fn what_was_reported_done_survives_a_loss_of_power_and_a_full_disk() {
    let data = Path::new("/data");
    for step in 0..60 {
        for fault in [DiskFault::PowerLoss, DiskFault::Full, DiskFault::Io] {
            for survival in [Survival::Nothing, Survival::Half, Survival::Torn, Survival::All] {
                let disk = FaultyDisk::new(step);
                disk.fail_at(step, fault);
                let mut done = 0;
                if let Ok(audit) = Audit::open(Arc::new(disk.clone()), data) {
                    let note = || Note::new("key.create").by(Actor::new("Ana", "cli"));
                    for n in [1, 2, 3, 1] {
                        let noted = audit.notes(&account("acme"), (0..n).map(|_| note()).collect());
                        done += noted.map_or(0, |()| n);
                    }
                }
                let disk = disk.restart(survival);
                let audit = Audit::open(Arc::new(disk.clone()), data).unwrap();
                audit.note(&account("acme"), Note::new("host.start")).unwrap();
                let text =
                    |name: &str| String::from_utf8(disk.content(&folder(data).join(name)).unwrap_or_default()).unwrap();
                let (chain, details, checkpoints) =
                    (text(files::CHAIN), text(files::DETAILS), text(files::CHECKPOINTS));
                let texts = Texts { chain: &chain, details: &details, checkpoints: &checkpoints };
                let verified = chain::verify(texts, &audit.signer().public_key(), &[]);
                assert!(verified.whole, "{fault:?} {survival:?} at {step}: {verified:?}");
                assert!(verified.entries > done, "{fault:?} {survival:?} at {step}: {done} done, {verified:?}");
            }
        }
    }
}
