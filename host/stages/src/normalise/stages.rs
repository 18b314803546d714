//! Stages and steps of a build, from the tree of the run or from a row about one stage.

use weir_model::entity::{LIST_ELEMENTS_MAX, LogPlace, RunResult, RunState, Stage, StageKind};
use weir_model::{DiagnosticKind, DurationMs, Timestamp};

use super::fields::Fields;
use super::words::result_of;

/// Deepest chain of runs within runs that is read.
const DEPTH_MAX: usize = 64;

/// Dataset of the logs that come beside a report; the key of one is the name it has there.
pub(super) const LOGS: &str = "logs";

/// Stages of a build.
pub(super) fn read(fields: &mut Fields<'_>) -> Vec<Stage> {
    let mut tree = Tree::default();
    fields.within("job_run", |run| tree.run(run, None));
    if tree.stages.is_empty() {
        tree.run(fields, None);
    }
    if tree.is_cut {
        fields.note(DiagnosticKind::Truncated, "stages", "");
    }
    tree.stages.extend(of_row(fields));
    tree.stages
}

/// The log of a run, stage or step.
pub(super) fn log(fields: &mut Fields<'_>) -> Option<LogPlace> {
    fields.text(&["log"]).map(|name| LogPlace::Raw(LOGS.to_owned(), name))
}

/// The stage a flat row is about.
pub(super) fn row_stage(fields: &mut Fields<'_>) -> Option<String> {
    fields.text(&["stage_id", "stage", "stage_name"])
}

/// The stages of a run and of the runs it started, in the order of the report.
#[derive(Default)]
struct Tree {
    stages: Vec<Stage>,
    depth: usize,
    is_cut: bool,
}

impl Tree {
    /// Adds what a run consists of. `within` is the part of the build that started it, none for the build itself.
    fn run(&mut self, run: &mut Fields<'_>, within: Option<&str>) {
        run.each(&["stages"], |stage| self.stage(stage, within));
        run.each(&["child_job_runs"], |child| self.child(child, within));
    }

    fn stage(&mut self, stage: &mut Fields<'_>, within: Option<&str>) {
        let kind = match stage.text(&["type"]).as_deref() {
            Some("PARALLEL") => StageKind::Job,
            _ => StageKind::Stage,
        };
        let Some(mut whole) = part(stage, kind, within) else { return };
        whole.parent = whole.parent.or_else(|| within.map(str::to_owned));
        let key = whole.key.clone();
        self.add(whole);
        stage.each(&["steps"], |step| {
            if let Some(step) = part(step, StageKind::Step, within) {
                self.add(Stage { parent: Some(key.clone()), ..step });
            }
        });
        stage.each(&["child_job_runs"], |child| self.child(child, Some(&key)));
    }

    /// A run that was started by another and is shown as a part of it. Ids within it count from 1 again.
    fn child(&mut self, child: &mut Fields<'_>, within: Option<&str>) {
        let job = child.text(&["job_normalized_full_name"]).or_else(|| child.text(&["job_full_name", "pipeline"]));
        let name = [job, child.text(&["id"])].into_iter().flatten().collect::<Vec<_>>().join(" #");
        let Some(run) = part(child, StageKind::Job, within) else { return };
        let key = within.map_or(name.clone(), |within| format!("{within}/{name}"));
        self.add(Stage { key: key.clone(), parent: within.map(str::to_owned), name: Some(name), ..run });
        if self.depth == DEPTH_MAX {
            self.is_cut = true;
            return;
        }
        self.depth += 1;
        self.run(child, Some(&key));
        self.depth -= 1;
    }

    fn add(&mut self, stage: Stage) {
        if self.stages.len() < LIST_ELEMENTS_MAX {
            self.stages.push(stage);
        } else {
            self.is_cut = true;
        }
    }
}

