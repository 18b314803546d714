//! What a well-behaved connector can do.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use expect_test::expect;
use weir_sandbox::{Limits, PluginState};

use crate::support::{HONEST, connector, honest_run, job, show, step, tool};

#[tokio::test]
async fn a_run_reads_all_pages_and_gives_back_what_it_was_lent() {
    let plugin = connector(Limits::default()).await;
    assert_eq!(honest_run(&plugin).await, *HONEST);
}

#[tokio::test]
async fn a_page_brings_bytes_versions_context_and_cursor() {
    let plugin = connector(Limits::default()).await;
    let page = step(&plugin, r#"{"do":"read"}"#).await.unwrap();
    expect![[r#"
        (
            Some(
                [
                    1,
                    1,
                ],
            ),
            false,
            [
                (
                    "0a",
                    Some(
                        0,
                    ),
                    Some(
                        "{\"page\":true}",
                    ),
                    "{\"id\": \"0a\", \"at\": 0}",
                ),
                (
                    "0b",
                    Some(
                        0,
                    ),
                    Some(
                        "{\"page\":true}",
                    ),
                    "{\"at\": 0,\"id\":\"0b\"}",
                ),
            ],
        )
    "#]]
    .assert_debug_eq(&(
        page.cursor,
        page.done,
        page.records
            .into_iter()
            .map(|record| (record.key, record.version, record.context, String::from_utf8(record.payload).unwrap()))
            .collect::<Vec<_>>(),
    ));
}

#[tokio::test]
async fn a_reader_dropped_after_a_step_goes_on_from_its_cursor() {
    let plugin = connector(Limits::default()).await;
    let mut keys = Vec::new();
    let mut cursor = None;
    for _ in 0..3 {
        let job = weir_sandbox::Job { cursor, ..job(r#"{"do":"read"}"#) };
        let page = plugin.open(tool(), job, PluginState::new()).await.unwrap().step().await.unwrap();
        keys.extend(page.records.into_iter().map(|record| record.key));
        cursor = page.cursor;
    }
    assert_eq!(keys, *HONEST);
}

#[tokio::test]
async fn a_response_shows_everything_but_cookies_and_challenges() {
    let plugin = connector(Limits::default()).await;
    let page = step(&plugin, r#"{"do":"response"}"#).await.unwrap();
    expect![[r#"200 Some("application/json") None ["content-type"] "{\"ite" None Some("\"0a\"") Err("HttpError::Protocol(\"`none` is no JSON pointer\")") 66 0"#]]
    .assert_eq(std::str::from_utf8(&page.records[0].payload).unwrap());
}

#[tokio::test]
async fn state_comes_with_the_page_and_is_lost_with_a_failed_one() {
    let plugin = connector(Limits::default()).await;
    let state = BTreeMap::from([("old".to_owned(), b"1".to_vec())]);
    let mut reader = plugin.open(tool(), job(r#"{"do":"state","n":3}"#), state).await.unwrap();
    let page = reader.step().await.unwrap();
    assert_eq!(page.state, [("key".to_owned(), Some(vec![0; 3]))]);
    let error = step(&plugin, r#"{"do":"state-then-fail"}"#).await.unwrap_err();
    expect![[r"
        cannot run `step` of plugin `hostile-connector`: slow down (guest.throttled)
        guest.throttled Upstream Later(Some(1.5s))
    "]]
    .assert_eq(&show(&error));
}

#[tokio::test]
async fn many_requests_run_side_by_side_within_bounds() {
    let plugin = connector(Limits { requests_parallel: 4, ..Limits::default() }).await;
    let tool = tool();
    let mut reader = plugin.open(tool.clone(), job(r#"{"do":"many","n":64}"#), PluginState::new()).await.unwrap();
    let page = reader.step().await.unwrap();
    assert_eq!(page.records.len(), 64);
    assert!(page.records.iter().all(|record| record.payload == b"200"));
    assert_eq!(tool.most_in_flight.load(Ordering::SeqCst), 4);
    reader.close().await.unwrap();
}

#[tokio::test]
async fn check_and_datasets_answer() {
    let plugin = connector(Limits::default()).await;
    let checkup = plugin.check(tool(), r#"{"do":"x"}"#).await.unwrap();
    assert_eq!(checkup.tool, "fake tool https://fake.example");
    let datasets = plugin.datasets(tool(), r#"{"do":"x"}"#).await.unwrap();
    assert_eq!(datasets[0].name, "items");
    let error = plugin.datasets(tool(), r#"{"do":"x","text":"No!"}"#).await.unwrap_err();
    assert_eq!(error.code(), "weir.plugin.invalid");
}

#[tokio::test]
async fn failures_say_what_to_do() {
    let plugin = connector(Limits::default()).await;
    let auth = step(&plugin, r#"{"do":"fail"}"#).await.unwrap_err();
    expect![[r"
        cannot run `step` of plugin `hostile-connector`: who are you? (guest.auth)
        guest.auth Config Never
    "]]
    .assert_eq(&show(&auth));
    let expired = step(&plugin, r#"{"do":"expired"}"#).await.unwrap_err();
    expect![[r"
        cannot run `open` of plugin `hostile-connector`: too old (guest.cursor)
        guest.cursor Upstream WithoutCursor
    "]]
    .assert_eq(&show(&expired));
}

#[tokio::test]
async fn runs_can_be_spawned_and_run_side_by_side() {
    let plugin = connector(Limits::default()).await;
    let runs = (0..60).map(|_| {
        let plugin = plugin.clone();
        tokio::spawn(async move { honest_run(&plugin).await })
    });
    for run in runs.collect::<Vec<_>>() {
        assert_eq!(run.await.unwrap(), *HONEST);
    }
}
