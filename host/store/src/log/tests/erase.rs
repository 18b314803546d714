//! Taking records out: what is meant is gone with its bytes, all else is as it was, whenever the process ends.

use super::*;
use crate::disk::faulty::{Fault, Survival};
use crate::log::ERASED;

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
    let mut asked = 0;
    let n_erased = log.erase(&mut |stored| {
        asked += 1;
        is_unwanted(stored)
    });
    let n_meant = expected.records.iter().filter(|stored| is_unwanted(stored)).count() as u64;
    assert_eq!((n_erased.unwrap(), asked), (n_meant, expected.records.len()), "each is asked about once");
    check(&log, &expected, true);
    assert_eq!(log.erase(&mut is_unwanted_mut()).unwrap(), 0);
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

fn is_unwanted_mut() -> impl FnMut(&StoredRecord) -> bool {
    is_unwanted
}

#[test]
fn a_kill_at_any_step_leaves_all_that_is_not_meant() {
    for step in (0..1_000).step_by(7) {
        let disk = FaultyDisk::new(step);
        let mut rig = Rig::new(disk.clone());
        let expected = filled(&rig);
        let log = rig.open();
        disk.fail_at(step, Fault::PowerLoss);
        let erased = log.erase(&mut is_unwanted_mut());
        drop(log);
        rig.disk = Arc::new(disk.restart(Survival::Nothing));
        let log = rig.open();
        check(&log, &expected, erased.is_ok());
        log.erase(&mut is_unwanted_mut()).unwrap();
        check(&log, &expected, true);
        drop(log);
        if erased.is_ok() {
            return;
        }
    }
}
