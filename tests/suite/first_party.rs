//! The first-party propels, each as its README writes it but for its addresses, in one host on one day of a team.

use serde_json::{Value, json};
use weir_tests::{Mailbox, Receiver, Running, Weir, until};

use crate::hooks;

/// The commit of the first deployment, and the one that a change brought.
const FIRST: &str = "1111111111111111111111111111111111111111";
const SECOND: &str = "2222222222222222222222222222222222222222";

/// The first TOML of a plugin's page, with its words replaced.
fn recipe(plugin: &str, words: &[(&str, &str)]) -> String {
    let page = format!("{}/../plugins/{plugin}/README.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(page).unwrap();
    let recipe = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap().to_owned();
    words.iter().fold(recipe, |recipe, (from, to)| {
        assert!(recipe.contains(from), "{plugin} does not say {from}");
        recipe.replace(from, to)
    })
}

fn config(tools: &Receiver, mailbox: &Mailbox) -> String {
    let token = (r#"{ env = "GITHUB_TOKEN" }"#, r#"{ env = "REPLAY_TOKEN" }"#);
    let (chat, github) = (("https://chat.example.com", tools.url()), ("https://api.github.com", tools.url()));
    let jira = r#"jira = { url = "https://acme.atlassian.net", auth = { kind = "basic", user = "bot@acme.example", password = { env = "JIRA_TOKEN" } } }"#;
    let own = format!("github = {{ url = \"{}\" }}", tools.url());
    [
        hooks::INTEGRATION.replace("\"hook\"", "\"github\""),
        recipe("propel-notify", &[chat]),
        recipe("propel-suspects", &[github, token]),
        recipe("propel-incident", &[github, token]),
        recipe("propel-announce", &[chat]),
        recipe("propel-flaky", &[]),
        recipe("propel-stale-review", &[chat, github, token]),
        recipe("propel-hygiene", &[("smtps://mail.example.com", &mailbox.url()), (" AND type:Bug", "")]),
        recipe("propel-transition", &[("Released", "closed"), (jira, &own)]),
    ]
    .join("\n")
}

/// A time so many minutes from now.
fn at(minutes: i64) -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_mins(minutes)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn pull(number: u64, title: &str, body: &str, updated: &str, merged: Option<&str>) -> Value {
    let end = |branch: &str, sha: &str| json!({ "ref": branch, "sha": sha, "repo": { "full_name": "acme/api" } });
    json!({
        "action": if merged.is_some() { "closed" } else { "opened" }, "number": number,
        "pull_request": {
            "number": number, "id": 2_000_000 + number, "title": title, "body": body, "draft": false,
            "state": if merged.is_some() { "closed" } else { "open" }, "user": { "login": "ana", "id": 11 },
            "html_url": format!("https://github.com/acme/api/pull/{number}"),
            "created_at": at(-200 * 60), "updated_at": updated, "closed_at": merged.map(|_| updated),
            "merged_at": merged.map(|_| updated), "merged": merged.is_some(), "merge_commit_sha": merged,
            "head": end("mend", merged.unwrap_or(FIRST)), "base": end("main", FIRST),
        },
        "repository": { "id": 99, "name": "api", "full_name": "acme/api" }, "sender": { "login": "ana", "id": 11 },
    })
}

fn hook(host: &Running, event: &str, body: &Value) {
    let id = format!("{event}-{}", body["number"]);
    let signature = weir_tests::signature(hooks::SECRET, body.to_string().as_bytes());
    let client = host.client().with("x-github-event", event).with("x-github-delivery", &id);
    let client = client.with("x-hub-signature-256", &signature);
    let answer = client.post("/v1/webhooks/github", body.to_string().as_bytes());
    assert!(answer.is_success(), "{}", answer.text());
    host.processed();
}

fn post(host: &Running, path: &str, body: &Value) {
    let answer = host.client().post(path, body.to_string().as_bytes());
    assert_eq!(answer.status, 202, "{}", answer.text());
    host.processed();
}

fn build(number: u32, sha: &str, result: &str) -> Value {
    json!({
        "instance_name": "ci", "job_full_name": "api", "build_number": number, "attempt": 1, "result": result, "branch": "main",
        "commit": sha, "repo_url": "https://github.com/acme/api", "start_time": at(0), "end_time": at(0),
    })
}

fn deployment(number: u32, sha: &str) -> Value {
    json!({
        "id": format!("d{number}"), "service": "api", "environment": "production", "result": "success", "version": format!("1.{number}"),
        "commit": sha, "repository": "https://github.com/acme/api", "started_at": at(0), "finished_at": at(0),
    })
}

fn report(number: u32, result: &str) -> Value {
    json!({
        "id": format!("r{number}"), "instance_name": "ci", "job_full_name": "api", "build_number": number, "commit": SECOND,
        "cases": [{ "name": "round", "result": result }],
    })
}

/// A merged change, two deployments, a red build, an incident, a review that waits, a test that cannot decide.
fn a_day(host: &Running) {
    let repository = "https://github.com/acme/api";
    let commit = |sha: &str, parents: &[&str]| json!({ "sha": sha, "parents": parents, "message": "Round the total", "repository": repository, "author": "ana", "committed_at": at(-60) });
    post(host, "/v1/commits", &json!([commit(FIRST, &[]), commit(SECOND, &[FIRST])]));
    let mut issue = hooks::issue(3, "The total is off");
    issue["number"] = json!(3);
    hook(host, "issues", &issue);
    hook(host, "pull_request", &pull(8, "Speak French", "", &at(-120 * 60), None));
    post(host, "/v1/builds", &json!([build(1, FIRST, "success")]));
    post(host, "/v1/deployments", &deployment(1, FIRST));
    hook(host, "pull_request", &pull(7, "Round the total", "Fixes #3", &at(0), Some(SECOND)));
    post(host, "/v1/builds", &json!([build(2, SECOND, "failure")]));
    post(host, "/v1/deployments", &deployment(2, SECOND));
    let incident = json!({
        "context": { "version": "0.4.1", "id": "i1", "source": "/pager", "type": "dev.cdevents.incident.detected.0.2.0", "timestamp": at(1) },
        "subject": { "id": "pay-1", "source": "/pager", "type": "incident", "content": {
            "description": "Totals are wrong", "environment": { "id": "production" }, "service": { "id": "api" } } },
    });
    post(host, "/v1/cdevents", &incident);
    post(host, "/v1/test-reports", &report(2, "failed"));
    post(host, "/v1/builds", &json!([build(3, SECOND, "success")]));
    post(host, "/v1/test-reports", &report(3, "passed"));
}

#[test]
fn each_does_what_its_page_says() {
    let (tools, mailbox) = (Receiver::new(), Mailbox::new(0));
    tools.answer("/repos/acme/api/issues/3", r#"{"state": "open"}"#);
    let weir = Weir::new(&config(&tools, &mailbox));
    let host = weir.run();
    a_day(&host);
    let comments = |number: u64| tools.bodies(&format!("/repos/acme/api/issues/{number}/comments"));
    let said = |number: u64, words: &str| comments(number).iter().any(|body| body.contains(words));
    until("the suspect to be told at its change", || said(7, "api #2"));
    let broke = || tools.bodies("/hook").iter().filter(|body| body.contains("api #2 broke on main")).count();
    until("the team to be told", || broke() == 1);
    until("the change to be told of the incident", || said(7, "Totals are wrong"));
    let moved = || tools.bodies("/repos/acme/api/issues/3").iter().any(|body| body.contains("closed"));
    until("the item to be closed", moved);
    let announced = || {
        tools
            .bodies("/hook")
            .iter()
            .any(|body| body.contains("api 1.2 on production") && body.contains("- Round the total"))
    };
    until("the deployment to be announced with its change", announced);
    let rows = || host.get("/v1/tables/quarantine")["rows"].clone();
    until("the test in quarantine", || rows()[0]["test"] == "round");
    // What waits for a time of the day is asked for now.
    for name in ["stale-reviews", "monday-report"] {
        weir.json(&["propel", "run", name]);
    }
    until("the reminder", || comments(8).len() == 1);
    assert!(tools.bodies("/hook").iter().any(|body| body.contains("1 reviews wait") && body.contains("Speak French")));
    until("the report", || !mailbox.letters().is_empty());
    let letters = mailbox.letters();
    assert!(
        letters[0].text.contains("The total is off") || letters[0].text.contains("assignee"),
        "{}",
        letters[0].text
    );
    // Each once, whatever is collected again.
    a_day(&host);
    for name in ["stale-reviews", "monday-report"] {
        weir.json(&["propel", "run", name]);
    }
    until("the second report", || mailbox.letters().len() >= 2);
    until("nothing to wait", || host.get("/v1/propels/runs?q=state%3Awaiting")["runs"] == json!([]));
    let of_incident = comments(7).iter().filter(|body| body.contains("Totals are wrong")).count();
    assert_eq!((comments(8).len(), of_incident, broke()), (1, 1, 1), "{:#?}", comments(7));
    host.stop();
}
