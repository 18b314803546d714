//! Tries a connection: who we are, and what the credentials may not read.

use serde::Deserialize;
use weir_sdk::address;
use weir_sdk::prelude::*;

use crate::settings::Settings;

/// Projects and groups that are looked at; more would not be done within the time a check has.
const PATHS_MAX: usize = 50;

/// What each listing is read for, and by whom.
const LISTINGS: &[(&[&str], &str, &str)] = &[
    (&["repository", "commits"], "repository", "commits and tags: the role Reporter"),
    (&["merge_requests"], "merge_requests", "merge requests, notes, approvals: the role Reporter"),
    (&["pipelines"], "builds", "pipelines and jobs: the role Reporter"),
    (&["deployments"], "environments", "deployments: the role Reporter"),
    (&["issues"], "issues", "issues: the role Guest, for confidential ones Planner or Reporter"),
    (&["releases"], "releases", "releases: the role Guest"),
];

pub(crate) fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
    settings.checked()?;
    let tool = tool(connection)?;
    let identity = connection.get("/user").send_any()?.pointer("/username").ok().flatten();
    let mut missing = scopes(connection)?;
    let projects = first(&settings.projects);
    let unseen_projects = unseen(connection, projects, "projects");
    let seen = projects.iter().zip(&unseen_projects).find(|(_, unseen)| unseen.is_none());
    missing.extend(seen.map(|(project, _)| refused(connection, project)).unwrap_or_default());
    missing.extend(unseen_projects.into_iter().flatten());
    missing.extend(unseen(connection, first(&settings.groups), "groups").into_iter().flatten());
    Ok(Checkup { tool, identity, missing })
}

fn first(paths: &[String]) -> &[String] {
    &paths[..paths.len().min(PATHS_MAX)]
}

/// Product and version. Anything else than GitLab's API answers with a page, or not at all.
fn tool(connection: &Connection<'_>) -> Result<String, Failure> {
    let answer = connection.get("/version").send_any()?;
    let version: Option<String> = answer.pointer("/version").ok().flatten();
    match answer.status() {
        // Read tokens of a single project may not ask for it.
        403 => return Ok("GitLab".to_owned()),
        404 => {}
        _ => _ = answer.accepted()?,
    }
    let no_api = || {
        let message = "this is not GitLab's API; the URL of the connection ends with /api/v4";
        Failure::config("gitlab.url", message)
    };
    version.map(|version| format!("GitLab {version}")).ok_or_else(no_api)
}

/// Scopes the token lacks. Tokens of other kinds cannot be asked.
fn scopes(connection: &Connection<'_>) -> Result<Vec<String>, Failure> {
    #[derive(Deserialize)]
    struct Token {
        scopes: Vec<String>,
    }
    let answer = connection.get("/personal_access_tokens/self").send_any()?;
    let Ok(token) = answer.accepted().and_then(|answer| answer.json::<Token>()) else { return Ok(Vec::new()) };
    let reads = token.scopes.iter().any(|scope| scope == "read_api" || scope == "api");
    Ok(if reads { Vec::new() } else { vec![format!("the scope `read_api`; it has {}", token.scopes.join(", "))] })
}

/// Why each of some projects or groups is not there for us; none for those that are.
fn unseen(connection: &Connection<'_>, paths: &[String], sort: &str) -> Vec<Option<String>> {
    let place = if sort == "groups" { "/full_path" } else { "/path_with_namespace" };
    let requests: Vec<_> =
        paths.iter().map(|path| connection.get(address::path([sort, path.as_str()])).into_request()).collect();
    let judge = |(path, answer): (&String, Result<Response, Failure>)| match answer {
        Err(failure) => Some(format!("{path}: {}", failure.message)),
        Ok(answer) => {
            let spelled: String = answer.pointer(place).ok().flatten()?;
            (spelled != *path).then(|| format!("{path}: GitLab spells it `{spelled}`; write it so"))
        }
    };
    paths.iter().zip(connection.send_all(&requests)).map(judge).collect()
}

/// What one project refuses though it has it.
fn refused(connection: &Connection<'_>, project: &str) -> Vec<String> {
    let path = |below: &[&str]| address::path(["projects", project].into_iter().chain(below.iter().copied()));
    let requests: Vec<_> =
        LISTINGS.iter().map(|(below, ..)| connection.get(path(below)).query("per_page", "1").into_request()).collect();
    let Ok(own) = connection.get(path(&[])).send() else { return Vec::new() };
    let is_on = |feature: &str| {
        own.pointer::<String>(&format!("/{feature}_access_level")).ok().flatten().as_deref() != Some("disabled")
    };
    let answers = LISTINGS.iter().zip(connection.send_all(&requests));
    let denied =
        answers.filter(|(_, answer)| answer.as_ref().is_err_and(|failure| failure.kind == FailureKind::Forbidden));
    denied.filter(|((_, feature, _), _)| is_on(feature)).map(|((.., needed), _)| (*needed).to_owned()).collect()
}
