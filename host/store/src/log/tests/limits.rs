//! At every limit and one past it.

use super::*;
use crate::log::{Blame, LogErrorKind};

fn one_record(key: &str, payload: usize, context: Option<usize>) -> Commit {
    let mut record = RawRecord::upsert(key, None, vec![b'x'; payload]);
    record.context = context.map(|length| "c".repeat(length));
    Commit { records: vec![(stream(0), record)], received_at: Timestamp::from_ms(1), puts: Vec::new() }
}

fn check(log: &Log, at: Commit, past: Commit) {
    log.append(at).unwrap();
    let last = log.last();
    let error = log.append(past).unwrap_err();
    assert!(matches!(error.kind(), LogErrorKind::TooLarge(_)), "{error}");
    assert_eq!(error.blame(), Blame::Plugin);
    assert_eq!(log.last(), last);
}

#[test]
fn records_and_puts_at_their_limits() {
    use crate::state::{STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX};
    use weir_model::id::KEY_BYTES_MAX;
    use weir_model::raw::{CONTEXT_BYTES_MAX, PAYLOAD_BYTES_MAX};

    let rig = Rig::real();
    let log = rig.open();
    check(&log, one_record(&"k".repeat(KEY_BYTES_MAX), 1, None), one_record(&"k".repeat(KEY_BYTES_MAX + 1), 1, None));
    check(&log, one_record("k", 1, None), one_record("", 1, None));
    check(&log, one_record("k", PAYLOAD_BYTES_MAX, None), one_record("k", PAYLOAD_BYTES_MAX + 1, None));
    check(&log, one_record("k", 1, Some(CONTEXT_BYTES_MAX)), one_record("k", 1, Some(CONTEXT_BYTES_MAX + 1)));

    let put = |key: usize, value: usize| Commit {
        records: Vec::new(),
        received_at: Timestamp::from_ms(1),
        puts: vec![Put::set(StateKey::new(&["k".repeat(key)]), vec![0; value])],
    };
    check(&log, put(STATE_KEY_BYTES_MAX - 2, 1), put(STATE_KEY_BYTES_MAX - 1, 1));
    check(&log, put(1, STATE_VALUE_BYTES_MAX), put(1, STATE_VALUE_BYTES_MAX + 1));
    let (before, _) = read_all(&log, 10, usize::MAX);
    log.seal().unwrap();
    assert_eq!(read_all(&log, 10, usize::MAX).0, before);
    assert_eq!(log.state(&StateKey::new(&["k"])).unwrap().unwrap().len(), STATE_VALUE_BYTES_MAX);
}

#[test]
fn commits_at_their_limits() {
    let mut rig = Rig::real();
    rig.limits.commit_bytes_max = 100;
    rig.limits.commit_records_max = 2;
    let log = rig.open();
    check(&log, one_record("k", 99, None), one_record("k", 100, None));
    check(&log, commit_of(2), commit_of(3));
    // Nothing at all is a commit too.
    let appended = log.append(commit_of(0)).unwrap();
    assert_eq!((appended.first, appended.last), (log.last().plus(1), log.last()));
}

fn commit_of(n_records: usize) -> Commit {
    let records = vec![(stream(0), RawRecord::delete("k", None)); n_records];
    Commit { records, received_at: Timestamp::from_ms(1), puts: Vec::new() }
}

#[test]
fn a_read_gives_no_more_than_was_asked_for_but_always_one() {
    let rig = Rig::real();
    let log = rig.open();
    for _ in 0..5 {
        log.append(one_record("k", 99, None)).unwrap();
    }
    for sealed in [false, true] {
        if sealed {
            log.seal().unwrap();
        }
        let n_read = |records_max, bytes_max| log.read(Seq(1), records_max, bytes_max).unwrap().records.len();
        assert_eq!((n_read(2, 1000), n_read(0, 1000), n_read(9, 1000)), (2, 1, 4));
        assert_eq!((n_read(9, 0), n_read(9, 199), n_read(9, 200), n_read(9, 201)), (1, 1, 2, 2));
        assert_eq!(log.read(Seq(5), 9, 1000).unwrap(), crate::log::Batch { next: Seq(5), ..Default::default() });
    }
}

