//! Taking records out and changing them: what was meant is gone with its bytes, all else is as it was, whenever the
//! process ends.

use super::*;
use crate::disk::faulty::{Fault, Survival};
use crate::log::{ERASED, Fate, Rewrite};

/// A log of several generations, the last not sealed; every third stream is unwanted.
fn filled(rig: &Rig) -> Expected {
    let mut expected = Expected::default();
    let log = rig.open();
    for number in 0..24 {
        expected.append(&log, &commit(number, 3));
        if number % 8 == 7 {
            log.seal().unwrap();
        }
    }
    expected.append(&log, &commit(24, 4));
    log.close().unwrap();
    expected
}

fn is_unwanted(stored: &StoredRecord) -> bool {
    stored.stream == stream(1)
}

/// All that is not meant is there, and of what is meant nothing, or what a kill has left.
fn check(log: &Log, expected: &Expected, is_done: bool) {
    assert_eq!(log.last(), expected.last());
    let (records, lost) = read_all(log, 5, 2000);
    let wanted = |record: &&StoredRecord| !is_unwanted(record);
    assert_eq!(
        records.iter().filter(wanted).collect::<Vec<_>>(),
        expected.records.iter().filter(wanted).collect::<Vec<_>>()
    );
    assert!(records.iter().all(|record| expected.records.contains(record)));
    assert!(lost.iter().all(|lost| lost.reason == ERASED), "{lost:?}");
    if is_done {
        assert!(!records.iter().any(is_unwanted));
    }
    expected.check_state(log);
}

#[test]
fn what_is_erased_is_gone_and_nothing_else() {
    let rig = Rig::real();
    let mut expected = filled(&rig);
    let log = rig.open();
    let bytes = |rig: &Rig| files_under(&rig.path().join("raw")).len();
    let n_files = bytes(&rig);
    let n_meant = expected.records.iter().filter(|stored| is_unwanted(stored)).count() as u64;
    assert_eq!(log.rewrite(&is_unwanted).unwrap(), n_meant);
    check(&log, &expected, true);
    assert_eq!(log.rewrite(&is_unwanted).unwrap(), 0);
    let commit = commit(99, 1);
    let appended = log.append(commit.clone()).unwrap();
    expected.add(&commit, appended);
    log.close().unwrap();
    let log = rig.open();
    check(&log, &expected, false);
    assert!(log.health().generations.iter().all(|generation| generation.quarantined.is_none()));
    assert!(bytes(&rig) <= n_files + 8, "space is given back");
    log.close().unwrap();
}

#[test]
fn a_kill_at_any_step_leaves_all_that_is_not_meant() {
    for step in (0..1_000).step_by(7) {
        let disk = FaultyDisk::new(step);
        let mut rig = Rig::new(disk.clone());
        let expected = filled(&rig);
        let log = rig.open();
        disk.fail_at(step, Fault::PowerLoss);
        let erased = log.rewrite(&is_unwanted);
        drop(log);
        rig.disk = Arc::new(disk.restart(Survival::Nothing));
        let log = rig.open();
        check(&log, &expected, erased.is_ok());
        log.rewrite(&is_unwanted).unwrap();
        check(&log, &expected, true);
        drop(log);
        if erased.is_ok() {
            return;
        }
    }
}

/// Puts another name in the place of "commit", in records of a stream, in keys of the state and in its values.
struct Renaming;

const OLD: &str = "seen";
const NEW: &str = "heard";

impl Rewrite for Renaming {
    fn record(&self, stored: &StoredRecord) -> Fate<RawRecord> {
        let text = String::from_utf8_lossy(&stored.record.payload);
        if !is_unwanted(stored) || !text.contains("commit") {
            return Fate::Stay;
        }
        let payload = text.replace("commit", "change").into_bytes();
        Fate::Become(RawRecord { key: format!("new-{}", stored.record.key), payload, ..stored.record.clone() })
    }

    fn value(&self, key: &StateKey, value: &[u8]) -> Fate<(StateKey, Vec<u8>)> {
        let mut parts = key.parts();
        if parts[0] != OLD.as_bytes() {
            return Fate::Stay;
        }
        parts[0] = NEW.into();
        Fate::Become((StateKey::new(&parts), [value, b"!"].concat()))
    }
}

impl Renaming {
    /// What must be there when it is done.
    fn of(mut expected: Expected) -> Expected {
        for stored in &mut expected.records {
            if let Fate::Become(record) = Self.record(stored) {
                stored.record = record;
            }
        }
        for (key, value) in std::mem::take(&mut expected.state) {
            let (key, value) = match Self.value(&key, &value) {
                Fate::Become(other) => other,
                _ => (key, value),
            };
            expected.state.insert(key, value);
        }
        expected
    }
}

fn check_renamed(log: &Log, expected: &Expected) {
    let (records, lost) = read_all(log, 5, 2000);
    assert_eq!((records, lost), (expected.records.clone(), Vec::new()));
    expected.check_state(log);
}

#[test]
fn what_is_changed_keeps_its_place_and_nothing_of_before_is_left() {
    let rig = Rig::real();
    let mut expected = Renaming::of(filled(&rig));
    let log = rig.open();
    let n_meant = expected.records.iter().filter(|stored| is_unwanted(stored)).count() as u64;
    assert_eq!(log.rewrite(&Renaming).unwrap(), n_meant);
    check_renamed(&log, &expected);
    assert_eq!(log.state_under(&StateKey::new(&[OLD])).unwrap(), []);
    assert_eq!(log.rewrite(&Renaming).unwrap(), 0, "what was put in place stays");
    let commit = commit(98, 2);
    let appended = log.append(commit.clone()).unwrap();
    expected.add(&commit, appended);
    log.close().unwrap();
    let log = rig.open();
    check_renamed(&log, &expected);
    log.close().unwrap();
}

#[test]
fn a_kill_at_any_step_of_a_change_is_gone_on_from() {
    for step in (0..1_000).step_by(7) {
        let disk = FaultyDisk::new(step);
        let mut rig = Rig::new(disk.clone());
        let expected = Renaming::of(filled(&rig));
        let log = rig.open();
        disk.fail_at(step, Fault::PowerLoss);
        let renamed = log.rewrite(&Renaming);
        drop(log);
        rig.disk = Arc::new(disk.restart(Survival::Nothing));
        let log = rig.open();
        log.rewrite(&Renaming).unwrap();
        check_renamed(&log, &expected);
        drop(log);
        if renamed.is_ok() {
            return;
        }
    }
}
