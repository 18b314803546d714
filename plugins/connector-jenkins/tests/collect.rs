//! The connector against a cassette of its own: what it asks for, which records come of it, and which entities they become.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod acme;

use std::rc::Rc;

use acme::{Answers, SETTINGS, answers, cassette, collect, short, tape};
use connector_jenkins::Jenkins;
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use weir_sdk::failure::FailureKind;
use weir_sdk::mock::{self, Cassette, Order};

fn full(dataset: &str) -> Order {
    Order::full(dataset, SETTINGS)
}

/// What lies under every build.
fn check_under(dataset: &str, expected: &Expect) {
    expected.assert_eq(&mock::show::<Jenkins>(&Rc::new(cassette()), dataset, Some(("builds", "*")), SETTINGS));
}

#[test]
fn builds_of_jobs_of_every_sort() {
    let found = mock::show::<Jenkins>(&Rc::new(cassette()), "builds", None, SETTINGS);
    expect![[r#"
        Team/api/PR-5/1 @1749993060001 {"system":"tool.example","job":"Team/api/PR-5","path":"/job/Team/job/api/job/PR-5","branch":"PR-5","change":"https://github.com/acme/api/pull/5"}
          build Team/api/PR-5/1/1 {"attempt":1,"system":"tool.example","job":"Team/api","number":1,"url":"https://ci.acme.example/job/Team/job/api/job/PR-5/1/","purposes":["build"],"state":"finished","result":"success","result_word":"SUCCESS","triggers":[{"kind":"change","text":"Pull request #5 opened"}],"checkouts":[{"repository":{"name":"git@github.com:acme/api.git"},"branch":"PR-5","commit":"3333333333333333333333333333333333333333"}],"change":{"name":"acme/api#5"},"started_at":"2025-06-15T13:10:00.000Z","finished_at":"2025-06-15T13:11:00.000Z","duration":60000,"log":{"url":"https://ci.acme.example/job/Team/job/api/job/PR-5/1/consoleText"},"attributes":{"ci.job_type":"pipeline","weir.derived":["finished_at"]}}
        Team/api/main/13 @1749996000000 {"system":"tool.example","job":"Team/api/main","path":"/job/Team/job/api/job/main","branch":"main"}
          build Team/api/main/13/1 {"attempt":1,"system":"tool.example","job":"Team/api","number":13,"url":"https://ci.acme.example/job/Team/job/api/job/main/13/","purposes":["build"],"state":"running","triggers":[{"kind":"schedule","text":"Started by timer"}],"started_at":"2025-06-15T14:00:00.000Z","log":{"url":"https://ci.acme.example/job/Team/job/api/job/main/13/consoleText"},"attributes":{"ci.job_type":"pipeline"}}
        Team/api/main/12 @1749994181001 {"system":"tool.example","job":"Team/api/main","path":"/job/Team/job/api/job/main","branch":"main"}
          build Team/api/main/12/1 {"attempt":1,"system":"tool.example","job":"Team/api","number":12,"title":"1.4.0-rc1","url":"https://ci.acme.example/job/Team/job/api/job/main/12/","purposes":["build"],"state":"finished","result":"unstable","result_word":"UNSTABLE","triggers":[{"kind":"push","text":"Push event to branch main"}],"checkouts":[{"repository":{"name":"https://github.com/acme/api.git"},"branch":"main","commit":"1111111111111111111111111111111111111111"}],"commits":["1111111111111111111111111111111111111111","2222222222222222222222222222222222222222"],"artifacts":[{"artifact":{"key":"md5:d41d8cd98f00b204e9800998ecf8427e"},"role":"produced"},{"artifact":{"key":"md5:0cc175b9c0f1b6a831c399e269772661"},"role":"consumed"}],"queued_at":"2025-06-15T13:26:33.500Z","started_at":"2025-06-15T13:26:40.000Z","finished_at":"2025-06-15T13:29:41.000Z","queued_for":6500,"duration":181000,"log":{"url":"https://ci.acme.example/job/Team/job/api/job/main/12/consoleText"},"attributes":{"ci.job_type":"pipeline","weir.derived":["finished_at"]}}
          test-report Team/api/main/12/1 {"build":{"key":"Team/api/main/12/1"},"commit":"1111111111111111111111111111111111111111","passed":37,"failed":2,"skipped":1,"started_at":"2025-06-15T13:26:40.000Z","finished_at":"2025-06-15T13:29:41.000Z"}
          artifact md5:d41d8cd98f00b204e9800998ecf8427e {"kind":"file","name":"api.jar","digest":"md5:d41d8cd98f00b204e9800998ecf8427e","build":{"key":"Team/api/main/12/1"}}
          artifact md5:0cc175b9c0f1b6a831c399e269772661 {"kind":"file","name":"base.tar","digest":"md5:0cc175b9c0f1b6a831c399e269772661"}
          commit 1111111111111111111111111111111111111111 {"repositories":[{"name":"https://github.com/acme/api.git"}],"author":{"name":"ana@acme.example"},"authored_at":"2025-06-15T13:25:00.000Z","message":"answer in time\n\nFixes #3","attributes":{"git.author_name":"Ana Lima"}}
          commit 2222222222222222222222222222222222222222 {"repositories":[{"name":"https://github.com/acme/api.git"}],"author":{"name":"ben"},"message":"first","attributes":{"git.author_name":"ben"}}
        Team/api/main/11 @1749995600001 {"system":"tool.example","job":"Team/api/main","path":"/job/Team/job/api/job/main","branch":"main"}
          build Team/api/main/11/1 {"attempt":1,"system":"tool.example","job":"Team/api","number":11,"url":"https://ci.acme.example/job/Team/job/api/job/main/11/","purposes":["build"],"state":"finished","result":"timeout","result_word":"ABORTED","triggers":[{"kind":"upstream","text":"Started by upstream project \"Team/nightly\" build number 4","build":{"key":"Team/nightly/4/1"}}],"started_at":"2025-06-15T12:53:20.000Z","finished_at":"2025-06-15T13:53:20.000Z","duration":3600000,"log":{"url":"https://ci.acme.example/job/Team/job/api/job/main/11/consoleText"},"attributes":{"ci.job_type":"pipeline","weir.derived":["finished_at"]}}
        Team/grid/2 @1749990009001 {"system":"tool.example","job":"Team/grid","path":"/job/Team/job/grid"}
          build Team/grid/2/1 {"attempt":1,"system":"tool.example","job":"Team/grid","number":2,"url":"https://ci.acme.example/job/Team/job/grid/2/","purposes":["build"],"state":"finished","result":"skipped","result_word":"NOT_BUILT","worker":"built-in","started_at":"2025-06-15T12:20:00.000Z","finished_at":"2025-06-15T12:20:09.000Z","duration":9000,"log":{"url":"https://ci.acme.example/job/Team/job/grid/2/consoleText"},"attributes":{"ci.job_type":"matrix","weir.derived":["finished_at"]}}
        Team/grid/jdk=17,os=linux/2 @1749990008101 {"system":"tool.example","job":"Team/grid/jdk=17,os=linux","path":"/job/Team/job/grid/jdk%3D17%2Cos%3Dlinux","within":"Team/grid"}
          build Team/grid/jdk=17,os=linux/2/1 {"attempt":1,"system":"tool.example","job":"Team/grid/jdk=17,os=linux","number":2,"url":"https://ci.acme.example/job/Team/job/grid/jdk=17,os=linux/2/","purposes":["build"],"state":"finished","result":{"unknown":"FROZEN"},"result_word":"FROZEN","parent":{"key":"Team/grid/2/1"},"worker":"linux-3","started_at":"2025-06-15T12:20:00.100Z","finished_at":"2025-06-15T12:20:08.100Z","duration":8000,"log":{"url":"https://ci.acme.example/job/Team/job/grid/jdk=17,os=linux/2/consoleText"},"attributes":{"ci.job_type":"matrix-configuration","weir.derived":["finished_at"]}}
          ! builds.result FROZEN
        a/b/c/d/e/deep/1 @1749980000001 {"system":"tool.example","job":"a/b/c/d/e/deep","path":"/job/a/job/b/job/c/job/d/job/e/job/deep"}
          build a/b/c/d/e/deep/1/1 {"attempt":1,"system":"tool.example","job":"a/b/c/d/e/deep","number":1,"title":"1","url":"https://ci.acme.example/job/a/job/b/job/c/job/d/job/e/job/deep/1/","purposes":["build"],"state":"finished","result":"success","result_word":"SUCCESS","triggers":[{"kind":"manual","text":"Started by user anonymous"}],"started_at":"2025-06-15T09:33:20.000Z","log":{"url":"https://ci.acme.example/job/a/job/b/job/c/job/d/job/e/job/deep/1/consoleText"},"attributes":{"ci.job_type":"freestyle"}}
          ! builds.building no
          ! builds.duration -5
        deploy-prod/7 @1749997030001 {"system":"tool.example","job":"deploy-prod","path":"/job/deploy-prod"}
          build deploy-prod/7/1 {"attempt":1,"system":"tool.example","job":"deploy-prod","number":7,"url":"https://ci.acme.example/job/deploy-prod/7/","purposes":["deploy"],"state":"finished","result":"failure","result_word":"FAILURE","triggers":[{"kind":"manual","text":"Started by user Ben","person":{"name":"ben"}}],"parameters":[{"name":"env","kind":"StringParameterValue","value":"eu-prod","withheld":false},{"name":"dry","kind":"BooleanParameterValue","value":"false","withheld":false},{"name":"P","kind":"PasswordParameterValue","withheld":true},{"name":"DB_PASSWORD","kind":"StringParameterValue","withheld":true},{"name":"proxy","kind":"StringParameterValue","withheld":true},{"name":"from","kind":"RunParameterValue","withheld":false}],"commits":["4444444444444444444444444444444444444444"],"artifacts":[{"artifact":{"key":"md5:d41d8cd98f00b204e9800998ecf8427e"},"role":"consumed"}],"environment":{"name":"eu-prod"},"worker":"built-in","started_at":"2025-06-15T14:16:40.000Z","finished_at":"2025-06-15T14:17:10.000Z","duration":30000,"log":{"url":"https://ci.acme.example/job/deploy-prod/7/consoleText"},"attributes":{"ci.job_type":"freestyle","weir.derived":["finished_at"]}}
          deployment deploy-prod/7/1 {"attempt":1,"service":"deploy-prod","environment":{"name":"eu-prod"},"title":"deploy-prod","url":"https://ci.acme.example/job/deploy-prod/7/","state":"finished","result":"failure","result_word":"FAILURE","author":{"name":"ben"},"build":{"key":"deploy-prod/7/1"},"artifacts":[{"key":"md5:d41d8cd98f00b204e9800998ecf8427e"}],"started_at":"2025-06-15T14:16:40.000Z","finished_at":"2025-06-15T14:17:10.000Z","duration":30000}
          artifact md5:d41d8cd98f00b204e9800998ecf8427e {"kind":"file","name":"api.jar","digest":"md5:d41d8cd98f00b204e9800998ecf8427e"}
          commit 4444444444444444444444444444444444444444 {"author":{"name":"ben@acme.example"},"authored_at":"2025-06-15T14:15:00.000Z","message":"turn it on","attributes":{"git.author_name":"Ben"}}
    "#]].assert_eq(&found);
}

#[test]
fn stages_of_either_plugin() {
    check_under(
        "stages",
        &expect![[r#"
        Team/api/PR-5/1 @1749993060001 {"system":"tool.example","job":"Team/api/PR-5","path":"/job/Team/job/api/job/PR-5","branch":"PR-5","change":"https://github.com/acme/api/pull/5"}
          build Team/api/PR-5/1/1 {"stages":[{"key":"5","name":"Test","kind":"stage","state":"finished","result":"success","result_word":"SUCCESS","started_at":"2025-06-15T13:10:01.000Z","finished_at":"2025-06-15T13:10:51.000Z","duration":50000},{"key":"9","parent":"5","name":"unit","kind":"job","state":"finished","result":"success","result_word":"SUCCESS","started_at":"2025-06-15T13:10:02.000Z","finished_at":"2025-06-15T13:10:42.000Z","duration":40000},{"key":"21","name":"Publish","kind":"stage","state":"finished","result":"skipped","result_word":"NOT_BUILT"},{"key":"30","name":"After","kind":"stage"}]}
        Team/api/main/13 @1749996000000 {"system":"tool.example","job":"Team/api/main","path":"/job/Team/job/api/job/main","branch":"main"}
          build Team/api/main/13/1 {"stages":[{"key":"6","name":"Build","kind":"stage","state":"running","started_at":"2025-06-15T14:00:01.000Z","worker":"linux-1"}]}
        Team/api/main/12 @1749994181001 {"system":"tool.example","job":"Team/api/main","path":"/job/Team/job/api/job/main","branch":"main"}
          build Team/api/main/12/1 {"stages":[{"key":"6","name":"Build","kind":"stage","state":"finished","result":"success","result_word":"SUCCESS","started_at":"2025-06-15T13:26:41.000Z","finished_at":"2025-06-15T13:28:21.000Z","duration":100000,"worker":"linux-1"},{"key":"17","name":"Test","kind":"stage","state":"finished","result":"unstable","result_word":"UNSTABLE","started_at":"2025-06-15T13:28:21.000Z","finished_at":"2025-06-15T13:29:41.000Z","duration":80000,"log":{"tail":"2 tests failed"}},{"key":"33","name":"Publish","kind":"stage","state":"finished","result":"skipped","result_word":"NOT_EXECUTED"}]}
        Team/api/main/11 @1749995600001 {"system":"tool.example","job":"Team/api/main","path":"/job/Team/job/api/job/main","branch":"main"}
          ignored: jenkins.stages.none
    "#]],
    );
}

#[test]
fn tests_that_failed() {
    check_under(
        "tests",
        &expect![[r#"
        Team/api/main/12 @1749994181001 {"system":"tool.example","job":"Team/api/main","path":"/job/Team/job/api/job/main","branch":"main"}
          test-report Team/api/main/12/1 {"build":{"key":"Team/api/main/12/1"},"passed":37,"failed":2,"skipped":1,"duration":61250,"cases":[{"name":"acme.ApiTest/in time","result":"failed","duration":10500,"message":"took 12 s"},{"name":"smoke/acme.Smoke/starts","result":"failed","duration":1000}]}
    "#]],
    );
}

#[test]
fn items_of_the_queue() {
    check_under(
        "queue",
        &expect![[r#"
        Team/api/main/13 @1749996000000 {"system":"tool.example","job":"Team/api/main","path":"/job/Team/job/api/job/main","branch":"main"}
          build Team/api/main/13/1 {"queued_at":"2025-06-15T13:59:50.000Z"}
        deploy-prod/7 @1749997030001 {"system":"tool.example","job":"deploy-prod","path":"/job/deploy-prod"}
          build deploy-prod/7/1 {"queued_at":"2025-06-15T14:16:39.000Z"}
    "#]],
    );
}

#[test]
fn requests_of_a_pass() {
    let tape = Rc::new(cassette());
    collect(&tape, &full("builds"));
    expect![[r"
        GET /job/Team/job/api/job/PR-5/api/json?tree=allBuilds{0,50}
        GET /job/Team/job/api/job/main/api/json?tree=allBuilds{0,50}
        GET /job/Team/job/grid/api/json?tree=allBuilds{0,50}
        GET /job/Team/job/grid/jdk%3D17%2Cos%3Dlinux/api/json?tree=allBuilds{0,50}
        GET /job/a/job/b/job/c/job/d/job/e/job/deep/api/json?tree=allBuilds{0,50}
        GET /job/deploy-prod/api/json?tree=allBuilds{0,50}
    "]]
    .assert_eq(&(heard(&tape).join("\n") + "\n"));
}

#[test]
fn a_request_in_full() {
    let tape = Rc::new(cassette());
    collect(&tape, &full("builds"));
    let heard = tape.heard();
    let page = heard.iter().find(|request| request.contains("deploy-prod")).unwrap();
    let plain =
        page.replace("%5B", "[").replace("%5D", "]").replace("%2C", ",").replace("%7B", "{").replace("%7D", "}");
    expect!["GET /job/deploy-prod/api/json?tree=allBuilds[number,url,displayName,building,result,timestamp,duration,builtOn,queueId,actions[causes[shortDescription,userId,userName,upstreamProject,upstreamBuild,addr],parameters[name,value],lastBuiltRevision[SHA1,branch[name]],remoteUrls,mercurialRevisionNumber,failCount,skipCount,totalCount,queuingDurationMillis,waitingDurationMillis,blockedDurationMillis,buildableDurationMillis],fingerprint[fileName,hash,original[name,number]],changeSet[kind,items[commitId,timestamp,author[fullName],authorEmail,msg,comment]],changeSets[kind,items[commitId,timestamp,author[fullName],authorEmail,msg,comment]]]{0,50}"].assert_eq(&plain);
}

#[test]
fn settings_choose_jobs_and_name_the_instance() {
    let settings = r#"{"jobs": ["Team/api", "deploy-*"], "deployments": ["**/main"], "instance": "main-ci"}"#;
    let collected = collect(&Rc::new(cassette()), &Order::full("builds", settings));
    assert_eq!(collected.failure, None);
    let expected = ["Team/api/PR-5/1", "Team/api/main/13", "Team/api/main/12", "Team/api/main/11", "deploy-prod/7"];
    assert_eq!(mock::keys(&collected.records), expected);
    let outcomes = mock::normalize::<Jenkins>("builds", settings, &collected.records).unwrap();
    let found = mock::describe(&outcomes[3]);
    assert!(found.contains("build main-ci/Team/api/main/11/1 ") && found.contains(r#""system":"main-ci""#), "{found}");
    assert!(found.contains(r#"{"key":"main-ci/Team/nightly/4/1"}"#), "{found}");
    assert!(found.contains("deployment main-ci/Team/api/main/11/1 "), "{found}");
    let since = r#"{"since": "2025-06-15T14:00:00Z"}"#;
    let collected = collect(&Rc::new(cassette()), &Order::full("builds", since));
    // A page holds older ones too; jobs without anything new are not asked.
    assert_eq!(
        mock::keys(&collected.records),
        ["Team/api/main/13", "Team/api/main/12", "Team/api/main/11", "deploy-prod/7"]
    );
}

const HOUR: u64 = 3_600_000;
const START: u64 = 1_749_000_000_000;

fn build(number: u64, is_running: bool) -> Value {
    let duration = if is_running { 0 } else { 1_000 };
    let result = (!is_running).then_some("SUCCESS");
    json!({ "_class": "hudson.model.FreeStyleBuild", "number": number, "building": is_running, "result": result,
            "timestamp": START + number * HOUR, "duration": duration })
}

fn job(name: &str, last: u64) -> Value {
    json!({ "_class": "hudson.model.FreeStyleProject", "name": name, "lastBuild": { "timestamp": START + last * HOUR } })
}

/// A Jenkins of one level with these builds, by job; builds under way are named behind it.
fn jenkins(jobs: &[(&str, Vec<u64>)], running: &[u64]) -> Answers {
    let listed: Vec<_> = jobs.iter().map(|(name, builds)| job(name, builds[0])).collect();
    let mut exchanges = vec![exchange("GET /api/json?tree=jobs", &json!({ "jobs": listed }))];
    for (name, numbers) in jobs {
        let builds: Vec<_> = numbers.iter().map(|number| build(*number, running.contains(number))).collect();
        for from in [0, 49, 98, 147] {
            let page: Vec<_> = builds.iter().skip(from).take(50).collect();
            let request = format!("GET /job/{name}/api/json?tree=allBuilds{{{from},{}}}", from + 50);
            exchanges.push(exchange(&request, &json!({ "allBuilds": page })));
        }
        for (number, build) in numbers.iter().zip(&builds) {
            exchanges.push(exchange(&format!("GET /job/{name}/{number}/api/json?tree=number"), build));
        }
    }
    answers(&Value::Array(exchanges).to_string())
}

fn serving(jobs: &[(&str, Vec<u64>)], running: &[u64]) -> Cassette {
    tape(jenkins(jobs, running))
}

fn exchange(request: &str, body: &Value) -> Value {
    json!({ "request": request, "answer": { "body": body } })
}

fn down_from(number: u64) -> Vec<u64> {
    (1..=number).rev().collect()
}

fn heard(tape: &Cassette) -> Vec<String> {
    tape.heard().iter().map(|request| short(request)).filter(|request| !request.ends_with("tree=jobs")).collect()
}

#[test]
fn a_second_pass_asks_only_for_jobs_with_new_builds() {
    let first = Rc::new(serving(&[("a", down_from(3)), ("b", down_from(5))], &[]));
    let collected = collect(&first, &Order::incremental("builds", SETTINGS, None));
    assert_eq!(mock::keys(&collected.records), ["a/3", "a/2", "a/1", "b/5", "b/4", "b/3", "b/2", "b/1"]);
    let second = Rc::new(serving(&[("a", down_from(3)), ("b", down_from(6))], &[]));
    let collected = collect(&second, &Order::incremental("builds", SETTINGS, collected.cursor));
    assert_eq!(collected.failure, None);
    assert_eq!(heard(&second), ["GET /job/b/api/json?tree=allBuilds{0,50}"]);
    assert_eq!(collected.records[0].key, "b/6");
}

#[test]
fn a_build_under_way_is_read_again_until_it_is_over() {
    let first = Rc::new(serving(&[("a", down_from(2)), ("b", down_from(90))], &[2]));
    let collected = collect(&first, &Order::incremental("builds", SETTINGS, None));
    let running = collected.records.iter().find(|record| record.key == "a/2").unwrap().version;
    let second = Rc::new(serving(&[("a", down_from(2)), ("b", down_from(90))], &[2]));
    let collected = collect(&second, &Order::incremental("builds", SETTINGS, collected.cursor));
    assert!(heard(&second).contains(&"GET /job/a/2/api/json?tree=number".to_owned()));
    let third = Rc::new(serving(&[("a", down_from(2)), ("b", down_from(90))], &[]));
    let collected = collect(&third, &Order::incremental("builds", SETTINGS, collected.cursor));
    let over = collected.records.iter().find(|record| record.key == "a/2").unwrap().version;
    assert!(over > running, "{over:?} {running:?}");
    let fourth = Rc::new(serving(&[("a", down_from(2)), ("b", down_from(90))], &[]));
    collect(&fourth, &Order::incremental("builds", SETTINGS, collected.cursor));
    assert!(!heard(&fourth).contains(&"GET /job/a/2/api/json?tree=number".to_owned()));
}

#[test]
fn long_histories_are_read_page_by_page_down_to_what_is_known() {
    let tape = Rc::new(serving(&[("a", down_from(120))], &[]));
    let collected = collect(&tape, &Order::incremental("builds", SETTINGS, None));
    assert_eq!(collected.records.len(), 50 + 50 + 22);
    let more = Rc::new(serving(&[("a", down_from(180))], &[]));
    let collected = collect(&more, &Order::incremental("builds", SETTINGS, collected.cursor));
    assert_eq!(heard(&more).len(), 2);
    let numbers: std::collections::BTreeSet<_> = collected.records.iter().map(|record| record.key.clone()).collect();
    assert!((121..=180).all(|number| numbers.contains(&format!("a/{number}"))));
}

#[test]
fn builds_that_move_up_while_a_job_is_read_are_not_missed() {
    let before = down_from(80);
    // Three builds were thrown away between the first page and the second.
    let after: Vec<u64> = before.iter().copied().filter(|number| ![78, 77, 76].contains(number)).collect();
    let (before, after) = (jenkins(&[("a", before)], &[]), jenkins(&[("a", after)], &[]));
    let pages = std::cell::Cell::new(0);
    let tape = Cassette::default().serving(move |request| {
        let is_page = short(request).contains("allBuilds");
        let n_pages = pages.replace(pages.get() + u32::from(is_page));
        let place = if n_pages == 0 { &before } else { &after };
        place.get(&short(request)).cloned()
    });
    let collected = collect(&Rc::new(tape), &Order::incremental("builds", SETTINGS, None));
    assert_eq!(collected.failure, None);
    let numbers: std::collections::BTreeSet<_> = collected.records.iter().map(|record| record.key.clone()).collect();
    assert!((1..=75).all(|number| numbers.contains(&format!("a/{number}"))), "{numbers:?}");
}

#[test]
fn builds_jenkins_threw_away_are_history_and_not_deleted() {
    let datasets = <Jenkins as weir_sdk::Connector>::datasets(&connector_settings()).unwrap();
    assert!(datasets.iter().all(|dataset| dataset.rotates), "{datasets:?}");
    let gone = Rc::new(serving(&[("a", vec![9, 8, 7])], &[]));
    let collected = collect(&gone, &full("builds"));
    assert_eq!((collected.failure, mock::keys(&collected.records).len()), (None, 3));
}

fn connector_settings() -> <Jenkins as weir_sdk::Connector>::Settings {
    serde_json::from_str(SETTINGS).unwrap()
}

#[test]
fn one_job_that_cannot_be_read_does_not_keep_the_others_back() {
    let whole = || jenkins(&[("a", down_from(2)), ("b", down_from(4)), ("c", down_from(3))], &[]);
    let mut broken = whole();
    broken.iter_mut().filter(|(request, _)| request.contains("/job/b/")).for_each(|(_, answer)| answer.status = 500);
    let order = |cursor, run_at| Order {
        run_at: weir_sdk::model::Timestamp::from_ms(run_at),
        ..Order::incremental("builds", SETTINGS, cursor)
    };
    let first = Rc::new(tape(broken));
    let collected = collect(&first, &order(None, 1));
    assert_eq!(mock::keys(&collected.records), ["a/2", "a/1", "c/3", "c/2", "c/1"]);
    let failure = collected.failure.unwrap();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Transient, "jenkins.jobs.unreadable"));
    assert!(failure.message.contains(": b"), "{failure}");
    // The next pass begins anew, reads what is new elsewhere, and all of this one once it can.
    let second = Rc::new(tape(whole()));
    let collected = collect(&second, &order(collected.cursor, 2));
    assert_eq!(collected.failure, None);
    assert!(
        mock::keys(&collected.records).starts_with(&["b/4", "b/3", "b/2", "b/1"]),
        "{:?}",
        mock::keys(&collected.records)
    );
    let third = Rc::new(tape(whole()));
    let collected = collect(&third, &order(collected.cursor, 3));
    assert_eq!((collected.failure, heard(&third)), (None, vec!["GET /job/b/api/json?tree=allBuilds{0,50}".to_owned()]));
}

#[test]
fn check_says_what_is_missing() {
    let checkup = mock::check::<Jenkins>(&Rc::new(cassette()), SETTINGS).unwrap();
    assert_eq!((checkup.tool.as_str(), checkup.identity.as_deref()), ("Jenkins 2.479.1", Some("weir")));
    assert_eq!(checkup.missing, Vec::<String>::new());
    let none = mock::check::<Jenkins>(&Rc::new(cassette()), r#"{"jobs": ["nothing"]}"#).unwrap();
    assert_eq!(none.missing, ["jobs: none with builds is seen; the user needs Job/Read, or `jobs` fits none"]);
    let who = r#"{"name": "anonymous", "anonymous": true}"#;
    let pipeline = r#"{"jobs": [{"_class": "x.WorkflowJob", "name": "p", "lastBuild": {"timestamp": 1}}]}"#;
    let plain = answers(&format!(
        r#"[{{"request": "GET /whoAmI/api/json?tree=name", "answer": {{"headers": {{"x-jenkins": "2.1"}}, "body": {who}}}}},
            {{"request": "GET /api/json?tree=jobs", "answer": {{"body": {pipeline}}}}},
            {{"request": "GET /job/p/wfapi/describe", "answer": {{"status": 404, "body": {{}}}}}},
            {{"request": "GET /blue/rest/organizations/jenkins/", "answer": {{"status": 404, "body": {{}}}}}}]"#
    ));
    let checkup = mock::check::<Jenkins>(&Rc::new(tape(plain)), SETTINGS).unwrap();
    assert_eq!(checkup.identity, None);
    assert!(checkup.missing[0].starts_with("stages: neither"), "{:?}", checkup.missing);
    let other = answers(r#"[{"request": "GET /whoAmI/api/json?tree=name", "answer": {"status": 404, "body": "no"}}]"#);
    let failure = mock::check::<Jenkins>(&Rc::new(tape(other)), SETTINGS).unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Config, "jenkins.url"));
    let wrong = mock::check::<Jenkins>(&Rc::new(cassette()), r#"{"since": "yesterday"}"#).unwrap_err();
    assert_eq!(wrong.code, "settings.unreadable");
}
