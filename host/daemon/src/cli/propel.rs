//! `weir propel`, `weir gate` and `weir table`. On a stopped host a command does itself what a running one would.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::access::{self, Access, catch_up};
use super::args::{GateAsked, Propel, PropelVerb, Scope, TableVerb, Tables};
use super::{Answer, print};
use crate::audit::Actor;
use crate::error::Fault;
use crate::propel::{self, DryRun, RunParams};
use crate::{clock, intake, query};

pub(super) async fn propel(scope: &Scope, asked: &Propel) -> Answer {
    let access = access::open(scope).await?;
    let answer = match &access {
        Access::Stores(host) => on_stores(host, &asked.verb).await?,
        Access::Running(remote) => on_running(remote, &asked.verb).await?,
    };
    print::show(scope, &answer, print::propels);
    Ok(true)
}

async fn on_stores(host: &std::sync::Arc<crate::host::Host>, verb: &PropelVerb) -> Result<Value, Fault> {
    let account = &host.account;
    Ok(match verb {
        PropelVerb::List => {
            let now = clock::now();
            let propels = host.propels().await?.values();
            json!({ "propels": propels.map(|propel| query::propel_status(propel, now)).collect::<Vec<_>>() })
        }
        PropelVerb::Runs { propel, query, limit } => {
            let params = RunParams { propel: propel.clone(), q: query.clone().unwrap_or_default(), limit: *limit };
            json!({ "runs": propel::runs(account, &params)? })
        }
        PropelVerb::Run { name, entity, input } => {
            catch_up(host).await?;
            let propel = host.propel(name).await?;
            let run = propel::start(account, &propel, said(entity.as_ref(), input.as_ref())?).await?;
            propel::drain(account, &propel).await?;
            propel::send_waiting(account, &propel).await?;
            json!({ "runs": [propel::find(account, run.id)?] })
        }
        PropelVerb::DryRun { name, since, entity, input } => {
            catch_up(host).await?;
            let propel = host.dry_propel(name).await?;
            let asked = dry_run(since.as_ref(), entity.as_ref(), input.as_ref())?;
            json!({ "runs": propel::dry_run(account, &propel, &asked).await? })
        }
        PropelVerb::Repeat { run } => {
            let known = propel::find(account, *run)?.ok_or_else(|| no_run(*run))?;
            let propel = host.propel(&known.propel).await?;
            let again = propel::repeat(account, &propel, &known).await?;
            propel::drain(account, &propel).await?;
            propel::send_waiting(account, &propel).await?;
            json!({ "runs": [propel::find(account, again.id)?] })
        }
        PropelVerb::Cancel { run } => {
            json!({ "runs": [propel::cancel(account, *run).await?.ok_or_else(|| no_run(*run))?] })
        }
        PropelVerb::DeadLetters { propel, limit } => {
            json!({ "dead_letters": propel::dead_letters(account, propel.as_deref(), *limit)? })
        }
        PropelVerb::SendAgain { name, run } => {
            let propel = host.propel(name).await?;
            let sent = propel::send_again(account, &propel, *run).await?;
            propel::send_waiting(account, &propel).await?;
            json!({ "sent_again": sent })
        }
    })
}

async fn on_running(remote: &super::remote::Remote, verb: &PropelVerb) -> Result<Value, Fault> {
    let listed = |run: Value| json!({ "runs": [run] });
    Ok(match verb {
        PropelVerb::List => remote.get("/v1/propels", &[]).await?,
        PropelVerb::Runs { propel, query, limit } => {
            let limit = limit.map(|limit| limit.to_string());
            let params = [("propel", propel.as_deref()), ("q", query.as_deref()), ("limit", limit.as_deref())];
            remote.get("/v1/propels/runs", &params).await?
        }
        PropelVerb::Run { name, entity, input } => {
            let body = said(entity.as_ref(), input.as_ref())?.to_string();
            listed(remote.post(&format!("/v1/propels/{}/run", encoded(name)), Bytes::from(body)).await?)
        }
        PropelVerb::DryRun { name, since, entity, input } => {
            let asked = json!({
                "since": since,
                "input": entity.as_ref().or(input.as_ref()).map(|_| said(entity.as_ref(), input.as_ref())).transpose()?,
            });
            remote.post(&format!("/v1/propels/{}/dry-run", encoded(name)), Bytes::from(asked.to_string())).await?
        }
        PropelVerb::Repeat { run } => {
            listed(remote.post(&format!("/v1/propels/runs/{run}/repeat"), Bytes::new()).await?)
        }
        PropelVerb::Cancel { run } => {
            listed(remote.post(&format!("/v1/propels/runs/{run}/cancel"), Bytes::new()).await?)
        }
        PropelVerb::DeadLetters { propel, limit } => {
            let limit = limit.map(|limit| limit.to_string());
            let params = [("propel", propel.as_deref()), ("limit", limit.as_deref())];
            remote.get("/v1/propels/dead-letters", &params).await?
        }
        PropelVerb::SendAgain { name, run } => {
            let of_run = run.map(|run| format!("?run={run}")).unwrap_or_default();
            remote.post(&format!("/v1/propels/{}/dead-letters/send{of_run}", encoded(name)), Bytes::new()).await?
        }
    })
}

