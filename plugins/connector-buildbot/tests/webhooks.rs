//! What `HttpStatusPush` sends, in the form Buildbot 4 gives it: the same builds as by polling.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::rc::Rc;

use connector_buildbot::Buildbot;
use expect_test::expect;
use serde_json::{Value, json};
use weir_sdk::failure::FailureKind;
use weir_sdk::mock::{self, Cassette, Order};
use weir_sdk::model::Timestamp;
use weir_sdk::record::RawRecord;
use weir_sdk::webhook::{Accepted, Decoded, Delivery};

const SETTINGS: &str = "{}";

/// The push about build 2 of the cassette.
fn push(is_over: bool) -> Value {
    let (results, complete_at) = if is_over { (json!(2), json!(1_749_991_000)) } else { (Value::Null, Value::Null) };
    json!({
        "buildid": 2, "number": 2, "builderid": 1, "buildrequestid": 3, "workerid": 1, "masterid": 1,
        "started_at": 1_749_990_900, "complete_at": complete_at, "locks_duration_s": 0, "complete": is_over,
        "state_string": if is_over { "failed 'sh test.sh' (failure)" } else { "starting" }, "results": results,
        "properties": {
            "scheduler": ["force", "Scheduler"], "workername": ["linux-1", "Worker"], "owners": [["Ana Lima <Ana@acme.example>"], "Build"],
            "owner": ["Ana Lima <Ana@acme.example>", "Force Build Form"], "got_revision": ["2222222222222222222222222222222222222222", "Git"],
        },
        "buildrequest": {
            "buildrequestid": 3, "buildsetid": 3, "builderid": 1, "priority": 0, "claimed": true, "claimed_at": 1_749_990_899,
            "complete": false, "results": -1, "submitted_at": 1_749_990_890, "complete_at": null, "waited_for": false, "properties": null,
        },
        "buildset": {
            "bsid": 3, "external_idstring": null, "reason": "A build was forced by 'Ana Lima <Ana@acme.example>': because",
            "submitted_at": 1_749_990_890, "complete": false, "complete_at": null, "results": -1, "parent_buildid": null,
            "parent_relationship": null, "rebuilt_buildid": null,
            "sourcestamps": [{ "ssid": 2, "branch": "main", "revision": "", "project": "", "codebase": "", "created_at": 1_749_990_890,
                "repository": "https://git.acme.example/acme/api.git", "patch": null }],
        },
        "parentbuild": null, "parentbuilder": null,
        "builder": { "builderid": 1, "name": "unit tests/linux", "masterids": [1], "description": null, "tags": ["ci", "linux"] },
        "url": "https://buildbot.acme.example/#/builders/1/builds/2",
    })
}

fn decode(settings: &str, body: &Value) -> Decoded {
    let delivery = mock::delivery(&[], body.to_string());
    mock::decode::<Buildbot>(settings, &delivery).unwrap()
}

fn accepted(body: &Value) -> Accepted {
    match decode(SETTINGS, body) {
        Decoded::Accepted(accepted) => accepted,
        other => panic!("{other:?}"),
    }
}

fn outcome(dataset: &str, record: &RawRecord) -> String {
    let outcomes = mock::normalize::<Buildbot>(dataset, SETTINGS, std::slice::from_ref(record)).unwrap();
    mock::describe(&outcomes[0])
}

fn polled(key: &str) -> RawRecord {
    let tape = Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap());
    let records = mock::collect::<Buildbot>(&tape, &Order::full("builds", SETTINGS)).records;
    records.into_iter().find(|record| record.key == key).unwrap()
}

#[test]
fn a_push_is_the_build_a_poll_gives() {
    let accepted = accepted(&push(true));
    let (pushed, polled) = (&accepted.batches[0].records[0], polled("2"));
    assert_eq!((&pushed.key, &pushed.context), (&polled.key, &polled.context));
    assert_eq!(outcome("builds", pushed), outcome("builds", &polled));
    // The poll brings steps and changes, so it must still find something new.
    assert!(pushed.version < polled.version);
    assert_eq!(accepted.refresh, ["builds"]);
}

#[test]
fn a_build_under_way_is_older_than_its_end() {
    let (begun, over) = (accepted(&push(false)), accepted(&push(true)));
    let version = |accepted: &Accepted| accepted.batches[0].records[0].version;
    assert!(version(&begun) < version(&over));
    assert!(begun.refresh.is_empty());
    let found = outcome("builds", &begun.batches[0].records[0]);
    assert!(found.contains(r#""state":"running""#) && !found.contains("finished_at"), "{found}");
}

#[test]
fn steps_come_along_where_the_reporter_is_told_to() {
    let mut body = push(true);
    body["steps"] = json!([
        { "stepid": 3, "number": 0, "name": "test", "buildid": 2, "started_at": 1_749_990_900, "complete_at": 1_749_991_000, "complete": true, "results": 2, "logs": [] },
        { "name": "no number" },
    ]);
    let accepted = accepted(&body);
    let steps = &accepted.batches[1];
    assert_eq!((steps.dataset.as_str(), steps.records[0].key.as_str()), ("steps", "2/0"));
    assert!(steps.records[1].is_unreadable());
    expect![[r#"
        build 2 {"stages":[{"key":"0","name":"test","kind":"step","state":"finished","result":"failure","result_word":"failure","started_at":"2025-06-15T12:35:00.000Z","finished_at":"2025-06-15T12:36:40.000Z","duration":100000}]}
    "#]].assert_eq(outcome("steps", &steps.records[0]).trim_start());
}

#[test]
fn what_is_not_about_a_chosen_build_is_left_out_by_name() {
    let reason = |settings, body: &Value| match decode(settings, body) {
        Decoded::Ignored(reason) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(SETTINGS, &json!({ "workerid": 1, "name": "linux-1" })), "buildbot.push.no-build");
    assert_eq!(reason(SETTINGS, &json!({ "buildid": 1 })), "buildbot.push.no-builder");
    assert_eq!(reason(r#"{"builders": ["release"]}"#, &push(true)), "buildbot.push.other-builder");
}

#[test]
fn what_is_no_push_is_refused() {
    for body in ["", "x", "[]", "[1, 2]", "\u{0}"] {
        let delivery =
            Delivery { headers: Vec::new(), query: Vec::new(), body: body.into(), received_at: Timestamp::from_ms(0) };
        let failure = mock::decode::<Buildbot>(SETTINGS, &delivery).map(|decoded| format!("{decoded:?}"));
        assert_eq!(failure.map_err(|failure| failure.kind), Err(FailureKind::Poison), "{body}");
    }
}
