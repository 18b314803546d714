//! Stages and steps of a pipeline run, from its flow graph.
//!
//! Invariant: every step belongs to the innermost stage around it, and no duration is a sum of others.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use weir_protocol::{FailureCause, Interruption, Stage, StageType, Step};

use crate::flow::{Failure, Flow, FlowNode, Role};
use crate::notes::Notes;
use crate::xml::simple_name;

const STAGES_MAX: usize = 500;
const STEPS_MAX: usize = 2000;
/// Blocks around a node that are looked at; people nest a dozen.
const NESTING_MAX: usize = 200;

/// What the graph says about the run.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    pub(crate) stages: Vec<Stage>,
    pub(crate) failure_cause: Option<FailureCause>,
    pub(crate) interruptions: Vec<Interruption>,
    /// The agent of the first workspace.
    pub(crate) agent: Option<String>,
}

/// Makes stages of a graph. `running`: the run is not over, so that what has no end goes on.
pub(crate) fn stages(flow: &Flow, running: bool, notes: &mut Notes) -> Outline {
    let mut insides = insides(flow);
    let ids: Vec<u64> = flow.nodes.iter().filter(|(_, node)| is_stage(node)).map(|(id, _)| *id).collect();
    if ids.len() > STAGES_MAX {
        notes.add("truncated", "job_run.stages", format!("only {STAGES_MAX} of {} stages were kept", ids.len()));
    }
    let stage = |id: &u64| stage(flow, *id, running, insides.remove(id).unwrap_or_default());
    let mut stages: Vec<Stage> = ids.iter().take(STAGES_MAX).map(stage).collect();
    if !running {
        add_steps(flow, &mut stages, notes);
    }
    let last = flow.nodes.values().rev().find(|node| node.is_last).and_then(|node| node.failure.as_ref());
    Outline {
        stages,
        failure_cause: failure_cause(flow),
        interruptions: last.map(interruptions).unwrap_or_default(),
        agent: flow.nodes.values().find_map(|node| node.agent.clone()),
    }
}

/// `2016-05-02T16:06:28.639+0000`, as Blue Ocean writes it.
pub(crate) fn blue_ocean_time(ms: i64) -> Option<String> {
    let time = Timestamp::from_millisecond(ms).ok()?.to_zoned(TimeZone::UTC);
    Some(time.strftime("%Y-%m-%dT%H:%M:%S%.3f%z").to_string())
}

/// The more serious of two result words.
pub(crate) fn worse<'a>(one: &'a str, other: &'a str) -> &'a str {
    let rank =
        |word: &str| ["SUCCESS", "UNSTABLE", "FAILURE", "NOT_BUILT", "ABORTED"].iter().position(|known| *known == word);
    if rank(one) >= rank(other) { one } else { other }
}

fn is_stage(node: &FlowNode) -> bool {
    node.role == Role::Start
        && (node.branch.is_some() || (node.label.is_some() && simple_name(&node.step) == "StageStep"))
}

/// The stage a node is in, itself not counted.
fn stage_around(flow: &Flow, id: u64) -> Option<u64> {
    flow.outwards(id).take(NESTING_MAX).skip(1).find(|id| is_stage(&flow.nodes[id]))
}

/// What the nodes within a stage add up to.
#[derive(Debug, Clone, Default)]
struct Inside {
    /// A warning colours all stages around it, though their ends know nothing of it.
    warned: Option<String>,
    waiting: bool,
    waited_ms: i64,
    agent: Option<String>,
}

fn insides(flow: &Flow) -> BTreeMap<u64, Inside> {
    let mut insides: BTreeMap<u64, Inside> = BTreeMap::new();
    for (id, node) in &flow.nodes {
        for stage in flow.outwards(*id).take(NESTING_MAX).filter(|id| is_stage(&flow.nodes[id])) {
            insides.entry(stage).or_default().take(node);
        }
    }
    insides
}

impl Inside {
    fn take(&mut self, node: &FlowNode) {
        if let Some(warning) = &node.warning {
            self.warned = Some(worse(self.warned.as_deref().unwrap_or("SUCCESS"), &warning.result).to_owned());
        }
        self.waiting |= node.pause.waiting;
        self.waited_ms = self.waited_ms.saturating_add(node.pause.waited_ms);
        if self.agent.is_none() {
            self.agent.clone_from(&node.agent);
        }
    }
}

