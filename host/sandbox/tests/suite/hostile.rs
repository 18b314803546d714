//! What a stranger can try. Each attempt ends in a typed error with the right blame, while a neighbour in the same
//! sandbox finishes its run, and the sandbox works as before.

use std::time::Duration;

use expect_test::{Expect, expect};
use weir_sandbox::{CallErrorKind, Limits, PluginState};

use crate::support::{HONEST, connector, honest_run, job, show, step, tool};

/// Small limits, so that reaching them takes no time.
fn limits() -> Limits {
    Limits {
        memory_bytes_max: 8 << 20,
        step_cpu: Duration::from_millis(200),
        check_wall: Duration::from_secs(10),
        step_wall: Duration::from_secs(20),
        ..Limits::default()
    }
}

async fn check(settings: &str, limits: Limits, expected: Expect) {
    let plugin = connector(limits).await;
    let neighbour = tokio::spawn({
        let plugin = plugin.clone();
        async move { honest_run(&plugin).await }
    });
    let shown = match step(&plugin, settings).await {
        Ok(page) => format!("{} records, done: {}\n", page.records.len(), page.done),
        Err(error) => show(&error),
    };
    expected.assert_eq(&shown);
    assert_eq!(neighbour.await.unwrap(), *HONEST, "the neighbour finished");
    assert_eq!(honest_run(&plugin).await, *HONEST, "the next run is not affected");
}

