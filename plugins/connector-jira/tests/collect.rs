//! Whole passes against our own cassettes: which requests are made, which records come, where the next pass begins.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::rc::Rc;

use connector_jira::Jira;
use expect_test::{Expect, expect};
use serde_json::Value;
use weir_sdk::failure::FailureKind;
use weir_sdk::mock::{self, Cassette, Collected, Order};
use weir_sdk::model::Timestamp;
use weir_sdk::record::RawRecord;

const SETTINGS: &str =
    r#"{"comments": true, "remote_links": true, "severity": "Severity", "custom_fields": {"Team": "team"}}"#;

fn acme() -> Rc<Cassette> {
    Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap())
}

fn collect(cassette: &Rc<Cassette>, order: &Order) -> Collected {
    mock::collect_whole::<Jira>(cassette, order)
}

fn records(dataset: &str, settings: &str) -> Vec<RawRecord> {
    collect(&acme(), &Order::full(dataset, settings)).records
}

/// One line per record, with what became of it and its diagnostics.
#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(dataset: &str, parent: Option<(&str, &str)>, expected: Expect) {
    expected.assert_eq(&mock::show::<Jira>(&acme(), dataset, parent, SETTINGS));
}

#[test]
fn projects() {
    check(
        "projects",
        None,
        expect![[r#"
        20001 @- -
          project 20001 {"title":"Acme API","url":"https://acme.atlassian.net/browse/API","attributes":{"jira.archived":false,"jira.key":"API","jira.type":"software"}}
        20002 @- -
          project 20002 {"title":"Operations","url":"https://acme.atlassian.net/browse/OPS","attributes":{"jira.key":"OPS","jira.type":"service_desk"}}
    "#]],
    );
}

#[test]
fn statuses() {
    check(
        "statuses",
        None,
        expect![[r#"
        1 @- -
          status 1 {"title":"To Do","attributes":{"jira.category":"todo"}}
        3 @- -
          status 3 {"title":"In Progress","attributes":{"jira.category":"doing"}}
        5 @- -
          status 5 {"title":"Done","attributes":{"jira.category":"done"}}
        9 @- -
          status 9 {"title":"Blocked"}
    "#]],
    );
}

#[test]
fn users() {
    check(
        "users",
        None,
        expect![[r#"
        5b10a @- -
          person 5b10a {"name":"Ana Lima","emails":["ana@acme.example"],"bot":false,"active":true}
        5b10b @- -
          person 5b10b {"name":"Ben Okoro","bot":false,"active":true}
        5b10d @- -
          person 5b10d {"name":"Deploy Bot","bot":true,"active":true}
        qm:7 @- -
          ignored: jira.user.customer
    "#]],
    );
}

#[test]
fn boards_and_sprints() {
    check(
        "boards",
        None,
        expect![[r"
        8 @- -
          ignored: jira.board
        9 @- -
          ignored: jira.board
    "]],
    );
    check(
        "sprints",
        Some(("boards", "8")),
        expect![[r#"
        8/37 @- {"board":"API"}
          sprint 37 {"name":"API 1","boards":["API"],"state":"closed","state_word":"closed","goal":"Answer in time","url":"https://acme.atlassian.net/secure/RapidBoard.jspa?rapidView=8","started_at":"2025-02-03T09:00:00.000Z","ends_at":"2025-02-14T17:00:00.000Z","completed_at":"2025-02-14T16:00:00.000Z"}
        8/38 @- {"board":"API"}
          sprint 38 {"name":"API 2","boards":["API"],"state":"planned","state_word":"future","url":"https://acme.atlassian.net/secure/RapidBoard.jspa?rapidView=8"}
    "#]],
    );
    check("sprints", Some(("boards", "9")), expect![[""]]);
}

#[test]
fn issues() {
    check(
        "issues",
        None,
        expect![[r#"
        10001 @1740042000000 -
          work-item 10001 {"handle":"API-1","url":"https://acme.atlassian.net/browse/API-1","project":"API","title":"Be quick","kind":"epic","kind_word":"Epic","status":{"name":"In Progress","category":"doing"},"priority":"Medium","creator":{"key":"5b10a"},"labels":["speed"],"created_at":"2025-02-01T09:00:00.000+01:00","updated_at":"2025-02-20T10:00:00.000+01:00"}
        10002 @1740128400000 -
          work-item 10002 {"handle":"API-2","url":"https://acme.atlassian.net/browse/API-2","project":"API","title":"Answer in time","description":"Within a second.","kind":"story","kind_word":"Story","status":{"name":"Done","category":"done"},"resolution":"Done","priority":"High","parent":{"key":"10001"},"epic":{"key":"10001"},"creator":{"key":"5b10a"},"assignees":[{"key":"5b10b"}],"components":["server"],"fix_versions":["1.1"],"estimate":14400000,"time_spent":10800000,"time_remaining":0,"created_at":"2025-02-03T09:00:00.000+01:00","updated_at":"2025-02-21T10:00:00.000+01:00","resolved_at":"2025-02-14T15:00:00.000+01:00","due_at":"2025-02-28T00:00:00.000Z","links":[{"kind":"blocks","target":{"key":"10003"}},{"kind":{"unknown":"is cloned by"},"target":{"key":"10009"}}]}
          ! issues.fields.issuelinks.type is cloned by
        10003 @1740214800000 -
          work-item 10003 {"handle":"OPS-1","url":"https://acme.atlassian.net/browse/OPS-1","project":"OPS","title":"API is down","kind":"incident","kind_word":"[System] Incident","status":{"name":"Blocked"},"creator":{"key":"5b10b"},"created_at":"2025-02-22T09:00:00.000+01:00","updated_at":"2025-02-22T10:00:00.000+01:00"}
    "#]],
    );
}

#[test]
fn custom_fields() {
    check(
        "custom-fields",
        None,
        expect![[r#"
        10001 @1740042000000 {"sprint":["customfield_10020"],"epic":["customfield_10014"],"story_points":["customfield_10016"],"severity":["customfield_10031"],"attributes":{"customfield_10030":"team"}}
          ignored: jira.custom-fields.none
        10002 @1740128400000 {"sprint":["customfield_10020"],"epic":["customfield_10014"],"story_points":["customfield_10016"],"severity":["customfield_10031"],"attributes":{"customfield_10030":"team"}}
          work-item 10002 {"sprints":[{"key":"37"}],"story_points":3.0,"attributes":{"jira.team":"Server"}}
        10003 @1740214800000 {"sprint":["customfield_10020"],"epic":["customfield_10014"],"story_points":["customfield_10016"],"severity":["customfield_10031"],"attributes":{"customfield_10030":"team"}}
          work-item 10003 {"severity":"Major"}
    "#]],
    );
}

#[test]
fn changelogs_with_a_long_one_fetched_whole() {
    check(
        "changelogs",
        None,
        expect![[r#"
        10001/601 @1740042000000 {"issue":"10001","statuses":{"1":"new","3":"indeterminate"}}
          work-item 10001 {"transitions":[{"id":"601","at":"2025-02-20T10:00:00.000+01:00","author":{"key":"5b10a"},"before":{"name":"Open","category":"todo"},"after":{"name":"In Progress","category":"doing"}}]}
        10001/600 @1738486800000 {"issue":"10001"}
          ignored: jira.history.other
        10002/501 @1738573200000 {"issue":"10002"}
          work-item 10002 {"edits":[{"id":"501/0","at":"2025-02-03T10:00:00.000+01:00","author":{"key":"5b10a"},"field":"sprint","after":"37"},{"id":"501/1","at":"2025-02-03T10:00:00.000+01:00","author":{"key":"5b10a"},"field":"assignee","after":"5b10b"}]}
        10002/502 @1738659600000 {"issue":"10002","statuses":{"1":"new","3":"indeterminate"}}
          work-item 10002 {"transitions":[{"id":"502","at":"2025-02-04T10:00:00.000+01:00","author":{"key":"5b10b"},"before":{"name":"To Do","category":"todo"},"after":{"name":"In Progress","category":"doing"}}]}
        10002/503 @1738746000000 {"issue":"10002"}
          work-item 10002 {"edits":[{"id":"503/0","at":"2025-02-05T10:00:00.000+01:00","author":{"key":"5b10b"},"field":"fix-version","after":"1.1"},{"id":"503/1","at":"2025-02-05T10:00:00.000+01:00","author":{"key":"5b10b"},"field":"fix-version","before":"1.0"}]}
        10002/504 @1739541600000 {"issue":"10002","statuses":{"3":"indeterminate","5":"done"}}
          work-item 10002 {"transitions":[{"id":"504","at":"2025-02-14T15:00:00.000+01:00","author":{"key":"5b10b"},"before":{"name":"In Progress","category":"doing"},"after":{"name":"Done","category":"done"}}]}
    "#]],
    );
}

#[test]
fn worklogs() {
    check(
        "worklogs",
        None,
        expect![[r#"
        703 @1740213000000 {"issue":"10003"}
          worklog 703 {"at":"2025-02-22T09:30:00.000+01:00","attributes":{"jira.author":"5b10a","jira.issue":"10003","jira.seconds":600}}
        701 @1738659600000 {"issue":"10002"}
          worklog 701 {"at":"2025-02-04T10:00:00.000+01:00","attributes":{"jira.author":"5b10b","jira.issue":"10002","jira.seconds":3600}}
        702 @1738746000000 {"issue":"10002"}
          worklog 702 {"at":"2025-02-05T10:00:00.000+01:00","attributes":{"jira.author":"5b10b","jira.issue":"10002","jira.seconds":7200}}
    "#]],
    );
}

#[test]
fn comments() {
    check(
        "comments",
        None,
        expect![[r#"
        801 @1739178000000 {"issue":"10002"}
          comment 801 {"at":"2025-02-10T10:00:00.000+01:00","attributes":{"jira.author":"5b10a","jira.issue":"10002","jira.text":"How far is it?"}}
        802 @1740211800000 {"issue":"10003"}
          comment 802 {"at":"2025-02-22T09:10:00.000+01:00","attributes":{"jira.author":"5b10a","jira.issue":"10003","jira.text":"It is."}}
        803 @1740214800000 {"issue":"10003"}
          comment 803 {"at":"2025-02-22T10:00:00.000+01:00","attributes":{"jira.author":"5b10b","jira.issue":"10003","jira.text":"Up again."}}
    "#]],
    );
}

#[test]
fn remote_links() {
    check(
        "remote-links",
        Some(("issues", "10002")),
        expect![[r#"
        10002/901 @- {"issue":"10002"}
          work-item 10002 {"commits":["1111111111111111111111111111111111111111"]}
        10002/902 @- {"issue":"10002"}
          ignored: jira.remote-link.no-commit
    "#]],
    );
}

/// The requests of a pass, decoded for people.
fn heard(cassette: &Cassette) -> String {
    let plain = |request: String| {
        let codes = [("%20", " "), ("%3E", ">"), ("%3D", "="), ("%2C", ","), ("%22", "\""), ("%28", "("), ("%29", ")")];
        codes.iter().fold(request, |request, (code, plain)| request.replace(code, plain))
    };
    cassette.heard().into_iter().map(|request| plain(request) + "\n").collect()
}

const MARK: &[u8] = b"\x01{\"mark\":1740214800000,\"recent\":{\"10003\":1740214800000}}";

#[test]
fn an_incremental_pass_begins_a_little_before_the_last_change() {
    let first = collect(&acme(), &Order::full("issues", SETTINGS));
    assert_eq!(first.cursor.as_deref(), Some(MARK));
    // What the last pass met there is met again, and is not taken twice.
    let cassette = Rc::new(Cassette::default().serving(|_| Some(answer(&["search/jql", "nextPageToken"]))));
    let settings = r#"{"deployment": "cloud", "projects": ["API", "OPS"], "jql": "labels != internal"}"#;
    let second = collect(&cassette, &Order::incremental("issues", settings, first.cursor));
    assert_eq!((second.records.len(), second.cursor.as_deref()), (0, Some(MARK)));
    expect![[r#"
        GET /rest/api/3/search/jql?jql=project in ("API", "OPS") AND (labels %21= internal) AND updated >= 1740214500000 ORDER BY updated ASC, key ASC&maxResults=100&fields=assignee,components,created,creator,description,duedate,fixVersions,issuelinks,issuetype,labels,parent,priority,project,reporter,resolution,resolutiondate,status,summary,timeestimate,timeoriginalestimate,timespent,updated
    "#]].assert_eq(&heard(&cassette));
}

/// The first answer of the cassette to a request that holds all of these.
fn answer(parts: &[&str]) -> mock::Answer {
    let exchanges: Vec<Value> = serde_json::from_str(include_str!("../cassettes/acme.json")).unwrap();
    let fits = |exchange: &&Value| parts.iter().all(|part| exchange["request"].as_str().unwrap().contains(part));
    mock::Answer::of(exchanges.iter().find(fits).unwrap()["answer"]["body"].to_string())
}

/// A Jira that does not mind which fields are asked for.
fn careless_jira() -> Rc<Cassette> {
    Rc::new(Cassette::default().serving(|request| {
        assert!(!request.contains("summary") && !request.contains("description"), "{request}");
        Some(match request {
            _ if request.contains("nextPageToken") => answer(&["search/jql", "nextPageToken"]),
            _ if request.contains("search/jql") && request.contains("changelog") => {
                answer(&["search/jql", "changelog"])
            }
            _ if request.contains("search/jql") => answer(&["search/jql", "assignee"]),
            _ if request.contains("startAt=3") => answer(&["10002/changelog", "startAt=3"]),
            _ if request.contains("changelog") => answer(&["10002/changelog"]),
            _ => answer(&["/status"]),
        })
    }))
}

#[test]
fn what_must_not_be_stored_is_neither_asked_for_nor_kept() {
    let settings =
        r#"{"deployment": "cloud", "sensitive_fields": ["summary", "description", "Assignee", "Fix Version"]}"#;
    let texts = |records: &[RawRecord]| {
        records.iter().map(|record| String::from_utf8(record.payload.clone()).unwrap()).collect::<String>()
    };
    assert!(texts(&records("issues", SETTINGS)).contains("Answer in time"));
    let issues = collect(&careless_jira(), &Order::full("issues", settings)).records;
    assert_eq!(mock::keys(&issues), ["10001", "10002", "10003"]);
    for text in ["Answer in time", "second", "summary", "assignee"] {
        assert!(!texts(&issues).contains(text), "{text}");
    }
    let histories = collect(&careless_jira(), &Order::full("changelogs", settings)).records;
    assert!(!texts(&histories).contains("Fix Version") && texts(&histories).contains("In Progress"));
}

#[test]
fn texts_that_nothing_is_made_of_are_not_kept() {
    let texts = |dataset: &str| {
        let records = records(dataset, SETTINGS);
        records.iter().map(|record| String::from_utf8(record.payload.clone()).unwrap()).collect::<String>()
    };
    assert!(!texts("changelogs").contains("Within a second"));
    assert!(!texts("worklogs").contains("comment"));
}

#[test]
fn an_answer_to_nobody_is_no_empty_jira() {
    let empty = r#"{"issues": [], "isLast": true}"#;
    let cassette = Cassette::default().serving(|_| {
        let headers = [("x-seraph-loginreason".to_owned(), "AUTHENTICATED_FAILED".to_owned())].into();
        Some(mock::Answer { headers, ..mock::Answer::of(r#"{"issues": [], "isLast": true}"#) })
    });
    let order = Order::full("issues", r#"{"deployment": "cloud"}"#);
    let failure = mock::collect::<Jira>(&Rc::new(cassette), &order).failure.unwrap();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Auth, "jira.login"));
    let anonymous = Cassette::default().serving(move |_| Some(mock::Answer::of(empty)));
    assert_eq!(mock::collect::<Jira>(&Rc::new(anonymous), &order).failure, None);
}

#[test]
fn a_page_that_is_no_longer_known_starts_the_search_anew() {
    let cursor = br#"{"at": {"from": 0, "token": "old"}}"#;
    let order = Order {
        cursor: Some([b"\x01".as_slice(), cursor].concat()),
        ..Order::full("issues", r#"{"deployment": "cloud"}"#)
    };
    let cassette = Cassette::default().serving(|_| {
        Some(mock::Answer { status: 400, ..mock::Answer::of(r#"{"errorMessages": ["The token is invalid"]}"#) })
    });
    let failure = mock::collect::<Jira>(&Rc::new(cassette), &order).failure.unwrap();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::CursorExpired, "jira.token.expired"));
}

#[test]
fn listings_are_left_alone_for_a_while() {
    let cassette = acme();
    let first = collect(&cassette, &Order::full("boards", SETTINGS));
    let minutes = |minutes: i64| Order {
        run_at: Timestamp::from_ms(Order::full("boards", SETTINGS).run_at.ms() + minutes * 60_000),
        ..Order::incremental("boards", SETTINGS, first.cursor.clone())
    };
    assert_eq!(collect(&cassette, &minutes(14)).records.len(), 0);
    assert_eq!(collect(&cassette, &minutes(15)).records.len(), 2);
    assert_eq!(collect(&cassette, &minutes(-60)).records.len(), 2, "a clock that went back hides nothing");
    assert_eq!(cassette.heard().len(), 3);
}

#[test]
fn only_chosen_projects_are_listed() {
    let settings = r#"{"deployment": "server", "projects": ["API"]}"#;
    let cassette = Cassette::default().on("GET /rest/api/2/project/API", r#"{"id": "20001", "key": "API"}"#);
    assert_eq!(mock::keys(&collect(&Rc::new(cassette), &Order::full("projects", settings)).records), ["20001"]);
    let kanban = RawRecord::upsert("8", r#"{"id": 8, "type": "scrum", "location": {"projectKey": "WEB"}}"#);
    let order = Order::full("sprints", settings).under(kanban);
    assert_eq!(collect(&Rc::default(), &order).records.len(), 0);
}

#[test]
fn check_says_who_and_what_is_missing() {
    let checkup = mock::check::<Jira>(&acme(), SETTINGS).unwrap();
    assert_eq!((checkup.tool.as_str(), checkup.identity.as_deref()), ("Jira Cloud", Some("Weir")));
    assert_eq!(checkup.missing, ["Browse users and groups (users)"]);

    let refused = |cassette: Cassette, settings: &str| {
        let failure = mock::check::<Jira>(&Rc::new(cassette), settings).unwrap_err();
        format!("{:?} {}: {}", failure.kind, failure.code, failure.message)
    };
    let page = Cassette::default().on("GET /rest/api/2/serverInfo", "{}");
    expect!["Config jira.url: this is no Jira: the URL must be the base URL of Jira, as https://acme.atlassian.net or https://host/jira"].assert_eq(&refused(page, "{}"));
    let denied = Cassette::default().on_status(
        "GET /rest/api/2/serverInfo",
        401,
        &[],
        r#"{"errorMessages": ["Client must be authenticated"]}"#,
    );
    expect!["Auth http.status.401: the tool answered with status 401: Client must be authenticated"]
        .assert_eq(&refused(denied, "{}"));
    let server = Cassette::default()
        .on("GET /rest/api/2/serverInfo", r#"{"version": "9.12.1", "deploymentType": "Server"}"#)
        .on("GET /rest/api/2/myself", r#"{"name": "weir"}"#)
        .serving(|_| {
            Some(mock::Answer { status: 400, ..mock::Answer::of(r#"{"errorMessages": ["No field 'labl'"]}"#) })
        });
    expect!["Config jira.jql.invalid: Jira does not take the search for issues: No field 'labl'"]
        .assert_eq(&refused(server, r#"{"jql": "labl = x"}"#));
}

#[test]
fn settings_are_read_strictly() {
    let refused = |settings: &str| mock::check::<Jira>(&acme(), settings).unwrap_err().message;
    expect!["the settings do not fit: unknown field `project`, expected one of `deployment`, `projects`, `jql`, `since`, `datasets`, `comments`, `remote_links`, `sensitive_fields`, `custom_fields`, `story_points`, `severity`, `kinds`, `statuses` at line 1 column 10"].assert_eq(&refused(r#"{"project": []}"#));
    expect!["`my project` is no key of a project; one looks like ABC"]
        .assert_eq(&refused(r#"{"projects": ["my project"]}"#));
    expect!["the settings do not fit: `since` is `last year`; write it like 2025-01-01 at line 1 column 21"]
        .assert_eq(&refused(r#"{"since": "last year"}"#));
    expect!["leave ORDER BY out of `jql`: the connector needs an order of its own"]
        .assert_eq(&refused(r#"{"jql": "a = b ORDER BY c"}"#));
    expect!["`disaster`, given for `Outage`, is no kind of work"]
        .assert_eq(&refused(r#"{"kinds": {"Outage": "disaster"}}"#));
    expect!["`finished`, given for `Verified`, is none of todo, doing, done"]
        .assert_eq(&refused(r#"{"statuses": {"Verified": "finished"}}"#));
    let order = Order::full("custom-fields", r#"{"deployment": "cloud", "custom_fields": {"Squad": "squad"}}"#);
    let failure = mock::collect::<Jira>(&acme(), &order).failure.unwrap();
    expect!["this Jira has no field `Squad`"].assert_eq(&failure.message);
}
