//! Whole passes against our own cassette: which requests are made, which records come, where the next pass begins.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::rc::Rc;

use connector_azure_devops::AzureDevOps;
use expect_test::{Expect, expect};
use weir_sdk::mock::{self, Answer, Cassette, Collected, Order};

const SETTINGS: &str = r#"{"projects": ["Web"]}"#;

fn acme() -> Rc<Cassette> {
    Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap())
}

fn full(dataset: &str) -> Order {
    Order::full(dataset, SETTINGS)
}

fn collect(cassette: &Rc<Cassette>, order: &Order) -> Collected {
    mock::collect_whole::<AzureDevOps>(cassette, order)
}

/// One line per record, with what became of it and its diagnostics.
#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(dataset: &str, parent: Option<(&str, &str)>, expected: Expect) {
    expected.assert_eq(&mock::show::<AzureDevOps>(&acme(), dataset, parent, SETTINGS));
}

#[test]
fn code() {
    check(
        "repositories",
        None,
        expect![[r#"
        r-1 @- {"project":"Web"}
          repository Web/api {"name":"Web/api","url":"https://dev.azure.com/acme/Web/_git/api","remotes":["https://acme@dev.azure.com/acme/Web/_git/api","git@ssh.dev.azure.com:v3/acme/Web/api"],"owner":"Web","default_branch":"main","archived":false}
        r-2 @- {"project":"Web"}
          repository Web/attic {"name":"Web/attic","owner":"Web","archived":true}
    "#]],
    );
    check(
        "commits",
        None,
        expect![[r#"
        Web/api/1111111111111111111111111111111111111111 @1740819600000 {"project":"Web","repository":"api"}
          commit 1111111111111111111111111111111111111111 {"repositories":[{"key":"Web/api"}],"parents":["2222222222222222222222222222222222222222"],"author":{"name":"ana@acme.example"},"authored_at":"2025-03-01T08:00:00.000Z","committer":{"name":"ana@acme.example"},"committed_at":"2025-03-01T09:00:00.000Z","message":"Merged PR 42: answer in time"}
        Web/api/2222222222222222222222222222222222222222 @1738396800000 {"project":"Web","repository":"api"}
          commit 2222222222222222222222222222222222222222 {"repositories":[{"key":"Web/api"}],"author":{"name":"Some Body"},"authored_at":"2025-02-01T08:00:00.000Z","committer":{"name":"Some Body"},"committed_at":"2025-02-01T08:00:00.000Z","message":"first"}
    "#]],
    );
}

#[test]
fn pulls() {
    check(
        "pulls",
        None,
        expect![[r#"
        Web/api!43 @- {"project":"Web","repository":"api"}
          change Web/api!43 {"kind":"proposal","handle":"!43","repository":{"key":"Web/api"},"title":"Idea","state":"open","state_word":"active","draft":true,"base_branch":"main","head_branch":"idea","created_at":"2025-03-01T10:00:00.123Z"}
          ! pulls.createdBy nobody
        Web/api!42 @- {"project":"Web","repository":"api"}
          change Web/api!42 {"kind":"proposal","handle":"!42","repository":{"key":"Web/api"},"url":"https://dev.azure.com/acme/Web/_git/api/pullrequest/42","title":"Answer in time","description":"Fixes #3","state":"merged","state_word":"completed","draft":false,"author":{"name":"ana@acme.example"},"merged_by":{"name":"ben@acme.example"},"reviewers":[{"name":"ben@acme.example"}],"labels":["speed"],"base_branch":"main","head_branch":"in-time","base_commit":"2222222222222222222222222222222222222222","head_commit":"3333333333333333333333333333333333333333","merge_commit":"1111111111111111111111111111111111111111","merge_method":"squash","created_at":"2025-02-27T10:00:00.000Z","merged_at":"2025-03-01T09:00:00.000Z","closed_at":"2025-03-01T09:00:00.000Z"}
          person u-1 {"name":"Ana Lima","login":"ana@acme.example","emails":["ana@acme.example"]}
    "#]],
    );
    check(
        "pull-commits",
        Some(("pulls", "Web/api!42")),
        expect![[r#"
        Web/api!42/3333333333333333333333333333333333333333 @1740646800000 {"project":"Web","repository":"api","pull":42}
          commit 3333333333333333333333333333333333333333 {"repositories":[{"key":"Web/api"}],"author":{"name":"ana@acme.example"},"authored_at":"2025-02-27T09:00:00.000Z","committer":{"name":"ana@acme.example"},"committed_at":"2025-02-27T09:00:00.000Z","message":"answer in time"}
          change Web/api!42 {"commits":["3333333333333333333333333333333333333333"]}
        Web/api!42/4444444444444444444444444444444444444444 @- {"project":"Web","repository":"api","pull":42}
          commit 4444444444444444444444444444444444444444 {"repositories":[{"key":"Web/api"}],"message":"and again"}
          change Web/api!42 {"commits":["4444444444444444444444444444444444444444"]}
    "#]],
    );
    check(
        "pull-threads",
        Some(("pulls", "Web/api!42")),
        expect![[r#"
        Web/api!42/601 @1740654600000 {"project":"Web","repository":"api","pull":42}
          review Web/api!42/601/1 {"change":{"key":"Web/api!42"},"author":{"name":"ben@acme.example"},"path":"src/lib.rs","body":"why?","submitted_at":"2025-02-27T11:00:00.000Z","updated_at":"2025-02-27T11:00:00.000Z"}
          review Web/api!42/601/2 {"change":{"key":"Web/api!42"},"author":{"name":"ana@acme.example"},"parent":{"key":"Web/api!42/601/1"},"path":"src/lib.rs","body":"because","submitted_at":"2025-02-27T11:10:00.000Z","updated_at":"2025-02-27T11:10:00.000Z"}
        Web/api!42/602 @1740736800000 {"project":"Web","repository":"api","pull":42}
          review Web/api!42/602 {"change":{"key":"Web/api!42"},"author":{"name":"ben@acme.example"},"verdict":"approved","verdict_word":"10","submitted_at":"2025-02-28T10:00:00.000Z"}
        Web/api!42/603 @1740819600000 {"project":"Web","repository":"api","pull":42}
          ignored: azure-devops.thread.of-system
        Web/api!42/604 @1740819600000 {"project":"Web","repository":"api","pull":42}
          ignored: azure-devops.thread.deleted
    "#]],
    );
}

#[test]
fn builds() {
    check(
        "builds",
        None,
        expect![[r#"
        Web/802 @1740823210000 {"project":"Web"}
          build Web/802 {"attempt":1,"system":"azure-devops","job":"Web/ci","title":"20250301.2","state":"running","triggers":[{"kind":"change","text":"pullRequest","person":{"name":"ana@acme.example"}}],"checkouts":[{"repository":{"key":"Web/api"},"branch":"in-time","commit":"3333333333333333333333333333333333333333"}],"commits":["3333333333333333333333333333333333333333"],"change":{"key":"Web/api!42"},"queued_at":"2025-03-01T10:00:00.000Z","started_at":"2025-03-01T10:00:10.000Z"}
          person u-1 {"name":"Ana Lima","login":"ana@acme.example","emails":["ana@acme.example"]}
        Web/801 @1740820211000 {"project":"Web"}
          build Web/801 {"attempt":1,"system":"azure-devops","job":"Web/nightly/fast/ci","title":"20250301.1","url":"https://dev.azure.com/acme/Web/_build/results?buildId=801","state":"finished","result":"unstable","result_word":"partiallySucceeded","triggers":[{"kind":"push","text":"individualCI","person":{"name":"00000002-0000-8888-8000-000000000000@2c895908"},"build":{"key":"Base/700"}}],"checkouts":[{"repository":{"name":"https://github.com/acme/site"},"branch":"main","commit":"1111111111111111111111111111111111111111"}],"commits":["1111111111111111111111111111111111111111"],"queued_at":"2025-03-01T09:00:00.123Z","started_at":"2025-03-01T09:00:10.000Z","finished_at":"2025-03-01T09:10:10.000Z","duration":600000}
    "#]],
    );
    check(
        "build-timelines",
        Some(("builds", "Web/801")),
        expect![[r#"
        Web/801/t-801 @12 {"project":"Web","build":801}
          build Web/801 {"stages":[{"key":"s-1","name":"build","kind":"stage","state":"finished","result":"unstable","result_word":"succeededWithIssues","started_at":"2025-03-01T09:00:10.000Z","finished_at":"2025-03-01T09:10:00.000Z","duration":590000},{"key":"j-1","parent":"s-1","name":"linux","kind":"job","state":"finished","result":"success","result_word":"succeeded","started_at":"2025-03-01T09:00:12.000Z","finished_at":"2025-03-01T09:09:00.000Z","duration":528000,"worker":"agent-4"},{"key":"k-1","parent":"j-1","name":"cargo test","kind":"step","state":"finished","result":"skipped","result_word":"skipped"},{"key":"c-1","parent":"s-1","name":"approval","state":"queued"}]}
    "#]],
    );
    check(
        "build-changes",
        Some(("builds", "Web/801")),
        expect![[r#"
        Web/801/1111111111111111111111111111111111111111 @1740816000000 {"project":"Web","build":801}
          build Web/801 {"commits":["1111111111111111111111111111111111111111"]}
        Web/801/C123 @1740729600000 {"project":"Web","build":801}
          ignored: azure-devops.change.no-commit
    "#]],
    );
}

#[test]
fn deployments() {
    check(
        "deployments",
        None,
        expect![[r#"
        Web/1001 @1740827100000 {"project":"Web"}
          deployment Web/1001 {"attempt":2,"service":"api","environment":{"name":"Production"},"kind":"deploy","title":"Release-21","url":"https://dev.azure.com/acme/Web/_release?releaseId=21","state":"finished","result":"success","result_word":"succeeded","version":"Release-21","author":{"name":"ana@acme.example"},"build":{"key":"Web/801"},"commits":["1111111111111111111111111111111111111111"],"queued_at":"2025-03-01T11:00:00.000Z","started_at":"2025-03-01T11:00:05.000Z","finished_at":"2025-03-01T11:05:00.000Z"}
    "#]],
    );
}

#[test]
fn work_items() {
    check(
        "work-items",
        None,
        expect![[r##"
        3 @5 {"project":"Web"}
          work-item 3 {"handle":"#3","project":"Web","title":"Too slow","description":"<p>Very.</p>","kind":"bug","kind_word":"Bug","status":{"name":"Closed","category":"done"},"resolution":"Fixed","priority":"1","severity":"2 - High","parent":{"key":"1"},"creator":{"name":"cat@acme.example"},"assignees":[{"name":"ana@acme.example"}],"labels":["edge","Speed"],"components":["Web\\Edge"],"story_points":3.0,"created_at":"2025-02-20T10:00:00.000Z","updated_at":"2025-03-01T09:00:00.000Z","resolved_at":"2025-03-01T09:00:00.000Z","links":[{"kind":"relates","target":{"key":"4"}}],"commits":["1111111111111111111111111111111111111111"]}
        4 @1 {"project":"Web"}
          work-item 4 {"handle":"#4","project":"Web","title":"4","kind":{"unknown":"Spike"},"kind_word":"Spike","status":{"name":"Thinking"}}
          ! work-items.fields.System.CreatedDate soon
    "##]],
    );
    check(
        "work-item-updates",
        Some(("work-items", "3")),
        expect![[r#"
        3/1 @1 {"project":"Web"}
          work-item 3 {"transitions":[{"id":"1","at":"2025-02-20T10:00:00.000Z","author":{"name":"cat@acme.example"},"after":{"name":"New","category":"todo"}}]}
        3/2 @2 {"project":"Web"}
          work-item 3 {"transitions":[{"id":"2","at":"2025-02-21T10:00:00.000Z","author":{"name":"ana@acme.example"},"before":{"name":"New","category":"todo"},"after":{"name":"Active","category":"doing"}}],"edits":[{"id":"2","at":"2025-02-21T10:00:00.000Z","author":{"name":"ana@acme.example"},"field":"assignee","after":"ana@acme.example"},{"id":"2","at":"2025-02-21T10:00:00.000Z","author":{"name":"ana@acme.example"},"field":"priority","before":"2","after":"1"}]}
        3/3 @2 {"project":"Web"}
          ignored: azure-devops.update.of-links
    "#]],
    );
}

/// Lists one enabled repository, finds no work item, and has nothing else.
fn nothing_new(request: &str) -> Answer {
    Answer::of(if request.starts_with("GET /Web/_apis/git/repositories?") {
        r#"{"value": [{"id": "r-1", "name": "api"}]}"#
    } else if request.starts_with("POST") {
        r#"{"asOf": "2025-03-02T12:00:00Z", "workItems": []}"#
    } else {
        r#"{"value": []}"#
    })
}

#[test]
fn the_next_pass_asks_for_what_came_since() {
    let again = |dataset: &str| {
        let first = collect(&acme(), &full(dataset));
        let cassette = Rc::new(Cassette::default().serving(|request| Some(nothing_new(request))));
        let second = collect(&cassette, &Order::incremental(dataset, SETTINGS, first.cursor));
        let cursor = String::from_utf8(second.cursor.unwrap()).unwrap().split_off(1);
        cassette.heard().join("\n") + "\n" + &cursor
    };
    expect![[r#"
        GET /Web/_apis/git/repositories?api-version=7.1
        GET /Web/_apis/git/repositories/api/commits?searchCriteria.fromDate=2025-02-28T09%3A00%3A00.000Z&searchCriteria.%24top=100&api-version=7.1
        {"marks":{"Web/api":1740819600000}}"#]].assert_eq(&again("commits"));
    expect![[r#"
        GET /Web/_apis/git/repositories?api-version=7.1
        GET /Web/_apis/git/repositories/api/pullrequests?searchCriteria.status=completed&searchCriteria.queryTimeRangeType=closed&searchCriteria.minTime=2025-03-01T08%3A00%3A00.000Z&%24top=100&api-version=7.1
        GET /Web/_apis/git/repositories?api-version=7.1
        GET /Web/_apis/git/repositories/api/pullrequests?searchCriteria.status=abandoned&searchCriteria.queryTimeRangeType=closed&searchCriteria.minTime=2025-03-01T08%3A00%3A00.000Z&%24top=100&%24skip=0&api-version=7.1
        GET /Web/_apis/git/repositories?api-version=7.1
        GET /Web/_apis/git/repositories/api/pullrequests?searchCriteria.status=active&%24top=100&%24skip=0&api-version=7.1
        {"marks":{"Web/api":1740819600000}}"#]].assert_eq(&again("pulls"));
    expect![[r#"
        GET /Web/_apis/build/builds?queryOrder=queueTimeDescending&minTime=2025-03-01T04%3A00%3A00.000Z&%24top=100&api-version=7.1
        {"marks":{"Web":1740823200000}}"#]].assert_eq(&again("builds"));
    expect![[r#"
        GET /Web/_apis/release/deployments?queryOrder=descending&minModifiedTime=2025-03-01T10%3A05%3A00.000Z&%24top=100&api-version=7.1
        {"marks":{"Web":1740827100000}}"#]].assert_eq(&again("deployments"));
    expect![[r#"
        POST /Web/_apis/wit/wiql?timePrecision=true&%24top=200&api-version=7.1 {"query":"SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = 'Web' AND [System.Id] > 0 AND [System.ChangedDate] >= '2025-03-01T11:59:00.000Z' ORDER BY [System.Id]"}
        {"marks":{"Web":1740916800000}}"#]].assert_eq(&again("work-items"));
}

#[test]
fn work_items_are_read_by_id_in_batches() {
    let cassette = Cassette::default().serving(|request| {
        let item = |id: u64| format!(r#"{{"id": {id}, "rev": 1}}"#);
        let body = if request.contains("[System.Id] > 0") {
            let ids: Vec<_> = (1..=200).map(item).collect();
            format!(r#"{{"asOf": "2025-03-02T12:00:00Z", "workItems": [{}]}}"#, ids.join(","))
        } else if request.contains("[System.Id] > 200") {
            r#"{"asOf": "2025-03-02T12:00:09Z", "workItems": [{"id": 201}]}"#.to_owned()
        } else if request.contains("ids=201&") {
            format!(r#"{{"value": [{}]}}"#, item(201))
        } else {
            // One was deleted between question and answer.
            let items: Vec<_> = (1..=199).map(item).chain(["null".to_owned()]).collect();
            format!(r#"{{"value": [{}]}}"#, items.join(","))
        };
        Some(Answer::of(body))
    });
    let collected = collect(&Rc::new(cassette), &full("work-items"));
    assert_eq!(collected.records.len(), 200);
    assert_eq!(collected.cursor.unwrap(), b"\x01{\"marks\":{\"Web\":1740916800000}}");
}

#[test]
fn pages_are_followed_by_passing_over() {
    let cassette = Cassette::default().serving(|request| {
        if request.starts_with("GET /Web/_apis/git/repositories?") {
            return Some(nothing_new(request));
        }
        let range = if request.contains("skip=100") { 100..150 } else { 0..100 };
        let commits: Vec<_> = range.map(|n| format!(r#"{{"commitId": "{n:08}"}}"#)).collect();
        Some(Answer::of(format!(r#"{{"value": [{}]}}"#, commits.join(","))))
    });
    let cassette = Rc::new(cassette);
    assert_eq!(collect(&cassette, &full("commits")).records.len(), 150);
    let pages = cassette.heard().into_iter().filter(|request| request.contains("/commits?")).count();
    assert_eq!(pages, 2);
}

#[test]
fn a_repository_that_cannot_be_read_stops_no_other() {
    let commits = |name: &str| {
        format!("GET /Web/_apis/git/repositories/{name}/commits?searchCriteria.%24top=100&api-version=7.1")
    };
    let script = || {
        Cassette::default()
            .on("GET /Web/_apis/git/repositories?api-version=7.1", r#"{"value": [{"name": "gone"}, {"name": "here"}]}"#)
            .on_status(&commits("gone"), 404, &[], r#"{"message": "TF401019"}"#)
            .on(&commits("here"), r#"{"value": [{"commitId": "1111111"}]}"#)
    };
    let full = mock::collect::<AzureDevOps>(&Rc::new(script()), &full("commits"));
    assert_eq!(mock::keys(&full.records), ["Web/here/1111111"]);
    assert_eq!(full.failure.unwrap().code, "azure-devops.scope.unreadable");
    let incremental = collect(&Rc::new(script()), &Order::incremental("commits", SETTINGS, None));
    assert_eq!(mock::keys(&incremental.records), ["Web/here/1111111"]);
}

#[test]
fn a_page_to_sign_in_is_no_answer() {
    let path = "GET /Web/_apis/git/repositories?api-version=7.1";
    let cassette = Cassette::default().on_status(path, 203, &[], r#""<html>Sign in</html>""#);
    let failure = mock::collect::<AzureDevOps>(&Rc::new(cassette), &full("repositories")).failure.unwrap();
    assert_eq!(failure.code, "azure-devops.sign-in");
}

#[test]
fn check_says_who_and_what_is_missing() {
    let below = |project: &str, path: &str| format!("GET /{project}/_apis/{path}?%24top=1&api-version=7.1");
    let cassette = Cassette::default()
        .on("GET /_apis/projects?%24top=1&api-version=7.1", r#"{"value": []}"#)
        .on("GET /_apis/connectionData", r#"{"authenticatedUser": {"providerDisplayName": "weir"}}"#)
        .on(&below("Web", "git/repositories"), r#"{"value": []}"#)
        .on_status(&below("Web", "build/builds"), 401, &[], "{}")
        .on(&below("Web", "wit/workitemtypes"), r#"{"value": []}"#)
        .on("GET /_apis/projects/Web?api-version=7.1", r#"{"name": "Web"}"#)
        .on("GET /_apis/projects/base?api-version=7.1", r#"{"name": "Base"}"#)
        .on_status("GET /_apis/projects/Gone?api-version=7.1", 404, &[], "{}");
    let settings = r#"{"projects": ["Web", "base", "Gone"]}"#;
    let checkup = mock::check::<AzureDevOps>(&Rc::new(cassette), settings).unwrap();
    assert_eq!(checkup.identity.as_deref(), Some("weir"));
    let missing = [
        "Web: Build: read (builds, timelines, changes)",
        "base: Azure DevOps spells it `Base`; write it so",
        "Gone: there is no such project, or the token may not see it",
    ];
    assert_eq!(checkup.missing, missing);

    let elsewhere = Cassette::default().on_status("GET /_apis/projects?%24top=1&api-version=7.1", 404, &[], "{}");
    let failure = mock::check::<AzureDevOps>(&Rc::new(elsewhere), "{}").unwrap_err();
    assert_eq!(failure.code, "azure-devops.check.address");
}
