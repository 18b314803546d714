//! State, result and times of a build.

use weir_model::entity::{AttributeValue, Build, RunResult, RunState};
use weir_model::{DiagnosticKind, DurationMs, Timestamp};

use super::super::fields::Fields;
use super::super::stages::state_of;
use super::super::words::result_of;
use super::super::{Arrival, DERIVED_ATTRIBUTE, DurationUnit};
use super::PART;

/// Two times agree when they differ by less than this, or by less than one in [`AGREEMENT_SHARE`].
const AGREEMENT_MS: u64 = 60_000;
const AGREEMENT_SHARE: u64 = 20;

pub(super) struct Run {
    /// None in a report about a part of a build that does not say it.
    state: Option<RunState>,
    result: Option<RunResult>,
    word: Option<String>,
    queued_at: Option<Timestamp>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    /// The end was worked out from start and duration.
    is_derived: bool,
    queued_for: Option<DurationMs>,
    duration: Option<DurationMs>,
}

pub(super) fn read(fields: &mut Fields<'_>, arrival: Arrival) -> Run {
    let (state, result, word) = outcome(fields);
    let started_at = fields.time(&["started_at"]);
    let started_at =
        started_at.or_else(|| fields.time(&["start_time", "build_timestamp", "timestamp", "started_epoch"]));
    let of_tree = |fields: &mut Fields<'_>, name: &str| fields.within("job_run", |run| run.time(&[name])).flatten();
    let stated = fields.time(&["finished_at", "end_time", "finished"]).or_else(|| of_tree(fields, "end_time"));
    let duration = duration(fields, arrival);
    suspect_unit(fields, started_at, duration, stated.or(arrival.received_at));
    let is_finished = state == Some(RunState::Finished);
    let derived = started_at.zip(duration).filter(|_| is_finished).map(|(started, duration)| started.plus(duration));
    Run {
        result: result.filter(|_| is_finished),
        word,
        queued_at: fields.time(&["queued_at", "en_queue_time"]).or_else(|| of_tree(fields, "en_queue_time")),
        started_at,
        finished_at: stated.or(derived).filter(|_| is_finished),
        is_derived: stated.is_none() && derived.is_some(),
        queued_for: fields.milliseconds(&["queue_ms", "queued_for"]),
        // A run that is under way writes 0.
        duration: duration.filter(|_| is_finished),
        state,
    }
}

impl Run {
    /// How it ended, as far as it is told.
    pub(super) fn result(&self) -> Option<&RunResult> {
        self.result.as_ref()
    }

    pub(super) fn write(self, build: Build) -> Build {
        let mut build = build
            .state(self.state)
            .result(self.result)
            .result_word(self.word)
            .queued_at(self.queued_at)
            .started_at(self.started_at)
            .finished_at(self.finished_at)
            .queued_for(self.queued_for)
            .duration(self.duration);
        if self.is_derived {
            let derived = AttributeValue::Texts(vec!["finished_at".to_owned()]);
            build.attributes.insert(DERIVED_ATTRIBUTE.to_owned(), derived);
        }
        build
    }
}

/// State, result and the tool's word for it.
fn outcome(fields: &mut Fields<'_>) -> (Option<RunState>, Option<RunResult>, Option<String>) {
    let status = fields.text(&["status"]);
    let word = fields.text(&["result"]).or_else(|| fields.text(&["build_result", "conclusion"]));
    let word = word.or_else(|| status.clone().filter(|status| state_of(status).is_none()));
    // A collector that knows Weir's words tells a timeout from a cancellation.
    let stated = fields.text(&["outcome"]).map(|outcome| result_of(&outcome));
    let result = stated.or_else(|| word.as_deref().map(result_of)).map(|result| refine(fields, result));
    if let Some(RunResult::Unknown(unknown)) = &result {
        fields.note(DiagnosticKind::UnknownWord, "result", unknown);
    }
    let state = fields.text(&["state"]).or(status).as_deref().and_then(state_of);
    let ended = word.is_some() || fields.has("finished_at") || fields.has("end_time");
    let state = state.or_else(|| ended.then_some(RunState::Finished));
    let state = state.or_else(|| (!fields.has(PART)).then_some(RunState::Running));
    (state, result, word)
}

/// A run that was interrupted by a deadline timed out; its tool only says that it was interrupted.
fn refine(fields: &mut Fields<'_>, result: RunResult) -> RunResult {
    if result != RunResult::Cancelled {
        return result;
    }
    let kind =
        |cause: &mut Fields<'_>| cause.text(&["type", "_class"]).is_some_and(|kind| kind.contains("ExceededTimeout"));
    let mut timed_out = fields.each(&["interruptions"], kind);
    let of_run = |run: &mut Fields<'_>| run.each(&["actions"], |action| action.each(&["causes"], kind));
    timed_out.extend(fields.within("job_run", of_run).into_iter().flatten().flatten());
    if timed_out.contains(&true) { RunResult::Timeout } else { result }
}

fn duration(fields: &mut Fields<'_>, arrival: Arrival) -> Option<DurationMs> {
    let stated = match arrival.settings.duration_unit {
        DurationUnit::Milliseconds => fields.milliseconds(&["duration"]),
        DurationUnit::Seconds => fields.seconds(&["duration"]),
    };
    // Names that tell their unit, and the column of build histories, which is in seconds.
    stated
        .or_else(|| fields.milliseconds(&["duration_ms", "duration_millis"]))
        .or_else(|| fields.seconds(&["duration_s", "duration_seconds", "build_duration"]))
}

/// A duration that fits only when it is taken for seconds is noted, never changed.
fn suspect_unit(
    fields: &mut Fields<'_>,
    start: Option<Timestamp>,
    duration: Option<DurationMs>,
    end: Option<Timestamp>,
) {
    let (Some(start), Some(DurationMs(duration)), Some(end)) = (start, duration, end) else { return };
    let Some(DurationMs(passed)) = end.since(start).filter(|_| duration > 0 && fields.has("duration")) else { return };
    let agrees = |duration: u64| passed.abs_diff(duration) <= AGREEMENT_MS.max(passed / AGREEMENT_SHARE);
    if agrees(duration.saturating_mul(1000)) && !agrees(duration) {
        fields.note(DiagnosticKind::Unknown("unit-suspect".to_owned()), "duration", &duration.to_string());
    }
}
