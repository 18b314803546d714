//! Propels: a verdict and actions, checked.

use std::sync::Arc;

use expect_test::{Expect, expect};
use weir_sandbox::{
    Asked, Event, EventBody, Facts, Failure, FailureKind, Limits, Plugin, PluginState, PropelCall, RowChange, RunLog,
};

use crate::support::{Guest, sandbox, show, tool};

struct Known;

impl Facts for Known {
    fn query(&self, name: &str, params: &str) -> Result<String, Failure> {
        match name {
            "builds" => Ok(format!("{name} {params}")),
            _ => Err(Failure {
                kind: FailureKind::Forbidden,
                code: "weir.facts.unknown".to_owned(),
                message: "no such query".to_owned(),
                retry_after: None,
                details: None,
            }),
        }
    }

    fn check_row(&self, _: &str, change: &RowChange) -> Result<(), Failure> {
        match change {
            RowChange::Set(row) if row.contains_key("test") => Ok(()),
            RowChange::Set(_) => self.query("row", "").map(drop),
            RowChange::Remove(_) => Ok(()),
        }
    }
}

async fn propel() -> Arc<Plugin> {
    sandbox(Limits::default()).load(Guest::Propel.wasm()).await.unwrap()
}

fn call(settings: &str) -> PropelCall {
    let event = Event {
        id: "e1".to_owned(),
        kind: "build.finished".to_owned(),
        at: 0,
        attempt: 1,
        deadline: None,
        body: EventBody::Other("{}".to_owned()),
    };
    PropelCall {
        event,
        connections: vec![tool()],
        settings: settings.to_owned(),
        state: PluginState::new(),
        facts: Arc::new(Known),
        log: RunLog::default(),
    }
}

async fn check(settings: &str, expected: Expect) {
    let shown = match propel().await.handle(call(settings)).await {
        Ok(outcome) => {
            let ids: Vec<_> = outcome.asked.iter().map(Asked::id).collect();
            format!("{:?} {ids:?} {:?}\n", outcome.verdict, outcome.state)
        }
        Err(error) => show(&error),
    };
    expected.assert_eq(&shown);
}

