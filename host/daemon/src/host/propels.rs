//! The propels of the configuration, put together.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_model::Filter;
use weir_model::filter::FilterError;

use super::{Host, connections};
use crate::config::PropelConfig;
use crate::error::Fault;
use crate::propel::{Engine, Hours, Pace, Propel, Quiet, Rule, Trigger};
use crate::schedule::{self, Schedule};

/// Every propel.
pub(super) async fn of(host: &Host) -> Result<BTreeMap<String, Arc<Propel>>, Fault> {
    let mut propels = BTreeMap::new();
    for config in host.config.propels() {
        propels.insert(config.name.clone(), Arc::new(one(host, config).await?));
    }
    Ok(propels)
}

/// One of them, which only writes down what it would do.
pub(super) async fn dry(host: &Host, name: &str) -> Result<Propel, Fault> {
    let config = host.config.propels().find(|config| config.name == name);
    let config = config.ok_or_else(|| Fault::config(format!("no propel `{name}`")).hint("see `weir propel list`"))?;
    let mut propel = one(host, config).await?;
    propel.dry = true;
    Ok(propel)
}

async fn one(host: &Host, config: &PropelConfig) -> Result<Propel, Fault> {
    let place = format!("propel `{}`", config.name);
    let engine = match &config.plugin {
        Some(plugin) => Engine::Plugin(host.plugins.get(plugin).await?, crate::config::settings_json(&config.settings)),
        None if config.to.is_some() => Engine::Subscription(host.uri()),
        None => Engine::Rule(Rule {
            items: config.for_each.clone(),
            steps: config.steps.clone(),
            then: config.then.clone(),
        }),
    };
    let connections = connections::of_propel(host, config)?;
    let mut propel = Propel::new(config.name.clone(), engine, trigger(host, &place, config)?, connections);
    propel.mail = connections::mail_of_propel(host, config)?;
    propel.pace = pace(&place, config)?;
    propel.tables = host.tables.clone();
    propel.vocabulary = Arc::new(host.config.vocabulary());
    propel.dry = config.dry_run;
    if let Some(facts) = &config.facts {
        propel.facts = Arc::new(facts.clone());
    }
    config.tables.iter().try_for_each(|table| host.tables.table(table).map(drop))?;
    propel.writes = Arc::new(config.tables.clone());
    for step in config.all_steps() {
        step.table().map(|table| host.tables.table(table)).transpose()?;
    }
    Ok(propel)
}

fn trigger(host: &Host, place: &str, config: &PropelConfig) -> Result<Trigger, Fault> {
    let schedule = match (&config.cron, config.every) {
        (Some(line), _) => Some(Schedule::cron(line, schedule::zone(config.time_zone.as_deref(), place)?, place)?),
        (None, every) => every.map(|every| Schedule::Every(every.0)),
    };
    Ok(Trigger {
        on: config.on.clone(),
        when: filter(host, place, config.when.as_deref())?,
        unless: filter(host, place, config.unless.as_deref())?,
        schedule,
        gates: config.gates.clone(),
        names: config.triggers.clone(),
        digest: config.digest.map(|digest| digest.0),
        throttle: config.throttle.map(|throttle| throttle.0),
    })
}

fn pace(place: &str, config: &PropelConfig) -> Result<Pace, Fault> {
    let default = Pace::default();
    let zone = schedule::zone(config.time_zone.as_deref(), place)?;
    let hours = |hours: &String| hours.parse::<Hours>().map_err(|error| Fault::config(format!("{place}: {error}")));
    let quiet = config.quiet.as_ref().map(hours).transpose()?.map(|hours| Quiet::new(hours, zone));
    Ok(Pace {
        concurrency: config.concurrency.unwrap_or(default.concurrency).clamp(1, 64),
        per_minute: config.per_minute.map(|most| most.max(1)),
        quiet,
        attempts: config.attempts.unwrap_or(default.attempts).max(1),
        keep_runs: config.keep_runs.unwrap_or(default.keep_runs),
    })
}

/// An empty text stands for everything.
fn filter(host: &Host, place: &str, text: Option<&str>) -> Result<Option<Filter>, Fault> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let wrong = |error: FilterError| Fault::config(format!("filter `{text}` of {place}")).caused_by(error);
    host.config.vocabulary().filter(text).map(Some).map_err(wrong)
}
