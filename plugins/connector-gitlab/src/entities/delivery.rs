//! Deployments and releases.

use serde::Deserialize;
use weir_sdk::model::entity::{ArtifactKind, DeploymentKind, Environment, EnvironmentClass, RunState};
use weir_sdk::prelude::*;

use super::{Account, Name, Seconds, duration, person, status};
use crate::origin::Origin;

/// A deployment of the API; or a delivery of a webhook, which has names of its own for some fields.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeploymentJson<'a> {
    #[serde(alias = "deployment_id")]
    id: Field<u64>,
    #[serde(rename = "ref", borrow)]
    reference: Text<'a>,
    sha: Sha,
    #[serde(borrow)]
    commit_url: Text<'a>,
    #[serde(borrow)]
    commit_title: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    status_changed_at: Instant,
    #[serde(borrow)]
    user: Nested<Account<'a>>,
    environment: Field<Name>,
    #[serde(borrow)]
    environment_tier: Text<'a>,
    #[serde(borrow)]
    deployable: Nested<Deployable<'a>>,
    deployable_id: Field<u64>,
    #[serde(borrow)]
    deployable_url: Text<'a>,
    created_at: Instant,
    updated_at: Instant,
}

/// The job that carries a deployment out; none when another tool reported it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Deployable<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    failure_reason: Text<'a>,
    #[serde(borrow)]
    web_url: Text<'a>,
    started_at: Instant,
    finished_at: Instant,
    duration: Field<Seconds>,
    #[serde(borrow)]
    commit: Nested<CommitTitle<'a>>,
    pipeline: Nested<PipelineId>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CommitTitle<'a> {
    #[serde(borrow)]
    title: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PipelineId {
    id: Field<u64>,
}

pub(crate) fn deployment(mut json: DeploymentJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.take("/id", json.id) else { return raw.missing("/id") };
    let is_by_job = !matches!(json.deployable, Field::Unstated);
    let mut job = raw.take("/deployable", json.deployable).unwrap_or_default().0;
    let url = raw.text("/deployable/web_url", std::mem::take(&mut job.web_url));
    let url = url.or(raw.text("/deployable_url", json.deployable_url));
    let Some(origin) = Origin::read(raw, url.as_deref()) else { return raw.missing("/deployable/web_url") };
    let tier = raw.take("/environment_tier", json.environment_tier).or(origin.tier.clone());
    let environment = raw.take("/environment", json.environment);
    let commit_url = raw.take("/commit_url", json.commit_url);
    let title = raw.take("/deployable/commit", std::mem::take(&mut job.commit)).unwrap_or_default().0.title;
    let title = raw.filled("/deployable/commit/title", title).or(raw.filled("/commit_title", json.commit_title));
    let deployment = Deployment::default()
        .attempt(1)
        .service(origin.name().to_owned())
        .environment(environment.map(|name| Environment { name: name.0, class: tier.as_deref().and_then(class) }))
        .kind(DeploymentKind::Deploy)
        .title(title)
        .url(url)
        .version(raw.text("/ref", json.reference))
        .author(person(raw, "/user", json.user))
        .repositories([origin.reference()])
        .commits(raw.take("/sha", json.sha).or_else(|| commit_in(commit_url.as_deref()?)))
        .queued_at(raw.take("/created_at", json.created_at));
    let job = Deployable { id: if is_by_job { job.id } else { std::mem::take(&mut json.deployable_id) }, ..job };
    let said = Said {
        word: raw.text("/status", json.status),
        at: raw.take("/status_changed_at", json.status_changed_at),
        // One that another tool reported has no job to say when it was over.
        last_at: raw.take("/updated_at", json.updated_at).filter(|_| !is_by_job),
    };
    Outcome::entity(id.to_string(), &carried_out(deployment, job, said, raw))
}

/// What a deployment says about where it stands.
struct Said {
    word: Option<String>,
    /// Since when, in webhooks.
    at: Option<Timestamp>,
    /// When it last changed, of one without a job.
    last_at: Option<Timestamp>,
}

