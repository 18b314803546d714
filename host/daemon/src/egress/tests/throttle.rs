use std::time::Duration;

use expect_test::expect;
use weir_sandbox::{Method, Target};

use super::support::*;
use crate::egress::{Auth, ConnectionLimits, ConnectionSpec, Secret};

fn ok() -> Reply {
    reply("200 OK", &[], "fine")
}

fn limit(remaining: u32, reset_secs: i64) -> Reply {
    let (remaining, reset) = (format!("x-ratelimit-remaining: {remaining}"), NOW_MS / 1_000 + reset_secs);
    reply("200 OK", &["x-ratelimit-limit: 100", &remaining, &format!("x-ratelimit-reset: {reset}")], "fine")
}

#[tokio::test]
async fn a_short_wait_is_waited_for_any_method() {
    for method in [Method::Get, Method::Post] {
        let tool = Tool::replying(vec![reply("429 Too Many Requests", &["retry-after: 7"], ""), ok()]).await;
        let world = World::new();
        let connection = world.connection(spec(&tool.origin));
        assert_eq!(outcome(&connection, request(method, Target::Path("/x".to_owned()))).await, "200 fine");
        assert_eq!((world.clock.pauses_ms(), connection.stats().throttled_ms), (vec![7_000], 7_000));
    }
}

#[tokio::test]
async fn a_wait_is_taken_up_to_the_limit_and_handed_on_past_it() {
    for (retry_after, expected) in [(60, "200 fine"), (61, "Throttled(Some(61s))")] {
        let throttled = reply("429 Too Many Requests", &[&format!("retry-after: {retry_after}")], "");
        let tool = Tool::replying(vec![throttled, ok()]).await;
        assert_eq!(outcome(&World::new().connection(spec(&tool.origin)), get("/x")).await, expected);
    }
}

#[tokio::test]
async fn a_date_and_a_secondary_limit_are_understood() {
    let date = reply("429 Too Many Requests", &["retry-after: Wed, 01 Jan 2025 00:00:30 GMT"], "");
    let secondary = reply("403 Forbidden", &[], "{\"message\":\"You have exceeded a secondary rate limit.\"}");
    for (throttled, pause_ms) in [(date, 30_000), (secondary, 60_000)] {
        let tool = Tool::replying(vec![throttled, ok()]).await;
        let world = World::new();
        assert_eq!(outcome(&world.connection(spec(&tool.origin)), get("/x")).await, "200 fine");
        assert_eq!(world.clock.pauses_ms(), [pause_ms]);
    }
}

#[tokio::test]
async fn a_tool_that_never_relents_is_left_alone() {
    for headers in [&["retry-after: 0"][..], &[]] {
        let tool = Tool::replying(vec![reply("429 Too Many Requests", headers, "")]).await;
        let world = World::new();
        let said = outcome(&world.connection(spec(&tool.origin)), get("/x")).await;
        assert!(said.starts_with("Throttled(Some("), "{said}");
        assert_eq!(tool.lines().len(), 5);
        let pauses = world.clock.pauses_ms();
        assert!(pauses.windows(2).all(|pair| pair[0] < pair[1]), "{pauses:?}");
    }
}

#[tokio::test]
async fn a_busy_server_is_not_sent_a_write_twice() {
    let busy = || reply("503 Service Unavailable", &["retry-after: 3"], "busy");
    let tool = Tool::replying(vec![busy(), ok()]).await;
    let connection = World::new().connection(spec(&tool.origin));
    assert_eq!(outcome(&connection, request(Method::Post, Target::Path("/x".to_owned()))).await, "503 busy");
    let tool = Tool::replying(vec![busy(), ok()]).await;
    assert_eq!(outcome(&World::new().connection(spec(&tool.origin)), get("/x")).await, "200 fine");
}

