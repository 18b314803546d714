//! Random operations, crashes among them, against the model.

use proptest::prelude::*;

use super::*;
use crate::disk::faulty::Survival;

#[derive(Debug, Clone)]
enum Step {
    Append { n_records: usize },
    AppendTogether { n_commits: usize },
    Seal,
    Close,
    Kill { survival: Survival, harm: Harm },
    Check,
}

/// What a power loss does to the files that sled wrote and nobody synced.
#[derive(Debug, Clone, Copy)]
enum Harm {
    None,
    Delete,
    Truncate(u16),
    Scramble(u64),
    Older,
}

fn step() -> impl Strategy<Value = Step> {
    let survival = prop::sample::select(vec![Survival::Nothing, Survival::Half, Survival::Torn, Survival::All]);
    let harm = prop_oneof![
        Just(Harm::None),
        Just(Harm::Delete),
        any::<u16>().prop_map(Harm::Truncate),
        any::<u64>().prop_map(Harm::Scramble),
        Just(Harm::Older),
    ];
    prop_oneof![
        6 => (0..9usize).prop_map(|n_records| Step::Append { n_records }),
        2 => (1..6usize).prop_map(|n_commits| Step::AppendTogether { n_commits }),
        1 => Just(Step::Seal),
        1 => Just(Step::Close),
        2 => (survival, harm).prop_map(|(survival, harm)| Step::Kill { survival, harm }),
        2 => Just(Step::Check),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: rounds(32), max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_ever_missing(steps in prop::collection::vec(step(), 1..25), seed: u64) {
        run(&steps, seed);
    }
}

fn run(steps: &[Step], seed: u64) {
    let mut disk = FaultyDisk::new(seed);
    let mut rig = Rig::new(disk.clone());
    let older = rig.dir.path().join("older");
    let mut expected = Expected::default();
    let mut log = rig.open();
    let mut number = 0;
    let mut next = || {
        number += 1;
        number
    };
    for step in steps {
        match step {
            Step::Append { n_records } => expected.append(&log, &commit(next(), *n_records)),
            Step::AppendTogether { n_commits } => append_together(&log, &mut expected, *n_commits, &mut next),
            Step::Seal => log.seal().unwrap(),
            Step::Check => expected.check(&log),
            Step::Close => {
                log.close().unwrap();
                log = rig.open();
            }
            Step::Kill { survival, harm } => {
                drop(log);
                keep_older(&rig, &older);
                disk = disk.restart(*survival);
                rig.disk = Arc::new(disk.clone());
                harm_active(&rig, *harm, &older);
                log = rig.open();
            }
        }
    }
    expected.check(&log);
    log.close().unwrap();
    expected.check(&rig.open());
}

fn append_together(log: &Log, expected: &mut Expected, n_commits: usize, next: &mut impl FnMut() -> u64) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let commits: Vec<_> = (0..n_commits).map(|_| commit(next(), 2)).collect();
    for commit in &commits {
        let sender = sender.clone();
        log.submit(commit.clone(), Box::new(move |result| sender.send(result).unwrap()));
    }
    for (commit, appended) in commits.iter().zip(receiver) {
        expected.add(commit, appended.unwrap());
    }
}

fn keep_older(rig: &Rig, older: &Path) {
    for folder in rig.folders() {
        let target = older.join(folder.file_name().unwrap());
        if !target.exists() {
            copy_dir(&folder, &target);
        }
    }
}

/// Harms the databases of generations that are not sealed; a sealed one was synced before its manifest was.
fn harm_active(rig: &Rig, harm: Harm, older: &Path) {
    let names = rig.disk.list(&rig.path().join("raw")).unwrap();
    let sealed: Vec<_> = names.iter().filter_map(|name| name.strip_suffix(".manifest")).collect();
    for folder in rig.folders() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        if sealed.iter().any(|generation| name.starts_with(generation)) {
            continue;
        }
        apply(harm, &folder, &older.join(name));
    }
}

fn apply(harm: Harm, folder: &Path, older: &Path) {
    match harm {
        Harm::None => {}
        Harm::Delete => std::fs::remove_dir_all(folder).unwrap(),
        Harm::Truncate(length) => {
            for file in files_under(folder) {
                std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(length.into()).unwrap();
            }
        }
        Harm::Scramble(seed) => {
            for file in files_under(folder) {
                let mut bytes = std::fs::read(&file).unwrap();
                let mut state = seed | 1;
                for byte in bytes.iter_mut().step_by(97) {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                    *byte ^= (state >> 56) as u8;
                }
                std::fs::write(&file, bytes).unwrap();
            }
        }
        Harm::Older => {
            if older.exists() {
                std::fs::remove_dir_all(folder).unwrap();
                copy_dir(older, folder);
            }
        }
    }
}
