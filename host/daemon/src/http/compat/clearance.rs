//! Build gates as envelopes ask them: a request for clearance is answered with runs, and then their states are asked for.
//!
//! The gate has decided, and its runs are kept, before they are named. So a build waits once, no state is `running`, and
//! what was decided is the same after a restart.

use std::time::Duration;

use serde_json::{Map, Value, json};
use uuid::Uuid;
use weir_stages::normalise::{shown_parameters, without_credentials};

use crate::error::Fault;
use crate::host::Host;
use crate::propel::{self, Cause, Decision, Gate, Otherwise, Run, RunState};

/// The gate they ask.
const GATE: &str = "clearance";
/// Longest wait: the sender gives up after some ten seconds.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Asks the gate about the build that `payload` describes; the runs that have decided. None: nobody decides, go on.
pub(super) async fn ask(host: &Host, payload: &Value) -> Result<Value, Fault> {
    let propels: Vec<_> = host.propels().await?.values().cloned().collect();
    if !propels.iter().any(|propel| propel.trigger.gates.contains(GATE)) {
        return Ok(json!({ "run_ids": [] }));
    }
    let gate = host.gate(GATE);
    let gate = Gate { deadline: gate.deadline.min(WAIT_MAX), ..gate };
    let answered = propel::ask(&host.account, propels.into_iter(), GATE, gate, build(payload)).await?;
    Ok(json!({ "run_ids": answered.runs.values().collect::<Vec<_>>() }))
}

/// The build as gates are told of one. Its parameters hold no secrets.
fn build(payload: &Value) -> Value {
    let none = Map::new();
    let fields = payload.as_object().unwrap_or(&none);
    let text = |names: &[&str]| names.iter().find_map(|name| fields.get(*name)?.as_str());
    json!({
        "job": text(&["job_full_name", "job_name"]), "user": text(&["user_id"]), "branch": text(&["branch_name"]),
        "repository": text(&["repo_url"]).map(without_credentials),
        "instance": text(&["jenkins_instance_name", "jenkins_instance_guid"]), "parameters": shown_parameters(fields),
    })
}

/// States of the runs that are asked for. One that is not known will never end: it has failed.
pub(super) fn states(host: &Host, payload: &Value) -> Result<Value, Fault> {
    let asked = payload.get("run_ids").and_then(Value::as_array).into_iter().flatten();
    asked.map(|id| state(host, id)).collect()
}

fn state(host: &Host, id: &Value) -> Result<Value, Fault> {
    let known = id.as_str().and_then(|id| id.parse::<Uuid>().ok());
    let run = known.map(|id| propel::find(&host.account, id)).transpose()?.flatten();
    let told = run.map_or(Told::FAILED, |run| Told::of(host, &run));
    let mut state = json!({ "run_id": id, "state": told.state });
    if let Some(result) = told.result {
        state["output"] = json!({ "result": value("result", &result) });
        if told.stops {
            state["output"]["stop_build"] = value("stop_build", "true");
        }
    }
    Ok(state)
}

fn value(key: &str, text: &str) -> Value {
    json!({ "key": key, "value_type": "string", "value": text })
}

/// A run in the sender's words.
struct Told {
    state: &'static str,
    result: Option<String>,
    stops: bool,
}

impl Told {
    const FAILED: Self = Self { state: "failure", result: None, stops: false };

    fn of(host: &Host, run: &Run) -> Self {
        let closed = matches!(&run.cause, Cause::Gate { gate, .. } if host.gate(gate).otherwise == Otherwise::Stop);
        let stop = |reason: String| Self { state: "success", result: Some(reason), stops: true };
        match (&run.decision, run.state) {
            (Some(Decision::Allow), _) => Self { state: "success", result: Some("allow".to_owned()), stops: false },
            (Some(Decision::Stop { reason }), _) => stop(reason.clone()),
            (None, RunState::Waiting) => Self { state: "running", ..Self::FAILED },
            // Nobody decided, and the gate is closed then.
            (None, _) if closed => stop(run.reason.clone().unwrap_or_else(|| "no decision".to_owned())),
            (None, RunState::Done | RunState::Skipped) => {
                Self { state: "success", result: run.reason.clone(), stops: false }
            }
            (None, RunState::Failed | RunState::Cancelled) => Self { result: run.reason.clone(), ..Self::FAILED },
        }
    }
}
