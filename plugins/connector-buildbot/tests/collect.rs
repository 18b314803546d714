//! The connector against a cassette of its own: what it asks for, which records come of it, and which entities they become.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::rc::Rc;

use connector_buildbot::Buildbot;
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use weir_sdk::failure::FailureKind;
use weir_sdk::mock::{self, Answer, Cassette, Collected, Order};
use weir_sdk::record::RawRecord;

const SETTINGS: &str = "{}";

fn cassette() -> Cassette {
    Cassette::read(include_str!("../cassettes/acme.json")).unwrap()
}

fn collect(cassette: &Rc<Cassette>, order: &Order) -> Collected {
    mock::collect::<Buildbot>(cassette, order)
}

fn check_under(dataset: &str, expected: &Expect) {
    expected.assert_eq(&mock::show::<Buildbot>(&Rc::new(cassette()), dataset, Some(("builds", "*")), SETTINGS));
}

#[test]
fn builds_with_what_they_were_asked_for() {
    let found = mock::show::<Buildbot>(&Rc::new(cassette()), "builds", None, SETTINGS);
    expect![[r#"
        1 @1749990120002 {"system":"buildbot.acme.example","url":"https://buildbot.acme.example/#/builders/1/builds/1","builder":"unit tests/linux","tags":["ci","linux"],"submitted_at":1749990000,"waited_for":false,"reason":"The AnyBranchScheduler scheduler named 'all' triggered this build","sources":[{"codebase":"","repository":"https://git.acme.example/acme/api.git","branch":"main","revision":"1111111111111111111111111111111111111111"}]}
          build 1 {"attempt":1,"system":"buildbot.acme.example","job":"unit tests/linux","number":1,"url":"https://buildbot.acme.example/#/builders/1/builds/1","state":"finished","result":"success","result_word":"success","triggers":[{"kind":"push","text":"The AnyBranchScheduler scheduler named 'all' triggered this build"}],"checkouts":[{"repository":{"name":"https://git.acme.example/acme/api.git"},"branch":"main","commit":"1111111111111111111111111111111111111111"}],"worker":"linux-1","queued_at":"2025-06-15T12:20:00.000Z","started_at":"2025-06-15T12:21:00.000Z","finished_at":"2025-06-15T12:22:00.000Z","duration":60000,"attributes":{"buildbot.state":"build successful","buildbot.tags":["ci","linux"]}}
        2 @1749991000002 {"system":"buildbot.acme.example","url":"https://buildbot.acme.example/#/builders/1/builds/2","builder":"unit tests/linux","tags":["ci","linux"],"submitted_at":1749990890,"waited_for":false,"reason":"A build was forced by 'Ana Lima <Ana@acme.example>': because","sources":[{"codebase":"","repository":"https://git.acme.example/acme/api.git","branch":"main","revision":""}]}
          build 2 {"attempt":1,"system":"buildbot.acme.example","job":"unit tests/linux","number":2,"url":"https://buildbot.acme.example/#/builders/1/builds/2","state":"finished","result":"failure","result_word":"failure","triggers":[{"kind":"manual","text":"A build was forced by 'Ana Lima <Ana@acme.example>': because","person":{"name":"ana@acme.example"}}],"checkouts":[{"repository":{"name":"https://git.acme.example/acme/api.git"},"branch":"main","commit":"2222222222222222222222222222222222222222"}],"worker":"linux-1","queued_at":"2025-06-15T12:34:50.000Z","started_at":"2025-06-15T12:35:00.000Z","finished_at":"2025-06-15T12:36:40.000Z","duration":100000,"attributes":{"buildbot.state":"failed 'sh test.sh' (failure)","buildbot.tags":["ci","linux"]}}
        3 @1749992000002 {"system":"buildbot.acme.example","url":"https://buildbot.acme.example/#/builders/2/builds/1","builder":"release","submitted_at":1749991499,"waited_for":true,"reason":"The Triggerable scheduler named 'release' triggered this build","parent":2,"sources":[{"codebase":"api","repository":"https://git.acme.example/acme/api.git"},{"codebase":"web","repository":"git@git.acme.example:acme/web.git","branch":"refs/tags/v1","revision":"v1"}]}
          build 3 {"attempt":1,"system":"buildbot.acme.example","job":"release","number":1,"url":"https://buildbot.acme.example/#/builders/2/builds/1","state":"finished","result":"success","result_word":"warnings","triggers":[{"kind":"upstream","text":"The Triggerable scheduler named 'release' triggered this build","build":{"key":"2"}}],"checkouts":[{"repository":{"name":"https://git.acme.example/acme/api.git"},"commit":"2222222222222222222222222222222222222222"},{"repository":{"name":"git@git.acme.example:acme/web.git"},"branch":"v1","commit":"3333333333333333333333333333333333333333"}],"parent":{"key":"2"},"worker":"linux-2","queued_at":"2025-06-15T12:44:59.000Z","started_at":"2025-06-15T12:45:00.000Z","finished_at":"2025-06-15T12:53:20.000Z","duration":500000,"attributes":{"buildbot.state":"warnings"}}
        4 @1749993000002 {"system":"buildbot.acme.example","url":"https://buildbot.acme.example/#/builders/1/builds/3","builder":"unit tests/linux","tags":["ci","linux"],"submitted_at":1749992880,"waited_for":false,"reason":"The AnyBranchScheduler scheduler named 'pulls' triggered this build","sources":[{"codebase":"","repository":"https://github.com/acme/api","branch":"refs/pull/7/merge","revision":"4444444444444444444444444444444444444444"}]}
          build 4 {"attempt":1,"system":"buildbot.acme.example","job":"unit tests/linux","number":3,"url":"https://buildbot.acme.example/#/builders/1/builds/3","state":"finished","result":"error","result_word":"retry","triggers":[{"kind":"change","text":"The AnyBranchScheduler scheduler named 'pulls' triggered this build"}],"checkouts":[{"repository":{"name":"https://github.com/acme/api"},"branch":"refs/pull/7/merge","commit":"4444444444444444444444444444444444444444"}],"change":{"name":"acme/api#7"},"queued_at":"2025-06-15T13:08:00.000Z","started_at":"2025-06-15T13:08:20.000Z","finished_at":"2025-06-15T13:10:00.000Z","duration":100000,"attributes":{"buildbot.state":"worker lost","buildbot.tags":["ci","linux"]}}
        5 @1749993100000 {"system":"buildbot.acme.example","url":"https://buildbot.acme.example/#/builders/1/builds/4","builder":"unit tests/linux","tags":["ci","linux"],"submitted_at":1749992880,"waited_for":false,"reason":"The AnyBranchScheduler scheduler named 'pulls' triggered this build","sources":[{"codebase":"","repository":"https://github.com/acme/api","branch":"refs/pull/7/merge","revision":"4444444444444444444444444444444444444444"}]}
          build 5 {"attempt":1,"system":"buildbot.acme.example","job":"unit tests/linux","number":4,"url":"https://buildbot.acme.example/#/builders/1/builds/4","state":"running","triggers":[{"kind":"change","text":"The AnyBranchScheduler scheduler named 'pulls' triggered this build"}],"checkouts":[{"repository":{"name":"https://github.com/acme/api"},"branch":"refs/pull/7/merge","commit":"4444444444444444444444444444444444444444"}],"change":{"name":"acme/api#7"},"worker":"linux-2","queued_at":"2025-06-15T13:08:00.000Z","started_at":"2025-06-15T13:11:40.000Z","attributes":{"buildbot.state":"building","buildbot.tags":["ci","linux"]}}
        6 @1749993200002 {"system":"buildbot.acme.example","builder":""}
          build 6 {"attempt":1,"system":"buildbot.acme.example","state":"finished","result":{"unknown":"9"},"result_word":"9","finished_at":"2025-06-15T13:13:20.000Z"}
          ! builds.results 9
          ! builds.started_at then
          ! builds.number one
    "#]].assert_eq(&found);
}

#[test]
fn steps() {
    check_under(
        "steps",
        &expect![[r#"
        1/0 @- -
          build 1 {"stages":[{"key":"0","name":"worker_preparation","kind":"step","state":"finished","result":"success","result_word":"success","started_at":"2025-06-15T12:21:00.000Z","finished_at":"2025-06-15T12:21:02.000Z","duration":2000}]}
        1/1 @- -
          build 1 {"stages":[{"key":"1","name":"test","kind":"step","state":"finished","result":"success","result_word":"success","started_at":"2025-06-15T12:21:02.000Z","finished_at":"2025-06-15T12:22:00.000Z","duration":58000}]}
        2/0 @- -
          build 2 {"stages":[{"key":"0","name":"test","kind":"step","state":"finished","result":"failure","result_word":"failure","started_at":"2025-06-15T12:35:00.000Z","finished_at":"2025-06-15T12:36:40.000Z","duration":100000}]}
        2/1 @- -
          build 2 {"stages":[{"key":"1","name":"publish","kind":"step","state":"finished","result":"skipped","result_word":"skipped","finished_at":"2025-06-15T12:36:40.000Z"}]}
        5/0 @- -
          build 5 {"stages":[{"key":"0","name":"git","kind":"step","state":"running","started_at":"2025-06-15T13:11:40.000Z"}]}
    "#]],
    );
}

#[test]
fn changes() {
    check_under(
        "changes",
        &expect![[r#"
        1/2 @- -
          commit 1111111111111111111111111111111111111111 {"repositories":[{"name":"https://git.acme.example/acme/api.git"}],"author":{"name":"ana@acme.example"},"committer":{"name":"Ben"},"committed_at":"2025-06-15T12:18:20.000Z","message":"answer in time","files":[{"path":"src/api.rs"},{"path":"test.sh"}]}
          build 1 {"commits":["1111111111111111111111111111111111111111"]}
        1/1 @- -
          ignored: buildbot.change.no-object-id
    "#]],
    );
}

#[test]
fn requests_of_a_pass() {
    let tape = Rc::new(cassette());
    collect(&tape, &Order::full("builds", SETTINGS));
    expect![[r"
        GET /api/v2/builds?property=got_revision&property=owner&property=workername&buildid__gt=0&order=buildid&limit=50
        GET /config
        GET /api/v2/builders?field=builderid&field=name&field=tags
        GET /api/v2/buildrequests?buildrequestid__eq=2&buildrequestid__eq=3&buildrequestid__eq=4&buildrequestid__eq=5&buildrequestid__eq=9&field=buildrequestid&field=buildsetid&field=submitted_at&field=waited_for
        GET /api/v2/buildsets?bsid__eq=2&bsid__eq=3&bsid__eq=4&bsid__eq=5
    "]].assert_eq(&(tape.heard().join("\n") + "\n"));
}

#[test]
fn properties_named_in_the_settings_are_parameters() {
    let settings = r#"{"parameters": ["env", "dry", "absent"]}"#;
    let payload =
        r#"{"buildid": 1, "properties": {"env": ["prod", "Force Build Form"], "dry": [true, "x"], "x": [1, "y"]}}"#;
    let found = mock::normalize::<Buildbot>("builds", settings, &[RawRecord::upsert("1", payload)]).unwrap();
    let found = mock::describe(&found[0]);
    let expected = r#""parameters":[{"name":"env","value":"prod","withheld":false},{"name":"dry","value":"true","withheld":false}]"#;
    assert!(found.contains(expected), "{found}");
}

/// A Buildbot with builds of these ids; those under way are named behind them.
fn buildbot(ids: std::ops::RangeInclusive<u64>, running: &[u64]) -> Rc<Cassette> {
    let running = running.to_vec();
    Rc::new(Cassette::default().serving(move |request| Some(answer(request, ids.clone(), &running))))
}

fn answer(request: &str, ids: std::ops::RangeInclusive<u64>, running: &[u64]) -> Answer {
    let (path, query) = request.split_once('?').unwrap_or((request, ""));
    let asked = |name: &str| -> Vec<u64> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(found, _)| *found == name).filter_map(|(_, value)| value.parse().ok()).collect()
    };
    let body = match path {
        "GET /config" => return Answer { status: 404, ..Answer::of("{}") },
        "GET /api/v2/builders" => json!({ "builders": [{ "builderid": 1, "name": "all", "tags": [] }] }),
        "GET /api/v2/buildrequests" => json!({ "buildrequests": [] }),
        "GET /api/v2/builds" => {
            let (named, behind) = (asked("buildid__eq"), asked("buildid__gt").first().copied().unwrap_or(0));
            let fits = |id: &u64| if named.is_empty() { *id > behind } else { named.contains(id) };
            let found: Vec<Value> = ids.filter(fits).take(50).map(|id| build(id, running.contains(&id))).collect();
            json!({ "builds": found })
        }
        other => panic!("{other}"),
    };
    Answer::of(body.to_string())
}

fn build(id: u64, is_running: bool) -> Value {
    let complete_at = (!is_running).then_some(1_749_990_000 + id);
    json!({ "buildid": id, "number": id, "builderid": 1, "buildrequestid": id, "complete": !is_running,
            "started_at": 1_749_990_000 + id, "complete_at": complete_at, "results": (!is_running).then_some(0) })
}

fn pages(tape: &Cassette) -> Vec<String> {
    let heard = tape.heard().into_iter().filter(|request| request.starts_with("GET /api/v2/builds?"));
    heard.map(|request| request.split_once("workername&").unwrap().1.to_owned()).collect()
}

#[test]
fn a_second_pass_reads_what_is_new_and_what_was_not_over() {
    let first = buildbot(1..=120, &[3]);
    let collected = collect(&first, &Order::incremental("builds", SETTINGS, None));
    assert_eq!((collected.failure, collected.records.len()), (None, 120));
    let running = collected.records[2].version;
    let second = buildbot(1..=130, &[130]);
    let collected = collect(&second, &Order::incremental("builds", SETTINGS, collected.cursor));
    assert_eq!(pages(&second), ["buildid__eq=3", "buildid__gt=100&order=buildid&limit=50"]);
    assert_eq!(collected.records[0].key, "3");
    assert!(collected.records[0].version > running);
    let third = buildbot(1..=130, &[]);
    let collected = collect(&third, &Order::incremental("builds", SETTINGS, collected.cursor));
    assert_eq!(pages(&third), ["buildid__eq=130", "buildid__gt=110&order=buildid&limit=50"]);
    let fourth = buildbot(1..=130, &[]);
    collect(&fourth, &Order::incremental("builds", SETTINGS, collected.cursor));
    assert_eq!(pages(&fourth), ["buildid__gt=110&order=buildid&limit=50"]);
}

#[test]
fn builders_and_days_are_chosen_at_the_tool() {
    let tape = buildbot(1..=2, &[]);
    let settings = r#"{"builders": ["all"], "since": "2025-01-01"}"#;
    let collected = collect(&tape, &Order::incremental("builds", settings, None));
    assert_eq!((collected.failure.clone(), mock::keys(&collected.records)), (None, vec!["1", "2"]));
    assert_eq!(pages(&tape), ["buildid__gt=0&order=buildid&limit=50&started_at__ge=1735689600&builderid__eq=1"]);
    let none = collect(&buildbot(1..=2, &[]), &Order::full("builds", r#"{"builders": ["none"]}"#));
    assert_eq!(none.failure.unwrap().kind, FailureKind::Config);
}

#[test]
fn a_build_that_went_away_keeps_nothing_from_being_read() {
    let gone = Rc::new(Cassette::default().on_status("GET /api/v2/builds/1/changes", 500, &[], "{}").on_status(
        "GET /api/v2/builds/1?field=buildid",
        404,
        &[],
        "{}",
    ));
    let collected = collect(&gone, &Order::full("changes", SETTINGS).under(RawRecord::upsert("1", "{}")));
    assert_eq!(collected.failure.unwrap().kind, FailureKind::Gone);
}

#[test]
fn check_says_what_is_missing() {
    let checkup = mock::check::<Buildbot>(&Rc::new(cassette()), r#"{"builders": ["release", "deploy"]}"#).unwrap();
    assert_eq!((checkup.tool.as_str(), checkup.identity.as_deref()), ("Buildbot 4.3.0", Some("weir")));
    assert_eq!(checkup.missing, ["builds of `deploy`: there is no such builder"]);
    let other = |status, body| {
        let tape = Cassette::default().serving(move |_| Some(Answer { status, ..Answer::of(body) }));
        mock::check::<Buildbot>(&Rc::new(tape), SETTINGS).unwrap_err()
    };
    assert_eq!((other(404, "{}").kind, other(200, "<html>").kind), (FailureKind::Config, FailureKind::Config));
    assert!(other(403, "{}").message.contains("authz"));
    let wrong = mock::check::<Buildbot>(&Rc::new(cassette()), r#"{"since": "yesterday"}"#).unwrap_err();
    assert_eq!(wrong.code, "settings.unreadable");
}
