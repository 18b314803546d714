//! What people do with propels: start one, repeat a run, take one back, and see what one would have done.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use weir_model::{EventNumber, Timestamp};
use weir_store::{Put, StateKey};

use super::Propel;
use super::attempt::{attempt, keep};
use super::feed::concerns;
use super::run::{Cause, Run, RunState, find};
use crate::account::Account;
use crate::error::Fault;
use crate::query::View;
use crate::{clock, query, state_keys};

/// Most events a dry run goes through.
const EVENTS_MAX: usize = 100_000;
/// Most runs of a dry run.
const RUNS_MAX: usize = 500;

/// Starts a run with what somebody says; `entity` in it names what it is about.
pub async fn start(account: &Account, propel: &Propel, input: Value) -> Result<Run, Fault> {
    let now = clock::now();
    let mut run = Run::new(Uuid::now_v7(), &propel.name, Cause::Hand { input }, now);
    run.put_off(now, None);
    keep(account, Vec::new(), run.puts()).await?;
    propel.live.wake.notify_one();
    Ok(run)
}

/// Somebody outside who pulls a trigger.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// Its name.
    pub trigger: String,
    /// What they say.
    pub input: Value,
    /// The id their message has, the same when it comes again.
    pub delivery_id: Option<String>,
}

/// Starts a run of each of some propels, in one frame with the id of the message. None when that came before.
pub async fn pull(account: &Account, propels: &[Arc<Propel>], pulled: Pulled) -> Result<Option<Vec<Run>>, Fault> {
    let Pulled { trigger, input, delivery_id } = pulled;
    let now = clock::now();
    let taken = delivery_id.map(|id| state_keys::trigger_delivery(&trigger, &id));
    if let Some(key) = &taken
        && account.log.state(key).map_err(Fault::from_log)?.is_some()
    {
        return Ok(None);
    }
    let run = |propel: &Arc<Propel>| {
        let cause = Cause::Trigger { trigger: trigger.clone(), input: input.clone() };
        let mut run = Run::new(Uuid::now_v7(), &propel.name, cause, now);
        run.put_off(now, None);
        run
    };
    let runs: Vec<Run> = propels.iter().map(run).collect();
    let puts = runs.iter().flat_map(Run::puts).chain(taken.map(|key| Put::set(key, Vec::new()))).collect();
    keep(account, Vec::new(), puts).await?;
    for propel in propels {
        propel.live.wake.notify_one();
    }
    Ok(Some(runs))
}

/// Repeats a run with what started it. Its effects have other idempotency keys: somebody wants them again.
pub async fn repeat(account: &Account, propel: &Propel, run: &Run) -> Result<Run, Fault> {
    let now = clock::now();
    let mut again = Run::new(Uuid::now_v7(), &propel.name, run.cause.clone(), now);
    (again.repeats, again.depth, again.entity) = (Some(run.id), run.depth, run.entity.clone());
    again.put_off(now, None);
    keep(account, Vec::new(), again.puts()).await?;
    propel.live.wake.notify_one();
    Ok(again)
}

/// Takes back a run that waits, and actions of it that were not carried out or given up. None when there is no such run.
pub async fn cancel(account: &Account, id: Uuid) -> Result<Option<Run>, Fault> {
    let Some(mut run) = find(account, id)? else { return Ok(None) };
    let mut waiting = account.log.state_under(&state_keys::outbox(&run.propel)).map_err(Fault::from_log)?;
    let of_run = |key: &StateKey| key.parts().get(3).is_some_and(|part| *part == id.to_string().as_bytes());
    waiting.retain(|(key, _)| of_run(key));
    let given_up = state_keys::dead_letters().with(&run.propel).with(id.to_string());
    waiting.extend(account.log.state_under(&given_up).map_err(Fault::from_log)?);
    if run.state != RunState::Waiting && waiting.is_empty() {
        return Err(
            Fault::config(format!("run {id} is {}", run.state.as_str())).hint("only what waits can be taken back")
        );
    }
    run.end(RunState::Cancelled, Some("taken back".to_owned()), clock::now());
    let puts = run.puts().into_iter().chain(waiting.into_iter().map(|(key, _)| Put::remove(key)));
    keep(account, Vec::new(), puts.collect()).await?;
    Ok(Some(run))
}

/// Which events a dry run goes through.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DryRun {
    /// Those that happened since.
    pub since: Option<Timestamp>,
    /// Instead of events: what somebody would say.
    pub input: Option<Value>,
}

/// A run that did not happen.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Imagined {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// What its actions would have sent, in their order.
    pub bodies: Vec<Option<String>>,
}

/// What a propel would do: nothing is sent and nothing kept. `propel` must be dry.
pub async fn dry_run(account: &Arc<Account>, propel: &Propel, asked: &DryRun) -> Result<Vec<Imagined>, Fault> {
    let now = clock::now();
    let runs = match &asked.input {
        Some(input) => vec![Run::new(Uuid::now_v7(), &propel.name, Cause::Hand { input: input.clone() }, now)],
        None => past(account, propel, asked.since, now)?,
    };
    let mut imagined = Vec::with_capacity(runs.len());
    for run in runs {
        let tried = attempt(account, propel, run).await;
        let bodies = tried.asked.iter().map(super::rule::body).collect();
        imagined.push(Imagined { run: tried.run, bodies });
    }
    Ok(imagined)
}

fn past(account: &Account, propel: &Propel, since: Option<Timestamp>, now: Timestamp) -> Result<Vec<Run>, Fault> {
    if propel.trigger.on.is_empty() {
        return Ok(vec![Run::new(Uuid::now_v7(), &propel.name, Cause::Schedule { due: now }, now)]);
    }
    let (mut runs, mut after, mut seen) = (Vec::new(), EventNumber(0), 0);
    while seen < EVENTS_MAX {
        let page = query::events(&View::whole(account), after, 1_000)?;
        if page.events.is_empty() {
            break;
        }
        (after, seen) = (page.next, seen + page.events.len());
        for event in page.events.into_iter().filter(|event| since.is_none_or(|since| event.event.at >= since)) {
            if concerns(account, &propel.trigger, &event)? {
                runs.push(Run::of_event(&propel.name, event, now));
            }
            if runs.len() == RUNS_MAX {
                return Ok(runs);
            }
        }
    }
    Ok(runs)
}
