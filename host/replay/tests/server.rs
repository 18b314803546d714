//! The server as a client sees it: every page once, nothing twice, and each way of failing.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use expect_test::{Expect, expect};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use weir_replay::{Company, Fault, Faults, Options, Server, Size, Webhooks, serve};

const END_MS: i64 = 1_772_809_200_000;

struct Response {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Response {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn next(&self) -> Option<String> {
        let link = self.header("link").split(", ").find(|link| link.ends_with("rel=\"next\""))?;
        Some(link[1..link.find('>').unwrap()].to_owned())
    }
}

fn company() -> Company {
    Company::generate(5, END_MS, Size::Small)
}

async fn start(options: Options) -> Server {
    serve(company(), options).await.unwrap()
}

async fn send(server: &Server, method: &str, target: &str, headers: &str, body: &str) -> Response {
    let path = target.strip_prefix(server.url()).unwrap_or(target);
    let mut stream = TcpStream::connect(server.url().strip_prefix("http://").unwrap()).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A connection that breaks off leaves what came before.
    drop(stream.read_to_end(&mut answer).await);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let headers = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Response { status: head[9..12].parse().unwrap(), headers, body: body.to_owned() }
}

const ALLOWED: &str = "authorization: Bearer demo-token\r\nuser-agent: test\r\n";

async fn get(server: &Server, target: &str) -> Response {
    send(server, "GET", target, ALLOWED, "").await
}

/// Follows the links from `target` to the end. Gives the items of all pages; `field` names the list in an envelope.
async fn all(server: &Server, target: &str, field: Option<&str>) -> Vec<Value> {
    let mut items = Vec::new();
    let mut next = Some(target.to_owned());
    while let Some(target) = next {
        let response = get(server, &target).await;
        assert_eq!(response.status, 200, "{target}: {}", response.body);
        let page = response.json();
        let list = field.map_or(&page, |field| &page[field]);
        items.extend_from_slice(list.as_array().unwrap());
        next = response.next();
    }
    items
}

fn ids(items: &[Value]) -> BTreeSet<u64> {
    items.iter().map(|item| item["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn pages_hold_everything_exactly_once() {
    let server = start(Options::default()).await;
    let counts = server.counts();
    let (mut commits, mut pulls, mut entries, mut runs, mut deployments) = (0, 0, 0, 0, 0);
    for repository in company().repository_names() {
        let base = format!("/repos/{repository}");
        let found = all(&server, &format!("{base}/pulls?state=all&per_page=7"), None).await;
        assert_eq!(ids(&found).len(), found.len());
        pulls += found.len();
        entries += all(&server, &format!("{base}/issues?state=all&per_page=100"), None).await.len();
        let found = all(&server, &format!("{base}/actions/runs?per_page=50"), Some("workflow_runs")).await;
        runs += ids(&found).len();
        deployments += all(&server, &format!("{base}/deployments"), None).await.len();
        let found = all(&server, &format!("{base}/commits?per_page=13"), None).await;
        let shas: BTreeSet<_> = found.iter().map(|commit| commit["sha"].to_string()).collect();
        assert_eq!(shas.len(), found.len());
        let parents = found.iter().flat_map(|commit| commit["parents"].as_array().unwrap());
        assert!(parents.into_iter().all(|parent| shas.contains(&parent["sha"].to_string())), "the graph is closed");
        commits += found.len();
    }
    assert_eq!((pulls, entries), (counts.pulls, counts.pulls + counts.issues));
    assert!(commits > 60 && commits <= counts.commits);
    // The third repository builds and deploys in Jenkins.
    assert!(runs > 100 && runs < counts.runs);
    assert!(deployments > 30 && deployments < counts.deployments);
    server.stop().await;
}

#[tokio::test]
async fn every_part_of_a_pull_request_can_be_read() {
    let server = start(Options::default()).await;
    let base = "/repos/nordwind/payments-api";
    let pulls = all(&server, &format!("{base}/pulls?state=closed&sort=updated&direction=asc&per_page=100"), None).await;
    let updated: Vec<_> = pulls.iter().map(|pull| pull["updated_at"].as_str().unwrap()).collect();
    assert!(updated.is_sorted());
    let (mut reviews, mut remarks) = (0, 0);
    for pull in &pulls {
        let number = pull["number"].as_u64().unwrap();
        let full = get(&server, &format!("{base}/pulls/{number}")).await.json();
        let commits = all(&server, &format!("{base}/pulls/{number}/commits"), None).await;
        assert_eq!(full["commits"].as_u64().unwrap(), u64::try_from(commits.len()).unwrap());
        assert_eq!(commits.last().unwrap()["sha"], full["head"]["sha"]);
        reviews += all(&server, &format!("{base}/pulls/{number}/reviews"), None).await.len();
        remarks += all(&server, &format!("{base}/pulls/{number}/comments"), None).await.len();
    }
    let remarks_of_all = all(&server, &format!("{base}/pulls/comments?per_page=100"), None).await.len();
    assert!(reviews > 10 && remarks > 10 && remarks_of_all >= remarks, "{reviews} {remarks} {remarks_of_all}");
    let size = pulls.iter().map(|pull| pull.to_string().len()).sum::<usize>() / pulls.len();
    assert!((6_000..16_000).contains(&size), "{size} bytes a pull request");
}

#[tokio::test]
async fn runs_have_attempts_and_jobs() {
    let server = start(Options::default()).await;
    let base = "/repos/nordwind/payments-api/actions/runs";
    let runs = all(&server, &format!("{base}?per_page=100&created=%3E%3D2026-02-10"), Some("workflow_runs")).await;
    assert!(runs.iter().all(|run| run["created_at"].as_str().unwrap() >= "2026-02-10"));
    let flaky = runs.iter().find(|run| run["run_attempt"] == 2).expect("some run was tried twice");
    let id = flaky["id"].as_u64().unwrap();
    let first = get(&server, &format!("{base}/{id}/attempts/1")).await.json();
    assert_eq!((first["run_attempt"].clone(), first["conclusion"] == "success"), (1.into(), false));
    let jobs = all(&server, &format!("{base}/{id}/attempts/1/jobs"), Some("jobs")).await;
    assert!(jobs.iter().any(|job| job["conclusion"] != "success"));
    let latest = all(&server, &format!("{base}/{id}/jobs"), Some("jobs")).await;
    assert!(latest.iter().all(|job| job["run_attempt"] == 2 && job["conclusion"] == "success"));
    let both = all(&server, &format!("{base}/{id}/jobs?filter=all"), Some("jobs")).await;
    assert_eq!(both.len(), jobs.len() + latest.len());
}

async fn check_status(options: Options, headers: &str, path: &str, expected: &Expect) {
    let server = start(options).await;
    let response = send(&server, "GET", path, headers, "").await;
    let message = response.json()["message"].as_str().unwrap_or_default().to_owned();
    expected.assert_eq(&format!("{} {message}", response.status));
}

#[tokio::test]
async fn strangers_and_wrong_paths_are_refused() {
    let open = Options::default;
    check_status(open(), "user-agent: test\r\n", "/user", &expect!["401 Requires authentication"]).await;
    let wrong = "user-agent: test\r\nauthorization: Bearer x\r\n";
    check_status(open(), wrong, "/user", &expect!["401 Bad credentials"]).await;
    let nameless = "authorization: token demo-token\r\n";
    check_status(
        open(),
        nameless,
        "/user",
        &expect![[
            r"403 Request forbidden by administrative rules. Please make sure your request has a User-Agent header"
        ]],
    )
    .await;
    check_status(open(), ALLOWED, "/user", &expect!["200 "]).await;
    check_status(open(), ALLOWED, "/repos/nordwind/none", &expect!["404 Not Found"]).await;
    check_status(open(), ALLOWED, "/repos/nordwind/payments-api/pulls/x", &expect!["404 Not Found"]).await;
    let missing = "/repos/nordwind/payments-api/commits?sha=none";
    check_status(open(), ALLOWED, missing, &expect!["422 No commit found for SHA: none"]).await;
    let spent = Options { quota: 0, ..Options::default() };
    check_status(spent, ALLOWED, "/user", &expect!["403 API rate limit exceeded for user ID 990001."]).await;
}

#[tokio::test]
async fn an_unchanged_page_costs_no_quota() {
    let server = start(Options { quota: 10, ..Options::default() }).await;
    let path = "/repos/nordwind/payments-api/pulls?state=all";
    let first = get(&server, path).await;
    assert_eq!((first.header("x-ratelimit-limit"), first.header("x-ratelimit-remaining")), ("10", "9"));
    let conditional = format!("{ALLOWED}if-none-match: {}\r\n", first.header("etag"));
    let second = send(&server, "GET", path, &conditional, "").await;
    assert_eq!((second.status, second.header("x-ratelimit-used"), second.body.as_str()), (304, "1", ""));
    server.break_main("nordwind/payments-api", 1).await.unwrap();
    let limits = get(&server, "/rate_limit").await.json();
    assert_eq!((&limits["rate"]["remaining"], &limits["rate"]["limit"]), (&9.into(), &10.into()));
}

#[tokio::test]
async fn each_fault_fails_in_its_own_way() {
    let path = "/repos/nordwind/payments-api/pulls?state=all";
    let faults = Faults::none()
        .at(1, Fault::Throttled { status: 429, retry_after_s: 3 })
        .at(2, Fault::Status(503))
        .at(3, Fault::Closed)
        .at(4, Fault::Truncated)
        .at(5, Fault::NotJson)
        .on("/pulls", Fault::Slow(Duration::from_millis(1)), 1);
    let server = start(Options { faults, ..Options::default() }).await;
    let throttled = get(&server, path).await;
    assert_eq!((throttled.status, throttled.header("retry-after")), (429, "3"));
    assert_eq!(get(&server, path).await.status, 503);
    let closed = get(&server, path).await;
    assert!(closed.status == 200 && closed.body.len() < closed.header("content-length").parse().unwrap());
    let truncated = get(&server, path).await;
    assert_eq!(truncated.header("content-length"), truncated.body.len().to_string());
    assert!(serde_json::from_str::<Value>(&truncated.body).is_err());
    let page = get(&server, path).await;
    assert!(page.status == 200 && page.body.starts_with("<!DOCTYPE"));
    assert!(get(&server, path).await.json().is_array());
    server.fail("/user", Fault::Status(500), 1);
    assert_eq!((get(&server, "/user").await.status, get(&server, "/user").await.status), (500, 200));
    let failed: Vec<_> = server.recorder().requests().iter().map(|seen| seen.faulty).collect();
    assert_eq!(failed, [true, true, true, true, true, true, true, false]);
    assert_eq!((server.recorder().count("/pulls"), server.recorder().count_status(503)), (6, 1));
}

#[tokio::test]
async fn faults_by_chance_are_the_same_for_a_seed() {
    let statuses = async |seed| {
        let faults = Faults::none().by_chance(seed, 40);
        let server = start(Options { faults, ..Options::default() }).await;
        for _ in 0..30 {
            get(&server, "/user").await;
        }
        server.recorder().requests().iter().map(|seen| (seen.status, seen.faulty)).collect::<Vec<_>>()
    };
    let first = statuses(9).await;
    assert_eq!(first, statuses(9).await);
    assert!((5..20).contains(&first.iter().filter(|(_, faulty)| *faulty).count()));
}

#[tokio::test]
async fn a_main_branch_breaks_and_is_mended_on_demand() {
    let server = start(Options::default()).await;
    let repository = "nordwind/search-indexer";
    let broken = server.break_main(repository, 3).await.unwrap();
    let fixed = server.fix_main(repository).await.unwrap();
    assert_eq!((broken.commits.len(), &fixed.before), (3, broken.commits.last().unwrap()));
    let path = format!("/repos/{repository}/actions/runs?branch=main&event=push&per_page=2");
    let runs = get(&server, &path).await.json();
    let last: Vec<_> = runs["workflow_runs"].as_array().unwrap().iter().map(|run| run["conclusion"].clone()).collect();
    assert_eq!(last, ["success", "failure"]);
    assert_eq!(server.break_main("nordwind/none", 1).await, None);
}

#[tokio::test]
async fn a_filtered_list_of_runs_ends_after_a_thousand() {
    let server = start(Options::default()).await;
    let repository = "nordwind/search-indexer";
    for _ in 0..1_001 {
        server.fix_main(repository).await.unwrap();
    }
    let path = format!("/repos/{repository}/actions/runs?per_page=100");
    let filtered = format!("{path}&branch=main");
    assert_eq!(all(&server, &filtered, Some("workflow_runs")).await.len(), 1_000);
    assert!(get(&server, &filtered).await.json()["total_count"].as_u64() > Some(1_000));
    assert!(all(&server, &path, Some("workflow_runs")).await.len() > 1_000);
}

#[tokio::test]
async fn chat_messages_are_kept() {
    let server = start(Options::default()).await;
    let sent = send(&server, "POST", "/chat", "content-type: application/json\r\n", r#"{"text":"main is red"}"#).await;
    assert_eq!((sent.status, server.chat_messages()), (200, vec![r#"{"text":"main is red"}"#.to_owned()]));
}

#[tokio::test]
async fn webhooks_are_signed_and_listed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/webhooks/github", listener.local_addr().unwrap());
    let receiver = tokio::spawn(async move {
        let mut heads = Vec::new();
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            loop {
                let n = stream.read(&mut chunk).await.unwrap();
                request.extend_from_slice(&chunk[..n]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if body.len() == length.parse::<usize>().unwrap() {
                    heads.push(head.to_owned());
                    break;
                }
            }
            stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        }
        heads
    });
    let webhooks = Some(Webhooks { url, secret: "s".to_owned() });
    let server = start(Options { webhooks, ..Options::default() }).await;
    server.break_main("nordwind/payments-api", 1).await.unwrap();
    let heads = receiver.await.unwrap();
    let events: Vec<_> =
        heads.iter().filter_map(|head| head.lines().find(|line| line.starts_with("x-github-event"))).collect();
    assert_eq!(events, ["x-github-event: push", "x-github-event: workflow_run", "x-github-event: workflow_run"]);
    assert!(
        heads
            .iter()
            .all(|head| head.contains("x-hub-signature-256: sha256=") && head.starts_with("POST /v1/webhooks/github "))
    );
    let deliveries = get(&server, "/app/hook/deliveries").await.json();
    assert_eq!((deliveries[0]["status_code"].clone(), deliveries.as_array().unwrap().len()), (202.into(), 3));
}

#[tokio::test]
async fn the_company_keeps_working() {
    let server = start(Options::default()).await;
    let before = server.counts();
    for _ in 0..300 {
        server.step().await;
    }
    let after = server.counts();
    assert!(after.pulls > before.pulls && after.runs > before.runs && after.deployments > before.deployments);
}

#[tokio::test]
async fn ten_thousand_issues_are_read_page_by_page() {
    let server = serve(Company::issues(10_000), Options { remember: true, ..Options::default() }).await.unwrap();
    let path = "/repos/nordwind/payments-api/issues?state=all&per_page=100&sort=created&direction=asc";
    let issues = all(&server, path, None).await;
    assert_eq!(ids(&issues).len(), 10_000);
    let size = issues.iter().map(|issue| issue.to_string().len()).sum::<usize>() / issues.len();
    assert!((2_000..5_000).contains(&size), "{size} bytes an issue");
    server.stop().await;
}
