//! `weir erase` and `weir retention`.

use bytes::Bytes;
use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use weir_model::{DatasetName, EntityKind, HostName, IntegrationName, Timestamp};

use super::Answer;
use super::access::{Access, blocking};
use super::args;
use super::print::{list, plain, show};
use super::read::ready;
use crate::audit::Actor;
use crate::error::Fault;
use crate::lifecycle::erasure::{self, How, Scope, ToErase};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Erase {
    #[command(subcommand)]
    asked_for: Option<AskedFor>,
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
    /// Only results that this host has forwarded.
    #[arg(long)]
    host: Option<HostName>,
    /// What becomes of them; as `[erasure]` says when left out.
    #[arg(long)]
    how: Option<How>,
    /// Count, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Subcommand)]
enum AskedFor {
    /// What was asked for, the newest first.
    List,
    /// Confirm what somebody else wants to erase.
    Confirm {
        /// Its id.
        id: Uuid,
        /// Confirm by the owner key.
        #[arg(long)]
        owner_key: Option<String>,
    },
    /// Take back what nobody has confirmed.
    Cancel {
        /// Its id.
        id: Uuid,
    },
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

pub(super) async fn erase(scope: &args::Scope, asked: Erase) -> Answer {
    let access = ready(scope).await?;
    let one = match asked.asked_for {
        None => request(access, asked).await?,
        Some(AskedFor::List) => {
            let all = access.ask(Method::GET, "/v1/erasures", &Value::Null).await?.unwrap_or_default();
            show(scope, &all, |all| list(all, "erasures").iter().map(told).collect());
            return Ok(true);
        }
        Some(AskedFor::Confirm { id, owner_key }) => {
            let said = json!({ "owner_key": owner_key });
            let one = access.ask(Method::POST, &format!("/v1/erasures/{id}/confirm"), &said).await?;
            carried_out(access, one.unwrap_or_default()).await?
        }
        Some(AskedFor::Cancel { id }) => {
            let path = format!("/v1/erasures/{id}/cancel");
            access.ask(Method::POST, &path, &Value::Null).await?.unwrap_or_default()
        }
    };
    show(scope, &one, told);
    Ok(true)
}

/// A running host carries out by itself what was asked for; else it is done here.
async fn carried_out(access: Access, one: Value) -> Result<Value, Fault> {
    let Access::Stores(host) = access else { return Ok(one) };
    blocking(move || {
        let done = erasure::carry_on(&host)?.into_iter().map(|done| json!(done));
        Ok(done.into_iter().find(|done| done["id"] == one["id"]).unwrap_or(one))
    })
    .await
}

async fn request(access: Access, asked: Erase) -> Result<Value, Fault> {
    let Erase { asked_for: _, integration, dataset, before, kind, project, person, host, how, dry_run, reason } = asked;
    let before = before.as_deref().map(instant).transpose()?;
    let wanted = Scope { integration, dataset, before, kind, project, person, host, up_to: None };
    let asked = ToErase { scopes: vec![wanted], dry_run, reason, how };
    let one = access.ask(Method::POST, "/v1/erasures", &json!(asked)).await?.unwrap_or_default();
    carried_out(access, one).await
}

pub(super) async fn retention(scope: &args::Scope, asked: &Retention) -> Answer {
    let access = ready(scope).await?;
    match asked.verb {
        Verb::Preview => {
            let seen = match access {
                Access::Running(remote) => remote.get("/v1/retention/preview", &[]).await?,
                Access::Stores(host) => json!(blocking(move || erasure::preview(&host)).await?),
            };
            show(scope, &seen, |seen| format!("{}{}", records(&seen["selected"]), others(seen)));
        }
        Verb::Run => {
            let done = match access {
                Access::Running(remote) => remote.post("/v1/retention/run", Bytes::new()).await?,
                Access::Stores(host) => {
                    blocking(move || {
                        let mut retired = erasure::retire(&host, &Actor::operator())?;
                        let done = erasure::carry_on(&host)?;
                        let asked = retired.erasure.take();
                        retired.erasure = asked.and_then(|one| done.into_iter().find(|done| done.id == one.id));
                        Ok(json!(retired))
                    })
                    .await?
                }
            };
            show(scope, &done, |done| match &done["erasure"] {
                Value::Null => format!("no raw record is to go\n{}", others(done)),
                one => format!("{}{}", told(one), others(done)),
            });
        }
    }
    Ok(true)
}

/// What is to go, or went, besides raw records.
fn others(seen: &Value) -> String {
    let line = |name: &str, what: &str| seen[name].as_u64().map(|n| format!("{n} {what}\n")).unwrap_or_default();
    line("runs", "runs of propels") + &line("audit", "entries of the audit log that say who did it")
}

fn instant(text: &str) -> Result<Timestamp, Fault> {
    let parsed = text.parse().ok().or_else(|| format!("{text}T00:00:00Z").parse().ok());
    parsed.ok_or_else(|| {
        Fault::config(format!("`{text}` is no day or instant")).hint("write 2024-01-01 or 2024-01-01T18:00:00Z")
    })
}

fn told(one: &Value) -> String {
    let mut text = format!("{}  {}\n{}", plain(&one["id"]), plain(&one["state"]), records(&one["records"]));
    if let Some(pseudonym) = one["pseudonym"].as_str() {
        text += &format!("  {pseudonym} takes the place of the person\n");
    }
    for copies in list(one, "copies") {
        let error = copies["error"].as_str();
        let how = if copies["receipt"].is_null() { error.unwrap_or("still to go") } else { "gone" };
        text += &format!("  copies at {}: {how}\n", plain(&copies["url"]));
    }
    text
}

fn records(records: &Value) -> String {
    let mut text = format!(
        "{} raw records of {} bytes, {} stay, {} of them because they are held\n",
        records["selected"], records["bytes"], records["kept"], records["held"]
    );
    if let Some(unreadable) = records["unreadable"].as_u64().filter(|unreadable| *unreadable > 0) {
        text += &format!("{unreadable} more cannot be read, so that nobody knows whether they are meant; they stay\n");
    }
    if let Some(written) = records["written"].as_u64().filter(|written| *written > 0) {
        text += &format!("{written} notes, rows of tables and runs of propels that name the person\n");
    }
    for part in list(records, "streams") {
        text += &format!("  {:<32} {:>10}\n", plain(&part["name"]), part["items"].to_string());
    }
    text
}
