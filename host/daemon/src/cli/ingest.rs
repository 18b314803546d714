//! `weir ingest` and `weir replay`.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use weir_model::IntegrationName;

use super::access::{self, Access, bar, blocking, catch_up};
use super::args::{Ingest, Scope};
use super::{Answer, print};
use crate::error::Fault;
use crate::host::Host;
use crate::ingest::{FileKind, ingest_files, read_file};

pub(super) async fn ingest(scope: &Scope, asked: &Ingest) -> Answer {
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
        let pushed = match kind {
            FileKind::Rows(format) => remote.post(&path(format.name()), Bytes::from(read_file(file)?)).await?,
            FileKind::JenkinsHome => {
                let reports = crate::jenkins::scan_folder(file)?;
                let body =
                    reports.into_iter().flat_map(|report| [report.json, b"\n".to_vec()]).flatten().collect::<Vec<u8>>();
                remote.post(&path("builds"), Bytes::from(body)).await?
            }
            FileKind::Webhook(_) => {
                return Err(Fault::config("recorded webhooks are taken only while no host runs on the data")
                    .hint("stop it first"));
            }
        };
        records += pushed["accepted"].as_u64().unwrap_or(0);
        problems.extend(pushed["problems"].as_array().cloned().unwrap_or_default());
    }
    Ok(json!({ "integration": integration, "records": records, "problems": problems }))
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
