//! Tries a connection: whether Jenkins is there, who we are for it, and what will not be read.

use serde::Deserialize;
use weir_sdk::prelude::*;

use super::jobs;
use crate::settings::Settings;

#[derive(Deserialize)]
struct Who {
    name: String,
    anonymous: bool,
}

/// Asks who we are, for the jobs, and for what gives stages.
pub(crate) fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
    let answer = connection.get("/whoAmI/api/json").query("tree", "name,anonymous").send_any()?;
    let Some(version) = answer.header("x-jenkins") else {
        let message = "no Jenkins answers there: `url` is the address of its first page, with the path it runs under";
        return Err(Failure::config("jenkins.url", message));
    };
    let who: Who = answer.accepted().map_err(|failure| explained(failure, "Overall/Read"))?.json()?;
    let jobs = jobs::list(connection, settings).map_err(|failure| explained(failure, "Overall/Read"))?;
    let missing = match jobs.iter().find(|job| job.class.ends_with("WorkflowJob")) {
        None if jobs.is_empty() => Some(no_jobs(who.anonymous)),
        Some(pipeline) => no_stages(connection, pipeline)?,
        None => None,
    };
    let identity = Some(who.name).filter(|_| !who.anonymous);
    Ok(Checkup { tool: format!("Jenkins {version}"), identity, missing: missing.into_iter().collect() })
}

fn explained(failure: Failure, permission: &str) -> Failure {
    match failure.kind {
        FailureKind::Forbidden => {
            Failure { message: format!("{}; the user needs the permission {permission}", failure.message), ..failure }
        }
        _ => failure,
    }
}

fn no_jobs(is_anonymous: bool) -> String {
    let who = if is_anonymous { "; nobody is signed in" } else { "" };
    format!("jobs: none with builds is seen; the user needs Job/Read, or `jobs` fits none{who}")
}

/// Stages come from one of two plugins of Jenkins; without both, pipelines are builds and no more.
fn no_stages(connection: &Connection<'_>, pipeline: &jobs::Job) -> Result<Option<String>, Failure> {
    let paths = [format!("{}/wfapi/describe", pipeline.origin.path), "/blue/rest/organizations/jenkins/".to_owned()];
    for path in paths {
        if connection.get(path).send_any()?.status() < 400 {
            return Ok(None);
        }
    }
    let message =
        "stages: neither the plugin Pipeline: Stage View nor Blue Ocean answers; pipelines come without stages";
    Ok(Some(message.to_owned()))
}
