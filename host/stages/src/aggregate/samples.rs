//! Metrics that are a function of one entity alone.

use weir_model::entity::{Build, Deployment, RunResult, RunState, WorkCategory, WorkItem};
use weir_model::metric::{MetricName, Sample};
use weir_model::{DurationMs, Entity, EntityId, EntityKind, Timestamp};

use super::deployment::is_counted;
use crate::{Context, facets};

/// Names of the metrics [`own_samples`] gives for a kind of entity.
pub fn own_metrics(kind: &EntityKind) -> &'static [&'static str] {
    match kind {
        EntityKind::Build => &["build-duration", "build-success", "queue-time"],
        EntityKind::Deployment => &["deployment-frequency"],
        EntityKind::WorkItem => &["work-item-lead-time", "throughput"],
        _ => &[],
    }
}

/// What one entity alone says, at most one sample for each of its metrics.
pub fn own_samples(id: &EntityId, entity: &Entity, context: &Context) -> Vec<Sample> {
    let place = || Where::of(id, entity, context);
    match entity {
        Entity::Build(build) => build_samples(build, &place),
        Entity::Deployment(deployment) => deployment_frequency(id, deployment, context, &place),
        Entity::WorkItem(item) => work_item_samples(item, &place),
        _ => Vec::new(),
    }
}

fn build_samples(build: &Build, place: &dyn Fn() -> Where) -> Vec<Sample> {
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

fn deployment_frequency(
    id: &EntityId,
    deployment: &Deployment,
    context: &Context,
    place: &dyn Fn() -> Where,
) -> Vec<Sample> {
    let finished = deployment.finished_at.filter(|_| is_counted(id, deployment, context));
    finished.map(|at| place().count("deployment-frequency", at)).into_iter().collect()
}

fn work_item_samples(item: &WorkItem, place: &dyn Fn() -> Where) -> Vec<Sample> {
    let place = place();
    let Some(done) = done_at(item) else {
        let open = item.created_at.map(|at| place.sample("work-item-lead-time", at, Err("not-reached")));
        return open.into_iter().collect();
    };
    let lead_time = match item.created_at {
        Some(created) => done.since(created).ok_or("end-before-start"),
        None => Err("no-start"),
    };
    vec![place.sample("work-item-lead-time", done, lead_time), place.count("throughput", done)]
}

/// When the item was done for the last time; none while it is not.
fn done_at(item: &WorkItem) -> Option<Timestamp> {
    let category = item.status.as_ref().and_then(|status| status.category.as_ref());
    match category {
        Some(WorkCategory::Todo | WorkCategory::Doing) => return None,
        Some(WorkCategory::Done | WorkCategory::Unknown(_)) | None => {}
    }
    let became_done = |transition: &&weir_model::entity::Transition| {
        let is_done = |status: &weir_model::entity::WorkStatus| status.category == Some(WorkCategory::Done);
        is_done(&transition.after) && !transition.before.as_ref().is_some_and(is_done)
    };
    let transitions = item.transitions.iter().filter(became_done).map(|transition| transition.at);
    let is_done = category == Some(&WorkCategory::Done);
    item.resolved_at.or_else(|| transitions.max().filter(|_| is_done))
}

/// The project and team a sample counts for.
pub(super) struct Where {
    project: Option<String>,
    team: Option<String>,
}

impl Where {
    pub(super) fn of(id: &EntityId, entity: &Entity, context: &Context) -> Self {
        let project = facets::project(id, entity);
        let teams = context.teams_of(project.as_deref(), &facets::people(entity));
        let team = teams.first().map(|team| (*team).to_owned());
        Self { project, team }
    }

    #[expect(clippy::cast_precision_loss, reason = "2^53 ms are 285,000 years")]
    pub(super) fn sample(&self, metric: &str, at: Timestamp, value: Result<DurationMs, &'static str>) -> Sample {
        self.with(metric, at, value.map(|duration| duration.0 as f64))
    }

    pub(super) fn share(&self, metric: &str, at: Timestamp, holds: bool) -> Sample {
        self.with(metric, at, Ok(f64::from(u8::from(holds))))
    }

    pub(super) fn count(&self, metric: &str, at: Timestamp) -> Sample {
        self.with(metric, at, Ok(1.0))
    }

    fn with(&self, metric: &str, at: Timestamp, value: Result<f64, &'static str>) -> Sample {
        Sample {
            metric: MetricName::from(metric),
            at,
            value: value.ok(),
            unknown: value.err().map(str::to_owned),
            project: self.project.clone(),
            team: self.team.clone(),
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
            assert!(samples.iter().all(|sample| own_metrics(&id.kind).contains(&sample.metric.as_str())));
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

                work-item-lead-time=60000 throughput=1 
                work-item-lead-time=not-reached 
                work-item-lead-time=end-before-start throughput=1 

                deployment-frequency=1 
            "]],
        );
    }
}
