//! Metrics of a work item, all from the one history of its status.

use weir_model::metric::Sample;
use weir_model::{DurationMs, Timestamp};

use super::history::{History, Span, Stay};
use super::rules::Phase;
use crate::aggregate::samples::Where;

/// Names of the metrics [`work_item_samples`] gives.
pub const WORK_METRICS: &[&str] = &[
    "work-item-lead-time",
    "work-item-cycle-time",
    "flow-efficiency",
    "throughput",
    "work-items-created",
    "reopen-rate",
    "reopens",
    "open-items",
    "wip",
    "wip-unknown",
];

/// What an item says about [`WORK_METRICS`]. Of `open-items`, `wip` and `wip-unknown` each entry is 1 and each exit -1:
/// the sum of all before an instant is how many were inside then.
pub(in crate::aggregate) fn work_item_samples(history: &History, place: &Where<'_>) -> Vec<Sample> {
    let mut samples: Vec<Sample> =
        history.created_at.map(|at| place.count("work-items-created", at)).into_iter().collect();
    samples.extend(ended(history, place));
    samples.extend(reopened(history, place));
    samples.extend(level("open-items", history.spans(|phase| phase != Some(Phase::Done)), place));
    samples.extend(level("wip", history.spans(|phase| phase.is_some_and(Phase::is_begun)), place));
    samples.extend(level("wip-unknown", history.spans(|phase| phase.is_none()), place));
    samples
}

/// What is known when the item is done; of one that is not, that it is not, in the time of its creation.
fn ended(history: &History, place: &Where<'_>) -> Vec<Sample> {
    let Some(done) = history.done_at() else {
        let open = |metric: &&str| history.created_at.map(|at| place.sample(metric, at, Err("not-reached")));
        return ["work-item-lead-time", "work-item-cycle-time"].iter().filter_map(open).collect();
    };
    let lead_time = lead_time(history, done, place);
    vec![
        place.sample("work-item-lead-time", done, lead_time),
        place.sample("work-item-cycle-time", done, cycle_time(history, done, place)),
        place.number("flow-efficiency", done, lead_time.and_then(|total| efficiency(history, done, total, place))),
        place.number("throughput", done, if history.is_end_seen() { Err("no-end") } else { Ok(1.0) }),
    ]
}

/// Whether the end is a time that anything can be measured to.
fn trusted(history: &History) -> Result<(), &'static str> {
    match (history.is_end_seen(), history.ends_before_start()) {
        (true, _) => Err("no-end"),
        (false, true) => Err("end-before-start"),
        (false, false) => Ok(()),
    }
}

