//! Whole passes against our own cassette: which requests are made, which records come, where the next pass begins.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::rc::Rc;

use connector_pagerduty::PagerDuty;
use expect_test::{Expect, expect};
use weir_sdk::failure::FailureKind;
use weir_sdk::mock::{self, Answer, Cassette, Collected, Order};

fn acme() -> Rc<Cassette> {
    Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap())
}

fn collect(cassette: &Rc<Cassette>, order: &Order) -> Collected {
    mock::collect_whole::<PagerDuty>(cassette, order)
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(dataset: &str, expected: Expect) {
    expected.assert_eq(&mock::show::<PagerDuty>(&acme(), dataset, None, "{}"));
}

#[test]
fn incidents() {
    check(
        "incidents",
        expect![[r##"
            PINC001 @1730420400000 -
              incident PINC001 {"handle":"#1","url":"https://acme.pagerduty.com/incidents/PINC001","title":"Disk full","services":["Mail"],"state":"resolved","state_word":"resolved","urgency":"low","detected_at":"2024-11-01T00:00:00.000Z","resolved_at":"2024-11-01T00:20:00.000Z","updated_at":"2024-11-01T00:20:00.000Z","attributes":{"pagerduty.escalation_policy":"Office hours","pagerduty.incident_key":"key-1","pagerduty.teams":["SRE"]}}
            PINC002 @1740817800000 -
              incident PINC002 {"handle":"#2","url":"https://acme.pagerduty.com/incidents/PINC002","title":"Mail is slow","services":["Mail"],"state":"resolved","state_word":"resolved","urgency":"high","detected_at":"2025-03-01T08:00:00.000Z","resolved_at":"2025-03-01T08:30:00.000Z","updated_at":"2025-03-01T08:30:00.000Z","attributes":{"pagerduty.escalation_policy":"Office hours","pagerduty.incident_key":"key-2","pagerduty.merged_into":"PINC003","pagerduty.teams":["SRE"]}}
            PINC003 @1749888360000 -
              incident PINC003 {"handle":"#3","url":"https://acme.pagerduty.com/incidents/PINC003","title":"Mail is down","services":["Mail"],"state":"acknowledged","state_word":"acknowledged","priority":"P1","urgency":"high","assignees":[{"key":"PANA001"},{"key":"PBEN002"}],"detected_at":"2025-06-14T08:00:00.000Z","acknowledged_at":"2025-06-14T08:05:00.000Z","updated_at":"2025-06-14T08:06:00.000Z","attributes":{"pagerduty.escalation_policy":"Office hours","pagerduty.incident_key":"key-3","pagerduty.teams":["SRE"]}}
            PINC004 @1749974400000 -
              incident PINC004 {"handle":"#4","url":"https://acme.pagerduty.com/incidents/PINC004","title":"Certificate","services":["Mail"],"state":{"unknown":"paused"},"state_word":"paused","urgency":"high","detected_at":"2025-06-15T08:00:00.000Z","updated_at":"2025-06-15T08:00:00.000Z","attributes":{"pagerduty.escalation_policy":"Office hours","pagerduty.incident_key":"key-4"}}
              ! incidents.status paused
              ! incidents.teams none
        "##]],
    );
}

#[test]
fn the_log_says_when_somebody_first_took_it() {
    let lines = mock::show::<PagerDuty>(&acme(), "log-entries", Some(("incidents", "*")), "{}");
    expect![[r#"
        PINC001 @- {"incident":"PINC001"}
          incident PINC001 {"acknowledged_at":"2024-11-01T00:10:00.000Z"}
        PINC001/100 @- {"incident":"PINC001"}
          incident PINC001 {"acknowledged_at":"2024-11-01T00:05:00.000Z"}
        PINC002 @- {"incident":"PINC002"}
          ignored: pagerduty.log.no-acknowledgement
        PINC003 @- {"incident":"PINC003"}
          incident PINC003 {"acknowledged_at":"2025-06-14T08:05:00.000Z"}
        PINC004 @- {"incident":"PINC004"}
          ignored: pagerduty.log.no-acknowledgement
    "#]]
    .assert_eq(&lines);
}

#[test]
fn users() {
    check(
        "users",
        expect![[r#"
            PANA001 @- -
              person PANA001 {"name":"Ana Lima","emails":["ana@acme.example"],"teams":["SRE"],"url":"https://acme.pagerduty.com/users/PANA001"}
            PBEN002 @- -
              person PBEN002 {"name":"Ben Okafor","url":"https://acme.pagerduty.com/users/PBEN002"}
        "#]],
    );
}

#[test]
fn a_second_pass_reads_what_the_log_names() {
    let cassette = acme();
    let first = collect(&cassette, &Order::full("incidents", "{}"));
    let n_requests = cassette.heard().len();
    let second = collect(&cassette, &Order::incremental("incidents", "{}", first.cursor));
    expect![[r##"
        GET /log_entries?since=2025-06-15T07%3A55%3A00Z&until=2025-06-17T15%3A06%3A40Z&limit=100&offset=0
        GET /incidents/PINC003
        GET /incidents/PINC004
        PINC003 @1749978000000 -
          incident PINC003 {"handle":"#3","url":"https://acme.pagerduty.com/incidents/PINC003","title":"Mail is down","services":["Mail"],"state":"resolved","state_word":"resolved","priority":"P1","urgency":"high","detected_at":"2025-06-14T08:00:00.000Z","resolved_at":"2025-06-15T09:00:00.000Z","updated_at":"2025-06-15T09:00:00.000Z","attributes":{"pagerduty.escalation_policy":"Office hours","pagerduty.incident_key":"key-3","pagerduty.teams":["SRE"]}}
        PINC004 @1749974400000 -
          incident PINC004 {"handle":"#4","url":"https://acme.pagerduty.com/incidents/PINC004","title":"Certificate","services":["Mail"],"state":{"unknown":"paused"},"state_word":"paused","urgency":"high","detected_at":"2025-06-15T08:00:00.000Z","updated_at":"2025-06-15T08:00:00.000Z","attributes":{"pagerduty.escalation_policy":"Office hours","pagerduty.incident_key":"key-4"}}
          ! incidents.status paused
          ! incidents.teams none
    "##]].assert_eq(&format!("{}\n{}", cassette.heard()[n_requests..].join("\n"), mock::show_records::<PagerDuty>("incidents", "{}", &second.records)));
}

#[test]
fn users_that_come_while_they_are_listed_begin_it_anew() {
    let user = |id: &str| format!(r#"{{"id": "{id}"}}"#);
    let page =
        |users: &str, more: bool, total: u32| format!(r#"{{"users": [{users}], "more": {more}, "total": {total}}}"#);
    let (first, second) = ("GET /users?total=true&limit=100&offset=0", "GET /users?total=true&limit=100&offset=100");
    let cassette = Cassette::default()
        .on(first, &page(&user("B"), true, 2))
        .on(second, &page(&user("B"), false, 3))
        .on(first, &page(&user("A"), true, 3))
        .on(second, &page(&[user("B"), user("C")].join(","), false, 3));
    let collected = collect(&Rc::new(cassette), &Order::full("users", "{}"));
    let keys: Vec<_> = collected.records.iter().map(|record| record.key.as_str()).collect();
    assert_eq!(keys, ["B", "B", "A", "B", "C"]);
}

/// Of ten thousand incidents and more in one window, the later ones lie in a window of their own.
#[test]
fn a_listing_longer_than_can_be_reached_goes_on_from_its_last() {
    const N: u64 = 10_150;
    let created =
        |number: u64| weir_sdk::model::Timestamp::from_ms(1_735_689_600_000 + i64::try_from(number).unwrap() * 60_000);
    let server = move |request: &str| {
        let asked = |name: &str| {
            let text = request.split(['?', '&']).find_map(|part| part.strip_prefix(name)?.strip_prefix('='))?;
            Some(text.replace("%3A", ":"))
        };
        if request.starts_with("GET /log_entries") {
            return Some(Answer::of(r#"{"log_entries": []}"#));
        }
        let since: weir_sdk::model::Timestamp = asked("since")?.parse().ok()?;
        let (limit, offset): (u64, u64) = (asked("limit")?.parse().ok()?, asked("offset")?.parse().ok()?);
        assert!(limit + offset <= 10_000, "{request}");
        let first = (0..N).find(|number| created(*number) >= since)? + offset;
        let incident = |number: u64| format!(r#"{{"id": "P{number}", "created_at": "{}"}}"#, created(number));
        let incidents: Vec<_> = (first..N.min(first + limit)).map(incident).collect();
        Some(Answer::of(format!(r#"{{"incidents": [{}], "more": {}}}"#, incidents.join(","), first + limit < N)))
    };
    let settings = r#"{"since": "2025-01-01T00:00:00Z"}"#;
    let collected = collect(&Rc::new(Cassette::default().serving(server)), &Order::full("incidents", settings));
    let keys: std::collections::BTreeSet<_> = collected.records.iter().map(|record| &record.key).collect();
    assert_eq!(u64::try_from(keys.len()).unwrap(), N);
}

#[test]
fn a_check_says_what_the_key_may_not_read() {
    let server = |request: &str| {
        let status = match request.split(['?', ' ']).nth(1)? {
            "/users" => 403,
            "/users/me" => 400,
            "/services/PGONE" => 404,
            _ => 200,
        };
        Some(Answer { status, ..Answer::of("{}") })
    };
    let cassette = Rc::new(Cassette::default().serving(server));
    let checkup = mock::check::<PagerDuty>(&cassette, r#"{"services": ["PMAIL01", "PGONE"]}"#).unwrap();
    assert_eq!(checkup.missing, ["users: the key may not", "service PGONE: the tool answered with status 404"]);
    let denied = Rc::new(Cassette::default().serving(|_| Some(Answer { status: 401, ..Answer::of("{}") })));
    assert_eq!(mock::check::<PagerDuty>(&denied, "{}").unwrap_err().kind, FailureKind::Auth);
}
