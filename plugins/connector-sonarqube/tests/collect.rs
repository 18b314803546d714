//! Whole passes against our own cassette: which requests are made, which records come, where the next pass begins.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeSet;
use std::rc::Rc;

use connector_sonarqube::SonarQube;
use expect_test::{Expect, expect};
use weir_sdk::failure::FailureKind;
use weir_sdk::mock::{self, Answer, Cassette, Collected, Order};
use weir_sdk::model::Timestamp;

fn acme() -> Rc<Cassette> {
    Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap())
}

fn collect(cassette: &Rc<Cassette>, order: &Order) -> Collected {
    mock::collect_whole::<SonarQube>(cassette, order)
}

/// One line per record of a dataset, under every record of those above it, with what became of it.
#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(datasets: &[&str], expected: Expect) {
    let cassette = acme();
    let mut records = vec![None];
    for dataset in datasets {
        let order = |parent| match parent {
            Some(parent) => Order::full(dataset, "{}").under(parent),
            None => Order::full(dataset, "{}"),
        };
        records = records.into_iter().flat_map(|parent| collect(&cassette, &order(parent)).records).map(Some).collect();
    }
    let records: Vec<_> = records.into_iter().flatten().collect();
    expected.assert_eq(&mock::show_records::<SonarQube>(datasets.last().unwrap(), "{}", &records));
}

