//! Tries a connection: who we are, and what the credentials may not read.

use weir_sdk::prelude::*;

use super::listing::path;
use super::{PAGE, repositories};
use crate::settings::Settings;

/// Repositories that are looked at; more would not be done within the time a check has.
const REPOSITORIES_MAX: usize = 50;

/// What each permission is needed for.
const PERMISSIONS: &[(&[&str], &str)] = &[
    (&["commits"], "contents: read (commits, tags, releases)"),
    (&["pulls"], "pull requests: read (pull requests, reviews, comments)"),
    (&["issues"], "issues: read (issues, comments)"),
    (&["actions", "runs"], "actions: read (workflow runs, jobs)"),
    (&["deployments"], "deployments: read (deployments, statuses)"),
];

pub(crate) fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
    let given = settings.given_repositories()?;
    let (tool, identity) = who(connection)?;
    let missing = if given.is_empty() {
        connection.get(repositories::path(settings)?).query("per_page", PAGE).send()?;
        Vec::new()
    } else {
        unreadable(connection, &given[..given.len().min(REPOSITORIES_MAX)])
    };
    let is_missing = |name: &String| missing.iter().any(|line| line.split_once(':').is_some_and(|(of, _)| of == name));
    let forbidden = given.iter().find(|name| !is_missing(name));
    let forbidden = forbidden.map(|repository| forbidden_in(connection, repository)).unwrap_or_default();
    Ok(Checkup { tool, identity, missing: missing.into_iter().chain(forbidden).collect() })
}

/// Tokens of apps are nobody and may not ask who they are; only bad credentials are an error.
fn who(connection: &Connection<'_>) -> Result<(String, Option<String>), Failure> {
    let answer = connection.get("/user").send_any()?;
    if answer.status() == 401 {
        answer.accepted()?;
        return Ok((String::new(), None));
    }
    let version = answer.header("x-github-enterprise-version");
    let tool = version.map_or_else(|| "GitHub".to_owned(), |version| format!("GitHub Enterprise Server {version}"));
    Ok((tool, answer.pointer("/login").ok().flatten()))
}

fn unreadable(connection: &Connection<'_>, repositories: &[String]) -> Vec<String> {
    let requests: Vec<_> = repositories.iter().map(|name| connection.get(path(name, &[])).into_request()).collect();
    let judge = |(name, answer): (&String, Result<Response, Failure>)| match answer {
        Err(failure) => Some(format!("{name}: {}", failure.message)),
        Ok(answer) => {
            let spelled: String = answer.pointer("/full_name").ok().flatten()?;
            (spelled != *name).then(|| format!("{name}: GitHub spells it `{spelled}`; write it so"))
        }
    };
    repositories.iter().zip(connection.send_all(&requests)).filter_map(judge).collect()
}

fn forbidden_in(connection: &Connection<'_>, repository: &str) -> Vec<String> {
    let request =
        |(below, _): &(&[&str], &str)| connection.get(path(repository, below)).query("per_page", "1").into_request();
    let requests: Vec<_> = PERMISSIONS.iter().map(request).collect();
    let denied = |answer: &Result<Response, Failure>| {
        answer.as_ref().is_err_and(|failure| failure.kind == FailureKind::Forbidden)
    };
    let answers = PERMISSIONS.iter().zip(connection.send_all(&requests));
    answers.filter(|(_, answer)| denied(answer)).map(|((_, permission), _)| (*permission).to_owned()).collect()
}