#[tokio::test]
async fn an_endless_loop_runs_out_of_cpu() {
    check(
        r#"{"do":"spin"}"#,
        limits(),
        expect![[r"
            cannot run `step` of plugin `hostile-connector`: it used more than 200ms of CPU
            weir.plugin.cpu Plugin Later(None)
        "]],
    )
    .await;
}

#[tokio::test]
async fn a_memory_bomb_stays_within_its_memory() {
    check(
        r#"{"do":"allocate"}"#,
        limits(),
        expect![[r"
            cannot run `step` of plugin `hostile-connector`: it needs more than 8388608 bytes of memory
            weir.plugin.memory Plugin Later(None)
        "]],
    )
    .await;
}

#[tokio::test]
async fn deep_recursion_traps() {
    check(
        r#"{"do":"recurse"}"#,
        limits(),
        expect![[r"
        cannot run `step` of plugin `hostile-connector`: it crashed: wasm trap: out of bounds memory access
        weir.plugin.trap Plugin Later(None)
    "]],
    )
    .await;
}

#[tokio::test]
async fn sleeping_does_not_outlast_the_wall_clock() {
    check(
        r#"{"do":"sleep"}"#,
        Limits { step_wall: Duration::from_secs(1), ..limits() },
        expect![[r"
            cannot run `step` of plugin `hostile-connector`: it did not answer within 1s
            weir.plugin.deadline Upstream Later(None)
        "]],
    )
    .await;
}

#[tokio::test]
async fn handles_are_counted() {
    let limits = Limits { handles_max: 50, ..limits() };
    check(
        r#"{"do":"hoard","n":60}"#,
        limits,
        expect![[r"
            cannot run `step` of plugin `hostile-connector`: 51 handles held at once, the limit is 50
            weir.plugin.too-much Plugin Later(None)
        "]],
    )
    .await;
}

#[tokio::test]
async fn a_defect_of_the_host_is_caught_and_is_not_blamed_on_the_plugin() {
    check(
        r#"{"do":"path","text":"/panic"}"#,
        limits(),
        expect![[r"
        cannot run `step` of plugin `hostile-connector`: the host failed: the egress has a defect
        weir.host Host Later(None)
    "]],
    )
    .await;
}

#[tokio::test]
async fn a_panic_tells_in_the_words_of_the_guest() {
    let plugin = connector(limits()).await;
    let error = step(&plugin, r#"{"do":"panic"}"#).await.unwrap_err();
    let CallErrorKind::Trap { message, guest_stderr } = error.kind() else { panic!("{error}") };
    assert_eq!(message, "wasm trap: wasm `unreachable` instruction executed");
    assert!(guest_stderr.ends_with("\nthe guest's own words"), "{guest_stderr}");
}

#[tokio::test]
async fn exiting_ends_the_run_and_no_more() {
    check(
        r#"{"do":"exit"}"#,
        limits(),
        expect![[r"
        cannot run `step` of plugin `hostile-connector`: it crashed: Exited with i32 exit status 1
        weir.plugin.trap Plugin Later(None)
    "]],
    )
    .await;
}

#[tokio::test]
async fn a_page_has_at_most_5000_records() {
    check(
        r#"{"do":"records","n":5000}"#,
        Limits::default(),
        expect![[r"
        5000 records, done: true
    "]],
    )
    .await;
    check(
        r#"{"do":"records","n":5001}"#,
        Limits::default(),
        expect![[r"
            cannot run `step` of plugin `hostile-connector`: 5001 records in a page, the limit is 5000
            weir.plugin.too-much Plugin Later(None)
        "]],
    )
    .await;
}

#[tokio::test]
async fn a_page_has_at_most_16_mib() {
    // Four keys of two bytes each beside the payloads.
    let payload = (4 << 20) - 2;
    check(
        &format!(r#"{{"do":"records","n":4,"size":{payload}}}"#),
        Limits::default(),
        expect![[r"
        4 records, done: true
    "]],
    )
    .await;
    check(
        &format!(r#"{{"do":"records","n":4,"size":{}}}"#, payload + 1),
        Limits::default(),
        expect![[r"
            cannot run `step` of plugin `hostile-connector`: 16777220 bytes of records in a page, the limit is 16777216
            weir.plugin.too-much Plugin Later(None)
        "]],
    )
    .await;
}

#[tokio::test]
async fn a_call_hands_over_at_most_its_crossing_bytes() {
    check(
        r#"{"do":"records","n":5,"size":7000000}"#,
        Limits::default(),
        expect![[r"
            cannot run `step` of plugin `hostile-connector`: it handed over more than 33554432 bytes
            weir.plugin.crossing Plugin Later(None)
        "]],
    )
    .await;
}

#[tokio::test]
async fn keys_are_not_forged() {
    for key in [String::new(), "k".repeat(513), "a\\nb".to_owned(), "a\\u0000".to_owned()] {
        let plugin = connector(limits()).await;
        let error = step(&plugin, &format!(r#"{{"do":"key","text":"{key}"}}"#)).await.unwrap_err();
        assert_eq!((error.code(), error.blame()), ("weir.plugin.invalid", weir_sandbox::Blame::Plugin), "{key}");
    }
    check(
        &format!(r#"{{"do":"key","text":"{}"}}"#, "k".repeat(512)),
        limits(),
        expect![[r"
        1 records, done: true
    "]],
    )
    .await;
}

#[tokio::test]
async fn a_cursor_has_at_most_64_kib() {
    check(
        r#"{"do":"cursor","n":65536}"#,
        limits(),
        expect![[r"
        0 records, done: true
    "]],
    )
    .await;
    check(
        r#"{"do":"cursor","n":65537}"#,
        limits(),
        expect![[r"
            cannot run `step` of plugin `hostile-connector`: 65537 bytes in a cursor, the limit is 65536
            weir.plugin.too-much Plugin Later(None)
        "]],
    )
    .await;
}

#[tokio::test]
async fn state_has_at_most_1_mib() {
    // The key has three bytes.
    check(
        r#"{"do":"state","n":1048573}"#,
        limits(),
        expect![[r"
        0 records, done: true
    "]],
    )
    .await;
    check(
        r#"{"do":"state","n":1048574}"#,
        limits(),
        expect![[r"
            cannot run `step` of plugin `hostile-connector`: state of the plugin is full (weir.state.full)
            weir.state.full Config Never
        "]],
    )
    .await;
}

#[tokio::test]
async fn an_absolute_url_is_no_path() {
    check(
        r#"{"do":"path","text":"https://evil.example/x"}"#,
        limits(),
        expect![[r"
            cannot run `step` of plugin `hostile-connector`: a path begins with one `/`; use a link for an absolute URL (guest.denied)
            guest.denied Upstream Later(Some(1.5s))
        "]],
    )
    .await;
}

#[tokio::test]
async fn a_link_to_another_host_is_denied() {
    check(
        r#"{"do":"link","text":"https://evil.example/x"}"#,
        limits(),
        expect![[r"
            cannot run `step` of plugin `hostile-connector`: origin is not granted (guest.denied)
            guest.denied Upstream Later(Some(1.5s))
        "]],
    )
    .await;
    check(
        r#"{"do":"link","text":"https://fake.example/next"}"#,
        limits(),
        expect![[r"
        0 records, done: true
    "]],
    )
    .await;
}

#[tokio::test]
async fn credential_and_framing_headers_never_reach_the_connection() {
    for name in ["authorization", "cookie", "host", "content-length", "transfer-encoding", "Authorization"] {
        let plugin = connector(limits()).await;
        let tool = tool();
        let settings = format!(r#"{{"do":"header","text":"{name}"}}"#);
        let mut reader = plugin.open(tool.clone(), job(&settings), PluginState::new()).await.unwrap();
        assert_eq!(reader.step().await.unwrap_err().code(), "guest.denied", "{name}");
        assert_eq!(tool.n_requests(), 0, "{name}");
    }
}

#[tokio::test]
async fn requests_of_a_run_are_counted() {
    let limits = Limits { requests_max: 10, ..limits() };
    check(
        r#"{"do":"requests","n":10}"#,
        limits.clone(),
        expect![[r"
        0 records, done: true
    "]],
    )
    .await;
    check(
        r#"{"do":"requests","n":11}"#,
        limits,
        expect![[r"
            cannot run `step` of plugin `hostile-connector`:  (guest.exhausted)
            guest.exhausted Upstream Later(Some(1.5s))
        "]],
    )
    .await;
}

#[tokio::test]
async fn more_than_64_requests_at_once_are_denied() {
    let plugin = connector(limits()).await;
    let page = step(&plugin, r#"{"do":"many","n":65}"#).await.unwrap();
    assert!(page.records.iter().all(|record| record.payload.starts_with(b"HttpError::Denied")));
}

#[tokio::test]
async fn host_objects_are_counted() {
    // The connection and three standard streams are held too.
    let limits = Limits { resources_max: 50, ..limits() };
    check(
        r#"{"do":"hoard","n":60}"#,
        limits,
        expect![[r"
            cannot run `step` of plugin `hostile-connector`: 51 connections, responses and streams held at once, the limit is 50
            weir.plugin.too-much Plugin Later(None)
        "]],
    )
    .await;
}

#[tokio::test]
async fn a_reader_that_keeps_responses_is_told_apart() {
    let plugin = connector(limits()).await;
    let mut reader = plugin.open(tool(), job(r#"{"do":"hoard","n":2}"#), PluginState::new()).await.unwrap();
    reader.step().await.unwrap();
    expect![[r"
        cannot run `close` of plugin `hostile-connector`: it broke the contract: 2 connections or responses were not given back
        weir.plugin.invalid Plugin Later(None)
    "]]
    .assert_eq(&show(&reader.close().await.unwrap_err()));
}

#[tokio::test]
async fn floods_of_text_cost_nothing_but_themselves() {
    let limits = Limits { step_cpu: Duration::from_secs(5), ..limits() };
    check(
        r#"{"do":"log","n":5000,"size":10000}"#,
        limits.clone(),
        expect![[r"
        0 records, done: true
    "]],
    )
    .await;
    check(
        r#"{"do":"stdout","n":2000,"size":10000}"#,
        limits,
        expect![[r"
        0 records, done: true
    "]],
    )
    .await;
}

#[tokio::test]
async fn nothing_of_the_host_can_be_seen() {
    let plugin = connector(limits()).await;
    let page = step(&plugin, r#"{"do":"escape"}"#).await.unwrap();
    let seen = String::from_utf8(page.records[0].payload.clone()).unwrap();
    assert!(seen.ends_with(r#"variables 0 arguments 0 stdin true """#), "{seen}");
}

#[tokio::test]
async fn a_reader_is_of_no_use_after_a_trap() {
    let plugin = connector(limits()).await;
    let mut reader = plugin.open(tool(), job(r#"{"do":"panic-second"}"#), PluginState::new()).await.unwrap();
    assert_eq!(reader.step().await.unwrap().records.len(), 2);
    let error = reader.step().await.unwrap_err();
    let CallErrorKind::Trap { guest_stderr, .. } = error.kind() else { panic!("{error}") };
    assert!(guest_stderr.contains("the second page was too much"), "{guest_stderr}");
    assert_eq!(reader.step().await.unwrap_err().code(), "weir.plugin.invalid");
    reader.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_together_do_no_more_harm_than_one() {
    let plugin = connector(limits()).await;
    let tricks = ["spin", "allocate", "recurse", "panic", "exit", "log"];
    let runs = (0..30).map(|i| {
        let (plugin, trick) = (plugin.clone(), tricks[i % tricks.len()]);
        tokio::spawn(async move { step(&plugin, &format!(r#"{{"do":"{trick}","n":1}}"#)).await.is_ok() })
    });
    let runs: Vec<_> = runs.collect();
    assert_eq!(honest_run(&plugin).await, *HONEST);
    let mut n_good = 0;
    for run in runs {
        n_good += usize::from(run.await.unwrap());
    }
    assert_eq!(n_good, 5, "the log lines are no offence");
    assert_eq!(honest_run(&plugin).await, *HONEST);
}
