use super::*;
use crate::time::Timestamp;
use serde_json::json;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn the_highest_rank_wins_and_lists_are_united() {
    let newest = Change::default().state(ChangeState::Merged).labels(["bug".to_owned()]);
    let older =
        Change::default().state(ChangeState::Open).title("Fix".to_owned()).labels(["ui".to_owned(), "bug".to_owned()]);
    let merged = Entity::merge([newest.into(), older.into()]).unwrap();
    assert_eq!(merged.to_json(), r#"{"title":"Fix","state":"merged","labels":["ui","bug"]}"#);
}

#[test]
fn parts_of_a_build_are_merged_field_by_field() {
    let stage = |key: &str| Stage { key: key.to_owned(), ..Stage::default() };
    let ended = Stage { result: Some(RunResult::Failure), finished_at: Some(at("2024-03-01T10:00:00Z")), ..stage("7") };
    let begun = Stage {
        name: Some("Test".to_owned()),
        result: Some(RunResult::Success),
        started_at: Some(at("2024-03-01T09:30:00Z")),
        ..stage("7")
    };
    let merged =
        Entity::merge([Build::default().stages([ended]).into(), Build::default().stages([begun, stage("8")]).into()]);
    assert_eq!(
        merged.unwrap().to_json(),
        r#"{"stages":[{"key":"7","name":"Test","result":"failure","started_at":"2024-03-01T09:30:00.000Z","finished_at":"2024-03-01T10:00:00.000Z"},{"key":"8"}]}"#
    );
}

#[test]
fn united_lists_keep_their_order() {
    let united = |keys: [&[&str]; 2]| {
        let stage = |key: &&str| Stage { key: (*key).to_owned(), ..Stage::default() };
        let build = |keys: &[&str]| Build::default().stages(keys.iter().map(stage)).into();
        let Some(Entity::Build(build)) = Entity::merge(keys.map(build)) else { panic!("no build") };
        build.stages.iter().map(|stage| stage.key.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(united([&["1", "2"], &["0", "1"]]), "0 1 2");
    assert_eq!(united([&["0", "3"], &["0", "1", "2", "3", "4"]]), "0 1 2 3 4");
    assert_eq!(united([&["2", "1"], &["1", "x", "2"]]), "x 2 1");
    assert_eq!(united([&["1"], &["2"]]), "1 2");
}

#[test]
fn parts_that_are_told_of_one_by_one_come_in_the_order_they_began() {
    let stage = |key: &str, began: &str| Stage { key: key.to_owned(), started_at: Some(at(began)), ..Stage::default() };
    let [first, second, tenth] = ["0", "1", "10"].map(|key| stage(key, "2024-03-01T10:00:00Z"));
    let last = stage("2", "2024-03-01T10:00:01Z");
    let unknown = Stage { key: "x".to_owned(), ..Stage::default() };
    let ranks = [&last, &tenth, &unknown, &first, &second].map(|stage| Build::default().stages([stage.clone()]).into());
    let Some(Entity::Build(build)) = Entity::merge(ranks) else { panic!("no build") };
    assert_eq!(build.stages.iter().map(|stage| stage.key.as_str()).collect::<Vec<_>>(), ["0", "1", "10", "2", "x"]);
}

#[test]
fn a_document_gives_back_what_it_took() {
    let build = Build::default()
        .number(7)
        .result(RunResult::Unknown("NEUTRAL".to_owned()))
        .started_at(at("2024-03-01T09:30:00+01:00"));
    let json = Entity::from(build.clone()).to_json();
    assert_eq!(json, r#"{"number":7,"result":{"unknown":"NEUTRAL"},"started_at":"2024-03-01T09:30:00.000+01:00"}"#);
    assert_eq!(Entity::read(&EntityKind::Build, &json).unwrap(), build.into());
}

#[test]
fn what_does_not_fit_is_left_out_and_named() {
    let document = json!({
        "number": "seven", "job": "a/b", "started_at": "soon", "result": null, "colour": "red",
        "commits": ["a0d740aac10dd06153ece5e97f3e750dc3dd6df8", "x"],
    });
    let (entity, misfits) = Entity::read_leniently(&EntityKind::Build, document.as_object().unwrap().clone());
    assert_eq!(entity.to_json(), r#"{"job":"a/b","commits":["a0d740aac10dd06153ece5e97f3e750dc3dd6df8"]}"#);
    let places: Vec<_> = misfits.iter().map(|misfit| misfit.place.as_str()).collect();
    assert_eq!(places, ["/number", "/commits/1", "/started_at", "/colour"]);
}

#[test]
fn kinds_have_names_both_ways() {
    for kind in EntityKind::ALL {
        assert_eq!(kind.as_str().parse::<EntityKind>().as_ref(), Ok(kind));
    }
    assert!("Build!".parse::<EntityKind>().is_err());
}
