//! Deliveries: an analysis of the main branch has the key that a poll gives it, those of other branches their own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use connector_sonarqube::SonarQube;
use expect_test::expect;
use weir_sdk::mock;
use weir_sdk::webhook::{Decoded, Delivery};

const DELIVERY: &str = r#"{
    "serverUrl": "https://sonar.acme.example", "taskId": "AVh21JS2JepAEhwQ-b3u", "status": "SUCCESS",
    "analysedAt": "2025-03-01T11:00:00+0100", "revision": "2222222222222222222222222222222222222222", CHANGED
    "project": {"key": "acme:api", "name": "API", "url": "https://sonar.acme.example/dashboard?id=acme%3Aapi"},
    "branch": BRANCH,
    "qualityGate": {"name": "Sonar way", "status": "OK", "conditions": [
        {"metric": "new_coverage", "operator": "LESS_THAN", "value": "91.0", "status": "OK", "errorThreshold": "80"},
        {"metric": "new_violations", "operator": "GREATER_THAN", "value": "3", "status": "ERROR", "errorThreshold": "0"},
        {"metric": "new_duplicated_lines_density", "operator": "GREATER_THAN", "status": "NO_VALUE", "errorThreshold": "3"}
    ]},
    "properties": {"sonar.analysis.detectedci": "Jenkins"}
}"#;

fn delivery(branch: &str, changed: &str) -> Delivery {
    let body = DELIVERY.replace("BRANCH", branch).replace("CHANGED", changed);
    mock::delivery(&[], body)
}

#[test]
fn an_analysis_is_known_by_what_was_analysed_when() {
    let cases = [
        (r#"{"name": "main", "type": "BRANCH", "isMain": true}"#, ""),
        (r#"{"name": "main", "type": "BRANCH", "isMain": true}"#, r#""changedAt": "2025-03-02T11:00:00+0100","#),
        (r#"{"name": "release-1", "type": "BRANCH", "isMain": false}"#, ""),
        (r#"{"name": "42", "type": "PULL_REQUEST", "isMain": false}"#, ""),
    ];
    let mut lines = String::new();
    for (branch, changed) in cases {
        let Ok(Decoded::Accepted(accepted)) = mock::decode::<SonarQube>("{}", &delivery(branch, changed)) else {
            panic!("{branch}");
        };
        let records = &accepted.batches[0].records;
        lines += &format!("{} @{}\n", records[0].key, records[0].version.unwrap());
        lines += &mock::describe(&mock::normalize::<SonarQube>("quality-gates", "{}", records).unwrap()[0]);
    }
    expect![[r#"
        acme:api@2025-03-01T10:00:00.000Z @1740823200000
          test-report acme:api@2025-03-01T10:00:00.000Z {"name":"acme:api quality gate","commit":"2222222222222222222222222222222222222222","passed":1,"failed":1,"skipped":1,"finished_at":"2025-03-01T11:00:00.000+01:00","cases":[{"name":"new_coverage","result":"passed"},{"name":"new_violations","result":"failed","message":"3 GREATER_THAN 0"},{"name":"new_duplicated_lines_density","result":"skipped"}],"attributes":{"sonar.project":"acme:api","sonar.quality_gate":"OK"}}
        acme:api@2025-03-01T10:00:00.000Z @1740909600000
          test-report acme:api@2025-03-01T10:00:00.000Z {"name":"acme:api quality gate","commit":"2222222222222222222222222222222222222222","passed":1,"failed":1,"skipped":1,"finished_at":"2025-03-01T11:00:00.000+01:00","cases":[{"name":"new_coverage","result":"passed"},{"name":"new_violations","result":"failed","message":"3 GREATER_THAN 0"},{"name":"new_duplicated_lines_density","result":"skipped"}],"attributes":{"sonar.project":"acme:api","sonar.quality_gate":"OK"}}
        acme:api:release-1@2025-03-01T10:00:00.000Z @1740823200000
          test-report acme:api:release-1@2025-03-01T10:00:00.000Z {"name":"acme:api quality gate","commit":"2222222222222222222222222222222222222222","passed":1,"failed":1,"skipped":1,"finished_at":"2025-03-01T11:00:00.000+01:00","cases":[{"name":"new_coverage","result":"passed"},{"name":"new_violations","result":"failed","message":"3 GREATER_THAN 0"},{"name":"new_duplicated_lines_density","result":"skipped"}],"attributes":{"sonar.branch":"release-1","sonar.project":"acme:api","sonar.quality_gate":"OK"}}
        acme:api:42@2025-03-01T10:00:00.000Z @1740823200000
          test-report acme:api:42@2025-03-01T10:00:00.000Z {"name":"acme:api quality gate","commit":"2222222222222222222222222222222222222222","passed":1,"failed":1,"skipped":1,"finished_at":"2025-03-01T11:00:00.000+01:00","cases":[{"name":"new_coverage","result":"passed"},{"name":"new_violations","result":"failed","message":"3 GREATER_THAN 0"},{"name":"new_duplicated_lines_density","result":"skipped"}],"attributes":{"sonar.project":"acme:api","sonar.pull_request":"42","sonar.quality_gate":"OK"}}
    "#]].assert_eq(&lines);
}

#[test]
fn what_is_not_wanted_says_why() {
    let whole = delivery("null", "");
    let text = String::from_utf8(whole.body.clone()).unwrap();
    let check = |settings: &str, body: &str| match mock::decode::<SonarQube>(
        settings,
        &Delivery { body: body.as_bytes().to_vec(), ..whole.clone() },
    ) {
        Ok(Decoded::Accepted(accepted)) => accepted.batches[0].records[0].key.clone(),
        Ok(Decoded::Ignored(reason)) => reason,
        Ok(Decoded::Challenge(_)) => "challenge".to_owned(),
        Err(failure) => format!("{:?} {}", failure.kind, failure.code),
    };
    let lines = [
        check("{}", &text),
        check(r#"{"projects": ["acme:web"]}"#, &text),
        check("{}", &text.replace("SUCCESS", "FAILED")),
        check("{}", &text.replace("qualityGate", "gate")),
        check("{}", &text.replace("analysedAt", "at")),
        check("{}", "{}"),
        check("{}", "no JSON"),
    ];
    expect![[r"
        acme:api@2025-03-01T10:00:00.000Z
        sonarqube.project.not-chosen
        sonarqube.analysis.unsuccessful
        sonarqube.analysis.without-gate
        Poison sonarqube.delivery.incomplete
        Poison sonarqube.delivery.incomplete
        Poison sonarqube.delivery.unreadable
    "]]
    .assert_eq(&lines.map(|line| line + "\n").concat());
}
