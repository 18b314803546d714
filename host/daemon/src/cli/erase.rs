//! `weir erase` and `weir retention`.

use bytes::Bytes;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use weir_model::{DatasetName, EntityKind, IntegrationName, Timestamp};

use super::Answer;
use super::access::{Access, blocking};
use super::args;
use super::print::{list, plain, show};
use super::read::ready;
use crate::audit;
use crate::error::Fault;
use crate::lifecycle::Principal;
use crate::lifecycle::erasure::{self, Scope, ToErase};

#[derive(Debug, Args)]
pub(super) struct Erase {
    /// Only raw records of this integration.
    #[arg(long)]
    integration: Option<IntegrationName>,
    /// Only of this dataset.
    #[arg(long)]
    dataset: Option<DatasetName>,
    /// Only those accepted before this day or instant.
    #[arg(long)]
    before: Option<String>,
    /// Only those that say something about entities of this kind.
    #[arg(long)]
    kind: Option<EntityKind>,
    /// Only those that say something about entities of this project.
    #[arg(long)]
    project: Option<String>,
    /// Only those that name this person; each name, address and log-in apart. `weir people` lists them.
    #[arg(long)]
    person: Vec<String>,
    /// Count, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Retention {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// What the policies of weir.toml would let go now.
    Preview,
    /// Let it go now; a running host does so once a day.
    Run,
}

fn operator() -> Principal {
    Principal { who: audit::operator(), from: "cli".to_owned() }
}

pub(super) async fn erase(scope: &args::Scope, asked: Erase) -> Answer {
    let Erase { integration, dataset, before, kind, project, person, dry_run, reason } = asked;
    let before = before.as_deref().map(instant).transpose()?;
    let wanted = Scope { integration, dataset, before, kind, project, person };
    let asked = ToErase { scopes: vec![wanted], dry_run, reason };
    let one = match ready(scope).await? {
        Access::Running(remote) => remote.post("/v1/erasures", Bytes::from(json!(asked).to_string())).await?,
        Access::Stores(host) => {
            blocking(move || {
                let one = erasure::request(&host, asked, &operator())?;
                let done = erasure::carry_on(&host)?.into_iter().find(|done| done.id == one.id);
                Ok(json!(done.unwrap_or(one)))
            })
            .await?
        }
    };
    show(scope, &one, told);
    Ok(true)
}

pub(super) async fn retention(scope: &args::Scope, asked: &Retention) -> Answer {
    let access = ready(scope).await?;
    match asked.verb {
        Verb::Preview => {
            let seen = match access {
                Access::Running(remote) => remote.get("/v1/retention/preview", &[]).await?,
                Access::Stores(host) => blocking(move || erasure::preview(&host)).await?,
            };
            show(scope, &seen, |seen| records(&seen["selected"]));
        }
        Verb::Run => {
            let done = match access {
                Access::Running(remote) => remote.post("/v1/retention/run", Bytes::new()).await?,
                Access::Stores(host) => {
                    blocking(move || {
                        let asked = erasure::retire(&host, &operator())?;
                        let done = erasure::carry_on(&host)?;
                        let one = asked.and_then(|one| done.into_iter().find(|done| done.id == one.id));
                        Ok(json!({ "erasure": one }))
                    })
                    .await?
                }
            };
            show(scope, &done, |done| match &done["erasure"] {
                Value::Null => "nothing is to go".to_owned(),
                one => told(one),
            });
        }
    }
    Ok(true)
}

fn instant(text: &str) -> Result<Timestamp, Fault> {
    let parsed = text.parse().ok().or_else(|| format!("{text}T00:00:00Z").parse().ok());
    parsed.ok_or_else(|| {
        Fault::config(format!("`{text}` is no day or instant")).hint("write 2024-01-01 or 2024-01-01T18:00:00Z")
    })
}

fn told(one: &Value) -> String {
    format!("{}  {}\n{}", plain(&one["id"]), plain(&one["state"]), records(&one["records"]))
}

fn records(records: &Value) -> String {
    let mut text = format!(
        "{} raw records of {} bytes, {} stay, {} of them because they are held\n",
        records["selected"], records["bytes"], records["kept"], records["held"]
    );
    for part in list(records, "streams") {
        text += &format!("  {:<32} {:>10}\n", plain(&part["name"]), part["items"].to_string());
    }
    text
}
