//! `weir collect` and `weir check`.

use serde_json::{Value, json};
use weir_model::IntegrationName;

use super::access::{self, Access, bar, catch_up};
use super::args::{Collect, Scope};
use super::{Answer, print};
use crate::audit;
use crate::collect::Depth;
use crate::config::{Collector, IntegrationConfig};
use crate::error::Fault;
use crate::host::Host;

pub(super) async fn collect(scope: &Scope, asked: &Collect) -> Answer {
    let config = access::config(scope)?;
    let names = names(asked, &config.integration)?;
    let depth = if asked.full { Depth::Full } else { Depth::Incremental };
    let runs = match access::open(scope).await? {
        Access::Stores(host) => {
            // A full pass withdraws what it did not see, and sees by what is processed.
            let processing = keep_processing(&host)?;
            let mut runs = Vec::new();
            for name in &names {
                let bar = bar("collecting", None);
                let told = |progress: &crate::collect::CollectProgress| {
                    bar.set_message(format!("{name} {} ({} pages)", progress.dataset, progress.pages));
                    bar.set_position(progress.records);
                };
                audit::note(&host.account, audit::by_hand("integration.collect", name.as_str())).await?;
                let run = host.collect_now(name, depth, &told).await;
                bar.finish_and_clear();
                runs.push(json!({ "integration": name, "run": run? }));
            }
            processing.stop().await;
            catch_up(&host).await?;
            runs
        }
        Access::Running(remote) => {
            let mut runs = Vec::new();
            for name in &names {
                let path = format!("/v1/integrations/{name}/collect?full={}", asked.full);
                runs.push(json!({ "integration": name, "run": remote.post(&path, bytes::Bytes::new()).await? }));
            }
            runs
        }
    };
    let complete = runs.iter().all(|run| run["run"]["failures"].as_array().is_some_and(Vec::is_empty));
    print::show(scope, &json!({ "complete": complete, "runs": runs }), summary);
    if complete {
        Ok(true)
    } else {
        Err(Fault::new(weir_sandbox::Blame::Upstream, "not everything was collected")
            .hint("`weir status` tells what and why; run it again to go on"))
    }
}

fn keep_processing(host: &std::sync::Arc<Host>) -> Result<crate::host::Processing, Fault> {
    crate::host::Processing::start(host)
}

fn names(asked: &Collect, configured: &[IntegrationConfig]) -> Result<Vec<IntegrationName>, Fault> {
    if let Some(name) = &asked.name {
        return Ok(vec![IntegrationName::new(name.as_str()).map_err(|error| Fault::config(error.to_string()))?]);
    }
    let is_polled = |integration: &&IntegrationConfig| {
        integration.plugin.is_some() || integration.collector == Some(Collector::Git)
    };
    let polled = configured.iter().filter(is_polled);
    let names: Vec<_> = polled.map(|integration| integration.name.clone()).collect();
    if names.is_empty() {
        return Err(
            Fault::config("there is nothing to collect").hint("add an `[[integration]]` with a `plugin` to weir.toml")
        );
    }
    Ok(names)
}

fn summary(answer: &Value) -> String {
    let mut text = String::new();
    for run in answer["runs"].as_array().into_iter().flatten() {
        let name = run["integration"].as_str().unwrap_or_default();
        let run = &run["run"];
        text +=
            &format!("{name}: {} records in {} pages, {} withdrawn\n", run["records"], run["pages"], run["withdrawn"]);
        for failure in run["failures"].as_array().into_iter().flatten() {
            text += &format!(
                "  {}: {}\n",
                failure["dataset"].as_str().unwrap_or_default(),
                failure["error"].as_str().unwrap_or_default()
            );
        }
    }
    text
}

/// Checks everything there is to check; the answer is negative when something is missing.
pub(super) async fn check(scope: &Scope) -> Answer {
    let config = access::config(scope)?;
    let host = match access::open(scope).await? {
        Access::Stores(host) => host,
        Access::Running(_) => {
            return Err(Fault::config("a host runs on this data").hint("stop it, or pass another `--data-dir`"));
        }
    };
    let mut lines = Vec::new();
    for integration in &config.integration {
        lines.push(json!({ "integration": integration.name, "result": check_one(&host, integration).await }));
    }
    for propel in host.config.propel.iter().map(|propel| propel.name.clone()) {
        lines.push(json!({ "propel": propel }));
    }
    let propels = host.propels().await;
    let good = propels.is_ok() && lines.iter().all(|line| line["result"]["error"].is_null());
    if let Err(fault) = propels {
        lines.push(json!({ "propels": { "error": fault.chain(), "hint": fault.hint_text() } }));
    }
    print::show(scope, &json!({ "good": good, "checked": lines }), print::checked);
    Ok(good)
}

async fn check_one(host: &Host, integration: &IntegrationConfig) -> Value {
    if integration.collector == Some(Collector::Git) {
        return match crate::git::check(integration) {
            Ok((repositories, missing)) => json!({ "repositories": repositories, "missing": missing }),
            Err(fault) => json!({ "error": fault.chain(), "hint": fault.hint_text() }),
        };
    }
    if integration.plugin.is_none() {
        return match crate::jenkins::home(integration) {
            Ok(_) => json!({ "tool": "a Jenkins home" }),
            Err(fault) => json!({ "error": fault.chain(), "hint": fault.hint_text() }),
        };
    }
    let collection = match host.collection(integration).await {
        Ok(collection) => collection,
        Err(fault) => return json!({ "error": fault.chain(), "hint": fault.hint_text() }),
    };
    match collection.plugin.check(collection.connection.clone(), &collection.source.settings).await {
        Ok(found) => json!({ "tool": found.tool, "identity": found.identity, "missing": found.missing }),
        Err(error) => json!({ "error": Fault::from_call("cannot reach the tool", error).chain() }),
    }
}
