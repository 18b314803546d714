//! Who waits: changes that are merged and not delivered, behind a build that is red.

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::{Entity, EntityId, ObjectId, Timestamp};
use weir_stages::correlate::{BuildPoint, VerdictState, commit_name};

use super::{Finder, deliveries};
use crate::error::Fault;
use crate::process::{Suspects, suspects_of};
use crate::query::View;

/// Most commits behind a red build that are looked at.
const COMMITS_MAX: usize = 200;

/// The commits that may have broken a build, and who waits for it to be mended.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SuspectsAnswer {
    /// Who may have broken it.
    #[serde(flatten)]
    pub suspects: Suspects,
    /// Changes merged since the last green build, up to this one, that no counted deployment has.
    pub waiting: Vec<WaitingChange>,
}

/// A change that waits.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WaitingChange {
    /// Its id.
    pub id: EntityId,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Since when.
    pub merged_at: Option<Timestamp>,
}

/// The commits that may have broken the build called `id`; none when there is no such build.
pub fn suspects(account: &View<'_>, id: &EntityId) -> Result<Option<SuspectsAnswer>, Fault> {
    let derived = account.derived().clone();
    let reader = account.reader(&derived)?;
    let (context, graph) = (account.context(), account.graph());
    let Some(suspects) = suspects_of(&reader, &graph, id)? else { return Ok(None) };
    let waiting = waiting(&Finder::new(&reader, &context, &graph)?, &suspects)?;
    Ok(Some(SuspectsAnswer { suspects, waiting }))
}

fn waiting(finder: &Finder<'_>, suspects: &Suspects) -> Result<Vec<WaitingChange>, Fault> {
    let is_red = matches!(suspects.state, VerdictState::Broken | VerdictState::StillBroken);
    let green = suspects.since.as_ref().filter(|_| is_red);
    let Some(green) = green.map(|green| head(finder, green)).transpose()?.flatten() else { return Ok(Vec::new()) };
    let Some(red) = head(finder, &suspects.build)? else { return Ok(Vec::new()) };
    let mut waiting = Vec::new();
    for sha in finder.graph.range(&red, &[&green]).commits.iter().take(COMMITS_MAX) {
        for known in finder.lookup("change>commit", &commit_name(sha).text())? {
            let Entity::Change(change) = &known.1 else { continue };
            if deliveries::delivering(change) == Some(sha) && !deliveries::is_delivered(finder, &known)? {
                let (title, merged_at) = (change.title.clone(), change.merged_at);
                waiting.push(WaitingChange { id: known.0, title, merged_at });
            }
        }
    }
    Ok(waiting)
}

fn head(finder: &Finder<'_>, build: &EntityId) -> Result<Option<ObjectId>, Fault> {
    Ok(match finder.known(build)? {
        Some((id, Entity::Build(build))) => BuildPoint::new(id, &build, None, finder.graph).head,
        _ => None,
    })
}
