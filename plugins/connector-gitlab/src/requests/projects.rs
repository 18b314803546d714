//! Which projects to read: those given, and all of the groups given.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;
use weir_sdk::{address, state};

use super::PAGE;
use crate::settings::Settings;

/// Where the lists of groups are kept, for all datasets of the connection.
const KEPT: &str = "projects";
/// How long they count, in milliseconds. Every dataset asks, and a thousand projects are ten requests.
const KEPT_FOR: i64 = 10 * 60_000;

/// The places to read, sorted: paths of projects. The dataset of projects itself lists a group as a whole, "group/*".
pub(super) fn places(run: &Run<Settings>) -> Result<Rc<Vec<String>>, Failure> {
    run.remember(|| {
        run.settings.checked()?;
        let mut places = run.settings.projects.clone();
        if run.dataset == "projects" {
            places.extend(run.settings.groups.iter().map(|group| format!("{group}/*")));
        } else if !run.settings.groups.is_empty() {
            places.extend(of_groups(run)?);
        }
        places.sort_unstable();
        places.dedup();
        Ok(places)
    })
}

#[derive(Serialize, Deserialize)]
struct Kept {
    groups: Vec<String>,
    at: i64,
    projects: Vec<String>,
}

fn of_groups(run: &Run<Settings>) -> Result<Vec<String>, Failure> {
    let now = run.run_at.ms();
    let counts =
        |kept: &Kept| kept.groups == run.settings.groups && (0..KEPT_FOR).contains(&now.saturating_sub(kept.at));
    let kept = state::get(KEPT)?.and_then(|json| serde_json::from_slice(&json).ok());
    if let Some(kept) = kept.filter(counts) {
        return Ok(kept.projects);
    }
    let mut projects = Vec::new();
    for group in &run.settings.groups {
        projects.extend(of_group(run, group)?);
    }
    let kept = Kept { groups: run.settings.groups.clone(), at: now, projects };
    if let Ok(json) = serde_json::to_vec(&kept) {
        state::set(KEPT, &json)?;
    }
    Ok(kept.projects)
}

/// By id, so that a project that is added meanwhile comes last.
fn of_group(run: &Run<Settings>, group: &str) -> Result<Vec<String>, Failure> {
    #[derive(Deserialize)]
    struct Listed {
        path_with_namespace: String,
    }
    let call = run.get(address::path(["groups", group, "projects"])).query("include_subgroups", "true");
    let call = call.query("with_shared", "false").query("simple", "true").query("order_by", "id").query("sort", "asc");
    let mut answer = call.query("per_page", PAGE).send()?;
    let mut projects = Vec::new();
    loop {
        projects.extend(answer.json::<Vec<Listed>>()?.into_iter().map(|listed| listed.path_with_namespace));
        match answer.next_link() {
            Some(link) => answer = run.follow(link).send()?,
            None => break,
        }
    }
    if projects.is_empty() { Err(unseen(group)) } else { Ok(projects) }
}

/// A token that may see nothing gets an empty list, and an empty list would be read as "all deleted".
pub(super) fn unseen(group: &str) -> Failure {
    Failure::forbidden("gitlab.group.empty", format!("`{group}` has no project the token can see"))
}

/// Whether a project that refused a listing is there and lacks what was asked for: then there is nothing to read.
pub(super) fn lacks(run: &Run<Settings>, project: &str, feature: &str) -> Result<bool, Failure> {
    if feature.is_empty() {
        return Ok(false);
    }
    let answer = match run.get(address::path(["projects", project])).send() {
        Err(refused) if matches!(refused.kind, FailureKind::Forbidden | FailureKind::Gone) => return Ok(false),
        answer => answer?,
    };
    let level: Option<String> = answer.pointer(&format!("/{feature}_access_level"))?;
    let is_empty: Option<bool> = answer.pointer("/empty_repo")?;
    Ok(level.as_deref() == Some("disabled") || (feature == "repository" && is_empty == Some(true)))
}
