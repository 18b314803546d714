//! How sprints went.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::entity::{Sprint, SprintState};
use weir_model::{Entity, EntityId, EntityKind, Timestamp};
use weir_stages::Context;
use weir_stages::aggregate::{SprintReport, sprint_report};
use weir_store::Reader;

use super::{DEFINITION, Spread, fresh_at};
use crate::clock;
use crate::error::Fault;
use crate::process::EVERY_ONE;
use crate::query::View;

/// Sprints given when no limit is.
const SPRINTS_DEFAULT: usize = 10;
/// Most sprints of one answer.
const SPRINTS_MAX: usize = 100;
/// Sprints read at a time.
const PAGE: usize = 1_000;

/// Which sprints.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SprintParams {
    /// Only of this board or team, as the tool names it.
    pub board: Option<String>,
    /// Only the sprint of this id.
    pub id: Option<String>,
    /// Most sprints, the newest first.
    pub limit: Option<usize>,
}

/// A sprint and its numbers.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SprintAnswer {
    /// Which.
    pub id: EntityId,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<SprintState>,
    /// Numbers; none while it has not begun.
    #[serde(flatten)]
    pub report: Option<SprintReport>,
}

/// Sprints, the newest first.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SprintsAnswer {
    /// Version of the definition.
    pub definition: &'static str,
    /// The sprints.
    pub sprints: Vec<SprintAnswer>,
    /// Over those that are over: `delivered` in points, and the ratios.
    pub over: BTreeMap<&'static str, Spread>,
    /// When the newest record that was processed was taken.
    pub fresh_at: Option<Timestamp>,
}

/// The newest sprints with their numbers.
pub fn sprints(account: &View<'_>, params: &SprintParams) -> Result<SprintsAnswer, Fault> {
    let now = clock::now();
    let derived = account.derived();
    let reader = account.reader(&derived)?;
    let mut known = all(&reader)?;
    known.retain(|(id, sprint)| {
        params.board.as_ref().is_none_or(|board| sprint.boards.contains(board))
            && params.id.as_ref().is_none_or(|wanted| *wanted == id.to_string())
    });
    known.sort_by(|one, other| (other.1.started_at, &other.0).cmp(&(one.1.started_at, &one.0)));
    known.truncate(params.limit.unwrap_or(SPRINTS_DEFAULT).min(SPRINTS_MAX));
    let context = account.context();
    let sprints = known.into_iter().map(|(id, sprint)| answer(&reader, &context, id, &sprint, now));
    let sprints = sprints.collect::<Result<Vec<_>, _>>()?;
    Ok(SprintsAnswer { definition: DEFINITION, over: over(&sprints), sprints, fresh_at: fresh_at(account, &reader)? })
}

fn all(reader: &Reader<'_>) -> Result<Vec<(EntityId, Sprint)>, Fault> {
    let mut sprints = Vec::new();
    let mut after: Option<EntityId> = None;
    loop {
        let rows = reader.kind(&EntityKind::Sprint, after.as_ref(), PAGE).map_err(Fault::from_derived)?;
        let Some(last) = rows.last() else { return Ok(sprints) };
        after = Some(last.id.clone());
        sprints.extend(rows.into_iter().filter_map(|row| match row.entity {
            Some(Entity::Sprint(sprint)) => Some((row.id, *sprint)),
            _ => None,
        }));
    }
}

fn answer(
    reader: &Reader<'_>,
    context: &Context,
    id: EntityId,
    sprint: &Sprint,
    now: Timestamp,
) -> Result<SprintAnswer, Fault> {
    let rows = reader.lookup("sprint", &id.to_string(), i64::MIN..=i64::MAX, false, EVERY_ONE);
    let items: Vec<_> = rows
        .map_err(Fault::from_derived)?
        .into_iter()
        .filter_map(|row| match row.entity {
            Some(Entity::WorkItem(item)) => Some((row.id, *item)),
            _ => None,
        })
        .collect();
    let report = sprint_report((&id.key, sprint), &items, context.work(), now);
    Ok(SprintAnswer { id, name: sprint.name.clone(), state: sprint.state.clone(), report })
}

fn over(sprints: &[SprintAnswer]) -> BTreeMap<&'static str, Spread> {
    let closed = || {
        let over = sprints.iter().filter(|sprint| sprint.state == Some(SprintState::Closed));
        over.filter_map(|sprint| sprint.report.as_ref())
    };
    let ratio = |ratio: fn(&SprintReport) -> Option<f64>| Spread::of(closed().filter_map(ratio));
    [
        ("delivered", Spread::of(closed().map(|report| report.delivered))),
        ("churn", ratio(|report| report.churn)),
        ("commit_done_ratio", ratio(|report| report.commit_done_ratio)),
        ("delivered_ratio", ratio(|report| report.delivered_ratio)),
        ("creep_ratio", ratio(|report| report.creep_ratio)),
        ("missed_ratio", ratio(|report| report.missed_ratio)),
    ]
    .into()
}