fn stage(flow: &Flow, id: u64, running: bool, inside: Inside) -> Stage {
    let node = &flow.nodes[&id];
    let end = flow.end(id);
    let failed = end.and_then(|end| end.failure.as_ref());
    let warned = inside.warned.as_deref().unwrap_or("SUCCESS");
    let (state, result) = match end {
        _ if node.skipped => ("SKIPPED", Some("NOT_BUILT")),
        Some(_) => ("FINISHED", Some(worse(failed.map_or("SUCCESS", |failed| &failed.result), warned))),
        None if running && inside.waiting => ("PAUSED", None),
        None if running => ("RUNNING", None),
        None => ("FINISHED", None),
    };
    let kind = if node.branch.is_some() { StageType::Parallel } else { StageType::Stage };
    Stage {
        id: id.to_string(),
        display_name: node.branch.clone().or_else(|| node.label.clone()).unwrap_or_default(),
        result: result.map(str::to_owned),
        state: state.to_owned(),
        duration_in_millis: span(node.started_at, end.and_then(|end| end.started_at)),
        pause_duration_in_millis: (inside.waited_ms > 0).then_some(inside.waited_ms),
        start_time: node.started_at.and_then(blue_ocean_time),
        kind,
        parent: stage_around(flow, id).map(|id| id.to_string()),
        node: inside.agent,
        error_message: failed.and_then(|failed| failed.message.clone()),
        steps: Vec::new(),
    }
}

fn add_steps(flow: &Flow, stages: &mut [Stage], notes: &mut Notes) {
    let places: BTreeMap<u64, usize> =
        stages.iter().enumerate().filter_map(|(at, stage)| Some((stage.id.parse().ok()?, at))).collect();
    let mut n_steps = 0;
    for (id, node) in flow.nodes.iter().filter(|(_, node)| node.role == Role::Atom) {
        let Some(&at) = stage_around(flow, *id).and_then(|stage| places.get(&stage)) else { continue };
        n_steps += 1;
        if n_steps <= STEPS_MAX {
            stages[at].steps.push(step(flow, *id, node));
        }
    }
    if n_steps > STEPS_MAX {
        notes.add("truncated", "job_run.stages.steps", format!("only {STEPS_MAX} of {n_steps} steps were kept"));
    }
}

fn step(flow: &Flow, id: u64, node: &FlowNode) -> Step {
    let next_at = flow.next_started_at(id);
    let trouble = node.failure.as_ref().or(node.warning.as_ref());
    let result = trouble.map(|trouble| trouble.result.clone()).or_else(|| next_at.map(|_| "SUCCESS".to_owned()));
    Step {
        id: id.to_string(),
        display_name: step_name(&node.step),
        display_description: node.argument.clone(),
        duration_in_millis: span(node.started_at, next_at),
        result,
        state: "FINISHED".to_owned(),
        start_time: node.started_at.and_then(blue_ocean_time),
        error_message: trouble.and_then(|trouble| trouble.message.clone()),
    }
}

/// The name people write in a pipeline.
fn step_name(class: &str) -> String {
    let name = simple_name(class);
    let name = name.strip_suffix("Step").unwrap_or(name);
    match name {
        "Shell" => return "sh".to_owned(),
        "BatchScript" => return "bat".to_owned(),
        "PowershellScript" => return "powershell".to_owned(),
        "BuildTrigger" => return "build".to_owned(),
        _ => {}
    }
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// The oldest step that failed says what went wrong; what comes after it is mostly its echo.
fn failure_cause(flow: &Flow) -> Option<FailureCause> {
    let failed = |(id, node): (&u64, &FlowNode)| {
        let failure = node.failure.clone().filter(|_| node.role == Role::Atom)?;
        let stage = stage_around(flow, *id).map(|stage| &flow.nodes[&stage]);
        let stage = stage.and_then(|stage| stage.branch.clone().or_else(|| stage.label.clone()));
        Some(FailureCause { stage, step: Some(step_name(&node.step)), kind: failure.kind, message: failure.message })
    };
    let last = || {
        let failure = flow.nodes.values().rev().find(|node| node.is_last)?.failure.clone()?;
        Some(FailureCause { stage: None, step: None, kind: failure.kind, message: failure.message })
    };
    flow.nodes.iter().find_map(failed).or_else(last)
}

fn interruptions(failure: &Failure) -> Vec<Interruption> {
    let interruption =
        |(kind, user_id): &(String, Option<String>)| Interruption { kind: kind.clone(), user_id: user_id.clone() };
    failure.interruptions.iter().map(interruption).collect()
}

fn span(from: Option<i64>, to: Option<i64>) -> Option<i64> {
    Some(to? - from?).filter(|span| *span >= 0)
}
