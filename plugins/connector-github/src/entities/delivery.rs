//! Deployments, their statuses, and releases.

use serde::Deserialize;
use weir_sdk::model::entity::{ArtifactKind, DeploymentKind, Environment, EnvironmentClass, RunResult, RunState};
use weir_sdk::prelude::*;

use super::{Account, person};
use crate::origin::{Origin, number_after};

/// A deployment.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeploymentJson<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    url: Text<'a>,
    sha: Sha,
    #[serde(rename = "ref", borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    task: Text<'a>,
    #[serde(borrow)]
    environment: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    creator: Nested<Account<'a>>,
    production_environment: Field<bool>,
    transient_environment: Field<bool>,
    created_at: Instant,
}

pub(crate) fn deployment(json: DeploymentJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.take("/id", json.id) else { return raw.missing("/id") };
    let url = raw.take("/url", json.url);
    let Some(origin) = Origin::read(raw, url.as_deref()) else { return raw.missing("/repository_url") };
    let is_production = raw.take("/production_environment", json.production_environment) == Some(true);
    let is_transient = raw.take("/transient_environment", json.transient_environment) == Some(true);
    let environment = raw.filled("/environment", json.environment);
    let is_rollback = raw.take("/task", json.task).is_some_and(|task| task.contains("rollback"));
    let deployment = Deployment::default()
        .attempt(1)
        .service(origin.name().to_owned())
        .environment(environment.map(|name| {
            let class = if is_production { Some(EnvironmentClass::Production) } else { class(&name, is_transient) };
            Environment { name, class }
        }))
        .kind(if is_rollback { DeploymentKind::Rollback } else { DeploymentKind::Deploy })
        .title(raw.filled("/description", json.description))
        .version(raw.text("/ref", json.name))
        .author(person(raw, "/creator", json.creator))
        .repositories([origin.reference()])
        .commits(raw.take("/sha", json.sha))
        .queued_at(raw.take("/created_at", json.created_at));
    Outcome::entity(id.to_string(), &deployment)
}

/// The class of an environment by its name; none when the name does not tell.
fn class(name: &str, is_transient: bool) -> Option<EnvironmentClass> {
    let lower = name.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    let by_word = words.find_map(|word| match word {
        "prod" | "production" | "live" => Some(EnvironmentClass::Production),
        "staging" | "stage" | "preprod" | "preproduction" | "uat" => Some(EnvironmentClass::Staging),
        "test" | "testing" | "qa" | "ci" => Some(EnvironmentClass::Testing),
        "dev" | "development" | "preview" | "review" | "sandbox" => Some(EnvironmentClass::Development),
        _ => None,
    });
    by_word.or_else(|| is_transient.then_some(EnvironmentClass::Development))
}

/// One status of a deployment.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct StatusJson<'a> {
    #[serde(borrow)]
    state: Text<'a>,
    #[serde(borrow)]
    deployment_url: Text<'a>,
    #[serde(borrow)]
    environment_url: Text<'a>,
    #[serde(borrow)]
    log_url: Text<'a>,
    #[serde(borrow)]
    target_url: Text<'a>,
    created_at: Instant,
}

/// A status contributes what it says to its deployment; the newest one that says it counts.
pub(crate) fn deployment_status(json: StatusJson<'_>, raw: &Raw<'_>) -> Outcome {
    let deployment_url = raw.take("/deployment_url", json.deployment_url);
    let origin: Option<Origin<'_>> = raw.context();
    let id = origin
        .and_then(|origin| origin.deployment)
        .or_else(|| number_after(deployment_url.as_deref()?, "/deployments/"));
    let Some(id) = id else { return raw.missing("/deployment_url") };
    let Some(word) = raw.take("/state", json.state) else { return raw.missing("/state") };
    let at = raw.take("/created_at", json.created_at);
    let links = [
        raw.filled("/environment_url", json.environment_url),
        raw.filled("/log_url", json.log_url),
        raw.filled("/target_url", json.target_url),
    ];
    let stated = Deployment::default().url(links.into_iter().flatten().next());
    let deployment = match word.as_ref() {
        "pending" | "queued" => stated.state(RunState::Queued),
        "waiting" => stated.state(RunState::Waiting),
        "in_progress" => stated.state(RunState::Running).started_at(at),
        "success" => finished(stated, RunResult::Success, &word, at),
        "failure" => finished(stated, RunResult::Failure, &word, at),
        "error" => finished(stated, RunResult::Error, &word, at),
        // A newer deployment took its place; how this one ended does not change by that.
        "inactive" => return Outcome::ignored("github.deployment-status.inactive"),
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/state", other);
            stated.state(RunState::Unknown(other.to_owned()))
        }
    };
    Outcome::entity(id.to_string(), &deployment)
}

fn finished(stated: Deployment, result: RunResult, word: &str, at: Option<Timestamp>) -> Deployment {
    stated.state(RunState::Finished).result(result).result_word(word.to_owned()).finished_at(at)
}

/// A release.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReleaseJson<'a> {
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    html_url: Text<'a>,
    #[serde(borrow)]
    tag_name: Text<'a>,
    #[serde(borrow)]
    target_commitish: Text<'a>,
    draft: Field<bool>,
    created_at: Instant,
    published_at: Instant,
}

/// A release is the artifact of its tag. A draft is none yet.
pub(crate) fn release(json: ReleaseJson<'_>, raw: &Raw<'_>) -> Outcome {
    if raw.take("/draft", json.draft) == Some(true) {
        return Outcome::ignored("github.release.draft");
    }
    let Some(tag) = raw.take("/tag_name", json.tag_name) else { return raw.missing("/tag_name") };
    let url = raw.take("/url", json.url);
    let Some(origin) = Origin::read(raw, url.as_deref()) else { return raw.missing("/url") };
    // Mostly the name of a branch; a full object id when the release was made for a commit.
    let target = raw.take("/target_commitish", json.target_commitish).filter(|target| target.len() >= 40);
    let artifact = Artifact::default()
        .kind(ArtifactKind::Package)
        .name(origin.name().to_owned())
        .location(origin.repository.clone().into_owned())
        .version(tag.clone().into_owned())
        .purl(format!("pkg:github/{}@{tag}", origin.repository.to_ascii_lowercase()))
        .url(raw.text("/html_url", json.html_url))
        .commits(target.and_then(|target| ObjectId::new(&target)))
        .created_at(raw.take("/created_at", json.created_at))
        .published_at(raw.take("/published_at", json.published_at));
    Outcome::entity(format!("{}@{tag}", origin.repository), &artifact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_class_of_an_environment() {
        let check = |name| class(name, false).map(|class| class.as_str().to_owned()).unwrap_or_default();
        assert_eq!(check("Production"), "production");
        assert_eq!(check("eu-west/prod-2"), "production");
        assert_eq!(check("nonprod"), "");
        assert_eq!(check("pre_prod staging"), "production");
        assert_eq!(check("uat"), "staging");
        assert_eq!(check("github-pages"), "");
        assert_eq!(class("pr-12", true), Some(EnvironmentClass::Development));
    }
}