#[tokio::test]
async fn an_exhausted_window_stops_requests_until_it_resets() {
    let tool = Tool::replying(vec![limit(1, 40), limit(0, 40), limit(99, 3_600)]).await;
    let world = World::new();
    let connection = world.connection(spec(&tool.origin));
    for _ in 0..3 {
        assert_eq!(outcome(&connection, get("/x")).await, "200 fine");
    }
    assert_eq!(world.clock.pauses_ms(), [40_000]);
    let budgets = world.egress.budgets();
    assert_eq!((budgets[0].limit, budgets[0].remaining, budgets[0].waiting_until), (Some(100), Some(99), None));
    let long = Tool::replying(vec![limit(0, 3_600)]).await;
    let connection = world.connection(spec(&long.origin));
    outcome(&connection, get("/x")).await;
    assert_eq!(outcome(&connection, get("/x")).await, "Throttled(Some(3560s))");
    assert_eq!(long.lines().len(), 1);
    world.clock.pass(Duration::from_secs(3_560));
    assert_eq!(outcome(&connection, get("/x")).await, "200 fine");
}

#[tokio::test]
async fn a_share_leaves_the_rest_to_others() {
    let tool = Tool::replying(vec![limit(51, 3_600), limit(50, 3_600)]).await;
    let limits = ConnectionLimits { share_percent: 50, ..ConnectionLimits::default() };
    let connection = World::new().connection(ConnectionSpec { limits, ..spec(&tool.origin) });
    assert_eq!(outcome(&connection, get("/x")).await, "200 fine");
    assert_eq!(outcome(&connection, get("/x")).await, "200 fine");
    assert_eq!(outcome(&connection, get("/x")).await, "Throttled(Some(3600s))");
}

#[tokio::test]
async fn limits_of_one_tool_are_counted_apart() {
    let tool = Tool::scripted(|_, head| {
        let is_search = head.starts_with("GET /search/");
        let (resource, remaining) = if is_search { ("search", 0) } else { ("core", 4_000) };
        let reset = format!("x-ratelimit-reset: {}", NOW_MS / 1_000 + 3_600);
        let headers =
            [format!("x-ratelimit-resource: {resource}"), format!("x-ratelimit-remaining: {remaining}"), reset];
        reply("200 OK", &headers.each_ref().map(String::as_str), "fine")
    })
    .await;
    let connection = World::new().connection(spec(&tool.origin));
    assert_eq!(outcome(&connection, get("/search/issues")).await, "200 fine");
    assert_eq!(outcome(&connection, get("/repos/a")).await, "200 fine");
    assert_eq!(outcome(&connection, get("/search/issues")).await, "Throttled(Some(3600s))");
    assert_eq!(outcome(&connection, get("/repos/a")).await, "200 fine");
}

#[tokio::test]
async fn a_budget_belongs_to_origin_and_credential() {
    let tool = Tool::replying(vec![limit(0, 3_600), ok()]).await;
    let world = World::new();
    let with = |token: &str| ConnectionSpec { auth: Auth::Bearer(Secret::new(token)), ..spec(&tool.origin) };
    let first = world.connection(with("token-one"));
    let second = world.connection(with("token-one"));
    let other = world.connection(with("token-two"));
    assert_eq!(outcome(&first, get("/x")).await, "200 fine");
    assert_eq!(outcome(&second, get("/x")).await, "Throttled(Some(3600s))");
    assert_eq!(outcome(&other, get("/x")).await, "200 fine");
    let waiting = world.egress.budgets().into_iter().find(|budget| budget.waiting_until.is_some()).unwrap();
    let status = serde_json::to_string(&waiting).unwrap().replace(&tool.origin, "ORIGIN");
    expect![[r#"{"origin":"ORIGIN","resource":"","limit":100,"remaining":0,"reset_at":"2025-01-01T01:00:00.000Z","waiting_until":"2025-01-01T01:00:00.000Z"}"#]].assert_eq(&status);
    assert_eq!(world.egress.budgets().len(), 2);
    drop((first, second));
    assert_eq!(world.egress.budgets().len(), 1);
}