/// Adds where a deployment stands, and the job that carries it out.
fn carried_out(deployment: Deployment, job: Deployable<'_>, said: Said, raw: &Raw<'_>) -> Deployment {
    let reason = raw.take("/deployable/failure_reason", job.failure_reason);
    let status = said.word.as_deref().map(|word| status(raw, "/status", word, reason.as_deref()));
    let (state, result) = status.map(|status| (status.state, status.result)).unzip();
    let is_over = state == Some(RunState::Finished);
    let pipeline = raw.take("/deployable/pipeline", job.pipeline).unwrap_or_default().0;
    let began = said.at.filter(|_| state == Some(RunState::Running));
    let ended = raw.take("/deployable/finished_at", job.finished_at).or(said.at).or(said.last_at);
    deployment
        .build(raw.take("/deployable/pipeline/id", pipeline.id).map(|id| Reference::Key(id.to_string())))
        .stage(raw.take("/deployable/id", job.id).map(|id| id.to_string()))
        .state(state)
        .result(result.flatten())
        .result_word(said.word.filter(|_| is_over))
        .started_at(raw.take("/deployable/started_at", job.started_at).or(began))
        .finished_at(ended.filter(|_| is_over))
        .duration(duration(raw, "/deployable/duration", job.duration))
}

/// The class a tier stands for; "other" says nothing, and the host's rules decide.
fn class(tier: &str) -> Option<EnvironmentClass> {
    match EnvironmentClass::from_word(tier) {
        EnvironmentClass::Unknown(_) => None,
        class => Some(class),
    }
}

/// The object id in the address of a commit's page; webhooks write a short one beside it.
fn commit_in(url: &str) -> Option<ObjectId> {
    ObjectId::new(url.rsplit_once("/commit/")?.1)
}

/// A release.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReleaseJson<'a> {
    #[serde(borrow, alias = "tag")]
    tag_name: Text<'a>,
    #[serde(borrow)]
    commit: Nested<ReleasedCommit<'a>>,
    #[serde(rename = "_links", borrow)]
    links: Nested<Links<'a>>,
    #[serde(borrow)]
    url: Text<'a>,
    upcoming_release: Field<bool>,
    created_at: Instant,
    released_at: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ReleasedCommit<'a> {
    id: Sha,
    #[serde(borrow)]
    web_url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Links<'a> {
    #[serde(rename = "self", borrow)]
    page: Text<'a>,
}

/// A release is the artifact of its tag. One that is announced for later is none yet.
pub(crate) fn release(json: ReleaseJson<'_>, raw: &Raw<'_>) -> Outcome {
    if raw.take("/upcoming_release", json.upcoming_release) == Some(true) {
        return Outcome::ignored("gitlab.release.upcoming");
    }
    let Some(tag) = raw.take("/tag_name", json.tag_name) else { return raw.missing("/tag_name") };
    let links = raw.take("/_links", json.links).unwrap_or_default().0;
    let url = raw.text("/_links/self", links.page).or(raw.text("/url", json.url));
    let commit = raw.take("/commit", json.commit).unwrap_or_default().0;
    let commit_url = raw.take("/commit/web_url", commit.web_url);
    let page = url.as_deref().filter(|url| url.contains("/-/")).or(commit_url.as_deref());
    let Some(origin) = Origin::read(raw, page) else { return raw.missing("/_links/self") };
    let artifact = Artifact::default()
        .kind(ArtifactKind::Package)
        .name(origin.name().to_owned())
        .location(origin.project.clone().into_owned())
        .version(tag.clone().into_owned())
        .purl(format!("pkg:gitlab/{}@{tag}", origin.project.to_lowercase()))
        .url(url)
        .commits(raw.take("/commit/id", commit.id))
        .created_at(raw.take("/created_at", json.created_at))
        .published_at(raw.take("/released_at", json.released_at));
    Outcome::entity(format!("{}@{tag}", origin.project), &artifact)
}
