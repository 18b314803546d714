//! Which projects and repositories to read.

use std::rc::Rc;

use weir_sdk::prelude::*;

use super::Next;
use super::answer;
use super::listing::{API, Of, base};
use crate::settings::Settings;

/// The projects, or the repositories of all of them as "project/repository", sorted; listed once per reader.
pub(super) fn scopes(run: &Run<Settings>, of: Of) -> Result<Rc<Vec<String>>, Failure> {
    run.remember(|| {
        let projects = projects(run)?;
        let mut scopes = match of {
            Of::Project => projects,
            Of::Repository => {
                let repositories: Result<Vec<_>, _> =
                    projects.iter().map(|project| repositories(run, project)).collect();
                repositories?.concat()
            }
        };
        scopes.sort_unstable();
        scopes.dedup();
        Ok(scopes)
    })
}

fn projects(run: &Run<Settings>) -> Result<Vec<String>, Failure> {
    if !run.settings.projects.is_empty() {
        return Ok(run.settings.projects.clone());
    }
    let mut projects = Vec::new();
    let mut next = None;
    loop {
        let call = run.get("/_apis/projects").query("$top", "100");
        let call = match &next {
            Some(Next::Token(token)) => call.query("continuationToken", token),
            _ => call,
        };
        let answer = answer::accepted(call.query("api-version", API).send_any()?)?;
        projects.extend(names(&answer.text()?)?);
        next = answer::token(&answer);
        if next.is_none() {
            return Ok(projects);
        }
    }
}

fn repositories(run: &Run<Settings>, project: &str) -> Result<Vec<String>, Failure> {
    let call = run.get(format!("{}/_apis/git/repositories", base(Of::Project, project)));
    let answer = answer::accepted(call.query("api-version", API).send_any()?)?;
    Ok(names(&answer.text()?)?.into_iter().map(|name| format!("{project}/{name}")).collect())
}

/// Names of listed projects or repositories; one that is disabled cannot be read.
fn names(text: &str) -> Result<Vec<String>, Failure> {
    let nameless = || Failure::transient("azure-devops.page.unfit", "something listed has no name");
    let heads = answer::heads(text)?.into_iter().map(|(_, head)| head);
    let enabled = heads.filter(|head| head.is_disabled.quietly() != Some(&true));
    enabled.map(|head| head.name.text().ok_or_else(nameless)).collect()
}
