//! Deliveries of webhooks, our own and those others recorded: records, ignored by name, or refused with a reason.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use connector_gitea::Gitea;
use expect_test::expect;
use serde_json::{Value, json};
use weir_sdk::mock;
use weir_sdk::outcome::Outcome;
use weir_sdk::record::{Op, RawRecord};
use weir_sdk::webhook::{Decoded, Delivery};

fn delivery(sender: &str, event: &str, body: impl Into<Vec<u8>>) -> Delivery {
    let header = |part: &str| format!("x-{sender}-{part}");
    mock::delivery(&[(&header("event"), event), (&header("delivery"), "0a1b")], body)
}

fn line(settings: &str, delivery: &Delivery) -> String {
    let accepted = match mock::decode::<Gitea>(settings, delivery) {
        Ok(Decoded::Accepted(accepted)) => accepted,
        Ok(Decoded::Ignored(reason)) => return format!("ignored {reason}"),
        Ok(Decoded::Challenge(text)) => return format!("challenge {text}"),
        Err(failure) => return format!("{:?} {}", failure.kind, failure.code),
    };
    assert_eq!(accepted.id.as_deref(), Some("0a1b"));
    let mut text = String::new();
    for batch in &accepted.batches {
        for record in &batch.records {
            let gone = if record.op == Op::Delete { " gone" } else { "" };
            write!(text, "{} {}{gone}", batch.dataset, record.key).unwrap();
        }
        let outcomes = mock::normalize::<Gitea>(&batch.dataset, settings, &batch.records).unwrap();
        for outcome in outcomes {
            match outcome {
                Outcome::Produced(produced) if produced.diagnostics.is_empty() => {}
                other => write!(text, " {other:?}").unwrap(),
            }
        }
    }
    accepted.refresh.iter().for_each(|dataset| write!(text, " refresh {dataset}").unwrap());
    text
}

