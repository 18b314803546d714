//! Metrics that are a function of one entity alone.

use weir_model::entity::{Build, Deployment, RunResult, RunState};
use weir_model::metric::{MetricName, Sample};
use weir_model::{DurationMs, Entity, EntityId, EntityKind, Timestamp};

use super::deployment::is_attempt;
use super::work::{WORK_METRICS, history, work_item_samples};
use crate::{Context, facets};

/// Names of the metrics [`own_samples`] gives for a kind of entity.
pub fn own_metrics(kind: &EntityKind, context: &Context) -> Vec<MetricName> {
    let ours: &[&str] = match kind {
        EntityKind::Build => &["build-duration", "build-success", "queue-time"],
        EntityKind::Deployment => &["deployment-attempt-failure-rate"],
        EntityKind::WorkItem => WORK_METRICS,
        _ => &[],
    };
    let theirs = context.metrics().iter().map(|metric| metric.definition.name.clone());
    ours.iter().map(|name| (*name).to_owned()).chain(theirs).collect()
}

/// What one entity alone says; of most metrics one sample.
pub fn own_samples(id: &EntityId, entity: &Entity, context: &Context) -> Vec<Sample> {
    let place = || Where::of(id, entity, context);
    let mut samples = match entity {
        Entity::Build(build) => build_samples(build, &place),
        Entity::Deployment(deployment) => attempt_samples(id, deployment, context, &place),
        Entity::WorkItem(item) => work_item_samples(&history(item, context.work()), &place()),
        _ => Vec::new(),
    };
    if !context.metrics().is_empty() {
        let (document, place) = (facets::search_document(id, entity, context), place());
        let sample = |metric| super::custom::sample(metric, &document, entity, &place, context.work());
        samples.extend(context.metrics().iter().filter_map(sample));
    }
    samples
}

fn build_samples<'c>(build: &Build, place: &dyn Fn() -> Where<'c>) -> Vec<Sample> {
    let finished = build.finished_at.filter(|_| matches!(build.state, None | Some(RunState::Finished)));
    let Some(finished) = finished else { return Vec::new() };
    let place = place();
    vec![
        place.sample("build-duration", finished, duration(build)),
        match &build.result {
            Some(result) if result.is_green() || result.is_red() => {
                place.share("build-success", finished, result.is_green())
            }
            other => place.sample("build-success", finished, Err(other.as_ref().map_or("unknown", uncounted))),
        },
        place.sample("queue-time", finished, queue_time(build)),
    ]
}

fn duration(build: &Build) -> Result<DurationMs, &'static str> {
    let spanned = || match (build.started_at, build.finished_at) {
        (Some(started), Some(finished)) => finished.since(started).ok_or("end-before-start"),
        _ => Err("no-start"),
    };
    build.duration.map_or_else(spanned, Ok)
}

fn queue_time(build: &Build) -> Result<DurationMs, &'static str> {
    let spanned = || match (build.queued_at, build.started_at) {
        (Some(queued), Some(started)) => started.since(queued).ok_or("end-before-start"),
        (None, _) => Err("no-start"),
        (_, None) => Err("not-reached"),
    };
    build.queued_for.map_or_else(spanned, Ok)
}

/// Results that say nothing about the code are counted apart.
fn uncounted(result: &RunResult) -> &'static str {
    match result {
        RunResult::Error => "error",
        RunResult::Cancelled => "cancelled",
        RunResult::Skipped => "skipped",
        RunResult::Success | RunResult::Unstable | RunResult::Failure | RunResult::Timeout | RunResult::Unknown(_) => {
            "unknown"
        }
    }
}

/// Whether an attempt to deploy failed, successful or not.
fn attempt_samples<'c>(
    id: &EntityId,
    deployment: &Deployment,
    context: &'c Context,
    place: &dyn Fn() -> Where<'c>,
) -> Vec<Sample> {
    let finished = deployment.finished_at.filter(|_| is_attempt(id, deployment, context));
    let Some(finished) = finished else { return Vec::new() };
    let name = "deployment-attempt-failure-rate";
    vec![match &deployment.result {
        Some(result) if result.is_green() || result.is_red() => place().share(name, finished, result.is_red()),
        other => place().sample(name, finished, Err(other.as_ref().map_or("unknown", uncounted))),
    }]
}

/// The project and service a sample counts for, and whose it is at its time.
pub(super) struct Where<'a> {
    project: Option<String>,
    service: Option<String>,
    people: Vec<String>,
    context: &'a Context,
}

impl<'a> Where<'a> {
    pub(super) fn of(id: &EntityId, entity: &Entity, context: &'a Context) -> Self {
        Self {
            project: facets::project(id, entity),
            service: facets::service(entity),
            people: facets::people(entity),
            context,
        }
    }

