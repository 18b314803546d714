//! What a workflow pushed about its own run, and the build that its code host reports of it.
//!
//! Invariant: an addition is part of the build whenever the build is known, whichever of the two came first. A run that
//! is known by several attempts is the newest, unless the addition names one.

use std::collections::BTreeMap;

use weir_model::entity::{AttributeValue, Custom};
use weir_model::{Entity, EntityId, EntityKind, Reference, StoredRecord};
use weir_stages::Context;
use weir_stages::normalise::{ADDITION_KIND, ATTEMPT_ATTRIBUTE, Format, PushSettings, RUN_ATTRIBUTE, run_name};
use weir_store::{Apply, Changed, EntityRow, Log, RecordEntities};

use super::{Changes, follow};
use crate::error::Fault;
use crate::normaliser::{Normalised, format_of, native_one};

/// Most builds and additions of one run that are looked at.
const OF_RUN_MAX: usize = 1_000;
/// Attribute of an addition that names the build it is part of.
const BUILD_ATTRIBUTE: &str = "run.build";

/// Names of the runs that a changed build is or was.
pub(super) fn runs(changed: &Changed) -> Vec<String> {
    let name = |entity: &Entity| match entity {
        Entity::Build(build) => build.job.as_ref().zip(build.number).map(|(job, number)| run_name(job, number)),
        _ => None,
    };
    [&changed.before, &changed.after].into_iter().flatten().filter_map(name).collect()
}

/// Links the additions of one batch.
pub(super) struct Additions {
    /// Without any, no build has to be asked for its additions.
    any: bool,
}

impl Additions {
    /// Asks once whether there are any.
    pub(super) fn begin(apply: &Apply<'_>) -> Result<Self, Fault> {
        let kind = EntityKind::Custom(ADDITION_KIND.to_owned());
        let any = !apply.kind(&kind, None, 1).map_err(Fault::from_derived)?.is_empty();
        Ok(Self { any })
    }

    /// Gives what an addition says to the build of its run. While there is none, only what stands alone is kept.
    pub(super) fn link(&mut self, apply: &Apply<'_>, mut normalised: Normalised) -> Result<Normalised, Fault> {
        if format_of(&normalised.stream.dataset) == Some(Format::RunAdditions) {
            self.any = true;
            normalised.entities = linked(apply, normalised.entities)?;
        }
        Ok(normalised)
    }

    /// Links the additions anew of the runs whose builds `cause` changed.
    pub(super) fn link_again(
        &self,
        apply: &mut Apply<'_>,
        context: &Context,
        log: &Log,
        cause: &StoredRecord,
        changes: &mut Changes,
    ) -> Result<(), Fault> {
        let runs = std::mem::take(&mut changes.runs);
        if !self.any {
            return Ok(());
        }
        let mut waiting = Vec::new();
        for run in &runs {
            waiting.extend(of_run(apply, run)?.into_iter().filter(|row| is_addition(&row.id)));
        }
        for row in waiting {
            for record in said(apply, log, &row.id)? {
                let mut normalised = native_one(&record, PushSettings::default());
                let entities = linked(apply, std::mem::take(&mut normalised.entities))?;
                let Normalised { stream, key, version, .. } = normalised;
                let (seq, said) = (record.seq, Some(crate::said::said(&record.record)));
                let again = RecordEntities { stream, key, version, seq, said, entities };
                let all = apply.record_again(&again, cause.seq).map_err(Fault::from_derived)?;
                follow(apply, context, cause, all, changes)?;
            }
        }
        changes.runs.clear();
        Ok(())
    }
}

/// The records behind an addition.
fn said(apply: &Apply<'_>, log: &Log, id: &EntityId) -> Result<Vec<StoredRecord>, Fault> {
    let rows = apply.contributions(id).map_err(Fault::from_derived)?;
    rows.iter().filter_map(|row| log.get(row.seq).map_err(Fault::from_log).transpose()).collect()
}

fn linked(apply: &Apply<'_>, entities: Vec<(EntityId, Entity)>) -> Result<Vec<(EntityId, Entity)>, Fault> {
    let Some((run, attempt)) = entities.iter().find_map(|(id, entity)| named(id, entity)) else { return Ok(entities) };
    let Some(build) = build_of(apply, &run, attempt)? else {
        return Ok(entities.into_iter().filter(|(id, _)| id.kind != EntityKind::Build).collect());
    };
    Ok(entities.into_iter().map(|(id, entity)| part_of(&build, id, entity)).collect())
}

/// Run and attempt that an addition names.
fn named(id: &EntityId, entity: &Entity) -> Option<(String, Option<i64>)> {
    let Entity::Custom(custom) = entity else { return None };
    match (is_addition(id), custom.attributes.get(RUN_ATTRIBUTE), custom.attributes.get(ATTEMPT_ATTRIBUTE)) {
        (true, Some(AttributeValue::Text(run)), Some(AttributeValue::Integer(attempt))) => {
            Some((run.clone(), Some(*attempt)))
        }
        (true, Some(AttributeValue::Text(run)), _) => Some((run.clone(), None)),
        _ => None,
    }
}

fn is_addition(id: &EntityId) -> bool {
    id.kind.as_str() == ADDITION_KIND
}

/// The build of a run. Where several systems have a run of that name, none is meant for sure.
fn build_of(apply: &Apply<'_>, run: &str, attempt: Option<i64>) -> Result<Option<EntityId>, Fault> {
    let mut newest: BTreeMap<_, (u32, EntityId)> = BTreeMap::new();
    for row in of_run(apply, run)? {
        let Some(Entity::Build(build)) = row.entity else { continue };
        let number = build.attempt.unwrap_or(1);
        let system = (row.id.integration.clone(), build.system.clone());
        let is_meant = attempt.is_none_or(|attempt| attempt == i64::from(number));
        if is_meant && newest.get(&system).is_none_or(|(known, id)| (*known, id) < (number, &row.id)) {
            newest.insert(system, (number, row.id));
        }
    }
    let mut builds = newest.into_values();
    let only = builds.next().map(|(_, id)| id);
    Ok(only.filter(|_| builds.next().is_none()))
}

fn of_run(apply: &Apply<'_>, run: &str) -> Result<Vec<EntityRow>, Fault> {
    apply.lookup("run", run, i64::MIN..=i64::MAX, false, OF_RUN_MAX).map_err(Fault::from_derived)
}

/// One thing that an addition states, as that of the build.
fn part_of(build: &EntityId, id: EntityId, entity: Entity) -> (EntityId, Entity) {
    match entity {
        Entity::Build(_) => (build.clone(), entity),
        Entity::Artifact(artifact) => {
            let made = artifact.build.is_some().then(|| Reference::Key(build.key.clone()));
            (EntityId { integration: build.integration.clone(), ..id }, Entity::from(artifact.build(made)))
        }
        Entity::Custom(custom) => (id, Entity::Custom(Box::new(with_build(*custom, build)))),
        other => (id, other),
    }
}

fn with_build(mut addition: Custom, build: &EntityId) -> Custom {
    addition.attributes.insert(BUILD_ATTRIBUTE.to_owned(), AttributeValue::Text(build.to_string()));
    addition
}
