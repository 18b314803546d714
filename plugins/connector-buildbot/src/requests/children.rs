//! Steps and changes of a build.

use serde::Deserialize;
use serde::de::IgnoredAny;
use weir_sdk::prelude::*;

use super::{Position, unreadable};
use crate::settings::Settings;

/// Steps of one page.
const PAGE: usize = 200;

fn build_id(run: &Run<Settings>) -> Result<&str, Failure> {
    let unusable = || Failure::internal("buildbot.parent", "the build to read under is not known");
    run.parent.as_ref().map(|parent| parent.key.as_str()).ok_or_else(unusable)
}

/// A page of steps, in the order of their numbers.
pub(super) fn steps(run: &Run<Settings>, position: &Position) -> Result<Page<Position>, Failure> {
    #[derive(Deserialize)]
    struct Step {
        number: u64,
    }
    let build = build_id(run)?;
    let call =
        run.get(format!("/api/v2/builds/{build}/steps")).query("order", "number").query("limit", PAGE.to_string());
    let call = position.at.into_iter().fold(call, |call, number| call.query("number__gt", number.to_string()));
    let answer = call.send()?;
    let steps: Option<Vec<Step>> = answer.pointer("/steps")?;
    let steps = steps.ok_or_else(|| unreadable("steps of a build", &"there is no list of them"))?;
    let last = steps.iter().map(|step| step.number).max().filter(|_| steps.len() >= PAGE);
    let page = Page::extract(answer, "/steps").key("/number").key_prefix(&format!("{build}/"));
    Ok(page.next_or_done(last.map(|last| Position { at: Some(last), ..Position::default() })))
}

/// The changes that are new in a build.
pub(super) fn changes(run: &Run<Settings>) -> Result<Page<Position>, Failure> {
    let build = build_id(run)?;
    let answer = match run.get(format!("/api/v2/builds/{build}/changes")).send() {
        Err(failure) if failure.kind == FailureKind::Transient => return Err(unless_gone(run, build, failure)),
        answer => answer?,
    };
    if answer.pointer::<Vec<IgnoredAny>>("/changes")?.is_none() {
        return Err(unreadable("changes of a build", &"there is no list of them"));
    }
    Ok(Page::extract(answer, "/changes").key("/changeid").key_prefix(&format!("{build}/")).done())
}

/// Buildbot fails when it is asked for the changes of a build it no longer has.
fn unless_gone(run: &Run<Settings>, build: &str, failure: Failure) -> Failure {
    match run.get(format!("/api/v2/builds/{build}")).query("field", "buildid").send() {
        Err(gone) if gone.kind == FailureKind::Gone => gone,
        _ => failure,
    }
}