    /// The same, for one of several services.
    pub(super) fn of_service(&self, service: &str) -> Self {
        Self {
            project: self.project.clone(),
            service: Some(service.to_owned()),
            people: self.people.clone(),
            context: self.context,
        }
    }

    /// Time between two instants, without days off.
    pub(super) fn working_time(&self, from: Timestamp, to: Timestamp) -> Result<DurationMs, &'static str> {
        self.context.calendar().working_time(from, to).ok_or("end-before-start")
    }

    /// The first team at an instant, and those it is a part of.
    pub(super) fn teams(&self, at: Timestamp) -> Vec<String> {
        let line = self.context.teams().line(self.project.as_deref(), &self.people, Some(at));
        line.into_iter().map(str::to_owned).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "2^53 ms are 285,000 years")]
    pub(super) fn sample(&self, metric: &str, at: Timestamp, value: Result<DurationMs, &'static str>) -> Sample {
        self.number(metric, at, value.map(|duration| duration.0 as f64))
    }

    pub(super) fn share(&self, metric: &str, at: Timestamp, holds: bool) -> Sample {
        self.number(metric, at, Ok(f64::from(u8::from(holds))))
    }

    pub(super) fn count(&self, metric: &str, at: Timestamp) -> Sample {
        self.number(metric, at, Ok(1.0))
    }

    pub(super) fn number(&self, metric: &str, at: Timestamp, value: Result<f64, &'static str>) -> Sample {
        Sample {
            metric: MetricName::from(metric),
            at,
            value: value.ok(),
            unknown: value.err().map(str::to_owned),
            project: self.project.clone(),
            teams: self.teams(at),
            service: self.service.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(documents: &[(&str, &str)], expected: Expect) {
        let mut text = String::new();
        for (id, json) in documents {
            let id: EntityId = id.parse().unwrap();
            let entity = Entity::read(&id.kind, json).unwrap();
            let samples = own_samples(&id, &entity, &Context::default());
            let own = own_metrics(&id.kind, &Context::default());
            assert!(samples.iter().all(|sample| own.contains(&sample.metric)));
            let show = |sample: &Sample| {
                let value = sample.value.map(|value| value.to_string()).or_else(|| sample.unknown.clone()).unwrap();
                format!("{}={value} ", sample.metric)
            };
            text += &samples.iter().map(show).collect::<String>();
            text += "\n";
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn one_entity_alone() {
        let end = r#""finished_at":"2026-03-02T10:01:00Z""#;
        check(
            &[
                (
                    "build:ci:1",
                    &format!(
                        r#"{{"state":"finished","result":"success","queued_at":"2026-03-02T09:59:00Z","started_at":"2026-03-02T10:00:00Z",{end}}}"#
                    ),
                ),
                (
                    "build:ci:1",
                    &format!(r#"{{"state":"finished","result":"unstable","duration":5,"queued_for":0,{end}}}"#),
                ),
                ("build:ci:1", &format!(r#"{{"state":"finished","result":"cancelled",{end}}}"#)),
                ("build:ci:1", &format!(r#"{{"state":"finished",{end}}}"#)),
                ("build:ci:1", r#"{"state":"running","started_at":"2026-03-02T10:00:00Z"}"#),
                (
                    "work-item:jira:1",
                    r#"{"created_at":"2026-03-02T10:00:00Z","resolved_at":"2026-03-02T10:01:00Z","status":{"name":"Done","category":"done"}}"#,
                ),
                (
                    "work-item:jira:1",
                    r#"{"created_at":"2026-03-02T10:00:00Z","resolved_at":"2026-03-02T10:01:00Z","status":{"name":"Open","category":"todo"}}"#,
                ),
                ("work-item:jira:1", r#"{"created_at":"2026-03-02T10:02:00Z","resolved_at":"2026-03-02T10:01:00Z"}"#),
                ("deployment:cd:1", &format!(r#"{{"result":"success","environment":{{"name":"staging"}},{end}}}"#)),
                ("deployment:cd:1", &format!(r#"{{"result":"success","environment":{{"name":"live"}},{end}}}"#)),
            ],
            expect![[r"
                build-duration=60000 build-success=1 queue-time=60000 
                build-duration=5 build-success=0 queue-time=0 
                build-duration=no-start build-success=cancelled queue-time=no-start 
                build-duration=no-start build-success=unknown queue-time=no-start 

                work-items-created=1 work-item-lead-time=60000 work-item-cycle-time=partial-history flow-efficiency=partial-history throughput=1 reopen-rate=no-history open-items=1 open-items=-1 wip-unknown=1 wip-unknown=-1 
                work-items-created=1 work-item-lead-time=not-reached work-item-cycle-time=not-reached open-items=1 
                work-items-created=1 work-item-lead-time=end-before-start work-item-cycle-time=end-before-start flow-efficiency=end-before-start throughput=1 reopen-rate=no-history 

                deployment-attempt-failure-rate=0 
            "]],
        );
    }
}
