//! Whole passes against our own cassette: which requests are made, which records come, where the next pass begins.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::rc::Rc;

use connector_gitea::Gitea;
use expect_test::{Expect, expect};
use weir_sdk::failure::FailureKind;
use weir_sdk::mock::{self, Cassette, Collected, Order};

const SETTINGS: &str = r#"{"repositories": ["acme/api"]}"#;

fn acme() -> Rc<Cassette> {
    Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap())
}

fn collect(cassette: &Rc<Cassette>, order: &Order) -> Collected {
    mock::collect_whole::<Gitea>(cassette, order)
}

fn keys(collected: &Collected) -> Vec<&str> {
    collected.records.iter().map(|record| record.key.as_str()).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(order: &Order, expected: Expect) {
    let records = collect(&acme(), order).records;
    expected.assert_eq(&mock::show_records::<Gitea>(&order.dataset, SETTINGS, &records));
}

#[test]
fn code() {
    check(
        &Order::full("repositories", SETTINGS),
        expect![[r#"
        acme/api@61 @1740783600000 {"repository":"acme/api"}
          repository acme/api {"name":"acme/api","url":"https://git.example/acme/api","remotes":["https://git.example/acme/api.git","git@git.example:acme/api.git"],"owner":"acme","default_branch":"main","languages":["Rust"],"archived":false,"created_at":"2024-01-01T00:00:00.000Z","updated_at":"2025-03-01T00:00:00.000+01:00"}
    "#]],
    );
    check(
        &Order::full("commits", SETTINGS),
        expect![[r#"
        acme/api@1111111111111111111111111111111111111111 @1740819600000 {"repository":"acme/api"}
          commit 1111111111111111111111111111111111111111 {"repositories":[{"key":"acme/api"}],"parents":["2222222222222222222222222222222222222222"],"author":{"name":"ana"},"authored_at":"2025-03-01T08:00:00.000Z","committer":{"name":"noreply@git.example"},"committed_at":"2025-03-01T09:00:00.000Z","message":"answer in time","additions":12,"deletions":3}
          person 11 {"name":"Ana Lima","login":"ana","emails":["ana@acme.example"]}
        acme/api@2222222222222222222222222222222222222222 @1738396800000 {"repository":"acme/api"}
          commit 2222222222222222222222222222222222222222 {"repositories":[{"key":"acme/api"}],"author":{"name":"some@body.example"},"authored_at":"2025-02-01T08:00:00.000Z","committer":{"name":"some@body.example"},"committed_at":"2025-02-01T08:00:00.000Z","message":"first"}
    "#]],
    );
    check(
        &Order::full("tags", SETTINGS),
        expect![[r#"
        acme/api@v1.2.0 @- {"repository":"acme/api"}
          commit 1111111111111111111111111111111111111111 {"repositories":[{"key":"acme/api"}],"refs":[{"name":"refs/tags/v1.2.0"}]}
    "#]],
    );
    check(
        &Order::full("releases", SETTINGS),
        expect![[r#"
        acme/api@v1.3.0 @- {"repository":"acme/api"}
          ignored: gitea.release.draft
        acme/api@v1.2.0 @- {"repository":"acme/api"}
          artifact acme/api@v1.2.0 {"kind":"package","name":"api","location":"acme/api","version":"v1.2.0","url":"https://git.example/acme/api/releases/tag/v1.2.0","created_at":"2025-03-01T09:20:00.000Z","published_at":"2025-03-01T09:20:00.000Z"}
    "#]],
    );
}

#[test]
fn pulls_and_reviews() {
    check(
        &Order::full("pulls", SETTINGS),
        expect![[r##"
        acme/api#4 @1740819600000 {"repository":"acme/api"}
          change acme/api#4 {"kind":"proposal","handle":"#4","repository":{"key":"acme/api"},"head_repository":{"key":"ana/api"},"url":"https://git.example/acme/api/pulls/4","title":"Answer in time","description":"Fixes #3","state":"merged","state_word":"closed","draft":false,"author":{"name":"ana"},"merged_by":{"name":"ben"},"reviewers":[{"name":"ben"}],"labels":["speed"],"base_branch":"main","head_branch":"in-time","base_commit":"2222222222222222222222222222222222222222","head_commit":"3333333333333333333333333333333333333333","merge_commit":"1111111111111111111111111111111111111111","additions":12,"deletions":3,"files_changed":2,"created_at":"2025-02-27T10:00:00.000Z","updated_at":"2025-03-01T09:00:00.000Z","merged_at":"2025-03-01T09:00:00.000Z","closed_at":"2025-03-01T09:00:00.000Z"}
        acme/api#2 @1738490400000 {"repository":"acme/api"}
          change acme/api#2 {"kind":"proposal","handle":"#2","repository":{"key":"acme/api"},"title":"2","state":{"unknown":"stuck"},"state_word":"stuck","updated_at":"2025-02-02T10:00:00.000Z"}
          ! pulls.state stuck
          ! pulls.labels "none"
    "##]],
    );
    let pulls = collect(&acme(), &Order::full("pulls", SETTINGS)).records;
    check(
        &Order::full("reviews", SETTINGS).under(pulls[0].clone()),
        expect![[r#"
        501 @1740736800000 {"repository":"acme/api","pull":4}
          review 501 {"change":{"key":"acme/api#4"},"author":{"name":"ben"},"verdict":"approved","verdict_word":"APPROVED","commit":"3333333333333333333333333333333333333333","url":"https://git.example/acme/api/pulls/4#issuecomment-9","submitted_at":"2025-02-28T10:00:00.000Z","updated_at":"2025-02-28T10:00:00.000Z"}
        502 @- {"repository":"acme/api","pull":4}
          ignored: gitea.review.pending
    "#]],
    );
}

#[test]
fn issues_and_tasks() {
    check(
        &Order::full("issues", SETTINGS),
        expect![[r##"
        acme/api#3 @1740819600000 {"repository":"acme/api"}
          work-item acme/api#3 {"handle":"#3","url":"https://git.example/acme/api/issues/3","project":"acme/api","title":"Answers are late","description":"since Monday","kind":"bug","kind_word":"bug","status":{"name":"closed","category":"done"},"creator":{"name":"ben"},"assignees":[{"name":"ana"}],"labels":["kind/bug"],"fix_versions":["1.2"],"created_at":"2025-02-26T08:00:00.000Z","updated_at":"2025-03-01T09:00:00.000Z","resolved_at":"2025-03-01T09:00:00.000Z","transitions":[{"at":"2025-02-26T08:00:00.000Z","author":{"name":"ben"},"after":{"name":"open","category":"todo"}},{"at":"2025-03-01T09:00:00.000Z","before":{"name":"open","category":"todo"},"after":{"name":"closed","category":"done"}}]}
    "##]],
    );
    check(
        &Order::full("tasks", SETTINGS),
        expect![[r#"
        acme/api@802 @1740819720000 {"repository":"acme/api"}
          build acme/api/802 {"attempt":1,"job":"acme/api/ci.yml/test","number":8,"title":"answer in time","url":"https://git.example/acme/api/actions/runs/8","state":"running","triggers":[{"kind":"push","text":"push"}],"checkouts":[{"repository":{"key":"acme/api"},"branch":"main","commit":"1111111111111111111111111111111111111111"}],"commits":["1111111111111111111111111111111111111111"],"queued_at":"2025-03-01T09:01:00.000Z","started_at":"2025-03-01T09:01:30.000Z"}
        acme/api@801 @1740650700000 {"repository":"acme/api"}
          build acme/api/801 {"attempt":1,"job":"acme/api/ci.yml/test","number":7,"title":"answer in time","url":"https://git.example/acme/api/actions/runs/7","state":"finished","result":"failure","result_word":"failure","triggers":[{"kind":"change","text":"pull_request"}],"checkouts":[{"repository":{"key":"acme/api"},"branch":"in-time","commit":"3333333333333333333333333333333333333333"}],"commits":["3333333333333333333333333333333333333333"],"queued_at":"2025-02-27T10:01:00.000Z","started_at":"2025-02-27T10:01:30.000Z","finished_at":"2025-02-27T10:05:00.000Z","duration":210000}
    "#]],
    );
}

/// Pull requests are read down to the newest change of the last pass, issues asked for from there, and runs read again
/// from the oldest that was not over.
#[test]
fn the_next_pass_begins_where_the_last_one_ended() {
    let next = |dataset: &str, request: &str, body: &str| {
        let first = collect(&acme(), &Order::full(dataset, SETTINGS));
        let link = [("link", "<https://git.example/page/2>; rel=\"next\"")];
        let cassette = Cassette::default().on("GET /version", r#"{"version": "1.24.2"}"#);
        let cassette = cassette.on_status(&format!("GET /repos/acme/api/{request}"), 200, &link, body);
        let cassette = Rc::new(cassette.on("GET https://git.example/page/2", "[]"));
        collect(&cassette, &Order::incremental(dataset, SETTINGS, first.cursor));
        cassette.heard().iter().filter(|request| !request.ends_with("/version")).cloned().collect::<Vec<_>>()
    };
    let old =
        r#"[{"number": 9, "updated_at": "2025-03-02T00:00:00Z"}, {"number": 2, "updated_at": "2025-02-28T00:00:00Z"}]"#;
    let pulls = "pulls?state=all&sort=recentupdate&limit=50";
    assert_eq!(next("pulls", pulls, old), [format!("GET /repos/acme/api/{pulls}")]);
    let issues = "issues?state=all&type=issues&since=2025-03-01T08%3A59%3A00.000Z&limit=50";
    assert_eq!(next("issues", issues, "[]").len(), 2);
    let runs = r#"{"workflow_runs": [{"id": 1, "run_number": 1, "created_at": "2025-03-01T02:00:00Z"}]}"#;
    assert_eq!(next("tasks", "actions/tasks?limit=50", runs).len(), 1);
}

fn with_version(version: u16) -> Cassette {
    Cassette::default().on_status("GET /version", version, &[], r#"{"version": "1.24.2"}"#)
}

#[test]
fn what_a_repository_lacks_is_nothing_and_one_that_is_not_there_a_failure() {
    let missing = with_version(200).on_status("GET /repos/acme/api/actions/tasks?limit=50", 404, &[], "{}");
    let cassette = Rc::new(missing.on("GET /repos/acme/api", r#"{"full_name": "acme/api"}"#));
    assert_eq!(keys(&collect(&cassette, &Order::full("tasks", SETTINGS))), Vec::<&str>::new());
    let missing = with_version(200).on_status("GET /repos/acme/api/tags?limit=50", 404, &[], "{}");
    let cassette = Rc::new(missing.on_status("GET /repos/acme/api", 404, &[], "{}"));
    let failure = mock::collect::<Gitea>(&cassette, &Order::full("tags", SETTINGS)).failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Gone);
}

/// It would list open issues when asked for all, and the others would count as deleted.
#[test]
fn gogs_is_not_polled() {
    let failure =
        mock::collect::<Gitea>(&Rc::new(with_version(404)), &Order::full("issues", SETTINGS)).failure.unwrap();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Config, "gitea.gogs"));
}

#[test]
fn an_organisation_is_read_with_all_its_repositories() {
    let settings = r#"{"organisation": "acme"}"#;
    let listed = with_version(200).on("GET /orgs/acme/repos?limit=50", r#"[{"full_name": "acme/web"}]"#);
    let cassette = Rc::new(listed.on("GET /repos/acme/web/tags?limit=50", r#"[{"name": "v1"}]"#));
    assert_eq!(keys(&collect(&cassette, &Order::full("tags", settings))), ["acme/web@v1"]);
    let cassette = Rc::new(with_version(200).on("GET /orgs/acme/repos?limit=50", "[]"));
    let failure = mock::collect::<Gitea>(&cassette, &Order::full("tags", settings)).failure.unwrap();
    assert_eq!(failure.code, "gitea.organisation.empty");
}

#[test]
fn a_check_says_what_is_missing() {
    let checkup = mock::check::<Gitea>(&acme(), SETTINGS).unwrap();
    assert_eq!((checkup.tool.as_str(), checkup.identity.as_deref()), ("Gitea 1.24.2", Some("weir")));
    assert!(checkup.missing.is_empty());
    assert!(mock::check::<Gitea>(&acme(), "{}").unwrap_err().message.contains("repositories"));
    assert!(mock::check::<Gitea>(&acme(), r#"{"repositories": ["api"]}"#).unwrap_err().message.contains("owner/name"));
}
