//! The power goes at every single step of the disk, and what survives is nothing, half, torn or all.

use super::*;
use crate::disk::faulty::{Fault, Survival};
use crate::log::{LogErrorKind, Retry};

const SURVIVALS: [Survival; 4] = [Survival::Nothing, Survival::Half, Survival::Torn, Survival::All];

/// Appends until the disk fails, and says what was acknowledged and which commit was not.
fn append_until_failure(log: &Log, expected: &mut Expected, numbers: std::ops::Range<u64>) -> Option<Commit> {
    for number in numbers {
        let commit = commit(number, usize::try_from(number % 4).unwrap());
        match log.append(commit.clone()) {
            Ok(appended) => expected.add(&commit, appended),
            Err(_) => return Some(commit),
        }
    }
    None
}

/// After a crash the acknowledged is there; the one commit that was under way may be, whole.
fn check_after(log: &Log, mut expected: Expected, under_way: Option<Commit>) -> Expected {
    if log.last() != expected.last() || under_way.as_ref().is_some_and(|commit| is_there(log, commit)) {
        expected.assume(&under_way.expect("only a commit that was under way may have come on top"));
    }
    expected.check(log);
    expected
}

fn is_there(log: &Log, commit: &Commit) -> bool {
    log.state(&commit.puts[1].key).unwrap().is_some()
}

/// Runs appends, a seal and more appends with the power going at `step`; gives whether it went.
fn lose_power_at(step: u64, survival: Survival) -> bool {
    let disk = FaultyDisk::new(step);
    let mut rig = Rig::new(disk.clone());
    let mut expected = Expected::default();
    let mut under_way = None;
    disk.fail_at(step, Fault::PowerLoss);
    if let Ok(log) = rig.try_open() {
        under_way = append_until_failure(&log, &mut expected, 0..12);
        if under_way.is_none() && log.seal().is_ok() {
            under_way = append_until_failure(&log, &mut expected, 12..16);
        }
    }
    let died = disk.is_dead();
    rig.disk = Arc::new(disk.restart(survival));
    let log = rig.open();
    let mut expected = check_after(&log, expected, under_way);
    // And it goes on from there.
    for number in 100..103 {
        expected.append(&log, &commit(number, 2));
    }
    log.seal().unwrap();
    expected.check(&log);
    died
}

#[test]
fn a_power_loss_at_any_step_loses_nothing_acknowledged() {
    for survival in SURVIVALS {
        let mut step = 0;
        while lose_power_at(step, survival) {
            step += 1;
        }
        assert!(step > 40, "only {step} steps were tried");
    }
}

#[test]
fn a_second_power_loss_while_the_first_is_mended_loses_nothing_either() {
    for step in 0..12 {
        for survival in SURVIVALS {
            let disk = FaultyDisk::new(step);
            let mut rig = Rig::new(disk.clone());
            let mut expected = Expected::default();
            let log = rig.open();
            append_until_failure(&log, &mut expected, 0..6);
            disk.fail_at(1, Fault::PowerLoss);
            let under_way = append_until_failure(&log, &mut expected, 6..9);
            drop(log);
            let disk = disk.restart(survival);
            disk.fail_at(step, Fault::PowerLoss);
            rig.disk = Arc::new(disk.clone());
            drop(rig.try_open());
            rig.disk = Arc::new(disk.restart(survival));
            check_after(&rig.open(), expected, under_way);
        }
    }
}

#[test]
fn the_end_of_the_journal_may_be_cut_at_every_byte() {
    let disk = FaultyDisk::new(1);
    let mut rig = Rig::new(disk.clone());
    let mut expected = Expected::default();
    let log = rig.open();
    append_until_failure(&log, &mut expected, 0..3);
    let path = journal_files(&disk)[0].clone();
    let before = disk.content(&path).unwrap().len();
    expected.check(&log);
    let last = commit(3, 3);
    log.append(last.clone()).unwrap();
    drop(log);
    let whole = disk.content(&path).unwrap();
    let label = disk.content(&rig.path().join("log.json")).unwrap();
    for length in before..=whole.len() {
        let disk = FaultyDisk::new(1);
        disk.put(&path, whole[..length].to_vec());
        disk.put(&rig.path().join("log.json"), label.clone());
        rig.disk = Arc::new(disk);
        let log = rig.open();
        let mut expected = expected.clone();
        if length == whole.len() {
            expected.assume(&last);
        }
        assert_eq!(log.health().torn_bytes, if length == whole.len() { 0 } else { (length - before) as u64 });
        expected.check(&log);
    }
}

