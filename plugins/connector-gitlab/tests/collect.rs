//! Whole passes against our own cassette: which requests are made, which records come, where the next pass begins.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::rc::Rc;

use connector_gitlab::GitLab;
use expect_test::{Expect, expect};
use weir_sdk::failure::FailureKind;
use weir_sdk::mock::{self, Answer, Cassette, Collected, Order};

const SETTINGS: &str = r#"{"projects": ["acme/api"]}"#;

fn acme() -> Rc<Cassette> {
    Rc::new(Cassette::read(include_str!("../cassettes/acme.json")).unwrap())
}

fn collect(cassette: &Rc<Cassette>, order: &Order) -> Collected {
    mock::collect_whole::<GitLab>(cassette, order)
}

fn keys(collected: &Collected) -> Vec<&str> {
    collected.records.iter().map(|record| record.key.as_str()).collect()
}

/// One line per record, with what became of it and its diagnostics.
#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(dataset: &str, parent: Option<(&str, &str)>, expected: Expect) {
    expected.assert_eq(&mock::show::<GitLab>(&acme(), dataset, parent, SETTINGS));
}

#[test]
fn projects_and_members() {
    check(
        "projects",
        None,
        expect![[r#"
        7001 @1740787200000 -
          repository acme/api {"name":"acme/api","url":"https://gitlab.example/acme/api","remotes":["https://gitlab.example/acme/api.git","git@gitlab.example:acme/api.git"],"owner":"acme","default_branch":"main","archived":false,"created_at":"2024-01-01T00:00:00.000Z","updated_at":"2025-03-01T00:00:00.000Z","attributes":{"gitlab.topics":["rust"],"gitlab.visibility":"private"}}
    "#]],
    );
    check(
        "members",
        None,
        expect![[r#"
        11 @- -
          person 11 {"name":"Ana Lima","login":"ana","bot":false,"active":true,"url":"https://gitlab.example/ana"}
        12 @- -
          person 12 {"name":"Ben","login":"ben","emails":["ben@acme.example"],"bot":false,"active":false}
        13 @- -
          person 13 {"name":"deployer","login":"project_7001_bot_1a2b","bot":true,"active":true}
    "#]],
    );
}

#[test]
fn commits_and_tags() {
    check(
        "commits",
        None,
        expect![[r#"
        acme/api/1111111111111111111111111111111111111111 @1740819600000 {"project":"acme/api"}
          commit 1111111111111111111111111111111111111111 {"repositories":[{"key":"acme/api"}],"parents":["2222222222222222222222222222222222222222","3333333333333333333333333333333333333333"],"author":{"name":"ana@acme.example"},"authored_at":"2025-03-01T10:00:00.000+01:00","committer":{"name":"ana@acme.example"},"committed_at":"2025-03-01T10:00:00.000+01:00","message":"Merge branch 'in-time' into 'main'\n\nAnswer in time","additions":12,"deletions":3}
        acme/api/2222222222222222222222222222222222222222 @1738396800000 {"project":"acme/api"}
          commit 2222222222222222222222222222222222222222 {"repositories":[{"key":"acme/api"}],"author":{"name":"Somebody"},"authored_at":"2025-02-01T08:00:00.000Z","committed_at":"2025-02-01T08:00:00.000Z","message":"first","additions":1,"deletions":0}
    "#]],
    );
    check(
        "tags",
        None,
        expect![[r#"
        acme/api@v1.2.0 @- {"project":"acme/api"}
          commit 1111111111111111111111111111111111111111 {"repositories":[{"key":"acme/api"}],"refs":[{"name":"refs/tags/v1.2.0","at":"2025-03-01T09:20:00.000Z"}]}
        acme/api@v1.1.0 @- {"project":"acme/api"}
          commit 2222222222222222222222222222222222222222 {"repositories":[{"key":"acme/api"}],"refs":[{"name":"refs/tags/v1.1.0"}]}
    "#]],
    );
}

#[test]
fn merge_requests() {
    check(
        "merge-requests",
        None,
        expect![[r#"
        acme/api!41 @1738490400000 {"project":"acme/api"}
          change acme/api!41 {"kind":"proposal","handle":"!41","repository":{"key":"acme/api"},"url":"https://gitlab.example/acme/api/-/merge_requests/41","title":"41","state":"open","state_word":"opened","draft":true,"base_branch":"main","head_branch":"idea","created_at":"2025-02-01T10:00:00.000Z","updated_at":"2025-02-02T10:00:00.000Z"}
          ! merge-requests.labels none
        acme/api!41 @1738490400000 {"project":"acme/api"}
          change acme/api!41 {"kind":"proposal","handle":"!41","repository":{"key":"acme/api"},"url":"https://gitlab.example/acme/api/-/merge_requests/41","title":"41","state":"open","state_word":"opened","draft":true,"base_branch":"main","head_branch":"idea","created_at":"2025-02-01T10:00:00.000Z","updated_at":"2025-02-02T10:00:00.000Z"}
          ! merge-requests.labels none
        acme/api!42 @1740819600250 {"project":"acme/api"}
          change acme/api!42 {"kind":"proposal","handle":"!42","repository":{"key":"acme/api"},"url":"https://gitlab.example/acme/api/-/merge_requests/42","title":"Answer in time","description":"Closes #3","state":"merged","state_word":"merged","draft":false,"author":{"name":"ana"},"merged_by":{"name":"ben"},"assignees":[{"name":"ana"}],"reviewers":[{"name":"ben"}],"labels":["speed"],"base_branch":"main","head_branch":"in-time","head_commit":"3333333333333333333333333333333333333333","merge_commit":"1111111111111111111111111111111111111111","merge_method":"merge","created_at":"2025-02-27T10:00:00.000Z","updated_at":"2025-03-01T09:00:00.250Z","merged_at":"2025-03-01T09:00:00.000Z","closed_at":"2025-03-01T09:00:00.000Z","attributes":{"gitlab.source_project":"7009"}}
    "#]],
    );
    check(
        "merge-request-commits",
        Some(("merge-requests", "acme/api!42")),
        expect![[r#"
        acme/api!42/3333333333333333333333333333333333333333 @1740646800000 {"project":"acme/api","merge_request":42}
          commit 3333333333333333333333333333333333333333 {"repositories":[{"key":"acme/api"}],"parents":["2222222222222222222222222222222222222222"],"author":{"name":"ana@acme.example"},"authored_at":"2025-02-27T09:00:00.000Z","committer":{"name":"ana@acme.example"},"committed_at":"2025-02-27T09:00:00.000Z","message":"answer in time"}
          change acme/api!42 {"repository":{"key":"acme/api"},"commits":["3333333333333333333333333333333333333333"]}
    "#]],
    );
}

#[test]
fn reviews() {
    check(
        "notes",
        Some(("merge-requests", "acme/api!42")),
        expect![[r#"
        501 @1740650401000 {"project":"acme/api","merge_request":42}
          ignored: gitlab.note.of-system
        502 @1740736770000 {"project":"acme/api","merge_request":42}
          review note/502 {"change":{"key":"acme/api!42"},"author":{"name":"ben"},"commit":"3333333333333333333333333333333333333333","path":"src/lib.rs","body":"why?","submitted_at":"2025-02-28T09:59:00.000Z","updated_at":"2025-02-28T09:59:30.000Z"}
        503 @1740736800000 {"project":"acme/api","merge_request":42}
          review note/503 {"change":{"key":"acme/api!42"},"author":{"name":"ben"},"verdict":"approved","verdict_word":"approved this merge request","submitted_at":"2025-02-28T10:00:00.000Z","updated_at":"2025-02-28T10:00:00.000Z"}
    "#]],
    );
    check(
        "approvals",
        Some(("merge-requests", "acme/api!42")),
        expect![[r#"
        acme/api!42 @1740819600250 {"project":"acme/api","merge_request":42}
          change acme/api!42 {"repository":{"key":"acme/api"},"attributes":{"gitlab.approvals_left":0,"gitlab.approvals_required":1,"gitlab.approved":true}}
    "#]],
    );
}

#[test]
fn pipelines() {
    check(
        "pipelines",
        None,
        expect![[r#"
        801 @1740650945000 {"project":"acme/api"}
          build 801 {"attempt":1,"system":"gitlab.example","job":"acme/api","number":1,"title":"Checks","url":"https://gitlab.example/acme/api/-/pipelines/801","state":"finished","result":"failure","result_word":"failed","triggers":[{"kind":"change","text":"merge_request_event","person":{"name":"ana"}}],"checkouts":[{"repository":{"key":"acme/api"},"commit":"3333333333333333333333333333333333333333"}],"commits":["3333333333333333333333333333333333333333"],"change":{"key":"acme/api!42"},"queued_at":"2025-02-27T10:00:00.000Z","started_at":"2025-02-27T10:00:04.000Z","finished_at":"2025-02-27T10:09:04.000Z","queued_for":4000,"duration":530000}
        802 @1740819660000 {"project":"acme/api"}
          build 802 {"attempt":1,"system":"gitlab.example","job":"acme/api","number":2,"url":"https://gitlab.example/acme/api/-/pipelines/802","state":"running","triggers":[{"kind":"push","text":"push","person":{"name":"ben"}}],"checkouts":[{"repository":{"key":"acme/api"},"branch":"main","commit":"1111111111111111111111111111111111111111"}],"commits":["1111111111111111111111111111111111111111"],"queued_at":"2025-03-01T09:00:30.000Z","started_at":"2025-03-01T09:01:00.000Z","queued_for":29500}
    "#]],
    );
}

#[test]
fn jobs() {
    check(
        "jobs",
        Some(("pipelines", "801")),
        expect![[r#"
        9001 @1740650645500 {"project":"acme/api","pipeline":801}
          build 801 {"stages":[{"key":"stage/test","name":"test","kind":"stage"},{"key":"9001","parent":"stage/test","name":"unit","kind":"job","state":"finished","result":"failure","result_word":"failed (script_failure)","queued_at":"2025-02-27T10:00:00.000Z","started_at":"2025-02-27T10:00:05.000Z","finished_at":"2025-02-27T10:04:05.500Z","duration":240500,"worker":"runner-1","url":"https://gitlab.example/acme/api/-/jobs/9001"}]}
        9002 @1740650652000 {"project":"acme/api","pipeline":801}
          build 801 {"stages":[{"key":"stage/test","name":"test","kind":"stage"},{"key":"9002","parent":"stage/test","name":"unit","kind":"job","state":"finished","result":"error","result_word":"failed (runner_system_failure)","queued_at":"2025-02-27T10:04:10.000Z","started_at":"2025-02-27T10:04:11.000Z","finished_at":"2025-02-27T10:04:12.000Z","duration":1000}]}
        9003 @1740650944000 {"project":"acme/api","pipeline":801}
          build 801 {"stages":[{"key":"stage/test","name":"test","kind":"stage"},{"key":"9003","parent":"stage/test","name":"e2e","kind":"job","state":"finished","result":"timeout","result_word":"failed (job_execution_timeout)","queued_at":"2025-02-27T10:04:10.000Z","finished_at":"2025-02-27T10:09:04.000Z"}]}
        9004 @1740650400000 {"project":"acme/api","pipeline":801}
          build 801 {"stages":[{"key":"stage/deploy","name":"deploy","kind":"stage"},{"key":"9004","parent":"stage/deploy","name":"deploy","kind":"job","state":"waiting","queued_at":"2025-02-27T10:00:00.000Z"}]}
    "#]],
    );
    check(
        "bridges",
        Some(("pipelines", "801")),
        expect![[r#"
        9005 @1740650460000 {"project":"acme/api","pipeline":801}
          build 801 {"stages":[{"key":"stage/docs","name":"docs","kind":"stage"},{"key":"9005","parent":"stage/docs","name":"trigger docs","kind":"job","state":"finished","result":"success","result_word":"success","queued_at":"2025-02-27T10:00:00.000Z","finished_at":"2025-02-27T10:01:00.000Z","child":{"key":"803"}}]}
    "#]],
    );
}

#[test]
fn deployments_and_releases() {
    check(
        "deployments",
        None,
        expect![[r#"
        1001 @1740820380000 {"project":"acme/api","tier":"production"}
          deployment 1001 {"attempt":1,"service":"api","environment":{"name":"customer-a","class":"production"},"kind":"deploy","title":"Merge branch 'in-time' into 'main'","url":"https://gitlab.example/acme/api/-/jobs/9010","state":"finished","result":"success","result_word":"success","version":"main","author":{"name":"ben"},"build":{"key":"802"},"stage":"9010","repositories":[{"key":"acme/api"}],"commits":["1111111111111111111111111111111111111111"],"queued_at":"2025-03-01T09:10:00.000Z","started_at":"2025-03-01T09:10:30.000Z","finished_at":"2025-03-01T09:12:59.000Z","duration":149000}
        1002 @1740906660000 {"project":"acme/api"}
          deployment 1002 {"attempt":1,"service":"api","environment":{"name":"attic"},"kind":"deploy","state":"finished","result":"failure","result_word":"failed","version":"v1.2.0","author":{"name":"ben"},"repositories":[{"key":"acme/api"}],"commits":["1111111111111111111111111111111111111111"],"queued_at":"2025-03-02T09:10:00.000Z","finished_at":"2025-03-02T09:11:00.000Z"}
    "#]],
    );
    check(
        "releases",
        None,
        expect![[r#"
        acme/api@v1.3.0 @- {"project":"acme/api"}
          ignored: gitlab.release.upcoming
        acme/api@v1.2.0 @- {"project":"acme/api"}
          artifact acme/api@v1.2.0 {"kind":"package","name":"api","location":"acme/api","version":"v1.2.0","purl":"pkg:gitlab/acme/api@v1.2.0","url":"https://gitlab.example/acme/api/-/releases/v1.2.0","commits":["1111111111111111111111111111111111111111"],"created_at":"2025-03-01T09:20:00.000Z","published_at":"2025-03-01T09:21:00.000Z"}
    "#]],
    );
}

#[test]
fn issues() {
    check(
        "issues",
        None,
        expect![[r##"
            acme/api#3 @1740819601000 {"project":"acme/api"}
              work-item acme/api#3 {"handle":"#3","url":"https://gitlab.example/acme/api/-/issues/3","project":"acme/api","title":"Answers are late","description":"since Monday","kind":"incident","kind_word":"incident","status":{"name":"closed","category":"done"},"severity":"high","creator":{"name":"ben"},"assignees":[{"name":"ana"}],"labels":["type::bug","speed"],"fix_versions":["1.2"],"story_points":3.0,"estimate":7200000,"created_at":"2025-02-26T08:00:00.000Z","updated_at":"2025-03-01T09:00:01.000Z","resolved_at":"2025-03-01T09:00:01.000Z","due_at":"2025-03-10T00:00:00.000Z","transitions":[{"at":"2025-02-26T08:00:00.000Z","author":{"name":"ben"},"after":{"name":"opened","category":"todo"}}]}
        "##]],
    );
    check(
        "issue-states",
        Some(("issues", "acme/api#3")),
        expect![[r#"
        701 @1740657600000 {"project":"acme/api","issue":3}
          work-item acme/api#3 {"transitions":[{"id":"701","at":"2025-02-27T12:00:00.000Z","author":{"name":"ana"},"before":{"name":"opened","category":"todo"},"after":{"name":"closed","category":"done"}}]}
        702 @1740661200000 {"project":"acme/api","issue":3}
          work-item acme/api#3 {"transitions":[{"id":"702","at":"2025-02-27T13:00:00.000Z","author":{"name":"ben"},"before":{"name":"closed","category":"done"},"after":{"name":"opened","category":"todo"}}]}
        703 @1740819601000 {"project":"acme/api","issue":3}
          work-item acme/api#3 {"transitions":[{"id":"703","at":"2025-03-01T09:00:01.000Z","author":{"name":"ben"},"before":{"name":"opened","category":"todo"},"after":{"name":"closed","category":"done"}}]}
    "#]],
    );
    check(
        "issue-labels",
        Some(("issues", "acme/api#3")),
        expect![[r#"
        711 @1740560400000 {"project":"acme/api","issue":3}
          work-item acme/api#3 {"edits":[{"id":"711","at":"2025-02-26T09:00:00.000Z","author":{"name":"ana"},"field":{"unknown":"label"},"after":"speed"}]}
        712 @1740560400000 {"project":"acme/api","issue":3}
          work-item acme/api#3 {"edits":[{"id":"712","at":"2025-02-26T09:00:00.000Z","author":{"name":"ana"},"field":{"unknown":"label"},"before":"triage"}]}
        713 @1740560400000 {"project":"acme/api","issue":3}
          ignored: gitlab.label.deleted
    "#]],
    );
}

/// A second pass asks only for what changed, and a page of nothing keeps the mark.
#[test]
fn the_next_pass_begins_where_the_last_one_ended() {
    let cassette = acme();
    let first = collect(&cassette, &Order::full("merge-requests", SETTINGS));
    let next = "GET /projects/acme%2Fapi/merge_requests?order_by=updated_at&sort=asc&per_page=100\
                &updated_after=2025-03-01T08%3A59%3A00.250Z";
    let cassette = Rc::new(Cassette::default().on(next, "[]"));
    for _ in 0..2 {
        let order = Order::incremental("merge-requests", SETTINGS, first.cursor.clone());
        let second = collect(&cassette, &order);
        assert_eq!((second.cursor, second.records.len()), (first.cursor.clone(), 0));
    }
}

/// 250 issues, of which 120 changed in one moment. As soon as the second page is asked for, ten of the first page are
/// gone and one of the last is changed: pages by number would miss ten, or one.
#[test]
fn pages_do_not_drift() {
    let server = |request: &str| Some(drifting(request));
    let collected = collect(&Rc::new(Cassette::default().serving(server)), &Order::full("issues", SETTINGS));
    let mut keys = keys(&collected);
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 250);
    assert!(collected.records.len() < 400, "{}", collected.records.len());
}

fn drifting(request: &str) -> Answer {
    let target = request.trim_start_matches("GET ");
    let (target, page) =
        target.split_once("#page=").map_or((target, 0), |(target, page)| (target, page.parse().unwrap()));
    let after = target.split_once("updated_after=").map(|(_, after)| after.replace("%3A", ":"));
    let changed = |n: u32| match n {
        240 if after.is_some() => 999,
        50..170 => 50,
        n => n,
    };
    let spelled = |at: u32| format!("2025-01-01T00:{:02}:{:02}.000Z", at / 60, at % 60);
    let there = (0..250).filter(|n| after.is_none() || *n >= 10).map(|n| (spelled(changed(n)), n));
    let mut issues: Vec<_> = there.filter(|(at, _)| after.as_ref().is_none_or(|after| at > after)).collect();
    issues.sort_unstable();
    let rest = issues.iter().skip(page * 100);
    let item = |(at, n): &(String, u32)| format!(r#"{{"iid": {n}, "updated_at": "{at}"}}"#);
    let mut answer = Answer::of(format!("[{}]", rest.clone().take(100).map(item).collect::<Vec<_>>().join(",")));
    if rest.len() > 100 {
        answer.headers.insert("link".to_owned(), format!("<{target}#page={}>; rel=\"next\"", page + 1));
    }
    answer
}

const GROUP: &str = "GET /groups/acme/projects?include_subgroups=true&with_shared=false&simple=true&order_by=id\
                     &sort=asc&per_page=100";
const OF_GROUP: &str = r#"{"groups": ["acme"]}"#;

#[test]
fn groups_are_read_with_all_their_projects() {
    let tags = |project: &str| {
        format!("GET /projects/acme%2F{project}/repository/tags?order_by=updated&sort=desc&per_page=100")
    };
    let tag = r#"[{"name": "v1", "commit": {"id": "1111111111111111111111111111111111111111"}}]"#;
    let listed = r#"[{"path_with_namespace": "acme/web"}, {"path_with_namespace": "acme/core/api"}]"#;
    let cassette = Cassette::default().on(GROUP, listed).on(&tags("web"), tag).on(&tags("core%2Fapi"), "[]");
    let collected = collect(&Rc::new(cassette), &Order::full("tags", OF_GROUP));
    assert_eq!(keys(&collected), ["acme/web@v1"]);
}

#[test]
fn a_group_without_projects_is_no_empty_list() {
    let settings = r#"{"groups": ["empty"]}"#;
    let cassette = Rc::new(Cassette::default().on(&GROUP.replace("acme", "empty"), "[]"));
    let failure = mock::collect::<GitLab>(&cassette, &Order::full("tags", settings)).failure.unwrap();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Forbidden, "gitlab.group.empty"));
    let own = "GET /groups/empty/projects?include_subgroups=true&with_shared=false&order_by=last_activity_at\
               &sort=desc&per_page=100";
    let cassette = Rc::new(Cassette::default().on(own, "[]"));
    let failure = mock::collect::<GitLab>(&cassette, &Order::full("projects", settings)).failure.unwrap();
    assert_eq!(failure.code, "gitlab.group.empty");
}

#[test]
fn a_group_is_listed_as_a_whole() {
    let own = "GET /groups/acme/projects?include_subgroups=true&with_shared=false&order_by=last_activity_at\
               &sort=desc&per_page=100";
    let listed = r#"[{"id": 7002, "path_with_namespace": "acme/web", "last_activity_at": "2025-03-01T00:00:00Z"}]"#;
    let alone = r#"{"id": 7001, "path_with_namespace": "tools/api"}"#;
    let cassette = Rc::new(Cassette::default().on(own, listed).on("GET /projects/tools%2Fapi", alone));
    let settings = r#"{"groups": ["acme"], "projects": ["tools/api"]}"#;
    assert_eq!(keys(&collect(&cassette, &Order::full("projects", settings))), ["7002", "7001"]);
}

fn refusing(own: &str, status: u16) -> Rc<Cassette> {
    let issues = "GET /projects/acme%2Fapi/issues?order_by=updated_at&sort=asc&per_page=100";
    let cassette = Cassette::default().on_status(issues, status, &[], r#"{"message": "403 Forbidden"}"#);
    Rc::new(cassette.on("GET /projects/acme%2Fapi", own))
}

#[test]
fn what_a_project_lacks_is_nothing_and_what_it_refuses_is_a_failure() {
    let pass = |own: &str, order: Order| mock::collect::<GitLab>(&refusing(own, 403), &order).failure;
    let full = || Order::full("issues", SETTINGS);
    assert_eq!(pass(r#"{"issues_access_level": "disabled"}"#, full()), None);
    let failure = pass(r#"{"issues_access_level": "enabled"}"#, full()).unwrap();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Forbidden, "gitlab.project.unreadable"));
    assert!(failure.message.contains("issues"), "{}", failure.message);
    assert_eq!(pass(r#"{"issues_access_level": "enabled"}"#, Order::incremental("issues", SETTINGS, None)), None);
}

#[test]
fn settings_that_name_nothing_are_refused() {
    let failure = |settings: &str| mock::check::<GitLab>(&acme(), settings).unwrap_err().message;
    assert_eq!(failure("{}"), "set `projects` or `groups`");
    assert!(failure(r#"{"projects": ["api"]}"#).starts_with("`api` is no path"));
    assert!(failure(r#"{"projects": ["acme/api"], "since": "May"}"#).contains("2025-01-01"));
}

fn answering(version: (u16, &str)) -> Cassette {
    let probe = |name: &str| format!("GET /projects/acme%2Fapi/{name}?per_page=1");
    let own = r#"{"path_with_namespace": "acme/api", "releases_access_level": "disabled"}"#;
    let cassette = Cassette::default().on_status("GET /version", version.0, &[], version.1);
    let cassette = cassette.on("GET /user", r#"{"username": "weir"}"#);
    let cassette = cassette.on("GET /personal_access_tokens/self", r#"{"scopes": ["read_user"]}"#);
    let cassette = cassette.on("GET /projects/acme%2Fapi", own);
    let cassette = cassette.on("GET /projects/acme%2Fdocs", r#"{"path_with_namespace": "Acme/docs"}"#);
    let cassette = cassette.on_status("GET /projects/acme%2Fweb", 404, &[], r#"{"message": "404 Project Not Found"}"#);
    ["repository/commits", "merge_requests", "pipelines", "deployments", "issues", "releases"].iter().fold(
        cassette,
        |cassette, name| {
            let status = if matches!(*name, "pipelines" | "releases") { 403 } else { 200 };
            cassette.on_status(&probe(name), status, &[], "[]")
        },
    )
}

#[test]
fn a_check_says_what_is_missing() {
    let cassette = Rc::new(answering((200, r#"{"version": "18.2.1"}"#)));
    let checkup = mock::check::<GitLab>(&cassette, r#"{"projects": ["acme/web", "acme/docs", "acme/api"]}"#).unwrap();
    expect![[r#"
        Checkup {
            tool: "GitLab 18.2.1",
            identity: Some(
                "weir",
            ),
            missing: [
                "the scope `read_api`; it has read_user",
                "pipelines and jobs: the role Reporter",
                "acme/web: the tool answered with status 404: 404 Project Not Found",
                "acme/docs: GitLab spells it `Acme/docs`; write it so",
            ],
        }
    "#]]
    .assert_eq(&format!("{checkup:#?}\n"));
    let cassette = Rc::new(answering((404, r#"{"error": "404 Not Found"}"#)));
    let failure = mock::check::<GitLab>(&cassette, SETTINGS).unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Config, "gitlab.url"));
    let cassette = Rc::new(answering((401, r#"{"message": "401 Unauthorized"}"#)));
    assert_eq!(mock::check::<GitLab>(&cassette, SETTINGS).unwrap_err().kind, FailureKind::Auth);
}