#[test]
fn deliveries_give_the_keys_of_polls_or_say_why_not() {
    let repository = r#""repository": {"full_name": "acme/api"}"#;
    let check = |settings: &str, event: &str, rest: &str| {
        line(settings, &delivery("forgejo", event, format!("{{{rest}{repository}}}")))
    };
    assert_eq!(
        check("{}", "pull_request", r#""action": "opened", "pull_request": {"number": 4},"#),
        "pulls acme/api#4"
    );
    assert_eq!(check("{}", "issues", r#""action": "deleted", "issue": {"number": 3},"#), "issues acme/api#3 gone");
    assert_eq!(check("{}", "release", r#""release": {"tag_name": "v1"},"#), "releases acme/api@v1");
    assert_eq!(check("{}", "pull_request_approved", r#""pull_request": {"number": 4},"#), " refresh pulls");
    assert_eq!(check("{}", "create", r#""ref": "v1", "ref_type": "tag","#), " refresh tags");
    assert_eq!(check("{}", "delete", r#""ref": "v1", "ref_type": "tag","#), "tags acme/api@v1 gone");
    assert_eq!(check("{}", "delete", r#""ref": "x", "ref_type": "branch","#), "ignored gitea.event.delete");
    assert_eq!(check("{}", "fork", ""), "ignored gitea.event.fork");
    assert_eq!(check(r#"{"repositories": ["ACME/api"]}"#, "create", r#""ref_type": "tag","#), " refresh tags");
    assert_eq!(check(r#"{"organisation": "other"}"#, "fork", ""), "ignored gitea.repository.not-chosen");
    assert_eq!(check("{}", "issues", ""), "Poison gitea.delivery.incomplete");
    assert_eq!(line("{}", &delivery("gitea", "issues", "no JSON")), "Poison gitea.delivery.unreadable");
    assert_eq!(line("{}", &delivery("other", "issues", "{}")), "Poison gitea.delivery.no-event");
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap().to_string_lossy().into_owned()
}

/// The event of a recorded delivery, by the name of its file.
fn event(name: &str) -> &str {
    match name {
        _ if name.contains("_comment_") => "issue_comment",
        _ if name.starts_with("pull_request") => "pull_request",
        _ if name.starts_with("issues") => "issues",
        _ if name.ends_with("_create") => "create",
        _ if name.ends_with("_delete") => "delete",
        _ => name,
    }
}

#[test]
fn every_recorded_delivery() {
    let mut lines = String::new();
    for sender in ["gitea", "gogs"] {
        let Some(folder) = weir_recordings::shared(&format!("scm/go-scm/{sender}/webhooks")) else { return };
        for file in weir_recordings::files_below(&folder, ".json") {
            let name = name(&file);
            let delivery = delivery(sender, event(&name), std::fs::read(&file).unwrap());
            writeln!(lines, "{sender} {name}: {}", line("{}", &delivery).trim()).unwrap();
        }
    }
    expect![[r"
        gitea branch_create: ignored gitea.event.create
        gitea branch_delete: ignored gitea.event.delete
        gitea issue_comment_created: ignored gitea.event.issue-comment
        gitea issue_comment_deleted: ignored gitea.event.issue-comment
        gitea issue_comment_edited: ignored gitea.event.issue-comment
        gitea issues_closed: issues gogits/hello-world#1
        gitea issues_opened: issues gogits/hello-world#1
        gitea pull_request_closed: pulls jcitizen/my-repo#1
        gitea pull_request_comment_created: ignored gitea.event.issue-comment
        gitea pull_request_comment_deleted: ignored gitea.event.issue-comment
        gitea pull_request_comment_edited: ignored gitea.event.issue-comment
        gitea pull_request_edited: pulls jcitizen/my-repo#1
        gitea pull_request_merged: pulls jcitizen/my-repo#1
        gitea pull_request_opened: pulls jcitizen/my-repo#1
        gitea pull_request_reopened: pulls jcitizen/my-repo#1
        gitea pull_request_synchronized: pulls jcitizen/my-repo#1
        gitea push: pushes gogits/hello-world/refs/heads/master/4522cbcefc20728a5b72b3a86af35e608622c514 refresh commits
        gitea tag_create: refresh tags
        gitea tag_delete: tags gogits/hello-world@v1.0.0 gone
        gogs branch_create: ignored gitea.event.create
        gogs branch_delete: ignored gitea.event.delete
        gogs issue_comment_created: ignored gitea.event.issue-comment
        gogs issue_comment_deleted: ignored gitea.event.issue-comment
        gogs issue_comment_edited: ignored gitea.event.issue-comment
        gogs issues_closed: issues gogits/hello-world#1
        gogs issues_opened: issues gogits/hello-world#1
        gogs pull_request_closed: pulls gogits/hello-world#2
        gogs pull_request_comment_created: ignored gitea.event.issue-comment
        gogs pull_request_comment_deleted: ignored gitea.event.issue-comment
        gogs pull_request_comment_edited: ignored gitea.event.issue-comment
        gogs pull_request_edited: pulls gogits/hello-world#2
        gogs pull_request_opened: pulls gogits/hello-world#2
        gogs pull_request_synchronized: pulls gogits/hello-world#2
        gogs push: pushes gogits/hello-world/refs/heads/master/4522cbcefc20728a5b72b3a86af35e608622c514 refresh commits
        gogs tag_create: refresh tags
        gogs tag_delete: tags gogits/hello-world@v1.0.0 gone
    "]]
    .assert_eq(&lines);
}

#[test]
fn every_recorded_object() {
    let mut tally: BTreeMap<String, usize> = BTreeMap::new();
    let datasets = ["repositories", "commits", "pulls", "issues", "releases", "tags"];
    let dataset = |name: &str| match name {
        "repo" | "repos" => Some("repositories"),
        "commit" | "commits" => Some("commits"),
        "pr" | "prs" => Some("pulls"),
        "issue" | "issues" => Some("issues"),
        "release" | "releases" | "release_create" | "release_update" => Some("releases"),
        _ => None,
    };
    for sender in ["gitea", "gogs"] {
        let Some(folder) = weir_recordings::shared(&format!("scm/go-scm/{sender}")) else { return };
        for file in weir_recordings::files_below(&folder, ".json") {
            let body: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap_or_default();
            let items = body.as_array().cloned().unwrap_or_else(|| vec![body]);
            let record = |item: &Value| {
                RawRecord::upsert("k", item.to_string()).context(&json!({ "repository": "acme/api", "pull": 4 }))
            };
            let records: Vec<_> = items.iter().map(record).collect();
            // Everything as everything: nothing panics.
            for dataset in datasets {
                mock::normalize::<Gitea>(dataset, "{}", &records).unwrap();
            }
            let own = dataset(&name(&file)).filter(|_| !file.to_string_lossy().contains("/webhooks/"));
            for outcome in own.into_iter().flat_map(|own| mock::normalize::<Gitea>(own, "{}", &records).unwrap()) {
                let became = match outcome {
                    Outcome::Produced(produced) if produced.diagnostics.is_empty() => "read".to_owned(),
                    other => format!("{other:?}"),
                };
                *tally.entry(format!("{sender} {}: {became}", own.unwrap_or_default())).or_default() += 1;
            }
        }
    }
    let lines: String = tally.iter().map(|(became, n)| format!("{became}: {n}\n")).collect();
    expect![[r"
        gitea commits: read: 2
        gitea issues: read: 2
        gitea pulls: read: 2
        gitea releases: read: 4
        gitea repositories: read: 2
        gogs commits: read: 1
        gogs issues: read: 2
        gogs repositories: read: 2
    "]]
    .assert_eq(&lines);
}
