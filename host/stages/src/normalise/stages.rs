//! Stages and steps of a build, from the tree of the run or from a row about one stage.

use weir_model::entity::{LogPlace, RunResult, RunState, Stage, StageKind};
use weir_model::{DiagnosticKind, DurationMs, Timestamp};

use super::fields::Fields;
use super::words::result_of;

/// Stages of a build.
pub(super) fn read(fields: &mut Fields<'_>) -> Vec<Stage> {
    let mut stages = fields.within("job_run", of_run).unwrap_or_default();
    if stages.is_empty() {
        stages = of_run(fields);
    }
    stages.extend(of_row(fields));
    stages
}

/// The stage a flat row is about.
pub(super) fn row_stage(fields: &mut Fields<'_>) -> Option<String> {
    fields.text(&["stage_id", "stage", "stage_name"])
}

fn of_run(run: &mut Fields<'_>) -> Vec<Stage> {
    let one = |stage: &mut Fields<'_>| {
        let kind = match stage.text(&["type"]).as_deref() {
            Some("PARALLEL") => StageKind::Job,
            _ => StageKind::Stage,
        };
        let whole = part(stage, kind, None)?;
        let steps = stage.each(&["steps"], |step| part(step, StageKind::Step, Some(whole.key.clone())));
        Some(std::iter::once(whole).chain(steps.into_iter().flatten()).collect::<Vec<_>>())
    };
    run.each(&["stages"], one).into_iter().flatten().flatten().collect()
}

fn part(fields: &mut Fields<'_>, kind: StageKind, parent: Option<String>) -> Option<Stage> {
    let name = fields.text(&["display_name", "name"]);
    let key = fields.text(&["id", "key"]).or_else(|| name.clone())?;
    let word = fields.text(&["result"]);
    let state = state(fields, word.is_some());
    let started_at = fields.time(&["start_time", "started_at"]);
    let duration = duration(fields);
    let finished_at = fields.time(&["end_time", "finished_at"]).or_else(|| end(started_at, duration, state.as_ref()));
    Some(Stage {
        key,
        parent: parent.or_else(|| fields.text(&["first_parent", "parent"])),
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
        log: fields.text(&["error_message"]).map(LogPlace::Tail),
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
