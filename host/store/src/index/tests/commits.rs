//! What is there after a commit, a failure, a kill and damage.

use super::*;

#[test]
fn a_damaged_index_begins_anew() {
    let (dir, index) = temporary();
    index.apply(&[(id(1), Some(document(&[("result", "one")])))]).unwrap();
    index.commit(Seq(9)).unwrap();
    drop(index);
    let segment = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let segment = segment.filter(|path| path.extension().is_some_and(|end| end == "idx" || end == "term"));
    segment.for_each(|path| std::fs::write(path, "damaged").unwrap());
    let index = Index::open(dir.path()).unwrap();
    assert_eq!((index.watermark(), index.search(&query("*")).unwrap().total), (Seq::ZERO, 0));

    drop(index);
    std::fs::write(dir.path().join("meta.json"), "{").unwrap();
    assert_eq!(Index::open(dir.path()).unwrap().watermark(), Seq::ZERO);
}

/// What is put in first after an index was opened takes the place of what was there, whatever is merged meanwhile.
#[test]
fn an_index_that_is_opened_again_and_again_has_each_document_once() {
    let dir = tempfile::tempdir().unwrap();
    let documents = |numbers: std::ops::Range<usize>| -> Vec<_> {
        numbers.map(|number| (id(number), Some(document(&[("result", "success")])))).collect()
    };
    let total = |index: &Index| index.search(&SearchQuery::new(Filter::All, 0)).unwrap().total;
    let index = Index::open(dir.path()).unwrap();
    for number in 0..12 {
        index.apply(&documents(number..number + 1)).unwrap();
        index.commit(Seq(1)).unwrap();
    }
    drop(index);
    for round in 0..80 {
        let index = Index::open(dir.path()).unwrap();
        index.apply(&documents(round % 10..round % 10 + 2)).unwrap();
        index.commit(Seq(1)).unwrap();
        assert_eq!(total(&index), 12, "in round {round}");
    }
}

#[test]
fn what_is_rolled_back_is_not_there_and_what_is_added_is_replaced_later() {
    let (_dir, index) = temporary();
    let titled = |title: &str| document(&[("title", title)]);
    let found = |filter: &str| index.search(&query(filter)).unwrap().total;
    index.add(&id(1), &titled("one")).unwrap();
    index.add(&id(2), &titled("two")).unwrap();
    index.roll_back().unwrap();
    index.add(&id(1), &titled("one")).unwrap();
    index.commit(Seq(1)).unwrap();
    index.roll_back().unwrap();
    assert_eq!([found("*"), found("one"), found("two")], [1, 1, 0]);
    index.apply(&[(id(1), Some(titled("two")))]).unwrap();
    index.commit(Seq(2)).unwrap();
    assert_eq!([found("*"), found("one"), found("two")], [1, 0, 1]);
}

/// A host that is killed while it commits leaves files that no commit names, of the numbers that come again.
#[test]
fn files_of_a_commit_that_was_cut_short_are_in_nobodys_way() {
    let (dir, index) = temporary();
    let meta = dir.path().join("meta.json");
    let build = |result: &str| (id(1), Some(document(&[("result", result)])));
    index.apply(&[build("one"), (id(2), Some(document(&[])))]).unwrap();
    index.commit(Seq(1)).unwrap();
    drop(index);
    let before = std::fs::read(&meta).unwrap();
    let replaced = || {
        let index = Index::open(dir.path()).unwrap();
        assert_eq!(index.watermark(), Seq(1));
        index.apply(&[build("two")]).unwrap();
        index.commit(Seq(2)).unwrap();
        index
    };
    drop(replaced());
    std::fs::write(&meta, &before).unwrap();
    let index = replaced();
    assert_eq!(["*", "result:one", "result:two"].map(|filter| index.search(&query(filter)).unwrap().total), [2, 0, 1]);
}

#[test]
fn a_segment_of_which_much_is_replaced_is_written_anew() {
    let (_dir, index) = temporary();
    let documents = |result: &str, n: usize| -> Vec<_> {
        (0..n).map(|number| (id(number), Some(document(&[("result", result)])))).collect()
    };
    index.apply(&documents("one", 12_000)).unwrap();
    index.commit(Seq(1)).unwrap();
    index.apply(&documents("two", 5_000)).unwrap();
    index.commit(Seq(2)).unwrap();
    let deleted = || -> u32 {
        let searcher = index.reader.searcher();
        searcher.segment_readers().iter().map(tantivy::SegmentReader::num_deleted_docs).sum()
    };
    // It is done in the background, and seen from the next commit on.
    for seq in 3..500 {
        if deleted() == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        index.commit(Seq(seq)).unwrap();
    }
    assert_eq!(deleted(), 0);
    assert_eq!(["result:one", "result:two"].map(|filter| index.search(&query(filter)).unwrap().total), [7_000, 5_000]);
}