fn no_run(run: Uuid) -> Fault {
    Fault::config(format!("there is no run {run}")).hint("`weir propel runs` lists them")
}

fn encoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// What somebody says: JSON, and the entity it is about.
fn said(entity: Option<&String>, input: Option<&String>) -> Result<Value, Fault> {
    let wrong = |error: serde_json::Error| {
        Fault::config("`--input` is no JSON object")
            .hint("for example --input '{\"version\": \"2.1\"}'")
            .caused_by(error)
    };
    let mut said: Map<String, Value> =
        input.map(|input| serde_json::from_str(input)).transpose().map_err(wrong)?.unwrap_or_default();
    said.extend(entity.map(|entity| ("entity".to_owned(), json!(entity))));
    Ok(Value::Object(said))
}

fn dry_run(since: Option<&String>, entity: Option<&String>, input: Option<&String>) -> Result<DryRun, Fault> {
    let instant = |text: &String| {
        let day = || format!("{text}T00:00:00Z").parse();
        text.parse().or_else(|_| day()).map_err(|error: weir_model::time::TimeError| {
            Fault::config("cannot read `--since`").hint("2026-03-02 or 2026-03-02T09:30:00Z").caused_by(error)
        })
    };
    let since = since.map(instant).transpose()?;
    let input = entity.or(input).map(|_| said(entity, input)).transpose()?;
    Ok(DryRun { since, input })
}

/// Asks a gate. The answer is in the exit code too: 0 to go on, 1 to stop.
pub(super) async fn gate(scope: &Scope, asked: &GateAsked) -> Answer {
    let build = json!({
        "key": asked.key, "job": asked.job, "number": asked.number, "commit": asked.commit, "branch": asked.branch,
        "environment": asked.environment,
    });
    let answer = match access::open(scope).await {
        Ok(Access::Running(remote)) => {
            remote.post(&format!("/v1/gates/{}", encoded(&asked.gate)), Bytes::from(build.to_string())).await
        }
        Ok(Access::Stores(host)) => {
            catch_up(&host).await?;
            let propels: Vec<_> = host.propels().await?.values().cloned().collect();
            let answered =
                propel::ask(&host.account, propels.into_iter(), &asked.gate, host.gate(&asked.gate), build).await;
            answered.map(|answered| json!(answered))
        }
        Err(fault) => Err(fault),
    };
    let answer = answer.or_else(|fault| {
        if asked.closed {
            return Err(fault);
        }
        Ok(json!({ "gate": asked.gate, "decision": "allow", "unanswered": { "weir": fault.chain() } }))
    })?;
    print::show(scope, &answer, print::gate);
    Ok(answer["decision"] == "allow")
}

pub(super) async fn table(scope: &Scope, asked: &Tables) -> Answer {
    let access = access::open(scope).await?;
    let answer = match (&asked.verb, &access) {
        (TableVerb::List, Access::Running(remote)) => remote.get("/v1/tables", &[]).await?,
        (TableVerb::List, Access::Stores(host)) => {
            let table = |table: &crate::tables::TableConfig| json!({ "name": table.name, "key": table.key, "columns": table.columns });
            json!({ "tables": host.tables.all().map(table).collect::<Vec<_>>() })
        }
        (TableVerb::Show { name }, Access::Running(remote)) => {
            remote.get(&format!("/v1/tables/{}", encoded(name)), &[]).await?
        }
        (TableVerb::Show { name }, Access::Stores(host)) => json!({ "rows": host.tables.rows(&host.account, name)? }),
        (TableVerb::Import { name, file }, access) => {
            let csv = std::fs::read(file)
                .map_err(|error| Fault::config(format!("cannot read {}", file.display())).caused_by(error))?;
            match access {
                Access::Running(remote) => {
                    remote.post(&format!("/v1/tables/{}", encoded(name)), Bytes::from(csv)).await?
                }
                Access::Stores(host) => {
                    let by = Actor::operator().who;
                    let (rows, puts) = host.tables.import(&host.account, name, &csv, &by, clock::now())?;
                    intake::keep(&host.account, puts).await?;
                    json!({ "rows": rows })
                }
            }
        }
    };
    print::show(scope, &answer, print::pretty);
    Ok(true)
}