#[tokio::test]
async fn a_propel_reads_remembers_and_asks_for_actions() {
    check(
        r#"{"do":"call"}"#,
        expect![[r#"
        Verdict::Done ["answer-200"] [("last", Some([101, 49]))]
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_a_propel_logs_is_kept_within_bounds() {
    let log = RunLog::default();
    let call = |settings| PropelCall { log: log.clone(), ..call(settings) };
    propel().await.handle(call(r#"{"do":"log","n":2,"size":3}"#)).await.unwrap();
    assert_eq!(log.lines(), ["info xxx", "info xxx"]);
    propel().await.handle(call(r#"{"do":"log","n":500,"size":1000}"#)).await.unwrap();
    let bytes: usize = log.lines().iter().map(String::len).sum();
    assert!(log.lines().len() > 2 && bytes <= 4 << 10, "{bytes}");
}

#[tokio::test]
async fn facts_are_answered_or_refused() {
    check(
        r#"{"do":"facts","text":"builds"}"#,
        expect![[r#"
        Verdict::Skipped("builds {}") [] []
    "#]],
    )
    .await;
    check(
        r#"{"do":"facts","text":"secrets"}"#,
        expect![[r"
        cannot run `handle` of plugin `hostile-propel`: no such query (weir.facts.unknown)
        weir.facts.unknown Config Never
    "]],
    )
    .await;
}

#[tokio::test]
async fn actions_are_unique_few_and_on_granted_connections() {
    check(
        r#"{"do":"twice","text":"fake"}"#,
        expect![[r#"
        cannot run `handle` of plugin `hostile-propel`: it broke the contract: action "same": the id is there twice
        weir.plugin.invalid Plugin Later(None)
    "#]],
    )
    .await;
    check(r#"{"do":"actions","n":1,"text":"other"}"#, expect![[r#"
        cannot run `handle` of plugin `hostile-propel`: it broke the contract: action "a0": connection `other` was not granted
        weir.plugin.invalid Plugin Later(None)
    "#]]).await;
    check(
        r#"{"do":"actions","n":65,"text":"fake"}"#,
        expect![[r"
        cannot run `handle` of plugin `hostile-propel`: 65 actions, the limit is 64
        weir.plugin.too-much Plugin Later(None)
    "]],
    )
    .await;
    let outcome = propel().await.handle(call(r#"{"do":"actions","n":64,"text":"fake"}"#)).await.unwrap();
    assert_eq!(outcome.asked.len(), 64);
}

#[tokio::test]
async fn verdicts_fit_the_event() {
    check(r#"{"do":"gate"}"#, expect![[r"
        cannot run `handle` of plugin `hostile-propel`: it broke the contract: it decided on a gate that nobody asked about
        weir.plugin.invalid Plugin Later(None)
    "]]).await;
    check(
        r#"{"do":"later","n":2592000000}"#,
        expect![[r"
        Verdict::Later(2592000000) [] []
    "]],
    )
    .await;
    check(
        r#"{"do":"later","n":2592000001}"#,
        expect![[r"
        cannot run `handle` of plugin `hostile-propel`: it broke the contract: it put the event off by more than 30 days
        weir.plugin.invalid Plugin Later(None)
    "]],
    )
    .await;
}

#[tokio::test]
async fn an_endless_propel_has_200_ms() {
    check(
        r#"{"do":"spin"}"#,
        expect![[r"
        cannot run `handle` of plugin `hostile-propel`: it used more than 200ms of CPU
        weir.plugin.cpu Plugin Later(None)
    "]],
    )
    .await;
}

#[tokio::test]
async fn a_propel_is_no_connector() {
    let error = propel().await.check(tool(), "{}").await.unwrap_err();
    expect![[r"
        cannot run `check` of plugin `hostile-propel`: it broke the contract: it does not export `source`
        weir.plugin.invalid Plugin Later(None)
    "]]
    .assert_eq(&show(&error));
}

#[tokio::test]
async fn rows_and_calls_with_a_trace_are_asked_for_and_checked() {
    let asked = propel().await.handle(call(r#"{"do":"row","text":"{\"test\":\"a\"}"}"#)).await.unwrap().asked;
    let [Asked::Row { change: RowChange::Set(row), .. }, Asked::Row { change: RowChange::Remove(key), .. }] =
        asked.as_slice()
    else {
        panic!("{asked:?}")
    };
    assert_eq!((serde_json::to_string(row).unwrap().as_str(), key.as_str()), (r#"{"test":"a"}"#, "b"));
    let asked = propel().await.handle(call(r#"{"do":"once","text":"fake"}"#)).await.unwrap().asked;
    let [asked @ Asked::Once { unless, .. }] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((asked.id(), asked.report(), unless.path.as_str()), ("once", true, "/messages"));
    check(
        r#"{"do":"row","text":"[1]"}"#,
        expect![[r"
        cannot run `handle` of plugin `hostile-propel`: a row is a JSON object (weir.tables.row)
        weir.tables.row Config Never
    "]],
    )
    .await;
    check(
        r#"{"do":"row","text":"{}"}"#,
        expect![[r"
        cannot run `handle` of plugin `hostile-propel`: no such query (weir.facts.unknown)
        weir.facts.unknown Config Never
    "]],
    )
    .await;
    check(
        r#"{"do":"row","n":1,"text":"{\"test\":\"a\"}"}"#,
        expect![[r#"
        cannot run `handle` of plugin `hostile-propel`: it broke the contract: action "row": the id is there twice
        weir.plugin.invalid Plugin Later(None)
    "#]],
    )
    .await;
    check(r#"{"do":"once","n":1,"text":"fake"}"#, expect![[r#"
        cannot run `handle` of plugin `hostile-propel`: it broke the contract: action "once": a path begins with one `/`; use a link for an absolute URL
        weir.plugin.invalid Plugin Later(None)
    "#]]).await;
    check(r#"{"do":"once","text":"other"}"#, expect![[r#"
        cannot run `handle` of plugin `hostile-propel`: it broke the contract: action "once": connection `other` was not granted
        weir.plugin.invalid Plugin Later(None)
    "#]]).await;
}

#[tokio::test]
async fn notes_are_asked_for_and_bounded() {
    let asked = propel().await.handle(call(r#"{"do":"note","text":"build:ci:a/1","size":4096}"#)).await.unwrap().asked;
    let [Asked::Note { id, entity, name, text }] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((id.as_str(), entity.as_str(), name.as_str(), text.len()), ("note", "build:ci:a/1", "seen", 4_096));
    check(
        r#"{"do":"note","text":"build:ci:a/1","size":4097}"#,
        expect![[r#"
        cannot run `handle` of plugin `hostile-propel`: it broke the contract: action "note": note of 4097 bytes, the limit is 4096
        weir.plugin.invalid Plugin Later(None)
    "#]],
    )
    .await;
}