#[test]
fn projects_and_their_measures() {
    check(
        &["projects"],
        expect![[r#"
        acme:api @1740823200000 {"site":"https://tool.example"}
          code-project acme:api {"title":"API","url":"https://tool.example/dashboard?id=acme%3Aapi","at":"2025-03-01T11:00:00.000+01:00","attributes":{"sonar.tags":["backend"],"sonar.visibility":"private"}}
        acme:web @- {"site":"https://tool.example"}
          code-project acme:web {"title":"Web","url":"https://tool.example/dashboard?id=acme%3Aweb","attributes":{"sonar.visibility":"private"}}
    "#]],
    );
    check(
        &["projects", "measures"],
        expect![[r#"
        acme:api @- {"site":"https://tool.example"}
          code-project acme:api {"attributes":{"sonar.alert_status":"ERROR","sonar.bugs":2,"sonar.coverage":81.5,"sonar.ncloc":1200,"sonar.sqale_rating":1.0}}
        acme:web @- {"site":"https://tool.example"}
          code-project acme:web {"attributes":{"sonar.ncloc":300}}
    "#]],
    );
}

#[test]
fn analyses_and_what_the_gate_said() {
    check(
        &["projects", "analyses"],
        expect![[r#"
        acme:api@2025-03-01T10:00:00.000Z @1740823200000 {"site":"https://tool.example","project":"acme:api"}
          test-report acme:api@2025-03-01T10:00:00.000Z {"name":"acme:api quality gate","commit":"2222222222222222222222222222222222222222","finished_at":"2025-03-01T11:00:00.000+01:00","attributes":{"sonar.detected_ci":"Jenkins","sonar.project":"acme:api","sonar.version":"1.1"}}
        acme:api@2025-02-01T10:00:00.000Z @1738404000000 {"site":"https://tool.example","project":"acme:api"}
          test-report acme:api@2025-02-01T10:00:00.000Z {"name":"acme:api quality gate","finished_at":"2025-02-01T11:00:00.000+01:00","attributes":{"sonar.project":"acme:api","sonar.version":"1.0"}}
          ! analyses.revision no commit
    "#]],
    );
    check(
        &["projects", "analyses", "quality-gates"],
        expect![[r#"
        acme:api@2025-03-01T10:00:00.000Z @1740823200000 {"site":"https://tool.example","project":"acme:api","analysed_at":"2025-03-01T11:00:00.000+01:00"}
          test-report acme:api@2025-03-01T10:00:00.000Z {"name":"acme:api quality gate","passed":1,"failed":1,"skipped":1,"finished_at":"2025-03-01T11:00:00.000+01:00","cases":[{"name":"new_coverage","result":"failed","message":"71.2 LT 80"},{"name":"new_violations","result":"passed"},{"name":"new_security_hotspots_reviewed","result":"skipped"}],"attributes":{"sonar.project":"acme:api","sonar.quality_gate":"ERROR"}}
        acme:api@2025-02-01T10:00:00.000Z @1738404000000 {"site":"https://tool.example","project":"acme:api","analysed_at":"2025-02-01T11:00:00.000+01:00"}
          test-report acme:api@2025-02-01T10:00:00.000Z {"name":"acme:api quality gate","passed":0,"failed":0,"skipped":0,"finished_at":"2025-02-01T11:00:00.000+01:00","cases":[{"name":"coverage","result":{"unknown":"WARN"}}],"attributes":{"sonar.project":"acme:api","sonar.quality_gate":"OK"}}
          ! quality-gates.conditions.status WARN
    "#]],
    );
}

#[test]
fn issues_and_hotspots() {
    check(
        &["issues"],
        expect![[r#"
        IS1 @1740823200000 {"site":"https://tool.example"}
          code-issue IS1 {"title":"Make this simpler.","url":"https://tool.example/project/issues?id=acme%3Aapi&open=IS1","at":"2024-06-01T10:00:00.000Z","attributes":{"sonar.author":"ana@acme.example","sonar.component":"acme:api:src/lib.rs","sonar.effort_minutes":11,"sonar.hash":"4b56","sonar.line":174,"sonar.project":"acme:api","sonar.rule":"rust:S3776","sonar.scope":"MAIN","sonar.severity":"CRITICAL","sonar.status":"OPEN","sonar.tags":["brain-overload"],"sonar.type":"CODE_SMELL","sonar.updated_at":"2025-03-01T10:00:00.000Z"}}
        IS2 @1738404000000 {"site":"https://tool.example"}
          code-issue IS2 {"title":"Make this simpler.","url":"https://tool.example/project/issues?id=acme%3Aapi&open=IS2","at":"2025-02-01T10:00:00.000Z","attributes":{"sonar.closed_at":"2025-02-20T10:00:00.000Z","sonar.component":"acme:api:src/lib.rs","sonar.effort_minutes":600,"sonar.hash":"4b56","sonar.project":"acme:api","sonar.resolution":"FIXED","sonar.rule":"rust:S3776","sonar.scope":"MAIN","sonar.severity":"CRITICAL","sonar.status":"CLOSED","sonar.tags":["brain-overload"],"sonar.type":"CODE_SMELL","sonar.updated_at":"2025-02-01T10:00:00.000Z"}}
          ! issues.line far down
        IS2 @1738404000000 {"site":"https://tool.example"}
          code-issue IS2 {"title":"Make this simpler.","url":"https://tool.example/project/issues?id=acme%3Aapi&open=IS2","at":"2025-02-01T10:00:00.000Z","attributes":{"sonar.closed_at":"2025-02-20T10:00:00.000Z","sonar.component":"acme:api:src/lib.rs","sonar.effort_minutes":600,"sonar.hash":"4b56","sonar.project":"acme:api","sonar.resolution":"FIXED","sonar.rule":"rust:S3776","sonar.scope":"MAIN","sonar.severity":"CRITICAL","sonar.status":"CLOSED","sonar.tags":["brain-overload"],"sonar.type":"CODE_SMELL","sonar.updated_at":"2025-02-01T10:00:00.000Z"}}
          ! issues.line far down
        IS3 @1738576800000 {"site":"https://tool.example"}
          code-issue IS3 {"title":"Make this simpler.","url":"https://tool.example/project/issues?id=acme%3Aapi&open=IS3","at":"2025-02-01T10:00:00.000Z","attributes":{"sonar.author":"ana@acme.example","sonar.component":"acme:api:src/lib.rs","sonar.hash":"4b56","sonar.line":174,"sonar.project":"acme:api","sonar.rule":"rust:S3776","sonar.scope":"MAIN","sonar.severity":"CRITICAL","sonar.status":"OPEN","sonar.tags":["brain-overload"],"sonar.type":"CODE_SMELL","sonar.updated_at":"2025-02-03T10:00:00.000Z"}}
          ! issues.effort soon
    "#]],
    );
    check(
        &["projects", "hotspots"],
        expect![[r#"
        HS1 @1738490400000 {"site":"https://tool.example"}
          security-hotspot HS1 {"title":"Make sure that this is safe.","url":"https://tool.example/security_hotspots?id=acme%3Aapi&hotspots=HS1","at":"2025-02-01T10:00:00.000Z","attributes":{"sonar.author":"ana@acme.example","sonar.category":"weak-cryptography","sonar.component":"acme:api:src/random.rs","sonar.line":12,"sonar.probability":"MEDIUM","sonar.project":"acme:api","sonar.rule":"rust:S2245","sonar.status":"TO_REVIEW","sonar.updated_at":"2025-02-02T10:00:00.000Z"}}
    "#]],
    );
}

#[test]
fn users() {
    check(
        &["users"],
        expect![[r#"
        ana @- -
          person ana {"name":"Ana Lima","login":"ana","emails":["ana@acme.example"],"active":true,"teams":["sonar-users","developers"]}
        ben @- -
          person ben {"name":"Ben Okafor","login":"ben","active":false}
    "#]],
    );
}

#[test]
fn only_the_chosen_projects_are_kept() {
    let collected = collect(&acme(), &Order::full("projects", r#"{"projects": ["acme:web"]}"#));
    let keys: Vec<_> = collected.records.iter().map(|record| record.key.as_str()).collect();
    assert_eq!(keys, ["acme:web"]);
}

#[test]
fn a_second_pass_reads_issues_down_to_the_first() {
    let cassette = acme();
    let first = collect(&cassette, &Order::full("issues", "{}"));
    let n_requests = cassette.heard().len();
    let second = collect(&cassette, &Order::incremental("issues", "{}", first.cursor.clone()));
    assert_eq!(cassette.heard()[n_requests..], ["GET /api/issues/search?s=UPDATE_DATE&asc=false&ps=500&p=1"]);
    assert_eq!((second.records.len(), second.cursor), (3, first.cursor));
}

/// A server with issues numbered by age, `n_at_once` of them created in each second.
fn issues_server(n: i64, n_at_once: i64) -> Rc<Cassette> {
    let created = move |number: i64| 1_735_689_600_000 + number / n_at_once * 1_000;
    let spelled = |ms: i64| Timestamp::from_ms(ms).to_string().replace(".000Z", "+0000");
    let server = move |request: &str| {
        let asked = |name: &str| {
            let text = request.split(['?', '&']).find_map(|part| part.strip_prefix(name)?.strip_prefix('='))?;
            Some(text.replace("%3A", ":").replace("%2B", "+"))
        };
        let from = asked("createdAfter").map_or(0, |from| from.parse::<Timestamp>().unwrap().ms());
        let (size, page): (i64, i64) = (asked("ps")?.parse().ok()?, asked("p")?.parse().ok()?);
        assert!(size * page <= 10_000, "{request}");
        let found: Vec<i64> = (0..n).filter(|number| created(*number) >= from).collect();
        let skipped = usize::try_from(size * (page - 1)).unwrap();
        let issue =
            |number: &i64| format!(r#"{{"key": "I{number}", "creationDate": "{}"}}"#, spelled(created(*number)));
        let issues: Vec<_> = found.iter().skip(skipped).take(usize::try_from(size).unwrap()).map(issue).collect();
        Some(Answer::of(format!(r#"{{"paging": {{"total": {}}}, "issues": [{}]}}"#, found.len(), issues.join(","))))
    };
    Rc::new(Cassette::default().serving(server))
}

#[test]
fn more_issues_than_a_search_gives_are_walked_by_time() {
    for n_at_once in [7, 499, 500, 501, 1_700] {
        let collected = collect(&issues_server(10_600, n_at_once), &Order::full("issues", "{}"));
        let keys: BTreeSet<_> = collected.records.iter().map(|record| &record.key).collect();
        assert_eq!(keys.len(), 10_600, "{n_at_once}");
    }
}

#[test]
fn more_issues_at_once_than_a_search_gives_end_in_a_failure() {
    let collected = mock::collect::<SonarQube>(&issues_server(10_600, 20_000), &Order::full("issues", "{}"));
    assert_eq!(collected.failure.unwrap().kind, FailureKind::Poison);
}

#[test]
fn a_check_says_what_is_wrong() {
    let server = |request: &str| {
        let (status, body) = match request {
            "GET /api/authentication/validate" => (200, r#"{"valid": true}"#),
            "GET /api/system/status" => (200, r#"{"id": "x", "version": "10.4.1", "status": "UP"}"#),
            "GET /api/users/current" => (200, r#"{"isLoggedIn": true, "login": "weir"}"#),
            "GET /api/components/show?component=acme%3Aapi" => (200, "{}"),
            _ => (404, "{}"),
        };
        Some(Answer { status, ..Answer::of(body) })
    };
    let cassette = Rc::new(Cassette::default().serving(server));
    let checkup = mock::check::<SonarQube>(&cassette, r#"{"projects": ["acme:api", "acme:gone"]}"#).unwrap();
    assert_eq!((checkup.tool.as_str(), checkup.identity.as_deref()), ("SonarQube 10.4.1", Some("weir")));
    assert_eq!(checkup.missing, ["acme:gone: it is not there, or the token may not browse it"]);
    let invalid = Rc::new(Cassette::default().on("GET /api/authentication/validate", r#"{"valid": false}"#));
    assert_eq!(mock::check::<SonarQube>(&invalid, "{}").unwrap_err().kind, FailureKind::Auth);
}
