//! From Bitbucket's JSON to entities. Pure; an odd field is reported and left out, never the record.

mod cloud;
mod server;

use weir_sdk::model::entity::ChangeState;
use weir_sdk::prelude::*;

use crate::origin::Origin;
use crate::settings::{Deployment, Settings};

/// Makes entities of a record of either product.
pub(crate) fn normalize(dataset: &str, settings: &Settings, raw: &Raw<'_>) -> Outcome {
    let origin = Origin::read(raw, settings);
    match (origin.deployment, dataset) {
        (Deployment::Cloud, "repositories") => raw.read(cloud::repository),
        (Deployment::Cloud, "commits") => raw.read(|json, raw| cloud::commit(json, raw, origin)),
        (Deployment::Cloud, "pulls") => raw.read(|json, raw| cloud::pull(json, raw, origin)),
        (Deployment::Cloud, "pull-commits") => raw.read(|json, raw| cloud::pull_commit(json, raw, &origin)),
        (Deployment::Cloud, "pull-activity") => raw.read(|json, raw| cloud::activity(json, raw, origin)),
        (Deployment::Cloud, "pipelines") => raw.read(|json, raw| cloud::pipeline(json, raw, origin)),
        (Deployment::Cloud, "pipeline-steps") => raw.read(|json, raw| cloud::step(json, raw, &origin)),
        (Deployment::Cloud, "deployments") => raw.read(|json, raw| cloud::deployment(json, raw, origin)),
        (Deployment::Cloud, "issues") => raw.read(|json, raw| cloud::issue(json, raw, origin)),
        (Deployment::Cloud, "tags") => raw.read(|json, raw| cloud::tag(json, raw, origin)),
        (Deployment::Cloud, "events") => raw.read(|json, raw| cloud::closing(json, raw, &origin)),
        (Deployment::Server, "repositories") => raw.read(server::repository),
        (Deployment::Server, "commits") => raw.read(|json, raw| server::commit(json, raw, &origin)),
        (Deployment::Server, "pulls") => raw.read(|json, raw| server::pull(json, raw, origin)),
        (Deployment::Server, "pull-commits") => raw.read(|json, raw| server::pull_commit(json, raw, &origin)),
        (Deployment::Server, "pull-activity") => raw.read(|json, raw| server::activity(json, raw, &origin)),
        (Deployment::Server, "tags") => raw.read(|json, raw| server::tag(json, raw, &origin)),
        (Deployment::Server, "events") => raw.read(|json, raw| server::event(json, raw, &origin)),
        _ => raw.unknown_dataset(),
    }
}

/// Where a pull request stands; both products use these words.
fn change_state(raw: &Raw<'_>, word: &str) -> ChangeState {
    match word {
        "OPEN" => ChangeState::Open,
        "MERGED" => ChangeState::Merged,
        // Superseded by another one with the same branches.
        "DECLINED" | "SUPERSEDED" => ChangeState::Closed,
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/state", other);
            ChangeState::Unknown(other.to_owned())
        }
    }
}

/// Key of the verdict of a person: one of a sort for each person and pull request, and the newest one counts.
fn verdict_key(pull: &str, sort: &str, person: &str) -> String {
    format!("{pull}/{sort}/{person}")
}
