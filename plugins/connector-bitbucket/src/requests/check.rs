//! Tries a connection: what is there, who we are, and what the credentials may not read.

use weir_sdk::prelude::*;

use super::{listing, repositories};
use crate::settings::{Deployment, Settings};

/// Repositories that are looked at; more would not be done within the time a check has.
const REPOSITORIES_MAX: usize = 50;

/// What each permission of Cloud is needed for; a Data Center has one for all.
const PERMISSIONS: &[(&str, &str)] = &[
    ("commits", "repositories: read (commits, tags)"),
    ("pullrequests", "pull requests: read (pull requests, their commits and activity)"),
    ("pipelines/", "pipelines: read (pipelines, steps, deployments)"),
    ("issues", "issues: read (issues)"),
];

pub(crate) fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
    let deployment = settings.deployment_of(connection);
    let given = settings.given_repositories()?;
    let tool = tool(connection, deployment)?;
    if given.is_empty() {
        let answer = connection.get(repositories::path(settings, deployment)?).send()?;
        let identity = who(connection, deployment, Some(&answer));
        return Ok(Checkup { tool, identity, missing: Vec::new() });
    }
    let given = &given[..given.len().min(REPOSITORIES_MAX)];
    let missing = unreadable(connection, deployment, given)?;
    let readable = given.iter().find(|name| !missing.iter().any(|line| line.starts_with(*name)));
    let forbidden = readable.filter(|_| deployment == Deployment::Cloud);
    let forbidden = forbidden.map(|repository| forbidden_in(connection, repository)).unwrap_or_default();
    let identity = who(connection, deployment, None);
    Ok(Checkup { tool, identity, missing: missing.into_iter().chain(forbidden).collect() })
}

/// The product and its version. Cloud has none, and nothing that could be asked without rights.
fn tool(connection: &Connection<'_>, deployment: Deployment) -> Result<String, Failure> {
    if deployment == Deployment::Cloud {
        return Ok("Bitbucket Cloud".to_owned());
    }
    let answer = connection.get("/rest/api/1.0/application-properties").send_any()?;
    let version: Option<String> = answer.pointer("/version").ok().flatten();
    let elsewhere = || {
        let message = "there is no Bitbucket Server here; the address is that of its start page, \
                       or set `deployment = \"cloud\"` for bitbucket.org";
        Failure::config("bitbucket.check.address", message)
    };
    if answer.status() >= 500 {
        answer.accepted()?;
        return Err(elsewhere());
    }
    version.map(|version| format!("Bitbucket Server {version}")).ok_or_else(elsewhere)
}

/// Tokens of workspaces and repositories are nobody; they may not ask who they are.
fn who(connection: &Connection<'_>, deployment: Deployment, answer: Option<&Response>) -> Option<String> {
    match deployment {
        Deployment::Cloud => {
            let answer = connection.get("/user").send_any().ok()?.accepted().ok()?;
            answer.pointer("/display_name").ok().flatten()
        }
        // A Data Center names whom it answers in every answer.
        Deployment::Server => match answer {
            Some(answer) => answer.header("x-ausername"),
            None => connection.get("/rest/api/1.0/projects").query("limit", "1").send().ok()?.header("x-ausername"),
        },
    }
}

fn unreadable(
    connection: &Connection<'_>,
    deployment: Deployment,
    repositories: &[String],
) -> Result<Vec<String>, Failure> {
    let request = |name: &String| connection.get(listing::path(deployment, name, "")).into_request();
    let requests: Vec<_> = repositories.iter().map(request).collect();
    let mut lines = Vec::new();
    for (name, answer) in repositories.iter().zip(connection.send_all(&requests)) {
        match answer {
            Err(failure) if failure.kind == FailureKind::Auth => return Err(failure),
            Err(failure) => lines.push(format!("{name}: {}", failure.message)),
            Ok(answer) => match repositories::spelled(&answer.text()?, deployment) {
                Some(spelled) if spelled == *name => {}
                Some(spelled) => lines.push(format!("{name}: Bitbucket spells it `{spelled}`; write it so")),
                None => {
                    lines.push(format!("{name}: the answer is no repository; look at the address of the connection"));
                }
            },
        }
    }
    Ok(lines)
}

fn forbidden_in(connection: &Connection<'_>, repository: &str) -> Vec<String> {
    let request = |(below, _): &(&str, &str)| {
        connection.get(listing::path(Deployment::Cloud, repository, below)).query("pagelen", "1").into_request()
    };
    let requests: Vec<_> = PERMISSIONS.iter().map(request).collect();
    let answers = PERMISSIONS.iter().zip(connection.send_all(&requests));
    let is_denied = |answer: &Result<Response, Failure>| {
        answer.as_ref().is_err_and(|failure| failure.kind == FailureKind::Forbidden)
    };
    answers.filter(|(_, answer)| is_denied(answer)).map(|((_, permission), _)| (*permission).to_owned()).collect()
}
