//! Whole passes against our own cassette: which requests are made, which records come, where the next pass begins.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::rc::Rc;

use connector_servicenow::ServiceNow;
use expect_test::{Expect, expect};
use weir_sdk::failure::FailureKind;
use weir_sdk::mock::{self, Cassette, Collected, Order};

const SETTINGS: &str = r#"{
    "filters": {"incidents": "assignment_group.name=SRE^ORassignment_group.name=Network"},
    "columns": ["u_root_cause"],
    "deployments": {"environment": "production", "types": ["standard"]},
    "incident_states": {"12": "acknowledged"}
}"#;

fn acme() -> Rc<Cassette> {
    Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap())
}

fn collect(cassette: &Rc<Cassette>, order: &Order) -> Collected {
    mock::collect_whole::<ServiceNow>(cassette, order)
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(dataset: &str, expected: Expect) {
    expected.assert_eq(&mock::show::<ServiceNow>(&acme(), dataset, None, SETTINGS));
}

#[test]
fn incidents() {
    check(
        "incidents",
        expect![[r#"
            01110000000000000000000000000001 @1740825000000 -
              incident 01110000000000000000000000000001 {"handle":"INC0010001","url":"https://acme.service-now.com/incident.do?sys_id=01110000000000000000000000000001","title":"Mail is down","description":"Nobody can send.","services":["Email","mail-01"],"state":"resolved","state_word":"Behoben","severity":"1 - High","priority":"2 - High","urgency":"1 - High","creator":{"key":"0a1100000000000000000000000000b2"},"assignees":[{"key":"0a1100000000000000000000000000a1"}],"deployments":[{"deployment":{"key":"0c4400000000000000000000000000c1"},"kind":"caused"}],"detected_at":"2025-03-01T08:00:00.000Z","resolved_at":"2025-03-01T10:30:00.000Z","updated_at":"2025-03-01T10:30:00.000Z","attributes":{"servicenow.assignment_group":"SRE","servicenow.category":"Software","servicenow.close_code":"Permanent fix","servicenow.escalation":"Normal","servicenow.impact":"2 - Medium","servicenow.reopen_count":"0","servicenow.resolved_by":"Ana Lima","servicenow.u_root_cause":"full disk"}}
            01110000000000000000000000000002 @1740906000000 -
              incident 01110000000000000000000000000002 {"handle":"INC0010002","url":"https://acme.service-now.com/incident.do?sys_id=01110000000000000000000000000002","title":"Slow search","state":"open","state_word":"Neu","severity":"1 - High","priority":"2 - High","urgency":"1 - High","creator":{"key":"0a1100000000000000000000000000b2"},"detected_at":"2025-03-02T09:00:00.000Z","updated_at":"2025-03-02T09:00:00.000Z","attributes":{"servicenow.assignment_group":"SRE","servicenow.category":"Software","servicenow.escalation":"Normal","servicenow.impact":"2 - Medium","servicenow.reopen_count":"0"}}
            0111000000000000000000000000000f @1738400400000 -
              incident 0111000000000000000000000000000f {"handle":"INC0010003","url":"https://acme.service-now.com/incident.do?sys_id=0111000000000000000000000000000f","title":"Printer","state":"acknowledged","state_word":"Waiting for vendor","severity":"1 - High","urgency":"1 - High","creator":{"key":"0a1100000000000000000000000000b2"},"detected_at":"2025-01-31T09:00:00.000Z","updated_at":"2025-02-01T09:00:00.000Z","attributes":{"servicenow.assignment_group":"SRE","servicenow.category":"Software","servicenow.escalation":"Normal","servicenow.impact":"2 - Medium","servicenow.reopen_count":"0"}}
              ! incidents.priority a list
              ! incidents.closed_at soon
        "#]],
    );
}

#[test]
fn change_requests_and_the_deployments_among_them() {
    check(
        "change-requests",
        expect![[r#"
            0c4400000000000000000000000000c1 @1740819600000 -
              work-item 0c4400000000000000000000000000c1 {"handle":"CHG0030001","url":"https://acme.service-now.com/change_request.do?sys_id=0c4400000000000000000000000000c1","title":"Move the mail store","kind":"change-request","kind_word":"Standard","status":{"name":"Closed","category":"done"},"resolution":"Successful with issues","priority":"4 - Low","creator":{"key":"0a1100000000000000000000000000a1"},"assignees":[{"key":"0a1100000000000000000000000000b2"}],"components":["mail-01"],"created_at":"2025-02-27T10:00:00.000Z","updated_at":"2025-03-01T09:00:00.000Z","resolved_at":"2025-03-01T09:00:00.000Z","due_at":"2025-03-01T08:00:00.000Z","attributes":{"servicenow.assignment_group":"SRE","servicenow.category":"Software","servicenow.end_date":"2025-03-01T08:00:00.000Z","servicenow.impact":"3 - Low","servicenow.risk":"Moderate","servicenow.start_date":"2025-03-01T07:00:00.000Z","servicenow.urgency":"3 - Low","servicenow.work_end":"2025-03-01T07:55:00.000Z","servicenow.work_start":"2025-03-01T07:05:00.000Z"}}
              deployment 0c4400000000000000000000000000c1 {"attempt":1,"service":"mail-01","environment":{"name":"production"},"title":"Move the mail store","url":"https://acme.service-now.com/change_request.do?sys_id=0c4400000000000000000000000000c1","state":"finished","result":"unstable","result_word":"successful_issues","author":{"key":"0a1100000000000000000000000000b2"},"work_items":[{"key":"0c4400000000000000000000000000c1"}],"queued_at":"2025-02-27T10:00:00.000Z","started_at":"2025-03-01T07:05:00.000Z","finished_at":"2025-03-01T07:55:00.000Z","duration":3000000}
            0c4400000000000000000000000000c2 @1740906000000 -
              work-item 0c4400000000000000000000000000c2 {"handle":"CHG0030002","url":"https://acme.service-now.com/change_request.do?sys_id=0c4400000000000000000000000000c2","title":"New firewall rule","kind":"change-request","kind_word":"Emergency","status":{"name":"New","category":"todo"},"priority":"4 - Low","creator":{"key":"0a1100000000000000000000000000a1"},"assignees":[{"key":"0a1100000000000000000000000000b2"}],"components":["mail-01"],"created_at":"2025-03-02T09:00:00.000Z","updated_at":"2025-03-02T09:00:00.000Z","due_at":"2025-03-01T08:00:00.000Z","attributes":{"servicenow.assignment_group":"SRE","servicenow.category":"Software","servicenow.end_date":"2025-03-01T08:00:00.000Z","servicenow.impact":"3 - Low","servicenow.risk":"Moderate","servicenow.start_date":"2025-03-01T07:00:00.000Z","servicenow.urgency":"3 - Low"}}
            0c4400000000000000000000000000c3 @1740909600000 -
              work-item 0c4400000000000000000000000000c3 {"handle":"CHG0030003","url":"https://acme.service-now.com/change_request.do?sys_id=0c4400000000000000000000000000c3","title":"Try again","kind":"change-request","kind_word":"Standard","status":{"name":"Canceled","category":"done"},"priority":"4 - Low","creator":{"key":"0a1100000000000000000000000000a1"},"assignees":[{"key":"0a1100000000000000000000000000b2"}],"components":["mail-01"],"created_at":"2025-03-01T09:00:00.000Z","updated_at":"2025-03-02T10:00:00.000Z","resolved_at":"2025-03-02T10:00:00.000Z","due_at":"2025-03-01T08:00:00.000Z","attributes":{"servicenow.assignment_group":"SRE","servicenow.category":"Software","servicenow.end_date":"2025-03-01T08:00:00.000Z","servicenow.impact":"3 - Low","servicenow.risk":"Moderate","servicenow.start_date":"2025-03-01T07:00:00.000Z","servicenow.urgency":"3 - Low"}}
              deployment 0c4400000000000000000000000000c3 {"attempt":1,"service":"mail-01","environment":{"name":"production"},"title":"Try again","url":"https://acme.service-now.com/change_request.do?sys_id=0c4400000000000000000000000000c3","state":"finished","result":"cancelled","author":{"key":"0a1100000000000000000000000000b2"},"work_items":[{"key":"0c4400000000000000000000000000c3"}],"queued_at":"2025-03-01T09:00:00.000Z"}
        "#]],
    );
}

#[test]
fn people_and_their_groups() {
    check(
        "users",
        expect![[r#"
            0a1100000000000000000000000000a1 @1735689600000 -
              person 0a1100000000000000000000000000a1 {"name":"Ana Lima","login":"ana.lima","emails":["ana@acme.example"],"bot":false,"active":true,"organisation":"ACME","created_at":"2024-01-01T00:00:00.000Z"}
            0a1100000000000000000000000000b2 @1735689600000 -
              person 0a1100000000000000000000000000b2 {"name":"Ben Okafor","login":"ben.okafor","bot":false,"active":false,"manager":{"key":"0a1100000000000000000000000000a1"},"created_at":"2024-01-01T00:00:00.000Z"}
            0a1100000000000000000000000000ff @1735689600000 -
              person 0a1100000000000000000000000000ff {"name":"Monitor","login":"monitor","bot":true,"active":true,"created_at":"2024-01-01T00:00:00.000Z"}
        "#]],
    );
    check(
        "group-members",
        expect![[r#"
            0e660000000000000000000000000001 @1735776000000 -
              person 0a1100000000000000000000000000a1 {"teams":["SRE"]}
        "#]],
    );
}

#[test]
fn a_second_pass_reads_what_changed_since_the_first() {
    let cassette = acme();
    let first = collect(&cassette, &Order::full("incidents", SETTINGS));
    let n_requests = cassette.heard().len();
    let second = collect(&cassette, &Order::incremental("incidents", SETTINGS, first.cursor.clone()));
    let keys: Vec<_> = second.records.iter().map(|record| record.key.as_str()).collect();
    assert_eq!(keys, ["01110000000000000000000000000002"]);
    let query =
        |line: &String| line.split(['?', '&']).find(|part| part.starts_with("sysparm_query")).unwrap().to_owned();
    let queries: Vec<_> = cassette.heard()[n_requests..].iter().map(query).collect();
    assert_eq!(
        queries,
        [
            "sysparm_query=assignment_group.name%3DSRE%5EORassignment_group.name%3DNetwork%5EORDERBYDESCsys_updated_on",
            "sysparm_query=assignment_group.name%3DSRE%5EORassignment_group.name%3DNetwork%5Esys_updated_on%3E%3D2025-03-02%2008%3A59%3A00%5EORDERBYsys_id",
        ]
    );
    assert_eq!(second.cursor, first.cursor);
}

#[test]
fn a_filter_can_not_undo_the_paging() {
    let settings = r#"{"filters": {"incidents": "active=true^NQpriority=1"}}"#;
    let failure = mock::collect::<ServiceNow>(&acme(), &Order::full("incidents", settings)).failure.unwrap();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Config, "servicenow.settings.filters"));
}

#[test]
fn half_an_answer_is_none() {
    let cut = |request: &str| {
        let body = r#"{"result": [], "error": {"message": "Transaction cancelled: maximum execution time exceeded"}}"#;
        Some(mock::Answer::of(body)).filter(|_| request.contains("/table/incident"))
    };
    let cassette = Rc::new(Cassette::default().serving(cut));
    let failure = mock::collect::<ServiceNow>(&cassette, &Order::full("incidents", "{}")).failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Transient);
}

#[test]
fn a_check_names_the_tables_that_cannot_be_seen() {
    let cassette = Cassette::default()
        .on("GET /api/now/table/incident?sysparm_fields=sys_id&sysparm_limit=1", r#"{"result": [{"sys_id": "1"}]}"#)
        .on("GET /api/now/table/change_request?sysparm_fields=sys_id&sysparm_limit=1", r#"{"result": []}"#)
        .on("GET /api/now/table/sys_user?sysparm_fields=sys_id&sysparm_limit=1", r#"{"result": [{"sys_id": "2"}]}"#)
        .on_status("GET /api/now/table/sys_user_grmember?sysparm_fields=sys_id&sysparm_limit=1", 403, &[], "{}")
        .on(
            "GET /api/now/table/sys_user?sysparm_query=sys_id%3Djavascript%3Ags.getUserID%28%29&sysparm_fields=user_name&sysparm_limit=1",
            r#"{"result": [{"user_name": "weir"}]}"#,
        );
    let checkup = mock::check::<ServiceNow>(&Rc::new(cassette), "{}").unwrap();
    assert_eq!(checkup.identity.as_deref(), Some("weir"));
    assert_eq!(
        checkup.missing,
        [
            "change_request: no row to be seen; the table is empty or the user lacks a role",
            "sys_user_grmember: the user may not read it",
        ]
    );
    let denied = Cassette::default().serving(|_| Some(mock::Answer { status: 401, ..mock::Answer::of("{}") }));
    assert_eq!(mock::check::<ServiceNow>(&Rc::new(denied), "{}").unwrap_err().kind, FailureKind::Auth);
}
