//! Deployments, as collectors and scripts report them.

use weir_model::entity::{Deployment, DeploymentKind, Environment, RunState};
use weir_model::{DiagnosticKind, EntityKind, ObjectId, Reference};

use super::fields::Fields;
use super::stages::state_of;
use super::words::{class_of, result_of};
use super::{Produced, names};

pub(super) fn record_key(fields: &mut Fields<'_>) -> Option<String> {
    fields.text(&["id", "deployment_id", "execution_id"])
}

pub(super) fn read(fields: &mut Fields<'_>) -> Vec<Produced> {
    let Some(key) = record_key(fields) else {
        fields.note(DiagnosticKind::Missing, "id", "");
        return Vec::new();
    };
    let word = fields
        .text(&["result", "outcome"])
        .or_else(|| fields.text(&["status"]).filter(|word| state_of(word).is_none()));
    let finished_at = fields.time(&["finished_at", "end_time", "finished"]);
    let state = fields.text(&["state", "status"]).as_deref().and_then(state_of);
    let over = word.is_some() || finished_at.is_some();
    let state = state.unwrap_or(if over { RunState::Finished } else { RunState::Running });
    let started_at = fields.time(&["started_at", "start_time"]);
    let duration = fields.milliseconds(&["duration_ms", "duration"]);
    let is_finished = state == RunState::Finished;
    let derived = started_at.zip(duration).filter(|_| is_finished).map(|(started, duration)| started.plus(duration));
    let deployment = Deployment::default()
        .attempt(fields.count(&["attempt"]))
        .service(fields.text(&["service", "component", "application"]))
        .environment(environment(fields))
        .kind(fields.text(&["kind"]).map(|word| DeploymentKind::from_word(&word)))
        .title(fields.text(&["title"]))
        .url(fields.text(&["web_url", "url"]))
        .state(state)
        .result(word.as_deref().map(result_of))
        .result_word(word)
        .version(fields.text(&["version", "tag"]))
        .author(fields.text(&["user_id", "author", "triggered_by"]).map(Reference::Name))
        .build(fields.text(&["build"]).map(Reference::Key))
        .repositories(
            fields.text(&["repository", "repo_url"]).map(|url| Reference::Name(names::without_credentials(&url))),
        )
        .commits(commits(fields))
        .artifacts(fields.texts(&["artifacts"]).into_iter().map(|digest| Reference::Name(digest.to_lowercase())))
        .work_items(fields.texts(&["work_items"]).into_iter().map(Reference::Name))
        .unplanned(fields.boolean(&["unplanned", "hotfix"]))
        .queued_at(fields.time(&["queued_at"]))
        .started_at(started_at)
        .finished_at(finished_at.or(derived))
        .duration(duration);
    vec![Produced::new(EntityKind::Deployment, key, deployment)]
}

fn commits(fields: &mut Fields<'_>) -> Vec<ObjectId> {
    let one = fields.object_id(&["commit", "commit_sha", "revision", "sha"]);
    let many = fields.texts(&["commits"]);
    one.into_iter().chain(many.iter().filter_map(|text| ObjectId::new(text))).collect()
}

/// The environment, with its class where its name or the payload tells it.
pub(super) fn environment(fields: &mut Fields<'_>) -> Option<Environment> {
    let name = fields.text(&["environment", "environment_name", "env"])?;
    let stated = fields.text(&["environment_class", "environment_type"]).and_then(|class| class_of(&class));
    let class = stated.or_else(|| class_of(&name));
    Some(Environment { name, class })
}