/// A stage, a step or a run. Keys in a run within the build begin with that of the part it is shown as.
fn part(fields: &mut Fields<'_>, kind: StageKind, within: Option<&str>) -> Option<Stage> {
    let scoped = |key: String| within.map_or(key.clone(), |within| format!("{within}/{key}"));
    let name = fields.text(&["display_name", "name"]);
    let key = fields.text(&["id", "key"]).or_else(|| name.clone()).map(scoped)?;
    let parent = fields.text(&["first_parent", "parent"]).map(scoped);
    let word = fields.text(&["result"]);
    let state = state(fields, word.is_some());
    let started_at = fields.time(&["start_time", "started_at"]);
    let duration = duration(fields);
    let finished_at = fields.time(&["end_time", "finished_at"]).or_else(|| end(started_at, duration, state.as_ref()));
    let excerpt = fields.text(&["error_message"]).map(LogPlace::Tail);
    Some(Stage {
        key,
        parent,
        name,
        kind: Some(kind),
        result: word.as_deref().map(result_of).filter(|result| *result != RunResult::Unknown("UNKNOWN".to_owned())),
        result_word: word,
        state,
        started_at,
        finished_at,
        duration,
        worker: fields.text(&["node", "worker"]),
        url: fields.text(&["url"]).filter(|url| url.contains("://")),
        log: excerpt.or_else(|| log(fields)),
        ..Stage::default()
    })
}

/// Blue Ocean has whole milliseconds and writes -1 for a part that never ran.
fn duration(fields: &mut Fields<'_>) -> Option<DurationMs> {
    let never_ran = fields.number(&["duration_in_millis", "duration_ms", "duration"]).is_some_and(|ms| ms < 0.0);
    if never_ran { None } else { fields.milliseconds(&["duration_in_millis", "duration_ms", "duration"]) }
}

fn end(started_at: Option<Timestamp>, duration: Option<DurationMs>, state: Option<&RunState>) -> Option<Timestamp> {
    started_at
        .zip(duration)
        .filter(|_| state == Some(&RunState::Finished))
        .map(|(started, duration)| started.plus(duration))
}

fn state(fields: &mut Fields<'_>, has_result: bool) -> Option<RunState> {
    let word = fields.text(&["state"]);
    match word.as_deref().map(state_of) {
        Some(Some(state)) => Some(state),
        Some(None) => {
            fields.note(DiagnosticKind::UnknownWord, "state", word.as_deref().unwrap_or_default());
            None
        }
        None => has_result.then_some(RunState::Finished),
    }
}

/// The state that a word of a tool means; none for words nobody knows.
pub(super) fn state_of(word: &str) -> Option<RunState> {
    let plain: String = word.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    match plain.as_str() {
        "queued" | "pending" | "requested" | "scheduled" | "created" | "notstarted" => Some(RunState::Queued),
        "running" | "inprogress" | "executing" | "building" | "started" | "finalizing" | "finalising" => {
            Some(RunState::Running)
        }
        "paused" | "waiting" | "waitingforresource" | "manual" | "blocked" => Some(RunState::Waiting),
        "finished" | "completed" | "complete" | "done" | "skipped" | "notbuilt" => Some(RunState::Finished),
        _ => None,
    }
}

/// A row of a build history that is about one stage.
fn of_row(fields: &mut Fields<'_>) -> Option<Stage> {
    let key = row_stage(fields)?;
    let seconds = fields.seconds(&["stage_duration_s", "stage_duration_by_suite_sum"]);
    let duration = seconds.or_else(|| fields.milliseconds(&["stage_duration_ms", "stage_duration"]));
    let word = fields.text(&["stage_result"]);
    let result = word.as_deref().map(result_of);
    let state = result.as_ref().map(|_| RunState::Finished);
    let name = Some(key.clone());
    Some(Stage {
        key,
        name,
        kind: Some(StageKind::Stage),
        duration,
        result,
        result_word: word,
        state,
        ..Stage::default()
    })
}