fn journal_files(disk: &FaultyDisk) -> Vec<PathBuf> {
    let paths = disk.paths();
    paths.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "journal")).collect()
}

#[test]
fn a_failed_sync_stops_appends_until_the_log_is_opened_again() {
    let disk = FaultyDisk::new(1);
    let mut rig = Rig::new(disk.clone());
    let mut expected = Expected::default();
    let log = rig.open();
    append_until_failure(&log, &mut expected, 0..3);
    // The packer takes steps of its own, so the failure is aimed at one append until it meets the sync.
    let mut refused = None;
    for number in 3..200 {
        disk.fail_at(1, Fault::Io);
        let commit = commit(number, 1);
        match log.append(commit.clone()) {
            Ok(appended) => expected.add(&commit, appended),
            Err(error) if *error.kind() == LogErrorKind::Suspect => {
                refused = Some((commit, error));
                break;
            }
            Err(_) => {}
        }
    }
    let (under_way, error) = refused.expect("one of the syncs fails");
    assert_eq!(error.retry(), Retry::Reopen);
    assert_eq!(error.blame(), crate::log::Blame::Host);
    disk.free_space();
    let error = log.append(commit(900, 1)).unwrap_err();
    assert_eq!(*error.kind(), LogErrorKind::Suspect);
    assert!(log.health().refused.is_some());
    let (records, lost) = read_all(&log, 100, 1 << 20);
    assert_eq!((records, lost), (expected.records.clone(), Vec::new()));
    let _ = log.close();
    rig.disk = Arc::new(disk.restart(Survival::All));
    let log = rig.open();
    let mut expected = check_after(&log, expected, Some(under_way));
    expected.append(&log, &commit(901, 1));
    expected.check(&log);
}

#[test]
fn a_full_disk_refuses_and_goes_on_by_itself_when_there_is_space() {
    for step in 0..30 {
        let disk = FaultyDisk::new(step);
        let rig = Rig::new(disk.clone());
        let mut expected = Expected::default();
        let log = rig.open();
        append_until_failure(&log, &mut expected, 0..2);
        disk.fail_at(step, Fault::Full);
        let mut n_full = 0;
        for number in 2..14 {
            let commit = commit(number, 3);
            match log.append(commit.clone()) {
                Ok(appended) => expected.add(&commit, appended),
                Err(error) => {
                    assert_eq!(*error.kind(), LogErrorKind::Full, "{error}");
                    assert_eq!(error.retry(), Retry::Later);
                    n_full += 1;
                }
            }
        }
        expected.check(&log);
        disk.free_space();
        expected.append(&log, &commit(50, 3));
        expected.check(&log);
        assert!(step > 15 || n_full > 0);
        log.seal().unwrap();
        expected.check(&log);
        log.close().unwrap();
        expected.check(&rig.open());
    }
}

#[test]
fn what_was_never_acknowledged_is_never_half_there() {
    // A large commit of many frames' size goes into one frame: a cut anywhere removes it whole.
    let disk = FaultyDisk::new(3);
    let mut rig = Rig::new(disk.clone());
    let log = rig.open();
    let mut expected = Expected::default();
    append_until_failure(&log, &mut expected, 0..2);
    disk.fail_at(0, Fault::PowerLoss);
    let large = commit(7, 40);
    let _ = log.append(large.clone());
    drop(log);
    for survival in SURVIVALS {
        rig.disk = Arc::new(disk.restart(survival));
        let log = rig.open();
        let n_records = log.last().0 - expected.last().0;
        assert!(n_records == 0 || n_records == 40);
        assert_eq!(is_there(&log, &large), n_records == 40);
    }
}
