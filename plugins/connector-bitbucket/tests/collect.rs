//! Whole passes against our own cassettes: which requests are made, which records come, where the next pass begins.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::rc::Rc;

use connector_bitbucket::Bitbucket;
use expect_test::{Expect, expect};
use weir_sdk::mock::{self, Cassette, Collected, Order};

const CLOUD: &str = r#"{"deployment": "cloud", "repositories": ["acme/api"]}"#;
const SERVER: &str = r#"{"deployment": "server", "repositories": ["ACME/api"]}"#;

fn cassette(settings: &str) -> Rc<Cassette> {
    let json = if settings == CLOUD {
        include_str!("../cassettes/cloud.json")
    } else {
        include_str!("../cassettes/server.json")
    };
    Rc::new(Cassette::read(json).unwrap())
}

fn collect(cassette: &Rc<Cassette>, order: &Order) -> Collected {
    mock::collect_whole::<Bitbucket>(cassette, order)
}

fn cursor(collected: &Collected) -> String {
    String::from_utf8(collected.cursor.clone().unwrap()).unwrap()
}

/// One line per record, with what became of it and its diagnostics.
#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(settings: &str, dataset: &str, parent: Option<(&str, &str)>, expected: Expect) {
    expected.assert_eq(&mock::show::<Bitbucket>(&cassette(settings), dataset, parent, settings));
}

