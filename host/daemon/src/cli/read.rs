//! Reading commands: ask, and print.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;
use weir_model::EntityId;

use super::access::{self, Access, blocking, catch_up};
use super::args::{Links, Metrics, Scope, Search, Show, Suspects};
use super::{Answer, print};
use crate::error::Fault;
use crate::query::{self, MetricParams, SearchParams, View};

pub(super) async fn search(scope: &Scope, search: &Search) -> Answer {
    if search.list {
        return searches(scope).await;
    }
    let asked = search.asked();
    let found = match ready(scope).await? {
        Access::Stores(host) => {
            let params = SearchParams::read(asked)?;
            blocking(move || value(query::search(&host, &View::whole(&host.account), &params)?)).await?
        }
        Access::Running(remote) => {
            let query: Vec<_> = asked.iter().map(|(name, value)| (name.as_str(), Some(value.as_str()))).collect();
            remote.get("/v1/search", &query).await?
        }
    };
    print::show(scope, &found, print::search);
    Ok(true)
}

/// Searches that are kept under a name.
async fn searches(scope: &Scope) -> Answer {
    let kept = match access::open(scope).await? {
        Access::Stores(host) => value(query::saved_searches(&host.config, &crate::access::Sight::whole()))?,
        Access::Running(remote) => remote.get("/v1/searches", &[]).await?,
    };
    print::show(scope, &kept, print::searches);
    Ok(true)
}

pub(super) async fn metrics(scope: &Scope, asked: &Metrics) -> Answer {
    let access = ready(scope).await?;
    let names = if asked.names.is_empty() { metric_names(&access).await? } else { asked.names.clone() };
    let mut answers = Vec::with_capacity(names.len());
    for name in names {
        answers.push(metric(&access, name, asked).await?);
    }
    // One metric is one object, several are a list.
    let answer = if asked.names.len() == 1 { answers.remove(0) } else { Value::Array(answers) };
    print::show(scope, &answer, print::metrics);
    Ok(true)
}

/// Every metric but those that are segments of another.
async fn metric_names(access: &Access) -> Result<Vec<String>, Fault> {
    let listed = match access {
        Access::Stores(host) => value(query::list_metrics(&host.account.context()).collect::<Vec<_>>())?,
        Access::Running(remote) => remote.get("/v1/metrics", &[]).await?["metrics"].take(),
    };
    let whole = listed.as_array().into_iter().flatten().filter(|definition| definition["part_of"].is_null());
    Ok(whole.filter_map(|definition| definition["name"].as_str()).map(str::to_owned).collect())
}

async fn metric(access: &Access, name: String, asked: &Metrics) -> Result<Value, Fault> {
    let params = MetricParams {
        from: asked.from.clone(),
        to: asked.to.clone(),
        by: Some(asked.by.clone()),
        team: asked.team.clone(),
        project: asked.project.clone(),
        service: asked.service.clone(),
        group: asked.group.clone(),
        definition: asked.definition.clone(),
        bands: asked.bands.clone(),
        reasons: asked.reasons,
    };
    match access {
        Access::Stores(host) => {
            let host = host.clone();
            blocking(move || value(query::metric(&View::whole(&host.account), &name, &params)?)).await
        }
        Access::Running(remote) => remote.get(&format!("/v1/metrics/{}", encoded(&name)), &params.pairs()).await,
    }
}

pub(super) async fn show(scope: &Scope, asked: &Show) -> Answer {
    let id = id(&asked.id)?;
    let found = match ready(scope).await? {
        Access::Stores(host) => {
            let (id, raw) = (id.clone(), asked.raw);
            blocking(move || {
                let Some(entity) = query::entity(&View::whole(&host.account), &id)? else { return Ok(None) };
                let mut entity = value(entity)?;
                entity["notes"] = value(query::notes(&View::whole(&host.account), &id)?)?;
                if raw {
                    entity["raw"] = value(query::raw(&View::whole(&host.account), &id)?)?;
                }
                Ok(Some(entity))
            })
            .await?
        }
        Access::Running(remote) => {
            let path = format!("/v1/entities/{}", encoded(&asked.id));
            let mut entity = remote.find(&path).await?;
            if let Some(entity) = &mut entity {
                entity["notes"] = remote.get(&format!("{path}/notes"), &[]).await?["notes"].take();
            }
            if let (Some(entity), true) = (&mut entity, asked.raw) {
                entity["raw"] = remote.get(&format!("{path}/raw"), &[]).await?["records"].take();
            }
            entity
        }
    };
    let Some(found) = found else {
        eprintln!("there is no `{id}`");
        return Ok(false);
    };
    print::show(scope, &found, |found| print::entity(found, asked.why));
    Ok(true)
}

pub(super) async fn links(scope: &Scope, asked: &Links) -> Answer {
    let Some(text) = &asked.id else { return dangling(scope).await };
    let (id, depth) = (id(text)?, asked.depth);
    let found = match ready(scope).await? {
        Access::Stores(host) => {
            let id = id.clone();
            blocking(move || query::links(&View::whole(&host.account), &id, depth)?.map(value).transpose()).await?
        }
        Access::Running(remote) => remote.find(&format!("/v1/entities/{}/links?depth={depth}", encoded(text))).await?,
    };
    let Some(found) = found else {
        eprintln!("there is no `{id}`");
        return Ok(false);
    };
    print::show(scope, &found, print::links);
    Ok(true)
}

async fn dangling(scope: &Scope) -> Answer {
    let found = match ready(scope).await? {
        Access::Stores(host) => blocking(move || value(query::dangling(&View::whole(&host.account))?)).await?,
        Access::Running(remote) => remote.get("/v1/links/dangling", &[]).await?,
    };
    print::show(scope, &found, print::dangling);
    Ok(true)
}

pub(super) async fn suspects(scope: &Scope, asked: &Suspects) -> Answer {
    let id = id(&asked.build)?;
    let found = match ready(scope).await? {
        Access::Stores(host) => {
            let id = id.clone();
            blocking(move || query::suspects(&View::whole(&host.account), &id)?.map(value).transpose()).await?
        }
        Access::Running(remote) => remote.find(&format!("/v1/builds/{}/suspects", encoded(&asked.build))).await?,
    };
    let Some(found) = found else {
        eprintln!("there is no build `{id}`");
        return Ok(false);
    };
    print::show(scope, &found, print::suspects);
    Ok(true)
}

pub(super) async fn status(scope: &Scope) -> Answer {
    let status = current_status(scope).await?;
    print::show(scope, &status, print::status);
    Ok(true)
}

/// Status again, but only what needs someone; the answer is negative when there is any.
async fn current_status(scope: &Scope) -> Result<Value, Fault> {
    match ready(scope).await? {
        Access::Stores(host) => blocking(move || value(host.status()?)).await,
        Access::Running(remote) => remote.get("/v1/status", &[]).await,
    }
}

/// The data, processed to the end of the log.
pub(super) async fn ready(scope: &Scope) -> Result<Access, Fault> {
    let access = access::open(scope).await?;
    if let Access::Stores(host) = &access {
        catch_up(host).await?;
    }
    Ok(access)
}

pub(super) fn id(text: &str) -> Result<EntityId, Fault> {
    text.parse().map_err(|error: weir_model::id::EntityIdError| {
        Fault::config(error.to_string()).hint("`weir search` shows ids")
    })
}

pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

pub(super) fn value(answer: impl Serialize) -> Result<Value, Fault> {
    serde_json::to_value(answer).map_err(|error| Fault::host("an answer is no JSON").caused_by(error))
}
