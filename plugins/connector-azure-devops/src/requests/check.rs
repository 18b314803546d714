//! Tries a connection: who we are, and what the token may not read.

use weir_sdk::address;
use weir_sdk::prelude::*;

use super::answer;
use super::listing::{API, Of, base};
use crate::settings::Settings;

/// Projects that are looked at; more would not be done within the time a check has.
const PROJECTS_MAX: usize = 20;

/// What each scope of a token is needed for.
const SCOPES: &[(&str, &str)] = &[
    ("_apis/git/repositories", "Code: read (repositories, commits, pull requests)"),
    ("_apis/build/builds", "Build: read (builds, timelines, changes)"),
    ("_apis/wit/workitemtypes", "Work Items: read (work items, their updates)"),
];

pub(crate) fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
    let answer = connection.get("/_apis/projects").query("$top", "1").query("api-version", API).send_any()?;
    if answer.status() == 404 {
        let message = "there is no organisation here; the address is https://dev.azure.com/{organisation}, \
                       or that of a collection of an Azure DevOps Server";
        return Err(Failure::config("azure-devops.check.address", message));
    }
    answer::accepted(answer)?;
    let mut missing = Vec::new();
    for project in settings.projects.iter().take(PROJECTS_MAX) {
        missing.extend(missing_in(connection, project)?);
    }
    Ok(Checkup { tool: "Azure DevOps".to_owned(), identity: who(connection), missing })
}

fn who(connection: &Connection<'_>) -> Option<String> {
    let answer = connection.get("/_apis/connectionData").send().ok()?;
    answer.pointer("/authenticatedUser/providerDisplayName").ok().flatten()
}

fn missing_in(connection: &Connection<'_>, project: &str) -> Result<Vec<String>, Failure> {
    let whole = format!("/_apis/projects/{}", address::encode(project));
    match connection.get(whole).query("api-version", API).send_any()?.accepted() {
        Ok(answer) => {
            let spelled: Option<String> = answer.pointer("/name")?;
            if let Some(spelled) = spelled.filter(|spelled| spelled != project) {
                return Ok(vec![format!("{project}: Azure DevOps spells it `{spelled}`; write it so")]);
            }
        }
        Err(failure) if failure.kind == FailureKind::Gone => {
            return Ok(vec![format!("{project}: there is no such project, or the token may not see it")]);
        }
        Err(failure) => return Err(failure),
    }
    let request = |(below, _): &(&str, &str)| {
        let path = format!("{}/{below}", base(Of::Project, project));
        connection.get(path).query("$top", "1").query("api-version", API).into_request()
    };
    let requests: Vec<_> = SCOPES.iter().map(request).collect();
    let mut missing = Vec::new();
    for ((_, scope), answer) in SCOPES.iter().zip(connection.send_all(&requests)) {
        match answer.and_then(answer::accepted) {
            Ok(_) => {}
            // A token without the scope is refused like a wrong one, but the first request showed that it is right.
            Err(failure) if matches!(failure.kind, FailureKind::Auth | FailureKind::Forbidden) => {
                missing.push(format!("{project}: {scope}"));
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(missing)
}
