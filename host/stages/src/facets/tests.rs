use super::*;
use crate::people::{Member, TeamSettings};
use crate::{Context, ContextSettings};
use expect_test::{Expect, expect};
use weir_model::{Entity, EntityId};

fn context() -> Context {
    let team = TeamSettings {
        name: "payments".to_owned(),
        projects: vec!["acme/*".to_owned()],
        people: vec![Member::Always("bo".to_owned())],
        ..TeamSettings::default()
    };
    Context::new(ContextSettings { host: Some("lab".to_owned()), teams: vec![team], ..ContextSettings::default() })
        .unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(documents: &[(&str, &str)], expected: Expect) {
    let mut text = String::new();
    for (id, json) in documents {
        let id: EntityId = id.parse().unwrap();
        let entity = Entity::read(&id.kind, json).unwrap();
        let document = search_document(&id, &entity, &context());
        text += &serde_json::to_string(&document).unwrap();
        text += &format!(" text={:?}\n", document.text.unwrap_or_default());
        for lookup in derived(&id, &entity, &context()).lookups {
            text += &format!("  {} {} {}\n", lookup.name, lookup.value, lookup.order);
        }
    }
    expected.assert_eq(&text);
}

const SHA: &str = "c77b3cb39312b83b053d23a2158b99ac7de44dd3";

#[test]
fn builds_and_deployments() {
    let build = format!(
        r#"{{"attempt":2,"system":"ci1","job":"Team/api","number":9,"state":"finished","result":"failure","result_word":"FAILURE",
        "triggers":[{{"kind":"manual","person":{{"name":"ana"}}}}],"stages":[{{"key":"1","name":"Unit tests"}}],
        "checkouts":[{{"repository":{{"name":"https://github.com/acme/api.git"}},"branch":"main","commit":"{SHA}"}}],
        "started_at":"2026-03-02T10:00:00Z","finished_at":"2026-03-02T10:01:00Z","duration":60000,"attributes":{{"ci.job_type":"pipeline"}}}}"#
    );
    let deployment = format!(
        r#"{{"service":"Shop","environment":{{"name":"eu-prod"}},"state":"finished","result":"success","build":{{"key":"b/1"}},
        "commits":["{SHA}"],"finished_at":"2026-03-02T10:01:00Z"}}"#
    );
    check(
        &[("build:ci:k", &build), ("deployment:ci:k", &deployment)],
        expect![[r#"
            {"attr.ci.job_type":["pipeline"],"branch":"main","host":"lab","id":"build:ci:k","integration":"ci","job":"Team/api","kind":"build","person":["ana"],"project":"acme/api","repository":"acme/api","result":"failure","sha":["c77b3cb39312b83b053d23a2158b99ac7de44dd3"],"state":"finished","status":"FAILURE","team":["payments"],"trigger":"manual","title":"Team/api #9","created":"2026-03-02T10:00:00.000Z","finished":"2026-03-02T10:01:00.000Z","started":"2026-03-02T10:00:00.000Z","updated":"2026-03-02T10:01:00.000Z","duration":60000,"number":9} text="Unit tests"
              build>branch acme/api|main 1772445600000
              build>commit commit::c77b3cb39312b83b053d23a2158b99ac7de44dd3 1772445600000
              line ci|ci1/Team/api|main 9002
              run team/api#9 2
            {"environment":"eu-prod","host":"lab","id":"deployment:ci:k","integration":"ci","kind":"deployment","project":"Shop","result":"success","service":"Shop","sha":["c77b3cb39312b83b053d23a2158b99ac7de44dd3"],"state":"finished","status":"success","title":"Shop","created":"2026-03-02T10:01:00.000Z","finished":"2026-03-02T10:01:00.000Z","updated":"2026-03-02T10:01:00.000Z"} text=""
              deployment>build build:ci:b/1 1772445660000
              deployment>commit commit::c77b3cb39312b83b053d23a2158b99ac7de44dd3 1772445660000
              deployments shop|eu-prod 1772445660000
              service shop 1772445660000
        "#]],
    );
}

#[test]
fn code_and_work() {
    let change = format!(
        r##"{{"handle":"#42","repository":{{"key":"acme/api"}},"title":"Fix login","description":"Longer","state":"merged",
        "author":{{"key":"ana"}},"labels":["bug"],"base_branch":"main","head_branch":"fix","merge_commit":"{SHA}",
        "created_at":"2026-03-01T10:00:00Z","merged_at":"2026-03-02T10:00:00Z","attributes":{{"weir.host":"far"}}}}"##
    );
    check(
        &[
            ("change:github:42", &change),
            (
                "review:github:r1",
                r#"{"change":{"key":"42"},"author":{"key":"bo"},"verdict":"approved","submitted_at":"2026-03-02T09:00:00Z"}"#,
            ),
            (
                &format!("commit::{SHA}"),
                r#"{"repositories":[{"name":"acme/api"}],"message":"Subject\n\nBody","committed_at":"2026-03-01T09:00:00Z"}"#,
            ),
            (
                "work-item:jira:10",
                r#"{"handle":"ABC-7","project":"ABC","title":"Do it","kind":"bug","kind_word":"Bug","status":{"name":"In Progress","category":"doing"},
                "components":["iOS"],"fix_versions":["1.0"],"assignees":[{"key":"bo"}]}"#,
            ),
            (
                "test-report:ci:t",
                r#"{"name":"unit","build":{"key":"b/1"},"passed":2,"failed":1,"cases":[{"name":"a/b","result":"failed"}]}"#,
            ),
            ("person:github:1", r#"{"name":"Ana","login":"Ana","emails":["ana@example.com"],"bot":false}"#),
            (
                "repository:github:acme/api",
                r#"{"name":"acme/api","remotes":["git@github.com:acme/api.git"],"url":"https://github.com/acme/api"}"#,
            ),
            (
                "incident:pd:1",
                r#"{"title":"Down","services":["shop"],"state":"resolved","deployments":[{"deployment":{"key":"d1"},"kind":"caused"}]}"#,
            ),
        ],
        expect![[r##"
            {"attr.weir.host":["far"],"branch":"fix","host":"far","id":"change:github:42","integration":"github","key":"#42","kind":"change","labels":["bug"],"person":["ana"],"project":"acme/api","repository":"acme/api","sha":["c77b3cb39312b83b053d23a2158b99ac7de44dd3"],"state":"merged","status":"merged","team":["payments"],"title":"Fix login","created":"2026-03-01T10:00:00.000Z","finished":"2026-03-02T10:00:00.000Z","updated":"2026-03-02T10:00:00.000Z","number":42} text="Longer"
              branch acme/api|fix 1772359200000
              change>commit commit::c77b3cb39312b83b053d23a2158b99ac7de44dd3 1772359200000
              handle acme/api#42 1772359200000
            {"host":"lab","id":"review:github:r1","integration":"github","key":"42","kind":"review","person":["bo"],"state":"approved","status":"approved","team":["payments"],"created":"2026-03-02T09:00:00.000Z","updated":"2026-03-02T09:00:00.000Z"} text=""
              review>change change:github:42 1772442000000
            {"host":"lab","id":"commit::c77b3cb39312b83b053d23a2158b99ac7de44dd3","key":"c77b3cb39312b83b053d23a2158b99ac7de44dd3","kind":"commit","project":"acme/api","repository":"acme/api","sha":["c77b3cb39312b83b053d23a2158b99ac7de44dd3"],"team":["payments"],"title":"Subject","created":"2026-03-01T09:00:00.000Z","updated":"2026-03-01T09:00:00.000Z"} text="Subject\n\nBody"
            {"component":["iOS"],"host":"lab","id":"work-item:jira:10","integration":"jira","key":"ABC-7","kind":"work-item","person":["bo"],"project":"ABC","state":"doing","status":"In Progress","team":["payments"],"type":"Bug","version":["1.0"],"title":"Do it","number":7} text=""
              handle ABC-7 0
              project ABC 0
            {"host":"lab","id":"test-report:ci:t","integration":"ci","key":"b/1","kind":"test-report","result":"failure","title":"unit"} text="a/b"
              test-report>build build:ci:b/1 0
            {"host":"lab","id":"person:github:1","integration":"github","key":"Ana","kind":"person","person":["Ana","ana@example.com"],"type":"human","title":"Ana"} text=""
              person ana 0
              person ana@example.com 0
            {"host":"lab","id":"repository:github:acme/api","integration":"github","kind":"repository","project":"acme/api","repository":"acme/api","team":["payments"],"url":"https://github.com/acme/api","title":"acme/api"} text=""
            {"host":"lab","id":"incident:pd:1","integration":"pd","kind":"incident","project":"shop","service":"shop","state":"resolved","status":"resolved","title":"Down"} text=""
              incident>deployment deployment:pd:d1 0
              incidents shop| 0
        "##]],
    );
}

/// Every field that a document can have is one that searches know.
#[test]
fn all_fields_are_known() {
    for kind in weir_model::EntityKind::ALL {
        let id = EntityId { kind: kind.clone(), integration: None, key: "k".to_owned() };
        let document = search_document(&id, &Entity::empty(kind), &context());
        let names = document.keywords.keys().chain(document.dates.keys()).chain(document.numbers.keys());
        names.for_each(|name| assert!(weir_model::search::field(name).is_some(), "{name}"));
    }
}
