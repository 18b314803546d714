//! Whole passes against our own cassette: which requests are made, which records come, where the next pass begins.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::rc::Rc;

use connector_circleci::CircleCi;
use expect_test::expect;
use weir_sdk::failure::FailureKind;
use weir_sdk::mock::{self, Answer, Cassette, Collected, Order};

const SETTINGS: &str = r#"{"projects": ["gh/acme/web", "gh/acme/api"]}"#;

fn acme() -> Rc<Cassette> {
    Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap())
}

fn collect(cassette: &Rc<Cassette>, order: &Order) -> Collected {
    mock::collect_whole::<CircleCi>(cassette, order)
}

#[test]
fn every_workflow_is_a_build() {
    expect![[r#"
        10000000-0000-0000-0000-000000000004 @1740909601000 {"project":"gh/acme/api","number":3,"branch":"main","commit":"3333333333333333333333333333333333333333","subject":"api: answer in time","repository":"https://github.com/acme/api","trigger":"webhook","actor":"ana","attempt":1}
          build 10000000-0000-0000-0000-000000000004 {"attempt":1,"job":"gh/acme/api/build","number":3,"title":"api: answer in time","url":"https://app.circleci.com/pipelines/gh/acme/api/3/workflows/10000000-0000-0000-0000-000000000004","state":"running","triggers":[{"kind":"push","text":"webhook","person":{"name":"ana"}}],"checkouts":[{"repository":{"name":"https://github.com/acme/api"},"branch":"main","commit":"3333333333333333333333333333333333333333"}],"queued_at":"2025-03-02T10:00:01.000Z","started_at":"2025-03-02T10:00:01.000Z"}
        10000000-0000-0000-0000-000000000002 @1740827040000 {"project":"gh/acme/api","number":2,"branch":"in-time","commit":"2222222222222222222222222222222222222222","repository":"https://github.com/acme/api","review":"https://github.com/acme/api/pull/42","trigger":"webhook","actor":"ana","attempt":2}
          build 10000000-0000-0000-0000-000000000002 {"attempt":2,"job":"gh/acme/api/build","number":2,"url":"https://app.circleci.com/pipelines/gh/acme/api/2/workflows/10000000-0000-0000-0000-000000000002","state":"finished","result":"success","result_word":"success","triggers":[{"kind":"rerun"},{"kind":"change","text":"webhook","person":{"name":"ana"},"led_to":0}],"checkouts":[{"repository":{"name":"https://github.com/acme/api"},"branch":"in-time","commit":"2222222222222222222222222222222222222222"}],"change":{"name":"acme/api#42"},"queued_at":"2025-03-01T11:00:00.000Z","started_at":"2025-03-01T11:00:00.000Z","finished_at":"2025-03-01T11:04:00.000Z","duration":240000}
        10000000-0000-0000-0000-000000000003 @1740823201000 {"project":"gh/acme/api","number":2,"branch":"in-time","commit":"2222222222222222222222222222222222222222","repository":"https://github.com/acme/api","review":"https://github.com/acme/api/pull/42","trigger":"webhook","actor":"ana","attempt":1}
          build 10000000-0000-0000-0000-000000000003 {"attempt":1,"job":"gh/acme/api/deploy","number":2,"url":"https://app.circleci.com/pipelines/gh/acme/api/2/workflows/10000000-0000-0000-0000-000000000003","state":"waiting","triggers":[{"kind":"change","text":"webhook","person":{"name":"ana"}}],"checkouts":[{"repository":{"name":"https://github.com/acme/api"},"branch":"in-time","commit":"2222222222222222222222222222222222222222"}],"change":{"name":"acme/api#42"},"queued_at":"2025-03-01T10:00:01.000Z","started_at":"2025-03-01T10:00:01.000Z"}
        10000000-0000-0000-0000-000000000001 @1740823500000 {"project":"gh/acme/api","number":2,"branch":"in-time","commit":"2222222222222222222222222222222222222222","repository":"https://github.com/acme/api","review":"https://github.com/acme/api/pull/42","trigger":"webhook","actor":"ana","attempt":1}
          build 10000000-0000-0000-0000-000000000001 {"attempt":1,"job":"gh/acme/api/build","number":2,"url":"https://app.circleci.com/pipelines/gh/acme/api/2/workflows/10000000-0000-0000-0000-000000000001","state":"finished","result":"failure","result_word":"failed","triggers":[{"kind":"change","text":"webhook","person":{"name":"ana"}}],"checkouts":[{"repository":{"name":"https://github.com/acme/api"},"branch":"in-time","commit":"2222222222222222222222222222222222222222"}],"change":{"name":"acme/api#42"},"queued_at":"2025-03-01T10:00:01.000Z","started_at":"2025-03-01T10:00:01.000Z","finished_at":"2025-03-01T10:05:00.000Z","duration":299000}
        pipeline/00000000-0000-0000-0000-000000000001 @1738404000500 {"project":"gh/acme/api","number":1,"branch":"main","commit":"1111111111111111111111111111111111111111","repository":"https://github.com/acme/api","trigger":"Decoupled Ingestion System"}
          build pipeline/00000000-0000-0000-0000-000000000001 {"attempt":1,"job":"gh/acme/api","number":1,"state":"finished","result":"error","result_word":"errored","triggers":[{"kind":{"unknown":"Decoupled Ingestion System"},"text":"Decoupled Ingestion System"}],"checkouts":[{"repository":{"name":"https://github.com/acme/api"},"branch":"main","commit":"1111111111111111111111111111111111111111"}],"queued_at":"2025-02-01T10:00:00.500Z"}
        10000000-0000-0000-0000-000000000007 @1740816001000 {"project":"gh/acme/web","number":7,"tag":"v1.0","commit":"7777777777777777777777777777777777777777","repository":"https://github.com/acme/api","trigger":"scheduled_pipeline","actor":"ana","attempt":1}
          build 10000000-0000-0000-0000-000000000007 {"attempt":1,"job":"gh/acme/web/nightly","number":7,"url":"https://app.circleci.com/pipelines/gh/acme/web/7/workflows/10000000-0000-0000-0000-000000000007","state":{"unknown":"resting"},"triggers":[{"kind":"schedule","text":"scheduled_pipeline","person":{"name":"ana"}}],"checkouts":[{"repository":{"name":"https://github.com/acme/api"},"branch":"v1.0","commit":"7777777777777777777777777777777777777777"}],"queued_at":"2025-03-01T08:00:01.000Z","started_at":"2025-03-01T08:00:01.000Z"}
          ! runs.status resting
          ! runs.stopped_at then
    "#]].assert_eq(&mock::show::<CircleCi>(&acme(), "runs", None, SETTINGS));
}

#[test]
fn every_job_is_a_stage_of_its_workflow() {
    let lines = mock::show::<CircleCi>(&acme(), "jobs", Some(("runs", "*")), SETTINGS);
    expect![[r#"
        10000000-0000-0000-0000-000000000004/20000000-0000-0000-0000-000000000005 @- {"project":"gh/acme/api","number":3,"workflow":"10000000-0000-0000-0000-000000000004"}
          build 10000000-0000-0000-0000-000000000004 {"stages":[{"key":"20000000-0000-0000-0000-000000000005","name":"compile","kind":"job","state":"running","started_at":"2025-03-02T10:00:03.000Z","url":"https://app.circleci.com/pipelines/gh/acme/api/3/workflows/10000000-0000-0000-0000-000000000004/jobs/5"}]}
        10000000-0000-0000-0000-000000000004/20000000-0000-0000-0000-000000000006 @- {"project":"gh/acme/api","number":3,"workflow":"10000000-0000-0000-0000-000000000004"}
          build 10000000-0000-0000-0000-000000000004 {"stages":[{"key":"20000000-0000-0000-0000-000000000006","name":"test","kind":"job","state":"queued"}]}
        10000000-0000-0000-0000-000000000002/20000000-0000-0000-0000-000000000001 @- {"project":"gh/acme/api","number":2,"workflow":"10000000-0000-0000-0000-000000000002"}
          build 10000000-0000-0000-0000-000000000002 {"stages":[{"key":"20000000-0000-0000-0000-000000000001","name":"compile","kind":"job","state":"finished","result":"success","result_word":"success","started_at":"2025-03-01T10:00:03.000Z","finished_at":"2025-03-01T10:02:00.000Z","duration":117000,"url":"https://app.circleci.com/pipelines/gh/acme/api/2/workflows/10000000-0000-0000-0000-000000000002/jobs/1"}]}
        10000000-0000-0000-0000-000000000002/20000000-0000-0000-0000-000000000003 @- {"project":"gh/acme/api","number":2,"workflow":"10000000-0000-0000-0000-000000000002"}
          build 10000000-0000-0000-0000-000000000002 {"stages":[{"key":"20000000-0000-0000-0000-000000000003","name":"test","kind":"job","state":"finished","result":"success","result_word":"success","started_at":"2025-03-01T11:00:02.000Z","finished_at":"2025-03-01T11:04:00.000Z","duration":238000,"url":"https://app.circleci.com/pipelines/gh/acme/api/2/workflows/10000000-0000-0000-0000-000000000002/jobs/3"}]}
        10000000-0000-0000-0000-000000000003/20000000-0000-0000-0000-000000000004 @- {"project":"gh/acme/api","number":2,"workflow":"10000000-0000-0000-0000-000000000003"}
          build 10000000-0000-0000-0000-000000000003 {"stages":[{"key":"20000000-0000-0000-0000-000000000004","name":"approve","kind":"job","state":"waiting"}]}
        10000000-0000-0000-0000-000000000001/20000000-0000-0000-0000-000000000001 @- {"project":"gh/acme/api","number":2,"workflow":"10000000-0000-0000-0000-000000000001"}
          build 10000000-0000-0000-0000-000000000001 {"stages":[{"key":"20000000-0000-0000-0000-000000000001","name":"compile","kind":"job","state":"finished","result":"success","result_word":"success","started_at":"2025-03-01T10:00:03.000Z","finished_at":"2025-03-01T10:02:00.000Z","duration":117000,"url":"https://app.circleci.com/pipelines/gh/acme/api/2/workflows/10000000-0000-0000-0000-000000000001/jobs/1"}]}
        10000000-0000-0000-0000-000000000001/20000000-0000-0000-0000-000000000002 @- {"project":"gh/acme/api","number":2,"workflow":"10000000-0000-0000-0000-000000000001"}
          build 10000000-0000-0000-0000-000000000001 {"stages":[{"key":"20000000-0000-0000-0000-000000000002","name":"test","kind":"job","state":"finished","result":"failure","result_word":"failed","started_at":"2025-03-01T10:02:03.000Z","finished_at":"2025-03-01T10:05:00.000Z","duration":177000,"url":"https://app.circleci.com/pipelines/gh/acme/api/2/workflows/10000000-0000-0000-0000-000000000001/jobs/2"}]}
        10000000-0000-0000-0000-000000000007/20000000-0000-0000-0000-000000000007 @- {"project":"gh/acme/web","number":7,"workflow":"10000000-0000-0000-0000-000000000007"}
          build 10000000-0000-0000-0000-000000000007 {"stages":[{"key":"20000000-0000-0000-0000-000000000007","name":"all","kind":"job","state":"finished","result":"error","result_word":"infrastructure_fail","started_at":"2025-03-01T08:00:02.000Z","finished_at":"2025-03-01T08:00:05.000Z","duration":3000,"url":"https://app.circleci.com/pipelines/gh/acme/web/7/workflows/10000000-0000-0000-0000-000000000007/jobs/7"}]}
    "#]].assert_eq(&lines);
}

#[test]
fn a_second_pass_comes_by_what_was_not_over() {
    let cassette = acme();
    let first = collect(&cassette, &Order::full("runs", SETTINGS));
    let n_requests = cassette.heard().len();
    let second = collect(&cassette, &Order::incremental("runs", SETTINGS, first.cursor.clone()));
    assert_eq!(second.cursor, first.cursor);
    expect![[r"
        GET /project/gh/acme/api/pipeline
        GET /pipeline/00000000-0000-0000-0000-000000000003/workflow
        GET /pipeline/00000000-0000-0000-0000-000000000002/workflow
        GET /pipeline/00000000-0000-0000-0000-000000000002/workflow?page-token=more
        GET /project/gh/acme/api/pipeline?page-token=older
        GET /pipeline/00000000-0000-0000-0000-000000000001/workflow
        GET /project/gh/acme/web/pipeline
        GET /pipeline/00000000-0000-0000-0000-000000000007/workflow"]]
    .assert_eq(&cassette.heard()[n_requests..].join("\n"));
    let cursor = first.cursor.unwrap();
    expect![[r#"{"marks":{"gh/acme/api":1740823200500,"gh/acme/web":1740816000000}}"#]]
        .assert_eq(std::str::from_utf8(&cursor[1..]).unwrap());
}

#[test]
fn nothing_older_than_asked_is_read() {
    let settings = r#"{"projects": ["gh/acme/api"], "since": "2025-03-02T00:00:00Z"}"#;
    let cassette = acme();
    collect(&cassette, &Order::full("runs", settings));
    assert!(!cassette.heard().iter().any(|line| line.contains("page-token=older")), "{:?}", cassette.heard());
}

#[test]
fn a_project_that_is_gone_does_not_stop_the_others_but_no_full_pass_ends_without_it() {
    let settings = r#"{"projects": ["gh/acme/web", "gh/acme/api", "gh/acme/gone"]}"#;
    let gone = || {
        acme_and(|request| {
            let answer = Answer { status: 404, ..Answer::of(r#"{"message": "Project not found"}"#) };
            Some(answer).filter(|_| request.contains("/acme/gone/"))
        })
    };
    let collected = mock::collect::<CircleCi>(&gone(), &Order::full("runs", settings));
    assert_eq!(collected.failure.unwrap().kind, FailureKind::Forbidden);
    assert_eq!(collected.records.len(), 6);
    let collected = collect(&gone(), &Order::incremental("runs", settings, None));
    assert_eq!(collected.records.len(), 6);
}

fn acme_and(server: impl Fn(&str) -> Option<Answer> + 'static) -> Rc<Cassette> {
    Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap().serving(server))
}

#[test]
fn a_check_names_the_projects_that_cannot_be_seen() {
    let server = |request: &str| {
        let (status, body) = match request {
            "GET /me" => (200, r#"{"id": "0aaa", "login": "weir"}"#),
            "GET /project/gh/acme/api" => (200, "{}"),
            _ => (404, "{}"),
        };
        Some(Answer { status, ..Answer::of(body) })
    };
    let cassette = Rc::new(Cassette::default().serving(server));
    let checkup = mock::check::<CircleCi>(&cassette, SETTINGS).unwrap();
    assert_eq!(checkup.identity.as_deref(), Some("weir"));
    assert_eq!(checkup.missing, ["gh/acme/web: it is not there, or the token may not see it"]);
    let failure = mock::check::<CircleCi>(&cassette, r#"{"projects": ["acme/api"]}"#).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Config);
    assert_eq!(mock::check::<CircleCi>(&cassette, "{}").unwrap_err().kind, FailureKind::Config);
}
