//! Gates: a pipeline asks whether a build may go on, and is answered in time, whatever happens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Propel;
use super::attempt::{attempt, keep, later};
use super::run::{Cause, Decision, Run, RunState};
use crate::account::Account;
use crate::clock;
use crate::error::Fault;

/// Longest wait for an answer.
const DEADLINE_MAX: Duration = Duration::from_secs(60);

/// How a gate is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// Longest wait for an answer.
    pub deadline: Duration,
    /// What is answered when there is none.
    pub otherwise: Otherwise,
}

/// What a gate says when those who decide do not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// The build goes on.
    #[default]
    Allow,
    /// The build stops.
    Stop,
}

impl Default for Gate {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(10), otherwise: Otherwise::Allow }
    }
}

/// The answer of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Answered {
    /// Which gate.
    pub gate: String,
    /// `allow` or `stop`, with the reason.
    #[serde(flatten)]
    pub decision: Decision,
    /// The runs that decided, by propel.
    pub runs: BTreeMap<String, Uuid>,
    /// Propels that gave no answer, and why; the gate's own setting stood in for them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unanswered: BTreeMap<String, String>,
}

/// Asks every propel that decides on a gate. All must allow; the first that stops says why.
pub async fn ask(
    account: &Arc<Account>,
    propels: impl Iterator<Item = Arc<Propel>>,
    name: &str,
    gate: Gate,
    build: Value,
) -> Result<Answered, Fault> {
    let deciding: Vec<Arc<Propel>> = propels.filter(|propel| propel.trigger.gates.contains(name)).collect();
    if deciding.is_empty() {
        return Err(
            Fault::config(format!("no propel decides on the gate `{name}`")).hint("name it under `gates` of a propel")
        );
    }
    let now = clock::now();
    let wait = gate.deadline.min(DEADLINE_MAX);
    let mut answered = Answered {
        gate: name.to_owned(),
        decision: Decision::Allow,
        runs: BTreeMap::new(),
        unanswered: BTreeMap::new(),
    };
    for propel in deciding {
        let left = wait.saturating_sub(Duration::from_millis(u64::try_from(clock::now().ms() - now.ms()).unwrap_or(0)));
        let cause = Cause::Gate { gate: name.to_owned(), build: build.clone(), deadline: later(now, wait) };
        let run = Run::new(Uuid::now_v7(), &propel.name, cause, now);
        let run = decide(account, &propel, run, left).await?;
        answered.runs.insert(propel.name.clone(), run.id);
        match (run.decision, &answered.decision) {
            (Some(stop @ Decision::Stop { .. }), Decision::Allow) => answered.decision = stop,
            (Some(_), _) => {}
            (None, before) => {
                let reason = run.reason.unwrap_or_else(|| "it gave no decision".to_owned());
                if *before == Decision::Allow && gate.otherwise == Otherwise::Stop {
                    let reason = format!("`{}` did not decide ({reason}), and the gate is closed then", propel.name);
                    answered.decision = Decision::Stop { reason };
                }
                answered.unanswered.insert(propel.name.clone(), reason);
            }
        }
    }
    Ok(answered)
}

/// One try within the time that is left. The run is kept before it is answered.
async fn decide(account: &Arc<Account>, propel: &Propel, run: Run, left: Duration) -> Result<Run, Fault> {
    let tried = tokio::time::timeout(left, attempt(account, propel, run.clone())).await;
    let Ok(mut tried) = tried else {
        let mut run = run;
        run.attempts = 1;
        run.end(RunState::Failed, Some("no answer in time".to_owned()), clock::now());
        keep(account, Vec::new(), run.puts()).await?;
        propel.live.tried(&run, true, clock::now());
        return Ok(run);
    };
    // Nobody waits for a second try.
    if tried.run.state == RunState::Waiting {
        let reason = tried.run.reason.take();
        tried.run.end(RunState::Failed, reason, clock::now());
        tried.puts = tried.run.puts();
    }
    propel.live.tried(&tried.run, tried.failed, clock::now());
    if let Err(fault) = keep(account, tried.records, tried.puts).await {
        propel.forget().await;
        return Err(fault);
    }
    propel.live.outbox.notify_one();
    Ok(tried.run)
}
