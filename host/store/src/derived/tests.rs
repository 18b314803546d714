use weir_model::entity::Build;
use weir_model::{SearchDocument, Seq};

use super::*;
use crate::projection::RecordEntities;

fn record(seq: u64) -> RecordEntities {
    let stream = weir_model::StreamId { integration: "ci".parse().unwrap(), dataset: "builds".parse().unwrap() };
    let entities = vec![(format!("build:ci:{seq}").parse().unwrap(), Build::default().into())];
    RecordEntities { stream, key: seq.to_string(), version: 1, seq: Seq(seq), said: None, entities }
}

fn fill(derived: &Derived, to: u64) {
    let mut apply = derived.projection.apply().unwrap();
    for seq in 1..=to {
        apply.record(&record(seq)).unwrap();
    }
    apply.finish(Seq(to)).unwrap();
    derived.index.apply(&[("build:ci:1".parse().unwrap(), Some(SearchDocument::default()))]).unwrap();
    derived.index.commit(Seq(to)).unwrap();
}

fn watermarks(derived: &Derived) -> (Seq, Seq) {
    (derived.projection.watermark().unwrap(), derived.index.watermark())
}

fn folders(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn a_rebuild_takes_the_place_in_one_step() {
    let dir = tempfile::tempdir().unwrap();
    let current = Derived::open(dir.path(), &"one".into()).unwrap();
    fill(&current, 5);
    let next = Derived::next(dir.path(), &"two".into()).unwrap();
    fill(&next, 7);
    assert_eq!(
        (folders(dir.path()), watermarks(&current)),
        (["1", "2", "CURRENT"].map(str::to_owned).to_vec(), (Seq(5), Seq(5)))
    );
    Derived::promote(dir.path(), &next).unwrap();
    drop((current, next));
    let current = Derived::open(dir.path(), &"two".into()).unwrap();
    assert_eq!(
        (folders(dir.path()), watermarks(&current)),
        (["2", "CURRENT"].map(str::to_owned).to_vec(), (Seq(7), Seq(7)))
    );
    assert!(!current.is_stale());
}

#[test]
fn a_rebuild_that_was_cut_off_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fill(&Derived::open(dir.path(), &"one".into()).unwrap(), 5);
    fill(&Derived::next(dir.path(), &"one".into()).unwrap(), 2);
    let current = Derived::open(dir.path(), &"one".into()).unwrap();
    assert_eq!(
        (folders(dir.path()), watermarks(&current)),
        (["1", "CURRENT"].map(str::to_owned).to_vec(), (Seq(5), Seq(5)))
    );
}

#[test]
fn another_definition_makes_it_stale_but_readable() {
    let dir = tempfile::tempdir().unwrap();
    fill(&Derived::open(dir.path(), &"one".into()).unwrap(), 5);
    let current = Derived::open(dir.path(), &"two".into()).unwrap();
    assert!(current.is_stale());
    assert_eq!(watermarks(&current), (Seq(5), Seq(5)));
}

#[test]
fn an_index_ahead_of_its_projection_is_cleared() {
    let dir = tempfile::tempdir().unwrap();
    let current = Derived::open(dir.path(), &"one".into()).unwrap();
    fill(&current, 5);
    current.index.commit(Seq(6)).unwrap();
    drop(current);
    assert_eq!(watermarks(&Derived::open(dir.path(), &"one".into()).unwrap()), (Seq(5), Seq::ZERO));
}

#[test]
fn a_damaged_projection_is_rebuilt_beside_itself() {
    let dir = tempfile::tempdir().unwrap();
    fill(&Derived::open(dir.path(), &"one".into()).unwrap(), 5);
    fs::write(dir.path().join("1/model.db"), "x".repeat(10_000)).unwrap();
    assert!(Derived::open(dir.path(), &"one".into()).unwrap_err().is_damage());
    let next = Derived::next(dir.path(), &"one".into()).unwrap();
    Derived::promote(dir.path(), &next).unwrap();
    drop(next);
    assert_eq!(watermarks(&Derived::open(dir.path(), &"one".into()).unwrap()), (Seq::ZERO, Seq::ZERO));
}
