//! `weir ingest` and `weir replay`.

mod data;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use weir_model::IntegrationName;

use super::access::{self, Access, bar, blocking, catch_up};
use super::args::{Ingest, Scope};
use super::{Answer, print};
use crate::audit;
use crate::error::Fault;
use crate::host::Host;
use crate::ingest::{FileKind, ingest_files, read_file, test_report_files};

/// Size of a body that holds many documents, about.
const BODY_BYTES: usize = 4 << 20;

pub(super) async fn ingest(scope: &Scope, asked: &Ingest) -> Answer {
    if asked.kind == "data" {
        return data::ingest(scope, asked).await;
    }
    let kind: FileKind =
        asked.kind.parse().map_err(|error: String| Fault::config(error).hint("see `weir ingest --help`"))?;
    let integration = match &asked.integration {
        Some(name) => IntegrationName::new(name.as_str()).map_err(|error| Fault::config(error.to_string()))?,
        None => kind.default_integration(),
    };
    let answer = match access::open(scope).await? {
        Access::Stores(host) => here(&host, &integration, &kind, asked).await?,
        Access::Running(remote) => there(&remote, &integration, &kind, asked).await?,
    };
    print::show(scope, &answer, summary);
    Ok(true)
}

async fn here(
    host: &Arc<Host>,
    integration: &IntegrationName,
    kind: &FileKind,
    asked: &Ingest,
) -> Result<Value, Fault> {
    let keeping = bar("keeping", None);
    let ingested =
        ingest_files(&host.account, integration, kind, &asked.files, &|kept| keeping.set_position(kept)).await?;
    keeping.finish_and_clear();
    let processed = catch_up(host).await?;
    Ok(json!({
        "integration": integration,
        "records": ingested.records,
        "duplicates": ingested.duplicates,
        "problems": ingested.problems,
        "changed": processed.changed,
        "rejected": processed.rejected,
        "ignored": processed.ignored,
    }))
}

/// Hands the files to the running host, by the same endpoints collectors use.
async fn there(
    remote: &super::remote::Remote,
    integration: &IntegrationName,
    kind: &FileKind,
    asked: &Ingest,
) -> Result<Value, Fault> {
    let path = |dataset: &str| format!("/v1/{dataset}?integration={integration}");
    let (mut records, mut problems) = (0, Vec::new());
    for file in &asked.files {
        for (dataset, body) in bodies(kind, file, &mut problems)? {
            let pushed = remote.post(&path(dataset), body).await?;
            records += pushed["accepted"].as_u64().unwrap_or(0);
            problems.extend(pushed["problems"].as_array().cloned().unwrap_or_default());
        }
    }
    Ok(json!({ "integration": integration, "records": records, "problems": problems }))
}

/// What to post for a file, and to where.
fn bodies(kind: &FileKind, file: &Path, problems: &mut Vec<Value>) -> Result<Vec<(&'static str, Bytes)>, Fault> {
    match kind {
        FileKind::Rows(format) => Ok(vec![(format.name(), Bytes::from(read_file(file)?))]),
        FileKind::JenkinsHome => {
            let reports = crate::jenkins::scan_folder(file)?;
            Ok(lines("builds", reports.into_iter().map(|report| report.json)))
        }
        FileKind::Git => {
            let (records, found) = crate::git::read_folder(file)?;
            problems.extend(found.into_iter().map(Value::String));
            Ok(lines("commits", records.into_iter().map(|record| record.payload)))
        }
        FileKind::TestReports => {
            let read = |path: PathBuf| Ok(("test-reports", Bytes::from(read_file(&path)?)));
            test_report_files(file).into_iter().map(read).collect()
        }
        FileKind::Webhook(_) => {
            Err(Fault::config("recorded webhooks are taken only while no host runs on the data").hint("stop it first"))
        }
    }
}

/// Documents, one a line, in bodies of a size that the host takes.
fn lines(dataset: &'static str, documents: impl Iterator<Item = Vec<u8>>) -> Vec<(&'static str, Bytes)> {
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for document in documents {
        match bodies.last_mut().filter(|body| body.len() + document.len() < BODY_BYTES) {
            Some(body) => body.extend_from_slice(&document),
            None => bodies.push(document),
        }
        bodies.last_mut().expect("one was pushed").push(b'\n');
    }
    bodies.into_iter().map(|body| (dataset, Bytes::from(body))).collect()
}

fn summary(answer: &Value) -> String {
    let mut text =
        format!("{} records kept for `{}`", answer["records"], answer["integration"].as_str().unwrap_or_default());
    for name in ["changed", "rejected", "ignored", "duplicates"] {
        if let Some(count) = answer[name].as_u64().filter(|count| *count > 0) {
            text += &format!(", {count} {name}");
        }
    }
    for problem in answer["problems"].as_array().into_iter().flatten() {
        text += &format!("\n{}", problem.as_str().map_or_else(|| problem.to_string(), str::to_owned));
    }
    text
}

pub(super) async fn replay(scope: &Scope) -> Answer {
    let host = match access::open(scope).await? {
        Access::Stores(host) => host,
        Access::Running(_) => {
            return Err(Fault::config("a host runs on this data")
                .hint("stop it, or let it: it derives again by itself when definitions change"));
        }
    };
    audit::note(&host.account, audit::by_hand("replay.run", "everything derived")).await?;
    let account = host.account.clone();
    let normaliser = host.normaliser()?;
    let processed = blocking(move || {
        let bar = bar("replaying", Some(account.log.last().0));
        let result = crate::process::replay(&account, normaliser, &mut |watermark| bar.set_position(watermark.0));
        bar.finish_and_clear();
        result
    })
    .await?;
    let answer = json!({ "records": processed.records, "changed": processed.changed, "rejected": processed.rejected, "ignored": processed.ignored });
    print::show(scope, &answer, |answer| {
        format!("{} records replayed, {} changes", answer["records"], answer["changed"])
    });
    Ok(true)
}
