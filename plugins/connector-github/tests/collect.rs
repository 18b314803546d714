//! Whole passes against our own cassettes: which requests are made, which records come, where the next pass begins.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::rc::Rc;

use connector_github::GitHub;
use expect_test::{Expect, expect};
use weir_sdk::mock::{self, Cassette, Collected, Order};

const SETTINGS: &str = r#"{"repositories": ["acme/api"]}"#;

fn acme() -> Rc<Cassette> {
    Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap())
}

fn full(dataset: &str) -> Order {
    Order::full(dataset, SETTINGS)
}

fn collect(cassette: &Rc<Cassette>, order: &Order) -> Collected {
    mock::collect_whole::<GitHub>(cassette, order)
}

/// One line per record, with what became of it and its diagnostics.
#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(dataset: &str, parent: Option<(&str, &str)>, expected: Expect) {
    expected.assert_eq(&mock::show::<GitHub>(&acme(), dataset, parent, SETTINGS));
}

#[test]
fn repositories() {
    check(
        "repositories",
        None,
        expect![[r#"
        7001 @1740787200000 -
          repository acme/api {"name":"acme/api","url":"https://github.com/acme/api","remotes":["https://github.com/acme/api.git","git@github.com:acme/api.git"],"owner":"acme","default_branch":"main","languages":["Rust"],"archived":false,"created_at":"2024-01-01T00:00:00.000Z","updated_at":"2025-03-01T00:00:00.000Z","attributes":{"github.private":true}}
    "#]],
    );
}

#[test]
fn commits() {
    check(
        "commits",
        None,
        expect![[r#"
        acme/api/1111111111111111111111111111111111111111 @1740819600000 {"repository":"acme/api"}
          commit 1111111111111111111111111111111111111111 {"repositories":[{"key":"acme/api"}],"parents":["2222222222222222222222222222222222222222"],"author":{"name":"ana"},"authored_at":"2025-03-01T08:00:00.000Z","committer":{"name":"web-flow"},"committed_at":"2025-03-01T09:00:00.000Z","message":"api: answer in time\n\nFixes #3"}
          person 11 {"name":"Ana Lima","login":"ana","emails":["ana@acme.example"],"bot":false}
        acme/api/2222222222222222222222222222222222222222 @1738396800000 {"repository":"acme/api"}
          commit 2222222222222222222222222222222222222222 {"repositories":[{"key":"acme/api"}],"author":{"name":"some@body.example"},"authored_at":"2025-02-01T08:00:00.000Z","committer":{"name":"some@body.example"},"committed_at":"2025-02-01T08:00:00.000Z","message":"first"}
    "#]],
    );
}

#[test]
fn pulls() {
    check(
        "pulls",
        None,
        expect![[r##"
        acme/api#42 @1740819600000 {"repository":"acme/api"}
          change acme/api#42 {"kind":"proposal","handle":"#42","repository":{"key":"acme/api"},"head_repository":{"key":"ana/api"},"url":"https://github.com/acme/api/pull/42","title":"Answer in time","description":"Fixes #3","state":"merged","state_word":"closed","draft":false,"author":{"name":"ana"},"assignees":[{"name":"ana"}],"reviewers":[{"name":"ben"}],"labels":["speed"],"base_branch":"main","head_branch":"in-time","base_commit":"2222222222222222222222222222222222222222","head_commit":"3333333333333333333333333333333333333333","merge_commit":"1111111111111111111111111111111111111111","created_at":"2025-02-27T10:00:00.000Z","updated_at":"2025-03-01T09:00:00.000Z","merged_at":"2025-03-01T09:00:00.000Z","closed_at":"2025-03-01T09:00:00.000Z"}
        acme/api#41 @1738490400000 {"repository":"acme/api"}
          change acme/api#41 {"kind":"proposal","handle":"#41","repository":{"key":"acme/api"},"title":"41","state":"open","state_word":"open","draft":true,"base_branch":"main","head_branch":"idea","created_at":"2025-02-01T10:00:00.000Z","updated_at":"2025-02-02T10:00:00.000Z"}
          ! pulls.labels none
    "##]],
    );
}

#[test]
fn pull_commits() {
    check(
        "pull-commits",
        Some(("pulls", "acme/api#42")),
        expect![[r#"
        acme/api#42/3333333333333333333333333333333333333333 @1740646800000 {"repository":"acme/api","pull":42}
          commit 3333333333333333333333333333333333333333 {"repositories":[{"key":"acme/api"}],"parents":["2222222222222222222222222222222222222222"],"author":{"name":"ana"},"authored_at":"2025-02-27T09:00:00.000Z","committer":{"name":"ana"},"committed_at":"2025-02-27T09:00:00.000Z","message":"answer in time"}
          person 11 {"name":"Ana Lima","login":"ana","emails":["ana@acme.example"],"bot":false}
          change acme/api#42 {"repository":{"key":"acme/api"},"commits":["3333333333333333333333333333333333333333"]}
    "#]],
    );
}

#[test]
fn reviews() {
    check(
        "reviews",
        Some(("pulls", "acme/api#42")),
        expect![[r#"
        501 @1740736800000 {"repository":"acme/api","pull":42}
          review review/501 {"change":{"key":"acme/api#42"},"author":{"name":"ben"},"verdict":"approved","verdict_word":"APPROVED","commit":"3333333333333333333333333333333333333333","url":"https://github.com/acme/api/pull/42#pullrequestreview-501","submitted_at":"2025-02-28T10:00:00.000Z"}
        502 @- {"repository":"acme/api","pull":42}
          ignored: github.review.pending
    "#]],
    );
}

#[test]
fn comments() {
    check(
        "review-comments",
        None,
        expect![[r#"
        601 @1740736740000 {"repository":"acme/api"}
          review review-comment/601 {"change":{"key":"acme/api#42"},"author":{"name":"ben"},"parent":{"key":"review/501"},"commit":"3333333333333333333333333333333333333333","path":"src/lib.rs","body":"why?","submitted_at":"2025-02-28T09:59:00.000Z","updated_at":"2025-02-28T09:59:00.000Z"}
    "#]],
    );
    check(
        "issue-comments",
        None,
        expect![[r#"
        702 @1740132000000 {"repository":"acme/api"}
          ignored: github.comment.on-issue
        701 @1740651000000 {"repository":"acme/api"}
          review issue-comment/701 {"change":{"key":"acme/api#42"},"author":{"name":"ci[bot]"},"body":"green","url":"https://github.com/acme/api/pull/42#issuecomment-701","submitted_at":"2025-02-27T10:10:00.000Z","updated_at":"2025-02-27T10:10:00.000Z"}
    "#]],
    );
}

#[test]
fn issues() {
    check(
        "issues",
        None,
        expect![[r##"
        acme/api#42 @1740819600000 {"repository":"acme/api"}
          ignored: github.issue.is-pull
        acme/api#3 @1740819600000 {"repository":"acme/api"}
          work-item acme/api#3 {"handle":"#3","url":"https://github.com/acme/api/issues/3","project":"acme/api","title":"Too slow","description":"Very.","kind":"incident","kind_word":"Incident","status":{"name":"closed","category":"done"},"resolution":"completed","creator":{"name":"cat"},"labels":["kind/bug","Incident"],"fix_versions":["1.1"],"created_at":"2025-02-20T10:00:00.000Z","updated_at":"2025-03-01T09:00:00.000Z","resolved_at":"2025-03-01T09:00:00.000Z","transitions":[{"at":"2025-02-20T10:00:00.000Z","author":{"name":"cat"},"after":{"name":"open","category":"todo"}},{"at":"2025-03-01T09:00:00.000Z","before":{"name":"open","category":"todo"},"after":{"name":"closed","category":"done"}}]}
    "##]],
    );
}

#[test]
fn workflow_runs_with_every_attempt() {
    check(
        "workflow-runs",
        None,
        expect![[r#"
        802/1 @1740823260000 {"repository":"acme/api"}
          build acme/api/802/1 {"attempt":1,"system":"github.com","job":"acme/api/ci","number":18,"url":"https://github.com/acme/api/actions/runs/802","state":"running","triggers":[{"kind":"change","text":"pull_request","person":{"name":"ana"}}],"checkouts":[{"repository":{"key":"acme/api"},"branch":"in-time","commit":"3333333333333333333333333333333333333333","base_branch":"main","base_commit":"2222222222222222222222222222222222222222"}],"commits":["3333333333333333333333333333333333333333"],"change":{"key":"acme/api#42"},"queued_at":"2025-03-01T10:00:00.000Z","started_at":"2025-03-01T10:00:00.000Z"}
        801/2 @1740822000000 {"repository":"acme/api"}
          build acme/api/801/2 {"attempt":2,"system":"github.com","job":"acme/api/ci","number":17,"title":"Answer in time (#42)","url":"https://github.com/acme/api/actions/runs/801","state":"finished","result":"success","result_word":"success","triggers":[{"kind":"rerun","person":{"name":"ben"}},{"kind":"push","text":"push","person":{"name":"ana"},"led_to":0}],"checkouts":[{"repository":{"key":"acme/api"},"branch":"main","commit":"1111111111111111111111111111111111111111"}],"commits":["1111111111111111111111111111111111111111"],"started_at":"2025-03-01T09:30:00.000Z","finished_at":"2025-03-01T09:40:00.000Z","duration":600000}
        801/1 @1740820205000 {"repository":"acme/api"}
          build acme/api/801/1 {"attempt":1,"system":"github.com","job":"acme/api/ci","number":17,"state":"finished","result":"failure","result_word":"failure","triggers":[{"kind":"push","text":"push","person":{"name":"ana"}}],"checkouts":[{"repository":{"key":"acme/api"},"branch":"main","commit":"1111111111111111111111111111111111111111"}],"commits":["1111111111111111111111111111111111111111"],"queued_at":"2025-03-01T09:00:05.000Z","started_at":"2025-03-01T09:00:05.000Z","finished_at":"2025-03-01T09:10:05.000Z","duration":600000}
    "#]],
    );
}

#[test]
fn jobs() {
    check(
        "jobs",
        Some(("workflow-runs", "801/2")),
        expect![[r#"
        901 @1740821990000 {"repository":"acme/api"}
          build acme/api/801/2 {"stages":[{"key":"901","name":"test (stable)","kind":"job","state":"finished","result":"success","result_word":"success","queued_at":"2025-03-01T09:30:01.000Z","started_at":"2025-03-01T09:30:10.000Z","finished_at":"2025-03-01T09:39:50.000Z","duration":580000,"worker":"runner-4","url":"https://github.com/acme/api/actions/runs/801/job/901"},{"key":"901/1","parent":"901","name":"cargo test","kind":"step","state":"finished","result":"success","result_word":"success","started_at":"2025-03-01T09:30:11.000Z","finished_at":"2025-03-01T09:39:49.000Z","duration":578000}]}
    "#]],
    );
}

#[test]
fn deployments() {
    check(
        "deployments",
        None,
        expect![[r#"
        1001 @1740827100000 {"repository":"acme/api"}
          deployment 1001 {"attempt":1,"service":"api","environment":{"name":"eu-prod","class":"production"},"kind":"deploy","version":"main","author":{"name":"ana"},"repositories":[{"key":"acme/api"}],"commits":["1111111111111111111111111111111111111111"],"queued_at":"2025-03-01T11:00:00.000Z"}
    "#]],
    );
    check(
        "deployment-statuses",
        Some(("deployments", "1001")),
        expect![[r#"
        1103 @1740913200000 {"repository":"acme/api","deployment":1001}
          ignored: github.deployment-status.inactive
        1102 @1740827100000 {"repository":"acme/api","deployment":1001}
          deployment 1001 {"url":"https://api.acme.example","state":"finished","result":"success","result_word":"success","finished_at":"2025-03-01T11:05:00.000Z"}
        1101 @1740826860000 {"repository":"acme/api","deployment":1001}
          deployment 1001 {"state":"running","started_at":"2025-03-01T11:01:00.000Z"}
    "#]],
    );
}

#[test]
fn releases_and_tags() {
    check(
        "releases",
        None,
        expect![[r#"
        1202 @- {"repository":"acme/api"}
          ignored: github.release.draft
        1201 @- {"repository":"acme/api"}
          artifact acme/api@v1.1 {"kind":"package","name":"api","location":"acme/api","version":"v1.1","purl":"pkg:github/acme/api@v1.1","url":"https://github.com/acme/api/releases/tag/v1.1","created_at":"2025-03-01T09:00:00.000Z","published_at":"2025-03-01T10:30:00.000Z"}
    "#]],
    );
    check(
        "tags",
        None,
        expect![[r#"
        acme/api/v1.1 @- {"repository":"acme/api"}
          commit 1111111111111111111111111111111111111111 {"repositories":[{"key":"acme/api"}],"refs":[{"name":"refs/tags/v1.1"}]}
    "#]],
    );
}

/// A listing of pull requests with only what paging reads.
fn pulls_page(numbers_and_times: &[(u32, &str)]) -> String {
    let pull = |(number, time): &(u32, &str)| format!(r#"{{"number": {number}, "updated_at": "{time}"}}"#);
    format!("[{}]", numbers_and_times.iter().map(pull).collect::<Vec<_>>().join(", "))
}

const FIRST: &str = "GET /repos/acme/api/pulls?state=all&sort=updated&direction=desc&per_page=100";

#[test]
fn an_incremental_pass_stops_where_the_last_one_began() {
    let cassette =
        Cassette::default().on(FIRST, &pulls_page(&[(2, "2025-01-02T00:00:00Z"), (1, "2025-01-01T00:00:00Z")]));
    let first = collect(&Rc::new(cassette), &full("pulls"));
    assert_eq!(mock::keys(&first.records), ["acme/api#2", "acme/api#1"]);

    let next = [("link", "<https://api.github.com/page/2>; rel=\"next\"")];
    let newer = pulls_page(&[(3, "2025-01-03T00:00:00Z"), (1, "2025-01-01T12:00:00Z")]);
    let older = pulls_page(&[(9, "2025-01-01T11:00:00Z")]);
    // A page of fewer than 100 has no hundredth element to look at, so the page after it is read too.
    let cassette = Rc::new(Cassette::default().on_status(FIRST, 200, &next, &newer).on_status(
        "GET https://api.github.com/page/2",
        200,
        &[("link", "<https://api.github.com/page/3>; rel=\"next\"")],
        &older,
    ));
    let second = collect(&cassette, &Order::incremental("pulls", SETTINGS, first.cursor));
    assert_eq!(mock::keys(&second.records), ["acme/api#3", "acme/api#1", "acme/api#9"]);
    assert_eq!(cassette.heard().len(), 2, "page 3 lies below the mark: {:?}", cassette.heard());
    assert_eq!(second.cursor.as_deref(), Some(b"\x01{\"marks\":{\"acme/api\":1735862400000}}".as_slice()));
}

#[test]
fn nothing_changed_costs_one_request_and_keeps_the_mark() {
    let cursor = Some(b"\x01{\"marks\":{\"acme/api\":1735862400000}}".to_vec());
    let cassette = Rc::new(Cassette::default().on_status(FIRST, 304, &[], "null"));
    let collected = collect(&cassette, &Order::incremental("pulls", SETTINGS, cursor.clone()));
    assert_eq!((collected.records.len(), collected.cursor), (0, cursor));
    assert_eq!(cassette.heard(), [FIRST]);
}

#[test]
fn the_mark_less_a_minute_is_where_github_is_asked_to_begin() {
    let cursor = Some(b"\x01{\"marks\":{\"acme/api\":1735862400000}}".to_vec());
    let request =
        "GET /repos/acme/api/issues?state=all&sort=updated&direction=desc&since=2025-01-02T23%3A59%3A00Z&per_page=100";
    let cassette = Rc::new(Cassette::default().on(request, "[]"));
    let collected = collect(&cassette, &Order::incremental("issues", SETTINGS, cursor.clone()));
    assert_eq!(collected.cursor, cursor);
}

#[test]
fn a_run_that_is_not_over_holds_the_mark_back() {
    let collected = collect(&acme(), &full("workflow-runs"));
    // Run 802, created at 10:00, is under way.
    assert_eq!(collected.cursor.as_deref(), Some(b"\x01{\"marks\":{\"acme/api\":1740823200000}}".as_slice()));
}

#[test]
fn a_repository_that_cannot_be_read_stops_no_other() {
    let settings = r#"{"repositories": ["acme/gone", "acme/api"]}"#;
    let gone = "GET /repos/acme/gone/tags?per_page=100";
    let api = "GET /repos/acme/api/tags?per_page=100";
    let tags = r#"[{"name": "v1", "commit": {"sha": "1111111111"}}]"#;
    let settings_order = Order::full("tags", settings);

    let cassette = Rc::new(Cassette::default().on_status(gone, 404, &[], "{}").on(api, tags));
    let full = mock::collect::<GitHub>(&cassette, &settings_order);
    assert_eq!(mock::keys(&full.records), ["acme/api/v1"]);
    let failure = full.failure.expect("a full pass must not end as if it had read all");
    assert_eq!(failure.code, "github.repository.unreadable");
    assert_eq!(cassette.heard(), [api, gone, gone]);

    // The next try goes on with the one that is missing, and ends well when it is back.
    let cassette = Rc::new(Cassette::default().on(gone, tags));
    let again = collect(&cassette, &Order { cursor: full.cursor, ..settings_order.clone() });
    assert_eq!(mock::keys(&again.records), ["acme/gone/v1"]);

    let cassette = Rc::new(Cassette::default().on_status(gone, 404, &[], "{}").on(api, tags));
    let incremental = collect(&cassette, &Order::incremental("tags", settings, None));
    assert_eq!(mock::keys(&incremental.records), ["acme/api/v1"]);
}

#[test]
fn an_organisation_is_read_whole() {
    let settings = r#"{"organisation": "acme"}"#;
    let next = [("link", "<https://api.github.com/organizations/1/repos?page=2>; rel=\"next\"")];
    let listed = r#"[{"id": 2, "full_name": "acme/web", "updated_at": "2025-01-01T00:00:00Z"}]"#;
    let cassette = Cassette::default()
        .on_status("GET /orgs/acme/repos?sort=updated&direction=desc&per_page=100", 200, &next, listed)
        .on_status("GET /orgs/acme/repos?per_page=100", 200, &next, listed)
        .on("GET https://api.github.com/organizations/1/repos?page=2", r#"[{"id": 1, "full_name": "acme/api"}]"#)
        .on("GET /repos/acme/api/tags?per_page=100", r#"[{"name": "a", "commit": {}}]"#)
        .on("GET /repos/acme/web/tags?per_page=100", r#"[{"name": "b", "commit": {}}]"#);
    let cassette = Rc::new(cassette);
    assert_eq!(mock::keys(&collect(&cassette, &Order::full("repositories", settings)).records), ["2", "1"]);
    assert_eq!(mock::keys(&collect(&cassette, &Order::full("tags", settings)).records), ["acme/api/a", "acme/web/b"]);
    let listings =
        cassette.heard().into_iter().filter(|request| request == "GET /orgs/acme/repos?per_page=100").count();
    assert_eq!(listings, 1, "the list is kept from one reader to the next");
}

#[test]
fn failures_are_of_the_kind_the_host_acts_on() {
    let check = |status, headers: &[(&str, &str)]| {
        let cassette = Cassette::default().on_status(FIRST, status, headers, r#"{"message": "no"}"#);
        let failure = mock::collect::<GitHub>(&Rc::new(cassette), &full("pulls")).failure.unwrap();
        format!("{:?} {} {:?}", failure.kind, failure.code, failure.retry_after)
    };
    assert_eq!(check(401, &[]), "Auth http.status.401 None");
    assert_eq!(check(403, &[]), "Forbidden http.status.403 None");
    assert_eq!(check(403, &[("x-ratelimit-remaining", "0")]), "Throttled http.status.403 None");
    assert_eq!(check(403, &[("retry-after", "60")]), "Throttled http.status.403 Some(60s)");
    assert_eq!(check(429, &[("retry-after", "7")]), "Throttled http.status.429 Some(7s)");
    assert_eq!(check(502, &[]), "Transient http.status.502 None");
    assert_eq!(check(422, &[]), "Config http.status.422 None");
}

#[test]
fn check_says_who_and_what_is_missing() {
    let cassette = acme();
    let settings = r#"{"repositories": ["acme/api", "acme/gone"]}"#;
    let checkup = mock::check::<GitHub>(&cassette, settings);
    assert_eq!(checkup.unwrap_err().code, "http.denied");

    let cassette = Cassette::default()
        .on("GET /user", r#"{"login": "weir-bot"}"#)
        .on("GET /repos/acme/api", r#"{"full_name": "Acme/api"}"#)
        .on_status("GET /repos/acme/gone", 404, &[], r#"{"message": "Not Found"}"#);
    let checkup = mock::check::<GitHub>(&Rc::new(cassette), settings).unwrap();
    assert_eq!((checkup.tool.as_str(), checkup.identity.as_deref()), ("GitHub", Some("weir-bot")));
    assert_eq!(
        checkup.missing,
        [
            "acme/api: GitHub spells it `Acme/api`; write it so",
            "acme/gone: the tool answered with status 404: Not Found",
        ]
    );
}

#[test]
fn settings_are_read_strictly() {
    let refused = |settings: &str| mock::check::<GitHub>(&acme(), settings).unwrap_err().message;
    expect!["the settings do not fit: unknown field `repos`, expected one of `repositories`, `organisation`, `since`, `datasets` at line 1 column 8"].assert_eq(&refused(r#"{"repos": []}"#));
    expect!["`api` is no repository; write it like owner/name"].assert_eq(&refused(r#"{"repositories": ["api"]}"#));
    expect!["the settings do not fit: `since` is `last year`; write it like 2025-01-01 at line 1 column 21"]
        .assert_eq(&refused(r#"{"since": "last year"}"#));
}