#[test]
fn repositories() {
    check(
        CLOUD,
        "repositories",
        None,
        expect![[r#"
        {7001} @1740787200000 {}
          repository acme/api {"name":"acme/api","url":"https://bitbucket.org/acme/api","remotes":["https://weir@bitbucket.org/acme/api.git","git@bitbucket.org:acme/api.git"],"owner":"acme","default_branch":"main","languages":["rust"],"created_at":"2024-01-01T00:00:00.000Z","updated_at":"2025-03-01T00:00:00.000Z","attributes":{"bitbucket.private":true}}
    "#]],
    );
    check(
        SERVER,
        "repositories",
        None,
        expect![[r#"
        7 @- {"deployment":"server"}
          repository ACME/api {"name":"ACME/api","url":"https://git.acme.example/projects/ACME/repos/api/browse","remotes":["https://git.acme.example/scm/acme/api.git","ssh://git@git.acme.example:7999/acme/api.git"],"owner":"ACME","description":"What answers","archived":false}
    "#]],
    );
}

#[test]
fn commits() {
    check(
        CLOUD,
        "commits",
        None,
        expect![[r#"
        acme/api/1111111111111111111111111111111111111111 @1740816000000 {"repository":"acme/api"}
          commit 1111111111111111111111111111111111111111 {"repositories":[{"key":"acme/api"}],"parents":["2222222222222222222222222222222222222222"],"author":{"name":"ana"},"authored_at":"2025-03-01T08:00:00.000Z","message":"api: answer in time\n"}
          person {11} {"name":"Ana Lima","login":"ana","emails":["ana@acme.example"]}
        acme/api/2222222222222222222222222222222222222222 @1738396800000 {"repository":"acme/api"}
          commit 2222222222222222222222222222222222222222 {"repositories":[{"key":"acme/api"}],"author":{"name":"some@body.example"},"authored_at":"2025-02-01T08:00:00.000Z","message":"first"}
    "#]],
    );
    check(
        SERVER,
        "commits",
        None,
        expect![[r#"
        ACME/api/1111111111111111111111111111111111111111 @1740819600000 {"deployment":"server","repository":"ACME/api"}
          commit 1111111111111111111111111111111111111111 {"repositories":[{"key":"ACME/api"}],"parents":["2222222222222222222222222222222222222222"],"author":{"name":"ana"},"authored_at":"2025-03-01T08:00:00.000Z","committer":{"name":"ci"},"committed_at":"2025-03-01T09:00:00.000Z","message":"Pull request #42: answer in time"}
          person 11 {"name":"Ana Lima","login":"ana","emails":["ana@acme.example"],"bot":false,"active":true}
          person 12 {"name":"CI","login":"ci","emails":["ci@acme.example"],"bot":true,"active":true}
        ACME/api/2222222222222222222222222222222222222222 @1738396800000 {"deployment":"server","repository":"ACME/api"}
          commit 2222222222222222222222222222222222222222 {"repositories":[{"key":"ACME/api"}],"author":{"name":"some@body.example"},"authored_at":"2025-02-01T08:00:00.000Z","committer":{"name":"some@body.example"},"committed_at":"2025-02-01T08:00:00.000Z","message":"first"}
    "#]],
    );
}

#[test]
fn pulls() {
    check(
        CLOUD,
        "pulls",
        None,
        expect![[r##"
        acme/api#41 @1738490400000 {"repository":"acme/api"}
          change acme/api#41 {"kind":"proposal","handle":"#41","repository":{"key":"acme/api"},"title":"Idea","state":"open","state_word":"OPEN","draft":true,"author":{"name":"build bot"},"base_branch":"main","head_branch":"idea","base_commit":"222222222222","head_commit":"444444444444","created_at":"2025-02-01T10:00:00.000Z","updated_at":"2025-02-02T10:00:00.000Z"}
        acme/api#42 @1740819600250 {"repository":"acme/api"}
          change acme/api#42 {"kind":"proposal","handle":"#42","repository":{"key":"acme/api"},"head_repository":{"key":"ana/api"},"url":"https://bitbucket.org/acme/api/pull-requests/42","title":"Answer in time","description":"Fixes #3","state":"merged","state_word":"MERGED","draft":false,"author":{"name":"ana"},"merged_by":{"name":"ben"},"reviewers":[{"name":"ben"}],"base_branch":"main","head_branch":"in-time","base_commit":"222222222222","head_commit":"333333333333","merge_commit":"111111111111","created_at":"2025-02-27T10:00:00.000Z","updated_at":"2025-03-01T09:00:00.250Z"}
        acme/api#43 @1740826800000 {"repository":"acme/api"}
          change acme/api#43 {"kind":"proposal","handle":"#43","repository":{"key":"acme/api"},"title":"43","state":"closed","state_word":"DECLINED","created_at":"2025-03-01T10:00:00.000Z","updated_at":"2025-03-01T11:00:00.000Z"}
          ! pulls.source gone
    "##]],
    );
    check(
        SERVER,
        "pulls",
        None,
        expect![[r##"
        ACME/api#42 @1740819600000 {"deployment":"server","repository":"ACME/api"}
          change ACME/api#42 {"kind":"proposal","handle":"#42","repository":{"key":"ACME/api"},"head_repository":{"key":"~ANA/api"},"url":"https://git.acme.example/projects/ACME/repos/api/pull-requests/42","title":"Answer in time","description":"Fixes ACME-3","state":"merged","state_word":"MERGED","draft":false,"author":{"name":"ana"},"reviewers":[{"name":"ben"}],"base_branch":"main","head_branch":"in-time","base_commit":"2222222222222222222222222222222222222222","head_commit":"3333333333333333333333333333333333333333","merge_commit":"1111111111111111111111111111111111111111","created_at":"2025-02-27T10:00:00.000Z","updated_at":"2025-03-01T09:00:00.000Z","merged_at":"2025-03-01T09:00:00.000Z","closed_at":"2025-03-01T09:00:00.000Z"}
        ACME/api#41 @1738490400000 {"deployment":"server","repository":"ACME/api"}
          change ACME/api#41 {"kind":"proposal","handle":"#41","repository":{"key":"ACME/api"},"title":"Idea","state":"open","state_word":"OPEN","base_branch":"main","head_branch":"idea","created_at":"2025-02-01T10:00:00.000Z","updated_at":"2025-02-02T10:00:00.000Z"}
          ! pulls.reviewers none
        ACME/api#42 @1740819600000 {"deployment":"server","repository":"ACME/api"}
          change ACME/api#42 {"kind":"proposal","handle":"#42","repository":{"key":"ACME/api"},"head_repository":{"key":"~ANA/api"},"url":"https://git.acme.example/projects/ACME/repos/api/pull-requests/42","title":"Answer in time","description":"Fixes ACME-3","state":"merged","state_word":"MERGED","draft":false,"author":{"name":"ana"},"reviewers":[{"name":"ben"}],"base_branch":"main","head_branch":"in-time","base_commit":"2222222222222222222222222222222222222222","head_commit":"3333333333333333333333333333333333333333","merge_commit":"1111111111111111111111111111111111111111","created_at":"2025-02-27T10:00:00.000Z","updated_at":"2025-03-01T09:00:00.000Z","merged_at":"2025-03-01T09:00:00.000Z","closed_at":"2025-03-01T09:00:00.000Z"}
        ACME/api#41 @1738490400000 {"deployment":"server","repository":"ACME/api"}
          change ACME/api#41 {"kind":"proposal","handle":"#41","repository":{"key":"ACME/api"},"title":"Idea","state":"open","state_word":"OPEN","base_branch":"main","head_branch":"idea","created_at":"2025-02-01T10:00:00.000Z","updated_at":"2025-02-02T10:00:00.000Z"}
          ! pulls.reviewers none
    "##]],
    );
}

#[test]
fn pull_commits() {
    check(
        CLOUD,
        "pull-commits",
        Some(("pulls", "acme/api#42")),
        expect![[r#"
        acme/api#42/3333333333333333333333333333333333333333 @1740646800000 {"repository":"acme/api","pull":42}
          commit 3333333333333333333333333333333333333333 {"repositories":[{"key":"acme/api"}],"parents":["2222222222222222222222222222222222222222"],"author":{"name":"ana"},"authored_at":"2025-02-27T09:00:00.000Z","message":"answer in time"}
          person {11} {"name":"Ana Lima","login":"ana","emails":["ana@acme.example"]}
          change acme/api#42 {"repository":{"key":"acme/api"},"commits":["3333333333333333333333333333333333333333"]}
    "#]],
    );
    check(
        SERVER,
        "pull-commits",
        Some(("pulls", "ACME/api#42")),
        expect![[r#"
        ACME/api#42/3333333333333333333333333333333333333333 @1740646800000 {"deployment":"server","repository":"ACME/api","pull":42}
          commit 3333333333333333333333333333333333333333 {"repositories":[{"key":"ACME/api"}],"parents":["2222222222222222222222222222222222222222"],"author":{"name":"ana"},"authored_at":"2025-02-27T09:00:00.000Z","committer":{"name":"ana"},"committed_at":"2025-02-27T09:00:00.000Z","message":"answer in time"}
          person 11 {"name":"Ana Lima","login":"ana","emails":["ana@acme.example"]}
          change ACME/api#42 {"repository":{"key":"ACME/api"},"commits":["3333333333333333333333333333333333333333"]}
    "#]],
    );
}

#[test]
fn pull_activity() {
    check(
        CLOUD,
        "pull-activity",
        Some(("pulls", "acme/api#42")),
        expect![[r#"
        acme/api#42/update/2025-03-01T09:00:00.250001+00:00 @1740819600250 {"repository":"acme/api","pull":42}
          change acme/api#42 {"merged_by":{"name":"ben"},"merged_at":"2025-03-01T09:00:00.250Z","closed_at":"2025-03-01T09:00:00.250Z"}
        acme/api#42/approved/{12} @1740736800000 {"repository":"acme/api","pull":42}
          review acme/api#42/approved/{12} {"change":{"key":"acme/api#42"},"author":{"name":"ben"},"verdict":"approved","verdict_word":"approved","submitted_at":"2025-02-28T10:00:00.000Z"}
        acme/api#42/changes-requested/{14} @1740657600000 {"repository":"acme/api","pull":42}
          review acme/api#42/changes-requested/{14} {"change":{"key":"acme/api#42"},"author":{"name":"cat"},"verdict":"changes-requested","verdict_word":"changes_requested","submitted_at":"2025-02-27T12:00:00.000Z"}
        acme/api#42/comment/602 @1740654600000 {"repository":"acme/api","pull":42}
          review acme/api#42/comment/602 {"change":{"key":"acme/api#42"},"author":{"name":"ana"},"parent":{"key":"acme/api#42/comment/601"},"body":"because","submitted_at":"2025-02-27T11:10:00.000Z","updated_at":"2025-02-27T11:10:00.000Z"}
        acme/api#42/comment/601 @1740654000000 {"repository":"acme/api","pull":42}
          review acme/api#42/comment/601 {"change":{"key":"acme/api#42"},"author":{"name":"ben"},"path":"src/lib.rs","body":"why?","url":"https://bitbucket.org/acme/api/pull-requests/42/_/diff#comment-601","submitted_at":"2025-02-27T11:00:00.000Z","updated_at":"2025-02-27T11:00:00.000Z"}
        acme/api#42/comment/600 @1740653460000 {"repository":"acme/api","pull":42}
          ignored: bitbucket.comment.deleted
        acme/api#42/update/2025-02-27T10:00:00+00:00 @1740650400000 {"repository":"acme/api","pull":42}
          ignored: bitbucket.activity.update
    "#]],
    );
    check(
        SERVER,
        "pull-activity",
        Some(("pulls", "ACME/api#42")),
        expect![[r#"
        ACME/api/16 @1740819600000 {"deployment":"server","repository":"ACME/api","pull":42}
          change ACME/api#42 {"merged_by":{"name":"ben"},"merge_commit":"1111111111111111111111111111111111111111","merged_at":"2025-03-01T09:00:00.000Z","closed_at":"2025-03-01T09:00:00.000Z"}
        ACME/api/15 @1740736800000 {"deployment":"server","repository":"ACME/api","pull":42}
          review ACME/api#42/approved/ben {"change":{"key":"ACME/api#42"},"author":{"name":"ben"},"verdict":"approved","verdict_word":"APPROVED","submitted_at":"2025-02-28T10:00:00.000Z"}
        ACME/api/14 @1740736700000 {"deployment":"server","repository":"ACME/api","pull":42}
          review ACME/api#42/changes-requested/cat {"change":{"key":"ACME/api#42"},"author":{"name":"cat"},"verdict":"changes-requested","verdict_word":"REVIEWED","submitted_at":"2025-02-28T09:58:20.000Z"}
        ACME/api/13 @1740736600000 {"deployment":"server","repository":"ACME/api","pull":42}
          review ACME/api#42/approved/cat {"change":{"key":"ACME/api#42"},"author":{"name":"cat"},"verdict":"dismissed","verdict_word":"UNAPPROVED","submitted_at":"2025-02-28T09:56:40.000Z"}
        ACME/api/12 @1740654000000 {"deployment":"server","repository":"ACME/api","pull":42}
          review ACME/api#42/comment/601 {"change":{"key":"ACME/api#42"},"author":{"name":"ben"},"path":"src/lib.rs","body":"why?","submitted_at":"2025-02-27T11:00:00.000Z","updated_at":"2025-02-27T11:00:00.000Z"}
          review ACME/api#42/comment/602 {"change":{"key":"ACME/api#42"},"author":{"name":"ana"},"parent":{"key":"ACME/api#42/comment/601"},"path":"src/lib.rs","body":"because","submitted_at":"2025-02-27T11:10:00.000Z","updated_at":"2025-02-27T11:10:00.000Z"}
        ACME/api/11 @1740650400000 {"deployment":"server","repository":"ACME/api","pull":42}
          ignored: bitbucket.activity.opened
    "#]],
    );
}

#[test]
fn pipelines_and_steps() {
    check(
        CLOUD,
        "pipelines",
        None,
        expect![[r#"
        {802} @1740823200123 {"repository":"acme/api"}
          build acme/api/{802} {"attempt":1,"system":"bitbucket.org","job":"acme/api/pull-requests/**","number":18,"url":"https://bitbucket.org/acme/api/pipelines/results/18","state":"waiting","triggers":[{"kind":"push","text":"PUSH","person":{"name":"ana"}}],"checkouts":[{"repository":{"key":"acme/api"},"branch":"in-time","commit":"3333333333333333333333333333333333333333","base_branch":"main","base_commit":"222222222222"}],"commits":["3333333333333333333333333333333333333333"],"change":{"key":"acme/api#42"},"queued_at":"2025-03-01T10:00:00.123Z"}
        {801} @1740820205123 {"repository":"acme/api"}
          build acme/api/{801} {"attempt":1,"system":"bitbucket.org","job":"acme/api/default","number":17,"url":"https://bitbucket.org/acme/api/pipelines/results/17","state":"finished","result":"failure","result_word":"FAILED","triggers":[{"kind":"manual","text":"MANUAL","person":{"name":"ana"}}],"checkouts":[{"repository":{"key":"acme/api"},"branch":"main","commit":"1111111111111111111111111111111111111111"}],"commits":["1111111111111111111111111111111111111111"],"queued_at":"2025-03-01T09:00:05.123Z","finished_at":"2025-03-01T09:10:05.123Z","duration":590000}
    "#]],
    );
    check(
        CLOUD,
        "pipeline-steps",
        Some(("pipelines", "{801}")),
        expect![[r#"
        {901} @- {"repository":"acme/api"}
          build acme/api/{801} {"stages":[{"key":"{901}","name":"test","kind":"job","state":"finished","result":"failure","result_word":"FAILED","started_at":"2025-03-01T09:00:15.000Z","finished_at":"2025-03-01T09:10:05.000Z","duration":590000}]}
        {902} @- {"repository":"acme/api"}
          build acme/api/{801} {"stages":[{"key":"{902}","name":"deploy","kind":"job","state":"finished","result":"skipped","result_word":"NOT_RUN"}]}
    "#]],
    );
    check(SERVER, "pipelines", None, expect![[""]]);
}

#[test]
fn deployments() {
    check(
        CLOUD,
        "deployments",
        None,
        expect![[r##"
        {1002} @1740819600000 {"repository":"acme/api"}
          deployment {1002} {"attempt":1,"service":"api","environment":{"name":"eu-prod","class":"production"},"kind":"deploy","title":"#17","url":"https://bitbucket.org/acme/api/addon/pipelines/home#!/results/17","state":"waiting","build":{"key":"acme/api/{801}"},"stage":"{904}","repositories":[{"key":"acme/api"}],"commits":["1111111111111111111111111111111111111111"],"queued_at":"2025-03-01T09:00:00.000Z"}
        {1001} @1738407900000 {"repository":"acme/api"}
          deployment {1001} {"attempt":1,"service":"api","environment":{"name":"Staging","class":"staging"},"kind":"deploy","title":"#16","url":"https://bitbucket.org/acme/api/addon/pipelines/home#!/results/16","state":"finished","result":"success","result_word":"SUCCESSFUL","build":{"key":"acme/api/{800}"},"stage":"{903}","repositories":[{"key":"acme/api"}],"commits":["2222222222222222222222222222222222222222"],"queued_at":"2025-02-01T11:00:00.000Z","started_at":"2025-02-01T11:01:00.000Z","finished_at":"2025-02-01T11:05:00.000Z"}
    "##]],
    );
}

#[test]
fn issues() {
    check(
        CLOUD,
        "issues",
        None,
        expect![[r##"
        acme/api#3 @1740819600000 {"repository":"acme/api"}
          work-item acme/api#3 {"handle":"#3","url":"https://bitbucket.org/acme/api/issues/3/too-slow","project":"acme/api","title":"Too slow","description":"Very.","kind":"bug","kind_word":"bug","status":{"name":"resolved","category":"done"},"resolution":"resolved","priority":"major","creator":{"name":"cat"},"components":["edge"],"fix_versions":["1.1"],"created_at":"2025-02-20T10:00:00.000Z","updated_at":"2025-03-01T09:00:00.000Z"}
    "##]],
    );
}

#[test]
fn tags() {
    check(
        CLOUD,
        "tags",
        None,
        expect![[r#"
        acme/api/v1.1 @- {"repository":"acme/api"}
          commit 1111111111111111111111111111111111111111 {"repositories":[{"key":"acme/api"}],"refs":[{"name":"refs/tags/v1.1","at":"2025-03-01T09:30:00.000Z"}]}
    "#]],
    );
    check(
        SERVER,
        "tags",
        None,
        expect![[r#"
        ACME/api/v1.1 @- {"deployment":"server","repository":"ACME/api"}
          commit 1111111111111111111111111111111111111111 {"repositories":[{"key":"ACME/api"}],"refs":[{"name":"refs/tags/v1.1"}]}
    "#]],
    );
}

/// Requests below the one repository and the cursor after them.
fn requests(cassette: &Cassette, collected: &Collected) -> String {
    let below = |line: &String| {
        let line = line.replace("/rest/api/1.0/projects/ACME/repos/api", "").replace("/repositories/acme/api", "");
        format!("{line}\n")
    };
    cassette.heard().iter().map(below).chain([cursor(collected)]).collect()
}

/// A cassette that answers everything with one page.
fn one_page(page: &'static str) -> Rc<Cassette> {
    let repository = r#"{"full_name": "acme/api", "mainbranch": {"name": "release/1"}}"#;
    let answer = move |request: &str| {
        let body = if request == "GET /repositories/acme/api" { repository } else { page };
        Some(mock::Answer::of(body))
    };
    Rc::new(Cassette::default().serving(answer))
}

#[test]
fn the_next_pass_asks_for_what_came_since() {
    let again = |settings: &str, dataset: &str, page| {
        let first = collect(&cassette(settings), &Order::full(dataset, settings));
        let cassette = one_page(page);
        let second = collect(&cassette, &Order::incremental(dataset, settings, first.cursor));
        requests(&cassette, &second)
    };
    let nothing = r#"{"values": [], "isLastPage": true}"#;
    expect![[r#"
        GET 
        GET /commits?pagelen=100&include=release%2F1&exclude=1111111111111111111111111111111111111111
        {"marks":{"acme/api":"1111111111111111111111111111111111111111"}}"#]]
    .assert_eq(&again(CLOUD, "commits", nothing));
    expect![[r#"
        GET /pullrequests?state=OPEN&state=MERGED&state=DECLINED&state=SUPERSEDED&fields=%2Bvalues.participants%2C%2Bvalues.reviewers&pagelen=50&sort=updated_on&q=updated_on%3E%3D%222025-03-01T10%3A59%3A00.000Z%22
        {"marks":{"acme/api":"2025-03-01T11:00:00.000000+00:00"}}"#]].assert_eq(&again(CLOUD, "pulls", nothing));
    expect![[r#"
        GET /pipelines/?sort=-created_on&pagelen=100
        {"marks":{"acme/api":"1740823200123"}}"#]]
    .assert_eq(&again(CLOUD, "pipelines", nothing));
    expect![[r#"
        GET /commits?limit=100&since=1111111111111111111111111111111111111111
        {"marks":{"ACME/api":"1111111111111111111111111111111111111111"}}"#]]
    .assert_eq(&again(SERVER, "commits", nothing));
    let newer = r#"{"values": [{"id": 7, "updatedDate": 1740900000000}], "isLastPage": true}"#;
    expect![[r#"
        GET /pull-requests?state=ALL&order=NEWEST&limit=100
        {"marks":{"ACME/api":"1740900000000"}}"#]]
    .assert_eq(&again(SERVER, "pulls", newer));
}

const SERVER_PULLS: &str = "GET /rest/api/1.0/projects/ACME/repos/api/pull-requests?state=ALL&order=NEWEST&limit=100";

#[test]
fn a_page_of_older_ones_ends_an_incremental_pass_only_when_it_is_in_order() {
    let pass = |page: &str| {
        let next = format!("{SERVER_PULLS}&start=2");
        let cassette = Cassette::default().on(SERVER_PULLS, page).on(&next, r#"{"isLastPage": true, "values": []}"#);
        let cassette = Rc::new(cassette);
        let cursor = Some(b"\x01{\"marks\":{\"ACME/api\":\"1740819600000\"}}".to_vec());
        collect(&cassette, &Order::incremental("pulls", SERVER, cursor));
        cassette.heard().len()
    };
    let page = |first: i64, last: i64| {
        format!(
            r#"{{"isLastPage": false, "nextPageStart": 2, "values": [{{"id": 1, "updatedDate": {first}}}, {{"id": 2, "updatedDate": {last}}}]}}"#
        )
    };
    assert_eq!(pass(&page(1_740_900_000_000, 1_700_000_000_000)), 1);
    assert_eq!(pass(&page(1_600_000_000_000, 1_700_000_000_000)), 2);
}

#[test]
fn a_full_pass_looks_again_at_the_top_for_what_moved_there() {
    let cassette = cassette(SERVER);
    collect(&cassette, &Order::full("pulls", SERVER));
    let second = format!("{SERVER_PULLS}&start=1");
    // The pages of the cassette are so short that the top ends on the second one.
    assert_eq!(cassette.heard(), [SERVER_PULLS, &second, SERVER_PULLS, &second]);
}

#[test]
fn a_head_that_went_with_a_force_push_is_forgotten() {
    let cursor = Some(b"\x01{\"marks\":{\"acme/api\":\"9999999\"}}".to_vec());
    let asked = "GET /repositories/acme/api/commits?pagelen=100&include=main&exclude=9999999";
    let whole = "GET /repositories/acme/api/commits?pagelen=100&include=main";
    let cassette = Cassette::default()
        .on("GET /repositories/acme/api", r#"{"full_name": "acme/api", "mainbranch": {"name": "main"}}"#)
        .on_status(asked, 404, &[], r#"{"type": "error", "error": {"message": "Commit not found"}}"#)
        .on(whole, r#"{"values": [{"hash": "1111111"}]}"#);
    let collected = collect(&Rc::new(cassette), &Order::incremental("commits", CLOUD, cursor));
    assert_eq!(mock::keys(&collected.records), ["acme/api/1111111"]);
    assert_eq!(cursor_text(&collected), r#"{"marks":{"acme/api":"1111111"}}"#);
}

fn cursor_text(collected: &Collected) -> String {
    cursor(collected).split_off(1)
}

#[test]
fn what_is_switched_off_is_no_missing_repository() {
    let tracker = "GET /repositories/acme/api/issues?pagelen=100&sort=updated_on";
    let no_tracker = r#"{"type": "error", "error": {"message": "Repository has no issue tracker."}}"#;
    let off = Cassette::default().on_status(tracker, 404, &[], no_tracker).on("GET /repositories/acme/api", "{}");
    assert_eq!(collect(&Rc::new(off), &Order::full("issues", CLOUD)).records.len(), 0);

    let gone = Cassette::default().on_status(tracker, 404, &[], no_tracker).on_status(
        "GET /repositories/acme/api",
        404,
        &[],
        "{}",
    );
    let failure = mock::collect::<Bitbucket>(&Rc::new(gone), &Order::full("issues", CLOUD)).failure.unwrap();
    assert_eq!(failure.code, "bitbucket.repository.unreadable");

    let commits = "GET /rest/api/1.0/projects/ACME/repos/api/commits?limit=100";
    let exception = r#"{"errors": [{"exceptionName": "com.atlassian.bitbucket.repository.NoDefaultBranchException"}]}"#;
    let empty = Cassette::default().on_status(commits, 404, &[], exception);
    assert_eq!(collect(&Rc::new(empty), &Order::full("commits", SERVER)).records.len(), 0);
}

#[test]
fn an_owner_is_read_whole() {
    let settings = r#"{"deployment": "cloud", "owner": "acme"}"#;
    let listing = "GET /repositories/acme?sort=created_on&pagelen=100";
    let tags = |slug: &str| format!("GET /repositories/acme/{slug}/refs/tags?sort=-target.date&pagelen=100");
    let cassette = Cassette::default()
        .on(
            listing,
            r#"{"values": [{"uuid": "{2}", "full_name": "acme/web"}], "next": "https://api.bitbucket.org/p2"}"#,
        )
        .on("GET https://api.bitbucket.org/p2", r#"{"values": [{"uuid": "{1}", "full_name": "acme/api"}]}"#)
        .on(&tags("api"), r#"{"values": [{"name": "a"}]}"#)
        .on(&tags("web"), r#"{"values": [{"name": "b"}]}"#);
    let cassette = Rc::new(cassette);
    assert_eq!(mock::keys(&collect(&cassette, &Order::full("repositories", settings)).records), ["{2}", "{1}"]);
    assert_eq!(mock::keys(&collect(&cassette, &Order::full("tags", settings)).records), ["acme/api/a", "acme/web/b"]);

    let settings = r#"{"deployment": "server", "owner": "ACME"}"#;
    let listing = "GET /rest/api/1.0/projects/ACME/repos?limit=100";
    let page = r#"{"values": [{"id": 7, "slug": "api", "project": {"key": "ACME"}}], "isLastPage": true}"#;
    let cassette = Rc::new(Cassette::default().on(listing, page));
    assert_eq!(mock::keys(&collect(&cassette, &Order::full("repositories", settings)).records), ["7"]);
}

#[test]
fn check_says_who_and_what_is_missing() {
    let settings = r#"{"deployment": "cloud", "repositories": ["acme/api", "acme/gone", "acme/web"]}"#;
    let below = |path: &str| format!("GET /repositories/acme/api/{path}?pagelen=1");
    let cassette = Cassette::default()
        .on("GET /repositories/acme/api", r#"{"full_name": "acme/api"}"#)
        .on_status("GET /repositories/acme/gone", 404, &[], "{}")
        .on("GET /repositories/acme/web", r#"{"full_name": "Acme/web"}"#)
        .on(&below("commits"), "{}")
        .on(&below("pullrequests"), "{}")
        .on_status(&below("pipelines/"), 403, &[], "{}")
        .on_status(&below("issues"), 404, &[], "{}")
        .on_status("GET /user", 403, &[], "{}");
    let checkup = mock::check::<Bitbucket>(&Rc::new(cassette), settings).unwrap();
    assert_eq!((checkup.tool.as_str(), checkup.identity.as_deref()), ("Bitbucket Cloud", None));
    let missing = [
        "acme/gone: the tool answered with status 404",
        "acme/web: Bitbucket spells it `Acme/web`; write it so",
        "pipelines: read (pipelines, steps, deployments)",
    ];
    assert_eq!(checkup.missing, missing);
}

#[test]
fn check_knows_a_data_center_from_another_page() {
    let properties = "GET /rest/api/1.0/application-properties";
    let user = [("x-ausername", "weir")];
    let cassette = Cassette::default()
        .on(properties, r#"{"version": "8.19.1", "displayName": "Bitbucket"}"#)
        .on("GET /rest/api/1.0/projects/ACME/repos/api", r#"{"slug": "api", "project": {"key": "ACME"}}"#)
        .on_status("GET /rest/api/1.0/projects?limit=1", 200, &user, "{}");
    let checkup = mock::check::<Bitbucket>(&Rc::new(cassette), SERVER).unwrap();
    assert_eq!(checkup.tool, "Bitbucket Server 8.19.1");
    assert_eq!((checkup.identity.as_deref(), checkup.missing.len()), (Some("weir"), 0));

    let elsewhere = Cassette::default().on_status(properties, 404, &[], "{}");
    let failure = mock::check::<Bitbucket>(&Rc::new(elsewhere), SERVER).unwrap_err();
    assert_eq!(failure.code, "bitbucket.check.address");
}

#[test]
fn settings_are_read_strictly() {
    let refused = |settings: &str| mock::check::<Bitbucket>(&Rc::default(), settings).unwrap_err().message;
    expect!["`api` is no repository; write it like workspace/slug, or PROJECT/slug"]
        .assert_eq(&refused(r#"{"repositories": ["api"]}"#));
    expect!["the settings do not fit: `since` is `last year`; write it like 2025-01-01 at line 1 column 21"]
        .assert_eq(&refused(r#"{"since": "last year"}"#));
    expect!["set `repositories` or `owner`"].assert_eq(&refused(r#"{"deployment": "cloud"}"#));
}