fn lead_time(history: &History, done: Timestamp, place: &Where<'_>) -> Result<DurationMs, &'static str> {
    trusted(history)?;
    match history.created_at {
        Some(created) => place.working_time(created, done),
        None => Err("no-start"),
    }
}

/// Where something was not told before the item was known to be begun, it may have been begun then.
fn cycle_time(history: &History, done: Timestamp, place: &Where<'_>) -> Result<DurationMs, &'static str> {
    trusted(history)?;
    let begun = history.begun_at();
    let reached = begun.unwrap_or(done);
    if history.spent(None, reached) > DurationMs(0) {
        return Err("partial-history");
    }
    begun.ok_or("skipped").and_then(|begun| place.working_time(begun, done))
}

/// Active time by all time from the creation on. Of what nobody was seen to work on it is not known.
#[expect(clippy::cast_precision_loss, reason = "2^53 ms are 285,000 years")]
fn efficiency(history: &History, done: Timestamp, total: DurationMs, place: &Where<'_>) -> Result<f64, &'static str> {
    if history.spent(None, done) > DurationMs(0) {
        return Err("partial-history");
    }
    if history.begun_at().is_none() {
        return Err("skipped");
    }
    let active = history.stays.iter().filter(|stay| stay.phase == Some(Phase::Active) && stay.from < done);
    let length = |stay: &Stay| place.working_time(stay.from, stay.until.map_or(done, |until| until.min(done)));
    let active = DurationMs(active.filter_map(|stay| length(stay).ok()).map(|length| length.0).sum());
    if total.0 == 0 { Err("no-time") } else { Ok(active.0 as f64 / total.0 as f64) }
}

/// One sample for each time it was taken up again, and whether it ever was, at its first end.
fn reopened(history: &History, place: &Where<'_>) -> Vec<Sample> {
    let first = history.spans(|phase| phase == Some(Phase::Done)).first().map(|span| span.from);
    let again = history.reopened_at();
    let was = |at| {
        let ever = if history.told { Ok(f64::from(u8::from(!again.is_empty()))) } else { Err("no-history") };
        place.number("reopen-rate", at, ever)
    };
    first.map(was).into_iter().chain(again.iter().map(|at| place.count("reopens", *at))).collect()
}

/// An entry and its exit, both of the team that had the item at the entry: else one team would never let go of it.
fn level(metric: &'static str, spans: Vec<Span>, place: &Where<'_>) -> Vec<Sample> {
    let there = spans.into_iter().filter(|span| span.until != Some(span.from));
    let mut samples = Vec::new();
    for Span { from, until } in there {
        let entry = place.number(metric, from, Ok(1.0));
        let exit = until.map(|at| Sample { at, value: Some(-1.0), ..entry.clone() });
        samples.push(entry);
        samples.extend(exit);
    }
    samples
}

#[cfg(test)]
mod tests {
    use crate::Context;
    use crate::aggregate::own_samples;
    use expect_test::expect;
    use weir_model::{Entity, EntityKind};

    /// Times are hours of one day.
    fn show(json: &str) -> String {
        let hour = |clock: &str| format!("2026-03-02T{clock}:00Z");
        let json = json.split('@').enumerate().map(|(place, text)| match place {
            0 => text.to_owned(),
            _ => format!("{}{}", hour(&text[..5]), &text[5..]),
        });
        let id = "work-item:jira:1".parse().unwrap();
        let entity = Entity::read(&EntityKind::WorkItem, &json.collect::<String>()).unwrap();
        let mut lines = String::new();
        for sample in own_samples(&id, &entity, &Context::default()) {
            let value = sample.value.map(|value| value.to_string()).or(sample.unknown).unwrap();
            lines += &format!("{} {} {value}\n", &sample.at.to_string()[11..16], sample.metric);
        }
        lines
    }

    #[test]
    fn a_life_with_two_passages() {
        let status = |name: &str, category: &str| format!(r#"{{"name":"{name}","category":"{category}"}}"#);
        let (open, doing, done) = (status("Open", "todo"), status("Doing", "doing"), status("Done", "done"));
        let told = format!(
            r#"{{"created_at":"@08:00","status":{done},"transitions":[
                {{"at":"@09:00","before":{open},"after":{doing}}}, {{"at":"@10:00","before":{doing},"after":{done}}},
                {{"at":"@11:00","before":{done},"after":{doing}}}, {{"at":"@12:00","before":{doing},"after":{done}}}]}}"#
        );
        expect![[r"
            08:00 work-items-created 1
            12:00 work-item-lead-time 14400000
            12:00 work-item-cycle-time 10800000
            12:00 flow-efficiency 0.5
            12:00 throughput 1
            10:00 reopen-rate 1
            11:00 reopens 1
            08:00 open-items 1
            10:00 open-items -1
            11:00 open-items 1
            12:00 open-items -1
            09:00 wip 1
            10:00 wip -1
            11:00 wip 1
            12:00 wip -1
        "]]
        .assert_eq(&show(&told));
        let untold = format!(r#"{{"created_at":"@08:00","status":{done},"resolved_at":"@09:00"}}"#);
        expect![[r"
            08:00 work-items-created 1
            09:00 work-item-lead-time 3600000
            09:00 work-item-cycle-time partial-history
            09:00 flow-efficiency partial-history
            09:00 throughput 1
            09:00 reopen-rate no-history
            08:00 open-items 1
            09:00 open-items -1
            08:00 wip-unknown 1
            09:00 wip-unknown -1
        "]]
        .assert_eq(&show(&untold));
    }
}
