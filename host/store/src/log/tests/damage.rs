//! Damaged files: noticed, contained, mended where that can be, and never wrong bytes.

use super::*;

/// A log with two sealed generations and an active one, closed cleanly or not, and what is in it.
fn grown(cleanly: bool) -> (Rig, Expected) {
    let rig = Rig::real();
    let mut expected = Expected::default();
    let log = rig.open();
    for number in 0..45 {
        expected.append(&log, &commit(number, 3));
        if number % 20 == 14 {
            log.seal().unwrap();
        }
    }
    if cleanly {
        log.close().unwrap();
    }
    (rig, expected)
}

fn random(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap()
}

#[test]
fn one_flipped_bit_anywhere_is_noticed_and_takes_little() {
    for cleanly in [true, false] {
        let (rig, expected) = grown(cleanly);
        let image = rig.dir.path().join("image");
        copy_dir(&rig.path(), &image);
        let mut state = 7;
        let files = files_under(&image);
        for round in 0..usize::try_from(rounds(150)).unwrap() {
            std::fs::remove_dir_all(rig.path()).unwrap();
            copy_dir(&image, &rig.path());
            // sled's files are mostly empty, so a byte is sought that is not.
            let file = &files[round % files.len()];
            let mut bytes = std::fs::read(file).unwrap();
            let Some(at) =
                (0..50).map(|_| random(&mut state) % bytes.len().max(1)).find(|&at| bytes.get(at) != Some(&0))
            else {
                continue;
            };
            let Some(byte) = bytes.get_mut(at) else { continue };
            *byte ^= 1 << (random(&mut state) % 8);
            std::fs::write(rig.path().join(file.strip_prefix(&image).unwrap()), bytes).unwrap();

            let log = match rig.try_open() {
                Ok(log) => log,
                // A damaged label may name another key or format; that is for the operator.
                Err(error) => {
                    assert!(file.ends_with("log.json"), "{file:?}: {error}");
                    continue;
                }
            };
            let n_lost = expected.check_damaged(&log);
            assert!(n_lost <= 12, "{file:?} at {at}: one bit took {n_lost} records");
        }
    }
}

#[test]
fn damage_inside_the_journal_loses_its_frame_and_keeps_the_rest() {
    let rig = Rig::real();
    let mut expected = Expected::default();
    let log = rig.open();
    for number in 0..8 {
        expected.append(&log, &commit(number, 2));
    }
    drop(log);
    let file = files_under(&rig.path().join("journal")).remove(0);
    let mut bytes = std::fs::read(&file).unwrap();
    let frames: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, window)| window == b"WJF1").map(|(at, _)| at).collect();
    assert_eq!(frames.len(), 8);
    bytes[frames[2] + 40] ^= 4;
    bytes[frames[5] + 9] ^= 4;
    std::fs::write(&file, &bytes).unwrap();

    let log = rig.open();
    assert_eq!(expected.check_damaged(&log), 4);
    let lost: Vec<_> = log.health().lost().map(|lost| (lost.first.0, lost.last.0)).collect();
    assert_eq!(lost, [(5, 6), (11, 12)]);
    assert_eq!(log.get(Seq(5)).unwrap(), None);
    assert_eq!(log.get(Seq(7)).unwrap().as_ref(), expected.records.get(6));
    // The generation is sealed with its gap, and says so from then on.
    log.seal().unwrap();
    assert_eq!(expected.check_damaged(&log), 4);
    log.close().unwrap();
    let log = rig.open();
    assert_eq!(expected.check_damaged(&log), 4);
    let lost: Vec<_> = log.health().lost().map(|lost| (lost.first.0, lost.last.0)).collect();
    assert_eq!(lost, [(5, 6), (11, 12)]);
}

#[test]
fn a_journal_damaged_after_a_clean_end_is_made_good_by_its_packs() {
    let rig = Rig::real();
    let mut expected = Expected::default();
    let log = rig.open();
    for number in 0..8 {
        expected.append(&log, &commit(number, 2));
    }
    log.close().unwrap();
    let file = files_under(&rig.path().join("journal")).remove(0);
    let length = std::fs::metadata(&file).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length - 10).unwrap();

    let log = rig.open();
    assert_eq!(log.last(), expected.last(), "positions are not given away again");
    log.packer.wait(|| log.health().generations.iter().all(|generation| generation.sealed)).unwrap();
    assert_eq!(expected.check_damaged(&log), 0);
    assert!(log.health().lost().count() > 0, "changes of state may be missing");
    let appended = log.append(commit(9, 1)).unwrap();
    assert_eq!(appended.first, expected.last().plus(1));
}

#[test]
fn a_sealed_generation_that_cannot_be_mended_is_set_aside_and_the_rest_serves() {
    let (rig, expected) = grown(true);
    let folder = rig.folders().remove(0);
    for file in files_under(&folder) {
        std::fs::write(file, b"not what it was").unwrap();
    }
    let log = rig.open();
    assert_eq!(expected.check_damaged(&log), 45);
    assert_eq!(log.get(Seq(45)).unwrap(), None);
    assert_eq!(log.get(Seq(46)).unwrap().as_ref(), expected.records.get(45));
    assert!(log.health().generations[0].quarantined.is_some());
    expected.check_state(&log);
}

#[test]
fn a_sealed_database_that_is_damaged_is_mended_from_its_own_bytes() {
    let (rig, expected) = grown(true);
    for folder in rig.folders() {
        // sled needs both of these and would refuse; the packs are in the other file.
        std::fs::write(folder.join("conf"), b"garbage").unwrap();
        for file in files_under(&folder) {
            if file.file_name().unwrap().to_str().unwrap().starts_with("snap") {
                std::fs::write(file, b"garbage").unwrap();
            }
        }
    }
    let log = rig.open();
    expected.check(&log);
    let health = log.health();
    assert!(
        health.generations[..2].iter().all(|generation| generation.quarantined.is_some() && generation.lost.is_empty())
    );
    log.close().unwrap();
    expected.check(&rig.open());
}

#[test]
fn a_lost_manifest_is_made_again_from_the_packs() {
    let (rig, expected) = grown(true);
    for name in ["00000001.manifest", "00000002.manifest", "00000003.manifest"] {
        std::fs::write(rig.path().join("raw").join(name), b"{}").unwrap();
    }
    let log = rig.open();
    expected.check(&log);
    log.close().unwrap();
    expected.check(&rig.open());
}

#[test]
fn a_log_that_has_lost_its_end_does_not_give_positions_away_again() {
    let rig = Rig::real();
    let mut expected = Expected::default();
    let log = rig.open();
    expected.append(&log, &commit(1, 3));
    log.raise(Seq(2));
    log.raise(Seq(10));
    let appended = log.append(commit(2, 1)).unwrap();
    assert_eq!(appended.first, Seq(11));
    for _ in 0..2 {
        let batch = log.read(Seq(3), 10, 1000).unwrap();
        assert_eq!((batch.lost[0].first, batch.lost[0].last), (Seq(4), Seq(10)));
        assert_eq!(batch.records[0].seq, Seq(11));
        log.seal().unwrap();
    }
    drop(log);
    assert_eq!(rig.open().last(), Seq(11));
}

#[test]
fn nothing_on_disk_is_readable() {
    let (rig, _) = grown(true);
    for file in files_under(&rig.path()) {
        let bytes = std::fs::read(&file).unwrap();
        for canary in ["tool-1", "set-1", "key-", "delivery-", "cursor"] {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "`{canary}` is readable in {}", file.display());
        }
    }
}