#[test]
fn a_full_queue_is_busy_at_once_for_those_who_cannot_wait() {
    let mut rig = Rig::real();
    rig.limits.queue_bytes_max = 10_000;
    let log = rig.open();
    let (sender, receiver) = std::sync::mpsc::channel();
    for _ in 0..2000 {
        let sender = sender.clone();
        log.submit(one_record("k", 1000, None), Box::new(move |result| sender.send(result).unwrap()));
    }
    drop(sender);
    let answers: Vec<_> = receiver.iter().collect();
    assert_eq!(answers.len(), 2000);
    let n_busy = answers.iter().filter_map(|answer| answer.as_ref().err()).inspect(|error| {
        assert_eq!(*error.kind(), LogErrorKind::Busy, "{error}");
    });
    assert_eq!(n_busy.count() as u64 + log.last().0, 2000);
    // Those who can wait do.
    log.append(one_record("k", 20_000, None)).unwrap();
}

#[test]
fn a_generation_is_sealed_by_size_by_journal_by_state_and_by_age() {
    let shapes: [fn(&mut LogLimits); 4] = [
        |limits| limits.generation_bytes_max = 4000,
        |limits| limits.generation_journal_bytes_max = 4000,
        |limits| limits.generation_state_bytes_max = 1000,
        |limits| limits.generation_age_ms_max = 30_000,
    ];
    for shape in shapes {
        let mut rig = Rig::real();
        shape(&mut rig.limits);
        let log = rig.open();
        let mut expected = Expected::default();
        for number in 0..40 {
            expected.append(&log, &commit(number, 3));
        }
        let sealed = || log.health().generations.iter().filter(|generation| generation.sealed).count() > 0;
        log.packer.wait(sealed).unwrap();
        expected.check(&log);
        log.close().unwrap();
        expected.check(&rig.open());
    }
}

#[test]
fn more_generations_than_are_kept_open_are_read_in_order() {
    let rig = Rig::real();
    let log = rig.open();
    let mut expected = Expected::default();
    for number in 0..6 {
        expected.append(&log, &commit(number, 4));
        log.seal().unwrap();
    }
    expected.check(&log);
    expected.check(&log);
    assert_eq!(log.health().generations.len(), 6);
}

#[test]
fn another_key_or_format_is_refused() {
    let mut rig = Rig::real();
    rig.open().close().unwrap();
    let account = AccountId::new("acme").unwrap();
    let keys = std::mem::replace(
        &mut rig.keys,
        Arc::new(Keys::open_or_create(&rig.dir.path().join("others"), &account).unwrap()),
    );
    let error = rig.try_open().unwrap_err();
    assert_eq!((error.kind(), error.blame()), (&LogErrorKind::WrongKey, Blame::Config));
    rig.keys = keys;
    let label = rig.path().join("log.json");
    std::fs::write(&label, r#"{"format":2,"news":1}"#).unwrap();
    assert_eq!(*rig.try_open().unwrap_err().kind(), LogErrorKind::Format);
    assert_eq!(std::fs::read_to_string(label).unwrap(), r#"{"format":2,"news":1}"#);
}

#[test]
fn listeners_hear_what_is_durable_and_may_panic() {
    let rig = Rig::real();
    let log = rig.open();
    let (sender, receiver) = std::sync::mpsc::channel();
    log.on_append(Box::new(move |seq| sender.send(seq).unwrap()));
    log.append(commit(1, 3)).unwrap();
    assert_eq!(receiver.recv().unwrap(), Seq(3));
    log.submit(commit(2, 1), Box::new(|_| panic!("a listener of this test panics on purpose")));
    assert_eq!(receiver.recv().unwrap(), Seq(4));
    log.append(commit(3, 1)).unwrap();
    assert_eq!(log.last(), Seq(5));
}
