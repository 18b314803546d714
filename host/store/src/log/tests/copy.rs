//! Copying a log that is in use: the copy is a log, holds all that was acknowledged before, and follows what is erased.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::log::ERASED;

impl Rig {
    /// The log in a copy, opened as it would be after a restore.
    fn open_copy(&self, copy: &Path) -> Log {
        let restored = self.dir.path().join("restored");
        OsDisk.remove_dir(&restored).unwrap();
        copy_dir(copy, &restored);
        Log::open(LogOptions {
            dir: restored,
            account: AccountId::new("acme").unwrap(),
            keys: Arc::clone(&self.keys),
            disk: Arc::new(OsDisk),
            limits: self.limits.clone(),
        })
        .unwrap()
    }
}

#[test]
fn a_copy_is_a_log_and_the_next_one_adds_what_is_new() {
    let rig = Rig::real();
    let copy = rig.dir.path().join("copy");
    let mut expected = Expected::default();
    let log = rig.open();
    for (round, new) in [(0, 1), (1, 1), (1, 0), (2, 1)] {
        for number in (expected.records.len() as u64 / 3)..(round + 1) * 10 {
            expected.append(&log, &commit(number, 3));
        }
        let copied = log.copy(&copy).unwrap();
        assert_eq!((copied.generations, copied.new, copied.damaged.len()), (round + 1, new, 0));
        expected.check(&log);
        let restored = rig.open_copy(&copy);
        expected.check(&restored);
        // It can be gone on with.
        expected.clone().append(&restored, &commit(99, 2));
        restored.close().unwrap();
    }
    let erased = log.rewrite(&|stored: &StoredRecord| stored.stream == stream(1)).unwrap();
    assert!(erased > 0);
    log.copy(&copy).unwrap();
    let restored = rig.open_copy(&copy);
    let (records, lost) = read_all(&restored, 100, 1 << 20);
    assert!(records.iter().all(|stored| stored.stream != stream(1)) && lost.iter().all(|lost| lost.reason == ERASED));
    assert_eq!(records.len() as u64 + erased, expected.records.len() as u64);
    let folders = OsDisk.list(&copy.join("raw")).unwrap().into_iter().filter(|name| !name.ends_with(".manifest"));
    assert_eq!(folders.count(), 3, "the generations with what was erased are gone");
}

#[test]
fn a_copy_taken_while_records_come_is_the_log_of_one_moment() {
    let rig = Rig::real();
    let log = rig.open();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in (0..).take_while(|_| !stop.load(Ordering::Relaxed)) {
                log.append(commit(number, 3)).unwrap();
                // Packs are tiny here: a machine that is slow would never be done with those of one call.
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        for round in 0..5 {
            let copy = rig.dir.path().join(format!("copy-{round}"));
            let before = log.last();
            log.copy(&copy).unwrap();
            let restored = rig.open_copy(&copy);
            assert!(restored.last() >= before);
            let mut expected = Expected::default();
            for number in 0..restored.last().0 / 3 {
                expected.assume(&commit(number, 3));
            }
            // Records and state of one commit are there together, or not at all.
            expected.check(&restored);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// A log of three generations, and its copy.
fn copied() -> (Rig, Expected, PathBuf) {
    let rig = Rig::real();
    let copy = rig.dir.path().join("copy");
    let mut expected = Expected::default();
    let log = rig.open();
    for number in 0..45 {
        expected.append(&log, &commit(number, 3));
        if number % 15 == 14 {
            log.seal().unwrap();
        }
    }
    let copied = log.copy(&copy).unwrap();
    assert_eq!((copied.generations, copied.new, copied.damaged), (3, 3, Vec::new()));
    log.close().unwrap();
    (rig, expected, copy)
}

#[test]
fn what_is_damaged_is_named_and_the_rest_is_copied() {
    let (rig, _, _) = copied();
    let file = rig.folders()[1].join("db");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let copied = rig.open().copy(&rig.dir.path().join("another")).unwrap();
    assert_eq!((copied.generations, copied.damaged.len()), (2, 1), "{copied:?}");
}

#[test]
fn an_earlier_copy_of_what_is_lost_since_is_kept() {
    for what in ["cannot be read", "is missing"] {
        let (rig, expected, copy) = copied();
        let folder = rig.folders().remove(1);
        OsDisk.remove(&folder.with_extension("manifest")).unwrap();
        OsDisk.remove_dir(&folder).unwrap();
        if what == "cannot be read" {
            OsDisk.create_dir(&folder).unwrap();
        }
        let log = rig.open();
        for _ in 0..2 {
            let copied = log.copy(&copy).unwrap();
            assert_eq!((copied.generations, copied.new), (3, 0));
            assert_eq!(copied.damaged, [format!("generation 2 {what}; its earlier copy is kept")]);
        }
        expected.check(&rig.open_copy(&copy));
    }
}

#[test]
fn a_generation_that_was_mended_with_losses_does_not_replace_its_earlier_copy() {
    let (rig, expected, copy) = copied();
    let image = rig.dir.path().join("image");
    copy_dir(&rig.path(), &image);
    let (mut n_mended, mut n_lossy) = (0, 0);
    let folder = rig.folders().remove(1);
    let whole = std::fs::read(folder.join("db")).unwrap();
    let chunks = whole.windows(4).enumerate().filter(|(_, begin)| *begin == b"WRC1");
    for (at, _) in chunks {
        OsDisk.remove_dir(&rig.path()).unwrap();
        copy_dir(&image, &rig.path());
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(folder.join("db"), bytes).unwrap();
        let log = rig.open();
        // Whoever reads finds the damage, and has it mended.
        let (_, lost) = read_all(&log, 100, 1 << 20);
        let copied = log.copy(&copy).unwrap();
        assert_eq!(copied.damaged.is_empty(), lost.is_empty(), "{copied:?}, {lost:?}");
        expected.check(&rig.open_copy(&copy));
        n_mended += 1;
        n_lossy += u64::from(!lost.is_empty());
    }
    assert!(n_lossy > 0 && n_lossy < n_mended, "{n_lossy} of {n_mended}");
}

#[test]
fn a_copy_that_cannot_be_written_is_no_copy_and_damages_none() {
    let (rig, mut expected, copy) = copied();
    let log = rig.open();
    expected.append(&log, &commit(45, 3));
    log.seal().unwrap();
    // A file where a folder is to be, as a full disk would leave nothing there.
    let place = copy.join("raw").join(format!("{}.new", rig.folders()[3].file_name().unwrap().to_str().unwrap()));
    std::fs::write(&place, b"").unwrap();
    assert!(log.copy(&copy).is_err());
    OsDisk.remove(&place).unwrap();
    assert_eq!(log.copy(&copy).unwrap().new, 1);
    expected.check(&rig.open_copy(&copy));
}
