//! Tries a connection: which Jira it is, who we are to it, and what we may not read.

use std::collections::BTreeMap;

use serde::Deserialize;
use weir_sdk::address;
use weir_sdk::prelude::*;

use super::answer::{accepted, says};
use super::search::jql;
use super::site::{Deployment, SERVER_INFO, of_server_info};
use crate::settings::{Choice, Settings};

/// Projects that are looked at; more would not be done within the time a check has.
const PROJECTS_MAX: usize = 20;

/// What each permission is needed for.
const PERMISSIONS: &[(&str, &str)] = &[
    ("BROWSE_PROJECTS", "Browse projects (issues and all about them)"),
    ("USER_PICKER", "Browse users and groups (users)"),
];

pub(crate) fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
    settings.sound()?;
    let (tool, deployment) = tool(connection, settings)?;
    let identity = identity(connection, deployment)?;
    let searches = try_search(connection, settings, deployment)?;
    let missing = [
        projects(connection, settings, deployment),
        permissions(connection, deployment),
        boards(connection, settings),
        searches.into_iter().collect(),
    ];
    Ok(Checkup { tool, identity, missing: missing.concat() })
}

fn tool(connection: &Connection<'_>, settings: &Settings) -> Result<(String, Deployment), Failure> {
    let wrong = || {
        let text =
            "this is no Jira: the URL must be the base URL of Jira, as https://acme.atlassian.net or https://host/jira";
        Failure::config("jira.url", text)
    };
    let answer = connection.get(SERVER_INFO).send_any()?;
    if answer.status() == 404 {
        return Err(wrong());
    }
    let answer = accepted(answer)?;
    let version: Option<String> = answer.pointer("/version").map_err(|_| wrong())?;
    let deployment = match settings.deployment {
        Choice::Cloud => Deployment::Cloud,
        Choice::Server => Deployment::Server,
        Choice::Auto => of_server_info(&answer).map_err(|_| wrong())?,
    };
    let tool = match deployment {
        Deployment::Cloud => "Jira Cloud".to_owned(),
        Deployment::Server => format!("Jira {}", version.unwrap_or_default()),
    };
    Ok((tool, deployment))
}

/// An account, or nobody where Jira lets anybody read.
fn identity(connection: &Connection<'_>, deployment: Deployment) -> Result<Option<String>, Failure> {
    let answer = accepted(connection.get(format!("{}/myself", deployment.api())).send_any()?)?;
    let name: Option<String> = answer.pointer("/displayName")?;
    Ok(name.or(answer.pointer("/name")?))
}

/// A search as passes make it; the only way to know that `jql` is understood.
fn try_search(
    connection: &Connection<'_>,
    settings: &Settings,
    deployment: Deployment,
) -> Result<Option<String>, Failure> {
    let path = match deployment {
        Deployment::Cloud => "/rest/api/3/search/jql",
        Deployment::Server => "/rest/api/2/search",
    };
    let call = connection.get(path).query("jql", jql(settings, 0)).query("maxResults", "1").query("fields", "updated");
    let answer = call.send_any()?;
    if answer.status() == 400 {
        let says = says(&answer).unwrap_or_else(|| "Jira does not say why".to_owned());
        return Err(Failure::config("jira.jql.invalid", format!("Jira does not take the search for issues: {says}")));
    }
    let found: usize =
        accepted(answer)?.pointer::<Vec<serde::de::IgnoredAny>>("/issues")?.map_or(0, |issues| issues.len());
    Ok((found == 0)
        .then(|| "issues: the search finds none; the account may see no project, or none fits `jql`".to_owned()))
}

fn projects(connection: &Connection<'_>, settings: &Settings, deployment: Deployment) -> Vec<String> {
    let keys = &settings.projects[..settings.projects.len().min(PROJECTS_MAX)];
    let path = |key: &String| format!("{}/project/{}", deployment.api(), address::encode(key));
    let requests: Vec<_> = keys.iter().map(|key| connection.get(path(key)).into_request()).collect();
    let answers = keys.iter().zip(connection.send_all(&requests));
    answers.filter_map(|(key, answer)| answer.err().map(|failure| format!("{key}: {}", failure.message))).collect()
}

#[derive(Deserialize)]
struct Permission {
    #[serde(default, rename = "havePermission")]
    have: bool,
}

fn permissions(connection: &Connection<'_>, deployment: Deployment) -> Vec<String> {
    let names: Vec<_> = PERMISSIONS.iter().map(|(name, _)| *name).collect();
    let call = connection.get(format!("{}/mypermissions", deployment.api())).query("permissions", names.join(","));
    let held: Option<BTreeMap<String, Permission>> =
        call.send().ok().and_then(|answer| answer.pointer("/permissions").ok().flatten());
    let Some(held) = held else { return vec!["permissions: Jira does not say which the account has".to_owned()] };
    let lacking = |(name, _): &&(&str, &str)| !held.get(*name).is_some_and(|permission| permission.have);
    PERMISSIONS.iter().filter(lacking).map(|(_, meaning)| (*meaning).to_owned()).collect()
}

/// Jira without Jira Software has no boards.
fn boards(connection: &Connection<'_>, settings: &Settings) -> Vec<String> {
    if !settings.reads("boards") {
        return Vec::new();
    }
    match connection.get("/rest/agile/1.0/board").query("maxResults", "1").send() {
        Ok(_) => Vec::new(),
        Err(failure) => vec![format!("Jira Software (boards, sprints): {}", failure.message)],
    }
}
